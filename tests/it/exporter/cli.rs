//! The command line: exit codes, and what goes where.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use smtp_exporter::demo::{Behaviour, Server, Zone};

use super::house::{binary, config, dns, eventually, run, server, without_dns};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn probe(directory: &Path, arguments: &[&str]) -> Output {
    let all = [&["--config.file=smtp_exporter.yml", "probe"], arguments].concat();
    run(directory, &all).await
}

#[tokio::test]
async fn probe_tells_a_person_a_program_and_a_support_desk() {
    let well = server([127, 0, 8, 1], Behaviour::healthy());
    let full = server([127, 0, 8, 2], Behaviour::too_many_connections());
    let folder = tempfile::tempdir().unwrap();
    let at = well.address().to_string();
    let targets = [
        format!("{{name: well, host: \"{at}\", module: clear}}"),
        format!("{{name: full, host: \"{}\", module: clear}}", full.address()),
    ];
    std::fs::write(folder.path().join("smtp_exporter.yml"), config(&without_dns(), &targets))
        .unwrap();

    let up = probe(folder.path(), &["well"]).await;
    assert_eq!(up.status.code(), Some(0), "{up:?}");
    let shown = text(&up.stdout);
    assert!(shown.contains("UP") && shown.contains("220  mail.demo.test ESMTP"), "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains("EHLO probe"), "{shown}");
    // By address, with a module, and with the transcript.
    let verbose = probe(folder.path(), &["-v", "--module", "clear", &at]).await;
    let shown = text(&verbose.stdout);
    assert!(shown.contains("C EHLO probe.demo.test") && shown.contains("C QUIT"), "{shown}");

    let down = probe(folder.path(), &["full"]).await;
    assert_eq!(down.status.code(), Some(1));
    let shown = text(&down.stdout);
    for part in ["DOWN", "too_many_connections", "greeting", "421", "whose move  ours", "next step"]
    {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let ticket = text(&probe(folder.path(), &["full", "--format=ticket"]).await.stdout);
    for part in ["421 4.7.0", "127.0.0.1", "probe.demo.test", "Z"] {
        assert!(ticket.contains(part), "{part} is not in\n{ticket}");
    }
    let json = probe(folder.path(), &["full", "--format", "json"]).await;
    assert_eq!(json.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["success"], false);
    let seen = &json["endpoints"][0];
    assert_eq!(seen["failure"]["cause"], "too_many_connections");
    assert_eq!(seen["failure"]["blame"], "sender");
    assert_eq!(seen["replies"][0]["code"], 421);
    assert_eq!(seen["replies"][0]["enhanced"], "4.7.0");
    assert_eq!(seen["address"], "127.0.8.2");
    let json =
        text(&probe(folder.path(), &["well", "--format=json", "--module=smtp"]).await.stdout);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["success"], &json["module"]), (&true.into(), &"smtp".into()));
    let seen = &json["endpoints"][0];
    assert_eq!(seen["tls"]["established"], true);
    assert_eq!(seen["tls"]["version"], "TLS1.3");
    assert_eq!(seen["helo"], "probe.demo.test");
    assert!(seen["phases"]["tls"].as_f64().unwrap() > 0.0, "{seen}");
    assert!(seen["tls"]["chain"][0]["not_after"].as_str().unwrap().ends_with('Z'), "{seen}");
    // Every session ended as it should, the refused ones by the server.
    assert_eq!((well.stats().dropped, well.stats().quit), (0, 3), "{:?}", well.stats());
    assert_eq!(full.stats().sessions, 3);
}

