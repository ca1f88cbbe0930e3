//! What is looked up: an address or a domain.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;

closed_enum! {
    /// Kinds of subjects; a list takes some of them.
    pub enum SubjectKind {
        /// An IPv4 address.
        Ip4 => "ip4",
        /// An IPv6 address.
        Ip6 => "ip6",
        /// A domain.
        Domain => "domain",
    }
}

/// What is looked up. Its text is the value of the `subject` label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// An address; an IPv4-mapped one is kept as the IPv4 address that it is.
    Address(IpAddr),
    /// A domain in its ASCII form (IDNA), lower case, without the trailing dot.
    Domain(Arc<str>),
}

impl Subject {
    /// Reads an address or a domain. An IPv4-mapped address becomes the IPv4 address that it stands
    /// for; a domain becomes ASCII (IDNA, UTS 46) and lower case and loses a trailing dot. Networks
    /// are not read here: see [`expand`].
    ///
    /// # Errors
    ///
    /// What is wrong, and what would be right, for a person: text that is neither, addresses that
    /// stand for no host, and names that no list can hold.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shown = printable(text);
        if let Some((_, rest)) = text.split_once("://") {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            return Err(format!("`{shown}` is a URL; write its host alone: {}", printable(host)));
        }
        if text.parse::<IpNet>().is_ok() {
            return Err(format!("`{shown}` is a network; write one of its addresses"));
        }
        if let Some((_, domain)) = text.rsplit_once('@') {
            return Err(format!(
                "`{shown}` is a mail address; write its domain alone: {}",
                printable(domain)
            ));
        }
        if let Some((inside, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        {
            return Err(format!(
                "`{shown}` has brackets{}; write the address alone: {}",
                if after.starts_with(':') { " and a port" } else { "" },
                printable(inside)
            ));
        }
        if let Ok(found) = text.parse::<IpAddr>() {
            return address(found, &shown).map(Self::Address);
        }
        if text.contains('%') {
            return Err(format!("`{shown}` has a zone id; lists know global addresses alone"));
        }
        match text.bytes().filter(|byte| *byte == b':').count() {
            0 => {}
            1 => {
                let host = text.split(':').next().unwrap_or_default();
                return Err(format!("`{shown}` has a port; write {} alone", printable(host)));
            }
            _ => return Err(format!("`{shown}` is not an IPv6 address, such as 2001:db8::25")),
        }
        let name = name(text)?;
        if !name.contains('.') {
            return Err(format!(
                "`{shown}` is a single label; write a whole domain, such as example.net"
            ));
        }
        Ok(Self::Domain(name))
    }

    /// Its kind.
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::Address(IpAddr::V4(_)) => SubjectKind::Ip4,
            Self::Address(IpAddr::V6(_)) => SubjectKind::Ip6,
            Self::Domain(_) => SubjectKind::Domain,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
        }
    }
}

/// Every address of `network`, in numerical order, the first and the last one included: lists know
/// nothing of network and broadcast addresses. Bits behind the prefix do not matter.
///
/// # Errors
///
/// When there are more than [`MAX_NETWORK`], or when it holds an address that stands for no host; for
/// a person.
pub fn expand(network: IpNet) -> Result<Vec<Subject>, String> {
    let network = network.trunc();
    let free = network.max_prefix_len() - network.prefix_len();
    // 2^free, without ever being larger than it takes to know that it is too many.
    let size = 1_usize.checked_shl(free.into()).unwrap_or(usize::MAX);
    if size > MAX_NETWORK {
        let longest = network.max_prefix_len() - MAX_NETWORK.ilog2().min(32) as u8;
        return Err(format!(
            "{network} holds more than {MAX_NETWORK} addresses, and each is asked for on every \
             list; write /{longest} or smaller, or the sending addresses alone"
        ));
    }
    let (first, bits) = match network.network() {
        IpAddr::V4(first) => (u128::from(u32::from(first)), 32),
        IpAddr::V6(first) => (u128::from(first), 128),
    };
    (0..size as u128)
        .map(|offset| {
            let number = first.saturating_add(offset);
            let found = if bits == 32 {
                IpAddr::V4(u32::try_from(number).unwrap_or(u32::MAX).into())
            } else {
                IpAddr::V6(number.into())
            };
            address(found, &found.to_string()).map(Subject::Address)
        })
        .collect()
}

