//! Single values: text to a duration, a number, a host, an address. Each function says what is
//! wrong and what would be right, without the key's path, which the caller knows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::text::printable;
use crate::target::{Allow, HostName, Place};

/// A value, or what is wrong with the text.
pub(super) type Parsed<T> = Result<T, String>;

/// `30s`, `5m`, `1h30m`: Prometheus' form, with `ms s m h d w`, largest first, each once.
pub(super) fn duration(text: &str) -> Parsed<Duration> {
    let wrong = |why: &str| {
        Err(format!(
            "`{}` {why}; durations are written like 500ms, 30s, 5m or 1h30m",
            printable(text)
        ))
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err("is empty; durations are written like 500ms, 30s, 5m or 1h30m".to_owned());
    }
    if text.starts_with('-') {
        return wrong("is negative");
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("`{0}` has no unit; write {0}s for seconds", printable(text)));
    }
    let mut rest = text;
    let mut total = 0_u64;
    let mut last = usize::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, tail) = tail.split_at(letters);
        let Some(rank) = UNITS.iter().position(|(name, _)| *name == unit) else {
            return wrong(match unit {
                "min" | "mins" | "minute" | "minutes" => "should say m for minutes",
                "sec" | "secs" | "second" | "seconds" => "should say s for seconds",
                "hr" | "hrs" | "hour" | "hours" => "should say h for hours",
                "day" | "days" => "should say d for days",
                _ if !number.is_empty() && tail.starts_with('.') => "has a fraction",
                _ if text.contains(' ') => "has a space",
                _ => "is not a duration",
            });
        };
        if number.is_empty() {
            return wrong("is not a duration");
        }
        if rank >= last {
            return wrong("has its units not from large to small");
        }
        let millis = UNITS.get(rank).map_or(0, |(_, millis)| *millis);
        let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(millis));
        let Some(sum) = part.and_then(|part| total.checked_add(part)) else {
            return wrong("is out of range");
        };
        total = sum;
        last = rank;
        rest = tail;
    }
    Ok(Duration::from_millis(total))
}

/// A duration within bounds, both included.
pub(super) fn duration_in(text: &str, least: Duration, most: Duration) -> Parsed<Duration> {
    let value = duration(text)?;
    if value < least {
        Err(format!("{} is too short; at least {}", show(value), show(least)))
    } else if value > most {
        Err(format!("{} is too long; at most {}", show(value), show(most)))
    } else {
        Ok(value)
    }
}

/// A duration in the form that [`duration`] reads.
pub(super) fn show(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    // Weeks and days are read but not written: 168h is compared with other hours more easily.
    for (name, millis) in UNITS.iter().rev().filter(|(name, _)| !matches!(*name, "w" | "d")) {
        if rest >= *millis {
            out.push_str(&format!("{}{name}", rest / millis));
            rest %= millis;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

const UNITS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
];

/// A whole number within bounds, both included, in plain decimal digits.
pub(super) fn number(text: &str, least: u64, most: u64) -> Parsed<u64> {
    let range = format!("write a whole number from {least} to {most}");
    let shown = printable(text);
    if text.is_empty() {
        return Err(format!("is empty; {range}"));
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("`{shown}` is not a whole number; {range}"));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!(
            "`{shown}` has a leading zero, which some YAML readers take for octal; {range}"
        ));
    }
    match text.parse::<u64>() {
        Ok(n) if (least..=most).contains(&n) => Ok(n),
        _ => Err(format!("{shown} is out of range; {range}")),
    }
}

/// A TCP port.
pub(super) fn port(text: &str) -> Parsed<u16> {
    number(text, 1, 65535).map(|n| u16::try_from(n).unwrap_or(u16::MAX))
}

/// A port behind a host, for a message that has to say which part is meant.
fn port_of(text: &str) -> Parsed<u16> {
    port(text).map_err(|message| format!("the port {message}"))
}

/// A number within bounds that may have a fraction.
pub(super) fn factor(text: &str, least: f64, most: f64) -> Parsed<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.parse::<f64>() {
        Ok(n) if plain && (least..=most).contains(&n) => Ok(n),
        _ => Err(format!("`{}` is not a number from {least} to {most}", printable(text))),
    }
}

