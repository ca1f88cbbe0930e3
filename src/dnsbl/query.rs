//! The names that are asked for (RFC 5782, 2.1, 2.2, 2.4) and the test points (RFC 5782, 5).

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::subject::MAX_NAME;
use super::{Entry, List, Subject, SubjectKind, Zone, catalogue};

/// The name to ask for, without the trailing dot: an IPv4 address as reversed octets, an IPv6 address
/// as 32 reversed nibbles, a domain as it is; each in front of the zone. The reason (TXT) is asked for
/// at the same name as the return codes (A). It holds the zone's key, if there is one, so it is for
/// asking and never for showing.
///
/// None: the name would be longer than 253 bytes, which no list can hold: the subject is not on it.
pub fn name(subject: &Subject, zone: &Zone) -> Option<String> {
    let zone = zone.expose();
    let mut name = String::with_capacity(64 + zone.len());
    match subject {
        Subject::Address(IpAddr::V4(address)) => {
            for octet in address.octets().into_iter().rev() {
                write!(name, "{octet}.").ok()?;
            }
        }
        Subject::Address(IpAddr::V6(address)) => {
            for octet in address.octets().into_iter().rev() {
                write!(name, "{:x}.{:x}.", octet & 0xf, octet >> 4).ok()?;
            }
        }
        Subject::Domain(domain) => {
            name.push_str(domain);
            name.push('.');
        }
    }
    name.push_str(zone);
    (name.len() <= MAX_NAME).then_some(name)
}

/// A name that a list must hold, or must not (RFC 5782, 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPoint {
    /// What to ask for.
    pub subject: Subject,
    /// Its kind.
    pub kind: SubjectKind,
    /// Whether it must be on the list, or must not be.
    pub must_be_listed: bool,
}

/// The test points of a list: two for each kind of subject that it takes, the one that must be listed
/// first; none for a list that has none. Some lists of domains have a listed name of their own
/// instead of `TEST`.
pub fn test_points(list: &List) -> Vec<TestPoint> {
    if !list.has_test_points {
        return Vec::new();
    }
    let own = catalogue::entry_of(list).and_then(Entry::test_domain);
    list.subjects
        .iter()
        .flat_map(|kind| {
            let (listed, clean) = match kind {
                SubjectKind::Ip4 => (
                    Subject::Address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))),
                    Subject::Address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1))),
                ),
                // Asked for as the IPv6 addresses that they are, in nibbles.
                SubjectKind::Ip6 => (mapped(0x0002), mapped(0x0001)),
                SubjectKind::Domain => (
                    Subject::Domain(Arc::from(own.unwrap_or("test"))),
                    Subject::Domain(Arc::from("invalid")),
                ),
            };
            [(listed, true), (clean, false)].map(|(subject, must_be_listed)| TestPoint {
                subject,
                kind: *kind,
                must_be_listed,
            })
        })
        .collect()
}

/// `::FFFF:7F00:last`.
fn mapped(last: u16) -> Subject {
    Subject::Address(IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, last)))
}

/// A test point's address with an IPv4-mapped one in the hexadecimal form that the RFC uses.
pub(super) fn address_text(subject: &Subject) -> String {
    match subject {
        Subject::Address(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            let [.., high, low] = address.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn public(zone: &str) -> Zone {
        Zone::Public(Arc::from(zone))
    }

    #[test]
    fn addresses_are_reversed_and_domains_are_not() {
        let zone = public("bl.example");
        for (subject, expected) in [
            // RFC 5782, 2.1: 192.0.2.99 is 99.2.0.192.
            ("192.0.2.99", "99.2.0.192.bl.example"),
            // RFC 5782, 2.4: the nibbles of 2001:db8:1:2:3:4:567:89ab.
            (
                "2001:db8:1:2:3:4:567:89ab",
                "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example",
            ),
            ("example.net", "example.net.bl.example"),
        ] {
            let subject = Subject::parse(subject).unwrap();
            assert_eq!(name(&subject, &zone).as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_ipv6_name_has_all_its_nibbles() {
        let subject = Subject::parse("2001:db8::f").unwrap();
        let name = name(&subject, &public("bl.example")).unwrap();
        let nibbles: Vec<&str> = name.strip_suffix(".bl.example").unwrap().split('.').collect();
        assert_eq!(nibbles.len(), 32);
        assert_eq!((nibbles[0], nibbles[31]), ("f", "2"));
    }

    #[test]
    fn a_name_that_cannot_be_is_not_asked_for() {
        let longest = Subject::parse(&["a"; 121].join(".")).unwrap();
        let zone = public("bl.example.net");
        assert_eq!(name(&longest, &zone), None);
        let fits = Subject::parse(&["a"; 119].join(".")).unwrap();
        assert_eq!(name(&fits, &zone).map(|name| name.len()), Some(252));
    }

    #[test]
    fn test_points_are_those_of_the_rfc() {
        let mut list = List::custom("all", "bl.example", Kind::Block).unwrap();
        list.subjects = SubjectKind::ALL.to_vec();
        let points: Vec<(String, SubjectKind, bool)> = test_points(&list)
            .into_iter()
            .map(|point| {
                let name = name(&point.subject, &list.zone).unwrap();
                (name, point.kind, point.must_be_listed)
            })
            .collect();
        let nibbles = "f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example";
        let expected = [
            ("2.0.0.127.bl.example".to_owned(), SubjectKind::Ip4, true),
            ("1.0.0.127.bl.example".to_owned(), SubjectKind::Ip4, false),
            (format!("2.0.0.0.0.0.f.7.{nibbles}"), SubjectKind::Ip6, true),
            (format!("1.0.0.0.0.0.f.7.{nibbles}"), SubjectKind::Ip6, false),
            ("test.bl.example".to_owned(), SubjectKind::Domain, true),
            ("invalid.bl.example".to_owned(), SubjectKind::Domain, false),
        ];
        assert_eq!(points, expected);
        list.has_test_points = false;
        assert_eq!(test_points(&list), []);
    }
}
