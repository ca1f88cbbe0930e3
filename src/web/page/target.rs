//! `/targets/NAME`: everything that is known of one target.

use std::sync::Arc;
use std::time::SystemTime;

use maud::{Markup, html};

use super::frame::Frame;
use super::overview::why;
use super::parts::{
    Links, Said, ago, ahead, anchor, badge, cause, days, legend, phases, place, reply, span, strip,
};
use super::{limits, lists, skew};
use crate::web::Page;
use crate::web::report::utc;
use crate::web::status::{
    CapabilitiesRow, CertificateRow, EndpointRow, HistoryRow, LimitRow, ListingRow, Row, TlsRow,
    TranscriptRow, WaitingRow,
};

/// The page of a target, one part for each of its modules.
pub(super) fn page(
    links: Links<'_>,
    name: &str,
    rows: &[Row],
    limits: &[LimitRow],
    now: SystemTime,
) -> Markup {
    // Its modules mostly share addresses.
    let mut listings: Vec<Arc<ListingRow>> =
        rows.iter().flat_map(|row| &row.listings).cloned().collect();
    listings.sort_by(|a, b| (&a.subject, &a.list).cmp(&(&b.subject, &b.list)));
    listings.dedup_by(|a, b| (&a.subject, &a.list) == (&b.subject, &b.list));
    let main = html! {
        p.crumbs { a href=(links.to("/")) { "All targets" } }
        h1 { (Said(name)) }
        @if let Some(row) = rows.first() {
            p {
                (Said(&row.place))
                @for (label, value) in &row.labels { " " span.label { (Said(label)) "=" (Said(value)) } }
            }
        }
        @if rows.len() > 1 {
            ul.counts {
                @for row in rows {
                    li { a.(row.group) href=(format!("#{}", anchor(row))) { (Said(&*row.module)) " " (row.word()) } }
                }
            }
        }
        @for row in rows { (check(links, row, limits, now)) }
        (skew::section(rows.first().map_or(&[], |row| &*row.skews)))
        (lists::of_target(&listings, now))
        (limits::section(links, limits, now))
        (legend())
        p { a href=(links.json(name)) { "The same as JSON" } }
    };
    Frame { links, title: name, badge: None, made: Some(now), filter: None }.around(&main)
}

/// What stands where a target was, or never was.
pub(super) fn missing(links: Links<'_>, name: &str, near: &[String]) -> Markup {
    let shown: String = name.chars().take(200).collect();
    let main = html! {
        h1 { "No such target" }
        p { "There is no target named " b { (Said(shown)) } ". It may have been renamed, or taken out of the configuration." }
        @if !near.is_empty() {
            p { "There is:" }
            ul { @for name in near { li { a href=(links.target(name)) { (Said(name)) } } } }
        }
        p { a href=(links.to("/")) { "All targets" } }
    };
    Frame { links, title: "No such target", badge: None, made: None, filter: None }.around(&main)
}

fn check(links: Links<'_>, row: &Row, limits: &[LimitRow], now: SystemTime) -> Markup {
    let heading = format!("{}-heading", anchor(row));
    html! {
        section.(row.group) id=(anchor(row)) aria-labelledby=(heading) {
            h2 id=(heading) { (Said(&*row.module)) " " (badge(row)) }
            div.columns {
                div.why {
                    @match &row.failure {
                        Some(failure) => {
                            (why(links, row, failure, true))
                            p.dim { "Lasts: " (failure.lasting) ". Rule " code { (Said(&failure.rule)) } "." }
                        }
                        None => p { (row.group.meaning()) },
                    }
                    @for warning in &row.warnings { p { strong { (warning.text()) } } }
                    @for note in &row.notes { p.dim { (Said(note)) } }
                    @if let Some(history) = &row.history { (strip(history)) (rounds(history)) }
                }
                (facts(links, row, limits, now))
            }
            p.links {
                @if links.open(Page::Logs) { a href=(links.logs(row)) { "transcripts as text" } " " }
                @if links.open(Page::Probe) { a rel="nofollow" href=(links.probe(row)) { "probe now" } }
            }
            @for seen in &row.endpoints { (endpoint(links, seen, now)) }
            @if !row.waiting.is_empty() {
                h3 { "Not probed yet" }
                ul { @for waiting in &row.waiting { (not_probed(waiting, now)) } }
            }
            @if row.left_out > 0 {
                p.dim { (row.left_out) " more addresses were counted and not probed." }
            }
        }
    }
}

