//! The schedule: starts are spread, no round overlaps itself, nobody waits for a hanging target.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smtp_exporter::demo::Behaviour;
use smtp_exporter::observation::SkipReason;
use smtp_exporter::probe::Prober;
use smtp_exporter::schedule::Schedule;
use smtp_exporter::smtp::TlsMode;
use smtp_exporter::store::{Store, View};
use smtp_exporter::target::{Check, HostBudget, Module, Place, Policy, Target, Timeouts};
use tokio::time::{Instant, sleep};

use super::house::{PATIENCE, eventually, server};

/// A schedule, what it fills, and how late its rounds started.
struct House {
    schedule: Schedule,
    store: Arc<Store>,
    lags: Arc<Mutex<Vec<(Instant, Duration)>>>,
}

impl House {
    fn new() -> Self {
        Self::telling(|| ())
    }

    /// `tell` is called at each round's start.
    fn telling(tell: impl Fn() + Send + Sync + 'static) -> Self {
        // Nobody may ask the system's resolver, and the budget must not hide what is tested here.
        let policy = Policy {
            dns_servers: vec![SocketAddr::from(([127, 0, 0, 1], 1))],
            host_budget: HostBudget { max_concurrent: 8, min_gap: Duration::ZERO },
            ..Policy::default()
        };
        let store = Arc::new(Store::default());
        let lags = Arc::new(Mutex::new(Vec::new()));
        let told = lags.clone();
        let prober = Arc::new(Prober::new(policy).unwrap());
        let schedule = Schedule::new(prober, store.clone(), move |lag| {
            told.lock().unwrap().push((Instant::now(), lag));
            tell();
        });
        Self { schedule, store, lags }
    }

    fn plan(&mut self, checks: &[Check]) {
        let generation = self.store.replace_checks(checks, 100);
        self.schedule.replan(checks, generation);
    }

    fn view(&self, check: &Check) -> Arc<View> {
        self.store.view(&check.key()).unwrap()
    }

    fn probes(&self, check: &Check) -> u64 {
        self.view(check).tally.probes.iter().sum()
    }
}

fn check(name: &str, place: &str, interval: Duration) -> Check {
    let timeouts = Timeouts {
        connect: Duration::from_secs(1),
        greeting: Duration::from_secs(20),
        reply: Duration::from_secs(1),
        total: Duration::from_secs(20),
    };
    let module = Arc::new(Module { tls: TlsMode::None, timeouts, ..Module::new("clear") });
    let target = Target {
        name: name.into(),
        place: Place::parse(place).unwrap(),
        modules: vec![module.clone()],
        interval: Some(interval),
        labels: BTreeMap::new(),
    };
    Check { target: Arc::new(target), module }
}

/// The clock is the test's: a minute passes at once. Nobody listens, so each probe ends at once.
#[tokio::test(start_paused = true)]
async fn starts_are_spread_and_keep_their_grid() {
    let mut house = House::new();
    let minute = Duration::from_secs(60);
    let checks: Vec<Check> = (0..100)
        .map(|i| check(&format!("mx{i}"), &format!("127.0.10.{}:1", i + 1), minute))
        .collect();
    let begun = Instant::now();
    house.plan(&checks);
    sleep(Duration::from_secs(60)).await;
    let first: Vec<Duration> =
        house.lags.lock().unwrap().iter().map(|(at, _)| *at - begun).collect();
    assert_eq!(first.len(), 100, "one start each within the first interval");
    for tenth in 0..10u64 {
        let from = Duration::from_secs(tenth * 6);
        let within = first.iter().filter(|at| **at >= from && **at < from + minute / 10);
        assert!((2..=25).contains(&within.count()), "not spread: {first:?}");
    }
    // A reload in which nothing changed moves nobody.
    house.plan(&checks);
    sleep(Duration::from_secs(240)).await;
    let lags = house.lags.lock().unwrap().clone();
    assert_eq!(lags.len(), 500, "one start each per minute");
    assert!(lags.iter().all(|(_, late)| *late < Duration::from_millis(50)));
    for check in &checks {
        let tally = house.view(check).tally.clone();
        assert_eq!(tally.probes.iter().sum::<u64>(), 5);
        assert_eq!(tally.skipped.iter().sum::<u64>(), 0);
    }
    house.schedule.stop().await;
}

