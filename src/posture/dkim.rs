//! DKIM keys (RFC 6376, 3.6).

mod key;

use std::sync::Arc;

use self::key::Key;
use super::tags::{Dialect, Tags, parts};
use super::text::{record, word};
use super::{Answer, Finding, On, Problem};

closed_enum! {
    /// A type of key.
    pub enum DkimKey {
        /// RSA (RFC 6376).
        Rsa => "rsa",
        /// Ed25519 (RFC 8463).
        Ed25519 => "ed25519",
        /// One that verifiers do not know.
        Other => "other",
    }
}

/// What was seen of one selector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DkimFacts {
    /// The selector.
    pub selector: Arc<str>,
    /// There is a record; none when the DNS did not answer.
    pub present: Option<bool>,
    /// One record with a key that verifiers take.
    pub valid: Option<bool>,
    /// The type of key.
    pub key: Option<DkimKey>,
    /// Bits of the modulus (RSA), or 256 (Ed25519).
    pub bits: Option<u32>,
    /// The key was taken back.
    pub revoked: bool,
    /// `t=y`.
    pub testing: bool,
    /// SHA-256 of the key, to find the same one twice: of an RSA key's modulus, so that the form in
    /// which it is published does not matter.
    pub key_sha256: Option<[u8; 32]>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// The name to ask for TXT records.
pub fn name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// What the answer for one selector means. Aliases are followed by who asks: keys are often
/// published at a service's name.
pub fn judge(selector: &Arc<str>, answer: &Answer, findings: &mut Vec<Finding>) -> DkimFacts {
    let mut facts = DkimFacts { selector: Arc::clone(selector), ..DkimFacts::default() };
    let mut find = |problem, detail: &str| {
        findings.push(Finding::new(problem, On::Selector(Arc::clone(selector)), detail));
    };
    if answer.trouble().is_some() {
        if let Some(trouble) = answer.their_trouble() {
            find(Problem::DkimDnsFailure, &format!("TXT {selector}._domainkey: {trouble}"));
        }
        return facts;
    }
    let texts: Vec<&[u8]> = answer.texts().collect();
    let records: Vec<&[u8]> = texts.iter().copied().filter(|text| is_key_record(text)).collect();
    facts.present = Some(!records.is_empty());
    facts.valid = Some(false);
    facts.record = records.first().or_else(|| texts.first()).map(|text| record(text));
    match records.as_slice() {
        [] => {
            let detail = match texts.first() {
                Some(text) => format!("what stands there is no DKIM key: {}", record(text)),
                None => format!("no TXT record at {selector}._domainkey"),
            };
            find(Problem::DkimMissing, &detail);
        }
        [text] => {
            let good = judge_record(text, &mut facts, &mut find);
            facts.valid = Some(good);
        }
        several => {
            let detail = format!("{} records at {selector}._domainkey", several.len());
            find(Problem::DkimMultipleRecords, &detail);
        }
    }
    facts
}

/// Finds keys that stand at two selectors. A key that was taken back is no key.
pub fn duplicates(keys: &[DkimFacts], findings: &mut Vec<Finding>) {
    for (at, facts) in keys.iter().enumerate() {
        let Some(sha256) = facts.key_sha256 else { continue };
        let first = keys
            .iter()
            .take(at)
            .find(|other| other.key_sha256 == Some(sha256) && other.selector != facts.selector);
        if let Some(first) = first {
            findings.push(Finding::new(
                Problem::DkimDuplicateKey,
                On::Selector(Arc::clone(&facts.selector)),
                format!("the key of selector {}", word(first.selector.as_bytes())),
            ));
        }
    }
}

/// Whether a text at a selector is meant as a key: a wildcard brings other records there. A record
/// with another version is none (RFC 6376, 3.6.1), but a slip in writing `DKIM1` is told.
fn is_key_record(text: &[u8]) -> bool {
    let tags = Tags::parse(text, Dialect::Dkim);
    match tags.value("v") {
        Some(version) => version.get(..4).is_some_and(|v| v.eq_ignore_ascii_case("DKIM")),
        None => tags.value("p").is_some(),
    }
}

