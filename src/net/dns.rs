//! Questions to the DNS, with outcomes told apart: see [`Resolver`].

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
    ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use rustix::io::Errno;
use tokio::time::Instant;

pub use super::mx::{MAX_MAIL_EXCHANGERS, MailExchangers};
use crate::cause::Cause;
use crate::observation::{DnsReason, Failure};
use crate::smtp::Phase;
use crate::target::Family;

/// Asks DNS servers, one at a time: the one that answered last first, the next when it is silent or
/// cannot answer. All of a question (aliases, retransmissions, TCP after a truncated answer, further
/// servers) fits into one timeout.
///
/// Answers are kept as long as their TTL says and at most 5 minutes, 4,096 of them per server;
/// failures are not kept. Names are absolute: no search list.
///
/// # Why a control question
///
/// SERVFAIL says that the resolver has no answer, and not whose trouble that is. So the same resolver
/// is then asked for the name servers of the root: one that answers this works, and the domain's
/// servers or its DNSSEC are broken.
pub struct Resolver {
    servers: Vec<Server>,
    /// The index of the server that answered last.
    preferred: AtomicUsize,
    timeout: Duration,
}

/// The addresses of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// IPv4 before IPv6, each in order, each once; an IPv4-mapped address as the IPv4 address it is.
    pub addresses: Vec<IpAddr>,
    /// The name at the end of the aliases, when the host's name is one. An MX must not point to an
    /// alias (RFC 2181, 10.3), though mail finds its way.
    pub canonical: Option<String>,
}

impl Resolver {
    /// A resolver that asks `servers`, or those of the system when there are none: of
    /// `/etc/resolv.conf` as it is now, the local host when that names none, and the addresses in
    /// `/etc/hosts` go before. `timeout` bounds one question as a whole.
    ///
    /// # Errors
    ///
    /// A text for a person when the resolver cannot be built.
    pub fn new(servers: &[SocketAddr], timeout: Duration) -> Result<Self, String> {
        let (addresses, hosts_file) = if servers.is_empty() {
            (system_servers(), ResolveHosts::Always)
        } else {
            (servers.to_vec(), ResolveHosts::Never)
        };
        let servers = addresses
            .into_iter()
            .map(|address| Server::new(address, hosts_file, timeout))
            .collect::<Result<_, _>>()?;
        Ok(Self { servers, preferred: AtomicUsize::new(0), timeout })
    }

    /// The addresses of a host: IPv4 before IPv6, sorted, each once. An address in text is its own
    /// answer, of whatever family, and is not asked for.
    ///
    /// # Errors
    ///
    /// As [`Self::host`].
    pub async fn addresses(&self, name: &str, families: &[Family]) -> Result<Vec<IpAddr>, Failure> {
        self.host(name, families).await.map(|host| host.addresses)
    }

