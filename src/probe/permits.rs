//! Waiting for what `budget.rs` allows: the remote's permit first, then the exporter's own.

pub mod lease;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::budget::{Answer, Budget, Outcome, Ticket};
use crate::cause::Cause;
use crate::target::{Backoff, HostBudget, Policy};

/// The permits of one exporter. They outlive a reload.
#[derive(Debug)]
pub struct Permits {
    origin: Instant,
    books: Mutex<Books>,
    /// One run that measures a limit at a time.
    ladder: Arc<Semaphore>,
}

#[derive(Debug)]
struct Books {
    budget: Budget,
    /// Wakes those who wait for a remote.
    bells: HashMap<IpAddr, Arc<Notify>>,
    global: Arc<Semaphore>,
    global_size: usize,
}

/// Why no permit was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The remote asked us to stay away, until then, for this cause.
    Paused(SystemTime, Cause),
    /// None was free in time.
    Late,
    /// None was free in time, because a run that measures a limit has the remote alone.
    Leased,
    /// The asker was told to stop.
    Stopped,
}

/// The right to hold one connection to one remote. Given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    permits: Arc<Permits>,
    remote: IpAddr,
    outcome: Outcome,
    _global: OwnedSemaphorePermit,
}

/// A pause as it is kept over a restart.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct KeptPause {
    /// The remote.
    pub remote: IpAddr,
    /// Seconds since the epoch.
    pub until: u64,
    /// The cause's name.
    pub cause: String,
    /// Refusals in a row.
    pub refusals: u32,
}

impl Permits {
    /// Fresh permits.
    pub fn new(policy: &Policy) -> Arc<Self> {
        Arc::new(Self {
            origin: Instant::now(),
            books: Mutex::new(Books {
                budget: Budget::new(policy.host_budget, policy.backoff),
                bells: HashMap::new(),
                global: Arc::new(Semaphore::new(policy.max_concurrent_probes)),
                global_size: policy.max_concurrent_probes,
            }),
            ladder: Arc::new(Semaphore::new(1)),
        })
    }

    /// Takes over changed settings; what is open and what is paused stays.
    pub fn reconfigure(&self, host: HostBudget, backoff: Backoff, max_concurrent: usize) {
        let mut books = self.books();
        books.budget.reconfigure(host, backoff);
        if books.global_size != max_concurrent {
            // Probes under way keep their place in the old semaphore, so for as long as they last
            // both bounds together hold.
            books.global = Arc::new(Semaphore::new(max_concurrent));
            books.global_size = max_concurrent;
        }
        for bell in books.bells.values() {
            bell.notify_waiters();
        }
    }

