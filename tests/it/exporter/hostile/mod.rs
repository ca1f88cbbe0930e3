//! Peers that mean harm, all at once, in front of one exporter with healthy targets beside them:
//! what they may cost is a number, and the healthy ones notice nothing.
//!
//! `SMTP_EXPORTER_BINARY` names another binary to hold to the same bounds, such as the release one.

mod busy;
mod clock;
mod dns;
mod peer;
mod records;
mod smtp;
mod web;

use std::time::Duration;

use rustix::process::Signal;
use smtp_exporter::demo::{Behaviour, Server};
use smtp_exporter::observation::TRANSCRIPT_BYTES;
use tokio::time::{Instant, sleep};

use self::smtp::Peer;
use super::house::{Exporter, server, without_dns};
use crate::support::exposition::Exposition;

/// What all of it may cost, together.
struct Bounds {
    /// The most memory that was ever resident, in MiB.
    memory: u64,
    /// Descriptors open at any moment.
    descriptors: usize,
    /// How much longer than `timeouts.total` a probe may take: QUIT's last word, and a busy machine.
    grace: Duration,
    /// Bytes of `/logs` per target: the last failure and the last success, and what is around them.
    logs: usize,
    /// How late a round of a healthy target may start, in seconds.
    lag: &'static str,
}

const BOUNDS: Bounds = Bounds {
    memory: 64,
    descriptors: 160,
    grace: Duration::from_secs(2),
    logs: 2 * TRANSCRIPT_BYTES + 4096,
    lag: "5.0",
};

/// What an unoptimised program takes besides, in MiB: what is stated is the release's.
const UNOPTIMISED: u64 = 16;

/// True when the suite runs against a release that was named.
fn optimised() -> bool {
    std::env::var_os("SMTP_EXPORTER_BINARY").is_some()
}

/// Bounds on one probe in these tests.
const TOTAL: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_servers_cost_what_is_stated_and_disturb_nobody() {
    let cases = smtp::cases();
    let mut servers: Vec<Server> = Vec::new();
    let mut targets = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let host = [127, 0, 60, u8::try_from(number + 1).unwrap()];
        let address = match &case.peer {
            Peer::Script(script) => peer::start(host, script.clone()).await,
            Peer::Demo(behaviour) => {
                servers.push(server(host, (**behaviour).clone()));
                servers.last().unwrap().address()
            }
        };
        let (name, module) = (&case.name, case.module);
        targets.push(format!("{{name: {name}, host: \"{address}\", module: {module}}}"));
    }
    let healthy: Vec<Server> =
        (1..=5).map(|last| server([127, 0, 61, last], Behaviour::healthy())).collect();
    for (number, server) in healthy.iter().enumerate() {
        let address = server.address();
        targets.push(format!("{{name: healthy-{number}, host: \"{address}\", module: often}}"));
    }
    let mut exporter = Exporter::start(&config(&without_dns(), &targets)).await;

    let started = Instant::now();
    let mut descriptors = 0;
    let read = loop {
        descriptors = descriptors.max(open_descriptors(&exporter));
        let read = exporter.metrics().await;
        let told = cases.iter().all(|case| probes(&read, &case.name) >= 2.0);
        if told && started.elapsed() > Duration::from_secs(12) {
            break read;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{}", waiting(&read, &cases));
        sleep(Duration::from_millis(100)).await;
    };
    let seconds = started.elapsed().as_secs_f64();

    let wrong: Vec<String> = cases.iter().filter_map(|case| wrong_end(&read, case)).collect();
    assert_eq!(wrong, Vec::<String>::new());
    for (number, server) in healthy.iter().enumerate() {
        let name = format!("healthy-{number}");
        assert_eq!(read.value("smtp_target_up", &[("target", &name)]), 1.0, "{name}");
        assert_eq!(ends(&read, &name), "", "{name}");
        // Probes of the same target never overlap, and on a busy machine one takes its time.
        let sessions = server.stats().sessions;
        assert!(sessions as f64 > seconds / 3.0 - 2.0, "{name}: {sessions} in {seconds} s");
        let failures = read.values("smtp_probe_failures_total", &[("target", &name)]);
        assert_eq!(failures, [0.0; 0], "{name}");
        println!("{name}: {sessions} probes in {seconds:.0} s");
    }
    let longest = (TOTAL + BOUNDS.grace).as_secs_f64();
    for sample in read.samples().filter(|s| s.name == "smtp_probe_duration_seconds") {
        assert!(sample.value < longest, "{sample:?}");
    }
    let mut logs = 0;
    for case in &cases {
        let text = exporter.get(&format!("/logs?target={}", case.name)).await.text;
        let endless = text.chars().filter(|c| c.is_control() && *c != '\n').count();
        assert_eq!(endless, 0, "{}: control characters\n{text}", case.name);
        logs = logs.max(text.len());
    }
    assert!(logs <= BOUNDS.logs, "{logs} bytes of /logs");
    assert!(descriptors <= BOUNDS.descriptors, "{descriptors} descriptors");
    for case in cases.iter().filter(|case| case.ends.len() > 1) {
        println!("{}: {}", case.name, ends(&read, &case.name));
    }
    bounded(&mut exporter, &read).await;
    println!(
        "{} hostile servers, {seconds:.0} s: {descriptors} descriptors, {logs} bytes of /logs",
        cases.len()
    );
}

