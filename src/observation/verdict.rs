//! From the latest observations of all endpoints of one target and module to the answers that a
//! person asks for first: can mail be handed over, is anybody there, and what is in the way.

use std::cmp::Reverse;

use super::{Failure, Observation};
use crate::cause::{Blame, Cause};

closed_enum! {
    /// The state of one endpoint, for `smtp_target_endpoints`.
    pub enum EndpointState {
        /// The last probe met what the module wants.
        Available => "available",
        /// The last probe failed.
        Unavailable => "unavailable",
        /// The remote asked us to stay away.
        Paused => "paused",
        /// Known, and not probed: over the bound, left out by the gentle limits, or the probe
        /// could not tell: spoilt by our own trouble, or a negative test that was put off.
        Skipped => "skipped",
    }
}

/// The verdict on one target and module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// A session was accepted somewhere. None when nothing trustworthy is known, and for `expect`.
    pub up: Option<bool>,
    /// For `expect` modules: every endpoint met it. None while inconclusive.
    pub expectation_met: Option<bool>,
    /// Some endpoint gave a greeting, whatever its code. None when nothing trustworthy is known.
    pub responding: Option<bool>,
    /// The dominant failure, while the target is not up (or the expectation is not met).
    pub failure: Option<Failure>,
}

impl Verdict {
    /// The answer that counts: `up`, or `expectation_met` for an `expect` module.
    pub fn good(&self) -> Option<bool> {
        self.up.or(self.expectation_met)
    }
}

/// Judges the latest observation of every endpoint.
///
/// A result that our own trouble spoilt says nothing about the target: it makes a target neither up
/// nor down. When all results are so, the failure is still given, for it says what to mend here.
///
/// A connection refused at every address is their server's doing; refused at some only, something
/// on the path may differ.
pub fn judge<'a>(latest: impl Iterator<Item = &'a Observation>) -> Verdict {
    let latest: Vec<&Observation> = latest.collect();
    let negative = latest.iter().any(|seen| seen.negative);
    let trusted = || latest.iter().filter(|seen| seen.trustworthy());

    let responding = if latest.iter().any(|seen| seen.responding()) {
        Some(true)
    } else {
        trusted().next().map(|_| false)
    };
    let (up, expectation_met) = if negative {
        // One endpoint that behaves otherwise is one too many: an open relay stays one however
        // many others refuse.
        let met = trusted().filter_map(|seen| seen.met).reduce(|all, one| all && one);
        (None, met)
    } else {
        let up = trusted().map(|seen| seen.success()).reduce(|any, one| any || one);
        (up, None)
    };
    let mut verdict = Verdict { up, expectation_met, responding, failure: None };
    if verdict.good() != Some(true) {
        verdict.failure = dominant(&latest).and_then(Observation::trouble);
        if let Some(failure) = &mut verdict.failure
            && failure.cause == Cause::ConnectRefused
            && latest.iter().all(|seen| refused_connection(seen))
        {
            failure.blame = Blame::Target;
        }
    }
    verdict
}

/// The observation whose failure stands for all of them. In this order of weight:
///
/// 1. one that says something about the target, before one spoilt by our own trouble;
/// 2. for `expect` modules, one that did not meet it, before one that could not be told, and of
///    those one that failed before one that was put off;
/// 3. the lowest MX preference, because senders try that host first;
/// 4. the phase furthest in the dialogue, because it tells most;
/// 5. the most frequent phase, cause and blame;
/// 6. the first in the order given.
pub fn dominant<'a>(latest: &[&'a Observation]) -> Option<&'a Observation> {
    let troubled: Vec<(&'a Observation, Failure)> =
        latest.iter().filter_map(|seen| Some((*seen, seen.trouble()?))).collect();
    let alike = |failure: &Failure| {
        let same = |other: &Failure| {
            (other.phase, other.cause, other.blame) == (failure.phase, failure.cause, failure.blame)
        };
        troubled.iter().filter(|(_, other)| same(other)).count()
    };
    troubled
        .iter()
        .min_by_key(|(seen, failure)| {
            (
                !seen.trustworthy(),
                seen.met != Some(false),
                seen.inconclusive(),
                seen.endpoint.mx_preference,
                Reverse(failure.phase),
                Reverse(alike(failure)),
            )
        })
        .map(|(seen, _)| *seen)
}

fn refused_connection(seen: &Observation) -> bool {
    seen.failure.as_ref().is_some_and(|failure| failure.cause == Cause::ConnectRefused)
}

#[cfg(test)]
mod tests {
    use super::super::tests::observation;
    use super::*;
    use crate::observation::ReplySeen;
    use crate::smtp::Phase;

    fn failed(phase: Phase, cause: Cause) -> Observation {
        Observation { failure: Some(Failure::new(phase, cause, "")), ..observation() }
    }

    fn verdict_of(seen: &[Observation]) -> Verdict {
        judge(seen.iter())
    }

