//! The promise to servers: so many connections, so long between them, and a refusal that asks us to
//! stay away is heard, whoever wanted to probe.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smtp_exporter::demo::{Auth, Behaviour};
use tokio::time::{Instant, sleep};

use super::house::{Exporter, binary, ca_file, config, dns, eventually, server, without_dns};
use smtp_exporter::demo::Zone;

const PAUSED: &str = "smtp_target_paused_until_timestamp_seconds";

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

#[tokio::test]
async fn one_remote_gets_one_connection_at_a_time_whoever_asks() {
    let slow = server(
        [127, 0, 3, 1],
        Behaviour { auth: None, ..Behaviour::slow_greeting(Duration::from_millis(150)) },
    );
    let at = slow.address();
    let targets = ["a", "b"].map(|name| format!("{{name: {name}, host: \"{at}\", module: clear}}"));
    let more = format!("{}probe: {{min_interval: 0s}}\n", without_dns());
    let exporter = Exporter::start(&config(&more, &targets)).await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        let (one, two) = tokio::join!(
            exporter.get("/probe?target=a&module=patient"),
            exporter.get("/probe?target=b")
        );
        assert_eq!((one.status, two.status), (200, 200), "{}\n{}", one.text, two.text);
    }
    let stats = slow.stats();
    assert_eq!(stats.open_max, 1, "{stats:?}");
    assert!(stats.sessions >= 4, "{stats:?}");
    // A session takes 150 ms and the gap is 50 ms: more than 5 in a second would mean no gap.
    let most = started.elapsed().as_secs_f64().ceil() * 5.0 + 2.0;
    assert!(
        (stats.sessions as f64) <= most,
        "{} sessions in {:?}",
        stats.sessions,
        started.elapsed()
    );
    assert_eq!(stats.dropped, 0, "{stats:?}");
}

#[tokio::test]
async fn a_421_keeps_everybody_away_and_is_no_outage_again_and_again() {
    let busy = server([127, 0, 3, 2], Behaviour::plain());
    let at = busy.address();
    let targets = ["a", "b"].map(|name| format!("{{name: {name}, host: \"{at}\", module: clear}}"));
    let more = format!("{}probe: {{min_interval: 0s}}\n", without_dns());
    let exporter = Exporter::start(&config(&more, &targets)).await;
    exporter.until("both are up", |r| r.values("smtp_target_up", &[]) == [1.0, 1.0]).await;

    busy.behave(Behaviour::too_many_connections()).unwrap();
    let first = exporter.until("the pause", |r| !r.values(PAUSED, &[]).is_empty()).await;
    let refused = busy.stats().limited;
    assert!(first.values(PAUSED, &[]).iter().all(|until| *until > now() - 1.0));
    // No one gets through meanwhile, by schedule or by /probe.
    assert_eq!(refused, 1, "a remote that refused one was asked again at once");
    let probed = exporter.get("/probe?target=a").await;
    assert!([200, 503].contains(&probed.status), "{}", probed.text);
    let skipped = exporter
        .until("skipped rounds are counted", |r| {
            r.values("smtp_exporter_probes_skipped_total", &[("reason", "backoff")])
                .iter()
                .all(|count| *count >= 1.0)
        })
        .await;
    for target in ["a", "b"] {
        let labels = [("target", target)];
        let failures = skipped.value("smtp_target_consecutive_failures", &labels);
        assert!(failures <= 1.0, "{target}: {failures}");
        assert_eq!(skipped.value("smtp_target_endpoints", &[labels[0], ("state", "paused")]), 1.0);
    }
    // One of them has seen the 421, and says so; the other keeps its last result.
    let ups = skipped.values("smtp_target_up", &[]);
    assert_eq!(ups.iter().sum::<f64>(), 1.0, "{ups:?}");
    let failure = [("cause", "too_many_connections"), ("phase", "greeting"), ("blame", "sender")];
    assert_eq!(skipped.values("smtp_target_failure", &failure), [1.0]);

    // 2.5 s, then 5 s: it grows, and is far from once a second.
    eventually("the second try", || busy.stats().limited == refused + 1).await;
    let second = Instant::now();
    sleep(Duration::from_millis(3500)).await;
    assert_eq!(busy.stats().limited, refused + 1, "the second pause is longer");
    let status: serde_json::Value =
        serde_json::from_str(&exporter.get("/api/v1/targets").await.text).unwrap();
    assert!(status.to_string().contains("paused"), "{status}");

    // When it is over and the server takes us, all is well.
    busy.behave(Behaviour::plain()).unwrap();
    let well = exporter
        .until("both are up again", |r| {
            r.values("smtp_target_up", &[]) == [1.0, 1.0] && r.values(PAUSED, &[]).is_empty()
        })
        .await;
    assert!(second.elapsed() > Duration::from_secs(4));
    assert_eq!(well.values("smtp_target_consecutive_failures", &[]), [0.0, 0.0]);
}

