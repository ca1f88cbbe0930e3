//! Drives an SMTP session over any pair of byte streams: reads and writes, waits with bounds, hands
//! the stream to TLS and back, and writes the transcript. What comes next is the session's decision
//! ([`crate::smtp::Session`]), what it means is [`super::blame`]'s.
//!
//! # Why
//!
//! - A reply that was read counts even if the connection is reset right after it, and a write that
//!   fails is followed by a read: a server that says 421 and closes has its reason heard.
//! - A wait is bounded as a whole and not per read, so a peer that drips bytes gains nothing.
//! - Clocks run outside tokio's budget for a task: a peer that always has something to read uses the
//!   budget up, and a clock within it would then never be looked at.
//! - Before the ClientHello the stream is looked at once more: bytes in clear that came behind the
//!   reply to STARTTLS in a segment of their own are found too (the class of CVE-2011-0411).

pub mod hold;
mod text;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

pub use text::escape;
use text::{established, seconds};

use crate::net::tcp::WIRE_BYTES;
use crate::observation::{Failure, Side, TlsFacts, Transcript};
use crate::smtp::{Action, BadReply, Dialogue, End, Phase, REDACTED, Reply, ReplyReader, Session};

/// A stream that a session can run over.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A stream whose kind no longer matters.
pub type BoxedIo = Box<dyn Io>;

/// Bounds on waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// Connection (or, under implicit TLS, handshake) to the greeting's end.
    pub greeting: Duration,
    /// Each command to its reply's end, and a TLS handshake.
    pub reply: Duration,
    /// The end of everything.
    pub deadline: Instant,
}

/// What stopped a dialogue from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// [`Waits::deadline`] passed.
    Deadline,
    /// The token was cancelled.
    Shutdown,
}

/// All that came of a dialogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What the session learned.
    pub dialogue: Dialogue,
    /// TLS, when a handshake was tried and ended by itself.
    pub tls: Option<TlsFacts>,
    /// Why the handshake failed, when it did so by itself.
    pub tls_failure: Option<Failure>,
    /// What was said and heard, redacted.
    pub transcript: Transcript,
    /// What stopped it from outside.
    pub stopped: Option<Stop>,
    /// Bytes that came from the peer, a TLS handshake's not counted. 0 with a dropped connection
    /// means that nobody ever spoke.
    pub received: usize,
}

/// Runs `session` over `io` until it closes. `started` is when the connection was made: all times
/// count from there. `upgrade` does the TLS handshake and is called once at most, for STARTTLS as
/// for implicit TLS; it gives what was seen, and the stream or the failure.
///
/// Never fails: what goes wrong is in the [`Outcome`]. Ends within `waits.deadline` and half a
/// second.
pub async fn run<F, Fut>(
    io: BoxedIo,
    session: Session,
    waits: Waits,
    started: Instant,
    cancel: &CancellationToken,
    upgrade: F,
) -> Outcome
where
    F: FnOnce(BoxedIo) -> Fut,
    Fut: Future<Output = (TlsFacts, Result<BoxedIo, Failure>)>,
{
    let mut driver = Driver::new(io, session, waits, started, cancel);
    let first = driver.session.start();
    driver.drive(first, &mut Some(upgrade), false).await;
    driver.end().await
}

struct Driver {
    /// None while TLS has it, and after TLS lost it.
    io: Option<BoxedIo>,
    session: Session,
    waits: Waits,
    started: Instant,
    cancel: CancellationToken,
    reader: ReplyReader,
    transcript: Transcript,
    tls: Option<TlsFacts>,
    tls_failure: Option<Failure>,
    stopped: Option<Stop>,
    /// The peer is gone: there is nobody to say goodbye to.
    silent_end: bool,
}

/// How a wait ended.
enum Heard {
    Reply(Reply),
    End(End),
    Stopped(Stop),
}

impl Driver {
    fn new(
        io: BoxedIo,
        session: Session,
        waits: Waits,
        started: Instant,
        cancel: &CancellationToken,
    ) -> Self {
        Self {
            io: Some(io),
            session,
            waits,
            started,
            cancel: cancel.clone(),
            reader: ReplyReader::default(),
            transcript: Transcript::default(),
            tls: None,
            tls_failure: None,
            stopped: None,
            silent_end: false,
        }
    }

    /// Goes on from `action` until the session closes; with `hold`, until it would say QUIT though
    /// mail could be handed over. Gives that action then.
    async fn drive<F, Fut>(
        &mut self,
        mut action: Action,
        upgrade: &mut Option<F>,
        hold: bool,
    ) -> Option<Action>
    where
        F: FnOnce(BoxedIo) -> Fut,
        Fut: Future<Output = (TlsFacts, Result<BoxedIo, Failure>)>,
    {
        loop {
            action = match action {
                Action::Close => return None,
                Action::Send { phase: Phase::Quit, .. } if hold && self.session.is_ready() => {
                    return Some(action);
                }
                Action::Await { phase } => self.exchange(phase, None, false).await,
                Action::Send { bytes, phase, secret } => {
                    self.note_said(&bytes, secret);
                    self.exchange(phase, Some(&bytes), secret).await
                }
                Action::Handshake => match upgrade.take() {
                    Some(upgrade) => self.handshake(upgrade).await,
                    // The session asks once; a second time would be its fault, and ends it.
                    None => self.session.on_end(End::HandshakeFailed, self.now()),
                },
            };
        }
    }