fn facts(links: Links<'_>, row: &Row, limits: &[LimitRow], now: SystemTime) -> Markup {
    let limit = limits::in_short(limits.iter().filter(|limit| limit.module == row.module));
    html! {
        dl.facts {
            @if let Some(since) = row.since { dt { (row.lasting_word()) " since" } dd { (ago(since, now)) } }
            @if row.consecutive_failures > 0 { dt { "failed in a row" } dd { (row.consecutive_failures) } }
            @if let Some(last) = &row.last_reply { dt { "last reply" } dd { (reply(last)) } }
            @if let Some(left) = row.certificate_days_left { dt { "certificate" } dd { (days(left)) } }
            @if row.listing_counts.listed > 0 { dt { "block lists" } dd { (lists::in_short(links, &row.target, &row.listings)) } }
            @if let Some(limit) = limit { dt { a href="#limits" { "takes" } } dd { (limit) } }
            @if let Some(until) = row.paused_until { dt { "paused" } dd { "free again " (ahead(until, now)) } }
            @if let Some(records) = row.mx_records { dt { "MX records" } dd { (records) } }
            @if let Some(last) = row.last_round { dt { "last round" } dd { (ago(last, now)) } }
            @if let Some(next) = row.next_probe() { dt { "next probe" } dd { (ahead(next, now)) } }
            dt { "interval" } dd { (humantime::format_duration(row.interval)) }
        }
    }
}

fn endpoint(links: Links<'_>, seen: &EndpointRow, now: SystemTime) -> Markup {
    let heading = format!("e-{}", seen.id);
    html! {
        article.endpoint aria-labelledby=(heading) {
            h3 id=(heading) {
                (place(&seen.host, seen.port, seen.address)) " "
                span.state.(seen.state) { (seen.state) }
            }
            p.dim {
                @if let Some(preference) = seen.mx_preference { "MX " (preference) ". " }
                @if let Some(source) = seen.source { "From " (source) ". " }
                @if let Some(ended) = seen.ended { "Probed " (ago(ended, now)) ", took " (span(seen.duration.as_secs_f64())) ". " }
                @if !seen.success {
                    @match seen.last_success {
                        Some(at) => { "Last good " (ago(at, now)) "." }
                        None => "Never good since the exporter started.",
                    }
                }
            }
            @if let (Some(until), Some(paused)) = (seen.paused_until, seen.paused_cause) {
                p { "Paused after " (cause(links, paused)) ", free again " (ahead(until, now)) "." }
            }
            @if let Some(failure) = &seen.failure {
                p { strong { (cause(links, failure.cause)) } " in " (failure.phase) ": " span.said { (Said(&failure.detail)) } }
            }
            (skew::regressions(&seen.regressions, now))
            div.columns {
                (steps(seen))
                div {
                    @if let Some(tls) = &seen.tls { (tls_facts(tls)) }
                    (offers("EHLO offers", seen.capabilities.as_ref()))
                    (offers("EHLO offers in TLS", seen.capabilities_in_tls.as_ref()))
                }
            }
            @if let Some(kept) = &seen.transcripts {
                div.transcripts {
                    (transcript("Last failure", kept.last_failure.as_ref()))
                    (transcript("Last success", kept.last_success.as_ref()))
                }
            }
        }
    }
}

