//! Whether servers that stand for one another offer the same: a node that was left out when a
//! certificate was renewed, a port that a reload did not reach, a setting on one of three exchangers.
//!
//! # What is compared with what
//!
//! Across **endpoints** are the addresses that one module probes. Across **ports** are the ports that
//! the target's modules probe, each address with itself alone, so that a node that differs as a whole
//! is not told twice.
//!
//! **Certificates** are comparable when the same name was asked for, or when they are made out to the
//! same names, and their keys are of one type. Exchangers with certificates of their own are no skew,
//! nor is a server that holds an RSA and an ECDSA certificate.
//!
//! **Capabilities** are comparable on one channel (in clear or inside TLS), from one source address,
//! and across endpoints between addresses of one host or exchangers of one preference: senders take
//! any of those (RFC 5321, 5.1), while a backup may be other software. Across ports only what a
//! message may be is compared: AUTH, STARTTLS and extensions for clients differ by design. The two
//! ports of submission (587 and 465, RFC 8314) are to offer all the same but for STARTTLS.
//!
//! **At one time**: two facts differ only when probes saw both of them hold at one moment, so that a
//! change everywhere, which one probe sees before the other, is none. A fact that was not seen for
//! [`STALE_ROUNDS`] intervals does not count.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::standing::{KeyKind, Lasting, Leaf, Offer, Standing, Words};
use crate::smtp::{Keyword, Mechanism};
use crate::target::Endpoint;

/// One result of comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skew {
    /// What was compared.
    pub what: Compared,
    /// What with what.
    pub across: Across,
    /// Two that differ, when some do.
    pub difference: Option<Difference>,
    /// For certificates, how far the ends of comparable ones lie apart; zero when none differ.
    pub spread: Duration,
    /// When too little of it is fresh.
    pub until: SystemTime,
}

closed_enum! {
    /// What is compared.
    pub enum Compared {
        /// The server's own certificate.
        Certificate => "certificate",
        /// What EHLO offers.
        Capability => "capability",
    }
}

closed_enum! {
    /// What is compared with what.
    pub enum Across {
        /// The addresses that one module probes.
        Endpoints => "endpoints",
        /// The ports that the target's modules probe, at one address.
        Ports => "ports",
    }
}

/// Two endpoints that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// One of them.
    pub one: Witness,
    /// The other.
    pub other: Witness,
}

/// One of two that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The module that probes it.
    pub module: Arc<str>,
    /// Which it is.
    pub endpoint: Endpoint,
    /// What it has and the other has not.
    pub has: Has,
}

/// What one endpoint has and another has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Has {
    /// A certificate.
    Certificate(Leaf),
    /// Capabilities.
    Offer {
        /// Inside TLS, not in clear.
        inside_tls: bool,
        /// Keywords that the other lacks.
        keywords: Vec<Keyword>,
        /// Mechanisms that the other lacks.
        mechanisms: Vec<Mechanism>,
    },
}

/// One endpoint of a target, as one of its modules last saw it.
#[derive(Debug, Clone)]
pub struct Member {
    /// The module.
    pub module: Arc<str>,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The name that a certificate is asked for.
    pub asked: Arc<str>,
    /// What was seen.
    pub standing: Standing,
    /// How often it is probed.
    pub interval: Duration,
}

/// Compares all endpoints of one target at the moment `now`. What has no two comparable facts is not
/// in the result; what is in it is in the order of [`Compared::ALL`] and [`Across::ALL`].
pub fn judge(members: &[Member], now: SystemTime) -> Vec<Skew> {
    let mut found = Vec::new();
    for across in Across::ALL {
        found.extend(certificates(members, *across, now));
    }
    for across in Across::ALL {
        found.extend(capabilities(members, *across, now));
    }
    found
}

/// A fact that takes part in a comparison.
#[derive(Clone, Copy)]
struct Fact<'a, T> {
    of: &'a Member,
    seen: Lasting<T>,
    inside_tls: bool,
    until: SystemTime,
}

