//! Looking subjects up on DNS block lists, with manners: [`Lookups`].

mod health;
mod kept;
mod operator;
mod own;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use self::health::HealthLook;
pub use self::operator::KeptPause;
pub use self::own::{is_public, own_addresses};

use self::health::Healths;
use self::kept::Kept;
use self::operator::{Operators, Turn};
use crate::dnsbl::{List, Reason, Reply, Subject, Verdict, judge, query};
use crate::net::listing::Client;
use crate::observation::Lookup;

/// Looks subjects up. The schedule, the command line and tests share it, and so its limits.
///
/// - An answer is kept as long as its TTL says, within [`Manners::keep_least`] and
///   [`Manners::keep_most`]; a kept answer asks nothing.
/// - The lists of one operator are asked one question at a time, and no oftener than its
///   [`min_gap`](crate::dnsbl::Operator::min_gap); all operators together have
///   [`Manners::in_flight`] questions under way.
/// - A refusal pauses its operator for [`Manners::pause`]: none of its lists is asked meanwhile. A
///   reload keeps the pause, unless it changed what the refused list is asked as, or through whom.
/// - A list whose test points were last seen to answer wrongly is not asked for subjects: what it
///   would say proves nothing.
/// - The reasons (TXT) are asked for what is listed and for nothing else, at the same name.
#[derive(Debug)]
pub struct Lookups {
    manners: Manners,
    settings: RwLock<Arc<Settings>>,
    operators: Operators,
    kept: Mutex<Kept>,
    healths: Healths,
    slots: Semaphore,
}

/// Bounds that are the same for every list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    /// An answer is kept at least so long, whatever its TTL.
    pub keep_least: Duration,
    /// An answer is kept at most so long.
    pub keep_most: Duration,
    /// Answers kept, all lists together.
    pub kept_answers: usize,
    /// How long an operator that refused us is left alone.
    pub pause: Duration,
    /// Questions under way at once, all operators together.
    pub in_flight: usize,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            keep_least: Duration::from_secs(30),
            keep_most: Duration::from_secs(24 * 3600),
            kept_answers: 20_000,
            pause: Duration::from_secs(6 * 3600),
            // The resolver's own bound per server; a small name server drops packets past 100.
            in_flight: 32,
        }
    }
}

/// What a reload replaces as a whole.
#[derive(Debug)]
struct Settings {
    servers: Vec<SocketAddr>,
    timeout: Duration,
    /// A client per set of servers, made when first needed.
    clients: Mutex<HashMap<Vec<SocketAddr>, Arc<Client>>>,
}

/// One question of type A, answered and judged.
struct Asked {
    reply: Reply,
    verdict: Verdict,
    took: Duration,
    ttl: Duration,
}

impl Lookups {
    /// Asks `servers` unless a list has its own, or those of the system when there are none.
    /// `timeout` bounds one question.
    pub fn new(servers: &[SocketAddr], timeout: Duration, manners: Manners) -> Self {
        Self {
            settings: RwLock::new(Arc::new(Settings::new(servers, timeout))),
            operators: Operators::default(),
            kept: Mutex::new(Kept::new(manners.kept_answers)),
            healths: Healths::default(),
            slots: Semaphore::new(manners.in_flight),
            manners,
        }
    }

