//! The pages and the API: groups, escaping, links, and that both tell the same.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use smtp_exporter::cause::Cause;
use smtp_exporter::observation::{
    Certificate, Failure, Observation, ReplySeen, Side, TlsFacts, Transcript,
};
use smtp_exporter::smtp::Phase;
use smtp_exporter::target::Endpoint;
use smtp_exporter::web::normal_prefix;

use super::{House, checks, endpoint, module, observation, refusal, round, target};

pub(super) const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}";

/// Makes the house hold targets of these names, with the module `smtp`.
pub(super) fn hold(house: &House, names: &[&str]) {
    let targets: Vec<_> =
        names.iter().map(|name| target(name, "192.0.2.25", vec![module("smtp")])).collect();
    let checks: Vec<_> = targets.iter().flat_map(checks).collect();
    house.store.replace_checks(&checks, 10);
    house.change_running(|running| {
        running.targets = targets.into_iter().map(|t| (t.name.clone(), t)).collect();
    });
}

/// `House::schedule` with the store's generation after [`hold`].
pub(super) fn saw(house: &House, target: &str, observations: Vec<Arc<Observation>>) {
    let key = (Arc::from(target), Arc::from("smtp"));
    let round = round(observations);
    for observation in &round.observations {
        house.store.put(house.generation + 1, &key, observation.clone());
    }
    house.store.finish_round(house.generation + 1, &key, &round);
}

pub(super) fn mx(address: &str) -> Endpoint {
    endpoint("mx", 25, address)
}

pub(super) fn good(address: &str) -> Arc<Observation> {
    observation(&mx(address), None)
}

/// Nobody answered the connection.
fn silent(address: &str, cause: Cause) -> Arc<Observation> {
    let failure = Failure::new(Phase::Connect, cause, "no answer");
    Arc::new(Observation {
        failure: Some(failure),
        ..Observation::of(mx(address), SystemTime::now())
    })
}

/// A good probe whose certificate ends in so many days.
pub(super) fn with_certificate(address: &str, days: i64) -> Arc<Observation> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let certificate = Certificate {
        fingerprint_sha256: "ab".repeat(32),
        serial: "01".to_owned(),
        subject: format!("CN={HOSTILE}"),
        issuer: "CN=issuer".to_owned(),
        key: "RSA 2048".to_owned(),
        names: vec![HOSTILE.to_owned()],
        not_before: 0,
        not_after: i64::try_from(now).unwrap() + days * 86_400 + 60,
    };
    let tls = TlsFacts {
        established: true,
        verified: Some(true),
        chain: [certificate].into(),
        ..TlsFacts::default()
    };
    Arc::new(Observation { tls: Some(tls), ..(*good(address)).clone() })
}

pub(super) async fn json(house: &House, path: &str) -> Value {
    let answer = house.get(path).await;
    assert_eq!(
        (answer.status, &*answer.headers["content-type"]),
        (200, "application/json; charset=utf-8")
    );
    serde_json::from_slice(&answer.body).unwrap()
}

fn row<'a>(json: &'a Value, target: &str) -> &'a Value {
    json["data"]["targets"].as_array().unwrap().iter().find(|row| row["target"] == target).unwrap()
}

/// The part of the page between the ids of two groups.
pub(super) fn section<'a>(page: &'a str, group: &str) -> &'a str {
    let start = page
        .find(&format!("<section class=\"{group}\""))
        .unwrap_or_else(|| panic!("no {group} in {page}"));
    page[start..].split("</section>").next().unwrap()
}

