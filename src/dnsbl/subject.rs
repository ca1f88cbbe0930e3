//! What is looked up: an address or a domain.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

closed_enum! {
    /// Kinds of subjects; a list takes some of them.
    pub enum SubjectKind {
        /// An IPv4 address.
        Ip4 => "ip4",
        /// An IPv6 address.
        Ip6 => "ip6",
        /// A domain.
        Domain => "domain",
    }
}

/// What is looked up. Its text is the value of the `subject` label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// An address; an IPv4-mapped one is kept as the IPv4 address that it is.
    Address(IpAddr),
    /// A domain in its ASCII form (IDNA), lower case, without the trailing dot.
    Domain(Arc<str>),
}

impl Subject {
    /// Its kind.
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::Address(IpAddr::V4(_)) => SubjectKind::Ip4,
            Self::Address(IpAddr::V6(_)) => SubjectKind::Ip6,
            Self::Domain(_) => SubjectKind::Domain,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
        }
    }
}
