//! From a target to the addresses that are connected to: mail exchangers, both families, every
//! source address, within the bounds and the manners.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::panicked;
use crate::cause::{Blame, Cause};
use crate::net::dns::{Host, Resolver};
use crate::net::tcp;
use crate::observation::Failure;
use crate::smtp::Phase;
use crate::target::reach::{is_inside, is_never_a_host};
use crate::target::{Check, Endpoint, Families, Family, HostName, Place, Policy};

/// Where a check leads to at this moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Located {
    /// Endpoints to connect to, in the order of preference, host and address.
    pub(super) visits: Vec<Site>,
    /// Mail exchangers whose name leads nowhere.
    pub(super) dead: Vec<(Endpoint, Failure)>,
    /// MX records, for a domain.
    pub(super) mx_records: Option<u32>,
    /// Addresses that are counted and not probed.
    pub(super) left_out: u32,
    /// What is odd about the mail exchangers, for a person.
    pub(super) notes: Vec<String>,
}

/// One endpoint and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// The endpoint as it is labelled; its address is always there.
    pub(super) endpoint: Endpoint,
    /// The address.
    pub(super) address: IpAddr,
    /// The address to connect from; none: the system's choice.
    pub(super) bind: Option<IpAddr>,
    /// Whether the server is one of ours.
    pub(super) ours: bool,
}

/// Finds the endpoints of a check. `admitted`: somebody else says which of them may be connected to.
///
/// # Errors
///
/// Nothing of the target could be resolved.
pub(super) async fn locate(
    check: &Check,
    policy: &Policy,
    resolver: &Arc<Resolver>,
    admitted: bool,
) -> Result<Located, Failure> {
    let mut located = Located::default();
    let (hosts, port) = match &check.target.place {
        Place::Host { host, port } => {
            (vec![(None, host.clone())], port.unwrap_or(check.module.port))
        }
        Place::Domain(domain) => {
            let exchangers = resolver.mail_exchangers(domain).await?;
            located.mx_records = Some(exchangers.records);
            located.notes = exchangers.notes;
            let hosts = exchangers
                .hosts
                .into_iter()
                .map(|(preference, host)| (Some(preference), HostName::Name(host)))
                .collect();
            (hosts, check.module.port)
        }
    };
    // Whoever runs a domain chooses where its exchangers lead, and must not choose our own network.
    let foreign = match &check.target.place {
        Place::Domain(domain) if !policy.own.has_name(domain) => Some(domain.clone()),
        _ => None,
    };
    // A host that an MX record names is an endpoint, also when it leads nowhere.
    let named = located.mx_records.is_some_and(|records| records > 0);
    let mut answers = ask_all(hosts, policy, resolver).await;
    answers.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (preference, host, answer) in answers {
        let name: Arc<str> = host.to_string().into();
        let endpoint = |address| Endpoint {
            host: name.clone(),
            port,
            address,
            source: None,
            mx_preference: preference,
        };
        match answer {
            Ok(found) => {
                if named {
                    located.notes.extend(found.alias_note(&name));
                }
                let mut addresses = found.addresses;
                if let Some(domain) = foreign.as_ref().filter(|_| !admitted) {
                    let (inside, outside) = addresses
                        .into_iter()
                        .partition(|address| leads_inside(*address, &name, policy));
                    addresses = outside;
                    let inside: Vec<IpAddr> = inside;
                    if let Some(address) = inside.first() {
                        located.dead.push((endpoint(None), led_inside(domain, *address)));
                    }
                    if addresses.is_empty() {
                        continue;
                    }
                }
                let reachable = routed(addresses, policy.families);
                located.add(reachable, &endpoint, policy);
            }
            Err(failure) if named => located.dead.push((endpoint(None), failure)),
            Err(failure) => return Err(failure),
        }
    }
    // The resolver gave out between the exchangers' names and their addresses: nothing was learned
    // of the servers, so what is known of them stays, as when the first question fails.
    let ours = |failure: &Failure| failure.blame == Blame::Exporter;
    if located.visits.is_empty()
        && located.dead.iter().all(|(_, failure)| ours(failure))
        && let Some((_, failure)) = located.dead.pop()
    {
        return Err(failure);
    }
    located.cut(policy.max_endpoints);
    Ok(located)
}

impl Located {
    /// Keeps at most `most` endpoints, and of them at least one that can be connected to.
    fn cut(&mut self, most: usize) {
        let all = self.visits.len() + self.dead.len();
        self.dead.truncate(most.saturating_sub(usize::from(!self.visits.is_empty())));
        self.visits.truncate(most.saturating_sub(self.dead.len()).max(1));
        let over = all - self.visits.len() - self.dead.len();
        self.left_out = self.left_out.saturating_add(u32::try_from(over).unwrap_or(u32::MAX));
    }

