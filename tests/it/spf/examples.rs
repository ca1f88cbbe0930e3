//! The examples of RFC 7208, appendix A.

use super::{Zone, check};

/// The zone of appendix A, with the records of the examples at names of their own where one domain
/// has several.
fn zone(more: &str) -> Zone {
    Zone::new(&format!(
        "example.com MX mail-a.example.com
        example.com MX mail-b.example.com
        example.com A 192.0.2.10
        example.com A 192.0.2.11
        amy.example.com A 192.0.2.65
        bob.example.com A 192.0.2.66
        mail-a.example.com A 192.0.2.129
        mail-b.example.com A 192.0.2.130
        example.org MX mail-c.example.org
        mail-c.example.org A 192.0.2.140
        10.2.0.192.in-addr.arpa PTR example.com
        11.2.0.192.in-addr.arpa PTR example.com
        65.2.0.192.in-addr.arpa PTR amy.example.com
        66.2.0.192.in-addr.arpa PTR bob.example.com
        129.2.0.192.in-addr.arpa PTR mail-a.example.com
        130.2.0.192.in-addr.arpa PTR mail-b.example.com
        140.2.0.192.in-addr.arpa PTR mail-c.example.org
        4.0.0.10.in-addr.arpa PTR bob.example.com
        {more}"
    ))
}

/// The last parts of the addresses in 192.0.2.0/24 that a record of example.com passes.
fn passing(record: &str) -> Vec<u8> {
    let zone = zone(&format!("example.com TXT {record}"));
    let passes = |last: &u8| {
        let result = zone.client("example.com", &format!("192.0.2.{last}")).result;
        assert!(matches!(result.as_str(), "pass" | "fail"), "{last}: {result}");
        result.as_str() == "pass"
    };
    (0..=255).filter(passes).collect()
}

#[test]
fn simple_records_pass_the_hosts_that_the_rfc_says() {
    assert_eq!(passing("v=spf1 +all").len(), 256);
    assert_eq!(passing("v=spf1 a -all"), [10, 11]);
    assert!(passing("v=spf1 a:example.org -all").is_empty());
    assert_eq!(passing("v=spf1 mx -all"), [129, 130]);
    assert_eq!(passing("v=spf1 mx:example.org -all"), [140]);
    assert_eq!(passing("v=spf1 mx mx:example.org -all"), [129, 130, 140]);
    let near = [128, 129, 130, 131, 140, 141, 142, 143];
    assert_eq!(passing("v=spf1 mx/30 mx:example.org/30 -all"), near);
    assert_eq!(passing("v=spf1 ptr -all"), [10, 11, 65, 66, 129, 130]);
    assert_eq!(passing("v=spf1 ip4:192.0.2.128/28 -all"), (128..144).collect::<Vec<u8>>());
}

/// A reverse name that the domain's owner did not give does not lead back.
#[test]
fn a_reverse_name_alone_is_no_proof() {
    let zone = zone("example.com TXT v=spf1 ptr -all");
    assert_eq!(check(&zone, "example.com", "10.0.0.4"), "fail -all at example.com");
    assert_eq!(check(&zone, "example.com", "192.0.2.65"), "pass ptr at example.com");
}

#[test]
fn several_domains_share_records() {
    let zone = zone(
        "example.org TXT v=spf1 include:example.com include:example.net -all
        la.example.org TXT v=spf1 redirect=example.org
        example.com TXT v=spf1 mx -all
        example.net TXT v=spf1 ip4:198.51.100.0/24 -all",
    );
    let through = "pass include:example.com at example.org: mx at example.com";
    assert_eq!(check(&zone, "example.org", "192.0.2.129"), through);
    assert_eq!(check(&zone, "la.example.org", "192.0.2.129"), through);
    let other = "pass include:example.net at example.org: ip4:198.51.100.0/24 at example.net";
    assert_eq!(check(&zone, "la.example.org", "198.51.100.7"), other);
    assert_eq!(check(&zone, "la.example.org", "203.0.113.7"), "fail -all at example.org");
}

#[test]
fn senders_are_looked_up_as_on_block_lists() {
    let zone = zone(
        "example.com TXT v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all
        mobile-users._spf.example.com TXT v=spf1 exists:%{l1r+}.%{d}
        remote-users._spf.example.com TXT v=spf1 exists:%{ir}.%{l1r+}.%{d}
        mary.mobile-users._spf.example.com A 127.0.0.2
        15.15.168.192.joel.remote-users._spf.example.com A 127.0.0.2",
    );
    let result = |local: &str, client: &str| {
        let mut request = super::zone::request("example.com", Some(client.parse().unwrap()));
        request.sender = format!("{local}@example.com");
        zone.ask(request).0.result.as_str()
    };
    assert_eq!(result("mary", "203.0.113.7"), "pass");
    assert_eq!(result("mary+list", "203.0.113.7"), "pass");
    assert_eq!(result("joel", "192.168.15.15"), "pass");
    assert_eq!(result("joel", "203.0.113.7"), "fail");
    assert_eq!(result("fred", "192.168.15.15"), "fail");
    assert_eq!(result("fred", "192.0.2.130"), "pass");
}

#[test]
fn several_demands_are_made_by_includes_that_pass_who_fails_them() {
    let zone = zone(
        "example.com TXT v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all
        ip4._spf.example.com TXT v=spf1 -ip4:192.0.2.0/24 +all
        ptr._spf.example.com TXT v=spf1 -ptr:example.com +all",
    );
    assert_eq!(check(&zone, "example.com", "192.0.2.65"), "pass +all at example.com");
    let network = "fail -include:ip4._spf.%{d} at example.com: +all at ip4._spf.example.com";
    assert_eq!(check(&zone, "example.com", "10.0.0.4"), network);
    let name = "fail -include:ptr._spf.%{d} at example.com: +all at ptr._spf.example.com";
    assert_eq!(check(&zone, "example.com", "192.0.2.140"), name);
}
