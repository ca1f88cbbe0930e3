//! One session more: connect, greeting, EHLO, TLS; and what it means when it does not come so far.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::run::Run;
use crate::cause::{Blame, Cause, Context, Rules};
use crate::net::tcp;
use crate::observation::{Abort, AbortKind, Failure, Refusal, RefusedHow, Side, Transcript};
use crate::probe::blame::{self, Clock, Terms};
use crate::probe::dialog::hold::{self, Held, Opened, Parted};
use crate::probe::dialog::{self, BoxedIo, Stop, Waits};
use crate::probe::mail::literal;
use crate::smtp::{End, Fault, Phase, Plan, Session, TlsMode};

/// What came of trying to open one session.
pub(super) enum Rung {
    /// It is open.
    Up(Up),
    /// The server did not take it.
    Down(Refusal, Transcript),
    /// Nothing was ever accepted, and this says nothing about how much would be.
    Unfit(Refusal, Transcript),
    /// It says nothing about a limit.
    Off(Abort),
}

/// A session that is open.
pub(super) struct Up {
    pub(super) held: Box<Held>,
    pub(super) permit: OwnedSemaphorePermit,
    /// How long the greeting took.
    pub(super) greeting: Duration,
    /// When mail could be handed over.
    pub(super) ready: Instant,
}

impl Run<'_> {
    /// Opens one session. Opportunistic TLS that cannot be had is left off from then on.
    pub(super) async fn open(&mut self) -> Rung {
        self.begun = self.clock.elapsed();
        let rung = self.try_open().await;
        let optional = self.tls == TlsMode::Opportunistic && self.opened == 0;
        match rung {
            Rung::Down(refusal, transcript)
                if optional && refusal.phase == Phase::Tls && refusal.code == 0 =>
            {
                self.tell(transcript);
                self.note("TLS cannot be had and is optional: measured in clear");
                self.tls = TlsMode::None;
                self.begun = self.clock.elapsed();
                self.try_open().await
            }
            Rung::Down(refusal, transcript) if self.opened == 0 && !is_limit(&refusal) => {
                Rung::Unfit(refusal, transcript)
            }
            Rung::Up(up) => {
                self.opened += 1;
                Rung::Up(up)
            }
            other => other,
        }
    }

    async fn try_open(&self) -> Rung {
        if self.halt.is_cancelled() {
            return Rung::Off(stopped());
        }
        let prober = self.prober;
        if let Some(abort) = prober.not_ours(&self.site) {
            return Rung::Off(abort);
        }
        let Ok(permit) = prober.permits.own_connection(Instant::now() + OWN_PATIENCE).await else {
            let detail = "exporter.max_concurrent_probes is used up".to_owned();
            return Rung::Off(Abort { kind: AbortKind::Exporter, detail });
        };
        let module = &self.ladder().check.module;
        let remote = (self.site.address, self.site.endpoint.port).into();
        let connected = tokio::select! {
            biased;
            () = self.halt.cancelled() => return Rung::Off(stopped()),
            connected = tcp::connect(remote, self.site.bind, module.timeouts.connect) => connected,
        };
        let stream = match connected {
            Ok(stream) => stream,
            Err(failure) => return not_connected(failure),
        };
        let settings = prober.settings();
        let policy = &settings.policy;
        let helo = self.ladder().helo.as_deref().map(str::to_owned);
        let plan = Plan {
            helo: helo
                .or_else(|| policy.helo.as_deref().map(marked))
                .unwrap_or_else(|| literal(stream.local_addr().ip())),
            tls: self.tls,
            auth: None,
            auth_unverified: false,
            mail: None,
        };
        let started = Instant::now();
        let timeouts = module.timeouts;
        let waits = Waits {
            greeting: timeouts.greeting,
            reply: timeouts.reply,
            deadline: started + timeouts.total,
        };
        let implicit = self.tls == TlsMode::Implicit;
        let tls_phase = if implicit { Phase::TlsImplicit } else { Phase::Tls };
        let host = module.tls_server_name.as_deref().unwrap_or(&self.site.endpoint.host);
        let upgrade = async |stream: BoxedIo| {
            let tls = &settings.tls;
            let (facts, outcome) = tls.handshake(stream, host, tls_phase, timeouts.reply).await;
            (facts, outcome.map(|stream| Box::new(stream) as BoxedIo))
        };
        let session = Session::new(plan);
        let opened =
            hold::open(Box::new(stream), session, waits, started, &self.halt, upgrade).await;
        match opened {
            Opened::Held(held) => {
                let phases = &held.dialogue().phases;
                let greeting = phases.iter().find(|(phase, _)| *phase == Phase::Greeting);
                let greeting = greeting.map_or(Duration::ZERO, |(_, took)| *took);
                Rung::Up(Up { held, permit, greeting, ready: Instant::now() })
            }
            Opened::Ended(outcome) if outcome.stopped == Some(Stop::Shutdown) => {
                Rung::Off(stopped())
            }
            Opened::Ended(outcome) => self.ended(&policy.rules, *outcome),
        }
    }

    fn ended(&self, rules: &Rules, mut outcome: dialog::Outcome) -> Rung {
        // A certificate is looked at by ordinary probes; how many sessions a server takes does not
        // depend on it.
        let terms = Terms { tls: self.tls, tls_verify: false, clock: Clock::Module, rules };
        let failure = blame::failure(terms, &outcome).or_else(|| outcome.tls_failure.clone());
        let Some(failure) = failure else {
            let detail = "a session ended before it was ready, and nothing says why".to_owned();
            return Rung::Off(Abort { kind: AbortKind::Exporter, detail });
        };
        if failure.blame == Blame::Exporter {
            return Rung::Off(Abort { kind: AbortKind::Exporter, detail: failure.detail });
        }
        let (how, replied) = match &outcome.dialogue.fault {
            Some(Fault::Refused(_) | Fault::Unexpected(_)) => (RefusedHow::Reply, true),
            Some(Fault::Ended(_, end)) => (how(end), false),
            Some(Fault::Cancelled(_)) => (RefusedHow::Timeout, false),
            Some(Fault::StarttlsMissing | Fault::StarttlsStripped) => (RefusedHow::Reply, false),
            _ => (RefusedHow::Close, false),
        };
        let last = outcome.dialogue.replies.iter().rev();
        let code = last
            .filter(|(phase, _)| replied && *phase == failure.phase)
            .map(|(_, reply)| reply.code)
            .next()
            .unwrap_or(0);
        let Failure { phase, cause, detail, .. } = failure;
        let transcript = std::mem::take(&mut outcome.transcript);
        Rung::Down(Refusal { code, cause, phase, how, detail }, transcript)
    }

    /// The refusal that the end of a session is that was open already.
    pub(super) fn refusal_of(&self, parted: &Parted, inside_tls: bool) -> Refusal {
        let phase = super::last_hello(inside_tls);
        match parted {
            Parted::Reply(reply) => {
                let context = Context { phase: Some(phase), tls: inside_tls };
                Refusal {
                    code: reply.code,
                    cause: self.prober.policy().rules.judge(context, reply).cause,
                    phase,
                    how: RefusedHow::Reply,
                    detail: dialog::escape(format!("{} {}", reply.code, reply.text())),
                }
            }
            Parted::End(end) => {
                let (cause, detail) = match end {
                    End::Timeout => (Cause::ReplyTimeout, "no reply in an open session"),
                    End::Reset => (Cause::ConnectionDropped, "an open session was reset"),
                    _ => (Cause::ConnectionDropped, "an open session was closed"),
                };
                Refusal { code: 0, cause, phase, how: how(end), detail: detail.to_owned() }
            }
        }
    }

    /// Adds what was said in the latest session, as far as there is room for it.
    pub(super) fn tell(&mut self, told: Transcript) {
        self.transcript.append_some(self.begun, told, TOLD_BYTES);
    }

    pub(super) fn note(&mut self, text: impl AsRef<str>) {
        self.transcript.push(self.clock.elapsed(), Side::Note, text);
    }
}

