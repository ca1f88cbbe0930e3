//! The walls of the house: which room may use which, what pure rooms may not do, where metric names
//! may stand, and how long a file may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may use. `closed` is a macro, not a room.
const EDGES: &[(&str, &[&str])] = &[
    ("smtp", &[]),
    ("cause", &["smtp"]),
    ("dnsbl", &[]),
    ("target", &["smtp", "cause"]),
    ("posture", &["cause", "target"]),
    ("observation", &["smtp", "cause", "dnsbl", "posture", "target"]),
    ("net", &["smtp", "cause", "dnsbl", "posture", "target", "observation"]),
    ("store", &["smtp", "cause", "dnsbl", "posture", "target", "observation"]),
    ("probe", &["smtp", "cause", "dnsbl", "posture", "target", "observation", "net"]),
    ("schedule", &["dnsbl", "posture", "target", "observation", "store", "probe"]),
    ("metrics", &["smtp", "cause", "dnsbl", "posture", "target", "observation", "store"]),
    ("config", &["smtp", "cause", "dnsbl", "posture", "target"]),
    (
        "web",
        &[
            "smtp",
            "cause",
            "dnsbl",
            "posture",
            "target",
            "observation",
            "store",
            "probe",
            "metrics",
        ],
    ),
    ("demo", &[]),
    (
        "app",
        &[
            "smtp",
            "cause",
            "dnsbl",
            "posture",
            "target",
            "observation",
            "net",
            "store",
            "probe",
            "schedule",
            "metrics",
            "config",
            "web",
            "demo",
        ],
    ),
    (
        "cli",
        &["app", "smtp", "cause", "dnsbl", "posture", "target", "observation", "config", "metrics"],
    ),
];

/// What a pure file may not name: input, output, clocks, tasks and logs.
const IMPURE: &[&str] = &[
    "tokio",
    "tracing",
    "std::net::Tcp",
    "std::net::Udp",
    "std::fs",
    "std::io",
    "SystemTime::now",
    "Instant",
    "std::env",
    "std::thread",
];

/// Rooms and files that are pure.
const PURE: &[&str] = &[
    "src/smtp",
    "src/cause",
    "src/dnsbl",
    "src/posture",
    "src/target",
    "src/observation/regress.rs",
    "src/observation/skew.rs",
    "src/observation/standing.rs",
    "src/probe/budget.rs",
    "src/schedule/agenda.rs",
    "src/probe/budget/lease.rs",
    "src/schedule/cadence.rs",
];

/// Lines that a file may have. Longer ones hold more than one room.
const LONGEST: usize = 450;

#[test]
fn rooms_use_only_rooms_below_them() {
    let edges: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in sources("src") {
        let Some(room) = room_of(&file) else { continue };
        let Some(allowed) = edges.get(room.as_str()) else {
            panic!("{} is in a room that the table does not know", file.display())
        };
        for (number, used) in uses(&code(&file)) {
            seen += 1;
            if used != room && used != "closed" && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}:{number} uses {used}", file.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} uses were found: the search is broken");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_table_of_rooms_has_no_cycle_and_no_ghost() {
    let mut below: Vec<&str> = Vec::new();
    for (room, used) in EDGES {
        for other in *used {
            assert!(below.contains(other), "{room} uses {other}, which does not stand below it");
        }
        below.push(room);
        let folder = Path::new("src").join(room);
        assert!(
            folder.is_dir() || folder.with_extension("rs").is_file(),
            "there is no room {room}"
        );
    }
}

#[test]
fn pure_rooms_are_pure() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for place in PURE {
        for file in sources(place) {
            seen += 1;
            for (number, line) in code(&file).lines().enumerate() {
                for word in IMPURE {
                    if line.contains(word) {
                        wrong.push(format!("{}:{} names {word}", file.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(seen >= 10, "only {seen} pure files were found: the search is broken");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn metric_names_stand_in_the_catalogue_alone() {
    let mut wrong = Vec::new();
    let mut in_catalogue = 0;
    for file in sources("src") {
        let names = code(&file).lines().filter(|line| line.contains("\"smtp_")).count();
        if file.starts_with("src/metrics/catalogue")
            || file == Path::new("src/metrics/catalogue.rs")
        {
            in_catalogue += names;
            continue;
        }
        for (number, line) in code(&file).lines().enumerate() {
            let literal = line.split("\"smtp_").skip(1).any(|rest| {
                // The program's own name is no metric.
                let word: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '.')
                    .collect();
                !matches!(word.as_str(), "exporter" | "exporter.yml")
            });
            if literal {
                wrong.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(in_catalogue > 20, "the catalogue holds {in_catalogue} names: the search is broken");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_top_level_is_what_a_visitor_expects() {
    const KNOWN: &[&str] = &[
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "deploy",
        "grafana",
        "src",
        "target",
        "tests",
    ];
    let visible = std::fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name());
    let strangers: Vec<_> = visible
        .map(|name| name.into_string().unwrap())
        .filter(|name| !name.starts_with('.') && !KNOWN.contains(&name.as_str()))
        .collect();
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn files_are_one_room_long() {
    let mut wrong = Vec::new();
    for file in sources("src").into_iter().chain(sources("tests")) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > LONGEST {
            wrong.push(format!("{} has {lines} lines", file.display()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_yaml_parser_and_the_config_crate_are_used_in_one_room() {
    let mut users = 0;
    for file in sources("src") {
        let text = code(&file);
        if text.contains("serde_saphyr")
            || text.contains("::config::") && text.contains("config::Config::builder")
        {
            users += 1;
            assert!(file.starts_with("src/config"), "{} parses YAML", file.display());
        }
    }
    assert!(users > 0, "nobody parses YAML: the search is broken");
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let mut wrong = Vec::new();
    for place in ["src", "tests", "deploy", "grafana", "README.md", "CHANGELOG.md", "Cargo.toml"] {
        for file in files(Path::new(place)) {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            for (number, line) in text.lines().enumerate() {
                // Put together here, so that this file does not hold what it looks for.
                for word in [["/wo", "rk/"].concat(), ["../sha", "red"].concat()] {
                    if line.contains(&word) {
                        wrong.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
                    }
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The room of a source file: the first part of its path below `src`.
fn room_of(file: &Path) -> Option<String> {
    let first = file.strip_prefix("src").ok()?.components().next()?;
    let name = first.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
    (!matches!(name.as_str(), "lib" | "main" | "closed" | "build")).then_some(name)
}

/// Every `crate::room` with its line, groups such as `use crate::{a, b}` included.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for rest in line.split("crate::").skip(1) {
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(group) => group
                    .trim_end_matches("};")
                    .split(',')
                    .filter_map(|part| part.trim().split("::").next())
                    .collect(),
                None => vec![rest],
            };
            for name in names {
                let name: String =
                    name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if !name.is_empty() {
                    found.push((number + 1, name));
                }
            }
        }
    }
    found
}

/// A file's text without comments, and without its tests at the end, which may do what code may not.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines()
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

fn sources(place: &str) -> Vec<PathBuf> {
    let mut all = files(Path::new(place));
    all.retain(|file| file.extension().is_some_and(|ending| ending == "rs"));
    assert!(!all.is_empty(), "no source in {place}");
    all
}

fn files(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    // What cargo builds for the fuzz targets, when it was not told to build elsewhere.
    if place.ends_with("target") && place.parent().is_some_and(|p| p.join("Cargo.toml").exists()) {
        return Vec::new();
    }
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut all: Vec<PathBuf> = entries.flat_map(|entry| files(&entry.unwrap().path())).collect();
    all.sort();
    all
}
