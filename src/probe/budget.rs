//! Politeness towards one remote address, for everything that connects: how many connections at
//! once, how long between them, and how long we stay away after a refusal that asks for it.
//!
//! Pure: time is a [`Duration`] since an origin of the caller's. `probe/permits.rs` does the waiting.
//!
//! # Why per address
//!
//! Servers count clients by address, and one server often stands behind several names, ports and
//! targets. Ten targets on one host, each polite for itself, are ten connections at once, which is
//! the very `421 too many connections` that this exporter is there to explain.

mod lease;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::cause::Cause;
use crate::target::{Backoff, HostBudget};

/// The books of all remotes. Bounded: a remote is forgotten when it says nothing any more.
#[derive(Debug)]
pub struct Budget {
    host: HostBudget,
    backoff: Backoff,
    remotes: HashMap<IpAddr, Remote>,
    next_ticket: u64,
}

/// A place in a remote's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// What a ticket holder is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Connect now. The ticket is used up; the connection must be [`Budget::close`]d.
    Go,
    /// Ask again at this time, or when a connection to the remote was closed.
    At(Duration),
    /// Ask again when a connection to the remote was closed or a ticket before this one is gone.
    Wait,
    /// The remote asked us to stay away. The ticket is used up.
    Paused(Pause),
}

/// A pause that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Until when.
    pub until: Duration,
    /// What the remote said.
    pub cause: Cause,
}

/// What a connection came to, as far as politeness goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The remote took us: an earlier pause's growth is forgotten.
    Welcome,
    /// Neither: a failure that does not ask us to stay away.
    Neutral,
    /// A refusal that asks us to stay away, the longer the more often it is said.
    StayAway(Cause),
    /// A refusal whose pause has a fixed length: a failed login, a server shutting down.
    StayAwayFor(Cause, Duration),
}

#[derive(Debug, Default)]
struct Remote {
    open: usize,
    queue: VecDeque<Ticket>,
    last_close: Option<Duration>,
    pause: Option<Pause>,
    /// Pauses in a row, for the growth.
    refusals: u32,
    /// Somebody has the remote alone, or waits for that.
    lease: Option<Ticket>,
}

impl Budget {
    /// Empty books.
    pub fn new(host: HostBudget, backoff: Backoff) -> Self {
        Self { host, backoff, remotes: HashMap::new(), next_ticket: 0 }
    }

    /// Takes over changed settings. Pauses that are on stay as they are.
    pub fn reconfigure(&mut self, host: HostBudget, backoff: Backoff) {
        self.host = host;
        self.backoff = backoff;
    }

