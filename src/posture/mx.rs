//! Mail exchangers: their hygiene, and what a sender that insists on verified TLS would do.

mod name;
mod strict;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use self::name::Name;
pub use self::strict::{Strict, strict};
use super::text::word;
use super::tlsa::DaneFacts;
use super::{Answer, Data, Finding, On, Outcome, Problem, Severity};
use crate::target::reach;

/// What was seen of a domain's mail exchangers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MxFacts {
    /// How many MX records there are; none when the DNS did not answer.
    pub records: Option<u32>,
    /// No error was found with them, nor with the hosts that they name; none when the DNS did not
    /// answer.
    pub valid: Option<bool>,
    /// The domain says that it takes no mail (RFC 7505).
    pub null: bool,
    /// There is no MX record: the domain stands for itself.
    pub implicit: bool,
    /// The hosts by preference, each once, at most [`MAX_HOSTS`].
    pub hosts: Vec<MxHost>,
}

/// A mail exchanger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MxHost {
    /// Its name, lower case, without the trailing dot. The value of the label `mx`.
    pub host: Arc<str>,
    /// Its preference; the lowest of several.
    pub preference: u16,
    /// Its addresses; none when the DNS did not answer.
    pub addresses: Option<Vec<IpAddr>>,
    /// It answered with an SMTP greeting; none when it was not visited.
    pub reached: Option<bool>,
    /// It offers STARTTLS.
    pub starttls: Option<bool>,
    /// Its certificate verifies for its name against the roots (PKIX).
    pub pkix: Option<bool>,
    /// The MTA-STS policy names it; none without a policy.
    pub sts_covered: Option<bool>,
    /// DANE.
    pub dane: DaneFacts,
    /// What a sender that heeds MTA-STS and DANE would do.
    pub strict: Option<Strict>,
}

/// What the MX records mean: the hosts to look at, without their addresses. An implicit MX is the
/// domain itself. A name that cannot be asked for is told and left out.
pub fn judge(domain: &str, answer: &Answer, findings: &mut Vec<Finding>) -> MxFacts {
    let mut facts = MxFacts::default();
    if answer.trouble().is_some() {
        if let Some(trouble) = answer.their_trouble() {
            let detail = format!("MX {domain}: {trouble}");
            add(&mut facts, findings, Problem::MxDnsFailure, On::Domain, &detail);
        }
        return facts;
    }
    facts.records = Some(0);
    facts.valid = Some(true);
    if answer.outcome == Outcome::NoName {
        add(&mut facts, findings, Problem::MxMissing, On::Domain, "there is no such domain");
        return facts;
    }
    let mut records: Vec<(u16, &str)> = answer
        .records()
        .iter()
        .filter_map(|data| match data {
            Data::Mx(preference, host) => Some((*preference, host.as_str())),
            _ => None,
        })
        .collect();
    if records.is_empty() {
        facts.implicit = true;
        facts.hosts.push(MxHost { host: domain.into(), ..MxHost::default() });
        return facts;
    }
    facts.records = Some(u32::try_from(records.len()).unwrap_or(u32::MAX));
    let all = records.len();
    records.retain(|(_, host)| !host.trim_end_matches('.').is_empty());
    if let Some((_, other)) = records.first().filter(|_| records.len() < all) {
        let detail = format!("`.` beside {}", word(other.as_bytes()));
        add(&mut facts, findings, Problem::MxNullWithOthers, On::Domain, &detail);
    }
    facts.null = records.is_empty();
    name_hosts(&mut facts, records, findings);
    facts
}

/// The hosts by preference, each once.
fn name_hosts(facts: &mut MxFacts, records: Vec<(u16, &str)>, findings: &mut Vec<Finding>) {
    let mut hosts: BTreeMap<String, u16> = BTreeMap::new();
    for (preference, host) in records {
        let shown = word(host.as_bytes());
        let lower = host.trim_end_matches('.').to_ascii_lowercase();
        let new = !hosts.contains_key(&lower);
        match name::read(&lower) {
            Name::Host => {}
            Name::Literal => {
                add(facts, findings, Problem::MxAddressLiteral, On::Domain, &shown);
                continue;
            }
            Name::Unaskable(why) => {
                let detail = format!("{shown}: {why}");
                add(facts, findings, Problem::MxInvalidName, On::Domain, &detail);
                continue;
            }
            Name::Odd(why) if new => {
                let on = On::Mx(lower.as_str().into());
                add(facts, findings, Problem::MxInvalidName, on, why);
            }
            Name::Odd(_) => {}
        }
        let least = hosts.entry(lower.clone()).or_insert(preference);
        if !new {
            let detail = format!("it stands there with preference {least} and {preference}");
            *least = preference.min(*least);
            add(facts, findings, Problem::MxDuplicate, On::Mx(lower.into()), &detail);
        }
    }
    let mut ordered: Vec<(u16, String)> = hosts.into_iter().map(|(host, p)| (p, host)).collect();
    ordered.sort();
    if ordered.len() > MAX_HOSTS {
        let detail = format!("{} hosts, of which {MAX_HOSTS} are looked at", ordered.len());
        add(facts, findings, Problem::MxTooMany, On::Domain, &detail);
    }
    let host = |(preference, host): (u16, String)| MxHost {
        host: host.into(),
        preference,
        ..MxHost::default()
    };
    facts.hosts = ordered.into_iter().take(MAX_HOSTS).map(host).collect();
}

