//! Whether the endpoints and ports of each target offer the same, judged as its rounds end.
//!
//! # Why by round
//!
//! A round probes all endpoints of a module, so what it leaves can be compared; and a target has few
//! endpoints, so judging costs next to nothing beside the round, and a scrape only copies the result.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use super::{Entry, Store, View, lock};
use crate::observation::skew::{self, Member, Skew};
use crate::target::{CheckKey, Target};

/// What was compared of one target.
#[derive(Debug, Clone)]
pub struct SkewView {
    /// The target.
    pub target: Arc<Target>,
    /// Each comparison that there was enough for.
    pub skews: Vec<Skew>,
    /// A place where the writer of metrics keeps the text of the target's labels.
    pub label_text: OnceLock<Arc<str>>,
}

/// Those of all targets that have something to compare. The lock is taken before that of the checks:
/// whoever judges last saw the latest.
pub(super) type Skews = Mutex<BTreeMap<Arc<str>, Arc<SkewView>>>;

impl Store {
    /// What was compared, in order of target. Results may be [past](Skew::until) their time.
    pub fn skews(&self) -> Vec<Arc<SkewView>> {
        lock(&self.skews).values().cloned().collect()
    }

    /// Judges one target anew.
    pub(super) fn judge_skew(&self, target: &Arc<str>) {
        let mut skews = lock(&self.skews);
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let from: CheckKey = (target.clone(), "".into());
        let checks = entries
            .range((Bound::Included(from), Bound::Unbounded))
            .take_while(|((name, _), _)| name == target)
            .map(|(_, entry)| entry);
        let judged = judge(checks);
        drop(entries);
        let old = skews.get(target);
        match judged {
            Some((of, judged)) => {
                if old.is_some_and(|old| old.skews == judged && Arc::ptr_eq(&old.target, &of)) {
                    return;
                }
                let kept = old.filter(|old| old.target.labels == of.labels);
                let label_text = kept.map(|old| old.label_text.clone()).unwrap_or_default();
                let view = SkewView { target: of, skews: judged, label_text };
                skews.insert(target.clone(), Arc::new(view));
            }
            None if old.is_some() => drop(skews.remove(target)),
            None => {}
        }
    }

    /// After a reload: only what is still probed is compared, under the labels of now.
    pub(super) fn rejudge_skews(&self) {
        let targets: Vec<Arc<str>> = lock(&self.skews).keys().cloned().collect();
        for target in targets {
            self.judge_skew(&target);
        }
    }
}

/// As of the last round of any of these checks, which are of one target.
fn judge<'a>(checks: impl Iterator<Item = &'a Arc<Entry>>) -> Option<(Arc<Target>, Vec<Skew>)> {
    let (mut target, mut members) = (None, Vec::new());
    let mut now = SystemTime::UNIX_EPOCH;
    for entry in checks {
        let slot = lock(&entry.slot);
        target = Some(slot.view.check.target.clone());
        now = now.max(slot.view.last_round.unwrap_or(now));
        members.extend(members_of(&slot.view));
    }
    if members.len() < 2 {
        return None;
    }
    let skews = skew::judge(&members, now);
    target.filter(|_| !skews.is_empty()).map(|target| (target, skews))
}

fn members_of(view: &View) -> impl Iterator<Item = Member> {
    let (module, interval) = (&view.check.module, view.check.interval());
    let seen = view.endpoints.values().filter(|seen| seen.endpoint().address.is_some());
    seen.map(move |seen| Member {
        module: module.name.clone(),
        asked: module.tls_server_name.clone().unwrap_or_else(|| seen.endpoint().host.clone()),
        endpoint: seen.endpoint().clone(),
        standing: seen.standing,
        interval,
    })
}
