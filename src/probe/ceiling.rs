//! Connection limits of our own servers: where the 421 begins, without being the cause of it.
//!
//! A run has the remote alone ([`super::permits::lease`]) until it knows how long it takes until a
//! new session is accepted again, so the refusal that it provoked meets nobody else and no pause
//! follows. Only a server that has not recovered by then is paused.
//!
//! # Why so careful
//!
//! - Whose server it is, is asked of the address that is connected to, again before each session:
//!   names can be pointed elsewhere, and a reload can take a network away.
//! - What ends a run for another reason than the server's refusal gives no number: a limit that is
//!   too low by accident would wake somebody.
//! - Every session that was greeted ends by QUIT, newest first, whatever ends the run: the server
//!   then frees its places in the order in which they were filled up, and its log shows no lost
//!   connection.

mod crew;
mod run;
mod rung;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, getrlimit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::run::Run;
use super::elsewhere::Elsewhere;
use super::locate::{self, Site};
use super::permits::Denied;
use super::permits::lease::Lease;
use super::{Prober, budget, mail};
use crate::observation::{Abort, AbortKind, Failure, LadderSeen};
use crate::smtp::Phase;
use crate::target::{Endpoint, Ladder, LadderMode};

/// One run to do, against every address of its target.
#[derive(Debug, Clone)]
pub struct Climb {
    /// What to measure.
    pub ladder: Arc<Ladder>,
    /// How long to wait for other runs, and for open sessions with the remote to end.
    pub patience: Duration,
    /// How long a new session is waited for after a refusal: [`RECOVERY`].
    pub recovery: Duration,
    /// Ends the run at once, by QUIT.
    pub stop: CancellationToken,
}

/// What came of a run at one address.
#[derive(Debug, Clone, PartialEq)]
pub enum Climbed {
    /// It was begun. Perhaps it broke off: [`LadderSeen::aborted`].
    Seen(Arc<LadderSeen>),
    /// It was not begun.
    Denied(Endpoint, Denied),
    /// The target's name leads nowhere.
    Unresolved(Failure),
}

impl Prober {
    /// Runs a ladder; `sink` is called for each address as its run ends. One run at a time is under
    /// way in the whole exporter. Ends within some seconds when it is told to stop.
    pub async fn climb(&self, job: &Climb, sink: &(dyn Fn(Climbed) + Send + Sync)) {
        let patience = Instant::now() + job.patience;
        let policy = self.policy();
        let resolver = self.resolver();
        let located = tokio::select! {
            biased;
            () = job.stop.cancelled() => return,
            located = locate::locate(&job.ladder.check, &policy, &resolver, false) => located,
        };
        let sites = match located {
            Ok(located) => located.visits,
            Err(failure) => return sink(Climbed::Unresolved(failure)),
        };
        let slot = match self.permits.ladder_slot(patience, &job.stop).await {
            Ok(slot) => slot,
            Err(denied) => {
                for site in sites {
                    sink(Climbed::Denied(site.endpoint, denied));
                }
                return;
            }
        };
        for site in sites {
            if job.stop.is_cancelled() {
                break;
            }
            sink(self.climb_one(job, site, patience).await);
        }
        drop(slot);
    }