/// Every state that a target can have, one target each.
async fn every_state() -> House {
    let house = House::start(|_| ()).await;
    hold(&house, &["dead", "ends", "half", "no-route", "paused", "pending", "refuses", "well"]);
    saw(&house, "dead", vec![silent("192.0.2.1", Cause::ConnectTimeout)]);
    saw(&house, "ends", vec![with_certificate("192.0.2.2", 5)]);
    saw(&house, "half", vec![good("192.0.2.3"), silent("192.0.2.4", Cause::ConnectTimeout)]);
    saw(&house, "no-route", vec![silent("192.0.2.5", Cause::ExporterLimit)]);
    saw(&house, "refuses", vec![observation(&mx("192.0.2.6"), Some(refusal()))]);
    saw(&house, "well", vec![with_certificate("192.0.2.7", 70)]);
    let busy = Failure::new(Phase::Greeting, Cause::TooManyConnections, "421 too many");
    let seen = observation(&mx("192.0.2.8"), Some(busy));
    let until = SystemTime::now() + Duration::from_secs(300);
    let mut told = round(vec![seen.clone()]);
    told.paused = vec![(seen.endpoint.clone(), until, Cause::TooManyConnections)];
    let key = ("paused".into(), "smtp".into());
    house.store.put(house.generation + 1, &key, seen);
    house.store.finish_round(house.generation + 1, &key, &told);
    house.store.set_next(house.generation + 1, &key, until);
    house
}

#[tokio::test]
async fn targets_stand_in_the_group_of_who_has_to_do_something() {
    let house = every_state().await;
    let answer = house.get("/").await;
    let page = answer.text();
    let api = json(&house, "/api/v1/targets").await;
    let groups = [
        ("down", "dead", "connect_timeout"),
        ("refused", "refuses", "blocklisted"),
        ("own_trouble", "no-route", "exporter_limit"),
        ("degraded", "half", "an endpoint is not available"),
        ("degraded", "ends", "a certificate ends soon"),
        ("paused", "paused", "free again"),
        ("unknown", "pending", "pending"),
        ("up", "well", "70 days"),
    ];
    let mut last = 0;
    for (group, name, word) in groups {
        let part = section(page, group);
        assert!(part.contains(&format!("/targets/{name}#")), "{name} is not in {group}: {part}");
        assert!(part.contains(word), "no {word} in {part}");
        assert_eq!(row(&api, name)["group"], group);
        let place = page.find(&format!("<section class=\"{group}\"")).unwrap();
        assert!(last <= place, "{group} is out of order");
        last = place;
    }
    assert_eq!(api["data"]["counts"]["degraded"], 2);
    assert_eq!(api["data"]["counts"]["unexpected"], 0);
    assert_eq!(row(&api, "half")["warnings"][0], "endpoint_unavailable");
    assert_eq!(row(&api, "ends")["warnings"][0], "certificate_ends");
    assert_eq!(row(&api, "dead")["warnings"], serde_json::json!([]));
    assert_eq!(row(&api, "ends")["certificate_days_left"], 5);
}

#[tokio::test]
async fn a_negative_test_that_is_not_met_has_a_group_of_its_own() {
    let house = House::start(|_| ()).await;
    let mut check = checks(&target("relay", "192.0.2.26", vec![module("smtp")])).remove(0);
    let expect = smtp_exporter::target::Expect { phase: Phase::Rcpt, codes: vec![550] };
    Arc::make_mut(&mut check.module).expect = Some(expect);
    house.store.replace_checks(&[check], 10);
    let open = Observation { negative: true, met: Some(false), ..(*good("192.0.2.26")).clone() };
    saw(&house, "relay", vec![Arc::new(open)]);
    let page = house.get("/").await;
    assert!(section(page.text(), "unexpected").contains("not as expected"));
    // What mends a refusal is no help where a refusal is wanted.
    assert!(!page.text().contains("class=\"advice\""));
}

#[tokio::test]
async fn the_page_says_why_whose_move_it_is_and_what_to_do() {
    let house = every_state().await;
    let page = house.get("/").await;
    page.has(200, "<a href=\"/runbooks/blocklisted\">blocklisted</a> in greeting");
    page.has(200, "href=\"https://check.spamhaus.org\">check.spamhaus.org</a>");
    page.has(200, "mend what put us there, then ask for removal.");
    page.has(200, "The move is ours: our address, name, login, settings or sending must change.");
    page.has(200, "aria-label=\"greeting 3.0 ms\"");
    page.has(200, "<title>2 ✕ · smtp_exporter</title>");
    let target = house.get("/targets/refuses").await;
    target.has(200, "href=\"/logs?target=refuses&amp;module=smtp\"");
    target.has(200, "href=\"/probe?target=refuses&amp;module=smtp&amp;debug=true\"");
    target.has(200, "1 round, 1 failed");
    target.has(200, "<b>554</b>");
}

