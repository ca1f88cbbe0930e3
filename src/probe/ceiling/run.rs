//! The three kinds of runs against one address.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Climb;
use super::crew::Crew;
use super::rung::{Rung, Up, stopped};
use crate::observation::{Abort, AbortKind, LadderSeen, Refusal, Transcript};
use crate::probe::dialog::hold::Parted;
use crate::probe::locate::Site;
use crate::probe::permits::lease::Lease;
use crate::probe::{Prober, budget, mail};
use crate::smtp::TlsMode;
use crate::target::Ladder;

/// A run against one address, under way.
pub(super) struct Run<'a> {
    pub(super) prober: &'a Prober,
    ladder: Arc<Ladder>,
    recovery: Duration,
    pub(super) site: Site,
    /// Ends the run at once, by QUIT.
    pub(super) halt: CancellationToken,
    pub(super) clock: Instant,
    /// When the latest session was begun.
    pub(super) begun: Duration,
    pub(super) transcript: Transcript,
    /// How TLS is used from here on.
    pub(super) tls: TlsMode,
    /// Sessions that were opened up to now.
    pub(super) opened: u32,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        prober: &'a Prober,
        job: &Climb,
        site: Site,
        halt: CancellationToken,
    ) -> Self {
        Self {
            prober,
            ladder: job.ladder.clone(),
            recovery: job.recovery,
            site,
            halt,
            clock: Instant::now(),
            begun: Duration::ZERO,
            transcript: Transcript::default(),
            tls: job.ladder.check.module.tls,
            opened: 0,
        }
    }

    pub(super) fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// One session more at a time, all held open, until the server has enough.
    pub(super) async fn simultaneous(&mut self) -> LadderSeen {
        let mut crew = Crew::new(self.ladder.hold);
        let mut seen = self.nothing_yet();
        seen.tried = self.ladder.cap;
        let longest = LONGEST.min(self.ladder.interval / 2);
        let mut inside_tls = false;
        let ended = loop {
            if crew.len() >= self.ladder.cap {
                // At the cap all have to be open together, and not only one after the other.
                break match self.count(&crew).await {
                    None => Ended::Off(stopped()),
                    Some(alive) if alive < crew.len() => Ended::Parted(crew.parted().await),
                    Some(_) => Ended::AtCap,
                };
            }
            if self.clock.elapsed() > longest {
                let kind = AbortKind::TooLong;
                let detail = format!("{} sessions took {longest:?}", crew.len());
                break Ended::Off(Abort { kind, detail });
            }
            match self.open().await {
                Rung::Up(up) => {
                    inside_tls = up.held.is_inside_tls();
                    self.accepted(&mut seen, up, Some(&mut crew)).await;
                }
                Rung::Down(refusal, transcript) => break Ended::Refused(refusal, transcript),
                Rung::Unfit(refusal, transcript) => break Ended::Unfit(refusal, transcript),
                Rung::Off(abort) => break Ended::Off(abort),
            }
            if let Some(parted) = crew.first_parted() {
                break Ended::Parted(parted);
            }
            self.pause(BETWEEN).await;
        };
        let counted = match &ended {
            // Whoever is told to stop does not ask around first.
            Ended::Off(_) | Ended::Unfit(..) => None,
            _ => self.count(&crew).await,
        };
        let alive = counted.unwrap_or(crew.len());
        seen.accepted = alive;
        let ended = match ended {
            Ended::AtCap | Ended::Parted(_) if counted.is_none() => Ended::Off(stopped()),
            ended => ended,
        };
        match ended {
            Ended::AtCap => {}
            Ended::Off(abort) => seen.aborted = Some(abort),
            Ended::Parted(_) | Ended::Refused(..) if alive == 0 && crew.len() > 0 => {
                let detail = format!("all {} open sessions ended", crew.len());
                seen.aborted = Some(Abort { kind: AbortKind::ServerGone, detail });
            }
            Ended::Parted(parted) => {
                let refusal = self.refusal_of(&parted, inside_tls);
                self.note(format!("the server ended an open session: {}", refusal.detail));
                seen.refusal = Some(refusal);
            }
            Ended::Refused(refusal, transcript) => self.refused(&mut seen, refusal, transcript),
            Ended::Unfit(refusal, transcript) => self.unfit(&mut seen, refusal, transcript),
        }
        if crew.len() > 0 {
            crew.quit().await;
            self.note(format!("{alive} sessions ended by QUIT, newest first"));
        }
        self.finish(seen, SIMULTANEOUS_GAPS).await
    }

    /// Sessions one after another, spaced over a minute.
    pub(super) async fn rate(&mut self) -> LadderSeen {
        let mut seen = self.nothing_yet();
        let cap = self.ladder.cap;
        let spacing = MINUTE / cap.max(1);
        let start = Instant::now();
        for number in 0..cap {
            tokio::select! {
                biased;
                () = self.halt.cancelled() => {}
                () = sleep_until(start + spacing * number) => {}
            }
            if start.elapsed() >= MINUTE {
                self.note("the minute is over: sessions take longer than they are spaced");
                break;
            }
            seen.tried = number + 1;
            match self.open().await {
                Rung::Up(up) => {
                    seen.accepted += 1;
                    self.accepted(&mut seen, up, None).await;
                }
                Rung::Down(refusal, transcript) => {
                    seen.tried = cap;
                    self.refused(&mut seen, refusal, transcript);
                    break;
                }
                Rung::Unfit(refusal, transcript) => {
                    self.unfit(&mut seen, refusal, transcript);
                    break;
                }
                Rung::Off(abort) => {
                    seen.aborted = Some(abort);
                    break;
                }
            }
        }
        self.finish(seen, RATE_GAPS).await
    }

    /// One session without a word. Others are let in beside it, or a patient server would keep
    /// every ordinary probe away for minutes.
    pub(super) async fn idle(&mut self, mut lease: Lease) -> LadderSeen {
        let mut seen = self.nothing_yet();
        seen.tried = 1;
        let rung = self.open().await;
        match rung {
            Rung::Up(up) => {
                lease.settle(budget::Outcome::Welcome);
                drop(lease);
                let since = up.ready;
                let inside_tls = up.held.is_inside_tls();
                let Up { mut held, permit, greeting, .. } = up;
                seen.accepted = 1;
                seen.greet_delay = Some(greeting);
                self.tell(held.take_transcript());
                let longest = self.ladder.max_idle;
                let halt = self.halt.clone();
                let listened = tokio::select! {
                    biased;
                    parted = held.listen(since + longest) => Some(parted),
                    () = halt.cancelled() => None,
                };
                match listened {
                    Some(Some(parted)) => {
                        let idle = since.elapsed();
                        seen.idle = Some(idle);
                        let refusal = self.refusal_of(&parted, inside_tls);
                        self.note(format!("ended by the server: {}", refusal.detail));
                        seen.refusal = Some(refusal);
                        held.close().await;
                    }
                    Some(None) => {
                        seen.idle = Some(longest);
                        self.note("still open at max_idle: ended by QUIT");
                        held.quit().await;
                    }
                    None => {
                        seen.aborted = Some(stopped());
                        held.quit().await;
                    }
                }
                drop(permit);
            }
            // A silent session is not begun with, whatever the refusal says.
            Rung::Down(refusal, transcript) | Rung::Unfit(refusal, transcript) => {
                lease.settle(mail::politeness_of(refusal.cause, refusal.phase, refusal.code));
                self.unfit(&mut seen, refusal, transcript);
            }
            Rung::Off(abort) => {
                lease.settle(budget::Outcome::Neutral);
                seen.aborted = Some(abort);
            }
        }
        seen.ended = SystemTime::now();
        seen.transcript = Arc::new(std::mem::take(&mut self.transcript));
        seen
    }

    fn nothing_yet(&self) -> LadderSeen {
        LadderSeen::of(self.site.endpoint.clone(), self.ladder.mode, SystemTime::now())
    }

    /// Takes an accepted session in: into the crew, or ends it by QUIT.
    async fn accepted(&mut self, seen: &mut LadderSeen, up: Up, crew: Option<&mut Crew>) {
        let Up { mut held, permit, greeting, .. } = up;
        seen.greet_delay = seen.greet_delay.max(Some(greeting));
        let told = held.take_transcript();
        if self.opened == 1 {
            self.tell(told);
        }
        // A line for each would not fit, and the refusal has to: the first ones, then every tenth.
        if self.opened <= 10 || self.opened.is_multiple_of(10) {
            let millis = greeting.as_millis();
            self.note(format!("session {} accepted, greeting after {millis}ms", self.opened));
        }
        match crew {
            Some(crew) => crew.add(held, permit),
            None => {
                held.quit().await;
                drop(permit);
            }
        }
    }

    fn refused(&mut self, seen: &mut LadderSeen, refusal: Refusal, transcript: Transcript) {
        let how = refusal.how;
        self.tell(transcript);
        self.note(format!("session {} refused ({how}): {}", self.opened + 1, refusal.detail));
        seen.refusal = Some(refusal);
    }

    /// The first session was not accepted, and for another reason than a limit.
    fn unfit(&mut self, seen: &mut LadderSeen, refusal: Refusal, transcript: Transcript) {
        let detail = format!("{} at {}: {}", refusal.cause, refusal.phase, refusal.detail);
        self.refused(seen, refusal, transcript);
        seen.aborted = Some(Abort { kind: AbortKind::Unfit, detail });
    }

    /// After a refusal: waits until a new session is accepted.
    async fn finish(&mut self, mut seen: LadderSeen, gaps: Gaps) -> LadderSeen {
        if seen.refusal.is_some() && seen.aborted.is_none() {
            match self.recover(gaps).await {
                Ok(recovery) => {
                    self.note(match recovery {
                        Some(took) => {
                            format!("a new session was accepted after {}ms", took.as_millis())
                        }
                        None => format!("no new session was accepted within {:?}", self.recovery),
                    });
                    seen.recovery = recovery;
                }
                Err(abort) => seen.aborted = Some(abort),
            }
        }
        seen.ended = SystemTime::now();
        seen.transcript = Arc::new(std::mem::take(&mut self.transcript));
        seen
    }

    async fn recover(&mut self, gaps: Gaps) -> Result<Option<Duration>, Abort> {
        let since = Instant::now();
        let mut gap = gaps.first;
        while since.elapsed() + gap <= self.recovery {
            self.pause(gap).await;
            match self.open().await {
                Rung::Up(up) => {
                    let took = up.ready.saturating_duration_since(since);
                    up.held.quit().await;
                    return Ok(Some(took));
                }
                Rung::Down(..) | Rung::Unfit(..) => {}
                Rung::Off(abort) => return Err(abort),
            }
            gap = gap.mul_f64(1.5).min(gaps.longest);
        }
        Ok(None)
    }

    /// How many sessions are still open, asked of each. None when the run has to halt: a server that
    /// takes its time to answer does not hold that up.
    async fn count(&self, crew: &Crew) -> Option<u32> {
        tokio::select! {
            biased;
            () = self.halt.cancelled() => None,
            alive = crew.alive() => Some(alive),
        }
    }

    /// Waits, but not when the run has to halt.
    async fn pause(&self, time: Duration) {
        tokio::select! {
            biased;
            () = self.halt.cancelled() => {}
            () = sleep(time) => {}
        }
    }
}

/// What ended the climb.
enum Ended {
    AtCap,
    Refused(Refusal, Transcript),
    Parted(Parted),
    Unfit(Refusal, Transcript),
    Off(Abort),
}

/// Pauses between tries for a new session: they grow from the first to the longest.
#[derive(Clone, Copy)]
struct Gaps {
    first: Duration,
    longest: Duration,
}

/// From one session to the next, so that the server's own work is not what is measured.
const BETWEEN: Duration = Duration::from_millis(100);
const SIMULTANEOUS_GAPS: Gaps =
    Gaps { first: Duration::from_millis(100), longest: Duration::from_secs(10) };
/// Longer, because a refused try may count as well.
const RATE_GAPS: Gaps = Gaps { first: Duration::from_secs(1), longest: Duration::from_secs(30) };
/// How long a climb may take, and never longer than half its interval.
const LONGEST: Duration = Duration::from_secs(900);
const MINUTE: Duration = Duration::from_secs(60);
