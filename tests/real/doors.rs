//! Locked doors, tried by the programs that stand before them: curl, and Prometheus with its own
//! `basic_auth` and `tls_config`. And the exporter as a user who may do nothing.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::prometheus::{Prometheus, promtool};
use crate::support::{
    Bed, Certificate, MAIL_NAME, binary, fresh_directory, http_get, root_file, store, wait_for,
};

const PASSWORD: &str = "s3cr3t-Words";

/// An exporter with this web configuration file; certificates lie beside it. Ended when dropped.
struct Locked {
    address: SocketAddr,
    directory: PathBuf,
    child: Child,
}

impl Locked {
    fn start(test: &str, web: &str) -> Self {
        let directory = fresh_directory(&format!("{test}.locked"));
        Certificate::Good.write(&directory);
        Certificate::Good.write(&directory.join("client"));
        let file = directory.join("web.yml");
        std::fs::write(&file, web).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(directory.join("log")).unwrap();
        let child = Command::new(binary())
            .current_dir(&directory)
            .arg(format!("--web.config.file={}", file.display()))
            .arg(format!("--web.listen-address={address}"))
            .arg(format!("--web.external-url=https://{MAIL_NAME}/"))
            .arg("--log.level=debug")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let locked = Self { address, directory, child };
        wait_for(
            Duration::from_secs(20),
            || std::net::TcpStream::connect(address).ok(),
            || std::fs::read_to_string(locked.directory.join("log")).unwrap_or_default(),
        );
        locked
    }

