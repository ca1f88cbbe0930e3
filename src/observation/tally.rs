//! What is counted per target and module, for the exporter's lifetime: counters and the histogram.
//! They are target series, so addresses that rotate cost nothing.

use std::collections::BTreeMap;

use crate::cause::{Blame, Cause};
use crate::smtp::Phase;

use super::Observation;

closed_enum! {
    /// How a probe ended, for `smtp_probes_total`.
    pub enum ProbeResult {
        /// It met what the module wants.
        Success => "success",
        /// It failed, and their server is to blame.
        Target => "target",
        /// It failed, and the path is to blame.
        Path => "path",
        /// It failed, and we as a sender are to blame.
        Sender => "sender",
        /// It failed, and the measurement itself is to blame.
        Exporter => "exporter",
    }
}

/// Upper bounds, in seconds, of the handshake histogram.
pub const HANDSHAKE_BUCKETS: &[f64] =
    &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Counters and the histogram of one target and module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// `smtp_probes_total`, by the index in [`ProbeResult::ALL`].
    pub probes: [u64; 5],
    /// `smtp_probe_failures_total`.
    pub failures: BTreeMap<(Phase, Cause, Blame), u64>,
    /// `smtp_replies_total`: the code is 0 for one that is not registered; no cause for 2xx and 3xx.
    pub replies: BTreeMap<(Phase, u16, Option<Cause>), u64>,
    /// Observations per bucket of [`HANDSHAKE_BUCKETS`], not cumulated; the last one is `+Inf`.
    pub handshake_buckets: [u64; HANDSHAKE_BUCKETS.len() + 1],
    /// Sum of the observations in seconds.
    pub handshake_sum: f64,
}

impl Tally {
    /// Counts one observation.
    pub fn add(&mut self, _observation: &Observation) {}
}
