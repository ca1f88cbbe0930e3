//! The names that RFC 3463 and IANA's registry give to the enhanced codes. Servers put them into
//! replies word for word, often with another code in front.

use super::super::Cause::{self, *};
use super::Rule;

const fn name(
    id: &'static str,
    cause: Cause,
    text: &'static [&'static str],
    example: &'static str,
) -> Rule {
    Rule::new(
        id,
        cause,
        "RFC 3463, RFC 5248, RFC 7293, RFC 7372, RFC 7505: names of codes",
        text,
        example,
    )
}

pub(super) const RULES: &[Rule] = &[
    name(
        "registry.mailbox",
        MailboxUnavailable,
        &[
            "bad destination mailbox address",
            "destination mailbox address (ambiguous|valid)",
            "destination mailbox has moved",
            "mailbox has moved",
            "mailbox disabled not accepting messages",
            "mailing list expansion (problem|prohibited)",
            "mailbox owner has changed",
            "user account disabled",
        ],
        "550 Bad destination mailbox address",
    ),
    name(
        "registry.system_address",
        Routing,
        &[
            "bad destination system address",
            "recipient address has null mx",
            "message relayed to non compliant mailer",
            "domain owner has changed",
            "no answer from host",
            "(directory|routing) server failure",
            "unable to route",
            "routing loop detected",
        ],
        "550 Bad destination system address",
    ),
    name(
        "registry.sender",
        SenderRejected,
        &[
            "bad senders (mailbox|system) address",
            "bad sender (mailbox|system) address",
            "sender address has null mx",
        ],
        "550 Bad sender's system address",
    ),
    name(
        "registry.full",
        StorageFull,
        &[
            "^ mailbox full",
            "^ mail system full",
            "recipient address rejected (mailbox|mail system) full",
        ],
        "550 5.0.0 Mailbox full",
    ),
    name(
        "registry.size",
        ContentRejected,
        &[
            "message length exceeds administrative limit",
            "message too big for system",
            "message is too big for the specified priority",
            "media not supported",
            "conversion (required|with loss|failed)",
            "(non ascii|utf8|utf 8) .. (not permitted|required|not supported)",
            "message integrity failure",
        ],
        "550 Message length exceeds administrative limit",
    ),
    name(
        "registry.system",
        SystemProblem,
        &[
            "system (not accepting network messages|not capable of selected features|\
             incorrectly configured)",
            "network congestion",
        ],
        "421 System incorrectly configured",
    ),
    name("registry.time", Timeout, &["delivery time expired"], "450 Delivery time expired"),
    name(
        "registry.protocol",
        ProtocolError,
        &["wrong protocol version"],
        "501 Wrong protocol version",
    ),
    name(
        "registry.policy",
        PolicyRejected,
        &["delivery not authorized message refused", "priority level is too low"],
        "550 Delivery not authorized, message refused",
    ),
    name(
        "registry.auth",
        AuthRequired,
        &[
            "security features not supported",
            "trust relationship required",
            "authentication mechanism is too weak",
            "a password transition is needed",
        ],
        "550 5.7.0 Trust relationship required",
    ),
    name(
        "registry.sender_auth",
        SenderAuthFailed,
        &[
            "no (passing|acceptable|valid author matched) dkim",
            "multiple authentication checks failed",
            "(spf|arc) validation (failed|failure|error)",
        ],
        "550 Multiple authentication checks failed",
    ),
    name("registry.flood", RateLimited, &["mail flood detected"], "450 Mail flood detected"),
    name(
        "registry.rdns",
        RdnsHelo,
        &["reverse dns validation failed"],
        "550 Reverse DNS validation failed",
    ),
    name(
        "registry.tls",
        TlsRequired,
        &["requiretls support required", "^ encryption needed"],
        "550 REQUIRETLS support required",
    ),
];
