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

/// A subject and its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What is looked up.
    pub subject: Subject,
    /// The subject's own labels.
    pub labels: BTreeMap<String, String>,
}
