//! From what a dialogue ran into to a [`Failure`]: cause, phase and whose move it is. Pure.
//!
//! The first thing that went wrong in time is the failure: what stood before the handshake, then
//! the handshake, then the certificate, then what came inside TLS. What RSET and QUIT are answered
//! never counts.

use std::borrow::Cow;

use super::dialog::{Outcome, Stop};
use crate::cause::{Blame, Cause, Context, Judgement, Permanence, Rules};
use crate::observation::{Failure, REPLY_TEXT, ReplySeen};
use crate::smtp::{Dialogue, End, Fault, Phase, Reply, TlsMode};

/// What a module says about verdicts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms<'a> {
    /// How TLS is used.
    pub tls: TlsMode,
    /// A certificate that does not verify fails the probe, where TLS is required or implicit.
    pub tls_verify: bool,
    /// Whose clock the deadline of the dialogue was.
    pub clock: Clock,
    /// What replies mean.
    pub rules: &'a Rules,
}

/// Whose clock a deadline belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The module's `total`: the server was too slow for what its operator expects.
    Module,
    /// Ours, such as a scrape's timeout: it says nothing about the server.
    Exporter,
}

/// Why the session did not go through; none when it did.
pub fn failure(terms: Terms<'_>, outcome: &Outcome) -> Option<Failure> {
    let strict = matches!(terms.tls, TlsMode::Required | TlsMode::Implicit);
    let fault = outcome.dialogue.fault.as_ref();
    let certificate = certificate(terms, outcome);
    if strict {
        // Both are earlier than any fault that a session can have once a handshake was tried.
        if let Some(failure) = &outcome.tls_failure {
            return Some(failure.clone());
        }
        if terms.tls_verify && certificate.is_some() {
            return certificate;
        }
    }
    Some(match fault? {
        Fault::Refused(phase) => refused(terms, outcome, *phase),
        Fault::Unexpected(phase) => {
            let detail = last_reply(&outcome.dialogue, *phase).map_or_else(
                || "bytes in clear where a TLS handshake was due".to_owned(),
                one_line,
            );
            Failure::new(*phase, Cause::UnexpectedReply, detail)
        }
        Fault::Ended(phase, end) => ended(*phase, end, outcome),
        Fault::StarttlsMissing => permanent(Failure::new(
            Phase::Starttls,
            Cause::StarttlsMissing,
            "STARTTLS is not in the response to EHLO",
        )),
        // A keyword that was written over is the work of somebody between us and the server.
        Fault::StarttlsStripped => permanent(Failure::new(
            Phase::Starttls,
            Cause::StarttlsStripped,
            "STARTTLS was taken out on the way: the keyword or the greeting is written over",
        )),
        // Nothing that the server meant to say comes there: whoever sits on the path profits, and
        // no cause of the list is nearer than "a reply that has no place here".
        Fault::PlaintextAfterStarttls => ruled(
            Failure::new(
                Phase::Starttls,
                Cause::UnexpectedReply,
                "bytes in clear stood behind the reply to STARTTLS",
            )
            .blamed(Blame::Path),
            "plaintext_after_starttls",
        ),
        Fault::AuthNotOffered => auth_not_offered(outcome),
        // The reason why AUTH was withheld comes first: the handshake or the certificate. Without
        // either the channel is in clear because our settings want it so.
        Fault::AuthWithheld => outcome.tls_failure.clone().or(certificate).unwrap_or_else(|| {
            let detail = "a login was planned and the channel is not verified TLS";
            ruled(permanent(auth(detail)), "auth_withheld")
        }),
        Fault::Cancelled(phase) => cancelled(terms, outcome, *phase),
        // Our own settings: the peer was told nothing.
        Fault::Unsayable(phase, error) => {
            permanent(Failure::new(*phase, Cause::ExporterError, error.to_string()))
        }
    })
}

/// Every reply, reduced to what is counted; refusals with their cause.
pub fn replies_seen(terms: Terms<'_>, outcome: &Outcome) -> Vec<ReplySeen> {
    let replies = outcome.dialogue.replies.iter();
    replies
        .map(|(phase, reply)| ReplySeen {
            phase: *phase,
            code: reply.code,
            enhanced: reply.enhanced,
            cause: reply.is_refusal().then(|| judge(terms, outcome, *phase, reply).cause),
            text: text(reply),
        })
        .collect()
}

