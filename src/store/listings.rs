//! The latest of every look-up and of every list's health.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::dnsbl::{List, Plan, Reason, Subject, Verdict, Wanted};
use crate::observation::{Health, Lookup};

/// What is known of all subjects on all lists.
#[derive(Debug, Default)]
pub struct Listings(Mutex<BTreeMap<Arc<str>, Entry>>);

/// One list and the subjects that it takes.
#[derive(Debug)]
struct Entry {
    view: Arc<ListView>,
    subjects: BTreeMap<Subject, Arc<ListingView>>,
}

/// One subject on one list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListingView {
    /// The list.
    pub list: Arc<List>,
    /// The subject.
    pub subject: Subject,
    /// The subject's own labels.
    pub labels: Arc<BTreeMap<String, String>>,
    /// The last look-up, its verdict `list_unhealthy` while the list is.
    pub last: Option<Arc<Lookup>>,
    /// The last look-up that could tell.
    pub last_told: Option<Arc<Lookup>>,
    /// Since when it is as it was last told, listed or clean; when it was first told, it may have
    /// been so for longer.
    pub since: Option<SystemTime>,
    /// When it is looked up next.
    pub next: Option<SystemTime>,
}

/// One list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListView {
    /// The list.
    pub list: Arc<List>,
    /// The last look at its test points. An unhealthy list stays so until a look tells otherwise.
    pub health: Option<Health>,
    /// Until when its operator is left alone because it refused us.
    pub paused_until: Option<SystemTime>,
    /// Questions asked, in the order of [`QueryResult::ALL`].
    pub queries: [u64; QueryResult::ALL.len()],
    /// Questions per bucket of [`QUERY_BUCKETS`], not cumulated, the last one being `+Inf`.
    pub buckets: [u64; QUERY_BUCKETS.len() + 1],
    /// Seconds of all questions.
    pub seconds: f64,
}

closed_enum! {
    /// What a question to a list came to.
    pub enum QueryResult {
        /// Listed.
        Listed => "listed",
        /// Not listed.
        Clean => "clean",
        /// Refused, by code or by REFUSED.
        Refused => "refused",
        /// SERVFAIL, a rewritten answer, no socket.
        Error => "error",
        /// No answer.
        Timeout => "timeout",
    }
}

/// A subject that became listed or was delisted.
#[derive(Debug, Clone, PartialEq)]
pub struct ListingChange {
    /// True when it is listed now.
    pub listed: bool,
    /// The look-up that said so.
    pub now: Arc<Lookup>,
    /// The last one that told otherwise; none when there was none.
    pub before: Option<Arc<Lookup>>,
}

impl QueryResult {
    /// What a verdict counts as.
    pub const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Listed(_) => Self::Listed,
            Verdict::Clean => Self::Clean,
            Verdict::Unknown(Reason::Refused, _) => Self::Refused,
            Verdict::Unknown(Reason::Timeout, _) => Self::Timeout,
            Verdict::Unknown(
                Reason::Servfail | Reason::Rewritten | Reason::ListUnhealthy | Reason::Other,
                _,
            ) => Self::Error,
        }
    }
}

impl Listings {
    /// Makes it hold exactly what `plan` and `subjects` (those of the plan, the targets' and the
    /// host's own, each once) say; what stays keeps what it knows. A list that is now asked at
    /// another zone, or of another kind, starts anew.
    pub fn replace(&self, plan: Option<&Plan>, subjects: &[Wanted]) {
        let mut entries = self.lock();
        let mut old = std::mem::take(&mut *entries);
        for list in plan.map_or(&[][..], |plan| &plan.lists) {
            let kept = old.remove(&list.name).filter(|entry| entry.is(list));
            let mut entry = kept.unwrap_or_else(|| Entry::new(list.clone()));
            entry.adopt(list, subjects);
            entries.insert(list.name.clone(), entry);
        }
    }

    /// Puts a look-up in and counts it when it asked; tells when the subject became listed or
    /// delisted. The first look-up that can tell is a change when it says listed. Dropped when the
    /// list or the subject is gone, or the list is asked at another zone by now.
    pub fn put(&self, lookup: Arc<Lookup>) -> Option<ListingChange> {
        let mut entries = self.lock();
        let entry = entries.get_mut(&lookup.list.name).filter(|entry| entry.is(&lookup.list))?;
        if let Some(duration) = lookup.duration {
            entry.count(QueryResult::of(&lookup.verdict), duration);
        }
        let trouble = entry.trouble();
        let view = Arc::make_mut(entry.subjects.get_mut(&lookup.subject)?);
        if let (Some(trouble), Some(_)) = (trouble, listed(&lookup)) {
            view.last = Some(Arc::new(doubted(&lookup, &trouble)));
            return None;
        }
        view.last = Some(lookup.clone());
        let now = listed(&lookup)?;
        let before = view.last_told.replace(lookup.clone());
        let was = before.as_deref().and_then(listed);
        if was == Some(now) {
            return None;
        }
        view.since = Some(lookup.ended);
        (now || was.is_some()).then_some(ListingChange { listed: now, now: lookup, before })
    }

