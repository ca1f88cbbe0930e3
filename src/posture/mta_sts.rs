//! MTA-STS (RFC 8461).

mod policy;

use std::time::Duration;

use super::mx::MxFacts;
use super::tags::{Dialect, Tags, find};
use super::text;
use super::{Answer, Finding, On, Problem, Severity};

closed_enum! {
    /// What senders do about a failure.
    pub enum StsMode {
        /// They do not deliver.
        Enforce => "enforce",
        /// They report it.
        Testing => "testing",
        /// Nothing: the policy is being withdrawn.
        None => "none",
    }
}

/// What was seen of MTA-STS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MtaStsFacts {
    /// There is a record; none when the DNS did not answer.
    pub present: Option<bool>,
    /// The record and the policy are right, and the policy was fetched. None without a record.
    pub valid: Option<bool>,
    /// The record's `id`.
    pub id: Option<String>,
    /// The policy came, over a connection whose certificate verifies; none without a record.
    pub fetched: Option<bool>,
    /// The policy's mode.
    pub mode: Option<StsMode>,
    /// The policy's `max_age`.
    pub max_age: Option<Duration>,
    /// The policy's `mx` patterns, lower case, at most 100.
    pub patterns: Vec<String>,
    /// SHA-256 of the policy's text.
    pub policy_sha256: Option<[u8; 32]>,
    /// SHA-256 of the policy that was first seen with this `id`; carried from look to look.
    pub announced_sha256: Option<[u8; 32]>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// What came of fetching the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// An HTTP answer.
    Answered {
        /// The status.
        status: u16,
        /// The value of Content-Type.
        content_type: Option<String>,
        /// The body, at most [`MAX_POLICY`] bytes and one.
        body: Vec<u8>,
    },
    /// The certificate does not verify for the name; why.
    Certificate(String),
    /// No connection, no address, no answer in time, or none that is HTTP; why.
    Unreachable(String),
}

/// The name to ask for TXT records.
pub fn name(domain: &str) -> String {
    format!("_mta-sts.{domain}")
}

/// The host that serves the policy.
pub fn host(domain: &str) -> String {
    format!("mta-sts.{domain}")
}

/// What the record says. The policy is fetched when `present` and the record is right (`id`).
/// What is meant as a record and is none counts as one that is wrong.
pub fn judge_record(answer: &Answer, findings: &mut Vec<Finding>) -> MtaStsFacts {
    let mut facts = MtaStsFacts::default();
    if answer.trouble().is_some() {
        if let Some(trouble) = answer.their_trouble() {
            add(findings, Problem::MtaStsDnsFailure, &format!("TXT _mta-sts: {trouble}"));
        }
        return facts;
    }
    let found = find(answer.texts(), "STSv1", Dialect::Sts);
    let shown = found.records.first().copied().or(found.almost);
    facts.present = Some(shown.is_some());
    facts.record = shown.map(text::record);
    match found.records.as_slice() {
        [] => {
            if let Some(almost) = found.almost {
                let detail = format!("does not begin with `v=STSv1;`: {}", text::word(almost));
                add(findings, Problem::MtaStsRecordInvalid, &detail);
                facts.valid = Some(false);
            }
        }
        [record] => match id(record) {
            Ok(id) => facts.id = Some(id),
            Err(wrong) => {
                add(findings, Problem::MtaStsRecordInvalid, &wrong);
                facts.valid = Some(false);
            }
        },
        several => {
            let detail = format!("{} records at _mta-sts", several.len());
            add(findings, Problem::MtaStsMultipleRecords, &detail);
            facts.valid = Some(false);
        }
    }
    facts
}

/// The `id` of a record, or what is wrong with the record (RFC 8461, 3.1).
fn id(record: &[u8]) -> Result<String, String> {
    let tags = Tags::parse(record, Dialect::Sts);
    if let Some(fault) = tags.faults().first() {
        return Err(fault.to_string());
    }
    match tags.value("id") {
        None => Err("`id` is missing".to_owned()),
        Some(id)
            if (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            Ok(id.to_owned())
        }
        Some(id) => {
            let id = text::word(id.as_bytes());
            Err(format!("`id={id}`: must be 1 to 32 letters and digits"))
        }
    }
}

