//! The store: what it keeps, what it lets go, and what it tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use smtp_exporter::cause::{Blame, Cause};
use smtp_exporter::observation::{DnsReason, EndpointState, Observation, Round, Skip, SkipReason};
use smtp_exporter::smtp::{Phase, TlsMode};
use smtp_exporter::store::{Change, Store, View};
use smtp_exporter::target::{Check, Endpoint, Module, Target};

use crate::support::seen::{
    at, blank, check, endpoint, failed, healthy, refused, round, transcript, unresolved,
};

/// A store with one check, and what its schedule knows.
struct Lab {
    store: Store,
    check: Check,
    generation: u64,
}

impl Lab {
    fn new() -> Self {
        Self::with(Store::default())
    }

    fn with(store: Store) -> Self {
        let check = check("mx1");
        let generation = store.replace_checks(std::slice::from_ref(&check), 10);
        Self { store, check, generation }
    }

    fn play(&self, round: &Round) -> Option<Change> {
        for observation in &round.observations {
            self.store.put(self.generation, &self.check.key(), observation.clone());
        }
        self.store.finish_round(self.generation, &self.check.key(), round)
    }

    fn view(&self) -> Arc<View> {
        self.store.view(&self.check.key()).unwrap()
    }
}

fn a() -> Endpoint {
    endpoint("mx1", "192.0.2.1")
}

fn b() -> Endpoint {
    endpoint("mx1", "2001:db8::1")
}

fn backoff(until: SystemTime) -> Skip {
    Skip { reason: SkipReason::Backoff, until: Some(until), cause: Some(Cause::TooManyConnections) }
}

fn states(view: &View) -> BTreeMap<EndpointState, u32> {
    EndpointState::ALL
        .iter()
        .copied()
        .zip(view.endpoint_states(at(70)))
        .filter(|(_, n)| *n > 0)
        .collect()
}

#[test]
fn a_round_gives_verdict_history_and_change() {
    let lab = Lab::new();
    assert_eq!(lab.view().verdict.up, None);
    let change = lab.play(&round(vec![healthy(a(), at(1))])).unwrap();
    assert_eq!((change.from, change.to, change.failure), (None, Some(true), None));
    assert_eq!(lab.play(&round(vec![healthy(a(), at(61))])), None);
    let change = lab.play(&round(vec![refused(a(), at(121))])).unwrap();
    assert_eq!((change.from, change.to), (Some(true), Some(false)));
    assert_eq!(change.failure.unwrap().cause, Cause::TooManyConnections);

    let view = lab.view();
    assert_eq!(view.since, Some(at(121)));
    assert_eq!(view.last_round, Some(at(121)));
    let strip: Vec<_> = view.history.iter().map(|entry| (entry.cause, entry.code)).collect();
    assert_eq!(strip, [(None, 250), (None, 250), (Some(Cause::TooManyConnections), 421)]);
    assert_eq!((view.history[0].at, view.history[0].millis), (1_700_000_001, 120));
    assert_eq!(view.endpoints.get(&a()).unwrap().last_success, Some(at(61)));
    assert_eq!(view.tally.probes, [2, 0, 0, 1, 0]);
}

#[test]
fn history_and_its_entries_are_bounded() {
    let lab = Lab::new();
    for n in 0..25 {
        lab.play(&round(vec![healthy(a(), at(n))]));
    }
    let view = lab.view();
    assert_eq!(view.history.len(), 10);
    assert_eq!(view.history[0].at, 1_700_000_015);
    assert!(size_of_val(&view.history[0]) <= 16);
    lab.store.replace_checks(std::slice::from_ref(&lab.check), 3);
    assert_eq!(lab.view().history.len(), 3);
}

#[test]
fn rounds_failed_in_a_row_count_only_what_can_be_trusted() {
    let lab = Lab::new();
    let failures = |round: &Round| {
        lab.play(round);
        lab.view().consecutive_failures
    };
    assert_eq!(failures(&round(vec![refused(a(), at(1))])), 1);
    assert_eq!(failures(&round(vec![refused(a(), at(2))])), 2);
    let ours = failed(a(), at(3), Phase::Connect, Cause::ExporterLimit);
    assert_eq!(failures(&round(vec![ours])), 2);
    assert_eq!(lab.view().verdict.up, None);
    assert_eq!(failures(&round(vec![unresolved(DnsReason::Timeout, at(4))])), 2);
    let mut paused = round(Vec::new());
    paused.ended = at(5);
    paused.endpoints = vec![a()];
    paused.skipped = vec![(a(), backoff(at(300)))];
    assert_eq!(failures(&paused), 2);
    assert_eq!(failures(&round(vec![refused(a(), at(6))])), 3);
    assert_eq!(failures(&round(vec![healthy(a(), at(7))])), 0);
}

