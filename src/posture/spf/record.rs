//! The grammar of a record (RFC 7208, 4.5, 4.6, 5, 6 and 12): every term is read, and every one that
//! cannot be is kept with what is wrong with it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::macros::{DomainSpec, MacroString, UNPRINTABLE};
use super::{SpfResult, text};

/// A record, its terms in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Record {
    /// The mechanisms that can be read.
    pub(super) directives: Vec<Directive>,
    /// `redirect=`.
    pub(super) redirect: Option<Modifier>,
    /// `exp=`.
    pub(super) exp: Option<Modifier>,
    /// Modifiers that are ignored as unknown, and have a mechanism's name.
    pub(super) mistaken: Vec<Place>,
    /// What cannot be read, at most [`MAX_ERRORS`].
    pub(super) errors: Vec<(Place, String)>,
}

/// A term as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Which one it is, counted from 1 behind the version.
    pub(super) position: usize,
    /// Its text, printable and bounded.
    pub(super) text: String,
}

/// A mechanism and what it says of those that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) place: Place,
    /// Pass, fail, softfail or neutral.
    pub(super) qualifier: SpfResult,
    pub(super) mechanism: Mechanism,
}

/// A mechanism (RFC 7208, 5). Where no domain is written, it is the record's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(DomainSpec),
    A(Option<DomainSpec>, Prefixes),
    Mx(Option<DomainSpec>, Prefixes),
    Ptr(Option<DomainSpec>),
    Ip4(Ipv4Net),
    Ip6(Ipv6Net),
    Exists(DomainSpec),
}

/// How much of an address has to be equal, for each family (`dual-cidr-length`, 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefixes {
    pub(super) v4: u8,
    pub(super) v6: u8,
}

/// A modifier that names a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Modifier {
    pub(super) place: Place,
    pub(super) domain: DomainSpec,
}

/// Whether a TXT record is one of SPF: the version, and then a space or the end (4.5).
pub(super) fn is_spf(text: &[u8]) -> bool {
    let (version, rest) = text.split_at_checked(VERSION.len()).unwrap_or_default();
    version.eq_ignore_ascii_case(VERSION) && rest.first().is_none_or(|byte| *byte == b' ')
}

impl Record {
    /// Reads a record, of which [`is_spf`] is so.
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut record = Self::default();
        let terms = text.get(VERSION.len()..).unwrap_or_default().split(|byte| *byte == b' ');
        for (index, term) in terms.filter(|term| !term.is_empty()).enumerate() {
            let place = Place { position: index + 1, text: text::printable(term, MAX_TERM) };
            if let Err(wrong) = record.add(place.clone(), term)
                && record.errors.len() < MAX_ERRORS
            {
                record.errors.push((place, wrong));
            }
        }
        record
    }

    /// The term that ends it: the first `all`.
    pub(super) fn all(&self) -> Option<&Directive> {
        self.directives.iter().find(|directive| directive.mechanism == Mechanism::All)
    }

    fn add(&mut self, place: Place, term: &[u8]) -> Result<(), String> {
        if !term.iter().all(u8::is_ascii_graphic) {
            return Err(UNPRINTABLE.to_owned());
        }
        let Ok(term) = std::str::from_utf8(term) else { return Err(UNPRINTABLE.to_owned()) };
        match modifier_name(term) {
            Some((name, value)) => self.add_modifier(place, name, value),
            None => {
                let (qualifier, mechanism) = directive(term)?;
                self.directives.push(Directive { place, qualifier, mechanism });
                Ok(())
            }
        }
    }

    fn add_modifier(&mut self, place: Place, name: &str, value: &str) -> Result<(), String> {
        let name = name.to_ascii_lowercase();
        let slot = match name.as_str() {
            "redirect" => &mut self.redirect,
            "exp" => &mut self.exp,
            _ => {
                MacroString::parse(value, false)?;
                if MECHANISMS.contains(&name.as_str()) {
                    self.mistaken.push(place);
                }
                return Ok(());
            }
        };
        let domain = DomainSpec::parse(value)?;
        if slot.is_some() {
            return Err(format!("`{name}` stands here a second time"));
        }
        *slot = Some(Modifier { place, domain });
        Ok(())
    }
}

