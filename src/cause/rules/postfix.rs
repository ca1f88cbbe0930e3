//! Postfix: smtpd, postscreen and anvil, and the policy services that speak through it.

use super::super::Cause::*;
use super::Rule;
use crate::cause::Permanence::PermanentInDisguise;
use crate::smtp::Phase;

const SMTPD: &str = "Postfix 2.3 to 3.10, smtpd";
const CHECK: &str = "Postfix 2.3 to 3.10, smtpd access checks";
const POSTSCREEN: &str = "Postfix 2.8 to 3.10, postscreen";
const POLICY: &str = "Postfix policy services: postgrey, policyd, policyd-weight, policyd-spf";

pub(super) const RULES: &[Rule] = &[
    // Anvil's limits: concurrency and rate read the same on the wire.
    Rule::new(
        "postfix.anvil.connections",
        TooManyConnections,
        SMTPD,
        &["error too many connections"],
        "421 4.7.0 mx.example.net Error: too many connections from 192.0.2.1",
    ),
    Rule::new(
        "postfix.anvil.tls_sessions",
        TooManyConnections,
        SMTPD,
        &["error too many new tls sessions"],
        "421 4.7.0 mx.example.net Error: too many new TLS sessions from mx[192.0.2.1]",
    ),
    Rule::new(
        "postfix.anvil.messages",
        RateLimited,
        SMTPD,
        &["error too much mail"],
        "450 4.7.1 Error: too much mail from 192.0.2.1",
    ),
    Rule::new(
        "postfix.anvil.recipients",
        RateLimited,
        SMTPD,
        &["error too many recipients"],
        "450 4.7.1 Error: too many recipients from 192.0.2.1",
    ),
    Rule::new(
        "postfix.anvil.auth",
        RateLimited,
        SMTPD,
        &["error too many auth commands"],
        "450 4.7.1 Error: too many AUTH commands from 192.0.2.1",
    ),
    Rule::new(
        "postfix.smtpd.errors",
        ProtocolError,
        SMTPD,
        &["error too many errors"],
        "421 4.7.0 mx.example.net Error: too many errors",
    ),
    Rule::new(
        "postfix.smtpd.timeout",
        Timeout,
        SMTPD,
        &["error timeout exceeded"],
        "421 4.4.2 mx.example.net Error: timeout exceeded",
    ),
    // Postscreen. Its 450 is a deep test that wants the client to come back: greylisting by
    // nature. Its 521 and 550 of the same words come from an access list that gives no reason.
    Rule::new(
        "postfix.postscreen.ports",
        TooManyConnections,
        POSTSCREEN,
        &["all (screening|server) ports are busy"],
        "421 4.3.2 All screening ports are busy",
    ),
    Rule::new(
        "postfix.postscreen.deep",
        Greylisted,
        POSTSCREEN,
        &["^ service currently unavailable"],
        "450 4.3.2 Service currently unavailable",
    )
    .codes(&[450]),
    Rule::new(
        "postfix.postscreen.denylist",
        PolicyRejected,
        POSTSCREEN,
        &["^ service currently unavailable"],
        "521 5.3.2 Service currently unavailable",
    )
    .codes(&[521, 550]),
    Rule::new(
        "postfix.postscreen.pregreet",
        ProtocolError,
        POSTSCREEN,
        &["^ protocol error"],
        "521 5.5.1 Protocol error",
    )
    .codes(&[521, 550]),
    // A list of countries is no accusation.
    Rule::new(
        "postfix.rbl.country",
        PolicyRejected,
        CHECK,
        &["blocked using .. countries nerd dk"],
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using \
             zz.countries.nerd.dk; not from here",
    ),
    Rule::new(
        "postfix.rbl.client",
        Blocklisted,
        CHECK,
        &["service unavailable [unverified] client [host] .. blocked using"],
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using \
             bl.example.net; ask them",
    ),
    Rule::new(
        "postfix.rbl.name",
        Blocklisted,
        CHECK,
        &["service unavailable .. (sender address|helo command|recipient address) .. blocked \
             using"],
        "554 5.7.1 Service unavailable; Sender address [a@example.com] blocked using \
             dbl.example.net",
    ),
    // Reverse DNS and HELO.
    Rule::new(
        "postfix.client.rdns",
        RdnsHelo,
        CHECK,
        &["client host rejected cannot find your [reverse] hostname"],
        "450 4.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
    )
    .lasts(PermanentInDisguise),
    Rule::new(
        "postfix.helo.rejected",
        RdnsHelo,
        CHECK,
        &["helo command rejected"],
        "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
    ),
    Rule::new(
        "postfix.client.pipelining",
        ProtocolError,
        CHECK,
        &[
            "improper use of smtp command pipelining",
            "error smtp protocol synchronization",
            "error bare lf received",
            "error bare newline",
        ],
        "503 5.5.0 <DATA>: Data command rejected: Improper use of SMTP command pipelining",
    ),
    // Senders.
    Rule::new(
        "postfix.sender.not_logged_in",
        AuthRequired,
        CHECK,
        &["sender address rejected not logged in"],
        "553 5.7.1 <a@example.net>: Sender address rejected: not logged in",
    ),
    Rule::new(
        "postfix.sender.not_owned",
        SenderRejected,
        CHECK,
        &["sender address rejected not owned by"],
        "553 5.7.1 <a@example.net>: Sender address rejected: not owned by user b",
    ),
    Rule::new(
        "postfix.sender.domain",
        SenderRejected,
        CHECK,
        &["sender address rejected (domain not found|need fully qualified|malformed dns|\
             unverified address|undeliverable address)"],
        "450 4.1.8 <a@nowhere.example>: Sender address rejected: Domain not found",
    ),
    // Recipients. A verification probe that failed speaks of the receiver's own back end.
    Rule::new(
        "postfix.recipient.unknown",
        MailboxUnavailable,
        CHECK,
        &[
            "recipient address rejected [undeliverable address] user unknown",
            "user unknown in (local|relay|virtual*) .. table",
        ],
        "550 5.1.1 <a@example.net>: Recipient address rejected: User unknown in virtual \
             mailbox table",
    ),
    Rule::new(
        "postfix.recipient.unverified",
        MailboxUnavailable,
        CHECK,
        &["recipient address rejected (unverified|undeliverable) address"],
        "450 4.1.1 <a@example.net>: Recipient address rejected: unverified address: \
             Address verification in progress",
    ),
    Rule::new(
        "postfix.recipient.domain",
        Routing,
        CHECK,
        &["recipient address rejected (domain not found|malformed dns)"],
        "450 4.1.2 <a@nowhere.example>: Recipient address rejected: Domain not found",
    ),
    Rule::new(
        "postfix.policy.try_later",
        Greylisted,
        POLICY,
        &["policy rejection please try [again] later"],
        "450 4.7.1 <a@example.net>: Recipient address rejected: Policy Rejection- Please \
             try later.",
    ),
    Rule::new(
        "postfix.policy.greylist",
        Greylisted,
        POLICY,
        &["recipient address rejected .. greylist*"],
        "450 4.2.0 <a@example.net>: Recipient address rejected: Greylisted, see \
             http://postgrey.example.net/help/example.net.html",
    ),
    Rule::new(
        "postfix.policy.spf",
        SenderAuthFailed,
        POLICY,
        &["spf fail not authorized", "please see .. openspf"],
        "550 5.7.23 <a@example.net>: Recipient address rejected: Message rejected due to: \
             SPF fail - not authorized. Please see http://www.openspf.net/Why",
    ),
    Rule::new(
        "postfix.policy.weight",
        Blocklisted,
        POLICY,
        &[
            "get removed from dnsbls",
            "listed in too many dnsbls",
            "temporarily blocked because of previous errors retrying too fast",
        ],
        "550 5.7.1 Your MTA is listed in too many DNSBLs",
    ),
    Rule::new(
        "postfix.relay",
        RelayDenied,
        CHECK,
        &["relay access denied"],
        "554 5.7.1 <a@example.net>: Relay access denied",
    ),
    // Transport security and login.
    Rule::new(
        "postfix.tls.required",
        TlsRequired,
        SMTPD,
        &["^ must issue a starttls command first"],
        "530 5.7.0 Must issue a STARTTLS command first",
    ),
    Rule::new(
        "postfix.tls.local_problem",
        SystemProblem,
        SMTPD,
        &["tls not available due to (local|temporary) [local] problem"],
        "454 4.7.0 TLS not available due to local problem",
    ),
    Rule::new(
        "postfix.auth.backend",
        SystemProblem,
        SMTPD,
        &["temporary authentication failure"],
        "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
    ),
    Rule::new(
        "postfix.auth.failed",
        AuthRequired,
        SMTPD,
        &["^ error authentication failed", "^ authentication aborted $"],
        "535 5.7.8 Error: authentication failed: (reason unavailable)",
    ),
    Rule::new(
        "postfix.auth.not_enabled",
        AuthRequired,
        SMTPD,
        &["error authentication not enabled"],
        "503 5.5.1 Error: authentication not enabled",
    )
    .blame(crate::cause::Blame::Target),
    // The server's own trouble.
    Rule::new(
        "postfix.queue.full",
        StorageFull,
        SMTPD,
        &["^ insufficient system storage", "error insufficient system storage"],
        "452 4.3.1 Insufficient system storage",
    ),
    Rule::new(
        "postfix.queue.write",
        SystemProblem,
        SMTPD,
        &["error queue file write error"],
        "451 4.3.0 Error: queue file write error",
    ),
    Rule::new(
        "postfix.config",
        SystemProblem,
        SMTPD,
        &["server configuration (problem|error)", "server local data error"],
        "451 4.3.5 Server configuration problem",
    ),
    Rule::new(
        "postfix.lookup",
        SystemProblem,
        SMTPD,
        &["temporary lookup (failure|error) + !dmarc + !spf + !dkim", "address lookup failure"],
        "451 4.3.0 <a@example.net>: Temporary lookup failure",
    ),
    Rule::new(
        "postfix.milter.tempfail",
        SystemProblem,
        SMTPD,
        &["^ service unavailable try again later $"],
        "451 4.7.1 Service unavailable - try again later",
    )
    .codes(&[4]),
    Rule::new(
        "postfix.milter.reject",
        PolicyRejected,
        SMTPD,
        &["^ command rejected $"],
        "550 5.7.1 Command rejected",
    ),
    // Content and syntax.
    Rule::new(
        "postfix.size",
        ContentRejected,
        SMTPD,
        &["message (file|size) (too big|exceeds fixed limit)", "error .. message file too big"],
        "552 5.3.4 Message size exceeds fixed limit",
    ),
    Rule::new(
        "postfix.checks",
        ContentRejected,
        "Postfix 2.3 to 3.10, cleanup header_checks and body_checks",
        &["^ message content rejected"],
        "550 5.7.1 message content rejected",
    ),
    Rule::new(
        "postfix.no_recipients",
        MailboxUnavailable,
        SMTPD,
        &["error no valid recipients"],
        "554 5.5.1 Error: no valid recipients",
    ),
    Rule::new(
        "postfix.smtpd.denied",
        PolicyRejected,
        SMTPD,
        &["error access denied for"],
        "503 5.7.0 Error: access denied for mx.example.net[192.0.2.1]",
    ),
    Rule::new(
        "postfix.hops",
        Routing,
        SMTPD,
        &["error too many hops"],
        "554 5.4.0 Error: too many hops",
    ),
    Rule::new(
        "postfix.smtpd.syntax",
        ProtocolError,
        SMTPD,
        &["^ error (command not (recognized|implemented|allowed)|need (mail|rcpt) command|\
             nested mail command|send helo ehlo first|mail transaction in progress|invalid|\
             unsupported|tls already active|bad syntax)"],
        "502 5.5.2 Error: command not recognized",
    ),
    Rule::new(
        "postfix.client.access",
        PolicyRejected,
        CHECK,
        &["client host rejected access denied"],
        "554 5.7.1 <mx.example.net[192.0.2.1]>: Client host rejected: Access denied",
    ),
    Rule::new(
        "postfix.access",
        PolicyRejected,
        CHECK,
        &["(recipient address|data command|etrn command) rejected access denied"],
        "554 5.7.1 <a@example.net>: Recipient address rejected: Access denied",
    )
    .enhanced(&[(7, 1, 1)]),
    Rule::new(
        "postfix.starttls.auth",
        AuthRequired,
        SMTPD,
        &["^ authentication required"],
        "530 5.7.0 Authentication required",
    )
    .phases(&[Phase::Mail, Phase::Rcpt]),
];
