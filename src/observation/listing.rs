//! What was seen of DNS block lists.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::dnsbl::{List, Subject, Verdict};

/// One subject looked up on one list.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// The list.
    pub list: Arc<List>,
    /// The subject.
    pub subject: Subject,
    /// When the answer came.
    pub ended: SystemTime,
    /// How long it took; none when it was answered from what is kept, or not asked at all.
    pub duration: Option<Duration>,
    /// What it ended as.
    pub verdict: Verdict,
    /// The list's reasons (TXT records) while listed, for a person: printable, each at most 512
    /// bytes, at most 8 of them. Never a label.
    pub reasons: Vec<String>,
    /// Until when the answer may be kept.
    pub good_until: SystemTime,
}

/// A look at a list's test points (RFC 5782, 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// When it ended.
    pub ended: SystemTime,
    /// Whether the test points answered as they must; none when that could not be told (nobody
    /// answered, or we are refused).
    pub healthy: Option<bool>,
    /// What was wrong, for a person; empty when nothing was.
    pub detail: String,
}
