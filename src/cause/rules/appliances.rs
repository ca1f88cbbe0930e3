//! Filters, gateways and cloud filters in front of other servers.

use super::super::Cause::*;
use super::Rule;
const MIMECAST: &str = "Mimecast, SMTP error codes";
const PROOFPOINT: &str = "Proofpoint Protection Server and Essentials";
const BARRACUDA: &str = "Barracuda Email Security Gateway, cuda_nsu";
const CISCO: &str = "Cisco Secure Email (IronPort) AsyncOS 7 to 15";
const SYMANTEC: &str = "Symantec MessageLabs, connection and SMTP messages";
const TREND: &str = "Trend Micro Email Security and Hosted Email Security";
const AMAVIS: &str = "amavisd-new 2.6 to 2.13";
const RSPAMD: &str = "rspamd 1.9 to 3.10";
const POSTINI: &str = "Postini and other hosted filters";
const MIMECAST_CODES: &str = "https://community.mimecast.com/docs/DOC-1369";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "mimecast.greylist",
        Greylisted,
        MIMECAST,
        &["internal resource* [are|is] temporarily unavailable"],
        "451 mx.example.net: internal resource temporarily unavailable",
    )
    .doc(MIMECAST_CODES),
    Rule::new(
        "mimecast.connections",
        TooManyConnections,
        MIMECAST,
        &["account service is temporarily unavailable"],
        "451 Account service is temporarily unavailable",
    )
    .doc(MIMECAST_CODES),
    Rule::new(
        "mimecast.threads",
        RateLimited,
        MIMECAST,
        &["exceeding outbound thread limit"],
        "550 mx.example.net: exceeding outbound thread limit",
    )
    .doc(MIMECAST_CODES),
    Rule::new(
        "mimecast.inbound",
        Routing,
        MIMECAST,
        &["account inbound* disabled"],
        "451 mx.example.net: account inbound disabled",
    )
    .doc(MIMECAST_CODES),
    Rule::new(
        "mimecast.auth",
        SenderAuthFailed,
        MIMECAST,
        &["(dmarc|dkim|spf) sender invalid", "anti spoofing"],
        "550 mx.example.net: dmarc sender invalid",
    )
    .doc(MIMECAST_CODES),
    Rule::new(
        "mimecast.reputation",
        BadReputation,
        MIMECAST,
        &["local ct ip reputation", "poor reputation sender"],
        "550 Local CT IP Reputation - (reject)",
    )
    .doc(MIMECAST_CODES),
    Rule::new(
        "mimecast.policy",
        PolicyRejected,
        MIMECAST,
        &[
            "administrative prohibition envelope blocked",
            "envelope blocked user",
            "rejected due to security policies",
            "header based .. blocked senders",
            "hostname is not authorized",
            "host network not allowed",
            "customer does not have",
        ],
        "550 mx.example.net: administrative prohibition envelope blocked",
    )
    .doc(MIMECAST_CODES),
    Rule::new(
        "mimecast.content",
        ContentRejected,
        MIMECAST,
        &["content examination policy", "content examination"],
        "550 Message bounced due to Content Examination Policy",
    )
    .doc(MIMECAST_CODES),
    Rule::new(
        "proofpoint.dnsbl",
        Blocklisted,
        PROOFPOINT,
        &["proofpoint com dnsbl lookup", "ipcheck proofpoint"],
        "554 mx.example.net: proofpoint com dnsbl lookup",
    )
    .doc("https://ipcheck.proofpoint.com"),
    Rule::new(
        "barracuda.reputation",
        Blocklisted,
        BARRACUDA,
        &["barracuda* .. reputation", "barracudanetworks com reputation", "barracudacentral"],
        "554 mx.example.net: barracuda, reputation",
    )
    .doc("https://www.barracudacentral.org/rbl/removal-request"),
    Rule::new(
        "barracuda.rate",
        TooManyConnections,
        BARRACUDA,
        &["too many connections from your ip [rate controlled]"],
        "450 mx.example.net: too many connections from your ip",
    ),
    Rule::new(
        "barracuda.blocked",
        PolicyRejected,
        BARRACUDA,
        &["permanent failure for one or more recipients"],
        "554 permanent failure for one or more recipients (a@example.net:blocked)",
    ),
    Rule::new(
        "cisco.reputation",
        BadReputation,
        CISCO,
        &["sending mtas poor reputation"],
        "554 Your access to this mail system has been rejected due to the sending MTA's \
             poor reputation.",
    )
    .doc("https://talosintelligence.com"),
    Rule::new(
        "cisco.access",
        PolicyRejected,
        CISCO,
        &["your access to submit messages to this email system has been rejected"],
        "550 5.7.1 mx.example.net: your access to submit messages to this email system has been rejected",
    ),
    Rule::new(
        "cisco.connections",
        TooManyConnections,
        CISCO,
        &["too many connections (from your host|to this listener)"],
        "421 #4.4.5 Too many connections from your host.",
    ),
    Rule::new(
        "cisco.recipients",
        RateLimited,
        CISCO,
        &["too many recipients received"],
        "452 #4.5.3 Too many recipients received this hour",
    ),
    Rule::new(
        "cisco.time",
        Timeout,
        CISCO,
        &["exceeded allowable connection time"],
        "421 Exceeded allowable connection time, disconnecting.",
    ),
    Rule::new(
        "cisco.commands",
        ProtocolError,
        CISCO,
        &["exceeded bad smtp command limit"],
        "421 Exceeded bad SMTP command limit, disconnecting.",
    ),
    Rule::new(
        "cisco.recipient",
        MailboxUnavailable,
        CISCO,
        &["^ address rejected", "^ bad address"],
        "550 #5.1.0 Address rejected a@example.net",
    ),
    Rule::new(
        "symantec.policy",
        PolicyRejected,
        SYMANTEC,
        &["connection rejected by policy"],
        "501 Connection rejected by policy [7.7] 1234, please visit the page for more details",
    ),
    Rule::new(
        "symantec.filtered",
        ContentRejected,
        SYMANTEC,
        &["message filtered"],
        "553 mx.example.net: message filtered",
    ),
    Rule::new(
        "symantec.later",
        Greylisted,
        SYMANTEC,
        &["requested action aborted 7 2"],
        "450 Requested action aborted [7.2] 1234, please visit the page",
    ),
    Rule::new(
        "trend.ers",
        Blocklisted,
        TREND,
        &["ers (rbl|dul|qil|customized block|custom*)"],
        "550 5.7.1 <a@example.net>: Recipient address rejected: ERS-DUL",
    )
    .doc("https://servicecentral.trendmicro.com/en-us/ers/ip-lookup/"),
    Rule::new(
        "trend.domain",
        Routing,
        TREND,
        &["recipient address rejected no domain"],
        "554 5.7.1 mx.example.net: recipient address rejected no domain",
    ),
    Rule::new(
        "trend.block",
        PolicyRejected,
        TREND,
        &["recipient address rejected block (rcpt|sender|from)"],
        "554 5.7.1 mx.example.net: recipient address rejected block rcpt",
    ),
    Rule::new(
        "amavis.spam",
        ContentRejected,
        AMAVIS,
        &[
            "reject id .. (spam|infected|banned|bad header)",
            "content rejected ube",
            "reject .. id .. spam",
        ],
        "554 5.7.0 Reject, id=12345-01 - SPAM",
    ),
    Rule::new(
        "rspamd.greylist",
        Greylisted,
        RSPAMD,
        &["^ try again later $"],
        "451 4.7.1 Try again later",
    )
    .enhanced(&[(7, 1, 1)])
    .codes(&[4]),
    Rule::new(
        "rspamd.rate",
        RateLimited,
        RSPAMD,
        &["ratelimit .. exceeded"],
        "451 4.7.1 Ratelimit \"to_ip\" exceeded",
    ),
    Rule::new(
        "rspamd.spam",
        ContentRejected,
        RSPAMD,
        &["spam message rejected", "gtube pattern"],
        "554 5.7.1 Gtube pattern",
    ),
    Rule::new(
        "postini.spam",
        ContentRejected,
        POSTINI,
        &["spam blocked psmtp", "^ mail appears to be unsolicited"],
        "501 mx.example.net: spam blocked psmtp",
    ),
];