#[tokio::test]
async fn a_pause_outlives_a_restart_and_a_reload() {
    let busy = server([127, 0, 3, 3], Behaviour::too_many_connections());
    let target = format!("{{name: busy, host: \"{}\", module: clear}}", busy.address());
    let text = config(&without_dns(), std::slice::from_ref(&target))
        .replace("initial: 2500ms", "initial: 1m");
    let state = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = binary();
        command.env("STATE_DIRECTORY", state.path());
        Exporter::start_as(&text, command)
    };
    let mut exporter = start().await;
    exporter.until("the pause", |r| r.values(PAUSED, &[]).len() == 1).await;
    assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
    exporter.signal(rustix::process::Signal::TERM);
    assert!(exporter.ended(Duration::from_secs(12)).await.success());
    assert_eq!(busy.stats().sessions, 1);
    let kept = std::fs::read_to_string(state.path().join("pauses.json")).unwrap();
    assert!(kept.contains("too_many_connections") && kept.contains("\"refusals\":1"), "{kept}");

    let again = start().await;
    let read = again.until("still paused", |r| r.values(PAUSED, &[]).len() == 1).await;
    assert!(read.values("smtp_target_up", &[]).is_empty(), "up or down without a look");
    assert_eq!(read.value("smtp_target_consecutive_failures", &[]), 0.0);
    assert_eq!(busy.stats().sessions, 1, "asked although it is paused");
}

#[tokio::test]
async fn a_failed_login_is_not_tried_again_for_an_hour() {
    let zone = Zone::new().address("mail.demo.test", std::net::Ipv4Addr::new(127, 0, 3, 4));
    let dns = dns(&zone);
    let login = server([127, 0, 3, 4], Behaviour::submission());
    let folder = tempfile::tempdir().unwrap();
    let text = config(
        &format!(
            "dns: {{servers: [\"{}\"], timeout: 1s}}\ntls: {{ca_file: \"{}\"}}\n",
            dns.address(),
            ca_file(folder.path()).display()
        ),
        &[format!(
            "{{name: login, host: \"mail.demo.test:{}\", module: login}}",
            login.address().port()
        )],
    )
    .replace(
        "modules:\n",
        "modules:\n  login: {tls: required, interval: 1s, auth: {username: probe, password: old}}\n",
    );
    let exporter = Exporter::start(&text).await;
    let read = exporter.until("the pause", |r| r.values(PAUSED, &[]).len() == 1).await;
    let left = read.value(PAUSED, &[]) - now();
    assert!((3500.0..=3601.0).contains(&left), "{left} s");
    let failure = [("phase", "auth"), ("cause", "auth_required"), ("blame", "sender")];
    assert_eq!(read.value("smtp_target_failure", &failure), 1.0);
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(login.stats().logins_refused, 1, "{:?}", login.log());
    assert_eq!(Auth::default().username, "probe");
}
