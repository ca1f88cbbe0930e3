//! Questions about a domain's records, with every outcome told apart: see [`Records`].

mod anchors;
mod read;
mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hickory_resolver::net::dnssec::DnssecDnsHandle;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer as _};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::{Proof as Proven, TrustAnchors};
use hickory_resolver::proto::op::{DnsRequestOptions, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::sync::OnceCell;

use self::anchors::Anchors;
use self::read::Part;
use self::wire::{Exchanges, Wire};
use super::dns::system_servers;
use crate::posture::{Answer, Kind, Outcome, Proof, Question, Trouble};

/// Asks DNS servers, with and without DNSSEC: one server at a time, the one that answered last
/// first, the next when it is silent or cannot answer. It keeps no answers; a [`Session`] does.
///
/// # Why validation here
///
/// A validating resolver answers SERVFAIL for what is forged, as it does for what it cannot find
/// out, and only a signature checked here tells one from the other, or proves that the answer was not
/// made up by whoever stands between. So questions go out with the bits "DNSSEC OK" and "checking
/// disabled" (RFC 4035, 3.2.2; RFC 6840, 5.9), and the chain of keys is asked for from the same
/// servers: any recursive resolver that passes signatures on will do, and an authoritative server
/// for what lies below the trust anchors.
#[derive(Clone)]
pub struct Records {
    servers: Arc<[wire::Server]>,
    anchors: Arc<Anchors>,
    timeout: Duration,
}

/// The questions of one look at a domain. Each is asked once, however often and by how many it is
/// wanted; at most [`MAX_EXCHANGES`] messages are exchanged and [`MAX_BYTES`] taken, the chain of
/// keys included; then questions end as [`Trouble::Ours`].
#[derive(Clone)]
pub struct Session {
    exchanges: Arc<Exchanges>,
    anchors: Arc<Anchors>,
    ground: Arc<OnceCell<Option<Arc<TrustAnchors>>>>,
    timeout: Duration,
}

impl Records {
    /// A client of `servers`, or of those of `/etc/resolv.conf` as it is now when there are none.
    /// `timeout` bounds one exchange, retransmissions and further servers included. `anchors` is a
    /// file of DNSKEY and DS records as a zone file has them; without one the root's keys are trusted.
    ///
    /// # Errors
    ///
    /// A text for a person when `anchors` cannot be read, or holds no key.
    pub fn new(
        servers: &[SocketAddr],
        timeout: Duration,
        anchors: Option<&Path>,
    ) -> Result<Self, String> {
        let addresses = if servers.is_empty() { system_servers() } else { servers.to_vec() };
        let servers: Result<Vec<_>, _> =
            addresses.into_iter().map(|address| wire::Server::new(address, timeout)).collect();
        let anchors = anchors.map_or_else(|| Ok(Anchors::root()), Anchors::read)?;
        Ok(Self { servers: servers?.into(), anchors: Arc::new(anchors), timeout })
    }

    /// Begins to ask.
    pub fn session(&self) -> Session {
        let exchanges = Exchanges::new(self.servers.clone(), self.timeout);
        Session {
            exchanges: Arc::new(exchanges),
            anchors: self.anchors.clone(),
            ground: Arc::default(),
            timeout: self.timeout,
        }
    }
}

impl Session {
    /// The answer as the servers give it: nothing is proven.
    pub async fn ask(&self, question: &Question) -> Answer {
        let wire = Wire::plain(self.exchanges.clone());
        self.answer(question, |query| {
            let asked = wire.lookup(query, options(false)).first_answer();
            async move { read::plain(asked.await) }
        })
        .await
    }

    /// The answer and what DNSSEC proves of it. What is bogus is no answer.
    ///
    /// A chain of keys that could not be asked for is no proof of forgery: the answer is then what
    /// kept it from being asked for. And where not even the trust anchors' own keys come with a
    /// signature that holds, the servers do not pass signatures on, or our clock is wrong: then
    /// everything would look forged, so the answer is the one of [`Self::ask`], with nothing proven.
    pub async fn ask_secure(&self, question: &Question) -> Answer {
        let Some(keys) = self.ground().await else { return self.ask(question).await };
        // A chain of keys takes several exchanges, one after the other.
        let limit = self.timeout.saturating_mul(CHAIN);
        let answer = self.answer(question, |query| self.validated(query, keys.clone()));
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer,
            Err(_) => Answer::new(Outcome::Failed(Trouble::Timeout)),
        }
    }

    async fn validated(&self, query: Query, keys: Arc<TrustAnchors>) -> Part {
        let wire = Wire::secure(self.exchanges.clone());
        let handle =
            DnssecDnsHandle::with_trust_anchor(wire.clone(), keys).validation_cache_size(VALIDATED);
        let part = read::secure(handle.lookup(query, options(true)).first_answer().await);
        match (&part, wire.trouble()) {
            (Part::Failed(Trouble::Bogus), Some(trouble)) => Part::Failed(trouble),
            (Part::Records(records), Some(trouble))
                if records.iter().any(|record| record.proof == Proven::Bogus) =>
            {
                Part::Failed(trouble)
            }
            _ => part,
        }
    }

    /// The keys to begin with; none when no anchor's keys come with a signature that holds.
    async fn ground(&self) -> Option<Arc<TrustAnchors>> {
        let ground = self.ground.get_or_init(|| async {
            let mut answers = Vec::new();
            for zone in &self.anchors.zones {
                let wire = Wire::secure(self.exchanges.clone());
                let query = Query::query(zone.clone(), RecordType::DNSKEY);
                let heard = wire.lookup(query, options(true)).first_answer().await;
                answers.push(heard.map(|response| response.into_message().answers));
            }
            let answers: Vec<_> = answers.into_iter().map(Result::unwrap_or_default).collect();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.anchors.grounded(&answers, now.as_secs()).map(Arc::new)
        });
        ground.await.clone()
    }

    /// How many messages were sent so far, retransmissions apart.
    pub fn exchanged(&self) -> usize {
        self.exchanges.count()
    }

    /// Follows aliases from answer to answer.
    async fn answer<F>(&self, question: &Question, ask: impl Fn(Query) -> F) -> Answer
    where
        F: Future<Output = Part>,
    {
        let Some(asked) = name_of(question) else {
            // No such name can exist, so none does.
            return Answer::new(Outcome::NoName);
        };
        let kind = record_type(question.kind);
        let mut owner = asked.clone();
        let mut proof = None;
        let mut ttl = None;
        for _ in 0..=MAX_ALIASES {
            let part = ask(Query::query(owner.clone(), kind)).await;
            let read = read::follow(part, &owner, kind);
            proof = worse(proof, read.proof);
            ttl = shorter(ttl, read.ttl);
            let moved = read.owner != owner;
            owner = read.owner;
            if moved && matches!(read.outcome, Outcome::NoData) && read.open {
                continue;
            }
            let failed = matches!(read.outcome, Outcome::Failed(_));
            return Answer {
                outcome: read.outcome,
                proof: proof.unwrap_or(Proof::Indeterminate),
                ttl: ttl.filter(|_| !failed),
                canonical: (owner != asked).then(|| read::text_of(&owner)),
            };
        }
        // Aliases in a circle, which resolvers answer with SERVFAIL.
        Answer::new(Outcome::Failed(Trouble::Servfail))
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let servers: Vec<SocketAddr> = self.servers.iter().map(|server| server.address).collect();
        f.debug_struct("Records").field("servers", &servers).finish_non_exhaustive()
    }
}

