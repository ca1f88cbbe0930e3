//! Codes that mean one thing only, whatever the text says.

use super::super::Cause::*;
use super::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::new("code.556", Routing, "RFC 7504, 3.2: the domain takes no mail", &[], "556 no")
        .codes(&[556]),
    Rule::new(
        "code.538",
        TlsRequired,
        "RFC 2554, 6: encryption required for the mechanism",
        &[],
        "538 use TLS",
    )
    .codes(&[538]),
    Rule::new(
        "code.535",
        AuthRequired,
        "RFC 4954, 6: credentials refused, or the mechanism is too weak",
        &[],
        "535 no",
    )
    .codes(&[535, 534]),
];
