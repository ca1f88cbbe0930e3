//! From where an address can be reached.

use std::net::{IpAddr, Ipv4Addr};

/// Unspecified, broadcast and multicast addresses: connecting there reaches ourselves or nobody.
pub fn is_never_a_host(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unspecified(),
    }
}

/// Addresses that stand in examples and nowhere else (RFC 5737, RFC 3849, RFC 9637).
pub fn is_documentation(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_documentation(),
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000)
        }
    }
}

/// Addresses that are reached from inside only (RFC 6890 and its successors), also when they are
/// wrapped in a translation prefix: NAT64 (RFC 6052) and 6to4 (RFC 3056).
pub fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || (a == 100 && (64..128).contains(&b)) // Shared address space, RFC 6598.
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19)) // Benchmarks, RFC 2544.
                || a >= 240
        }
        IpAddr::V6(v6) => {
            let s = v6.segments();
            let embedded = match s {
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((high, low)),
                [0x64, 0xff9b, 1, ..] => return true, // Local translation, RFC 8215.
                [0x2001, 0, ..] => return true,       // Teredo, RFC 4380: a tunnel to anywhere.
                [0x2002, high, low, ..] => Some((high, low)),
                [0, 0, 0, 0, 0, 0, high, low] => Some((high, low)),
                _ => None,
            };
            let v4 = embedded
                .map(|(high, low)| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
            v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || (s[0] & 0xffc0) == 0xfec0 // Site-local, RFC 3879.
                || v4.is_some_and(|v4| is_inside(v4.into()) || is_never_a_host(v4.into()))
        }
    }
}
