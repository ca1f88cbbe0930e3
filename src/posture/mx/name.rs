//! What stands in an MX record where a host's name has to.

use std::net::IpAddr;

/// How a name can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// A host's name.
    Host,
    /// One that can be asked for, and is not what a host may be called; why.
    Odd(&'static str),
    /// An address.
    Literal,
    /// One that cannot be asked for; why.
    Unaskable(&'static str),
}

/// Reads a name without its trailing dot, in lower case (RFC 5321, 2.3.5; RFC 1123, 2.1).
pub(super) fn read(name: &str) -> Name {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let bare = bare.strip_prefix("ipv6:").unwrap_or(bare);
    if bare.parse::<IpAddr>().is_ok() {
        return Name::Literal;
    }
    if name.len() > 253 {
        return Name::Unaskable("longer than a name can be");
    }
    let mut odd = None;
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Name::Unaskable("a label without a letter, or of more than 63");
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Name::Unaskable("other signs than letters, digits and hyphens");
        }
        if label.contains('_') {
            odd = Some("a host's name has no `_`");
        } else if label.starts_with('-') || label.ends_with('-') {
            odd = Some("a label begins or ends with a hyphen");
        }
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if last == name {
        odd = Some("a single label; the domain after it, or the dot at its end, may be missing");
    } else if last.bytes().all(|byte| byte.is_ascii_digit()) {
        odd = Some("no top-level domain is a number");
    }
    odd.map_or(Name::Host, Name::Odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_addresses_and_from_what_is_neither() {
        let long = format!("{}.example.net", "x".repeat(64));
        let longer = format!("{0}.{0}.{0}.{0}.net", "x".repeat(62));
        for (name, expected) in [
            ("mx1.example.net", Name::Host),
            ("1-2.3com.xn--p1ai", Name::Host),
            ("192.0.2.1", Name::Literal),
            ("[192.0.2.1]", Name::Literal),
            ("[ipv6:2001:db8::1]", Name::Literal),
            ("2001:db8::1", Name::Literal),
            (
                "mx",
                Name::Odd(
                    "a single label; the domain after it, or the dot at its end, may be missing",
                ),
            ),
            ("mx_1.example.net", Name::Odd("a host's name has no `_`")),
            ("-mx.example.net", Name::Odd("a label begins or ends with a hyphen")),
            ("mx.192", Name::Odd("no top-level domain is a number")),
            ("mx..net", Name::Unaskable("a label without a letter, or of more than 63")),
            (&long, Name::Unaskable("a label without a letter, or of more than 63")),
            (&longer, Name::Unaskable("longer than a name can be")),
            ("m x.example.net", Name::Unaskable("other signs than letters, digits and hyphens")),
            ("bücher.example", Name::Unaskable("other signs than letters, digits and hyphens")),
            ("10 mx.example", Name::Unaskable("other signs than letters, digits and hyphens")),
        ] {
            assert_eq!(read(name), expected, "{name}");
        }
    }
}
