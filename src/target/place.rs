//! From what a person or a query writes to a [`Place`]: `host`, `host:port`, `[IPv6]:port` or
//! `domain:NAME`. One parser, so that the configuration and `/probe` mean the same by it.
//!
//! # Why so strict with numbers
//!
//! Older resolvers read `0177.0.0.1`, `127.1` and `2130706433` as 127.0.0.1. A list of allowed
//! targets must not be talked round by a spelling, so a host whose last label is a number is either
//! an IPv4 address in strict dotted decimal form or an error.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::{HostName, Place};

impl Place {
    /// Reads a place. Names become ASCII (IDNA, UTS 46) and lower case and lose a trailing dot; an
    /// IPv4-mapped IPv6 address becomes the IPv4 address that it stands for.
    ///
    /// # Errors
    ///
    /// What is wrong, and what would be right, for a person.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(format!("a target is empty; {FORMS}"));
        }
        if text.len() > MAX_TEXT {
            return Err(format!("a target is longer than {MAX_TEXT} bytes"));
        }
        if let Some(name) = text.strip_prefix("domain:") {
            return domain(name).map(Self::Domain);
        }
        if let Some(rest) = text.strip_prefix('[') {
            return bracketed(rest);
        }
        if text.matches(':').count() > 1 {
            // An IPv6 address without brackets has no port: `2001:db8::1:25` is an address.
            return ipv6(text).map(|host| Self::Host { host, port: None });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(parse_port(port)?)),
            None => (text, None),
        };
        HostName::parse(host).map(|host| Self::Host { host, port })
    }
}

impl HostName {
    /// Reads a host without port: a name, an IPv4 address, or an IPv6 address without brackets.
    ///
    /// # Errors
    ///
    /// What is wrong, and what would be right, for a person.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains(':') {
            return ipv6(text);
        }
        // IDNA maps full-width digits and dots to ASCII ones, so numbers are looked for after it.
        let name = ascii_name(text)?;
        let last = name.rsplit('.').next().unwrap_or_default();
        if !is_number(last) {
            return Ok(Self::Name(name.into()));
        }
        name.parse::<Ipv4Addr>().map(|v4| Self::Address(v4.into())).map_err(|_| {
            format!(
                "`{}` is neither a host name nor an IPv4 address: write the address as four \
                 decimal numbers from 0 to 255 without leading zeros, such as 192.0.2.1",
                shown(text)
            )
        })
    }
}

impl fmt::Display for Place {
    /// The form that [`Place::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => write!(f, "domain:{name}"),
            Self::Host { host, port: None } => host.fmt(f),
            Self::Host { host: HostName::Address(IpAddr::V6(v6)), port: Some(port) } => {
                write!(f, "[{v6}]:{port}")
            }
            Self::Host { host, port: Some(port) } => write!(f, "{host}:{port}"),
        }
    }
}

fn domain(text: &str) -> Result<Arc<str>, String> {
    if text.contains(':') {
        return Err(format!(
            "`{}` is not a mail domain: a domain has no port, its mail exchangers are asked on the \
             module's",
            shown(text)
        ));
    }
    match HostName::parse(text)? {
        HostName::Name(name) => Ok(name),
        HostName::Address(address) => {
            Err(format!("{address} is an address, not a mail domain; write it without `domain:`"))
        }
    }
}

/// What follows an opening bracket.
fn bracketed(rest: &str) -> Result<Place, String> {
    let Some((inside, after)) = rest.split_once(']') else {
        return Err(format!("`[{}` has no closing bracket", shown(rest)));
    };
    if !inside.contains(':') {
        return Err(format!(
            "`[{}]` is not an IPv6 address; names and IPv4 addresses stand without brackets",
            shown(inside)
        ));
    }
    let host = ipv6(inside)?;
    let port = match after.strip_prefix(':') {
        Some(port) => Some(parse_port(port)?),
        None if after.is_empty() => None,
        None => return Err(format!("`{}` follows the bracket; write `]:port`", shown(after))),
    };
    Ok(Place::Host { host, port })
}

fn ipv6(text: &str) -> Result<HostName, String> {
    if text.contains('%') {
        return Err(format!(
            "`{}` has a zone id; a link-local address cannot be a target",
            shown(text)
        ));
    }
    match text.parse::<Ipv6Addr>() {
        Ok(v6) => Ok(HostName::Address(IpAddr::V6(v6).to_canonical())),
        Err(_) => Err(format!("`{}` is not an IPv6 address; {FORMS}", shown(text))),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(format!("`{}` is not a port: 1 to 65535", shown(text))),
    }
}

