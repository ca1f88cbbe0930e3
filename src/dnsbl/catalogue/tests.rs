//! What every entry of the catalogue must be.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Reply, Verdict, judge, query, subject};
use super::*;
use secrecy::SecretString;

const KEY: &str = "k3yk3yk3yk3yk3yk3y";

fn live(entry: &'static Entry) -> List {
    match entry.access {
        Access::Keyed => {
            let zone = SecretString::from(format!("{KEY}.{}", entry.zone));
            List::keyed("mine", &zone).unwrap()
        }
        Access::Public | Access::Either => match find(entry.zone) {
            Found::Live(list) => list,
            other => panic!("{}: {other:?}", entry.zone),
        },
    }
}

#[test]
fn there_are_enough_and_each_zone_once() {
    let zones: Vec<&str> = entries().map(|entry| entry.zone).collect();
    assert!(zones.len() >= 100, "{}", zones.len());
    assert_eq!(zones.iter().collect::<BTreeSet<_>>().len(), zones.len());
    assert!(dead().len() >= 50, "{}", dead().len());
    let dead: Vec<&str> = dead().iter().map(|dead| dead.zone).collect();
    assert_eq!(dead.iter().collect::<BTreeSet<_>>().len(), dead.len());
}

#[test]
fn every_entry_is_well_formed() {
    for entry in entries() {
        let zone = entry.zone;
        assert_eq!(&*subject::name(zone).unwrap(), zone);
        assert!(zone.contains('.'), "{zone}");
        for page in [Some(entry.source), entry.delisting].into_iter().flatten() {
            let host = page.strip_prefix("https://").unwrap_or_else(|| panic!("{zone}: {page}"));
            assert!(host.contains('.') && !page.contains([' ', '<', '>', '|']), "{zone}: {page}");
        }
        assert!(!entry.subjects.is_empty(), "{zone}");
        let subjects: BTreeSet<_> = entry.subjects.iter().collect();
        assert_eq!(subjects.len(), entry.subjects.len(), "{zone}");
        assert!(entry.access != Access::Public || entry.terms != Terms::Paid, "{zone}");
    }
}

#[test]
fn codes_are_ordered_meant_and_apart() {
    for entry in entries() {
        let zone = entry.zone;
        let listings = match entry.reading {
            Reading::Spans(spans) => spans,
            Reading::Bits(bits) => {
                let mut seen = 0_u8;
                for (bit, meaning) in bits {
                    assert_eq!(bit.count_ones(), 1, "{zone}");
                    assert_eq!(seen & bit, 0, "{zone}");
                    seen |= bit;
                    plain(zone, meaning);
                }
                // A refusal that is a sum of bits would hide listings.
                for refusal in entry.refusals {
                    let [.., last] = refusal.first.octets();
                    assert_eq!(refusal.first, refusal.last, "{zone}");
                    assert_eq!(last & seen, 0, "{zone}");
                }
                &[]
            }
            Reading::Any => &[],
        };
        assert!(entry.others.is_empty() || !listings.is_empty(), "{zone}: codes that nobody reads");
        let spans: Vec<&Span> = listings.iter().chain(entry.others).chain(entry.refusals).collect();
        for (n, span) in spans.iter().enumerate() {
            assert!(span.first.is_loopback() && span.last.is_loopback(), "{zone}: {span:?}");
            assert!(span.first <= span.last, "{zone}: {span:?}");
            assert!(span.last < Ipv4Addr::new(127, 255, 255, 0), "{zone}: {span:?}");
            for other in spans.iter().skip(n + 1) {
                assert!(
                    span.last < other.first || other.last < span.first,
                    "{zone}: {span:?} and {other:?}"
                );
            }
        }
        for span in listings {
            plain(zone, span.text);
        }
        for span in entry.refusals {
            assert!(span.text.len() > 20, "{zone}: {}", span.text);
        }
    }
}

/// A meaning is a label value: short, lower case, and nothing that wants escaping.
fn plain(zone: &str, meaning: &str) {
    assert!(!meaning.is_empty() && meaning.len() <= 64, "{zone}: {meaning}");
    assert!(
        meaning.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || " :,-".contains(c)),
        "{zone}: {meaning}"
    );
    assert_eq!(meaning.trim(), meaning, "{zone}");
}

#[test]
fn an_operator_is_the_same_everywhere() {
    let mut gaps = BTreeMap::new();
    for entry in entries() {
        let house = entry.house;
        assert!((100..=5000).contains(&house.min_gap), "{}", house.name);
        assert_eq!(
            *gaps.entry(house.name).or_insert(house.min_gap),
            house.min_gap,
            "{}",
            house.name
        );
        assert!(!house.conditions.is_empty() && house.conditions.len() <= 100, "{}", house.name);
        plain_name(house.name);
    }
    let spamhaus = entries().filter(|entry| entry.zone.contains("spamhaus"));
    assert!(spamhaus.into_iter().all(|entry| entry.house.name == "spamhaus"));
}

fn plain_name(name: &str) {
    assert!(
        name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
    );
}

#[test]
fn every_entry_makes_a_list_with_test_points() {
    for entry in entries() {
        let list = live(entry);
        let points = query::test_points(&list);
        let expected = if entry.test == Test::None { 0 } else { 2 * entry.subjects.len() };
        assert_eq!(points.len(), expected, "{}", entry.zone);
        for point in &points {
            assert!(list.subjects.contains(&point.kind), "{}", entry.zone);
            let name = query::name(&point.subject, &list.zone).unwrap();
            assert!(name.ends_with(entry.zone), "{name}");
        }
        assert_eq!(entry_of(&list), Some(entry));
    }
    let Found::Live(list) = find("multi.surbl.org") else { panic!() };
    let points = query::test_points(&list);
    assert_eq!(points[0].subject.to_string(), "surbl-org-permanent-test-point.com");
    assert!(points[0].must_be_listed && !points[1].must_be_listed);
}

