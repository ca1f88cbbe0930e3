//! Paths, methods, headers, pages.

use std::io::Read;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use smtp_exporter::web::normal_prefix;

use super::{House, endpoint, observation, refusal, round};

#[tokio::test]
async fn health_readiness_and_config() {
    let house = House::start(|_| ()).await;
    let healthy = house.get("/-/healthy").await;
    healthy.has(200, "smtp_exporter is healthy.\n");
    assert_eq!(healthy.headers["x-content-type-options"], "nosniff");
    assert!(!healthy.headers.keys().any(|name| name.starts_with("access-control")));
    house.get("/-/ready").await.has(200, "ready");
    house.control.ready.store(false, Ordering::SeqCst);
    house.get("/-/ready").await.has(503, "not ready");
    house.get("/-/healthy").await.has(200, "healthy");
    let config = house.get("/config").await;
    assert_eq!(config.headers["content-type"], "text/yaml; charset=utf-8");
    assert_eq!(config.text(), "exporter: {}\n");
}

#[tokio::test]
async fn methods() {
    let house = House::start(|_| ()).await;
    for path in ["/", "/metrics", "/probe", "/logs", "/config", "/-/healthy", "/api/v1/targets"] {
        for method in ["POST", "DELETE", "OPTIONS"] {
            let answer = house.ask(method, path, "").await;
            assert_eq!((answer.status, &*answer.headers["allow"]), (405, "GET, HEAD"), "{path}");
        }
    }
    let get = house.get("/-/reload").await;
    assert_eq!((get.status, &*get.headers["allow"]), (405, "POST, PUT"));
    house.get("/nonsense").await.has(404, "no such page");
    house.get("/metrics/").await.has(404, "no such page");
    for path in ["/", "/config", "/-/healthy", "/api/v1/targets"] {
        let (head, get) = (house.ask("HEAD", path, "").await, house.get(path).await);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.headers["content-length"], get.body.len().to_string(), "{path}");
    }
}

#[tokio::test]
async fn runbooks_are_read_in_a_browser() {
    let house = House::start(|state| state.external_url = Some("http://x/mail".to_owned())).await;
    let index = house.get("/runbooks").await;
    index.has(200, "<a href=\"/mail/runbooks/SmtpTargetDown\">SmtpTargetDown</a>");
    let page = house.get("/runbooks/greylisted").await;
    page.has(200, "<h1>greylisted</h1>");
    page.has(200, "<a href=\"/mail/runbooks/SmtpTargetLimitsRate\">");
    page.has(200, "<pre><code>smtp_exporter probe TARGET --verbose\n");
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    // The frame, style and policy of the other pages.
    page.has(200, "<nav aria-label=\"Pages\">");
    page.has(200, "<title>greylisted · smtp_exporter</title>");
    let policy = &house.get("/").await.headers["content-security-policy"];
    assert_eq!(&page.headers["content-security-policy"], policy);
    assert!(policy.starts_with("default-src 'none'; style-src"));
    house.get("/runbooks/nonsense").await.has(404, "no such runbook");
    house.get("/runbooks/../config").await.has(404, "");
    house.get("/runbooksx").await.has(404, "no such page");
    let post = house.ask("POST", "/runbooks/greylisted", "").await;
    assert_eq!((post.status, &*post.headers["allow"]), (405, "GET, HEAD"));
}

