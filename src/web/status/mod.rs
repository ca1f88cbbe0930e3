//! What the pages and the API show, gathered from the store into plain data. Pages and JSON are both
//! made of these values and of nothing else, so the two cannot disagree.
//!
//! - [`Row`] is one check; `/` and `/api/v1/targets` show all of them.
//! - A [whole](Depth::Whole) row holds transcripts and history as well; `/targets/NAME` and
//!   `/api/v1/targets/NAME` show those of one target.

mod endpoint;
mod group;
mod limit;
mod listing;
mod posture;
mod skew;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

pub(super) use endpoint::{
    EndpointRow, FailureRow, PhaseRow, ReplyRow, TranscriptRow, WaitingRow, id,
};
pub(super) use group::SOON_DAYS;
pub use group::{Group, Warning};
pub(super) use limit::{LimitEndpointRow, LimitRow, MeasuredRow};
#[cfg(test)]
pub(super) use listing::CodeRow;
pub(super) use listing::{Counts, ListRow, ListingRow, Listings};
pub use listing::{ListState, ListingState};
pub(super) use posture::DomainRow;
pub use posture::DomainState;
pub(super) use skew::{RegressionRow, SkewRow, WitnessRow};
pub(super) use tls::{CapabilitiesRow, CertificateRow, TlsRow};

use super::report::utc;
use crate::cause::{Cause, Rules};
use crate::observation::Observation;
use crate::smtp::Phase;
use crate::store::{HistoryEntry, SkewView, Store, View};

closed_enum! {
    /// The state of a check in one word. For a module with `expect`, `up` means as expected.
    pub enum Condition {
        /// A session was accepted, or all was as expected.
        Up => "up",
        /// No endpoint accepts a session, or something is not as expected.
        Down => "down",
        /// Every remote asked us to stay away.
        Paused => "paused",
        /// Nothing trustworthy is known.
        Unknown => "unknown",
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) target: Arc<str>,
    pub(super) module: Arc<str>,
    pub(super) place: String,
    pub(super) labels: BTreeMap<String, String>,
    #[serde(rename = "interval_seconds", serialize_with = "seconds")]
    pub(super) interval: Duration,
    pub(super) state: Condition,
    /// The part of the page in which it stands.
    pub(super) group: Group,
    /// What is not as it should be though it is up.
    pub(super) warnings: Vec<Warning>,
    /// The module has `expect`.
    pub(super) negative: bool,
    #[serde(serialize_with = "time")]
    pub(super) since: Option<SystemTime>,
    pub(super) responding: Option<bool>,
    pub(super) failure: Option<FailureRow>,
    /// The last reply's code where the failure happened, else at the first endpoint.
    pub(super) reply_code: Option<u16>,
    /// That reply.
    pub(super) last_reply: Option<ReplyRow>,
    /// The endpoint that explains the state, by its id.
    pub(super) telling_endpoint: Option<String>,
    pub(super) consecutive_failures: u64,
    pub(super) mx_records: Option<u32>,
    pub(super) left_out: u32,
    /// What is odd about where the name leads.
    pub(super) notes: Vec<String>,
    /// Whole days until the first certificate of any endpoint ends.
    pub(super) certificate_days_left: Option<i64>,
    /// What was compared across the target's endpoints and ports, all its modules together.
    pub(super) skews: Vec<SkewRow>,
    /// How many listings of its addresses and its name there are of each state.
    pub(super) listing_counts: Counts,
    /// What DNS lists say of its addresses and its name: where it is listed, and in a whole row
    /// everything.
    pub(super) listings: Vec<Arc<ListingRow>>,
    #[serde(serialize_with = "time")]
    pub(super) paused_until: Option<SystemTime>,
    #[serde(serialize_with = "time")]
    pub(super) last_round: Option<SystemTime>,
    #[serde(serialize_with = "time")]
    pub(super) next_round: Option<SystemTime>,
    /// A failed resolve is one of them, without an address.
    pub(super) endpoints: Vec<EndpointRow>,
    /// Endpoints that the name stands for and that were never probed.
    pub(super) waiting: Vec<WaitingRow>,
    /// The latest rounds, oldest first; in a whole row only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<Vec<HistoryRow>>,
}

/// One round of the past.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct HistoryRow {
    #[serde(serialize_with = "instant")]
    pub(super) at: SystemTime,
    /// How long the longest probe took.
    #[serde(rename = "duration_seconds", serialize_with = "seconds")]
    pub(super) duration: Duration,
    /// The cause of the failure; none when all was as wanted.
    pub(super) cause: Option<Cause>,
    /// The last reply's code before QUIT.
    pub(super) code: Option<u16>,
}

/// How much a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What the page of all targets shows.
    Summary,
    /// Transcripts and history as well.
    Whole,
}

/// What rows are made with, besides views.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) rules: &'a Rules,
    /// What DNS lists say, of everything.
    pub(super) listings: &'a Listings,
    /// Transcripts may be shown.
    pub(super) transcripts: bool,
    pub(super) now: SystemTime,
}

/// What was compared, by target.
struct Skews(BTreeMap<Arc<str>, Arc<SkewView>>);

impl Skews {
    fn of(store: &Store) -> Self {
        let views = store.skews().into_iter();
        Self(views.map(|view| (view.target.name.clone(), view)).collect())
    }
}