#[test]
fn endpoints_follow_the_name() {
    let lab = Lab::new();
    lab.play(&round(vec![healthy(a(), at(1)), healthy(b(), at(1))]));
    assert_eq!(lab.view().endpoints.len(), 2);
    lab.play(&round(vec![healthy(b(), at(2))]));
    assert_eq!(lab.view().endpoints.keys().cloned().collect::<Vec<_>>(), [b()]);
}

#[test]
fn another_mx_preference_is_the_same_endpoint() {
    let lab = Lab::new();
    let with =
        |preference, ended| healthy(Endpoint { mx_preference: Some(preference), ..a() }, ended);
    lab.play(&round(vec![with(10, at(1))]));
    let changed = round(vec![with(20, at(2))]);
    // Already before the round ends: two endpoints with the same labels spoil a scrape.
    lab.store.put(lab.generation, &lab.check.key(), changed.observations[0].clone());
    let view = lab.view();
    assert_eq!(view.endpoints.len(), 1);
    assert_eq!(view.endpoints.keys().next().unwrap().mx_preference, Some(20));
}

#[test]
fn a_failed_resolve_stands_apart_and_keeps_endpoints_for_an_hour() {
    let lab = Lab::new();
    lab.play(&round(vec![healthy(a(), at(0))]));
    lab.play(&round(vec![unresolved(DnsReason::Nxdomain, at(3600))]));
    let view = lab.view();
    assert_eq!(view.endpoints.len(), 1);
    assert_eq!(view.verdict.up, Some(false));
    assert_eq!(view.verdict.failure.as_ref().unwrap().dns, Some(DnsReason::Nxdomain));
    assert!(view.resolve_failure.is_some());

    lab.play(&round(vec![unresolved(DnsReason::Nxdomain, at(3601))]));
    assert!(lab.view().endpoints.is_empty());

    lab.play(&round(vec![healthy(a(), at(3660))]));
    let view = lab.view();
    assert!(view.resolve_failure.is_none());
    assert_eq!((view.endpoints.len(), view.verdict.up), (1, Some(true)));
}

#[test]
fn a_dead_resolver_is_not_their_outage() {
    let lab = Lab::new();
    lab.play(&round(vec![healthy(a(), at(0))]));
    let change = lab.play(&round(vec![unresolved(DnsReason::Timeout, at(60))])).unwrap();
    assert_eq!((change.from, change.to), (Some(true), None));
    let view = lab.view();
    assert_eq!(view.verdict.failure.as_ref().unwrap().blame, Blame::Exporter);
    assert_eq!(states(&view), [(EndpointState::Available, 1)].into());
}

#[test]
fn a_pause_shows_and_keeps_the_last_result() {
    let lab = Lab::new();
    lab.play(&round(vec![refused(a(), at(1)), healthy(b(), at(1))]));
    let mut one = round(vec![healthy(b(), at(61))]);
    one.endpoints = vec![a(), b()];
    one.skipped = vec![(a(), backoff(at(300)))];
    lab.play(&one);
    let view = lab.view();
    assert_eq!(
        view.endpoints.get(&a()).unwrap().paused,
        Some((at(300), Cause::TooManyConnections))
    );
    assert_eq!(view.endpoints.get(&a()).unwrap().last.ended, at(1));
    assert_eq!(view.paused_until, None, "one can still be probed");
    let expected = [(EndpointState::Available, 1), (EndpointState::Paused, 1)];
    assert_eq!(states(&view), expected.into());

    let mut both = round(Vec::new());
    both.ended = at(121);
    both.endpoints = vec![a(), b()];
    both.skipped = vec![(a(), backoff(at(300))), (b(), backoff(at(200)))];
    lab.play(&both);
    let view = lab.view();
    assert_eq!(view.paused_until, Some(at(200)));
    assert_eq!(view.verdict.up, Some(true));
    assert_eq!(view.tally.skipped[SkipReason::Backoff as usize], 3);

    // A probe ends it.
    lab.store.put(lab.generation, &lab.check.key(), Arc::new(healthy(b(), at(201))));
    let view = lab.view();
    assert_eq!((view.paused_until, view.endpoints.get(&b()).unwrap().paused), (None, None));
}