/// Facts that are comparable, by what makes them so.
type Groups<'a, K, T> = BTreeMap<K, Vec<Fact<'a, T>>>;

/// Of one group, or of several.
struct Outcome<'a, T> {
    equal_until: Option<SystemTime>,
    differing: Option<(Fact<'a, T>, Fact<'a, T>)>,
}

fn certificates(members: &[Member], across: Across, now: SystemTime) -> Option<Skew> {
    /// By the name that was asked for, or by all names.
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum By<'a> {
        Asked(&'a str),
        Names(u64),
    }
    let mut groups: Groups<'_, (By<'_>, KeyKind, Side<'_>), Leaf> = BTreeMap::new();
    for member in members {
        let Some(fact) = fresh(member, member.standing.leaf, false, now) else { continue };
        let leaf = fact.seen.value;
        let by = [Some(By::Asked(&member.asked)), leaf.names.map(By::Names)];
        for by in by.into_iter().flatten() {
            let key = (by, leaf.key, side(member, across));
            groups.entry(key).or_default().push(fact);
        }
    }
    let outcome = compare(&mut groups, |one, other| {
        apart(across, one, other)
            .then_some(one.seen.value.fingerprint == other.seen.value.fingerprint)
    });
    let spread = match outcome.differing {
        None => Duration::ZERO,
        Some(_) => groups.values().map(|group| spread(group)).max().unwrap_or_default(),
    };
    outcome.skew(Compared::Certificate, across, spread, |one, _| Has::Certificate(one.seen.value))
}

fn capabilities(members: &[Member], across: Across, now: SystemTime) -> Option<Skew> {
    /// Whom senders may take for another.
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Pool<'a> {
        Preference(u16),
        Host(&'a str),
        Same,
    }
    let mut groups: Groups<'_, (bool, Pool<'_>, Side<'_>, Option<IpAddr>), Offer> = BTreeMap::new();
    for member in members {
        let channels = [(false, member.standing.plain), (true, member.standing.inside_tls)];
        for (inside_tls, seen) in channels {
            let Some(fact) = fresh(member, seen, inside_tls, now) else { continue };
            let endpoint = &member.endpoint;
            let pool = match (across, endpoint.mx_preference) {
                (Across::Ports, _) => Pool::Same,
                (Across::Endpoints, Some(preference)) => Pool::Preference(preference),
                (Across::Endpoints, None) => Pool::Host(&endpoint.host),
            };
            let key = (inside_tls, pool, side(member, across), endpoint.source);
            groups.entry(key).or_default().push(fact);
        }
    }
    let bound = |one: &Fact<'_, Offer>, other: &Fact<'_, Offer>| {
        let mut offers = [one.seen.value, other.seen.value];
        if across == Across::Ports {
            let ports = [one.of.endpoint.port, other.of.endpoint.port];
            offers = offers.map(|offer| by_design(offer, ports));
        }
        offers
    };
    let outcome = compare(&mut groups, |one, other| {
        let [a, b] = bound(one, other);
        apart(across, one, other).then_some(a == b)
    });
    outcome.skew(Compared::Capability, across, Duration::ZERO, |one, other| {
        let [a, b] = bound(one, other);
        let only = a.without(b);
        Has::Offer {
            inside_tls: one.inside_tls,
            keywords: only.keywords.iter().collect(),
            mechanisms: only.mechanisms.iter().collect(),
        }
    })
}

/// Whose facts are compared: those of one module, or those of one address.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Side<'a> {
    Module(&'a str),
    Address(Option<IpAddr>, Option<IpAddr>),
}

fn side(member: &Member, across: Across) -> Side<'_> {
    match across {
        Across::Endpoints => Side::Module(&member.module),
        Across::Ports => Side::Address(member.endpoint.address, member.endpoint.source),
    }
}

/// Two modules on one port see the same server.
fn apart<T>(across: Across, one: &Fact<'_, T>, other: &Fact<'_, T>) -> bool {
    across == Across::Endpoints || one.of.endpoint.port != other.of.endpoint.port
}

