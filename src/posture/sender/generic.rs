//! Whether a reverse name looks made by a machine, as those of dial-up lines and unnamed hosts are.
//! Receivers guess it from the name's shape (RFC 5068, 2 says why); the shapes here are families seen
//! in practice, told narrowly: a name that says what the host does is left alone even when a number
//! of its address stands in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::posture::dmarc::organizational;

closed_enum! {
    /// Why a name looks made by a machine.
    pub enum Shape {
        /// Three octets of the address at least stand in it, in order or turned around.
        Octets => "octets",
        /// The address stands in it in hexadecimal.
        Hexadecimal => "hexadecimal",
        /// It says that the host is at the end of an access line.
        AccessLine => "access_line",
        /// It is what a provider calls hosts that nobody named.
        Stock => "stock",
    }
}

impl Shape {
    /// What it means, for a person.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Octets => "the address stands in the name",
            Self::Hexadecimal => "the address stands in the name, in hexadecimal",
            Self::AccessLine => "the name speaks of an access line",
            Self::Stock => "the name is a provider's for hosts without one",
        }
    }
}

/// The shape that makes a name look made by a machine, if it does.
pub fn generic(name: &str, address: IpAddr) -> Option<Shape> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let of_the_address = match address.to_canonical() {
        IpAddr::V4(address) => ipv4(&name, address),
        IpAddr::V6(address) => ipv6(&name, address),
    };
    of_the_address
        .or_else(|| stock(&name).then_some(Shape::Stock))
        .or_else(|| access_line(&name).then_some(Shape::AccessLine))
}

/// Octets in decimal, three in a row at least, with whatever between: `host-192-0-2-25`,
/// `25.2.0.192.example.net`, `ip25.ip-192-0-2.example.net`; all four with leading zeros and nothing
/// between: `192000002025`; in hexadecimal: `p5B0A1234`.
fn ipv4(name: &str, address: Ipv4Addr) -> Option<Shape> {
    let octets = address.octets();
    let mut turned = octets;
    turned.reverse();
    let numbers = numbers(name);
    let in_a_row = |octets: [u8; 4]| {
        let octets = octets.map(u16::from);
        octets.windows(3).any(|three| numbers.windows(3).any(|said| said == three))
    };
    // 0.0.0.x and such: three equal numbers say nothing of an address.
    let telling = octets.windows(2).any(|pair| pair.first() != pair.last());
    let padded = |octets: [u8; 4]| {
        let digits: String = octets.iter().map(|octet| format!("{octet:03}")).collect();
        name.contains(&digits)
    };
    if telling && (in_a_row(octets) || in_a_row(turned)) || padded(octets) || padded(turned) {
        return Some(Shape::Octets);
    }
    let hexadecimal = |octets: [u8; 4]| {
        let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        name.contains(&digits)
    };
    (hexadecimal(octets) || hexadecimal(turned)).then_some(Shape::Hexadecimal)
}

/// The whole address, or its last half when that is not mostly zeros, in hexadecimal with or without
/// signs between; or its text with hyphens for colons: `2001-db8--25.example.net`.
fn ipv6(name: &str, address: Ipv6Addr) -> Option<Shape> {
    let digits: String = address.octets().iter().map(|octet| format!("{octet:02x}")).collect();
    let turned: String = digits.chars().rev().collect();
    let squeezed: String = name.chars().filter(|c| !matches!(c, '-' | '.' | '_' | ':')).collect();
    let half = digits.get(16..).unwrap_or_default();
    let telling = half.bytes().filter(|byte| *byte != b'0').count() >= 8;
    let text = address.to_string().replace(':', "-");
    let whole: Vec<String> = address.segments().iter().map(|s| format!("{s:x}")).collect();
    let found = squeezed.contains(&digits)
        || squeezed.contains(&turned)
        || (telling && squeezed.contains(half))
        || name.contains(&whole.join("-"))
        || (text.len() >= 8 && name.split('.').any(|label| label.contains(&text)));
    found.then_some(Shape::Hexadecimal)
}

/// Names that a provider gives to hosts which nobody named.
fn stock(name: &str) -> bool {
    STOCK.iter().any(|(first, rest)| {
        name.strip_suffix(rest).and_then(|name| name.strip_suffix('.')).is_some_and(|host| {
            host.strip_prefix(first).is_some_and(|rest| {
                rest.bytes().next().is_some_and(|byte| byte.is_ascii_hexdigit())
                    && rest.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'-' | b'.'))
            })
        })
    })
}

