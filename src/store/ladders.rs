//! The latest result of each run that measures a limit, by what was measured where.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use super::lock;
use crate::observation::LadderSeen;
use crate::target::{Endpoint, Ladder, LadderKey};

/// The latest of one ladder at one endpoint.
#[derive(Debug, Clone)]
pub struct LadderView {
    /// What is measured.
    pub ladder: Arc<Ladder>,
    /// The last run that gave a number.
    pub measured: Option<Arc<LadderSeen>>,
    /// The last run, also when it broke off.
    pub last: Arc<LadderSeen>,
    /// A place where the writer of metrics keeps the text of the endpoint's labels.
    pub label_text: OnceLock<Arc<str>>,
}

/// One ladder, and when it is run.
#[derive(Debug, Clone, PartialEq)]
pub struct LadderPlan {
    /// What is measured.
    pub ladder: Arc<Ladder>,
    /// When the next run begins; that of a run under way is past.
    pub next: Option<SystemTime>,
    /// Since when a run is under way, its wait for its turn included.
    pub running_since: Option<SystemTime>,
    /// When a run was last not begun, and why, for a person; none once a later one was.
    pub not_begun: Option<(SystemTime, String)>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Ladders {
    entries: Mutex<BTreeMap<LadderKey, Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// The generation in which the ladder came to be as it is.
    born: u64,
    plan: LadderPlan,
    views: BTreeMap<Endpoint, Arc<LadderView>>,
}

impl Ladders {
    /// Holds exactly these; those that changed start anew.
    pub(super) fn replace(&self, ladders: &[Arc<Ladder>], generation: u64) {
        let mut entries = lock(&self.entries);
        let mut old = std::mem::take(&mut *entries);
        for ladder in ladders {
            let kept = old.remove(&ladder.key()).filter(|entry| entry.plan.ladder == *ladder);
            let entry = kept.unwrap_or_else(|| Entry {
                born: generation,
                plan: LadderPlan {
                    ladder: ladder.clone(),
                    next: None,
                    running_since: None,
                    not_begun: None,
                },
                views: BTreeMap::new(),
            });
            entries.insert(ladder.key(), entry);
        }
    }

    /// Takes a run in. Gives what was measured there before.
    pub(super) fn put(
        &self,
        generation: u64,
        key: &LadderKey,
        seen: Arc<LadderSeen>,
    ) -> Option<Arc<LadderSeen>> {
        let mut entries = lock(&self.entries);
        let entry = entries.get_mut(key).filter(|entry| entry.born <= generation)?;
        let old = entry.views.get(&seen.endpoint);
        let before = old.and_then(|view| view.measured.clone());
        let measured = if seen.aborted.is_none() { Some(seen.clone()) } else { before.clone() };
        let label_text = old.map(|view| view.label_text.clone()).unwrap_or_default();
        let ladder = entry.plan.ladder.clone();
        entry.plan.not_begun = None;
        let endpoint = seen.endpoint.clone();
        let view = LadderView { ladder, measured, last: seen, label_text };
        entry.views.insert(endpoint, Arc::new(view));
        before
    }

    /// Forgets the endpoints that the target's name no longer stands for.
    pub(super) fn keep(&self, generation: u64, key: &LadderKey, endpoints: &[Endpoint]) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get_mut(key).filter(|entry| entry.born <= generation) {
            entry.views.retain(|endpoint, _| endpoints.contains(endpoint));
        }
    }

    /// Changes what is planned.
    pub(super) fn change(
        &self,
        generation: u64,
        key: &LadderKey,
        change: impl FnOnce(&mut LadderPlan),
    ) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get_mut(key).filter(|entry| entry.born <= generation) {
            change(&mut entry.plan);
        }
    }

    /// All views, in order of target, module, mode and endpoint.
    pub(super) fn views(&self) -> Vec<Arc<LadderView>> {
        let entries = lock(&self.entries);
        entries.values().flat_map(|entry| entry.views.values().cloned()).collect()
    }

    /// What is planned.
    pub(super) fn plans(&self) -> Vec<LadderPlan> {
        let entries = lock(&self.entries);
        entries.values().map(|entry| entry.plan.clone()).collect()
    }
}
