//! The session as a value: told what happened and when, it answers what to do next.
//!
//! The order of calls: [`Session::start`] once, then for each [`Action`] the one call that tells
//! how it went, until [`Action::Close`]; then [`Session::finish`]. Calls out of order end the
//! session and never panic.
//!
//! # Why
//!
//! - Nothing is said before the greeting's last line: postscreen and Exim's synchronisation check
//!   refuse who does. Nothing is ever pipelined.
//! - A reply that stands in the buffer when none is due (`235 Logged in`, then at once `421`) is
//!   heard before the next command is said, because from then on every reply would be taken for
//!   the answer to something else.
//! - A 421 closes the channel, whatever it answers (RFC 5321, 3.8), and so does a 221 that nobody
//!   asked for: QUIT after them only makes a "lost connection" in the server's log.
//! - A 2xx is taken by its first digit (RFC 5321, 4.2.1), save those that stand for one step alone:
//!   220 opens, 221 closes, 235 logs in. One of them elsewhere means that replies and commands no
//!   longer belong together.

use std::time::Duration;

use super::auth::{Answer, Exchange};
use super::command::{self, Unsayable};
use super::dialogue::{Action, Dialogue, End, Fault};
use super::{Capabilities, Keyword, Phase, Plan, Reply, TlsMode, capability};

/// One session. See the module's text for the order of calls.
#[derive(Debug)]
pub struct Session {
    plan: Plan,
    dialogue: Dialogue,
    state: State,
    /// The phase under way and when it began.
    current: Option<(Phase, Duration)>,
    /// A handshake went through: what is said now is inside TLS.
    inside_tls: bool,
    /// And its certificate is clean.
    verified: bool,
    /// The greeting was starred out.
    starred: bool,
    /// The AUTH exchange, once one began: it knows what must not be shown.
    exchange: Option<Exchange>,
}

/// What the session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Handshake,
    Greeting,
    Ehlo,
    Helo,
    Starttls,
    Auth,
    /// AUTH was cancelled with `*`; the fault is known.
    AuthCancelled,
    Mail,
    Rcpt,
    Rset,
    /// Bytes came that nothing had asked for; the reply they make is awaited.
    Unasked,
    Quit,
    Closed,
}

