//! One record for each problem that a record can have, and what is told of it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use smtp_exporter::posture::spf::{Outcome, SpfAll, SpfFacts, SpfResult, facts};
use smtp_exporter::posture::{Area, Finding, On, Problem};

use super::Zone;

/// Records of example.net, more of the zone, and all that a walk finds.
const CASES: &[(&[Problem], &str, &[&str])] = &[
    (&[Problem::SpfMissing], "example.net TXT v=spf10 -all", &["example.net has no SPF record"]),
    (
        &[Problem::SpfMultipleRecords],
        "example.net TXT v=spf1 -all
        example.net TXT V=SPF1 mx -all",
        &["example.net has 2 SPF records"],
    ),
    (
        &[Problem::SpfSyntax, Problem::SpfSyntax, Problem::SpfSyntax],
        "example.net TXT v=spf1 ip4:192.0.2 include:_spf.example.net  mxx -all
        _spf.example.net TXT v=spf1 ip4:192.0.2.1 ipv6:2001:db8::1",
        &[
            "`ip4:192.0.2` (term 1 of example.net): not an IPv4 address or network",
            "`mxx` (term 3 of example.net): no such mechanism",
            "`ipv6:2001:db8::1` (term 2 of _spf.example.net): no such mechanism; it is called `ip6`",
        ],
    ),
    (
        &[Problem::SpfTooManyLookups],
        "example.net TXT v=spf1 a a a a a include:_spf.example.net -all
        example.net A 192.0.2.1
        _spf.example.net TXT v=spf1 a a mx a a ?all
        _spf.example.net A 192.0.2.1
        _spf.example.net MX mail.example.net",
        &["11 terms ask the DNS; 10 may"],
    ),
    (
        &[Problem::SpfTooManyVoidLookups],
        "example.net TXT v=spf1 mx a exists:no.example.net -all",
        &["3 terms ask for what there is not; 2 may"],
    ),
    (
        &[Problem::SpfTooManyNames],
        "example.net TXT v=spf1 mx -all
        example.net MX m1.example.net
        example.net MX m2.example.net
        example.net MX m3.example.net
        example.net MX m4.example.net
        example.net MX m5.example.net
        example.net MX m6.example.net
        example.net MX m7.example.net
        example.net MX m8.example.net
        example.net MX m9.example.net
        example.net MX m10.example.net
        example.net MX m11.example.net",
        &["`mx` (term 1 of example.net): example.net has 11 mail exchangers; 10 may be"],
    ),
    (
        &[Problem::SpfIncludeMissing, Problem::SpfIncludeMissing],
        "example.net TXT v=spf1 include:gone.example.org include:plain.example.org -all
        plain.example.org TXT hello",
        &[
            "`include:gone.example.org` (term 1 of example.net): gone.example.org has no SPF record",
            "`include:plain.example.org` (term 2 of example.net): plain.example.org has no SPF record",
        ],
    ),
    (
        &[Problem::SpfRedirectMissing],
        "example.net TXT v=spf1 redirect=gone.example.org",
        &[
            "`redirect=gone.example.org` (term 1 of example.net): gone.example.org has no SPF record",
        ],
    ),
    (
        &[Problem::SpfLoop],
        "example.net TXT v=spf1 include:a.example.net -all
        a.example.net TXT v=spf1 include:b.example.net ?all
        b.example.net TXT v=spf1 redirect=A.example.net.",
        &["`redirect=A.example.net.` (term 1 of b.example.net): leads back to a.example.net"],
    ),
    (
        &[Problem::SpfPassAll],
        "example.net TXT v=spf1 all",
        &["`all` (term 1 of example.net): strangers pass"],
    ),
    (
        &[Problem::SpfNeutralAll],
        "example.net TXT v=spf1 ?all",
        &["`?all` (term 1 of example.net): nothing is said about strangers"],
    ),
    (
        &[Problem::SpfNoAll],
        "example.net TXT v=spf1 ip4:192.0.2.1",
        &["the record of example.net ends without `all`"],
    ),
    (
        &[Problem::SpfUnreachableTerms, Problem::SpfUnreachableTerms, Problem::SpfUnreachableTerms],
        "example.net TXT v=spf1 include=_spf.example.org -all redirect=x.example.org mx a",
        &[
            "`mx` (term 4 of example.net): stands behind `all`, as 2 in all do",
            "`redirect=x.example.org` (term 3 of example.net): does nothing beside `all`",
            "`include=_spf.example.org` (term 1 of example.net): a modifier that nobody knows; a \
             mechanism is written with `:`",
        ],
    ),
    (
        &[Problem::SpfPtrMechanism],
        "example.net TXT v=spf1 ptr:example.net -all",
        &["`ptr:example.net` (term 1 of example.net): slow, and many verifiers skip it"],
    ),
    (
        &[Problem::SpfDnsFailure],
        "example.net TXT v=spf1 include:_spf.example.org -all
        _spf.example.org FAIL TXT",
        &["TXT _spf.example.org: servfail"],
    ),
];

