//! What DNS lists say: of every subject, of each list as a whole, and of a target's addresses and
//! names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::{instant, time};
use crate::dnsbl::{Code, Kind, Reason, SubjectKind, Verdict};
use crate::observation::Lookup;
use crate::store::{ListView, ListingView, QueryResult, Store, View};
use crate::target::{HostName, Place};

closed_enum! {
    /// What a list last said of a subject.
    pub enum ListingState {
        /// It is on the list.
        Listed => "listed",
        /// It is not.
        Clean => "clean",
        /// The list could not tell.
        Unknown => "unknown",
        /// It was not looked up yet.
        Waiting => "waiting",
    }
}

closed_enum! {
    /// Whether a list can be relied on, the worst first.
    pub enum ListState {
        /// Its test points do not answer as they must, so it proves nothing.
        Unhealthy => "unhealthy",
        /// It refused us, and is left alone for a while.
        Paused => "paused",
        /// It refuses to answer us.
        Refusing => "refusing",
        /// It could not tell of some subject for another reason.
        Failing => "failing",
        /// Nothing was looked up yet.
        Waiting => "waiting",
        /// It tells of every subject.
        Working => "working",
    }
}

/// All that is known of DNS lists: `/api/v1/listings`, and what pages show of it.
#[derive(Debug, Default, Serialize)]
pub(in crate::web) struct Listings {
    pub(in crate::web) counts: Counts,
    /// Distinct subjects.
    pub(in crate::web) subjects: usize,
    pub(in crate::web) lists: Vec<ListRow>,
    pub(in crate::web) listings: Vec<Arc<ListingRow>>,
    #[serde(skip)]
    by_subject: HashMap<String, Vec<Arc<ListingRow>>>,
}

/// How many listings there are of each state. Allow lists are counted apart where being listed is
/// good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(in crate::web) struct Counts {
    /// Listed on a block list.
    pub(in crate::web) listed: usize,
    /// Listed on an allow list.
    pub(in crate::web) allowed: usize,
    pub(in crate::web) clean: usize,
    pub(in crate::web) unknown: usize,
    pub(in crate::web) waiting: usize,
}

/// A list. Its zone is not shown: it may hold a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct ListRow {
    pub(in crate::web) list: Arc<str>,
    pub(in crate::web) kind: Kind,
    pub(in crate::web) state: ListState,
    /// Why it cannot be relied on, for a person; empty while it can be.
    pub(in crate::web) trouble: String,
    pub(in crate::web) counts: Counts,
    pub(in crate::web) operator: Arc<str>,
    pub(in crate::web) subjects: Vec<SubjectKind>,
    /// Where a listing is looked up and removed.
    pub(in crate::web) delisting: Option<Arc<str>>,
    /// None: it could not be told.
    pub(in crate::web) healthy: Option<bool>,
    pub(in crate::web) health_detail: Option<String>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) health_checked: Option<SystemTime>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) paused_until: Option<SystemTime>,
    pub(in crate::web) queries: BTreeMap<&'static str, u64>,
}

/// One subject on one list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct ListingRow {
    /// The list's name.
    pub(in crate::web) list: Arc<str>,
    pub(in crate::web) kind: Kind,
    /// The address or domain, as the list's operator would write it.
    pub(in crate::web) subject: String,
    pub(in crate::web) labels: Arc<BTreeMap<String, String>>,
    /// The targets whose name or address it is.
    pub(in crate::web) targets: Vec<Arc<str>>,
    pub(in crate::web) verdict: ListingState,
    /// Return codes, while listed.
    pub(in crate::web) codes: Vec<CodeRow>,
    /// What the list itself says of the listing (TXT).
    pub(in crate::web) texts: Vec<String>,
    /// Why it could not be told.
    pub(in crate::web) reason: Option<Reason>,
    /// The same for a person.
    pub(in crate::web) detail: Option<String>,
    /// Since when it is as it was last told.
    #[serde(serialize_with = "time")]
    pub(in crate::web) since: Option<SystemTime>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) last: Option<SystemTime>,
    /// What it was when it last could be told, and when that was.
    pub(in crate::web) last_told: Option<Told>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) next: Option<SystemTime>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) paused_until: Option<SystemTime>,
    /// Where a listing is looked up and removed.
    pub(in crate::web) delisting: Option<Arc<str>>,
}