/// What holds whoever the peers are: memory, no panic, rounds in time, and an end when told to.
async fn bounded(exporter: &mut Exporter, read: &Exposition) {
    let memory = peak_memory(exporter);
    let lag = |part| read.value(&format!("smtp_exporter_schedule_lag_seconds_{part}"), &[]);
    let late = lag("sum") / lag("count");
    let cpu = exporter.ticks();
    println!("{memory} MiB at most, {late:.3} s late on average, {cpu} ticks of CPU");
    let most = if optimised() { BOUNDS.memory } else { BOUNDS.memory + UNOPTIMISED };
    assert!(memory <= most, "{memory} MiB were resident");
    let count = |le| {
        read.values("smtp_exporter_schedule_lag_seconds_bucket", &[("le", le)]).first().copied()
    };
    assert!(count("+Inf") > Some(0.0));
    assert_eq!(count(BOUNDS.lag), count("+Inf"), "rounds started too late");
    let log = exporter.log();
    let panics: Vec<&str> = log.lines().filter(|line| line.contains("panic")).collect();
    assert_eq!(panics, Vec::<&str>::new());
    assert_eq!(exporter.get("/-/healthy").await.status, 200);
    exporter.signal(Signal::TERM);
    assert!(exporter.ended(Duration::from_secs(15)).await.success());
}

/// A configuration with short times for everybody; `often` is for healthy targets.
fn config(more: &str, targets: &[String]) -> String {
    let list: String = targets.iter().map(|target| format!("  - {target}\n")).collect();
    let total = TOTAL.as_secs();
    let rest = format!(
        "interval: 6s, timeouts: {{connect: 1s, greeting: 1500ms, reply: 1s, total: {total}s}}"
    );
    format!(
        "\
exporter:
  helo: probe.demo.test
  own: [demo.test, hostile.test]
  host_budget: {{max_concurrent: 1, min_gap: 50ms}}
  backoff: {{initial: 2s, factor: 1, max: 2s}}
{more}modules:
  clear: {{tls: none, {rest}}}
  starttls: {{tls: required, tls_verify: false, {rest}}}
  implicit: {{tls: implicit, tls_verify: false, {rest}}}
  often: {{tls: required, tls_verify: false, interval: 1s}}
  whole:
    tls: required
    tls_verify: false
    auth: {{username: probe, password: demo-password}}
    mail: {{from: probe@demo.test, to: postmaster@demo.test}}
    interval: 6s
    timeouts: {{connect: 1s, greeting: 1500ms, reply: 1s, total: {total}s}}
targets:
{list}"
    )
}

/// The failure as `phase cause`; empty when there is none.
fn ends(read: &Exposition, target: &str) -> String {
    let sample =
        read.samples().find(|s| s.name == "smtp_target_failure" && s.labels["target"] == target);
    sample.map_or_else(String::new, |s| format!("{} {}", s.labels["phase"], s.labels["cause"]))
}

fn wrong_end(read: &Exposition, case: &smtp::Case) -> Option<String> {
    let end = ends(read, &case.name);
    let phase = end.split(' ').next().unwrap_or_default();
    let fits = case.ends.iter().any(|&of| of == end || of == phase);
    let right = if case.ends.is_empty() { end.is_empty() } else { fits };
    (!right).then(|| format!("{}: {end:?} and not {:?}", case.name, case.ends))
}

fn probes(read: &Exposition, target: &str) -> f64 {
    read.values("smtp_probes_total", &[("target", target)]).iter().sum()
}

fn waiting(read: &Exposition, cases: &[smtp::Case]) -> String {
    let rare = cases.iter().filter(|case| probes(read, &case.name) < 2.0);
    let names: Vec<&str> = rare.map(|case| case.name.as_str()).collect();
    format!("probed less than twice: {names:?}")
}

/// The most that was ever resident, in MiB (proc(5), `VmHWM`).
fn peak_memory(exporter: &Exporter) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", exporter.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes.div_ceil(1024)
}

fn open_descriptors(exporter: &Exporter) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", exporter.pid())).unwrap().count()
}
