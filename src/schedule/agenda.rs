//! Which look-up is due when. Pure.
//!
//! Every subject has, on every list, a place of its own in the interval, given by a hash of both
//! names; a list's test points have one as well, and come before its first subject. Look-ups wait in
//! a queue per operator, the one that is due first in front, and an operator has one under way at a
//! time: so a silent operator holds up its own lists and no others, and what waits is an entry in a
//! queue and no task.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::cadence::Cadence;
use crate::dnsbl::{Plan, Subject, Wanted};

/// Something to look up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Item {
    /// The list's name.
    pub list: Arc<str>,
    /// The subject; none: the list's test points.
    pub subject: Option<Subject>,
}

/// All items and when each is due.
#[derive(Debug, Default)]
pub struct Agenda {
    items: HashMap<Item, Place>,
    queues: BTreeMap<Arc<str>, Queue>,
}

/// Where one item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    operator: Arc<str>,
    due: Duration,
    /// The grid, and the one while the subject is listed.
    normal: Cadence,
    listed: Cadence,
}

/// What waits for one operator.
#[derive(Debug, Default)]
struct Queue {
    busy: bool,
    waiting: BTreeSet<(Duration, Item)>,
}

impl Agenda {
    /// Makes it hold exactly the look-ups of `plan` and `subjects`. Those that stay as they are keep
    /// their place, new ones get their first within [`FIRST_WITHIN`](super::cadence::FIRST_WITHIN).
    pub fn replan(&mut self, plan: Option<&Plan>, subjects: &[Wanted], now: Duration) {
        let mut wanted: HashSet<Item> = HashSet::new();
        if let Some(plan) = plan {
            for list in &plan.lists {
                if list.has_test_points {
                    let item = Item { list: list.name.clone(), subject: None };
                    let seed = [&*list.name, "test points"];
                    let cadence = Cadence::new(plan.health_interval, &seed);
                    wanted.insert(item.clone());
                    self.place(item, &list.operator.name, cadence, cadence, now, now);
                }
                let takes = |one: &&Wanted| list.subjects.contains(&one.subject.kind());
                for subject in subjects.iter().filter(takes).map(|one| &one.subject) {
                    let item = Item { list: list.name.clone(), subject: Some(subject.clone()) };
                    let text = subject.to_string();
                    let seed = [&*list.name, text.as_str()];
                    let normal = Cadence::new(plan.interval, &seed);
                    let listed = Cadence::new(plan.listed_interval, &seed);
                    let first = normal.first(now);
                    wanted.insert(item.clone());
                    self.place(item, &list.operator.name, normal, listed, first, now);
                }
            }
        }
        self.items.retain(|item, _| wanted.contains(item));
        let items = &self.items;
        for (operator, queue) in &mut self.queues {
            queue.waiting.retain(|(due, item)| {
                items
                    .get(item)
                    .is_some_and(|place| place.due == *due && place.operator == *operator)
            });
        }
        self.queues.retain(|_, queue| queue.busy || !queue.waiting.is_empty());
    }

    /// When the next look-up can start: the first that waits for an operator which is not busy.
    pub fn next(&self) -> Option<Duration> {
        self.first().map(|(due, _)| *due)
    }

    /// Takes a look-up that is due; its operator is busy until it is [done](Self::done).
    pub fn take(&mut self, now: Duration) -> Option<Item> {
        let (due, item) = self.first().filter(|(due, _)| *due <= now)?.clone();
        let operator = &self.items.get(&item)?.operator;
        let queue = self.queues.get_mut(operator)?;
        queue.waiting.remove(&(due, item.clone()));
        queue.busy = true;
        Some(item)
    }

    /// The look-up that `operator` had under way ended. Tells when it comes again; none when it does
    /// not.
    pub fn done(
        &mut self,
        operator: &str,
        item: &Item,
        listed: bool,
        now: Duration,
    ) -> Option<Duration> {
        if let Some(queue) = self.queues.get_mut(operator) {
            queue.busy = false;
        }
        let place = self.items.get_mut(item)?;
        let cadence = if listed { place.listed } else { place.normal };
        // What went by while it waited is not made up for.
        let (due, _) = cadence.next(place.due, now);
        self.queue_at(item, due);
        Some(due)
    }

    /// The operator of an item.
    pub fn operator_of(&self, item: &Item) -> Option<Arc<str>> {
        self.items.get(item).map(|place| place.operator.clone())
    }

    /// Looks every subject up on `list` anew, soon: what was known of it is not believed any more.
    pub fn soon(&mut self, list: &str, now: Duration) {
        let items: Vec<(Item, Duration)> = self
            .items
            .iter()
            .filter(|(item, _)| *item.list == *list && item.subject.is_some())
            .map(|(item, place)| (item.clone(), place.normal.first(now).min(place.due)))
            .collect();
        for (item, due) in items {
            self.queue_at(&item, due);
        }
    }

    /// Every item and when it is due.
    pub fn dues(&self) -> impl Iterator<Item = (&Item, Duration)> {
        self.items.iter().map(|(item, place)| (item, place.due))
    }

    fn first(&self) -> Option<&(Duration, Item)> {
        let idle = self.queues.values().filter(|queue| !queue.busy);
        idle.filter_map(|queue| queue.waiting.first()).min()
    }

    /// Gives an item its place, unless it has it already.
    fn place(
        &mut self,
        item: Item,
        operator: &Arc<str>,
        normal: Cadence,
        listed: Cadence,
        first: Duration,
        now: Duration,
    ) {
        let old = self.items.get(&item);
        let due = match old {
            Some(old)
                if old.operator == *operator && old.normal == normal && old.listed == listed =>
            {
                return;
            }
            // Another interval: never later than under the old one, and not all at once.
            Some(old) => old.due.min(normal.first(now)),
            None => first,
        };
        let place = Place { operator: operator.clone(), due, normal, listed };
        self.items.insert(item.clone(), place);
        self.queue_at(&item, due);
    }

    /// Puts an item into its queue at a time, and nowhere else.
    fn queue_at(&mut self, item: &Item, due: Duration) {
        let Some(place) = self.items.get_mut(item) else { return };
        let queue = self.queues.entry(place.operator.clone()).or_default();
        queue.waiting.remove(&(place.due, item.clone()));
        place.due = due;
        queue.waiting.insert((due, item.clone()));
    }
}
