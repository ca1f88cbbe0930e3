//! The names that are asked for (RFC 5782, 2.1, 2.2, 2.4).

use std::net::IpAddr;

use super::{Subject, Zone};

/// The name to ask for, without the trailing dot: an IPv4 address as reversed octets, an IPv6 address
/// as 32 reversed nibbles, a domain as it is; each in front of the zone. It holds the zone's key, if
/// there is one, so it is for asking and never for showing.
pub fn name(subject: &Subject, zone: &Zone) -> String {
    let mut name = String::new();
    match subject {
        Subject::Address(IpAddr::V4(address)) => {
            for octet in address.octets().iter().rev() {
                name.push_str(&format!("{octet}."));
            }
        }
        Subject::Address(IpAddr::V6(address)) => {
            for octet in address.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", octet & 0xf, octet >> 4));
            }
        }
        Subject::Domain(domain) => name.push_str(&format!("{domain}.")),
    }
    name.push_str(zone.expose());
    name
}