/// What two ports should have in common.
fn by_design(offer: Offer, ports: [u16; 2]) -> Offer {
    if ports.iter().all(|port| SUBMISSION.contains(port)) {
        let starttls = Words::of(&[Keyword::Starttls]);
        Offer { keywords: offer.keywords.without(starttls), ..offer }
    } else {
        let keywords = offer.keywords.and(Words::of(OF_MESSAGES));
        Offer { keywords, mechanisms: Words::default() }
    }
}

fn fresh<T>(
    of: &Member,
    seen: Option<Lasting<T>>,
    inside_tls: bool,
    now: SystemTime,
) -> Option<Fact<'_, T>> {
    let seen = seen?;
    let until = seen.last + of.interval.saturating_mul(STALE_ROUNDS);
    (until >= now).then_some(Fact { of, seen, inside_tls, until })
}

/// Compares within each group. `same` tells of two facts whether they are equal; none when they are
/// not to be compared.
fn compare<'a, K: Ord, T: Copy + PartialEq>(
    groups: &mut Groups<'a, K, T>,
    same: impl Fn(&Fact<'a, T>, &Fact<'a, T>) -> Option<bool>,
) -> Outcome<'a, T> {
    let mut outcome = Outcome { equal_until: None, differing: None };
    for group in groups.values_mut() {
        // The freshest first, so that what is found lasts longest.
        group.sort_by_key(|fact| std::cmp::Reverse(fact.until));
        let alike = group.windows(2).all(|pair| match pair {
            [one, other] => same(one, other) == Some(true),
            _ => true,
        });
        for (index, one) in group.iter().enumerate() {
            for other in group.iter().skip(index + 1) {
                match same(one, other) {
                    Some(true) => {
                        outcome.equal_until = outcome.equal_until.max(Some(other.until));
                    }
                    Some(false)
                        if outcome.differing.is_none() && one.seen.overlaps(&other.seen) =>
                    {
                        outcome.differing = Some((*one, *other));
                    }
                    _ => {}
                }
            }
            // Where each is as the next one, the first pair has said it all.
            if alike {
                break;
            }
        }
    }
    outcome
}

impl<T> Outcome<'_, T> {
    fn skew(
        self,
        what: Compared,
        across: Across,
        spread: Duration,
        has: impl Fn(&Fact<'_, T>, &Fact<'_, T>) -> Has,
    ) -> Option<Skew> {
        let witness = |one: &Fact<'_, T>, other: &Fact<'_, T>| Witness {
            module: one.of.module.clone(),
            endpoint: one.of.endpoint.clone(),
            has: has(one, other),
        };
        let (until, difference) = match self.differing {
            None => (self.equal_until?, None),
            Some((one, other)) => {
                let both = Difference { one: witness(&one, &other), other: witness(&other, &one) };
                (one.until.min(other.until), Some(both))
            }
        };
        Some(Skew { what, across, difference, spread, until })
    }
}

/// From the first end to the last of a group.
fn spread(group: &[Fact<'_, Leaf>]) -> Duration {
    let ends = || group.iter().map(|fact| fact.seen.value.not_after);
    let (Some(first), Some(last)) = (ends().min(), ends().max()) else { return Duration::ZERO };
    Duration::from_secs(last.abs_diff(first))
}

/// Intervals after which a fact that was not seen again does not count any more.
pub const STALE_ROUNDS: u32 = 3;

/// The ports of submission (RFC 6409, RFC 8314).
const SUBMISSION: [u16; 2] = [587, 465];

/// Extensions that say what a message may be, which is the same wherever a server takes it.
const OF_MESSAGES: &[Keyword] = &[
    Keyword::EightBitMime,
    Keyword::BinaryMime,
    Keyword::Chunking,
    Keyword::Dsn,
    Keyword::EnhancedStatusCodes,
    Keyword::Pipelining,
    Keyword::Size,
    Keyword::SmtpUtf8,
];

#[cfg(test)]
mod tests;
