use super::*;
use crate::posture::Trouble;
use crate::posture::tlsa::{DaneFacts, DaneStatus};
use proptest::prelude::*;

type Found = Vec<(Problem, On, String)>;

fn records(records: &[(u16, &str)]) -> Answer {
    let data = records.iter().map(|(p, host)| Data::Mx(*p, (*host).to_owned())).collect();
    Answer::new(Outcome::Found(data))
}

fn told(findings: Vec<Finding>) -> Found {
    findings.into_iter().map(|f| (f.problem, f.on, f.detail)).collect()
}

fn look(answer: &Answer) -> (MxFacts, Found) {
    let mut findings = Vec::new();
    let facts = judge("example.net", answer, &mut findings);
    (facts, told(findings))
}

fn addresses(list: &[&str]) -> Answer {
    let data = list.iter().map(|a| Data::Address(a.parse().unwrap())).collect::<Vec<_>>();
    Answer::new(if data.is_empty() { Outcome::NoData } else { Outcome::Found(data) })
}

fn on(host: &str) -> On {
    On::Mx(host.into())
}

/// Two hosts with public addresses.
fn two() -> MxFacts {
    look(&records(&[(20, "mx2.example.net"), (10, "mx1.example.net")])).0
}

#[test]
fn hosts_stand_by_preference_each_once() {
    let (facts, found) = look(&records(&[
        (20, "b.example.net"),
        (10, "MX.Example.NET."),
        (20, "a.example.net"),
        (5, "b.example.NET"),
    ]));
    let hosts: Vec<_> = facts.hosts.iter().map(|h| (h.preference, &*h.host)).collect();
    assert_eq!(hosts, [(5, "b.example.net"), (10, "mx.example.net"), (20, "a.example.net")]);
    assert_eq!((facts.records, facts.valid), (Some(4), Some(true)));
    assert_eq!((facts.null, facts.implicit), (false, false));
    let detail = "it stands there with preference 20 and 5".to_owned();
    assert_eq!(found, [(Problem::MxDuplicate, on("b.example.net"), detail)]);
}

#[test]
fn names_that_are_none_are_told_and_left_out_or_looked_at() {
    let (facts, found) = look(&records(&[
        (10, "192.0.2.1"),
        (10, "m x.example.net"),
        (10, "mx_1.example.net"),
        (20, "mx_1.example.net"),
        (10, "mx"),
    ]));
    let hosts: Vec<_> = facts.hosts.iter().map(|h| &*h.host).collect();
    assert_eq!(hosts, ["mx", "mx_1.example.net"]);
    assert_eq!((facts.records, facts.valid), (Some(5), Some(false)));
    let problems: Vec<_> = found.iter().map(|(problem, on, _)| (*problem, on.clone())).collect();
    assert_eq!(
        problems,
        [
            (Problem::MxAddressLiteral, On::Domain),
            (Problem::MxInvalidName, On::Domain),
            (Problem::MxInvalidName, on("mx_1.example.net")),
            (Problem::MxDuplicate, on("mx_1.example.net")),
            (Problem::MxInvalidName, on("mx")),
        ]
    );
    assert_eq!(found[0].2, "192.0.2.1");
}

#[test]
fn a_null_mx_alone_is_right_and_beside_others_is_not() {
    for host in ["", "."] {
        let (facts, found) = look(&records(&[(0, host)]));
        assert_eq!((facts.null, facts.valid, facts.records), (true, Some(true), Some(1)));
        assert!(facts.hosts.is_empty() && found.is_empty());
    }
    let (facts, found) = look(&records(&[(0, ""), (10, "mx1.example.net")]));
    assert_eq!((facts.null, facts.valid, facts.hosts.len()), (false, Some(false), 1));
    let detail = "`.` beside mx1.example.net".to_owned();
    assert_eq!(found, [(Problem::MxNullWithOthers, On::Domain, detail)]);
}