#[test]
fn endpoints_never_probed_are_counted() {
    let lab = Lab::new();
    let mut first = round(Vec::new());
    first.endpoints = vec![a(), b()];
    first.left_out = 3;
    let budget = Skip { reason: SkipReason::Budget, until: None, cause: None };
    first.skipped = vec![(a(), backoff(at(300))), (b(), budget)];
    lab.play(&first);
    let view = lab.view();
    assert_eq!(states(&view), [(EndpointState::Paused, 1), (EndpointState::Skipped, 4)].into());
    assert_eq!(view.waiting.len(), 2);
    assert_eq!(view.verdict.up, None);
    lab.play(&round(vec![healthy(a(), at(400)), healthy(b(), at(400))]));
    assert!(lab.view().waiting.is_empty());
    assert_eq!(states(&lab.view()), [(EndpointState::Available, 2)].into());
}

#[test]
fn a_round_not_started_is_counted_and_its_pause_shown() {
    let lab = Lab::new();
    let key = lab.check.key();
    lab.store.skip(lab.generation, &key, SkipReason::Overrun, None);
    lab.store.skip(lab.generation, &key, SkipReason::Backoff, Some(at(300)));
    lab.store.set_next(lab.generation, &key, at(360));
    let view = lab.view();
    assert_eq!(view.tally.skipped, [0, 1, 0, 1, 0]);
    assert_eq!((view.paused_until, view.next_round), (Some(at(300)), Some(at(360))));
}

#[test]
fn a_removed_check_stays_away() {
    let lab = Lab::new();
    let late = Arc::new(healthy(a(), at(1)));
    lab.store.replace_checks(&[check("mx2")], 10);
    lab.store.put(lab.generation, &lab.check.key(), late.clone());
    assert!(lab.store.view(&lab.check.key()).is_none());
    let names: Vec<_> =
        lab.store.views().iter().map(|view| view.check.target.name.clone()).collect();
    assert_eq!(names, ["mx2".into()]);
    // It comes back: what was under way before is of another life.
    let again = lab.store.replace_checks(std::slice::from_ref(&lab.check), 10);
    lab.store.put(lab.generation, &lab.check.key(), late.clone());
    assert!(lab.view().endpoints.is_empty());
    lab.store.put(again, &lab.check.key(), late);
    assert_eq!(lab.view().endpoints.len(), 1);
    assert_eq!(lab.store.finish_round(lab.generation, &lab.check.key(), &round(vec![])), None);
}

#[test]
fn an_unchanged_check_keeps_what_it_knows_and_takes_late_results() {
    let lab = Lab::new();
    lab.play(&round(vec![healthy(a(), at(1))]));
    let target = Target {
        labels: [("team".to_owned(), "other".to_owned())].into(),
        interval: Some(Duration::from_secs(30)),
        ..(*lab.check.target).clone()
    };
    let relabelled = Check { target: Arc::new(target), ..lab.check.clone() };
    lab.store.replace_checks(&[relabelled, check("mx2")], 10);
    lab.store.put(lab.generation, &lab.check.key(), Arc::new(refused(b(), at(2))));
    let view = lab.view();
    assert_eq!(view.endpoints.len(), 2);
    assert_eq!(view.tally.probes, [1, 0, 0, 1, 0]);
    assert_eq!(view.check.interval(), Duration::from_secs(30));
}

#[test]
fn a_changed_check_starts_anew() {
    let lab = Lab::new();
    lab.play(&round(vec![healthy(a(), at(1))]));
    let module = Module { tls: TlsMode::Required, ..(*lab.check.module).clone() };
    let changed = Check { module: Arc::new(module), ..lab.check.clone() };
    lab.store.replace_checks(&[changed], 10);
    lab.store.put(lab.generation, &lab.check.key(), Arc::new(healthy(a(), at(2))));
    let view = lab.view();
    assert!(view.endpoints.is_empty());
    assert_eq!(view.tally.probes, [0; 5]);
}

#[test]
fn the_last_success_and_the_last_failure_keep_their_transcripts() {
    let lab = Lab::new();
    lab.play(&round(vec![refused(a(), at(1))]));
    lab.play(&round(vec![healthy(a(), at(2))]));
    lab.play(&round(vec![healthy(a(), at(3))]));
    let view = lab.view();
    let kept = &view.endpoints.get(&a()).unwrap();
    assert_eq!(kept.success_transcript.as_ref().unwrap().0, at(3));
    let (when, text) = kept.failure_transcript.as_ref().unwrap();
    assert_eq!(
        (*when, text.lines().next().unwrap().text),
        (at(1), "421 4.7.0 too many connections")
    );
}

