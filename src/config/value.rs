//! Single values: text to a duration, a number, a host, an address. Each function says what is
//! wrong and what would be right, without the key's path, which the caller knows.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::text::printable;
use crate::smtp::command;
pub(super) use crate::target::place::{address, domain, host};
use crate::target::{Allow, HostName};

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
    command::check_helo(&name).map_err(|error| format!("`{name}`: {error}"))?;
    Ok(name)
}

/// Why a name that passed [`helo`] can't be said to servers that are not ours; none when it can.
pub(crate) fn helo_not_public(name: &str) -> Option<String> {
    let last = name.rsplit('.').next().unwrap_or_default();
    if command::is_public_helo(name) {
        None
    } else if name.starts_with('[') {
        Some(format!("`{name}` is an address that no one outside can reach"))
    } else if last == name {
        Some(format!("`{name}` is a single label and not a full name"))
    } else {
        Some(format!("`{name}` ends in .{last}, which no one outside can look up"))
    }
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
    let address = format!("{local}@{host}");
    // What passes here can be said.
    command::check_forward_path(&address).map_err(|error| format!("`{shown}`: {error}"))?;
    Ok(address)
}
