//! Gmail and Google Workspace, as a receiver and as a submission service.

use super::super::Cause::*;
use super::Rule;
use crate::cause::Permanence::PermanentInDisguise;
const DOC: &str = "Google Workspace, SMTP error reference and sender guidelines";
const GUIDE: &str = "https://support.google.com/a/answer/81126";
const ERRORS: &str = "https://support.google.com/a/answer/3726730";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "google.rate.same_message",
        RateLimited,
        DOC,
        &[
            "exceeded its quota for sending messages with the same",
            "quota .. same (message id|url|dkim|domain)",
        ],
        "421 4.7.28 mx.example.net: exceeded its quota for sending messages with the same",
    )
    .doc(ERRORS),
    Rule::new(
        "google.auth.spf",
        SenderAuthFailed,
        DOC,
        &[
            "spf record + suspicious",
            "because spf .. didnt pass",
            "because .. (dkim|dmarc|spf) [authentication] (didnt pass|failed)",
            "because there is no dmarc alignment",
            "message is unauthenticated",
            "requires all [bulk] [email] senders to authenticate",
        ],
        "421 4.7.27 mx.example.net: spf record; suspicious",
    )
    .lasts(PermanentInDisguise)
    .doc(GUIDE),
    Rule::new(
        "google.auth.tls",
        TlsRequired,
        DOC,
        &["wasnt sent over a tls connection", "requires all [bulk] [email] senders to use tls"],
        "421 4.7.29 mx.example.net: wasnt sent over a tls connection",
    )
    .lasts(PermanentInDisguise)
    .doc(GUIDE),
    Rule::new(
        "google.auth.ptr",
        RdnsHelo,
        DOC,
        &[
            "(does not|doesnt) have a ptr record",
            "missing ptr records",
            "(ptr|reverse dns) .. rate limited",
            "rate limited .. (ptr|reverse dns)",
            "ip address sending this message does not have a ptr",
        ],
        "550 5.7.25 mx.example.net: does not have a ptr record",
    )
    .lasts(PermanentInDisguise)
    .doc(GUIDE),
    Rule::new(
        "google.auth.ipv6",
        RdnsHelo,
        DOC,
        &["does not meet ipv6 sending guidelines"],
        "550 5.7.1 mx.example.net: does not meet ipv6 sending guidelines",
    )
    .doc(GUIDE),
    Rule::new(
        "google.auth.dmarc",
        SenderAuthFailed,
        DOC,
        &[
            "unauthenticated email from .. is not accepted",
            "does not have authentication information or fails to pass",
            "fails to pass authentication checks",
            "dmarcrejection",
        ],
        "550 5.7.26 mx.example.net: unauthenticated email from, is not accepted",
    )
    .doc("https://support.google.com/mail/?p=DmarcRejection"),
    Rule::new(
        "gmail.reputation.domain",
        BadReputation,
        DOC,
        &[
            "(very low|poor|bad) reputation of the sending (domain|ip)",
            "suspicious due to the [very] [low] reputation",
        ],
        "550 5.7.1 mx.example.net: very low reputation of the sending domain",
    )
    .doc(GUIDE),
    // The registry calls X.7.28 a flood of mail; without it the same words are the penalty for spam.
    Rule::new(
        "gmail.rate.flood",
        RateLimited,
        DOC,
        &["unusual (rate|amount) of"],
        "421 4.7.28 [192.0.2.1] Our system has detected an unusual rate of mail from you",
    )
    .enhanced(&[(7, 28, 28)]),
    Rule::new(
        "gmail.rate.unsolicited",
        BadReputation,
        DOC,
        &[
            "unusual (rate|amount) of (unsolicited|suspicious)",
            "unsolicitedratelimiterror",
            "unsolicitediperror",
            "suspicious (traffic|activity) .. (rate limited|blocked)",
        ],
        "421 4.7.0 mx.example.net: unusual rate of unsolicited",
    )
    .doc(GUIDE),
    Rule::new(
        "gmail.content.suspicious",
        ContentRejected,
        DOC,
        &[
            "suspicious due to the nature of the content",
            "likely unsolicited mail",
            "unsolicitedmessageerror",
            "message (was|has been) blocked because its content",
            "presents a potential security issue",
            "blockedmessage",
        ],
        "550 5.7.1 mx.example.net: suspicious due to the nature of the content",
    )
    .doc(ERRORS),
    Rule::new(
        "gmail.content.headers",
        ContentRejected,
        DOC,
        &[
            "messages (with multiple|missing a valid) address* in .. header",
            "rfcmessagenoncompliant",
            "not rfc 5322 compliant",
            "not compliant with rfc 5322",
        ],
        "550 5.7.1 mx.example.net: messages with multiple address in, header",
    )
    .doc(ERRORS),
    Rule::new(
        "gmail.recipient.rate",
        RateLimited,
        DOC,
        &["receiving mail (at a rate|too quickly)", "receivingrate*"],
        "450 4.2.1 mx.example.net: receiving mail at a rate",
    )
    .doc(ERRORS),
    Rule::new(
        "gmail.recipient.disabled",
        MailboxUnavailable,
        DOC,
        &["email account that you tried to reach is (disabled|inactive)", "disableduser"],
        "550 5.2.1 mx.example.net: email account that you tried to reach is disabled",
    )
    .doc(ERRORS),
    Rule::new(
        "gmail.recipient.unknown",
        MailboxUnavailable,
        DOC,
        &["email account that you tried to reach does not exist", "nosuchuser"],
        "550 5.1.1 mx.example.net: email account that you tried to reach does not exist",
    )
    .doc(ERRORS),
    Rule::new(
        "gmail.recipient.quota",
        StorageFull,
        DOC,
        &[
            "email account that you tried to reach is over quota",
            "overquota(temp|perm)",
            "(overquotatemp|overquotaperm)",
            "recipients inbox is out of storage",
        ],
        "452 4.2.2 mx.example.net: email account that you tried to reach is over quota",
    )
    .doc(ERRORS),
    Rule::new(
        "gmail.policy.user",
        PolicyRejected,
        DOC,
        &[
            "has a policy that prohibited the mail",
            "ip not in whitelist for rcpt domain",
            "policy that prohibits",
        ],
        "550 5.7.1 The user or domain that you are sending to (or from) has a policy that \
             prohibited the mail that you sent.",
    )
    .doc(ERRORS),
    Rule::new(
        "google.relay.limit",
        RateLimited,
        DOC,
        &[
            "daily (smtp relay|user sending|sending) (limit|quota) exceeded",
            "sending (limit|quota) exceeded",
            "policy size per transaction exceeded",
        ],
        "550 5.4.5 mx.example.net: daily smtp relay limit exceeded",
    )
    .doc(ERRORS),
    Rule::new(
        "google.relay.denied",
        RelayDenied,
        DOC,
        &["mail relay denied", "invalid credentials for relay"],
        "550 5.7.0 mx.example.net: mail relay denied",
    )
    .doc(ERRORS),
    Rule::new(
        "google.login",
        AuthRequired,
        DOC,
        &[
            "username and password not accepted",
            "application specific password required",
            "please log in (with|via) your web browser",
            "weblogin required",
            "(badcredentials|invalidsecondfactor|wantauth|weblogin*)",
            "too many login attempts",
        ],
        "535 5.7.8 Username and Password not accepted.",
    )
    .doc(ERRORS),
    Rule::new(
        "google.domains",
        ProtocolError,
        DOC,
        &["multiple destination domains per transaction"],
        "451 4.3.0 mx.example.net: multiple destination domains per transaction",
    )
    .doc(ERRORS),
    Rule::new(
        "google.later",
        SystemProblem,
        DOC,
        &[
            "mail server temporarily rejected message",
            "temporary system problem",
            "server busy try again later",
        ],
        "421 4.7.0 Temporary System Problem. Try again later.",
    )
    .doc(ERRORS),
];
