//! Questions to the DNS, with outcomes told apart: see [`Resolver`].

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_resolver::Hosts;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::time::Instant;

pub use super::mx::{MAX_MAIL_EXCHANGERS, MailExchangers};
use super::question::{Answer, Server, absolute};
use crate::observation::{DnsReason, Failure};
use crate::target::Family;

/// Asks DNS servers, one at a time: the one that answered last first, the next when it is silent or
/// cannot answer. All of a question (aliases, retransmissions, TCP after a truncated answer, further
/// servers) fits into one timeout; the control question below takes a second more at most.
///
/// Answers, NXDOMAIN and NODATA among them, are kept as long as their TTL says and at most 5 minutes,
/// 4,096 of them per server; other failures are not kept. Names are absolute: no search list.
///
/// # Why a control question
///
/// SERVFAIL says that the resolver has no answer, and silence that it has none yet; neither says whose
/// trouble that is. So the same resolver is then asked for a made-up name right below the root: one
/// that finds out from the root that there is none works, and the domain's servers are silent, or
/// they or their DNSSEC are broken.
pub struct Resolver {
    servers: Vec<Server>,
    /// The index of the server that answered last.
    preferred: AtomicUsize,
    timeout: Duration,
    /// `/etc/hosts`, when the system's servers are asked.
    hosts: Option<Hosts>,
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

impl Host {
    /// A note for a person when the mail exchanger `name` is an alias.
    pub fn alias_note(&self, name: &str) -> Option<String> {
        let canonical = self.canonical.as_ref()?;
        Some(format!("the MX {name} is an alias of {canonical}, which RFC 2181 (10.3) forbids"))
    }
}

impl Resolver {
    /// A resolver that asks `servers`, or those of the system when there are none: of
    /// `/etc/resolv.conf` as it is now, or the local host when that names none. Then a name that
    /// stands in `/etc/hosts`, as it is now, has the addresses there and no others. `timeout` bounds
    /// one question as a whole.
    ///
    /// # Errors
    ///
    /// A text for a person when the resolver cannot be built.
    pub fn new(servers: &[SocketAddr], timeout: Duration) -> Result<Self, String> {
        let (addresses, hosts) = if servers.is_empty() {
            (system_servers(), Hosts::from_system().ok())
        } else {
            (servers.to_vec(), None)
        };
        let servers = addresses
            .into_iter()
            .map(|address| Server::new(address, timeout))
            .collect::<Result<_, _>>()?;
        Ok(Self { servers, preferred: AtomicUsize::new(0), timeout, hosts })
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
        if let Some(known) = self.in_hosts_file(name)? {
            let of_family = |address: &IpAddr| families.contains(&Family::of(*address));
            let addresses: Vec<IpAddr> = known.into_iter().filter(of_family).collect();
            if addresses.is_empty() {
                let text = format!("/etc/hosts has {name} with no address of a family in use");
                return Err(Failure::dns(DnsReason::Nodata, text));
            }
            return Ok(Host { addresses, canonical: None });
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
        let name = hickory_resolver::proto::rr::Name::from(address.to_canonical()).to_ascii();
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

    /// The addresses in `/etc/hosts`, in order; none when the name does not stand there.
    fn in_hosts_file(&self, name: &str) -> Result<Option<BTreeSet<IpAddr>>, Failure> {
        let Some(hosts) = &self.hosts else { return Ok(None) };
        let asked = absolute(name)?;
        let found: BTreeSet<IpAddr> = [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|kind| hosts.lookup_static_host(&Query::query(asked.clone(), kind)))
            .flat_map(|lookup| {
                let addresses = lookup.answers().iter().filter_map(|record| record.data.ip_addr());
                addresses.map(|address| address.to_canonical()).collect::<Vec<_>>()
            })
            .collect();
        Ok((!found.is_empty()).then_some(found))
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
        let Some((_, worst)) = failures.iter().max_by_key(|(_, f)| weight(f)) else {
            return Err(Failure::dns(DnsReason::Other, "no DNS server to ask"));
        };
        let mut worst = worst.clone();
        worst.detail = details.join("; ");
        let (well, ill) = match worst.dns {
            Some(DnsReason::Servfail) => (DnsReason::Servfail, DnsReason::ResolverServfail),
            Some(DnsReason::Timeout) => (DnsReason::Unanswered, DnsReason::Timeout),
            _ => return Err(worst),
        };
        // The question is over; what follows is about the resolvers. It takes a second at most, also
        // when the question took all of its time.
        let failed = failures.iter().filter(|(_, failure)| failure.dns == worst.dns);
        let failed: Vec<&Server> = failed.map(|(server, _)| *server).collect();
        let (reason, root) = match self.answering_for_root(&failed).await {
            Some(server) => (well, format!("{} does answer for the root", server.address)),
            None => (ill, "no answer for the root either".to_owned()),
        };
        Err(Failure::dns(reason, format!("{}; {root}", worst.detail)))
    }

    /// The first of `servers` that answers the control question.
    async fn answering_for_root<'a>(&self, servers: &[&'a Server]) -> Option<&'a Server> {
        let deadline = Instant::now() + self.timeout.min(CONTROL_TIMEOUT);
        for (index, server) in servers.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let shares = u32::try_from(servers.len() - index).unwrap_or(1);
            if server.answers_for_root(left / shares.max(1)).await {
                return Some(server);
            }
        }
        None
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

/// The servers of the system, the local host if it names none, as the C library does.
pub(super) fn system_servers() -> Vec<SocketAddr> {
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
        Some(DnsReason::Unanswered) => 5,
        Some(DnsReason::Servfail) => 6,
        // Our own limits.
        None => 7,
        Some(DnsReason::Nxdomain) => 8,
    }
}

/// How long the control question may take.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody listens at the server, so what is found was not asked for.
    #[tokio::test]
    async fn the_hosts_file_goes_before_the_servers() {
        let dead = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut resolver = Resolver::new(&[dead], Duration::from_millis(50)).unwrap();
        let mut hosts = Hosts::default();
        let text = "192.0.2.2 mx.test other\n192.0.2.1 mx.test\n2001:db8::1 six.test\n";
        hosts.read_hosts_conf(text.as_bytes()).unwrap();
        resolver.hosts = Some(hosts);
        let both = [Family::Ipv4, Family::Ipv6];
        let found = resolver.addresses("MX.test", &both).await.unwrap();
        let expected: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        assert_eq!(found, expected);
        let failure = resolver.addresses("six.test", &[Family::Ipv4]).await.unwrap_err();
        assert_eq!(failure.dns, Some(DnsReason::Nodata));
        assert!(failure.detail.contains("/etc/hosts"), "{}", failure.detail);
        let failure = resolver.addresses("third.test", &both).await.unwrap_err();
        assert_eq!(failure.dns, Some(DnsReason::Timeout));
    }
}
