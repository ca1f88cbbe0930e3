//! The doors of the whole program: a web configuration file, what becomes of it when it changes, and
//! what nobody talks `/probe` into.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use smtp_exporter::demo::{Behaviour, Zone};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::house::{Exporter, PATIENCE, binary, config, dns, run, server, without_dns};
use crate::support::pki::Authority;

const WEB: &str = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";

fn renew(folder: &Path, authority: &Authority) -> CertificateDer<'static> {
    let issued = authority.server();
    std::fs::write(folder.join("cert.pem"), &issued.certificate).unwrap();
    std::fs::write(folder.join("key.pem"), &issued.key).unwrap();
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

/// One request over TLS: the server's certificate and the status line.
async fn ask(
    authority: &Authority,
    address: SocketAddr,
    headers: &str,
) -> std::io::Result<(CertificateDer<'static>, String)> {
    let (shown, text) = ask_for(authority, address, "/-/healthy", headers).await?;
    Ok((shown, text.lines().next().unwrap_or_default().to_owned()))
}

/// Whether the last reload was successful, as `/metrics` has it.
async fn gauge(authority: &Authority, address: SocketAddr) -> String {
    let (_, text) = ask_for(authority, address, "/metrics", "").await.unwrap();
    let name = "smtp_exporter_config_last_reload_successful ";
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
}

async fn ask_for(
    authority: &Authority,
    address: SocketAddr,
    path: &str,
    headers: &str,
) -> std::io::Result<(CertificateDer<'static>, String)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream =
        tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // The end is told apart from a cut: without close_notify this is an error.
    stream.read_to_end(&mut answer).await?;
    Ok((shown, String::from_utf8(answer).unwrap()))
}

#[tokio::test]
async fn renewed_certificates_are_shown_and_broken_ones_are_not() {
    let web = tempfile::tempdir().unwrap();
    let authority = Authority::new("servers");
    let first = renew(web.path(), &authority);
    let file = web.path().join("web.yml");
    std::fs::write(&file, WEB).unwrap();
    let mut command = binary();
    command.arg(format!("--web.config.file={}", file.display()));
    let exporter = Exporter::start_as(&config(&without_dns(), &[]), command).await;
    let shown = async || ask(&authority, exporter.address, "").await.unwrap();
    let (certificate, status) = shown().await;
    assert!(certificate == first && status.contains("200"), "{status}");

    // Another pair: by itself, within seconds.
    let second = renew(web.path(), &authority);
    let start = Instant::now();
    while shown().await.0 != second {
        assert!(start.elapsed() < PATIENCE, "never renewed\n{}", exporter.log());
        sleep(Duration::from_millis(100)).await;
    }
    // A key of another certificate: the old pair stays, and the log says why.
    std::fs::write(web.path().join("key.pem"), authority.server().key).unwrap();
    let start = Instant::now();
    while !exporter.log().contains("is not the key of the certificate") {
        assert!(start.elapsed() < PATIENCE, "no word of it\n{}", exporter.log());
        sleep(Duration::from_millis(100)).await;
    }
    assert!(shown().await.0 == second);
    let successful = async || gauge(&authority, exporter.address).await;
    assert_eq!(successful().await, "0");
    // Only the pair is mended: nobody asks for a reload, and the alarm ends.
    let pair = renew(web.path(), &authority);
    let start = Instant::now();
    while shown().await.0 != pair || successful().await != "1" {
        assert!(start.elapsed() < PATIENCE, "the alarm stays\n{}", exporter.log());
        sleep(Duration::from_millis(100)).await;
    }
    // Mended, and with users besides.
    let third = renew(web.path(), &authority);
    let hash = bcrypt::hash("right", 4).unwrap();
    std::fs::write(&file, format!("{WEB}basic_auth_users: {{prometheus: {hash}}}\n")).unwrap();
    let start = Instant::now();
    loop {
        let (certificate, status) = shown().await;
        if certificate == third && status.contains("401") {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{status}\n{}", exporter.log());
        sleep(Duration::from_millis(100)).await;
    }
    let words = format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode("prometheus:right"));
    let (_, status) = ask(&authority, exporter.address, &words).await.unwrap();
    assert!(status.contains("200"), "{status}");
    let log = exporter.log();
    for secret in [hash.as_str(), "right", &words] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
}