/// Adds a host's addresses: of its A and AAAA answers.
pub fn judge_addresses(
    facts: &mut MxFacts,
    index: usize,
    ipv4: &Answer,
    ipv6: &Answer,
    findings: &mut Vec<Finding>,
) {
    let Some(name) = facts.hosts.get(index).map(|host| Arc::clone(&host.host)) else { return };
    let on = if facts.implicit { On::Domain } else { On::Mx(Arc::clone(&name)) };
    for (kind, answer) in [("A", ipv4), ("AAAA", ipv6)] {
        if let Some(trouble) = answer.their_trouble() {
            let detail = format!("{kind} {name}: {trouble}");
            add(facts, findings, Problem::MxDnsFailure, on.clone(), &detail);
        }
    }
    let mut addresses: Vec<IpAddr> = Vec::new();
    for data in ipv4.records().iter().chain(ipv6.records()) {
        if let Data::Address(address) = data
            && !addresses.contains(address)
            && addresses.len() < MAX_ADDRESSES
        {
            addresses.push(*address);
        }
    }
    let told = ipv4.trouble().is_none() && ipv6.trouble().is_none();
    match (addresses.is_empty(), facts.implicit) {
        (true, _) if !told => return,
        (true, true) => {
            let detail = "neither an MX record nor an address";
            add(facts, findings, Problem::MxMissing, on, detail);
        }
        (true, false) => {
            add(facts, findings, Problem::MxNoAddress, on, "neither A nor AAAA");
        }
        (false, true) => {
            let detail = format!("senders go to {}", list(&addresses));
            add(facts, findings, Problem::MxImplicit, On::Domain, &detail);
            inside(facts, &addresses, &on, findings);
        }
        (false, false) => {
            let end = ipv4.canonical.as_deref().or(ipv6.canonical.as_deref());
            if let Some(end) = end.filter(|end| !end.eq_ignore_ascii_case(&name)) {
                let detail = format!("an alias of {}", word(end.as_bytes()));
                add(facts, findings, Problem::MxAlias, on.clone(), &detail);
            }
            inside(facts, &addresses, &on, findings);
        }
    }
    if let Some(host) = facts.hosts.get_mut(index) {
        host.addresses = Some(addresses);
    }
}

/// Addresses that no sender out there can reach. A name below `.test` nobody out there can look up
/// (RFC 6761, 6.2), so that its addresses are right wherever they lead.
fn inside(facts: &mut MxFacts, addresses: &[IpAddr], on: &On, findings: &mut Vec<Finding>) {
    let cannot_be_reached = |address: &&IpAddr| {
        reach::is_inside(**address)
            || reach::is_never_a_host(**address)
            || reach::is_documentation(**address)
    };
    let wrong: Vec<IpAddr> = addresses.iter().filter(cannot_be_reached).copied().collect();
    let of_a_laboratory = matches!(on, On::Mx(host) if host.ends_with(".test"));
    if !wrong.is_empty() && !of_a_laboratory {
        let problem = Problem::MxPrivateAddress;
        add(facts, findings, problem, on.clone(), &list(&wrong));
    }
}

/// Ends the judgement: hosts with one address, hosts without TLS, `strict`, hosts that a strict sender
/// refuses, and `valid`.
pub fn conclude(facts: &mut MxFacts, enforced: bool, findings: &mut Vec<Finding>) {
    let mut first: BTreeMap<IpAddr, Arc<str>> = BTreeMap::new();
    let mut found: Vec<(Problem, On, String)> = Vec::new();
    for host in &mut facts.hosts {
        let on = || On::Mx(Arc::clone(&host.host));
        let mut twice = None;
        for address in host.addresses.iter().flatten() {
            match first.get(address) {
                Some(other) if twice.is_none() => {
                    twice = Some(format!("{address} is also {other}'s"));
                }
                Some(_) => {}
                None => {
                    first.insert(*address, Arc::clone(&host.host));
                }
            }
        }
        if let Some(detail) = twice {
            found.push((Problem::MxDuplicate, on(), detail));
        }
        if host.starttls == Some(false) {
            found.push((Problem::MxNoTls, on(), "STARTTLS is not offered".to_owned()));
        }
        let strict = strict(host, enforced);
        if let Some(strict) = strict.filter(|strict| !strict.delivers()) {
            let detail = strict::why(host, strict).to_owned();
            found.push((Problem::MxStrictRefused, on(), detail));
        }
        host.strict = strict;
    }
    for (problem, on, detail) in found {
        add(facts, findings, problem, on, &detail);
    }
}

/// Adds a finding; an error spoils the whole.
fn add(facts: &mut MxFacts, findings: &mut Vec<Finding>, problem: Problem, on: On, detail: &str) {
    if problem.severity() == Severity::Error {
        facts.valid = facts.valid.map(|_| false);
    }
    findings.push(Finding::new(problem, on, detail));
}

fn list(addresses: &[IpAddr]) -> String {
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    shown.join(", ")
}

/// The most hosts that are looked at.
pub const MAX_HOSTS: usize = 32;
/// The most addresses of one host that are kept.
pub const MAX_ADDRESSES: usize = 64;

#[cfg(test)]
mod tests;
