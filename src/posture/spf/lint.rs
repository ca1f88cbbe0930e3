//! What is wrong with a record in itself, whoever the client is.

use ipnet::{Ipv4Net, Ipv6Net};

use super::super::{Finding, On, Problem};
use super::SpfResult;
use super::record::{Directive, Mechanism, Place, Record};

/// How a record was come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// By an `include`: its end says nothing about others.
    pub(super) included: bool,
    /// Who passes it passes: no qualifier but `+` was on the way.
    pub(super) passes: bool,
    /// It is the domain's own, or stands below it, or the domain's own record redirects to it: what
    /// is only bad style is somebody else's otherwise.
    pub(super) own: bool,
}

/// What is wrong with the record of `domain`; `answer` is how many bytes the whole answer has.
pub(super) fn findings(record: &Record, domain: &str, way: Way, answer: usize) -> Vec<Finding> {
    let mut found = Vec::new();
    for (place, wrong) in &record.errors {
        found.push(about(Problem::SpfSyntax, place, domain, wrong));
    }
    if way.passes {
        found.extend(everybody(record, domain));
    }
    if !way.included {
        found.extend(end(record, domain));
    }
    for directive in reached(record) {
        if matches!(directive.mechanism, Mechanism::Ptr(_)) {
            let why = "slow, and many verifiers skip it";
            found.push(about(Problem::SpfPtrMechanism, &directive.place, domain, why));
        }
    }
    if way.own {
        found.extend(unreachable(record, domain));
        if answer > MAX_ANSWER {
            let detail = format!("the TXT records of {domain} make an answer of {answer} bytes");
            found.push(finding(Problem::SpfTooLong, detail));
        }
    }
    found
}

/// A finding about the domain as a whole.
pub(super) fn finding(problem: Problem, mut detail: String) -> Finding {
    if detail.len() > MAX_DETAIL {
        // Details are put together from printable ASCII alone, except in a hand-made request.
        let cut = (0..=MAX_DETAIL).rev().find(|at| detail.is_char_boundary(*at));
        detail.truncate(cut.unwrap_or_default());
    }
    Finding { problem, on: On::Domain, detail }
}

/// A finding about a term.
pub(super) fn about(problem: Problem, place: &Place, domain: &str, what: &str) -> Finding {
    let Place { position, text } = place;
    finding(problem, format!("`{text}` (term {position} of {domain}): {what}"))
}

/// What passes everybody.
fn everybody(record: &Record, domain: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut networks4 = Vec::new();
    let mut networks6 = Vec::new();
    for directive in reached(record).filter(|d| d.qualifier == SpfResult::Pass) {
        let wide = match &directive.mechanism {
            Mechanism::All => true,
            Mechanism::A(_, prefixes) | Mechanism::Mx(_, prefixes) => {
                prefixes.v4 < WIDE4 || prefixes.v6 < WIDE6
            }
            Mechanism::Ip4(network) => {
                networks4.push(*network);
                network.prefix_len() < WIDE4
            }
            Mechanism::Ip6(network) => {
                networks6.push(*network);
                network.prefix_len() < WIDE6
            }
            _ => false,
        };
        if wide {
            let what = "strangers pass";
            found.push(about(Problem::SpfPassAll, &directive.place, domain, what));
        }
    }
    if found.is_empty() {
        // Many networks can make a wide one.
        let wide4 = Ipv4Net::aggregate(&networks4).into_iter().find(|n| n.prefix_len() < WIDE4);
        let wide6 = Ipv6Net::aggregate(&networks6).into_iter().find(|n| n.prefix_len() < WIDE6);
        let wide4 = wide4.map(|network| network.to_string());
        for network in wide4.into_iter().chain(wide6.map(|network| network.to_string())) {
            let detail = format!("the networks of {domain} together are {network}: strangers pass");
            found.push(finding(Problem::SpfPassAll, detail));
        }
    }
    found
}

/// What is wrong with what it says of everybody else.
fn end(record: &Record, domain: &str) -> Option<Finding> {
    match record.all() {
        Some(all) if all.qualifier == SpfResult::Neutral => {
            let what = "nothing is said about strangers";
            Some(about(Problem::SpfNeutralAll, &all.place, domain, what))
        }
        // A term that cannot be read may have been meant as the end.
        None if record.redirect.is_none() && record.errors.is_empty() => {
            let detail = format!("the record of {domain} ends without `all`");
            Some(finding(Problem::SpfNoAll, detail))
        }
        _ => None,
    }
}

/// Terms that are never looked at.
fn unreachable(record: &Record, domain: &str) -> Vec<Finding> {
    let problem = Problem::SpfUnreachableTerms;
    let mut found = Vec::new();
    if let Some(all) = record.all() {
        let after = record.directives.iter().filter(|d| d.place.position > all.place.position);
        let mut after = after.map(|directive| &directive.place);
        if let Some(first) = after.next() {
            let count = after.count() + 1;
            let what = format!("stands behind `all`, as {count} in all do");
            let what = if count == 1 { "stands behind `all`" } else { &what };
            found.push(about(problem, first, domain, what));
        }
        if let Some(redirect) = &record.redirect {
            let what = "does nothing beside `all`";
            found.push(about(problem, &redirect.place, domain, what));
        }
    }
    for place in record.mistaken.iter().take(MAX_MISTAKEN) {
        let what = "a modifier that nobody knows; a mechanism is written with `:`";
        found.push(about(problem, place, domain, what));
    }
    found
}

/// The mechanisms up to the first `all`.
fn reached(record: &Record) -> impl Iterator<Item = &Directive> {
    let last = record.all().map_or(usize::MAX, |all| all.place.position);
    record.directives.iter().take_while(move |directive| directive.place.position <= last)
}

/// Prefixes below these hold more than any one network: the largest ever given to one owner is a /8,
/// and all of IPv6 in use is one /3.
const WIDE4: u8 = 8;
const WIDE6: u8 = 16;

/// Bytes of an answer that every resolver takes by UDP (RFC 7208, 3.4).
const MAX_ANSWER: usize = 512;

/// The most misspelt mechanisms that are told of one record.
const MAX_MISTAKEN: usize = 8;

/// The most bytes of a finding's detail.
const MAX_DETAIL: usize = 512;
