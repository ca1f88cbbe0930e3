//! Visits of mail exchangers: one session each, within the permits that all probes share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cause::Blame;
use crate::observation::ProbeCounts;
use crate::posture::Subject;
use crate::probe::locate::{self, Site};
use crate::probe::permits::{Denied, Permits};
use crate::probe::{Prober, Settings, mail, old_tls};
use crate::target::{Endpoint, FOREIGN_INTERVAL, Family, Module, Policy};

/// What a visit showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visited {
    /// It greeted.
    pub(super) reached: Option<bool>,
    /// It offered STARTTLS.
    pub(super) starttls: Option<bool>,
    /// Its certificate verifies for its name; a handshake that fails verifies nothing.
    pub(super) pkix: Option<bool>,
    /// The chain that it showed, DER, the leaf first.
    pub(super) chain: Vec<Vec<u8>>,
    /// When, in seconds since the epoch.
    pub(super) at: u64,
    /// What happened, for a person.
    pub(super) told: String,
}

/// Visits to servers that are not ours, by name, address and port. Another look within the gentle
/// interval, for whatever domain, is told what the last one saw.
#[derive(Debug, Default)]
pub(in crate::probe) struct Visits(Mutex<HashMap<Where, (Instant, Arc<Visited>)>>);

type Where = (Arc<str>, IpAddr, u16);

/// What a look needs to visit exchangers.
#[derive(Clone)]
pub(super) struct Visitor {
    settings: Arc<Settings>,
    permits: Arc<Permits>,
    visits: Arc<Visits>,
    old_tls: Arc<old_tls::Looks>,
    counts: Arc<ProbeCounts>,
    stop: CancellationToken,
    /// When permits are no longer waited for.
    patience: Instant,
    deadline: Instant,
}

impl Visitor {
    pub(super) fn new(
        prober: &Prober,
        settings: &Arc<Settings>,
        deadline: Instant,
        stop: &CancellationToken,
    ) -> Self {
        Self {
            settings: settings.clone(),
            permits: prober.permits.clone(),
            visits: prober.exchangers.clone(),
            old_tls: prober.old_tls.clone(),
            counts: prober.counts.clone(),
            stop: stop.clone(),
            // Time for a whole session, and some for what comes after it, is left.
            patience: deadline - SESSION - MARGIN,
            deadline: deadline - MARGIN,
        }
    }

    /// Visits a host at one of its addresses. None when it must not be visited now; the time is how
    /// long a permit was waited for.
    pub(super) async fn visit(
        &self,
        subject: &Subject,
        host: &Arc<str>,
        addresses: Vec<IpAddr>,
    ) -> (Option<Arc<Visited>>, Duration, String) {
        let no = |why: String| (None, Duration::ZERO, why);
        let policy = &self.settings.policy;
        let address = match usable(addresses, &subject.domain, host, policy) {
            Ok(addresses) => match addresses.first() {
                Some(address) => *address,
                None => return no("not visited: no address of a family in use".to_owned()),
            },
            Err(why) => return no(format!("not visited: {why}")),
        };
        let ours = policy.own.has_address(address) || policy.own.has_name(host);
        let place: Where = (host.clone(), address, subject.mx_port);
        if let Some(seen) = self.visits.recall(&place).filter(|_| !ours) {
            let told = format!("seen lately: {}", seen.told);
            return (Some(seen), Duration::ZERO, told);
        }
        let began = Instant::now();
        let permit = self.permits.acquire(address, self.patience, &self.stop).await;
        let waited = began.elapsed();
        let mut permit = match permit {
            Ok(permit) => permit,
            Err(Denied::Paused(_, cause)) => {
                return no(format!("not visited: paused after {cause}"));
            }
            Err(Denied::Late | Denied::Leased) => {
                return (None, waited, "not visited: no permit in time".to_owned());
            }
            Err(Denied::Stopped) => return no("not visited: stopped".to_owned()),
        };
        let underway = self.counts.begin();
        let chain = mail::Chain::default();
        let visit = mail::Visit {
            policy: policy.clone(),
            tls: self.settings.tls.clone(),
            module: Arc::new(Module { port: subject.mx_port, ..Module::new("posture") }),
            site: self.site(subject, host, address, ours),
            resolve: Duration::ZERO,
            deadline: Some(self.deadline),
            stop: self.stop.clone(),
            old_tls: self.old_tls.clone(),
            chain: Some(chain.clone()),
        };
        let Some(seen) = mail::visit(&visit).await else {
            return (None, waited, "not visited: stopped".to_owned());
        };
        permit.settle(mail::politeness(&seen));
        underway.finish();
        let visited = Arc::new(visited(address, &seen, &chain));
        if !ours {
            self.visits.remember(place, visited.clone());
        }
        let told = visited.told.clone();
        (Some(visited), waited, told)
    }

    fn site(&self, subject: &Subject, host: &Arc<str>, address: IpAddr, ours: bool) -> Site {
        let mut sources = self.settings.policy.source_addresses.iter().copied();
        let endpoint = Endpoint {
            host: host.clone(),
            port: subject.mx_port,
            address: Some(address),
            source: None,
            mx_preference: None,
        };
        let bind = sources.find(|source| Family::of(*source) == Family::of(address));
        Site { endpoint, address, bind, ours }
    }
}

