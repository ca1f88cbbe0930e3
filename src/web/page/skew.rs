//! What differs across a target's endpoints and ports, and what got worse at one of them.

use std::time::SystemTime;

use maud::{Markup, html};

use super::parts::{Said, ago, place};
use crate::observation::{Across, Compared};
use crate::web::status::{RegressionRow, SkewRow, WitnessRow};

/// The part of a target's page about what was compared.
pub(super) fn section(skews: &[SkewRow]) -> Markup {
    html! {
        @if !skews.is_empty() {
            section.limits id="compared" aria-labelledby="heading-compared" {
                h2 id="heading-compared" { "Compared" }
                dl.facts {
                    @for skew in skews {
                        dt { (title(skew)) }
                        dd { @if skew.differs { (difference(skew)) } @else { "the same" } }
                    }
                }
            }
        }
    }
}

/// What got worse at an endpoint; nothing when all is as it was.
pub(super) fn regressions(row: &RegressionRow, now: SystemTime) -> Markup {
    let words = |words: &[crate::smtp::Mechanism]| {
        words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", ")
    };
    html! {
        @if let Some(since) = row.since {
            p {
                strong.bad {
                    @if row.starttls_disappeared == Some(true) { "STARTTLS is offered no longer. " }
                    @if !row.mechanisms_disappeared.is_empty() {
                        "Offered no longer for logins: " (words(&row.mechanisms_disappeared)) ". "
                    }
                    @if !row.mechanisms_in_clear.is_empty() {
                        "Newly offered in clear: " (words(&row.mechanisms_in_clear)) ". "
                    }
                }
                "Seen first " (ago(since, now)) "."
            }
        }
    }
}

fn title(skew: &SkewRow) -> &'static str {
    match (skew.what, skew.across) {
        (Compared::Certificate, Across::Endpoints) => "certificates of the addresses",
        (Compared::Certificate, Across::Ports) => "certificates of the ports",
        (Compared::Capability, Across::Endpoints) => "capabilities of the addresses",
        (Compared::Capability, Across::Ports) => "capabilities of the ports",
    }
}

fn difference(skew: &SkewRow) -> Markup {
    let days = skew.not_after_spread_seconds.map(|seconds| seconds / 86_400);
    html! {
        strong.bad { "differ" }
        @if let Some(days) = days.filter(|days| *days > 0) { ", their ends by up to " (days) " days" }
        @for witness in &skew.example { div { (witness_of(witness)) } }
    }
}

fn witness_of(witness: &WitnessRow) -> Markup {
    let logins = witness.mechanisms.iter().map(|mechanism| format!("AUTH {mechanism}"));
    let words = witness.keywords.iter().map(ToString::to_string).chain(logins);
    let words = words.collect::<Vec<_>>().join(", ");
    html! {
        (place(&witness.host, witness.port, witness.address))
        " (" (Said(&*witness.module)) "): "
        @if let Some(fingerprint) = &witness.fingerprint {
            span.hex { (fingerprint) "…" }
            @if let Some(end) = &witness.not_after { ", ends " (end) }
        } @else {
            @if words.is_empty() { "nothing that the other lacks" } @else { "alone offers " (words) }
            @if witness.inside_tls == Some(true) { ", inside TLS" } @else { ", in clear" }
        }
    }
}
