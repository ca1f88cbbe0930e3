//! Answers that are still good.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use crate::dnsbl::{List, Subject};
use crate::observation::Lookup;

/// Answers by list and subject, at most so many.
#[derive(Debug)]
pub(super) struct Kept {
    cap: usize,
    answers: HashMap<(Arc<str>, Subject), (Instant, Lookup)>,
}

impl Kept {
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, answers: HashMap::new() }
    }

    /// The answer that is still good, as one that took no question. A list that is another than the
    /// one which answered has none.
    pub(super) fn find(&mut self, list: &Arc<List>, subject: &Subject) -> Option<Lookup> {
        let key = (list.name.clone(), subject.clone());
        let (until, lookup) = self.answers.get(&key)?;
        if *until <= Instant::now() || *lookup.list != **list {
            self.answers.remove(&key);
            return None;
        }
        Some(Lookup { duration: None, list: list.clone(), ..lookup.clone() })
    }

    /// Keeps an answer. When there is no room even without those that ended, it is not kept: then it
    /// is asked for again, which is no worse than not keeping any.
    pub(super) fn keep(&mut self, lookup: &Lookup, until: Instant) {
        if self.answers.len() >= self.cap {
            let now = Instant::now();
            self.answers.retain(|_, (until, _)| *until > now);
        }
        if self.answers.len() < self.cap {
            let key = (lookup.list.name.clone(), lookup.subject.clone());
            self.answers.insert(key, (until, lookup.clone()));
        }
    }

    /// Forgets what one list said.
    pub(super) fn forget(&mut self, list: &str) {
        self.answers.retain(|(name, _), _| **name != *list);
    }

    /// Forgets the answers of lists that `known` does not find, or finds changed.
    pub(super) fn retain<'a>(&mut self, known: impl Fn(&str) -> Option<&'a Arc<List>>) {
        self.answers
            .retain(|(name, _), (_, lookup)| known(name).is_some_and(|now| **now == *lookup.list));
    }
}
