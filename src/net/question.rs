//! One question to one DNS server, and what its outcome means.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
    ServerOrderingStrategy,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use rustix::io::Errno;

use crate::cause::Cause;
use crate::observation::{DnsReason, Failure};
use crate::smtp::Phase;

/// What a server said.
pub(super) struct Answer {
    /// The records of the type asked for.
    pub records: Vec<RData>,
    /// The name at the end of the aliases.
    pub canonical: Option<String>,
}

/// One server. Each has a resolver of its own, so that it is known who said what.
pub(super) struct Server {
    /// Where it is.
    pub address: SocketAddr,
    resolver: TokioResolver,
}

impl Server {
    /// A server that has `timeout` for one message and its retransmissions.
    pub(super) fn new(address: SocketAddr, timeout: Duration) -> Result<Self, String> {
        Self::keeping(address, timeout, CACHE_ANSWERS)
    }

    /// The same for somebody who keeps answers himself.
    pub(super) fn keeping_nothing(address: SocketAddr, timeout: Duration) -> Result<Self, String> {
        Self::keeping(address, timeout, 0)
    }

    fn keeping(address: SocketAddr, timeout: Duration, answers: u64) -> Result<Self, String> {
        let mut udp = ConnectionConfig::udp();
        udp.port = address.port();
        let mut tcp = ConnectionConfig::tcp();
        tcp.port = address.port();
        let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = timeout;
        options.attempts = 0;
        options.num_concurrent_reqs = 1;
        options.ndots = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        options.cache_size = answers;
        if answers > 0 {
            options.positive_max_ttl = Some(CACHE_TIME);
            options.negative_max_ttl = Some(CACHE_TIME);
        }
        let resolver = builder.build().map_err(|error| format!("DNS server {address}: {error}"))?;
        Ok(Self { address, resolver })
    }

    /// The records of one name and type, aliases followed, within `timeout` as a whole.
    pub(super) async fn ask(
        &self,
        name: &Name,
        kind: RecordType,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        let error = match self.lookup(name, kind, timeout).await {
            Ok(lookup) => match follow(name, kind, lookup.answers()) {
                Some(answer) => return Ok(answer),
                None => NoRecords::new(lookup.query().clone(), ResponseCode::NoError).into(),
            },
            Err(error) => error,
        };
        Err(self.failure(name, kind, timeout, &error))
    }

    /// One question, with what the library made of it.
    pub(super) async fn lookup(
        &self,
        name: &Name,
        kind: RecordType,
        timeout: Duration,
    ) -> Result<Lookup, NetError> {
        let question = self.resolver.lookup(name.clone(), kind);
        let Ok(outcome) = tokio::time::timeout(timeout, question).await else {
            return Err(NetError::Timeout);
        };
        // The cache counts answers and not what is in them, and an answer can hold thousands of
        // records: a domain with many names would fill the memory.
        let records = match &outcome {
            Ok(lookup) => {
                lookup.answers().len() + lookup.authorities().len() + lookup.additionals().len()
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                none.authorities.as_ref().map_or(0, |records| records.len())
                    + none.ns.as_ref().map_or(0, |records| records.len())
            }
            Err(_) => 0,
        };
        if records > KEPT_RECORDS {
            self.resolver.clear_cache();
        }
        outcome
    }

