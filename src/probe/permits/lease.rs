//! Having a remote alone: for a run that measures how many sessions it takes.
//!
//! # Why
//!
//! Sessions of ordinary probes beside the run would be counted by the server and not by us, and some
//! of them would be refused because of us. So the run waits for those that are open, and the others
//! wait for the run. One run at a time is under way in the exporter, for all remotes: it is there to
//! measure a server and not the network between.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Answer, Denied, Outcome, Permits, Ticket};

/// The exporter's one place for a run. Given back when it is dropped.
#[derive(Debug)]
pub struct LadderSlot {
    _slot: OwnedSemaphorePermit,
}

/// A remote, alone. Others are let in again when it is dropped.
#[derive(Debug)]
pub struct Lease {
    permits: Arc<Permits>,
    remote: IpAddr,
    ticket: Ticket,
    /// What the connections came to; none before there was one.
    outcome: Option<Outcome>,
    bell: Arc<Notify>,
}

impl Permits {
    /// Waits until no other run is under way.
    ///
    /// # Errors
    ///
    /// The patience ended, or `stop` was called.
    pub async fn ladder_slot(
        &self,
        patience: Instant,
        stop: &CancellationToken,
    ) -> Result<LadderSlot, Denied> {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Denied::Stopped),
            slot = timeout_at(patience, self.ladder.clone().acquire_owned()) => match slot {
                Ok(Ok(slot)) => Ok(LadderSlot { _slot: slot }),
                _ => Err(Denied::Late),
            },
        }
    }

    /// Waits until what is open to `remote` is closed and nothing was open for `quiet`. Nobody is let
    /// in meanwhile.
    ///
    /// # Errors
    ///
    /// The remote is paused or leased to another, the patience ended, or `stop` was called.
    pub async fn lease(
        self: &Arc<Self>,
        remote: IpAddr,
        quiet: Duration,
        patience: Instant,
        stop: &CancellationToken,
    ) -> Result<Lease, Denied> {
        let lease = {
            let mut books = self.books();
            let ticket = books.budget.reserve(remote).ok_or(Denied::Leased)?;
            let bell = books.bell(remote);
            Lease { permits: self.clone(), remote, ticket, outcome: None, bell }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Denied::Stopped),
            turn = timeout_at(patience, lease.turn(quiet)) => match turn {
                Ok(Ok(())) => {}
                Ok(Err(denied)) => return Err(denied),
                Err(_) => return Err(Denied::Late),
            },
        }
        Ok(lease)
    }

    /// Waits for one of the exporter's own connections.
    ///
    /// # Errors
    ///
    /// The patience ended.
    pub async fn own_connection(&self, patience: Instant) -> Result<OwnedSemaphorePermit, Denied> {
        let global = self.books().global.clone();
        match timeout_at(patience, global.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Denied::Late),
        }
    }
}

impl Lease {
    /// Says what the connections came to, before the lease is dropped.
    pub fn settle(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    async fn turn(&self, quiet: Duration) -> Result<(), Denied> {
        loop {
            let rung = self.bell.notified();
            tokio::pin!(rung);
            // Listening begins before the question, so no close in between goes unheard.
            rung.as_mut().enable();
            let now = self.permits.now();
            let answer =
                self.permits.books().budget.ask_alone(self.remote, self.ticket, quiet, now);
            match answer {
                Answer::Go => return Ok(()),
                Answer::Paused(pause) => {
                    return Err(Denied::Paused(self.permits.wall(pause.until), pause.cause));
                }
                Answer::Wait => rung.await,
                Answer::At(at) => {
                    let _ = timeout_at(self.permits.origin + at, rung).await;
                }
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let now = self.permits.now();
        let mut books = self.permits.books();
        books.budget.release(self.remote, self.ticket, now, self.outcome);
        books.ring(self.remote);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::target::{HostBudget, Policy};

    const REMOTE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn permits() -> Arc<Permits> {
        let host_budget = HostBudget { max_concurrent: 1, min_gap: Duration::from_secs(1) };
        Permits::new(&Policy { host_budget, ..Policy::default() })
    }

    fn after(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_waits_for_a_session_and_ordinary_ones_wait_for_the_lease() {
        let permits = permits();
        let stop = CancellationToken::new();
        let first = permits.acquire(REMOTE, after(5), &stop).await.unwrap();
        let start = Instant::now();
        let waiting = tokio::spawn({
            let (permits, stop) = (permits.clone(), stop.clone());
            async move { permits.lease(REMOTE, Duration::ZERO, after(60), &stop).await }
        });
        tokio::time::sleep(Duration::from_secs(2)).await;
        // The lease is wanted: nobody new is let in, and is told why.
        let denied = permits.acquire(REMOTE, after(1), &stop).await.unwrap_err();
        assert_eq!(denied, Denied::Leased);
        drop(first);
        let lease = waiting.await.unwrap().unwrap();
        assert_eq!(start.elapsed().as_secs(), 4);
        let denied = permits.acquire(REMOTE, after(3), &stop).await.unwrap_err();
        assert_eq!(denied, Denied::Leased);
        let denied = permits.lease(REMOTE, Duration::ZERO, after(3), &stop).await.unwrap_err();
        assert_eq!(denied, Denied::Leased);
        // Others are not touched.
        let other = "192.0.2.2".parse().unwrap();
        permits.acquire(other, after(1), &stop).await.unwrap();
        let patient = tokio::spawn({
            let (permits, stop) = (permits.clone(), stop.clone());
            async move { permits.acquire(REMOTE, after(60), &stop).await.map(drop) }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(lease);
        patient.await.unwrap().unwrap();
        assert_eq!(permits.pause_of(REMOTE), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_settled_holds_after_the_lease() {
        let permits = permits();
        let stop = CancellationToken::new();
        let mut lease = permits.lease(REMOTE, Duration::ZERO, after(5), &stop).await.unwrap();
        lease.settle(Outcome::StayAway(Cause::TooManyConnections));
        drop(lease);
        assert_eq!(permits.pause_of(REMOTE).unwrap().1, Cause::TooManyConnections);
        let denied = permits.lease(REMOTE, Duration::ZERO, after(5), &stop).await.unwrap_err();
        assert!(matches!(denied, Denied::Paused(_, Cause::TooManyConnections)), "{denied:?}");
        tokio::time::advance(Duration::from_secs(301)).await;
        permits.acquire(REMOTE, after(1), &stop).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn one_run_at_a_time_and_a_waiter_who_goes_away_blocks_nobody() {
        let permits = permits();
        let stop = CancellationToken::new();
        let slot = permits.ladder_slot(after(5), &stop).await.unwrap();
        assert_eq!(permits.ladder_slot(after(5), &stop).await.unwrap_err(), Denied::Late);
        drop(slot);
        permits.ladder_slot(after(5), &stop).await.unwrap();
        let open = permits.acquire(REMOTE, after(5), &stop).await.unwrap();
        let denied = permits.lease(REMOTE, Duration::ZERO, after(5), &stop).await.unwrap_err();
        assert_eq!(denied, Denied::Late);
        drop(open);
        permits.acquire(REMOTE, after(5), &stop).await.unwrap();
    }
}
