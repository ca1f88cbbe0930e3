//! Block lists and connection limits, on the pages and in the API.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use smtp_exporter::cause::Cause;
use smtp_exporter::dnsbl::{Code, Kind, List, Plan, Reason, Subject, Verdict, Wanted};
use smtp_exporter::observation::{
    Abort, AbortKind, Health, LadderSeen, Lookup, Refusal, RefusedHow, Side, Transcript,
};
use smtp_exporter::smtp::Phase;
use smtp_exporter::target::{Ladder, LadderMode};
use smtp_exporter::web::Page;

use super::page::{HOSTILE, good, hold, json, mx, saw, section};
use super::{House, checks, module, target};

pub(super) fn list(name: &str, kind: Kind) -> Arc<List> {
    let delisting = Some("https://list.test/remove".into());
    Arc::new(List { delisting, ..List::custom(name, name, kind).unwrap() })
}

fn subject(text: &str) -> Subject {
    text.parse().map_or_else(|_| Subject::Domain(text.into()), Subject::Address)
}

/// Makes the store look these subjects up on these lists.
pub(super) fn plan(house: &House, lists: &[Arc<List>], subjects: &[&str]) {
    let hour = Duration::from_secs(3600);
    let labels = BTreeMap::from([("team".to_owned(), "mail".to_owned())]);
    let wanted = |text: &&str| Wanted { subject: subject(text), labels: labels.clone() };
    let subjects: Vec<Wanted> = subjects.iter().map(wanted).collect();
    let plan = Plan {
        interval: hour,
        listed_interval: hour,
        health_interval: hour,
        timeout: hour,
        subjects: subjects.clone(),
        from_targets: None,
        own: None,
        lists: lists.to_vec(),
        servers: Vec::new(),
    };
    house.store.listings().replace(Some(&plan), &subjects);
}

pub(super) fn told(
    house: &House,
    list: &Arc<List>,
    text: &str,
    verdict: Verdict,
    reasons: &[&str],
) {
    house.store.listings().put(Arc::new(Lookup {
        list: list.clone(),
        subject: subject(text),
        ended: SystemTime::now(),
        duration: None,
        verdict,
        reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
        good_until: SystemTime::now(),
    }));
}

pub(super) fn listed(meaning: &str) -> Verdict {
    Verdict::Listed(vec![Code { address: [127, 0, 0, 2].into(), meaning: meaning.into() }])
}

/// `mx1` is 192.0.2.1, listed on one list of five; 192.0.2.9, of no target, is listed as well.
async fn with_lists() -> House {
    let house = House::start(|_| ()).await;
    hold(&house, &["mx1", "mx2"]);
    saw(&house, "mx1", vec![good("192.0.2.1")]);
    saw(&house, "mx2", vec![good("192.0.2.2")]);
    let lists =
        ["bad.test", "good.test", "refuses.test", "sick.test"].map(|n| list(n, Kind::Block));
    let allow = list("allow.test", Kind::Allow);
    let all: Vec<_> = lists.iter().cloned().chain([allow.clone()]).collect();
    plan(&house, &all, &["192.0.2.1", "192.0.2.2", "192.0.2.9"]);
    for one in ["192.0.2.1", "192.0.2.2", "192.0.2.9"] {
        told(&house, &lists[1], one, Verdict::Clean, &[]);
        let refused = Verdict::Unknown(Reason::Refused, format!("refused: {HOSTILE}"));
        told(&house, &lists[2], one, refused, &[]);
        told(&house, &lists[3], one, listed("everything"), &[]);
        told(&house, &allow, one, listed("trusted"), &[]);
    }
    told(&house, &lists[0], "192.0.2.1", listed("spam source"), &[&format!("ask us {HOSTILE}")]);
    told(&house, &lists[0], "192.0.2.2", Verdict::Clean, &[]);
    told(&house, &lists[0], "192.0.2.9", listed("open relay"), &[]);
    let (ended, detail) = (SystemTime::now(), "127.0.0.1 is listed".to_owned());
    let health = Health { ended, healthy: Some(false), detail };
    house.store.listings().put_health(&lists[3], health);
    let until = SystemTime::now() + Duration::from_secs(600);
    house.store.listings().set_paused("refuses.test", Some(until));
    house
}