#[tokio::test]
async fn no_round_overlaps_itself_and_late_ones_are_counted() {
    let mut house = House::new();
    let slow = server([127, 0, 11, 1], Behaviour::slow_greeting(Duration::from_millis(700)));
    let check = check("slow", &slow.address().to_string(), Duration::from_millis(200));
    house.plan(std::slice::from_ref(&check));
    eventually("three rounds", || house.probes(&check) >= 3).await;
    let overrun = house.view(&check).tally.skipped[SkipReason::Overrun as usize];
    assert!(overrun >= 6, "{overrun} starts went by in three rounds of 700 ms each");
    assert_eq!(slow.stats().open_max, 1, "two rounds at once");
    house.schedule.stop().await;
}

#[tokio::test]
async fn a_hanging_target_delays_nobody() {
    let mut house = House::new();
    let silent = server([127, 0, 11, 2], Behaviour::silent());
    let well = server([127, 0, 11, 3], Behaviour::plain());
    let interval = Duration::from_millis(200);
    let hanging = check("hanging", &silent.address().to_string(), interval);
    let healthy = check("healthy", &well.address().to_string(), interval);
    house.plan(&[hanging.clone(), healthy.clone()]);
    eventually("the silent one has us", || silent.stats().open == 1).await;
    let before = well.stats().sessions;
    let begun = Instant::now();
    sleep(Duration::from_secs(2)).await;
    let rounds = well.stats().sessions - before;
    let due = begun.elapsed().as_millis() / interval.as_millis();
    assert!(u128::from(rounds) * 2 >= due, "{rounds} of {due} rounds");
    assert_eq!((silent.stats().open, house.probes(&hanging)), (1, 0));
    // The end cuts the hanging one off, politely and at once; it is no result.
    let begun = Instant::now();
    let House { schedule, store, .. } = house;
    schedule.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5) && begun.elapsed() < PATIENCE);
    assert_eq!(store.view(&hanging.key()).unwrap().tally.probes.iter().sum::<u64>(), 0);
    assert_eq!(well.stats().dropped, 0);
}

#[tokio::test]
async fn a_reload_restarts_what_changed_and_nothing_else() {
    let mut house = House::new();
    let [one, two, three] = [4, 5, 6].map(|last| server([127, 0, 11, last], Behaviour::plain()));
    let interval = Duration::from_millis(200);
    let stays = check("stays", &one.address().to_string(), interval);
    let goes = check("goes", &two.address().to_string(), interval);
    house.plan(&[stays.clone(), goes.clone()]);
    eventually("both have rounds", || house.probes(&stays) >= 3 && house.probes(&goes) >= 3).await;
    let before = house.probes(&stays);
    let moved = check("goes", &three.address().to_string(), interval);
    house.plan(&[stays.clone(), moved.clone()]);
    assert!(house.probes(&stays) >= before, "an unchanged target lost its counters");
    assert!(house.probes(&moved) <= 1, "a changed target kept its counters");
    let visits = two.stats().sessions;
    eventually("the new place has rounds", || house.probes(&moved) >= 3).await;
    assert!(two.stats().sessions <= visits + 1, "the old place is still visited");
    // Gone is gone, also for a probe that was under way.
    house.plan(std::slice::from_ref(&stays));
    assert!(house.store.view(&moved.key()).is_none());
    let after = house.probes(&stays);
    eventually("the last one goes on", || house.probes(&stays) >= after + 3).await;
    assert!(house.store.view(&moved.key()).is_none());
    house.schedule.stop().await;
}

#[tokio::test]
async fn a_panic_costs_one_round() {
    let rounds = Arc::new(AtomicUsize::new(0));
    let counted = rounds.clone();
    let mut house = House::telling(move || {
        assert_ne!(counted.fetch_add(1, Ordering::SeqCst), 1, "the second round panics");
    });
    let well = server([127, 0, 11, 7], Behaviour::plain());
    let check = check("well", &well.address().to_string(), Duration::from_millis(100));
    house.plan(std::slice::from_ref(&check));
    eventually("rounds after the panic", || rounds.load(Ordering::SeqCst) >= 5).await;
    assert!(house.probes(&check) >= 3);
    house.schedule.stop().await;
}
