//! From what a person or a query writes to a [`Place`]: `host`, `host:port`, `[IPv6]:port` or
//! `domain:NAME`. One parser, so that the configuration, the command line and `/probe` mean the same
//! by it.
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
        match text.strip_prefix("domain:") {
            Some(name) => domain(name).map(Self::Domain),
            None => host(text).map(|(host, port)| Self::Host { host, port }),
        }
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

/// `name`, `192.0.2.1`, `2001:db8::1`, each with a port if wanted: `name:25`, `[2001:db8::1]:25`.
///
/// # Errors
///
/// What is wrong, and what would be right, for a person.
pub fn host(text: &str) -> Result<(HostName, Option<u16>), String> {
    let shown = Shown(text);
    if let Some((_, rest)) = text.split_once("://") {
        let rest = rest.split('/').next().unwrap_or_default();
        return Err(format!("`{shown}` is a URL; write the host alone: {}", printable(rest)));
    }
    if let Some((_, at)) = text.rsplit_once('@') {
        return Err(format!(
            "`{shown}` is a mail address; for the servers that take its mail write domain: {}",
            printable(at)
        ));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let Some((inside, after)) = rest.split_once(']') else {
            return Err(format!("`{shown}` lacks the closing bracket"));
        };
        let found = address(inside)
            .map_err(|message| format!("{message}; brackets are for IPv6 addresses"))?;
        return match after.strip_prefix(':') {
            Some(after) => Ok((HostName::Address(found), Some(parse_port(after)?))),
            None if after.is_empty() => Ok((HostName::Address(found), None)),
            None => Err(format!("`{shown}` has text after the bracket; a port follows a colon")),
        };
    }
    let colons = text.bytes().filter(|b| *b == b':').count();
    if colons > 1 || text.contains('%') {
        if text.parse::<Ipv6Addr>().is_err() && !text.contains('%') {
            return Err(format!(
                "`{shown}` is not an IPv6 address; with a port write [2001:db8::1]:25"
            ));
        }
        return Ok((HostName::Address(address(text)?), None));
    }
    let (name, port) = match text.split_once(':') {
        Some((name, stated)) => (name, Some(parse_port(stated)?)),
        None => (text, None),
    };
    if name.parse::<IpAddr>().is_ok() {
        return Ok((HostName::Address(address(name)?), port));
    }
    Ok((HostName::Name(domain(name)?), port))
}

/// A name in its ASCII form (IDNA, UTS 46), lower case, without the trailing dot. Underscores are
/// let through: names with them exist in private zones and resolve.
///
/// # Errors
///
/// What is wrong, and what would be right, for a person.
pub fn domain(text: &str) -> Result<Arc<str>, String> {
    let shown = Shown(text);
    if text.is_empty() {
        return Err("is empty; write a name such as mx1.example.net".to_owned());
    }
    // A bound on the input keeps the cost of Punycode small.
    if text.len() > MAX_TEXT {
        return Err(format!("`{shown}` is longer than a name can be (253 bytes)"));
    }
    let bare = text.strip_suffix('.').unwrap_or(text);
    let ascii = if bare.is_ascii() && !bare.to_ascii_lowercase().contains("xn--") {
        bare.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii_cow(bare.as_bytes(), idna::AsciiDenyList::EMPTY)
            .map_err(|_| format!("`{shown}` is not a valid international name (IDNA)"))?
            .into_owned()
    };
    if ascii.len() > 253 {
        return Err(format!("`{shown}` is longer than a name can be (253 bytes)"));
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err(format!(
                "`{shown}` has an empty label: two dots in a row, or one in front"
            ));
        }
        if label.len() > 63 {
            return Err(format!("`{shown}` has a label of more than 63 bytes"));
        }
        if let Some(bad) =
            label.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
        {
            return Err(format!(
                "`{shown}` holds {}, which no host name can",
                if bad == ' ' {
                    "a space".to_owned()
                } else {
                    format!("`{}`", printable(&bad.to_string()))
                }
            ));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(format!("`{shown}` has a label that begins or ends with a hyphen"));
        }
    }
    let last = ascii.rsplit('.').next().unwrap_or_default();
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if hexadecimal || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "`{shown}` is neither a name nor an IPv4 address; an address is four decimal numbers \
             from 0 to 255 without leading zeros, such as 192.0.2.1"
        ));
    }
    Ok(Arc::from(ascii))
}

/// An address literal without port and brackets; an IPv4-mapped one becomes IPv4.
///
/// # Errors
///
/// What is wrong, and what would be right, for a person.
pub fn address(text: &str) -> Result<IpAddr, String> {
    if text.contains('%') {
        return Err(format!(
            "`{}` has a zone id, which can't be probed; use a global or unique local address",
            printable(text)
        ));
    }
    let address = text
        .parse::<IpAddr>()
        .map_err(|_| format!("`{}` is not an IP address", printable(text)))?
        .to_canonical();
    let shown = Shown(text);
    if address.is_unspecified() {
        Err(format!("`{shown}` stands for no host"))
    } else if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Err(format!("`{shown}` is a multicast or broadcast address; SMTP needs one host"))
    } else {
        Ok(address)
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    if text.is_empty() {
        return Err("the port behind the colon is missing; 1 to 65535".to_owned());
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse::<u16>().ok().filter(|_| plain).ok_or_else(|| {
        let shown = printable(text);
        format!("the port `{shown}` is not a number from 1 to 65535, without leading zeros")
    })
}

/// Text that becomes [`printable`] when a message shows it, which is seldom.
struct Shown<'text>(&'text str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.0))
    }
}

/// Text as a message may show it: one line, no control characters, cut short.
pub fn printable(text: &str) -> String {
    let mut shown = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == 80 {
            shown.push('…');
            break;
        }
        if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The longest text that is looked at.
const MAX_TEXT: usize = 1024;

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
            (".", "empty label"),
            ("a..b", "empty label"),
            ("127.1", "four decimal numbers"),
            ("2130706433", "four decimal numbers"),
            ("0177.0.0.1", "four decimal numbers"),
            ("0x7f.0.0.1", "four decimal numbers"),
            ("0x7f000001", "four decimal numbers"),
            ("127.0.0.0x1", "four decimal numbers"),
            ("256.0.0.1", "four decimal numbers"),
            ("1.2.3.4.5", "four decimal numbers"),
            // IDNA maps these to ASCII digits and dots.
            ("１２７。０。０。１", "four decimal numbers"),
            ("fe80::1%eth0", "zone id"),
            ("[fe80::1%25eth0]:25", "zone id"),
            ("[2001:db8::1", "closing bracket"),
            ("[2001:db8::1]25", "follows a colon"),
            ("[mx.example]:25", "brackets are for IPv6"),
            ("a:b:c", "not an IPv6 address"),
            ("0.0.0.0", "no host"),
            ("::", "no host"),
            ("224.0.0.1", "multicast"),
            ("mx.example:0", "1 to 65535"),
            ("mx.example:65536", "1 to 65535"),
            ("mx.example:+25", "1 to 65535"),
            ("mx.example:025", "leading zeros"),
            ("mx.example:", "1 to 65535"),
            ("-mx.example", "hyphen"),
            ("mx example", "a space"),
            ("mx/example", "no host name can"),
            ("user@mx.example", "domain: mx.example"),
            ("smtp://mx.example/", "host alone: mx.example"),
            ("a\r\nb", "no host name can"),
            ("domain:192.0.2.1", "neither a name"),
            ("domain:example.net:25", "no host name can"),
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
        assert!(Place::parse(&"a".repeat(1025)).unwrap_err().contains("253"));
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
