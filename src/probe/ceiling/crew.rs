//! The sessions that a run holds open: each in a task of its own that says NOOP in time and listens
//! for the end.

use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::probe::dialog::hold::{Held, Parted};
use crate::smtp::End;

/// The sessions, oldest first.
pub(super) struct Crew {
    hold: Duration,
    members: Vec<Member>,
    parted: mpsc::UnboundedReceiver<Parted>,
    parting: mpsc::UnboundedSender<Parted>,
}

struct Member {
    ask: mpsc::Sender<Ask>,
    task: JoinHandle<()>,
}

/// What a member is asked.
enum Ask {
    /// Say NOOP now, and tell that it went well.
    Alive(oneshot::Sender<()>),
    /// Say QUIT and close.
    Quit,
}

impl Crew {
    /// Nobody yet. Each member will say NOOP when it said nothing for `hold`.
    pub(super) fn new(hold: Duration) -> Self {
        let (parting, parted) = mpsc::unbounded_channel();
        Self { hold, members: Vec::new(), parted, parting }
    }

    /// How many were taken in.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// Takes a session in, with the exporter's permit for it.
    pub(super) fn add(&mut self, held: Box<Held>, permit: OwnedSemaphorePermit) {
        let (ask, asked) = mpsc::channel(1);
        let (parting, hold) = (self.parting.clone(), self.hold);
        let task = tokio::spawn(async move {
            if let Some(parted) = keep(held, hold, asked).await {
                // Nobody listens any more when the run is over.
                let _ = parting.send(parted);
            }
            drop(permit);
        });
        self.members.push(Member { ask, task });
    }

    /// How the server ended a session that was held, if it ended one.
    pub(super) fn first_parted(&mut self) -> Option<Parted> {
        self.parted.try_recv().ok()
    }

    /// How the server ended a session, where [`Self::alive`] found that it did: word of it comes when
    /// the session is closed.
    pub(super) async fn parted(&mut self) -> Parted {
        match timeout(QUIT_ONE, self.parted.recv()).await {
            Ok(Some(parted)) => parted,
            _ => Parted::End(End::Closed),
        }
    }

    /// Asks all at once, and counts those that are still open.
    pub(super) async fn alive(&self) -> u32 {
        let mut answers = Vec::new();
        for member in &self.members {
            let (tell, answer) = oneshot::channel();
            if member.ask.send(Ask::Alive(tell)).await.is_ok() {
                answers.push(answer);
            }
        }
        let mut alive = 0;
        for answer in answers {
            alive += u32::from(answer.await.is_ok());
        }
        alive
    }

    /// Ends all by QUIT, newest first, each when the one before is closed or took too long. Ends
    /// within [`QUIT_ALL`], and then cuts off what is left.
    pub(super) async fn quit(self) {
        let end = Instant::now() + QUIT_ALL;
        let mut tasks = Vec::with_capacity(self.members.len());
        for mut member in self.members.into_iter().rev() {
            // Who has parted does not listen any more.
            let _ = member.ask.try_send(Ask::Quit);
            let left = end.saturating_duration_since(Instant::now());
            let _ = timeout(QUIT_ONE.min(left / 4), &mut member.task).await;
            tasks.push((member.ask, member.task));
        }
        for (ask, mut task) in tasks {
            if !task.is_finished() {
                // It may have been saying NOOP when it was asked first.
                let _ = ask.try_send(Ask::Quit);
                if timeout_at(end, &mut task).await.is_err() {
                    task.abort();
                }
            }
        }
    }
}

/// Holds a session until it is told to quit. Gives how the server ended it, if it did.
async fn keep(
    mut held: Box<Held>,
    hold: Duration,
    mut asked: mpsc::Receiver<Ask>,
) -> Option<Parted> {
    let parted = loop {
        let due = Instant::now() + hold;
        let ask = tokio::select! {
            biased;
            ask = asked.recv() => Some(ask),
            parted = held.listen(due) => match parted {
                Some(parted) => break parted,
                None => None,
            },
        };
        let mut tell = match ask {
            None => Vec::new(),
            Some(Some(Ask::Alive(tell))) => vec![tell],
            // The run may have gone away without a word: QUIT as well.
            Some(Some(Ask::Quit) | None) => {
                held.quit().await;
                return None;
            }
        };
        match say_noop(&mut held, &mut asked, &mut tell).await {
            Some(Ok(())) => {
                for tell in tell {
                    // Whoever asked may have gone away.
                    let _ = tell.send(());
                }
            }
            Some(Err(parted)) => break parted,
            None => {
                held.quit().await;
                return None;
            }
        }
    };
    held.close().await;
    Some(parted)
}

/// Says NOOP and waits for the answer, but not when QUIT is asked for meanwhile: then none is given.
/// Those who ask for a sign of life meanwhile are added to `tell`.
async fn say_noop(
    held: &mut Held,
    asked: &mut mpsc::Receiver<Ask>,
    tell: &mut Vec<oneshot::Sender<()>>,
) -> Option<Result<(), Parted>> {
    let noop = held.noop();
    tokio::pin!(noop);
    loop {
        tokio::select! {
            biased;
            said = &mut noop => return Some(said),
            ask = asked.recv() => match ask {
                Some(Ask::Alive(one)) => tell.push(one),
                Some(Ask::Quit) | None => return None,
            },
        }
    }
}

/// How long all QUITs together may take: less than the exporter has at its end.
const QUIT_ALL: Duration = Duration::from_secs(6);
/// How long one QUIT holds up the next.
const QUIT_ONE: Duration = Duration::from_millis(250);