#[test]
fn without_records_the_domain_stands_for_itself() {
    let nothing = Answer::new(Outcome::NoData);
    let (mut facts, found) = look(&nothing);
    assert_eq!((facts.records, facts.implicit, facts.hosts.len()), (Some(0), true, 1));
    assert_eq!(&*facts.hosts[0].host, "example.net");
    assert_eq!(found, [], "whether it takes mail is known by its addresses");
    let mut findings = Vec::new();
    let mut alias = addresses(&["11.0.0.1"]);
    alias.canonical = Some("www.example.net".to_owned());
    judge_addresses(&mut facts, 0, &alias, &nothing, &mut findings);
    let detail = "senders go to 11.0.0.1".to_owned();
    assert_eq!(told(findings), [(Problem::MxImplicit, On::Domain, detail)]);
    assert_eq!(facts.valid, Some(true));

    let (mut facts, _) = look(&nothing);
    let mut findings = Vec::new();
    judge_addresses(&mut facts, 0, &nothing, &nothing, &mut findings);
    let detail = "neither an MX record nor an address".to_owned();
    assert_eq!(told(findings), [(Problem::MxMissing, On::Domain, detail)]);
    assert_eq!(facts.valid, Some(false));

    let (facts, found) = look(&Answer::new(Outcome::NoName));
    assert_eq!((facts.records, facts.valid, facts.hosts.len()), (Some(0), Some(false), 0));
    assert_eq!(found, [(Problem::MxMissing, On::Domain, "there is no such domain".to_owned())]);
}

#[test]
fn no_answer_is_not_nothing() {
    for trouble in Trouble::ALL {
        let failed = Answer::new(Outcome::Failed(*trouble));
        let ours = *trouble == Trouble::Ours;
        let (facts, found) = look(&failed);
        assert_eq!(facts, MxFacts::default());
        let detail = format!("MX example.net: {trouble}");
        let expected = (Problem::MxDnsFailure, On::Domain, detail);
        assert_eq!(found, if ours { vec![] } else { vec![expected] });

        let mut facts = two();
        let mut findings = Vec::new();
        judge_addresses(&mut facts, 0, &failed, &addresses(&[]), &mut findings);
        assert_eq!(facts.hosts[0].addresses, None, "there may be others");
        judge_addresses(&mut facts, 1, &addresses(&["11.0.0.1"]), &failed, &mut findings);
        assert_eq!(facts.hosts[1].addresses, Some(vec!["11.0.0.1".parse().unwrap()]));
        let found = told(findings);
        assert_eq!(found.len(), if ours { 0 } else { 2 });
        assert!(found.iter().all(|(problem, ..)| *problem == Problem::MxDnsFailure));
        assert_eq!(facts.valid, Some(true));
    }
}

#[test]
fn addresses_are_there_and_can_be_reached() {
    let mut facts = two();
    let mut findings = Vec::new();
    let mut alias = addresses(&["11.0.0.1", "11.0.0.1"]);
    alias.canonical = Some("host.example.org".to_owned());
    judge_addresses(&mut facts, 0, &alias, &addresses(&["2600::1"]), &mut findings);
    judge_addresses(&mut facts, 1, &addresses(&[]), &Answer::new(Outcome::NoName), &mut findings);
    judge_addresses(&mut facts, 7, &alias, &alias, &mut findings);
    assert_eq!(
        told(findings),
        [
            (Problem::MxAlias, on("mx1.example.net"), "an alias of host.example.org".to_owned()),
            (Problem::MxNoAddress, on("mx2.example.net"), "neither A nor AAAA".to_owned()),
        ]
    );
    let expected = vec!["11.0.0.1".parse().unwrap(), "2600::1".parse().unwrap()];
    assert_eq!(facts.hosts[0].addresses, Some(expected));
    assert_eq!(facts.hosts[1].addresses, Some(vec![]));
    assert_eq!(facts.valid, Some(false));

    for address in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "100.127.255.254",
        "192.0.2.25",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "::ffff:10.0.0.1",
    ] {
        let mut facts = two();
        let mut findings = Vec::new();
        let both = addresses(&["11.0.0.1", address]);
        judge_addresses(&mut facts, 0, &both, &addresses(&[]), &mut findings);
        let shown = address.parse::<IpAddr>().unwrap().to_string();
        let expected = (Problem::MxPrivateAddress, on("mx1.example.net"), shown);
        assert_eq!(told(findings), [expected], "{address}");
        assert_eq!(facts.valid, Some(false));
    }
    for address in ["11.0.0.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2600::1"] {
        let mut findings = Vec::new();
        judge_addresses(&mut two(), 0, &addresses(&[address]), &addresses(&[]), &mut findings);
        assert_eq!(told(findings), [], "{address}");
    }
}

