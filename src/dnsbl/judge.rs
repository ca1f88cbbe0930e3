//! What an answer means.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::List;
use super::list::Read;

/// What came back for a question of type A, before anybody judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Address records and their TTL.
    Addresses(Vec<Ipv4Addr>, Duration),
    /// NXDOMAIN or NODATA, and how long that holds (RFC 2308).
    Nothing(Duration),
    /// REFUSED.
    Refused,
    /// SERVFAIL.
    Servfail,
    /// No answer in time.
    Timeout,
    /// Anything else, told for a person.
    Other(String),
}

/// What a question ends as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// On the list, with every return code, sorted, each once.
    Listed(Vec<Code>),
    /// Not on the list.
    Clean,
    /// It could not be told; the text is for a person.
    Unknown(Reason, String),
}

/// One return code of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// The address that the list answered with.
    pub address: Ipv4Addr,
    /// What it means on this list; `unknown` when the list's page does not say. From the catalogue
    /// or the configuration, never from the answer.
    pub meaning: Arc<str>,
}

closed_enum! {
    /// Why it could not be told.
    pub enum Reason {
        /// The list does not answer us: a public resolver, no registration, too many questions.
        Refused => "refused",
        /// The resolver, or the list's servers, failed.
        Servfail => "servfail",
        /// Nobody answered in time.
        Timeout => "timeout",
        /// An address outside 127/8: somebody on the way rewrites answers, or the zone's domain was
        /// sold.
        Rewritten => "rewritten",
        /// The list's own test points do not answer as they must.
        ListUnhealthy => "list_unhealthy",
        /// Anything else, such as a socket that could not be had.
        Other => "other",
    }
}

/// What `reply` says about a subject on `list`.
///
/// One address outside 127/8 makes the whole answer a rewritten one, and one refusal makes it a
/// refused one, whatever stands beside it: neither comes from a list that answers. 127.0.0.1 is a
/// listing only where the list's own page says so (RFC 5782, 2.1 keeps it out of use): elsewhere it
/// is what filtering resolvers put in place of an answer.
///
/// A listing has at most [`MAX_CODES`] codes; further ones are dropped, the highest first.
pub fn judge(list: &List, reply: &Reply) -> Verdict {
    let name = &list.name;
    let unknown = |reason, text| Verdict::Unknown(reason, text);
    match reply {
        Reply::Addresses(addresses, _) => answered(list, addresses),
        Reply::Nothing(_) => Verdict::Clean,
        Reply::Refused => unknown(
            Reason::Refused,
            format!(
                "{name} answered REFUSED: its servers do not answer this resolver, or the \
                 resolver does not answer us; ask through a resolver of your own, and register with \
                 the list if it wants that"
            ),
        ),
        Reply::Servfail => unknown(
            Reason::Servfail,
            format!(
                "{name} could not be asked (SERVFAIL): its servers do not answer the resolver, or \
                 the zone is broken; look whether other names resolve, then whether the list lives"
            ),
        ),
        Reply::Timeout => unknown(
            Reason::Timeout,
            format!(
                "{name} did not answer in time: the resolver, the path or the list's servers are \
                 down, or the list ignores this resolver"
            ),
        ),
        Reply::Other(text) => unknown(Reason::Other, format!("{name} could not be asked: {text}")),
    }
}

/// What an answer is made of; shared with the judgement of test points.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// The first address that is no answer of a list.
    pub(super) foreign: Option<Ipv4Addr>,
    /// The first refusal and why.
    pub(super) refused: Option<(Ipv4Addr, Arc<str>)>,
    /// The listings.
    pub(super) codes: BTreeSet<Code>,
    /// Whether something was said that is no listing, such as a good reputation on a block list.
    pub(super) other: bool,
}

/// Sorts the addresses of an answer.
pub(super) fn sort(list: &List, addresses: &[Ipv4Addr]) -> Sorted {
    let mut sorted = Sorted::default();
    let mut out_of_use = None;
    for address in addresses {
        if !address.is_loopback() {
            sorted.foreign.get_or_insert(*address);
        } else if let Some(why) = refusal(list, *address) {
            sorted.refused.get_or_insert((*address, why));
        } else {
            match list.codes.read(*address) {
                Read::Listed(meanings) => {
                    sorted.codes.extend(
                        meanings.into_iter().map(|meaning| Code { address: *address, meaning }),
                    );
                }
                Read::Other => sorted.other = true,
                Read::Nothing => out_of_use = Some(*address),
            }
        }
    }
    if sorted.codes.is_empty() && !sorted.other {
        sorted.foreign = sorted.foreign.or(out_of_use);
    }
    while sorted.codes.len() > MAX_CODES {
        sorted.codes.pop_last();
    }
    sorted
}

