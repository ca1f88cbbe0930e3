//! The files to deploy hang together: rules and the catalogue, alerts and their pages, routes and
//! receivers, and what the compose file mounts. What promtool and amtool say stands in tests/real.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use smtp_exporter::cause::Cause;
use smtp_exporter::metrics::catalogue::{CATALOGUE, Def, Kind, Scope};
use smtp_exporter::web::RUNBOOKS;

/// Where links lead until somebody edits them, by the command that `targets.yml` shows.
const EXPORTER: &str = "http://localhost:10057/";
const GRAFANA: &str = "http://localhost:3000/d/";

#[test]
fn every_alert_says_what_a_person_needs() {
    for alert in alerts() {
        let name = &alert.name;
        let label = |label: &str| alert.labels.get(label).map(String::as_str).unwrap_or_default();
        assert!(["critical", "warning"].contains(&label("severity")), "{name}: severity");
        let scopes = ["target", "endpoint", "exporter", "list", "slo", "domain"];
        assert!(scopes.contains(&label("scope")), "{name}: scope");
        // A label with a value in it would be a new alert with each value.
        assert!(alert.labels.values().all(|value| !value.contains("{{")), "{name}: labels");
        assert!(!alert.wait.is_empty() && alert.wait != "1m", "{name}: for");
        assert!(
            ["<", ">", "=="].iter().any(|sign| alert.expr.contains(sign)),
            "{name}: no comparison"
        );
        for key in ["summary", "description", "action", "side"] {
            assert!(alert.note(key).len() > 5, "{name}: {key}");
        }
        for key in ["summary", "description", "action"] {
            let text = alert.note(key);
            assert!(
                key == "summary" || text.ends_with(['.', '}']),
                "{name}: {key} is no sentence: {text}"
            );
        }
        assert_eq!(alert.note("runbook_url"), format!("{EXPORTER}runbooks/{name}"));
        assert!(alert.note("dashboard_url").starts_with(GRAFANA), "{name}: dashboard_url");
        let side = alert.note("side");
        assert!(
            ["target", "path", "sender", "exporter"].contains(&side) || side.contains("blame"),
            "{name}: side {side}"
        );
        // Whoever names a cause links its page; whoever pages for a target links its transcript.
        assert_eq!(
            alert.notes.contains_key("cause"),
            alert.notes.contains_key("cause_url"),
            "{name}"
        );
        if label("severity") == "critical" && !["exporter", "domain"].contains(&label("scope")) {
            let transcript = alert.note("transcript_url");
            assert!(
                transcript.starts_with(&format!("{EXPORTER}logs?target=")),
                "{name}: transcript"
            );
        }
        // Trouble of our own is never said to be theirs, and never pages.
        if alert.expr.contains("blame=\"exporter\"") && !alert.expr.contains("unless") {
            assert_eq!((label("severity"), side), ("warning", "exporter"), "{name}");
        }
    }
}