/// The first line's text as it may stand on a terminal.
fn text(reply: &Reply) -> Box<str> {
    let first = reply.lines.first().map(String::as_str).unwrap_or_default();
    if first.len() <= REPLY_TEXT && !first.contains(char::is_control) {
        return first.into();
    }
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    first.chars().take(REPLY_TEXT).map(printable).collect::<String>().into()
}

fn refused(terms: Terms<'_>, outcome: &Outcome, phase: Phase) -> Failure {
    let Some(reply) = last_reply(&outcome.dialogue, phase) else {
        return Failure::new(phase, Cause::Unknown, "refused");
    };
    let judgement = judge(terms, outcome, phase, reply);
    Failure {
        phase,
        cause: judgement.cause,
        blame: judgement.blame,
        rule: judgement.rule,
        permanence: judgement.permanence,
        detail: one_line(reply),
        dns: None,
    }
}

fn judge(terms: Terms<'_>, outcome: &Outcome, phase: Phase, reply: &Reply) -> Judgement {
    let established = outcome.tls.as_ref().is_some_and(|tls| tls.established);
    let inside = terms.tls == TlsMode::Implicit || phase > Phase::Tls;
    terms.rules.judge(Context { phase: Some(phase), tls: established && inside }, reply)
}

fn ended(phase: Phase, end: &End, outcome: &Outcome) -> Failure {
    match end {
        // Half a reply is no reply.
        End::Timeout => Failure::new(phase, Cause::ReplyTimeout, "no reply in time"),
        End::BadReply(bad) => permanent(Failure::new(phase, Cause::NotSmtp, bad.to_string())),
        End::HandshakeFailed => outcome
            .tls_failure
            .clone()
            .unwrap_or_else(|| Failure::new(phase, Cause::TlsFailed, "the TLS handshake failed")),
        End::Tls(error) => Failure::new(phase, Cause::TlsFailed, error.clone()),
        End::Closed => dropped(phase, "connection closed without a reply", outcome),
        End::Reset => dropped(phase, "connection reset without a reply", outcome),
        // Timed out by TCP or unreachable in mid-session: the way broke, not the server.
        End::Io(error) => {
            Failure::new(phase, Cause::ConnectionDropped, error.clone()).blamed(Blame::Path)
        }
    }
}

/// Who never said a byte may not be the server at all: a balancer without a back end, a firewall.
/// Who spoke SMTP and then hung up did it himself.
fn dropped(phase: Phase, detail: &str, outcome: &Outcome) -> Failure {
    let spoke = outcome.received > 0 || outcome.tls.as_ref().is_some_and(|tls| tls.established);
    let blame = if spoke { Blame::Target } else { Blame::Path };
    Failure::new(phase, Cause::ConnectionDropped, detail).blamed(blame)
}

/// A server that offers no AUTH at all inside TLS has lost it: their move. Mechanisms that we don't
/// speak, and AUTH that a server keeps for TLS while we stay in clear, are our settings.
fn auth_not_offered(outcome: &Outcome) -> Failure {
    let dialogue = &outcome.dialogue;
    let offer = dialogue.tls.as_ref().or(dialogue.plain.as_ref());
    let some = offer.is_some_and(|offer| !offer.mechanisms.is_empty());
    if some {
        let detail = "the server offers no AUTH mechanism that fits the credentials";
        ruled(permanent(auth(detail)), "auth_no_common_mechanism")
    } else if dialogue.tls.is_some() {
        let detail = "the server offers no AUTH inside TLS";
        ruled(permanent(auth(detail)).blamed(Blame::Target), "auth_not_offered")
    } else {
        let detail = "the server offers no AUTH in clear";
        ruled(permanent(auth(detail)), "auth_not_offered")
    }
}

fn cancelled(terms: Terms<'_>, outcome: &Outcome, phase: Phase) -> Failure {
    match (outcome.stopped, terms.clock) {
        (Some(Stop::Deadline), Clock::Module) => {
            Failure::new(phase, Cause::ReplyTimeout, "the module's total time is over")
        }
        (Some(Stop::Shutdown), _) => ruled(
            Failure::new(phase, Cause::DeadlineExceeded, "the exporter is ending"),
            "shutdown",
        ),
        _ => Failure::new(phase, Cause::DeadlineExceeded, "our time for the probe is over"),
    }
}

