//! Looks at domains' records and keys: one task that starts what is due, a few at once, and puts what
//! was seen in the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::posture::{Finding, Report, Severity, Subject};
use crate::probe::Prober;
use crate::store::{PostureChange, Store};

/// The looks at all domains, for as long as it runs.
pub struct Surveys {
    orders: watch::Sender<Orders>,
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

/// Which domains are looked at, as of which generation of the store.
#[derive(Debug, Clone, Default)]
struct Orders {
    subjects: Vec<Arc<Subject>>,
    generation: u64,
}

impl Surveys {
    /// Looks at nothing yet.
    pub fn new(prober: Arc<Prober>, store: Arc<Store>) -> Self {
        let (orders, heard) = watch::channel(Orders::default());
        let stop = CancellationToken::new();
        let surveyor = Surveyor {
            prober,
            store,
            heard,
            stop: stop.clone(),
            origin: Instant::now(),
            domains: BTreeMap::new(),
            under_way: HashMap::new(),
            tasks: JoinSet::new(),
        };
        Self { orders, stop, handle: tokio::spawn(surveyor.run()) }
    }

    /// Makes exactly these domains be looked at. One that did not change keeps its place on its grid,
    /// and a look under way; one that is gone, or at which something else is to be looked at, ends
    /// what is under way.
    pub fn replan(&self, subjects: &[Arc<Subject>], generation: u64) {
        self.orders.send_replace(Orders { subjects: subjects.to_vec(), generation });
    }

    /// Starts nothing more, says QUIT in what is open, and waits for it.
    pub async fn stop(self) {
        self.stop.cancel();
        // A task that panicked has ended as well.
        let _ = self.handle.await;
    }
}

/// The task.
struct Surveyor {
    prober: Arc<Prober>,
    store: Arc<Store>,
    heard: watch::Receiver<Orders>,
    stop: CancellationToken,
    /// The grids begin here, so that a reload does not move them.
    origin: Instant,
    domains: BTreeMap<Arc<str>, Planned>,
    /// Which domain each task looks at.
    under_way: HashMap<Id, Arc<str>>,
    tasks: JoinSet<Option<Report>>,
}

/// One domain.
struct Planned {
    subject: Arc<Subject>,
    /// As of which generation of the store.
    generation: u64,
    /// When the next look is due, since the origin.
    due: Duration,
    /// The look under way is told to end by this.
    running: Option<(Id, CancellationToken)>,
}

impl Surveyor {
    async fn run(mut self) {
        loop {
            self.start_due();
            let due = self.next_due().map(|due| self.origin + due);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                heard = self.heard.changed() => {
                    if heard.is_err() {
                        break;
                    }
                    let orders = self.heard.borrow_and_update().clone();
                    self.take(&orders);
                }
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = sleep_until(due) => {}
            }
        }
        for planned in self.domains.values() {
            if let Some((_, stop)) = &planned.running {
                stop.cancel();
            }
        }
        while self.tasks.join_next().await.is_some() {}
    }

    /// The first moment at which something can be started; none while nothing is planned, or as much
    /// as may be is under way.
    fn next_due(&self) -> Option<Duration> {
        if self.tasks.len() >= AT_ONCE {
            return None;
        }
        self.domains.values().filter(|one| one.running.is_none()).map(|one| one.due).min()
    }

    fn start_due(&mut self) {
        let now = self.origin.elapsed();
        let mut due: Vec<(Duration, Arc<str>)> = self
            .domains
            .iter()
            .filter(|(_, one)| one.running.is_none() && one.due <= now)
            .map(|(name, one)| (one.due, name.clone()))
            .collect();
        due.sort();
        for (_, name) in due {
            if self.tasks.len() >= AT_ONCE {
                return;
            }
            let Some(planned) = self.domains.get_mut(&name) else { continue };
            let stop = self.stop.child_token();
            let (prober, store) = (self.prober.clone(), self.store.clone());
            let (subject, token) = (planned.subject.clone(), stop.clone());
            let task = self.tasks.spawn(async move {
                let before = store.postures().before(&subject.domain);
                prober.survey(&subject, before.as_deref(), &token).await
            });
            planned.running = Some((task.id(), stop));
            self.under_way.insert(task.id(), name);
        }
    }

