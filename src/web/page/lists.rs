//! DNS block lists: who is on one, which lists do not tell, and how many are clean.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use maud::{Markup, html};

use super::parts::{Links, Said, ahead, cut, cut_at, is_web, lasting};
use crate::dnsbl::Kind;
use crate::web::status::{Counts, ListRow, ListState, ListingRow, ListingState, Listings};

/// The part of `/` about lists.
pub(super) struct Lists<'a> {
    links: Links<'a>,
    now: SystemTime,
    all: &'a Listings,
    filtered: bool,
    /// Hits by subject.
    hits: BTreeMap<&'a str, Vec<&'a ListingRow>>,
    troubled: Vec<&'a ListRow>,
}

impl<'a> Lists<'a> {
    /// With a filter, those hits and lists that hold its words.
    pub(super) fn new(
        links: Links<'a>,
        all: &'a Listings,
        filter: Option<&str>,
        now: SystemTime,
    ) -> Self {
        let holds = |row: &&'a ListingRow| filter.is_none_or(|words| row.holds(words));
        let named =
            |row: &&ListRow| filter.is_none_or(|words| row.list.to_lowercase().contains(words));
        let rows = all.listings.iter().map(|row| &**row);
        let mut hits: BTreeMap<&str, Vec<&ListingRow>> = BTreeMap::new();
        for row in rows.filter(|row| row.is_hit()).filter(holds) {
            hits.entry(&row.subject).or_default().push(row);
        }
        let troubled = all.lists.iter().filter(|row| row.is_in_trouble()).filter(named).collect();
        Self { links, now, all, filtered: filter.is_some(), hits, troubled }
    }

    /// Nothing of it is shown: no list is asked, or the filter hides all.
    pub(super) fn is_empty(&self) -> bool {
        self.all.lists.is_empty()
            || self.filtered && self.hits.is_empty() && self.troubled.is_empty()
    }

    /// One line at the top, as a link.
    pub(super) fn count(&self) -> Markup {
        html! {
            @if !self.is_empty() && self.class() != "lists-good" {
                li {
                    a.(self.class()) href="#block-lists" {
                        span aria-hidden="true" { (self.mark()) } " "
                        @if self.hits.is_empty() {
                            b { (self.troubled.len()) } @if self.troubled.len() == 1 { " list does" } @else { " lists do" } " not tell"
                        } @else {
                            b { (self.hits.len()) } " on block lists"
                        }
                    }
                }
            }
        }
    }

    pub(super) fn section(&self) -> Markup {
        html! {
            @if !self.is_empty() {
                section.(self.class()) id="block-lists" aria-labelledby="heading-block-lists" {
                    h2 id="heading-block-lists" {
                        span aria-hidden="true" { (self.mark()) } " "
                        @if self.hits.is_empty() { "Block lists" }
                        @else { "On block lists " span.count { (self.hits.len()) } }
                    }
                    p.dim { (self.sentence()) }
                    @for (subject, rows) in self.hits.iter().take(TOLD) {
                        (self.card(subject, rows))
                    }
                    (self.more())
                    (self.trouble())
                    @if !self.filtered { (self.every()) }
                }
            }
        }
    }

