//! What is written for people agrees with what the program does: the README's tables, its examples,
//! the names of metrics and flags, the files to deploy, and the form of the change log.
//!
//! `UPDATE_EXPECT=1` writes the README's tables anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use smtp_exporter::cause::advice;
use smtp_exporter::config::{self, Config, ConfigError};
use smtp_exporter::dnsbl::catalogue;
use smtp_exporter::metrics::catalogue::{CATALOGUE, Kind};
use smtp_exporter::metrics::label::LABELS;
use smtp_exporter::metrics::reference;

/// Settings of other programs that runbooks name: Postfix's, and one of Exim's.
const FOREIGN: &[&str] = &[
    "smtp_destination_concurrency_limit",
    "smtp_destination_rate_delay",
    "smtp_helo_name",
    "smtp_receive_timeout",
    "smtp_tls_security_level",
];

#[test]
fn the_readme_holds_the_tables_of_this_version() {
    let old = readme();
    let mut new = old.clone();
    for (name, table) in [
        ("causes", advice::markdown()),
        ("alerts", crate::deploy::alerts_markdown()),
        ("metrics", reference::markdown()),
        ("configuration", config::markdown()),
        ("web", config::web_markdown()),
    ] {
        let (begin, end) = marks(name);
        let from = new.find(&begin).unwrap_or_else(|| panic!("no line {begin}")) + begin.len();
        let to = from + new[from..].find(&end).unwrap_or_else(|| panic!("no line {end}"));
        new.replace_range(from..to, &format!("\n{}\n", table.trim_end()));
    }
    if old == new {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_EXPECT").is_some(),
        "README.md has tables of another version; write them anew with UPDATE_EXPECT=1"
    );
    std::fs::write(file("README.md"), new).unwrap();
}

#[test]
fn the_catalogue_of_lists_is_written_down() {
    let path = file("deploy/block-lists.md");
    let text = format!("{LISTS_HEAD}\n{}", catalogue::markdown());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(read(&path) == text, "deploy/block-lists.md is of another version; UPDATE_EXPECT=1");
    // The README says how many there are.
    let (live, dead) = text.split_once("| dead list |").unwrap();
    let rows = |text: &str| text.lines().filter(|line| line.starts_with("| ")).count();
    let said = format!("{} lists, and {} that are dead", rows(live) - 1, rows(dead));
    assert!(readme().contains(&said), "{said}");
    let printed = Command::new(env!("CARGO_BIN_EXE_smtp_exporter")).arg("reference").output();
    let printed = String::from_utf8(printed.unwrap().stdout).unwrap();
    assert!(printed.contains(&catalogue::markdown()), "`reference` prints it");
}

#[test]
fn the_readme_is_short_enough_to_be_read() {
    let mut text = readme();
    for name in ["causes", "alerts", "metrics", "configuration", "web", "performance"] {
        let (begin, end) = marks(name);
        let (from, to) = (text.find(&begin).unwrap(), text.find(&end).unwrap());
        text.replace_range(from..to, "");
    }
    let lines = text.lines().count();
    assert!((200..=700).contains(&lines), "{lines} lines");
}