/// Adds what the policy says; `before` is what the last look saw, for changes.
pub fn judge_policy(
    facts: &mut MtaStsFacts,
    fetched: &Fetched,
    before: Option<&MtaStsFacts>,
    findings: &mut Vec<Finding>,
) {
    let errors = findings.len();
    match fetched {
        Fetched::Certificate(why) => add(findings, Problem::MtaStsPolicyCertificate, why),
        Fetched::Unreachable(why) => add(findings, Problem::MtaStsPolicyUnreachable, why),
        Fetched::Answered { status, .. } if *status != 200 => {
            let redirect = if (300..400).contains(status) { ", a redirect" } else { "" };
            add(findings, Problem::MtaStsPolicyStatus, &format!("status {status}{redirect}"));
        }
        Fetched::Answered { content_type, body, .. } => {
            facts.fetched = Some(true);
            judge_content_type(content_type.as_deref(), findings);
            policy::judge(body, facts, findings);
        }
    }
    let error = |finding: &Finding| finding.problem.severity() == Severity::Error;
    let wrong = findings.iter().skip(errors).any(error);
    facts.fetched = facts.fetched.or(Some(false));
    facts.valid = Some(facts.id.is_some() && !wrong);
    changes(facts, before, findings);
}

/// Senders should take plain text alone, so that nobody who may put a picture on the server makes a
/// policy (RFC 8461, 3.2).
fn judge_content_type(content_type: Option<&str>, findings: &mut Vec<Finding>) {
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    if !media.trim().eq_ignore_ascii_case("text/plain") {
        let detail = match content_type {
            Some(other) => format!("`{}`", text::word(other.as_bytes())),
            None => "no Content-Type".to_owned(),
        };
        add(findings, Problem::MtaStsPolicyContentType, &detail);
    }
}

/// A policy that changes under an `id` that does not: whoever holds the old one keeps it. It stays
/// wrong until the `id` changes, so the policy that the `id` was published with is carried on.
fn changes(facts: &mut MtaStsFacts, before: Option<&MtaStsFacts>, findings: &mut Vec<Finding>) {
    let now = facts.policy_sha256;
    facts.announced_sha256 = now;
    let Some(before) = before else { return };
    let Some((id, id_before)) = facts.id.as_ref().zip(before.id.as_ref()) else { return };
    if id == id_before {
        facts.announced_sha256 = before.announced_sha256.or(now);
        if now.is_some() && facts.announced_sha256 != now {
            let detail = format!("`id={id}` was published with another policy");
            add(findings, Problem::MtaStsIdNotChanged, &detail);
        }
    } else if now.is_some() && before.policy_sha256 == now && before.announced_sha256 == now {
        let detail = format!("`id={id}` after `id={id_before}`, with the same policy");
        add(findings, Problem::MtaStsIdChangedAlone, &detail);
    }
}

/// Whether a mail exchanger is named by the policy's patterns (RFC 8461, 4.1): `*` stands for one
/// label, the leftmost.
pub fn covers(patterns: &[String], host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let parent = host.split_once('.').and_then(|(label, rest)| (!label.is_empty()).then_some(rest));
    patterns.iter().any(|pattern| {
        let pattern = pattern.trim_end_matches('.');
        match pattern.strip_prefix("*.") {
            Some(rest) => parent.is_some_and(|parent| parent.eq_ignore_ascii_case(rest)),
            None => !host.is_empty() && pattern.eq_ignore_ascii_case(host),
        }
    })
}

/// Says of each exchanger whether the policy names it, and what stands against a delivery under the
/// policy. A policy that is being withdrawn (mode `none`) names and asks for nothing.
pub fn cover(facts: &MtaStsFacts, exchangers: &mut MxFacts, findings: &mut Vec<Finding>) {
    let Some(StsMode::Enforce | StsMode::Testing) = facts.mode else { return };
    for host in &mut exchangers.hosts {
        let covered = covers(&facts.patterns, &host.host);
        host.sts_covered = Some(covered);
        let mut find = |problem, detail: &str| {
            findings.push(Finding::new(problem, On::Mx(host.host.clone()), detail));
        };
        if !covered {
            find(Problem::MtaStsMxNotCovered, "no `mx` of the policy names it");
        } else if host.pkix == Some(false) {
            find(Problem::MtaStsMxCertificate, "the certificate does not verify for its name");
        }
    }
}

fn add(findings: &mut Vec<Finding>, problem: Problem, detail: &str) {
    findings.push(Finding::new(problem, On::Domain, detail));
}

/// The most bytes of a policy.
pub const MAX_POLICY: usize = 65_536;
/// The path of the policy.
pub const PATH: &str = "/.well-known/mta-sts.txt";

#[cfg(test)]
mod tests;
