//! One task per target and module: wait for the start, run a round, put what was seen in the store.
//! No round of a check overlaps another of the same check, because it is one task that runs them.

pub mod agenda;
pub mod cadence;
pub mod dnsbl;
mod ladder;
pub mod posture;

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::cadence::Cadence;
use crate::observation::SkipReason;
use crate::probe::{Job, Prober};
use crate::store::{Change, Store};
use crate::target::{Check, CheckKey, Ladder};

/// The tasks of all checks.
pub struct Schedule {
    shared: Arc<Shared>,
    tasks: HashMap<CheckKey, Task>,
    ladders: ladder::Ladders,
}

/// What every task uses.
struct Shared {
    prober: Arc<Prober>,
    store: Arc<Store>,
    lag: Box<dyn Fn(Duration) + Send + Sync>,
    /// The grids of all checks begin here, so that a reload does not move them.
    origin: Instant,
}

struct Task {
    check: Check,
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

impl Schedule {
    /// A schedule without checks. `lag` is told how late each round started.
    pub fn new(
        prober: Arc<Prober>,
        store: Arc<Store>,
        lag: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared { prober, store, lag: Box::new(lag), origin: Instant::now() };
        Self {
            shared: Arc::new(shared),
            tasks: HashMap::new(),
            ladders: ladder::Ladders::default(),
        }
    }

    /// Makes exactly these checks run. Checks that did not change go on undisturbed; those that are
    /// gone or changed say QUIT in what is open. `generation` is the store's for these checks.
    pub fn replan(&mut self, checks: &[Check], generation: u64) {
        let wanted: HashMap<CheckKey, &Check> =
            checks.iter().map(|check| (check.key(), check)).collect();
        self.tasks.retain(|key, task| {
            let stays = wanted.get(key).is_some_and(|check| **check == task.check)
                && !task.handle.is_finished();
            if !stays {
                task.stop.cancel();
            }
            stays
        });
        // Room for targets that are gone is given back.
        self.tasks.shrink_to(wanted.len());
        for (key, check) in wanted {
            if !self.tasks.contains_key(&key) {
                let task = Task::start(self.shared.clone(), check.clone(), generation);
                self.tasks.insert(key, task);
            }
        }
    }

    /// Makes exactly these runs happen that measure limits. One that did not change goes on, also
    /// when it is under way; the others end at once, by QUIT.
    pub fn replan_ladders(&mut self, ladders: &[Arc<Ladder>], generation: u64) {
        self.ladders.replan(&self.shared, ladders, generation);
    }

    /// Starts nothing more, says QUIT in what is open, and waits for it.
    pub async fn stop(self) {
        for task in self.tasks.values() {
            task.stop.cancel();
        }
        self.ladders.stop().await;
        for (_, task) in self.tasks {
            // A task that panicked has ended as well.
            let _ = task.handle.await;
        }
    }
}

impl Task {
    fn start(shared: Arc<Shared>, check: Check, generation: u64) -> Self {
        let stop = CancellationToken::new();
        let runner = Runner { shared, check: check.clone(), generation, stop: stop.clone() };
        Self { check, stop, handle: tokio::spawn(runner.run()) }
    }
}

struct Runner {
    shared: Arc<Shared>,
    check: Check,
    generation: u64,
    stop: CancellationToken,
}

impl Runner {
    /// Runs until it is told to stop.
    async fn run(self) {
        let Shared { store, origin, lag, .. } = &*self.shared;
        let key = self.check.key();
        let cadence = Cadence::new(self.check.interval(), &[&key.0, &key.1]);
        let mut due = cadence.first(origin.elapsed());
        loop {
            let wait = due.saturating_sub(origin.elapsed());
            store.set_next(self.generation, &key, SystemTime::now() + wait);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep_until(*origin + due) => {}
            }
            let round = async {
                lag(origin.elapsed().saturating_sub(due));
                self.round(&key).await;
            };
            // A panic costs the round in which it happens, and not the check for the rest of the
            // exporter's life. A check mostly waits, so the room that a round takes is given back.
            if let Err(error) = caught(Box::pin(round)).await {
                let (target, module) = &key;
                tracing::error!(%target, %module, error, "a round panicked: a fault of the exporter");
            }
            if self.stop.is_cancelled() {
                return;
            }
            let (next, lost) = cadence.next(due, origin.elapsed());
            for _ in 0..lost {
                store.skip(self.generation, &key, SkipReason::Overrun, None);
            }
            due = next;
        }
    }

    async fn round(&self, key: &CheckKey) {
        let Shared { store, prober, .. } = &*self.shared;
        let job = Job {
            check: self.check.clone(),
            // Longer than its own interval nothing waits: the next round would be late for it.
            patience: self.check.interval(),
            deadline: None,
            admit: None,
            stop: self.stop.clone(),
        };
        let round = prober
            .run(&job, &|observation| {
                tracing::debug!(
                    target = %key.0,
                    module = %key.1,
                    endpoint = observation.endpoint.label(),
                    duration = observation.duration.as_secs_f64(),
                    cause = observation.failure.as_ref().map(|f| f.cause.as_str()),
                    "probe ended"
                );
                store.put(self.generation, key, observation.clone());
            })
            .await;
        let known = store.view(key).map(|view| view.notes.clone()).unwrap_or_default();
        for note in round.notes.iter().filter(|note| !known.contains(note)) {
            tracing::info!(target = %key.0, module = %key.1, note, "target is odd");
        }
        if let Some(change) = store.finish_round(self.generation, key, &round) {
            log_change(&self.check, &change);
        }
    }
}

/// What a future comes to, or what it said when it panicked.
async fn caught(mut future: Pin<Box<impl Future<Output = ()>>>) -> Result<(), String> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(said) => Poll::Ready(Err(match said.downcast::<String>() {
            Ok(said) => *said,
            Err(said) => said.downcast_ref().copied().unwrap_or("without a word").to_owned(),
        })),
    })
    .await
}

/// The one line per change of verdict.
fn log_change(check: &Check, change: &Change) {
    let Change { from, to, failure } = change;
    let negative = check.module.expect.is_some();
    let (from, to) = (word(*from, negative), word(*to, negative));
    let (target, module) = (&check.target.name, &check.module.name);
    match failure {
        Some(failure) => tracing::info!(
            %target,
            %module,
            from,
            to,
            phase = %failure.phase,
            cause = %failure.cause,
            blame = %failure.blame,
            rule = %failure.rule,
            detail = failure.detail,
            "target changed"
        ),
        None => tracing::info!(%target, %module, from, to, "target changed"),
    }
}

/// A verdict in a log line. For a negative test "up" would be the wrong way round.
const fn word(good: Option<bool>, negative: bool) -> &'static str {
    match (good, negative) {
        (None, _) => "unknown",
        (Some(true), false) => "up",
        (Some(false), false) => "down",
        (Some(true), true) => "met",
        (Some(false), true) => "not_met",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_and_goes_no_further() {
        assert_eq!(caught(Box::pin(async { tokio::task::yield_now().await })).await, Ok(()));
        let text = caught(Box::pin(async { panic!("half a round") })).await;
        assert_eq!(text, Err(String::from("half a round")));
        let number = 2;
        let formatted = caught(Box::pin(async move { panic!("round {number}") })).await;
        assert_eq!(formatted, Err(String::from("round 2")));
    }
}