/// The strip in words, the latest first.
fn rounds(history: &[HistoryRow]) -> Markup {
    html! {
        @if !history.is_empty() {
            details {
                summary { "Rounds" }
                table {
                    thead { tr { th scope="col" { "ended" } th scope="col" { "result" } th.number scope="col" { "reply" } th.number scope="col" { "took" } } }
                    tbody {
                        @for round in history.iter().rev() {
                            tr {
                                td { (utc(round.at)) }
                                td { @match round.cause { Some(cause) => (cause), None => "good" } }
                                td.number { @if let Some(code) = round.code { (code) } }
                                td.number { (span(round.duration.as_secs_f64())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Phases with their times and replies.
fn steps(seen: &EndpointRow) -> Markup {
    html! {
        @if seen.phases.is_empty() { div {} } @else {
            div {
                (phases(seen))
                table {
                    caption.hidden { "Phases of the last probe" }
                    thead { tr { th scope="col" { "phase" } th.number scope="col" { "time" } th scope="col" { "reply" } } }
                    tbody {
                        @for phase in &seen.phases {
                            tr {
                                th scope="row" { (phase.phase) }
                                td.number { (span(phase.seconds)) }
                                td {
                                    @for said in seen.replies.iter().filter(|reply| reply.phase == phase.phase) {
                                        div { (reply(said)) @if let Some(cause) = said.cause { " " strong { (cause) } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn tls_facts(tls: &TlsRow) -> Markup {
    let negotiated: Vec<&str> =
        [tls.version.map(|version| version.as_str()), tls.cipher, tls.group]
            .into_iter()
            .flatten()
            .collect();
    let reasons: Vec<&str> = tls.verify_failures.iter().map(|reason| reason.as_str()).collect();
    html! {
        dl.facts {
            dt { "TLS" }
            dd {
                @if tls.established { "established" } @else { strong.bad { "not established" } }
                @for word in negotiated { " " (word) }
            }
            dt { "certificate verifies" }
            dd {
                @match tls.verified {
                    Some(true) => "yes",
                    Some(false) => { strong.bad { "no" } ": " (reasons.join(", ")) }
                    None => "none was seen",
                }
            }
            @if let Some(left) = tls.days_left { dt { "ends" } dd { (days(left)) } }
        }
        @if !tls.chain.is_empty() {
            details {
                summary { "Certificates served: " (tls.chain.len()) }
                @for certificate in &tls.chain { (certificate_facts(certificate)) }
            }
        }
    }
}

fn certificate_facts(certificate: &CertificateRow) -> Markup {
    html! {
        dl.facts {
            dt { "subject" } dd { (Said(&certificate.subject)) }
            dt { "issuer" } dd { (Said(&certificate.issuer)) }
            @if !certificate.names.is_empty() {
                dt { "names" } dd { (Said(certificate.names.join(", "))) }
            }
            dt { "valid" } dd { (certificate.not_before) " to " (certificate.not_after) }
            dt { "key" } dd { (Said(&certificate.key)) }
            dt { "serial" } dd.hex { (certificate.serial) }
            dt { "SHA-256" } dd.hex { (certificate.fingerprint_sha256) }
        }
    }
}

fn offers(title: &str, row: Option<&CapabilitiesRow>) -> Markup {
    html! {
        @if let Some(row) = row {
            p {
                span.dim { (title) ": " }
                @if row.helo_only { "HELO only: no extensions" }
                @for keyword in &row.keywords { (keyword) " " }
                @if !row.mechanisms.is_empty() {
                    span.dim { "AUTH: " } @for mechanism in &row.mechanisms { (mechanism) " " }
                }
                @if let Some(bytes) = row.max_message_size_bytes { "up to " (bytes) " bytes" }
            }
        }
    }
}

fn transcript(title: &str, kept: Option<&TranscriptRow>) -> Markup {
    html! {
        section {
            h4 {
                (title)
                @if let Some(kept) = kept { " " time datetime=(utc(kept.ended)) { (utc(kept.ended)) } }
            }
            @match kept {
                None => p.dim { "none" },
                Some(kept) if kept.lines.is_empty() => p.dim { "nothing was said" },
                Some(kept) => {
                    ol.lines {
                        @for line in &kept.lines {
                            li.(side(line.side)) {
                                span.at { (format!("{:.3}", line.at.as_secs_f64())) } " "
                                span.side { (line.side) } " "
                                span.text { (Said(&line.text)) }
                            }
                        }
                        @if kept.truncated { li { "the rest is cut off" } }
                    }
                }
            }
        }
    }
}

const fn side(side: crate::observation::Side) -> &'static str {
    match side {
        crate::observation::Side::Client => "ours",
        crate::observation::Side::Server => "theirs",
        crate::observation::Side::Note => "note",
    }
}

fn not_probed(waiting: &WaitingRow, now: SystemTime) -> Markup {
    html! {
        li {
            (place(&waiting.host, waiting.port, waiting.address)) ": " (waiting.reason)
            @if let Some(cause) = waiting.cause { " after " (cause) }
            @if let Some(until) = waiting.until { ", free again " (ahead(until, now)) }
        }
    }
}
