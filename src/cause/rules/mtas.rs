//! The other servers: OpenSMTPD, Dovecot, qmail, Courier, Haraka, Exchange, and their kin.

use super::super::Cause::*;
use super::Rule;
use crate::cause::Permanence::PermanentInDisguise;

const SMTPD: &str = "OpenSMTPD 6.6 to 7.6, its session code";
const DOVECOT: &str = "Dovecot 2.3 and 2.4, submission and lmtp";
const QMAIL: &str = "qmail 1.03, netqmail and notqmail, with the chkuser and SPF patches";
const COURIER: &str = "Courier 0.7 to 1.3, courieresmtpd";
const HARAKA: &str = "Haraka 2.8 to 3.0";
const CYRUS: &str = "Cyrus IMAP 2.4 to 3.8, lmtpd";
const MDAEMON: &str = "MDaemon 12 to 23";
const STALWART: &str = "Stalwart 0.6 to 0.11";
const KUMO: &str = "KumoMTA, its SMTP server";
const DOMINO: &str = "HCL (Lotus) Domino 6 to 12";
const MTA_SYSTEM: &str = "Zimbra, CommuniGate, hMailServer and MailEnable manuals";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "opensmtpd.tls",
        TlsRequired,
        SMTPD,
        &["^ invalid command must issue a starttls"],
        "530 5.5.1 Invalid command: Must issue a STARTTLS command first",
    ),
    Rule::new(
        "opensmtpd.auth",
        AuthRequired,
        SMTPD,
        &["invalid command must issue an auth"],
        "530 5.5.1 Invalid command: Must issue an AUTH command first",
    ),
    Rule::new(
        "opensmtpd.helo",
        RdnsHelo,
        SMTPD,
        &["(ehlo|helo) requires domain"],
        "501 5.5.1 Invalid command: EHLO requires domain name",
    ),
    Rule::new(
        "opensmtpd.command",
        ProtocolError,
        SMTPD,
        &["^ invalid command"],
        "500 5.5.1 Invalid command: Command unrecognized",
    ),
    Rule::new(
        "opensmtpd.temporary",
        SystemProblem,
        SMTPD,
        &["^ temporary error $"],
        "421 4.3.0 Temporary Error",
    ),
    Rule::new(
        "opensmtpd.recipient",
        MailboxUnavailable,
        SMTPD,
        &["^ invalid recipient"],
        "550 Invalid recipient: <a@example.net>",
    ),
    Rule::new(
        "opensmtpd.size",
        ContentRejected,
        SMTPD,
        &["message too big for system"],
        "554 5.3.4 Message too big for system: Transaction failed, message too big",
    ),
    Rule::new(
        "opensmtpd.format",
        ContentRejected,
        SMTPD,
        &["message is not rfc (2822|5322) compliant"],
        "550 5.7.1 Delivery not authorized, message refused: Message is not RFC 2822 compliant",
    ),
    Rule::new(
        "dovecot.userip",
        TooManyConnections,
        DOVECOT,
        &["maximum number of connections from user ip exceeded", "connection queue full"],
        "421 4.0.0 mx.example.net Connection queue full",
    ),
    Rule::new(
        "dovecot.relay",
        SystemProblem,
        DOVECOT,
        &[
            "failed to connect to relay server",
            "lost connection to relay server",
            "internal error occurred",
        ],
        "421 4.4.0 mx.example.net Failed to connect to relay server (connect)",
    ),
    Rule::new(
        "dovecot.auth",
        AuthRequired,
        DOVECOT,
        &["^ authentication (failed|required) $"],
        "535 5.7.8 Authentication failed.",
    ),
    Rule::new(
        "dovecot.auth.slow",
        SystemProblem,
        DOVECOT,
        &["waiting for authentication process"],
        "421 4.7.0 Waiting for authentication process to respond..",
    ),
    Rule::new(
        "dovecot.quota",
        StorageFull,
        DOVECOT,
        &["quota exceeded mailbox for user is full"],
        "552 5.2.2 <a@example.net> Quota exceeded (mailbox for user is full)",
    ),
    Rule::new(
        "dovecot.user",
        MailboxUnavailable,
        DOVECOT,
        &["^ user doesnt exist"],
        "550 5.1.1 <a@example.net> User doesn't exist: a@example.net",
    ),
    Rule::new(
        "dovecot.idle",
        Timeout,
        DOVECOT,
        &["disconnected for inactivity"],
        "421 4.4.2 mx.example.net Disconnected for inactivity",
    ),
    Rule::new(
        "qmail.rcpthosts",
        RelayDenied,
        QMAIL,
        &["in my list of allowed rcpthosts"],
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    ),
    Rule::new(
        "qmail.no_mailbox",
        MailboxUnavailable,
        QMAIL,
        &["no mailbox here by that name", "badrcptto"],
        "550 sorry, no mailbox here by that name. (#5.1.1)",
    ),
    Rule::new(
        "qmail.badmailfrom",
        SenderRejected,
        QMAIL,
        &[
            "badmailfrom",
            "cant find a valid mx for sender domain",
            "mail from .. invalid domain name",
        ],
        "553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)",
    ),
    Rule::new(
        "qmail.databytes",
        ContentRejected,
        QMAIL,
        &["exceeds my databytes limit"],
        "552 sorry, that message size exceeds my databytes limit (#5.3.4)",
    ),
    Rule::new(
        "qmail.hops",
        Routing,
        QMAIL,
        &["this message is looping"],
        "554 too many deliveries, this message is looping (#5.4.6)",
    ),
    Rule::new(
        "qmail.disk",
        StorageFull,
        QMAIL,
        &["qq write error or disk full", "qq .. disk full"],
        "451 qq write error or disk full (#4.3.0)",
    ),
    Rule::new(
        "qmail.temporary",
        SystemProblem,
        QMAIL,
        &[
            "^ qq (temporary|trouble|read|out|unable|internal|permanent|waitpid|crashed|\
             connection|exec)",
            "^ out of memory",
            "unable to read controls",
        ],
        "451 qq temporary problem (#4.3.0)",
    ),
    Rule::new("qmail.timeout", Timeout, QMAIL, &["^ timeout $"], "451 timeout (#4.4.2)"),
    Rule::new(
        "qmail.smtplf",
        ProtocolError,
        QMAIL,
        &["docs smtplf html"],
        "451 See http://pobox.com/~djb/docs/smtplf.html.",
    ),
    Rule::new(
        "qmail.chkuser.policy",
        PolicyRejected,
        QMAIL,
        &["you are violating our security policies"],
        "571 sorry, you are violating our security policies (#5.7.1 - chkuser)",
    ),
    Rule::new(
        "courier.tls",
        TlsRequired,
        COURIER,
        &["tls not available but its required", "route requires high strength ciphers"],
        "440 TLS not available,  but it's required for this connection.",
    ),
    Rule::new(
        "courier.address",
        MailboxUnavailable,
        COURIER,
        &["^ address temporarily unavailable"],
        "456 Address temporarily unavailable.",
    ),
    Rule::new(
        "courier.sender",
        SenderRejected,
        COURIER,
        &["dns lookup failure .. try again later"],
        "417 DNS lookup failure: nowhere.example. Try again later.",
    ),
    Rule::new(
        "courier.helo",
        RdnsHelo,
        COURIER,
        &["helo .. does not match"],
        "517 HELO mx.example.net does not match 192.0.2.1",
    )
    .codes(&[517]),
    Rule::new(
        "haraka.relay",
        RelayDenied,
        HARAKA,
        &["i cannot deliver mail for"],
        "550 I cannot deliver mail for <a@example.net>",
    ),
    Rule::new(
        "haraka.karma",
        BadReputation,
        HARAKA,
        &["bad karma", "karma score"],
        "550 very bad karma score: -12",
    ),
    Rule::new("haraka.rdns", RdnsHelo, HARAKA, &["fcrdns"], "550 [192.0.2.1] FCrDNS failed")
        .lasts(PermanentInDisguise),
    Rule::new(
        "haraka.shutdown",
        SystemProblem,
        HARAKA,
        &["^ [the] server [is] shutting down"],
        "421 server is shutting down",
    ),
    Rule::new(
        "cyrus.mailbox",
        MailboxUnavailable,
        CYRUS,
        &["mailbox unknown either there is no mailbox"],
        "550 5.1.1 Mailbox unknown.  Either there is no mailbox associated with this name \
             or you do not have authorization to see it.",
    ),
    Rule::new("cyrus.quota", StorageFull, CYRUS, &["^ over quota"], "452 4.2.2 Over quota"),
    Rule::new(
        "mdaemon.sessions",
        TooManyConnections,
        MDAEMON,
        &["too many sessions opened"],
        "421 Too many sessions opened",
    ),
    Rule::new(
        "mdaemon.recipient",
        MailboxUnavailable,
        MDAEMON,
        &["^ recipient unknown", "^ recipient ok but"],
        "550 <a@example.net>, Recipient unknown",
    ),
    Rule::new(
        "mdaemon.ptr",
        RdnsHelo,
        MDAEMON,
        &["(sender|sending) ip must resolve", "must resolve (in dns|to)"],
        "501 5.7.1 <a@example.net>... Sender IP must resolve",
    ),
    Rule::new(
        "stalwart.expired",
        Timeout,
        STALWART,
        &["connection expired try reconnecting", "session (expired|open for too long)"],
        "421 4.3.2 Session open for too long.",
    ),
    Rule::new(
        "kumomta.load",
        SystemProblem,
        KUMO,
        &["load shedding", "memory .. (low|limit) .. try again"],
        "421 4.3.2 mx.example.net load shedding. try again later",
    ),
    Rule::new(
        "domino.relay",
        RelayDenied,
        DOMINO,
        &["relay rejected for policy reasons"],
        "554 Relay rejected for policy reasons.",
    ),
    Rule::new(
        "domino.dnsbl",
        Blocklisted,
        DOMINO,
        &["host found in dns (blacklist|blocklist)"],
        "554 Connection from 192.0.2.1 rejected for policy reasons.  Host found in DNS \
             blacklist at bl.example.net",
    ),
    Rule::new(
        "domino.policy",
        PolicyRejected,
        DOMINO,
        &["rejected for policy reasons"],
        "554 Mail from a@example.net rejected for policy reasons.",
    ),
    Rule::new(
        "hmailserver.relay",
        RelayDenied,
        MTA_SYSTEM,
        &["delivery is not allowed to this address"],
        "550 Delivery is not allowed to this address.",
    ),
    Rule::new(
        "mailenable.auth",
        RelayDenied,
        MTA_SYSTEM,
        &["server requires authentication when (attempting to send|sending) to a non local"],
        "503 This mail server requires authentication when attempting to send to a \
             non-local e-mail address.",
    ),
    Rule::new(
        "communigate.unknown",
        MailboxUnavailable,
        MTA_SYSTEM,
        &["unknown user account"],
        "550 a@example.net unknown user account",
    ),
];