/// The name and value of a modifier: `=` stands right behind the name, before any `:` or `/`.
fn modifier_name(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let first = name.bytes().next()?;
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (first.is_ascii_alphabetic() && name.bytes().all(known)).then_some((name, value))
}

fn directive(term: &str) -> Result<(SpfResult, Mechanism), String> {
    let (qualifier, rest) = match term.split_at_checked(1) {
        Some(("+", rest)) => (SpfResult::Pass, rest),
        Some(("-", rest)) => (SpfResult::Fail, rest),
        Some(("~", rest)) => (SpfResult::Softfail, rest),
        Some(("?", rest)) => (SpfResult::Neutral, rest),
        _ => (SpfResult::Pass, term),
    };
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, argument) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let mechanism = match name.to_ascii_lowercase().as_str() {
        "all" if argument.is_empty() => Mechanism::All,
        "all" => return Err("`all` takes nothing".to_owned()),
        "include" => Mechanism::Include(DomainSpec::parse(value(argument)?)?),
        "exists" => Mechanism::Exists(DomainSpec::parse(value(argument)?)?),
        "a" => {
            let (domain, prefixes) = domain_and_prefixes(argument)?;
            Mechanism::A(domain, prefixes)
        }
        "mx" => {
            let (domain, prefixes) = domain_and_prefixes(argument)?;
            Mechanism::Mx(domain, prefixes)
        }
        "ptr" if argument.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(DomainSpec::parse(value(argument)?)?)),
        "ip4" => {
            let (address, length) = network::<Ipv4Addr>(value(argument)?, 32)?;
            Mechanism::Ip4(Ipv4Net::new(address, length).map_err(|_| LENGTH.to_owned())?)
        }
        "ip6" => {
            let (address, length) = network::<Ipv6Addr>(value(argument)?, 128)?;
            Mechanism::Ip6(Ipv6Net::new(address, length).map_err(|_| LENGTH.to_owned())?)
        }
        "redirect" | "exp" => return Err("a modifier is written with `=`".to_owned()),
        "ipv4" | "ip" if !argument.is_empty() => {
            return Err("no such mechanism; it is called `ip4`".to_owned());
        }
        "ipv6" => return Err("no such mechanism; it is called `ip6`".to_owned()),
        "v" => return Err("a second version: two records in one".to_owned()),
        name if name.parse::<IpAddr>().is_ok() => {
            return Err("an address without `ip4:` or `ip6:`".to_owned());
        }
        _ => return Err("no such mechanism".to_owned()),
    };
    Ok((qualifier, mechanism))
}

/// What stands behind the colon of an argument.
fn value(argument: &str) -> Result<&str, String> {
    argument.strip_prefix(':').ok_or_else(|| "it needs a `:` and a value".to_owned())
}

/// `[":" domain-spec] [dual-cidr-length]`. A domain may hold slashes, so lengths are taken from the
/// end.
fn domain_and_prefixes(argument: &str) -> Result<(Option<DomainSpec>, Prefixes), String> {
    let (argument, v6) = take_length(argument, "//", 128)?;
    let (argument, v4) = take_length(argument, "/", 32)?;
    let domain = match argument {
        "" => None,
        slash if slash.starts_with('/') => return Err(LENGTH.to_owned()),
        argument => Some(DomainSpec::parse(value(argument)?)?),
    };
    Ok((domain, Prefixes { v4: v4.unwrap_or(32), v6: v6.unwrap_or(128) }))
}

/// Takes a prefix length off the end of a text.
fn take_length<'a>(
    text: &'a str,
    slashes: &str,
    most: u8,
) -> Result<(&'a str, Option<u8>), String> {
    let Some((before, digits)) = text.rsplit_once(slashes) else { return Ok((text, None)) };
    let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if number { Ok((before, Some(length(digits, most)?))) } else { Ok((text, None)) }
}

