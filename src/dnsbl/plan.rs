//! What is to be looked up where and how often: the configuration's `dnsbl` as values.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{List, Subject};

/// Everything that is looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Time between two look-ups of one subject on one list.
    pub interval: Duration,
    /// The same while it is listed.
    pub listed_interval: Duration,
    /// Time between two looks at a list's test points.
    pub health_interval: Duration,
    /// How long one question may take.
    pub timeout: Duration,
    /// Subjects as configured, networks expanded, each once.
    pub subjects: Vec<Wanted>,
    /// Labels for the addresses that targets resolve to; none: those are not looked up.
    pub from_targets: Option<BTreeMap<String, String>>,
    /// Labels for the addresses that this host sends from; none: those are not looked up.
    pub own: Option<BTreeMap<String, String>>,
    /// The lists, each once.
    pub lists: Vec<Arc<List>>,
    /// Servers that are asked; empty: those of `dns.servers`, or the system's.
    pub servers: Vec<SocketAddr>,
}

impl Plan {
    /// The servers that are asked: its own, or `others` when it has none.
    pub fn servers_or<'a>(&'a self, others: &'a [SocketAddr]) -> &'a [SocketAddr] {
        if self.servers.is_empty() { others } else { &self.servers }
    }

    /// How many subjects on lists there are, those of targets and of our own left out.
    pub fn pairs(&self) -> usize {
        self.lists.iter().map(|list| self.taken(list)).sum()
    }

    /// How many of its subjects a list takes.
    pub fn taken(&self, list: &List) -> usize {
        let takes = |wanted: &&Wanted| list.subjects.contains(&wanted.subject.kind());
        self.subjects.iter().filter(takes).count()
    }

    /// How many lists take a subject.
    pub fn lists_for(&self, subject: &Subject) -> usize {
        self.lists.iter().filter(|list| list.subjects.contains(&subject.kind())).count()
    }
}

/// The most subjects on lists, those of targets and of our own among them: at the shortest interval
/// for lists of others that is some 70 questions a second.
pub const MAX_PAIRS: usize = 20_000;

/// A subject and its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What is looked up.
    pub subject: Subject,
    /// The subject's own labels.
    pub labels: BTreeMap<String, String>,
}
