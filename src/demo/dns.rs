//! A loopback DNS server over UDP and TCP that answers from a [`Zone`], faults included.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_resolver::proto::op::{Edns, Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::RecordType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::zone::{Answer, Compiled, Outcome, Zone, key, soa};

/// A DNS server for loopback peers. Dropping it stops it.
#[derive(Debug)]
pub struct Dns {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: DropGuard,
}

impl Dns {
    /// Serves `zone` over UDP and TCP on one address; port 0 takes one that is free for both. Must
    /// be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be bound, a name of the zone is none, or there is no runtime.
    pub fn start(address: SocketAddr, zone: &Zone) -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let compiled = zone.compile()?;
        let (udp, tcp) = bind(address).map_err(|error| {
            io::Error::new(error.kind(), format!("can't listen on {address}: {error}"))
        })?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            zone: Mutex::new(Arc::new(compiled)),
            counts: Mutex::new(BTreeMap::new()),
            stop: stop.clone(),
            tasks: TaskTracker::new(),
            permits: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        });
        let dns = Self {
            address: udp.local_addr()?,
            shared: shared.clone(),
            stop: stop.clone().drop_guard(),
        };
        let udp = serve_udp(Arc::new(udp), shared.clone());
        let tcp = serve_tcp(tcp, shared.clone());
        shared.tasks.spawn_on(stop.clone().run_until_cancelled_owned(udp), &runtime);
        shared.tasks.spawn_on(stop.run_until_cancelled_owned(tcp), &runtime);
        Ok(dns)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from another zone from now on.
    ///
    /// # Errors
    ///
    /// A name of the zone is none; the old zone stays.
    pub fn set_zone(&self, zone: &Zone) -> io::Result<()> {
        *lock(&self.shared.zone) = Arc::new(zone.compile()?);
        Ok(())
    }

    /// How often a name was asked for, all types and both transports together.
    pub fn asked(&self, name: &str) -> u64 {
        let name = key(name);
        lock(&self.shared.counts)
            .iter()
            .filter(|((asked, _), _)| *asked == name)
            .map(|(_, count)| count)
            .sum()
    }

    /// Every question with how often it came: name in lower case without the trailing dot, then the
    /// type, such as `MX`. At most [`QUESTIONS`] different ones are kept.
    pub fn questions(&self) -> BTreeMap<(String, String), u64> {
        lock(&self.shared.counts).clone()
    }

    /// Stops and waits until the port is free again.
    pub async fn stop(self) {
        drop(self.stop);
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

#[derive(Debug)]
struct Shared {
    zone: Mutex<Arc<Compiled>>,
    counts: Mutex<BTreeMap<(String, String), u64>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    permits: Arc<Semaphore>,
}

impl Shared {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Over the bound a question is lost, as it would be in a full socket buffer.
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                stop.run_until_cancelled_owned(task).await;
                drop(permit);
            });
        }
    }

    /// The bytes that answer a question; none for silence and for what is no question.
    async fn answer(&self, question: &[u8], over_udp: bool) -> Option<Vec<u8>> {
        let request = Message::from_vec(question).ok()?;
        if request.metadata.message_type != MessageType::Query {
            return None;
        }
        let mut reply = Message::response(request.metadata.id, request.metadata.op_code);
        reply.metadata.recursion_desired = request.metadata.recursion_desired;
        reply.metadata.recursion_available = true;
        if request.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(1232);
            reply.set_edns(edns);
        }
        let [query] = request.queries.as_slice() else {
            reply.metadata.response_code = ResponseCode::FormErr;
            return reply.to_vec().ok();
        };
        reply.add_query(query.clone());
        let name = key(&query.name().to_ascii());
        self.count(&name, query.query_type());
        let zone = lock(&self.zone).clone();
        let Answer { outcome, delay, truncated } = zone.ask(&name, query.query_type());
        sleep(delay).await;
        let (code, records) = match outcome {
            Outcome::Message(code, records) => (code, records),
            Outcome::Silent => return None,
            Outcome::Garbage => return Some(b"this is no DNS message".to_vec()),
        };
        reply.metadata.response_code = code;
        let found = records.iter().any(|record| record.record_type() == query.query_type());
        let negative = matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
        reply.add_answers(records);
        if negative && !found {
            reply.add_authorities(soa());
        }
        let bytes = reply.to_vec().ok()?;
        let limit = usize::from(request.max_payload());
        if over_udp && (truncated || bytes.len() > limit) {
            return reply.truncate().to_vec().ok();
        }
        Some(bytes)
    }

    fn count(&self, name: &str, kind: RecordType) {
        let mut counts = lock(&self.counts);
        let question = (name.to_owned(), kind.to_string());
        if counts.len() < QUESTIONS || counts.contains_key(&question) {
            *counts.entry(question).or_default() += 1;
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, shared: Arc<Shared>) {
    let mut bytes = vec![0; 4096];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut bytes).await else {
            // An ICMP error of an earlier answer; the next read is a new one.
            tokio::task::yield_now().await;
            continue;
        };
        if !peer.ip().to_canonical().is_loopback() {
            continue;
        }
        let question = bytes.get(..length).unwrap_or_default().to_vec();
        let (socket, inner) = (socket.clone(), shared.clone());
        shared.spawn(async move {
            if let Some(answer) = inner.answer(&question, true).await {
                let _ = socket.send_to(&answer, peer).await;
            }
        });
    }
}

async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        if peer.ip().to_canonical().is_loopback() {
            let inner = shared.clone();
            shared.spawn(async move {
                let _ = converse(stream, &inner).await;
            });
        }
    }
}

/// Questions over one TCP connection, one after the other (RFC 1035, 4.2.2).
async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    loop {
        let length = timeout(TCP_IDLE, stream.read_u16()).await??;
        let mut question = vec![0; usize::from(length)];
        timeout(TCP_IDLE, stream.read_exact(&mut question)).await??;
        let Some(answer) = shared.answer(&question, false).await else { continue };
        let Ok(length) = u16::try_from(answer.len()) else { return Ok(()) };
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(answer);
        timeout(TCP_IDLE, stream.write_all(&framed)).await??;
    }
}

/// One port for both transports. With port 0 the UDP socket gets it, and somebody else may have it
/// over TCP: then another is tried.
fn bind(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = if address.port() == 0 { 20 } else { 1 };
    loop {
        let udp = std::net::UdpSocket::bind(address)?;
        match std::net::TcpListener::bind(udp.local_addr()?) {
            Ok(tcp) => {
                udp.set_nonblocking(true)?;
                tcp.set_nonblocking(true)?;
                return Ok((UdpSocket::from_std(udp)?, TcpListener::from_std(tcp)?));
            }
            Err(error) if tries <= 1 => return Err(error),
            Err(_) => tries -= 1,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most different questions that are counted.
pub const QUESTIONS: usize = 20_000;

/// Questions, and TCP connections, under way at once.
const MAX_AT_ONCE: usize = 4096;

/// How long a TCP client may be silent.
const TCP_IDLE: Duration = Duration::from_secs(10);