/// A return code and what the list means by it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct CodeRow {
    pub(in crate::web) code: String,
    pub(in crate::web) meaning: Arc<str>,
}

/// A look-up that could tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct Told {
    pub(in crate::web) verdict: ListingState,
    #[serde(serialize_with = "instant")]
    pub(in crate::web) at: SystemTime,
}

impl Listings {
    /// What the store knows, each subject with the targets that it belongs to.
    pub(in crate::web) fn of(store: &Store) -> Self {
        let views = store.listings().listings();
        if views.is_empty() && store.listings().lists().is_empty() {
            return Self::default();
        }
        let mut targets: HashMap<String, BTreeSet<Arc<str>>> = HashMap::new();
        for view in store.views() {
            for subject in subjects_of(&view) {
                targets.entry(subject).or_default().insert(view.check.target.name.clone());
            }
        }
        Self::new(&views, &store.listings().lists(), &targets)
    }

    fn new(
        views: &[Arc<ListingView>],
        lists: &[Arc<ListView>],
        targets: &HashMap<String, BTreeSet<Arc<str>>>,
    ) -> Self {
        let paused: HashMap<&str, Option<SystemTime>> =
            lists.iter().map(|view| (&*view.list.name, view.paused_until)).collect();
        let mut all = Self::default();
        let mut of_list: HashMap<Arc<str>, (Counts, Option<Arc<ListingRow>>)> = HashMap::new();
        for view in views {
            let mut row = ListingRow::of(view);
            row.paused_until = paused.get(&*row.list).copied().flatten();
            row.targets = targets.get(&row.subject).into_iter().flatten().cloned().collect();
            let row = Arc::new(row);
            all.counts.add(&row);
            let (counts, worst) = of_list.entry(row.list.clone()).or_default();
            counts.add(&row);
            // A refusal says more of a list than a single time-out.
            let refused = row.reason == Some(Reason::Refused);
            if row.reason.is_some() && (worst.is_none() || refused) {
                *worst = Some(row.clone());
            }
            all.by_subject.entry(row.subject.clone()).or_default().push(row.clone());
            all.listings.push(row);
        }
        all.subjects = all.by_subject.len();
        all.lists = lists
            .iter()
            .map(|view| {
                let (counts, worst) = of_list.remove(&view.list.name).unwrap_or_default();
                ListRow::of(view, counts, worst.as_deref())
            })
            .collect();
        all
    }

    /// Those that speak of a target: of its name, and of its addresses, in order of subject and
    /// list.
    pub(super) fn of_target(&self, view: &View) -> Vec<Arc<ListingRow>> {
        if self.by_subject.is_empty() {
            return Vec::new();
        }
        let subjects = subjects_of(view);
        subjects.iter().filter_map(|one| self.by_subject.get(one)).flatten().cloned().collect()
    }
}

impl Counts {
    fn add(&mut self, row: &ListingRow) {
        *match (row.verdict, row.kind) {
            (ListingState::Listed, Kind::Block) => &mut self.listed,
            (ListingState::Listed, Kind::Allow) => &mut self.allowed,
            (ListingState::Clean, _) => &mut self.clean,
            (ListingState::Unknown, _) => &mut self.unknown,
            (ListingState::Waiting, _) => &mut self.waiting,
        } += 1;
    }

    pub(in crate::web) fn of(rows: &[Arc<ListingRow>]) -> Self {
        let mut counts = Self::default();
        for row in rows {
            counts.add(row);
        }
        counts
    }
}

