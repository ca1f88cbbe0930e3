//! `posture` and `explain` on the command line, in front of the demo's domains.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use smtp_exporter::demo::{World, Zone};
use smtp_exporter::posture::Problem;

/// A folder with the demo's configuration.
fn folder(world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, world.ca_pem().unwrap()).unwrap();
    let yaml = world.config_yaml(&authority);
    std::fs::write(folder.path().join("smtp_exporter.yml"), yaml).unwrap();
    folder
}

async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp_exporter"));
    command.current_dir(folder).args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_domain_is_looked_at_as_the_configuration_says() {
    let world = World::start().unwrap();
    let folder = folder(&world);
    let good = run(folder.path(), &["posture", "tidy.demo.test"]).await;
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    let shown = text(&good.stdout);
    for part in [
        "tidy.demo.test: nothing wrong",
        "SPF\n",
        "127.0.50.60     pass by ip4:127.0.50.60",
        "rsa, 2048 bits",
        "STARTTLS, certificate verifies",
        "mx1.tidy.demo.test, leads back, is the EHLO name",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}') && !shown.contains("ERROR"), "{shown}");

    let bad = run(folder.path(), &["posture", "untidy.demo.test", "--verbose"]).await;
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    let shown = text(&bad.stdout);
    for part in [
        "ERROR    spf_pass_all",
        Problem::SpfPassAll.advice().action.split(' ').next().unwrap(),
        "ERROR    dkim_revoked at s1",
        "warning  dmarc_policy_none",
        "ERROR    ptr_missing at 127.0.50.61",
        "What was asked and answered",
        "TXT _dmarc.untidy.demo.test",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }

    let json = run(folder.path(), &["posture", "UNTIDY.demo.test.", "--format=json"]).await;
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&json["domain"], &json["facts"]["spf"]["lookups"]),
        (&"untidy.demo.test".into(), &11.into())
    );
    let problems: Vec<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["problem"].as_str().unwrap())
        .collect();
    assert!(problems.contains(&"spf_too_many_lookups"), "{problems:?}");
    assert!(!json["findings"][0]["action"].as_str().unwrap().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_records_reach_neither_the_terminal_nor_the_form_of_the_json() {
    let world = World::start().unwrap();
    let folder = folder(&world);
    let hostile = "v=spf1 \u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}include:<script> \"'\r\n ERROR  +all";
    let zone = Zone::new()
        .txt("odd.demo.test", hostile)
        .txt("_dmarc.odd.demo.test", &format!("v=DMARC1; p=\u{9b}31m{hostile}"));
    world.dns().set_zone(&zone).unwrap();
    let arguments =
        ["posture", "odd.demo.test", "--verbose", "--selector=S1", "--address=127.0.0.9"];
    let seen = run(folder.path(), &arguments).await;
    assert_eq!(seen.status.code(), Some(1), "{seen:?}");
    let shown = text(&seen.stdout);
    assert!(shown.contains("spf_syntax") && shown.contains("dkim_missing at s1"), "{shown}");
    for stream in [shown, text(&seen.stderr)] {
        let odd = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!stream.contains(odd), "{stream:?}");
    }
    let json = run(folder.path(), &["posture", "odd.demo.test", "--format=json"]).await;
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["facts"]["spf"]["valid"], false);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_told_with_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, told) in [
        (&["posture"][..], "<DOMAIN>"),
        (&["posture", "user@example.net"], "DOMAIN: `user@example.net` is a mail address"),
        (&["posture", "localhost"], "single label"),
        (&["posture", "a.test", "--selector=x y"], "--selector: `x y` is no selector"),
        (&["posture", "a.test", "--address=300.1.1.1"], "--address: `300.1.1.1` is not"),
        (&["posture", "a.test", "--helo=mx1"], "--helo: `mx1` is a single label"),
    ] {
        let seen = run(folder.path(), arguments).await;
        assert_eq!(seen.status.code(), Some(64), "{arguments:?} {seen:?}");
        assert!(text(&seen.stderr).contains(told), "{arguments:?} {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_can_be_explained() {
    let folder = tempfile::tempdir().unwrap();
    let seen = run(folder.path(), &["explain", "spf_too_many_lookups"]).await;
    let shown = text(&seen.stdout);
    let advice = Problem::SpfTooManyLookups.advice();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "problem",
        "spf_too_many_lookups",
        "severity",
        "error",
        advice.meaning,
        advice.action,
        advice.doc,
    ] {
        assert!(words(shown).contains(&words(part)), "{part} is not in\n{shown}");
    }
    let json = run(folder.path(), &["explain", "ptr_generic", "--format=json"]).await;
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["area"], &json["severity"]), (&"ptr".into(), &"warning".into()));
    let tsv = run(folder.path(), &["explain", "ptr_generic", "--format=tsv"]).await;
    assert_eq!(text(&tsv.stdout), "ptr_generic\tptr\tptr_generic\n");
    // What is no problem's name is a reply still.
    let reply = run(folder.path(), &["explain", "spf_missing?"]).await;
    assert!(text(&reply.stdout).contains("none found"), "{reply:?}");
}