#[test]
fn every_problem_is_found_by_a_walk_and_told() {
    for (problems, zone, details) in CASES {
        let outcome = Zone::new(zone).walk("example.net");
        let found: Vec<Problem> = outcome.findings.iter().map(|f| f.problem).collect();
        let told: Vec<&str> = outcome.findings.iter().map(|f| f.detail.as_str()).collect();
        assert_eq!((found.as_slice(), told.as_slice()), (*problems, *details), "{zone}");
        assert!(outcome.findings.iter().all(|found| found.on == On::Domain));
    }
}

/// Two more have tests of their own: a long answer, and senders that do not pass.
#[test]
fn no_problem_of_records_is_without_a_case() {
    let shown: BTreeSet<Problem> =
        CASES.iter().flat_map(|(problems, ..)| problems.iter().copied()).collect();
    let others = [Problem::SpfTooLong, Problem::SpfSenderNotPassing];
    let all = Problem::ALL.iter().copied().filter(|problem| problem.area() == Area::Spf);
    let missing: Vec<Problem> = all.filter(|problem| !shown.contains(problem)).collect();
    assert_eq!(missing, others);
}

#[test]
fn a_sound_record_has_no_finding_and_its_facts() {
    let zone = Zone::new(
        "example.net TXT v=spf1 mx a:out.example.net include:_spf.example.org -all
        example.net TXT unrelated
        example.net MX mail.example.net
        mail.example.net A 192.0.2.25
        out.example.net AAAA 2001:db8::25
        _spf.example.org TXT v=spf1 ip4:198.51.100.0/24 exists:%{ir}.l.example.org ~all",
    );
    let (facts, findings) = look(&zone, &["192.0.2.25", "2001:db8::25", "198.51.100.1"]);
    assert_eq!(findings, []);
    let record = "v=spf1 mx a:out.example.net include:_spf.example.org -all";
    assert_eq!(facts.record.as_deref(), Some(record));
    assert_eq!((facts.present, facts.valid), (Some(true), Some(true)));
    assert_eq!(facts.all, Some(SpfAll::Fail));
    assert_eq!((facts.lookups, facts.void_lookups), (Some(4), Some(0)));
    let senders: Vec<(u32, u32, &str)> = facts
        .senders
        .iter()
        .map(|s| {
            assert_eq!(s.result, SpfResult::Pass);
            (s.lookups, s.void_lookups, s.matched.as_deref().unwrap())
        })
        .collect();
    let expected = [
        (1, 0, "mx at example.net"),
        (2, 0, "a:out.example.net at example.net"),
        // out.example.net has no IPv4 address.
        (3, 1, "include:_spf.example.org at example.net: ip4:198.51.100.0/24 at _spf.example.org"),
    ];
    assert_eq!(senders, expected);
}

#[test]
fn an_answer_over_512_bytes_is_told_and_one_of_512_is_not() {
    // 12 header, 17 question, 12 and a length byte for each record and string, also an empty one.
    let fill = |bytes: usize| {
        let zone = format!(
            "example.net TXT v=spf1 -all
            example.net TXT
            example.net TXT {}
            example.net TXT {}",
            "x".repeat(200),
            "y".repeat(bytes)
        );
        Zone::new(&zone).walk("example.net").findings
    };
    let fits = 512 - (12 + 17) - (13 + 11) - 13 - (13 + 200) - 13;
    assert_eq!(fill(fits), []);
    let found = fill(fits + 1);
    assert_eq!(found[0].problem, Problem::SpfTooLong);
    assert_eq!(found[0].detail, "the TXT records of example.net make an answer of 513 bytes");
}

