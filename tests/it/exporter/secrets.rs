//! A password is in no output, whatever is asked and however much is logged; and the transcript of
//! a session inside TLS is told.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use smtp_exporter::demo::{Auth, Behaviour, Dns, Sasl, Server, Zone};

use super::house::{Exporter, binary, ca_file, config, dns, run, server};

const PASSWORD: &str = "s3cr3t-Words";
const VARIABLE: &str = "PROBE_SECRET";

/// A submission server for each mechanism, and a configuration that logs in at each.
fn logins(folder: &Path, password: &str) -> (Vec<Server>, Dns, String) {
    let mut zone = Zone::new();
    let (mut servers, mut targets) = (Vec::new(), Vec::new());
    for (mechanism, last) in Sasl::ALL.iter().zip(1..) {
        let auth = Auth {
            mechanisms: vec![*mechanism],
            password: PASSWORD.to_owned(),
            token: PASSWORD.to_owned(),
            ..Auth::default()
        };
        let behaviour = Behaviour { auth: Some(auth), ..Behaviour::submission() };
        let server = server([127, 0, 7, last], behaviour);
        let name = format!("{}.demo.test", mechanism.as_str().to_lowercase());
        zone = zone.address(&name, Ipv4Addr::new(127, 0, 7, last));
        // Each mechanism takes its secret from elsewhere.
        let module = match mechanism {
            Sasl::Xoauth2 => "token",
            Sasl::Login => "environment",
            Sasl::CramMd5 => "file",
            Sasl::Plain => "login",
        };
        targets.push(format!(
            "{{name: {}, host: \"{name}:{}\", module: {module}}}",
            mechanism.as_str(),
            server.address().port()
        ));
        servers.push(server);
    }
    let dns = dns(&zone);
    std::fs::write(folder.join("token"), password).unwrap();
    let more = format!(
        "dns: {{servers: [\"{}\"], timeout: 1s}}\ntls: {{ca_file: \"{}\"}}\n",
        dns.address(),
        ca_file(folder).display(),
    );
    let modules = format!(
        "modules:\n  environment: {{tls: required, interval: 1s, auth: {{username: probe, password_env: {VARIABLE}}}}}\n  \
         file: {{tls: required, interval: 1s, auth: {{username: probe, password_file: \"{0}\"}}}}\n  login: {{tls: required, interval: 1s, auth: {{username: probe, password: {password}}}}}\n  \
         token: {{tls: required, interval: 1s, auth: {{username: probe, token_file: \"{0}\"}}}}\n",
        folder.join("token").display()
    );
    (servers, dns, config(&more, &targets).replace("modules:\n", &modules))
}

/// The secret in no form in which it goes over the wire.
fn assert_clean(what: &str, text: &str, password: &str) {
    use base64::Engine;
    let encode = |text: String| base64::prelude::BASE64_STANDARD.encode(text);
    let plain = encode(format!("\0probe\0{password}"));
    let bearer = encode(format!("user=probe\x01auth=Bearer {password}\x01\x01"));
    for form in [password.to_owned(), encode(password.to_owned()), plain, bearer] {
        assert!(!text.contains(&form), "{what} holds {form}:\n{text}");
    }
}