    fn class(&self) -> &'static str {
        match (self.hits.is_empty(), self.troubled.is_empty()) {
            (false, _) => "lists-bad",
            (true, false) => "lists-wait",
            (true, true) => "lists-good",
        }
    }

    fn mark(&self) -> &'static str {
        match (self.hits.is_empty(), self.troubled.is_empty()) {
            (false, _) => "✕",
            (true, false) => "▲",
            (true, true) => "✓",
        }
    }

    fn sentence(&self) -> Markup {
        let (subjects, lists) = (self.all.subjects, self.all.lists.len());
        html! {
            (subjects) @if subjects == 1 { " address or domain" } @else { " addresses and domains" }
            " on " (lists) @if lists == 1 { " list: " } @else { " lists: " }
            (counted(self.all.counts)) "."
        }
    }

    fn card(&self, subject: &str, rows: &[&ListingRow]) -> Markup {
        let targets = rows.first().map_or(&[][..], |row| &row.targets);
        let labels = rows.first().map(|row| &row.labels);
        html! {
            article.card.hit {
                div.who {
                    h3 { (Said(subject)) }
                    div.dim {
                        @if targets.is_empty() { "belongs to no target" }
                        @for (place, name) in targets.iter().take(FEW).enumerate() {
                            @if place > 0 { ", " }
                            a href=(self.links.target(name)) { (Said(&**name)) }
                        }
                        @if targets.len() > FEW { " and " (targets.len() - FEW) " more targets" }
                    }
                    @for (name, value) in labels.into_iter().flat_map(|labels| labels.iter()) {
                        span.label { (Said(name)) "=" (Said(value)) } " "
                    }
                }
                ul.hits {
                    @for row in rows.iter().take(TOLD_LISTS) { (hit(row, false, self.now)) }
                    @if rows.len() > TOLD_LISTS {
                        li { "and on " (names(rows.iter().skip(TOLD_LISTS).copied())) }
                    }
                }
            }
        }
    }

    /// Where very many are listed, the later ones are a line each.
    fn more(&self) -> Markup {
        let left = self.hits.len().saturating_sub(TOLD);
        html! {
            @if left > 0 {
                details id="fold-block-lists" {
                    summary { (left) " more" }
                    ul {
                        @for (subject, rows) in self.hits.iter().skip(TOLD).take(BRIEF) {
                            li { b { (Said(subject)) } " on " (names(rows.iter().copied())) }
                        }
                    }
                    @if left > BRIEF {
                        p { "And " (left - BRIEF) " more, " a href=(self.links.to("/api/v1/listings")) { "as JSON" } "." }
                    }
                }
            }
        }
    }

    fn trouble(&self) -> Markup {
        html! {
            @if !self.troubled.is_empty() {
                h3.lists-trouble { "Lists that do not tell" }
                ul.brief {
                    @for row in &self.troubled {
                        li.list {
                            b { (Said(&*row.list)) }
                            span.lists-state { (state(row.state)) }
                            span {
                                @if let Some(until) = row.paused_until { "Left alone, asked again " (ahead(until, self.now)) ". " }
                                @if row.counts.unknown > 0 { "Cannot tell of " (row.counts.unknown) ". " }
                                @if !row.trouble.is_empty() { span.said { (cut_at(&row.trouble, TROUBLE)) } }
                            }
                        }
                    }
                }
            }
        }
    }

    fn every(&self) -> Markup {
        html! {
            details id="fold-lists" {
                summary { "Every list" }
                div.wide {
                    table {
                        thead {
                            tr {
                                th scope="col" { "list" }
                                th scope="col" { "state" }
                                th.number scope="col" { "listed" }
                                th.number scope="col" { "clean" }
                                th.number scope="col" { "not told" }
                            }
                        }
                        tbody {
                            @for row in self.all.lists.iter().take(BRIEF) {
                                tr {
                                    th scope="row" {
                                        (Said(&*row.list))
                                        @if row.kind == Kind::Allow { span.dim { " allow list" } }
                                    }
                                    td { (row.state) }
                                    td.number { (row.counts.listed + row.counts.allowed) }
                                    td.number { (row.counts.clean) }
                                    td.number { (row.counts.unknown + row.counts.waiting) }
                                }
                            }
                        }
                    }
                }
                p.links { a href=(self.links.to("/api/v1/listings")) { "The same as JSON" } }
            }
        }
    }
}

