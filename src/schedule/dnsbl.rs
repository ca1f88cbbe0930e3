//! Look-ups on DNS block lists: one task that starts what the [`Agenda`] says is due, one look-up per
//! operator at a time, and puts what was seen in the store.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, Item};
use crate::dnsbl::{List, MAX_PAIRS, Plan, Subject, Verdict, Wanted};
use crate::observation::{Health, Lookup};
use crate::probe::dnsbl::{Lookups, is_public, own_addresses};
use crate::store::{ListingChange, QueryResult, Store};
use crate::target::Policy;

/// The look-ups of a plan, for as long as it runs.
pub struct Watch {
    orders: watch::Sender<Orders>,
    stop: CancellationToken,
    handle: JoinHandle<Option<()>>,
}

/// What is to be looked up, and as whom.
#[derive(Clone, Default)]
struct Orders {
    plan: Option<Arc<Plan>>,
    policy: Option<Arc<Policy>>,
}

impl Watch {
    /// A watch that looks nothing up yet.
    pub fn new(lookups: Arc<Lookups>, store: Arc<Store>) -> Self {
        let (orders, heard) = watch::channel(Orders::default());
        let stop = CancellationToken::new();
        let watcher = Watcher {
            desk: Arc::new(Desk { lookups, store }),
            heard,
            orders: Orders::default(),
            agenda: Agenda::default(),
            subjects: Vec::new(),
            told_private: BTreeSet::new(),
            left_out: 0,
            origin: Instant::now(),
            under_way: HashMap::new(),
            tasks: JoinSet::new(),
        };
        let handle = tokio::spawn(stop.clone().run_until_cancelled_owned(watcher.run()));
        Self { orders, stop, handle }
    }

    /// Makes exactly this plan run. What stays in it keeps its place and what is known of it.
    pub fn replan(&self, plan: Option<Arc<Plan>>, policy: Arc<Policy>) {
        self.orders.send_replace(Orders { plan, policy: Some(policy) });
    }

    /// Ends it. Questions under way are dropped: nobody waits for their answers.
    pub async fn stop(self) {
        self.stop.cancel();
        // A task that panicked has ended as well.
        let _ = self.handle.await;
    }
}

/// The task.
struct Watcher {
    desk: Arc<Desk>,
    heard: watch::Receiver<Orders>,
    orders: Orders,
    agenda: Agenda,
    /// What is looked up now: the plan's subjects, the targets' addresses, the host's own.
    subjects: Vec<Wanted>,
    /// Own addresses that are private and were told of.
    told_private: BTreeSet<IpAddr>,
    /// Addresses for which there is no room, as was last told.
    left_out: usize,
    /// The grids begin here, so that a reload does not move them.
    origin: Instant,
    /// What each task looks up, and for which operator.
    under_way: HashMap<Id, (Arc<str>, Item)>,
    tasks: JoinSet<Came>,
}

/// What a look-up came to, as far as the agenda cares.
#[derive(Debug, Clone, Copy, Default)]
struct Came {
    /// The subject is listed, as far as is known.
    listed: bool,
    /// The list's test points answer again as they must.
    healed: bool,
}

