//! Sending addresses: reverse names that lead back, and the name said in EHLO.

mod generic;

use std::fmt::Write as _;
use std::net::IpAddr;

pub use self::generic::{Shape, generic};
use super::text::word;
use super::{Answer, Data, Finding, Kind, On, Problem, Question};

/// What was seen of a sending address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderFacts {
    /// The address.
    pub address: IpAddr,
    /// It has a reverse name; none when the DNS did not answer.
    pub present: Option<bool>,
    /// The reverse names, printable, at most [`MAX_NAMES`].
    pub names: Vec<String>,
    /// One of them leads back to the address (FCrDNS).
    pub confirmed: Option<bool>,
    /// The EHLO name is one of them; none when none is configured.
    pub helo_matches: Option<bool>,
    /// The EHLO name leads to the address.
    pub helo_confirmed: Option<bool>,
    /// The names look like those of a dial-up line.
    pub generic: Option<bool>,
}

/// The question for reverse names (RFC 1035, 3.5; RFC 3596, 2.5). An IPv4-mapped address is the IPv4
/// address that it stands for.
pub fn question(address: IpAddr) -> Question {
    let mut name = String::with_capacity(72);
    let written = match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            write!(name, "{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address
                .octets()
                .into_iter()
                .rev()
                .try_for_each(|octet| write!(name, "{:x}.{:x}.", octet & 0xf, octet >> 4));
            nibbles.and_then(|()| write!(name, "ip6.arpa"))
        }
    };
    // A text can always be written to.
    debug_assert!(written.is_ok());
    Question::new(name, Kind::Ptr)
}

/// What the reverse names mean. `forward` holds the answers for the address type of `address` of
/// each name, in order, and `helo` the configured EHLO name with its answer. An EHLO name that is an
/// address in brackets is compared with the address, and needs no answer.
pub fn judge(
    address: IpAddr,
    reverse: &Answer,
    forward: &[(String, Answer)],
    helo: Option<(&str, &Answer)>,
    findings: &mut Vec<Finding>,
) -> SenderFacts {
    let mut facts = SenderFacts {
        address,
        present: None,
        names: Vec::new(),
        confirmed: None,
        helo_matches: None,
        helo_confirmed: None,
        generic: None,
    };
    let mut find = |problem, detail: &str| {
        findings.push(Finding::new(problem, On::Address(address), detail));
    };
    let names = names(reverse);
    if reverse.trouble().is_none() {
        facts.present = Some(!names.is_empty());
        facts.names = names.iter().take(MAX_NAMES).map(|name| word(name.as_bytes())).collect();
        if names.is_empty() {
            facts.confirmed = Some(false);
            find(Problem::PtrMissing, &format!("no name at {}", question(address).name));
        } else {
            confirm(&mut facts, &names, forward, &mut find);
            looks(&mut facts, &names, &mut find);
        }
        if names.len() > MAX_NAMES {
            find(Problem::PtrTooMany, &format!("{} names", names.len()));
        }
    } else if let Some(trouble) = reverse.their_trouble() {
        find(Problem::PtrDnsFailure, &format!("PTR {}: {trouble}", question(address).name));
    }
    if let Some((helo, answer)) = helo {
        judge_helo(&mut facts, helo, answer, &names, &mut find);
    }
    facts
}

/// The reverse names without the trailing dot, each once.
fn names(reverse: &Answer) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for data in reverse.records() {
        if let Data::Name(name) = data {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            if !names.contains(&name) && names.len() < MOST {
                names.push(name);
            }
        }
    }
    names
}

