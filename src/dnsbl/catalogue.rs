//! The lists that operators use, as data, and the dead ones that must not be asked any more.
//!
//! An entry says which names a list takes, how its return codes read, which of them are refusals,
//! who runs it, on what terms it may be asked, and where all that is written. No list is asked
//! because it stands here: each has terms of use, so the configuration names those that are wanted.
//!
//! # Why dead lists are kept
//!
//! A list that ended is not harmless: some answer every question with a listing to be rid of the
//! questions, and the domains of others were sold and answer with a web server's address. Their zones
//! live on in examples, so they are refused by name, with the reason.

mod addresses;
mod allow;
mod dead;
mod domains;
mod keyed;
mod large;
mod small;
mod spamhaus;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::{Codes, Kind, List, Operator, Refusal, SubjectKind, Zone};
pub use dead::Dead;

closed_enum! {
    /// On what terms a list may be asked.
    pub enum Terms {
        /// By everybody, within reason.
        Free => "free",
        /// By those who do not earn money with it, up to a number of questions.
        NonCommercial => "non_commercial",
        /// After registering, without paying.
        Registration => "registration",
        /// By subscribers.
        Paid => "paid",
    }
}

/// What the catalogue knows of a zone.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A list that answers.
    Live(List),
    /// A list that must not be asked.
    Dead(&'static Dead),
    /// A zone that is asked with a key in front of it, written without a key or with the key in the
    /// open: it belongs into a file and is made by [`List::keyed`].
    Keyed(&'static Entry),
    /// Not in the catalogue: [`List::custom`] takes it.
    Unknown,
}

/// One list as data.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// The zone, which is the list's name as well; for a keyed one what stands behind the key.
    pub zone: &'static str,
    /// Whether questions are asked with a key.
    pub access: Access,
    /// What a listing means.
    pub kind: Kind,
    /// What it can be asked for, the kind that it is mostly used for first.
    pub subjects: &'static [SubjectKind],
    /// Who runs it.
    pub house: &'static House,
    /// On what terms it may be asked.
    pub terms: Terms,
    /// Where a listing is looked up and removed.
    pub delisting: Option<&'static str>,
    /// The page that documents it.
    pub source: &'static str,
    reading: Reading,
    others: &'static [Span],
    refusals: &'static [Span],
    test: Test,
}

/// Who runs lists.
#[derive(Debug, PartialEq)]
pub struct House {
    /// A short name.
    pub name: &'static str,
    /// The least time between two questions to all of its lists, in milliseconds.
    pub min_gap: u64,
    /// The terms of use in a few words.
    pub conditions: &'static str,
    terms: Terms,
    delisting: Option<&'static str>,
    source: &'static str,
}

closed_enum! {
    /// Whether questions are asked with a key.
    pub enum Access {
        /// Without one.
        Public => "public",
        /// With one as the first label.
        Keyed => "keyed",
        /// Either way.
        Either => "either",
    }
}

/// The catalogue's own form of [`Codes`].
#[derive(Debug, PartialEq)]
enum Reading {
    Any,
    Spans(&'static [Span]),
    Bits(&'static [(u8, &'static str)]),
}

/// Codes from one address to another, and what they mean.
#[derive(Debug, PartialEq)]
struct Span {
    first: Ipv4Addr,
    last: Ipv4Addr,
    text: &'static str,
}