fn answered(list: &List, addresses: &[Ipv4Addr]) -> Verdict {
    let name = &list.name;
    let sorted = sort(list, addresses);
    if let Some(address) = sorted.foreign {
        let text = if address.is_loopback() {
            format!(
                "{name} answered {address}, which it does not use: a filtering resolver puts such \
                 addresses in; ask through a resolver of your own"
            )
        } else {
            format!(
                "{name} answered {address}, which is outside 127.0.0.0/8: a resolver on the way \
                 rewrites answers, or the list's domain was sold; ask through a resolver of your \
                 own, and if it stays, stop asking this list"
            )
        };
        return Verdict::Unknown(Reason::Rewritten, text);
    }
    if let Some((address, why)) = sorted.refused {
        return Verdict::Unknown(Reason::Refused, format!("{name} answered {address}: {why}"));
    }
    if sorted.codes.is_empty() {
        return Verdict::Clean;
    }
    Verdict::Listed(sorted.codes.into_iter().collect())
}

/// Why `address` is a refusal: the list's own words for it first, then those that every list uses.
fn refusal(list: &List, address: Ipv4Addr) -> Option<Arc<str>> {
    if let Some(own) =
        list.refusals.iter().find(|refusal| refusal.first <= address && address <= refusal.last)
    {
        return Some(Arc::clone(&own.why));
    }
    let [127, 255, 255, last] = address.octets() else { return None };
    Some(Arc::from(match last {
        252 => "the zone's name is mistyped; compare it with the list's page",
        254 => {
            "the question came through a public resolver; ask through a resolver of your own, or \
             register with the list"
        }
        255 => {
            "too many questions from this resolver; ask less often, through a resolver of your own, \
             or register with the list"
        }
        _ => "the list does not answer us; its page says what this code means",
    }))
}

/// The most codes that a listing keeps. No list uses so many at once, and each is a series.
pub const MAX_CODES: usize = 32;

#[cfg(test)]
mod tests {
    use super::super::{Codes, Found, Kind, Refusal, catalogue};
    use super::*;
    use proptest::prelude::*;

    fn plain() -> List {
        List::custom("bl", "bl.example.net", Kind::Block).unwrap()
    }

    fn of(zone: &str) -> List {
        match catalogue::find(zone) {
            Found::Live(list) => list,
            other => panic!("{zone}: {other:?}"),
        }
    }

    fn answer(list: &List, addresses: &[&str]) -> String {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        match judge(list, &Reply::Addresses(addresses, Duration::from_secs(60))) {
            Verdict::Listed(codes) => codes
                .iter()
                .map(|code| format!("{} {}", code.address, code.meaning))
                .collect::<Vec<_>>()
                .join(", "),
            Verdict::Clean => "clean".to_owned(),
            Verdict::Unknown(reason, _) => reason.as_str().to_owned(),
        }
    }

    #[test]
    fn an_answer_is_a_listing_only_where_it_means_one() {
        let bl = plain();
        for (addresses, expected) in [
            (&["127.0.0.2"][..], "127.0.0.2 unknown"),
            (&["127.0.0.3", "127.0.0.2", "127.0.0.3"], "127.0.0.2 unknown, 127.0.0.3 unknown"),
            (&["127.0.0.1"], "rewritten"),
            (&["127.0.0.1", "127.0.0.2"], "127.0.0.2 unknown"),
            (&["127.255.255.252"], "refused"),
            (&["127.255.255.254"], "refused"),
            (&["127.255.255.255"], "refused"),
            (&["127.255.255.250"], "refused"),
            (&["127.0.0.2", "127.255.255.255"], "refused"),
            (&["0.0.0.0"], "rewritten"),
            (&["192.0.2.80"], "rewritten"),
            (&["127.0.0.2", "192.0.2.80"], "rewritten"),
            (&["127.255.255.254", "192.0.2.80"], "rewritten"),
            (&["126.255.255.255"], "rewritten"),
            (&["128.0.0.2"], "rewritten"),
            (&[], "clean"),
        ] {
            assert_eq!(answer(&bl, addresses), expected, "{addresses:?}");
        }
    }

