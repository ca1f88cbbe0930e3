//! The tags of a record (RFC 7489, 6.3).

use super::reports;
use super::{Alignment, DmarcFacts, DmarcPolicy, add};
use crate::posture::tags::{Dialect, Tags, parts};
use crate::posture::text::{self, word};
use crate::posture::{Finding, Problem};

/// Reads a record that begins with its version. `own`: it stands at the domain itself, and not at
/// its organisational domain.
pub(super) fn judge(record: &[u8], own: bool, facts: &mut DmarcFacts, findings: &mut Vec<Finding>) {
    facts.record = Some(text::record(record));
    let tags = Tags::parse(record, Dialect::Dmarc);
    for fault in tags.faults() {
        add(findings, Problem::DmarcSyntax, &fault.to_string());
    }
    reports::read(&tags, facts, findings);
    alignments(&tags, facts, findings);
    formats(&tags, findings);
    let percent = percent(&tags, findings);
    facts.percent = Some(percent);

    let p = policy(&tags, "p", findings);
    let sp = policy(&tags, "sp", findings);
    let np = policy(&tags, "np", findings);
    if p == Said::Nothing {
        add(findings, Problem::DmarcSyntax, "`p` is missing");
    }
    match (p, sp) {
        (Said::Policy(p), Said::Nothing) => decide(own, p, p, facts),
        (Said::Policy(p), Said::Policy(sp)) => decide(own, p, sp, facts),
        // Without a `p`, or with an `sp`, that can be read, a record that asks for reports stands for
        // `p=none`, and any other for nothing (RFC 7489, 6.6.3).
        _ if facts.reports.iter().any(|report| report.aggregate) => {
            decide(own, DmarcPolicy::None, DmarcPolicy::None, facts);
            facts.valid = Some(false);
        }
        _ => facts.valid = Some(false),
    }
    let Some(policy) = facts.policy else { return };
    if policy == DmarcPolicy::None {
        let detail = match facts.valid {
            Some(true) if own => "`p=none`",
            Some(true) => "`none` for subdomains",
            _ => "what can be read of the record stands for `p=none`",
        };
        add(findings, Problem::DmarcPolicyNone, detail);
    } else {
        partial(&tags, percent, findings);
    }
    if let Said::Policy(p) = p {
        for (tag, said) in [("sp", sp), ("np", np)] {
            if let Said::Policy(weaker) = said
                && weaker < p
            {
                let detail = format!("`{tag}={weaker}` below `p={p}`");
                add(findings, Problem::DmarcSubdomainPolicyWeaker, &detail);
            }
        }
    }
}

/// What a tag says of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Unreadable,
    Policy(DmarcPolicy),
}

fn policy(tags: &Tags<'_>, tag: &str, findings: &mut Vec<Finding>) -> Said {
    let Some(value) = tags.value(tag) else { return Said::Nothing };
    match DmarcPolicy::from_name(&value.to_ascii_lowercase()) {
        Some(policy) => Said::Policy(policy),
        None => {
            unreadable(findings, tag, value, "none, quarantine or reject");
            Said::Unreadable
        }
    }
}

fn decide(own: bool, domain: DmarcPolicy, subdomains: DmarcPolicy, facts: &mut DmarcFacts) {
    facts.valid = Some(true);
    facts.policy = Some(if own { domain } else { subdomains });
    facts.subdomain_policy = Some(subdomains);
}

/// `pct` (RFC 7489, 6.3); 100 where it is not there or cannot be read.
fn percent(tags: &Tags<'_>, findings: &mut Vec<Finding>) -> u8 {
    let Some(value) = tags.value("pct") else { return 100 };
    let digits = !value.is_empty() && value.len() <= 3 && value.bytes().all(|b| b.is_ascii_digit());
    match value.parse::<u8>() {
        Ok(percent) if digits && percent <= 100 => percent,
        _ => {
            unreadable(findings, "pct", value, "a number from 0 to 100");
            100
        }
    }
}

/// `pct`, and what took its place: `t=y` asks receivers not to apply the policy yet (RFC 9989).
fn partial(tags: &Tags<'_>, percent: u8, findings: &mut Vec<Finding>) {
    if percent < 100 {
        add(findings, Problem::DmarcPartial, &format!("`pct={percent}`"));
    }
    if tags.value("t").is_some_and(|t| t.eq_ignore_ascii_case("y")) {
        add(findings, Problem::DmarcPartial, "`t=y`: the policy is being tested");
    }
}

fn alignments(tags: &Tags<'_>, facts: &mut DmarcFacts, findings: &mut Vec<Finding>) {
    let mut read = |tag: &str| match tags.value(tag) {
        None | Some("r" | "R") => Some(Alignment::Relaxed),
        Some("s" | "S") => Some(Alignment::Strict),
        Some(value) => {
            unreadable(findings, tag, value, "r or s");
            Some(Alignment::Relaxed)
        }
    };
    facts.dkim_alignment = read("adkim");
    facts.spf_alignment = read("aspf");
}

/// `fo`, `rf` and `ri`: how reports are made.
fn formats(tags: &Tags<'_>, findings: &mut Vec<Finding>) {
    if let Some(value) = tags.value("fo")
        && !parts(value, ':').all(|option| matches!(option, "0" | "1" | "d" | "D" | "s" | "S"))
    {
        unreadable(findings, "fo", value, "0, 1, d or s, with `:` between");
    }
    let keyword = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if let Some(value) = tags.value("rf")
        && !parts(value, ':').all(keyword)
    {
        unreadable(findings, "rf", value, "afrf");
    }
    if let Some(value) = tags.value("ri")
        && (value.starts_with('+') || value.parse::<u32>().is_err())
    {
        unreadable(findings, "ri", value, "a number of seconds");
    }
}

fn unreadable(findings: &mut Vec<Finding>, tag: &str, value: &str, right: &str) {
    let detail = format!("`{tag}={}`: must be {right}", word(value.as_bytes()));
    add(findings, Problem::DmarcSyntax, &detail);
}
