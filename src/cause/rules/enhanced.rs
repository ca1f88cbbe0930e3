//! What the enhanced code says when the words say nothing (RFC 3463, RFC 5248 and its registry).
//! Codes that servers use for everything (4.7.0 and 4.3.2 among them) are asked last or not at all.

use super::super::Cause::{self, *};
use super::Rule;
use crate::smtp::Phase;

const fn on(
    id: &'static str,
    cause: Cause,
    enhanced: &'static [(u16, u16, u16)],
    example: &'static str,
) -> Rule {
    Rule::new(id, cause, "RFC 3463, RFC 5248 and IANA's registry of enhanced codes", &[], example)
        .enhanced(enhanced)
}

pub(super) const RULES: &[Rule] = &[
    on(
        "enhanced.auth",
        AuthRequired,
        &[(7, 3, 6), (7, 8, 9), (7, 12, 12), (7, 14, 14), (7, 57, 57)],
        "550 5.7.8 no",
    ),
    on("enhanced.tls", TlsRequired, &[(7, 10, 11), (7, 30, 30)], "550 5.7.10 no"),
    on("enhanced.rdns", RdnsHelo, &[(7, 25, 25)], "550 5.7.25 no"),
    on(
        "enhanced.sender_auth",
        SenderAuthFailed,
        &[(7, 20, 24), (7, 26, 26), (7, 29, 29)],
        "550 5.7.26 no",
    ),
    on("enhanced.rate", RateLimited, &[(5, 3, 3), (7, 28, 28)], "450 4.7.28 no"),
    on("enhanced.null_mx_sender", SenderRejected, &[(1, 7, 8), (7, 27, 27)], "550 5.1.8 no"),
    on(
        "enhanced.mailbox",
        MailboxUnavailable,
        &[(1, 0, 1), (1, 3, 6), (2, 0, 1), (2, 4, 4), (7, 13, 13), (7, 17, 17)],
        "550 5.1.1 no",
    ),
    on("enhanced.quota", StorageFull, &[(2, 2, 2), (3, 1, 1)], "452 4.2.2 no"),
    on(
        "enhanced.routing",
        Routing,
        &[(1, 2, 2), (1, 9, 10), (4, 0, 1), (4, 4, 4), (4, 6, 6), (7, 18, 18)],
        "550 5.1.10 no",
    ),
    on(
        "enhanced.content",
        ContentRejected,
        &[(6, 0, 999), (2, 3, 3), (3, 4, 4), (7, 7, 7)],
        "550 5.6.1 no",
    ),
    on("enhanced.timeout", Timeout, &[(4, 2, 2), (4, 7, 7)], "421 4.4.2 no"),
    on(
        "enhanced.system",
        SystemProblem,
        &[(3, 0, 0), (3, 2, 3), (3, 5, 5), (4, 3, 3), (4, 5, 5)],
        "451 4.3.0 no",
    ),
    on("enhanced.protocol", ProtocolError, &[(5, 0, 2), (5, 4, 6)], "503 5.5.1 no"),
    // 454 is their TLS or their password check being out of order (RFC 3207, 4; RFC 4954, 6), and no
    // policy that asks us to stay away. Relays also say 4.7.1 with it, but not in these phases.
    on("enhanced.temporary.4_7_0", SystemProblem, &[(7, 0, 0)], "454 4.7.0 no").codes(&[454]),
    on("enhanced.temporary", SystemProblem, &[(7, 1, 2)], "454 4.7.1 no")
        .codes(&[454])
        .phases(&[Phase::Starttls, Phase::Auth]),
    on("enhanced.policy", PolicyRejected, &[(7, 0, 2)], "550 5.7.1 no"),
];
