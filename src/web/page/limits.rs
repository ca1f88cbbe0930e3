//! Connection limits: what was measured, when, and what comes next.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use super::parts::{Links, Said, ago, ahead, cause, cut, place, span};
use crate::target::LadderMode;
use crate::web::status::{LimitEndpointRow, LimitRow, MeasuredRow};

/// The part of a target's page about its limits.
pub(super) fn section(links: Links<'_>, limits: &[LimitRow], now: SystemTime) -> Markup {
    html! {
        @if !limits.is_empty() {
            section.limits id="limits" aria-labelledby="heading-limits" {
                h2 id="heading-limits" { "Connection limits" }
                @for limit in limits { (one(links, limit, now)) }
            }
        }
    }
}

/// The limits of one check in a few words; nothing before the first run.
pub(super) fn in_short<'a>(limits: impl Iterator<Item = &'a LimitRow>) -> Option<Markup> {
    let said: Vec<(String, bool)> = limits
        .flat_map(|limit| {
            let measured = limit.endpoints.iter().filter_map(|seen| seen.measured.as_ref());
            // The lowest of all addresses is the one that a sender meets.
            let least = measured.min_by_key(|seen| (seen.idle, seen.accepted))?;
            Some((short(limit.mode, least), least.recovered == Some(false)))
        })
        .collect();
    (!said.is_empty()).then(|| {
        html! {
            @for (words, stuck) in said {
                div { (words) @if stuck { ", " strong.bad { "not recovered" } } }
            }
        }
    })
}

fn one(links: Links<'_>, limit: &LimitRow, now: SystemTime) -> Markup {
    html! {
        article.endpoint {
            h3 { (title(limit.mode)) " " span.module { (Said(&*limit.module)) } }
            p.dim {
                @match limit.max_idle {
                    Some(cap) => { "Watched for at most " (humantime::format_duration(cap)) },
                    None => { "At most " (limit.max_connections) " connections a run" },
                }
                ", every " (humantime::format_duration(limit.interval)) ". "
                @if let Some(since) = limit.running_since { strong { "A run is under way" } ", begun " (ago(since, now)) "." }
                @else if let Some(next) = limit.next_run { "Next run " (ahead(next, now)) "." }
            }
            @if let Some(not_begun) = &limit.not_begun {
                p { "The last run was not begun, " (ago(not_begun.at, now)) ": " (cut(&not_begun.detail)) "." }
            }
            @if limit.endpoints.is_empty() && limit.not_begun.is_none() && limit.running_since.is_none() {
                p { "Nothing was measured yet." }
            }
            @for seen in &limit.endpoints { (endpoint(links, limit.mode, seen, now)) }
        }
    }
}

fn endpoint(
    links: Links<'_>,
    mode: LadderMode,
    seen: &LimitEndpointRow,
    now: SystemTime,
) -> Markup {
    html! {
        div.limit {
            h4 {
                (place(&seen.host, seen.port, seen.address))
                @if let Some(source) = seen.source { span.dim { " from " (source) } }
            }
            @if let Some(aborted) = &seen.aborted {
                p {
                    strong { "The last run broke off" } ", " (ago(aborted.ended, now)) ": "
                    (cut(&aborted.detail)) " (" (aborted.kind) ")."
                    @if seen.measured.is_some() { " The run before it measured:" }
                }
            }
            @if let Some(measured) = &seen.measured {
                p.cause { (short(mode, measured)) }
                dl.facts {
                    @if let Some(refusal) = &measured.refusal {
                        dt { "ended by" }
                        dd {
                            (cause(links, refusal.cause)) " in " (refusal.phase) " (" (refusal.how) ")"
                            @if !refusal.detail.is_empty() { ": " span.said { (cut(&refusal.detail)) } }
                        }
                    }
                    @if mode != LadderMode::Idle { dt { "accepted" } dd { (measured.accepted) " of " (measured.tried) " tried" } }
                    @match (measured.recovered, measured.recovery) {
                        (Some(true), Some(took)) => {
                            dt { "recovered" } dd { "a new session was accepted after " (span(took.as_secs_f64())) }
                        }
                        (Some(false), _) => {
                            dt { "recovered" } dd { strong.bad { "no" } ": no new session was accepted after the run" }
                        }
                        _ => {}
                    }
                    @if let Some(delay) = measured.greet_delay { dt { "slowest greeting" } dd { (span(delay.as_secs_f64())) } }
                    dt { "measured" } dd { (ago(measured.ended, now)) }
                }
            }
        }
    }
}

const fn title(mode: LadderMode) -> &'static str {
    match mode {
        LadderMode::Simultaneous => "Sessions at once",
        LadderMode::Rate => "Sessions per minute",
        LadderMode::Idle => "Silent sessions",
    }
}

fn short(mode: LadderMode, seen: &MeasuredRow) -> String {
    let more = if seen.reached { "" } else { " or more" };
    let sessions = if seen.accepted == 1 { "session" } else { "sessions" };
    match mode {
        LadderMode::Simultaneous => format!("{}{more} {sessions} at once", seen.accepted),
        LadderMode::Rate => format!("{}{more} {sessions} a minute", seen.accepted),
        LadderMode::Idle => {
            // Whole seconds: servers' limits are.
            let idle =
                Duration::from_secs(seen.idle.unwrap_or_default().as_secs_f64().round() as u64);
            format!("{}{more} of silence", humantime::format_duration(idle))
        }
    }
}