/// Reads a record; true when verifiers take its key.
fn judge_record(text: &[u8], facts: &mut DkimFacts, find: &mut impl FnMut(Problem, &str)) -> bool {
    let tags = Tags::parse(text, Dialect::Dkim);
    let mut good = tags.faults().is_empty();
    for fault in tags.faults() {
        find(Problem::DkimSyntax, &fault.to_string());
    }
    let mut wrong = |problem, detail: &str| {
        good = false;
        find(problem, detail);
    };
    if let Some(version) = tags.value("v") {
        if version != "DKIM1" {
            let detail = format!("`v={}` must be `v=DKIM1`", word(version.as_bytes()));
            wrong(Problem::DkimSyntax, &detail);
        } else if tags.tags().first().is_none_or(|tag| tag.name != "v") {
            wrong(Problem::DkimSyntax, "`v` must be the first tag");
        }
    }
    hashes(&tags, &mut wrong);
    services(&tags, &mut wrong);
    let kind = tags.value("k").unwrap_or("rsa");
    facts.key = Some(match kind {
        _ if kind.eq_ignore_ascii_case("rsa") => DkimKey::Rsa,
        _ if kind.eq_ignore_ascii_case("ed25519") => DkimKey::Ed25519,
        _ => DkimKey::Other,
    });
    match (tags.value("p"), facts.key) {
        (None, _) => wrong(Problem::DkimSyntax, "`p` is missing"),
        (Some(""), _) => {
            facts.revoked = true;
            wrong(Problem::DkimRevoked, "`p` is empty");
        }
        (Some(_), None | Some(DkimKey::Other)) => {
            let detail = format!("`k={}`", word(kind.as_bytes()));
            wrong(Problem::DkimUnknownKeyType, &detail);
        }
        (Some(p), Some(kind)) => match Key::read(kind, p) {
            Ok(key) => {
                facts.bits = Some(key.bits);
                facts.key_sha256 = Some(key.sha256);
                if kind == DkimKey::Rsa && key.bits < LEAST_BITS {
                    wrong(Problem::DkimWeakKey, &format!("RSA, {} bits", key.bits));
                }
            }
            Err(detail) => wrong(Problem::DkimSyntax, &format!("`p`: {detail}")),
        },
    }
    if facts.key == Some(DkimKey::Rsa)
        && facts.bits.is_some_and(|bits| (LEAST_BITS..GOOD_BITS).contains(&bits))
    {
        let bits = facts.bits.unwrap_or_default();
        find(Problem::DkimShortKey, &format!("RSA, {bits} bits"));
    }
    let flags = tags.value("t").unwrap_or_default();
    facts.testing = parts(flags, ':').any(|flag| flag.eq_ignore_ascii_case("y"));
    if facts.testing && !facts.revoked {
        find(Problem::DkimTesting, &format!("`t={}`", word(flags.as_bytes())));
    }
    good
}

/// `h`: the hashes that may be signed with. Ones that a verifier does not know are left out, and
/// SHA-1 is not taken any more (RFC 8301, 3.1), so that a list without SHA-256 allows nothing.
fn hashes(tags: &Tags<'_>, wrong: &mut impl FnMut(Problem, &str)) {
    let Some(list) = tags.value("h") else { return };
    if list.is_empty() {
        wrong(Problem::DkimSyntax, "`h` is empty");
    } else if !parts(list, ':').any(|hash| hash.eq_ignore_ascii_case("sha256")) {
        let detail = format!("`h={}` is without sha256", word(list.as_bytes()));
        wrong(Problem::DkimHashObsolete, &detail);
    }
}

/// `s`: the services that the key is for.
fn services(tags: &Tags<'_>, wrong: &mut impl FnMut(Problem, &str)) {
    let Some(list) = tags.value("s") else { return };
    if list.is_empty() {
        wrong(Problem::DkimSyntax, "`s` is empty");
    } else if !parts(list, ':').any(|s| s == "*" || s.eq_ignore_ascii_case("email")) {
        let detail = format!("`s={}` is without email", word(list.as_bytes()));
        wrong(Problem::DkimNotForMail, &detail);
    }
}

/// Verifiers must not take shorter RSA keys (RFC 8301, 3.2).
const LEAST_BITS: u32 = 1024;
/// Signers should not use shorter RSA keys (RFC 8301, 3.2).
const GOOD_BITS: u32 = 2048;

#[cfg(test)]
mod tests;