    #[test]
    fn lists_of_the_catalogue_are_decoded() {
        for (zone, addresses, expected) in [
            (
                "zen.spamhaus.org",
                &["127.0.0.2", "127.0.0.4", "127.0.0.10"][..],
                "127.0.0.2 sbl: spam source, 127.0.0.4 xbl: exploited host, 127.0.0.10 pbl: policy of the provider",
            ),
            ("zen.spamhaus.org", &["127.0.0.3"], "127.0.0.3 css: snowshoe or low reputation"),
            ("zen.spamhaus.org", &["127.0.0.99"], "127.0.0.99 unknown"),
            ("zen.spamhaus.org", &["127.255.255.254"], "refused"),
            ("dbl.spamhaus.org", &["127.0.1.4"], "127.0.1.4 phishing domain"),
            ("dbl.spamhaus.org", &["127.0.1.255"], "refused"),
            ("dbl.spamhaus.org", &["127.0.0.1"], "rewritten"),
            ("multi.surbl.org", &["127.0.0.80"], "127.0.0.80 malware, 127.0.0.80 spam and abuse"),
            ("multi.surbl.org", &["127.0.0.8"], "127.0.0.8 phishing"),
            ("multi.surbl.org", &["127.0.0.1"], "refused"),
            ("multi.surbl.org", &["127.0.0.0"], "clean"),
            ("multi.uribl.com", &["127.0.0.1"], "refused"),
            (
                "multi.uribl.com",
                &["127.0.0.14"],
                "127.0.0.14 black, 127.0.0.14 grey, 127.0.0.14 red",
            ),
            ("black.uribl.com", &["127.0.0.2"], "127.0.0.2 black"),
            ("black.uribl.com", &["127.0.0.1"], "refused"),
            ("bl.spamcop.net", &["127.0.0.2"], "127.0.0.2 spam source"),
            ("b.barracudacentral.org", &["127.0.0.2"], "127.0.0.2 poor reputation"),
            ("list.dnswl.org", &["127.0.3.1"], "127.0.3.1 email service provider, trust low"),
            ("list.dnswl.org", &["127.0.0.255"], "refused"),
            ("rep.mailspike.net", &["127.0.0.18"], "clean"),
            ("rep.mailspike.net", &["127.0.0.10"], "127.0.0.10 worst reputation"),
            ("wl.mailspike.net", &["127.0.0.18"], "127.0.0.18 good reputation"),
            ("hostkarma.junkemailfilter.com", &["127.0.0.1"], "clean"),
            ("hostkarma.junkemailfilter.com", &["127.0.0.2"], "127.0.0.2 black"),
            ("hostkarma.junkemailfilter.com", &["127.0.0.3"], "clean"),
            ("dnsbl.dronebl.org", &["127.0.0.8"], "127.0.0.8 socks proxy"),
            (
                "dnsbl-2.uceprotect.net",
                &["127.0.0.2"],
                "127.0.0.2 level 2: network of spam sources",
            ),
            ("rbl.efnetrbl.org", &["127.0.0.1"], "127.0.0.1 open proxy"),
            ("all.spamrats.com", &["127.0.0.36"], "127.0.0.36 dynamic address"),
            ("psbl.surriel.com", &["127.0.0.2"], "127.0.0.2 spam source"),
        ] {
            assert_eq!(answer(&of(zone), addresses), expected, "{zone} {addresses:?}");
        }
    }

    #[test]
    fn failures_say_what_they_mean() {
        for (reply, reason, part) in [
            (Reply::Refused, Reason::Refused, "resolver of your own"),
            (Reply::Servfail, Reason::Servfail, "SERVFAIL"),
            (Reply::Timeout, Reason::Timeout, "in time"),
            (Reply::Other("no socket".to_owned()), Reason::Other, "no socket"),
        ] {
            let Verdict::Unknown(found, text) = judge(&plain(), &reply) else {
                panic!("{reply:?}")
            };
            assert_eq!(found, reason);
            assert!(text.contains("bl ") && text.contains(part), "{text}");
        }
        assert_eq!(judge(&plain(), &Reply::Nothing(Duration::ZERO)), Verdict::Clean);
    }

    #[test]
    fn the_number_of_codes_has_a_bound() {
        let addresses = (2..=255).map(|last| Ipv4Addr::new(127, 0, 0, last)).collect();
        let Verdict::Listed(codes) = judge(&plain(), &Reply::Addresses(addresses, Duration::ZERO))
        else {
            panic!("not listed")
        };
        assert_eq!(codes.len(), MAX_CODES);
        assert_eq!(codes[0].address, Ipv4Addr::new(127, 0, 0, 2));
    }

    proptest! {
        #[test]
        fn a_verdict_is_always_whole(
            parts in proptest::collection::vec((any::<bool>(), any::<u32>()), 0..70),
            bits in proptest::collection::vec(any::<u8>(), 0..9),
            spans in proptest::collection::vec((any::<u32>(), any::<u32>()), 0..5),
            kind in 0..4,
        ) {
            let mut list = plain();
            let spans: Vec<_> =
                spans.into_iter().map(|(a, b)| (a.into(), b.into(), Arc::from("x"))).collect();
            list.refusals = spans
                .iter()
                .take(1)
                .map(|(first, last, why)| Refusal { first: *first, last: *last, why: Arc::clone(why) })
                .collect();
            list.codes = match kind {
                0 => Codes::Any,
                1 => Codes::Ranges(spans),
                2 => Codes::Mixed { listings: spans.clone(), others: spans },
                _ => Codes::Bits(bits.into_iter().map(|bit| (bit, Arc::from("x"))).collect()),
            };
            let addresses: Vec<Ipv4Addr> = parts
                .into_iter()
                .map(|(loopback, bits)| {
                    if loopback { (0x7f00_0000 | bits & 0x00ff_ffff).into() } else { bits.into() }
                })
                .collect();
            let foreign = addresses.iter().any(|address| !address.is_loopback());
            match judge(&list, &Reply::Addresses(addresses.clone(), Duration::ZERO)) {
                Verdict::Listed(codes) => {
                    prop_assert!(!foreign);
                    prop_assert!(!codes.is_empty() && codes.len() <= MAX_CODES);
                    prop_assert!(codes.is_sorted() && codes.windows(2).all(|two| two[0] != two[1]));
                    prop_assert!(codes.iter().all(|code| addresses.contains(&code.address)));
                }
                Verdict::Clean => prop_assert!(!foreign),
                Verdict::Unknown(_, text) => prop_assert!(!text.is_empty()),
            }
        }
    }
}
