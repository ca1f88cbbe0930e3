//! Domains' records and keys: what is wrong and what to do, on `/`, and everything that is known of
//! one on `/posture/NAME`.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::{Response, StatusCode};
use maud::{Markup, html};

use super::frame::Frame;
use super::parts::{Links, Said, ago, ahead, cut_at, lasting, reference};
use super::{HTML, guarded, whole};
use crate::posture::told::{self, Section};
use crate::posture::{Finding, Severity};
use crate::web::body::Payload;
use crate::web::runbook::RUNBOOKS;
use crate::web::scrape::rendered;
use crate::web::status::{DomainRow, DomainState};
use crate::web::{Asked, Page, Refusal, State};

/// The part of `/` about domains.
pub(super) struct Domains<'a> {
    links: Links<'a>,
    now: SystemTime,
    rows: Vec<DomainRow>,
}

impl<'a> Domains<'a> {
    /// With a filter, those that hold its words.
    pub(super) fn new(
        links: Links<'a>,
        mut rows: Vec<DomainRow>,
        filter: Option<&str>,
        now: SystemTime,
    ) -> Self {
        rows.retain(|row| filter.is_none_or(|words| row.holds(words)));
        Self { links, now, rows }
    }

    /// Nothing of it is shown.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// One line at the top, as a link.
    pub(super) fn count(&self) -> Markup {
        let state = self.state();
        let number = self.rows.iter().filter(|row| row.state == state).count();
        html! {
            @if matches!(state, DomainState::Bad | DomainState::Odd) {
                li {
                    a.(class(state)) href="#posture" {
                        span aria-hidden="true" { (mark(state)) } " "
                        b { (number) } @if number == 1 { " domain" } @else { " domains" }
                        @if state == DomainState::Bad { " with errors" } @else { " with warnings" }
                    }
                }
            }
        }
    }

    pub(super) fn section(&self) -> Markup {
        let state = self.state();
        let troubled = |row: &&DomainRow| matches!(row.state, DomainState::Bad | DomainState::Odd);
        html! {
            @if !self.is_empty() {
                section.(class(state)) id="posture" aria-labelledby="heading-posture" {
                    h2 id="heading-posture" {
                        span aria-hidden="true" { (mark(state)) } " "
                        "Records and keys " span.count { (self.rows.len()) }
                    }
                    p.dim { "What decides whether a domain's mail is taken, and whether mail to it arrives." }
                    @for (number, row) in self.rows.iter().filter(troubled).enumerate() {
                        @if number < TOLD { (self.card(row)) }
                    }
                    (self.rest())
                    p.links { a href=(self.links.to("/api/v1/posture")) { "The same as JSON" } }
                }
            }
        }
    }

    /// The worst of all.
    fn state(&self) -> DomainState {
        self.rows.iter().map(|row| row.state).min().unwrap_or(DomainState::Good)
    }

    fn card(&self, row: &DomainRow) -> Markup {
        let findings = row.findings();
        html! {
            article.card.hit {
                div.who {
                    h3 { a href=(link(self.links, row.domain())) { (Said(row.domain())) } }
                    div { (told::count(row.errors, row.warnings)) }
                    (labels(row))
                    (when(row, self.now))
                }
                ul.hits {
                    @for one in findings.iter().take(FEW) {
                        li { (finding(self.links, row, one, false, self.now)) }
                    }
                    @if findings.len() > FEW {
                        li { a href=(link(self.links, row.domain())) { "and " (findings.len() - FEW) " more" } }
                    }
                }
            }
        }
    }

    /// What is well or waits is a line each; so are the troubled beyond those that are told in full.
    fn rest(&self) -> Markup {
        let troubled = |row: &&DomainRow| matches!(row.state, DomainState::Bad | DomainState::Odd);
        let more = self.rows.iter().filter(troubled).skip(TOLD);
        let quiet = self.rows.iter().filter(|row| !troubled(row));
        let rows: Vec<&DomainRow> = more.chain(quiet).collect();
        html! {
            @if !rows.is_empty() {
                ul.brief {
                    @for row in rows.iter().take(BRIEF) {
                        li.list {
                            a href=(link(self.links, row.domain())) { (Said(row.domain())) }
                            span {
                                @match row.state {
                                    DomainState::Waiting => "not looked at yet",
                                    _ => (told::count(row.errors, row.warnings)),
                                }
                            }
                            (when(row, self.now))
                        }
                    }
                }
            }
        }
    }
}

/// `/posture/NAME`.
pub(in crate::web) async fn domain(
    state: &Arc<State>,
    asked: &Asked,
    name: &str,
) -> Result<Response<Payload>, Refusal> {
    let name = name.to_owned();
    if state.store.postures().view(&name).is_none() {
        let page = missing(state.links(), &name);
        return Ok(whole(StatusCode::NOT_FOUND, page));
    }
    let response = rendered(state, asked, HTML, false, move |state, sink| {
        let transcripts = !state.closed.contains(&Page::Logs);
        let page = match state.store.postures().view(&name) {
            Some(view) => {
                let row = DomainRow::of(view, transcripts);
                page(state.links(), &row, SystemTime::now())
            }
            // A reload took it away just now.
            None => missing(state.links(), &name),
        };
        sink(Bytes::from(page.into_string()));
        Ok(())
    })
    .await?;
    Ok(guarded(response))
}

