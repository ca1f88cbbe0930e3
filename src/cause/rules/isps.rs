//! Internet providers and hosters of Europe and North America.

use super::super::Cause::*;
use super::Rule;
const COMCAST: &str = "Comcast postmaster, SMTP error codes";
const COX: &str = "Cox, email error codes";
const CHARTER: &str = "Charter (Spectrum), postmaster error codes";
const ATT: &str = "AT&T and Prodigy, block list replies";
const ORANGE: &str = "Orange, Wanadoo and La Poste, reply codes";
const FREE: &str = "Free (Proxad) postmaster";
const GMX: &str = "GMX, WEB.DE and mail.com postmaster, error messages";
const TONLINE: &str = "T-Online postmaster, FAQ";
const GODADDY: &str = "GoDaddy (bizsmtp), bounce codes";
const RACKSPACE: &str = "Rackspace Email, bounce codes";
const ITALY: &str = "Aruba, Libero and Tiscali, as seen";
const COMCAST_CODES: &str = "https://postmaster.comcast.net/smtp-error-codes.php";
const GMX_CODES: &str = "https://postmaster.gmx.net/en/error-messages";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "comcast.block",
        Blocklisted,
        COMCAST,
        &["comcast block for spam", "bl0000*", "found on one or more dnsbls"],
        "554 mx.example.net 192.0.2.1 Comcast block for spam. Please see the page BL000000",
    )
    .doc(COMCAST_CODES),
    Rule::new(
        "comcast.rate",
        RateLimited,
        COMCAST,
        &["rl0000*", "throttled try later"],
        "421 4.1.0 mx.example.net: throttled try later, RL000001",
    )
    .doc(COMCAST_CODES),
    Rule::new(
        "comcast.ptr",
        RdnsHelo,
        COMCAST,
        &["all mail servers must have a ptr record"],
        "554 mx.example.net: all mail servers must have a ptr record",
    )
    .doc(COMCAST_CODES),
    Rule::new(
        "comcast.spf",
        SenderAuthFailed,
        COMCAST,
        &["invalid ip for sending mail of domain"],
        "550 5.1.0 Invalid IP for sending mail of domain example.net",
    )
    .doc(COMCAST_CODES),
    Rule::new(
        "cox.connections",
        TooManyConnections,
        COX,
        &["(cxcnct|cxconn)"],
        "421 mx.example.net 192.0.2.1 refused. AUP#CXCNCT",
    ),
    Rule::new("cox.rate", RateLimited, COX, &["(cxmxrt|cxthrt|cxrate)"], "452 4.1.0 AUP#CXMXRT"),
    Rule::new("cox.rdns", RdnsHelo, COX, &["(cxdns|cxhelo)"], "554 192.0.2.1 rejected. AUP#CXDNS"),
    Rule::new(
        "cox.blocked",
        Blocklisted,
        COX,
        &["(cxbl|ipbl*|ipbl0*)"],
        "554 192.0.2.1 rejected. AUP#CXBL",
    ),
    Rule::new(
        "cox.content",
        ContentRejected,
        COX,
        &["(cxmj|cxmsg|cxcm|urlbl*)"],
        "552 5.2.0 rejected. AUP#CXMJ",
    ),
    Rule::new("cox.sender", SenderRejected, COX, &["cxsndr"], "550 5.1.0 rejected. AUP#CXSNDR"),
    Rule::new(
        "charter.connections",
        TooManyConnections,
        CHARTER,
        &["(e3110|e3120|e3130)", "aup in 1010"],
        "421 mx.example.net E3110",
    ),
    Rule::new(
        "charter.sender",
        SenderRejected,
        CHARTER,
        &["e2110", "does not exist e2*"],
        "553 5.1.0 example.net does not exist E2110",
    ),
    Rule::new(
        "att.blocklist",
        Blocklisted,
        ATT,
        &["dnsbl (rbl|attrbl)", "_is_blocked", "abuse_rbl"],
        "553 5.3.0 mx.example.net: dnsbl rbl",
    ),
    Rule::new(
        "att.deactivated",
        MailboxUnavailable,
        ATT,
        &["possible forgery or deactivated due to abuse"],
        "553 mx.example.net: possible forgery or deactivated due to abuse",
    ),
    Rule::new(
        "att.unknown_recipients",
        BadReputation,
        ATT,
        &["excessive unknown recipients"],
        "451 mx.example.net: excessive unknown recipients",
    ),
    Rule::new(
        "orange.connections",
        TooManyConnections,
        ORANGE,
        &["trop de connexions", "(ofr*|lpn*) .. too many connections"],
        "421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too \
             many connections, slow down. OFR004_104 [104]",
    ),
    Rule::new(
        "orange.reputation",
        Blocklisted,
        ORANGE,
        &["(ip source bloquee|blocked for spamming)", "(ofr006_102|ofr_102|ofr006_103|lpn006_102)"],
        "550 mx.example.net: ip source bloquee",
    ),
    Rule::new(
        "orange.none",
        Unknown,
        ORANGE,
        &["service refuse* .. veuillez essayer plus tard"],
        "421 mx.example.net: service refuse, veuillez essayer plus tard",
    ),
    Rule::new(
        "orange.recipient",
        MailboxUnavailable,
        ORANGE,
        &[
            "compte du destinataire",
            "adresse .. (destinataire invalide|invalide)",
            "adresse d au moins un destinataire",
            "(ofr_416|ofr_418|lpn007_426)",
        ],
        "550 5.5.0 mx.example.net: compte du destinataire",
    ),
    Rule::new(
        "orange.spam",
        ContentRejected,
        ORANGE,
        &["mail rejete", "(ofr_506|ofr006_506|ofr007_506)"],
        "550 5.7.1 Mail rejete. Mail rejected. OFR_506 [506]",
    ),
    Rule::new(
        "orange.quota",
        StorageFull,
        ORANGE,
        &["(boite .. pleine|ofr_417|ofr_517)"],
        "552 5.1.1 mx.example.net: boite, pleine",
    ),
    Rule::new(
        "free.errors",
        BadReputation,
        FREE,
        &["too many errors from your ip", "too many .. invalid recipients from"],
        "451 too many errors from your ip (192.0.2.1), please visit the page",
    ),
    Rule::new(
        "gmx.ptr",
        RdnsHelo,
        GMX,
        &["bad dns ptr resource record"],
        "554 mx.example.net Bad DNS PTR resource record.",
    )
    .doc(GMX_CODES),
    Rule::new(
        "gmx.sender",
        SenderRejected,
        GMX,
        &["invalid dns mx or a aaaa resource record"],
        "550 mx.example.net: invalid dns mx or a aaaa resource record",
    )
    .doc(GMX_CODES),
    Rule::new(
        "gmx.headers",
        ContentRejected,
        GMX,
        &[
            "transaction failed [reject due to] [duplicate|invalid|multiple|missing] (header|\
             duplicate header)",
            "transaction failed duplicate header",
        ],
        "554 mx.example.net: transaction failed header",
    )
    .doc(GMX_CODES),
    Rule::new(
        "gmx.policy",
        PolicyRejected,
        GMX,
        &["reject due to policy"],
        "554 Reject due to policy restrictions.",
    )
    .doc(GMX_CODES),
    Rule::new(
        "gmx.many_mails",
        StorageFull,
        GMX,
        &["zuviele mails auf dem server", "too many messages on the server"],
        "550 mx.example.net: zuviele mails auf dem server",
    )
    .doc(GMX_CODES),
    Rule::new(
        "tonline.reputation",
        BadReputation,
        TONLINE,
        &["none bad reputation", "nowl"],
        "554 IP=192.0.2.1 None/bad reputation. Ask your postmaster for help (NOWL)",
    ),
    Rule::new(
        "tonline.block",
        Blocklisted,
        TONLINE,
        &["a problem occurred ask your postmaster", "a problem occurred .. contact"],
        "554 mx.example.net: a problem occurred ask your postmaster",
    )
    .doc("https://postmaster.t-online.de"),
    Rule::new(
        "tonline.spam",
        ContentRejected,
        TONLINE,
        &["considered as spam or virus"],
        "550 5.7.0 Message considered as spam or virus, rejected",
    ),
    Rule::new(
        "godaddy.connections",
        TooManyConnections,
        GODADDY,
        &["(ib007|ib009)"],
        "421 mx bizsmtp refused. IB007",
    ),
    Rule::new(
        "godaddy.rdns",
        RdnsHelo,
        GODADDY,
        &["(ib101|ib108|ib115)"],
        "421 mx bizsmtp Temporarily rejected. IB101. <192.0.2.1>",
    ),
    Rule::new(
        "godaddy.listed",
        Blocklisted,
        GODADDY,
        &["(ib103|ib104|ib105|ib106|ib110|ib111)"],
        "554 mx bizsmtp Connection refused IB105",
    ),
    Rule::new(
        "godaddy.rate",
        RateLimited,
        GODADDY,
        &["(ib605|ib607|ib603|ib504)"],
        "452 Reduce them and retry. IB605",
    ),
    Rule::new(
        "godaddy.content",
        ContentRejected,
        GODADDY,
        &["(ib2*|ib212|ib705|ib201)"],
        "552 rejected IB212",
    ),
    Rule::new(
        "godaddy.sender",
        SenderRejected,
        GODADDY,
        &["(ib401|ib501|ib502|ib506)"],
        "550 rejected IB501",
    ),
    Rule::new(
        "rackspace.recipient",
        MailboxUnavailable,
        RACKSPACE,
        &["could not be found or was misspelled"],
        "550 5.1.1 mx.example.net: could not be found or was misspelled",
    ),
    Rule::new(
        "libero.blocked",
        Blocklisted,
        ITALY,
        &["(smtp|mail) .. (rifiutat*|bloccat*)"],
        "550 mail da 192.0.2.1 rifiutata",
    ),
    Rule::new(
        "rambler.blocked",
        MailboxUnavailable,
        "Rambler, as seen",
        &["recipient address rejected blocked $"],
        "540 5.7.1 <a@example.com>: recipient address rejected: Blocked",
    ),
];
