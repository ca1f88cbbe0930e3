//! What `/probe` has under way and what it saw lately: the same question asked twice at once is one
//! probe, and one asked again soon is answered from memory.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::cause::Cause;
use crate::observation::Round;
use crate::target::{Check, CheckKey};

/// Where the result of a probe under way will be. The value stays none when the probe panicked.
pub(super) type Awaited = watch::Receiver<Option<Arc<Round>>>;

/// Probes under way and results kept. Bounded in both.
#[derive(Debug, Default)]
pub(super) struct Desk {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    flights: HashMap<CheckKey, Flight>,
    kept: HashMap<CheckKey, Kept>,
    /// What is kept, by the turn in which it was last used.
    ages: BTreeMap<u64, CheckKey>,
    /// Observations in `kept`.
    observations: usize,
    /// Counts up: the age of what is kept, and the number of a flight.
    turn: u64,
}

#[derive(Debug)]
struct Flight {
    number: u64,
    check: Check,
    awaited: Awaited,
}

#[derive(Debug)]
struct Kept {
    turn: u64,
    check: Check,
    round: Arc<Round>,
}

/// A probe to wait for.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) awaited: Awaited,
    /// It was started by this call.
    pub(super) first: bool,
}

impl Desk {
    /// The last result of this very check, if it is still in memory.
    pub(super) fn last(&self, check: &Check) -> Option<Arc<Round>> {
        let mut books = self.lock();
        let turn = books.next();
        let Books { kept, ages, .. } = &mut *books;
        let kept = kept.get_mut(&check.key()).filter(|kept| kept.check == *check)?;
        if let Some(key) = ages.remove(&kept.turn) {
            ages.insert(turn, key);
        }
        kept.turn = turn;
        Some(kept.round.clone())
    }

    /// Joins the probe of this check that is under way, or starts one in a task of its own: it ends
    /// as it should even when everybody who asked has gone. None when too many are under way.
    pub(super) fn join(
        self: &Arc<Self>,
        check: &Check,
        start: impl FnOnce() -> Pin<Box<dyn Future<Output = Round> + Send>>,
    ) -> Option<Joined> {
        let key = check.key();
        let mut books = self.lock();
        if let Some(flight) = books.flights.get(&key).filter(|flight| flight.check == *check) {
            return Some(Joined { awaited: flight.awaited.clone(), first: false });
        }
        if books.flights.len() >= MAX_FLIGHTS {
            return None;
        }
        let (sender, awaited) = watch::channel(None);
        let number = books.next();
        let flight = Flight { number, check: check.clone(), awaited: awaited.clone() };
        books.flights.insert(key.clone(), flight);
        drop(books);
        let landing = Landing { desk: self.clone(), key, number };
        let (probe, check) = (start(), check.clone());
        tokio::spawn(async move {
            let round = Arc::new(probe.await);
            landing.desk.keep(check, &round);
            // Off the books first: who asks from now on finds the result in memory or probes anew.
            drop(landing);
            sender.send_replace(Some(round));
        });
        Some(Joined { awaited, first: true })
    }

    fn keep(&self, check: Check, round: &Arc<Round>) {
        // What an impatient asker's clock cut says nothing to the next one.
        if round.observations.is_empty() || cut_short(round) {
            return;
        }
        let mut books = self.lock();
        let (turn, key) = (books.next(), check.key());
        books.forget(&key);
        books.observations += round.observations.len();
        books.ages.insert(turn, key.clone());
        books.kept.insert(key, Kept { turn, check, round: round.clone() });
        while books.kept.len() > MAX_KEPT || books.observations > MAX_OBSERVATIONS {
            let Some((_, oldest)) = books.ages.pop_first() else { return };
            books.forget(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        // No code that panics runs under this lock, and if it did the books would still be whole.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn next(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    fn forget(&mut self, key: &CheckKey) {
        if let Some(kept) = self.kept.remove(key) {
            self.ages.remove(&kept.turn);
            self.observations -= kept.round.observations.len();
        }
    }
}

/// Takes a flight off the books, also when its task panicked.
struct Landing {
    desk: Arc<Desk>,
    key: CheckKey,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut books = self.desk.lock();
        if books.flights.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            books.flights.remove(&self.key);
        }
    }
}

