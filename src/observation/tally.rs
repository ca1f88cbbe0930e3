//! What is counted per target and module, for the exporter's lifetime: counters and the histogram.
//! They are target series, so addresses that rotate cost nothing.
//!
//! # Why there are bounds
//!
//! Codes, causes and phases are closed sets, but their product is thousands of combinations, and a
//! server that answers at random would fill it. So each table keeps a fixed number of different
//! combinations; what comes after that is counted under a coarser one, and no count is lost.

use std::collections::BTreeMap;

use crate::cause::{Blame, Cause};
use crate::smtp::Phase;

use super::{Failure, Observation, SkipReason};

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

impl From<Blame> for ProbeResult {
    fn from(blame: Blame) -> Self {
        match blame {
            Blame::Target => Self::Target,
            Blame::Path => Self::Path,
            Blame::Sender => Self::Sender,
            Blame::Exporter => Self::Exporter,
        }
    }
}

/// Upper bounds, in seconds, of the handshake histogram.
pub const HANDSHAKE_BUCKETS: &[f64] =
    &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Different failures counted apart; further ones are counted with cause `unknown`.
pub const MAX_FAILURE_KINDS: usize = 48;

/// Different replies counted apart; further ones are counted with code `other` and, when they are
/// refusals, cause `unknown`.
pub const MAX_REPLY_KINDS: usize = 64;

/// The reply codes that an RFC names: 5321; 1985 and 2645 (253, 453, 458, 459); 3207; 4954 with the
/// registry of enhanced codes (235, 334, 422, 432, 454, 523 to 525, 530, 534, 535, 538); 7504 (521,
/// 556). In ascending order.
pub const REGISTERED_CODES: &[u16] = &[
    211, 214, 220, 221, 235, 250, 251, 252, 253, 334, 354, 421, 422, 432, 450, 451, 452, 453, 454,
    455, 458, 459, 500, 501, 502, 503, 504, 521, 523, 524, 525, 530, 534, 535, 538, 550, 551, 552,
    553, 554, 555, 556,
];

/// Counters and the histogram of one target and module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// `smtp_probes_total`, by the index in [`ProbeResult::ALL`].
    pub probes: [u64; ProbeResult::ALL.len()],
    /// `smtp_exporter_probes_skipped_total`, by the index in [`SkipReason::ALL`].
    pub skipped: [u64; SkipReason::ALL.len()],
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
    /// Counts one observation: one probe of one endpoint. A failed resolve counts as one probe.
    ///
    /// An inconclusive negative test is no failure. It says nothing about the target, as what our own
    /// trouble spoilt, and is counted with that.
    pub fn add(&mut self, observation: &Observation) {
        let trouble = observation.trouble();
        let trouble = trouble.filter(|_| !observation.inconclusive());
        let result = match &trouble {
            Some(trouble) => trouble.blame.into(),
            None if observation.inconclusive() => ProbeResult::Exporter,
            None => ProbeResult::Success,
        };
        bump(&mut self.probes, result as usize);
        if let Some(trouble) = &trouble {
            self.add_failure(trouble);
        }
        for reply in &observation.replies {
            self.add_reply(reply.phase, reply.code, reply.cause);
        }
        if let Some(ready) = observation.ready {
            let seconds = ready.as_secs_f64();
            let bucket = HANDSHAKE_BUCKETS.iter().take_while(|bound| seconds > **bound).count();
            bump(&mut self.handshake_buckets, bucket);
            self.handshake_sum += seconds;
        }
    }

    /// Counts one probe that was not made.
    pub fn skip(&mut self, reason: SkipReason) {
        bump(&mut self.skipped, reason as usize);
    }

    fn add_failure(&mut self, failure: &Failure) {
        let key = (failure.phase, failure.cause, failure.blame);
        let coarse = (failure.phase, Cause::Unknown, failure.blame);
        count(&mut self.failures, MAX_FAILURE_KINDS, key, coarse);
    }

    fn add_reply(&mut self, phase: Phase, code: u16, cause: Option<Cause>) {
        let code = if REGISTERED_CODES.binary_search(&code).is_ok() { code } else { 0 };
        let coarse = (phase, 0, cause.map(|_| Cause::Unknown));
        count(&mut self.replies, MAX_REPLY_KINDS, (phase, code, cause), coarse);
    }
}

/// Adds one under `key`, or under `coarse` when `key` is new and `most` keys are there.
fn count<K: Ord>(table: &mut BTreeMap<K, u64>, most: usize, key: K, coarse: K) {
    let full = table.len() >= most;
    if let Some(count) = table.get_mut(&key) {
        *count += 1;
    } else {
        *table.entry(if full { coarse } else { key }).or_default() += 1;
    }
}

