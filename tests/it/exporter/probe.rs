//! `/probe` through the whole exporter.

use std::time::Duration;

use smtp_exporter::demo::Behaviour;

use super::house::{Exporter, config, server, without_dns};

#[tokio::test]
async fn a_scrape_that_ends_too_early_is_our_clock_and_not_their_outage() {
    let slow = server([127, 0, 6, 1], Behaviour::slow_greeting(Duration::from_secs(4)));
    let more = format!("{}probe: {{allow: [127.0.0.0/8], min_interval: 0s}}\n", without_dns());
    let exporter = Exporter::start(&config(&more, &[])).await;
    let header = "X-Prometheus-Scrape-Timeout-Seconds: 1.5\r\n";
    let path = format!("/probe?target={}&module=patient", slow.address());
    // Ad hoc the port must be a mail port: say the same as a configured target.
    let refused = exporter.ask("GET", &path, header).await;
    assert_eq!(refused.status, 403, "{}", refused.text);

    let target = format!("{{name: slow, host: \"{}\", module: patient}}", slow.address());
    exporter.write(&config(&more, &[target.replace("module", "interval: 1h, module")]));
    assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
    let read = exporter.ask("GET", "/probe?target=slow", header).await.exposition();
    let labels = [("cause", "deadline_exceeded"), ("blame", "exporter")];
    assert_eq!(read.value("smtp_probe_failure", &labels), 1.0);
    assert_eq!(read.value("smtp_target_failure", &labels), 1.0);
    assert!(read.values("smtp_target_up", &[]).is_empty());
}

#[tokio::test]
async fn gauges_only_and_from_memory_while_fresh() {
    let well = server([127, 0, 6, 2], Behaviour::plain());
    let target =
        format!("{{name: well, host: \"{}\", module: clear, interval: 1h}}", well.address());
    let more = format!("{}probe: {{min_interval: 10m}}\n", without_dns());
    let exporter = Exporter::start(&config(&more, &[target])).await;
    let first = exporter.get("/probe?target=well").await;
    let read = first.exposition();
    assert_eq!(read.value("smtp_target_up", &[("target", "well")]), 1.0);
    assert!(read.families.iter().all(|family| family.kind == "gauge"), "{}", first.text);
    assert!(read.families.iter().all(|family| !family.name.starts_with("smtp_exporter_")));
    let seen = well.stats().sessions;
    for _ in 0..3 {
        let again = exporter.get("/probe?target=well").await.exposition();
        let at = |read: &crate::support::exposition::Exposition| {
            read.value("smtp_probe_last_timestamp_seconds", &[])
        };
        assert!(at(&again) >= at(&read));
    }
    // The schedule's first probe may have come between.
    assert!(well.stats().sessions <= seen + 1, "{:?}", well.stats());

    let debug = exporter.get("/probe?target=well&debug=true").await;
    assert!(debug.text.contains("from memory"), "{}", debug.text);
    assert!(debug.text.contains("C EHLO probe.demo.test"), "{}", debug.text);
    assert!(debug.text.contains("C QUIT"), "{}", debug.text);

    let unknown = exporter.get("/probe?target=well&module=nothing").await;
    assert_eq!(unknown.status, 400);
    for module in ["clear", "patient", "smtp", "smtps", "submission"] {
        assert!(unknown.text.contains(module), "{}", unknown.text);
    }
    let elsewhere = exporter.get("/probe?target=192.0.2.1").await;
    assert_eq!(elsewhere.status, 403);
    assert!(elsewhere.text.contains("probe.allow"), "{}", elsewhere.text);
}

#[tokio::test]
async fn without_a_configuration_probe_is_closed_and_the_rest_is_there() {
    let exporter = Exporter::subcommand(&["serve"]).await;
    let read = exporter.metrics().await;
    assert!(read.samples().all(|s| !s.labels.contains_key("target")));
    assert_eq!(read.value("smtp_exporter_config_last_reload_successful", &[]), 1.0);
    assert_eq!(exporter.get("/probe?target=127.0.0.1:25").await.status, 403);
    for path in ["/", "/config", "/-/healthy", "/-/ready", "/api/v1/targets"] {
        assert_eq!(exporter.get(path).await.status, 200, "{path}");
    }
    assert_eq!(exporter.get("/-/reload").await.status, 405);
}
