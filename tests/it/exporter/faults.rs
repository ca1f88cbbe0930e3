//! What goes wrong out there and here: the right cause, the right side, and nobody else disturbed.

use std::process::Command;
use std::time::Duration;

use smtp_exporter::demo::behaviour::Point;
use smtp_exporter::demo::{Behaviour, Fault, Server, Step, Zone};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::house::{Exporter, PATIENCE, config, dns, server, without_dns};
use crate::support::exposition::Exposition;

fn failure(read: &Exposition, target: &str) -> Option<[String; 3]> {
    let of = |s: &&crate::support::exposition::Sample| {
        s.name == "smtp_target_failure" && s.labels["target"] == target
    };
    let sample = read.samples().find(of)?;
    Some(["phase", "cause", "blame"].map(|label| sample.labels[label].clone()))
}

fn why(read: &Exposition, target: &str) -> String {
    failure(read, target).map(|parts| parts.join(" ")).unwrap_or_default()
}

#[tokio::test]
async fn broken_servers_are_told_apart_and_disturb_nobody() {
    let killed = server([127, 0, 4, 1], Behaviour::plain());
    let silent = server([127, 0, 4, 2], Behaviour::silent());
    let half = [Step::Bytes(b"250-mail.demo.test\r\n250-SI".to_vec()), Step::Reset];
    let reset = server([127, 0, 4, 3], Behaviour::plain().on(Point::Ehlo, half));
    let mute = server([127, 0, 4, 4], Behaviour::silent_at(Point::Ehlo));
    let odd = server([127, 0, 4, 5], Behaviour::garbage());
    let well = server([127, 0, 4, 6], Behaviour::plain());
    let named = [
        ("killed", &killed),
        ("silent", &silent),
        ("reset", &reset),
        ("mute", &mute),
        ("odd", &odd),
        ("well", &well),
    ];
    let targets = named.map(|(name, server)| {
        format!("{{name: {name}, host: \"{}\", module: clear}}", server.address())
    });
    let exporter = Exporter::start(&config(&without_dns(), &targets)).await;
    exporter
        .until("killed is up", |r| r.values("smtp_target_up", &[("target", "killed")]) == [1.0])
        .await;
    killed.stop().await;
    let expected = [
        ("killed", "connect connect_refused target"),
        ("silent", "greeting reply_timeout target"),
        ("reset", "ehlo connection_dropped target"),
        ("mute", "ehlo reply_timeout target"),
        ("odd", "greeting not_smtp target"),
        ("well", ""),
    ];
    let read = exporter
        .until("every failure is there", |read| {
            expected.iter().all(|(name, expected)| why(read, name) == *expected)
        })
        .await;
    for (name, _) in expected {
        let up = if name == "well" { 1.0 } else { 0.0 };
        assert_eq!(read.value("smtp_target_up", &[("target", name)]), up, "{name}");
        // "Refuses us" and "says odd things" are not "nobody there".
        let responding = if ["well", "reset", "mute"].contains(&name) { 1.0 } else { 0.0 };
        assert_eq!(read.value("smtp_target_responding", &[("target", name)]), responding, "{name}");
    }
    // The healthy one went on once a second all the while.
    let before = well.stats().sessions;
    let started = Instant::now();
    sleep(Duration::from_secs(4)).await;
    let probes = (well.stats().sessions - before) as f64;
    let seconds = started.elapsed().as_secs_f64();
    assert!(probes >= seconds - 2.0, "{probes} probes in {seconds} s");
    let lag = exporter.metrics().await;
    let [late, all] = ["5.0", "+Inf"].map(|le| {
        lag.values("smtp_exporter_schedule_lag_seconds_bucket", &[("le", le)]).first().copied()
    });
    assert!(late.is_some() && late == all, "rounds started more than 5 s late");
}

/// What a dead resolver does to one target by name and one by address.
async fn with_resolver(zone: &Zone, reason: &str, blame: &str) {
    let dns = dns(zone);
    let well = server([127, 0, 4, 10], Behaviour::plain());
    let more = format!("dns: {{servers: [\"{}\"], timeout: 500ms}}\n", dns.address());
    let targets = [
        "{name: named, host: mail.demo.test, module: clear}".to_owned(),
        "{name: domain, domain: demo.test, module: clear}".to_owned(),
        format!("{{name: literal, host: \"{}\", module: clear}}", well.address()),
    ];
    let exporter = Exporter::start(&config(&more, &targets)).await;
    let read = exporter
        .until("a few rounds", |r| {
            ["named", "domain"].iter().all(|target| {
                let labels = [("target", *target), ("result", blame)];
                r.values("smtp_probes_total", &labels).first().is_some_and(|count| *count >= 2.0)
            }) && r.values("smtp_target_up", &[("target", "literal")]) == [1.0]
        })
        .await;
    for target in ["named", "domain"] {
        let expected = format!("resolve dns_failure {blame}");
        assert_eq!(why(&read, target), expected, "{reason}");
        let labels = [("target", target), ("reason", reason)];
        assert_eq!(read.value("smtp_resolve_failure", &labels), 1.0, "{target} {reason}");
        let ups = read.values("smtp_target_up", &[("target", target)]);
        let failures = read.value("smtp_target_consecutive_failures", &[("target", target)]);
        if blame == "exporter" {
            assert_eq!((ups.len(), failures), (0, 0.0), "{reason}: it counted against {target}");
        } else {
            assert!(ups == [0.0] && failures >= 2.0, "{reason}");
        }
    }
}