    fn add(
        &mut self,
        addresses: Vec<IpAddr>,
        endpoint: &dyn Fn(Option<IpAddr>) -> Endpoint,
        policy: &Policy,
    ) {
        let mut seen = Vec::new();
        for address in addresses {
            let bare = endpoint(Some(address));
            let ours = policy.own.has_address(address) || policy.own.has_name(&bare.host);
            let family = Family::of(address);
            if !ours && seen.contains(&family) {
                // A pool of somebody else's is looked at through one address per family.
                self.left_out = self.left_out.saturating_add(1);
                continue;
            }
            seen.push(family);
            let sources: Vec<IpAddr> = policy
                .source_addresses
                .iter()
                .copied()
                .filter(|source| Family::of(*source) == family)
                .collect();
            // Beyond the bound they are only counted: a hundred hosts may have thousands each.
            if self.visits.len() >= policy.max_endpoints {
                let more = u32::try_from(sources.len().max(1)).unwrap_or(u32::MAX);
                self.left_out = self.left_out.saturating_add(more);
                continue;
            }
            match sources.as_slice() {
                [] => self.visits.push(Site { endpoint: bare, address, bind: None, ours }),
                [one] => self.visits.push(Site { endpoint: bare, address, bind: Some(*one), ours }),
                several => self.visits.extend(several.iter().map(|source| Site {
                    endpoint: Endpoint { source: Some(*source), ..bare.clone() },
                    address,
                    bind: Some(*source),
                    ours,
                })),
            }
        }
    }
}

/// An exchanger of somebody else's domain that would have us connect to our own network: loopback,
/// link-local (where clouds keep their metadata), private.
pub(super) fn leads_inside(address: IpAddr, host: &str, policy: &Policy) -> bool {
    let own = policy.own.networks.iter().any(|network| network.contains(&address.to_canonical()));
    (is_inside(address) || is_never_a_host(address)) && !own && !policy.own.has_name(host)
}

fn led_inside(domain: &str, address: IpAddr) -> Failure {
    Failure::new(
        Phase::Resolve,
        Cause::Routing,
        format!(
            "an MX of {domain} leads to {address}, which is not a public address, and the domain is \
             not ours: not connected to; if it is ours (split-horizon DNS), add it, or the address, to \
             exporter.own"
        ),
    )
}

type Answer = (Option<u16>, HostName, Result<Host, Failure>);

/// Asks for all hosts, a few at a time, so that a dead name server costs one timeout and not one
/// per host.
async fn ask_all(
    hosts: Vec<(Option<u16>, HostName)>,
    policy: &Policy,
    resolver: &Arc<Resolver>,
) -> Vec<Answer> {
    let families = Family::ALL.iter().copied().filter(|family| policy.families.takes(*family));
    let families: Vec<Family> = families.collect();
    let mut answers = Vec::with_capacity(hosts.len());
    let mut names = Vec::new();
    for (preference, host) in hosts {
        match host {
            HostName::Address(address) => {
                let found = Host { addresses: vec![address], canonical: None };
                answers.push((preference, host, Ok(found)));
            }
            HostName::Name(name) => names.push((preference, name)),
        }
    }
    let mut tasks = JoinSet::new();
    let mut asked = HashMap::new();
    let mut names = names.into_iter();
    loop {
        while tasks.len() < QUESTIONS
            && let Some((preference, name)) = names.next()
        {
            let (resolver, families, question) = (resolver.clone(), families.clone(), name.clone());
            let task = tasks.spawn(async move { resolver.host(&question, &families).await });
            asked.insert(task.id(), (preference, name));
        }
        let Some(joined) = tasks.join_next_with_id().await else { return answers };
        let (id, answer) = match joined {
            Ok((id, answer)) => (id, answer),
            // A panic in the resolver costs this name and no other.
            Err(error) => (error.id(), Err(panicked(Phase::Resolve))),
        };
        if let Some((preference, name)) = asked.remove(&id) {
            answers.push((preference, HostName::Name(name), answer));
        }
    }
}

/// Under `auto`, the addresses to which the host has a route: a host without IPv6 must not fail
/// every AAAA. If there is a route to none of them, all stay, and connecting says what is wrong.
pub(super) fn routed(addresses: Vec<IpAddr>, families: Families) -> Vec<IpAddr> {
    // One address alone is probed whatever the routes are.
    if families != Families::Auto || addresses.len() < 2 {
        return addresses;
    }
    let (with, without): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| tcp::has_route(*address));
    if with.is_empty() { without } else { with }
}

/// Hosts asked for at once.
const QUESTIONS: usize = 8;
