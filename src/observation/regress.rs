//! What an endpoint no longer protects: STARTTLS or a mechanism that is gone since a probe last went
//! well, and mechanisms that are newly offered in clear.
//!
//! # What it is measured against
//!
//! The baseline of each of the three is what successful probes saw. It follows what gets better at
//! once, and what gets worse only after [`ACCEPT`]: until then the regression is told, so that it can
//! be seen and an alert can fire, also where the module does not ask for TLS and every probe succeeds.
//! It ends when the old state is back, or when the new one has lasted that long, which is how a change
//! that was meant is accepted. Where a module requires what is gone, no probe succeeds and nothing is
//! accepted. What a probe did not come to see neither begins nor ends anything.

use std::time::{Duration, SystemTime};

use super::Observation;
use super::standing::{Word, Words};
use crate::smtp::{Capabilities, Keyword, Mechanism};

/// The baselines of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Baseline {
    starttls: Option<Watch<Keyword>>,
    mechanisms: Option<Watch<Mechanism>>,
    /// Mechanisms were seen inside TLS.
    logs_in_inside: bool,
    in_clear: Option<Watch<Mechanism>>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Watch<T> {
    base: Words<T>,
    /// What is worse now, and since when.
    off: Words<T>,
    since: Option<SystemTime>,
}

impl Baseline {
    /// Takes in what a probe saw.
    pub fn see(&mut self, seen: &Observation) {
        let (good, at) = (seen.success(), seen.ended);
        let starttls = seen.starttls_offered.map(|offered| {
            if offered { Words::of(&[Keyword::Starttls]) } else { Words::default() }
        });
        Watch::see(&mut self.starttls, starttls, Words::lost, Words::or, good, at);

        let offered =
            |offer: &Option<Capabilities>| offer.as_ref().map(|offer| Words::of(&offer.mechanisms));
        let (clear, inside) = (offered(&seen.plain), offered(&seen.inside_tls));
        // A server that lets clients log in inside TLS says so there: in clear its silence is none.
        let all = match (clear, inside) {
            (clear, Some(inside)) => Some(inside.or(clear.unwrap_or_default())),
            (Some(clear), None) if !self.logs_in_inside => Some(clear),
            _ => None,
        };
        self.logs_in_inside |= good && inside.is_some_and(|inside| !inside.is_empty());
        Watch::see(&mut self.mechanisms, all, Words::lost, Words::or, good, at);
        Watch::see(&mut self.in_clear, clear, Words::gained, Words::and, good, at);
    }

    /// STARTTLS was offered when a probe last went well and is no longer; none when neither could be
    /// seen yet, as under implicit TLS.
    pub fn starttls_disappeared(&self) -> Option<bool> {
        self.starttls.map(|watch| !watch.off.is_empty())
    }

    /// Mechanisms that were offered, on whichever channel, and are no longer.
    pub fn mechanisms_disappeared(&self) -> impl Iterator<Item = Mechanism> + use<> {
        self.mechanisms.map(|watch| watch.off).unwrap_or_default().iter()
    }

    /// A mechanism is offered in clear that was not; none when EHLO in clear was never answered in a
    /// probe that went well.
    pub fn auth_plaintext_appeared(&self) -> Option<bool> {
        self.in_clear.map(|watch| !watch.off.is_empty())
    }

    /// Mechanisms that are offered in clear and were not.
    pub fn mechanisms_in_clear(&self) -> impl Iterator<Item = Mechanism> + use<> {
        self.in_clear.map(|watch| watch.off).unwrap_or_default().iter()
    }

    /// Since when the oldest of what got worse is so, as far as nothing was added to it.
    pub fn since(&self) -> Option<SystemTime> {
        let since = [
            self.starttls.and_then(|watch| watch.since),
            self.mechanisms.and_then(|watch| watch.since),
            self.in_clear.and_then(|watch| watch.since),
        ];
        since.into_iter().flatten().min()
    }
}