    /// Plans the next look, and puts what was seen in the store.
    fn ended(&mut self, ended: Result<(Id, Option<Report>), JoinError>) {
        let (id, report) = match ended {
            Ok((id, report)) => (id, report),
            Err(error) => {
                let domain = self.under_way.get(&error.id());
                tracing::error!(domain = domain.map(|name| &**name), %error, "a look at a domain panicked: a fault of the exporter");
                (error.id(), None)
            }
        };
        let Some(name) = self.under_way.remove(&id) else { return };
        let now = self.origin.elapsed();
        let Some(planned) = self.domains.get_mut(&name) else { return };
        // A reload may have planned another look at the domain meanwhile.
        if planned.running.as_ref().is_none_or(|(running, _)| *running != id) {
            return;
        }
        planned.running = None;
        // Looks that there was no time for are left out.
        while planned.due <= now {
            planned.due += planned.subject.interval;
        }
        planned.tell(&self.store, now);
        if let Some(report) = report {
            tracing::debug!(
                domain = %name,
                duration = report.duration.as_secs_f64(),
                findings = report.findings.len(),
                "looked at a domain"
            );
            let change = self.store.postures().put(planned.generation, report);
            log_change(&name, &change);
        }
    }

    fn take(&mut self, orders: &Orders) {
        let now = self.origin.elapsed();
        let mut old = std::mem::take(&mut self.domains);
        let many = u32::try_from(orders.subjects.len()).unwrap_or(u32::MAX).max(1);
        let gap = (SPLAY / many).min(GAP);
        let mut first = now;
        for subject in &orders.subjects {
            let known = old.remove(&subject.domain);
            let planned = match known {
                Some(mut planned) if planned.subject.is_same_look(subject) => {
                    if planned.subject.interval != subject.interval {
                        // Not later than the new interval says, and on the old grid until then.
                        planned.due = planned.due.min(now + subject.interval);
                    }
                    planned.subject = subject.clone();
                    planned.generation = orders.generation;
                    planned
                }
                other => {
                    if let Some((_, stop)) = other.and_then(|planned| planned.running) {
                        stop.cancel();
                    }
                    let due = first;
                    first += gap;
                    let generation = orders.generation;
                    Planned { subject: subject.clone(), generation, due, running: None }
                }
            };
            planned.tell(&self.store, now);
            self.domains.insert(subject.domain.clone(), planned);
        }
        for (_, stop) in old.into_values().filter_map(|planned| planned.running) {
            stop.cancel();
        }
    }
}

impl Planned {
    /// Tells the store when the next look is.
    fn tell(&self, store: &Store, now: Duration) {
        let at = SystemTime::now() + self.due.saturating_sub(now);
        store.postures().set_next(self.generation, &self.subject.domain, at);
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// One line for each problem that came or went.
fn log_change(domain: &str, change: &PostureChange) {
    for Finding { problem, on, detail } in &change.came {
        let (area, on) = (problem.area(), on.said());
        match problem.severity() {
            Severity::Error => {
                tracing::warn!(domain, %area, %problem, on, detail, "posture problem came");
            }
            Severity::Warning => {
                tracing::info!(domain, %area, %problem, on, detail, "posture problem came");
            }
        }
    }
    for (problem, on) in &change.went {
        let (area, on) = (problem.area(), on.said());
        tracing::info!(domain, %area, %problem, on, "posture problem went");
    }
}

/// Domains that are looked at at once: each visits other people's servers.
const AT_ONCE: usize = 4;
/// The first looks are spread over so much.
const SPLAY: Duration = Duration::from_secs(60);
/// Few domains are not waited for so long: from one first look to the next.
const GAP: Duration = Duration::from_secs(1);