impl Visits {
    fn recall(&self, place: &Where) -> Option<Arc<Visited>> {
        let visits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A tenth of slack, because a round may begin a little late and the next one on time.
        let (at, seen) = visits.get(place)?;
        (at.elapsed() < FOREIGN_INTERVAL.mul_f64(0.9)).then(|| seen.clone())
    }

    fn remember(&self, place: Where, seen: Arc<Visited>) {
        let mut visits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if visits.len() >= REMEMBERED {
            visits.retain(|_, (at, _)| at.elapsed() < FOREIGN_INTERVAL);
        }
        if visits.len() >= REMEMBERED
            && let Some(oldest) =
                visits.iter().min_by_key(|(_, (at, _))| *at).map(|(k, _)| k.clone())
        {
            visits.remove(&oldest);
        }
        visits.insert(place, (Instant::now(), seen));
    }
}

/// Of the addresses of a host those that may be connected to: of a family in use, with a route, and
/// not inside our own network where somebody else's domain chose them.
///
/// # Errors
///
/// A text for a person when there is none, but there are others.
pub(super) fn usable(
    addresses: Vec<IpAddr>,
    domain: &str,
    host: &str,
    policy: &Policy,
) -> Result<Vec<IpAddr>, String> {
    let foreign = !policy.own.has_name(domain);
    let (inside, outside): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| foreign && locate::leads_inside(*address, host, policy));
    if let (Some(address), true) = (inside.first(), outside.is_empty()) {
        return Err(format!(
            "{host} leads to {address}, which is not a public address, and {domain} is not in \
             exporter.own"
        ));
    }
    let taken = outside.into_iter().filter(|a| policy.families.takes(Family::of(*a)));
    Ok(locate::routed(taken.collect(), policy.families))
}

fn visited(
    address: IpAddr,
    seen: &crate::observation::Observation,
    chain: &mail::Chain,
) -> Visited {
    let ours = seen.failure.as_ref().is_some_and(|failure| failure.blame == Blame::Exporter);
    let pkix = seen.tls.as_ref().and_then(|tls| match tls.verified {
        Some(verified) => Some(verified && tls.established),
        None => (!ours).then_some(false),
    });
    let told = match &seen.failure {
        Some(failure) => {
            format!("{address}: {} in {}: {}", failure.cause, failure.phase, failure.detail)
        }
        None => {
            let tls = match (seen.starttls_offered, pkix) {
                (Some(false), _) => "no STARTTLS",
                (_, Some(true)) => "TLS, certificate verifies",
                (_, Some(false)) => "TLS, certificate does not verify",
                _ => "no TLS",
            };
            format!("{address}: accepted; {tls}")
        }
    };
    let at = seen.ended.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Visited {
        reached: if seen.responding() { Some(true) } else { (!ours).then_some(false) },
        starttls: seen.starttls_offered,
        pkix,
        chain: chain.take(),
        at,
        told,
    }
}

/// The longest session (`timeouts.total`).
const SESSION: Duration = Duration::from_secs(60);
/// Time for judging what was seen.
const MARGIN: Duration = Duration::from_secs(10);
/// Visits remembered, each with a chain of at most 32 KiB.
const REMEMBERED: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: u64) -> Arc<Visited> {
        let told = String::new();
        Arc::new(Visited { reached: None, starttls: None, pkix: None, chain: vec![], at, told })
    }

    fn place(number: u32) -> Where {
        ("mx.example.net".into(), IpAddr::from(number.to_be_bytes()), 25)
    }

    #[tokio::test(start_paused = true)]
    async fn a_visit_to_a_stranger_holds_for_the_gentle_interval() {
        let visits = Visits::default();
        visits.remember(place(1), seen(1));
        tokio::time::advance(Duration::from_secs(13 * 60)).await;
        assert_eq!(visits.recall(&place(1)), Some(seen(1)));
        assert_eq!(visits.recall(&place(2)), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(visits.recall(&place(1)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn visits_are_bounded_and_the_oldest_goes_first() {
        let visits = Visits::default();
        for number in 0..2000 {
            visits.remember(place(number), seen(number.into()));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(visits.0.lock().unwrap().len(), REMEMBERED);
        assert_eq!(visits.recall(&place(1999)), Some(seen(1999)));
        assert_eq!(visits.recall(&place(0)), None);
    }

    #[test]
    fn addresses_inside_are_for_our_own_domains() {
        let policy = Policy {
            own: crate::target::Own { domains: vec!["ours.test".into()], ..Default::default() },
            ..Policy::default()
        };
        let inside: Vec<IpAddr> = vec!["127.0.0.1".parse().unwrap()];
        assert!(usable(inside.clone(), "example.net", "mx.example.net", &policy).is_err());
        for (domain, host) in [("ours.test", "mx.example.net"), ("example.net", "mx.ours.test")] {
            assert_eq!(usable(inside.clone(), domain, host, &policy).unwrap(), inside);
        }
        let mixed = [inside, vec!["192.0.2.1".parse().unwrap()]].concat();
        let left = usable(mixed.clone(), "example.net", "mx.example.net", &policy).unwrap();
        assert_eq!(left, mixed[1..]);
        assert!(usable(vec![], "example.net", "mx.example.net", &policy).unwrap().is_empty());
    }
}