/// Which test points there are.
#[derive(Debug, PartialEq)]
enum Test {
    /// Those of RFC 5782.
    Rfc,
    /// The same, with another domain instead of `TEST`.
    Domain(&'static str),
    /// None, or some that cannot be told from listings.
    None,
}

/// The list of the catalogue with this zone, in whatever case and with or without the trailing dot. A
/// zone below a dead list's is as dead.
pub fn find(zone: &str) -> Found {
    let zone = zone.strip_suffix('.').unwrap_or(zone).to_ascii_lowercase();
    if let Some(entry) = entries().find(|entry| entry.zone == zone) {
        return match entry.access {
            Access::Keyed => Found::Keyed(entry),
            Access::Public | Access::Either => Found::Live(entry.list()),
        };
    }
    if let Some(entry) = template(&zone) {
        return Found::Keyed(entry);
    }
    dead::ALL.iter().find(|dead| is_below(&zone, dead.zone)).map_or(Found::Unknown, Found::Dead)
}

/// Every list, in groups of their kind and renown.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    [
        spamhaus::LISTS,
        large::LISTS,
        addresses::LISTS,
        small::LISTS,
        domains::LISTS,
        keyed::LISTS,
        allow::LISTS,
    ]
    .into_iter()
    .flatten()
}

/// Every list that must not be asked any more.
pub fn dead() -> &'static [Dead] {
    dead::ALL
}

/// What the catalogue says of a list of the configuration, whether it is asked with a key or not.
pub fn entry_of(list: &List) -> Option<&'static Entry> {
    match &list.zone {
        Zone::Public(zone) => entries().find(|entry| entry.zone == &**zone),
        keyed @ Zone::Keyed(_) => template(keyed.expose()),
    }
}

/// The keyed list of which `zone`, in lower case, is the zone with a key in front.
pub(super) fn template(zone: &str) -> Option<&'static Entry> {
    entries().find(|entry| {
        entry.access != Access::Public && zone != entry.zone && is_below(zone, entry.zone)
    })
}

/// The list that is asked without a key and has `zone`, in lower case, below it.
pub fn parent(zone: &str) -> Option<&'static Entry> {
    entries().find(|entry| {
        entry.access == Access::Public && zone != entry.zone && is_below(zone, entry.zone)
    })
}

/// The tables of the reference: the lists, and the dead ones.
pub fn markdown() -> String {
    let mut text = String::from(
        "| list | operator | kind | subjects | terms | look-up and removal |\n|---|---|---|---|---|---|\n",
    );
    for entry in entries() {
        let key = match entry.access {
            Access::Public => "",
            Access::Keyed => "KEY.",
            Access::Either => "[KEY.]",
        };
        let subjects: Vec<&str> = entry.subjects.iter().map(|kind| kind.as_str()).collect();
        let delisting = entry.delisting.map_or_else(|| "–".to_owned(), |page| format!("<{page}>"));
        text.push_str(&format!(
            "| [`{key}{}`]({}) | {} | {} | {} | {}: {} | {delisting} |\n",
            entry.zone,
            entry.source,
            entry.house.name,
            entry.kind,
            subjects.join(" "),
            entry.terms,
            entry.house.conditions,
        ));
    }
    text.push_str("\n| dead list | since | why it is not asked | instead |\n|---|---|---|---|\n");
    for dead in dead::ALL {
        let instead = dead.instead.map_or_else(|| "–".to_owned(), |zone| format!("`{zone}`"));
        text.push_str(&format!(
            "| `{}` | {} | {} | {instead} |\n",
            dead.zone, dead.since, dead.why
        ));
    }
    text
}

impl Entry {
    /// The list as it is asked without a key.
    pub fn list(&self) -> List {
        let spans = |spans: &[Span]| -> Vec<(Ipv4Addr, Ipv4Addr, Arc<str>)> {
            spans.iter().map(|span| (span.first, span.last, Arc::from(span.text))).collect()
        };
        List {
            name: Arc::from(self.zone),
            zone: Zone::Public(Arc::from(self.zone)),
            kind: self.kind,
            subjects: self.subjects.to_vec(),
            codes: match self.reading {
                Reading::Any => Codes::Any,
                Reading::Spans(listings) if self.others.is_empty() => {
                    Codes::Ranges(spans(listings))
                }
                Reading::Spans(listings) => {
                    Codes::Mixed { listings: spans(listings), others: spans(self.others) }
                }
                Reading::Bits(bits) => Codes::Bits(
                    bits.iter().map(|(bit, meaning)| (*bit, Arc::from(*meaning))).collect(),
                ),
            },
            refusals: self
                .refusals
                .iter()
                .map(|span| Refusal {
                    first: span.first,
                    last: span.last,
                    why: Arc::from(span.text),
                })
                .collect(),
            operator: Arc::new(Operator {
                name: Arc::from(self.house.name),
                min_gap: Duration::from_millis(self.house.min_gap),
            }),
            delisting: self.delisting.map(Arc::from),
            servers: Vec::new(),
            has_test_points: self.test != Test::None,
        }
    }