impl Session {
    /// A session that will follow `plan`. Times handed in are durations since the TCP connection
    /// was made.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            dialogue: Dialogue::default(),
            state: State::New,
            current: None,
            inside_tls: false,
            verified: false,
            starred: false,
            exchange: None,
        }
    }

    /// The first action: `Handshake` for implicit TLS, else `Await {Greeting}`; `Close` at once
    /// when the plan holds a word that cannot be said.
    pub fn start(&mut self) -> Action {
        if self.state != State::New {
            return self.close(Duration::ZERO);
        }
        if let Err((phase, error)) = command::check_plan(&self.plan) {
            self.fault(Fault::Unsayable(phase, error));
            return self.close(Duration::ZERO);
        }
        if self.plan.tls == TlsMode::Implicit {
            self.begin(Phase::TlsImplicit, Duration::ZERO);
            self.state = State::Handshake;
            Action::Handshake
        } else {
            self.begin(Phase::Greeting, Duration::ZERO);
            self.state = State::Greeting;
            Action::Await { phase: Phase::Greeting }
        }
    }

    /// A reply came; `leftover` is the number of bytes already read behind it.
    pub fn on_reply(&mut self, mut reply: Reply, leftover: usize, now: Duration) -> Action {
        let Some((phase, _)) = self.current else { return self.close(now) };
        if matches!(self.state, State::New | State::Closed) {
            return self.close(now);
        }
        if self.state == State::Handshake {
            return self.on_plaintext(now);
        }
        if let Some(exchange) = &self.exchange {
            for line in &mut reply.lines {
                *line = exchange.scrub(line);
            }
        }
        let action = self.step(&reply, phase, leftover, now);
        self.dialogue.replies.push((phase, reply));
        action
    }

    /// The handshake went through; `verified` is true when chain, name and signature are clean.
    pub fn on_handshake(&mut self, verified: bool, now: Duration) -> Action {
        if self.state != State::Handshake {
            return self.close(now);
        }
        self.inside_tls = true;
        self.verified = verified;
        if self.plan.tls == TlsMode::Implicit {
            self.begin(Phase::Greeting, now);
            self.state = State::Greeting;
            Action::Await { phase: Phase::Greeting }
        } else {
            // What was offered in clear is forgotten (RFC 3207, 4.2): it may have been forged.
            self.say(State::Ehlo, Phase::EhloTls, command::ehlo(&self.plan.helo), now)
        }
    }

    /// Bytes in clear came between the reply to STARTTLS and our ClientHello. The session ends
    /// without QUIT: whoever put them there would read it.
    pub fn on_plaintext(&mut self, now: Duration) -> Action {
        if self.state == State::Handshake {
            self.fault(match self.plan.tls {
                TlsMode::Implicit => Fault::Unexpected(Phase::TlsImplicit),
                _ => Fault::PlaintextAfterStarttls,
            });
        }
        self.close(now)
    }

    /// The wait ended without a reply.
    pub fn on_end(&mut self, end: End, now: Duration) -> Action {
        let end = self.veil(end);
        let Some((phase, _)) = self.current else { return self.close(now) };
        match self.state {
            State::New | State::Quit | State::Closed => return self.close(now),
            // The dry run was answered, or the fault is known: how the rest ends says nothing.
            State::Rset | State::AuthCancelled => {}
            // Opportunistic TLS that fails is a fact. A login that was planned can't be made on
            // this connection any more, and that is no success.
            State::Handshake if self.plan.tls == TlsMode::Opportunistic => {
                if self.plan.auth.is_some() {
                    self.fault(Fault::AuthWithheld);
                }
            }
            _ => self.fault(Fault::Ended(phase, end.clone())),
        }
        let polite = !matches!(self.state, State::Greeting | State::Handshake);
        if end == End::Timeout && polite { self.quit(now) } else { self.close(now) }
    }

    /// Stop now, politely: QUIT if the greeting was seen and no TLS handshake is half done.
    pub fn cancel(&mut self, now: Duration) -> Action {
        let Some((phase, _)) = self.current else { return self.close(now) };
        match self.state {
            State::New | State::Quit | State::Closed => self.close(now),
            State::Rset | State::AuthCancelled => self.quit(now),
            State::Greeting | State::Handshake => {
                self.fault(Fault::Cancelled(phase));
                self.close(now)
            }
            _ => {
                self.fault(Fault::Cancelled(phase));
                self.quit(now)
            }
        }
    }

    /// `text` as it may be shown: what a server repeats of our AUTH exchange is written over.
    pub fn scrub(&self, text: String) -> String {
        match &self.exchange {
            Some(exchange) => exchange.scrub(&text),
            None => text,
        }
    }

    /// `end` as it may be shown: bytes that are no reply may repeat our AUTH exchange too.
    pub fn veil(&self, end: End) -> End {
        if self.exchange.is_some() { end.without_text() } else { end }
    }

    /// Mail could be handed over, and nothing went wrong.
    pub fn is_ready(&self) -> bool {
        self.dialogue.ready.is_some() && self.dialogue.fault.is_none()
    }

    /// What was learned so far.
    pub const fn dialogue(&self) -> &Dialogue {
        &self.dialogue
    }

    /// What was learned.
    pub fn finish(self) -> Dialogue {
        self.dialogue
    }

    /// The next action, from the state and the reply.
    fn step(&mut self, reply: &Reply, phase: Phase, leftover: usize, now: Duration) -> Action {
        match self.state {
            State::Quit => return self.close(now),
            State::Rset if matches!(reply.code, 221 | 421) => return self.close(now),
            State::Rset => return self.quit(now),
            _ => {}
        }
        if matches!(reply.code, 221 | 421) {
            self.fault(if reply.code == 421 {
                Fault::Refused(phase)
            } else {
                Fault::Unexpected(phase)
            });
            return self.close(now);
        }
        let goes_on = match self.state {
            State::AuthCancelled => return self.quit(now),
            State::Ehlo => self.fits(reply) || matches!(reply.code, 500 | 502),
            State::Starttls if self.plan.tls == TlsMode::Opportunistic => {
                self.fits(reply) || reply.is_refusal()
            }
            _ => self.fits(reply),
        };
        if !goes_on {
            self.fault(if reply.is_refusal() {
                Fault::Refused(phase)
            } else {
                Fault::Unexpected(phase)
            });
            // The transaction that MAIL began is ended, whatever became of the recipient.
            if self.state == State::Rcpt && leftover == 0 {
                return self.say(State::Rset, Phase::Rset, Ok(command::rset()), now);
            }
            return self.quit(now);
        }
        if leftover > 0 {
            if self.state == State::Starttls && reply.code == 220 {
                self.fault(Fault::PlaintextAfterStarttls);
                return self.close(now);
            }
            self.note(reply);
            self.state = State::Unasked;
            return Action::Await { phase };
        }
        self.note(reply);
        self.next(reply, phase, now)
    }

    /// Whether a reply is the one that this state hopes for.
    fn fits(&self, reply: &Reply) -> bool {
        let plain_success = reply.is_positive() && !matches!(reply.code, 220 | 221 | 235);
        match self.state {
            State::Greeting => reply.is_positive() && !matches!(reply.code, 221 | 235 | 250),
            State::Starttls => reply.code == 220,
            State::Auth => matches!(reply.code, 235 | 334),
            State::Ehlo | State::Helo | State::Mail | State::Rcpt => plain_success,
            _ => false,
        }
    }

    /// Writes down what a fitting reply taught, whatever comes behind it.
    fn note(&mut self, reply: &Reply) {
        match self.state {
            State::Greeting => self.starred = capability::is_starred(reply),
            State::Ehlo if reply.is_positive() => self.note_offer(Capabilities::parse(reply)),
            State::Helo => self.note_offer(Capabilities::helo_only()),
            _ => {}
        }
    }

    fn note_offer(&mut self, offer: Capabilities) {
        if self.inside_tls {
            self.dialogue.tls = Some(offer);
        } else {
            self.dialogue.starttls_offered = Some(offer.offers(Keyword::Starttls));
            self.dialogue.plain = Some(offer);
        }
    }

    /// What follows a fitting reply behind which nothing waits.
    fn next(&mut self, reply: &Reply, phase: Phase, now: Duration) -> Action {
        match self.state {
            State::Greeting => {
                self.say(State::Ehlo, Phase::Ehlo, command::ehlo(&self.plan.helo), now)
            }
            // RFC 5321 (3.2, 4.1.1.1): who does not know EHLO says 500 or 502. 501 and 550 are
            // about our name and 504 about a parameter: HELO would not mend them.
            State::Ehlo if !reply.is_positive() => {
                self.say(State::Helo, phase, command::helo(&self.plan.helo), now)
            }
            State::Ehlo | State::Helo => self.after_ehlo(now),
            State::Starttls if reply.code == 220 => {
                self.begin(Phase::Tls, now);
                self.state = State::Handshake;
                Action::Handshake
            }
            // Refused, under opportunistic TLS: on in clear.
            State::Starttls => self.channel_ready(now),
            State::Auth if reply.code == 334 => {
                let text = reply.lines.first().map_or("", String::as_str);
                self.answer_challenge(text, now)
            }
            State::Auth => {
                self.dialogue.ready = Some(now);
                self.dry_run(now)
            }
            State::Mail => {
                let Some(to) = self.plan.mail.as_ref().map(|envelope| &envelope.to) else {
                    return self.quit(now);
                };
                self.say(State::Rcpt, Phase::Rcpt, command::rcpt(to), now)
            }
            State::Rcpt => self.say(State::Rset, Phase::Rset, Ok(command::rset()), now),
            _ => self.close(now),
        }
    }

    fn after_ehlo(&mut self, now: Duration) -> Action {
        let wanted = matches!(self.plan.tls, TlsMode::Opportunistic | TlsMode::Required);
        if self.inside_tls || !wanted {
            return self.channel_ready(now);
        }
        if self.dialogue.starttls_offered == Some(true) {
            return self.say(State::Starttls, Phase::Starttls, Ok(command::starttls()), now);
        }
        if self.plan.tls == TlsMode::Opportunistic {
            return self.channel_ready(now);
        }
        let mangled = self.dialogue.plain.as_ref().is_some_and(|offer| offer.starttls_mangled);
        self.fault(if mangled || self.starred {
            Fault::StarttlsStripped
        } else {
            Fault::StarttlsMissing
        });
        self.quit(now)
    }

    /// The channel is as good as it gets: log in if planned, else mail could be handed over now.
    fn channel_ready(&mut self, now: Duration) -> Action {
        let Some(credentials) = &self.plan.auth else {
            self.dialogue.ready = Some(now);
            return self.dry_run(now);
        };
        if !(self.verified || self.plan.auth_unverified) {
            self.fault(Fault::AuthWithheld);
            return self.quit(now);
        }
        let offer = if self.inside_tls { &self.dialogue.tls } else { &self.dialogue.plain };
        let mechanisms = offer.as_ref().map_or(&[][..], |offer| &offer.mechanisms);
        match Exchange::start(credentials, mechanisms, self.inside_tls) {
            Some((exchange, bytes)) => {
                self.exchange = Some(exchange);
                self.begin(Phase::Auth, now);
                self.state = State::Auth;
                Action::Send { bytes, phase: Phase::Auth, secret: true }
            }
            None => {
                self.fault(Fault::AuthNotOffered);
                self.quit(now)
            }
        }
    }

    fn answer_challenge(&mut self, text: &str, now: Duration) -> Action {
        let Some(exchange) = &mut self.exchange else { return self.close(now) };
        let bytes = match exchange.answer(text) {
            Answer::Say(bytes) => bytes,
            Answer::Cancel(bytes) => {
                self.fault(Fault::Unexpected(Phase::Auth));
                self.state = State::AuthCancelled;
                bytes
            }
        };
        Action::Send { bytes, phase: Phase::Auth, secret: true }
    }

    fn dry_run(&mut self, now: Duration) -> Action {
        let Some(from) = self.plan.mail.as_ref().map(|envelope| &envelope.from) else {
            return self.quit(now);
        };
        self.say(State::Mail, Phase::Mail, command::mail(from), now)
    }

    fn say(
        &mut self,
        state: State,
        phase: Phase,
        line: Result<Vec<u8>, Unsayable>,
        now: Duration,
    ) -> Action {
        match line {
            Ok(bytes) => {
                self.begin(phase, now);
                self.state = state;
                Action::Send { bytes, phase, secret: false }
            }
            Err(error) => {
                self.fault(Fault::Unsayable(phase, error));
                self.close(now)
            }
        }
    }

    fn quit(&mut self, now: Duration) -> Action {
        self.begin(Phase::Quit, now);
        self.state = State::Quit;
        Action::Send { bytes: command::quit(), phase: Phase::Quit, secret: false }
    }

    fn close(&mut self, now: Duration) -> Action {
        self.end_phase(now);
        self.state = State::Closed;
        Action::Close
    }

    /// The first fault counts.
    fn fault(&mut self, fault: Fault) {
        self.dialogue.fault.get_or_insert(fault);
    }

    fn begin(&mut self, phase: Phase, now: Duration) {
        if self.current.is_none_or(|(current, _)| current != phase) {
            self.end_phase(now);
            self.current = Some((phase, now));
        }
    }

    fn end_phase(&mut self, now: Duration) {
        if let Some((phase, began)) = self.current.take() {
            self.dialogue.phases.push((phase, now.saturating_sub(began)));
        }
    }
}
