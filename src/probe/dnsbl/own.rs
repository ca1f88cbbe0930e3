//! The addresses that this host sends from.

use std::net::IpAddr;

use crate::net::tcp;
use crate::target::reach::{is_inside, is_never_a_host};
use crate::target::{Family, Policy};

/// The addresses that connections go out from: those that the configuration names, else what the
/// system would take for each family. Nothing is sent to find out. Behind NAT that is a private
/// address, and the one that the world sees is not known here.
pub fn own_addresses(policy: &Policy) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if policy.source_addresses.is_empty() {
        Family::ALL
            .iter()
            .filter(|family| policy.families.takes(**family))
            .filter_map(|family| tcp::outgoing_address(*family))
            .collect()
    } else {
        policy.source_addresses.iter().map(IpAddr::to_canonical).collect()
    };
    addresses.sort();
    addresses.dedup();
    addresses
}

/// True for an address that a block list can know: one that is reached from outside.
pub fn is_public(address: IpAddr) -> bool {
    !is_inside(address) && !is_never_a_host(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_no_list_can_know_are_not_public() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["192.0.2.1", "100.63.255.255", "100.128.0.1", "8.8.8.8", "2001:db8::25"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn configured_addresses_are_the_own_ones() {
        let source_addresses = ["192.0.2.9", "::ffff:192.0.2.7", "192.0.2.9"];
        let source_addresses = source_addresses.map(|text| text.parse().unwrap()).to_vec();
        let policy = Policy { source_addresses, ..Policy::default() };
        let expected: [IpAddr; 2] = ["192.0.2.7".parse().unwrap(), "192.0.2.9".parse().unwrap()];
        assert_eq!(own_addresses(&policy), expected);
    }
}