fn bump(counts: &mut [u64], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::observation;
    use super::*;
    use crate::observation::ReplySeen;
    use std::time::Duration;

    #[test]
    fn codes_are_sorted_for_the_search() {
        assert!(REGISTERED_CODES.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_success_counts_probe_replies_and_handshake() {
        let mut seen = observation();
        seen.ready = Some(Duration::from_millis(50));
        seen.replies = vec![
            ReplySeen {
                phase: Phase::Greeting,
                code: 220,
                enhanced: None,
                cause: None,
                text: Box::default(),
            },
            ReplySeen {
                phase: Phase::Ehlo,
                code: 299,
                enhanced: None,
                cause: None,
                text: Box::default(),
            },
        ];
        let mut tally = Tally::default();
        tally.add(&seen);
        tally.add(&seen);
        assert_eq!(tally.probes, [2, 0, 0, 0, 0]);
        assert!(tally.failures.is_empty());
        assert_eq!(
            tally.replies.into_iter().collect::<Vec<_>>(),
            [((Phase::Greeting, 220, None), 2), ((Phase::Ehlo, 0, None), 2)]
        );
        // A value on a bound belongs to that bucket, as `le` says.
        assert_eq!(tally.handshake_buckets.iter().position(|n| *n == 2), Some(2));
        assert!((tally.handshake_sum - 0.1).abs() < 1e-9);
    }

    #[test]
    fn the_last_bucket_is_infinity() {
        let mut seen = observation();
        seen.ready = Some(Duration::from_secs(31));
        let mut tally = Tally::default();
        tally.add(&seen);
        assert_eq!(tally.handshake_buckets.last(), Some(&1));
    }

    #[test]
    fn failures_count_under_their_blame() {
        let mut tally = Tally::default();
        for cause in [Cause::SystemProblem, Cause::Blocklisted, Cause::ConnectTimeout] {
            let mut seen = observation();
            seen.failure = Some(Failure::new(Phase::Greeting, cause, ""));
            tally.add(&seen);
        }
        let mut seen = observation();
        seen.failure = Some(Failure::new(Phase::Connect, Cause::ExporterLimit, ""));
        tally.add(&seen);
        assert_eq!(tally.probes, [0, 1, 1, 1, 1]);
        let blocked = (Phase::Greeting, Cause::Blocklisted, Blame::Sender);
        assert_eq!(tally.failures.get(&blocked), Some(&1));
        assert_eq!(tally.failures.len(), 4);
    }

    #[test]
    fn a_met_expectation_is_a_success_whatever_the_session_ran_into() {
        let mut seen = observation();
        seen.negative = true;
        seen.met = Some(true);
        seen.failure = Some(Failure::new(Phase::Rcpt, Cause::RelayDenied, ""));
        let mut tally = Tally::default();
        tally.add(&seen);
        assert_eq!((tally.probes[0], tally.failures.len()), (1, 0));
        seen.met = Some(false);
        seen.failure = None;
        tally.add(&seen);
        assert_eq!((tally.probes[1], tally.failures.len()), (1, 1));
    }

    #[test]
    fn a_server_that_answers_at_random_stays_within_the_bound() {
        let mut tally = Tally::default();
        let mut sent = 0;
        for phase in Phase::ALL {
            for code in 200..600 {
                for cause in Cause::ALL {
                    let cause = (code >= 400).then_some(*cause);
                    tally.add_reply(*phase, code, cause);
                    sent += 1;
                }
            }
        }
        assert!(tally.replies.len() <= MAX_REPLY_KINDS + 2 * Phase::ALL.len());
        assert_eq!(tally.replies.values().sum::<u64>(), sent);
        for phase in Phase::ALL {
            for cause in Cause::ALL {
                for blame in Blame::ALL {
                    tally.add_failure(&Failure::new(*phase, *cause, "").blamed(*blame));
                }
            }
        }
        let bound = MAX_FAILURE_KINDS + Phase::ALL.len() * Blame::ALL.len();
        assert!(tally.failures.len() <= bound, "{}", tally.failures.len());
    }

    #[test]
    fn skips_count_by_reason() {
        let mut tally = Tally::default();
        for reason in SkipReason::ALL {
            tally.skip(*reason);
        }
        tally.skip(SkipReason::Shutdown);
        assert_eq!(tally.skipped, [1, 1, 1, 1, 2]);
    }
}
