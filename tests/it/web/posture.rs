//! Domains' records and keys, on the pages and in the API.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use expect_test::expect_file;
use serde_json::Value;
use smtp_exporter::posture::{Exchange, Finding, On, Problem, Report, Subject};
use smtp_exporter::web::Page;

use super::House;
use super::page::{HOSTILE, json, section};
use crate::posture::{empty, full, subject};

/// `bad.test` has errors, `odd.test` a warning with hostile words, `good.test` nothing, and `new.test`
/// was not looked at.
async fn with_domains(change: impl FnOnce(&mut smtp_exporter::web::State)) -> House {
    let house = House::start(change).await;
    let all = ["bad.test", "good.test", "new.test", "odd.test"].map(subject);
    house.store.postures().replace(&all, 1);
    let [bad, good, new, odd] = &all;
    let now = SystemTime::now();
    house.store.postures().put(1, Report { ended: now - Duration::from_secs(90), ..full(bad) });
    house.store.postures().put(1, Report { ended: now, ..empty(good) });
    house.store.postures().set_next(1, &new.domain, now + Duration::from_secs(60));
    let mut report = Report { ended: now, ..full(odd) };
    report.spf.record = Some(format!("v=spf1 {HOSTILE}"));
    report.mx.hosts[0].host = HOSTILE.into();
    report.findings = vec![Finding {
        problem: Problem::MxAlias,
        on: On::Mx(HOSTILE.into()),
        detail: format!("it is {HOSTILE}"),
    }];
    let (question, answer) = (format!("TXT {HOSTILE}"), format!("{HOSTILE}\n{HOSTILE}"));
    report.transcript = vec![Exchange { question, answer }];
    house.store.postures().put(1, report);
    house
}

#[tokio::test]
async fn what_is_wrong_stands_on_the_page_of_all_with_what_to_do() {
    let house = with_domains(|_| ()).await;
    let home = house.get("/").await;
    home.has(200, "href=\"#posture\"");
    let part = section(home.text(), "lists-bad");
    for words in [
        "Records and keys <span class=\"count\">4</span>",
        "<a href=\"/posture/bad.test\">bad.test</a></h3><div>6 errors, 5 warnings</div>",
        "team=mail",
        "<strong class=\"bad\">spf_pass_all</strong>",
        Problem::SpfPassAll.advice().action,
        "and 7 more</a>",
        "<a href=\"/posture/odd.test\">odd.test</a></h3><div>1 warning</div>",
        "&lt;script&gt;",
        "nothing wrong",
        "not looked at yet",
        "Looked at <time",
    ] {
        assert!(part.contains(words), "no {words} in {part}");
    }
    assert!(!home.text().contains("<script>alert"), "{}", home.text());
    assert!(!home.text().contains('\u{202e}'));
    // The worst is first.
    assert!(part.find("bad.test").unwrap() < part.find("odd.test").unwrap());
    assert!(!home.text().contains("No targets are configured"));
    let some = house.get("/?q=mx_alias").await;
    let part = section(some.text(), "lists-wait");
    assert!(part.contains("odd.test") && !part.contains("bad.test"), "{part}");
    let without = House::start(|_| ()).await;
    assert!(!without.get("/").await.text().contains("id=\"posture\""));
}

#[tokio::test]
async fn a_domain_has_a_page_of_its_own() {
    let house = with_domains(|_| ()).await;
    let page = house.get("/posture/bad.test").await;
    for words in [
        "<h1>bad.test</h1>",
        "id=\"spf\"",
        "id=\"mta_sts\"",
        "id=\"bimi\"",
        "spf_sender_not_passing</strong> at 192.0.2.25",
        "For <time",
        "v=DKIM1; t=y; p=MIIB",
        "a strict sender delivers by DANE",
        "What was asked and answered: 1",
        "href=\"/api/v1/posture\"",
    ] {
        page.has(200, words);
    }
    let odd = house.get("/posture/odd.test").await;
    odd.has(200, "v=spf1 &lt;script&gt;");
    assert!(!odd.text().contains("<script>alert") && !odd.text().contains('\u{202e}'));
    assert!(odd.headers["content-security-policy"].contains("default-src 'none'"));
    house.get("/posture/new.test").await.has(200, "It was not looked at yet.");
    house.get("/posture/%3Cb%3E").await.has(404, "&lt;b&gt;");
    house.get("/posture/").await.has(404, "no such page");
    house.get("/posture/%ff").await.has(400, "UTF-8");
}

#[tokio::test]
async fn the_same_is_told_as_json() {
    let house = with_domains(|_| ()).await;
    let all = json(&house, "/api/v1/posture").await;
    let domains = all["data"]["domains"].as_array().unwrap();
    let of =
        |key: &str| -> Vec<&str> { domains.iter().map(|d| d[key].as_str().unwrap()).collect() };
    assert_eq!(of("domain"), ["bad.test", "odd.test", "new.test", "good.test"]);
    assert_eq!(of("state"), ["error", "warning", "waiting", "good"]);
    let bad = &domains[0];
    assert_eq!((&bad["errors"], &bad["facts"]["dkim"][0]["bits"]), (&6.into(), &2048.into()));
    assert_eq!(bad["facts"]["mx"]["hosts"][1]["strict_delivers"], false);
    assert_eq!(bad["findings"][0]["action"], Problem::SpfSenderNotPassing.advice().action);
    assert!(bad["findings"][0]["since"].as_str().unwrap().ends_with('Z'));
    assert_eq!(domains[2]["facts"], Value::Null);
    let mut names = BTreeMap::new();
    collect(&all, "", &mut names);
    let text: String = names.keys().map(|name: &String| format!("{name}\n")).collect();
    expect_file!["../../metrics/api_names_posture.txt"].assert_eq(&text);
}

/// The path of every name in the answer; what stands in a list is one.
fn collect(value: &Value, path: &str, names: &mut BTreeMap<String, ()>) {
    match value {
        Value::Object(entries) if !path.ends_with("labels") => {
            for (name, value) in entries {
                collect(value, &format!("{path}.{name}"), names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, names)),
        _ => {
            names.insert(path.trim_start_matches('.').to_owned(), ());
        }
    }
}

#[tokio::test]
async fn closed_pages_stay_closed() {
    let house = with_domains(|state| state.closed = vec![Page::Logs]).await;
    let page = house.get("/posture/bad.test").await;
    assert!(!page.text().contains("What was asked and answered"), "{}", page.text());
    let all = json(&house, "/api/v1/posture").await;
    assert_eq!(all["data"]["domains"][0]["transcript"], Value::Null);
    let house = with_domains(|state| state.closed = vec![Page::Status]).await;
    for path in ["/posture/bad.test", "/api/v1/posture"] {
        house.get(path).await.has(403, "closed");
    }
}

#[tokio::test]
async fn many_domains_are_bounded() {
    let house = House::start(|_| ()).await;
    let all: Vec<Arc<Subject>> = (0..300).map(|n| subject(&format!("d{n:03}.test"))).collect();
    house.store.postures().replace(&all, 1);
    for one in &all {
        house.store.postures().put(1, full(one));
    }
    let home = house.get("/").await;
    assert_eq!(home.text().matches("<article class=\"card hit\">").count(), 20);
    home.has(200, "d299.test");
}