#[tokio::test]
async fn wrong_usage_is_64_and_said_on_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    let bad = "exporter: {helo: localhost, nothing: 1}\ntargets: [{name: a}]\n";
    std::fs::write(folder.path().join("bad.yml"), bad).unwrap();
    let file = "--config.file=bad.yml";
    for (arguments, said) in [
        (&[file, "--config.check"][..], "bad.yml:1:"),
        (&[file, "serve"], "bad.yml:1:"),
        (&[file, "probe", "127.0.0.1"], "bad.yml:2:"),
        (&["--config.file=absent.yml"], "absent.yml"),
        (&["--no-such-flag"], "--no-such-flag"),
        (&["probe"], "TARGET"),
        (&["probe", "127.0.0.1", "--module=none"], "there is no module \"none\""),
        (&["probe", "999.1.1.1"], "999.1.1.1"),
        (&["probe", "domain:"], "smtp_exporter: TARGET: is empty"),
        (&["probe", "127.0.0.1:0"], "smtp_exporter: TARGET: the port `0`"),
        (&[file, "probe", "127.0.0.1", "--config.check"], "bad.yml:1:"),
        (&["--config.check", "--timeout-offset=-1"], "--timeout-offset"),
        (&["--web.listen-address=nowhere:port"], "nowhere:port"),
        (&["--timeout-offset=-1"], "--timeout-offset"),
        (&["--history.limit=1000000000"], "--history.limit"),
    ] {
        let output = run(folder.path(), arguments).await;
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {output:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
    let every = text(&run(folder.path(), &[file, "--config.check"]).await.stderr);
    assert!(every.lines().count() >= 3, "not every problem at once:\n{every}");
    for arguments in [&["--help"][..], &["--version"], &["probe", "-h"]] {
        let output = run(folder.path(), arguments).await;
        assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_check_asks_nothing_and_tells_the_load() {
    let folder = tempfile::tempdir().unwrap();
    // No file at all is good: the built-in modules and no targets.
    let none = run(folder.path(), &["--config.check"]).await;
    assert!(none.status.success(), "{none:?}");
    let target = "{name: a, host: 127.0.8.9, module: clear}".to_owned();
    std::fs::write(folder.path().join("smtp_exporter.yml"), config(&without_dns(), &[target]))
        .unwrap();
    let good = run(folder.path(), &["--config.check"]).await;
    let shown = text(&good.stdout);
    assert!(good.status.success() && shown.contains("86400"), "{shown}");
}

#[tokio::test]
async fn the_check_goes_before_whatever_else_is_asked_for() {
    let well = server([127, 0, 8, 10], Behaviour::healthy());
    let folder = tempfile::tempdir().unwrap();
    let at = well.address().to_string();
    for arguments in [&["probe", &at, "--config.check"][..], &["explain", "--config.check"]] {
        let output = run(folder.path(), arguments).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(text(&output.stdout).starts_with("0 targets, 4 modules"), "{output:?}");
    }
    assert_eq!(well.stats().sessions, 0, "the check connected");
}

#[tokio::test]
async fn a_handshake_that_fails_is_told_where_it_is_no_failure() {
    let old = server([127, 0, 8, 11], Behaviour::tls10_only());
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["probe", &old.address().to_string()]).await;
    let shown = text(&output.stdout);
    assert!(output.status.success() && shown.contains("UP"), "{shown}");
    let row = shown.lines().find(|line| line.trim_start().starts_with("tls ")).unwrap();
    assert!(row.contains("the handshake failed"), "{row}");
}

#[tokio::test]
async fn endpoints_stand_in_the_order_of_preference_whichever_ends_first() {
    let slow = Behaviour::slow_greeting(Duration::from_millis(300));
    let slow = server([127, 0, 8, 12], slow);
    let quick = SocketAddr::from(([127, 0, 8, 13], slow.address().port()));
    let _quick = Server::start(quick, Behaviour::plain()).unwrap();
    let zone = Zone::new()
        .mx("demo.test", 20, "mx2.demo.test")
        .mx("demo.test", 10, "mx1.demo.test")
        .address("mx1.demo.test", Ipv4Addr::new(127, 0, 8, 12))
        .address("mx2.demo.test", Ipv4Addr::new(127, 0, 8, 13));
    let dns = dns(&zone);
    let folder = tempfile::tempdir().unwrap();
    let more = format!("dns: {{servers: [\"{}\"]}}\n", dns.address());
    let port = format!("modules:\n  here: {{port: {}, tls: none}}\n", slow.address().port());
    let text = config(&more, &[]).replace("modules:\n", &port);
    std::fs::write(folder.path().join("smtp_exporter.yml"), text).unwrap();
    let output =
        probe(folder.path(), &["domain:demo.test", "--module=here", "--format=json"]).await;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["success"], true, "{json}");
    let address = |index: usize| json["endpoints"][index]["address"].as_str().unwrap();
    assert_eq!((address(0), address(1)), ("127.0.8.12", "127.0.8.13"));
}

#[tokio::test]
async fn a_port_that_is_taken_is_no_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let flag = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let output = run(folder.path(), &[&flag]).await;
    assert_eq!(output.status.code(), Some(71), "{output:?}");
    assert!(text(&output.stderr).contains(&flag), "{output:?}");
}

#[tokio::test]
async fn a_probe_that_is_interrupted_is_neither_up_nor_down() {
    let mute = server([127, 0, 8, 9], Behaviour::silent());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("smtp_exporter.yml"), config(&without_dns(), &[])).unwrap();
    let child = binary()
        .current_dir(folder.path())
        .args(["--config.file=smtp_exporter.yml", "probe", &mute.address().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("it is connected", || mute.stats().sessions == 1).await;
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ended = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
}