#[test]
fn every_listing_reads_as_its_meaning() {
    for entry in entries() {
        let list = live(entry);
        let answer = |address| judge(&list, &Reply::Addresses(vec![address], Duration::ZERO));
        if let Reading::Spans(spans) = entry.reading {
            for span in spans {
                for address in [span.first, span.last] {
                    let Verdict::Listed(codes) = answer(address) else {
                        panic!("{} {address}", entry.zone)
                    };
                    assert_eq!(&*codes[0].meaning, span.text);
                }
            }
        }
        for span in entry.others {
            assert_eq!(answer(span.first), Verdict::Clean, "{} {span:?}", entry.zone);
        }
        for span in entry.refusals {
            let Verdict::Unknown(reason, text) = answer(span.first) else {
                panic!("{} {span:?}", entry.zone)
            };
            assert_eq!(reason, crate::dnsbl::Reason::Refused);
            assert!(text.contains(span.text));
        }
    }
}

#[test]
fn zones_are_found_however_they_are_written() {
    for zone in ["zen.spamhaus.org", "ZEN.Spamhaus.ORG", "zen.spamhaus.org."] {
        assert!(matches!(find(zone), Found::Live(list) if &*list.name == "zen.spamhaus.org"));
    }
    for zone in ["", ".", "spamhaus.org", "x.zen.spamhaus.org", "bl.example.net", "notsorbs.net"] {
        assert_eq!(find(zone), Found::Unknown, "{zone}");
    }
    for zone in ["zen.dq.spamhaus.net", "KEY.zen.dq.spamhaus.net.", "key.spam.spamrats.com"] {
        assert!(matches!(find(zone), Found::Keyed(_)), "{zone}");
    }
    assert!(matches!(find("spam.spamrats.com"), Found::Live(_)));
}

#[test]
fn dead_lists_are_known_and_none_of_them_lives() {
    for zone in ["dnsbl.sorbs.net", "SPAM.dnsbl.sorbs.net.", "sorbs.net", "relays.ordb.org"] {
        assert!(matches!(find(zone), Found::Dead(_)), "{zone}");
    }
    let Found::Dead(cbl) = find("cbl.abuseat.org") else { panic!() };
    assert_eq!(cbl.instead, Some("xbl.spamhaus.org"));
    for dead in dead() {
        assert_eq!(&*subject::name(dead.zone).unwrap(), dead.zone);
        assert!(dead.why.len() > 10 && dead.since.starts_with(['1', '2']), "{}", dead.zone);
        let below = entries().find(|entry| is_below(entry.zone, dead.zone));
        assert_eq!(below.map(|entry| entry.zone), None, "{} lives", dead.zone);
        if let Some(instead) = dead.instead {
            assert!(matches!(find(instead), Found::Live(_)), "{instead}");
        }
        let parents = super::dead().iter().filter(|other| is_below(dead.zone, other.zone)).count();
        assert_eq!(parents, 1, "{} stands below another", dead.zone);
    }
}

#[test]
fn no_text_of_a_keyed_list_holds_its_key() {
    for entry in entries().filter(|entry| entry.access != Access::Public) {
        let zone = SecretString::from(format!("{KEY}.{}", entry.zone));
        let list = List::keyed("mine", &zone).unwrap();
        let mut shown = format!("{list:?} {:#?} {:?}", list.operator, list.zone);
        let points = query::test_points(&list);
        for reply in [
            Reply::Refused,
            Reply::Timeout,
            Reply::Servfail,
            Reply::Addresses(vec![Ipv4Addr::new(127, 255, 255, 254)], Duration::ZERO),
            Reply::Addresses(vec![Ipv4Addr::new(192, 0, 2, 1)], Duration::ZERO),
            Reply::Addresses(vec![Ipv4Addr::new(127, 0, 0, 2)], Duration::ZERO),
            Reply::Nothing(Duration::ZERO),
        ] {
            shown.push_str(&format!("{:?}", judge(&list, &reply)));
            let answers: Vec<_> =
                points.iter().map(|point| (point.clone(), reply.clone())).collect();
            shown.push_str(&format!("{answers:?} {:?}", crate::dnsbl::health(&list, &answers)));
        }
        shown.push_str(&format!("{:?}", find(zone_of(&list))));
        assert!(!shown.contains(KEY), "{}: {shown}", entry.zone);
    }
}

fn zone_of(list: &List) -> &str {
    list.zone.expose()
}

#[test]
fn the_tables_are_whole() {
    let text = markdown();
    for entry in entries() {
        let shown = ["", "KEY.", "[KEY.]"]
            .map(|key| format!("| [`{key}{}`]({}) |", entry.zone, entry.source))
            .map(|start| text.matches(&start).count());
        assert_eq!(shown.iter().sum::<usize>(), 1, "{}", entry.zone);
    }
    for dead in dead() {
        assert!(text.contains(&format!("| `{}` |", dead.zone)));
    }
    for line in text.lines().filter(|line| !line.is_empty()) {
        let cells = line.matches('|').count() - 1;
        assert!(cells == 6 || cells == 4, "{line}");
    }
}