    /// Puts a look at a list's test points in. A look that could not tell leaves an unhealthy list
    /// unhealthy, with the reason; of any other nothing is known then. While a list is unhealthy, every
    /// look-up there is could-not-tell. Dropped as a look-up is.
    pub fn put_health(&self, list: &List, health: Health) {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(&list.name).filter(|entry| entry.is(list)) else {
            return;
        };
        let view = Arc::make_mut(&mut entry.view);
        let told = view.health.as_ref().and_then(|health| health.healthy);
        // That it answered well before is no fact about now.
        let told = told.filter(|healthy| !healthy);
        view.health = Some(Health { healthy: health.healthy.or(told), ..health });
        let Some(trouble) = entry.trouble() else { return };
        for view in entry.subjects.values_mut() {
            if let Some(last) = view.last.as_ref().filter(|last| listed(last).is_some()) {
                let last = Arc::new(doubted(last, &trouble));
                Arc::make_mut(view).last = Some(last);
            }
        }
    }

    /// Counts one question to a list.
    pub fn count(&self, list: &str, result: QueryResult, duration: Duration) {
        if let Some(entry) = self.lock().get_mut(list) {
            entry.count(result, duration);
        }
    }

    /// Until when a list's operator is left alone; none: it is asked.
    pub fn set_paused(&self, list: &str, until: Option<SystemTime>) {
        if let Some(entry) = self.lock().get_mut(list)
            && entry.view.paused_until != until
        {
            Arc::make_mut(&mut entry.view).paused_until = until;
        }
    }

    /// When a subject is looked up next.
    pub fn set_next(&self, list: &str, subject: &Subject, at: SystemTime) {
        let mut entries = self.lock();
        if let Some(view) = entries.get_mut(list).and_then(|entry| entry.subjects.get_mut(subject))
        {
            Arc::make_mut(view).next = Some(at);
        }
    }

    /// The last look-up of a subject that could tell.
    pub fn last_told(&self, list: &str, subject: &Subject) -> Option<Arc<Lookup>> {
        self.lock().get(list)?.subjects.get(subject)?.last_told.clone()
    }

    /// Every subject on every list that takes it, in order of list and subject.
    pub fn listings(&self) -> Vec<Arc<ListingView>> {
        self.lock().values().flat_map(|entry| entry.subjects.values().cloned()).collect()
    }

    /// Every list, in order of name. A pause that is over is none.
    pub fn lists(&self) -> Vec<Arc<ListView>> {
        let now = SystemTime::now();
        let mut entries = self.lock();
        for entry in entries.values_mut() {
            if entry.view.paused_until.is_some_and(|until| until <= now) {
                Arc::make_mut(&mut entry.view).paused_until = None;
            }
        }
        entries.values().map(|entry| entry.view.clone()).collect()
    }

    /// A panic elsewhere must not lose what is known: every change leaves views that can be read.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new(list: Arc<List>) -> Self {
        let view = ListView {
            list,
            health: None,
            paused_until: None,
            queries: [0; QueryResult::ALL.len()],
            buckets: [0; QUERY_BUCKETS.len() + 1],
            seconds: 0.0,
        };
        Self { view: Arc::new(view), subjects: BTreeMap::new() }
    }

    /// Whether it is what `list` says, and not what another list of that name did.
    fn is(&self, list: &List) -> bool {
        self.view.list.zone == list.zone && self.view.list.kind == list.kind
    }

    /// Takes over the list as it is now, and exactly these subjects, as far as it takes them.
    fn adopt(&mut self, list: &Arc<List>, subjects: &[Wanted]) {
        if self.view.list != *list {
            Arc::make_mut(&mut self.view).list = list.clone();
        }
        let mut old = std::mem::take(&mut self.subjects);
        for wanted in subjects.iter().filter(|one| list.subjects.contains(&one.subject.kind())) {
            let view = match old.remove(&wanted.subject) {
                Some(view) if *view.labels == wanted.labels && view.list == *list => view,
                Some(mut view) => {
                    let changed = Arc::make_mut(&mut view);
                    changed.labels = Arc::new(wanted.labels.clone());
                    changed.list = list.clone();
                    view
                }
                None => Arc::new(ListingView {
                    list: list.clone(),
                    subject: wanted.subject.clone(),
                    labels: Arc::new(wanted.labels.clone()),
                    last: None,
                    last_told: None,
                    since: None,
                    next: None,
                }),
            };
            self.subjects.insert(wanted.subject.clone(), view);
        }
    }

    fn count(&mut self, result: QueryResult, duration: Duration) {
        let view = Arc::make_mut(&mut self.view);
        let index = QueryResult::ALL.iter().position(|one| *one == result);
        if let Some(count) = index.and_then(|index| view.queries.get_mut(index)) {
            *count += 1;
        }
        let seconds = duration.as_secs_f64();
        let bucket = QUERY_BUCKETS.iter().position(|bound| seconds <= *bound);
        if let Some(count) = view.buckets.get_mut(bucket.unwrap_or(QUERY_BUCKETS.len())) {
            *count += 1;
        }
        view.seconds += seconds;
    }

    /// What is wrong with the list while it is unhealthy.
    fn trouble(&self) -> Option<String> {
        let health = self.view.health.as_ref()?;
        (health.healthy == Some(false)).then(|| health.detail.clone())
    }
}

/// What a look-up told; none when it could not tell.
const fn listed(lookup: &Lookup) -> Option<bool> {
    match lookup.verdict {
        Verdict::Listed(_) => Some(true),
        Verdict::Clean => Some(false),
        Verdict::Unknown(..) => None,
    }
}

/// The same look-up, which proves nothing because of the list's trouble.
fn doubted(lookup: &Lookup, trouble: &str) -> Lookup {
    let verdict = Verdict::Unknown(Reason::ListUnhealthy, trouble.to_owned());
    Lookup { verdict, reasons: Vec::new(), ..lookup.clone() }
}

/// Upper bounds of the histogram of questions, in seconds.
pub const QUERY_BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
