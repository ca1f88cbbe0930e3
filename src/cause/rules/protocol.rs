//! Codes that mean one thing only, whatever the text says.

use super::super::Cause::{self, *};
use super::Rule;

const fn rule(
    id: &'static str,
    cause: Cause,
    source: &'static str,
    text: &'static [&'static str],
    example: &'static str,
) -> Rule {
    Rule::new(id, cause, source, text, example)
}

pub(super) const RULES: &[Rule] = &[
    rule("code.556", Routing, "RFC 7504, 3.2: the domain takes no mail", &[], "556 no")
        .codes(&[556]),
    rule(
        "code.538",
        TlsRequired,
        "RFC 2554, 6: encryption required for the mechanism",
        &[],
        "538 use TLS",
    )
    .codes(&[538]),
    rule(
        "code.535",
        AuthRequired,
        "RFC 4954, 6: credentials refused, or the mechanism is too weak",
        &[],
        "535 no",
    )
    .codes(&[535, 534]),
];