#[test]
fn the_end_finds_what_hosts_share_and_what_strict_senders_do() {
    let mut facts = two();
    let mut findings = Vec::new();
    let one = addresses(&["11.0.0.1", "11.0.0.2"]);
    judge_addresses(&mut facts, 0, &one, &addresses(&["2600::1"]), &mut findings);
    judge_addresses(&mut facts, 1, &one, &addresses(&["2600::2"]), &mut findings);
    let none = DaneFacts { status: Some(DaneStatus::None), ..DaneFacts::default() };
    facts.hosts[0].dane = none.clone();
    facts.hosts[0].starttls = Some(false);
    facts.hosts[1].dane = none;
    conclude(&mut facts, false, &mut findings);
    assert_eq!(
        told(findings),
        [
            (Problem::MxNoTls, on("mx1.example.net"), "STARTTLS is not offered".to_owned()),
            (
                Problem::MxDuplicate,
                on("mx2.example.net"),
                "11.0.0.1 is also mx1.example.net's".to_owned()
            ),
        ]
    );
    assert_eq!(facts.hosts[0].strict, Some(Strict::Opportunistic));
    assert_eq!(facts.valid, Some(true));

    let mut findings = Vec::new();
    facts.hosts[1].addresses = None;
    facts.hosts[1].sts_covered = Some(false);
    conclude(&mut facts, true, &mut findings);
    let refused: Found =
        told(findings).into_iter().filter(|f| f.0 == Problem::MxStrictRefused).collect();
    let because = |host, why: &str| (Problem::MxStrictRefused, on(host), why.to_owned());
    assert_eq!(
        refused,
        [
            because("mx1.example.net", "MTA-STS: no STARTTLS"),
            because("mx2.example.net", "MTA-STS: the policy does not name it"),
        ]
    );
    assert_eq!(facts.hosts[0].strict, Some(Strict::RefusedMtaSts));
    assert_eq!(facts.valid, Some(false));
}

#[test]
fn more_hosts_than_are_looked_at_are_told() {
    let names: Vec<String> = (0..40).map(|n| format!("mx{n:02}.example.net")).collect();
    let many: Vec<(u16, &str)> = names.iter().map(|name| (10, name.as_str())).collect();
    let (facts, found) = look(&records(&many));
    assert_eq!((facts.records, facts.hosts.len()), (Some(40), MAX_HOSTS));
    let detail = "40 hosts, of which 32 are looked at".to_owned();
    assert_eq!(found, [(Problem::MxTooMany, On::Domain, detail)]);
    assert_eq!(look(&records(&many[..MAX_HOSTS])).1, []);
}

proptest! {
    #[test]
    fn any_records_are_judged(
        list in prop::collection::vec((any::<u16>(), "[ -~]{0,20}|[a-z]{1,3}\\.net\\.?|\\PC{0,9}"), 0..50),
    ) {
        let list: Vec<(u16, &str)> = list.iter().map(|(p, host)| (*p, host.as_str())).collect();
        let (mut facts, found) = look(&records(&list));
        prop_assert!(facts.hosts.len() <= MAX_HOSTS);
        prop_assert!(facts.hosts.is_sorted_by_key(|host| host.preference));
        let name = |host: &MxHost| {
            host.host.len() <= 253
                && host.host.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
        };
        prop_assert!(facts.hosts.iter().all(name), "{:?}", facts.hosts);
        let errors = found.iter().any(|(problem, ..)| problem.severity() == Severity::Error);
        prop_assert_eq!(facts.valid, Some(!errors));
        conclude(&mut facts, true, &mut Vec::new());
    }
}
