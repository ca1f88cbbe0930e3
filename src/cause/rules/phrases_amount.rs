//! Words that say the cause whoever writes them, continued: too much of something, at once, in all,
//! or in store.

use super::super::Cause::*;
use super::Rule;
use super::phrases::rule;

pub(super) const RULES: &[Rule] = &[
    // How much at once.
    rule(
        "phrase.connections",
        TooManyConnections,
        &[
            "(too many|max*|maximum|limit* .. number|number|excessive|many|too much|exceed*|\
             simultaneous|concurrent|parallel) .. (connection*|session*|threads) + !messages \
             per + !recipient*",
            "(connection*|session*|concurrency) .. (limit*|exceed*|rate|throttl*|quota|maximum|\
             too many|too fast|frequency|count) + !lifetime",
            "(throttl*|limit*) .. (connection*|session*)",
            "concurrency",
            "(no more|only one|one) connection* (accepted|allowed|at a time|per)",
            "trop de (connexion*|connections|sessions)",
            "zu viele .. verbindungen",
            "demasiadas conexiones",
            "(messages|mails|emails|transactions|commands) (per|in this|in one|for this|on \
             this) (connection|session)",
            "connecting too (often|fast|frequently|much)",
        ],
        "421 you are connecting too often",
    ),
    // RFC 3463 gives X.2.2 to full mailboxes alone, so a limit or quota with it is one of storage.
    rule(
        "phrase.full.enhanced",
        StorageFull,
        &["(quota|full|exceed*|limit*|over|space|too many) + !rate + !sending + !hour + !per"],
        "552 5.2.2 quota limit exceeded",
    )
    .enhanced(&[(2, 2, 2)]),
    // RFC 5321, 4.2.2 gives 552 to exceeded storage.
    rule(
        "phrase.full.552",
        StorageFull,
        &["(quota|storage allocation|allocation|space) .. (exceed*|reached|full|used|over) + \
           !message* + !rate"],
        "552 quota exceeded",
    )
    .codes(&[552, 422]),
    rule(
        "phrase.full.mailbox",
        StorageFull,
        &[
            "(mailbox|inbox|maildir|mail box|disk|storage) .. (exceed*|full|quota|limit*|too \
             large|over) + !message* + !rate + !send* + !outgoing + !outbound + !hourly",
            "(mail|mailbox|maildir|disk) quota + !send*",
            "account* .. not have enough space",
            "(exhausted|used [up]|used all|consumed) .. (space|storage|quota)",
            "(space|storage|quota) .. (exhausted|used up|consumed|depleted|run out) + !message* + \
             !sender + !sending",
            "(allowed|maximum) [mailbox] (quota|mailbox size)",
            "(user|mailbox|recipient|account) .. (too much mail|no more room|room for)",
            "(box|folder|store) is full",
            "exceeding receiving limits",
            "(run|ran|running) out of (space|storage|quota|disk*)",
            "(mailbox|inbox|maildir|mail box|account|folder) .. (no (room|space|more mail)|maximum \
             size|capacity|at its limit|cannot hold|no free space)",
            "too many (messages|mails) (in|on) [the|this|that|your] (mailbox|inbox|folder|server)",
            "(no|not enough|insufficient) (room|space) .. (mailbox|inbox|message|mail|account)",
        ],
        "550 mailbox size exceeded",
    ),
    rule(
        "phrase.full.user",
        StorageFull,
        &["(user|mailbox|account|recipient*) .. (reached|exceed*|over) .. (quota|storage) + \
             !sending + !daily + !hourly + !message* + !rate + !smtp + !relay + !send"],
        "450 user has reached the quota limit",
    ),
    rule(
        "phrase.system.lookup",
        SystemProblem,
        &[
            "(database|ldap|sql|directory|backend|back end) .. (unavailable|down|unreachable|\
             not available|fail*|error*)",
            "(dns|ldap|database|backend|lookup|upstream|sql|resolver|directory|internal) .. \
             (timeout|timed out|time out)",
            "timeout .. (ldap|database|dns|authentication server|backend|upstream)",
        ],
        "451 DNS timeout",
    ),
    rule(
        "phrase.unavailable.policy",
        PolicyRejected,
        &["^ service unavailable $"],
        "450 4.7.1 Service unavailable",
    )
    .enhanced(&[(7, 1, 1)]),
    // How much in all.
    rule(
        "phrase.rate",
        RateLimited,
        &[
            "(rate|rates) [control*|is] (limit*|exceed*|control*|throttl*)",
            "(ratelimit*|rate limit*|throttl*|frequency limited|limited frequency|flood*)",
            "(limit*|quota|threshold|maximum|max|allowance) .. (exceed*|reached|hit) + \
             !storage + !mailbox + !disk + !size + !hop* + !over quota + !time + !spam + \
             !score + !line + !command",
            "(exceed*|reached|over|above|hit) .. (limit*|threshold|rate|sending quota|quota \
             for|allowed number|maximum number|messages|outbound|daily) + !storage + !mailbox \
             + !disk + !size + !hop* + !time + !spam + !score + !line + !command + !loop* + !loop + !column",
            "too many (message*|mail*|email*|recipient*|rcpt*|destination*|addresses|deliver*|\
             request*)",
            "(message*|mail*|email*|recipient*) .. (per|each|this) (hour|minute|day|second)",
            "(maximum|max|number|count) [allowed|number|of|permitted] [of] recipient*",
            "(hourly|daily|monthly) [mail|message] (cap|allotment)",
            "too much mail",
            "(sent|sending|send|submitted|relayed) .. (more than|over|in excess of) .. (messages|\
             mails|emails|recipients|hour|today|day)",
            "(outgoing|outbound|sending|sent) (mail|mails|messages|email|emails) .. (quota|limit|\
             cap|hour|today)",
            "(too (rapidly|often|rapid)|slow your|speed limit|excess mail|bulk sending)",
            "(quota|limit) (of|on|for) (outgoing|outbound|sent|sending|messages|mails|recipients)",
            "(slow down|slower|too fast|too quickly|too frequent*|sending too|back off)",
            "(excessive|unusual|unexpected|high|large) [mail|message|email|sending] (volume|\
             rate|amount|number)",
            "(message|mail|email|sending|send|delivery) (rate|volume|frequency) .. (high|\
             exceed*|limit*|too|reached)",
            "(receiving|sending) .. (mail|messages) .. (rate|quickly|fast)",
            "limit on the number",
            "(daily|hourly) [smtp|sending|message|user|relay|recipient] (limit*|quota|maximum)",
            "reduce the number of recipients",
            "sending [rate|limit*] (limit*|exceed*|paused|quota)",
        ],
        "452 you send too fast",
    ),
];