    async fn climb_one(&self, job: &Climb, site: Site, patience: Instant) -> Climbed {
        let ladder = &job.ladder;
        let endpoint = site.endpoint.clone();
        let broken = |abort| {
            let seen = LadderSeen::of(endpoint.clone(), ladder.mode, SystemTime::now());
            Climbed::Seen(Arc::new(LadderSeen { aborted: Some(abort), ..seen }))
        };
        if let Some(abort) = self.not_ours(&site).or_else(|| too_few_descriptors(ladder)) {
            return broken(abort);
        }
        let quiet = match ladder.mode {
            LadderMode::Rate => QUIET,
            LadderMode::Simultaneous | LadderMode::Idle => Duration::ZERO,
        };
        let lease = self.permits.lease(site.address, quiet, patience, &job.stop).await;
        let lease = match lease {
            Ok(lease) => lease,
            Err(denied) => return Climbed::Denied(endpoint, denied),
        };
        let underway = self.counts.begin();
        let halt = job.stop.child_token();
        let mut turns = self.elsewhere.listen();
        let remote = site.address;
        let climb = self.measure(Run::new(self, job, site, halt.clone()), lease);
        tokio::pin!(climb);
        let mut elsewhere = None;
        let mut seen = loop {
            tokio::select! {
                biased;
                seen = &mut climb => break seen,
                what = Elsewhere::turned(&mut turns, remote), if elsewhere.is_none() => {
                    elsewhere = Some(what);
                    halt.cancel();
                }
            }
        };
        // What ended the run is known here only: the run itself was told to halt.
        if let Some(what) = elsewhere
            && seen.aborted.as_ref().is_some_and(|abort| abort.kind == AbortKind::Stopped)
        {
            let detail = format!("ordinary sessions elsewhere began to fail: {what}");
            seen.aborted = Some(Abort { kind: AbortKind::Elsewhere, detail });
        }
        underway.finish();
        Climbed::Seen(Arc::new(seen))
    }

    async fn measure(&self, mut run: Run<'_>, mut lease: Lease) -> LadderSeen {
        let seen = match run.ladder().mode {
            LadderMode::Simultaneous => run.simultaneous().await,
            LadderMode::Rate => run.rate().await,
            LadderMode::Idle => return run.idle(lease).await,
        };
        lease.settle(outcome(&seen));
        seen
    }

    /// Says so when the server is not one of ours, by its address.
    fn not_ours(&self, site: &Site) -> Option<Abort> {
        let address = site.address;
        (!self.policy().own.has_address(address)).then(|| Abort {
            kind: AbortKind::NotOurs,
            detail: format!(
                "{address} is not in exporter.own: if you run it, add its address or network there"
            ),
        })
    }
}

/// What a run came to, as far as politeness goes. A run that broke off after a refusal does not know
/// whether the server takes us again: ordinary probes would meet a refusal that it provoked.
fn outcome(seen: &LadderSeen) -> budget::Outcome {
    match &seen.refusal {
        Some(refusal) if seen.recovery.is_none() && refusal.code >= 400 => {
            mail::politeness_of(refusal.cause, refusal.phase, refusal.code)
        }
        Some(_) if seen.recovery.is_none() => budget::Outcome::Neutral,
        _ if seen.aborted.is_some() => budget::Outcome::Neutral,
        _ => budget::Outcome::Welcome,
    }
}

/// A run that would use up the descriptors would make every ordinary probe fail.
fn too_few_descriptors(ladder: &Ladder) -> Option<Abort> {
    let limit = getrlimit(Resource::Nofile).current?;
    let open = fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
    let needed = u64::from(ladder.connections()) + SPARE_DESCRIPTORS;
    let left = limit.saturating_sub(open);
    (left < needed).then(|| Abort {
        kind: AbortKind::Exporter,
        detail: format!(
            "a run with {} connections needs {needed} file descriptors, and {left} of {limit} are \
             left: raise the limit (ulimit -n, LimitNOFILE=) or lower max_connections",
            ladder.connections()
        ),
    })
}

/// The phase of the last EHLO.
const fn last_hello(inside_tls: bool) -> Phase {
    if inside_tls { Phase::EhloTls } else { Phase::Ehlo }
}

/// How long a new session is waited for after a refusal.
pub const RECOVERY: Duration = Duration::from_secs(120);
/// How long nothing of ours may have been open before sessions per minute are counted: servers
/// count the minute from the first connection.
const QUIET: Duration = Duration::from_secs(61);
/// Descriptors that are left to everything else.
const SPARE_DESCRIPTORS: u64 = 32;