    /// The domain that is listed for testing, where it is not `TEST`.
    pub const fn test_domain(&'static self) -> Option<&'static str> {
        match self.test {
            Test::Domain(name) => Some(name),
            Test::Rfc | Test::None => None,
        }
    }

    /// A block list of IPv4 addresses whose codes say no more than that.
    const fn new(zone: &'static str, house: &'static House) -> Self {
        Self {
            zone,
            access: Access::Public,
            kind: Kind::Block,
            subjects: IP4,
            house,
            terms: house.terms,
            delisting: house.delisting,
            source: house.source,
            reading: Reading::Any,
            others: &[],
            refusals: &[],
            test: Test::Rfc,
        }
    }

    const fn subjects(mut self, subjects: &'static [SubjectKind]) -> Self {
        self.subjects = subjects;
        self
    }

    const fn allow(mut self) -> Self {
        self.kind = Kind::Allow;
        self
    }

    const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn codes(mut self, spans: &'static [Span]) -> Self {
        self.reading = Reading::Spans(spans);
        self
    }

    const fn bits(mut self, bits: &'static [(u8, &'static str)]) -> Self {
        self.reading = Reading::Bits(bits);
        self
    }

    /// Codes that are no listing.
    const fn others(mut self, spans: &'static [Span]) -> Self {
        self.others = spans;
        self
    }

    const fn refusals(mut self, spans: &'static [Span]) -> Self {
        self.refusals = spans;
        self
    }

    const fn terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    const fn test(mut self, test: Test) -> Self {
        self.test = test;
        self
    }
}

impl House {
    const fn new(
        name: &'static str,
        min_gap: u64,
        terms: Terms,
        conditions: &'static str,
        source: &'static str,
    ) -> Self {
        Self { name, min_gap, conditions, terms, delisting: None, source }
    }

    const fn delisting(mut self, page: &'static str) -> Self {
        self.delisting = Some(page);
        self
    }
}

/// One code, 127.a.b.c.
const fn is(code: [u8; 3], text: &'static str) -> Span {
    to(code, code, text)
}

/// Codes from 127.a.b.c to 127.d.e.f.
const fn to(first: [u8; 3], last: [u8; 3], text: &'static str) -> Span {
    let [a, b, c] = first;
    let [d, e, f] = last;
    Span { first: Ipv4Addr::new(127, a, b, c), last: Ipv4Addr::new(127, d, e, f), text }
}

fn is_below(zone: &str, parent: &str) -> bool {
    zone.strip_suffix(parent).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

const IP4: &[SubjectKind] = &[SubjectKind::Ip4];
const IP: &[SubjectKind] = &[SubjectKind::Ip4, SubjectKind::Ip6];
const IP6: &[SubjectKind] = &[SubjectKind::Ip6];
const DOMAIN: &[SubjectKind] = &[SubjectKind::Domain];
const DOMAIN_IP4: &[SubjectKind] = &[SubjectKind::Domain, SubjectKind::Ip4];
const IP4_DOMAIN: &[SubjectKind] = &[SubjectKind::Ip4, SubjectKind::Domain];
const ALL: &[SubjectKind] = &[SubjectKind::Ip4, SubjectKind::Ip6, SubjectKind::Domain];

#[cfg(test)]
mod tests;