pub(super) fn stopped() -> Abort {
    Abort { kind: AbortKind::Stopped, detail: "told to stop".to_owned() }
}

fn not_connected(failure: Failure) -> Rung {
    let how = match failure.cause {
        Cause::ConnectTimeout => RefusedHow::Timeout,
        Cause::ConnectRefused | Cause::ConnectionDropped => RefusedHow::Reset,
        Cause::NetworkUnreachable => {
            let kind = AbortKind::ServerGone;
            return Rung::Off(Abort { kind, detail: failure.detail });
        }
        _ => {
            let kind = AbortKind::Exporter;
            return Rung::Off(Abort { kind, detail: failure.detail });
        }
    };
    let Failure { phase, cause, detail, .. } = failure;
    let mut transcript = Transcript::default();
    transcript.push(Duration::ZERO, Side::Note, detail.clone());
    Rung::Down(Refusal { code: 0, cause, phase, how, detail }, transcript)
}

/// Whether a server that has not taken one session yet says that one is too many. A server that
/// bars us, is ill or hears nothing would otherwise be told as one with a limit of 0.
const fn is_limit(refusal: &Refusal) -> bool {
    matches!(refusal.cause, Cause::TooManyConnections | Cause::RateLimited)
}

fn how(end: &End) -> RefusedHow {
    match end {
        End::Reset => RefusedHow::Reset,
        End::Timeout => RefusedHow::Timeout,
        End::Closed | End::BadReply(_) | End::HandshakeFailed | End::Tls(_) | End::Io(_) => {
            RefusedHow::Close
        }
    }
}

/// The exporter's name in EHLO, so that a postmaster can tell these sessions from others.
fn marked(helo: &str) -> String {
    if helo.starts_with('[') { helo.to_owned() } else { format!("ladder.{helo}") }
}

/// Bytes of the transcript for one session: two are told, and the run's own lines have to fit.
const TOLD_BYTES: usize = 1024;
/// How long a session waits for one of the exporter's own connections.
const OWN_PATIENCE: Duration = Duration::from_secs(5);
