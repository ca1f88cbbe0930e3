//! `/api/v1/listings`: every subject on every DNS list, and the lists, as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::Response;
use serde::Serialize;

use super::api::{Answer, write};
use super::body::Payload;
use super::report::utc;
use super::scrape::rendered;
use super::{Asked, Refusal, State};
use crate::dnsbl::{Kind, Reason, SubjectKind, Verdict};
use crate::observation::Lookup;
use crate::store::{ListView, ListingView, Listings, QueryResult};

pub(super) async fn listings(
    state: &Arc<State>,
    asked: &Asked,
) -> Result<Response<Payload>, Refusal> {
    let content_type = "application/json; charset=utf-8";
    rendered(state, asked, content_type, false, |state, sink| {
        write(&Answer { status: "success", data: Data::of(state.store.listings()) }, sink)
    })
    .await
}

#[derive(Debug, Serialize)]
struct Data {
    lists: Vec<ListRow>,
    listings: Vec<ListingRow>,
}

/// A list. Its zone is not shown: it may hold a key.
#[derive(Debug, Serialize)]
struct ListRow {
    list: Arc<str>,
    kind: Kind,
    operator: Arc<str>,
    subjects: Vec<SubjectKind>,
    delisting: Option<Arc<str>>,
    /// None: it could not be told.
    healthy: Option<bool>,
    health_detail: Option<String>,
    health_checked: Option<String>,
    paused_until: Option<String>,
    queries: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct ListingRow {
    list: Arc<str>,
    kind: Kind,
    subject: String,
    labels: BTreeMap<String, String>,
    /// `listed`, `clean` or `unknown`; `waiting` before the first look-up.
    verdict: &'static str,
    codes: Vec<CodeRow>,
    /// What the list itself says of the listing (TXT).
    texts: Vec<String>,
    /// Why it could not be told.
    reason: Option<Reason>,
    detail: Option<String>,
    since: Option<String>,
    last: Option<String>,
    /// What it was when it last could be told, and when that was.
    last_told: Option<Told>,
    next: Option<String>,
    paused_until: Option<String>,
}

#[derive(Debug, Serialize)]
struct CodeRow {
    code: String,
    meaning: Arc<str>,
}

#[derive(Debug, Serialize)]
struct Told {
    verdict: &'static str,
    at: String,
}

impl Data {
    fn of(known: &Listings) -> Self {
        let lists = known.lists();
        let paused = |name: &str| {
            let list = lists.iter().find(|view| *view.list.name == *name)?;
            list.paused_until.map(utc)
        };
        let listings = known.listings();
        let row = |view: &Arc<ListingView>| ListingRow::of(view, paused(&view.list.name));
        Self {
            listings: listings.iter().map(row).collect(),
            lists: lists.iter().map(|view| ListRow::of(view)).collect(),
        }
    }
}

impl ListRow {
    fn of(view: &ListView) -> Self {
        let health = view.health.as_ref();
        let detail = health.map(|health| health.detail.clone());
        Self {
            list: view.list.name.clone(),
            kind: view.list.kind,
            operator: view.list.operator.name.clone(),
            subjects: view.list.subjects.clone(),
            delisting: view.list.delisting.clone(),
            healthy: health.and_then(|health| health.healthy),
            health_detail: detail.filter(|detail| !detail.is_empty()),
            health_checked: health.map(|health| utc(health.ended)),
            paused_until: view.paused_until.map(utc),
            queries: QueryResult::ALL.iter().map(|r| r.as_str()).zip(view.queries).collect(),
        }
    }
}

impl ListingRow {
    fn of(view: &ListingView, paused_until: Option<String>) -> Self {
        let last = view.last.as_deref();
        let verdict = last.map(|last| &last.verdict);
        let (codes, reason, detail) = match verdict {
            Some(Verdict::Listed(codes)) => (codes.as_slice(), None, None),
            Some(Verdict::Unknown(reason, detail)) => (&[][..], Some(*reason), Some(detail)),
            Some(Verdict::Clean) | None => (&[][..], None, None),
        };
        let code = |code: &crate::dnsbl::Code| CodeRow {
            code: code.address.to_string(),
            meaning: code.meaning.clone(),
        };
        let told = |seen: &Lookup| Told { verdict: word(Some(&seen.verdict)), at: utc(seen.ended) };
        Self {
            list: view.list.name.clone(),
            kind: view.list.kind,
            subject: view.subject.to_string(),
            labels: (*view.labels).clone(),
            verdict: word(verdict),
            codes: codes.iter().map(code).collect(),
            texts: last.map(|last| last.reasons.clone()).unwrap_or_default(),
            reason,
            detail: detail.cloned(),
            since: view.since.map(utc),
            last: last.map(|last| utc(last.ended)),
            last_told: view.last_told.as_deref().map(told),
            next: view.next.map(utc),
            paused_until,
        }
    }
}

const fn word(verdict: Option<&Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Listed(_)) => "listed",
        Some(Verdict::Clean) => "clean",
        Some(Verdict::Unknown(..)) => "unknown",
        None => "waiting",
    }
}
