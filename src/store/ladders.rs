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

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Ladders {
    entries: Mutex<BTreeMap<LadderKey, Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// The generation in which the ladder came to be as it is.
    born: u64,
    ladder: Arc<Ladder>,
    views: BTreeMap<Endpoint, Arc<LadderView>>,
    next: Option<SystemTime>,
}

impl Ladders {
    /// Holds exactly these; those that changed start anew.
    pub(super) fn replace(&self, ladders: &[Arc<Ladder>], generation: u64) {
        let mut entries = lock(&self.entries);
        let mut old = std::mem::take(&mut *entries);
        for ladder in ladders {
            let kept = old.remove(&ladder.key()).filter(|entry| entry.ladder == *ladder);
            let entry = kept.unwrap_or_else(|| Entry {
                born: generation,
                ladder: ladder.clone(),
                views: BTreeMap::new(),
                next: None,
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
        let ladder = entry.ladder.clone();
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

    /// When the next run begins.
    pub(super) fn set_next(&self, generation: u64, key: &LadderKey, at: SystemTime) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get_mut(key).filter(|entry| entry.born <= generation) {
            entry.next = Some(at);
        }
    }

    /// All views, in order of target, module, mode and endpoint.
    pub(super) fn views(&self) -> Vec<Arc<LadderView>> {
        let entries = lock(&self.entries);
        entries.values().flat_map(|entry| entry.views.values().cloned()).collect()
    }

    /// What is planned, and when the next run of each begins.
    pub(super) fn plans(&self) -> Vec<(Arc<Ladder>, Option<SystemTime>)> {
        let entries = lock(&self.entries);
        entries.values().map(|entry| (entry.ladder.clone(), entry.next)).collect()
    }
}
