//! Negative tests: whether what had to happen did.

use super::blame::AUTH_NOT_OFFERED;
use crate::cause::Cause;
use crate::observation::{Failure, Observation};
use crate::smtp::Phase;
use crate::target::Expect;

/// Judges an observation by what its module expects.
///
/// Met when the phase was answered with one of the codes: then nothing failed. So is a test of AUTH
/// where the server does not offer AUTH at all: there is no plainer way to refuse it. Not met when it was
/// answered otherwise, with a success or with another permanent refusal. Inconclusive when the phase
/// was answered with another 4xx or was never reached: a server that is busy has not shown whether
/// it is a relay. What the session ran into stays the failure then.
pub(super) fn judge(expect: &Expect, seen: &mut Observation) {
    let answer = seen.replies.iter().rev().find(|reply| reply.phase == expect.phase);
    seen.met = match answer {
        Some(reply) if expect.codes.contains(&reply.code) => Some(true),
        Some(reply) if (400..500).contains(&reply.code) => None,
        Some(_) => Some(false),
        None if expect.phase == Phase::Auth && is_withheld(seen) => Some(true),
        None => None,
    };
    match seen.met {
        Some(true) => seen.failure = None,
        Some(false) => {
            let codes: Vec<String> = expect.codes.iter().map(u16::to_string).collect();
            let (code, text) = answer.map_or((0, ""), |reply| (reply.code, &*reply.text));
            seen.failure = Some(Failure::new(
                expect.phase,
                Cause::UnexpectedReply,
                format!("{code} {text}, where one of {} was expected", codes.join(", ")),
            ));
        }
        // A dialogue that went through without coming to the phase has shown nothing either.
        None if seen.failure.is_none() => {
            seen.failure = Some(Failure::new(
                expect.phase,
                Cause::ExporterError,
                format!("the session ended well without a reply in phase {}", expect.phase),
            ));
        }
        None => {}
    }
}

/// The server offers no AUTH on this channel.
fn is_withheld(seen: &Observation) -> bool {
    seen.failure.as_ref().is_some_and(|failure| failure.rule == AUTH_NOT_OFFERED)
}
