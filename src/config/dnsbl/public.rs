//! Public resolvers, which most lists refuse: they can't tell who asks, nor how often.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::super::disk;
use super::super::walk::{Fields, Findings};
use crate::dnsbl::Plan;
use crate::target::Policy;

/// Warns where a public resolver would be asked.
pub(super) fn warn(
    plan: &Plan,
    policy: &Policy,
    fields: &Fields,
    root: &Fields,
    findings: &mut Findings,
) {
    for list in &plan.lists {
        if let Some((server, who)) = first(&list.servers) {
            findings.warn(&fields.missing("lists"), text(&list.name, server, who));
        }
    }
    if !plan.lists.iter().any(|list| list.servers.is_empty()) {
        return;
    }
    let (spot, servers) = if !plan.servers.is_empty() {
        (fields.at("servers").map(|at| at.spot()), plan.servers.clone())
    } else if !policy.dns_servers.is_empty() {
        let dns = root.at("dns").map(|at| at.spot());
        (
            dns.map(|spot| super::super::walk::Spot { path: "dns.servers".to_owned(), ..spot }),
            policy.dns_servers.clone(),
        )
    } else {
        let conf = disk::read(Path::new(RESOLV_CONF), MAX_BYTES).unwrap_or_default();
        let servers = nameservers(&String::from_utf8_lossy(&conf));
        (None, servers.into_iter().map(|address| SocketAddr::new(address, 53)).collect())
    };
    if let Some((server, who)) = first(&servers) {
        let by = if spot.is_none() { " (of the system)" } else { "" };
        let spot = spot.unwrap_or_else(|| fields.missing("servers"));
        findings.warn(&spot, text(&format!("the lists{by}"), server, who));
    }
}

fn text(whom: &str, server: IpAddr, who: &str) -> String {
    format!(
        "{server} is {who}, a public resolver: most lists refuse it or answer it wrongly, and \
         {whom} would be asked through it; name a resolver of your own in dnsbl.servers"
    )
}

fn first(servers: &[SocketAddr]) -> Option<(IpAddr, &'static str)> {
    servers.iter().map(|server| server.ip().to_canonical()).find_map(|ip| Some((ip, whose(ip)?)))
}

/// Whose public resolver an address is; none when it is not known as one.
pub(crate) fn whose(address: IpAddr) -> Option<&'static str> {
    let of = |name| Some(name);
    match address {
        IpAddr::V4(v4) => match v4.octets() {
            [8, 8, 8, 8] | [8, 8, 4, 4] => of("Google Public DNS"),
            [1, 1, 1, 1..=3] | [1, 0, 0, 1..=3] => of("Cloudflare's"),
            [9, 9, 9, 9..=12] | [149, 112, 112, 9..=12 | 112] => of("Quad9"),
            [208, 67, 222 | 220, 123 | 220 | 222] => of("OpenDNS"),
            [4, 2, 2, 1..=6] => of("Level 3's"),
            [64, 6, 64 | 65, 6] => of("Verisign's"),
            [94, 140, 14 | 15, _] => of("AdGuard's"),
            _ => None,
        },
        IpAddr::V6(v6) => PREFIXES
            .iter()
            .find(|(prefix, _)| v6.segments().starts_with(prefix))
            .map(|(_, name)| *name)
            .filter(|_| v6 != Ipv6Addr::UNSPECIFIED),
    }
}

/// The addresses of `nameserver` lines (resolv.conf(5)).
fn nameservers(text: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next()?.parse().ok())?
    });
    let found: Vec<IpAddr> = lines.collect();
    if found.is_empty() { vec![IpAddr::V4(Ipv4Addr::LOCALHOST)] } else { found }
}

const RESOLV_CONF: &str = "/etc/resolv.conf";
const MAX_BYTES: usize = 64 << 10;
/// The IPv6 addresses of public resolvers by the part that they have in common.
const PREFIXES: &[(&[u16], &str)] = &[
    (&[0x2001, 0x4860, 0x4860], "Google Public DNS"),
    (&[0x2606, 0x4700, 0x4700], "Cloudflare's"),
    (&[0x2620, 0xfe], "Quad9"),
    (&[0x2620, 0x119, 0x35], "OpenDNS"),
    (&[0x2620, 0x119, 0x53], "OpenDNS"),
    (&[0x2620, 0x74, 0x1b], "Verisign's"),
    (&[0x2620, 0x74, 0x1c], "Verisign's"),
    (&[0x2a10, 0x50c0], "AdGuard's"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_resolvers_are_known_and_others_are_not() {
        for text in [
            "8.8.8.8",
            "8.8.4.4",
            "1.1.1.1",
            "1.0.0.1",
            "9.9.9.9",
            "149.112.112.112",
            "208.67.222.222",
            "208.67.220.220",
            "4.2.2.2",
            "64.6.64.6",
            "2001:4860:4860::8844",
            "2606:4700:4700::1111",
            "2620:fe::fe",
            "2620:119:35::35",
        ] {
            assert!(whose(text.parse().unwrap()).is_some(), "{text}");
        }
        for text in ["127.0.0.53", "192.0.2.53", "8.8.8.9", "::1", "2001:db8::53"] {
            assert_eq!(whose(text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn the_systems_servers_are_read_as_the_system_reads_them() {
        let text = "# nameserver 8.8.8.8\nsearch example.net\nnameserver 192.0.2.53 # office\n\
                    nameserver\t2001:db8::53\nnameserver nonsense\n";
        let expected: [IpAddr; 2] =
            ["192.0.2.53".parse().unwrap(), "2001:db8::53".parse().unwrap()];
        assert_eq!(nameservers(text), expected);
        assert_eq!(nameservers(""), [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    }
}