impl<T: Word> Watch<T> {
    /// `worse` tells what of the present state is, against the baseline; `better` lets the baseline
    /// follow the rest.
    fn see(
        slot: &mut Option<Self>,
        now: Option<Words<T>>,
        worse: impl Fn(Words<T>, Words<T>) -> Words<T>,
        better: impl Fn(Words<T>, Words<T>) -> Words<T>,
        good: bool,
        at: SystemTime,
    ) {
        let Some(now) = now else { return };
        let settled = Self { base: now, off: Words::default(), since: None };
        let Some(watch) = slot else {
            *slot = good.then_some(settled);
            return;
        };
        let off = worse(watch.base, now);
        if !off.without(watch.off).is_empty() {
            watch.since = Some(at);
        }
        watch.off = off;
        if off.is_empty() {
            watch.since = None;
        }
        let lasted = watch.since.map(|since| at.duration_since(since).unwrap_or_default());
        if good {
            match lasted {
                Some(lasted) if lasted < ACCEPT => watch.base = better(watch.base, now),
                _ => *watch = settled,
            }
        }
    }
}

impl<T> Words<T> {
    /// What was there and is gone.
    const fn lost(self, now: Self) -> Self {
        self.without(now)
    }

    /// What is there and was not.
    const fn gained(self, now: Self) -> Self {
        now.without(self)
    }
}