    /// Waits for a connection's permit until `patience` ends.
    ///
    /// # Errors
    ///
    /// The remote is paused, the patience ended, or `stop` was called.
    pub async fn acquire(
        self: &Arc<Self>,
        remote: IpAddr,
        patience: Instant,
        stop: &CancellationToken,
    ) -> Result<Permit, Denied> {
        let waiting = {
            let mut books = self.books();
            let ticket = books.budget.enqueue(remote);
            let bell = books.bell(remote);
            Waiting { permits: self, remote, ticket, bell, done: false }
        };
        let turn = waiting.turn();
        tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Denied::Stopped),
            turn = tokio::time::timeout_at(patience, turn) => match turn {
                Ok(Ok(())) => {}
                Ok(Err(denied)) => return Err(denied),
                Err(_) if self.books().budget.is_leased(remote) => return Err(Denied::Leased),
                Err(_) => return Err(Denied::Late),
            },
        }
        // From here on the remote counts us as open: whatever happens, it must be closed again.
        let global = self.books().global.clone();
        let connected = Connected { permits: Some(self.clone()), remote };
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Denied::Stopped),
            permit = tokio::time::timeout_at(patience, global.acquire_owned()) => match permit {
                Ok(Ok(permit)) => connected.into_permit(permit).ok_or(Denied::Stopped),
                _ => Err(Denied::Late),
            },
        }
    }

    /// The pause of a remote, if one is on.
    pub fn pause_of(&self, remote: IpAddr) -> Option<(SystemTime, Cause)> {
        let now = self.now();
        let pause = self.books().budget.pause(remote, now)?;
        Some((self.wall(pause.until), pause.cause))
    }

    /// All pauses that are on, to be kept over a restart.
    pub fn pauses(&self) -> Vec<KeptPause> {
        let pauses = self.books().budget.pauses(self.now());
        pauses
            .into_iter()
            .map(|(remote, pause, refusals)| KeptPause {
                remote,
                until: self
                    .wall(pause.until)
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default()
                    .as_secs(),
                cause: pause.cause.as_str().to_owned(),
                refusals,
            })
            .collect()
    }

    /// Takes over what was kept; what has passed meanwhile is left.
    pub fn restore(&self, kept: &[KeptPause]) {
        let (now, wall) = (self.now(), SystemTime::now());
        let mut books = self.books();
        for pause in kept {
            let until = SystemTime::UNIX_EPOCH + Duration::from_secs(pause.until);
            let (Ok(left), Some(cause)) =
                (until.duration_since(wall), Cause::from_name(&pause.cause))
            else {
                continue;
            };
            let restored = super::budget::Pause { until: now + left, cause };
            books.budget.restore(pause.remote, restored, pause.refusals, now);
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Wall time of a moment of the books.
    fn wall(&self, at: Duration) -> SystemTime {
        SystemTime::now() + at.saturating_sub(self.now())
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, remote: IpAddr, outcome: Outcome) {
        let now = self.now();
        let mut books = self.books();
        books.budget.close(remote, now, outcome);
        books.ring(remote);
    }
}

impl Books {
    /// The bell of a remote. Bells that nobody holds are forgotten when there are many.
    fn bell(&mut self, remote: IpAddr) -> Arc<Notify> {
        if self.bells.len() >= BELLS && !self.bells.contains_key(&remote) {
            self.bells.retain(|_, bell| Arc::strong_count(bell) > 1);
        }
        self.bells.entry(remote).or_default().clone()
    }

    /// Wakes those who wait for a remote.
    fn ring(&self, remote: IpAddr) {
        if let Some(bell) = self.bells.get(&remote) {
            bell.notify_waiters();
        }
    }
}

impl Permit {
    /// Says what the connection came to, before the permit is dropped.
    pub fn settle(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.close(self.remote, self.outcome);
    }
}

/// Counted as open by the remote's books, but not yet allowed by the exporter's own cap.
struct Connected {
    permits: Option<Arc<Permits>>,
    remote: IpAddr,
}

impl Connected {
    fn into_permit(mut self, global: OwnedSemaphorePermit) -> Option<Permit> {
        let permits = self.permits.take()?;
        Some(Permit { permits, remote: self.remote, outcome: Outcome::Neutral, _global: global })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(permits) = self.permits.take() {
            permits.close(self.remote, Outcome::Neutral);
        }
    }
}

/// A place in the queue, given back when the asker goes away.
struct Waiting<'a> {
    permits: &'a Arc<Permits>,
    remote: IpAddr,
    ticket: Ticket,
    bell: Arc<Notify>,
    done: bool,
}

impl Waiting<'_> {
    async fn turn(mut self) -> Result<(), Denied> {
        loop {
            let bell = self.bell.clone();
            let rung = bell.notified();
            tokio::pin!(rung);
            // Listening begins before the question, so no close in between goes unheard.
            rung.as_mut().enable();
            let now = self.permits.now();
            let answer = self.permits.books().budget.ask(self.remote, self.ticket, now);
            match answer {
                Answer::Go => {
                    self.done = true;
                    // The next in the queue may be allowed at once as well.
                    self.bell.notify_waiters();
                    return Ok(());
                }
                Answer::Paused(pause) => {
                    self.done = true;
                    let until = self.permits.wall(pause.until);
                    self.bell.notify_waiters();
                    return Err(Denied::Paused(until, pause.cause));
                }
                Answer::Wait => rung.await,
                Answer::At(at) => {
                    let _ = tokio::time::timeout_at(self.permits.origin + at, rung).await;
                }
            }
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.done {
            let mut books = self.permits.books();
            books.budget.abandon(self.remote, self.ticket);
            books.ring(self.remote);
        }
    }
}