impl ListRow {
    /// `worst` is a subject of which it could not tell, where there is one.
    fn of(view: &ListView, counts: Counts, worst: Option<&ListingRow>) -> Self {
        let health = view.health.as_ref();
        let detail = health.map(|health| health.detail.clone()).filter(|text| !text.is_empty());
        let healthy = health.and_then(|health| health.healthy);
        let refused = worst.is_some_and(|row| row.reason == Some(Reason::Refused));
        let told = counts.listed + counts.allowed + counts.clean;
        let state = match worst {
            _ if healthy == Some(false) => ListState::Unhealthy,
            _ if view.paused_until.is_some() => ListState::Paused,
            Some(_) if refused => ListState::Refusing,
            Some(_) => ListState::Failing,
            None if told == 0 => ListState::Waiting,
            None => ListState::Working,
        };
        let said = worst.and_then(|row| row.detail.clone());
        let trouble = match state {
            ListState::Unhealthy => detail.clone(),
            ListState::Paused => said.or_else(|| detail.clone()),
            ListState::Refusing | ListState::Failing => said,
            ListState::Waiting | ListState::Working => None,
        };
        Self {
            list: view.list.name.clone(),
            kind: view.list.kind,
            state,
            trouble: trouble.unwrap_or_default(),
            counts,
            operator: view.list.operator.name.clone(),
            subjects: view.list.subjects.clone(),
            delisting: view.list.delisting.clone(),
            healthy,
            health_detail: detail,
            health_checked: health.map(|health| health.ended),
            paused_until: view.paused_until,
            queries: QueryResult::ALL.iter().map(|r| r.as_str()).zip(view.queries).collect(),
        }
    }

    /// It does not tell of all that it is asked.
    pub(in crate::web) const fn is_in_trouble(&self) -> bool {
        !matches!(self.state, ListState::Waiting | ListState::Working)
    }
}

impl ListingRow {
    /// Without its targets and its list's pause.
    fn of(view: &ListingView) -> Self {
        let last = view.last.as_deref();
        let (codes, reason, detail) = match last.map(|last| &last.verdict) {
            Some(Verdict::Listed(codes)) => (codes.as_slice(), None, None),
            Some(Verdict::Unknown(reason, detail)) => (&[][..], Some(*reason), Some(detail)),
            Some(Verdict::Clean) | None => (&[][..], None, None),
        };
        let code =
            |code: &Code| CodeRow { code: code.address.to_string(), meaning: code.meaning.clone() };
        let told = |seen: &Lookup| Told { verdict: state(Some(&seen.verdict)), at: seen.ended };
        Self {
            list: view.list.name.clone(),
            kind: view.list.kind,
            subject: view.subject.to_string(),
            labels: view.labels.clone(),
            targets: Vec::new(),
            verdict: state(last.map(|last| &last.verdict)),
            codes: codes.iter().map(code).collect(),
            texts: last.map(|last| last.reasons.clone()).unwrap_or_default(),
            reason,
            detail: detail.cloned(),
            since: view.since,
            last: last.map(|last| last.ended),
            last_told: view.last_told.as_deref().map(told),
            next: view.next,
            paused_until: None,
            delisting: view.list.delisting.clone(),
        }
    }

    /// It is on a list on which it should not be.
    pub(in crate::web) fn is_hit(&self) -> bool {
        self.verdict == ListingState::Listed && self.kind == Kind::Block
    }

    /// True when some text of the row holds `words`, which are in lower case.
    pub(in crate::web) fn holds(&self, words: &str) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(words);
        holds(&self.subject)
            || holds(&self.list)
            || self.targets.iter().any(|target| holds(target))
            || self.labels.iter().any(|(name, value)| holds(&format!("{name}={value}")))
            || self.codes.iter().any(|code| holds(&code.meaning))
    }
}

const fn state(verdict: Option<&Verdict>) -> ListingState {
    match verdict {
        Some(Verdict::Listed(_)) => ListingState::Listed,
        Some(Verdict::Clean) => ListingState::Clean,
        Some(Verdict::Unknown(..)) => ListingState::Unknown,
        None => ListingState::Waiting,
    }
}

/// What a target can be listed by: its name, and every address that its name stands for.
fn subjects_of(view: &View) -> BTreeSet<String> {
    let endpoints = view.endpoints.keys().chain(view.waiting.keys());
    subjects(&view.check.target.place, endpoints.filter_map(|endpoint| endpoint.address))
}