/// A name in ASCII form, checked label by label (RFC 1035, 2.3.4; the underscore is no host name's
/// by RFC 1123 and yet found in the field).
fn ascii_name(text: &str) -> Result<String, String> {
    let bad = |why: &str| Err(format!("`{}` is not a host name: {why}; {FORMS}", shown(text)));
    let Ok(ascii) = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY) else {
        return bad("it has no ASCII form (IDNA)");
    };
    let name = ascii.strip_suffix('.').unwrap_or(&ascii).to_ascii_lowercase();
    if name.is_empty() {
        return bad("it is empty");
    }
    if name.len() > MAX_NAME {
        return bad("it is longer than 253 bytes");
    }
    for label in name.split('.') {
        if label.is_empty() {
            return bad("a label is empty");
        }
        if label.len() > MAX_LABEL {
            return bad("a label is longer than 63 bytes");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return bad("a label begins or ends with a hyphen");
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return bad("only letters, digits, hyphens and dots are allowed");
        }
    }
    Ok(name)
}

/// True for a label that some resolver would read as a part of an IPv4 address.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x");
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hex.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Foreign text in a message: printable and short.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

/// The longest text that is looked at; a name in Unicode is shorter than its ASCII form.
const MAX_TEXT: usize = 512;
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
const FORMS: &str =
    "a target is a host name or address, `host:port`, `[IPv6]:port` or `domain:NAME`";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(text: &str) -> String {
        match Place::parse(text) {
            Ok(place) => place.to_string(),
            Err(error) => panic!("{text}: {error}"),
        }
    }

    #[test]
    fn reads_the_forms() {
        for (text, expected) in [
            ("mx1.example.net", "mx1.example.net"),
            ("MX1.Example.NET.", "mx1.example.net"),
            ("mx1.example.net:2525", "mx1.example.net:2525"),
            ("postfix", "postfix"),
            ("_mx.example.net", "_mx.example.net"),
            ("bücher.example:25", "xn--bcher-kva.example:25"),
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:25", "192.0.2.1:25"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8:0::1:25", "2001:db8::1:25"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:587", "[2001:db8::1]:587"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:7f00:1]:25", "127.0.0.1:25"),
            ("domain:Example.net.", "domain:example.net"),
            ("domain:bücher.example", "domain:xn--bcher-kva.example"),
            // IDNA maps these to ASCII digits and dots.
            ("１２７。０。０。１", "127.0.0.1"),
            ("3com.example", "3com.example"),
        ] {
            assert_eq!(host(text), expected, "{text}");
        }
        assert!(matches!(
            Place::parse("192.0.2.1"),
            Ok(Place::Host { host: HostName::Address(_), port: None })
        ));
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for (text, part) in [
            ("", "empty"),
            (".", "empty"),
            ("a..b", "label is empty"),
            ("127.1", "four decimal numbers"),
            ("2130706433", "four decimal numbers"),
            ("0177.0.0.1", "four decimal numbers"),
            ("0x7f.0.0.1", "four decimal numbers"),
            ("0x7f000001", "four decimal numbers"),
            ("127.0.0.0x1", "four decimal numbers"),
            ("256.0.0.1", "four decimal numbers"),
            ("1.2.3.4.5", "four decimal numbers"),
            ("fe80::1%eth0", "zone id"),
            ("[fe80::1%25eth0]:25", "zone id"),
            ("[2001:db8::1", "closing bracket"),
            ("[2001:db8::1]25", "write `]:port`"),
            ("[192.0.2.1]:25", "without brackets"),
            ("a:b:c", "not an IPv6 address"),
            ("mx.example:0", "1 to 65535"),
            ("mx.example:65536", "1 to 65535"),
            ("mx.example:+25", "1 to 65535"),
            ("mx.example:", "1 to 65535"),
            ("-mx.example", "hyphen"),
            ("mx example", "letters, digits"),
            ("mx/example", "letters, digits"),
            ("user@mx.example", "letters, digits"),
            ("a\r\nb", "letters, digits"),
            ("domain:192.0.2.1", "without `domain:`"),
            ("domain:example.net:25", "no port"),
            ("domain:", "empty"),
        ] {
            let error = Place::parse(text).unwrap_err();
            assert!(error.contains(part), "{text:?}: {error}");
            assert!(!error.contains('\r') && !error.contains('\n'), "{error:?}");
        }
        let label = "a".repeat(64);
        assert!(Place::parse(&label).unwrap_err().contains("63"));
        let name = ["a"; 128].join(".");
        assert!(Place::parse(&name).unwrap_err().contains("253"));
        assert!(Place::parse(&"a".repeat(513)).unwrap_err().contains("512"));
        assert!(Place::parse(&["a"; 127].join(".")).is_ok());
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back_what_it_wrote(text in "\\PC{0,40}") {
            if let Ok(place) = Place::parse(&text) {
                prop_assert_eq!(Place::parse(&place.to_string()), Ok(place));
            }
        }

        #[test]
        fn hosts_and_ports_are_read(name in "[a-z][a-z0-9]{0,20}(\\.[a-z][a-z0-9]{0,20}){0,3}", port in 1..=u16::MAX) {
            let place = Place::parse(&format!("{name}:{port}"));
            let host = HostName::Name(name.as_str().into());
            prop_assert_eq!(place, Ok(Place::Host { host, port: Some(port) }));
        }
    }
}
