//! A demo server: listeners, sessions, and what it remembers of them for whoever asks.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::behaviour::{Behaviour, Tls};
use super::conn::Ending;
use super::limit::Minutes;
use super::script;
use super::tls::{Authority, legacy_certificate};

/// A scripted SMTP server. Dropping it closes its listeners and ends its sessions.
///
/// It serves loopback peers only: whoever comes from elsewhere is closed upon at once, so a listener
/// on `0.0.0.0` can stand for all of 127.0.0.0/8.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    stop: DropGuard,
}

impl Server {
    /// Listens on one address; port 0 takes a free one. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be bound (the message says which), the certificate could not be made, or
    /// there is no runtime.
    pub fn start(address: SocketAddr, behaviour: Behaviour) -> io::Result<Self> {
        Self::start_on(&[address], behaviour)
    }

    /// Listens on several addresses, as one server.
    ///
    /// # Errors
    ///
    /// As [`Server::start`]; nothing is left listening then.
    pub fn start_on(addresses: &[SocketAddr], behaviour: Behaviour) -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        prepare(&behaviour)?;
        let mut listeners = Vec::new();
        for &address in addresses {
            listeners.push(listen(address)?);
        }
        let bound: io::Result<Vec<SocketAddr>> =
            listeners.iter().map(TcpListener::local_addr).collect();
        let stop = CancellationToken::new();
        let server = Self {
            addresses: bound?,
            shared: Arc::new(Shared::new(behaviour, stop.clone())),
            stop: stop.clone().drop_guard(),
        };
        for listener in listeners {
            let accepting = accept(listener, server.shared.clone());
            let accepting = stop.clone().run_until_cancelled_owned(accepting);
            server.shared.tasks.spawn_on(accepting, &runtime);
        }
        Ok(server)
    }

    /// The first address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.addresses.first().copied().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// All addresses that are listened on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What was counted up to now.
    pub fn stats(&self) -> Stats {
        self.shared.state().stats.clone()
    }

    /// The latest lines that clients said, at most [`LOG_LINES`], secrets included.
    pub fn log(&self) -> Vec<Said> {
        self.shared.state().log.iter().cloned().collect()
    }

    /// Behaves like this from the next session on.
    ///
    /// # Errors
    ///
    /// The certificate could not be made; the old behaviour stays.
    pub fn behave(&self, behaviour: Behaviour) -> io::Result<()> {
        prepare(&behaviour)?;
        self.shared.state().behaviour = Arc::new(behaviour);
        Ok(())
    }

    /// Closes everything and waits until the ports are free again. Sessions are cut off.
    pub async fn stop(self) {
        drop(self.stop);
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

/// What a server counted. A session is counted as ended once its connection is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Connections accepted.
    pub sessions: u64,
    /// Ended by the client's QUIT.
    pub quit: u64,
    /// Ended by the client without QUIT, a failed handshake included.
    pub dropped: u64,
    /// Ended by the server: refused, scripted, or idle.
    pub ended_by_server: u64,
    /// Open now.
    pub open: u64,
    /// The most that were open at once.
    pub open_max: u64,
    /// Refused because of a limit on sessions.
    pub limited: u64,
    /// Peers that are not loopback, closed upon.
    pub strangers: u64,
    /// Sessions in which the client spoke before the greeting was complete.
    pub early: u64,
    /// Commands that came with more input behind them where PIPELINING was not offered for it.
    pub pipelined: u64,
    /// TLS handshakes that went through.
    pub handshakes: u64,
    /// TLS handshakes that did not.
    pub handshakes_failed: u64,
    /// Logins that were let in.
    pub logins: u64,
    /// Logins that were refused.
    pub logins_refused: u64,
    /// Command lines by verb, upper case; unknown ones as `?`.
    pub commands: BTreeMap<String, u64>,
    /// Sessions by the address that the client connected to; at most [`ADDRESSES`] are kept.
    pub by_address: BTreeMap<IpAddr, u64>,
}

impl Stats {
    /// How often a command was said.
    pub fn said(&self, verb: &str) -> u64 {
        self.commands.get(verb).copied().unwrap_or(0)
    }
}

/// One line that a client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The number of the session, from 1.
    pub session: u64,
    /// Inside TLS.
    pub tls: bool,
    /// The line without its end, cut at 512 bytes; what is not UTF-8 is replaced.
    pub line: String,
}

/// What the sessions of one server share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// The inside of [`Shared`]. The lock is never held across an await.
#[derive(Debug)]
pub(super) struct State {
    pub(super) behaviour: Arc<Behaviour>,
    pub(super) stats: Stats,
    log: VecDeque<Said>,
    clients: HashMap<IpAddr, usize>,
    minutes: Minutes,
    greylist: HashMap<(IpAddr, String, String), Instant>,
}