/// A domain name in its ASCII form, lower case, without the trailing dot. Underscores are let
/// through, since names with them exist.
///
/// # Errors
///
/// What is wrong, for a person.
pub(super) fn name(text: &str) -> Result<Arc<str>, String> {
    let shown = printable(text);
    if text.is_empty() {
        return Err("is empty; write an address or a domain".to_owned());
    }
    // A bound on the input keeps the cost of Punycode small.
    if text.len() > MAX_TEXT {
        return Err(format!("`{shown}` is longer than a name can be (253 bytes)"));
    }
    let bare = text.strip_suffix('.').unwrap_or(text);
    let plain = bare.is_ascii() && !bare.to_ascii_lowercase().contains("xn--");
    let ascii = if plain {
        bare.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii_cow(bare.as_bytes(), idna::AsciiDenyList::EMPTY)
            .map_err(|_| format!("`{shown}` is not a valid international name (IDNA)"))?
            .into_owned()
    };
    if ascii.len() > MAX_NAME {
        return Err(format!("`{shown}` is longer than a name can be (253 bytes)"));
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err(format!("`{shown}` has an empty label: a dot too many"));
        }
        if label.len() > 63 {
            return Err(format!("`{shown}` has a label of more than 63 bytes"));
        }
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(format!(
                "`{shown}` is neither an address nor a domain: a domain has letters, digits, \
                 hyphens and dots"
            ));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(format!("`{shown}` has a label that begins or ends with a hyphen"));
        }
    }
    let last = ascii.rsplit('.').next().unwrap_or_default();
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "`{shown}` is neither a domain nor an IPv4 address; an address is four decimal numbers \
             from 0 to 255 without leading zeros, such as 192.0.2.25"
        ));
    }
    Ok(Arc::from(ascii))
}

fn address(found: IpAddr, shown: &str) -> Result<IpAddr, String> {
    let found = found.to_canonical();
    if found.is_unspecified() {
        Err(format!("`{shown}` stands for no host"))
    } else if found.is_multicast() || found == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Err(format!("`{shown}` is a multicast or broadcast address, which sends no mail"))
    } else {
        Ok(found)
    }
}

