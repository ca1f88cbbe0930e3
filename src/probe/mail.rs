//! One endpoint: connect, dialogue, TLS, and from what happened to an [`Observation`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::blame::{self, Clock, Terms};
use super::budget::{self, FAILED_AUTH_PAUSE, SHUTDOWN_PAUSE};
use super::dialog::{self, BoxedIo, Stop, Waits};
use super::locate::Site;
use super::{expect, old_tls};
use crate::cause::Cause;
use crate::net::tcp;
use crate::net::tls::TlsClient;
use crate::observation::{Failure, Observation, Side, Transcript};
use crate::smtp::{Credentials, Phase, Plan, Session, TlsMode, command};
use crate::target::{Auth, Module, Policy, Secret};

/// One endpoint to visit, once its permit is there.
pub(super) struct Visit {
    pub(super) policy: Arc<Policy>,
    pub(super) tls: Arc<TlsClient>,
    pub(super) module: Arc<Module>,
    pub(super) site: Site,
    /// How long resolving took: it is part of what a client waits for.
    pub(super) resolve: Duration,
    pub(super) deadline: Option<Instant>,
    pub(super) stop: CancellationToken,
    /// What earlier second looks at old servers saw.
    pub(super) old_tls: Arc<old_tls::Looks>,
    /// Where to leave the chain that the server shows, if somebody wants to see it. Whoever does has
    /// no use for a second look at an old server.
    pub(super) chain: Option<Chain>,
}

/// The certificates that a server showed, DER, the leaf first: as many as fit into [`CHAIN_BYTES`].
#[derive(Debug, Clone, Default)]
pub(super) struct Chain(Arc<Mutex<Vec<Vec<u8>>>>);

impl Chain {
    /// Takes what was left.
    pub(super) fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn leave(&self, chain: &[CertificateDer<'_>]) {
        let mut left = CHAIN_BYTES;
        let fits = |der: &&CertificateDer<'_>| {
            left = left.saturating_sub(der.len());
            left > 0
        };
        let chain = chain.iter().take_while(fits).map(|der| der.to_vec()).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = chain;
    }
}

/// Visits the endpoint. None when it was told to stop on the way: what was cut off is no result.
pub(super) async fn visit(visit: &Visit) -> Option<Observation> {
    let clock = Instant::now();
    let module = &*visit.module;
    let mut seen = Observation {
        negative: module.expect.is_some(),
        phases: vec![(Phase::Resolve, visit.resolve)],
        ..Observation::of(visit.site.endpoint.clone(), SystemTime::now())
    };
    let bounds = Bounds::of(visit, clock);
    let mut transcript = Transcript::default();
    let mut incompatible = false;
    seen.failure = match visit.forbidden() {
        Some(failure) => Some(failure),
        None => match secret_of(module.auth.as_ref()).await {
            Ok(credentials) => {
                let plan = |local| visit.plan(local, credentials);
                let talk = visit.talk(&bounds, plan, &mut seen, &mut transcript).await?;
                incompatible = talk.incompatible;
                talk.failure
            }
            Err(failure) => Some(failure),
        },
    };
    // What a second look takes is our wish, and no part of what a client would wait for.
    seen.duration = visit.resolve + clock.elapsed();
    if incompatible && visit.chain.is_none() {
        old_tls::look(visit, bounds.end, clock, &mut seen, &mut transcript).await;
    }
    if let Some(expect) = &module.expect {
        expect::judge(expect, &mut seen);
    }
    seen.ended = SystemTime::now();
    transcript.close();
    seen.transcript = Arc::new(transcript);
    Some(seen)
}

/// What a dialogue came to.
struct Talk {
    failure: Option<Failure>,
    /// The handshake found no version or cipher suite in common, whatever the module makes of that.
    incompatible: bool,
}

/// When what ends.
struct Bounds {
    end: Instant,
    /// The asker's clock ends it, and not the module's.
    asker: bool,
}

impl Bounds {
    fn of(visit: &Visit, clock: Instant) -> Self {
        let own = clock + visit.module.timeouts.total;
        match visit.deadline {
            Some(deadline) if deadline < own => Self { end: deadline, asker: true },
            _ => Self { end: own, asker: false },
        }
    }

