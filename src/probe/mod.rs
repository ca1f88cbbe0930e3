//! Probing: a check in, what was seen out. [`Prober::run`] never fails; a failed probe is an
//! observation. All permits live here, so the schedule, `/probe` and the command line meet the same
//! limits.

pub mod blame;
pub mod budget;
pub mod ceiling;
pub mod dialog;
pub mod dnsbl;
mod elsewhere;
mod expect;
mod locate;
mod mail;
mod old_tls;
pub mod permits;
pub mod posture;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::locate::{Located, Site};
use self::permits::{Denied, Permits};
use crate::cause::{Blame, Cause};
use crate::net::dns::Resolver;
use crate::net::records::Records;
use crate::net::tls::TlsClient;
use crate::observation::{Failure, Observation, ProbeCounts, Round, Side, SkipReason, Transcript};
use crate::smtp::Phase;
use crate::target::{Check, CheckKey, Endpoint, FOREIGN_INTERVAL, Policy};

/// One round to run.
#[derive(Clone)]
pub struct Job {
    /// What to probe.
    pub check: Check,
    /// How long to wait for permits before an endpoint is skipped.
    pub patience: Duration,
    /// When the asker stops listening. What this cuts is `deadline_exceeded`, never their fault.
    pub deadline: Option<Instant>,
    /// Asked for each endpoint between resolving and connecting: what is checked is what is then
    /// connected to.
    pub admit: Option<Admit>,
    /// Ends the round politely. What it cuts off is not counted.
    pub stop: CancellationToken,
}

/// May this endpoint be connected to?
pub type Admit = Arc<dyn Fn(&Endpoint) -> bool + Send + Sync>;

/// Called for each endpoint's observation as it ends.
pub type Sink<'a> = &'a (dyn Fn(&Arc<Observation>) + Send + Sync);

/// Runs probes within the limits.
pub struct Prober {
    permits: Arc<Permits>,
    settings: RwLock<Arc<Settings>>,
    counts: Arc<ProbeCounts>,
    /// Whether ordinary sessions begin to fail, for runs that measure limits.
    elsewhere: elsewhere::Elsewhere,
    /// What second looks at servers with old TLS saw.
    old_tls: Arc<old_tls::Looks>,
    /// When a check last connected to an address that is not ours.
    visited: Mutex<HashMap<Visitor, Instant>>,
    /// What looks at domains saw of mail exchangers that are not ours.
    exchangers: Arc<posture::Visits>,
}

/// Who visits which address, and from which one.
type Visitor = (CheckKey, IpAddr, Option<IpAddr>);

/// What a reload replaces as a whole.
struct Settings {
    policy: Arc<Policy>,
    resolver: Arc<Resolver>,
    records: Records,
    tls: Arc<TlsClient>,
}

impl Prober {
    /// A prober with fresh permits.
    ///
    /// # Errors
    ///
    /// The resolver's configuration, `tls.ca_file` or `dns.trust_anchor` cannot be read.
    pub fn new(policy: Policy) -> Result<Self, String> {
        Ok(Self {
            permits: Permits::new(&policy),
            settings: RwLock::new(Arc::new(Settings::new(policy)?)),
            counts: Arc::default(),
            elsewhere: elsewhere::Elsewhere::default(),
            old_tls: Arc::default(),
            visited: Mutex::default(),
            exchangers: Arc::default(),
        })
    }

    /// Takes over changed settings. Permits and pauses outlive it.
    ///
    /// # Errors
    ///
    /// As [`Prober::new`]; nothing changes then.
    pub fn reconfigure(&self, policy: Policy) -> Result<(), String> {
        let settings = Arc::new(Settings::new(policy)?);
        let policy = &settings.policy;
        self.permits.reconfigure(policy.host_budget, policy.backoff, policy.max_concurrent_probes);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// The settings in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.settings().policy.clone()
    }

    /// Until when a remote is paused, and why.
    pub fn pause_of(&self, remote: IpAddr) -> Option<(SystemTime, Cause)> {
        self.permits.pause_of(remote)
    }