#[tokio::test]
async fn what_others_say_is_text_everywhere() {
    let house = House::start(|_| ()).await;
    let name = "mx\"'<b>&/ü";
    hold(&house, &[name]);
    let mut transcript = Transcript::default();
    transcript.push(Duration::from_millis(3), Side::Server, format!("554 {HOSTILE}"));
    let reply = ReplySeen {
        phase: Phase::Greeting,
        code: 554,
        enhanced: None,
        cause: Some(Cause::Blocklisted),
        text: HOSTILE.into(),
    };
    let failure = Failure::new(Phase::Greeting, Cause::Blocklisted, format!("554 {HOSTILE}"));
    let seen = Observation {
        failure: Some(failure),
        replies: vec![reply],
        transcript: Arc::new(transcript),
        ..(*with_certificate("192.0.2.1", 70)).clone()
    };
    saw(&house, name, vec![Arc::new(seen)]);
    let path = "/targets/mx%22%27%3Cb%3E%26%2F%C3%BC";
    house.get("/").await.has(200, &format!("href=\"{path}#module-smtp\""));
    let missing = format!("/targets/{}", "%3Cscript%3Ealert(1)%3C/script%3E");
    for (path, status) in
        [("/", 200), (path, 200), (&missing, 404), ("/?q=%22%3E%3Cscript%3E", 200)]
    {
        let answer = house.get(path).await;
        assert_eq!(answer.status, status);
        let page = answer.text();
        // The one script is ours, and no element of theirs came to be.
        assert_eq!(page.matches("<script").count(), 1, "{path}");
        assert!(!page.contains("<img") && !page.contains("<b>&/"), "{path}");
        assert!(!page.contains('\u{202e}'), "{path}");
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    }
    let page = house.get(path).await;
    page.has(200, "&lt;script&gt;alert(1)&lt;/script&gt;");
    page.has(200, "<h1>mx&quot;'&lt;b&gt;&amp;/ü</h1>");
    let api = json(&house, &path.replace("/targets", "/api/v1/targets")).await;
    assert_eq!(row(&api, name)["last_reply"]["text"], HOSTILE);
}

#[tokio::test]
async fn the_page_of_a_target_shows_what_its_json_holds() {
    let house = House::start(|_| ()).await;
    hold(&house, &["mx1"]);
    saw(&house, "mx1", vec![with_certificate("192.0.2.1", 70)]);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let refused = observation(&mx("192.0.2.1"), Some(refusal()));
    saw(&house, "mx1", vec![refused, silent("192.0.2.2", Cause::ConnectTimeout)]);
    let answer = house.get("/targets/mx1").await;
    let page = answer.text();
    let api = json(&house, "/api/v1/targets/mx1").await;
    let row = row(&api, "mx1");
    let endpoints = row["endpoints"].as_array().unwrap();
    assert_eq!(endpoints.len(), 2);
    let mut facts = vec![
        row["failure"]["meaning"].clone(),
        row["failure"]["side"].clone(),
        row["failure"]["lasting"].clone(),
        row["failure"]["rule"].clone(),
    ];
    for endpoint in endpoints {
        facts.push(endpoint["address"].clone());
        facts.push(endpoint["state"].clone());
        facts.push(endpoint["failure"]["cause"].clone());
        let kept = &endpoint["transcripts"];
        for kept in [&kept["last_failure"], &kept["last_success"]] {
            for line in kept["lines"].as_array().into_iter().flatten() {
                facts.push(line["text"].clone());
                let at = line["at_seconds"].as_f64().unwrap();
                facts.push(Value::String(format!("{at:.3}")));
            }
        }
    }
    assert!(facts.len() > 16, "{facts:?}");
    for fact in facts {
        let text = fact.as_str().unwrap();
        let shown = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(page.contains(&shown), "no {shown} in {page}");
    }
    assert_eq!(row["history"].as_array().unwrap().len(), 2);
    assert_eq!(page.matches("class=\"s-bad\"").count(), 1);
    assert_eq!(page.matches("class=\"s-good\"").count(), 1);
    assert_eq!(page.matches("220 mx &lt;script&gt;").count(), 2, "failure and success");
    // Transcripts and history are for one target, not for the list of all.
    let all = json(&house, "/api/v1/targets").await;
    let brief = &all["data"]["targets"][0];
    assert!(brief.get("history").is_none() && brief["endpoints"][0].get("transcripts").is_none());
    let id = endpoints[0]["id"].as_str().unwrap();
    house.get(&format!("/logs?id={id}")).await.has(200, "mx1 smtp mx:25 at 192.0.2.1");
}

