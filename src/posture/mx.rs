//! Mail exchangers: their hygiene, and what a sender that insists on verified TLS would do.

use std::net::IpAddr;
use std::sync::Arc;

use super::tlsa::DaneFacts;
use super::{Answer, Finding};

/// What was seen of a domain's mail exchangers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MxFacts {
    /// How many MX records there are; none when the DNS did not answer.
    pub records: Option<u32>,
    /// No error was found with them.
    pub valid: Option<bool>,
    /// The domain says that it takes no mail (RFC 7505).
    pub null: bool,
    /// There is no MX record: the domain stands for itself.
    pub implicit: bool,
    /// The hosts by preference, each once, at most [`MAX_HOSTS`].
    pub hosts: Vec<MxHost>,
}

/// A mail exchanger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MxHost {
    /// Its name, lower case, without the trailing dot. The value of the label `mx`.
    pub host: Arc<str>,
    /// Its preference; the lowest of several.
    pub preference: u16,
    /// Its addresses; none when the DNS did not answer.
    pub addresses: Option<Vec<IpAddr>>,
    /// It answered with an SMTP greeting; none when it was not visited.
    pub reached: Option<bool>,
    /// It offers STARTTLS.
    pub starttls: Option<bool>,
    /// Its certificate verifies for its name against the roots (PKIX).
    pub pkix: Option<bool>,
    /// The MTA-STS policy names it; none without a policy.
    pub sts_covered: Option<bool>,
    /// DANE.
    pub dane: DaneFacts,
    /// What a sender that heeds MTA-STS and DANE would do.
    pub strict: Option<Strict>,
}

closed_enum! {
    /// What a sender that heeds DANE (RFC 7672) and MTA-STS (RFC 8461) would do, DANE first.
    pub enum Strict {
        /// Deliver over TLS verified by DANE.
        Dane => "dane",
        /// Deliver over TLS verified by MTA-STS.
        MtaSts => "mta_sts",
        /// Deliver: nothing asks for verified TLS.
        Opportunistic => "opportunistic",
        /// Not deliver: DANE forbids it.
        RefusedDane => "refused_dane",
        /// Not deliver: MTA-STS forbids it.
        RefusedMtaSts => "refused_mta_sts",
    }
}

impl Strict {
    /// Mail would be delivered.
    pub const fn delivers(self) -> bool {
        matches!(self, Self::Dane | Self::MtaSts | Self::Opportunistic)
    }
}

/// What the MX records mean: the hosts to look at, without their addresses. An implicit MX is the
/// domain itself.
pub fn judge(_domain: &str, _answer: &Answer, _findings: &mut Vec<Finding>) -> MxFacts {
    MxFacts::default()
}

/// Adds a host's addresses: of its A and AAAA answers.
pub fn judge_addresses(
    _facts: &mut MxFacts,
    _index: usize,
    _ipv4: &Answer,
    _ipv6: &Answer,
    _findings: &mut Vec<Finding>,
) {
}

/// Joins what is known of a host: DANE before MTA-STS before opportunistic TLS. `enforced`: the
/// MTA-STS mode is `enforce`. None when what decides could not be told.
pub fn strict(_host: &MxHost, _enforced: bool) -> Option<Strict> {
    None
}

/// Ends the judgement: duplicates, `valid`, hosts that a strict sender refuses.
pub fn conclude(_facts: &mut MxFacts, _enforced: bool, _findings: &mut Vec<Finding>) {}

/// The most hosts that are looked at.
pub const MAX_HOSTS: usize = 32;