    /// The permits, for keeping pauses over a restart.
    pub fn permits(&self) -> &Permits {
        &self.permits
    }

    /// The resolver in force.
    pub fn resolver(&self) -> Arc<Resolver> {
        self.settings().resolver.clone()
    }

    /// How many endpoints are being probed, and what became of the others.
    pub fn counts(&self) -> Arc<ProbeCounts> {
        self.counts.clone()
    }

    /// Runs one round; `sink` is called for each endpoint as it ends.
    pub async fn run(&self, job: &Job, sink: Sink<'_>) -> Round {
        let settings = self.settings();
        let key = job.check.key();
        let sink = &|seen: &Arc<Observation>| {
            self.elsewhere.note(&key, seen);
            sink(seen);
        };
        let clock = Instant::now();
        let mut round = Round::new(SystemTime::now());
        let located = tokio::select! {
            biased;
            () = job.stop.cancelled() => {
                return round.end();
            }
            () = until(job.deadline) => Err(Failure::new(
                Phase::Resolve,
                Cause::DeadlineExceeded,
                "the time granted for the probe ended while names were being resolved",
            )),
            located = locate::locate(&job.check, &settings.policy, &settings.resolver, job.admit.is_some()) => located,
        };
        let resolve = clock.elapsed();
        match located {
            Ok(located) => {
                self.visit_all(job, &settings, located, resolve, &mut round, sink).await;
            }
            Err(failure) => {
                let endpoint = Endpoint::unresolved();
                let seen = without_dialogue(job, endpoint, failure, resolve);
                keep(&mut round, seen, sink);
            }
        }
        round.end()
    }

    async fn visit_all(
        &self,
        job: &Job,
        settings: &Arc<Settings>,
        located: Located,
        resolve: Duration,
        round: &mut Round,
        sink: Sink<'_>,
    ) {
        round.mx_records = located.mx_records;
        round.left_out = located.left_out;
        round.notes = located.notes;
        for (endpoint, failure) in located.dead {
            round.endpoints.push(endpoint.clone());
            keep(round, without_dialogue(job, endpoint, failure, resolve), sink);
        }
        let patience = Instant::now() + job.patience;
        let patience = job.deadline.map_or(patience, |deadline| deadline.min(patience));
        let mut tasks = JoinSet::new();
        let mut sites = HashMap::new();
        for site in located.visits {
            if job.admit.as_ref().is_some_and(|admit| !admit(&site.endpoint)) {
                round.forbidden.push(site.endpoint);
                continue;
            }
            round.endpoints.push(site.endpoint.clone());
            if !self.due(job, &site) {
                round.skip(site.endpoint, SkipReason::Budget, None);
                continue;
            }
            let visit = mail::Visit {
                policy: settings.policy.clone(),
                tls: settings.tls.clone(),
                module: job.check.module.clone(),
                site: site.clone(),
                resolve,
                deadline: job.deadline,
                stop: job.stop.clone(),
                old_tls: self.old_tls.clone(),
                chain: None,
            };
            let (permits, counts) = (self.permits.clone(), self.counts.clone());
            let task = tasks.spawn(async move {
                let mut permit = permits.acquire(visit.site.address, patience, &visit.stop).await?;
                let underway = counts.begin();
                let seen = mail::visit(&visit).await.ok_or(Denied::Stopped)?;
                permit.settle(mail::politeness(&seen));
                underway.finish();
                Ok::<_, Denied>(seen)
            });
            sites.insert(task.id(), site);
        }
        // Refused at every address is their server; at some only, the path to those. So it is known
        // at the end whose move a refused connection is.
        let mut refused = Vec::new();
        while let Some(joined) = tasks.join_next_with_id().await {
            let id = joined.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
            let Some(site) = sites.remove(&id) else { continue };
            match joined.map(|(_, seen)| seen) {
                Ok(Ok(seen)) => {
                    self.remember(job, &site);
                    if is_refused(&seen) { refused.push(seen) } else { keep(round, seen, sink) }
                }
                Ok(Err(Denied::Paused(until, cause))) => {
                    round.skip(site.endpoint, SkipReason::Backoff, Some((until, cause)));
                }
                Ok(Err(Denied::Late)) => round.skip(site.endpoint, SkipReason::Budget, None),
                Ok(Err(Denied::Leased)) => round.skip(site.endpoint, SkipReason::Ladder, None),
                Ok(Err(Denied::Stopped)) => round.skip(site.endpoint, SkipReason::Shutdown, None),
                // A panic costs this probe and no other.
                Err(_) => {
                    let failure = panicked(Phase::Connect);
                    keep(round, without_dialogue(job, site.endpoint, failure, resolve), sink);
                }
            }
        }
        let everywhere = round.observations.iter().all(|seen| seen.endpoint.address.is_none());
        for mut seen in refused {
            if let Some(failure) = &mut seen.failure {
                failure.blame = if everywhere { Blame::Target } else { Blame::Path };
            }
            keep(round, seen, sink);
        }
        for endpoint in &round.endpoints {
            if let Some((until, cause)) =
                endpoint.address.and_then(|address| self.permits.pause_of(address))
            {
                round.paused.push((endpoint.clone(), until, cause));
            }
        }
    }

