//! The latest of every look-up and of every list's health.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::dnsbl::{List, Plan, Subject, Wanted};
use crate::observation::{Health, Lookup};

/// What is known of all subjects on all lists.
#[derive(Debug, Default)]
pub struct Listings {}

/// One subject on one list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListingView {
    /// The list.
    pub list: Arc<List>,
    /// The subject.
    pub subject: Subject,
    /// The subject's own labels.
    pub labels: Arc<BTreeMap<String, String>>,
    /// The last look-up, its verdict `list_unhealthy` while the list is.
    pub last: Option<Arc<Lookup>>,
    /// The last look-up that could tell.
    pub last_told: Option<Arc<Lookup>>,
    /// Since when it is as it was last told: listed or clean.
    pub since: Option<SystemTime>,
    /// When it is looked up next.
    pub next: Option<SystemTime>,
}

/// One list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListView {
    /// The list.
    pub list: Arc<List>,
    /// The last look at its test points.
    pub health: Option<Health>,
    /// Until when its operator is left alone because it refused us.
    pub paused_until: Option<SystemTime>,
    /// Questions asked, in the order of [`QueryResult::ALL`].
    pub queries: [u64; QueryResult::ALL.len()],
    /// Questions per bucket of [`QUERY_BUCKETS`], not cumulated, the last one being `+Inf`.
    pub buckets: [u64; QUERY_BUCKETS.len() + 1],
    /// Seconds of all questions.
    pub seconds: f64,
}

closed_enum! {
    /// What a question to a list came to.
    pub enum QueryResult {
        /// Listed.
        Listed => "listed",
        /// Not listed.
        Clean => "clean",
        /// Refused, by code or by REFUSED.
        Refused => "refused",
        /// SERVFAIL, a rewritten answer, no socket.
        Error => "error",
        /// No answer.
        Timeout => "timeout",
    }
}

/// A subject that became listed or was delisted.
#[derive(Debug, Clone, PartialEq)]
pub struct ListingChange {
    /// True when it is listed now.
    pub listed: bool,
    /// The look-up that said so.
    pub now: Arc<Lookup>,
    /// The last one that told otherwise; none when there was none.
    pub before: Option<Arc<Lookup>>,
}

impl Listings {
    /// Makes it hold exactly what `plan` and `subjects` (those of the plan, the targets' and the
    /// host's own, each once) say; what stays keeps what it knows.
    pub fn replace(&self, plan: Option<&Plan>, subjects: &[Wanted]) {
        let _ = (plan, subjects);
    }

    /// Puts a look-up in and counts it; tells when the subject became listed or delisted.
    pub fn put(&self, lookup: Arc<Lookup>) -> Option<ListingChange> {
        let _ = lookup;
        None
    }

    /// Puts a look at a list's test points in.
    pub fn put_health(&self, list: &str, health: Health) {
        let _ = (list, health);
    }

    /// Counts one question to a list.
    pub fn count(&self, list: &str, result: QueryResult, duration: Duration) {
        let _ = (list, result, duration);
    }

    /// Every subject on every list, in order of list and subject.
    pub fn listings(&self) -> Vec<Arc<ListingView>> {
        Vec::new()
    }

    /// Every list, in order of name.
    pub fn lists(&self) -> Vec<Arc<ListView>> {
        Vec::new()
    }
}

/// Upper bounds of the histogram of questions, in seconds.
pub const QUERY_BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