    /// A place at the end of the remote's queue.
    pub fn enqueue(&mut self, remote: IpAddr) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.remotes.entry(remote).or_default().queue.push_back(ticket);
        ticket
    }

    /// May the holder of `ticket` connect now? First come, first served.
    pub fn ask(&mut self, remote: IpAddr, ticket: Ticket, now: Duration) -> Answer {
        let entry = self.remotes.entry(remote).or_default();
        if let Some(pause) = entry.pause.filter(|pause| pause.until > now) {
            entry.queue.retain(|other| *other != ticket);
            return Answer::Paused(pause);
        }
        if entry.queue.front() != Some(&ticket)
            || entry.open >= self.host.max_concurrent
            || entry.lease.is_some()
        {
            return Answer::Wait;
        }
        // The gap is counted from the last close. With more than one connection at once allowed,
        // it keeps their starts apart only after something was closed, as the server sees it too.
        if let Some(free) = entry.last_close.map(|closed| closed + self.host.min_gap)
            && free > now
        {
            return Answer::At(free);
        }
        entry.queue.pop_front();
        entry.open += 1;
        Answer::Go
    }

    /// Gives a ticket back that was not used.
    pub fn abandon(&mut self, remote: IpAddr, ticket: Ticket) {
        if let Some(entry) = self.remotes.get_mut(&remote) {
            entry.queue.retain(|other| *other != ticket);
        }
    }

    /// A connection that [`Answer::Go`] allowed is closed. Answers the pause that it led to.
    pub fn close(&mut self, remote: IpAddr, now: Duration, outcome: Outcome) -> Option<Pause> {
        let (host, backoff) = (self.host, self.backoff);
        let entry = self.remotes.entry(remote).or_default();
        entry.open = entry.open.saturating_sub(1);
        entry.last_close = Some(now);
        let pause = match outcome {
            // Nobody connects during a pause: who is welcomed in one came before it, and what the
            // remote said later holds.
            Outcome::Welcome => {
                if entry.pause.is_none_or(|pause| pause.until <= now) {
                    entry.refusals = 0;
                    entry.pause = None;
                }
                None
            }
            Outcome::Neutral => None,
            Outcome::StayAway(cause) => {
                let length = grown(backoff, entry.refusals);
                entry.refusals = entry.refusals.saturating_add(1);
                Some(Pause { until: now + length, cause })
            }
            Outcome::StayAwayFor(cause, length) => Some(Pause { until: now + length, cause }),
        };
        if let Some(pause) = pause {
            // Two connections that were open together may both be refused: the longer pause holds.
            if entry.pause.is_none_or(|other| other.until < pause.until) {
                entry.pause = Some(pause);
            }
        }
        self.tidy(now, host.min_gap);
        pause
    }

    /// The pause that is on for a remote.
    pub fn pause(&self, remote: IpAddr, now: Duration) -> Option<Pause> {
        self.remotes.get(&remote)?.pause.filter(|pause| pause.until > now)
    }

    /// Every pause that is on, with how often in a row the remote has refused: what is worth
    /// keeping over a restart, so that a crash loop does not hammer.
    pub fn pauses(&self, now: Duration) -> Vec<(IpAddr, Pause, u32)> {
        let mut all: Vec<_> = self
            .remotes
            .iter()
            .filter_map(|(remote, entry)| {
                let pause = entry.pause.filter(|pause| pause.until > now)?;
                Some((*remote, pause, entry.refusals))
            })
            .collect();
        all.sort_by_key(|(remote, ..)| *remote);
        all
    }

    /// Takes over a pause from before a restart. No longer than the longest that is configured, so
    /// that a damaged file cannot silence a target for good.
    pub fn restore(&mut self, remote: IpAddr, mut pause: Pause, refusals: u32, now: Duration) {
        pause.until = pause.until.min(now + self.backoff.max.max(FAILED_AUTH_PAUSE));
        let entry = self.remotes.entry(remote).or_default();
        entry.pause = Some(pause);
        entry.refusals = refusals;
    }

    /// Remotes in the books.
    pub fn len(&self) -> usize {
        self.remotes.len()
    }

    /// True when the books are empty.
    pub fn is_empty(&self) -> bool {
        self.remotes.is_empty()
    }

    /// Forgets remotes that no longer matter, when there are many: `/probe` may name a new one each
    /// time.
    fn tidy(&mut self, now: Duration, min_gap: Duration) {
        if self.remotes.len() < TIDY_AT || !self.remotes.len().is_multiple_of(TIDY_EVERY) {
            return;
        }
        let remember = self.backoff.max;
        self.remotes.retain(|_, entry| {
            let gap_on = entry.last_close.is_some_and(|closed| closed + min_gap > now);
            // A remote that refused a while ago would begin with the first pause again: remember it
            // for one longest pause more.
            let grudge =
                entry.pause.is_some_and(|pause| pause.until + remember > now && entry.refusals > 0);
            let paused = entry.pause.is_some_and(|pause| pause.until > now);
            entry.open > 0
                || !entry.queue.is_empty()
                || entry.lease.is_some()
                || gap_on
                || paused
                || grudge
        });
    }
}

/// The pause after `refusals` earlier ones in a row.
fn grown(backoff: Backoff, refusals: u32) -> Duration {
    let power = i32::try_from(refusals.min(64)).unwrap_or(64);
    let seconds = backoff.initial.as_secs_f64() * backoff.factor.powi(power);
    Duration::try_from_secs_f64(seconds).unwrap_or(backoff.max).min(backoff.max)
}

/// After a failed login: every further one brings the account nearer to being locked.
pub const FAILED_AUTH_PAUSE: Duration = Duration::from_secs(3600);
/// After "shutting down": a restart takes about so long.
pub const SHUTDOWN_PAUSE: Duration = Duration::from_secs(30);