/// An address and the length of its prefix, `most` when none is written.
fn network<A: std::str::FromStr>(text: &str, most: u8) -> Result<(A, u8), String> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, digits)) => (address, length(digits, most)?),
        None => (text, most),
    };
    let family = if most == 32 { "IPv4" } else { "IPv6" };
    let address = address.parse().map_err(|_| format!("not an {family} address or network"))?;
    Ok((address, prefix))
}

/// A prefix length: a number without a zero in front of it.
fn length(digits: &str, most: u8) -> Result<u8, String> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let led = digits.len() > 1 && digits.starts_with('0');
    let length = digits.parse().ok().filter(|length| plain && !led && *length <= most);
    length.ok_or_else(|| LENGTH.to_owned())
}

const LENGTH: &str = "not a prefix length";

const VERSION: &[u8] = b"v=spf1";

/// Names that are written with a colon. Behind one of them `=` makes a modifier that nobody knows.
const MECHANISMS: &[&str] =
    &["all", "include", "a", "mx", "ptr", "ip4", "ip6", "ipv4", "ipv6", "exists"];

/// The most errors that are kept of one record.
pub(super) const MAX_ERRORS: usize = 32;

/// The most bytes that are shown of a term.
const MAX_TERM: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_the_version_and_then_a_space_or_nothing() {
        for text in ["v=spf1", "V=Spf1 -all", "v=spf1  "] {
            assert!(is_spf(text.as_bytes()), "{text}");
        }
        for text in
            ["", "v=spf", "v=spf10", "v=spf1-all", " v=spf1", "v=spf1\t-all", "v=spf2.0/pra"]
        {
            assert!(!is_spf(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn every_mechanism_and_modifier_is_read() {
        let record = Record::parse(
            b"v=spf1 A a:%{d}/24 mx//64 MX:example.net/24//64 ptr ?PTR:example.net ~ip4:192.0.2.0/24 \
            ip6:2001:db8::1 exists:%{ir}.example.net -include:example.net moo= exp=e.example.net \
            Redirect=r.example.net  -ALL ",
        );
        assert_eq!(record.errors, []);
        let spec = |text: &str| DomainSpec::parse(text).unwrap();
        let whole = Prefixes { v4: 32, v6: 128 };
        let (pass, fail) = (SpfResult::Pass, SpfResult::Fail);
        let expected = [
            (pass, Mechanism::A(None, whole)),
            (pass, Mechanism::A(Some(spec("%{d}")), Prefixes { v4: 24, v6: 128 })),
            (pass, Mechanism::Mx(None, Prefixes { v4: 32, v6: 64 })),
            (pass, Mechanism::Mx(Some(spec("example.net")), Prefixes { v4: 24, v6: 64 })),
            (pass, Mechanism::Ptr(None)),
            (SpfResult::Neutral, Mechanism::Ptr(Some(spec("example.net")))),
            (SpfResult::Softfail, Mechanism::Ip4("192.0.2.0/24".parse().unwrap())),
            (pass, Mechanism::Ip6("2001:db8::1/128".parse().unwrap())),
            (pass, Mechanism::Exists(spec("%{ir}.example.net"))),
            (fail, Mechanism::Include(spec("example.net"))),
            (fail, Mechanism::All),
        ];
        let read: Vec<_> =
            record.directives.iter().map(|d| (d.qualifier, d.mechanism.clone())).collect();
        assert_eq!(read, expected);
        assert_eq!(record.exp.unwrap().place.position, 12);
        assert_eq!(record.redirect.unwrap().place.text, "Redirect=r.example.net");
        assert_eq!(record.directives.last().unwrap().place.position, 14);
    }

    #[test]
    fn every_term_that_cannot_be_read_is_told() {
        for (term, wrong) in [
            ("all.", "no such mechanism"),
            ("all:x.net", "`all` takes nothing"),
            ("-all/8", "`all` takes nothing"),
            ("--all", "no such mechanism"),
            ("+", "no such mechanism"),
            ("include", "it needs a `:` and a value"),
            ("include:", "no domain"),
            ("include:a.net/24", "a prefix length that cannot stand here"),
            ("exists", "it needs a `:` and a value"),
            ("exists/24", "it needs a `:` and a value"),
            ("a:", "no domain"),
            ("a/33", "not a prefix length"),
            ("a/08", "not a prefix length"),
            ("a//129", "not a prefix length"),
            ("a/24/64", "not a prefix length"),
            ("a/24/16", "not a prefix length"),
            ("a/", "not a prefix length"),
            ("a:192.0.2.1", "a domain cannot end in a number; write an address with `ip4:`"),
            ("mx:localhost", "a domain needs two labels at least"),
            ("ptr/24", "it needs a `:` and a value"),
            ("ip4", "it needs a `:` and a value"),
            ("ip4:192.0.2", "not an IPv4 address or network"),
            ("ip4:192.0.2.01", "not an IPv4 address or network"),
            ("ip4:192.0.2.1:25", "not an IPv4 address or network"),
            ("ip4:192.0.2.1/", "not a prefix length"),
            ("ip4:192.0.2.1/+8", "not a prefix length"),
            ("ip4:192.0.2.1/33", "not a prefix length"),
            ("ip4:192.0.2.1//32", "not a prefix length"),
            ("ip4:2001:db8::1", "not an IPv4 address or network"),
            ("ip6:192.0.2.1", "not an IPv6 address or network"),
            ("ip6:2001:db8::1/129", "not a prefix length"),
            ("ip6:fe80::1%eth0", "not an IPv6 address or network"),
            ("ipv4:192.0.2.1", "no such mechanism; it is called `ip4`"),
            ("ip:192.0.2.1", "no such mechanism; it is called `ip4`"),
            ("ipv6:2001:db8::1", "no such mechanism; it is called `ip6`"),
            ("192.0.2.1", "an address without `ip4:` or `ip6:`"),
            ("192.0.2.0/24", "an address without `ip4:` or `ip6:`"),
            ("redirect:a.net", "a modifier is written with `=`"),
            ("redirect=", "no domain"),
            ("exp=net", "a domain needs two labels at least"),
            ("exp=%{c}.a.net", "the macro letter `c` stands in explanations alone"),
            ("-redirect=a.net", "no such mechanism"),
            ("1up=x", "no such mechanism"),
            ("=x", "no such mechanism"),
            ("moo=%x", "a `%` that begins no macro; write `%%`"),
            ("moo/x=y", "no such mechanism"),
            ("a\tmx", UNPRINTABLE),
            ("m\u{fc}:a.net", UNPRINTABLE),
        ] {
            let record = Record::parse(format!("v=spf1 mx {term} -all").as_bytes());
            let shown = text::printable(term.as_bytes(), 120);
            let expected = vec![(Place { position: 2, text: shown }, wrong.to_owned())];
            assert_eq!(record.errors, expected, "{term}");
            assert_eq!(record.directives.len(), 2, "{term}: the others are read");
        }
    }

    #[test]
    fn modifiers_stand_once_and_errors_are_bounded() {
        let twice =
            Record::parse(b"v=spf1 exp=a.net redirect=a.net exp=b.net REDIRECT=b.net x=1 x=1");
        let wrong: Vec<_> = twice.errors.iter().map(|(p, w)| (p.position, w.as_str())).collect();
        let expected =
            [(3, "`exp` stands here a second time"), (4, "`redirect` stands here a second time")];
        assert_eq!(wrong, expected);
        let many = Record::parse(format!("v=spf1{}", " x".repeat(30_000)).as_bytes());
        assert_eq!(many.errors.len(), MAX_ERRORS);
    }
}