    /// The failure when the end came in `phase`.
    fn passed(&self, phase: Phase) -> Failure {
        if self.asker {
            let text = "the time that the asker granted ended before the server was done";
            Failure::new(phase, Cause::DeadlineExceeded, text)
        } else {
            let text = "the module's timeouts.total ended before the server was done";
            Failure::new(phase, Cause::ReplyTimeout, text)
        }
    }
}

impl Visit {
    pub(super) fn remote(&self) -> SocketAddr {
        SocketAddr::new(self.site.address, self.site.endpoint.port)
    }

    /// The name that the certificate must carry.
    pub(super) fn server_name(&self) -> &str {
        self.module.tls_server_name.as_deref().unwrap_or(&self.site.endpoint.host)
    }

    /// What manners forbid, whoever asks for it.
    fn forbidden(&self) -> Option<Failure> {
        (self.module.tries_strangers_recipients() && !self.site.ours).then(|| {
            Failure::new(
                Phase::Rcpt,
                Cause::ExporterError,
                format!(
                    "{} is not in exporter.own, and recipients are tried without AUTH only at \
                     servers of our own",
                    self.site.address
                ),
            )
        })
    }

    pub(super) fn plan(&self, local: IpAddr, auth: Option<Credentials>) -> Plan {
        let module = &*self.module;
        // `tls_verify: false` speaks of certificates: it is no leave to log in without TLS.
        let encrypted = matches!(module.tls, TlsMode::Required | TlsMode::Implicit);
        let plaintext = module.auth.as_ref().is_some_and(|auth| auth.allow_plaintext);
        let unverified = plaintext || (encrypted && !module.tls_verify);
        Plan {
            helo: self.policy.helo.as_deref().map_or_else(|| literal(local), str::to_owned),
            tls: module.tls,
            auth,
            auth_unverified: unverified,
            mail: module.mail.clone(),
        }
    }

    /// Connects and talks. None when told to stop.
    async fn talk(
        &self,
        bounds: &Bounds,
        plan: impl FnOnce(IpAddr) -> Plan,
        seen: &mut Observation,
        transcript: &mut Transcript,
    ) -> Option<Talk> {
        let begun = Instant::now();
        let connected = self.connect(bounds).await?;
        seen.phases.push((Phase::Connect, begun.elapsed()));
        let stream = match connected {
            Ok(stream) => stream,
            Err(failure) => {
                transcript.push(begun.elapsed(), Side::Note, failure.detail.clone());
                return Some(Talk { failure: Some(failure), incompatible: false });
            }
        };
        let local = stream.local_addr();
        seen.local = Some(local);
        transcript.push(
            begun.elapsed(),
            Side::Note,
            format!("connected to {} from {local}", self.remote()),
        );
        let plan = plan(local.ip());
        seen.helo = Some(plan.helo.as_str().into());
        let timeouts = self.module.timeouts;
        let waits =
            Waits { greeting: timeouts.greeting, reply: timeouts.reply, deadline: bounds.end };
        let connected = begun.elapsed();
        let tls_phase = if plan.tls == TlsMode::Implicit { Phase::TlsImplicit } else { Phase::Tls };
        let upgrade = async |stream: BoxedIo| {
            let (facts, outcome) =
                self.tls.handshake(stream, self.server_name(), tls_phase, timeouts.reply).await;
            if let (Some(chain), Ok(stream)) = (&self.chain, &outcome) {
                chain.leave(stream.get_ref().1.peer_certificates().unwrap_or_default());
            }
            (facts, outcome.map(|stream| Box::new(stream) as BoxedIo))
        };
        let mut outcome = dialog::run(
            Box::new(stream),
            Session::new(plan),
            waits,
            Instant::now(),
            &self.stop,
            upgrade,
        )
        .await;
        if outcome.stopped == Some(Stop::Shutdown) {
            return None;
        }
        transcript.append(connected, std::mem::take(&mut outcome.transcript));
        let terms = Terms {
            tls: self.module.tls,
            tls_verify: self.module.tls_verify,
            clock: if bounds.asker { Clock::Exporter } else { Clock::Module },
            rules: &self.policy.rules,
        };
        let failure = blame::failure(terms, &outcome);
        let incompatible = outcome
            .tls_failure
            .as_ref()
            .is_some_and(|failure| failure.cause == Cause::TlsIncompatible);
        seen.replies = blame::replies_seen(terms, &outcome);
        let dialogue = outcome.dialogue;
        seen.phases.extend(dialogue.phases);
        seen.ready = dialogue.ready.map(|ready| connected + ready);
        seen.starttls_offered = dialogue.starttls_offered;
        seen.tls = outcome.tls;
        seen.plain = dialogue.plain;
        seen.inside_tls = dialogue.tls;
        Some(Talk { failure, incompatible })
    }