/// True when the asker's clock ended some part of it.
pub(super) fn cut_short(round: &Round) -> bool {
    round.observations.iter().any(|observation| {
        observation.failure.as_ref().is_some_and(|f| f.cause == Cause::DeadlineExceeded)
    })
}

const MAX_FLIGHTS: usize = 256;
const MAX_KEPT: usize = 1000;
/// An observation with its transcript and certificates is some 8 KiB.
const MAX_OBSERVATIONS: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Failure, Observation};
    use crate::smtp::{Phase, TlsMode};
    use crate::target::{Endpoint, Module, Place, Target};
    use std::time::SystemTime;

    fn check(name: &str) -> Check {
        let module = Arc::new(Module { tls: TlsMode::None, ..Module::new("smtp") });
        let target = Arc::new(Target {
            name: name.into(),
            place: Place::parse(name).unwrap(),
            modules: vec![module.clone()],
            interval: None,
            labels: BTreeMap::new(),
        });
        Check { target, module }
    }

    fn round(observations: usize, failure: Option<Failure>) -> Round {
        let endpoint = Endpoint { host: "mx".into(), port: 25, ..Endpoint::unresolved() };
        let seen = Observation { failure, ..Observation::of(endpoint, SystemTime::UNIX_EPOCH) };
        let observation = Arc::new(seen);
        Round {
            started: SystemTime::UNIX_EPOCH,
            ended: SystemTime::UNIX_EPOCH,
            mx_records: None,
            endpoints: Vec::new(),
            left_out: 0,
            observations: vec![observation; observations],
            skipped: Vec::new(),
            paused: Vec::new(),
            forbidden: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[tokio::test]
    async fn one_flight_for_the_same_check_and_its_result_is_kept() {
        let desk = Arc::new(Desk::default());
        let (go, gate) = tokio::sync::oneshot::channel::<()>();
        let probe = Box::pin(async move {
            gate.await.unwrap();
            round(1, None)
        });
        let first = desk.join(&check("mx"), || probe).unwrap();
        let second = desk.join(&check("mx"), || panic!("a second probe")).unwrap();
        assert!(first.first && !second.first);
        assert!(desk.last(&check("mx")).is_none());
        go.send(()).unwrap();
        for mut joined in [first, second] {
            assert!(joined.awaited.wait_for(Option::is_some).await.is_ok());
        }
        assert_eq!(desk.last(&check("mx")).unwrap().observations.len(), 1);
        let mut changed = check("mx");
        Arc::make_mut(&mut changed.module).port = 26;
        assert!(desk.last(&changed).is_none(), "another port is another check");
        assert!(desk.lock().flights.is_empty());
    }

    #[tokio::test]
    async fn a_panic_ends_the_flight_and_nothing_else() {
        let desk = Arc::new(Desk::default());
        let mut joined =
            desk.join(&check("mx"), || Box::pin(async { panic!("on purpose") })).unwrap();
        assert!(joined.awaited.wait_for(Option::is_some).await.is_err());
        assert!(desk.join(&check("mx"), || Box::pin(std::future::pending())).unwrap().first);
    }

    #[tokio::test]
    async fn both_are_bounded() {
        let desk = Arc::new(Desk::default());
        for i in 0..MAX_FLIGHTS {
            assert!(
                desk.join(&check(&format!("mx{i}")), || Box::pin(std::future::pending())).is_some()
            );
        }
        assert!(desk.join(&check("other"), || Box::pin(std::future::pending())).is_none());
        for i in 0..MAX_KEPT + 10 {
            desk.keep(check(&format!("mx{i}")), &Arc::new(round(1, None)));
            assert!(desk.last(&check("mx0")).is_some(), "what is used stays");
        }
        assert_eq!(desk.lock().kept.len(), MAX_KEPT);
        for i in 0..200 {
            desk.keep(check(&format!("large{i}")), &Arc::new(round(32, None)));
        }
        let books = desk.lock();
        assert!(books.kept.len() <= MAX_OBSERVATIONS / 32);
        assert_eq!(books.ages.len(), books.kept.len());
    }

    #[test]
    fn what_was_cut_short_or_not_seen_is_not_kept() {
        let desk = Desk::default();
        let cut = Failure::new(Phase::Greeting, Cause::DeadlineExceeded, "");
        desk.keep(check("mx"), &Arc::new(round(1, Some(cut))));
        desk.keep(check("mx"), &Arc::new(round(0, None)));
        assert!(desk.last(&check("mx")).is_none());
    }
}
