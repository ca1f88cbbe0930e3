//! `/`: what needs somebody comes first and says what to do; what is well is one line each, and
//! folded away when there is much of it.

use maud::{Markup, html};

use super::Overview;
use super::frame::{Frame, NAME};
use super::limits;
use super::lists::{self, Lists};
use super::parts::{
    Links, Said, ahead, badge, cause, cut, days, lasting, legend, mark, phases, place, reference,
    reply,
};
use super::posture::Domains;
use crate::web::status::{FailureRow, Group, LimitRow, Row};

impl Overview<'_> {
    pub(super) fn render(mut self) -> Markup {
        let shown: usize = self.groups.values().map(Vec::len).sum();
        let trouble: usize = [Group::Down, Group::Unexpected, Group::Refused]
            .iter()
            .map(|group| self.count(*group))
            .sum();
        let lists = Lists::new(self.links, self.listings, self.filter, self.now);
        let domains = std::mem::take(&mut self.domains);
        let domains = Domains::new(self.links, domains, self.filter, self.now);
        let main = html! {
            h1 { "Mail servers" }
            (self.counts(&lists, &domains))
            @if self.total == 0 && domains.is_empty() {
                p { "No targets are configured: add " code { "targets" } " to the configuration file." }
            } @else if shown == 0 && (self.filter.is_some() || lists.is_empty() && domains.is_empty()) {
                p role="status" { "No target holds these words. " a href=(self.links.to("/")) { "Show all " (self.total) } }
            } @else if shown < self.total {
                p role="status" { (shown) " of " (self.total) " shown. " a href=(self.links.to("/")) { "Show all" } }
            }
            @for (group, rows) in self.groups.range(..Group::Unknown) { (self.group(*group, rows)) }
            (lists.section())
            (domains.section())
            @for (group, rows) in self.groups.range(Group::Unknown..) { (self.group(*group, rows)) }
            @if shown > 0 { (legend()) }
        };
        Frame {
            links: self.links,
            title: NAME,
            badge: (trouble > 0).then(|| format!("{trouble} ✕")),
            made: Some(self.now),
            filter: Some(self.filter.unwrap_or_default()),
        }
        .around(&main)
    }

    fn count(&self, group: Group) -> usize {
        self.groups.get(&group).map_or(0, Vec::len)
    }

    /// How many there are of each, as links to them.
    fn counts(&self, lists: &Lists<'_>, domains: &Domains<'_>) -> Markup {
        html! {
            ul.counts {
                @for (group, rows) in &self.groups {
                    li {
                        a.(*group) href=(format!("#{group}")) {
                            span aria-hidden="true" { (mark(*group)) } " "
                            b { (rows.len()) } " " (group.title())
                        }
                    }
                }
                (lists.count())
                (domains.count())
            }
        }
    }

    fn group(&self, group: Group, rows: &[Row]) -> Markup {
        let heading = format!("heading-{group}");
        // The healthy are a line each. So is what is pending, for there is nothing to say of it yet.
        let brief = matches!(group, Group::Up | Group::Unknown)
            && rows.iter().all(|row| row.failure.is_none());
        let brief_list = html! {
            ul.brief { @for row in rows { (self.line(row)) } }
        };
        html! {
            section.(group) id=(group) aria-labelledby=(heading) {
                h2 id=(heading) {
                    span aria-hidden="true" { (mark(group)) } " "
                    (group.title()) " " span.count { (rows.len()) }
                }
                p.dim { (group.meaning()) }
                @if brief && rows.len() > FOLD && self.filter.is_none() {
                    details id=(format!("fold-{group}")) {
                        summary { "Show all " (rows.len()) }
                        (brief_list)
                    }
                } @else if brief {
                    (brief_list)
                } @else {
                    @for (number, row) in rows.iter().enumerate() { (self.card(row, number < TOLD)) }
                }
            }
        }
    }

    /// A check that needs a look. Where there are very many, the later ones leave out what the cause
    /// already says: the target's page has it.
    fn card(&self, row: &Row, told: bool) -> Markup {
        html! {
            article.card {
                div.who {
                    h3 { a href=(self.links.check(row)) { (Said(&*row.target)) } }
                    div { (badge(row)) " " span.module { (Said(&*row.module)) } }
                    @if row.place != *row.target { div.dim { (Said(&row.place)) } }
                    @if let Some(since) = row.since { div.dim { @if row.paused_until.is_some() { (row.lasting_word()) " " } "for " (lasting(since, self.now)) } }
                }
                div.why {
                    @if let Some(failure) = &row.failure { (why(self.links, row, failure, told)) }
                    @if !row.warnings.is_empty() { (self.warnings(row)) }
                    @if row.failure.is_none() && row.warnings.is_empty() && row.last_round.is_none() {
                        p { "Nothing was seen yet." }
                    }
                }
                (self.facts(row))
            }
        }
    }

    /// What is not as it should be though it is up.
    fn warnings(&self, row: &Row) -> Markup {
        let words: Vec<&str> = row.warnings.iter().map(|warning| warning.text()).collect();
        let bad = row
            .endpoints
            .iter()
            .filter_map(|endpoint| Some((endpoint, endpoint.failure.as_ref()?)));
        html! {
            p { strong { (words.join(", ")) } }
            @for (endpoint, failure) in bad.take(ENDPOINTS) {
                p {
                    (place(&endpoint.host, endpoint.port, endpoint.address)) ": "
                    (cause(self.links, failure.cause)) " in " (failure.phase)
                    @if !failure.detail.is_empty() { ": " span.said { (cut(&failure.detail)) } }
                }
            }
        }
    }

    fn facts(&self, row: &Row) -> Markup {
        html! {
            dl.facts {
                @if let Some(last) = &row.last_reply {
                    @let told = row.failure.as_ref().is_some_and(|f| f.detail.contains(&last.text));
                    @if !told || last.text.is_empty() {
                        dt { "last reply" } dd { (reply(last)) }
                    } @else {
                        dt { "last reply" } dd { b { (last.code) } " in " (last.phase) }
                    }
                }
                @if let Some(left) = row.certificate_days_left { dt { "certificate" } dd { (days(left)) } }
                @if row.listing_counts.listed > 0 { dt { "block lists" } dd { (lists::in_short(self.links, &row.target, &row.listings)) } }
                @if let Some(limit) = self.limit(row) { dt { "takes" } dd { (limit) } }
                @if let Some(until) = row.paused_until {
                    dt { "paused" }
                    dd { "free again " (ahead(until, self.now)) }
                }
                @if let Some(next) = row.next_probe() { dt { "next probe" } dd { (ahead(next, self.now)) } }
                @if let Some(endpoint) = row.telling() {
                    dt { "time spent" }
                    dd { (super::parts::span(endpoint.duration.as_secs_f64())) (phases(endpoint)) }
                }
            }
        }
    }

    /// What was measured of its connection limits.
    fn limit(&self, row: &Row) -> Option<Markup> {
        let of_row = |limit: &&LimitRow| limit.target == row.target && limit.module == row.module;
        limits::in_short(self.limits.iter().filter(of_row))
    }

    /// A check of which there is little to say.
    fn line(&self, row: &Row) -> Markup {
        html! {
            li {
                a href=(self.links.check(row)) { (Said(&*row.target)) }
                span.module { (Said(&*row.module)) }
                span {
                    @if row.negative && row.group == Group::Up { (row.word()) " " }
                    @if let Some(since) = row.since { span.dim { "for " (lasting(since, self.now)) } }
                }
                span {
                    @if let Some(last) = &row.last_reply { span.dim { "reply " } (last.code) }
                }
                span {
                    @if let Some(left) = row.certificate_days_left { span.dim { "certificate " } (days(left)) }
                    @if let Some(limit) = self.limit(row) { (limit) }
                }
                span { @if let Some(next) = row.next_probe() { span.dim { "next " } (ahead(next, self.now)) } }
                span { @if let Some(endpoint) = row.telling() { (phases(endpoint)) } }
            }
        }
    }
}

/// Cause, side, what was said, and what to do.
pub(super) fn why(links: Links<'_>, row: &Row, failure: &FailureRow, told: bool) -> Markup {
    html! {
        p.cause {
            (cause(links, failure.cause)) " in " (failure.phase)
        }
        @if !failure.detail.is_empty() { p.said { (cut(&failure.detail)) } }
        p { (failure.meaning) }
        // In a negative test the refusal is wanted, so what mends it is no help.
        @if told && !row.negative {
            p.advice {
                (failure.action)
                @if let Some(wait) = failure.wait { " Wait " (wait) "." }
            }
        }
        p.dim { "The move is " (failure.side) ". " (reference(&failure.doc)) }
    }
}

/// More healthy checks than this are folded away.
const FOLD: usize = 30;
/// So many checks of a group say what to do.
const TOLD: usize = 100;
/// Failed endpoints that a check's part names.
const ENDPOINTS: usize = 3;
