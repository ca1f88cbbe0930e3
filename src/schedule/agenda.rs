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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnsbl::{Codes, Kind, List, Operator, SubjectKind, Zone};

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    fn plan(lists: usize, operators: usize) -> Plan {
        let list = |n: usize| List {
            name: format!("bl{n}.test").into(),
            zone: Zone::Public(format!("bl{n}.test").into()),
            kind: Kind::Block,
            subjects: vec![SubjectKind::Ip4],
            codes: Codes::Any,
            refusals: Vec::new(),
            operator: Arc::new(Operator {
                name: format!("operator{}", n % operators).into(),
                min_gap: Duration::ZERO,
            }),
            delisting: None,
            servers: Vec::new(),
            has_test_points: true,
        };
        Plan {
            interval: HOUR,
            listed_interval: HOUR / 4,
            health_interval: HOUR,
            timeout: Duration::from_secs(5),
            subjects: Vec::new(),
            from_targets: None,
            own: None,
            lists: (0..lists).map(|n| Arc::new(list(n))).collect(),
            servers: Vec::new(),
        }
    }

    fn subjects(count: u8) -> Vec<Wanted> {
        (0..count)
            .map(|n| Wanted {
                subject: Subject::Address([192, 0, 2, n].into()),
                labels: BTreeMap::new(),
            })
            .collect()
    }

    /// Runs to `end`, each look-up taking no time; gives when each was started.
    fn run(agenda: &mut Agenda, end: Duration, listed: &[Item]) -> Vec<(Duration, Item)> {
        let mut started = Vec::new();
        while let Some(now) = agenda.next().filter(|now| *now < end) {
            let item = agenda.take(now).expect("it is due");
            let operator = agenda.operator_of(&item).unwrap();
            agenda.done(&operator, &item, listed.contains(&item), now);
            started.push((now, item));
        }
        started
    }

    #[test]
    fn a_hundred_subjects_on_fifty_lists_are_spread_over_the_hour() {
        let (plan, subjects) = (plan(50, 20), subjects(100));
        let mut agenda = Agenda::default();
        agenda.replan(Some(&plan), &subjects, Duration::ZERO);
        let first = run(&mut agenda, MINUTE, &[]);
        // Each list's test points come before its first subject.
        for list in &plan.lists {
            let of_list = first.iter().find(|(_, item)| item.list == list.name);
            assert_eq!(of_list.unwrap().1.subject, None, "{}", list.name);
        }
        assert_eq!(first.len(), 5050, "everybody once within a minute");
        // From the second hour on each has its own place, and comes once an hour.
        run(&mut agenda, 2 * HOUR, &[]);
        let hour = run(&mut agenda, 3 * HOUR, &[]);
        assert_eq!(hour.len(), 5050);
        let mut per_minute = [0u32; 60];
        for (at, _) in &hour {
            per_minute[usize::try_from((*at - 2 * HOUR).as_secs() / 60).unwrap()] += 1;
        }
        // The mean is 84.
        assert!(per_minute.iter().all(|count| (50..=125).contains(count)), "{per_minute:?}");
        let each: HashSet<&Item> = hour.iter().map(|(_, item)| item).collect();
        assert_eq!(each.len(), 5050, "nobody twice");
    }

    #[test]
    fn what_is_listed_comes_oftener_and_nobody_else() {
        let (plan, subjects) = (plan(5, 5), subjects(10));
        let mut agenda = Agenda::default();
        agenda.replan(Some(&plan), &subjects, Duration::ZERO);
        let listed = Item { list: "bl3.test".into(), subject: Some(subjects[7].subject.clone()) };
        run(&mut agenda, 2 * HOUR, std::slice::from_ref(&listed));
        let hour = run(&mut agenda, 3 * HOUR, std::slice::from_ref(&listed));
        let of = |item: &Item| hour.iter().filter(|(_, started)| started == item).count();
        assert_eq!(of(&listed), 4);
        // 49 subjects and 5 lists' test points once.
        assert_eq!(hour.len(), 4 + 49 + 5);
    }

    #[test]
    fn a_replan_moves_nobody_who_stays() {
        let (plan, subjects) = (plan(5, 2), subjects(10));
        let mut agenda = Agenda::default();
        agenda.replan(Some(&plan), &subjects, Duration::ZERO);
        run(&mut agenda, HOUR, &[]);
        let dues = |agenda: &Agenda| -> BTreeMap<Item, Duration> {
            agenda.dues().map(|(item, due)| (item.clone(), due)).collect()
        };
        let before = dues(&agenda);
        agenda.replan(Some(&plan), &subjects, HOUR + MINUTE);
        assert_eq!(dues(&agenda), before);
        // One goes, and the others stay where they are.
        agenda.replan(Some(&plan), &subjects[1..], HOUR + MINUTE);
        let after = dues(&agenda);
        assert_eq!(after.len(), 9 * 5 + 5);
        assert!(after.iter().all(|(item, due)| before[item] == *due));
        // A shorter interval takes effect within a minute, and nobody is asked twice.
        let shorter = Plan { interval: 10 * MINUTE, ..plan.clone() };
        agenda.replan(Some(&shorter), &subjects[1..], HOUR + MINUTE);
        let started = run(&mut agenda, HOUR + 2 * MINUTE, &[]);
        let started: Vec<_> = started.iter().filter(|(_, item)| item.subject.is_some()).collect();
        assert_eq!(started.len(), 45);
        agenda.replan(None, &[], 2 * HOUR);
        assert_eq!(agenda.next(), None);
        assert!(agenda.items.is_empty() && agenda.queues.is_empty());
    }

    #[test]
    fn a_silent_operator_holds_up_nobody_else() {
        let (plan, subjects) = (plan(4, 2), subjects(10));
        let mut agenda = Agenda::default();
        agenda.replan(Some(&plan), &subjects, Duration::ZERO);
        // The first look-up of operator0 never ends.
        let stuck = agenda.take(Duration::ZERO).unwrap();
        let operator = agenda.operator_of(&stuck).unwrap();
        let started = run(&mut agenda, MINUTE, &[]);
        assert_eq!(started.len(), 2 * 10 + 2, "two lists of the other operator");
        assert!(started.iter().all(|(_, item)| agenda.operator_of(item).unwrap() != operator));
        // It ends late: what went by is not made up for, and the next comes at once.
        let next = agenda.done(&operator, &stuck, false, 3 * HOUR).unwrap();
        assert!(next >= 3 * HOUR && next < 4 * HOUR);
        assert!(agenda.next().unwrap() < MINUTE);
    }

    #[test]
    fn what_is_not_believed_any_more_comes_soon() {
        let (plan, subjects) = (plan(2, 2), subjects(10));
        let mut agenda = Agenda::default();
        agenda.replan(Some(&plan), &subjects, Duration::ZERO);
        run(&mut agenda, HOUR, &[]);
        agenda.soon("bl0.test", HOUR);
        let started = run(&mut agenda, HOUR + MINUTE, &[]);
        let anew: HashSet<&Item> = started
            .iter()
            .filter(|(_, item)| &*item.list == "bl0.test" && item.subject.is_some())
            .map(|(_, item)| item)
            .collect();
        assert_eq!(anew.len(), 10);
        let others = started.iter().filter(|(_, item)| &*item.list == "bl1.test").count();
        assert!(others < 3, "{others}");
    }
}
