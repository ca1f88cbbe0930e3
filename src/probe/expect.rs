//! Negative tests: whether what had to happen did.

use crate::cause::Cause;
use crate::observation::{Failure, Observation};
use crate::smtp::{Keyword, Phase};
use crate::target::Expect;

/// Judges an observation by what its module expects.
///
/// Met when the phase was answered with one of the codes: then nothing failed. Not met when it was
/// answered otherwise, with a success or with another permanent refusal. Inconclusive when the phase
/// was answered with another 4xx or was never reached: a server that is busy has not shown whether
/// it is a relay. What the session ran into stays the failure then.
///
/// A login in clear for which the server does not even offer AUTH is refused as firmly as can be:
/// a test that expects a refusal there is met without a reply.
pub(super) fn judge(expect: &Expect, seen: &mut Observation) {
    let answer = seen.replies.iter().rev().find(|reply| reply.phase == expect.phase);
    seen.met = match answer {
        Some(reply) if expect.codes.contains(&reply.code) => Some(true),
        Some(reply) if (400..500).contains(&reply.code) => None,
        Some(_) => Some(false),
        None if expect.phase == Phase::Auth && keeps_auth_for_tls(seen) => Some(true),
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

/// EHLO was answered in clear, without AUTH, and that ended the session.
fn keeps_auth_for_tls(seen: &Observation) -> bool {
    let silent = seen.plain.as_ref().is_some_and(|offer| !offer.keywords.contains(&Keyword::Auth));
    let ended = seen.failure.as_ref().is_some_and(|failure| failure.phase == Phase::Auth);
    silent && ended && seen.tls.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::Capabilities;
    use crate::target::Endpoint;
    use std::time::SystemTime;

    fn met(keywords: Vec<Keyword>, phase: Phase) -> Option<bool> {
        let mut seen = Observation {
            plain: Some(Capabilities { keywords, ..Capabilities::default() }),
            failure: Some(Failure::new(phase, Cause::AuthRequired, "not offered")),
            ..Observation::of(Endpoint::unresolved(), SystemTime::UNIX_EPOCH)
        };
        judge(&Expect { phase: Phase::Auth, codes: vec![530, 538] }, &mut seen);
        assert_eq!(seen.failure.is_none(), seen.met == Some(true));
        seen.met
    }

    #[test]
    fn a_login_that_is_not_offered_in_clear_is_refused() {
        assert_eq!(met(Vec::new(), Phase::Auth), Some(true));
        assert_eq!(
            met(vec![Keyword::Auth], Phase::Auth),
            None,
            "offered, but with no mechanism of ours"
        );
        assert_eq!(met(Vec::new(), Phase::Ehlo), None, "the session ended before");
    }
}