const TIDY_AT: usize = 1024;
const TIDY_EVERY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const REMOTE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn budget(max_concurrent: usize) -> Budget {
        Budget::new(
            HostBudget { max_concurrent, min_gap: seconds(1) },
            Backoff { initial: seconds(300), factor: 2.0, max: seconds(7200) },
        )
    }

    fn go(budget: &mut Budget, now: u64) {
        let ticket = budget.enqueue(REMOTE);
        assert_eq!(budget.ask(REMOTE, ticket, seconds(now)), Answer::Go);
    }

    #[test]
    fn one_at_a_time_and_first_come_first_served() {
        let mut budget = budget(1);
        let [a, b, c] = [(); 3].map(|()| budget.enqueue(REMOTE));
        assert_eq!(budget.ask(REMOTE, b, seconds(0)), Answer::Wait);
        assert_eq!(budget.ask(REMOTE, a, seconds(0)), Answer::Go);
        assert_eq!(budget.ask(REMOTE, b, seconds(0)), Answer::Wait);
        assert_eq!(budget.close(REMOTE, seconds(5), Outcome::Welcome), None);
        assert_eq!(budget.ask(REMOTE, c, seconds(5)), Answer::Wait);
        assert_eq!(budget.ask(REMOTE, b, seconds(5)), Answer::At(seconds(6)));
        assert_eq!(budget.ask(REMOTE, b, seconds(6)), Answer::Go);
        budget.abandon(REMOTE, c);
        assert_eq!(budget.close(REMOTE, seconds(7), Outcome::Neutral), None);
        let d = budget.enqueue(REMOTE);
        assert_eq!(budget.ask(REMOTE, d, seconds(8)), Answer::Go);
    }

    #[test]
    fn remotes_do_not_wait_for_each_other() {
        let mut budget = budget(1);
        go(&mut budget, 0);
        let other = "2001:db8::1".parse().unwrap();
        let ticket = budget.enqueue(other);
        assert_eq!(budget.ask(other, ticket, seconds(0)), Answer::Go);
    }

    #[test]
    fn a_pause_grows_is_capped_and_ends_with_a_welcome() {
        let mut budget = budget(1);
        let mut now = 0;
        for expected in [300, 600, 1200, 2400, 4800, 7200, 7200] {
            go(&mut budget, now);
            let pause = budget
                .close(REMOTE, seconds(now), Outcome::StayAway(Cause::TooManyConnections))
                .unwrap();
            assert_eq!(pause.until, seconds(now + expected));
            let ticket = budget.enqueue(REMOTE);
            assert_eq!(
                budget.ask(REMOTE, ticket, seconds(now + expected - 1)),
                Answer::Paused(pause)
            );
            now += expected;
        }
        go(&mut budget, now);
        budget.close(REMOTE, seconds(now), Outcome::Welcome);
        go(&mut budget, now + 1);
        let pause = budget.close(REMOTE, seconds(now + 1), Outcome::StayAway(Cause::RateLimited));
        assert_eq!(pause.unwrap().until, seconds(now + 301));
    }

    #[test]
    fn fixed_pauses_do_not_grow_and_the_longer_of_two_holds() {
        let mut budget = budget(2);
        go(&mut budget, 0);
        go(&mut budget, 0);
        let login = Outcome::StayAwayFor(Cause::AuthRequired, FAILED_AUTH_PAUSE);
        budget.close(REMOTE, seconds(0), login);
        let short = Outcome::StayAwayFor(Cause::SystemProblem, SHUTDOWN_PAUSE);
        budget.close(REMOTE, seconds(1), short);
        let pause = budget.pause(REMOTE, seconds(2)).unwrap();
        assert_eq!((pause.cause, pause.until), (Cause::AuthRequired, FAILED_AUTH_PAUSE));
        assert_eq!(budget.pause(REMOTE, FAILED_AUTH_PAUSE), None);
    }

    #[test]
    fn a_welcome_from_before_a_refusal_does_not_end_the_pause() {
        let mut budget = budget(2);
        go(&mut budget, 0);
        go(&mut budget, 0);
        budget.close(REMOTE, seconds(1), Outcome::StayAway(Cause::TooManyConnections));
        budget.close(REMOTE, seconds(2), Outcome::Welcome);
        assert_eq!(budget.pause(REMOTE, seconds(3)).unwrap().until, seconds(301));
    }

    #[test]
    fn pauses_survive_a_restart_but_not_for_ever() {
        let mut before = budget(1);
        go(&mut before, 0);
        before.close(REMOTE, seconds(0), Outcome::StayAway(Cause::Blocklisted));
        let kept = before.pauses(seconds(10));
        assert_eq!(kept.len(), 1);
        let mut after = budget(1);
        for (remote, pause, refusals) in kept {
            after.restore(remote, pause, refusals, seconds(0));
        }
        assert_eq!(after.pause(REMOTE, seconds(299)).unwrap().cause, Cause::Blocklisted);
        go(&mut after, 300);
        let grown = after.close(REMOTE, seconds(300), Outcome::StayAway(Cause::Blocklisted));
        assert_eq!(grown.unwrap().until, seconds(900));
        let damaged = Pause { until: Duration::from_secs(u64::from(u32::MAX)), ..grown.unwrap() };
        after.restore(REMOTE, damaged, 3, seconds(900));
        assert_eq!(after.pause(REMOTE, seconds(900)).unwrap().until, seconds(900 + 7200));
    }

    #[test]
    fn the_books_stay_small() {
        let mut budget = budget(1);
        for i in 0..100_000u32 {
            let remote = IpAddr::from(i.to_be_bytes());
            let now = seconds(u64::from(i));
            let ticket = budget.enqueue(remote);
            assert_eq!(budget.ask(remote, ticket, now), Answer::Go);
            budget.close(remote, now, Outcome::Neutral);
        }
        assert!(budget.len() < 2 * TIDY_AT, "{} remotes", budget.len());
    }

    #[test]
    fn growth_does_not_overflow() {
        let wild = Backoff { initial: seconds(7200), factor: 1e300, max: seconds(7200) };
        assert_eq!(grown(wild, u32::MAX), seconds(7200));
    }
}
