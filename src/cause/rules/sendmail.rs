//! Sendmail, its milters, and its descendants' wording.

use super::super::Cause::*;
use super::Rule;
use crate::cause::Permanence::PermanentInDisguise;

const SRV: &str = "Sendmail 8.12 to 8.18, srvrsmtp.c";
const CF: &str = "Sendmail 8.12 to 8.18, proto.m4 and its features";
const MILTER: &str = "Sendmail and Postfix milters";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "sendmail.conncontrol",
        TooManyConnections,
        CF,
        &["^ too many open connections"],
        "421 4.3.2 Too many open connections.",
    ),
    Rule::new(
        "sendmail.ratecontrol",
        TooManyConnections,
        CF,
        &["^ connection rate limit exceeded"],
        "421 4.3.2 Connection rate limit exceeded.",
    ),
    Rule::new(
        "sendmail.open_proxy",
        Blocklisted,
        SRV,
        &["rejecting open proxy"],
        "421 4.7.0 mx.example.net Rejecting open proxy a [192.0.2.1]",
    ),
    Rule::new(
        "sendmail.disk",
        StorageFull,
        SRV,
        &["insufficient disk space"],
        "452 4.4.5 Insufficient disk space; try again later",
    ),
    Rule::new(
        "sendmail.not_accepting",
        PolicyRejected,
        SRV,
        &["esmtp not accepting (messages|connections)"],
        "554 mx.example.net ESMTP not accepting messages",
    ),
    Rule::new(
        "sendmail.lost_input",
        Timeout,
        SRV,
        &["lost input channel"],
        "421 4.4.1 mx.example.net Lost input channel from [192.0.2.1]",
    ),
    Rule::new(
        "sendmail.bad_commands",
        ProtocolError,
        SRV,
        &[
            "too many (bad|invalid) commands",
            "command too long possible attack",
            "smtp protocol violation",
            "polite people say (helo|hello) first",
            "need (mail|rcpt) before",
            "^ command unrecognized",
            "pre greeting traffic",
            "^ smtp protocol error",
        ],
        "421 4.7.0 mx.example.net Too many bad commands; closing connection",
    ),
    Rule::new(
        "sendmail.dnsbl",
        Blocklisted,
        CF,
        &["^ rejected .. listed at"],
        "550 5.7.1 Rejected: 192.0.2.1 listed at bl.example.net",
    ),
    Rule::new(
        "sendmail.relay.ptr",
        RelayDenied,
        CF,
        &["relaying [temporarily] denied"],
        "550 5.7.1 <a@example.net>... Relaying denied. IP name lookup failed [192.0.2.1]",
    ),
    Rule::new(
        "sendmail.rdns",
        RdnsHelo,
        CF,
        &[
            "(access|connection) denied ip name lookup failed",
            "ip name (lookup failed|possibly forged)",
            "fix reverse dns",
            "cannot resolve ptr record",
        ],
        "450 4.7.1 Access denied. IP name lookup failed [192.0.2.1]",
    )
    .lasts(PermanentInDisguise),
    Rule::new(
        "sendmail.sender.domain",
        SenderRejected,
        CF,
        &[
            "domain of sender address .. does not (exist|resolve)",
            "domain name required for sender address",
            "sender domain must exist",
        ],
        "553 5.1.8 <a@nowhere.example>... Domain of sender address a@nowhere.example does \
             not exist",
    ),
    Rule::new(
        "sendmail.recipient.unknown",
        MailboxUnavailable,
        SRV,
        &["^ user unknown"],
        "550 5.1.1 <a@example.net>... User unknown",
    ),
    Rule::new(
        "sendmail.recipient.disabled",
        MailboxUnavailable,
        CF,
        &["mailbox disabled for this recipient"],
        "550 5.2.1 <a@example.net>... Mailbox disabled for this recipient",
    ),
    Rule::new(
        "sendmail.host.unknown",
        Routing,
        SRV,
        &["host unknown"],
        "550 5.1.2 <a@nowhere.example>... Host unknown (Name server: nowhere.example: host \
             not found)",
    ),
    Rule::new(
        "sendmail.loop",
        Routing,
        SRV,
        &["too many hops", "mail loops back", "local configuration error .. loop*"],
        "554 5.4.6 Too many hops 26 (25 max)",
    ),
    Rule::new(
        "sendmail.tls.weak",
        TlsRequired,
        CF,
        &["encryption too weak"],
        "454 4.7.0 encryption too weak 0 less than 112",
    ),
    Rule::new(
        "sendmail.tls.after",
        SystemProblem,
        SRV,
        &["tls not available (right now|after start)"],
        "454 4.3.3 TLS not available after start",
    ),
    Rule::new(
        "sendmail.size",
        ContentRejected,
        SRV,
        &["message (is too large|exceeds (maximum fixed size|fixed limit))"],
        "552 5.3.4 Message is too large; 1000 bytes max",
    ),
    Rule::new(
        "sendmail.syserr",
        SystemProblem,
        SRV,
        &[
            "system config* error",
            "local configuration error",
            "operating system error",
            "no system resources",
        ],
        "554 5.3.5 Local configuration error",
    ),
    Rule::new(
        "sendmail.access.header",
        ContentRejected,
        CF,
        &["^ header error"],
        "553 5.0.0 Header error",
    ),
    Rule::new(
        "sendmail.queue",
        SystemProblem,
        "RFC 1846 and Sendmail ETRN",
        &["unable to queue messages"],
        "458 Unable to queue messages for node example.net",
    ),
    Rule::new(
        "milter.greylist",
        Greylisted,
        "milter-greylist 4.5, hMailServer 5.6",
        &["^ greylisting in action", "^ please try again later $"],
        "451 4.7.1 Greylisting in action, please come back in 00:05:00",
    )
    .enhanced(&[(7, 1, 1)])
    .codes(&[451]),
    Rule::new(
        "milter.content",
        ContentRejected,
        MILTER,
        &["(virus|malware|phishing) [was] (detected|found)", "infected (with|by)"],
        "550 5.7.1 Virus found in message",
    ),
];