    /// Writes `bytes` if there are any, waits for a reply, and tells the session.
    async fn exchange(&mut self, phase: Phase, bytes: Option<&[u8]>, secret: bool) -> Action {
        let bound = match phase {
            Phase::Greeting => self.waits.greeting,
            Phase::Quit => self.waits.reply.min(QUIT_WAIT),
            _ => self.waits.reply,
        };
        let heard = self.hear(phase, bytes, bound).await;
        match heard {
            Heard::Reply(reply) => {
                self.note_heard(&reply, secret);
                let leftover = self.reader.buffered();
                self.session.on_reply(reply, leftover, self.now())
            }
            Heard::End(end) => {
                let end = self.session.veil(end);
                self.note_end(&end, bound);
                self.silent_end = !matches!(end, End::Timeout | End::BadReply(_));
                self.session.on_end(end, self.now())
            }
            Heard::Stopped(stop) => {
                self.note_stop(stop);
                self.session.cancel(self.now())
            }
        }
    }

    async fn hear(&mut self, phase: Phase, bytes: Option<&[u8]>, bound: Duration) -> Heard {
        let begun = Instant::now();
        let limit = begun + bound;
        let Some(io) = self.io.as_mut() else { return Heard::End(End::Closed) };
        let talk = async {
            let mut write_error = None;
            if let Some(bytes) = bytes
                && let Err(error) = write(io, bytes).await
            {
                write_error = Some(error);
            }
            let mut chunk = [0_u8; CHUNK_BYTES];
            loop {
                match self.reader.take() {
                    Ok(Some(reply)) => return Heard::Reply(reply),
                    Err(bad) => return Heard::End(End::BadReply(bad)),
                    Ok(None) => {}
                }
                match io.read(&mut chunk).await {
                    // A write that failed says more about the end than the empty read behind it.
                    Ok(0) => {
                        return Heard::End(write_error.map_or(End::Closed, |error| end_of(&error)));
                    }
                    Ok(count) => self.reader.push(chunk.get(..count).unwrap_or_default()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Heard::End(end_of(&error)),
                }
            }
        };
        // QUIT is what a stop leads to, so a shutdown does not cut it short; and once our clock
        // ran out nobody waits for its answer.
        let quitting = phase == Phase::Quit;
        let deadline = match self.stopped {
            Some(Stop::Deadline) => begun + LAST_WORD,
            _ => self.waits.deadline,
        };
        tokio::select! {
            biased;
            heard = talk => heard,
            () = unconstrained(sleep_until(limit)), if limit <= deadline => Heard::End(End::Timeout),
            () = unconstrained(sleep_until(deadline)), if deadline < limit => {
                Heard::Stopped(Stop::Deadline)
            }
            () = self.cancel.cancelled(), if !quitting => Heard::Stopped(Stop::Shutdown),
        }
    }

    async fn handshake<F, Fut>(&mut self, upgrade: F) -> Action
    where
        F: FnOnce(BoxedIo) -> Fut,
        Fut: Future<Output = (TlsFacts, Result<BoxedIo, Failure>)>,
    {
        let Some(mut io) = self.io.take() else {
            return self.session.on_end(End::Closed, self.now());
        };
        // Only behind a reply: on an implicit-TLS port the handshake itself tells what came.
        if self.reader.received() > 0 && speaks_first(&mut io).await {
            self.io = Some(io);
            self.note("bytes in clear behind the reply to STARTTLS");
            return self.session.on_plaintext(self.now());
        }
        let limit = Instant::now() + self.waits.reply;
        let deadline = self.waits.deadline;
        let (facts, result) = tokio::select! {
            biased;
            done = upgrade(io) => done,
            () = unconstrained(sleep_until(limit)), if limit <= deadline => {
                self.note(format!("no TLS handshake within {}", seconds(self.waits.reply)));
                return self.session.on_end(End::Timeout, self.now());
            }
            () = unconstrained(sleep_until(deadline)), if deadline < limit => {
                self.note_stop(Stop::Deadline);
                return self.session.cancel(self.now());
            }
            () = self.cancel.cancelled() => {
                self.note_stop(Stop::Shutdown);
                return self.session.cancel(self.now());
            }
        };
        let action = match result {
            Ok(io) => {
                self.io = Some(io);
                self.note(established(&facts));
                self.session.on_handshake(facts.verified == Some(true), self.now())
            }
            Err(failure) => {
                self.note(format!("TLS failed: {}", escape(failure.detail.as_str())));
                self.tls_failure = Some(failure);
                self.session.on_end(End::HandshakeFailed, self.now())
            }
        };
        self.tls = Some(facts);
        action
    }

    async fn end(mut self) -> Outcome {
        self.hang_up().await;
        Outcome {
            dialogue: self.session.finish(),
            tls: self.tls,
            tls_failure: self.tls_failure,
            transcript: self.transcript,
            stopped: self.stopped,
            received: self.reader.received(),
        }
    }

    /// Closes: TLS says close_notify, TCP sends FIN. The time for it is bounded, and how it goes
    /// says nothing.
    async fn hang_up(&mut self) {
        if let Some(mut io) = self.io.take()
            && !self.silent_end
        {
            let _ = timeout_at(Instant::now() + LAST_WORD, io.shutdown()).await;
        }
    }

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.started)
    }

    fn note(&mut self, text: impl AsRef<str>) {
        self.transcript.push(self.now(), Side::Note, text);
    }

    fn note_said(&mut self, bytes: &[u8], secret: bool) {
        let text = String::from_utf8_lossy(bytes.strip_suffix(b"\r\n").unwrap_or(bytes));
        let text = match (secret, text.strip_prefix("AUTH ")) {
            (false, _) => escape(text),
            (true, None) => REDACTED.to_owned(),
            // The mechanism is no secret; an initial response behind it is.
            (true, Some(rest)) => match rest.split_once(' ') {
                Some((mechanism, _)) => format!("AUTH {mechanism} {REDACTED}"),
                None => format!("AUTH {rest}"),
            },
        };
        self.transcript.push(self.now(), Side::Client, text);
    }

    fn note_heard(&mut self, reply: &Reply, secret: bool) {
        let now = self.now();
        if secret && reply.code == 334 {
            self.transcript.push(now, Side::Server, format!("334 {REDACTED}"));
            return;
        }
        for line in reply.wire_lines() {
            if self.transcript.truncated {
                break;
            }
            self.transcript.push(now, Side::Server, escape(self.session.scrub(line)));
        }
    }

    fn note_end(&mut self, end: &End, bound: Duration) {
        let text = match end {
            End::Closed if self.reader.inside_reply() => "connection closed inside a reply".into(),
            End::Closed => "connection closed".into(),
            End::Reset => "connection reset".into(),
            End::Timeout => format!("no reply within {}", seconds(bound)),
            End::BadReply(bad) => format!("not SMTP: {}", escape(bad.to_string())),
            End::HandshakeFailed => "TLS failed".into(),
            End::Tls(error) => format!("TLS broke: {}", escape(error.as_str())),
            End::Io(error) => format!("connection failed: {}", escape(error.as_str())),
        };
        self.note(text);
    }

    fn note_stop(&mut self, stop: Stop) {
        // A stop that only cuts the wait for QUIT's answer short is no news.
        if self.stopped.is_none() {
            self.note(match stop {
                Stop::Deadline => "stopped: the time for the whole probe is over",
                Stop::Shutdown => "stopped: the exporter is ending",
            });
            self.stopped = Some(stop);
        }
    }
}