#[tokio::test]
async fn reload_answers_with_the_problems() {
    let house = House::start(|_| ()).await;
    assert_eq!(house.ask("POST", "/-/reload", "").await.status, 200);
    assert_eq!(house.ask("PUT", "/-/reload", "Content-Length: 0\r\n").await.status, 200);
    *house.control.problems.lock().unwrap() = Some("a.yml:1:1: x: wrong\na.yml:2:1: y".to_owned());
    house.ask("POST", "/-/reload", "").await.has(500, "a.yml:1:1: x: wrong\na.yml:2:1: y\n");
    assert_eq!(house.control.reloads.load(Ordering::SeqCst), 3);
    let foreign = house.ask("POST", "/-/reload", "Sec-Fetch-Site: cross-site\r\n").await;
    foreign.has(403, "another site");
    assert_eq!(house.control.reloads.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn metrics_negotiate_format_and_compression() {
    let house = House::start(|_| ()).await;
    let sees = [observation(&endpoint("mx1", 25, "192.0.2.25"), None)];
    house.schedule("mx1", &round(sees.to_vec()));
    let plain = house.get("/metrics").await;
    plain.has(200, "smtp_target_up{target=\"mx1\",module=\"smtp\"} 1\n");
    assert_eq!(plain.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(plain.headers["vary"], "Accept, Accept-Encoding");
    assert!(!plain.headers.contains_key("content-encoding"));
    assert!(plain.text().contains("process_"));

    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = house.ask("GET", "/metrics", accept).await;
    assert!(open.headers["content-type"].starts_with("application/openmetrics-text"));
    assert!(open.text().ends_with("# EOF\n"));

    let packed = house.ask("GET", "/metrics", "Accept-Encoding: gzip\r\n").await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert_eq!(packed.headers["content-length"], packed.body.len().to_string());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_string(&mut text).unwrap();
    assert!(text.contains("smtp_target_up{target=\"mx1\",module=\"smtp\"} 1\n"));
    assert!(packed.body.len() < text.len() / 3);

    let no = house.ask("GET", "/metrics", "Accept-Encoding: gzip;q=0, *\r\n").await;
    assert!(!no.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn logs_show_the_last_failure_beside_the_last_success() {
    let house = House::start(|_| ()).await;
    let mx1 = endpoint("mx1", 25, "192.0.2.25");
    house.schedule("mx1", &round(vec![observation(&mx1, None)]));
    tokio::time::sleep(Duration::from_millis(2)).await;
    house.schedule("mx1", &round(vec![observation(&mx1, Some(refusal()))]));
    let logs = house.get("/logs?target=mx1").await;
    assert_eq!(logs.headers["content-type"], "text/plain; charset=utf-8");
    logs.has(200, ": blocklisted in greeting, blame sender, rule ");
    logs.has(200, "\nnext: Find the list in the reply");
    logs.has(200, "    0.004 C EHLO probe.example.net\n");
    assert_eq!(logs.text().matches("220 mx <script>").count(), 2);
    assert!(!logs.text().contains("none"));
    house.get("/logs?target=relay").await.has(200, "not probed yet");
    house.get("/logs?target=mx1&module=smtp").await.has(200, "last success");
    house.get("/logs?target=mx1&module=x").await.has(404, "other modules: smtp");
    house.get("/logs?target=nobody").await.has(404, "targets are: mx1, relay");
    house.get("/logs?id=nothing").await.has(404, "no endpoint with this id");
    house.get("/logs").await.has(400, "targets are: mx1, relay");
}

#[tokio::test]
async fn everything_moves_below_a_prefix() {
    let house = House::start(|state| {
        state.route_prefix = normal_prefix("mail/");
        state.external_url = Some("https://example.net/out/side/?x".to_owned());
    })
    .await;
    house.get("/metrics").await.has(404, "begin at /mail/");
    house.get("/mailbox").await.has(404, "no such page");
    house.get("/mail/-/healthy").await.has(200, "healthy");
    for root in ["/mail", "/mail/"] {
        house.get(root).await.has(200, "href=\"/out/side/metrics\"");
    }
    let house = House::start(|state| state.route_prefix = normal_prefix("/mail")).await;
    house.get("/mail/").await.has(200, "href=\"/mail/metrics\"");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the query holds, the server answers, and lives on.
    #[test]
    fn no_query_harms(query in "[!-~&&[^#]]{0,80}", path in prop::sample::select(vec!["/probe", "/logs"])) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async {
            let house = House::start(|_| ()).await;
            let status = house.get(&format!("{path}?target=a&{query}")).await.status;
            assert_eq!(house.get("/-/healthy").await.status, 200);
            status
        });
        prop_assert!([400, 403, 404].contains(&status), "{}", status);
    }
}
