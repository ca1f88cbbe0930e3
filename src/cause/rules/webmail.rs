//! Yahoo and AOL, Apple, and the large Asian and Russian providers. Their short tokens mean what
//! their postmaster pages say and nothing else.

use super::super::Cause::*;
use super::Rule;
use crate::cause::Permanence::PermanentInDisguise;
const YAHOO: &str = "Yahoo postmaster, SMTP error codes";
const AOL: &str = "AOL postmaster, SMTP error messages (before 2018)";
const APPLE: &str = "Apple, postmaster information for iCloud Mail";
const QQ: &str = "Tencent QQ and Exmail, bounce reasons";
const NETEASE: &str = "NetEase 163, 126 and Coremail, bounce codes";
const MAILRU: &str = "Mail.ru postmaster, error codes";
const YANDEX: &str = "Yandex Mail, reasons for rejection";
const ZOHO: &str = "Zoho Mail, SMTP errors";
const YCODES: &str = "https://senders.yahooinc.com/smtp-error-codes/";
const NETEASE_CODES: &str = "https://help.mail.163.com";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "yahoo.complaints",
        BadReputation,
        YAHOO,
        &[
            "deferred due to [unexpected] [volume] [or] user complaints",
            "(tss04|tss05|tss11|ts01|ts02)",
            "due to user complaints",
        ],
        "421 4.7.0 mx.example.net: deferred due to user complaints",
    )
    .doc(YCODES),
    Rule::new(
        "yahoo.forever",
        BadReputation,
        YAHOO,
        &["ts03", "will be permanently deferred"],
        "421 4.7.1 mx.example.net: ts03",
    )
    .lasts(PermanentInDisguise)
    .doc(YCODES),
    Rule::new(
        "yahoo.greylist",
        Greylisted,
        YAHOO,
        &["gl01"],
        "421 4.7.0 [GL01] Message from (192.0.2.1) temporarily deferred",
    )
    .doc(YCODES),
    Rule::new(
        "yahoo.blocklist",
        Blocklisted,
        YAHOO,
        &["(bl21|bl22|bl23)", "in spamhauss list"],
        "553 5.7.1 mx.example.net: bl21",
    )
    .doc(YCODES),
    Rule::new(
        "yahoo.rate",
        RateLimited,
        YAHOO,
        &["(rl01|rl02|rl03|rl04|rlss)", "excessive (messages|mail) from"],
        "421 4.7.0 [RL01] Message from (192.0.2.1) temporarily deferred: slow",
    )
    .doc(YCODES),
    Rule::new(
        "yahoo.connection",
        TooManyConnections,
        YAHOO,
        &["max message per connection reached", "messages per connection reached"],
        "421 Max message per connection reached, closing transmission channel",
    )
    .doc(YCODES),
    Rule::new(
        "yahoo.policy",
        PolicyRejected,
        YAHOO,
        &["(ph01|up) email not accepted for policy reasons", "not accepted for policy reasons"],
        "554 mx.example.net: ph01 email not accepted for policy reasons",
    )
    .doc(YCODES),
    Rule::new(
        "yahoo.headers",
        ContentRejected,
        YAHOO,
        &["headers are not rfc compliant"],
        "554 Message not allowed - Headers are not RFC compliant[291]",
    )
    .doc(YCODES),
    Rule::new("yahoo.server", SystemProblem, YAHOO, &["bs0*"], "451 mx.example.net: bs0")
        .doc(YCODES),
    Rule::new(
        "yahoo.deferred",
        BadReputation,
        YAHOO,
        &["message* from .. temporarily deferred"],
        "421 mx.example.net: message from, temporarily deferred",
    )
    .doc(YCODES),
    Rule::new(
        "yahoo.delivery",
        MailboxUnavailable,
        YAHOO,
        &["delivery error dd (not a valid recipient|this user doesnt have|sorry your message)"],
        "554 mx.example.net: delivery error dd not a valid recipient",
    )
    .doc(YCODES),
    Rule::new(
        "yahoo.delivery.none",
        Unknown,
        YAHOO,
        &["delivery error dd requested mail action aborted", "message not allowed [299|30]"],
        "554 mx.example.net: delivery error dd requested mail action aborted",
    )
    .doc(YCODES),
    Rule::new(
        "aol.dynamic",
        Blocklisted,
        AOL,
        &["con b1", "rtr (bl|bb|du)", "dyn (b1|b2)"],
        "554 RTR:BB http://postmaster.info.aol.com/errors/554rtrbb.html",
    ),
    Rule::new(
        "aol.rdns",
        RdnsHelo,
        AOL,
        &["rtr (rd|ge)"],
        "554 RTR:RD http://postmaster.info.aol.com/errors/554rtrrd.html",
    ),
    Rule::new(
        "aol.complaints",
        BadReputation,
        AOL,
        &["rly (b1|b2|b3|bd)", "(snd|snt) (b1|b2|t1)"],
        "421 mx.example.net: rly b1",
    ),
    Rule::new(
        "aol.content",
        ContentRejected,
        AOL,
        &["hvu (b1|b2|b3)", "rly (ch|ch2|ch3)"],
        "554 mx.example.net: hvu b1",
    ),
    Rule::new("aol.rate", RateLimited, AOL, &["dyn t1"], "421 mx.example.net: dyn t1"),
    Rule::new(
        "aol.connections",
        TooManyConnections,
        AOL,
        &["cnn (b1|t1|to)"],
        "421 mx.example.net: cnn b1",
    ),
    Rule::new(
        "apple.volume",
        RateLimited,
        APPLE,
        &["deferred due to excessive volume"],
        "421 4.7.1 mx.example.net: deferred due to excessive volume",
    )
    .doc("https://support.apple.com/en-us/HT204137"),
    Rule::new(
        "apple.policy",
        PolicyRejected,
        APPLE,
        &["(cs01|cs02|hm07|hm08|cs0*)"],
        "550 5.7.1 [CS01] Message rejected due to local policy.",
    )
    .doc("https://support.apple.com/en-us/HT204137"),
    Rule::new(
        "qq.frequency",
        RateLimited,
        QQ,
        &["(ip|sender|domain|recipient|mail) frequency limited"],
        "550 Ip frequency limited [abc IP: 192.0.2.1].",
    )
    .doc("https://service.mail.qq.com"),
    Rule::new(
        "qq.connections",
        TooManyConnections,
        QQ,
        &["connection frequency limited"],
        "550 Connection frequency limited",
    )
    .doc("https://service.mail.qq.com"),
    Rule::new(
        "qq.content",
        ContentRejected,
        QQ,
        &["mail content denied", "^ suspected spam $", "content denied"],
        "550 Mail content denied",
    )
    .doc("https://service.mail.qq.com"),
    Rule::new(
        "qq.reputation",
        BadReputation,
        QQ,
        &["suspected (spam ip|bounce attack*)", "^ connection denied"],
        "550 Suspected bounce attacks",
    )
    .doc("https://service.mail.qq.com"),
    Rule::new(
        "qq.recipient",
        MailboxUnavailable,
        QQ,
        &["^ mailbox unavailable or access denied"],
        "550 mailbox unavailable or access denied",
    )
    .doc("https://service.mail.qq.com"),
    Rule::new(
        "qq.rejected",
        PolicyRejected,
        QQ,
        &["mail is rejected by recipient*"],
        "550 Mail is rejected by recipients",
    )
    .doc("https://service.mail.qq.com"),
    Rule::new(
        "netease.connections",
        TooManyConnections,
        NETEASE,
        &["hl (icc|ifc|itc)"],
        "421 HL:ICC 163 mx1,192.0.2.1",
    )
    .doc(NETEASE_CODES),
    Rule::new(
        "netease.rate",
        RateLimited,
        NETEASE,
        &["mi (sfq|dmc|stc|cel)", "rp (drc|ccl|qrc|rcl|trc|frl|cel)", "hl mep"],
        "451 MI:SFQ 163 mx1",
    )
    .doc(NETEASE_CODES),
    Rule::new(
        "netease.reputation",
        BadReputation,
        NETEASE,
        &["hl (rep|ihu)"],
        "421 HL:REP 163 mx1",
    )
    .doc(NETEASE_CODES),
    Rule::new(
        "netease.blocklist",
        Blocklisted,
        NETEASE,
        &["(dt rbl|wm bli|wm blu|hl ipb|mi spb)", "ip in blacklist"],
        "450 DT:RBL 163 mx1",
    )
    .doc(NETEASE_CODES),
    Rule::new("netease.spam", ContentRejected, NETEASE, &["dt (spm|sum)"], "451 DT:SPM 163 mx1")
        .doc(NETEASE_CODES),
    Rule::new(
        "netease.sender",
        SenderRejected,
        NETEASE,
        &["mi (imf|dma)", "null sender is not allowed"],
        "550 MI:IMF 163 mx1",
    )
    .doc(NETEASE_CODES),
    Rule::new("netease.helo", RdnsHelo, NETEASE, &["mi nhd"], "550 MI:NHD 163 mx1")
        .doc(NETEASE_CODES),
    Rule::new("netease.spf", SenderAuthFailed, NETEASE, &["mi spf"], "550 MI:SPF 163 mx1")
        .doc(NETEASE_CODES),
    Rule::new(
        "netease.auth",
        BadReputation,
        NETEASE,
        &["(too much fail authentication|smtp auth error limit exceed)"],
        "554 IP is rejected, smtp auth error limit exceed",
    )
    .doc(NETEASE_CODES),
    Rule::new(
        "mailru.spam",
        ContentRejected,
        MAILRU,
        &["spam message rejected", "notspam support"],
        "550 mx.example.net: spam message rejected",
    )
    .doc("https://help.mail.ru"),
    Rule::new(
        "mailru.dynamic",
        RdnsHelo,
        MAILRU,
        &["hosts with dynamic ip or generic"],
        "550 Sorry, we do not accept mail from hosts with dynamic IP or generic DNS \
             PTR-records.",
    ),
    Rule::new(
        "mailru.blocked",
        Blocklisted,
        MAILRU,
        &["access from ip address .. blocked"],
        "550 mx.example.net: access from ip address, blocked",
    ),
    Rule::new(
        "mailru.recipient",
        MailboxUnavailable,
        MAILRU,
        &["message was not accepted invalid mailbox", "user is terminated"],
        "550 Message was not accepted -- invalid mailbox.  Local mailbox a@example.com is \
             unavailable: user is terminated",
    ),
    Rule::new(
        "yandex.later",
        SystemProblem,
        YANDEX,
        &["sorry the service is currently unavailable please come back later"],
        "451 4.7.1 mx.example.net: sorry the service is currently unavailable please come back later",
    ),
    Rule::new(
        "yandex.rate",
        RateLimited,
        YANDEX,
        &["recipient has exceeded [their] message rate limit"],
        "450 4.2.1 mx.example.net: recipient has exceeded message rate limit",
    ),
    Rule::new(
        "yandex.spam",
        ContentRejected,
        YANDEX,
        &["under suspicion of spam", "blocked by spam statistics"],
        "554 5.7.1 [1] Message rejected under suspicion of SPAM",
    ),
    Rule::new(
        "zoho.policy",
        PolicyRejected,
        ZOHO,
        &["mailpolicy violation", "restricted by policy", "unusual sending activity"],
        "554 5.2.3 mx.example.net: mailpolicy violation",
    ),
    Rule::new(
        "zoho.relay",
        RelayDenied,
        ZOHO,
        &["relaying disallowed as", "not allowed to relay emails"],
        "553 Relaying disallowed as a@example.net",
    ),
];
