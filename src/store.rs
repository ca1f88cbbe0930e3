//! The latest of everything: one [`View`] per target and module. Probes put observations in,
//! `/metrics` and the pages read views out; nobody waits for a probe, and nobody who reads holds a
//! probe up.
//!
//! # Why readers get `Arc<View>`
//!
//! A scrape shows all views as they were when it began, and a slow reader must not block a probe. So
//! a view is copied when it changes while somebody still reads it, and changed in place otherwise.

mod endpoints;
mod history;
mod ladders;
mod ledger;
pub mod listings;
pub mod phrases;
pub mod posture;
mod skews;
mod view;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

pub use endpoints::Endpoints;
pub use history::{Change, HistoryEntry};
pub use ladders::{LadderPlan, LadderView};
pub use listings::{ListView, ListingChange, ListingView, Listings, QueryResult};
pub use phrases::Phrases;
pub use posture::{PostureChange, PostureView, Postures};
pub use skews::SkewView;
pub use view::{EndpointView, View};

use crate::observation::{LadderSeen, Observation, Round, SkipReason};
use crate::target::{Check, CheckKey, Endpoint, Ladder, LadderKey};
use ladders::Ladders;
use ledger::Ledger;
use skews::Skews;

/// All views.
#[derive(Debug)]
pub struct Store {
    entries: RwLock<BTreeMap<CheckKey, Arc<Entry>>>,
    generation: AtomicU64,
    history_limit: AtomicUsize,
    ledger: Mutex<Ledger>,
    listings: Listings,
    postures: Postures,
    ladders: Ladders,
    skews: Skews,
    phrases: Arc<RwLock<Phrases>>,
}

/// The place of one check.
#[derive(Debug)]
struct Entry {
    /// The generation in which the check came to be as it is.
    born: u64,
    slot: Mutex<Slot>,
}

#[derive(Debug)]
struct Slot {
    /// False once a reload took the check away: a probe that is still under way is then lost.
    live: bool,
    view: Arc<View>,
}

impl Slot {
    /// The view, to be changed: nobody else sees it. What was written of it is out of date then.
    fn change(&mut self) -> &mut View {
        let view = Arc::make_mut(&mut self.view);
        view.tails = OnceLock::new();
        view
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new(TRANSCRIPT_STORE_BYTES)
    }
}

impl Store {
    /// An empty store that keeps at most `transcript_bytes` of transcripts, all endpoints together.
    pub fn new(transcript_bytes: usize) -> Self {
        Self {
            entries: RwLock::default(),
            generation: AtomicU64::new(0),
            history_limit: AtomicUsize::new(HISTORY_LIMIT),
            ledger: Mutex::new(Ledger::new(transcript_bytes)),
            listings: Listings::default(),
            postures: Postures::default(),
            ladders: Ladders::default(),
            skews: Skews::default(),
            phrases: Arc::default(),
        }
    }

    /// Makes the store hold exactly these checks: new ones start empty, those whose place or module
    /// changed start anew, the others keep what they know, also under new labels or another
    /// interval. Histories are cut to `history_limit` rounds. Returns the new generation.
    pub fn replace_checks(&self, checks: &[Check], history_limit: usize) -> u64 {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        self.history_limit.store(history_limit, Ordering::Relaxed);
        let mut old = std::mem::take(&mut *entries);
        for check in checks {
            let key = check.key();
            let kept = old.remove(&key).filter(|entry| {
                let mut slot = lock(&entry.slot);
                let same = same_probe(&slot.view.check, check);
                if same {
                    slot.change().recheck(check, history_limit);
                } else {
                    self.retire(&mut slot);
                }
                same
            });
            let entry = kept.unwrap_or_else(|| {
                let view = Arc::new(View::new(check.clone()));
                Arc::new(Entry { born: generation, slot: Mutex::new(Slot { live: true, view }) })
            });
            entries.insert(key, entry);
        }
        for entry in old.values() {
            self.retire(&mut lock(&entry.slot));
        }
        drop(entries);
        self.rejudge_skews();
        generation
    }

    /// Puts one observation in as it ends, and counts it. Dropped when the check is gone, or was
    /// changed after `generation`.
    pub fn put(&self, generation: u64, key: &CheckKey, observation: Arc<Observation>) {
        let Some(entry) = self.entry(generation, key) else { return };
        let mut slot = lock(&entry.slot);
        if !slot.live {
            return;
        }
        let ticket = lock(&self.ledger).hold(&entry, &observation.transcript);
        let freed = slot.change().observe(observation, ticket);
        drop(slot);
        let mut ledger = lock(&self.ledger);
        ledger.release(&freed);
        let evicted = ledger.evict();
        drop(ledger);
        for (ticket, entry) in evicted {
            // Of transcripts nothing is written, so what is written of the view stays.
            Arc::make_mut(&mut lock(&entry.slot).view).forget_transcript(ticket);
        }
    }

