//! Places for connections, and who loses one when somebody else needs it.
//!
//! # Why
//!
//! Clients keep connections that they have no use for at the moment, and some never take the answer
//! that they asked for. Neither may keep a scrape waiting: when all places are taken, the connection
//! that asked nothing for longest makes room, and where there is none such, or all large answers are
//! under way, the one whose client took nothing for longest.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The places of all listeners together.
#[derive(Debug, Default)]
pub(super) struct Seats {
    books: Mutex<Books>,
    /// Told when a place is free or idle.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Books {
    taken: usize,
    /// Who is idle, by the turn in which that began.
    idle: BTreeMap<u64, CancellationToken>,
    /// Whose client takes nothing, by the turn and with the time at which that began.
    stalled: BTreeMap<u64, (Instant, CancellationToken)>,
    turn: u64,
}

/// A connection's place. Idle until something is [served](Seat::serve) at it.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    leave: CancellationToken,
    sitting: Mutex<Sitting>,
}

#[derive(Debug, Default)]
struct Sitting {
    /// How many [`Served`] there are.
    served: usize,
    /// When it began to be idle.
    idle: Option<u64>,
}

/// As long as it is there, its seat is not idle.
#[derive(Debug)]
pub(super) struct Served(Arc<Seat>);

/// As long as it is there, the client takes nothing of what it asked for.
#[derive(Debug)]
pub(super) struct Stalled {
    served: Served,
    turn: u64,
}

impl Seats {
    /// One of so many places, for a connection that is there. Where none is free, who was idle for
    /// longest is told to leave, or else who takes nothing; while there is nobody, it waits. `cut`
    /// takes them all.
    pub(super) async fn take(
        self: &Arc<Self>,
        places: usize,
        cut: &CancellationToken,
    ) -> Arc<Seat> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // What changes from here on is heard of below.
            changed.as_mut().enable();
            if self.is_room(places) {
                let seat = Arc::new(Seat {
                    seats: self.clone(),
                    leave: cut.child_token(),
                    sitting: Mutex::default(),
                });
                seat.rest(&mut lock(&seat.sitting));
                return seat;
            }
            tokio::select! {
                () = changed => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    /// Ends, again and again, the connection whose client took nothing for longest, if that is
    /// [`STALLED`] by then.
    pub(super) async fn cut_stalled(&self) -> Infallible {
        loop {
            lock(&self.books).cut_stalled();
            sleep(LOOK).await;
        }
    }

    /// Takes a place if one is free, and else has somebody leave.
    fn is_room(&self, places: usize) -> bool {
        let mut books = lock(&self.books);
        let free = books.taken < places.max(1);
        if free {
            books.taken += 1;
        } else if let Some((_, leave)) = books.idle.pop_first() {
            tracing::debug!("an idle http connection makes room");
            leave.cancel();
        } else {
            books.cut_stalled();
        }
        free
    }
}

impl Seat {
    /// Keeps the place until the guard is dropped.
    pub(super) fn serve(self: &Arc<Self>) -> Served {
        let mut sitting = lock(&self.sitting);
        sitting.served += 1;
        if let Some(turn) = sitting.idle.take() {
            lock(&self.seats.books).idle.remove(&turn);
        }
        Served(self.clone())
    }

    /// As [`Seat::serve`], for a client that takes nothing.
    pub(super) fn stall(self: &Arc<Self>) -> Stalled {
        let served = self.serve();
        let mut books = lock(&self.seats.books);
        let turn = books.next();
        books.stalled.insert(turn, (Instant::now(), self.leave.clone()));
        Stalled { served, turn }
    }

    /// Comes back when the place is needed for somebody else, or all have to go.
    pub(super) async fn needed(&self) {
        self.leave.cancelled().await;
    }

    fn rest(&self, sitting: &mut Sitting) {
        let mut books = lock(&self.seats.books);
        let turn = books.next();
        books.idle.insert(turn, self.leave.clone());
        drop(books);
        sitting.idle = Some(turn);
        self.seats.changed.notify_waiters();
    }
}

impl Books {
    fn cut_stalled(&mut self) {
        if let Some(longest) = self.stalled.first_entry()
            && longest.get().0.elapsed() >= STALLED
        {
            tracing::debug!("an http connection that takes no answer makes room");
            longest.remove().1.cancel();
        }
    }

    fn next(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let mut sitting = lock(&self.0.sitting);
        sitting.served -= 1;
        if sitting.served == 0 {
            self.0.rest(&mut sitting);
        }
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        lock(&self.served.0.seats.books).stalled.remove(&self.turn);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let idle = lock(&self.sitting).idle;
        let mut books = lock(&self.seats.books);
        books.taken -= 1;
        if let Some(turn) = idle {
            books.idle.remove(&turn);
        }
        drop(books);
        self.seats.changed.notify_waiters();
    }
}

/// No code that panics runs under these locks, and if it did the books would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a client may take nothing of an answer while others wait for a place, or for theirs.
const STALLED: Duration = Duration::from_secs(2);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);
