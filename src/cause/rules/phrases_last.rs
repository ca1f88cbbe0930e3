//! What is left when no phrase says it: one word that speaks of one subject only, and then a refusal
//! that keeps its reason to itself. The words that many subjects share are asked after the enhanced
//! code, which is surer than they are.

use super::super::Cause::*;
use super::Rule;
use super::phrases::rule;

pub(super) const RULES: &[Rule] = &[
    // One word is enough: nothing else is spoken of with it.
    rule(
        "topic.sender_auth",
        SenderAuthFailed,
        &[
            "(spf|dkim|dmarc|senderid|openspf)",
            "(impersonat*|spoof*)",
            "purported responsible",
            "(sender|domain|mta) .. not passed validation",
            "mismatch* client ip",
        ],
        "550 something about DMARC",
    ),
    rule(
        "topic.tls",
        TlsRequired,
        &["(tls|starttls|ssl|encryption|encrypted|encrypt|cipher|ciphers|plaintext) + !repeat* + \
           !already + !duplicate"],
        "550 something about encryption",
    ),
    rule(
        "topic.auth",
        AuthRequired,
        &[
            "(authenticat*|login|logon|log on|log in|logged|password*|credential*|sasl) + !filtering",
            "needs authori*",
        ],
        "550 something about a password",
    ),
    rule(
        "topic.rdns",
        RdnsHelo,
        &[
            "(ptr|rdns|fcrdns)",
            "(helo|ehlo) + !required + !first + !before + !send + !need*",
            "(hostname|host name) + !recipient*",
            "(ip|client|host) .. (no|without) [dns] name",
            "(unresolvable|resolve) [your|the|relay|client] (relay host|ip|address|host)",
        ],
        "550 something about a PTR",
    ),
    rule(
        "topic.relay",
        RelayDenied,
        &["(relaying|relayed|relays)", "(mail|as|a|to|the) relay", "handle mail for"],
        "550 something about relaying",
    ),
    rule(
        "topic.blocklist",
        Blocklisted,
        &[
            "(drbl|rbldns|black hole|delist*|dynamic ip|dynamic ips)",
            "from your ip",
            "(has|have) been (blocked|banned) + !message* + !mail + !email + !content + !account",
            "(use|through) .. (server|smtp|relay) of your (isp|provider)",
        ],
        "550 something about a black hole",
    ),
    rule(
        "topic.reputation",
        BadReputation,
        &[
            "(complain*|abusive|spammer*)",
            "abuse reports",
            "trust (score|level)",
            "(sending|mail|bad|poor) history",
            "newly registered",
        ],
        "550 something abusive",
    ),
    rule(
        "topic.content",
        ContentRejected,
        &[
            "(ransomware|malicious|dlp|antispam|antivirus|attachment*|advertis*|mass mail*|header|\
             headers|subject)",
            "duplicate message",
        ],
        "550 something about attachments",
    ),
    rule(
        "topic.connections",
        TooManyConnections,
        &["(connections|sessions|concurrent*|simultaneous*) + !from"],
        "421 something about sessions",
    ),
    rule("topic.timeout", Timeout, &["(idle|inactive client|no activity)"], "421 so idle, bye"),
    rule("topic.storage", StorageFull, &["(quota|overquota)"], "552 something about quota"),
    rule(
        "topic.rate",
        RateLimited,
        &["(burst|allowance|throughput|(hourly|daily) .. (cap|number|count))"],
        "450 something about a burst",
    ),
    // A rule that keeps its reason to itself.
    rule(
        "phrase.policy",
        PolicyRejected,
        &[
            "^ (denied|forbidden)",
            "(mailing list|members only|non member|not a member|closed list|posting)",
            "(pre approved|preapproved|organizational|organisational|private server)",
            "only accept* mail from",
            "(does not|doesnt|wont|will not|do not) accept (your|mail from|messages from|email from)",
            "(ordered|chosen|decided|configured) .. (reject|refuse|block)",
            "(blocked|refused|rejected) by [the] (recipient|user|owner|addressee)",
            "(user|recipient|personal) (rule|rules|preference*|filter)",
            "(approved|authorized|external|certain|known) senders",
            "(host|server|you) may not (deliver|send|connect)",
            "(mail|mails|messages|email) .. (not accepted|not welcome|not wanted) here",
            "(no thanks|no entry|not welcome|unwelcome)",
            "(we|server|host) (do not|dont|does not|doesnt|will not|wont) (accept|want|take) [any] \
             (mail|email|message*|connection*|smtp) from",
            "no (smtp|mail) service [here] [for]",
            "(verboten|abgelehnt|zugriff verweigert|acces refuse|acceso denegado|accesso negato)",
            "polic*",
            "(administrative|administratively|administrator) .. (prohibit*|denied|reject*|\
             block*|refus*)",
            "access .. (denied|rejected|refused|forbidden|not allowed|prohibited)",
            "(not (authorized|permitted|allowed|accepting|welcome)|no permit|forbidden|\
             prohibited|unauthorized|denied by|go away|restrict*)",
            "(client host|host|connection*|client|sender|message|mail|email) .. (rejected|\
             refused|denied|prohibited|not accepted|not allowed|blocked|barred|dropped)",
            "(envelope|block*|banned|blocked) .. (blocked|user entry|temporarily|by [this] \
             user|by recipient|by [the] administrator|by admin)",
            "(blocked|banned|rejected) (by|due|for|at) .. (administrator|admin|site|local|\
             security|domain|user|rule)",
            "(receiving|recipient|domain) .. too many bounces",
            "try (that|primary|the other|another|the primary) (server|mx|host)",
            "primary mx",
            "(abuse|security) [team|reason*|violation|issue]",
            "block*",
        ],
        "550 rejected by local policy",
    ),
    // Addresses are taken out of the words, so what begins with the verb spoke of one; a domain
    // would still stand before it.
    rule(
        "phrase.subject.address",
        MailboxUnavailable,
        &[
            "^ [rcpt] (does not exist|doesnt exist|not found|is unknown|unknown|is not known|is invalid)",
        ],
        "550 a@example.net doesn't exist",
    ),
    rule(
        "phrase.subject.domain",
        Routing,
        &["(does not|doesnt) exist $ + !recipient* + !user* + !address* + !mailbox*"],
        "553 nowhere.example does not exist",
    ),
    // Postfix puts these words before whatever its policy services say.
    rule(
        "phrase.recipient.rejected",
        MailboxUnavailable,
        &["(recipient*|rcpt) .. (reject*|refused|denied) + !later"],
        "550 <a@example.net>: Recipient address rejected: example.net",
    ),
];