/// The name to ask for; none when there can be none. A PTR question may hold an address.
fn name_of(question: &Question) -> Option<Name> {
    if question.kind == Kind::Ptr
        && let Ok(address) = question.name.parse::<std::net::IpAddr>()
    {
        return Some(Name::from(address.to_canonical()));
    }
    let bare = question.name.strip_suffix('.').unwrap_or(&question.name);
    if bare.is_empty() {
        return None;
    }
    let mut name = Name::from_ascii(bare).ok()?;
    name.set_fqdn(true);
    Some(name)
}

const fn record_type(kind: Kind) -> RecordType {
    match kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
        Kind::Mx => RecordType::MX,
        Kind::Ptr => RecordType::PTR,
        Kind::Tlsa => RecordType::TLSA,
        Kind::Txt => RecordType::TXT,
    }
}

fn options(secure: bool) -> DnsRequestOptions {
    let mut options = DnsRequestOptions::default();
    options.use_edns = true;
    options.edns_set_dnssec_ok = secure;
    options.recursion_desired = true;
    options
}

/// What holds for a chain of answers: the worst of its parts.
fn worse(before: Option<Proof>, now: Proof) -> Option<Proof> {
    let rank = |proof| match proof {
        Proof::Secure => 0,
        Proof::Insecure => 1,
        Proof::Indeterminate => 2,
        Proof::Bogus => 3,
    };
    Some(before.map_or(now, |before| if rank(before) > rank(now) { before } else { now }))
}

fn shorter(before: Option<Duration>, now: Option<Duration>) -> Option<Duration> {
    match (before, now) {
        (Some(before), Some(now)) => Some(before.min(now)),
        (before, now) => before.or(now),
    }
}

/// What the library's proof is called here.
const fn proof_of(proven: Proven) -> Proof {
    match proven {
        Proven::Secure => Proof::Secure,
        Proven::Insecure => Proof::Insecure,
        Proven::Bogus => Proof::Bogus,
        Proven::Indeterminate => Proof::Indeterminate,
    }
}

/// What an error of an exchange means.
fn trouble_of(error: &NetError) -> Trouble {
    use hickory_resolver::proto::op::ResponseCode;
    match error {
        NetError::Timeout => Trouble::Timeout,
        NetError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Trouble::Timeout
        }
        NetError::Io(_) | NetError::NoConnections | NetError::Busy => Trouble::Ours,
        NetError::Message(text) if *text == wire::TOO_MUCH => Trouble::Ours,
        NetError::Dns(DnsError::DnssecBogus | DnsError::Nsec { .. }) => Trouble::Bogus,
        NetError::Dns(DnsError::ResponseCode(code)) => match *code {
            ResponseCode::ServFail => Trouble::Servfail,
            ResponseCode::Refused | ResponseCode::NotImp => Trouble::Refused,
            _ => Trouble::Malformed,
        },
        _ => Trouble::Malformed,
    }
}

/// Messages exchanged in one session at most.
pub const MAX_EXCHANGES: usize = 1000;
/// Bytes of answers taken in one session at most.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Aliases followed, in and between answers.
const MAX_ALIASES: usize = 8;
/// Exchanges in a row that a proof may take as long as.
const CHAIN: u32 = 4;
/// Checked signatures remembered while one answer is proven.
const VALIDATED: usize = 256;
