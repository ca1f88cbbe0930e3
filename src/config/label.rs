//! Names and labels that become part of series.

use super::text::printable;
use super::value::Parsed;

/// A target's name.
pub(super) fn target_name(name: &str) -> Parsed<()> {
    if matches!(name, "." | "..") {
        // In a path they mean a folder, also percent-encoded: no browser asks for such a page.
        return Err(format!(
            "`{name}` cannot be a target's name, which is part of its page's address"
        ));
    }
    if name.is_empty() || name.len() > 256 || name.chars().any(char::is_control) {
        Err("a target's name has 1 to 256 bytes without control characters".to_owned())
    } else {
        Ok(())
    }
}

/// The name of a target's own label.
pub(super) fn label_name(name: &str) -> Parsed<()> {
    own_label_name(name, OUR_LABELS)
}

/// The name of a domain's own label, where `posture` looks at it.
pub(super) fn domain_label_name(name: &str) -> Parsed<()> {
    own_label_name(name, POSTURE_LABELS)
}

fn own_label_name(name: &str, ours: &[&str]) -> Parsed<()> {
    let shown = printable(name);
    if matches!(name, "__module" | "__interval") {
        let key = name.trim_start_matches('_');
        return Err(format!("belongs to Prometheus' form of target files; here write `{key}`"));
    }
    if name.starts_with("__") {
        return Err(format!("`{shown}` begins with `__`, which Prometheus keeps for itself"));
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty()
        || name.len() > 128
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(fine)
    {
        return Err(format!(
            "`{shown}` is no label name; it has A-Z a-z 0-9 _ and begins with no digit"
        ));
    }
    if PROMETHEUS_LABELS.contains(&name) {
        return Err(format!("the label `{shown}` is set by Prometheus; choose another"));
    }
    if ours.contains(&name) {
        return Err(format!("the label `{shown}` is one of the exporter's own; choose another"));
    }
    Ok(())
}

/// Its value.
pub(super) fn label_value(text: &str) -> Parsed<String> {
    if text.len() > 1024 {
        Err("is longer than 1024 bytes".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Labels that the exporter's series have besides a target's own.
const OUR_LABELS: &[&str] = &[
    "target",
    "module",
    "endpoint",
    "address",
    "source",
    "phase",
    "how",
    "cause",
    "blame",
    "result",
    "state",
    "code",
    "enhanced",
    "reason",
    "version",
    "cipher",
    "group",
    "capability",
    "mechanism",
    "channel",
    "port",
    "family",
    "mx_preference",
    "fingerprint_sha256",
    "serial",
    "subject",
    "issuer",
    "key",
    "list",
    "kind",
    "across",
    "return_code",
    "meaning",
    "revision",
    "rustversion",
];

/// Labels that the series of a domain of `posture` have besides its own.
const POSTURE_LABELS: &[&str] = &[
    "domain",
    "area",
    "severity",
    "problem",
    "selector",
    "address",
    "mx",
    "all",
    "result",
    "type",
    "policy",
    "subdomain_policy",
    "dkim_alignment",
    "spf_alignment",
    "kind",
    "mode",
    "status",
    "usage",
    "matching",
];

/// Labels that Prometheus or the histogram format sets.
const PROMETHEUS_LABELS: &[&str] = &["instance", "job", "le"];