#[test]
fn transcripts_stay_under_the_cap_and_the_oldest_go_first() {
    let long = transcript(&"x".repeat(1000));
    let seen = |n: u8, ended| Observation {
        transcript: long.clone(),
        ..blank(endpoint("mx1", &format!("192.0.2.{n}")), ended)
    };
    let lab = Lab::with(Store::new(5000));
    for n in 0..20 {
        lab.store.put(lab.generation, &lab.check.key(), Arc::new(seen(n, at(n.into()))));
        assert!(lab.store.transcript_bytes() <= 5000);
    }
    let view = lab.view();
    assert_eq!(view.endpoints.len(), 20);
    let with: Vec<_> = view
        .endpoints
        .values()
        .filter(|view| view.success_transcript.is_some())
        .map(|view| (view.last.ended, view.last.transcript.len()))
        .collect();
    assert_eq!(with, [(at(16), 1), (at(17), 1), (at(18), 1), (at(19), 1)]);
    // What is evicted is not held through the last observation either.
    let without = view.endpoints.values().filter(|view| view.last.transcript.is_empty());
    assert_eq!(without.count(), 16);

    // Replaced, retired and removed ones leave the books.
    let before = lab.store.transcript_bytes();
    lab.store.put(lab.generation, &lab.check.key(), Arc::new(seen(19, at(30))));
    assert_eq!(lab.store.transcript_bytes(), before);
    let mut last = round(vec![]);
    last.endpoints = vec![endpoint("mx1", "192.0.2.19")];
    lab.play(&last);
    assert_eq!(lab.store.transcript_bytes(), before / 4);
    lab.store.replace_checks(&[], 10);
    assert_eq!(lab.store.transcript_bytes(), 0);
}

#[test]
fn a_view_does_not_change_under_its_reader() {
    let lab = Lab::new();
    lab.play(&round(vec![healthy(a(), at(1))]));
    let held = lab.view();
    lab.play(&round(vec![refused(a(), at(2))]));
    assert_eq!((held.verdict.up, lab.view().verdict.up), (Some(true), Some(false)));
    assert_eq!(held.endpoints.get(&a()).unwrap().last.ended, at(1));
}

#[test]
fn one_round_can_be_shown_by_itself() {
    let view = View::of_round(check("mx9"), &round(vec![refused(a(), at(1))]));
    assert_eq!(view.verdict.up, Some(false));
    assert_eq!(view.endpoints.len(), 1);
}

#[test]
fn probes_and_readers_at_once_lose_nothing() {
    let lab = Lab::new();
    let key = lab.check.key();
    std::thread::scope(|scope| {
        for n in 0..4_u8 {
            let (store, key) = (&lab.store, &key);
            scope.spawn(move || {
                for second in 0..200 {
                    let seen = healthy(endpoint("mx1", &format!("192.0.2.{n}")), at(second));
                    store.put(lab.generation, key, Arc::new(seen));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                assert!(lab.store.views().iter().all(|view| view.tally.probes[0] <= 800));
            }
        });
    });
    assert_eq!(lab.view().tally.probes[0], 800);
}

#[test]
fn what_is_removed_leaves_nothing_behind() {
    let lab = Lab::new();
    lab.play(&round(vec![healthy(a(), at(1)), healthy(b(), at(1))]));
    let seen: Vec<_> = {
        let view = lab.view();
        view.endpoints.values().map(|view| Arc::downgrade(&view.last)).collect()
    };
    let transcripts: Vec<_> =
        seen.iter().map(|seen| Arc::downgrade(&seen.upgrade().unwrap().transcript)).collect();
    assert_eq!((seen.len(), lab.store.transcript_bytes() > 0), (2, true));
    // An address that the name no longer stands for goes with all that was said there.
    let mut one = round(vec![]);
    one.endpoints = vec![b()];
    lab.store.finish_round(lab.generation, &lab.check.key(), &one);
    assert_eq!(seen.iter().filter(|seen| seen.strong_count() > 0).count(), 1);
    lab.store.replace_checks(&[], 10);
    assert!(seen.iter().all(|seen| seen.strong_count() == 0));
    assert!(transcripts.iter().all(|said| said.strong_count() == 0));
    assert_eq!(lab.store.transcript_bytes(), 0);
}