#[test]
fn rules_ask_for_metrics_and_labels_that_exist() {
    let recorded: BTreeSet<String> =
        rules().iter().filter_map(|rule| rule["record"].as_str().map(str::to_owned)).collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for file in files("deploy/prometheus/rules", "yml") {
        for rule in rules_of(&file) {
            for text in texts(&rule) {
                for (name, labels) in selectors(&text) {
                    seen += 1;
                    if recorded.contains(&name) {
                        continue;
                    }
                    let Some(allowed) = labels_of(&name) else {
                        wrong.push(format!("{}: {name} does not exist", file.display()));
                        continue;
                    };
                    for label in labels.iter().filter(|label| !allowed.contains(&label.as_str())) {
                        wrong.push(format!("{}: {name} has no label {label}", file.display()));
                    }
                }
            }
        }
    }
    assert!(seen > 100, "{seen} selectors were found: the search is broken");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_alert_and_every_cause_has_a_page_and_no_page_is_left_over() {
    let pages: BTreeSet<&str> = RUNBOOKS.iter().map(|(name, _)| *name).collect();
    let alerts = alerts();
    let mut wanted: BTreeSet<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    wanted.extend(Cause::ALL.iter().map(|cause| cause.as_str()));
    assert_eq!(pages, wanted);
}

#[test]
fn every_page_has_its_parts_and_its_links_lead_somewhere() {
    let pages: BTreeSet<&str> = RUNBOOKS.iter().map(|(name, _)| *name).collect();
    for (name, text) in RUNBOOKS {
        assert!(text.starts_with(&format!("# {name}\n")), "{name}: title");
        for part in ["What it means", "How to confirm", "What to do", "When to wait"] {
            let (_, body) = text.split_once(&format!("\n## {part}\n")).expect(name);
            let body = body.split("\n## ").next().unwrap().trim();
            assert!(
                body.len() > 10 && body.contains('.') || body.contains("```"),
                "{name}: {part}"
            );
        }
        assert!(text.contains("Whose move: "), "{name}: side");
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let page = link.strip_suffix(".md").unwrap_or_else(|| panic!("{name}: {link}"));
            assert!(pages.contains(page), "{name}: {link} is no page");
        }
        let fences = text.lines().filter(|line| line.starts_with("```")).count();
        assert!(fences == 2 && !text.contains("**") && !text.contains("\n### "), "{name}: form");
    }
}

#[test]
fn the_program_understands_every_command_of_the_pages() {
    let mut commands: BTreeMap<String, &str> = BTreeMap::new();
    for (name, text) in RUNBOOKS {
        let (before, rest) = text.split_once("```\n").expect(name);
        let (block, after) = rest.split_once("```").expect(name);
        // Commands inside a sentence may be broken over two lines.
        let inline =
            [before, after].into_iter().flat_map(|part| part.split('`').skip(1).step_by(2));
        let all =
            block.lines().map(str::to_owned).chain(inline.map(|code| code.replace('\n', " ")));
        commands.extend(all.filter(|line| line.starts_with("smtp_exporter ")).map(|c| (c, *name)));
    }
    let empty = tempfile::tempdir().unwrap();
    for (command, name) in &commands {
        // A quoted reply is one word. The check asks the network nothing.
        let mut parts = command.split('\'');
        let words = parts.next().unwrap().split_whitespace().skip(1);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_smtp_exporter"))
            .args(words.chain(parts.next()).filter(|word| *word != "--config.check"))
            .arg("--config.check")
            .current_dir(empty.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {command}: {output:?}");
    }
    assert!(commands.len() >= 8, "{commands:?}: the search is broken");
}

#[test]
fn dashboards_that_alerts_link_to_exist() {
    let known: BTreeSet<String> = files("grafana", "json")
        .iter()
        .map(|file| serde_json::from_str::<Value>(&read(file)).unwrap())
        .filter_map(|dashboard| dashboard["uid"].as_str().map(str::to_owned))
        .collect();
    for alert in alerts() {
        let link = alert.note("dashboard_url").strip_prefix(GRAFANA).unwrap();
        let uid = link.split('?').next().unwrap();
        assert!(known.contains(uid), "{}: there is no dashboard {uid} in {known:?}", alert.name);
    }
}

#[test]
fn the_alertmanager_speaks_of_alerts_that_exist() {
    let config = yaml(&file("deploy/alertmanager/alertmanager.yml"));
    let alerts = alerts();
    let names: BTreeSet<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    let mut seen = 0;
    for text in texts(&config) {
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '*')) {
            let Some(name) = word.strip_prefix("Smtp") else { continue };
            seen += 1;
            let found = match name.strip_suffix(".*") {
                Some(start) => names.iter().any(|known| known[4..].starts_with(start)),
                None => names.contains(word),
            };
            assert!(found, "{word} is no alert");
        }
    }
    assert!(seen > 10, "{seen} names were found: the search is broken");
    for rule in config["inhibit_rules"].as_array().unwrap() {
        assert!(rule["source_matchers"].is_array() && rule["target_matchers"].is_array(), "{rule}");
    }
    // What the templates show is what alerts carry.
    let template = read(&file("deploy/alertmanager/templates/smtp.tmpl"));
    for part in template.split(".Annotations.").skip(1) {
        let key: String =
            part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        assert!(alerts.iter().any(|alert| alert.notes.contains_key(&key)), "no alert has {key}");
    }
}

