//! The questions of an evaluation, and what their answers say of the client.
//!
//! # Which questions count as void
//!
//! RFC 7208, 4.6.4, limits the terms whose questions have no answer. A term counts once, by its own
//! question: the hosts of an `mx` that have no address of the client's family do not count, and
//! neither does what an explanation or the macro `p` asks for. On a walk a name counts when it has
//! addresses of neither family.

use std::net::IpAddr;

use ipnet::{Ipv4Net, Ipv6Net};

use super::super::{Answer, Data, Kind, Problem, Question, Trouble};
use super::evaluate::Known;
use super::lint::{about, finding};
use super::record::{Place, Prefixes};
use super::run::{Run, Stop};
use super::text;
use super::values::reverse_name;

impl<'a> Run<'a> {
    /// The answer; none when there is none, which a walk goes on after.
    pub(super) fn ask(&mut self, name: &str, kind: Kind) -> Result<Option<&'a Known>, Stop> {
        let question = Question::new(name, kind);
        let trouble = match self.known.get(&question) {
            Some(known) => match known.answer.trouble() {
                None => return Ok(Some(known)),
                Some(trouble) => trouble,
            },
            None if self.full => Trouble::Ours,
            None => return Err(Stop::Ask(question)),
        };
        let detail = format!("{kind} {name}: {trouble}");
        self.find(finding(Problem::SpfDnsFailure, detail));
        if self.client.is_some() {
            return Err(Stop::Temperror);
        }
        self.unanswered = true;
        Ok(None)
    }

    /// The answer; none when there is none, which changes nothing.
    pub(super) fn ask_quietly(&self, name: &str, kind: Kind) -> Result<Option<&'a Known>, Stop> {
        let question = Question::new(name, kind);
        match self.known.get(&question) {
            Some(known) => Ok(Some(known).filter(|known| known.answer.trouble().is_none())),
            None if self.full => Ok(None),
            None => Err(Stop::Ask(question)),
        }
    }

    /// Whether the client is one of a name's addresses, or in a network of one (5.3).
    pub(super) fn has_address(&mut self, name: &str, prefixes: Prefixes) -> Result<bool, Stop> {
        let Some(client) = self.client else {
            for kind in [Kind::A, Kind::Aaaa] {
                match self.ask(name, kind)? {
                    Some(known) if known.answer.records().is_empty() => {}
                    _ => return Ok(false),
                }
            }
            self.void()?;
            return Ok(false);
        };
        let Some(known) = self.ask(name, family(client))? else { return Ok(false) };
        if known.answer.records().is_empty() {
            self.void()?;
        }
        Ok(addresses(&known.answer).any(|address| is_near(client, address, prefixes)))
    }

    /// Whether the client is a mail exchanger of a name, or in a network of one (5.4).
    pub(super) fn has_exchanger(
        &mut self,
        name: &str,
        prefixes: Prefixes,
        place: &Place,
        domain: &str,
    ) -> Result<bool, Stop> {
        let Some(known) = self.ask(name, Kind::Mx)? else { return Ok(false) };
        let hosts: Vec<&str> = exchangers(&known.answer).collect();
        if hosts.is_empty() {
            self.void()?;
        }
        if hosts.len() > MAX_NAMES {
            let what = format!("{name} has {} mail exchangers; {MAX_NAMES} may be", hosts.len());
            self.find(about(Problem::SpfTooManyNames, place, domain, &what));
            self.fault()?;
        }
        let Some(client) = self.client else { return Ok(false) };
        for host in hosts.into_iter().filter_map(text::name) {
            if let Some(known) = self.ask(&host, family(client))?
                && addresses(&known.answer).any(|address| is_near(client, address, prefixes))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a name has an IPv4 address, of whatever family the client is (5.7).
    pub(super) fn exists(&mut self, name: &str) -> Result<bool, Stop> {
        let Some(known) = self.ask(name, Kind::A)? else { return Ok(false) };
        if known.answer.records().is_empty() {
            self.void()?;
        }
        Ok(addresses(&known.answer).next().is_some())
    }

    /// Whether a validated name of the client is `parent` or stands below it (5.5). Trouble is no
    /// match.
    pub(super) fn is_named(&mut self, parent: &str) -> Result<bool, Stop> {
        let Some(client) = self.client else { return Ok(false) };
        let Some(known) = self.ask_quietly(&reverse_name(client), Kind::Ptr)? else {
            return Ok(false);
        };
        let names = names(&known.answer);
        if known.answer.records().is_empty() {
            self.void()?;
        }
        if names.len() > MAX_NAMES {
            let what = format!(
                "{client} has {} reverse names, and only {MAX_NAMES} are looked at",
                names.len()
            );
            self.find(finding(Problem::SpfTooManyNames, what));
        }
        for name in names.iter().take(MAX_NAMES).filter_map(|name| text::name(name)) {
            if text::is_within(&name, parent) && self.leads_back(&name, client)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The macro `p` (7.3): the client's validated name, `domain` itself or one below it when there
    /// is one, and `unknown` without any.
    pub(super) fn validated(&self, domain: &str) -> Result<String, Stop> {
        let unknown = || Ok("unknown".to_owned());
        let Some(client) = self.client else { return unknown() };
        let Some(known) = self.ask_quietly(&reverse_name(client), Kind::Ptr)? else {
            return unknown();
        };
        let names = names(&known.answer);
        let mut names: Vec<String> =
            names.iter().take(MAX_NAMES).filter_map(|name| text::name(name)).collect();
        names.sort_by_key(|name| match name {
            name if name == domain => 0,
            name if text::is_within(name, domain) => 1,
            _ => 2,
        });
        for name in names {
            if self.leads_back(&name, client)? {
                return Ok(name);
            }
        }
        unknown()
    }

    /// Whether a reverse name has the client's address. Trouble skips the name.
    fn leads_back(&self, name: &str, client: IpAddr) -> Result<bool, Stop> {
        let known = self.ask_quietly(name, family(client))?;
        Ok(known.is_some_and(|known| addresses(&known.answer).any(|address| address == client)))
    }
}

fn family(client: IpAddr) -> Kind {
    if client.is_ipv4() { Kind::A } else { Kind::Aaaa }
}

fn addresses(answer: &Answer) -> impl Iterator<Item = IpAddr> {
    answer.records().iter().filter_map(|data| match data {
        Data::Address(address) => Some(*address),
        _ => None,
    })
}

fn exchangers(answer: &Answer) -> impl Iterator<Item = &str> {
    answer.records().iter().filter_map(|data| match data {
        Data::Mx(_, host) => Some(host.as_str()),
        _ => None,
    })
}

fn names(answer: &Answer) -> Vec<&str> {
    let records = answer.records().iter();
    records
        .filter_map(|data| match data {
            Data::Name(name) => Some(name.as_str()),
            _ => None,
        })
        .collect()
}

/// Whether an address begins as the client does, as far as the prefix says.
fn is_near(client: IpAddr, address: IpAddr, prefixes: Prefixes) -> bool {
    match (client, address) {
        (IpAddr::V4(client), IpAddr::V4(address)) => {
            Ipv4Net::new(address, prefixes.v4).is_ok_and(|network| network.contains(&client))
        }
        (IpAddr::V6(client), IpAddr::V6(address)) => {
            Ipv6Net::new(address, prefixes.v6).is_ok_and(|network| network.contains(&client))
        }
        _ => false,
    }
}

/// Names behind one `mx`, and behind the client's address, that are looked at (4.6.4).
const MAX_NAMES: usize = 10;