    fn why(seen: &[Observation]) -> Option<(Phase, Cause, Blame)> {
        let failure = verdict_of(seen).failure?;
        Some((failure.phase, failure.cause, failure.blame))
    }

    #[test]
    fn one_accepted_session_is_up_and_shows_no_failure() {
        let seen = [failed(Phase::Connect, Cause::ConnectTimeout), observation()];
        let verdict = verdict_of(&seen);
        assert_eq!((verdict.up, verdict.expectation_met), (Some(true), None));
        assert_eq!(verdict.failure, None);
    }

    #[test]
    fn nothing_seen_is_unknown() {
        assert_eq!(verdict_of(&[]), Verdict::default());
    }

    #[test]
    fn our_own_trouble_is_neither_up_nor_down_and_still_named() {
        let ours = failed(Phase::Connect, Cause::ExporterLimit);
        let verdict = verdict_of(std::slice::from_ref(&ours));
        assert_eq!((verdict.up, verdict.responding), (None, None));
        assert_eq!(why(&[ours]), Some((Phase::Connect, Cause::ExporterLimit, Blame::Exporter)));
    }

    #[test]
    fn their_failure_counts_before_ours() {
        let seen = [
            failed(Phase::Tls, Cause::DeadlineExceeded),
            failed(Phase::Connect, Cause::ConnectTimeout),
        ];
        assert_eq!(verdict_of(&seen).up, Some(false));
        assert_eq!(why(&seen), Some((Phase::Connect, Cause::ConnectTimeout, Blame::Path)));
    }

    #[test]
    fn a_refusal_is_responding_and_not_up() {
        let mut seen = failed(Phase::Greeting, Cause::TooManyConnections);
        seen.replies.push(ReplySeen {
            phase: Phase::Greeting,
            code: 421,
            enhanced: None,
            cause: Some(Cause::TooManyConnections),
            text: Box::default(),
        });
        let verdict = verdict_of(&[seen]);
        assert_eq!((verdict.up, verdict.responding), (Some(false), Some(true)));
    }

    #[test]
    fn the_dominant_failure_follows_preference_then_depth_then_number() {
        let with_preference = |preference, phase, cause| {
            let mut seen = failed(phase, cause);
            seen.endpoint.mx_preference = Some(preference);
            seen
        };
        let deep_backup = with_preference(20, Phase::Rcpt, Cause::Greylisted);
        let shallow_first = with_preference(10, Phase::Connect, Cause::ConnectTimeout);
        let seen = [deep_backup, shallow_first.clone()];
        assert_eq!(why(&seen).map(|w| w.1), Some(Cause::ConnectTimeout));

        let deep_first = with_preference(10, Phase::Greeting, Cause::Blocklisted);
        let seen = [shallow_first, deep_first.clone()];
        assert_eq!(why(&seen).map(|w| w.1), Some(Cause::Blocklisted));

        let other = with_preference(10, Phase::Greeting, Cause::SystemProblem);
        let seen = [deep_first.clone(), other.clone(), other.clone()];
        assert_eq!(why(&seen).map(|w| w.1), Some(Cause::SystemProblem));
        let seen = [deep_first, other];
        assert_eq!(why(&seen).map(|w| w.1), Some(Cause::Blocklisted));
    }

    #[test]
    fn refused_everywhere_is_the_server_and_refused_at_some_is_the_path() {
        let refused = failed(Phase::Connect, Cause::ConnectRefused);
        let seen = [refused.clone(), refused.clone()];
        assert_eq!(why(&seen).map(|w| w.2), Some(Blame::Target));
        let seen = [refused.clone(), refused, failed(Phase::Connect, Cause::ConnectTimeout)];
        assert_eq!(why(&seen), Some((Phase::Connect, Cause::ConnectRefused, Blame::Path)));
    }

    #[test]
    fn an_expectation_is_met_by_all_that_can_tell() {
        let test = |met: Option<bool>, failure: Option<Failure>| Observation {
            negative: true,
            met,
            failure,
            ..observation()
        };
        let denied = || Some(Failure::new(Phase::Rcpt, Cause::RelayDenied, ""));
        let met = test(Some(true), denied());
        let unclear = test(None, Some(Failure::new(Phase::Connect, Cause::ConnectTimeout, "")));
        let open = test(Some(false), None);

        let verdict = verdict_of(&[met.clone(), unclear.clone()]);
        assert_eq!((verdict.up, verdict.expectation_met), (None, Some(true)));
        assert_eq!(verdict.failure, None);

        let verdict = verdict_of(&[met, open, unclear.clone()]);
        assert_eq!(verdict.expectation_met, Some(false));
        assert_eq!(verdict.failure.map(|f| f.cause), Some(Cause::UnexpectedReply));

        let verdict = verdict_of(&[unclear]);
        assert_eq!(verdict.expectation_met, None);
        assert_eq!(verdict.failure.map(|f| f.cause), Some(Cause::ConnectTimeout));
    }
}