    /// None when told to stop.
    async fn connect(&self, bounds: &Bounds) -> Option<Result<tcp::Stream, Failure>> {
        let connect = tcp::connect(self.remote(), self.site.bind, self.module.timeouts.connect);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            connected = connect => Some(connected),
            () = tokio::time::sleep_until(bounds.end) => Some(Err(bounds.passed(Phase::Connect))),
        }
    }
}

/// What the connection came to, as far as politeness goes.
pub(super) fn politeness(seen: &Observation) -> budget::Outcome {
    let Some(failure) = &seen.failure else { return budget::Outcome::Welcome };
    let refused = seen.replies.iter().rev().find(|reply| reply.phase == failure.phase);
    match refused.filter(|reply| reply.code >= 400) {
        Some(refusal) => politeness_of(failure.cause, failure.phase, refusal.code),
        None => budget::Outcome::Neutral,
    }
}

/// What a refusal with a reply asks for.
pub(super) const fn politeness_of(cause: Cause, phase: Phase, code: u16) -> budget::Outcome {
    match cause {
        Cause::TooManyConnections
        | Cause::RateLimited
        | Cause::Blocklisted
        | Cause::BadReputation
        | Cause::PolicyRejected => budget::Outcome::StayAway(cause),
        Cause::AuthRequired if matches!(phase, Phase::Auth) => {
            budget::Outcome::StayAwayFor(cause, FAILED_AUTH_PAUSE)
        }
        Cause::SystemProblem if code == 421 => budget::Outcome::StayAwayFor(cause, SHUTDOWN_PAUSE),
        _ => budget::Outcome::Neutral,
    }
}

/// The secret of an AUTH exchange; a token's file is read anew, because tokens are short-lived.
async fn secret_of(auth: Option<&Auth>) -> Result<Option<Credentials>, Failure> {
    let Some(auth) = auth else { return Ok(None) };
    let (secret, token) = match &auth.secret {
        Secret::Password(password) => (password.clone(), false),
        Secret::TokenFile(path) => {
            let text = read_token(path).await.map_err(|error| {
                let text = format!("token_file {}: {error}", path.display());
                Failure::new(Phase::Auth, Cause::ExporterError, text)
            })?;
            (SecretString::from(text.trim_end().to_owned()), true)
        }
    };
    let credentials = Credentials { username: auth.username.clone(), secret, token };
    command::check_credentials(&credentials).map_err(|problem| {
        let text = format!("the credentials cannot be sent: {problem}");
        Failure::new(Phase::Auth, Cause::ExporterError, text)
    })?;
    Ok(Some(credentials))
}

/// What a token's file holds. A pipe could keep us waiting for ever, and tokens are short.
async fn read_token(path: &Path) -> io::Result<String> {
    if !tokio::fs::metadata(path).await?.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    let mut text = String::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(TOKEN_BYTES + 1).read_to_string(&mut text).await?;
    if text.len() as u64 > TOKEN_BYTES {
        return Err(io::Error::other(format!("is longer than {TOKEN_BYTES} bytes")));
    }
    Ok(text)
}

/// Bytes of a chain that are kept: four times what real ones have.
const CHAIN_BYTES: usize = 32 * 1024;

/// The longest token that is sent; real ones have one or two thousand bytes.
const TOKEN_BYTES: u64 = 16 * 1024;

/// The address literal for EHLO (RFC 5321, 4.1.3), for a client without a name of its own.
pub(super) fn literal(local: IpAddr) -> String {
    match local.to_canonical() {
        IpAddr::V4(v4) => format!("[{v4}]"),
        IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
    }
}
