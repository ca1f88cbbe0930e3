//! Debian's Alertmanager with the configuration that is deployed, and what its receivers hear.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{fresh_directory, http_get, store, wait_for};

/// The tool that checks configurations and renders templates.
pub(crate) fn amtool() -> PathBuf {
    store().join("roots/alertmanager/usr/bin/amtool")
}

/// One alert that reached a receiver.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The receiver: `pager`, `tickets` or `postmaster`.
    pub(crate) receiver: String,
    /// `firing` or `resolved`.
    pub(crate) status: String,
    /// The alert with its labels and annotations.
    pub(crate) alert: Value,
}

impl Told {
    /// True for an alert of this name and status.
    pub(crate) fn is(&self, name: &str, status: &str) -> bool {
        self.label("alertname") == name && self.status == status
    }

    /// A label, or nothing.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.alert["labels"][name].as_str().unwrap_or_default()
    }

    /// An annotation, or nothing.
    pub(crate) fn note(&self, name: &str) -> &str {
        self.alert["annotations"][name].as_str().unwrap_or_default()
    }

    /// When it began to fire.
    pub(crate) fn since(&self) -> SystemTime {
        humantime::parse_rfc3339(self.alert["startsAt"].as_str().unwrap()).unwrap()
    }
}

/// Takes what the Alertmanager sends. It ends with the test run.
#[derive(Clone)]
pub(crate) struct Webhook {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Told>>>,
}

impl Webhook {
    /// Listens.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<Told>>>::default();
        let shelf = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (path, body) = request(&stream).expect("the Alertmanager speaks HTTP");
                let message: Value = serde_json::from_slice(&body).expect("and JSON");
                for alert in message["alerts"].as_array().unwrap() {
                    shelf.lock().unwrap().push(Told {
                        receiver: path.trim_start_matches('/').to_owned(),
                        status: alert["status"].as_str().unwrap().to_owned(),
                        alert: alert.clone(),
                    });
                }
            }
        });
        Self { address, heard }
    }

    /// All that was heard so far.
    pub(crate) fn heard(&self) -> Vec<Told> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits for an alert.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&Told) -> bool) -> Told {
        wait_for(
            Duration::from_secs(60),
            || self.heard().into_iter().find(&wanted),
            || format!("{what}; heard was {:#?}", self.heard()),
        )
    }
}

/// Reads one request and answers it with 200.
fn request(mut stream: &TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok((first.split(' ').nth(1).unwrap_or_default().to_owned(), body))
}

/// An Alertmanager that runs. Dropping it ends it.
pub(crate) struct Alertmanager {
    /// Where it serves.
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Alertmanager {
    /// Runs with what is deployed, but for the receivers' address and shorter waits.
    pub(crate) fn start(test: &str, webhook: &Webhook) -> Self {
        let directory = fresh_directory(&format!("{test}.alertmanager"));
        let deployed = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/alertmanager");
        std::fs::create_dir_all(directory.join("templates")).unwrap();
        let template = "templates/smtp.tmpl";
        std::fs::copy(deployed.join(template), directory.join(template)).unwrap();
        let mut config = std::fs::read_to_string(deployed.join("alertmanager.yml")).unwrap();
        for (from, to) in [
            ("localhost:9099", webhook.address.to_string().as_str()),
            // Long enough for what inhibits to come with what is inhibited.
            ("group_wait: 30s", "group_wait: 1s"),
            ("group_wait: 10s", "group_wait: 1s"),
            ("group_interval: 5m", "group_interval: 1s"),
        ] {
            assert!(config.contains(from), "{from}");
            config = config.replace(from, to);
        }
        let file = directory.join("alertmanager.yml");
        std::fs::write(&file, config).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = std::fs::File::create(directory.join("log")).unwrap();
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/bed");
        let child = Command::new("bash")
            .arg(recipes.join("alertmanager.sh"))
            .arg(store())
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let alertmanager = Self { address, child };
        wait_for(
            Duration::from_secs(30),
            || http_get(address, "/-/ready").ok().filter(|(code, _)| *code == 200),
            || std::fs::read_to_string(directory.join("log")).unwrap_or_default(),
        );
        alertmanager
    }

    /// Gives it alerts, each as its labels.
    pub(crate) fn post(&self, alerts: &[Value]) {
        let body: Vec<Value> =
            alerts.iter().map(|labels| serde_json::json!({ "labels": labels })).collect();
        let body = serde_json::to_string(&body).unwrap();
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "POST /api/v2/alerts HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    }

    /// The names of the alerts that others keep quiet.
    pub(crate) fn inhibited(&self) -> Vec<String> {
        let (code, body) = http_get(self.address, "/api/v2/alerts").unwrap();
        assert_eq!(code, 200, "{body}");
        let alerts: Vec<Value> = serde_json::from_str(&body).unwrap();
        let quiet = |alert: &&Value| !alert["status"]["inhibitedBy"].as_array().unwrap().is_empty();
        let name = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = alerts.iter().filter(quiet).map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // Already ended is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
