//! Exchanges with DNS servers: bounded, each once, and shaped for validation.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer as _};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::rdata::DNSSECRData;
use hickory_resolver::proto::op::{DnsRequest, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{LowerName, Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

use super::{MAX_BYTES, MAX_EXCHANGES, trouble_of};
use crate::posture::Trouble;

/// One server.
#[derive(Clone)]
pub(super) struct Server {
    /// Where it is.
    pub(super) address: SocketAddr,
    pool: NameServerPool<TokioRuntimeProvider>,
}

impl Server {
    pub(super) fn new(address: SocketAddr, timeout: Duration) -> Result<Self, String> {
        let mut udp = ConnectionConfig::udp();
        udp.port = address.port();
        let mut tcp = ConnectionConfig::tcp();
        tcp.port = address.port();
        let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
        let mut options = ResolverOpts::default();
        options.timeout = timeout;
        options.attempts = 0;
        options.num_concurrent_reqs = 1;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        let tls = TlsConfig::new().map_err(|error| format!("DNS server {address}: {error}"))?;
        let context = Arc::new(PoolContext::new(options, tls));
        let provider = TokioRuntimeProvider::default();
        Ok(Self { address, pool: NameServerPool::from_config([server], context, provider) })
    }
}

/// What one session exchanged.
pub(super) struct Exchanges {
    servers: Arc<[Server]>,
    timeout: Duration,
    /// The index of the server that answered last.
    preferred: AtomicUsize,
    heard: Mutex<HashMap<Key, Arc<OnceCell<Heard>>>>,
    sent: AtomicUsize,
    bytes: AtomicUsize,
    /// Politeness: so many questions at once.
    gate: Semaphore,
}

/// A question as it is sent, and whether with DNSSEC.
type Key = (LowerName, RecordType, bool);
type Heard = Result<DnsResponse, NetError>;

impl Exchanges {
    pub(super) fn new(servers: Arc<[Server]>, timeout: Duration) -> Self {
        Self {
            servers,
            timeout,
            preferred: AtomicUsize::new(0),
            heard: Mutex::default(),
            sent: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            gate: Semaphore::new(AT_ONCE),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// One exchange, or what came of it before. Who asks the same meanwhile waits for it.
    async fn once(&self, request: DnsRequest, secure: bool) -> Heard {
        let Some(query) = request.queries.first().cloned() else {
            return Err(NetError::Message("no question"));
        };
        let key = (LowerName::new(query.name()), query.query_type(), secure);
        let cell = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.entry(key).or_default().clone()
        };
        let heard = cell.get_or_init(|| self.exchange(request, &query)).await;
        heard.clone()
    }

    async fn exchange(&self, request: DnsRequest, query: &Query) -> Heard {
        let Ok(_turn) = self.gate.acquire().await else {
            return Err(NetError::Message(TOO_MUCH));
        };
        let deadline = Instant::now() + self.timeout;
        let start = self.preferred.load(Ordering::Relaxed);
        let mut worst = NetError::NoConnections;
        for turn in 0..self.servers.len() {
            let index = (start + turn) % self.servers.len();
            let Some(server) = self.servers.get(index) else { break };
            let full = self.sent.fetch_add(1, Ordering::Relaxed) >= MAX_EXCHANGES;
            if full || self.bytes.load(Ordering::Relaxed) > MAX_BYTES {
                return Err(NetError::Message(TOO_MUCH));
            }
            // Each gets its share of what is left, so that a silent one leaves time for the next.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(self.servers.len() - turn).unwrap_or(1).max(1);
            let answer = server.pool.send(request.clone()).first_answer();
            let heard = tokio::time::timeout(share, answer).await;
            match heard.unwrap_or(Err(NetError::Timeout)) {
                Ok(response) => {
                    self.bytes.fetch_add(response.as_buffer().len(), Ordering::Relaxed);
                    self.preferred.store(index, Ordering::Relaxed);
                    return lean(response, query).map_err(NetError::from);
                }
                Err(error @ NetError::Dns(DnsError::NoRecordsFound(_))) => {
                    if let NetError::Dns(DnsError::NoRecordsFound(none)) = &error {
                        let records = none.authorities.as_ref().map_or(0, |records| records.len());
                        self.bytes.fetch_add(records.saturating_mul(64), Ordering::Relaxed);
                    }
                    self.preferred.store(index, Ordering::Relaxed);
                    return Err(error);
                }
                // SERVFAIL of one says more than another's silence.
                Err(error) if weight(&error) >= weight(&worst) => worst = error,
                Err(_) => {}
            }
        }
        Err(worst)
    }
}

/// Asks as part of one question: what went wrong on the way is noted.
#[derive(Clone)]
pub(super) struct Wire {
    exchanges: Arc<Exchanges>,
    trouble: Arc<Mutex<Option<Trouble>>>,
    secure: bool,
}

impl Wire {
    pub(super) fn plain(exchanges: Arc<Exchanges>) -> Self {
        Self { exchanges, trouble: Arc::default(), secure: false }
    }

    pub(super) fn secure(exchanges: Arc<Exchanges>) -> Self {
        Self { exchanges, trouble: Arc::default(), secure: true }
    }

    /// What kept an exchange of this question from being answered.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DnsHandle for Wire {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, mut request: DnsRequest) -> Self::Response {
        if self.secure {
            // Otherwise a resolver that validates keeps from us what it finds forged.
            request.metadata.checking_disabled = true;
        }
        let wire = self.clone();
        Box::pin(stream::once(async move {
            let heard = wire.exchanges.once(request, wire.secure).await;
            match &heard {
                Ok(_) | Err(NetError::Dns(DnsError::NoRecordsFound(_))) => {}
                Err(error) => {
                    let mut noted = wire.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                    noted.get_or_insert(trouble_of(error));
                }
            }
            heard
        }))
    }
}

/// An answer without what nobody asked for, so that no time goes into proving it: glue, name servers
/// and, behind an alias, what the server knows of the alias's target, which is asked for by itself.
fn lean(
    response: DnsResponse,
    query: &Query,
) -> Result<DnsResponse, hickory_resolver::proto::ProtoError> {
    let mut message = response.into_message();
    message.additionals.clear();
    if query.query_type() == RecordType::NS {
        return DnsResponse::from_message(message);
    }
    let asked = query.name();
    let of = |record: &Record, kind: RecordType| {
        record.name == *asked && (record.record_type() == kind || covers(record, kind))
    };
    let answers = std::mem::take(&mut message.answers);
    let alias = query.query_type() != RecordType::CNAME
        && answers.iter().any(|record| of(record, RecordType::CNAME))
        && !answers.iter().any(|record| of(record, query.query_type()));
    let kind = if alias { RecordType::CNAME } else { query.query_type() };
    message.answers =
        answers.into_iter().filter(|record| of(record, kind)).take(MAX_RECORDS).collect();
    if !message.answers.is_empty() {
        // NXDOMAIN speaks of the alias's end.
        message.metadata.response_code = ResponseCode::NoError;
        // A wildcard's answer needs the proof that there is nothing closer (RFC 4035, 3.1.3.3).
        let wildcard = message.answers.iter().any(|record| expanded(record, asked));
        message.authorities.retain(|record| wildcard && denies(record));
    }
    DnsResponse::from_message(message)
}

fn covers(record: &Record, kind: RecordType) -> bool {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => signature.input().type_covered == kind,
        _ => false,
    }
}

fn expanded(record: &Record, name: &Name) -> bool {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => {
            signature.input().num_labels < name.num_labels()
        }
        _ => false,
    }
}

fn denies(record: &Record) -> bool {
    let denial = |kind| matches!(kind, RecordType::NSEC | RecordType::NSEC3 | RecordType::SOA);
    denial(record.record_type())
        || match &record.data {
            RData::DNSSEC(DNSSECRData::RRSIG(signature)) => denial(signature.input().type_covered),
            _ => false,
        }
}

/// How much an error says, when several servers give several.
fn weight(error: &NetError) -> u8 {
    match trouble_of(error) {
        Trouble::Ours => 0,
        Trouble::Timeout => 1,
        Trouble::Malformed => 2,
        Trouble::Refused => 3,
        Trouble::Servfail => 4,
        Trouble::Bogus => 5,
    }
}

/// Questions under way at once in a session.
const AT_ONCE: usize = 4;
/// Records taken from one answer. A message of 64 KiB holds about 4,000.
const MAX_RECORDS: usize = 4096;
/// What is said when a session asked for too much.
pub(super) const TOO_MUCH: &str = "too many questions for one look";
