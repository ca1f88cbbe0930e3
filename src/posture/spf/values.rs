//! What the letters of macros stand for (RFC 7208, 7.2 and 7.3).

use std::net::IpAddr;

/// What macros stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    /// The domain whose record it is.
    pub(super) domain: &'a str,
    /// The sender's address, with a local part.
    pub(super) sender: &'a str,
    /// What the client says in EHLO.
    pub(super) helo: &'a str,
    /// The client; none while a record is walked for everybody.
    pub(super) client: Option<IpAddr>,
    /// The client's validated name: asked for only where [`super::macros::DomainSpec::names_client`] says so.
    pub(super) validated: &'a str,
}

impl Values<'_> {
    /// What a letter, in lower case, stands for.
    pub(super) fn of(&self, letter: char) -> String {
        let (local, domain) = self.sender.rsplit_once('@').unwrap_or(("", self.sender));
        match letter {
            's' => self.sender.to_owned(),
            'l' => local.to_owned(),
            'o' => domain.to_owned(),
            'd' => self.domain.to_owned(),
            'h' => self.helo.to_owned(),
            'p' => self.validated.to_owned(),
            'i' => self.client.map(dotted).unwrap_or_default(),
            'v' => self.client.map(arpa).unwrap_or_default().to_owned(),
            'c' => self.client.map(|client| client.to_string()).unwrap_or_default(),
            // Who receives, and when, is not known to an evaluation: RFC 7208 lets `r` be so.
            't' => "0".to_owned(),
            _ => "unknown".to_owned(),
        }
    }
}

/// The name that reverse names of an address stand at (RFC 1035, 3.5; RFC 3596, 2.5).
pub(super) fn reverse_name(client: IpAddr) -> String {
    let dotted = dotted(client);
    let mut parts: Vec<&str> = dotted.split('.').collect();
    parts.reverse();
    format!("{}.{}.arpa", parts.join("."), arpa(client)).to_ascii_lowercase()
}

/// An address as `i` writes it: numbers, or single hexadecimal digits in upper case (7.3).
fn dotted(client: IpAddr) -> String {
    match client {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let digits = format!("{:032X}", u128::from(address));
            digits.chars().map(String::from).collect::<Vec<_>>().join(".")
        }
    }
}

const fn arpa(client: IpAddr) -> &'static str {
    match client {
        IpAddr::V4(_) => "in-addr",
        IpAddr::V6(_) => "ip6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_turned_around_as_the_dns_wants_them() {
        let name = |client: &str| reverse_name(client.parse().unwrap());
        assert_eq!(name("192.0.2.3"), "3.2.0.192.in-addr.arpa");
        let digits = format!("1.0.b.c.{}8.b.d.0.1.0.0.2", "0.".repeat(20));
        assert_eq!(name("2001:db8::cb01"), format!("{digits}.ip6.arpa"));
    }

    /// A walk has no client, and a sender may lack its local part.
    #[test]
    fn what_is_not_known_stands_for_nothing() {
        let values = Values {
            domain: "example.net",
            sender: "example.org",
            helo: "",
            client: None,
            validated: "",
        };
        let of: Vec<String> = "slodihvpc".chars().map(|letter| values.of(letter)).collect();
        let expected =
            ["example.org", "", "example.org", "example.net", "", "", "", "", ""].map(String::from);
        assert_eq!(of, expected);
    }
}
