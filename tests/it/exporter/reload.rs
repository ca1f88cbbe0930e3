//! Another configuration while the exporter runs: by signal, by request, by a file that changed.

use rustix::process::Signal;
use smtp_exporter::demo::Behaviour;

use super::house::{Exporter, config, eventually, server, without_dns};

const RELOADED: &str = "smtp_exporter_config_last_reload_successful";

#[tokio::test]
async fn what_is_removed_is_gone_and_what_stays_keeps_its_counters() {
    let (one, two) =
        (server([127, 0, 1, 1], Behaviour::plain()), server([127, 0, 1, 2], Behaviour::plain()));
    let stays = format!("{{name: stays, host: \"{}\", module: clear}}", one.address());
    let goes = format!("{{name: goes, host: \"{}\", module: clear}}", two.address());
    let exporter = Exporter::start(&config(&without_dns(), &[stays.clone(), goes])).await;
    let before = exporter
        .until("both are up", |read| read.values("smtp_target_up", &[]) == [1.0, 1.0])
        .await;
    let counted = |read: &crate::support::exposition::Exposition, target: &str| {
        read.value("smtp_probes_total", &[("target", target), ("result", "success")])
    };
    assert!(counted(&before, "stays") >= 1.0);
    let books = ["started", "finished"].map(|what| format!("smtp_exporter_probes_{what}_total"));
    let [started, finished] = books.map(|name| before.value(&name, &[]));
    assert!(started >= finished && finished >= 2.0, "{started} started, {finished} finished");

    // A bad file changes nothing.
    exporter.write("targets: [{name: x}]\n");
    let refused = exporter.ask("POST", "/-/reload", "").await;
    assert_ne!(refused.status, 200);
    assert!(refused.text.contains("smtp_exporter.yml:1:"), "{}", refused.text);
    let bad = exporter.metrics().await;
    assert_eq!(bad.value(RELOADED, &[]), 0.0);
    assert_eq!(bad.values("smtp_target_up", &[]).len(), 2);

    // A good one, by signal: one gone, one new, one as it was.
    let three = server([127, 0, 1, 3], Behaviour::plain());
    let comes = format!("{{name: comes, host: \"{}\", module: clear}}", three.address());
    exporter.write(&config(&without_dns(), &[stays.clone(), comes]));
    exporter.signal(Signal::HUP);
    let after = exporter.until("the reload", |read| read.value(RELOADED, &[]) == 1.0).await;
    assert_eq!(
        after.samples().filter(|s| s.labels.get("target").is_some_and(|t| t == "goes")).count(),
        0
    );
    assert!(counted(&after, "stays") >= counted(&before, "stays"));
    let visits = two.stats().sessions;
    exporter
        .until("the new one is up", |read| {
            read.values("smtp_target_up", &[("target", "comes")]) == [1.0]
        })
        .await;
    assert!(two.stats().sessions <= visits + 1, "the removed target is still probed");
    assert_eq!(exporter.get("/logs?target=goes").await.status, 404);

    // Under the same name another place: it starts anew.
    let moved = format!("{{name: stays, host: \"{}\", module: patient}}", three.address());
    exporter.write(&config(&without_dns(), &[moved]));
    assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
    let fresh = exporter.metrics().await;
    let labels = [("target", "stays"), ("module", "patient"), ("result", "success")];
    assert!(fresh.value("smtp_probes_total", &labels) <= 1.0);
    assert!(fresh.values("smtp_probes_total", &[("module", "clear")]).is_empty());
}

#[tokio::test]
async fn a_probe_in_flight_does_not_bring_a_removed_target_back() {
    let slow = server([127, 0, 1, 4], Behaviour::silent());
    let target = format!("{{name: gone, host: \"{}\", module: patient}}", slow.address());
    let exporter = Exporter::start(&config(&without_dns(), &[target])).await;
    eventually("a session is open", || slow.stats().open == 1).await;
    exporter.write(&config(&without_dns(), &[]));
    assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
    let gone = |read: &crate::support::exposition::Exposition| {
        read.samples().all(|s| !s.labels.contains_key("target"))
    };
    assert!(gone(&exporter.metrics().await));
    eventually("the session ends", || slow.stats().open == 0).await;
    assert!(gone(&exporter.metrics().await));
    assert_eq!(slow.stats().said("QUIT"), 0, "QUIT before the greeting");
    // It is no result of a target any more, and accounted for all the same.
    let read = exporter.metrics().await;
    for (what, count) in [("started", 1.0), ("finished", 0.0), ("cut_off", 1.0)] {
        assert_eq!(read.value(&format!("smtp_exporter_probes_{what}_total"), &[]), count, "{what}");
    }
    assert_eq!(read.value("smtp_exporter_probes_in_flight", &[]), 0.0);
    assert!(read.value("smtp_exporter_tasks", &[]) > 0.0);
}

#[tokio::test]
async fn files_of_targets_are_read_again_when_they_change() {
    let (one, two) =
        (server([127, 0, 1, 5], Behaviour::plain()), server([127, 0, 1, 6], Behaviour::plain()));
    let more = format!("{}target_files: [\"more-*.yml\"]\n", without_dns());
    let exporter = Exporter::start(&config(&more, &[])).await;
    let file = |name: &str| exporter.directory.path().join(name);
    let list = format!("- {{name: from-file, host: \"{}\", module: clear}}\n", one.address());
    std::fs::write(file("more-a.yml"), &list).unwrap();
    exporter
        .until("the file's target is up", |read| {
            read.values("smtp_target_up", &[("target", "from-file")]) == [1.0]
        })
        .await;
    // One that is wrong is refused, one that is right is taken.
    std::fs::write(file("more-b.yml"), "- {name: [}\n").unwrap();
    let bad = exporter.until("the refusal", |read| read.value(RELOADED, &[]) == 0.0).await;
    assert_eq!(bad.values("smtp_target_up", &[]), [1.0]);
    let sd = format!("- {{targets: [\"{}\"], labels: {{__module: clear}}}}\n", two.address());
    std::fs::write(file("more-b.yml"), sd).unwrap();
    let name = two.address().to_string();
    exporter
        .until("both files are taken", |read| {
            read.values("smtp_target_up", &[("target", &name)]) == [1.0]
        })
        .await;
    assert_eq!(exporter.metrics().await.value(RELOADED, &[]), 1.0);
}
