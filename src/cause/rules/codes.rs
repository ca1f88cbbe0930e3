//! What the reply code says when neither words nor the enhanced code do, and what the phase adds:
//! the same 550 is a matter of the recipient after RCPT and of our address in the greeting.

use super::super::Cause::{self, *};
use super::Rule;
use crate::cause::Blame;
use crate::smtp::Phase;

const fn on(
    id: &'static str,
    cause: Cause,
    source: &'static str,
    codes: &'static [u16],
    example: &'static str,
) -> Rule {
    Rule::new(id, cause, source, &[], example).codes(codes)
}

pub(super) const RULES: &[Rule] = &[
    on("code.auth.5xx", AuthRequired, "RFC 4954, 4 and 6", &[5], "500 no").phases(&[Phase::Auth]),
    on(
        "code.auth.4xx",
        SystemProblem,
        "RFC 4954, 6: 454 is a temporary failure of the server",
        &[4],
        "454 no",
    )
    .phases(&[Phase::Auth]),
    on("code.starttls.4xx", SystemProblem, "RFC 3207, 4: TLS not available", &[4], "421 no")
        .phases(&[Phase::Starttls]),
    on("code.530", AuthRequired, "RFC 4954, 6: authentication required", &[530], "530 no"),
    on(
        "code.523",
        TlsRequired,
        "RFC 5248, registry entry of X.7.10: encryption needed",
        &[523],
        "523 no",
    ),
    on("code.521", Routing, "RFC 7504, 3.1: the host takes no mail", &[521], "521 no")
        .phases(&[Phase::Greeting]),
    on("code.syntax", ProtocolError, "RFC 5321, 4.2.2", &[500, 502, 503, 504, 555], "503 no"),
    on("code.syntax.helo", RdnsHelo, "RFC 5321, 4.2.2, in answer to EHLO", &[501], "501 no")
        .phases(&[Phase::Ehlo, Phase::EhloTls]),
    on("code.syntax.parameters", ProtocolError, "RFC 5321, 4.2.2", &[501], "501 no"),
    on(
        "code.552",
        ContentRejected,
        "RFC 5321, 4.2.2, after MAIL: the size is refused (RFC 1870, 6.1)",
        &[552],
        "552 no",
    )
    .phases(&[Phase::Mail]),
    on(
        "code.552.storage",
        StorageFull,
        "RFC 5321, 4.2.2: exceeded storage allocation",
        &[552],
        "552 no",
    )
    .phases(&[Phase::Rcpt]),
    on("code.rcpt.5xx", MailboxUnavailable, "RFC 5321, 4.3.2", &[550, 551, 553], "550 no")
        .phases(&[Phase::Rcpt]),
    on("code.mail.5xx", SenderRejected, "RFC 5321, 4.3.2", &[550, 553], "553 no")
        .phases(&[Phase::Mail]),
    on("code.greeting.5xx", PolicyRejected, "RFC 5321, 3.1: 554 in the greeting", &[5], "554 no")
        .phases(&[Phase::Greeting, Phase::Ehlo])
        .blame(Blame::Sender),
];
