//! The command line, as a person uses it.

use std::process::{Command, Output};

use tokio::time::Instant;

use crate::servers::assert_clean_postfix;
use crate::support::{Bed, MAIL_NAME, binary, fresh_directory, head, keep};

pub(crate) fn run(arguments: &[&str]) -> (Output, String) {
    let output = Command::new(binary()).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

#[test]
fn probe_tells_a_person_about_postfix() {
    let postfix = Bed::of("postfix").start("probe", &[25]);
    let file = fresh_directory("probe.config").join("smtp_exporter.yml");
    std::fs::write(
        &file,
        format!(
            "{}modules:\n  smtp: {{port: 25, tls: required, tls_server_name: {MAIL_NAME}}}\n\
             targets:\n  - {{name: mx1, host: {}, module: smtp}}\n",
            head(""),
            postfix.address
        ),
    )
    .unwrap();
    let config = format!("--config.file={}", file.display());

    let (output, table) = run(&["probe", "mx1", &config]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    keep("probe-postfix.txt", &table);
    for word in ["greeting", "220", "ehlo", "starttls", "TLS1.3", "quit", "221"] {
        assert!(table.contains(word), "{word} in\n{table}");
    }
    assert!(!table.contains('\u{1b}'), "colours are for terminals:\n{table}");

    let (output, json) = run(&["probe", "mx1", &config, "--format=json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    keep("probe-postfix.json", &json);
    let _: serde_json::Value = serde_json::from_str(&json).unwrap();

    let (output, transcript) = run(&["probe", "mx1", &config, "-v"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    keep("probe-postfix-verbose.txt", &transcript);
    assert!(transcript.contains("EHLO probe.example.net"), "{transcript}");

    postfix.wait_log("disconnect from", 3);
    assert_clean_postfix(&postfix.log());
    let dead = format!("{}:26", postfix.address);
    let (output, table) = run(&["probe", &dead, &config]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(table.contains("connect_refused"), "{table}");
    keep("probe-refused.txt", &table);
}

#[test]
fn a_configuration_is_checked_without_a_connection() {
    let postfix = Bed::of("postfix").start("check", &[25]);
    let file = fresh_directory("check.config").join("smtp_exporter.yml");
    std::fs::write(
        &file,
        format!(
            "{}targets:\n  - {{name: mx1, host: {}, module: smtp}}\n",
            head(""),
            postfix.address
        ),
    )
    .unwrap();
    let config = format!("--config.file={}", file.display());
    let (output, summary) = run(&["--config.check", &config]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!summary.is_empty());
    keep("config-check.txt", &summary);

    std::fs::write(&file, "targets:\n  - {name: mx1, hots: a, interval: soon}\n").unwrap();
    let (output, _) = run(&["--config.check", &config]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let problems = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    for word in ["smtp_exporter.yml:2:", "hots", "interval"] {
        assert!(problems.contains(word), "{word} in\n{problems}");
    }
    keep("config-check-bad.txt", &problems);
    assert!(!postfix.log().contains("connect from"), "{}", postfix.log());
}

#[test]
fn the_demo_runs_and_ends_by_itself() {
    let start = Instant::now();
    let (output, said) = run(&["demo", "--for", "20s"]);
    let took = start.elapsed();
    keep("demo.txt", &said);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!((19..40).contains(&took.as_secs()), "{took:?}");
    assert!(said.contains("http://"), "{said}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
}
