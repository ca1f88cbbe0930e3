//! Faults of theirs, of the path and of our own: each with its cause and its side, and none at the
//! cost of the target next to it.

use std::net::UdpSocket;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use tokio::time::Instant;

use crate::support::{Bed, Exporter, Fake, Scrape, address, head};

/// How often the steady neighbour is probed.
const STEADY: Duration = Duration::from_secs(1);

/// Short bounds, so that silence is told within the test's time.
const MODULES: &str = "modules:
  smtp:
    port: 25
    tls: none
    timeouts: {connect: 2s, greeting: 2s, reply: 2s, total: 8s}
";

/// A target whose probes nothing may hold up, in the list of targets.
fn steady_target(fake: &Fake) -> String {
    format!(
        "  - {{name: steady, host: {}, module: smtp, interval: {}s}}\n",
        fake.address,
        STEADY.as_secs()
    )
}

fn steady_successes(scrape: &Scrape) -> f64 {
    scrape
        .value("smtp_probes_total", &[("target", "steady"), ("result", "success")])
        .unwrap_or_default()
}

/// Watches the steady neighbour for some seconds: it must keep its interval, whatever happens to the
/// other target meanwhile.
fn assert_steady(exporter: &Exporter, seconds: u64) {
    let (start, before) = (Instant::now(), steady_successes(&exporter.scrape()));
    std::thread::sleep(Duration::from_secs(seconds));
    let scrape = exporter.scrape();
    let due = start.elapsed().as_secs_f64() / STEADY.as_secs_f64();
    let done = steady_successes(&scrape) - before;
    assert!((done - due).abs() <= 1.5, "{done} probes where {due:.1} were due");
    let all = scrape.sum("smtp_probes_total", &[("target", "steady")]);
    assert_eq!(all, steady_successes(&scrape), "{}", scrape.about("steady"));
}

/// Phase, cause and blame of a target that is down.
fn assert_failure(scrape: &Scrape, target: &str, [phase, cause, blame]: [&str; 3]) {
    let why = [("target", target), ("phase", phase), ("cause", cause), ("blame", blame)];
    let about = scrape.about(target);
    assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{why:?}\n{about}");
    assert_eq!(scrape.all("smtp_target_failure", &why[..1]).len(), 1, "one, dominant\n{about}");
    assert_eq!(scrape.value("smtp_target_up", &why[..1]), Some(0.0), "{about}");
    for result in ["sender", "exporter"] {
        let counted = [why[0], ("result", result)];
        assert_eq!(scrape.value("smtp_probes_total", &counted), Some(0.0), "{about}");
    }
    assert!(scrape.sum("smtp_probe_failures_total", &why[..3]) >= 1.0, "{about}");
}

fn down(exporter: &Exporter, target: &str) -> Scrape {
    exporter.until(target, Duration::from_secs(30), |scrape| {
        scrape.value("smtp_target_up", &[("target", target)]) == Some(0.0)
    })
}

#[test]
fn a_server_that_is_stopped_then_killed() {
    let mut exim = Bed::of("exim").start("faults", &[25]);
    let steady = Fake::steady();
    let exporter = Exporter::start(
        "faults",
        &format!(
            "{MODULES}targets:\n{}  - {{name: exim, host: {}, module: smtp, interval: 2s}}\n",
            steady_target(&steady),
            exim.address
        ),
    );
    exporter.until_successes("exim", "smtp", 1);

    exim.freeze();
    let scrape = down(&exporter, "exim");
    // The kernel accepts in the stopped server's stead, and no greeting follows.
    assert_failure(&scrape, "exim", ["greeting", "reply_timeout", "target"]);
    assert_eq!(scrape.value("smtp_target_responding", &[("target", "exim")]), Some(0.0));
    assert_steady(&exporter, 6);

    exim.thaw();
    exporter.until("exim", Duration::from_secs(30), |scrape| {
        scrape.value("smtp_target_up", &[("target", "exim")]) == Some(1.0)
    });

    exim.kill();
    let scrape = down(&exporter, "exim");
    assert_failure(&scrape, "exim", ["connect", "connect_refused", "target"]);
    // Nobody else is there, so it is the server in every series and no detour of the path in any.
    let about = scrape.about("exim");
    let refused = [("target", "exim"), ("phase", "connect"), ("cause", "connect_refused")];
    for name in ["smtp_target_failure", "smtp_probe_failure", "smtp_probe_failures_total"] {
        let blamed: Vec<&str> =
            scrape.all(name, &refused).iter().map(|seen| seen.labels["blame"].as_str()).collect();
        assert_eq!(blamed, ["target"], "{name}\n{about}");
    }
    let path = [("target", "exim"), ("result", "path")];
    assert_eq!(scrape.value("smtp_probes_total", &path), Some(0.0), "{about}");
    let stale = scrape.all("smtp_reply_code", &[("target", "exim")]);
    assert!(stale.is_empty(), "replies of a probe that heard none: {stale:?}");
    assert_steady(&exporter, 6);
    exporter.stop();
}