    /// The addresses of a host, and whether its name is an alias. The families are asked for apart;
    /// one that fails does not spoil the addresses of the other.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of the resolve phase: `exporter_limit` when we have no socket left, else
    /// `dns_failure` with its [`DnsReason`]. NXDOMAIN speaks for the whole name; NODATA is said only
    /// when every family asked for has none, because a question that failed proves nothing.
    pub async fn host(&self, name: &str, families: &[Family]) -> Result<Host, Failure> {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(Host { addresses: vec![address.to_canonical()], canonical: None });
        }
        let ask = async |family: Family, kind| match families.contains(&family) {
            true => Some(self.ask(name, kind).await),
            false => None,
        };
        let (ipv4, ipv6) =
            tokio::join!(ask(Family::Ipv4, RecordType::A), ask(Family::Ipv6, RecordType::AAAA));
        let mut addresses = BTreeSet::new();
        let mut canonical = None;
        let mut worst: Option<Failure> = None;
        for outcome in [ipv4, ipv6].into_iter().flatten() {
            match outcome {
                Ok(answer) => {
                    let found = answer.records.iter().filter_map(RData::ip_addr);
                    addresses.extend(found.map(|address| address.to_canonical()));
                    canonical = canonical.or(answer.canonical);
                }
                Err(failure) => {
                    if worst.as_ref().is_none_or(|worst| weight(&failure) > weight(worst)) {
                        worst = Some(failure);
                    }
                }
            }
        }
        if !addresses.is_empty() {
            return Ok(Host { addresses: addresses.into_iter().collect(), canonical });
        }
        Err(worst.unwrap_or_else(|| {
            Failure::dns(DnsReason::Nodata, format!("{name} has no address of a family in use"))
        }))
    }

    /// The hosts that take a domain's mail (RFC 5321, 5.1; RFC 7505). A domain without MX records
    /// stands for itself.
    ///
    /// # Errors
    ///
    /// As [`Self::host`]; `null_mx` when the domain says that it takes no mail, `bad_mx` when no
    /// record is usable.
    pub async fn mail_exchangers(&self, domain: &str) -> Result<MailExchangers, Failure> {
        let bare = domain.strip_suffix('.').unwrap_or(domain);
        if bare.parse::<IpAddr>().is_ok() {
            return Ok(MailExchangers::implicit(bare));
        }
        let answer = match self.ask(bare, RecordType::MX).await {
            Ok(answer) => answer,
            Err(failure) if failure.dns == Some(DnsReason::Nodata) => {
                return Ok(MailExchangers::implicit(bare));
            }
            Err(failure) => return Err(failure),
        };
        let found: Vec<(u16, String)> = answer
            .records
            .iter()
            .filter_map(|data| match data {
                RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii())),
                _ => None,
            })
            .collect();
        super::mx::sort_out(bare, &found)
    }

    /// The names that an address has in reverse DNS (RFC 1035, 3.5), sorted.
    ///
    /// # Errors
    ///
    /// As [`Self::host`]; NXDOMAIN and NODATA mean that it has none.
    pub async fn names_of(&self, address: IpAddr) -> Result<Vec<String>, Failure> {
        let name = Name::from(address.to_canonical()).to_ascii();
        let answer = self.ask(&name, RecordType::PTR).await?;
        let names: BTreeSet<String> = answer
            .records
            .iter()
            .filter_map(|data| match data {
                RData::PTR(name) => Some(name.to_ascii().trim_end_matches('.').to_owned()),
                _ => None,
            })
            .collect();
        Ok(names.into_iter().collect())
    }

    /// One question to one server after the other.
    async fn ask(&self, name: &str, kind: RecordType) -> Result<Answer, Failure> {
        let asked = absolute(name)?;
        let deadline = Instant::now() + self.timeout;
        let start = self.preferred.load(Ordering::Relaxed);
        let mut failures: Vec<(&Server, Failure)> = Vec::new();
        for turn in 0..self.servers.len() {
            let index = (start + turn) % self.servers.len();
            let Some(server) = self.servers.get(index) else { break };
            // Each gets its share of what is left, so that a silent one leaves time for the next.
            let left = deadline.saturating_duration_since(Instant::now());
            let shares = u32::try_from(self.servers.len() - turn).unwrap_or(1);
            let outcome = server.ask(&asked, kind, left / shares.max(1)).await;
            match outcome {
                Err(failure) if !is_answer(&failure) => failures.push((server, failure)),
                answer => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        self.most_telling(failures).await
    }

    /// Of the failures of all servers the one that says most, with what each of them did.
    async fn most_telling(&self, failures: Vec<(&Server, Failure)>) -> Result<Answer, Failure> {
        let details: Vec<String> = failures.iter().map(|(_, f)| f.detail.clone()).collect();
        let Some((server, mut worst)) = failures.into_iter().max_by_key(|(_, f)| weight(f)) else {
            return Err(Failure::dns(DnsReason::Other, "no DNS server to ask"));
        };
        worst.detail = details.join("; ");
        if worst.dns != Some(DnsReason::Servfail) {
            return Err(worst);
        }
        // The question has been answered, with SERVFAIL; what follows is about the resolver. It
        // takes a second at most, also when the answer came late.
        if server.answers_for_root(self.timeout.min(CONTROL_TIMEOUT)).await {
            worst.detail.push_str("; it does answer for the root");
            return Err(worst);
        }
        let detail = format!("{}; it has no answer for the root either", worst.detail);
        Err(Failure::dns(DnsReason::ResolverServfail, detail))
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let servers: Vec<SocketAddr> = self.servers.iter().map(|s| s.address).collect();
        f.debug_struct("Resolver")
            .field("servers", &servers)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What a server said.
struct Answer {
    /// The records of the type asked for.
    records: Vec<RData>,
    /// The name at the end of the aliases.
    canonical: Option<String>,
}

/// One server. Each has a resolver of its own, so that it is known who said what.
struct Server {
    address: SocketAddr,
    resolver: TokioResolver,
}

impl Server {
    fn new(
        address: SocketAddr,
        hosts_file: ResolveHosts,
        timeout: Duration,
    ) -> Result<Self, String> {
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
        options.use_hosts_file = hosts_file;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        options.cache_size = CACHE_ANSWERS;
        options.positive_max_ttl = Some(CACHE_TIME);
        options.negative_max_ttl = Some(CACHE_TIME);
        let resolver = builder.build().map_err(|error| format!("DNS server {address}: {error}"))?;
        Ok(Self { address, resolver })
    }

    async fn ask(
        &self,
        name: &Name,
        kind: RecordType,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        let error =
            match tokio::time::timeout(timeout, self.resolver.lookup(name.clone(), kind)).await {
                Ok(Ok(lookup)) => match follow(name, kind, lookup.answers()) {
                    Some(answer) => return Ok(answer),
                    None => NoRecords::new(lookup.query().clone(), ResponseCode::NoError).into(),
                },
                Ok(Err(error)) => error,
                Err(_) => NetError::Timeout,
            };
        Err(self.failure(name, kind, timeout, &error))
    }

    /// True when this server says NOERROR to the question for the name servers of the root.
    async fn answers_for_root(&self, timeout: Duration) -> bool {
        // What it said minutes ago does not count.
        self.resolver.clear_lookup_cache(Name::root(), RecordType::NS);
        let question = self.resolver.lookup(Name::root(), RecordType::NS);
        match tokio::time::timeout(timeout, question).await {
            Ok(Ok(_)) => true,
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(no_records)))) => {
                no_records.response_code == ResponseCode::NoError
            }
            _ => false,
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
                format!("{} gave no answer within {timeout:?} for {asked}", self.address),
            ),
            NetError::Io(error) => {
                let text = format!("{} cannot be asked for {asked}: {error}", self.address);
                match error.raw_os_error().map(Errno::from_raw_os_error) {
                    Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                        Failure::new(Phase::Resolve, Cause::ExporterLimit, text)
                    }
                    _ => Failure::dns(DnsReason::Other, text),
                }
            }
            other => Failure::dns(
                DnsReason::Other,
                format!("{} gave no usable answer for {asked}: {other}", self.address),
            ),
        }
    }
}