#[test]
fn every_metric_that_is_named_exists() {
    let known: BTreeSet<String> = CATALOGUE
        .iter()
        .flat_map(|def| {
            let parts =
                if def.kind == Kind::Histogram { &["_bucket", "_sum", "_count"] } else { &[][..] };
            std::iter::once(def.name.to_owned())
                .chain(parts.iter().map(|part| format!("{}{part}", def.name)))
        })
        .collect();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for path in written() {
        for name in words(&read(&path), "smtp_") {
            // The program, its configuration file, and its job in Prometheus.
            if ["smtp_exporter", "smtp_probe"].contains(&name.as_str())
                || FOREIGN.contains(&name.as_str())
            {
                continue;
            }
            seen += 1;
            if !known.contains(&name) {
                wrong.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(seen >= CATALOGUE.len(), "{seen} names were found: the search is broken");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_readme_names_every_flag_and_no_other() {
    let program = env!("CARGO_BIN_EXE_smtp_exporter");
    let mut known = BTreeSet::new();
    const SUBCOMMANDS: &[&str] = &[
        "serve",
        "probe",
        "dnsbl",
        "explain",
        "demo",
        "reference",
        "healthcheck",
        "completions",
        "man",
    ];
    for subcommand in std::iter::once(None).chain(SUBCOMMANDS.iter().map(Some)) {
        let help = Command::new(program).args(subcommand).arg("--help").output().unwrap();
        assert!(help.status.success(), "{subcommand:?}");
        known.extend(flags(&String::from_utf8(help.stdout).unwrap()));
    }
    assert!(known.len() > 12, "{known:?}");
    let text = readme();
    // What other programs take.
    const FOREIGN: &[&str] = &["--bench", "--only", "--out", "--readme", "--release", "--test"];
    let foreign = |flag: &String| FOREIGN.contains(&flag.as_str());
    let named: BTreeSet<String> = flags(&text).into_iter().filter(|flag| !foreign(flag)).collect();
    assert_eq!(named, known);
    let table = text.split_once("| flag |").unwrap().1.split_once("\n\n").unwrap().0;
    assert_eq!(flags(table), known, "the table of flags");
}

#[test]
fn the_configurations_that_are_shown_are_good() {
    let text = readme();
    let examples = fences(&text, "yaml exporter");
    assert!(examples.len() >= 7, "{}", examples.len());
    for example in &examples {
        if let Err(error) = load(example) {
            panic!("{error}\n{example}");
        }
    }
    // The web side's example names certificates that are not there; all the rest is good.
    let problems = config::load_web(&file("deploy/web.example.yml")).1.unwrap_err().0;
    for problem in &problems {
        assert!(problem.message.ends_with("does not exist"), "{problem}");
    }
    assert_eq!(problems.len(), 3);
    let whole = std::fs::read_to_string(file("deploy/smtp_exporter.example.yml")).unwrap();
    let config = load(&whole).unwrap_or_else(|error| panic!("{error}"));
    assert!(config.targets.len() > 3);
    for key in config::reference() {
        let name = key.path.rsplit('.').next().unwrap().trim_end_matches("[]");
        assert!(
            name.starts_with('<') || words_of(&whole).contains(name),
            "{} is not shown",
            key.path
        );
    }
}

#[test]
fn the_check_of_the_first_configuration_says_what_the_readme_says() {
    let text = readme();
    let config = load(&fences(&text, "yaml exporter")[0]).unwrap();
    let console = fences(&text, "console");
    let shown =
        console.iter().find_map(|part| part.strip_prefix("$ smtp_exporter --config.check\n"));
    assert_eq!(shown.unwrap(), config.summary());
}

#[test]
fn the_explanation_in_the_readme_is_what_is_said() {
    let text = readme();
    let console = fences(&text, "console");
    let (reply, shown) = console
        .iter()
        .find_map(|part| part.strip_prefix("$ smtp_exporter explain '")?.split_once("'\n"))
        .unwrap();
    assert_eq!(shown, smtp_exporter::cause::explain::text(reply));
}

/// A target's own label must not meet one of the exporter's.
#[test]
fn every_label_of_the_catalogue_is_refused_as_a_label_of_a_target() {
    for label in LABELS {
        let text = format!("targets: [{{host: 127.0.0.1, labels: {{{}: x}}}}]\n", label.name);
        let error = load(&text).expect_err(label.name);
        assert!(error.0[0].message.contains("the exporter's own"), "{error}");
    }
    assert!(load("targets: [{host: 127.0.0.1, labels: {team: x}}]\n").is_ok());
}

#[test]
fn files_that_are_linked_exist() {
    let text = readme();
    let mut seen = 0;
    for part in text.split("](").skip(1) {
        let link = part.split(')').next().unwrap();
        if link.starts_with("http") || link.starts_with('#') {
            continue;
        }
        seen += 1;
        assert!(file(link).is_file(), "{link}");
    }
    assert!(seen >= 4, "{seen}");
    let drawn = std::fs::read_dir(file("grafana/pictures")).unwrap();
    let pictures = drawn.map(|entry| entry.unwrap().path()).chain([file("deploy/screenshot.png")]);
    for picture in pictures {
        assert!(std::fs::metadata(&picture).unwrap().len() < 150 * 1024, "{}", picture.display());
    }
}

#[test]
fn the_change_log_keeps_its_form() {
    const KINDS: &[&str] =
        &["[SECURITY]", "[CHANGE]", "[FEATURE]", "[ENHANCEMENT]", "[PERF]", "[BUGFIX]"];
    let text = read(&file("CHANGELOG.md"));
    let mut lines = text.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("# Changelog"));
    let mut versions = Vec::new();
    let mut last = 0;
    for line in lines {
        if let Some(heading) = line.strip_prefix("## ") {
            let (version, date) = heading.split_once(" / ").expect(line);
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            assert!(version.split('.').count() == 3 && version.split('.').all(digits), "{line}");
            let dated =
                date.len() == 10 && date.split('-').count() == 3 && date.split('-').all(digits);
            assert!(dated || date == "unreleased" && versions.is_empty(), "{line}");
            versions.push(version);
            last = 0;
            continue;
        }
        let kind = line.strip_prefix("* ").and_then(|rest| rest.split(' ').next()).expect(line);
        let place = KINDS.iter().position(|known| *known == kind).expect(line);
        assert!(place >= last, "out of order: {line}");
        assert!(line.ends_with('.') && !versions.is_empty(), "{line}");
        last = place;
    }
    assert_eq!(versions.first(), Some(&env!("CARGO_PKG_VERSION")));
}

/// What stands above the catalogue's tables.
const LISTS_HEAD: &str = "\
# Block lists and allow lists

What the built-in catalogue knows; written by `smtp_exporter reference`. A name leads to the page that
says how the list is asked and what its answers mean. None of them is asked unless it is named under
`dnsbl.lists`: each has terms of use, and they change.
";

fn marks(name: &str) -> (String, String) {
    let by = match name {
        "performance" => "tests/bench/compare --readme",
        _ => "tests/it/reference.rs",
    };
    (format!("<!-- begin {name}: written by {by} -->"), format!("<!-- end {name} -->"))
}

/// Loads a configuration as it is shown, with the variable that examples name.
fn load(text: &str) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shown.yml");
    std::fs::write(&path, text).unwrap();
    let environment = [("SMTP_PROBE_PASSWORD".to_owned(), "secret".to_owned())];
    config::load(Some(&path), &BTreeMap::from(environment))
}

/// The fenced blocks of a kind, without the indentation of a list around them.
fn fences(text: &str, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(usize, bool, String)> = None;
    for line in text.lines() {
        let bare = line.trim_start();
        match (&mut open, bare.strip_prefix("```")) {
            (None, Some(word)) => {
                open = Some((line.len() - bare.len(), word == kind, String::new()))
            }
            (Some((_, wanted, body)), Some("")) => {
                if *wanted {
                    found.push(std::mem::take(body));
                }
                open = None;
            }
            (Some((indent, _, body)), _) => {
                body.push_str(line.get(*indent..).unwrap_or_default());
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// Long flags.
fn flags(text: &str) -> BTreeSet<String> {
    words(text, "--").into_iter().filter(|word| word.len() > 2).collect()
}

/// Words that begin so, at the beginning of a word.
fn words(text: &str, start: &str) -> Vec<String> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices(start) {
        let before = text[..at].chars().next_back();
        // After a colon it is part of a recording rule's name.
        if before.is_some_and(|c| inside(c) || matches!(c, '-' | '/' | ':')) {
            continue;
        }
        let flag = start == "--";
        let word: String = text[at..]
            .chars()
            .take_while(|c| inside(*c) || flag && matches!(c, '-' | '.'))
            .collect();
        // `<!--`, `-->` and lines of tables are no flags.
        if !flag || word[2..].starts_with(|c: char| c.is_ascii_lowercase()) {
            found.push(word.trim_end_matches('.').to_owned());
        }
    }
    found
}

fn words_of(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect()
}

/// Files for people and for other programs that name metrics.
fn written() -> Vec<PathBuf> {
    let mut all = vec![file("README.md"), file("CHANGELOG.md")];
    let mut folders = vec![file("deploy"), file("grafana")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|ending| ending != "png") {
                all.push(path);
            }
        }
    }
    all
}

fn readme() -> String {
    read(&file("README.md"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
