//! The release binary as a child process.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Scrape, fresh_directory, root_file, wait_for};

/// The binary under test.
pub(crate) fn binary() -> PathBuf {
    let binary = std::env::var_os("SMTP_EXPORTER_BINARY").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/smtp_exporter"),
        PathBuf::from,
    );
    assert!(binary.exists(), "{} was not built", binary.display());
    binary
}

/// An exporter that runs. Dropping it ends it without ceremony; [`Exporter::stop`] asks.
pub(crate) struct Exporter {
    /// Where it serves.
    pub(crate) address: SocketAddr,
    directory: PathBuf,
    child: Child,
}

impl Exporter {
    /// Starts it and waits until it is ready. `rest` is the configuration after [`head`].
    pub(crate) fn start(test: &str, rest: &str) -> Self {
        Self::start_with(test, &format!("{}{rest}", head("")))
    }

    /// Starts it with a whole configuration.
    pub(crate) fn start_with(test: &str, config: &str) -> Self {
        let directory = fresh_directory(&format!("{test}.exporter"));
        let file = directory.join("smtp_exporter.yml");
        std::fs::write(&file, config).unwrap();
        Self::run(directory, &format!("--config.file={}", file.display()))
    }

    /// Starts the demo: its mail servers are in the same process.
    pub(crate) fn demo(test: &str) -> Self {
        Self::run(fresh_directory(&format!("{test}.exporter")), "demo")
    }

    /// Runs it with one argument besides those that every run has.
    fn run(directory: PathBuf, argument: &str) -> Self {
        // Whoever takes the port between here and the exporter's bind makes the test fail, not lie.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(directory.join("log")).unwrap();
        let child = Command::new(binary())
            .arg(argument)
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=debug")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut exporter = Self { address, directory, child };
        wait_for(
            Duration::from_secs(20),
            || {
                let ended = exporter.child.try_wait().unwrap();
                assert!(ended.is_none(), "{ended:?} at once, {argument}\n{}", exporter.log());
                http_get(address, "/-/ready").ok().filter(|(code, _)| *code == 200)
            },
            || "the exporter is not ready".to_owned(),
        );
        exporter
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The body that a path gives with 200.
    pub(crate) fn page(&self, path: &str) -> String {
        let (code, body) = http_get(self.address, path).unwrap();
        assert_eq!(code, 200, "{path}: {body}");
        body
    }

    /// One scrape of `/metrics`.
    pub(crate) fn scrape(&self) -> Scrape {
        Scrape::read(self.page("/metrics"))
    }

    /// Scrapes until `ready` is content, and gives that scrape.
    ///
    /// # Panics
    ///
    /// After `limit`, with what `/metrics` says of `target` and its latest transcript.
    pub(crate) fn until(
        &self,
        target: &str,
        limit: Duration,
        ready: impl Fn(&Scrape) -> bool,
    ) -> Scrape {
        wait_for(
            limit,
            || Some(self.scrape()).filter(&ready),
            || {
                let logs = http_get(self.address, &format!("/logs?target={target}"));
                format!("{}\n{}", self.scrape().about(target), logs.unwrap_or_default().1)
            },
        )
    }

    /// Scrapes until a check has so many successful probes behind it.
    pub(crate) fn until_successes(&self, target: &str, module: &str, count: u32) -> Scrape {
        let labels = [("target", target), ("module", module), ("result", "success")];
        self.until(target, Duration::from_secs(45), |scrape| {
            scrape.value("smtp_probes_total", &labels).is_some_and(|n| n >= f64::from(count))
        })
    }

    /// Scrapes until a check is not up, or its expectation not met, for a reason.
    pub(crate) fn until_failing(&self, target: &str, limit: Duration) -> Scrape {
        self.until(target, limit, |scrape| {
            !scrape.all("smtp_probe_failure", &[("target", target)]).is_empty()
        })
    }

    /// Asks it to end and waits: the exit status must be 0, within the grace period.
    pub(crate) fn stop(mut self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
        let status = wait_status(&mut self.child, Duration::from_secs(20));
        assert_eq!(status.code(), Some(0), "{status}\n{}", self.log());
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // Already ended is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first lines of a configuration: who we say we are, a short gap, our authority. `exporter`
/// holds further keys of that section, each on a line with an indent of two.
pub(crate) fn head(exporter: &str) -> String {
    format!(
        "exporter:\n  helo: probe.example.net\n  \
         host_budget: {{max_concurrent: 1, min_gap: 200ms}}\n{exporter}\
         tls:\n  ca_file: {}\n",
        root_file().display()
    )
}

/// Waits for a child to end.
///
/// # Panics
///
/// When it does not; it is killed then.
fn wait_status(child: &mut Child, limit: Duration) -> ExitStatus {
    let end = tokio::time::Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if tokio::time::Instant::now() > end {
            child.kill().unwrap();
            panic!("still running after {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One GET, as HTTP/1.0: the body ends where the connection does.
pub(crate) fn http_get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let limit = Some(Duration::from_secs(60));
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    // In one piece: a port that speaks TLS answers the first one and closes.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let bad = || std::io::Error::other(format!("not an HTTP answer: {answer:?}"));
    let (top, body) = answer.split_once("\r\n\r\n").ok_or_else(bad)?;
    let code = top.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(bad)?;
    Ok((code, body.to_owned()))
}