impl Shared {
    fn new(behaviour: Behaviour, stop: CancellationToken) -> Self {
        let state = State {
            behaviour: Arc::new(behaviour),
            stats: Stats::default(),
            log: VecDeque::new(),
            clients: HashMap::new(),
            minutes: Minutes::default(),
            greylist: HashMap::new(),
        };
        Self { state: Mutex::new(state), stop, tasks: TaskTracker::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A poisoned lock means that another test thread failed; the counts are still good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps a line that a client said.
    pub(super) fn hear(&mut self, session: u64, tls: bool, line: &[u8]) {
        let cut = line.get(..512).unwrap_or(line);
        if self.log.len() >= LOG_LINES {
            self.log.pop_front();
        }
        self.log.push_back(Said { session, tls, line: String::from_utf8_lossy(cut).into_owned() });
    }

    /// True when this has come before and `delay` is over; else it is remembered.
    pub(super) fn known(&mut self, client: IpAddr, from: &str, to: &str, delay: Duration) -> bool {
        let key = (client, from.to_lowercase(), to.to_lowercase());
        if let Some(first) = self.greylist.get(&key) {
            return first.elapsed() >= delay;
        }
        if self.greylist.len() >= GREYLIST {
            self.greylist.clear();
        }
        self.greylist.insert(key, Instant::now());
        false
    }
}

/// One session's place in the counts; gives it back when it is dropped, however the session ends.
pub(super) struct Seat {
    shared: Arc<Shared>,
    client: IpAddr,
    /// The number of the session, from 1.
    pub(super) number: u64,
    /// How it ended. A session that is cut off by the server's end was ended by the server.
    pub(super) ending: Ending,
    /// The session is one too many, and this is whose limit it is over.
    pub(super) limited: Option<Limit>,
}

/// A limit on sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// Per client.
    Client,
    /// All together.
    Server,
}

impl Seat {
    fn take(shared: &Arc<Shared>, client: IpAddr, local: IpAddr) -> (Self, Arc<Behaviour>) {
        let mut state = shared.state();
        let mut behaviour = state.behaviour.clone();
        let too_often = state.minutes.is_over(client, behaviour.limits.per_minute);
        let of_client = state.clients.get(&client).copied().unwrap_or(0);
        let limited = if state.stats.open >= behaviour.max_sessions as u64 {
            Some(Limit::Server)
        } else {
            let full = behaviour.sessions_per_client.is_some_and(|limit| of_client >= limit);
            (full || too_often).then_some(Limit::Client)
        };
        if limited == Some(Limit::Client)
            && let Some(other) = behaviour.for_one_too_many()
        {
            behaviour = Arc::new(other);
        }
        // Who is refused does not count, or two refusals would keep each other out.
        if limited.is_none() {
            *state.clients.entry(client).or_default() += 1;
        }
        let stats = &mut state.stats;
        stats.sessions += 1;
        stats.open += 1;
        stats.open_max = stats.open_max.max(stats.open);
        stats.limited += u64::from(limited.is_some());
        if stats.by_address.len() < ADDRESSES || stats.by_address.contains_key(&local) {
            *stats.by_address.entry(local).or_default() += 1;
        }
        let number = stats.sessions;
        drop(state);
        let shared = shared.clone();
        (Self { shared, client, number, ending: Ending::Server, limited }, behaviour)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.stats.open = state.stats.open.saturating_sub(1);
        match self.ending {
            Ending::Quit => state.stats.quit += 1,
            Ending::Dropped => state.stats.dropped += 1,
            Ending::Server => state.stats.ended_by_server += 1,
        }
        if self.limited.is_none()
            && let Some(count) = state.clients.get_mut(&self.client)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.clients.remove(&self.client);
            }
        }
    }
}

/// Makes the certificates now. In a session it would hold up every other task of the thread.
fn prepare(behaviour: &Behaviour) -> io::Result<()> {
    match behaviour.tls {
        Tls::Modern(_) => Authority::shared().map(drop),
        Tls::Legacy(_) => legacy_certificate().map(drop),
        Tls::Off | Tls::Stall => Ok(()),
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => admit(stream, peer, &shared),
            // No descriptors left, mostly. The client stays in the queue until there are some.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn admit(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>) {
    let client = peer.ip().to_canonical();
    if !client.is_loopback() {
        shared.state().stats.strangers += 1;
        return;
    }
    let local = stream.local_addr().map_or(client, |local| local.ip().to_canonical());
    let (seat, behaviour) = Seat::take(shared, client, local);
    // Replies are small and each is waited for: Nagle would only add the client's delayed ACK.
    let _ = stream.set_nodelay(!behaviour.nagle);
    if shared.state().stats.open > HARD_LIMIT {
        return;
    }
    let session = script::serve(stream, client, seat, shared.clone(), behaviour);
    shared.tasks.spawn(shared.stop.clone().run_until_cancelled_owned(session));
}

/// A listener with room for a burst.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Only a listener in TIME_WAIT is overruled by this on Unix, never a living one.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|error| {
        io::Error::new(error.kind(), format!("can't listen on {address}: {error}"))
    })
}

/// The most lines that [`Server::log`] keeps.
pub const LOG_LINES: usize = 4096;

/// The most addresses that [`Stats::by_address`] keeps.
pub const ADDRESSES: usize = 16_384;

/// The most triples that greylisting remembers.
const GREYLIST: usize = 10_000;

/// Connections waiting to be accepted.
const BACKLOG: u32 = 1024;

/// Beyond so many open sessions there is not even a refusal.
const HARD_LIMIT: u64 = 16_384;
