//! What packages are made of agrees with the program and with each other: flags, versions, files.
//!
//! `UPDATE_EXPECT=1` copies rules and dashboards into the chart anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use smtp_exporter::config;

fn program(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_smtp_exporter")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The subcommands and all long flags, as `--help` tells them.
fn told() -> (BTreeSet<String>, BTreeSet<String>) {
    let help = program(&["--help"]);
    let list = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let commands: BTreeSet<String> = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect();
    let mut all = flags(&help);
    for command in &commands {
        all.extend(flags(&program(&[command, "--help"])));
    }
    assert!(commands.len() >= 8 && all.len() >= 16, "{commands:?} {all:?}");
    (commands, all)
}

/// Words that begin with two dashes.
fn flags(text: &str) -> BTreeSet<String> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)));
    parts
        .filter(|part| part.starts_with("--") && part.len() > 2)
        .map(|part| part.trim_end_matches('.').to_owned())
        .collect()
}

#[test]
fn completions_and_the_man_page_know_every_flag_and_subcommand() {
    let (commands, flags) = told();
    let man = program(&["man"]);
    let plain = man.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "");
    assert!(plain.starts_with(".ie") || plain.contains(".TH SMTP_EXPORTER 1"), "{plain}");
    for flag in &flags {
        assert!(plain.contains(flag.as_str()), "the man page lacks {flag}");
    }
    for command in &commands {
        assert!(
            plain.contains(&format!("smtp_exporter {command}")),
            "the man page lacks {command}"
        );
    }
    for code in ["64", "71", "130"] {
        assert!(plain.contains(&format!("\n{code}\n")), "the man page lacks exit code {code}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = program(&["completions", shell]);
        for flag in &flags {
            // fish writes the name without its dashes: -l config.file.
            let name = if shell == "fish" { &flag[2..] } else { flag };
            assert!(script.contains(name), "{shell} lacks {flag}");
        }
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell} lacks {command}");
        }
        assert!(script.contains("logfmt") && script.contains("ticket"), "{shell} lacks values");
    }
}

#[test]
fn whatever_starts_the_exporter_gives_flags_that_it_knows() {
    let (_, known) = told();
    let mut seen = 0;
    for name in [
        "deploy/systemd/smtp_exporter.service",
        "deploy/systemd/smtp_exporter.default",
        "deploy/kubernetes/deployment.yaml",
        "deploy/helm/smtp-exporter/templates/_helpers.tpl",
    ] {
        for line in read(name).lines().filter(|line| !line.trim_start().starts_with('#')) {
            for flag in flags(line) {
                seen += 1;
                assert!(known.contains(&flag), "{name} gives {flag}");
            }
        }
    }
    assert!(seen >= 4, "{seen} flags were found: the search is broken");
    // What the image runs, it has.
    let image = read("deploy/Containerfile");
    for word in ["\"/usr/bin/smtp_exporter\", \"healthcheck\"", "USER 10057:10057", "FROM scratch"]
    {
        assert!(image.contains(word), "{word}");
    }
}

#[test]
fn every_package_is_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let chart = read("deploy/helm/smtp-exporter/Chart.yaml");
    for line in [format!("\nversion: {version}\n"), format!("\nappVersion: {version}\n")] {
        assert!(chart.contains(&line), "Chart.yaml lacks {line:?}");
    }
    assert!(read("deploy/kubernetes/deployment.yaml").contains(&format!("exporter:{version}\n")));
    assert!(read("deploy/Containerfile").contains(&format!("ARG VERSION={version}\n")));
    let rust = read("Cargo.toml");
    let rust = rust.split_once("rust-version = \"").unwrap().1.split_once('"').unwrap().0;
    assert!(read("deploy/Containerfile").contains(&format!("/rust:{rust}-")));
}

#[test]
fn the_configurations_that_packages_bring_are_good() {
    let packaged = config::load(Some(Path::new("deploy/smtp_exporter.yml")), &BTreeMap::new());
    assert!(packaged.unwrap().targets.is_empty(), "a fresh package probes nobody");
    // As the comments say it, once somebody takes the marks away.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("smtp_exporter.yml");
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        config::load(Some(&file), &BTreeMap::new())
            .unwrap_or_else(|error| panic!("{error}\n{text}"))
    };
    let text = read("deploy/smtp_exporter.yml").replace(": {}\n", ":\n").replace(": []\n", ":\n");
    let text = text.replace("  # helo", "  helo").replace("  # own", "  own");
    assert_eq!(load(&text.replace("  # - {", "  - {")).targets.len(), 2);
    // The one in the ConfigMap, with the secret where this test has it.
    let map = read("deploy/kubernetes/configmap.yaml");
    let text: String = map
        .split_once("smtp_exporter.yml: |\n")
        .unwrap()
        .1
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line)))
        .collect();
    std::fs::write(folder.path().join("submission"), "secret").unwrap();
    let shown = load(&text.replace("/run/secrets/smtp_exporter/", "")).shown;
    assert!(shown.contains("<secret>") && shown.contains("mail.example.net"), "{shown}");
    assert!(read("deploy/kubernetes/secret.yaml").contains("\n  submission: "));
}

/// A chart is a folder of its own and cannot reach outside, so it holds copies.
#[test]
fn the_chart_carries_the_rules_and_dashboards_of_this_version() {
    for (from, ending, to) in
        [("deploy/prometheus/rules", "yml", "rules"), ("grafana", "json", "dashboards")]
    {
        let to = Path::new("deploy/helm/smtp-exporter/files").join(to);
        let (here, there) = (all(Path::new(from), ending), all(&to, ending));
        if here == there {
            continue;
        }
        assert!(
            std::env::var_os("UPDATE_EXPECT").is_some(),
            "{} differs from {from}; copy it anew with UPDATE_EXPECT=1",
            to.display()
        );
        let _ = std::fs::remove_dir_all(&to);
        std::fs::create_dir_all(&to).unwrap();
        for (name, text) in here {
            std::fs::write(to.join(name), text).unwrap();
        }
    }
}

/// The files of a folder with this ending, with what they hold; none when there is no folder.
fn all(folder: &Path, ending: &str) -> BTreeMap<PathBuf, String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| (path.file_name().unwrap().into(), read(path.to_str().unwrap())))
        .collect()
}