#[tokio::test]
async fn hits_stand_on_the_page_of_all_and_on_their_targets() {
    let house = with_lists().await;
    let home = house.get("/").await;
    home.has(200, "href=\"#block-lists\"");
    let part = section(home.text(), "lists-bad");
    for words in [
        "<h3>192.0.2.1</h3><div class=\"dim\"><a href=\"/targets/mx1\">mx1</a></div>",
        "<h3>192.0.2.9</h3><div class=\"dim\">belongs to no target</div>",
        "team=mail",
        "bad.test</strong>: spam source <span class=\"dim\">(127.0.0.2)</span>",
        "ask us &lt;script&gt;",
        "Listed for <time",
        "href=\"https://list.test/remove\">Look-up and removal at bad.test</a>",
        "3 addresses and domains on 5 lists: 2 listed, 4 clean, 6 could not be told, 3 on allow",
        "sick.test</b><span class=\"lists-state\">unhealthy",
        "refuses.test</b><span class=\"lists-state\">paused</span><span>Left alone, asked again",
    ] {
        assert!(part.contains(words), "no {words} in {part}");
    }
    // An unhealthy list proves nothing.
    assert!(!part.contains("everything") && !part.contains("192.0.2.2"), "{part}");
    assert_eq!(home.text().matches("<script").count(), 1);
    assert!(section(home.text(), "degraded").contains("href=\"/targets/mx1#block-lists\">on bad"));
    let page = house.get("/targets/mx1").await;
    let part = section(page.text(), "lists-bad");
    assert!(part.contains("spam source") && part.contains("ask us &lt;script&gt;"), "{part}");
    assert!(part.contains("Could not be told: 2") && !part.contains("192.0.2.9"), "{part}");
    let page = house.get("/targets/mx2").await;
    assert!(section(page.text(), "lists-good").contains("0 listed, 2 clean, 2 could not"));
    house.get("/?q=open%20relay").await.has(200, "192.0.2.9");
    let other = house.get("/?q=mx2").await;
    assert!(!other.text().contains("block-lists"), "{}", other.text());
}