fn page(links: Links<'_>, row: &DomainRow, now: SystemTime) -> Markup {
    let sections = row.report().map(told::sections).unwrap_or_default();
    let main = html! {
        p.crumbs { a href=(links.to("/#posture")) { "All domains" } }
        h1 { (Said(row.domain())) }
        p {
            @match row.state {
                DomainState::Waiting => "It was not looked at yet.",
                state => b.(class(state)) { (mark(state)) " " (told::count(row.errors, row.warnings)) },
            }
            " " (labels(row))
        }
        (when(row, now))
        @for one in &sections { (section(links, row, one, now)) }
        @if row.transcript && let Some(report) = row.report() && !report.transcript.is_empty() {
            details id="fold-transcript" {
                summary { "What was asked and answered: " (report.transcript.len()) }
                dl {
                    @for exchange in &report.transcript {
                        dt.said { (Said(&exchange.question)) }
                        @for line in exchange.answer.lines() { dd.said { (Said(line)) } }
                    }
                }
            }
        }
        p { a href=(links.to("/api/v1/posture")) { "All domains as JSON" } }
    };
    Frame { links, title: row.domain(), badge: None, made: Some(now), filter: None }.around(&main)
}

fn section(links: Links<'_>, row: &DomainRow, section: &Section<'_>, now: SystemTime) -> Markup {
    let id = section.area.map_or("bimi", |area| area.as_str());
    let heading = format!("heading-{id}");
    let worst = section.findings.iter().map(|one| one.problem.severity()).min();
    let state = match worst {
        Some(Severity::Error) => DomainState::Bad,
        Some(Severity::Warning) => DomainState::Odd,
        None => DomainState::Good,
    };
    html! {
        @if !section.facts.is_empty() || !section.findings.is_empty() {
            section.(class(state)) id=(id) aria-labelledby=(heading) {
                h2 id=(heading) {
                    @if worst.is_some() { span aria-hidden="true" { (mark(state)) } " " }
                    (section.title)
                }
                @if !section.findings.is_empty() {
                    article.card.hit {
                        ul.hits {
                            @for one in section.findings.iter().take(FINDINGS) {
                                li { (finding(links, row, one, true, now)) }
                            }
                            @if section.findings.len() > FINDINGS {
                                li { "and " (section.findings.len() - FINDINGS) " more" }
                            }
                        }
                    }
                }
                dl.facts {
                    @for fact in &section.facts {
                        dt { (Said(&fact.name)) }
                        dd.said { (Said(&fact.value)) }
                    }
                }
            }
        }
    }
}

/// What is wrong, what was seen of it, since when, and what to do; `whole` also where to read on.
fn finding(
    links: Links<'_>,
    row: &DomainRow,
    finding: &Finding,
    whole: bool,
    now: SystemTime,
) -> Markup {
    let problem = finding.problem;
    let advice = problem.advice();
    html! {
        @match problem.severity() {
            Severity::Error => strong.bad { (problem) },
            Severity::Warning => strong.lists-state { (problem) },
        }
        @if let Some(on) = finding.on.said() { " at " (Said(on)) }
        @if !finding.detail.is_empty() { div.said { (cut_at(&finding.detail, DETAIL)) } }
        div { (advice.meaning) }
        p.advice { (advice.action) }
        div.dim {
            @if let Some(since) = row.view.since(finding) { "For " (lasting(since, now)) ". " }
            @if whole { (reference(advice.doc)) " " }
            @if let Some(name) = runbook(problem.as_str()) {
                a href=(links.to(&format!("/runbooks/{name}"))) { "Runbook" }
            }
        }
    }
}

/// The runbook of this name, where there is one.
fn runbook(name: &str) -> Option<&'static str> {
    let place = RUNBOOKS.binary_search_by_key(&name, |(known, _)| known).ok()?;
    RUNBOOKS.get(place).map(|(name, _)| *name)
}

fn labels(row: &DomainRow) -> Markup {
    html! {
        @for (name, value) in &row.view.subject.labels {
            span.label { (Said(name)) "=" (Said(value)) } " "
        }
    }
}

fn when(row: &DomainRow, now: SystemTime) -> Markup {
    html! {
        div.dim {
            @if let Some(report) = row.report() { "Looked at " (ago(report.ended, now)) ". " }
            @if let Some(next) = row.view.next { "Next look " (ahead(next, now)) "." }
        }
    }
}

fn missing(links: Links<'_>, name: &str) -> Markup {
    let shown: String = name.chars().take(200).collect();
    let main = html! {
        h1 { "No such domain" }
        p { "The records of " b { (Said(shown)) } " are not looked at: " code { "posture" } " of the configuration does not name it." }
        p { a href=(links.to("/#posture")) { "All domains" } }
    };
    Frame { links, title: "No such domain", badge: None, made: None, filter: None }.around(&main)
}

fn link(links: Links<'_>, domain: &str) -> String {
    links.to(&format!("/posture/{}", super::parts::encoded(domain)))
}

const fn class(state: DomainState) -> &'static str {
    match state {
        DomainState::Bad => "lists-bad",
        DomainState::Odd | DomainState::Waiting => "lists-wait",
        DomainState::Good => "lists-good",
    }
}

const fn mark(state: DomainState) -> &'static str {
    match state {
        DomainState::Bad => "✕",
        DomainState::Odd => "▲",
        DomainState::Waiting => "…",
        DomainState::Good => "✓",
    }
}

/// Domains that `/` tells of in full.
const TOLD: usize = 20;
/// Findings of each there.
const FEW: usize = 4;
/// Domains that are a line each.
const BRIEF: usize = 1000;
/// Findings of an area that the domain's page tells of.
const FINDINGS: usize = 200;
/// Characters of what was seen.
const DETAIL: usize = 512;