fn subjects(place: &Place, addresses: impl Iterator<Item = IpAddr>) -> BTreeSet<String> {
    let name = match place {
        Place::Domain(name) | Place::Host { host: HostName::Name(name), .. } => Some(&**name),
        Place::Host { host: HostName::Address(_), .. } => None,
    };
    addresses
        .map(|address| address.to_canonical().to_string())
        .chain(name.map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnsbl::{List, Subject};
    use crate::observation::Health;

    #[test]
    fn a_target_has_the_subjects_of_its_name_and_its_addresses() {
        let of = |place: &str, address: &str| -> Vec<String> {
            let place = Place::parse(place).unwrap();
            let address: IpAddr = address.parse().unwrap();
            subjects(&place, [address, address].into_iter()).into_iter().collect()
        };
        assert_eq!(of("domain:example.net", "::ffff:192.0.2.1"), ["192.0.2.1", "example.net"]);
        assert_eq!(of("192.0.2.2:25", "192.0.2.2"), ["192.0.2.2"]);
        assert_eq!(of("mx.example.net", "2001:db8::1"), ["2001:db8::1", "mx.example.net"]);
    }

    fn listing(list: &str, subject: &str, verdict: Option<Verdict>) -> Arc<ListingView> {
        let list = Arc::new(List::custom(list, list, Kind::Block).unwrap());
        let subject = Subject::Address(subject.parse().unwrap());
        let last = verdict.map(|verdict| {
            Arc::new(Lookup {
                list: list.clone(),
                subject: subject.clone(),
                ended: SystemTime::UNIX_EPOCH,
                duration: None,
                verdict,
                reasons: Vec::new(),
                good_until: SystemTime::UNIX_EPOCH,
            })
        });
        let labels = Arc::default();
        let (last_told, since, next) = (None, None, None);
        Arc::new(ListingView { list, subject, labels, last, last_told, since, next })
    }

    /// The state of a list that says this of its subjects.
    fn list_state(
        verdicts: [Option<Verdict>; 2],
        healthy: Option<bool>,
        paused: bool,
    ) -> (ListState, String) {
        let [one, two] = verdicts;
        let views = [listing("bl.test", "192.0.2.1", one), listing("bl.test", "192.0.2.2", two)];
        let view = ListView {
            list: views[0].list.clone(),
            health: Some(Health {
                ended: SystemTime::UNIX_EPOCH,
                healthy,
                detail: "sick".to_owned(),
            }),
            paused_until: paused.then_some(SystemTime::UNIX_EPOCH),
            queries: Default::default(),
            buckets: Default::default(),
            seconds: 0.0,
        };
        let all = Listings::new(&views, &[Arc::new(view)], &HashMap::new());
        assert_eq!((all.subjects, all.lists.len()), (2, 1));
        let row = &all.lists[0];
        assert_eq!(row.counts, all.counts);
        (row.state, row.trouble.clone())
    }

    #[test]
    fn a_list_is_as_good_as_what_it_told_worst() {
        let clean = || Some(Verdict::Clean);
        let unknown = |reason, text: &str| Some(Verdict::Unknown(reason, text.to_owned()));
        let (late, refused) =
            (|| unknown(Reason::Timeout, "late"), || unknown(Reason::Refused, "go away"));
        for (verdicts, healthy, paused, state, trouble) in [
            ([clean(), clean()], Some(true), false, ListState::Working, ""),
            ([None, None], None, false, ListState::Waiting, ""),
            ([None, clean()], None, false, ListState::Working, ""),
            ([clean(), late()], Some(true), false, ListState::Failing, "late"),
            ([late(), refused()], Some(true), false, ListState::Refusing, "go away"),
            ([refused(), late()], Some(true), false, ListState::Refusing, "go away"),
            ([refused(), clean()], None, true, ListState::Paused, "go away"),
            ([clean(), None], None, true, ListState::Paused, "sick"),
            ([refused(), clean()], Some(false), true, ListState::Unhealthy, "sick"),
        ] {
            let found = list_state(verdicts, healthy, paused);
            assert_eq!(found, (state, trouble.to_owned()));
        }
    }
}