#[tokio::test]
async fn a_target_that_is_gone_is_told_with_the_nearest_names() {
    let house = House::start(|state| state.route_prefix = normal_prefix("/mail")).await;
    hold(&house, &["mx1.example.net", "mx2.example.net", "other"]);
    let page = house.get("/mail/targets/mx1.exmaple.net").await;
    page.has(404, "no target named <b>mx1.exmaple.net</b>");
    page.has(404, "href=\"/mail/targets/mx1.example.net\"");
    assert!(!page.text().contains("targets/other\""));
    let api = house.get("/mail/api/v1/targets/mx1.exmaple.net").await;
    let json: Value = serde_json::from_slice(&api.body).unwrap();
    assert_eq!((api.status, &json["errorType"]), (404, &"not_found".into()));
    assert_eq!(json["near"][0], "mx1.example.net");
    house.get("/mail/targets/%ff").await.has(400, "not UTF-8");
    house.get("/mail/targets/").await.has(404, "no such page");
    for path in ["/mail/targets/other", "/mail/api/v1/targets/other"] {
        let answer = house.ask("POST", path, "").await;
        assert_eq!((answer.status, &*answer.headers["allow"]), (405, "GET, HEAD"));
    }
}

#[tokio::test]
async fn the_filter_finds_by_name_cause_and_address() {
    let house = every_state().await;
    for (words, found, hidden) in [
        ("REFUSES", "refuses", "well"),
        ("connect_timeout", "dead", "well"),
        ("192.0.2.7", "well", "dead"),
        ("degraded", "half", "well"),
    ] {
        let page = house.get(&format!("/?q={words}")).await;
        page.has(200, &format!("/targets/{found}#"));
        page.has(200, " of 8 shown.");
        assert!(!page.text().contains(&format!("/targets/{hidden}#")), "{words}");
    }
    house.get("/?q=%20").await.has(200, "/targets/well#");
    house.get("/?q=nonsense").await.has(200, "No target holds these words.");
}

#[tokio::test]
async fn links_begin_with_the_external_urls_path() {
    let house = House::start(|state| {
        state.route_prefix = normal_prefix("mail/");
        state.external_url = Some("https://example.net/out/side/?x".to_owned());
    })
    .await;
    for path in ["/mail/", "/mail/targets/mx1"] {
        let answer = house.get(path).await;
        answer.has(200, "href=\"/out/side/metrics\"");
        for link in answer.text().split("href=\"").skip(1) {
            let ours = link.starts_with("/out/side/") || link.starts_with('#');
            assert!(ours || link.starts_with("data:"), "{link:.60}");
        }
    }
}

#[tokio::test]
async fn a_page_without_targets_says_what_to_do() {
    let house = House::start(|_| ()).await;
    house.store.replace_checks(&[], 10);
    house.get("/").await.has(200, "No targets are configured");
}

#[tokio::test]
async fn five_hundred_targets_are_a_small_page() {
    let house = House::start(|_| ()).await;
    let names: Vec<String> = (0..500).map(|i| format!("mx{i:03}.mail.example.net")).collect();
    hold(&house, &names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        saw(&house, name, vec![with_certificate("192.0.2.1", 70)]);
    }
    let well = house.get("/").await;
    well.has(200, "<summary>Show all 500</summary>");
    assert!(well.body.len() < 600_000, "{}", well.body.len());
    for name in &names {
        saw(&house, name, vec![observation(&mx("192.0.2.1"), Some(refusal()))]);
    }
    let down = house.get("/").await;
    down.has(200, "mx499");
    assert!(down.body.len() < 1_000_000, "{}", down.body.len());
    let packed = house.ask("GET", "/", "Accept-Encoding: gzip\r\n").await;
    assert!(packed.body.len() < 100_000, "{}", packed.body.len());
}