/// `true` or `false`.
pub(super) fn boolean(text: &str) -> Parsed<bool> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" => {
            Err(format!("`{text}` is text in YAML 1.2; write true"))
        }
        "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" => {
            Err(format!("`{text}` is text in YAML 1.2; write false"))
        }
        _ => Err(format!("`{}` is neither true nor false", printable(text))),
    }
}

/// A name in its ASCII form (IDNA, UTS 46), lower case, without the trailing dot. Underscores are
/// let through: names with them exist in private zones and resolve.
pub(crate) fn domain(text: &str) -> Parsed<Arc<str>> {
    let shown = printable(text);
    if text.is_empty() {
        return Err("is empty; write a name such as mx1.example.net".to_owned());
    }
    // A bound on the input keeps the cost of Punycode small.
    if text.len() > 1024 {
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
pub(super) fn address(text: &str) -> Parsed<IpAddr> {
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
    let shown = printable(text);
    if address.is_unspecified() {
        Err(format!("`{shown}` stands for no host"))
    } else if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Err(format!("`{shown}` is a multicast or broadcast address; SMTP needs one host"))
    } else {
        Ok(address)
    }
}

/// `name`, `192.0.2.1`, `2001:db8::1`, each with a port if wanted: `name:25`, `[2001:db8::1]:25`.
pub(crate) fn host(text: &str) -> Parsed<(HostName, Option<u16>)> {
    let shown = printable(text);
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
            Some(after) => Ok((HostName::Address(found), Some(port_of(after)?))),
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
        Some((name, stated)) => (name, Some(port_of(stated)?)),
        None => (text, None),
    };
    if name.parse::<IpAddr>().is_ok() {
        return Ok((HostName::Address(address(name)?), port));
    }
    Ok((HostName::Name(domain(name)?), port))
}

/// What `/probe`, the command line and Prometheus' file form take: a host with or without a port,
/// or `domain:NAME`.
///
/// # Errors
///
/// What is wrong with the text and what would be right.
pub fn place(text: &str) -> Result<Place, String> {
    match text.strip_prefix("domain:") {
        Some(name) => Ok(Place::Domain(domain(name)?)),
        None => host(text).map(|(host, port)| Place::Host { host, port }),
    }
}

/// A DNS server: an address, with port 53 unless another is stated.
pub(super) fn server(text: &str) -> Parsed<SocketAddr> {
    match host(text)? {
        (HostName::Address(address), port) => Ok(SocketAddr::new(address, port.unwrap_or(53))),
        (HostName::Name(name), _) => Err(format!(
            "`{name}` is a name, and to look it up a DNS server is needed; write an address"
        )),
    }
}

/// A network: CIDR, or one address.
pub(super) fn network(text: &str) -> Parsed<IpNet> {
    let shown = printable(text);
    let network = match text.split_once('/') {
        None => IpNet::from(address(text)?),
        Some((ip, length)) => {
            let ip = ip
                .parse::<IpAddr>()
                .map_err(|_| format!("`{shown}` is not a network; write it like 192.0.2.0/24"))?;
            let most: u8 = if ip.is_ipv4() { 32 } else { 128 };
            let length = number(length, 0, u64::from(most))
                .map_err(|_| format!("`{shown}`: the prefix is a number from 0 to {most}"))?;
            // Addresses are compared in their canonical form, where a mapped one is IPv4.
            let (ip, length) = match ip {
                IpAddr::V6(v6) if length >= 96 && v6.to_ipv4_mapped().is_some() => {
                    (ip.to_canonical(), length - 96)
                }
                _ => (ip, length),
            };
            IpNet::new(ip, u8::try_from(length).unwrap_or(most))
                .map_err(|_| format!("`{shown}` is not a network; write it like 192.0.2.0/24"))?
        }
    };
    Ok(network.trunc())
}

/// An entry of `exporter.own`.
pub(super) enum OwnEntry {
    /// A network.
    Network(IpNet),
    /// A domain with all names below it.
    Domain(Arc<str>),
}

