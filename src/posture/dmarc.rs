//! DMARC (RFC 7489).
//!
//! # Why the public suffix list
//!
//! RFC 9989 finds the organisational domain by walking up the tree of the DNS and takes `pct`, `rf`,
//! `ri` and size limits away; receivers move to it one by one. Judged is what both agree on, by the
//! list, as most receivers do; its new tags are read where they weaken a policy.

mod record;
mod reports;

pub use reports::{MAX_REPORTS, authorizations, authorize};

use super::tags::{Dialect, Found, find};
use super::text;
use super::{Answer, Finding, Kind, On, Problem, Question};

closed_enum! {
    /// What the domain asks receivers to do.
    pub enum DmarcPolicy {
        /// Nothing.
        None => "none",
        /// Treat it with suspicion.
        Quarantine => "quarantine",
        /// Refuse it.
        Reject => "reject",
    }
}

closed_enum! {
    /// How closely domains must agree (RFC 7489, 3.1).
    pub enum Alignment {
        /// The organisational domains agree.
        Relaxed => "relaxed",
        /// The domains are the same.
        Strict => "strict",
    }
}

/// What was seen of a domain's DMARC record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DmarcFacts {
    /// There is a record, at the domain or at its organisational domain; none when the DNS did not
    /// answer.
    pub present: Option<bool>,
    /// One record that receivers heed: what is wrong with it, if anything, they leave out.
    pub valid: Option<bool>,
    /// The organisational domain by the public suffix list.
    pub organizational: String,
    /// The domain at which the record stands.
    pub at: Option<String>,
    /// The policy that holds for this domain: `p`, or `sp` of the organisational domain's record.
    pub policy: Option<DmarcPolicy>,
    /// The policy for subdomains.
    pub subdomain_policy: Option<DmarcPolicy>,
    /// `pct`.
    pub percent: Option<u8>,
    /// `adkim`.
    pub dkim_alignment: Option<Alignment>,
    /// `aspf`.
    pub spf_alignment: Option<Alignment>,
    /// Where reports go.
    pub reports: Vec<ReportAddress>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// Where reports go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportAddress {
    /// `rua` (true) or `ruf`.
    pub aggregate: bool,
    /// The address, printable, at most 256 bytes.
    pub uri: String,
    /// The domain that receives them.
    pub domain: String,
    /// That domain has agreed (7.1); none when it is our own, or when the DNS did not answer.
    pub authorized: Option<bool>,
}

/// The organisational domain (RFC 7489, 3.2): one label more than the public suffix, by the whole
/// list, its private part included. A name outside the list has a suffix of one label; a suffix is
/// its own organisational domain.
pub fn organizational(domain: &str) -> String {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    psl::domain_str(&domain).map_or_else(|| domain.clone(), str::to_owned)
}

/// What to ask first, and then when the first has no record: the domain, its organisational domain.
pub fn questions(domain: &str) -> Vec<Question> {
    let organizational = organizational(domain);
    let question = |domain: &str| Question::new(format!("_dmarc.{domain}"), Kind::Txt);
    let mut questions = vec![question(domain)];
    if organizational != domain {
        questions.push(question(&organizational));
    }
    questions
}

/// What the answers to [`questions`] mean; later ones may be left out once a record was found.
pub fn judge(domain: &str, answers: &[Answer], findings: &mut Vec<Finding>) -> DmarcFacts {
    let organizational = organizational(domain);
    let places = [domain, organizational.as_str()];
    let places = places.get(..if domain == organizational { 1 } else { 2 }).unwrap_or_default();
    let mut facts = DmarcFacts { organizational: organizational.clone(), ..DmarcFacts::default() };
    let mut almost = None;
    for (at, place) in places.iter().enumerate() {
        // Without an answer nothing can be said of what would have been found there.
        let Some(answer) = answers.get(at) else { return facts };
        if answer.trouble().is_some() {
            if let Some(trouble) = answer.their_trouble() {
                add(findings, Problem::DmarcDnsFailure, &format!("TXT _dmarc.{place}: {trouble}"));
            }
            return facts;
        }
        let found: Found<'_> = find(answer.texts(), "DMARC1", Dialect::Dmarc);
        almost = almost.or_else(|| found.almost.map(|text| (*place, text)));
        match found.records.as_slice() {
            [] => continue,
            [record] => {
                facts.at = Some((*place).to_owned());
                record::judge(record, domain == *place, &mut facts, findings);
            }
            [first, ..] => {
                facts.at = Some((*place).to_owned());
                facts.record = Some(text::record(first));
                facts.valid = Some(false);
                let detail = format!("{} records at _dmarc.{place}", found.records.len());
                add(findings, Problem::DmarcMultipleRecords, &detail);
            }
        }
        facts.present = Some(true);
        return facts;
    }
    facts.present = Some(false);
    facts.valid = Some(false);
    let detail = match almost {
        Some((place, text)) => {
            facts.record = Some(text::record(text));
            format!("what stands at _dmarc.{place} is no DMARC record: {}", text::word(text))
        }
        None => format!("no DMARC record at _dmarc.{}", places.join(" nor at _dmarc.")),
    };
    add(findings, Problem::DmarcMissing, &detail);
    facts
}

fn add(findings: &mut Vec<Finding>, problem: Problem, detail: &str) {
    findings.push(Finding::new(problem, On::Domain, detail));
}

#[cfg(test)]
mod tests;