    /// True when this server can find out that a name does not exist which nobody ever asked for.
    ///
    /// The name is made up anew and stands right below the root, so that no cache has it: a resolver
    /// that is cut off from the Internet still knows the root's own name servers for days.
    pub(super) async fn answers_for_root(&self, timeout: Duration) -> bool {
        let made_up = RandomState::new().hash_one(self.address);
        let Ok(name) = Name::from_ascii(format!("smtp-exporter-{made_up:016x}.")) else {
            return false;
        };
        let question = self.resolver.lookup(name, RecordType::NS);
        match tokio::time::timeout(timeout, question).await {
            Ok(Ok(_)) => true,
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(no_records)))) => {
                let code = no_records.response_code;
                code == ResponseCode::NXDomain || code == ResponseCode::NoError
            }
            _ => false,
        }
    }

    /// A socket towards the server; nothing is sent.
    fn try_socket(&self) -> std::io::Result<()> {
        let unspecified = match self.address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        UdpSocket::bind((unspecified, 0))?.connect(self.address)
    }

    /// The question did not leave this host.
    fn unasked(&self, asked: &str, error: &std::io::Error) -> Failure {
        let text = format!("{} cannot be asked for {asked}: {error}", self.address);
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                Failure::new(Phase::Resolve, Cause::ExporterLimit, text)
            }
            _ => Failure::dns(DnsReason::Other, text),
        }
    }

    /// What an error of the resolver means.
    fn failure(
        &self,
        name: &Name,
        kind: RecordType,
        timeout: Duration,
        error: &NetError,
    ) -> Failure {
        let text = name.to_ascii();
        let asked = format!("{} {kind}", text.strip_suffix('.').unwrap_or(&text));
        let answered = |reason, what: &str| {
            Failure::dns(reason, format!("{} answered {what} for {asked}", self.address))
        };
        match error {
            NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
                ResponseCode::NXDomain if is_reserved(name) => Failure::dns(
                    DnsReason::Nxdomain,
                    format!("{asked} was not asked for: the name is reserved and never exists"),
                ),
                ResponseCode::NXDomain => answered(DnsReason::Nxdomain, "NXDOMAIN"),
                ResponseCode::NoError if none.ns.is_some() && none.soa.is_none() => {
                    answered(DnsReason::Other, "with a referral and no recursion")
                }
                ResponseCode::NoError if none.query.name() != name => answered(
                    DnsReason::Nodata,
                    "with aliases that end in no such record, or in a circle,",
                ),
                ResponseCode::NoError => answered(DnsReason::Nodata, "NODATA"),
                code => answered(DnsReason::Other, &code_name(code)),
            },
            NetError::Dns(DnsError::ResponseCode(code)) => match code {
                ResponseCode::ServFail => answered(DnsReason::Servfail, "SERVFAIL"),
                ResponseCode::Refused => answered(DnsReason::Refused, "REFUSED"),
                code => answered(DnsReason::Other, &code_name(*code)),
            },
            NetError::Timeout => Failure::dns(
                DnsReason::Timeout,
                format!(
                    "{} gave no answer within {:?} for {asked}",
                    self.address,
                    whole_millis(timeout)
                ),
            ),
            NetError::Io(error) => self.unasked(&asked, error),
            // The resolver says only this when it got no socket, or the network no route.
            NetError::NoConnections => match self.try_socket() {
                Err(error) => self.unasked(&asked, &error),
                Ok(()) => Failure::dns(
                    DnsReason::Other,
                    format!("{} cannot be asked for {asked}: no connection to it", self.address),
                ),
            },
            other => Failure::dns(
                DnsReason::Other,
                format!("{} gave no usable answer for {asked}: {other}", self.address),
            ),
        }
    }
}

/// The records of the asked type that belong to the name or to the end of its aliases; none when
/// there are none. Records of other names may stand in an answer, and nobody asked for them.
pub(super) fn follow(name: &Name, kind: RecordType, answers: &[Record]) -> Option<Answer> {
    let mut owner = name;
    for _ in 0..MAX_ALIASES {
        let alias = answers.iter().find_map(|record| match &record.data {
            RData::CNAME(cname) if record.name == *owner => Some(&cname.0),
            _ => None,
        });
        match alias {
            Some(next) => owner = next,
            None => break,
        }
    }
    let records: Vec<RData> = answers
        .iter()
        .filter(|record| record.record_type() == kind && record.name == *owner)
        .take(MAX_RECORDS)
        .map(|record| record.data.clone())
        .collect();
    let text = owner.to_ascii().to_ascii_lowercase();
    let canonical = (owner != name).then(|| text.trim_end_matches('.').to_owned());
    (!records.is_empty()).then_some(Answer { records, canonical })
}

/// A name with its final dot, so that no search list is used.
pub(super) fn absolute(name: &str) -> Result<Name, Failure> {
    let refuse =
        |why: &str| Failure::dns(DnsReason::Other, format!("{name:?} was not asked for: {why}"));
    let bare = name.strip_suffix('.').unwrap_or(name);
    check_name(bare).map_err(refuse)?;
    let mut asked = Name::from_ascii(bare).map_err(|error| refuse(&error.to_string()))?;
    asked.set_fqdn(true);
    Ok(asked)
}

