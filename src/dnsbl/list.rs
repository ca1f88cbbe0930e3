//! One list as data: its zone, whom it belongs to, and how its answers are read.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Kind, SubjectKind};

/// A list that is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The value of the `list` label: the zone's name, or the name that the configuration gives to a
    /// keyed zone. Never a key.
    pub name: Arc<str>,
    /// Where questions go.
    pub zone: Zone,
    /// What a listing means.
    pub kind: Kind,
    /// What it can be asked for.
    pub subjects: Vec<SubjectKind>,
    /// How return codes are read.
    pub codes: Codes,
    /// Return codes with which it refuses to answer, besides those that every list uses.
    pub refusals: Vec<Refusal>,
    /// Who runs it. Lists of one operator share a rate and a pause.
    pub operator: Arc<Operator>,
    /// Where a listing is looked up and removed.
    pub delisting: Option<Arc<str>>,
    /// Servers for its questions, one at a time; empty: those of the plan.
    pub servers: Vec<SocketAddr>,
    /// Whether its test points are asked. Few lists have none.
    pub has_test_points: bool,
}

/// Who runs a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// A short name, such as `spamhaus`; for a list of the configuration its zone's last labels.
    pub name: Arc<str>,
    /// The least time between two questions to all of its lists.
    pub min_gap: Duration,
}

/// The zone below which a list is asked. It may hold a key (`KEY.zen.dq.spamhaus.net`), so it has
/// no text of its own: only a question's name is built from it.
#[derive(Clone)]
pub enum Zone {
    /// A zone that everybody knows.
    Public(Arc<str>),
    /// A zone that holds a key.
    Keyed(SecretString),
}

impl Zone {
    /// The zone's name in ASCII form without the trailing dot, for building questions and nothing
    /// else.
    pub fn expose(&self) -> &str {
        match self {
            Self::Public(name) => name,
            Self::Keyed(name) => name.expose_secret(),
        }
    }

    /// True when the name must not be shown.
    pub const fn is_keyed(&self) -> bool {
        matches!(self, Self::Keyed(_))
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.is_keyed() == other.is_keyed() && self.expose() == other.expose()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public(name) => f.debug_tuple("Public").field(name).finish(),
            Self::Keyed(_) => f.write_str("Keyed(<secret>)"),
        }
    }
}

/// How the last parts of 127/8 are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codes {
    /// Any address in 127/8 is a listing whose meaning is not known.
    Any,
    /// Each code, or each range of codes, has one meaning; other codes are listings of unknown
    /// meaning.
    Ranges(Vec<(Ipv4Addr, Ipv4Addr, Arc<str>)>),
    /// The last octet is a sum of bits, each with a meaning. No bit set is no listing.
    Bits(Vec<(u8, Arc<str>)>),
}

/// Return codes that say that the question was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last one.
    pub last: Ipv4Addr,
    /// Why, for a person.
    pub why: Arc<str>,
}