#[test]
fn everybody_passes_in_many_ways() {
    let passes = |record: &str, more: &str| {
        let zone = Zone::new(&format!("example.net TXT v=spf1 {record}\n{more}"));
        let found = zone.walk("example.net").findings;
        found.iter().any(|found| found.problem == Problem::SpfPassAll)
    };
    let here = "example.net A 192.0.2.1
        open.example.org TXT v=spf1 +all
        door.example.org A 127.0.0.2";
    for record in [
        "+all",
        "ip4:0.0.0.0/0 -all",
        "ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all",
        "ip6:2000::/3 -all",
        "a/0 -all",
        "mx//0 -all",
        "include:open.example.org -all",
        "redirect=open.example.org",
        "exists:door.example.org -all",
    ] {
        assert!(passes(record, here), "{record}");
    }
    for record in [
        "-all",
        "ip4:10.0.0.0/8 ip4:12.0.0.0/8 -all",
        "-ip4:0.0.0.0/0 -all",
        "-all ip4:0.0.0.0/0",
        "ip6:2001:db8::/32 -all",
        "a/24 -all",
        "?include:open.example.org -all",
        "exists:closed.example.org -all",
        "-exists:door.example.org -all",
    ] {
        assert!(!passes(record, here), "{record}");
    }
}

#[test]
fn senders_that_do_not_pass_are_told_each() {
    let zone = |end: &str| Zone::new(&format!("example.net TXT v=spf1 ip4:192.0.2.1 {end}"));
    let told = |zone: &Zone| {
        let (facts, findings) = look(zone, &["192.0.2.1", "192.0.2.2"]);
        let senders: Vec<Finding> = findings
            .into_iter()
            .filter(|found| found.problem == Problem::SpfSenderNotPassing)
            .collect();
        let results: Vec<&str> = facts.senders.iter().map(|s| s.result.as_str()).collect();
        let second = On::Address("192.0.2.2".parse().unwrap());
        assert!(senders.last().is_none_or(|found| found.on == second));
        (results.join(" "), senders.into_iter().map(|found| found.detail).collect::<Vec<_>>())
    };
    for (end, result, detail) in [
        ("-all", "fail", "fail by -all at example.net"),
        ("~all", "softfail", "softfail by ~all at example.net"),
        ("?all", "neutral", "neutral by ?all at example.net"),
        ("", "neutral", "neutral: no term matches"),
    ] {
        let expected = (format!("pass {result}"), vec![format!("192.0.2.2: {detail}")]);
        assert_eq!(told(&zone(end)), expected);
    }
    let (results, details) = told(&zone("oops"));
    assert_eq!(results, "permerror permerror");
    assert_eq!(details[0], "192.0.2.1: permerror: the record is wrong");
    let (results, details) = told(&Zone::default());
    assert_eq!(results, "none none");
    assert_eq!(details[1], "192.0.2.2: none: there is no record");
    // What cannot be told is no failure of the record.
    let (results, details) = told(&Zone::new("example.net FAIL"));
    assert_eq!((results.as_str(), details.len()), ("temperror temperror", 0));
}

/// A term that cannot be read may have been meant as the end, so no end is missed.
#[test]
fn an_unreadable_end_is_one_problem() {
    let walk = Zone::new("example.net TXT v=spf1 mx -all.").walk("example.net");
    let problems: Vec<&str> = walk.findings.iter().map(|found| found.problem.as_str()).collect();
    assert_eq!(problems, ["spf_syntax"]);
}

/// What an include asks for in vain is void; the domain's own record is no term.
#[test]
fn records_that_are_not_there_count_as_void() {
    let zone = Zone::new(
        "example.net TXT v=spf1 include:gone.example.org include:plain.example.org -all
        plain.example.org TXT hello",
    );
    let walk = zone.walk("example.net");
    assert_eq!((walk.lookups, walk.void_lookups), (2, 1));
    let walk = Zone::default().walk("example.net");
    assert_eq!((walk.lookups, walk.void_lookups), (0, 0));
}

