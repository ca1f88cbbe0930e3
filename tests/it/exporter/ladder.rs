//! Connection limits in the running exporter: measured soon after the start, shown, and ended by
//! QUIT when the configuration or the process goes.

use std::time::Duration;

use rustix::process::Signal;
use smtp_exporter::demo::{Behaviour, Server};
use tokio::time::Instant;

use super::house::{Exporter, binary, config, eventually, server, without_dns};

/// Names whose first run starts within a second: starts are spread by the name.
const EARLY: [&str; 3] = ["mx8", "mx19", "mx32"];

fn limits(of: &Server, name: &str, more: &str) -> String {
    let target =
        format!("{{name: {name}, host: \"{}\", module: clear, interval: 1s}}", of.address());
    let limits = format!("connection_limits:\n  - {{target: {name}{more}}}\n");
    config(&format!("{}{limits}", without_dns()), &[target])
}

/// What the API says of limits.
async fn shown_limits(exporter: &Exporter) -> serde_json::Value {
    let answer = exporter.get("/api/v1/targets").await;
    let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    json["data"]["limits"].clone()
}

#[tokio::test]
async fn a_limit_is_measured_and_ordinary_probes_are_none_the_worse() {
    // The greeting takes its time, so that the run takes longer than ordinary rounds wait.
    let slow = Behaviour::slow_greeting(Duration::from_millis(300));
    let seven = server([127, 0, 6, 1], Behaviour { sessions_per_client: Some(7), ..slow });
    let text = limits(&seven, EARLY[2], ", max_connections: 20");
    let exporter = Exporter::start(&text).await;
    let read = exporter
        .until("a number", |r| {
            !r.values("smtp_connection_limit_accepted_connections", &[]).is_empty()
        })
        .await;
    let one = |name: &str| {
        let endpoint = seven.address().to_string();
        let labels = [("target", EARLY[2]), ("module", "clear"), ("endpoint", &*endpoint)];
        read.value(name, &labels)
    };
    assert_eq!(one("smtp_connection_limit_accepted_connections"), 7.0);
    assert_eq!(one("smtp_connection_limit_tried_connections"), 20.0);
    assert_eq!(one("smtp_connection_limit_reached"), 1.0);
    assert_eq!(one("smtp_connection_limit_recovered"), 1.0);
    assert!(one("smtp_connection_limit_recovery_seconds") < 10.0);
    let refusal = [
        ("code", "421"),
        ("cause", "too_many_connections"),
        ("phase", "greeting"),
        ("how", "reply"),
    ];
    assert_eq!(read.values("smtp_connection_limit_refusal", &refusal), [1.0]);
    // Ordinary rounds were held back for longer than their interval, and none of them failed.
    exporter
        .until("rounds were left out", |r| {
            r.value("smtp_exporter_probes_skipped_total", &[("reason", "ladder")]) >= 1.0
        })
        .await;
    let before = read.value("smtp_probes_total", &[("result", "success")]);
    let read = exporter
        .until("ordinary probes go on", |r| {
            r.value("smtp_probes_total", &[("result", "success")]) > before + 1.0
        })
        .await;
    assert_eq!(read.value("smtp_target_up", &[]), 1.0);
    assert_eq!(read.values("smtp_probe_failures_total", &[]), [0.0; 0]);
    assert!(read.values("smtp_target_paused_until_timestamp_seconds", &[]).is_empty());
    let log = exporter.log();
    let line = log.lines().find(|line| line.contains("connection-limit run ended")).unwrap();
    assert!(line.contains("accepted=7") && line.contains("how=reply"), "{line}");
    let told = exporter.get(&format!("/logs?target={}", EARLY[2])).await.text;
    assert!(told.contains("connection limit, simultaneous"), "{told}");
    assert!(told.contains("session 7 accepted") && told.contains("too many connections"), "{told}");
    let limit = &shown_limits(&exporter).await[0];
    assert_eq!(limit["endpoints"][0]["measured"]["accepted"], 7);
    assert!(limit["running_since"].is_null() && limit["next_run"].is_string(), "{limit}");
    let shown = exporter.get("/config").await.text;
    assert!(shown.contains("connection_limits:") && shown.contains("max_connections: 20"));
    // What is no longer measured is no longer told.
    let (rest, _) = text.split_once("connection_limits:").unwrap();
    let (_, tail) = text.split_once("modules:").unwrap();
    exporter.write(&format!("{rest}modules:{tail}"));
    assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
    let told = exporter.get("/metrics").await.text;
    assert!(!told.contains("smtp_connection_limit"), "{told}");
    assert!(!exporter.get(&format!("/logs?target={}", EARLY[2])).await.text.contains("of 20"));
}