impl Facts<'_> {
    /// Every check, in order of target and module.
    pub(super) fn rows(&self, store: &Store) -> Vec<Row> {
        let skews = Skews::of(store);
        store.views().iter().map(|view| self.row(view, &skews, Depth::Summary)).collect()
    }

    /// The checks of one target, whole.
    pub(super) fn rows_of(&self, store: &Store, target: &str) -> Vec<Row> {
        let views = store.views();
        let of_target = views.iter().filter(|view| *view.check.target.name == *target);
        let skews = Skews::of(store);
        of_target.map(|view| self.row(view, &skews, Depth::Whole)).collect()
    }

    /// The connection limits that are measured, of all targets or of one.
    pub(super) fn limits(&self, store: &Store, target: Option<&str>) -> Vec<LimitRow> {
        limit::rows(store, target, self.now)
    }

    fn row(&self, view: &View, skews: &Skews, depth: Depth) -> Row {
        let key = view.check.key();
        let verdict = &view.verdict;
        let endpoints: Vec<EndpointRow> = view
            .resolve_failure
            .iter()
            .chain(view.endpoints.values())
            .map(|seen| EndpointRow::of(&key, seen, self, depth))
            .collect();
        let mut listings = self.listings.of_target(view);
        let listing_counts = Counts::of(&listings);
        if depth == Depth::Summary {
            listings.retain(|row| row.verdict == ListingState::Listed);
        }
        let state = group::condition(view, self.now);
        let negative = view.check.module.expect.is_some();
        let skews = skew::rows(skews.0.get(&key.0), self.now);
        let warnings = group::warnings(state, &key.1, &endpoints, &skews, listing_counts);
        let telling = telling(view);
        let last_reply = telling.and_then(last_reply);
        Row {
            place: view.check.target.place.to_string(),
            labels: view.check.target.labels.clone(),
            interval: view.check.interval(),
            state,
            group: group::group(state, negative, verdict, &warnings),
            warnings,
            negative,
            since: view.since,
            responding: verdict.responding,
            failure: verdict.failure.as_ref().map(|failure| FailureRow::of(failure, self.rules)),
            reply_code: last_reply.as_ref().map(|reply| reply.code),
            last_reply,
            telling_endpoint: telling.map(|seen| id(&key, &seen.endpoint)),
            consecutive_failures: view.consecutive_failures,
            mx_records: view.mx_records,
            left_out: view.left_out,
            notes: view.notes.clone(),
            certificate_days_left: endpoints
                .iter()
                .filter_map(|endpoint| endpoint.tls.as_ref()?.days_left)
                .min(),
            skews,
            listing_counts,
            listings,
            paused_until: view.paused_until.filter(|until| *until > self.now),
            last_round: view.last_round,
            next_round: view.next_round,
            endpoints,
            waiting: view
                .waiting
                .iter()
                .map(|(endpoint, skip)| WaitingRow::of(endpoint, skip))
                .collect(),
            history: (depth == Depth::Whole)
                .then(|| view.history.iter().map(HistoryRow::of).collect()),
            target: key.0,
            module: key.1,
        }
    }
}

impl Row {
    /// The state in words: a negative test is never just up or down.
    pub(super) fn word(&self) -> &'static str {
        match (self.state, self.negative) {
            (Condition::Up, true) => "as expected",
            (Condition::Down, true) => "not as expected",
            _ => self.state.as_str(),
        }
    }

    /// What has been so since [`since`](Self::since): a pause says nothing of when it began.
    pub(super) fn lasting_word(&self) -> &'static str {
        match self.state {
            Condition::Paused => "no session",
            _ => self.word(),
        }
    }

    /// When something is connected to next: the round that begins in a pause finds nothing to do.
    pub(super) fn next_probe(&self) -> Option<SystemTime> {
        self.next_round.filter(|next| self.paused_until.is_none_or(|until| *next >= until))
    }

    /// The endpoint that explains the state.
    pub(super) fn telling(&self) -> Option<&EndpointRow> {
        let id = self.telling_endpoint.as_deref()?;
        self.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    /// True when some text of the row holds `words`, which are in lower case.
    pub(super) fn holds(&self, words: &str) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(words);
        holds(&self.target)
            || holds(&self.module)
            || holds(&self.place)
            || holds(self.word())
            || holds(self.group.title())
            || self.labels.iter().any(|(name, value)| holds(&format!("{name}={value}")))
            || self.failure.as_ref().is_some_and(|failure| {
                holds(failure.cause.as_str())
                    || holds(failure.blame.as_str())
                    || holds(failure.phase.as_str())
                    || holds(&failure.detail)
            })
            || self.endpoints.iter().any(|endpoint| {
                holds(&endpoint.host)
                    || endpoint.address.is_some_and(|address| holds(&address.to_string()))
            })
    }
}

impl HistoryRow {
    fn of(entry: &HistoryEntry) -> Self {
        Self {
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(entry.at.into()),
            duration: Duration::from_millis(entry.millis.into()),
            cause: entry.cause,
            code: (entry.code > 0).then_some(entry.code),
        }
    }
}

/// What explains the verdict: the endpoint that failed as the verdict says, else the first.
fn telling(view: &View) -> Option<&Observation> {
    let fits = |observation: &Observation| match (&view.verdict.failure, observation.trouble()) {
        (Some(a), Some(b)) => (a.phase, a.cause) == (b.phase, b.cause),
        (None, None) => true,
        _ => false,
    };
    let mut seen =
        view.endpoints.values().chain(&view.resolve_failure).map(|endpoint| &*endpoint.last);
    let first = seen.clone().next();
    seen.find(|observation| fits(observation)).or(first)
}

/// The last reply, QUIT's apart.
fn last_reply(seen: &Observation) -> Option<ReplyRow> {
    seen.replies.iter().rfind(|reply| reply.phase != Phase::Quit).map(ReplyRow::of)
}

fn time<S: Serializer>(at: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(utc).serialize(serializer)
}

fn instant<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    utc(*at).serialize(serializer)
}

fn maybe_seconds<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    span.map(|span| span.as_secs_f64()).serialize(serializer)
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