/// The failure that a certificate is, wherever one is asked for; none when it is clean or was not
/// seen.
fn certificate(terms: Terms<'_>, outcome: &Outcome) -> Option<Failure> {
    let facts = outcome.tls.as_ref()?;
    (facts.established && facts.verified == Some(false)).then_some(())?;
    let implicit = terms.tls == TlsMode::Implicit;
    let phase = if implicit { Phase::TlsImplicit } else { Phase::Tls };
    let mut detail = "certificate does not verify".to_owned();
    for (index, reason) in facts.failures.iter().enumerate() {
        detail.push_str(if index == 0 { ": " } else { ", " });
        detail.push_str(reason.as_str());
    }
    Some(permanent(Failure::new(phase, Cause::CertificateInvalid, detail)))
}

fn auth(detail: &str) -> Failure {
    Failure::new(Phase::Auth, Cause::AuthRequired, detail)
}

fn permanent(mut failure: Failure) -> Failure {
    failure.permanence = Permanence::Permanent;
    failure
}

fn ruled(mut failure: Failure, rule: &'static str) -> Failure {
    failure.rule = Cow::Borrowed(rule);
    failure
}

fn last_reply(dialogue: &Dialogue, phase: Phase) -> Option<&Reply> {
    dialogue.replies.iter().rev().find(|(of, _)| *of == phase).map(|(_, reply)| reply)
}

