//! DMARC (RFC 7489).

use super::{Answer, Finding, Question};

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
    /// One record without an error that receivers heed.
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

/// The organisational domain (RFC 7489, 3.2).
pub fn organizational(domain: &str) -> String {
    domain.to_owned()
}

/// What to ask first, and then when the first has no record: the domain, its organisational domain.
pub fn questions(_domain: &str) -> Vec<Question> {
    Vec::new()
}

/// What the answers to [`questions`] mean; later ones may be left out once a record was found.
pub fn judge(_domain: &str, _answers: &[Answer], _findings: &mut Vec<Finding>) -> DmarcFacts {
    DmarcFacts::default()
}

/// Who must have agreed to get reports: the index in `facts.reports` and what to ask.
pub fn authorizations(_domain: &str, _facts: &DmarcFacts) -> Vec<(usize, Question)> {
    Vec::new()
}

/// Notes whether a receiver of reports has agreed.
pub fn authorize(
    _facts: &mut DmarcFacts,
    _index: usize,
    _answer: &Answer,
    _findings: &mut Vec<Finding>,
) {
}
