//! Words that many subjects share. They decide only when neither a phrase nor the enhanced code did.

use super::super::Cause::*;
use super::Rule;
use super::phrases::rule;

pub(super) const RULES: &[Rule] = &[
    rule(
        "topic.system",
        SystemProblem,
        &[
            "(error|failure|offline|misconfigur*|difficult*|failover|failing over|backend|cluster|\
             database|crash*|broken|trouble)",
            "not ready",
            "too many files",
        ],
        "451 something broken",
    )
    .codes(&[4]),
    rule(
        "topic.limit",
        RateLimited,
        &["(limit|limits|exceed*|too many|too much|maximum|threshold)"],
        "450 something too many",
    )
    .codes(&[4]),
    rule(
        "topic.sender",
        SenderRejected,
        &["(sender|senders|mailfrom|return path|return address|from address|emetteur)"],
        "550 something about the sender",
    ),
    rule(
        "topic.mailbox",
        MailboxUnavailable,
        &["(user|mailbox|recipient|account|addressee|person|utente|persona|destinataire|usuario|\
             utilisateur|rcpt|alias) + !mail from + !error"],
        "550 something about a mailbox",
    )
    .codes(&[5]),
    rule(
        "topic.domain",
        Routing,
        &["(domain|mx|gateway|route|unreachable) + !from"],
        "550 something about the domain",
    )
    .codes(&[5]),
];