#[tokio::test]
async fn the_api_has_the_rows_that_the_pages_show() {
    let house = with_lists().await;
    let all = json(&house, "/api/v1/listings").await;
    let rows = all["data"]["listings"].as_array().unwrap();
    assert_eq!((rows.len(), &all["data"]["subjects"]), (15, &3.into()));
    let row = |rows: &[Value], list: &str| -> Value {
        rows.iter()
            .find(|row| row["list"] == list && row["subject"] == "192.0.2.1")
            .unwrap()
            .clone()
    };
    let bad = row(rows, "bad.test");
    assert_eq!((&bad["verdict"], &bad["targets"][0]), (&"listed".into(), &"mx1".into()));
    assert_eq!(bad["codes"][0]["meaning"], "spam source");
    assert!(row(rows, "refuses.test")["paused_until"].is_string());
    let lists = all["data"]["lists"].as_array().unwrap();
    let states: Vec<_> = lists.iter().map(|list| list["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["working", "working", "working", "paused", "unhealthy"]);
    // The same row stands in the target's answer, whole; of all targets, only where it is listed.
    let one = json(&house, "/api/v1/targets/mx1").await;
    let of_one = one["data"]["targets"][0]["listings"].as_array().unwrap();
    assert_eq!((of_one.len(), &row(of_one, "bad.test")), (5, &bad));
    let every = json(&house, "/api/v1/targets").await;
    let brief = &every["data"]["targets"][0];
    assert_eq!(brief["listings"].as_array().unwrap().len(), 2);
    let counts = serde_json::json!(
        {"listed": 1, "allowed": 1, "clean": 1, "unknown": 2, "waiting": 0});
    assert_eq!(brief["listing_counts"], counts);
    assert_eq!(brief["warnings"], serde_json::json!(["listed"]));
}

/// Every subject on every list is the worst that there can be; a list that breaks says that.
#[tokio::test]
async fn very_many_listings_are_a_small_page() {
    for all_listed in [false, true] {
        let house = House::start(|_| ()).await;
        let names: Vec<String> = (0..500).map(|i| format!("mx{i:03}.mail.example.net")).collect();
        hold(&house, &names.iter().map(String::as_str).collect::<Vec<_>>());
        let addresses: Vec<String> =
            (0..500).map(|i| format!("10.0.{}.{}", i / 250, i % 250)).collect();
        for (name, address) in names.iter().zip(&addresses) {
            saw(&house, name, vec![good(address)]);
        }
        let lists: Vec<_> = (0..50).map(|i| list(&format!("list{i}.test"), Kind::Block)).collect();
        let others: Vec<String> = (0..100).map(|i| format!("192.0.2.{i}")).collect();
        let subjects: Vec<&str> = addresses.iter().chain(&others).map(String::as_str).collect();
        plan(&house, &lists, &subjects);
        let text = "x".repeat(512);
        for (number, one) in subjects.iter().enumerate() {
            for list in &lists {
                if all_listed || number % 100 == 0 {
                    told(&house, list, one, listed("spam source"), &[text.as_str(); 8]);
                } else {
                    told(&house, list, one, Verdict::Clean, &[]);
                }
            }
        }
        let page = house.get("/").await;
        page.has(200, "600 addresses and domains on 50 lists");
        let most = if all_listed { 1_500_000 } else { 800_000 };
        assert!(page.body.len() < most, "{}", page.body.len());
        let packed = house.ask("GET", "/", "Accept-Encoding: gzip\r\n").await;
        assert!(packed.body.len() < 150_000, "{}", packed.body.len());
        let one = house.get("/targets/mx000.mail.example.net").await;
        assert!(one.body.len() < 120_000, "{}", one.body.len());
    }
}

pub(super) fn ladder(name: &str, mode: LadderMode) -> Arc<Ladder> {
    let check = checks(&target(name, "192.0.2.25", vec![module("smtp")])).remove(0);
    Arc::new(Ladder {
        check,
        mode,
        cap: 20,
        max_idle: Duration::from_secs(600),
        interval: Duration::from_secs(3600),
        helo: None,
        hold: Duration::from_secs(8),
    })
}

/// Seven sessions at once were accepted.
pub(super) fn limited(address: &str) -> LadderSeen {
    LadderSeen {
        accepted: 7,
        tried: 20,
        refusal: Some(Refusal {
            code: 421,
            cause: Cause::TooManyConnections,
            phase: Phase::Greeting,
            how: RefusedHow::Reply,
            detail: format!("421 {HOSTILE}"),
        }),
        recovery: Some(Duration::from_millis(300)),
        ..LadderSeen::of(mx(address), LadderMode::Simultaneous, SystemTime::now())
    }
}

/// `mx1` takes seven sessions at once; its last run broke off.
async fn with_limits() -> House {
    let house = House::start(|_| ()).await;
    hold(&house, &["mx1", "mx2"]);
    saw(&house, "mx1", vec![good("192.0.2.1")]);
    saw(&house, "mx2", vec![good("192.0.2.2")]);
    let generation = house.generation + 1;
    let ladders = [
        ladder("mx1", LadderMode::Simultaneous),
        ladder("mx1", LadderMode::Idle),
        ladder("mx2", LadderMode::Rate),
    ];
    house.store.replace_ladders(&ladders, generation);
    let now = SystemTime::now();
    let measured = limited("192.0.2.1");
    let key = ladders[0].key();
    house.store.put_ladder(generation, &key, Arc::new(measured.clone()));
    let abort = Abort { kind: AbortKind::Elsewhere, detail: "mx2 began to fail".to_owned() };
    house.store.put_ladder(
        generation,
        &key,
        Arc::new(LadderSeen { aborted: Some(abort), ..measured }),
    );
    house.store.set_next_ladder(generation, &key, now + Duration::from_secs(1800));
    house.store.set_ladder_running(generation, &ladders[1].key(), Some(now));
    house.store.deny_ladder(generation, &ladders[2].key(), now, "stay away".to_owned());
    house
}

#[tokio::test]
async fn limits_stand_with_their_target() {
    let house = with_limits().await;
    let home = house.get("/").await;
    assert!(section(home.text(), "up").contains("7 sessions at once"), "{}", home.text());
    let page = house.get("/targets/mx1").await;
    let part = section(page.text(), "limits");
    for words in [
        "<p class=\"cause\">7 sessions at once</p>",
        "<dd>7 of 20 tried</dd>",
        "<a href=\"/runbooks/too_many_connections\">too_many_connections</a> in greeting (reply)",
        "421 &lt;script&gt;",
        "a new session was accepted after 300 ms",
        "The last run broke off</strong>",
        "mx2 began to fail (elsewhere). The run before it measured:",
        "Next run <time",
        "Watched for at most 10m, every 1h. <strong>A run is under way</strong>",
    ] {
        assert!(part.contains(words), "no {words} in {part}");
    }
    house.get("/targets/mx2").await.has(200, "was not begun, ");
    let api = json(&house, "/api/v1/targets/mx1").await;
    let limits = &api["data"]["limits"];
    assert_eq!(limits.as_array().unwrap().len(), 2);
    assert_eq!(limits[0]["mode"], "simultaneous");
    let at = &limits[0]["endpoints"][0];
    assert_eq!(
        (&at["measured"]["accepted"], &at["aborted"]["kind"]),
        (&7.into(), &"elsewhere".into())
    );
    assert_eq!(at["measured"]["recovery_seconds"], 0.3);
    assert!(limits[0]["running_since"].is_null() && limits[1]["running_since"].is_string());
    let all = json(&house, "/api/v1/targets").await;
    assert_eq!(all["data"]["limits"][2]["not_begun"]["detail"], "stay away");
    // A later run is no longer one that was not begun.
    let seen = LadderSeen::of(mx("192.0.2.2"), LadderMode::Rate, SystemTime::now());
    let key = ladder("mx2", LadderMode::Rate).key();
    house.store.put_ladder(house.generation + 1, &key, Arc::new(seen));
    let all = json(&house, "/api/v1/targets").await;
    assert!(all["data"]["limits"][2]["not_begun"].is_null());
}

#[tokio::test]
async fn no_transcript_comes_out_where_logs_are_closed() {
    let paths = ["/targets/mx1", "/api/v1/targets/mx1", "/probe?target=mx1&module=smtp&debug=true"];
    for closed in [vec![], vec![Page::Logs]] {
        let open = closed.is_empty();
        let house = House::start(|state| state.closed = closed).await;
        hold(&house, &["mx1"]);
        let mut transcript = Transcript::default();
        transcript.push(Duration::ZERO, Side::Server, "220 only in the transcript");
        let seen = smtp_exporter::observation::Observation {
            transcript: Arc::new(transcript),
            ..(*good("192.0.2.1")).clone()
        };
        saw(&house, "mx1", vec![Arc::new(seen)]);
        for path in paths {
            let answer = house.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.text().contains("only in the transcript"), open, "{path}");
            assert!(!answer.text().contains("EHLO probe"), "{path}");
        }
        assert_eq!(house.get("/targets/mx1").await.text().contains("/logs?"), open);
        assert_eq!(house.get("/logs?target=mx1").await.status, if open { 200 } else { 403 });
    }
}

#[tokio::test]
async fn no_link_leads_to_a_page_that_is_closed() {
    for page in Page::ALL {
        let house = House::start(|state| state.closed = vec![*page]).await;
        hold(&house, &["mx1"]);
        saw(&house, "mx1", vec![good("192.0.2.1")]);
        let (gone, left): (&[&str], &[&str]) = match page {
            Page::Status => (
                &[
                    "/",
                    "/targets/mx1",
                    "/api/v1/targets",
                    "/api/v1/targets/mx1",
                    "/api/v1/listings",
                ],
                &["/config", "/runbooks", "/metrics", "/logs?target=mx1"],
            ),
            Page::Config => (&["/config"], &["/", "/targets/mx1", "/runbooks"]),
            Page::Logs => (&["/logs?target=mx1"], &["/", "/targets/mx1", "/config"]),
            Page::Probe => (&["/probe?target=mx1"], &["/", "/targets/mx1", "/config"]),
            Page::Reload => (&[], &["/", "/config", "/logs?target=mx1"]),
        };
        for path in gone {
            house.get(path).await.has(403, &format!("closed by --web.closed={page}"));
        }
        for path in left {
            let answer = house.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            for link in answer.text().split("href=\"").skip(1) {
                let link = link.split('"').next().unwrap().replace("&amp;", "&");
                let Some(link) = link.strip_prefix('/') else { continue };
                let status = house.get(&format!("/{link}")).await.status;
                assert_ne!(status, 403, "{path} leads to /{link}, closed by {page}");
            }
        }
    }
}