    /// Ends a round whose observations were [put](Self::put): retires endpoints that the name no
    /// longer stands for, judges, and counts what was skipped. Tells when the verdict changed.
    pub fn finish_round(&self, generation: u64, key: &CheckKey, round: &Round) -> Option<Change> {
        let entry = self.entry(generation, key)?;
        let mut slot = lock(&entry.slot);
        if !slot.live {
            return None;
        }
        let limit = self.history_limit.load(Ordering::Relaxed);
        let (freed, change) = slot.change().finish(round, limit);
        drop(slot);
        lock(&self.ledger).release(&freed);
        self.judge_skew(&key.0);
        change
    }

    /// A whole round was not started. `until` is the end of the pause, for
    /// [`SkipReason::Backoff`].
    pub fn skip(
        &self,
        generation: u64,
        key: &CheckKey,
        reason: SkipReason,
        until: Option<SystemTime>,
    ) {
        self.update(generation, key, |view| view.skip(reason, until));
    }

    /// When the next round starts.
    pub fn set_next(&self, generation: u64, key: &CheckKey, at: SystemTime) {
        self.update(generation, key, |view| view.next_round = Some(at));
    }

    /// The view of one check as it is now.
    pub fn view(&self, key: &CheckKey) -> Option<Arc<View>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).map(|entry| lock(&entry.slot).view.clone())
    }

    /// All views as they are now, in order of target and module.
    pub fn views(&self) -> Vec<Arc<View>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().map(|entry| lock(&entry.slot).view.clone()).collect()
    }

    /// What is known of subjects on DNS block lists.
    pub const fn listings(&self) -> &Listings {
        &self.listings
    }

    /// What is known of domains' records and keys.
    pub const fn postures(&self) -> &Postures {
        &self.postures
    }

    /// Makes the store hold exactly these ladders: what was measured by others is gone. `generation`
    /// is that of the checks.
    pub fn replace_ladders(&self, ladders: &[Arc<Ladder>], generation: u64) {
        self.ladders.replace(ladders, generation);
    }

    /// Takes a run in, and gives what was measured at its endpoint before. Dropped when the ladder
    /// is gone, or was changed after `generation`.
    pub fn put_ladder(
        &self,
        generation: u64,
        key: &LadderKey,
        seen: Arc<LadderSeen>,
    ) -> Option<Arc<LadderSeen>> {
        self.ladders.put(generation, key, seen)
    }

    /// Forgets what a ladder measured at endpoints that its target's name no longer stands for.
    pub fn keep_ladder(&self, generation: u64, key: &LadderKey, endpoints: &[Endpoint]) {
        self.ladders.keep(generation, key, endpoints);
    }

    /// When a ladder's next run begins.
    pub fn set_next_ladder(&self, generation: u64, key: &LadderKey, at: SystemTime) {
        self.ladders.change(generation, key, |plan| plan.next = Some(at));
    }

    /// Since when a run of a ladder is under way; none when it ended.
    pub fn set_ladder_running(&self, generation: u64, key: &LadderKey, since: Option<SystemTime>) {
        self.ladders.change(generation, key, |plan| plan.running_since = since);
    }

    /// A run of a ladder was not begun, and why, for a person.
    pub fn deny_ladder(&self, generation: u64, key: &LadderKey, at: SystemTime, why: String) {
        self.ladders.change(generation, key, |plan| plan.not_begun = Some((at, why)));
    }

    /// What was measured, in order of target, module, mode and endpoint.
    pub fn ladders(&self) -> Vec<Arc<LadderView>> {
        self.ladders.views()
    }

    /// The ladders that are planned, and whether a run is under way.
    pub fn ladder_plans(&self) -> Vec<LadderPlan> {
        self.ladders.plans()
    }

    /// What views' [tails](View::tails) name by number.
    pub const fn phrases(&self) -> &Arc<RwLock<Phrases>> {
        &self.phrases
    }

    /// Bytes of transcripts that are kept now.
    pub fn transcript_bytes(&self) -> usize {
        lock(&self.ledger).bytes()
    }

    fn entry(&self, generation: u64, key: &CheckKey) -> Option<Arc<Entry>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|entry| entry.born <= generation).cloned()
    }

    fn update(&self, generation: u64, key: &CheckKey, change: impl FnOnce(&mut View)) {
        let Some(entry) = self.entry(generation, key) else { return };
        let mut slot = lock(&entry.slot);
        if slot.live {
            change(slot.change());
        }
    }

    fn retire(&self, slot: &mut Slot) {
        slot.live = false;
        lock(&self.ledger).release(&slot.view.tickets());
    }
}

/// The same connections are made and the same is expected of them.
fn same_probe(a: &Check, b: &Check) -> bool {
    let interval = a.module.interval;
    a.target.place == b.target.place
        && (a.module == b.module
            || *a.module == crate::target::Module { interval, ..(*b.module).clone() })
}

/// A panic elsewhere must not lose what is known: every change here leaves a view that can be read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most bytes of transcripts, all endpoints together; the oldest go first.
pub const TRANSCRIPT_STORE_BYTES: usize = 64 << 20;

/// Rounds in a check's history before a configuration says otherwise.
pub const HISTORY_LIMIT: usize = 100;