/// Runs the binary to its end, with the secret in its environment.
async fn told(directory: &Path, arguments: &[&str], password: &str) -> std::process::Output {
    let mut command = binary();
    command.current_dir(directory).args(arguments).env(VARIABLE, password);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn nothing_leaks(password: &str, up: f64) {
    let folder = tempfile::tempdir().unwrap();
    let (servers, _dns, text) = logins(folder.path(), password);
    let mut command = binary();
    command.env(VARIABLE, password);
    let exporter = Exporter::start_as(&text, command).await;
    let read = exporter
        .until("every login was tried", |r| r.values("smtp_target_up", &[]).len() == servers.len())
        .await;
    assert_eq!(read.values("smtp_target_up", &[]), vec![up; servers.len()]);
    let paths = [
        "/",
        "/metrics",
        "/config",
        "/api/v1/targets",
        "/logs?target=PLAIN",
        "/logs?target=LOGIN",
        "/logs?target=CRAM-MD5",
        "/logs?target=XOAUTH2",
        "/probe?target=PLAIN&debug=true",
    ];
    for path in paths {
        let answer = exporter.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_clean(path, &answer.text, password);
    }
    assert!(exporter.get("/config").await.text.contains("<secret>"));
    let logs = exporter.get("/logs?target=PLAIN").await.text;
    for line in ["C STARTTLS", "TLS", "C AUTH PLAIN", "C QUIT"] {
        assert!(logs.contains(line), "{line} is not in\n{logs}");
    }
    if up == 1.0 {
        assert!(logs.contains("S 235"), "{logs}");
    }
    assert_clean("the debug log", &exporter.log(), password);

    let directory = exporter.directory.path();
    let file = "--config.file=smtp_exporter.yml";
    for target in ["PLAIN", "XOAUTH2"] {
        for format in ["text", "json", "ticket"] {
            let format = format!("--format={format}");
            let arguments = [file, "--log.level=debug", "probe", "-v", &format, target];
            let output = told(directory, &arguments, password).await;
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert_eq!(output.status.code(), Some(if up == 1.0 { 0 } else { 1 }), "{text}");
            assert_clean(&format, &text, password);
        }
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", exporter.pid())).unwrap();
    assert_clean("the command line", &String::from_utf8(arguments).unwrap(), password);
    // A key at the wrong place, and a value of the wrong kind, are told without the value.
    let broken = text
        .replace("password: ", "passwrd: ")
        .replace("interval: 1s, auth", "interval: [x], auth");
    let broken = format!(
        "{broken}\nexporter: {password}\ndns: [{password}]\nprobe: {{min_interval: {{a: {password}}}}}\n"
    );
    std::fs::write(directory.join("broken.yml"), broken).unwrap();
    let check = told(directory, &["--config.file=broken.yml", "--config.check"], password).await;
    let said = String::from_utf8(check.stderr).unwrap();
    assert!(check.status.code() == Some(64) && said.contains("passwrd"), "{said}");
    assert_clean("the problems", &said, password);
    let check = told(directory, &[file, "--config.check"], password).await;
    let text = String::from_utf8([check.stdout, check.stderr].concat()).unwrap();
    assert!(check.status.success(), "{text}");
    assert_clean("--config.check", &text, password);
}

#[tokio::test]
async fn a_password_that_works_is_nowhere_to_be_seen() {
    nothing_leaks(PASSWORD, 1.0).await;
}

#[tokio::test]
async fn a_password_that_fails_is_nowhere_to_be_seen() {
    nothing_leaks("wr0ng-Words", 0.0).await;
}

/// A secret in the configuration itself is as open as that file.
#[tokio::test]
async fn secrets_in_a_file_that_everybody_can_read_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("smtp_exporter.yml");
    let text = format!(
        "dns: {{servers: [\"127.0.0.1:1\"]}}\nmodules:\n  login: {{tls: required, auth: {{username: probe, \
         password: {PASSWORD}}}}}\ndnsbl:\n  subjects: [192.0.2.1]\n  lists:\n    - {{zone: \
         {PASSWORD}.zen.dq.spamhaus.net, name: dqs}}\n"
    );
    std::fs::write(&file, text).unwrap();
    for (mode, told) in [(0o644, 2), (0o640, 0)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let output = run(folder.path(), &["--config.check"]).await;
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{said}");
        let lines = said.lines().filter(|line| line.contains("everybody on this machine can read"));
        assert_eq!(lines.count(), told, "{mode:o}: {said}");
        for place in ["modules.login.auth.password: is a secret", "lists[0].zone: is a secret"] {
            assert_eq!(said.contains(place), told > 0, "{said}");
        }
        assert_clean("--config.check", &said, PASSWORD);
    }
}