impl Watcher {
    async fn run(mut self) {
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.start_due();
            let due = self.agenda.next();
            tokio::select! {
                heard = self.heard.changed() => {
                    if heard.is_err() {
                        return;
                    }
                    self.take_orders();
                }
                Some(ended) = self.tasks.join_next_with_id() => {
                    let (id, came) = match ended {
                        Ok((id, came)) => (id, came),
                        Err(error) => {
                            tracing::error!(%error, "a look-up panicked: a fault of the exporter");
                            (error.id(), Came::default())
                        }
                    };
                    self.settle(id, came);
                }
                _ = refresh.tick() => self.look_for_subjects(false),
                () = tokio::time::sleep_until(self.origin + due.unwrap_or_default()),
                    if due.is_some() => {}
            }
        }
    }

    /// Starts what is due. Which questions go out at once is decided where they are asked.
    fn start_due(&mut self) {
        while let Some(item) = self.agenda.take(self.origin.elapsed()) {
            let Some(operator) = self.agenda.operator_of(&item) else { continue };
            let list = self.orders.plan.as_ref().and_then(|plan| list_of(plan, &item.list));
            let (Some(list), Some(plan)) = (list.cloned(), self.orders.plan.clone()) else {
                self.agenda.done(&operator, &item, false, self.origin.elapsed());
                continue;
            };
            let (desk, subject) = (self.desk.clone(), item.subject.clone());
            let task = self.tasks.spawn(async move {
                match subject {
                    None => desk.look_at_health(&plan, &list).await,
                    Some(subject) => desk.look_up(&plan, &list, &subject).await,
                }
            });
            self.under_way.insert(task.id(), (operator, item));
        }
    }

    fn settle(&mut self, id: Id, came: Came) {
        let Some((operator, item)) = self.under_way.remove(&id) else { return };
        let now = self.origin.elapsed();
        let due = self.agenda.done(&operator, &item, came.listed, now);
        if let (Some(due), Some(subject)) = (due, &item.subject) {
            let at = SystemTime::now() + due.saturating_sub(now);
            self.desk.store.listings().set_next(&item.list, subject, at);
        }
        if came.healed {
            self.agenda.soon(&item.list, now);
            self.tell_dues();
        }
    }

    fn take_orders(&mut self) {
        self.orders = self.heard.borrow_and_update().clone();
        if let Orders { plan: Some(plan), policy: Some(policy) } = &self.orders {
            let servers = plan.servers_or(&policy.dns_servers);
            self.desk.lookups.reconfigure(servers, plan.timeout, &plan.lists);
        }
        self.look_for_subjects(true);
        if let Some(plan) = &self.orders.plan {
            self.desk.tell_pauses(plan, None);
        }
    }

    /// Finds out what is to be looked up, and replans when that is something else, or `anyhow`.
    fn look_for_subjects(&mut self, anyhow: bool) {
        let Orders { plan, policy } = &self.orders;
        let (plan, policy) = (plan.as_deref(), policy.as_deref());
        let mut found: BTreeMap<Subject, BTreeMap<String, String>> = BTreeMap::new();
        if let (Some(plan), Some(policy)) = (plan, policy) {
            for wanted in &plan.subjects {
                found.entry(wanted.subject.clone()).or_insert_with(|| wanted.labels.clone());
            }
            let mut room = MAX_PAIRS.saturating_sub(plan.pairs());
            let mut left_out = 0;
            let mut add = |addresses: BTreeSet<IpAddr>, labels: &BTreeMap<String, String>| {
                // What a list cannot know is looked up when it is configured by name, and only then.
                for address in addresses.into_iter().filter(|address| is_public(*address)) {
                    let subject = Subject::Address(address);
                    let pairs = plan.lists_for(&subject);
                    let Entry::Vacant(free) = found.entry(subject) else { continue };
                    // A domain of somebody else's chooses how many addresses it has.
                    if pairs > room {
                        left_out += 1;
                    } else {
                        room -= pairs;
                        free.insert(labels.clone());
                    }
                }
            };
            if let Some(labels) = &plan.own {
                let own = own_addresses(policy);
                add(own.iter().map(IpAddr::to_canonical).collect(), labels);
                tell_private(&own, &mut self.told_private);
            }
            if let Some(labels) = &plan.from_targets {
                add(addresses_of_targets(&self.desk.store), labels);
            }
            if left_out != self.left_out && left_out > 0 {
                tracing::warn!(
                    addresses = left_out,
                    most = MAX_PAIRS,
                    "too many subjects on block lists: the last addresses of targets are left out"
                );
            }
            self.left_out = left_out;
        }
        let subjects: Vec<Wanted> =
            found.into_iter().map(|(subject, labels)| Wanted { subject, labels }).collect();
        if anyhow || subjects != self.subjects {
            self.subjects = subjects;
            self.desk.store.listings().replace(plan, &self.subjects);
            self.agenda.replan(plan, &self.subjects, self.origin.elapsed());
            self.tell_dues();
        }
    }

    fn tell_dues(&self) {
        let (now, wall) = (self.origin.elapsed(), SystemTime::now());
        for (item, due) in self.agenda.dues() {
            if let Some(subject) = &item.subject {
                let at = wall + due.saturating_sub(now);
                self.desk.store.listings().set_next(&item.list, subject, at);
            }
        }
    }
}

/// What every look-up uses.
struct Desk {
    lookups: Arc<Lookups>,
    store: Arc<Store>,
}

impl Desk {
    async fn look_up(&self, plan: &Plan, list: &Arc<List>, subject: &Subject) -> Came {
        let mut lookup = self.lookups.look_up(list, subject).await;
        let before = self.store.listings().last_told(&list.name, subject);
        let was = before.as_deref().map(is_listed);
        let told = !matches!(lookup.verdict, Verdict::Unknown(..));
        let mut healed = false;
        if told && was.unwrap_or(false) != is_listed(&lookup) && !self.checked_lately(plan, list) {
            // A list that went wrong changes what it says of everybody. So a change is believed when
            // the test points were seen to be right just now.
            healed = self.look_at_health(plan, list).await.healed;
            let again = self.lookups.look_up(list, subject).await;
            // What the first question came to is counted as that, whatever is believed of it.
            if let Some(asked) = lookup.duration {
                let result = QueryResult::of(&lookup.verdict);
                self.store.listings().count(&list.name, result, asked);
            }
            lookup = again;
        }
        log_lookup(&lookup);
        let lookup = Arc::new(lookup);
        let listings = self.store.listings();
        if let Some(change) = listings.put(lookup) {
            log_change(&change);
        }
        self.tell_pauses(plan, Some(list));
        let listed = listings.last_told(&list.name, subject).is_some_and(|told| is_listed(&told));
        Came { listed, healed }
    }

