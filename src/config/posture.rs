//! `posture`: the domains whose records and keys are looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::disk;
use super::label::{domain_label_name, label_value};
use super::text::printable;
use super::tree::Value;
use super::value::{self, Parsed};
use super::walk::{At, Fields, Findings, Spot};
use crate::posture::Subject;
use crate::posture::subject::LEAST_INTERVAL;
use crate::target::place;

/// Reads the list.
pub(super) fn read(root: &Fields, findings: &mut Findings) -> Vec<Arc<Subject>> {
    let list = root.list("posture", findings).unwrap_or_default();
    let mut found: Vec<Arc<Subject>> = Vec::new();
    let mut places: BTreeMap<Arc<str>, Spot> = BTreeMap::new();
    if list.len() > MAX_DOMAINS {
        let message = format!("{} domains are more than {MAX_DOMAINS}", list.len());
        findings.problem(&root.at("posture").map_or_else(|| root.spot(), |at| at.spot()), message);
        return found;
    }
    for at in list {
        if findings.full() {
            break;
        }
        let Some((subject, spot)) = one(&at, findings) else { continue };
        if let Some(first) = places.get(&subject.domain) {
            let line = first.line();
            findings.problem(&spot, format!("{} stands twice ({line})", subject.domain));
            continue;
        }
        places.insert(subject.domain.clone(), spot);
        found.push(Arc::new(subject));
    }
    found.sort_by(|a, b| a.domain.cmp(&b.domain));
    found
}

/// One domain, and where it is stated.
fn one(at: &At, findings: &mut Findings) -> Option<(Subject, Spot)> {
    if matches!(at.node.value, Value::Scalar(_)) {
        return Some((Subject::new(&at.parse(findings, domain)?), at.spot()));
    }
    let fields = at.clone().fields("posture[]", findings);
    if !matches!(fields.at.node.value, Value::Map(_)) {
        if matches!(fields.at.node.value, Value::Null { .. }) {
            findings.problem(&fields.spot(), "is empty; write a domain, or drop the dash");
        }
        return None;
    }
    let name = match fields.at("domain") {
        Some(at) => at.parse(findings, domain).map(|name| (name, at.spot())),
        None => {
            findings.problem(&fields.missing("domain"), "is missing; write the domain to look at");
            None
        }
    };
    // What else is wrong is told although the domain is not known.
    let mut subject = Subject::new(name.as_ref().map_or("", |(name, _)| name));
    subject.dkim_selectors = each(&fields, "dkim_selectors", MAX_SELECTORS, findings, selector);
    subject.sending_addresses =
        each(&fields, "sending_addresses", MAX_ADDRESSES, findings, |text| {
            if text.contains('/') {
                return Err(format!(
                    "`{}` is a network; write each address that sends",
                    printable(text)
                ));
            }
            value::address(text)
        });
    subject.helo = fields.value("helo", findings, helo);
    fields.set("interval", &mut subject.interval, findings, |text| {
        value::duration_in(text, LEAST_INTERVAL, Duration::from_secs(168 * HOUR))
    });
    fields.set("mx_port", &mut subject.mx_port, findings, value::port);
    fields.set("policy_port", &mut subject.policy_port, findings, value::port);
    for (key, spot, at) in fields.at("labels").map(|at| at.entries(findings)).unwrap_or_default() {
        if let Err(message) = domain_label_name(&key) {
            findings.problem(&spot, message);
        } else if let Some(text) = at.parse(findings, label_value) {
            subject.labels.insert(key.to_string(), text);
        }
    }
    if let Some(at) = fields.at("helo")
        && fields.at("sending_addresses").is_none()
    {
        findings.warn(&at.spot(), "is held against sending_addresses, and there are none");
    }
    name.map(|(_, spot)| (subject, spot))
}