/// How long something worse must last until it is taken for the normal state.
pub const ACCEPT: Duration = Duration::from_secs(7 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::super::tests::observation;
    use super::*;
    use crate::cause::Cause;
    use crate::observation::Failure;
    use crate::smtp::Phase;

    const PLAIN: &[Mechanism] = &[Mechanism::Plain];
    const BOTH: &[Mechanism] = &[Mechanism::Login, Mechanism::Plain];

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    /// A session that saw this in clear, and inside TLS when it came there.
    fn saw(
        seconds: u64,
        starttls: bool,
        clear: &[Mechanism],
        inside: Option<&[Mechanism]>,
    ) -> Observation {
        let offer = |mechanisms: &[Mechanism]| Capabilities {
            mechanisms: mechanisms.to_vec(),
            ..Capabilities::default()
        };
        Observation {
            ended: at(seconds),
            starttls_offered: Some(starttls),
            plain: Some(offer(clear)),
            inside_tls: inside.map(offer),
            ..observation()
        }
    }

    fn failed(seen: Observation) -> Observation {
        let failure = Failure::new(Phase::Ehlo, Cause::StarttlsMissing, "");
        Observation { failure: Some(failure), ..seen }
    }

    fn told(baseline: &Baseline) -> (Option<bool>, Vec<Mechanism>, Option<bool>) {
        (
            baseline.starttls_disappeared(),
            baseline.mechanisms_disappeared().collect(),
            baseline.auth_plaintext_appeared(),
        )
    }

    const WEEK: u64 = 7 * 24 * 3600;

    #[test]
    fn nothing_is_told_before_a_success_and_what_was_always_so_is_no_change() {
        let mut baseline = Baseline::default();
        baseline.see(&failed(saw(0, true, BOTH, None)));
        assert_eq!(told(&baseline), (None, vec![], None));
        baseline.see(&saw(1, false, BOTH, None));
        baseline.see(&saw(2, false, BOTH, None));
        assert_eq!(told(&baseline), (Some(false), vec![], Some(false)));
    }

    #[test]
    fn starttls_gone_is_told_until_it_is_back_also_when_every_probe_succeeds() {
        let mut baseline = Baseline::default();
        baseline.see(&saw(0, true, &[], Some(PLAIN)));
        for seconds in [60, 120, WEEK - 60] {
            baseline.see(&saw(seconds, false, &[], None));
            assert_eq!(told(&baseline), (Some(true), vec![], Some(false)), "{seconds}");
            assert_eq!(baseline.since(), Some(at(60)));
            // A session that was cut short says nothing.
            baseline.see(&failed(Observation { ended: at(seconds + 1), ..observation() }));
            assert_eq!(baseline.starttls_disappeared(), Some(true));
        }
        baseline.see(&saw(WEEK, true, &[], Some(PLAIN)));
        assert_eq!((told(&baseline), baseline.since()), ((Some(false), vec![], Some(false)), None));
    }

    #[test]
    fn what_lasts_a_week_is_accepted_by_a_success_alone() {
        let mut baseline = Baseline::default();
        baseline.see(&saw(0, true, &[], None));
        baseline.see(&saw(60, false, &[], None));
        baseline.see(&failed(saw(60 + WEEK, false, &[], None)));
        assert_eq!(baseline.starttls_disappeared(), Some(true), "no success under `required`");
        baseline.see(&saw(61 + WEEK, false, &[], None));
        assert_eq!((baseline.starttls_disappeared(), baseline.since()), (Some(false), None));
        // From now on this is what it is measured against.
        baseline.see(&saw(62 + WEEK, true, &[], None));
        baseline.see(&saw(63 + WEEK, false, &[], None));
        assert_eq!(baseline.starttls_disappeared(), Some(true));
    }

    #[test]
    fn a_mechanism_is_gone_when_neither_channel_has_it() {
        let mut baseline = Baseline::default();
        baseline.see(&saw(0, true, PLAIN, Some(BOTH)));
        // Hidden in clear is better, and no TLS means that nobody looked.
        baseline.see(&saw(1, true, &[], Some(BOTH)));
        baseline.see(&saw(2, true, &[], None));
        assert_eq!(told(&baseline).1, []);
        baseline.see(&saw(3, true, &[], Some(&[Mechanism::Login, Mechanism::Xoauth2])));
        assert_eq!(told(&baseline).1, PLAIN);
        // What came meanwhile can go as well, and its week begins then.
        baseline.see(&saw(WEEK, true, &[], Some(&[Mechanism::Login])));
        assert_eq!(told(&baseline).1, [Mechanism::Plain, Mechanism::Xoauth2]);
        baseline.see(&saw(WEEK + 3, true, &[], Some(&[Mechanism::Login])));
        assert_eq!(told(&baseline).1, [Mechanism::Plain, Mechanism::Xoauth2]);
        baseline.see(&saw(2 * WEEK, true, &[], Some(&[Mechanism::Login])));
        assert_eq!(told(&baseline).1, []);
    }

    #[test]
    fn a_server_without_tls_loses_mechanisms_in_clear() {
        let mut baseline = Baseline::default();
        baseline.see(&saw(0, false, BOTH, None));
        baseline.see(&saw(1, false, PLAIN, None));
        assert_eq!(told(&baseline).1, [Mechanism::Login]);
    }

    #[test]
    fn a_mechanism_newly_in_clear_is_told_by_name() {
        let mut baseline = Baseline::default();
        baseline.see(&saw(0, true, &[Mechanism::CramMd5], Some(BOTH)));
        baseline.see(&saw(1, true, &[Mechanism::CramMd5, Mechanism::Plain], Some(BOTH)));
        assert_eq!(baseline.auth_plaintext_appeared(), Some(true));
        assert_eq!(baseline.mechanisms_in_clear().collect::<Vec<_>>(), PLAIN);
        baseline.see(&saw(2, true, &[], Some(BOTH)));
        assert_eq!(baseline.auth_plaintext_appeared(), Some(false));
        // The baseline followed what was better.
        baseline.see(&saw(3, true, &[Mechanism::CramMd5], Some(BOTH)));
        assert_eq!(baseline.auth_plaintext_appeared(), Some(true));
    }

    #[test]
    fn a_clock_that_is_set_back_accepts_nothing() {
        let mut baseline = Baseline::default();
        baseline.see(&saw(WEEK, true, &[], None));
        baseline.see(&saw(WEEK + 1, false, &[], None));
        baseline.see(&saw(0, false, &[], None));
        assert_eq!(baseline.starttls_disappeared(), Some(true));
    }
}