/// Refuses what no host and no mail domain is called: letters, digits and hyphens, and the
/// underscore, which is in use for mail exchangers though RFC 952 does not know it.
pub(super) fn check_name(bare: &str) -> Result<(), &'static str> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !bare.is_ascii() {
        Err("the name is not in its ASCII form")
    } else if bare.is_empty() || bare.len() > 253 {
        Err("a name has 1 to 253 characters")
    } else if bare.split('.').any(|label| label.is_empty() || label.len() > 63) {
        Err("a label has 1 to 63 characters")
    } else if !bare.split('.').all(|label| label.bytes().all(good)) {
        Err("the name holds characters that host names do not have")
    } else {
        Ok(())
    }
}

/// Names that are answered inside the resolver (RFC 6761, RFC 7686).
fn is_reserved(name: &Name) -> bool {
    let text = name.to_ascii().to_ascii_lowercase();
    matches!(text.trim_end_matches('.').rsplit('.').next(), Some("invalid" | "onion"))
}

/// What is left of a timeout differs by microseconds each time, which no reader cares for.
fn whole_millis(timeout: Duration) -> Duration {
    let micros = timeout.as_micros().next_multiple_of(1000);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => String::from("FORMERR"),
        ResponseCode::NotImp => String::from("NOTIMP"),
        other => format!("code {}", u16::from(other)),
    }
}

/// How long an answer is kept at most, whatever its TTL.
const CACHE_TIME: Duration = Duration::from_secs(300);
/// Answers kept per server.
const CACHE_ANSWERS: u64 = 4096;
/// Records of an answer that is kept. One with more has the cache emptied, so that it stays small
/// whatever it is answered; real answers have about ten.
const KEPT_RECORDS: usize = 64;
/// Aliases followed inside one answer.
const MAX_ALIASES: usize = 16;
/// Records taken from one answer. A message of 64 KiB holds about 4,000.
const MAX_RECORDS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Blame;

    #[test]
    fn a_full_table_of_descriptors_is_our_limit() {
        let server = Server::new(([127, 0, 0, 1], 1).into(), Duration::from_secs(1)).unwrap();
        let name = absolute("mx.test").unwrap();
        let failure = |error| server.failure(&name, RecordType::A, Duration::from_secs(1), &error);
        let full = std::io::Error::from_raw_os_error(Errno::MFILE.raw_os_error());
        let full = failure(NetError::from(full));
        assert_eq!((full.cause, full.blame), (Cause::ExporterLimit, Blame::Exporter));
        assert_eq!(full.phase, Phase::Resolve);
        let away = std::io::Error::from_raw_os_error(Errno::NETUNREACH.raw_os_error());
        let away = failure(NetError::from(away));
        assert_eq!((away.cause, away.blame), (Cause::DnsFailure, Blame::Exporter));
        // Sockets are to be had here, so this one says that there was no connection.
        let none = failure(NetError::NoConnections);
        assert_eq!(none.detail, "127.0.0.1:1 cannot be asked for mx.test A: no connection to it");
    }

    #[test]
    fn a_timeout_is_told_in_whole_milliseconds() {
        let server = Server::new(([127, 0, 0, 1], 1).into(), Duration::from_secs(1)).unwrap();
        let name = absolute("mx.test").unwrap();
        let left = Duration::from_nanos(999_995_573);
        let failure = server.failure(&name, RecordType::A, left, &NetError::Timeout);
        assert_eq!(failure.detail, "127.0.0.1:1 gave no answer within 1s for mx.test A");
    }

    /// The limited broadcast is an address to which a socket cannot be connected.
    #[test]
    fn a_server_without_a_route_says_why() {
        let server = Server::new(([255; 4], 53).into(), Duration::from_secs(1)).unwrap();
        let name = absolute("mx.test").unwrap();
        let timeout = Duration::from_secs(1);
        let failure = server.failure(&name, RecordType::A, timeout, &NetError::NoConnections);
        assert!(failure.detail.contains("os error"), "{}", failure.detail);
        assert_eq!(failure.blame, Blame::Exporter);
    }
}