/// The values of a list, each once.
fn each<T: PartialEq + std::fmt::Display>(
    fields: &Fields,
    key: &str,
    most: usize,
    findings: &mut Findings,
    parse: impl Fn(&str) -> Parsed<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for at in fields.list(key, findings).unwrap_or_default() {
        let Some(value) = at.parse(findings, &parse) else { continue };
        if found.contains(&value) {
            findings.problem(&at.spot(), format!("{value} stands twice"));
        } else if found.len() == most {
            findings.problem(&at.spot(), format!("is one too many; at most {most}"));
            break;
        } else {
            found.push(value);
        }
    }
    found
}

/// A domain that mail is for: a name with a dot, in its ASCII form.
pub(crate) fn domain(text: &str) -> Parsed<Arc<str>> {
    if let Some((_, host)) = text.rsplit_once('@') {
        let (shown, host) = (printable(text), printable(host));
        return Err(format!("`{shown}` is a mail address; write its domain: {host}"));
    }
    let name = place::domain(text)?;
    if !name.contains('.') {
        return Err(format!("`{name}` is a single label and not a full name"));
    }
    // The longest of the names that are asked for: `_smtp._tls.` and `default._bimi.` before it.
    if name.len() > 253 - LONGEST_PREFIX {
        return Err(format!("`{}` is too long to have records below it", printable(text)));
    }
    Ok(name)
}

/// A DKIM selector: labels of letters, digits, hyphens and underscores, lower case (RFC 6376, 3.1).
pub(crate) fn selector(text: &str) -> Parsed<Arc<str>> {
    let shown = printable(text);
    if let Some((selector, _)) = text.split_once("._domainkey") {
        return Err(format!("`{shown}` is a record's name; write {}", printable(selector)));
    }
    let fine = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() > MAX_SELECTOR || !text.split('.').all(fine) {
        return Err(format!(
            "`{shown}` is no selector; it has letters, digits and hyphens, as after `s=` in \
             DKIM-Signature"
        ));
    }
    Ok(text.to_ascii_lowercase().into())
}

/// The name that sending addresses say in EHLO: a full host name, which can be held against their
/// reverse names.
pub(crate) fn helo(text: &str) -> Parsed<Arc<str>> {
    let name = value::helo(text)?;
    if name.starts_with('[') {
        Err(format!("`{name}` is no name; write the full host name, or leave helo out"))
    } else if !name.contains('.') {
        Err(format!("`{name}` is a single label and not a full name"))
    } else {
        Ok(name)
    }
}

/// `dns.trust_anchor`. The file is read now, so that a mistake is told here and not by the first look.
pub(super) fn read_trust_anchor(at: &At, base: &Path, findings: &mut Findings) -> Option<PathBuf> {
    let path = base.join(at.text(findings)?);
    let shown = printable(&path.display().to_string());
    let found = disk::read(&path, MAX_ANCHOR_BYTES).and_then(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(|line| line.split(';').next().unwrap_or_default());
        let holds = |line: &str| {
            line.split_ascii_whitespace()
                .any(|word| word.eq_ignore_ascii_case("DNSKEY") || word.eq_ignore_ascii_case("DS"))
        };
        let mut lines = lines.filter(|line| holds(line));
        lines.next().map(|_| ()).ok_or_else(|| {
            "holds no DNSKEY or DS record; write it as in a zone file, such as `. IN DS 20326 8 2 \
             E06D…`"
                .to_owned()
        })
    });
    let found = found.map_err(|message| format!("the file {shown} {message}"));
    findings.take(&at.spot(), found)?;
    Some(std::path::absolute(&path).unwrap_or(path))
}

/// Domains, for the sake of memory: each may have a transcript of 64 KiB.
const MAX_DOMAINS: usize = 1000;
/// DKIM selectors of one domain.
const MAX_SELECTORS: usize = 32;
/// Sending addresses of one domain.
const MAX_ADDRESSES: usize = 64;
/// Bytes of a selector: with `._domainkey.` and a domain of a usual length it is a name.
const MAX_SELECTOR: usize = 128;
/// Bytes of `default._bimi.`, before a domain.
const LONGEST_PREFIX: usize = 14;
/// The largest file of trust anchors.
const MAX_ANCHOR_BYTES: usize = 1 << 20;
const HOUR: u64 = 3600;
