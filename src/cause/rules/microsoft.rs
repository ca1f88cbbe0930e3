//! Exchange, Exchange Online and Outlook.com.

use super::super::Cause::*;
use super::Rule;
use crate::cause::Permanence::PermanentInDisguise;
const EXO: &str = "Microsoft, NDR and SMTP error codes of Exchange Online";
const OUTLOOK: &str = "Microsoft, Outlook.com postmaster: SMTP error codes";
const EXCHANGE: &str = "Exchange Server 2010 to 2019, transport";
const NDR: &str = "https://learn.microsoft.com/exchange/mail-flow-best-practices/\
                   non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online";
const POSTMASTER: &str = "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "exchange.connections",
        TooManyConnections,
        EXCHANGE,
        &[
            "maximum number of concurrent connections .. exceeded",
            "has exceeded the maximum number of connections",
        ],
        "421 4.3.2 mx.example.net: maximum number of concurrent connections, exceeded",
    )
    .doc(NDR),
    Rule::new(
        "exchange.resources",
        StorageFull,
        EXCHANGE,
        &["^ insufficient system resources"],
        "452 4.3.1 Insufficient system resources (UsedDiskSpace)",
    ),
    Rule::new(
        "exchange.service",
        SystemProblem,
        EXCHANGE,
        &[
            "system not accepting network messages",
            "connection dropped due to (connectionreset|socketerror)",
            "service not active",
            "prx* nexthop",
            "temporary server error .. try again later .. (attr*|prx*)",
            "connection was closed abruptly",
            "failed to be replicated",
        ],
        "421 4.3.2 System not accepting network messages",
    ),
    Rule::new(
        "exchange.throttled",
        RateLimited,
        EXCHANGE,
        &["storedrv .. (thread limit|too busy)", "recipient thread limit"],
        "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
    ),
    Rule::new("exo.dns", Routing, EXO, &["dns query failed"], "450 4.4.312 DNS query failed")
        .doc(NDR),
    Rule::new(
        "exchange.timeout",
        Timeout,
        EXCHANGE,
        &[
            "connection dropped due to timedout",
            "message submission timed out",
            "441 connection timed out",
        ],
        "421 4.4.2 Connection dropped due to TimedOut",
    ),
    Rule::new(
        "exchange.starttls",
        TlsRequired,
        EXO,
        &[
            "starttls is required to send mail",
            "tls (1 0|1 1|1|version*) .. not supported",
            "starttls not supported",
            "tls 1 0 and",
        ],
        "451 5.7.3 mx.example.net: starttls is required to send mail",
    )
    .lasts(PermanentInDisguise),
    Rule::new(
        "exchange.relay",
        RelayDenied,
        EXCHANGE,
        &["unable to relay", "tenantattribution"],
        "550 5.7.54 mx.example.net: unable to relay",
    )
    .codes(&[5])
    .enhanced(&[(7, 1, 1), (7, 54, 54), (7, 64, 64)]),
    Rule::new(
        "exchange.auth",
        AuthRequired,
        EXCHANGE,
        &[
            "client was not authenticated",
            "authentication unsuccessful",
            "unrecognized authentication type",
            "restrictdomainstocertificate",
            "sendernotauthenticated*",
            "resolver rst authrequired",
        ],
        "530 5.7.57 mx.example.net: client was not authenticated",
    )
    .doc(NDR),
    Rule::new(
        "exchange.send_as",
        SenderRejected,
        EXCHANGE,
        &[
            "does not have permissions to send as",
            "sendasdenied",
            "access denied bad outbound sender",
            "unregistered domain",
        ],
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    )
    .doc(NDR),
    Rule::new(
        "exchange.recipient",
        MailboxUnavailable,
        EXCHANGE,
        &[
            "recipnotfound",
            "exrecipnotfound",
            "recipientnotfound",
            "recipient not found by smtp address lookup",
        ],
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address \
             lookup",
    )
    .doc(NDR),
    Rule::new(
        "exchange.restricted",
        PolicyRejected,
        EXCHANGE,
        &["resolver rst (notauthorized|restricted*)", "resolver rst"],
        "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized",
    )
    .doc(NDR),
    Rule::new(
        "exchange.quota",
        StorageFull,
        EXCHANGE,
        &["storedrv .. (quota*|mailbox full)", "quotaexceeded*"],
        "554 5.2.2 mailbox full; \
             STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded\
             ",
    ),
    Rule::new(
        "exchange.loop",
        Routing,
        EXCHANGE,
        &["hop count exceeded", "resolver .. loop", "(dns|infoerr) domain does not exist"],
        "554 5.4.14 mx.example.net: hop count exceeded",
    )
    .doc(NDR),
    Rule::new(
        "exo.directory",
        MailboxUnavailable,
        EXO,
        &["recipient address* rejected [see] access denied"],
        "550 5.4.1 mx.example.net: recipient address rejected access denied",
    )
    .enhanced(&[(4, 1, 1)])
    .doc(NDR),
    Rule::new(
        "exo.banned_ip",
        Blocklisted,
        EXO,
        &["banned sending ip", "banned sender", "access denied .. banned"],
        "550 5.7.606 mx.example.net: banned sending ip",
    )
    .doc("https://sender.office.com"),
    Rule::new(
        "exo.customer_list",
        Blocklisted,
        EXO,
        &["blocked .. using customer blocklist", "client host .. blocked by"],
        "550 5.7.513 mx.example.net: blocked, using customer blocklist",
    )
    .doc(NDR),
    Rule::new(
        "exo.authentication",
        SenderAuthFailed,
        EXO,
        &["does not pass dmarc verification", "doesnt meet the required authentication level"],
        "550 5.7.515 Access denied, sending domain EXAMPLE.NET doesn't meet the required \
             authentication level.",
    )
    .doc(NDR),
    Rule::new(
        "exo.rdns",
        RdnsHelo,
        EXO,
        &["must have a reverse dns record"],
        "450 4.7.25 mx.example.net: must have a reverse dns record",
    )
    .lasts(PermanentInDisguise)
    .doc(NDR),
    Rule::new(
        "exo.ip.limits",
        RateLimited,
        EXO,
        &[
            "has exceeded permitted limits",
            "(exceeded|over) .. (message receive|receive) limit",
            "tenant has exceeded threshold",
            "(submission|recipient|receiv*|sending) [message] [rate] limit [has] [been] exceed*",
            "submission quota exceeded",
            "recipients per hour",
        ],
        "550 5.7.508 Access denied, [192.0.2.1] has exceeded permitted limits within  range",
    )
    .doc(NDR),
    Rule::new(
        "exo.reputation",
        BadReputation,
        EXO,
        &[
            "rate limited due to ip reputation",
            "access denied please try again later",
            "traffic not accepted from this ip",
            "access denied spam abuse detected",
            "spam abuse detected",
        ],
        "451 4.7.650 mx.example.net: rate limited due to ip reputation",
    )
    .doc(POSTMASTER),
    Rule::new(
        "exo.reputation.code",
        BadReputation,
        EXO,
        &["access denied", "server busy .. as", "mail server .. (limited|blocked)"],
        "451 4.7.850 Access denied to mx.example.net",
    )
    .enhanced(&[(7, 501, 503), (7, 550, 650), (7, 700, 749), (7, 850, 850)])
    .doc(POSTMASTER),
    Rule::new(
        "exo.busy",
        SystemProblem,
        EXO,
        &["server busy please try again later"],
        "451 4.7.500 mx.example.net: server busy please try again later",
    )
    .enhanced(&[(7, 500, 699)])
    .doc(NDR),
    Rule::new(
        "exo.policy",
        PolicyRejected,
        EXO,
        &[
            "(does not|doesnt) accept email over ipv6",
            "does not allow external forwarding",
            "access denied .. (your organization|traffic)",
        ],
        "550 5.7.520 Access denied, Your organization does not allow external forwarding.",
    )
    .doc(NDR),
    Rule::new(
        "exo.blocked.content",
        ContentRejected,
        EXO,
        &["message must be rfc 5322", "section 3 6 2 compliant"],
        "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant",
    )
    .doc(NDR),
    Rule::new(
        "outlook.blocklist",
        Blocklisted,
        OUTLOOK,
        &[
            "network is on our block list",
            "(s3140|s3150)",
            "part of their network is on our block list",
        ],
        "550 5.7.1 mx.example.net: network is on our block list",
    )
    .doc(POSTMASTER),
    Rule::new(
        "outlook.rate",
        RateLimited,
        OUTLOOK,
        &[
            "limits for how many messages can be sent per hour",
            "rp 00* .. exceeded .. (rate|connection) limit",
            "exceeded the rate limit allowed",
        ],
        "421 RP-001 (SNT004-MC1F43) Unfortunately, some messages from 192.0.2.1 weren't \
             sent. Please try again. We have limits for how many messages can be sent per hour \
             and per day.",
    )
    .doc(POSTMASTER),
    Rule::new(
        "outlook.connections",
        TooManyConnections,
        OUTLOOK,
        &["exceeded the connection limit allowed"],
        "421 RP-003 The mail server IP connecting to this server has exceeded the \
             connection limit allowed.",
    )
    .doc(POSTMASTER),
    Rule::new(
        "outlook.dynamic",
        Blocklisted,
        OUTLOOK,
        &["^ dy 00*", "dynamic ip address", "namespace mining"],
        "550 DY-001 Mail rejected for policy reasons. We do not accept email from dynamic \
             IP addresses.",
    )
    .doc(POSTMASTER),
    Rule::new(
        "outlook.policy",
        BadReputation,
        OUTLOOK,
        &["^ (sc|ou) 00*", "content with spam like characteristics or ip domain reputation"],
        "550 SC-001 Mail rejected for policy reasons. Reasons for rejection may be related \
             to content with spam-like characteristics or IP/domain reputation.",
    )
    .doc(POSTMASTER),
];