/// Whether one of the names leads back (FCrDNS). One that does is enough; one that could not be asked
/// for may have.
fn confirm(
    facts: &mut SenderFacts,
    names: &[String],
    forward: &[(String, Answer)],
    find: &mut impl FnMut(Problem, &str),
) {
    if forward.iter().any(|(_, answer)| holds(answer, facts.address)) {
        facts.confirmed = Some(true);
        return;
    }
    let mut told = forward.len() >= names.len().min(MAX_NAMES);
    for (name, answer) in forward {
        told &= answer.trouble().is_none();
        if let Some(trouble) = answer.their_trouble() {
            let detail = format!("{} {}: {trouble}", kind(facts.address), word(name.as_bytes()));
            find(Problem::PtrDnsFailure, &detail);
        }
    }
    if told {
        facts.confirmed = Some(false);
        let ends: Vec<String> = forward
            .iter()
            .map(|(name, answer)| format!("{} leads to {}", word(name.as_bytes()), ends(answer)))
            .collect();
        find(Problem::PtrNotConfirmed, &ends.join("; "));
    }
}

/// Whether the names look made by a machine: all of them, since one good name is a name.
fn looks(facts: &mut SenderFacts, names: &[String], find: &mut impl FnMut(Problem, &str)) {
    let shapes: Option<Vec<Shape>> =
        names.iter().map(|name| generic(name, facts.address)).collect();
    facts.generic = Some(shapes.is_some());
    if let (Some(shapes), Some(name)) = (shapes, names.first())
        && let Some(shape) = shapes.first()
    {
        find(Problem::PtrGeneric, &format!("{}: {}", word(name.as_bytes()), shape.why()));
    }
}

fn judge_helo(
    facts: &mut SenderFacts,
    helo: &str,
    answer: &Answer,
    names: &[String],
    find: &mut impl FnMut(Problem, &str),
) {
    let shown = word(helo.as_bytes());
    if let Some(literal) = literal(helo) {
        let confirmed = literal == facts.address.to_canonical();
        facts.helo_confirmed = Some(confirmed);
        if !confirmed {
            find(Problem::PtrHeloNotConfirmed, &format!("{shown} is another address"));
        }
        return;
    }
    let helo = helo.trim_end_matches('.');
    if facts.present == Some(true) {
        let matches = names.iter().any(|name| name.eq_ignore_ascii_case(helo));
        facts.helo_matches = Some(matches);
        if !matches {
            let detail = format!("{shown}, and the reverse name is {}", facts.names.join(", "));
            find(Problem::PtrHeloMismatch, &detail);
        }
    } else {
        facts.helo_matches = facts.present;
    }
    if answer.trouble().is_some() {
        if let Some(trouble) = answer.their_trouble() {
            find(Problem::PtrDnsFailure, &format!("{} {shown}: {trouble}", kind(facts.address)));
        }
        return;
    }
    let confirmed = holds(answer, facts.address);
    facts.helo_confirmed = Some(confirmed);
    if !confirmed {
        let detail = format!("{shown} leads to {}", ends(answer));
        find(Problem::PtrHeloNotConfirmed, &detail);
    }
}

/// The address of `[192.0.2.1]` and `[IPv6:2001:db8::1]` (RFC 5321, 4.1.3).
fn literal(helo: &str) -> Option<IpAddr> {
    let inner = helo.strip_prefix('[')?.strip_suffix(']')?;
    let six = inner.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    let inner = if six { inner.get(5..)? } else { inner };
    inner.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn holds(answer: &Answer, address: IpAddr) -> bool {
    let same = |data: &Data| matches!(data, Data::Address(found) if found.to_canonical() == address.to_canonical());
    answer.records().iter().any(same)
}

/// Where a name leads, for a person.
fn ends(answer: &Answer) -> String {
    let addresses = answer.records().iter().filter_map(|data| match data {
        Data::Address(address) => Some(address.to_string()),
        _ => None,
    });
    let shown: Vec<String> = addresses.take(8).collect();
    if shown.is_empty() { "no address of the kind".to_owned() } else { shown.join(", ") }
}

fn kind(address: IpAddr) -> Kind {
    if address.to_canonical().is_ipv4() { Kind::A } else { Kind::Aaaa }
}

/// The most reverse names that are followed.
pub const MAX_NAMES: usize = 10;
/// The most reverse names that are counted.
const MOST: usize = 1000;

#[cfg(test)]
mod tests;
