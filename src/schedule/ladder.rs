//! One task per ladder: wait for the start, run it, put what was measured in the store, and tell of
//! a limit that fell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::cadence::Cadence;
use crate::observation::{AbortKind, LadderSeen};
use crate::probe::ceiling::{Climb, Climbed, RECOVERY};
use crate::probe::permits::Denied;
use crate::target::{Ladder, LadderKey, LadderMode};

/// The tasks of all ladders.
#[derive(Default)]
pub(super) struct Ladders {
    tasks: HashMap<LadderKey, Task>,
    /// Those that were told to stop and may still be saying QUIT.
    ending: Vec<JoinHandle<()>>,
}

struct Task {
    ladder: Arc<Ladder>,
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

impl Ladders {
    pub(super) fn replan(
        &mut self,
        shared: &Arc<Shared>,
        ladders: &[Arc<Ladder>],
        generation: u64,
    ) {
        self.ending.retain(|handle| !handle.is_finished());
        let wanted: HashMap<LadderKey, &Arc<Ladder>> =
            ladders.iter().map(|ladder| (ladder.key(), ladder)).collect();
        let gone: Vec<LadderKey> = self
            .tasks
            .iter()
            .filter(|(key, task)| wanted.get(*key).is_none_or(|ladder| **ladder != task.ladder))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            if let Some(task) = self.tasks.remove(&key) {
                task.stop.cancel();
                self.ending.push(task.handle);
            }
        }
        for (key, ladder) in wanted {
            self.tasks.entry(key).or_insert_with(|| {
                let stop = CancellationToken::new();
                let runner = Runner {
                    shared: shared.clone(),
                    ladder: ladder.clone(),
                    generation,
                    stop: stop.clone(),
                };
                let handle = tokio::spawn(runner.supervised());
                Task { ladder: ladder.clone(), stop, handle }
            });
        }
    }

    /// Ends all runs by QUIT, and waits for it.
    pub(super) async fn stop(self) {
        for task in self.tasks.values() {
            task.stop.cancel();
        }
        let running = self.tasks.into_values().map(|task| task.handle);
        for handle in self.ending.into_iter().chain(running) {
            // A task that panicked has ended as well.
            let _ = handle.await;
        }
    }
}

#[derive(Clone)]
struct Runner {
    shared: Arc<Shared>,
    ladder: Arc<Ladder>,
    generation: u64,
    stop: CancellationToken,
}

