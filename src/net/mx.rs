//! Which hosts take a domain's mail, judged from its MX records (RFC 5321, 5.1; RFC 7505).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::observation::{DnsReason, Failure};

/// The hosts that take a domain's mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailExchangers {
    /// How many MX records the domain has, usable or not; 0 for an implicit MX.
    pub records: u32,
    /// Preference and host, the lowest preference first and then by name; each once, the name in
    /// lower case without the trailing dot. At most [`MAX_MAIL_EXCHANGERS`].
    pub hosts: Vec<(u16, Arc<str>)>,
    /// The domain has no MX record, so that it stands for itself (RFC 5321, 5.1). Its addresses
    /// decide whether mail can be handed over.
    pub implicit: bool,
    /// What is odd, for a person: records left out, and why.
    pub notes: Vec<String>,
}

impl MailExchangers {
    /// The domain itself, because it has no MX record.
    pub(super) fn implicit(domain: &str) -> Self {
        Self {
            records: 0,
            hosts: vec![(0, Arc::from(domain))],
            implicit: true,
            notes: vec![format!("{domain} has no MX record: it stands for itself")],
        }
    }
}

/// The most mail exchangers of one domain. Real domains have about ten.
pub const MAX_MAIL_EXCHANGERS: usize = 100;
/// The most notes; an answer can hold thousands of odd records.
const MAX_NOTES: usize = 20;

/// Sorts a domain's MX records, preference and exchange, into usable hosts and notes. The exchanges
/// are names in text as they stand in the zone.
///
/// # Errors
///
/// `null_mx` when the root is the only exchange, `bad_mx` when no exchange is usable.
pub(super) fn sort_out(domain: &str, found: &[(u16, String)]) -> Result<MailExchangers, Failure> {
    let mut usable = BTreeSet::new();
    let mut notes = Vec::new();
    let mut note = |text: String| {
        if notes.len() < MAX_NOTES && !notes.contains(&text) {
            notes.push(text);
        }
    };
    if !found.is_empty() && found.iter().all(|(_, exchange)| exchange == ".") {
        let text = format!("{domain} says that it takes no mail: null MX");
        return Err(Failure::dns(DnsReason::NullMx, text));
    }
    for (preference, exchange) in found {
        match host(exchange) {
            Ok(host) => {
                // The same host twice is one host, at its better preference.
                usable.insert((host, *preference));
            }
            Err(why) => note(format!("MX {preference} {exchange} is left out: {why}")),
        }
    }
    let mut hosts: Vec<(u16, Arc<str>)> = Vec::with_capacity(usable.len());
    for (host, preference) in usable {
        if hosts.last().is_none_or(|(_, last)| **last != *host) {
            hosts.push((preference, Arc::from(host)));
        }
    }
    hosts.sort();
    if hosts.len() > MAX_MAIL_EXCHANGERS {
        let all = hosts.len();
        hosts.truncate(MAX_MAIL_EXCHANGERS);
        // This note says the most, so it stands first.
        notes.insert(
            0,
            format!("{domain} has {all} mail exchangers: {MAX_MAIL_EXCHANGERS} are looked at"),
        );
    }
    if hosts.is_empty() {
        let text = format!("{domain} has no usable MX record: {}", notes.join("; "));
        return Err(Failure::dns(DnsReason::BadMx, text));
    }
    let records = u32::try_from(found.len()).unwrap_or(u32::MAX);
    Ok(MailExchangers { records, hosts, implicit: false, notes })
}

/// An exchange as a host's name, or why it is none.
fn host(exchange: &str) -> Result<String, &'static str> {
    let bare = exchange.strip_suffix('.').unwrap_or(exchange).to_ascii_lowercase();
    if bare.is_empty() {
        Err("the root is no host (RFC 7505 allows it only alone)")
    } else if bare.parse::<IpAddr>().is_ok() {
        Err("an MX holds a name and no address (RFC 5321, 5.1)")
    } else if bare == "localhost" || bare.ends_with(".localhost") {
        Err("it points to whoever asks")
    } else if let Err(why) = super::dns::check_name(&bare) {
        Err(why)
    } else {
        Ok(bare)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;
    use crate::cause::Blame;

    fn sorted(found: &[(u16, &str)]) -> Result<MailExchangers, Failure> {
        let found: Vec<_> = found.iter().map(|(p, e)| (*p, String::from(*e))).collect();
        sort_out("example.test", &found)
    }

    fn names(exchangers: &MailExchangers) -> Vec<(u16, &str)> {
        exchangers.hosts.iter().map(|(p, host)| (*p, &**host)).collect()
    }

    #[test]
    fn hosts_come_by_preference_and_name_and_once() {
        let got = sorted(&[
            (20, "b.test."),
            (10, "Z.test."),
            (10, "a.test."),
            (30, "a.test."),
            (20, "b.test."),
        ]);
        let got = got.unwrap();
        assert_eq!(names(&got), [(10, "a.test"), (10, "z.test"), (20, "b.test")]);
        assert_eq!((got.records, got.implicit), (5, false));
        assert!(got.notes.is_empty());
    }

    #[test]
    fn a_null_mx_is_a_statement() {
        let failure = sorted(&[(0, ".")]).unwrap_err();
        assert_eq!(failure.dns, Some(DnsReason::NullMx));
        assert_eq!(failure.blame, Blame::Target);
        assert_eq!(failure.rule, "dns.null_mx");
    }

    #[test]
    fn odd_exchanges_are_left_out_with_a_note() {
        let got = sorted(&[
            (0, "."),
            (1, "192.0.2.1."),
            (2, "[192.0.2.1]."),
            (3, "localhost."),
            (4, "bad\\032name.test."),
            (5, "_dc-mx.0a.example.test."),
        ]);
        let got = got.unwrap();
        assert_eq!(names(&got), [(5, "_dc-mx.0a.example.test")]);
        assert_eq!((got.records, got.notes.len()), (6, 5));
        let failure = sorted(&[(0, "."), (1, "192.0.2.1.")]).unwrap_err();
        assert_eq!(failure.dns, Some(DnsReason::BadMx));
        assert!(failure.detail.contains("192.0.2.1"), "{}", failure.detail);
    }

    #[test]
    fn thousands_of_records_are_bounded() {
        let found: Vec<_> = (0..4000_u16).map(|n| (n, format!("mx{n}.test."))).collect();
        let got = sort_out("many.test", &found).unwrap();
        assert_eq!((got.records, got.hosts.len()), (4000, MAX_MAIL_EXCHANGERS));
        assert_eq!(names(&got)[99], (99, "mx99.test"));
        assert_eq!(got.notes.len(), 1);
        let odd: Vec<_> =
            (0..4000_u16).map(|n| (n, format!("10.0.{}.{}.", n / 250, n % 250))).collect();
        let failure = sort_out("odd.test", &odd).unwrap_err();
        assert!(failure.detail.len() < 4000, "{}", failure.detail.len());
    }

    proptest! {
        #[test]
        fn whatever_the_zone_says_the_hosts_are_sound(
            found in prop::collection::vec((any::<u16>(), ".{0,80}"), 0..200),
        ) {
            if let Ok(got) = sort_out("example.test", &found) {
                assert!(!got.hosts.is_empty() && got.hosts.len() <= MAX_MAIL_EXCHANGERS);
                assert!(got.hosts.is_sorted());
                assert!(got.hosts.iter().all(|(_, host)| host.is_ascii() && host.parse::<IpAddr>().is_err()));
            }
        }
    }
}
