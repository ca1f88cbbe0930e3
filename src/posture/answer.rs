//! Questions to the DNS and their answers as values.

use std::net::IpAddr;
use std::time::Duration;

use super::tlsa;

closed_enum! {
    /// A type of record.
    pub enum Kind {
        /// An IPv4 address.
        A => "A",
        /// An IPv6 address.
        Aaaa => "AAAA",
        /// A mail exchanger.
        Mx => "MX",
        /// A name of an address.
        Ptr => "PTR",
        /// A certificate association (RFC 6698).
        Tlsa => "TLSA",
        /// Text.
        Txt => "TXT",
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name in ASCII, absolute, without the trailing dot.
    pub name: String,
    /// The type of record.
    pub kind: Kind,
}

impl Question {
    /// A question for `name`.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A or AAAA.
    Address(IpAddr),
    /// MX: the preference, and the host as it stands there (`.` of a null MX is the empty text).
    Mx(u16, String),
    /// PTR, without the trailing dot.
    Name(String),
    /// TXT: its strings put together, without a space between them.
    Text(Vec<u8>),
    /// TLSA.
    Tlsa(tlsa::Record),
}

closed_enum! {
    /// Why there is no answer.
    pub enum Trouble {
        /// Nobody answered in time.
        Timeout => "timeout",
        /// SERVFAIL, without a sign that DNSSEC is to blame.
        Servfail => "servfail",
        /// REFUSED or NOTIMP.
        Refused => "refused",
        /// What came cannot be read.
        Malformed => "malformed",
        /// DNSSEC says that what came is forged, or its signatures are out of date.
        Bogus => "bogus",
        /// We could not ask: no socket, no server configured.
        Ours => "ours",
    }
}

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There are records of the type: one at least.
    Found(Vec<Data>),
    /// There is no such name (NXDOMAIN).
    NoName,
    /// The name has no record of the type.
    NoData,
    /// It cannot be told.
    Failed(Trouble),
}

closed_enum! {
    /// What DNSSEC says of an answer (RFC 4035, 4.3).
    pub enum Proof {
        /// Signed from a trust anchor down.
        Secure => "secure",
        /// Proven to be unsigned.
        Insecure => "insecure",
        /// Should be signed, and is not rightly.
        Bogus => "bogus",
        /// Not asked for, or not to be told.
        Indeterminate => "indeterminate",
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// What DNSSEC says of it, the proof that there is nothing included.
    pub proof: Proof,
    /// How long it may be kept: the least TTL of the records.
    pub ttl: Option<Duration>,
    /// The name at the end of the aliases, when the name asked for is one.
    pub canonical: Option<String>,
}

impl Answer {
    /// An answer of which only the outcome is known.
    pub const fn new(outcome: Outcome) -> Self {
        Self { outcome, proof: Proof::Indeterminate, ttl: None, canonical: None }
    }

    /// The records, none when there are none.
    pub fn records(&self) -> &[Data] {
        match &self.outcome {
            Outcome::Found(records) => records,
            _ => &[],
        }
    }

    /// The texts among the records.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.records().iter().filter_map(|data| match data {
            Data::Text(text) => Some(text.as_slice()),
            _ => None,
        })
    }

    /// Why there is none, when that is something to mend at the domain or on the way to it: what is
    /// our own fault counts against nobody.
    pub const fn their_trouble(&self) -> Option<Trouble> {
        match self.outcome {
            Outcome::Failed(Trouble::Ours) => None,
            _ => self.trouble(),
        }
    }

    /// Why there is none, when it cannot be told.
    pub const fn trouble(&self) -> Option<Trouble> {
        match self.outcome {
            Outcome::Failed(trouble) => Some(trouble),
            _ => None,
        }
    }
}
