//! Pages for a person who has nothing but a browser: `/`, all targets by what they need, and
//! `/targets/NAME`, everything that is known of one.
//!
//! Rendered here as a whole, with one style sheet and one short script in the page itself, nothing
//! from elsewhere, and no build step. Without the script the pages only do not refresh themselves.
//! Templates escape all text; what peers said goes through [`parts::Said`] besides.
//!
//! Rendering is a function of [`status`](super::status)' values: no template looks at the store.

mod frame;
mod limits;
mod lists;
mod overview;
mod parts;
mod posture;
mod skew;
mod target;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use maud::{Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::body::{self, Payload};
use super::scrape::rendered;
use super::status::{DomainRow, Group, LimitRow, Listings, Row};
use super::{Asked, Refusal, State};
use crate::target::near::neighbours;
pub(super) use parts::Links;
pub(super) use posture::domain;

/// A page of text that does not change: `content` is HTML of ours.
pub(super) fn text(state: &State, title: &str, content: &str) -> Response<Payload> {
    let main = html! { div.prose { (PreEscaped(content)) } };
    let links = state.links();
    let page = frame::Frame { links, title, badge: None, made: None, filter: None }.around(&main);
    whole(StatusCode::OK, page)
}

/// What `/` shows.
pub(super) struct Overview<'a> {
    links: Links<'a>,
    now: SystemTime,
    /// The words that a check must hold.
    filter: Option<&'a str>,
    /// All checks, those that the filter hides included.
    total: usize,
    groups: BTreeMap<Group, Vec<Row>>,
    limits: Vec<LimitRow>,
    listings: &'a Listings,
    domains: Vec<DomainRow>,
}

/// `/`.
pub(super) async fn overview(
    state: &Arc<State>,
    asked: &Asked,
) -> Result<Response<Payload>, Refusal> {
    let filter = asked.query.one("q")?.map(|words| words.trim().to_lowercase());
    let response = rendered(state, asked, HTML, false, move |state, sink| {
        let now = SystemTime::now();
        let filter = filter.as_deref().filter(|words| !words.is_empty());
        let page = state.facts(now, |facts| {
            let rows = facts.rows(&state.store);
            let mut page = Overview {
                links: state.links(),
                now,
                filter,
                total: rows.len(),
                groups: BTreeMap::new(),
                limits: facts.limits(&state.store, None),
                listings: facts.listings,
                domains: DomainRow::all(&state.store, false),
            };
            for row in rows.into_iter().filter(|row| filter.is_none_or(|words| row.holds(words))) {
                page.groups.entry(row.group).or_default().push(row);
            }
            page.render()
        });
        sink(Bytes::from(page.into_string()));
        Ok(())
    })
    .await?;
    Ok(guarded(response))
}

/// `/targets/NAME`. A target that there is not is told with the names that may have been meant: links
/// from old alerts end here.
pub(super) async fn target(
    state: &Arc<State>,
    asked: &Asked,
    name: &str,
) -> Result<Response<Payload>, Refusal> {
    if !knows(state, name) {
        let near = near_names(state, name);
        let page = target::missing(state.links(), name, &near);
        return Ok(whole(StatusCode::NOT_FOUND, page));
    }
    let name = name.to_owned();
    let response = rendered(state, asked, HTML, false, move |state, sink| {
        let now = SystemTime::now();
        let (rows, limits) = state.facts(now, |facts| {
            (facts.rows_of(&state.store, &name), facts.limits(&state.store, Some(&name)))
        });
        let page = target::page(state.links(), &name, &rows, &limits, now);
        sink(Bytes::from(page.into_string()));
        Ok(())
    })
    .await?;
    Ok(guarded(response))
}

/// True when there is a target of this name.
pub(super) fn knows(state: &State, name: &str) -> bool {
    state.store.views().iter().any(|view| *view.check.target.name == *name)
}

/// The names of targets that may have been meant.
pub(super) fn near_names(state: &State, name: &str) -> Vec<String> {
    let mut names: Vec<Arc<str>> =
        state.store.views().iter().map(|view| view.check.target.name.clone()).collect();
    names.dedup();
    let near = neighbours(name, names.iter().map(|name| &**name), NEAR);
    near.into_iter().map(str::to_owned).collect()
}

/// A page that is small, and made of nothing that changes.
fn whole(status: StatusCode, page: Markup) -> Response<Payload> {
    guarded(body::answer(status, HTML, Bytes::from(page.into_string())))
}

/// The headers of a page.
fn guarded(mut response: Response<Payload>) -> Response<Payload> {
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

/// Nothing but our own style sheet and script, named by their hashes; the script asks for the page
/// itself, and the filter is a form that leads back to it.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        hash(frame::STYLE),
        hash(frame::SCRIPT)
    )
});

const HTML: &str = "text/html; charset=utf-8";
/// Names that a page about a missing target suggests.
const NEAR: usize = 8;