/// Bells beyond which unused ones are forgotten.
const BELLS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const REMOTE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn policy(max_concurrent: usize, global: usize) -> Policy {
        Policy {
            host_budget: HostBudget { max_concurrent, min_gap: Duration::from_secs(1) },
            max_concurrent_probes: global,
            ..Policy::default()
        }
    }

    async fn acquire(
        permits: &Arc<Permits>,
        remote: IpAddr,
        patience: u64,
    ) -> Result<Permit, Denied> {
        let until = Instant::now() + Duration::from_secs(patience);
        permits.acquire(remote, until, &CancellationToken::new()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_stands_between_two_connections() {
        let permits = Permits::new(&policy(1, 10));
        let start = Instant::now();
        drop(acquire(&permits, REMOTE, 5).await.unwrap());
        let second = acquire(&permits, REMOTE, 5).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 1);
        assert_eq!(acquire(&permits, REMOTE, 5).await.unwrap_err(), Denied::Late);
        assert_eq!(start.elapsed().as_secs(), 6);
        drop(second);
        acquire(&permits, REMOTE, 5).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_askers_come_in_turn_and_none_is_lost() {
        let permits = Permits::new(&policy(1, 10));
        let open = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (permits, open) = (permits.clone(), open.clone());
            tasks.spawn(async move {
                let permit = acquire(&permits, REMOTE, 1000).await.unwrap();
                assert_eq!(open.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                tokio::time::sleep(Duration::from_millis(100)).await;
                open.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                drop(permit);
            });
        }
        let start = Instant::now();
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        // A hundred sessions of 100 ms and the ninety-nine gaps of a second between them.
        let millis = start.elapsed().as_millis();
        assert!((109_000..109_300).contains(&millis), "{millis} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn the_exporters_own_cap_holds_across_remotes() {
        let permits = Permits::new(&policy(1, 1));
        let first = acquire(&permits, REMOTE, 5).await.unwrap();
        let other = "192.0.2.2".parse().unwrap();
        assert_eq!(acquire(&permits, other, 5).await.unwrap_err(), Denied::Late);
        drop(first);
        acquire(&permits, other, 5).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_pauses_those_who_already_wait() {
        let permits = Permits::new(&policy(1, 10));
        let mut first = acquire(&permits, REMOTE, 5).await.unwrap();
        let waiter = tokio::spawn({
            let permits = permits.clone();
            async move { acquire(&permits, REMOTE, 5).await }
        });
        tokio::task::yield_now().await;
        first.settle(Outcome::StayAway(Cause::TooManyConnections));
        drop(first);
        let denied = waiter.await.unwrap().unwrap_err();
        assert!(matches!(denied, Denied::Paused(_, Cause::TooManyConnections)), "{denied:?}");
        assert_eq!(permits.pause_of(REMOTE).unwrap().1, Cause::TooManyConnections);
        tokio::time::advance(Duration::from_secs(301)).await;
        assert_eq!(permits.pause_of(REMOTE), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_asker_who_goes_away_blocks_nobody() {
        let permits = Permits::new(&policy(1, 10));
        let first = acquire(&permits, REMOTE, 5).await.unwrap();
        let gone = tokio::spawn({
            let permits = permits.clone();
            async move { acquire(&permits, REMOTE, 500).await.map(drop) }
        });
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        drop(first);
        acquire(&permits, REMOTE, 5).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_ends_the_wait() {
        let permits = Permits::new(&policy(1, 10));
        let _first = acquire(&permits, REMOTE, 5).await.unwrap();
        let stop = CancellationToken::new();
        stop.cancel();
        let until = Instant::now() + Duration::from_secs(5);
        assert_eq!(permits.acquire(REMOTE, until, &stop).await.unwrap_err(), Denied::Stopped);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_are_kept_and_restored() {
        let permits = Permits::new(&policy(1, 10));
        let mut permit = acquire(&permits, REMOTE, 5).await.unwrap();
        permit.settle(Outcome::StayAway(Cause::Blocklisted));
        drop(permit);
        let kept = permits.pauses();
        let fresh = Permits::new(&policy(1, 10));
        fresh.restore(&kept);
        assert_eq!(fresh.pause_of(REMOTE).unwrap().1, Cause::Blocklisted);
        let mut past = kept;
        past[0].until = 1;
        let fresh = Permits::new(&policy(1, 10));
        fresh.restore(&past);
        assert_eq!(fresh.pause_of(REMOTE), None);
    }
}