impl Runner {
    /// Runs until it is told to stop. A panic costs one run.
    async fn supervised(self) {
        while let Err(error) = tokio::spawn(self.clone().run()).await {
            let key = self.ladder.key();
            self.shared.store.set_ladder_running(self.generation, &key, None);
            let (target, module, mode) = key;
            tracing::error!(
                %target,
                %module,
                %mode,
                %error,
                "a connection-limit run panicked: a fault of the exporter"
            );
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(self.ladder.interval) => {}
            }
        }
    }

    async fn run(self) {
        let Shared { store, origin, .. } = &*self.shared;
        let key = self.ladder.key();
        let cadence = Cadence::new(self.ladder.interval, &[&key.0, &key.1, key.2.as_str()]);
        let mut due = cadence.first_within(FIRST_WITHIN, origin.elapsed());
        loop {
            let wait = due.saturating_sub(origin.elapsed());
            store.set_next_ladder(self.generation, &key, SystemTime::now() + wait);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep_until(*origin + due) => {}
            }
            store.set_ladder_running(self.generation, &key, Some(SystemTime::now()));
            self.climb(&key).await;
            store.set_ladder_running(self.generation, &key, None);
            if self.stop.is_cancelled() {
                return;
            }
            due = cadence.next(due, origin.elapsed()).0;
        }
    }

    async fn climb(&self, key: &LadderKey) {
        let job = Climb {
            ladder: self.ladder.clone(),
            // Longer than its own interval nothing waits: the next run would be late for it.
            patience: self.ladder.interval,
            recovery: RECOVERY,
            stop: self.stop.clone(),
        };
        let found = Mutex::new(Some(Vec::new()));
        let sink = |climbed: Climbed| {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match &climbed {
                Climbed::Seen(seen) => {
                    if let Some(found) = &mut *found {
                        found.push(seen.endpoint.clone());
                    }
                }
                Climbed::Denied(endpoint, _) => {
                    if let Some(found) = &mut *found {
                        found.push(endpoint.clone());
                    }
                }
                Climbed::Unresolved(_) => *found = None,
            }
            self.take(key, climbed);
        };
        self.shared.prober.climb(&job, &sink).await;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        // A run that was cut short has not seen all endpoints.
        if let Some(found) = found
            && !self.stop.is_cancelled()
        {
            self.shared.store.keep_ladder(self.generation, key, &found);
        }
    }

    fn take(&self, key: &LadderKey, climbed: Climbed) {
        let (target, module, mode) = key;
        match climbed {
            Climbed::Seen(seen) => {
                let stopped = |kind| kind == AbortKind::Stopped;
                if seen.aborted.as_ref().is_none_or(|abort| !stopped(abort.kind)) {
                    let before = self.shared.store.put_ladder(self.generation, key, seen.clone());
                    self.log(&seen, before.as_deref());
                }
            }
            Climbed::Denied(endpoint, denied) => {
                if let Some(why) = reason(denied) {
                    self.not_begun(key, why);
                }
                tracing::info!(
                    %target,
                    %module,
                    %mode,
                    endpoint = endpoint.label(),
                    reason = ?denied,
                    "connection-limit run not begun"
                );
            }
            Climbed::Unresolved(failure) => {
                self.not_begun(key, format!("{}: {}", failure.cause, failure.detail));
                tracing::warn!(
                    %target,
                    %module,
                    %mode,
                    cause = %failure.cause,
                    detail = failure.detail,
                    "connection-limit run not begun"
                );
            }
        }
    }

    fn not_begun(&self, key: &LadderKey, why: String) {
        self.shared.store.deny_ladder(self.generation, key, SystemTime::now(), why);
    }

    /// The one line per run, and another when the limit fell.
    fn log(&self, seen: &LadderSeen, before: Option<&LadderSeen>) {
        let (target, module, mode) = self.ladder.key();
        let endpoint = seen.endpoint.label();
        let address = seen.endpoint.address.map(tracing::field::display);
        if let Some(abort) = &seen.aborted {
            tracing::warn!(
                %target,
                %module,
                %mode,
                endpoint,
                address,
                reason = %abort.kind,
                detail = abort.detail,
                "connection-limit run broke off"
            );
            return;
        }
        let refusal = seen.refusal.as_ref();
        tracing::info!(
            %target,
            %module,
            %mode,
            endpoint,
            address,
            accepted = seen.accepted,
            tried = seen.tried,
            reached = seen.reached(),
            idle = seen.idle.map(|idle| idle.as_secs_f64()),
            code = refusal.map(|refusal| refusal.code),
            cause = refusal.map(|refusal| refusal.cause.as_str()),
            phase = refusal.map(|refusal| refusal.phase.as_str()),
            how = refusal.map(|refusal| refusal.how.as_str()),
            detail = refusal.map(|refusal| refusal.detail.as_str()),
            recovery = seen.recovery.map(|recovery| recovery.as_secs_f64()),
            "connection-limit run ended"
        );
        if let Some(before) = before.filter(|before| fell(seen, before)) {
            let measure = |seen: &LadderSeen| match seen.mode {
                LadderMode::Idle => seen.idle.unwrap_or_default().as_secs_f64(),
                LadderMode::Simultaneous | LadderMode::Rate => f64::from(seen.accepted),
            };
            tracing::warn!(
                %target,
                %module,
                %mode,
                endpoint,
                address,
                from = measure(before),
                to = measure(seen),
                "connection limit fell"
            );
        }
    }
}

/// Why a run was not begun, for a person; none when we ended it ourselves.
fn reason(denied: Denied) -> Option<String> {
    match denied {
        Denied::Paused(_, cause) => Some(format!("the remote asked us to stay away: {cause}")),
        Denied::Late => Some("open sessions with the remote did not end in time".to_owned()),
        Denied::Leased => Some("another run took too long".to_owned()),
        Denied::Stopped => None,
    }
}

/// The server ended it earlier than the last time. Idle times vary by themselves, so a tenth less is
/// no fall.
fn fell(seen: &LadderSeen, before: &LadderSeen) -> bool {
    let less = match seen.mode {
        LadderMode::Idle => {
            seen.idle.zip(before.idle).is_some_and(|(now, then)| now < then.mul_f64(0.9))
        }
        LadderMode::Simultaneous | LadderMode::Rate => seen.accepted < before.accepted,
    };
    seen.reached() && less
}

/// How soon the first run of a new ladder starts at the latest.
const FIRST_WITHIN: Duration = Duration::from_secs(30);
