//! What is looked at: the configuration's `posture` as values.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A domain, and what is known of how it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The domain in its ASCII form, lower case, without the trailing dot. The value of the label
    /// `domain`.
    pub domain: Arc<str>,
    /// The selectors that its mail is signed with (RFC 6376, 3.1), lower case.
    pub dkim_selectors: Vec<Arc<str>>,
    /// The addresses that send its mail.
    pub sending_addresses: Vec<IpAddr>,
    /// What those addresses say in EHLO; none: not judged.
    pub helo: Option<Arc<str>>,
    /// The port at which mail exchangers are spoken to: 25, but in a laboratory.
    pub mx_port: u16,
    /// The port of the HTTPS server of the MTA-STS policy: 443, but in a laboratory.
    pub policy_port: u16,
    /// Time between two looks.
    pub interval: Duration,
    /// The subject's own labels.
    pub labels: BTreeMap<String, String>,
}

impl Subject {
    /// A domain of which nothing more is known, looked at once an hour.
    pub fn new(domain: &str) -> Self {
        Self {
            domain: domain.into(),
            dkim_selectors: Vec::new(),
            sending_addresses: Vec::new(),
            helo: None,
            mx_port: 25,
            policy_port: 443,
            interval: DEFAULT_INTERVAL,
            labels: BTreeMap::new(),
        }
    }

    /// The same questions are asked and the same is expected: but labels and interval, all is the
    /// same.
    pub fn is_same_look(&self, other: &Self) -> bool {
        let (interval, labels) = (other.interval, other.labels.clone());
        *other == Self { interval, labels, ..self.clone() }
    }
}

/// Time between two looks where none is stated.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);

/// The least time between two looks: records are kept by resolvers, and mail exchangers are visited.
pub const LEAST_INTERVAL: Duration = Duration::from_secs(300);