/// A word of access lines stands below the organisational domain, and a number beside it; but the
/// host's own label is not one of a mail server.
fn access_line(name: &str) -> bool {
    let organizational = organizational(name);
    let Some(host) = name.strip_suffix(&organizational) else { return false };
    let first: Vec<&str> = words(host.split('.').next().unwrap_or_default()).collect();
    if first.iter().any(|word| MAIL.contains(word)) {
        return false;
    }
    let all: Vec<&str> = host.split('.').flat_map(words).collect();
    host.bytes().any(|byte| byte.is_ascii_digit()) && all.iter().any(|word| LINES.contains(word))
}

/// The runs of letters of a label.
fn words(label: &str) -> impl Iterator<Item = &str> {
    label.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty())
}

/// The runs of digits, as numbers; what is too long for an octet counts as one that is none.
fn numbers(name: &str) -> Vec<u16> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse::<u16>().ok().filter(|_| digits.len() <= 3).unwrap_or(u16::MAX))
        .collect()
}

/// What hosts at the end of an access line are called.
const LINES: &[&str] = &[
    "adsl",
    "broadband",
    "cable",
    "catv",
    "cpe",
    "dhcp",
    "dial",
    "dialin",
    "dialup",
    "dip",
    "dsl",
    "dyn",
    "dynamic",
    "dynip",
    "fiber",
    "fibre",
    "fios",
    "ftth",
    "hsd",
    "modem",
    "pool",
    "ppp",
    "pppoe",
    "pptp",
    "res",
    "residential",
    "sdsl",
    "vdsl",
    "wimax",
    "wlan",
    "xdsl",
];

/// What mail servers are called, alone or before a number.
const MAIL: &[&str] = &[
    "mail",
    "mailer",
    "mailgw",
    "mailhost",
    "mailin",
    "mailout",
    "mailserver",
    "mout",
    "mta",
    "mx",
    "out",
    "outbound",
    "relay",
    "sender",
    "smtp",
    "smtpout",
];