    async fn look_at_health(&self, plan: &Plan, list: &Arc<List>) -> Came {
        let Some(look) = self.lookups.look_at_health(list).await else { return Came::default() };
        let listings = self.store.listings();
        for question in &look.questions {
            if let Some(duration) = question.duration {
                listings.count(&list.name, QueryResult::of(&question.verdict), duration);
            }
        }
        log_health(list, &look.health, look.changed);
        let healed = look.changed && look.health.healthy == Some(true);
        listings.put_health(list, look.health);
        self.tell_pauses(plan, Some(list));
        Came { listed: false, healed }
    }

    /// True when the list's test points were seen to be right a moment ago, or it has none.
    fn checked_lately(&self, plan: &Plan, list: &List) -> bool {
        let lately = (plan.health_interval / 60).min(CHECKED_LATELY);
        let lately = |told: Instant| told.elapsed() < lately;
        !list.has_test_points || self.lookups.health_told(list).is_some_and(lately)
    }

    /// Tells the store which lists are left alone: those of one list's operator, or all.
    fn tell_pauses(&self, plan: &Plan, of: Option<&List>) {
        for list in &plan.lists {
            if of.is_none_or(|of| of.operator.name == list.operator.name) {
                let until = self.lookups.paused_until(list);
                self.store.listings().set_paused(&list.name, until);
            }
        }
    }
}

/// Tells of each own address that is left out, once.
fn tell_private(own: &[IpAddr], told: &mut BTreeSet<IpAddr>) {
    for address in own.iter().filter(|address| !is_public(**address)) {
        if told.len() < MAX_TOLD && told.insert(*address) {
            tracing::info!(
                %address,
                "our own address is private and not looked up on block lists: name the one that the \
                 world sees under dnsbl.subjects"
            );
        }
    }
}

/// The addresses that the targets' names stood for when they were last resolved.
fn addresses_of_targets(store: &Store) -> BTreeSet<IpAddr> {
    let views = store.views();
    let endpoints = views.iter().flat_map(|view| view.endpoints.keys().chain(view.waiting.keys()));
    endpoints.filter_map(|endpoint| Some(endpoint.address?.to_canonical())).collect()
}

fn list_of<'a>(plan: &'a Plan, name: &str) -> Option<&'a Arc<List>> {
    plan.lists.iter().find(|list| *list.name == *name)
}

const fn is_listed(lookup: &Lookup) -> bool {
    matches!(lookup.verdict, Verdict::Listed(_))
}

fn log_lookup(lookup: &Lookup) {
    let (verdict, detail) = match &lookup.verdict {
        Verdict::Listed(_) => ("listed", None),
        Verdict::Clean => ("clean", None),
        Verdict::Unknown(reason, detail) => (reason.as_str(), Some(detail)),
    };
    tracing::debug!(
        list = %lookup.list.name,
        subject = %lookup.subject,
        verdict,
        detail,
        duration = lookup.duration.map(|took| took.as_secs_f64()),
        "looked up"
    );
}

/// The one line per change.
fn log_change(change: &ListingChange) {
    let said = if change.listed { Some(&change.now) } else { change.before.as_ref() };
    let (mut codes, mut meanings) = (Vec::new(), Vec::new());
    if let Some(Verdict::Listed(all)) = said.map(|lookup| &lookup.verdict) {
        codes.extend(all.iter().map(|code| code.address.to_string()));
        meanings.extend(all.iter().map(|code| code.meaning.to_string()));
        codes.dedup();
        meanings.dedup();
    }
    let reason = said.map(|lookup| lookup.reasons.join(" / ")).unwrap_or_default();
    let Lookup { list, subject, .. } = &*change.now;
    let (codes, meanings) = (codes.join(","), meanings.join(", "));
    tracing::info!(
        list = %list.name,
        kind = %list.kind,
        %subject,
        codes,
        meanings,
        reason,
        "{}",
        if change.listed { "subject is listed" } else { "subject is no longer listed" }
    );
}

fn log_health(list: &List, health: &Health, changed: bool) {
    let (list, detail) = (&list.name, &health.detail);
    match health.healthy {
        Some(true) if changed => tracing::info!(%list, "block list is healthy again"),
        Some(true) => tracing::debug!(%list, "block list is healthy"),
        Some(false) if changed => {
            tracing::warn!(%list, detail, "block list is unhealthy: nothing it says is believed");
        }
        Some(false) => tracing::debug!(%list, detail, "block list is unhealthy"),
        None => tracing::debug!(%list, detail, "block list's health cannot be told"),
    }
}

/// How often targets' and own addresses are looked for.
const REFRESH: Duration = Duration::from_secs(10);
/// How old the last look at a list's test points may be when it says something new: a minute, or a
/// sixtieth of their interval when that is less.
const CHECKED_LATELY: Duration = Duration::from_secs(60);
/// Private addresses that are remembered as told of.
const MAX_TOLD: usize = 64;