#[tokio::test]
async fn a_bad_web_file_is_refused_with_the_rest_and_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("web.yml"), "basic_auth_users: {alice: hunter2}\n").unwrap();
    std::fs::write(folder.path().join("bad.yml"), "targets: [{name: x}]\n").unwrap();
    std::fs::write(folder.path().join("good.yml"), "targets: []\n").unwrap();
    for (config, check) in [("bad.yml", true), ("bad.yml", false), ("good.yml", false)] {
        let config_file = format!("--config.file={config}");
        let mut arguments = vec!["--web.config.file=web.yml", &config_file];
        arguments.extend(check.then_some("--config.check"));
        let output = run(folder.path(), &arguments).await;
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(64), "{text}");
        assert!(text.contains("web.yml:1:27: basic_auth_users.alice: is not a bcrypt"), "{text}");
        assert_eq!(text.contains("bad.yml:1:"), config == "bad.yml", "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let output = run(folder.path(), &["--web.closed=logs,doors", "--config.check"]).await;
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(64) && text.contains("one of reload, probe"), "{text}");
}

#[tokio::test]
async fn no_core_dump_can_hold_a_secret() {
    let mut command = binary();
    command.arg("--web.closed=reload,logs");
    let exporter = Exporter::start_as(&config(&without_dns(), &[]), command).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", exporter.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(line.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{line}");
    assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 403);
    // Its own entries in /proc stay readable.
    exporter.until("descriptors", |read| read.value("process_open_fds", &[]) > 3.0).await;
}

#[tokio::test]
async fn no_spelling_of_an_address_gets_past_the_list() {
    let canary = server([127, 0, 0, 1], Behaviour::plain());
    let port = canary.address().port();
    let zone = Zone::new().address("rebound.test", Ipv4Addr::LOCALHOST);
    let dns = dns(&zone);
    let more = format!(
        "dns: {{servers: [\"{}\"], timeout: 1s}}\nprobe: {{allow: [192.0.2.0/24, \"2001:db8::/32\", rebound.test, demo.test]}}\n",
        dns.address()
    );
    let text = config(&more, &[])
        .replace("modules:\n", &format!("modules:\n  smtp: {{port: {port}, tls: none}}\n"));
    let exporter = Exporter::start(&text).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "127.0.0.01",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::127.0.0.1]",
        "[2002:7f00:1::1]",
        "[2001:0:7f00:1::1]",
        "[fe80::1%25eth0]",
        "[::1%25lo]",
        "fe80::1%25lo",
        "localhost",
        "rebound.test",
        "rebound.test.",
        "REBOUND.test",
        "user@127.0.0.1",
        "smtp://127.0.0.1",
        "127.0.0.1%00.demo.test",
        "127.0.0.1%0d%0a.demo.test",
        "127.0.0.1%23.demo.test",
        "domain:127.0.0.1",
        "domain:rebound.test",
    ] {
        let bytes: String = host
            .bytes()
            .map(|byte| {
                if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02x}") }
            })
            .collect();
        for tail in [String::new(), format!(":{port}")] {
            let answer = exporter.get(&format!("/probe?target={bytes}{tail}")).await;
            assert!(
                [400, 403].contains(&answer.status),
                "{host}{tail}: {} {}",
                answer.status,
                answer.text
            );
        }
    }
    assert_eq!(canary.stats().sessions, 0, "somebody was let through");
}