#[test]
fn the_compose_file_mounts_the_files_that_are_tested() {
    let place = file("deploy/compose");
    let compose = yaml(&place.join("compose.yml"));
    let services = compose["services"].as_object().unwrap();
    let names: BTreeSet<&str> = services.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["alertmanager", "exporter", "grafana", "prometheus"]));
    let mut mounted = BTreeSet::new();
    for (name, service) in services {
        assert!(service["image"].as_str().unwrap().contains(':'), "{name}: a version of the image");
        assert!(
            name == "exporter" || service["network_mode"] == "service:exporter",
            "{name}: `localhost` would be another"
        );
        for port in service["ports"].as_array().unwrap_or(&Vec::new()) {
            let port = port.as_str().unwrap();
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to others");
        }
        for volume in service["volumes"].as_array().unwrap() {
            let (from, to) = volume.as_str().unwrap().split_once(':').unwrap();
            if !from.starts_with('.') {
                assert!(compose["volumes"].get(from).is_some(), "{name}: no volume {from}");
                continue;
            }
            assert!(to.ends_with(":ro") && to.starts_with('/'), "{name}: {volume}");
            let path = place.join(from).canonicalize();
            let path = path.unwrap_or_else(|error| panic!("{name}: {from}: {error}"));
            mounted.insert(path.strip_prefix(file("").canonicalize().unwrap()).unwrap().to_owned());
        }
        // A configuration that is named inside is mounted.
        for flag in service["command"].as_array().unwrap_or(&Vec::new()) {
            let Some(("--config.file", config)) = flag.as_str().unwrap().split_once('=') else {
                continue;
            };
            let inside = |volume: &Value| volume.as_str().unwrap().contains(&format!(":{config}:"));
            assert!(service["volumes"].as_array().unwrap().iter().any(inside), "{name}: {config}");
        }
    }
    for path in [
        "deploy/prometheus/prometheus.yml",
        "deploy/prometheus/rules",
        "deploy/alertmanager/alertmanager.yml",
        "deploy/alertmanager/templates",
        "deploy/compose/exporter.yml",
        "grafana",
        "grafana/provisioning",
    ] {
        assert!(mounted.contains(Path::new(path)), "{path} is not mounted");
    }
    let build = &services["exporter"]["build"];
    assert_eq!(build["dockerfile"], "deploy/Containerfile");
    assert!(place.join(build["context"].as_str().unwrap()).join("Cargo.toml").is_file());
    let config = smtp_exporter::config::load(Some(&place.join("exporter.yml")), &BTreeMap::new());
    assert_eq!(config.unwrap_or_else(|error| panic!("{error}")).targets.len(), 2);
}

/// The README's table of alerts.
pub(crate) fn alerts_markdown() -> String {
    let mut out = String::from("| alert | severity | what |\n|---|---|---|\n");
    let mut rows: Vec<(String, Vec<String>, String)> = Vec::new();
    for alert in alerts() {
        let severity = alert.labels["severity"].clone();
        match rows.iter_mut().find(|row| row.0 == alert.name) {
            Some(row) => row.1.push(severity),
            None => {
                let what = meaning(&alert.name);
                rows.push((alert.name, vec![severity], what));
            }
        }
    }
    for (name, severities, what) in rows {
        let page = format!("deploy/prometheus/runbooks/{name}.md");
        out.push_str(&format!("| [{name}]({page}) | {} | {what} |\n", severities.join(", ")));
    }
    out
}

/// The first sentence of what a page says that it means.
fn meaning(name: &str) -> String {
    let (_, text) = RUNBOOKS.iter().find(|(page, _)| *page == name).expect(name);
    let (_, body) = text.split_once("## What it means\n\n").expect(name);
    let paragraph = body.split("\n\n").next().unwrap().replace('\n', " ");
    paragraph.split_inclusive(". ").next().unwrap().trim().to_owned()
}

