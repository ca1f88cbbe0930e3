//! The system's clock jumps, by hours and by decades, to before 1970 too: what is due stays due,
//! pauses end, and whatever shows a time shows one.
//!
//! The clock is libfaketime's, which `SMTP_EXPORTER_FAKETIME` names; `tests/run real` unpacks it. It does
//! not go with the release's allocator, so this is always the binary that was built with the tests.

use std::time::Duration;

use smtp_exporter::demo::Behaviour;
use tokio::time::sleep;

use super::{bounded, config, ends, probes};
use crate::exporter::house::{Exporter, built, server, without_dns};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs libfaketime, which `tests/run real` has"]
async fn steps_of_the_clock_move_neither_the_schedule_nor_pauses() {
    let library = std::env::var_os("SMTP_EXPORTER_FAKETIME").expect("SMTP_EXPORTER_FAKETIME");
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    let step = |by: &str| std::fs::write(&clock, format!("{by}\n")).unwrap();
    step("+0");
    let well = server([127, 0, 64, 1], Behaviour::plain());
    let busy = server([127, 0, 64, 2], Behaviour::too_many_connections());
    let targets = [("healthy", &well), ("busy", &busy)].map(|(name, server)| {
        format!("{{name: {name}, host: \"{}\", module: plain}}", server.address())
    });
    let text = config(&without_dns(), &targets)
        .replace("  often:", "  plain: {tls: none, interval: 1s}\n  often:");
    let mut command = built();
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    let mut exporter = Exporter::start_as(&text, command).await;
    exporter
        .until("both are told", |read| {
            probes(read, "healthy") >= 1.0 && probes(read, "busy") >= 1.0
        })
        .await;

    for (by, years) in [("+3h", 0.0), ("-3h", 0.0), ("+20y", 20.0), ("-70y", -70.0), ("+0", 0.0)] {
        let before = exporter.metrics().await;
        let visits = busy.stats().sessions;
        step(by);
        sleep(Duration::from_secs(6)).await;
        let after = exporter.metrics().await;
        let went_on = probes(&after, "healthy") - probes(&before, "healthy");
        assert!((3.0..=8.0).contains(&went_on), "{by}: {went_on} probes in 6 s");
        assert_eq!(ends(&after, "healthy"), "", "{by}");
        // Each visit ends in a pause of 2 seconds, whatever the wall says.
        let visits = busy.stats().sessions - visits;
        assert!((1..=4).contains(&visits), "{by}: {visits} visits in 6 s of pauses of 2 s");
        let labels = [("target", "healthy")];
        let last = after.value("smtp_probe_last_timestamp_seconds", &labels);
        let real = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        let expected = (real + years * 365.25 * 86_400.0).max(0.0);
        assert!((last - expected).abs() < 20.0 * 86_400.0, "{by}: {last} and not {expected}");
        for path in ["/", "/targets/healthy", "/api/v1/targets", "/logs?target=busy"] {
            assert_eq!(exporter.get(path).await.status, 200, "{by} {path}");
        }
    }
    let read = exporter.metrics().await;
    bounded(&mut exporter, &read).await;
}