#[test]
fn a_reset_and_a_silence_in_mid_dialogue() {
    let (reset, mute, steady) =
        (Fake::reset_in_reply(), Fake::mute_after_greeting(), Fake::steady());
    let exporter = Exporter::start(
        "dialogue-faults",
        &format!(
            "{MODULES}targets:\n{}  - {{name: reset, host: {}, module: smtp, interval: 2s}}\n  \
             - {{name: mute, host: {}, module: smtp, interval: 2s}}\n",
            steady_target(&steady),
            reset.address,
            mute.address
        ),
    );
    let scrape = down(&exporter, "reset");
    assert_eq!(scrape.value("smtp_target_responding", &[("target", "reset")]), Some(1.0));
    let dropped = [("target", "reset"), ("phase", "ehlo"), ("cause", "connection_dropped")];
    assert_eq!(
        scrape.value("smtp_target_failure", &dropped),
        Some(1.0),
        "{}",
        scrape.about("reset")
    );
    let scrape = down(&exporter, "mute");
    assert_failure(&scrape, "mute", ["ehlo", "reply_timeout", "target"]);
    assert_steady(&exporter, 8);
    exporter.stop();
}

#[test]
fn a_dead_resolver_is_our_trouble() {
    // Takes the questions and never answers.
    let resolver = address();
    let silent = UdpSocket::bind((resolver, 53)).unwrap();
    let steady = Fake::steady();
    let exporter = Exporter::start_with(
        "resolver",
        &format!(
            "{}dns: {{servers: [\"{resolver}:53\"], timeout: 1s}}\n{MODULES}targets:\n{}  \
             - {{name: named, host: mx.bed.test, module: smtp, interval: 2s}}\n  \
             - {{name: domain, domain: bed.test, module: smtp, interval: 2s}}\n",
            head("  own: [bed.test]\n"),
            steady_target(&steady),
        ),
    );
    for target in ["named", "domain"] {
        let target = ("target", target);
        let counted = [target, ("result", "exporter")];
        let scrape = exporter.until(target.1, Duration::from_secs(30), |scrape| {
            scrape.value("smtp_probes_total", &counted) >= Some(2.0)
        });
        let about = scrape.about(target.1);
        let why = [target, ("phase", "resolve"), ("cause", "dns_failure"), ("blame", "exporter")];
        assert!(scrape.value("smtp_probe_failures_total", &why) >= Some(2.0), "{about}");
        assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{about}");
        // Not down: unknown.
        assert_eq!(scrape.value("smtp_target_up", &[target]), None, "{about}");
        for result in ["target", "path", "sender"] {
            let counted = [target, ("result", result)];
            assert_eq!(scrape.value("smtp_probes_total", &counted), Some(0.0), "{about}");
        }
    }
    assert_steady(&exporter, 6);
    exporter.stop();
    drop(silent);
}

#[test]
fn a_full_descriptor_table_is_our_trouble() {
    let steady = Fake::steady();
    let exim = Bed::of("exim").start("descriptors", &[25]);
    let exporter = Exporter::start(
        "descriptors",
        &format!(
            "{MODULES}targets:\n{}  - {{name: exim, host: {}, module: smtp, interval: 1s}}\n",
            steady_target(&steady),
            exim.address
        ),
    );
    exporter.until_successes("exim", "smtp", 2);

    // No number is left for another socket: the exporter cannot be asked either until it may again.
    let pid = Some(exporter.pid());
    let none = Rlimit { current: Some(0), ..getrlimit(Resource::Nofile) };
    let whole = prlimit(pid, Resource::Nofile, none).unwrap();
    std::thread::sleep(Duration::from_secs(4));
    prlimit(pid, Resource::Nofile, whole).unwrap();

    let scrape = exporter.scrape();
    for target in ["exim", "steady"] {
        let target = ("target", target);
        let about = scrape.about(target.1);
        let why = [target, ("cause", "exporter_limit"), ("blame", "exporter")];
        assert!(scrape.sum("smtp_probe_failures_total", &why) >= 1.0, "{about}");
        for result in ["target", "path", "sender"] {
            let counted = [target, ("result", result)];
            assert_eq!(scrape.value("smtp_probes_total", &counted), Some(0.0), "{about}");
        }
        assert_ne!(scrape.value("smtp_target_up", &[target]), Some(0.0), "{about}");
        let failed = scrape.value("smtp_target_consecutive_failures", &[target]);
        assert_eq!(failed.unwrap_or_default(), 0.0, "not theirs\n{about}");
    }
    // And it goes on by itself.
    for target in ["exim", "steady"] {
        exporter.until(target, Duration::from_secs(15), |scrape| {
            let labels = [("target", target)];
            scrape.value("smtp_target_up", &labels) == Some(1.0)
                && scrape.all("smtp_target_failure", &labels).is_empty()
        });
    }
    exporter.stop();
}