/// A network that is ours, or a domain.
pub(super) fn own(text: &str) -> Parsed<OwnEntry> {
    if let Some(name) = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')) {
        return Err(format!("names below a domain count by themselves; write {}", printable(name)));
    }
    if text.contains(['/', ':', '%']) || text.parse::<IpAddr>().is_ok() {
        let network = network(text)?;
        let least = if network.addr().is_ipv4() { 8 } else { 16 };
        if network.prefix_len() < least {
            return Err(format!(
                "`{}` is larger than anybody's network; at least /{least}",
                printable(text)
            ));
        }
        return Ok(OwnEntry::Network(network));
    }
    domain(text).map(OwnEntry::Domain)
}

/// An entry of `probe.allow`.
pub(super) fn allow(text: &str) -> Parsed<Allow> {
    match text {
        "configured" => Ok(Allow::Configured),
        "any" => Ok(Allow::Any),
        _ if text.contains(['/', ':', '%']) || text.parse::<IpAddr>().is_ok() => {
            network(text).map(Allow::Network)
        }
        _ => {
            if let Some(name) = text.strip_prefix("*.") {
                return Err(format!(
                    "names below a domain count by themselves; write {}",
                    printable(name)
                ));
            }
            domain(text).map(Allow::Domain)
        }
    }
}

/// The name for EHLO in its ASCII form: a host name, or an address literal in brackets (RFC 5321,
/// 4.1.3). `localhost` says nothing about us and is refused.
pub(crate) fn helo(text: &str) -> Parsed<Arc<str>> {
    if let Some(literal) = text.strip_prefix('[') {
        let inside = literal.strip_suffix(']').unwrap_or_default();
        let (inside, six) = match inside.get(..5) {
            Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => (inside.get(5..).unwrap_or(""), true),
            _ => (inside, false),
        };
        return match inside.parse::<IpAddr>() {
            Ok(IpAddr::V4(v4)) if !six => Ok(Arc::from(format!("[{v4}]"))),
            Ok(IpAddr::V6(v6)) if six => Ok(Arc::from(format!("[IPv6:{v6}]"))),
            _ => Err(format!(
                "`{}` is not an address literal; write [192.0.2.1] or [IPv6:2001:db8::1]",
                printable(text)
            )),
        };
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err(format!("an address stands in brackets: [{}]", printable(text)));
    }
    let name = domain(text)?;
    if name.contains('_') {
        return Err(format!("`{name}` has an underscore, which many servers refuse in EHLO"));
    }
    if &*name == "localhost" || name.starts_with("localhost.") {
        return Err(format!(
            "`{name}` is refused by many servers; write the host's public name, whose address \
             points back to it"
        ));
    }
    Ok(name)
}

/// Why a name that passed [`helo`] can't be said to servers that are not ours; none when it can.
pub(crate) fn helo_not_public(name: &str) -> Option<String> {
    if name.starts_with('[') {
        return None;
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if last == name {
        return Some(format!("`{name}` is a single label and not a full name"));
    }
    let private = ["local", "internal", "localdomain", "lan", "home", "corp", "intranet"];
    (private.contains(&last) || name.ends_with(".home.arpa"))
        .then(|| format!("`{name}` ends in .{last}, which no one outside can look up"))
}

/// A mail address as it goes between the angle brackets of MAIL and RCPT: a dot-atom, and a domain
/// in ASCII form or an address literal. Quoted local parts and SMTPUTF8 are not taken.
pub(crate) fn mail_address(text: &str) -> Parsed<String> {
    let shown = printable(text);
    let Some((local, host)) = text.rsplit_once('@') else {
        return Err(format!("`{shown}` is not a mail address; write it like probe@example.net"));
    };
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    if local.is_empty() || local.len() > 64 {
        return Err(format!("`{shown}`: the part before the @ has 1 to 64 characters"));
    }
    if !local.split('.').all(|part| !part.is_empty() && part.chars().all(atom)) {
        return Err(format!(
            "`{shown}`: before the @ only ASCII letters, digits, single dots inside and \
             !#$%&'*+-/=?^_`{{|}}~ can stand"
        ));
    }
    let host = if host.starts_with('[') { helo(host)? } else { domain(host)? };
    Ok(format!("{local}@{host}"))
}