/// Text as a message may show it: one line, no control characters, cut short.
fn printable(text: &str) -> String {
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

/// The addresses that one network may stand for: a /24, or a /120 of IPv6. Each costs a question per
/// list and interval.
pub const MAX_NETWORK: usize = 256;

/// The longest name that can be asked for, in bytes without the trailing dot (RFC 1035, 2.3.4).
pub(super) const MAX_NAME: usize = 253;

/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_addresses_and_domains() {
        for (text, shown, kind) in [
            ("192.0.2.25", "192.0.2.25", SubjectKind::Ip4),
            ("127.0.0.2", "127.0.0.2", SubjectKind::Ip4),
            ("::ffff:192.0.2.25", "192.0.2.25", SubjectKind::Ip4),
            ("2001:DB8:0::25", "2001:db8::25", SubjectKind::Ip6),
            ("Example.NET.", "example.net", SubjectKind::Domain),
            ("bücher.example", "xn--bcher-kva.example", SubjectKind::Domain),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example", SubjectKind::Domain),
            ("_dmarc.example.net", "_dmarc.example.net", SubjectKind::Domain),
        ] {
            let subject = Subject::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(subject.to_string(), shown);
            assert_eq!(subject.kind(), kind, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_and_names_the_mend() {
        for (text, part) in [
            ("", "write an address or a domain"),
            ("https://mx.example/path?x", "host alone: mx.example"),
            ("user@mx.example", "domain alone: mx.example"),
            ("mx.example:25", "has a port; write mx.example alone"),
            ("192.0.2.1:25", "has a port; write 192.0.2.1 alone"),
            ("[2001:db8::1]:25", "brackets and a port; write the address alone: 2001:db8::1"),
            ("[2001:db8::1]", "brackets; write the address alone: 2001:db8::1"),
            ("192.0.2.0/24", "is a network"),
            ("2001:db8::/120", "is a network"),
            ("192.0.2.0/33", "neither an address nor a domain"),
            ("localhost", "single label"),
            ("2001:db8::zz", "not an IPv6 address"),
            ("fe80::1%eth0", "zone id"),
            ("192.0.2.256", "four decimal numbers"),
            ("192.0.2", "four decimal numbers"),
            ("0x7f.0.0.0x1", "four decimal numbers"),
            ("0.0.0.0", "no host"),
            ("::", "no host"),
            ("255.255.255.255", "broadcast"),
            ("ff02::1", "multicast"),
            ("a..example", "empty label"),
            ("-a.example", "hyphen"),
            ("a b.example", "neither an address nor a domain"),
            ("a\r\nb.example", "neither an address nor a domain"),
        ] {
            let error = Subject::parse(text).unwrap_err();
            assert!(error.contains(part), "{text:?}: {error}");
            assert!(!error.contains(['\r', '\n']), "{error:?}");
        }
        assert!(Subject::parse(&"a".repeat(64)).unwrap_err().contains("63"));
        assert!(Subject::parse(&["a"; 128].join(".")).unwrap_err().contains("253"));
        assert!(Subject::parse(&"ü".repeat(4096)).unwrap_err().contains("253"));
    }

    #[test]
    fn a_network_is_all_of_its_addresses_in_order() {
        let all = expand("192.0.2.7/30".parse().unwrap()).unwrap();
        let texts: Vec<String> = all.iter().map(Subject::to_string).collect();
        assert_eq!(texts, ["192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"]);
        let all = expand("198.51.100.0/24".parse().unwrap()).unwrap();
        assert_eq!(all.len(), MAX_NETWORK);
        assert!(all.is_sorted());
        assert_eq!(expand("192.0.2.1/32".parse().unwrap()).unwrap().len(), 1);
        let all = expand("2001:db8::ff00/120".parse().unwrap()).unwrap();
        assert_eq!(all.len(), MAX_NETWORK);
        assert_eq!(all.last().unwrap().to_string(), "2001:db8::ffff");
        let all = expand("::ffff:192.0.2.0/127".parse().unwrap()).unwrap();
        assert_eq!(all.last().unwrap().to_string(), "192.0.2.1");
        let all = expand("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127".parse().unwrap());
        assert!(all.unwrap_err().contains("multicast"));
    }

    #[test]
    fn a_network_has_a_cap_that_is_told() {
        for (network, mend) in [
            ("192.0.2.0/23", "/24"),
            ("0.0.0.0/0", "/24"),
            ("2001:db8::/119", "/120"),
            ("2001:db8::/64", "/120"),
            ("::/0", "/120"),
        ] {
            let error = expand(network.parse().unwrap()).unwrap_err();
            assert!(error.contains("more than 256") && error.contains(mend), "{error}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back_what_it_wrote(text in "\\PC{0,40}") {
            if let Ok(subject) = Subject::parse(&text) {
                prop_assert_eq!(Subject::parse(&subject.to_string()), Ok(subject));
            }
        }

        #[test]
        fn networks_of_any_size_end(bits in any::<u128>(), prefix in 0_u8..=128, v4 in any::<bool>()) {
            let network = if v4 {
                IpNet::new(IpAddr::V4((bits as u32).into()), prefix.min(32))
            } else {
                IpNet::new(IpAddr::V6(bits.into()), prefix)
            };
            if let Ok(all) = expand(network.unwrap()) {
                prop_assert!(!all.is_empty() && all.len() <= MAX_NETWORK);
            }
        }
    }
}
