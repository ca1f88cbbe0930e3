//! The environment layer: `SMTP_EXPORTER__DNS__TIMEOUT=3s` in place of `dns.timeout` in the file.
//!
//! The names that may be set are the fields of `Overrides`, and every value stays text until the
//! key's own check reads it, so a value from here meets the same rules as one from the file. Lists
//! are written with commas. `modules`, `targets` and `probe` can't be set: a variable's name
//! can't address an entry of a list.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Problem;
use super::file;
use super::text::printable;
use super::tree::{Node, Value};
use crate::target::near;

/// How the names of the variables begin.
pub(super) const PREFIX: &str = "SMTP_EXPORTER__";

/// Puts the variables' values into the tree, in place of the file's.
pub(super) fn apply(
    root: &mut Node,
    environment: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        let mut refuse = |message: String| {
            problems.push(Problem {
                file: printable(name),
                place: None,
                path: String::new(),
                message,
            });
        };
        if name.to_ascii_uppercase() != *name {
            refuse(format!(
                "write the name in capitals: {}",
                printable(&name.to_ascii_uppercase())
            ));
            continue;
        }
        let Some(overrides) = read(name, value) else {
            let known = names();
            refuse(match near::nearest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("unknown setting, did you mean {near}?"),
                None => format!("unknown setting. Known: {}", known.join(", ")),
            });
            continue;
        };
        let mut leaves = Vec::new();
        collect(&overrides, &mut Vec::new(), &mut leaves);
        for (path, text) in leaves {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let key = path.join(".");
            let value = if is_list(&key) { list(&text, name) } else { scalar(&text) };
            if text.trim().is_empty() && !is_list(&key) {
                refuse(format!("is empty; unset it to keep {key} as the file says"));
            } else if !root.set(&path, node(value, name)) {
                refuse(format!("can't set {key}, because the file holds no map above it"));
            }
        }
    }
}

/// One variable as the `config` crate understands it. One at a time, so that each unknown name is
/// reported and not the first alone.
fn read(name: &str, value: &str) -> Option<serde_json::Value> {
    let one = [(name.to_owned(), value.to_owned())].into_iter().collect();
    let source = config::Environment::default()
        .prefix(PREFIX.trim_end_matches('_'))
        .prefix_separator("__")
        .separator("__")
        .try_parsing(false)
        .source(Some(one));
    let overrides: Overrides =
        config::Config::builder().add_source(source).build().ok()?.try_deserialize().ok()?;
    serde_json::to_value(overrides).ok()
}

/// The texts of a nested object with their paths.
fn collect(
    value: &serde_json::Value,
    path: &mut Vec<String>,
    leaves: &mut Vec<(Vec<String>, String)>,
) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                collect(field, path, leaves);
                path.pop();
            }
        }
        serde_json::Value::String(text) => leaves.push((path.clone(), text.clone())),
        _ => {}
    }
}

fn is_list(key: &str) -> bool {
    file::reference().any(|doc| doc.path == key && doc.kind.starts_with("list"))
}

fn node(value: Value, name: &str) -> Node {
    Node { value, file: Arc::from(name), place: None }
}

fn scalar(text: &str) -> Value {
    Value::Scalar(text.trim().to_owned())
}

fn list(text: &str, name: &str) -> Value {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    Value::List(items.map(|item| Rc::new(node(scalar(item), name))).collect())
}

/// The variables that can be set.
fn names() -> Vec<String> {
    let tops = ["exporter.", "dns.", "tls."];
    file::reference()
        .filter(|doc| tops.iter().any(|top| doc.path.starts_with(top)) && doc.kind != "map")
        .map(|doc| format!("{PREFIX}{}", doc.path.replace('.', "__").to_ascii_uppercase()))
        .collect()
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Overrides {
    exporter: Option<Exporter>,
    dns: Option<Dns>,
    tls: Option<Tls>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Exporter {
    helo: Option<String>,
    own: Option<String>,
    source_addresses: Option<String>,
    families: Option<String>,
    max_concurrent_probes: Option<String>,
    host_budget: Option<HostBudget>,
    backoff: Option<Backoff>,
    max_endpoints: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HostBudget {
    max_concurrent: Option<String>,
    min_gap: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Backoff {
    initial: Option<String>,
    factor: Option<String>,
    max: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Dns {
    servers: Option<String>,
    timeout: Option<String>,
    trust_anchor: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    ca_file: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scalar_of_the_three_sections_can_be_set_and_nothing_else() {
        let names = names();
        assert!(names.len() > 12);
        for name in &names {
            assert!(read(name, "1").is_some(), "{name} is documented and not accepted");
        }
        let accepted = serde_json::json!({
            "exporter": {"helo": "", "own": "", "source_addresses": "", "families": "",
                "max_concurrent_probes": "", "max_endpoints": "",
                "host_budget": {"max_concurrent": "", "min_gap": ""},
                "backoff": {"initial": "", "factor": "", "max": ""}},
            "dns": {"servers": "", "timeout": "", "trust_anchor": ""},
            "tls": {"ca_file": ""},
        });
        let mut leaves = Vec::new();
        collect(&accepted, &mut Vec::new(), &mut leaves);
        assert_eq!(leaves.len(), names.len());
        assert!(read("SMTP_EXPORTER__TARGETS", "x").is_none());
        assert!(read("SMTP_EXPORTER__DNS", "x").is_none());
        assert!(read("SMTP_EXPORTER__DNS__TIMEOUT__X", "x").is_none());
        assert!(read("SMTP_EXPORTER__", "x").is_none());
    }
}