    /// Takes over changed settings and the lists as they are now. Kept answers, rates and pauses
    /// outlive it, as far as a list is still asked in the same way.
    pub fn reconfigure(&self, servers: &[SocketAddr], timeout: Duration, lists: &[Arc<List>]) {
        let settings = Settings::new(servers, timeout);
        let moved = self.settings().servers != settings.servers;
        for list in lists {
            self.operators.reconsider(list, moved && list.servers.is_empty());
        }
        let known = |name: &str| lists.iter().find(|list| *list.name == *name);
        self.healths.retain(known);
        lock(&self.kept).retain(known);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Looks one subject up on one list. It waits for the operator's turn as long as that takes; the
    /// question itself is bounded.
    pub async fn look_up(&self, list: &Arc<List>, subject: &Subject) -> Lookup {
        if let Some(known) = self.without_asking(list, subject) {
            return known;
        }
        let mut turn = self.operators.turn(list).await;
        // What was asked while we waited may have answered this, or may have been refused.
        if let Some(known) = self.without_asking(list, subject) {
            return known;
        }
        let name = query::name(subject, &list.zone).unwrap_or_default();
        let asked = self.ask(list, &name, &mut turn).await;
        let reasons = match &asked.verdict {
            Verdict::Listed(_) => self.reasons(list, &name, &mut turn).await,
            _ => Vec::new(),
        };
        let definite = matches!(asked.verdict, Verdict::Listed(_) | Verdict::Clean);
        let keep = match definite {
            true => asked.ttl.clamp(self.manners.keep_least, self.manners.keep_most),
            false => Duration::ZERO,
        };
        let ended = SystemTime::now();
        let lookup = Lookup {
            list: list.clone(),
            subject: subject.clone(),
            ended,
            duration: Some(asked.took),
            verdict: asked.verdict,
            reasons,
            good_until: ended + keep,
        };
        if definite {
            lock(&self.kept).keep(&lookup, Instant::now() + keep);
        }
        lookup
    }

    /// Until when the list's operator is left alone, because it refused us.
    pub fn paused_until(&self, list: &List) -> Option<SystemTime> {
        self.operators.pause_of(list).map(|pause| pause.wall)
    }

    /// The pauses that hold, for the next run.
    pub fn pauses(&self) -> Vec<KeptPause> {
        self.operators.pauses(&self.settings().servers)
    }

    /// Takes over the pauses of the run before, as far as their lists are among `lists` and asked in
    /// the same way; after [`Self::reconfigure`], which says through whom.
    pub fn restore(&self, kept: &[KeptPause], lists: &[Arc<List>]) {
        let servers = &self.settings().servers;
        for pause in kept {
            self.operators.restore(pause, lists, servers, self.manners.pause);
        }
    }

    /// With what the list's operator is left alone: the refusal, for a person.
    pub fn refusal_of(&self, list: &List) -> Option<String> {
        self.operators.pause_of(list).map(|pause| pause.why)
    }

    /// What is known without a question: a pause, test points gone wrong, a kept answer.
    fn without_asking(&self, list: &Arc<List>, subject: &Subject) -> Option<Lookup> {
        if !list.subjects.contains(&subject.kind()) {
            let text = format!("the list is not for subjects of kind {}", subject.kind());
            return Some(unknown(list, subject, Reason::Other, &text));
        }
        if query::name(subject, &list.zone).is_none() {
            // A name that cannot be is on no list.
            let clean = unknown(list, subject, Reason::Other, "");
            return Some(Lookup { verdict: Verdict::Clean, ..clean });
        }
        if let Some(pause) = self.operators.pause_of(list) {
            return Some(unknown(list, subject, Reason::Refused, &pause.to_string()));
        }
        if let Some(detail) = self.healths.trouble_of(list) {
            return Some(unknown(list, subject, Reason::ListUnhealthy, &detail));
        }
        lock(&self.kept).find(list, subject)
    }

    /// One question of type A. A refusal pauses the operator.
    async fn ask(&self, list: &Arc<List>, name: &str, turn: &mut Turn) -> Asked {
        turn.wait(list.operator.min_gap).await;
        // Nobody ever closes it, so there is a permit or a wait.
        let _slot = self.slots.acquire().await;
        let begun = Instant::now();
        let reply = match self.settings().client(list) {
            Ok(client) => client.addresses(name).await,
            Err(error) => Reply::Other(error),
        };
        let took = begun.elapsed();
        let ttl = match &reply {
            Reply::Addresses(_, ttl) | Reply::Nothing(ttl) => *ttl,
            _ => Duration::ZERO,
        };
        let verdict = judge(list, &reply);
        if let Verdict::Unknown(Reason::Refused, why) = &verdict {
            let wall = self.operators.pause(list, self.manners.pause, why);
            tracing::warn!(
                list = %list.name,
                operator = %list.operator.name,
                why,
                until = %humantime::format_rfc3339_seconds(wall),
                "block list refuses us: its operator is left alone"
            );
        }
        Asked { reply, verdict, took, ttl }
    }

    /// The list's reasons for a name that is listed.
    async fn reasons(&self, list: &Arc<List>, name: &str, turn: &mut Turn) -> Vec<String> {
        turn.wait(list.operator.min_gap).await;
        let _slot = self.slots.acquire().await;
        match self.settings().client(list) {
            Ok(client) => {
                let texts = client.texts(name).await.into_iter();
                texts.map(|text| list.zone.hide_in(text)).collect()
            }
            Err(_) => Vec::new(),
        }
    }

    fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Settings {
    fn new(servers: &[SocketAddr], timeout: Duration) -> Self {
        Self { servers: servers.to_vec(), timeout, clients: Mutex::default() }
    }

    fn client(&self, list: &List) -> Result<Arc<Client>, String> {
        let servers = if list.servers.is_empty() { &self.servers } else { &list.servers };
        let mut clients = lock(&self.clients);
        if let Some(client) = clients.get(servers) {
            return Ok(client.clone());
        }
        let client = Arc::new(Client::new(servers, self.timeout)?);
        clients.insert(servers.clone(), client.clone());
        Ok(client)
    }
}

/// A look-up that did not get as far as a question.
fn unknown(list: &Arc<List>, subject: &Subject, reason: Reason, text: &str) -> Lookup {
    let now = SystemTime::now();
    Lookup {
        list: list.clone(),
        subject: subject.clone(),
        ended: now,
        duration: None,
        verdict: Verdict::Unknown(reason, text.to_owned()),
        reasons: Vec::new(),
        good_until: now,
    }
}

/// A panic elsewhere must not end all look-ups: every change here leaves a state that can be read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