struct Alert {
    name: String,
    expr: String,
    wait: String,
    labels: BTreeMap<String, String>,
    notes: BTreeMap<String, String>,
}

impl Alert {
    fn note(&self, key: &str) -> &str {
        self.notes.get(key).map(String::as_str).unwrap_or_default()
    }
}

fn alerts() -> Vec<Alert> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let map = |value: &Value| -> BTreeMap<String, String> {
        value.as_object().unwrap().iter().map(|(k, v)| (k.clone(), text(v))).collect()
    };
    let all: Vec<Alert> = rules()
        .iter()
        .filter(|rule| rule["alert"].is_string())
        .map(|rule| Alert {
            name: text(&rule["alert"]),
            expr: text(&rule["expr"]),
            wait: text(&rule["for"]),
            labels: map(&rule["labels"]),
            notes: map(&rule["annotations"]),
        })
        .collect();
    assert!(all.len() > 25, "{} alerts were found", all.len());
    all
}

fn rules() -> Vec<Value> {
    files("deploy/prometheus/rules", "yml").iter().flat_map(|file| rules_of(file)).collect()
}

fn rules_of(file: &Path) -> Vec<Value> {
    let text = yaml(file);
    let groups = text["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Metrics in a query, or in a text with queries in it, and the labels that their matchers name.
fn selectors(text: &str) -> Vec<(String, Vec<String>)> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("smtp") {
        if text[..at].ends_with("\"") || text[..at].ends_with(['/', '|', '.', '-', '_']) {
            continue;
        }
        // A recording rule has its level before the metric.
        let from = text[..at].rfind(|c: char| !inside(c)).map_or(0, |before| before + 1);
        let name: String = text[from..].chars().take_while(|c| inside(*c)).collect();
        let after = &text[from + name.len()..];
        let metric = name.contains("smtp_") || name.starts_with("smtp:");
        if !metric || name == "smtp_exporter" || after.starts_with(['/', '.']) {
            continue;
        }
        let matchers = after.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|m| m.0);
        let labels = matchers.unwrap_or_default().split(',').filter_map(|matcher| {
            let name = matcher.split(['=', '!']).next()?.trim();
            (!name.is_empty() && name.chars().all(inside)).then(|| name.to_owned())
        });
        found.push((name, labels.collect()));
    }
    found
}

/// The labels of a metric's series, those that Prometheus adds included; none if there is no such
/// metric.
fn labels_of(name: &str) -> Option<Vec<&'static str>> {
    let of = |def: &Def| {
        def.name == name
            || def.kind == Kind::Histogram
                && ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|part| format!("{}{part}", def.name) == name)
    };
    let def = CATALOGUE.iter().find(|def| of(def))?;
    let mut labels = vec!["job", "instance"];
    labels.extend(def.labels.iter().map(|label| label.name));
    if def.kind == Kind::Histogram {
        labels.push("le");
    }
    if def.scope == Scope::Whole {
        labels.push("target");
    }
    if def.scope == Scope::Target || def.scope == Scope::Endpoint {
        labels.extend(["target", "module"]);
    }
    if def.scope == Scope::Endpoint {
        labels.extend(["endpoint", "address", "source"]);
    }
    match def.scope {
        Scope::Domain => labels.push("domain"),
        Scope::Selector => labels.extend(["domain", "selector"]),
        Scope::Sender => labels.extend(["domain", "address"]),
        Scope::Exchanger => labels.extend(["domain", "mx"]),
        _ => {}
    }
    if def.scope == Scope::Listing {
        labels.extend(["list", "kind", "subject"]);
    }
    Some(labels)
}

/// Every text in a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(items) => items.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&read(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(file(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|found| found == ending));
    all.sort();
    assert!(!all.is_empty(), "no {ending} in {folder}");
    all
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