async fn write(io: &mut BoxedIo, bytes: &[u8]) -> io::Result<()> {
    io.write_all(bytes).await?;
    io.flush().await
}

/// True when the peer has already sent something, without waiting for it. What was read is lost,
/// which does not matter: the connection is given up then. An end or an error is left for the
/// handshake, which meets it again.
async fn speaks_first(io: &mut BoxedIo) -> bool {
    let mut byte = [0_u8; 1];
    std::future::poll_fn(|context| {
        let mut buffer = ReadBuf::new(&mut byte);
        let read = Pin::new(&mut *io).poll_read(context, &mut buffer);
        Poll::Ready(matches!(read, Poll::Ready(Ok(()))) && !buffer.filled().is_empty())
    })
    .await
}

/// What an error of the stream means. rustls reports alerts and unreadable records as invalid data,
/// and a stream that ends without close_notify as an unexpected end.
fn end_of(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => End::Reset,
        io::ErrorKind::UnexpectedEof => End::Closed,
        io::ErrorKind::InvalidData => End::Tls(error.to_string()),
        io::ErrorKind::QuotaExceeded => End::BadReply(BadReply::DialogueTooLong(WIRE_BYTES)),
        _ => End::Io(error.to_string()),
    }
}

/// The longest wait for QUIT's answer: it is courtesy and changes nothing.
const QUIT_WAIT: Duration = Duration::from_secs(2);
/// How long a last QUIT after the deadline, and closing, may take.
const LAST_WORD: Duration = Duration::from_millis(200);
/// Bytes read at once.
const CHUNK_BYTES: usize = 2048;