/// The first letters of a stock name, and the domain below which it stands; between them stand
/// digits, hexadecimal ones included.
const STOCK: &[(&str, &str)] = &[
    ("li", "members.linode.com"),
    ("vps-", "vps.ovh.net"),
    ("vps-", "vps.ovh.ca"),
    ("vps-", "vps.ovh.us"),
    ("vmi", "contaboserver.net"),
    ("srv", "hstgr.cloud"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_made_by_machines_are_known_by_their_shape() {
        for (name, address, shape) in [
            ("ec2-203-0-113-25.compute-1.amazonaws.com", "203.0.113.25", Shape::Octets),
            ("25.113.0.203.bc.googleusercontent.com", "203.0.113.25", Shape::Octets),
            ("static.25.113.0.203.clients.your-server.de", "203.0.113.25", Shape::Octets),
            ("203.0.113.25.vultrusercontent.com", "203.0.113.25", Shape::Octets),
            ("203-0-113-25.ip.linodeusercontent.com", "203.0.113.25", Shape::Octets),
            ("ip25.ip-203-0-113.eu", "203.0.113.25", Shape::Octets),
            ("c-73-12-34-56.hsd1.ca.comcast.net", "73.12.34.56", Shape::Octets),
            ("pool-96-255-1-2.washdc.fios.verizon.net", "96.255.1.2", Shape::Octets),
            ("cpe-24-193-1-2.nyc.res.rr.com", "24.193.1.2", Shape::Octets),
            ("host81-152-1-2.range81-152.btcentralplus.com", "81.152.1.2", Shape::Octets),
            ("118-170-1-2.dynamic-ip.hinet.net", "118.170.1.2", Shape::Octets),
            ("25.2.0.192.dynamic.example.net", "192.0.2.25", Shape::Octets),
            ("host.000.002.025.example.net", "203.0.2.25", Shape::Octets),
            ("softbank126001002003.bbtec.net", "126.1.2.3", Shape::Octets),
            ("p5B0A1234.dip0.t-ipconnect.de", "91.10.18.52", Shape::Hexadecimal),
            ("i577A1234.versanet.de", "87.122.18.52", Shape::Hexadecimal),
            ("li1234-56.members.linode.com", "192.0.2.56", Shape::Stock),
            ("vps-0a1b2c3d.vps.ovh.net", "192.0.2.25", Shape::Stock),
            ("vmi123456.contaboserver.net", "192.0.2.25", Shape::Stock),
            ("user-0c99abc.cable.mindspring.com", "192.0.2.25", Shape::AccessLine),
            ("dhcp-128-12.stanford.edu", "192.0.2.25", Shape::AccessLine),
            ("dyn-7.example.net", "192.0.2.25", Shape::AccessLine),
            ("ppp12.dialup.example.co.uk", "192.0.2.25", Shape::AccessLine),
            ("adsl-a17.example.net", "192.0.2.25", Shape::AccessLine),
            ("2001-db8--25.example.net", "2001:db8::25", Shape::Hexadecimal),
            ("2001-db8-0-0-0-0-0-25.example.net", "2001:db8::25", Shape::Hexadecimal),
            (
                "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.example.net",
                "2001:db8::25",
                Shape::Hexadecimal,
            ),
            ("20010db8000000000000000000000025.example.net", "2001:db8::25", Shape::Hexadecimal),
            (
                "host-0211-22ff-fe33-4455.example.net",
                "2001:db8::211:22ff:fe33:4455",
                Shape::Hexadecimal,
            ),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(generic(name, address), Some(shape), "{name}");
            assert_eq!(generic(&format!("{}.", name.to_uppercase()), address), Some(shape));
        }
    }

    #[test]
    fn names_that_say_what_a_host_does_are_left_alone() {
        for (name, address) in [
            ("mx1.example.net", "192.0.2.25"),
            ("mail.example.net", "2001:db8::25"),
            ("mail-wr1-f51.google.com", "209.85.221.51"),
            ("mail-am6eur05on2087.outbound.protection.outlook.com", "40.107.22.87"),
            ("a8-30.smtp-out.amazonses.com", "54.240.8.30"),
            ("o1.ptr1234.example.net", "167.89.1.2"),
            ("m198-25.mailgun.net", "198.61.254.25"),
            ("mout.gmx.net", "212.227.17.22"),
            ("smtp-out-25.example.net", "192.0.2.25"),
            ("mail-pool-1.example.net", "192.0.2.25"),
            ("mx2.dsl.example.net", "192.0.2.25"),
            // The words of a domain's own name are no words of the host.
            ("host1.dynamic.com", "192.0.2.25"),
            ("srv1.cable-one.example", "192.0.2.25"),
            // Without a number a word says little.
            ("pool.example.net", "192.0.2.25"),
            ("static.example.net", "192.0.2.25"),
            ("server12.example.net", "192.0.2.25"),
            ("members.linode.com", "192.0.2.56"),
            ("shop.members.linode.com", "192.0.2.56"),
            ("mx-0-0-0.example.net", "0.0.0.0"),
            ("mail.v6.example.net", "2001:db8::1"),
            ("mx-25.example.net", "2001:db8::25"),
            ("", "192.0.2.25"),
        ] {
            assert_eq!(generic(name, address.parse().unwrap()), None, "{name}");
        }
    }

    #[test]
    fn every_shape_says_why() {
        let why: std::collections::HashSet<_> = Shape::ALL.iter().map(|s| s.why()).collect();
        assert_eq!(why.len(), Shape::ALL.len());
    }

    proptest! {
        #[test]
        fn any_name_is_looked_at(name in "[ -~]{0,80}|\\PC{0,20}", address in any::<u128>()) {
            generic(&name, IpAddr::V6(address.into()));
            generic(&name, IpAddr::V4(u32::try_from(address >> 96).unwrap().into()));
        }

        #[test]
        fn an_address_between_hyphens_is_always_found(address in any::<u32>()) {
            let address = Ipv4Addr::from(address);
            let octets = address.octets();
            prop_assume!(octets.iter().any(|octet| *octet != octets[0]));
            let name = format!("host-{}.example.net", address.to_string().replace('.', "-"));
            prop_assert_eq!(generic(&name, address.into()), Some(Shape::Octets));
        }
    }
}
