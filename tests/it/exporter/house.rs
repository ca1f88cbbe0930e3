//! The exporter as a subprocess with a configuration of its own, and a client for it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use smtp_exporter::demo::{Behaviour, Dns, Server, Zone};
use smtp_exporter::metrics::Format;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::support::exposition::Exposition;

/// A running exporter. It is killed when this is dropped.
pub(super) struct Exporter {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) directory: tempfile::TempDir,
    log: Arc<Mutex<String>>,
}

/// The answer to a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Exporter {
    /// Starts with this configuration and waits until it serves.
    pub(super) async fn start(config: &str) -> Self {
        Self::start_as(config, binary()).await
    }

    /// The same through another command, such as one that sets the environment.
    pub(super) async fn start_as(config: &str, mut command: Command) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("smtp_exporter.yml");
        std::fs::write(&file, config).unwrap();
        command.arg("--config.file=smtp_exporter.yml");
        Self::spawn(directory, command).await
    }

    /// Starts a subcommand that serves, without a configuration file.
    pub(super) async fn subcommand(arguments: &[&str]) -> Self {
        let mut command = binary();
        command.args(arguments);
        Self::spawn(tempfile::tempdir().unwrap(), command).await
    }

    async fn spawn(directory: tempfile::TempDir, mut command: Command) -> Self {
        let mut child = command
            .current_dir(directory.path())
            .args(["--web.listen-address=127.0.0.1:0", "--log.level=debug"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn({
            let log = log.clone();
            move || {
                for line in stderr.lines().map_while(Result::ok) {
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        let started = Instant::now();
        let address = loop {
            let text = log.lock().unwrap().clone();
            let serving = text.lines().find(|line| line.contains("message=serving"));
            let address = serving.and_then(|line| line.split("address=").nth(1));
            if let Some(address) = address {
                break address.split(' ').next().unwrap().trim_matches('"').parse().unwrap();
            }
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "not serving:\n{text}");
            sleep(Duration::from_millis(10)).await;
        };
        Self { child, address, directory, log }
    }

    /// What was logged up to now.
    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Writes another configuration, without a word to the exporter.
    pub(super) fn write(&self, config: &str) {
        std::fs::write(self.directory.path().join("smtp_exporter.yml"), config).unwrap();
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    pub(super) async fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        ask(self.address, method, path, headers).await
    }

    pub(super) async fn metrics(&self) -> Exposition {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Exposition::read(&answer.text, Format::Text).unwrap()
    }

    /// Scrapes until the condition holds, and gives that scrape.
    pub(super) async fn until(
        &self,
        what: &str,
        mut condition: impl FnMut(&Exposition) -> bool,
    ) -> Exposition {
        let started = Instant::now();
        loop {
            let read = self.metrics().await;
            if condition(&read) {
                return read;
            }
            if started.elapsed() > PATIENCE {
                let text = self.get("/metrics").await.text;
                let series: Vec<&str> =
                    text.lines().filter(|line| line.contains("target=")).collect();
                let log = self.log();
                let log: Vec<&str> =
                    log.lines().filter(|line| !line.contains("http request")).collect();
                panic!("never: {what}\n{}\n{}", log.join("\n"), series.join("\n"));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The process's CPU time in clock ticks (proc(5), fields 14 and 15).
    pub(super) fn ticks(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Waits for the end of the process.
    pub(super) async fn ended(&mut self, within: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < within, "still running:\n{}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub(super) fn exposition(&self) -> Exposition {
        assert_eq!(self.status, 200, "{}", self.text);
        Exposition::read(&self.text, Format::Text).unwrap()
    }
}

/// The binary, with nothing of the test's environment that it would read: the one that was built
/// with the tests, or another that the environment names.
pub(super) fn binary() -> Command {
    let other = std::env::var_os("SMTP_EXPORTER_BINARY");
    other.map_or_else(built, |program| cleared(Command::new(program)))
}

/// The binary that was built with the tests, whatever the environment names.
pub(super) fn built() -> Command {
    cleared(Command::new(env!("CARGO_BIN_EXE_smtp_exporter")))
}

fn cleared(mut command: Command) -> Command {
    command.env_clear();
    command
}

/// Runs the binary to its end in a directory.
pub(super) async fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = binary();
    command.current_dir(directory).args(arguments).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// One request on a connection of its own. HTTP/1.0, so that the answer ends with the connection.
pub(super) async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let talk = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        std::io::Result::Ok(String::from_utf8(bytes).unwrap())
    };
    let text = timeout(PATIENCE, talk).await.expect("no answer").unwrap();
    let (head, text) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, text: text.to_owned() }
}

/// A server on an address of 127.0.0.0/8, on a port that is free.
pub(super) fn server(address: [u8; 4], behaviour: Behaviour) -> Server {
    Server::start(SocketAddr::from((address, 0)), behaviour).unwrap()
}

pub(super) fn dns(zone: &Zone) -> Dns {
    Dns::start(SocketAddr::from(([127, 0, 0, 1], 0)), zone).unwrap()
}

/// A configuration with short times. `targets` are lines of the list, `more` any other keys.
pub(super) fn config(more: &str, targets: &[String]) -> String {
    let list: String = targets.iter().map(|target| format!("  - {target}\n")).collect();
    format!(
        "\
exporter:
  helo: probe.demo.test
  own: [demo.test]
  host_budget: {{max_concurrent: 1, min_gap: 50ms}}
  backoff: {{initial: 2500ms, factor: 2, max: 1m}}
{more}modules:
  clear: {{tls: none, interval: 1s, timeouts: {SHORT}}}
  starttls: {{tls: required, interval: 1s, timeouts: {SHORT}}}
  patient: {{tls: none, interval: 1s, timeouts: {{connect: 1s, greeting: 5s, reply: 2s, total: 6s}}}}
targets:{}{list}",
        if targets.is_empty() { " []" } else { "\n" }
    )
}

/// Nobody is asked by accident: names resolve nowhere.
pub(super) fn without_dns() -> String {
    "dns: {servers: [\"127.0.0.1:1\"], timeout: 300ms}\n".to_owned()
}

/// Where the demo's authority is written for `tls.ca_file`.
pub(super) fn ca_file(directory: &Path) -> PathBuf {
    let file = directory.join("ca.pem");
    let pem = smtp_exporter::demo::Authority::shared().unwrap().ca_pem();
    std::fs::write(&file, pem).unwrap();
    file
}

/// Waits until the condition holds.
pub(super) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// How long anything may take: long, because the machine may be busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(25);
const SHORT: &str = "{connect: 1s, greeting: 1500ms, reply: 1s, total: 3s}";