/// A name whose answer changes between two look-ups is checked by the answer that is connected to.
#[tokio::test]
async fn a_name_that_changes_its_answer_is_checked_at_each() {
    let ours = server([127, 0, 9, 1], Behaviour::plain());
    let port = ours.address().port();
    let inside = smtp_exporter::demo::Server::start(
        SocketAddr::from(([127, 0, 8, 1], port)),
        Behaviour::plain(),
    )
    .unwrap();
    let zone =
        |last: u8| Zone::new().ttl(0).address("rebind.evil.test", Ipv4Addr::new(127, 0, last, 1));
    let dns = dns(&zone(9));
    let more = format!(
        "dns: {{servers: [\"{}\"], timeout: 1s}}\nprobe: {{allow: [127.0.9.0/24], min_interval: 0s}}\n",
        dns.address()
    );
    let text = config(&more, &[])
        .replace("modules:\n", &format!("modules:\n  smtp: {{port: {port}, tls: none}}\n"));
    let exporter = Exporter::start(&text).await;
    let path = "/probe?target=rebind.evil.test";
    for _ in 0..3 {
        dns.set_zone(&zone(9)).unwrap();
        let answer = exporter.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        dns.set_zone(&zone(8)).unwrap();
        let answer = exporter.get(path).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        assert!(answer.text.contains("127.0.8.1 is in no network"), "{}", answer.text);
    }
    assert_eq!(ours.stats().sessions, 3);
    assert_eq!(inside.stats().sessions, 0);
}

/// Whoever runs a domain does not choose our own network for us, also when the domain is configured.
#[tokio::test]
async fn an_exchanger_of_a_foreign_domain_does_not_lead_inside() {
    let canary = server([127, 0, 5, 9], Behaviour::plain());
    let port = canary.address().port();
    let zone = Zone::new()
        .mx("foreign.test", 10, "mx.foreign.test")
        .mx("foreign.test", 20, "metadata.foreign.test")
        .mx("demo.test", 10, "mx.demo.test")
        .address("mx.foreign.test", Ipv4Addr::new(127, 0, 5, 9))
        .address("metadata.foreign.test", Ipv4Addr::new(169, 254, 169, 254))
        .address("mx.demo.test", Ipv4Addr::new(127, 0, 5, 9));
    let dns = dns(&zone);
    let more = format!(
        "dns: {{servers: [\"{}\"], timeout: 1s}}\nprobe: {{allow: [any], min_interval: 0s}}\n",
        dns.address()
    );
    let target = "{name: foreign, domain: foreign.test, module: there}".to_owned();
    let text = config(&more, &[target])
        .replace("helo: probe.demo.test", "helo: probe.example.net")
        .replace("modules:\n", &format!("modules:\n  there: {{port: {port}, tls: none}}\n"));
    let exporter = Exporter::start(&text).await;
    let answer = exporter.get("/probe?target=foreign&debug=true").await;
    let why = "phase=\"resolve\",cause=\"routing\",blame=\"target\"";
    assert!(answer.status == 200 && answer.text.contains(why), "{}", answer.text);
    for address in ["127.0.5.9", "169.254.169.254"] {
        let line = format!("leads to {address}, which is not a public address");
        assert!(answer.text.contains(&line), "{line} not in\n{}", answer.text);
    }
    // Asked for by anybody, where anybody may be asked for.
    let asked = exporter.get("/probe?target=domain:foreign.test&module=there").await;
    assert_eq!(asked.status, 403, "{}", asked.text);
    assert!(asked.text.contains("the domain is not ours"), "{}", asked.text);
    assert_eq!(canary.stats().sessions, 0);
    // A person who runs the domain, and sees its inner side, is told what to write.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("smtp_exporter.yml"), &text).unwrap();
    let probe = run(folder.path(), &["probe", "foreign", "--config.file=smtp_exporter.yml"]).await;
    let told = String::from_utf8(probe.stdout).unwrap();
    assert_eq!(probe.status.code(), Some(1), "{told}");
    assert!(told.contains("add it, or the address, to exporter.own"), "{told}");
    assert_eq!(canary.stats().sessions, 0);
    // Our own domain may lead inside.
    let ours = exporter.get("/probe?target=domain:demo.test&module=there").await;
    assert_eq!(ours.status, 200, "{}", ours.text);
    assert_eq!(canary.stats().sessions, 1);
}