#[tokio::test]
async fn a_dead_resolver_never_counts_against_a_target() {
    let silent = Zone::new().broken(Fault::Silent);
    let refusing = Zone::new().broken(Fault::Refused);
    let broken = Zone::new().broken(Fault::ServFail);
    tokio::join!(
        with_resolver(&silent, "timeout", "exporter"),
        with_resolver(&refusing, "refused", "exporter"),
        with_resolver(&broken, "resolver_servfail", "exporter"),
    );
}

#[tokio::test]
async fn a_broken_domain_is_theirs() {
    let broken = Zone::new()
        .fault("mail.demo.test", Fault::ServFail)
        .fault("demo.test", Fault::ServFail)
        .ptr(std::net::Ipv4Addr::LOCALHOST, "localhost.demo.test");
    let nothing = Zone::new();
    tokio::join!(
        with_resolver(&broken, "servfail", "target"),
        with_resolver(&nothing, "nxdomain", "target"),
    );
}

#[tokio::test]
async fn a_resolver_that_dies_leaves_the_last_endpoints() {
    let well = server([127, 0, 4, 11], Behaviour::plain());
    let good = Zone::new().ttl(1).address("mail.demo.test", std::net::Ipv4Addr::new(127, 0, 4, 11));
    let dns = dns(&good);
    let more = format!("dns: {{servers: [\"{}\"], timeout: 300ms}}\n", dns.address());
    let target = format!(
        "{{name: named, host: \"mail.demo.test:{}\", module: clear}}",
        well.address().port()
    );
    let exporter = Exporter::start(&config(&more, &[target])).await;
    exporter.until("up", |r| r.values("smtp_target_up", &[]) == [1.0]).await;
    dns.set_zone(&Zone::new().broken(Fault::Silent)).unwrap();
    let read = exporter
        .until("the resolver's failure", |r| !r.values("smtp_resolve_failure", &[]).is_empty())
        .await;
    assert!(read.values("smtp_target_up", &[]).is_empty(), "up without a look");
    assert_eq!(read.values("smtp_probe_success", &[("address", "127.0.4.11")]), [1.0]);
    assert_eq!(read.value("smtp_target_consecutive_failures", &[]), 0.0);
    dns.set_zone(&good).unwrap();
    exporter.until("up again", |r| r.values("smtp_target_up", &[]) == [1.0]).await;
}

/// The exporter with room for so many descriptors.
fn with_descriptors(most: usize) -> Command {
    let mut command = Command::new("sh");
    command.env_clear().env("PATH", "/usr/bin:/bin");
    let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_smtp_exporter")]);
    command
}

#[tokio::test]
async fn a_full_descriptor_table_is_our_limit_and_nobodys_outage() {
    let slow: Vec<Server> = (1..=60)
        .map(|last| server([127, 0, 5, last], Behaviour::slow_greeting(Duration::from_millis(900))))
        .collect();
    let targets: Vec<String> = slow
        .iter()
        .map(|server| format!("{{host: \"{}\", module: patient}}", server.address()))
        .collect();
    let text = config(&without_dns(), &targets);
    let exporter = Exporter::start_as(&text, with_descriptors(48)).await;
    // Scrapes may have to wait for a descriptor as well.
    let read = exporter
        .until("the limit", |r| {
            !r.values("smtp_probe_failures_total", &[("cause", "exporter_limit")]).is_empty()
                && r.values("smtp_target_up", &[]).len() >= 30
        })
        .await;
    assert!(read.values("smtp_target_up", &[]).iter().all(|up| *up == 1.0), "a false outage");
    assert!(read.values("smtp_target_consecutive_failures", &[]).iter().all(|n| *n == 0.0));
    for sample in read.samples().filter(|s| s.name == "smtp_probe_failures_total") {
        assert_eq!(sample.labels["cause"], "exporter_limit", "{sample:?}");
        assert_eq!(sample.labels["blame"], "exporter", "{sample:?}");
    }
}

#[tokio::test]
async fn without_descriptors_the_http_side_waits_without_spinning() {
    let exporter = Exporter::start_as(&config(&without_dns(), &[]), with_descriptors(24)).await;
    let connect = || TcpStream::connect(exporter.address);
    // Clients that say nothing take every descriptor; the last ones are not accepted any more.
    let mut hogs = Vec::new();
    for _ in 0..40 {
        hogs.push(connect().await.unwrap());
    }
    let mut late = connect().await.unwrap();
    late.write_all(b"GET /-/healthy HTTP/1.0\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let before = exporter.ticks();
    let early = timeout(Duration::from_secs(1), late.read_to_string(&mut answer)).await;
    assert!(early.is_err(), "accepted without a descriptor: {answer}");
    let spent = exporter.ticks() - before;
    assert!(spent < 20, "{spent} ticks of 10 ms in a second of waiting");
    hogs.clear();
    timeout(PATIENCE, late.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
}
