//! The file as it is written: every key, what it takes, what it is when nobody says, and what it
//! does. This table is at once the list of keys that are accepted and the text of the reference,
//! so neither can know a key that the other does not.

mod dnsbl;
mod general;
mod limits;
mod modules;
mod posture;
mod probe;
mod rules;
mod targets;
mod web;

/// One key of the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyDoc {
    /// Where it stands: `exporter.helo`, `modules.<name>.port`, `targets[].host`.
    pub path: &'static str,
    /// What it takes.
    pub kind: &'static str,
    /// What it is when it is not stated; empty when it must be, or when there is none.
    pub default: &'static str,
    /// What it does.
    pub text: &'static str,
}

/// Every key, in the order of the reference.
pub fn reference() -> impl Iterator<Item = &'static KeyDoc> {
    PARTS.iter().copied().flatten()
}

/// The reference as Markdown: a table, and how patterns are written.
pub fn markdown() -> String {
    let mut out = table(reference());
    out.push_str(super::rules::REFERENCE);
    out
}

/// The reference of the web configuration file (`--web.config.file`) as Markdown: a table.
pub fn web_markdown() -> String {
    table(web::KEYS.iter())
}

fn table(keys: impl Iterator<Item = &'static KeyDoc>) -> String {
    let mut out = String::from("| key | value | default | meaning |\n|---|---|---|---|\n");
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    for key in keys {
        let default = if key.default.is_empty() { "–".to_owned() } else { cell(key.default) };
        let (kind, text) = (cell(key.kind), cell(key.text));
        out.push_str(&format!("| `{}` | {kind} | {default} | {text} |\n", key.path));
    }
    out
}

/// The names of the keys right below `parent`; empty is the top of the file. Empty when any name
/// can stand there, as below `modules`.
pub(super) fn known(parent: &str) -> Vec<&'static str> {
    below(parent, reference())
}

/// The same for the web configuration file.
pub(super) fn known_to_web(parent: &str) -> Vec<&'static str> {
    below(parent, web::KEYS.iter())
}

fn below(parent: &str, keys: impl Iterator<Item = &'static KeyDoc>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for key in keys {
        let rest = if parent.is_empty() {
            Some(key.path)
        } else {
            key.path.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.'))
        };
        if let Some(rest) = rest
            && !rest.starts_with('<')
            && !rest.contains(['.', '['])
        {
            names.push(rest);
        }
    }
    names
}

/// Where a key of this name stands, when exactly one other place has it; one in an entry of a list
/// counts for less than one that there is once.
pub(super) fn home_of(name: &str) -> Option<&'static str> {
    let parent = |key: &'static KeyDoc| key.path.strip_suffix(name)?.strip_suffix('.');
    let homes: Vec<&str> = reference().filter_map(parent).collect();
    let single: Vec<&str> = homes.iter().copied().filter(|home| !home.contains('[')).collect();
    match (&single[..], &homes[..]) {
        ([home], _) | ([], [home]) => Some(home),
        _ => None,
    }
}

const fn key(
    path: &'static str,
    kind: &'static str,
    default: &'static str,
    text: &'static str,
) -> KeyDoc {
    KeyDoc { path, kind, default, text }
}

/// The parts of the table, in the order of the reference.
const PARTS: &[&[KeyDoc]] = &[
    general::KEYS,
    modules::KEYS,
    targets::KEYS,
    limits::KEYS,
    rules::KEYS,
    dnsbl::KEYS,
    posture::KEYS,
    probe::KEYS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_found_below_their_parent_alone() {
        assert_eq!(known("dns"), ["servers", "timeout", "trust_anchor"]);
        assert_eq!(
            known(""),
            [
                "exporter",
                "dns",
                "tls",
                "modules",
                "targets",
                "target_files",
                "connection_limits",
                "cause_rules",
                "dnsbl",
                "posture",
                "probe"
            ]
        );
        assert_eq!(known("modules"), [""; 0]);
        assert_eq!(known("exporter.host_budget"), ["max_concurrent", "min_gap"]);
    }

    #[test]
    fn a_key_at_home_elsewhere_is_told_apart() {
        assert_eq!(home_of("helo"), Some("exporter"));
        assert_eq!(home_of("interval"), None, "it has two homes");
        assert_eq!(home_of("nothing"), None);
    }
}
