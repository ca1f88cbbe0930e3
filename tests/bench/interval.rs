//! What the exporter costs in daily use: the release binary probes N targets on an interval, each an
//! address of its own on loopback, with STARTTLS, a full handshake and a verified certificate.
//!
//!     cargo build --release
//!     cargo bench --bench interval -- 100 10 60     targets, interval in s, measured time in s
//!
//! Prints what the kernel charged the exporter's process. On loopback that includes a share of the
//! peer's TCP work; the servers themselves run in this process and are not counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark ends by panicking and prints its result"
)]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use smtp_exporter::demo::behaviour::Behaviour;
use smtp_exporter::demo::server::Server;
use smtp_exporter::demo::tls::Authority;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let [targets, interval, seconds] = match numbers.as_slice() {
        [targets, interval, seconds, ..] => [*targets, *interval, *seconds],
        _ => [100, 10, 60],
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(targets, interval, seconds));
}

async fn run(targets: u64, interval: u64, seconds: u64) {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/smtp_exporter");
    assert!(binary.exists(), "build it first: cargo build --release");
    let server = Server::start(
        "0.0.0.0:0".parse().unwrap(),
        Behaviour::healthy().named("healthy.demo.test"),
    )
    .unwrap();
    let port = server.address().port();
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("ca.pem");
    std::fs::write(&authority, Authority::shared().unwrap().ca_pem()).unwrap();
    let mut config = format!(
        "exporter: {{helo: probe.bench.test}}\ntls: {{ca_file: {}}}\nmodules:\n  bench: {{port: {port}, \
         tls: required, tls_server_name: healthy.demo.test}}\ntargets:\n",
        authority.display()
    );
    for i in 0..targets {
        let address = format!("127.1.{}.{}", i / 250, i % 250 + 1);
        writeln!(config, "- {{name: t{i}, host: {address}, module: bench, interval: {interval}s}}")
            .unwrap();
    }
    let file = directory.path().join("smtp_exporter.yml");
    std::fs::write(&file, config).unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut exporter = Running(
        Command::new(&binary)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn")
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let id = exporter.0.id();
    // The first round of every target, and the memory that it takes, are not daily use.
    tokio::time::sleep(Duration::from_secs(interval + 3)).await;
    let (sessions, before) = (server.stats().sessions, cpu(id));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let probes = server.stats().sessions - sessions;
    let spent = cpu(id) - before;
    let memory = resident_kib(id);
    let started = cpu(id);
    let body = scrape(address);
    let scraping = cpu(id) - started;
    let up =
        body.lines().filter(|line| line.starts_with("smtp_target_up{") && line.ends_with(" 1"));
    println!("{targets} targets every {interval} s, {seconds} s measured");
    println!("  probes           {probes} ({} targets up)", up.count());
    println!("  cpu              {spent:.2} s, {:.2} % of a core", spent / seconds as f64 * 100.0);
    println!("  cpu per probe    {:.0} µs", spent / probes.max(1) as f64 * 1e6);
    println!("  resident memory  {:.1} MiB", memory as f64 / 1024.0);
    println!(
        "  one /metrics     {:.2} MB, {:.0} ms of cpu",
        body.len() as f64 / 1e6,
        scraping * 1e3
    );
    exporter.0.kill().unwrap();
    exporter.0.wait().unwrap();
}

/// Ends the exporter when the benchmark panics.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

/// User and system seconds of a process (proc(5), fields 14 and 15, in ticks of 10 ms).
fn cpu(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn resident_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn scrape(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
    let mut body = String::new();
    stream.read_to_string(&mut body).unwrap();
    body
}