    /// A server that is not ours is visited by one check no oftener than the gentle interval: also
    /// where the target is ours and its mail exchanger is not, and whoever asks.
    fn due(&self, job: &Job, site: &Site) -> bool {
        if site.ours {
            return true;
        }
        // A tenth of slack, because a round may begin a little late and the next one on time.
        let least = job.check.module.gentle_interval().mul_f64(0.9);
        let visited = self.visited.lock().unwrap_or_else(PoisonError::into_inner);
        visited
            .get(&(job.check.key(), site.address, site.bind))
            .is_none_or(|last| last.elapsed() >= least)
    }

    /// Remembers a visit to a server that is not ours.
    fn remember(&self, job: &Job, site: &Site) {
        if site.ours {
            return;
        }
        let mut visited = self.visited.lock().unwrap_or_else(PoisonError::into_inner);
        if visited.len() > VISITS {
            visited.retain(|_, last| last.elapsed() < FOREIGN_INTERVAL);
        }
        visited.insert((job.check.key(), site.address, site.bind), Instant::now());
    }

    fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Settings {
    fn new(policy: Policy) -> Result<Self, String> {
        Ok(Self {
            resolver: Arc::new(Resolver::new(&policy.dns_servers, policy.dns_timeout)?),
            records: Records::new(
                &policy.dns_servers,
                policy.dns_timeout,
                policy.dns_trust_anchor.as_deref(),
            )?,
            tls: Arc::new(TlsClient::new(policy.ca_file.as_deref())?),
            policy: Arc::new(policy),
        })
    }
}

/// Hands an observation to whoever waits for it, and keeps it in the round.
fn keep(round: &mut Round, seen: Observation, sink: Sink<'_>) {
    let seen = Arc::new(seen);
    sink(&seen);
    round.observations.push(seen);
}

/// The observation of an endpoint that nothing was said to.
fn without_dialogue(
    job: &Job,
    endpoint: Endpoint,
    failure: Failure,
    resolve: Duration,
) -> Observation {
    let mut transcript = Transcript::default();
    transcript.push(resolve, Side::Note, failure.detail.clone());
    Observation {
        duration: resolve,
        phases: vec![(Phase::Resolve, resolve)],
        negative: job.check.module.expect.is_some(),
        failure: Some(failure),
        transcript: Arc::new(transcript),
        ..Observation::of(endpoint, SystemTime::now())
    }
}

fn is_refused(seen: &Observation) -> bool {
    seen.failure.as_ref().is_some_and(|failure| failure.cause == Cause::ConnectRefused)
}

/// What a panic in our own code reads as.
fn panicked(phase: Phase) -> Failure {
    Failure::new(phase, Cause::ExporterError, "the probe panicked: this is a fault of the exporter")
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Remembered visits to servers that are not ours, beyond which old ones are forgotten.
const VISITS: usize = 4096;
