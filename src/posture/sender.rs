//! Sending addresses: reverse names that lead back, and the name said in EHLO.

use std::net::IpAddr;

use super::{Answer, Finding, Question};

/// What was seen of a sending address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderFacts {
    /// The address.
    pub address: IpAddr,
    /// It has a reverse name; none when the DNS did not answer.
    pub present: Option<bool>,
    /// The reverse names, printable, at most [`MAX_NAMES`].
    pub names: Vec<String>,
    /// One of them leads back to the address (FCrDNS).
    pub confirmed: Option<bool>,
    /// The EHLO name is one of them; none when none is configured.
    pub helo_matches: Option<bool>,
    /// The EHLO name leads to the address.
    pub helo_confirmed: Option<bool>,
    /// The names look like those of a dial-up line.
    pub generic: Option<bool>,
}

/// The question for reverse names (RFC 1035, 3.5; RFC 3596, 2.5).
pub fn question(address: IpAddr) -> Question {
    Question::new(address.to_string(), super::Kind::Ptr)
}

/// What the reverse names mean. `forward` holds the answers for the address type of `address` of
/// each name, in order, and `helo` the configured EHLO name with its answer.
pub fn judge(
    address: IpAddr,
    _reverse: &Answer,
    _forward: &[(String, Answer)],
    _helo: Option<(&str, &Answer)>,
    _findings: &mut Vec<Finding>,
) -> SenderFacts {
    SenderFacts {
        address,
        present: None,
        names: Vec::new(),
        confirmed: None,
        helo_matches: None,
        helo_confirmed: None,
        generic: None,
    }
}

/// The most reverse names that are followed.
pub const MAX_NAMES: usize = 10;
