//! What was seen, in the words of the transcripts' expectations.

use smtp_exporter::probe::blame::{self, Terms};
use smtp_exporter::probe::dialog::Outcome;
use smtp_exporter::smtp::{Dialogue, End, Fault};

pub(super) fn fault_text(fault: Option<&Fault>) -> String {
    match fault {
        None => "none".to_owned(),
        Some(Fault::Refused(phase)) => format!("refused {phase}"),
        Some(Fault::Unexpected(phase)) => format!("unexpected {phase}"),
        Some(Fault::Ended(phase, end)) => {
            let how = match end {
                End::Closed => "closed",
                End::Reset => "reset",
                End::Timeout => "silence",
                End::BadReply(_) => "not smtp",
                End::HandshakeFailed => "handshake failed",
                End::Tls(_) | End::Io(_) => "broken",
            };
            format!("{how} {phase}")
        }
        Some(Fault::StarttlsMissing) => "starttls missing".to_owned(),
        Some(Fault::StarttlsStripped) => "starttls stripped".to_owned(),
        Some(Fault::PlaintextAfterStarttls) => "plaintext after starttls".to_owned(),
        Some(Fault::AuthNotOffered) => "auth not offered".to_owned(),
        Some(Fault::AuthWithheld) => "auth withheld".to_owned(),
        Some(Fault::Cancelled(phase)) => format!("cancelled {phase}"),
        Some(Fault::Unsayable(phase, _)) => format!("unsayable {phase}"),
    }
}

pub(super) fn codes(dialogue: &Dialogue) -> String {
    let each = dialogue.replies.iter().map(|(phase, reply)| format!("{phase} {}", reply.code));
    each.collect::<Vec<_>>().join(", ")
}

/// Every refusal with the cause that is counted, also where it is not the failure.
pub(super) fn refusals(terms: Terms<'_>, outcome: &Outcome) -> String {
    let seen = blame::replies_seen(terms, outcome);
    let each = seen
        .iter()
        .filter_map(|reply| Some(format!("{} {} {}", reply.phase, reply.code, reply.cause?)));
    each.collect::<Vec<_>>().join(", ")
}

pub(super) fn keywords(offer: Option<&smtp_exporter::smtp::Capabilities>) -> String {
    match offer {
        None => "unseen".to_owned(),
        Some(offer) if offer.helo_only => "HELO alone".to_owned(),
        Some(offer) => join(offer.keywords.iter().map(|keyword| keyword.as_str())),
    }
}

pub(super) fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}