/// Two ways to one record: its error is one.
#[test]
fn a_record_that_is_reached_twice_is_told_of_once() {
    let zone = Zone::new(
        "example.net TXT v=spf1 include:a.example.org include:b.example.org -all
        a.example.org TXT v=spf1 include:b.example.org -all
        b.example.org TXT v=spf1 oops -all",
    );
    let walk = zone.walk("example.net");
    let details: Vec<&str> = walk.findings.iter().map(|found| found.detail.as_str()).collect();
    assert_eq!(details, ["`oops` (term 1 of b.example.org): no such mechanism"]);
    assert_eq!(walk.lookups, 3);
}

/// The walk and each sender meet the same error: it is one finding.
#[test]
fn findings_are_told_once() {
    let zone = Zone::new("example.net TXT v=spf1 a:gone.example.net ip4:nonsense -all");
    let (facts, findings) = look(&zone, &["192.0.2.1", "192.0.2.2"]);
    let problems: Vec<&str> = findings.iter().map(|found| found.problem.as_str()).collect();
    assert_eq!(problems, ["spf_syntax", "spf_sender_not_passing", "spf_sender_not_passing"]);
    assert_eq!(facts.valid, Some(false));
    // A walk counts what there is, and an evaluation stops at the limit.
    let zone = Zone::new(
        "example.net TXT v=spf1 a a a a a a a a a a a a -all
        example.net A 192.0.2.9",
    );
    let (facts, findings) = look(&zone, &["192.0.2.1"]);
    assert_eq!(facts.lookups, Some(12));
    assert_eq!((facts.senders[0].result, facts.senders[0].lookups), (SpfResult::Permerror, 11));
    let details: Vec<&str> = findings.iter().map(|found| found.detail.as_str()).collect();
    let expected = ["12 terms ask the DNS; 10 may", "192.0.2.1: permerror: the record is wrong"];
    assert_eq!(details, expected);
}

/// An error in a record that only one client's address leads to makes the record invalid.
#[test]
fn what_only_a_sender_meets_counts_too() {
    let zone = Zone::new(
        "example.net TXT v=spf1 include:%{i}.example.org -all
        192.0.2.1.example.org TXT v=spf1 ip4:192.0.2.1 -all
        192.0.2.2.example.org TXT v=spf1 ip4:192.0.2.2 foo",
    );
    let (facts, findings) = look(&zone, &["192.0.2.1"]);
    assert_eq!((facts.valid, findings), (Some(true), vec![]));
    let (facts, findings) = look(&zone, &["192.0.2.2"]);
    assert_eq!(facts.valid, Some(false));
    let foo = "`foo` (term 2 of 192.0.2.2.example.org): no such mechanism";
    assert_eq!(findings[0].detail, foo);
}

/// A failure is no "not there", and numbers that it makes too small are not told.
#[test]
fn what_cannot_be_told_is_none() {
    let (facts, findings) = look(&Zone::new("example.net FAIL"), &["192.0.2.1"]);
    let nothing = (None, None, None, None);
    assert_eq!((facts.present, facts.valid, facts.lookups, facts.all), nothing);
    assert_eq!(findings.len(), 1);
    let zone = Zone::new(
        "example.net TXT v=spf1 ip4:192.0.2.1 include:_spf.example.org -all
        _spf.example.org FAIL",
    );
    let (facts, _) = look(&zone, &["192.0.2.1"]);
    let known = (Some(true), None, None, Some(SpfAll::Fail));
    assert_eq!((facts.present, facts.valid, facts.lookups, facts.all), known);
    assert_eq!(facts.senders[0].result, SpfResult::Pass);
    // What is not answered is not void.
    let zone = Zone::new("example.net TXT v=spf1 a:mail.example.org -all\nmail.example.org FAIL");
    let walk = zone.walk("example.net");
    assert_eq!((walk.result, walk.void_lookups), (SpfResult::Temperror, 0));
    // An error is one though something else cannot be told.
    let zone = Zone::new(
        "example.net TXT v=spf1 oops include:_spf.example.org -all
        _spf.example.org FAIL",
    );
    assert_eq!(look(&zone, &[]).0.valid, Some(false));
}

fn look(zone: &Zone, senders: &[&str]) -> (SpfFacts, Vec<Finding>) {
    let evaluate = |address: &&str| -> (IpAddr, Outcome) {
        (address.parse().unwrap(), zone.client("example.net", address))
    };
    let senders: Vec<_> = senders.iter().map(evaluate).collect();
    let mut findings = Vec::new();
    let facts = facts(&zone.walk("example.net"), &senders, &mut findings);
    (facts, findings)
}