/// The records of the asked type that belong to the name or to the end of its aliases; none when
/// there are none. Records of other names may stand in an answer, and nobody asked for them.
fn follow(name: &Name, kind: RecordType, answers: &[Record]) -> Option<Answer> {
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
fn absolute(name: &str) -> Result<Name, Failure> {
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

fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => String::from("FORMERR"),
        ResponseCode::NotImp => String::from("NOTIMP"),
        other => format!("code {}", u16::from(other)),
    }
}

/// The servers of the system, the local host if it names none, as the C library does.
fn system_servers() -> Vec<SocketAddr> {
    let configured = hickory_resolver::system_conf::read_system_conf()
        .map(|(config, _)| config.name_servers().iter().map(|server| server.ip).collect())
        .unwrap_or_else(|_| vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    configured.into_iter().map(|address: IpAddr| SocketAddr::new(address, 53)).collect()
}

/// NXDOMAIN and NODATA are answers: no other server need be asked.
fn is_answer(failure: &Failure) -> bool {
    matches!(failure.dns, Some(DnsReason::Nxdomain | DnsReason::Nodata))
}

/// How much a failure says, when several servers or families give several.
fn weight(failure: &Failure) -> u8 {
    match failure.dns {
        Some(DnsReason::Nodata) => 0,
        Some(DnsReason::Timeout) => 1,
        Some(DnsReason::Other | DnsReason::NullMx | DnsReason::BadMx) => 2,
        Some(DnsReason::Refused) => 3,
        Some(DnsReason::ResolverServfail) => 4,
        Some(DnsReason::Servfail) => 5,
        Some(DnsReason::Nxdomain) => 6,
        // Our own limits.
        None => 7,
    }
}

/// How long the control question may take.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an answer is kept at most, whatever its TTL.
const CACHE_TIME: Duration = Duration::from_secs(300);
/// Answers kept per server.
const CACHE_ANSWERS: u64 = 4096;
/// Aliases followed inside one answer.
const MAX_ALIASES: usize = 16;
/// Records taken from one answer. A message of 64 KiB holds about 4,000.
const MAX_RECORDS: usize = 4096;