#[tokio::test]
async fn a_probe_on_demand_is_answered_with_what_is_known_while_a_run_has_the_remote() {
    let slow = Behaviour::slow_greeting(Duration::from_millis(200));
    let many = server([127, 0, 6, 5], slow);
    let text = limits(&many, EARLY[0], ", max_connections: 60")
        .replace("interval: 1s", "interval: 1h")
        + "probe: {min_interval: 0s}\n";
    let exporter = Exporter::start(&text).await;
    eventually("sessions are held", || many.stats().open >= 3).await;
    let opened = many.stats().sessions;
    let path = format!("/probe?target={}", EARLY[0]);
    let asked = Instant::now();
    let answer = exporter.ask("GET", &path, "X-Prometheus-Scrape-Timeout-Seconds: 1.5\r\n").await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    // Nothing is known yet, or what the scheduled probe saw before the run.
    match answer.status {
        503 => assert!(answer.text.contains("not probed (ladder)"), "{}", answer.text),
        200 => assert!(answer.text.contains("smtp_target_up{"), "{}", answer.text),
        other => panic!("{other}: {}", answer.text),
    }
    let log = many.log();
    let ordinary = log.iter().filter(|said| {
        said.session >= opened && said.line.starts_with("EHLO") && !said.line.contains("ladder.")
    });
    assert_eq!(ordinary.count(), 0, "nobody else was let in");
}

#[tokio::test]
async fn many_reloads_on_the_way_leave_one_run_and_no_session_behind() {
    let many = server([127, 0, 6, 6], Behaviour::plain());
    let text = |cap: u32| limits(&many, EARLY[1], &format!(", max_connections: {cap}"));
    let mut exporter = Exporter::start(&text(150)).await;
    eventually("sessions are held", || many.stats().open >= 3).await;
    for round in 0..12 {
        exporter.write(&text(150 + round % 2));
        assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eventually("a run goes on", || many.stats().open >= 3).await;
    exporter.signal(Signal::TERM);
    let status = exporter.ended(Duration::from_secs(15)).await;
    assert_eq!(status.code(), Some(0), "{}", exporter.log());
    eventually("the server saw the end", || many.stats().open == 0).await;
    let stats = many.stats();
    // A session that was being opened when a run was told to stop may have heard nothing.
    assert!(stats.dropped <= 13 && stats.quit + stats.dropped >= stats.sessions, "{stats:?}");
    assert!(!exporter.log().contains("panicked"), "{}", exporter.log());
}

#[tokio::test]
async fn sigterm_on_the_way_ends_every_session_by_quit() {
    let many = server([127, 0, 6, 2], Behaviour::plain());
    let mut exporter = Exporter::start(&limits(&many, EARLY[1], ", max_connections: 200")).await;
    eventually("sessions are held", || many.stats().open >= 15).await;
    let started = Instant::now();
    exporter.signal(Signal::TERM);
    let status = exporter.ended(Duration::from_secs(15)).await;
    assert_eq!(status.code(), Some(0), "{}", exporter.log());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    eventually("the server saw the end", || many.stats().open == 0).await;
    let stats = many.stats();
    assert!(stats.quit >= 15 && stats.dropped <= 1, "{stats:?}");
    assert!(!exporter.log().contains("not everything ended in time"), "{}", exporter.log());
}

#[tokio::test]
async fn a_reload_without_it_ends_the_run_and_one_that_keeps_it_does_not() {
    let many = server([127, 0, 6, 3], Behaviour::plain());
    let with = limits(&many, EARLY[1], ", max_connections: 150");
    let exporter = Exporter::start(&with).await;
    eventually("sessions are held", || many.stats().open >= 5).await;
    // The same run, another setting beside it: it goes on.
    exporter.write(&format!("{with}probe: {{min_interval: 1s}}\n"));
    assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
    let open = many.stats().open;
    eventually("it goes on", || many.stats().open >= open + 3).await;
    let limit = &shown_limits(&exporter).await[0];
    assert!(limit["running_since"].is_string() && limit["next_run"].is_null(), "{limit}");
    // Without the entry.
    let (rest, _) = with.split_once("connection_limits:").unwrap();
    let (_, tail) = with.split_once("modules:").unwrap();
    exporter.write(&format!("{rest}modules:{tail}"));
    assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
    eventually("all said QUIT", || {
        let stats = many.stats();
        stats.open <= 1 && stats.quit >= open
    })
    .await;
    assert!(many.stats().dropped <= 1, "{:?}", many.stats());
    let read = exporter.metrics().await;
    assert!(read.values("smtp_connection_limit_accepted_connections", &[]).is_empty());
    assert!(read.values("smtp_connection_limit_last_timestamp_seconds", &[]).is_empty());
}

#[tokio::test]
async fn too_few_descriptors_are_our_trouble_and_told() {
    let many = server([127, 0, 6, 4], Behaviour::plain());
    let mut command = std::process::Command::new("sh");
    let program = binary().get_program().to_owned();
    command.env_clear().args(["-c", "ulimit -n 100; exec \"$0\" \"$@\""]).arg(program);
    let text = limits(&many, EARLY[2], ", max_connections: 90");
    let exporter = Exporter::start_as(&text, command).await;
    eventually("it is told", || exporter.log().contains("connection-limit run broke off")).await;
    let log = exporter.log();
    let line = log.lines().find(|line| line.contains("broke off")).unwrap();
    assert!(line.contains("reason=exporter") && line.contains("LimitNOFILE"), "{line}");
    let read = exporter.metrics().await;
    assert!(read.values("smtp_connection_limit_accepted_connections", &[]).is_empty());
    assert!(many.stats().open_max <= 1, "only ordinary probes: {:?}", many.stats());
}
