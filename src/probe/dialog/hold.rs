//! A session that stays open after EHLO, in place of saying QUIT at once.

use std::future::{Future, Pending};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{BoxedIo, Driver, Heard, Outcome, Waits};
use crate::observation::{Failure, TlsFacts, Transcript};
use crate::smtp::{Action, Dialogue, End, Phase, Reply, Session, command};

/// What came of opening a session.
pub enum Opened {
    /// Mail could be handed over; it is held there.
    Held(Box<Held>),
    /// It did not come so far, and is closed.
    Ended(Box<Outcome>),
}

/// A session in which mail could be handed over. Dropping it cuts it off: say [`Held::quit`].
pub struct Held {
    driver: Driver,
    /// The QUIT that the session would have said.
    goodbye: Action,
}

/// How the server ended a session that was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parted {
    /// With words: 421, mostly, or another refusal that nobody asked for.
    Reply(Reply),
    /// Without any.
    End(End),
}

/// As [`super::run`], up to the moment at which mail could be handed over. From then on `cancel`
/// and `waits.deadline` no longer end it.
pub async fn open<F, Fut>(
    io: BoxedIo,
    session: Session,
    waits: Waits,
    started: Instant,
    cancel: &CancellationToken,
    upgrade: F,
) -> Opened
where
    F: FnOnce(BoxedIo) -> Fut,
    Fut: Future<Output = (TlsFacts, Result<BoxedIo, Failure>)>,
{
    let mut driver = Driver::new(io, session, waits, started, cancel);
    let first = driver.session.start();
    match driver.drive(first, &mut Some(upgrade), true).await {
        Some(goodbye) => {
            driver.cancel = CancellationToken::new();
            driver.waits.deadline = Instant::now() + FOR_EVER;
            Opened::Held(Box::new(Held { driver, goodbye }))
        }
        None => Opened::Ended(Box::new(driver.end().await)),
    }
}

impl Held {
    /// What the session learned.
    pub fn dialogue(&self) -> &Dialogue {
        self.driver.session.dialogue()
    }

    /// TLS, when the session is inside it.
    pub fn is_inside_tls(&self) -> bool {
        self.driver.tls.as_ref().is_some_and(|tls| tls.established)
    }

    /// The transcript up to now, taken out.
    pub fn take_transcript(&mut self) -> Transcript {
        std::mem::take(&mut self.driver.transcript)
    }

    /// Says NOOP. Any answer that does not end the session is good enough.
    ///
    /// # Errors
    ///
    /// How the session ended.
    pub async fn noop(&mut self) -> Result<(), Parted> {
        let bound = self.driver.waits.reply;
        let heard = self.driver.hear(Phase::Ehlo, Some(&command::noop()), bound).await;
        parted(heard, |reply| matches!(reply.code, 221 | 421)).map_or(Ok(()), Err)
    }

    /// Listens without a word. None when the session was still open at `until`. Can be dropped on
    /// the way: nothing that came is lost.
    pub async fn listen(&mut self, until: Instant) -> Option<Parted> {
        loop {
            let bound = until.saturating_duration_since(Instant::now());
            match self.driver.hear(Phase::Ehlo, None, bound).await {
                Heard::End(End::Timeout) => return None,
                heard => {
                    let ends = |reply: &Reply| reply.is_refusal() || reply.code == 221;
                    if let Some(parted) = parted(heard, ends) {
                        return Some(parted);
                    }
                }
            }
        }
    }

    /// Ends the session by QUIT and closes. How long it waits for the answer is bounded.
    pub async fn quit(self) {
        let Self { mut driver, goodbye } = self;
        let _ = driver.drive(goodbye, &mut None::<NoUpgrade>, false).await;
        driver.hang_up().await;
    }

    /// Closes without a word, where the server has ended the session.
    pub async fn close(mut self) {
        self.driver.hang_up().await;
    }
}

/// The session is inside TLS already, or stays outside.
type NoUpgrade = fn(BoxedIo) -> Pending<(TlsFacts, Result<BoxedIo, Failure>)>;

fn parted(heard: Heard, ends: impl FnOnce(&Reply) -> bool) -> Option<Parted> {
    match heard {
        Heard::Reply(reply) => ends(&reply).then_some(Parted::Reply(reply)),
        Heard::End(end) => Some(Parted::End(end)),
        Heard::Stopped(_) => Some(Parted::End(End::Timeout)),
    }
}

/// Longer than any session is held.
const FOR_EVER: Duration = Duration::from_secs(30 * 86_400);
