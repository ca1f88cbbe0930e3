//! One who wants a remote alone, to measure how many sessions it takes. Pure.

use std::net::IpAddr;
use std::time::Duration;

use super::{Answer, Budget, Outcome, Pause, Ticket};

impl Budget {
    /// A place for somebody who wants the remote alone: from now on nobody else is let in. None
    /// while another has such a place.
    pub fn reserve(&mut self, remote: IpAddr) -> Option<Ticket> {
        let ticket = Ticket(self.next_ticket);
        let entry = self.remotes.entry(remote).or_default();
        if entry.lease.is_some() {
            return None;
        }
        self.next_ticket += 1;
        entry.lease = Some(ticket);
        Some(ticket)
    }

    /// May the holder of a [reserved](Self::reserve) ticket begin? Not before all that is open is
    /// closed and nothing was open for `quiet`, nor during a pause: then the ticket is used up. What
    /// it opens itself is not counted here. It must be [`Budget::release`]d.
    pub fn ask_alone(
        &mut self,
        remote: IpAddr,
        ticket: Ticket,
        quiet: Duration,
        now: Duration,
    ) -> Answer {
        let entry = self.remotes.entry(remote).or_default();
        if let Some(pause) = entry.pause.filter(|pause| pause.until > now) {
            entry.lease = entry.lease.filter(|held| *held != ticket);
            return Answer::Paused(pause);
        }
        if entry.lease != Some(ticket) || entry.open > 0 {
            return Answer::Wait;
        }
        let quiet = quiet.max(self.host.min_gap);
        match entry.last_close.map(|closed| closed + quiet) {
            Some(free) if free > now => Answer::At(free),
            _ => Answer::Go,
        }
    }

    /// Lets others in again. `connected`: there were connections, and what they came to.
    pub fn release(
        &mut self,
        remote: IpAddr,
        ticket: Ticket,
        now: Duration,
        connected: Option<Outcome>,
    ) -> Option<Pause> {
        let entry = self.remotes.entry(remote).or_default();
        entry.lease = entry.lease.filter(|held| *held != ticket);
        connected.and_then(|outcome| self.close(remote, now, outcome))
    }

    /// True while somebody has the remote alone, or waits for that.
    pub fn is_leased(&self, remote: IpAddr) -> bool {
        self.remotes.get(&remote).is_some_and(|entry| entry.lease.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::target::{Backoff, HostBudget};

    const REMOTE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn budget(max_concurrent: usize) -> Budget {
        Budget::new(HostBudget { max_concurrent, min_gap: seconds(1) }, Backoff::default())
    }

    fn go(budget: &mut Budget, now: u64) {
        let ticket = budget.enqueue(REMOTE);
        assert_eq!(budget.ask(REMOTE, ticket, seconds(now)), Answer::Go);
    }

    #[test]
    fn a_lease_waits_for_the_last_session_and_keeps_others_out() {
        let mut budget = budget(2);
        go(&mut budget, 0);
        let alone = budget.reserve(REMOTE).unwrap();
        assert_eq!(budget.reserve(REMOTE), None);
        let other = budget.enqueue(REMOTE);
        assert_eq!(budget.ask(REMOTE, other, seconds(1)), Answer::Wait);
        let ask = |budget: &mut Budget, quiet, now| {
            budget.ask_alone(REMOTE, alone, seconds(quiet), seconds(now))
        };
        assert_eq!(ask(&mut budget, 0, 1), Answer::Wait);
        budget.close(REMOTE, seconds(5), Outcome::Welcome);
        assert_eq!(ask(&mut budget, 0, 5), Answer::At(seconds(6)));
        assert_eq!(ask(&mut budget, 61, 6), Answer::At(seconds(66)));
        assert_eq!(ask(&mut budget, 61, 66), Answer::Go);
        assert_eq!(budget.ask(REMOTE, other, seconds(70)), Answer::Wait);
        assert!(budget.is_leased(REMOTE));
        assert_eq!(budget.release(REMOTE, alone, seconds(80), Some(Outcome::Neutral)), None);
        assert_eq!(budget.ask(REMOTE, other, seconds(80)), Answer::At(seconds(81)));
        assert_eq!(budget.ask(REMOTE, other, seconds(81)), Answer::Go);
    }

    #[test]
    fn a_lease_minds_a_pause_and_can_end_in_one() {
        let mut budget = budget(1);
        let alone = budget.reserve(REMOTE).unwrap();
        assert_eq!(budget.ask_alone(REMOTE, alone, seconds(0), seconds(0)), Answer::Go);
        let refusal = Outcome::StayAway(Cause::TooManyConnections);
        let pause = budget.release(REMOTE, alone, seconds(10), Some(refusal)).unwrap();
        assert_eq!(pause.until, seconds(310));
        let alone = budget.reserve(REMOTE).unwrap();
        assert_eq!(budget.ask_alone(REMOTE, alone, seconds(0), seconds(20)), Answer::Paused(pause));
        assert!(!budget.is_leased(REMOTE));
    }
}