/// A target's part about lists: its hits in full, then what could not be told.
pub(super) fn of_target(rows: &[Arc<ListingRow>], now: SystemTime) -> Markup {
    let hits: Vec<&ListingRow> = rows.iter().map(|row| &**row).filter(|row| row.is_hit()).collect();
    let unknown: Vec<&ListingRow> =
        rows.iter().map(|row| &**row).filter(|row| row.verdict == ListingState::Unknown).collect();
    let class = if hits.is_empty() { "lists-good" } else { "lists-bad" };
    html! {
        @if !rows.is_empty() {
            section.(class) id="block-lists" aria-labelledby="heading-block-lists" {
                h2 id="heading-block-lists" { "Block lists" }
                p.dim { "Its name and addresses: " (counted(Counts::of(rows))) "." }
                @if !hits.is_empty() {
                    article.card.hit {
                        ul.hits {
                            @for row in hits.iter().take(HITS) { (hit(row, true, now)) }
                            @if hits.len() > HITS { li { "and " (hits.len() - HITS) " more" } }
                        }
                    }
                }
                @if !unknown.is_empty() {
                    details id="fold-unknown" {
                        summary { "Could not be told: " (unknown.len()) }
                        ul {
                            @for row in unknown.iter().take(HITS) {
                                li {
                                    (Said(&row.subject)) " on " (Said(&*row.list))
                                    @if let Some(reason) = row.reason { ": " (reason) }
                                    @if let Some(detail) = &row.detail { ", " span.said { (cut(detail)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a check is listed, in a few words; the target's page says more.
pub(super) fn in_short(links: Links<'_>, target: &str, rows: &[Arc<ListingRow>]) -> Markup {
    let mut lists: Vec<&str> =
        rows.iter().filter(|row| row.is_hit()).map(|row| &*row.list).collect();
    lists.sort_unstable();
    lists.dedup();
    html! {
        @if let [first, rest @ ..] = &*lists {
            a.bad href=(format!("{}#block-lists", links.target(target))) {
                "on " (Said(*first))
                @if !rest.is_empty() { " and " (rest.len()) " more" }
            }
        }
    }
}

/// One listing: where, `named` also of what, what the list means by it, what it says, since when,
/// and the way out.
fn hit(row: &ListingRow, named: bool, now: SystemTime) -> Markup {
    html! {
        li {
            @if named { (Said(&row.subject)) " on " }
            strong.bad { (Said(&*row.list)) }
            @for (place, code) in row.codes.iter().enumerate() {
                @if place > 0 { ", " } @else { ": " }
                (Said(&*code.meaning)) " " span.dim { "(" (code.code) ")" }
            }
            @for text in row.texts.iter().take(TEXTS) { div.said { (cut(text)) } }
            div.dim {
                @if let Some(since) = row.since { "Listed for " (lasting(since, now)) ". " }
                @if let Some(next) = row.next { "Looked up again " (ahead(next, now)) ". " }
                @if let Some(url) = row.delisting.as_deref().filter(|url| is_web(url)) {
                    a rel="noreferrer" href=(url) { "Look-up and removal at " (Said(&*row.list)) }
                }
            }
        }
    }
}

fn names<'a>(rows: impl Iterator<Item = &'a ListingRow> + Clone) -> Markup {
    let count = rows.clone().count();
    html! {
        @for (place, row) in rows.take(FEW).enumerate() {
            @if place > 0 { ", " }
            (Said(&*row.list))
        }
        @if count > FEW { " and " (count - FEW) " more lists" }
    }
}

fn counted(counts: Counts) -> String {
    let mut words = vec![format!("{} listed", counts.listed), format!("{} clean", counts.clean)];
    for (count, word) in [
        (counts.unknown, "could not be told"),
        (counts.waiting, "not looked up yet"),
        (counts.allowed, "on allow lists"),
    ] {
        if count > 0 {
            words.push(format!("{count} {word}"));
        }
    }
    words.join(", ")
}

const fn state(state: ListState) -> &'static str {
    match state {
        ListState::Unhealthy => "unhealthy: its test entries are wrong",
        ListState::Paused => "paused",
        ListState::Refusing => "refuses us",
        ListState::Failing => "fails",
        ListState::Waiting => "not asked yet",
        ListState::Working => "works",
    }
}

/// Subjects that `/` tells of in full.
const TOLD: usize = 20;
/// Lists of a subject that are told in full there.
const TOLD_LISTS: usize = 8;
/// Subjects, and lists, that are a line each.
const BRIEF: usize = 500;
/// Listings that the page of a target tells in full.
const HITS: usize = 200;
/// Characters of what is wrong with a list: it ends with what to do.
const TROUBLE: usize = 500;
/// Texts of a listing.
const TEXTS: usize = 2;
/// Names in a line.
const FEW: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::status::CodeRow;

    fn row(list: &str, subject: &str, kind: Kind, verdict: ListingState) -> Arc<ListingRow> {
        Arc::new(ListingRow {
            list: list.into(),
            kind,
            subject: subject.to_owned(),
            labels: Arc::default(),
            targets: Vec::new(),
            verdict,
            codes: vec![CodeRow { code: "127.0.0.2".to_owned(), meaning: "spam <i>".into() }],
            texts: vec!["<b>see</b>\u{202e}".to_owned()],
            reason: None,
            detail: None,
            since: None,
            last: None,
            last_told: None,
            next: None,
            paused_until: None,
            delisting: Some("javascript:alert(1)".into()),
        })
    }

    #[test]
    fn a_hit_says_what_the_list_says_as_text_and_leads_to_pages_only() {
        let (good, bad) = (ListingState::Clean, ListingState::Listed);
        let rows = [
            row("bl.test", "192.0.2.1", Kind::Block, bad),
            row("wl.test", "192.0.2.1", Kind::Allow, bad),
            row("bl2.test", "192.0.2.1", Kind::Block, good),
        ];
        let text = of_target(&rows, SystemTime::UNIX_EPOCH).into_string();
        assert_eq!(text.matches("<strong class=\"bad\">").count(), 1, "{text}");
        assert!(text.contains("spam &lt;i&gt;") && text.contains("&lt;b&gt;see"), "{text}");
        assert!(!text.contains("javascript") && !text.contains('\u{202e}'), "{text}");
        assert!(text.contains("1 listed, 1 clean, 1 on allow lists."), "{text}");
        let web = Arc::new(ListingRow {
            delisting: Some("https://x.test/".into()),
            ..(*rows[0]).clone()
        });
        let text = of_target(&[web], SystemTime::UNIX_EPOCH).into_string();
        assert!(text.contains("rel=\"noreferrer\" href=\"https://x.test/\""), "{text}");
        assert_eq!(of_target(&[], SystemTime::UNIX_EPOCH).into_string(), "");
    }
}