/// The reply in one line, as a person quotes it, cut like a line of a transcript.
fn one_line(reply: &Reply) -> String {
    super::dialog::escape(format!("{} {}", reply.code, reply.text()).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{TlsFacts, Transcript, VerifyFailure};
    use crate::smtp::{BadReply, Capabilities, Mechanism};

    fn module() -> Terms<'static> {
        let rules = Rules::builtin();
        Terms { tls: TlsMode::Required, tls_verify: true, clock: Clock::Module, rules }
    }

    fn outcome(fault: Option<Fault>) -> Outcome {
        Outcome {
            dialogue: Dialogue { fault, ..Dialogue::default() },
            tls: None,
            tls_failure: None,
            transcript: Transcript::default(),
            stopped: None,
            received: 20,
        }
    }

    fn brief(terms: Terms<'_>, outcome: &Outcome) -> (Phase, Cause, Blame) {
        let failure = failure(terms, outcome).unwrap();
        (failure.phase, failure.cause, failure.blame)
    }

    fn facts(verified: bool) -> TlsFacts {
        let failures = if verified { Vec::new() } else { vec![VerifyFailure::Expired] };
        TlsFacts { established: true, verified: Some(verified), failures, ..TlsFacts::default() }
    }

    #[test]
    fn who_never_spoke_is_the_path_and_who_spoke_is_the_target() {
        for end in [End::Closed, End::Reset] {
            let mut seen = outcome(Some(Fault::Ended(Phase::Greeting, end)));
            let dropped = |blame| (Phase::Greeting, Cause::ConnectionDropped, blame);
            assert_eq!(brief(module(), &seen), dropped(Blame::Target));
            seen.received = 0;
            assert_eq!(brief(module(), &seen), dropped(Blame::Path));
        }
    }

    #[test]
    fn silence_garbage_and_order() {
        let timeout = outcome(Some(Fault::Ended(Phase::Ehlo, End::Timeout)));
        assert_eq!(brief(module(), &timeout), (Phase::Ehlo, Cause::ReplyTimeout, Blame::Target));
        let bad = End::BadReply(BadReply::NoCode("HTTP/1.1".into()));
        let garbage = outcome(Some(Fault::Ended(Phase::Greeting, bad)));
        assert_eq!(brief(module(), &garbage), (Phase::Greeting, Cause::NotSmtp, Blame::Target));
        let alert = outcome(Some(Fault::Ended(Phase::EhloTls, End::Tls("alert".into()))));
        assert_eq!(brief(module(), &alert), (Phase::EhloTls, Cause::TlsFailed, Blame::Target));
        let injected = outcome(Some(Fault::PlaintextAfterStarttls));
        assert_eq!(
            brief(module(), &injected),
            (Phase::Starttls, Cause::UnexpectedReply, Blame::Path)
        );
    }

    #[test]
    fn a_bad_certificate_fails_where_tls_is_required_and_verified() {
        let mut seen = outcome(None);
        seen.tls = Some(facts(false));
        assert_eq!(brief(module(), &seen), (Phase::Tls, Cause::CertificateInvalid, Blame::Target));
        let implicit = Terms { tls: TlsMode::Implicit, ..module() };
        assert_eq!(brief(implicit, &seen).0, Phase::TlsImplicit);
        for terms in [
            Terms { tls_verify: false, ..module() },
            Terms { tls: TlsMode::Opportunistic, ..module() },
        ] {
            assert_eq!(failure(terms, &seen), None);
        }
        // It came before whatever was said inside TLS.
        seen.dialogue.fault = Some(Fault::AuthWithheld);
        assert_eq!(brief(module(), &seen).1, Cause::CertificateInvalid);
    }

    #[test]
    fn withheld_auth_is_blamed_on_what_withheld_it() {
        let opportunistic = Terms { tls: TlsMode::Opportunistic, ..module() };
        let mut seen = outcome(Some(Fault::AuthWithheld));
        assert_eq!(brief(opportunistic, &seen), (Phase::Auth, Cause::AuthRequired, Blame::Sender));
        seen.tls = Some(facts(false));
        assert_eq!(brief(opportunistic, &seen).1, Cause::CertificateInvalid);
        seen.tls_failure = Some(Failure::new(Phase::Tls, Cause::TlsIncompatible, "old"));
        assert_eq!(brief(opportunistic, &seen).1, Cause::TlsIncompatible);
    }

    #[test]
    fn auth_that_is_gone_is_theirs_and_auth_that_we_cannot_speak_is_ours() {
        let mut seen = outcome(Some(Fault::AuthNotOffered));
        seen.dialogue.plain = Some(Capabilities::default());
        assert_eq!(brief(module(), &seen), (Phase::Auth, Cause::AuthRequired, Blame::Sender));
        seen.dialogue.tls = Some(Capabilities::default());
        assert_eq!(brief(module(), &seen).2, Blame::Target);
        let mechanisms = vec![Mechanism::Gssapi];
        seen.dialogue.tls = Some(Capabilities { mechanisms, ..Capabilities::default() });
        assert_eq!(brief(module(), &seen).2, Blame::Sender);
    }

    #[test]
    fn our_clock_is_never_their_fault() {
        let mut seen = outcome(Some(Fault::Cancelled(Phase::Ehlo)));
        seen.stopped = Some(Stop::Deadline);
        assert_eq!(brief(module(), &seen), (Phase::Ehlo, Cause::ReplyTimeout, Blame::Target));
        let ours = Terms { clock: Clock::Exporter, ..module() };
        assert_eq!(brief(ours, &seen), (Phase::Ehlo, Cause::DeadlineExceeded, Blame::Exporter));
        seen.stopped = Some(Stop::Shutdown);
        assert_eq!(brief(module(), &seen).2, Blame::Exporter);
    }

    #[test]
    fn a_refusal_carries_its_reply_and_is_judged_in_its_phase() {
        let reply = Reply::parse("421-4.7.0 try\r\n421 4.7.0 later\x07").unwrap();
        let mut seen = outcome(Some(Fault::Refused(Phase::Greeting)));
        seen.dialogue.replies = vec![(Phase::Greeting, reply.clone())];
        let context = Context { phase: Some(Phase::Greeting), tls: false };
        let judgement = crate::cause::judge(context, &reply);
        let made = failure(module(), &seen).unwrap();
        assert_eq!(
            (made.cause, made.blame, made.rule),
            (judgement.cause, judgement.blame, judgement.rule)
        );
        assert_eq!(made.detail, "421 4.7.0 try 4.7.0 later\\u{7}");
        let counted = replies_seen(module(), &seen);
        assert_eq!((counted[0].code, counted[0].cause), (421, Some(judgement.cause)));
    }
}