    /// What curl says: status and version of HTTP, or its own exit code.
    fn curl(&self, arguments: &[&str]) -> Result<String, i32> {
        let root = store().join("roots/curl/usr");
        let output = Command::new(root.join("bin/curl"))
            .env("LD_LIBRARY_PATH", root.join("lib/x86_64-linux-gnu"))
            .current_dir(&self.directory)
            .args(["--silent", "--show-error", "--max-time", "20", "--output", "/dev/null"])
            .args(["--write-out", "%{http_code} %{http_version}"])
            .args(["--resolve", &format!("{MAIL_NAME}:{}:127.0.0.1", self.address.port())])
            .args(arguments)
            .arg(format!("https://{MAIL_NAME}:{}/metrics", self.address.port()))
            .output()
            .unwrap();
        match output.status.code() {
            Some(0) => Ok(String::from_utf8(output.stdout).unwrap()),
            code => Err(code.unwrap()),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Already ended is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn web(client_auth: &str) -> String {
    let hash = bcrypt::hash(PASSWORD, 10).unwrap();
    format!(
        "tls_server_config:\n  cert_file: chain.pem\n  key_file: key.pem\n{client_auth}\
         basic_auth_users:\n  prometheus: {hash}\n"
    )
}

const CLIENTS: &str = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";

#[test]
fn curl_is_let_in_with_the_right_words_alone() {
    let locked = Locked::start("curl", &web(""));
    let right = format!("prometheus:{PASSWORD}");
    let ca = ["--cacert", "ca.pem"];
    let ask = |more: &[&str]| locked.curl(&[&ca[..], more].concat());
    assert_eq!(ask(&["--user", &right]).as_deref(), Ok("200 1.1"));
    // A client that would rather speak HTTP/2 agrees to 1.1.
    assert_eq!(ask(&["--user", &right, "--http2"]).as_deref(), Ok("200 1.1"));
    assert_eq!(ask(&["--user", &right, "--tls-max", "1.2"]).as_deref(), Ok("200 1.1"));
    assert_eq!(ask(&["--user", &right, "--compressed"]).as_deref(), Ok("200 1.1"));
    assert_eq!(ask(&[]).as_deref(), Ok("401 1.1"));
    assert_eq!(ask(&["--user", "prometheus:wrong"]).as_deref(), Ok("401 1.1"));
    assert_eq!(ask(&["--user", &format!("nobody:{PASSWORD}")]).as_deref(), Ok("401 1.1"));
    // 35: no handshake; 60: an authority that the client does not know.
    assert_eq!(ask(&["--user", &right, "--tls-max", "1.1"]), Err(35));
    assert_eq!(locked.curl(&["--user", &right]), Err(60));
    let (code, text) = http_get(locked.address, "/metrics").unwrap();
    assert!(code == 400 && text.contains("speaks TLS"), "{code} {text}");
    let log = std::fs::read_to_string(locked.directory.join("log")).unwrap();
    assert!(!log.contains(PASSWORD) && !log.contains("$2b$"), "{log}");
}

#[test]
fn curl_shows_a_certificate() {
    let locked = Locked::start("curl-certificate", &web(CLIENTS));
    let right = format!("prometheus:{PASSWORD}");
    let base = ["--cacert", "ca.pem", "--user", &right];
    let shown = ["--cert", "client/chain.pem", "--key", "client/key.pem"];
    assert_eq!(locked.curl(&[&base[..], &shown].concat()).as_deref(), Ok("200 1.1"));
    // Under TLS 1.3 the refusal reaches the client when it reads.
    let refused = locked.curl(&base);
    assert!(matches!(refused, Err(35 | 56)), "{refused:?}");
}

#[test]
fn prometheus_scrapes_through_locked_doors() {
    let text = web(CLIENTS);
    let locked = Locked::start("prometheus-locked", &text);
    // Prometheus reads the same file as its own.
    promtool("web-config", &locked.directory.join("web.yml"));
    let at = |name: &str| locked.directory.join(name).display().to_string();
    let tls = format!("ca_file: {}, server_name: {MAIL_NAME}", at("ca.pem"));
    let identity =
        format!("cert_file: {}, key_file: {}", at("client/chain.pem"), at("client/key.pem"));
    let login = |password: &str| {
        format!("    basic_auth: {{username: prometheus, password: {password}}}\n")
    };
    let mut config = "global: {scrape_interval: 1s}\nscrape_configs:\n".to_owned();
    for (job, tls, login) in [
        ("right", format!("{tls}, {identity}"), login(PASSWORD)),
        ("wrong_password", format!("{tls}, {identity}"), login("wrong")),
        ("no_password", format!("{tls}, {identity}"), String::new()),
        ("no_certificate", tls, login(PASSWORD)),
    ] {
        config.push_str(&format!(
            "  - job_name: {job}\n    scheme: https\n    tls_config: {{{tls}}}\n{login}    \
             static_configs: [{{targets: [\"{}\"]}}]\n",
            locked.address
        ));
    }
    let prometheus = Prometheus::start_with("locked", &config);
    let up = |job: &str, seconds: u32| {
        let query = format!("count_over_time((up{{job=\"{job}\"}} == 1)[{seconds}s:1s])");
        prometheus.query(&query).first().map_or(0.0, |(_, count)| *count)
    };
    wait_for(
        Duration::from_secs(30),
        || (up("right", 60) >= 10.0).then_some(()),
        || std::fs::read_to_string(locked.directory.join("log")).unwrap_or_default(),
    );
    // While others knock with wrong passwords every second, no scrape of the right one was lost.
    let lost = prometheus.query("count_over_time((up{job=\"right\"} == 0)[60s:1s])");
    assert!(lost.is_empty(), "{lost:?}");
    for job in ["wrong_password", "no_password", "no_certificate"] {
        assert_eq!(up(job, 60), 0.0, "{job}");
        assert!(!prometheus.query(&format!("up{{job=\"{job}\"}}")).is_empty(), "{job}");
    }
}

/// Everything that nobody may do, nobody needs: no user, no group, no capability, no new privilege.
#[test]
fn nobody_can_run_it() {
    let postfix = Bed::of("postfix").start("nobody", &[25]);
    // The user enters no directory of root's, so all lies in one of its own.
    let folder = tempfile::Builder::new()
        .prefix("smtp_exporter-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir()
        .unwrap();
    let place = |name: &str| folder.path().join(name);
    let copy = |from: &Path, name: &str, mode: u32| {
        std::fs::copy(from, place(name)).unwrap();
        std::fs::set_permissions(place(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    copy(&binary(), "smtp_exporter", 0o755);
    copy(&root_file(), "ca.pem", 0o644);
    let config = format!(
        "exporter: {{helo: probe.example.net}}\ntls: {{ca_file: ca.pem}}\ntargets:\n  \
         - {{name: mx, host: {}, module: smtp, interval: 2s}}\n",
        postfix.address
    );
    std::fs::write(place("smtp_exporter.yml"), &config).unwrap();
    let as_nobody = || {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])
            .args(["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"])
            .arg(place("smtp_exporter"))
            .current_dir(folder.path());
        command
    };
    let probe = as_nobody().args(["probe", "mx"]).output().unwrap();
    assert_eq!(probe.status.code(), Some(0), "{probe:?}");

    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = File::create(fresh_directory("nobody.exporter").join("log")).unwrap();
    let mut child = as_nobody()
        .arg(format!("--web.listen-address={address}"))
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let up = || {
        let (_, text) = http_get(address, "/metrics").ok()?;
        text.contains("smtp_target_up{target=\"mx\",module=\"smtp\"} 1").then_some(text)
    };
    let text = wait_for(Duration::from_secs(30), up, || "mx is not up".to_owned());
    assert!(text.contains("process_open_fds"), "its own entries in /proc are closed");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    for line in ["Uid:\t65534", "CapEff:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(status.contains(line), "{line} not in\n{status}");
    }

    // A secret that it cannot read is told, by the name of its file.
    std::fs::write(place("password"), PASSWORD).unwrap();
    std::fs::set_permissions(place("password"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let login = "modules: {submission: {auth: {username: probe, password_file: password}}}\n";
    std::fs::write(place("smtp_exporter.yml"), format!("{config}{login}")).unwrap();
    let check = as_nobody().arg("--config.check").output().unwrap();
    let said = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.code(), Some(64), "{said}");
    assert!(said.contains("the file password can't be read: permission denied"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
}
