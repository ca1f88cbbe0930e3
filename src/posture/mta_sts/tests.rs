use super::*;
use crate::posture::mx::{MxFacts, MxHost};
use crate::posture::{Data, Outcome, Trouble};
use proptest::prelude::*;

type Found = Vec<(Problem, String)>;

/// RFC 8461, A.
const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n\
                      mx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";

fn record_of(texts: &[&str]) -> (MtaStsFacts, Found) {
    let data = texts.iter().map(|text| Data::Text(text.as_bytes().to_vec())).collect();
    let mut findings = Vec::new();
    let facts = judge_record(&Answer::new(Outcome::Found(data)), &mut findings);
    (facts, told(findings))
}

fn told(findings: Vec<Finding>) -> Found {
    findings.into_iter().map(|f| (f.problem, f.detail)).collect()
}

fn answered(body: &str) -> Fetched {
    Fetched::Answered {
        status: 200,
        content_type: Some("text/plain; charset=utf-8".to_owned()),
        body: body.as_bytes().to_vec(),
    }
}

/// A domain with a record, and what its policy comes to.
fn policy_of(fetched: &Fetched) -> (MtaStsFacts, Found) {
    let (mut facts, found) = record_of(&["v=STSv1; id=20160831085700Z;"]);
    assert_eq!(found, []);
    let mut findings = Vec::new();
    judge_policy(&mut facts, fetched, None, &mut findings);
    (facts, told(findings))
}

#[test]
fn the_standards_own_example_is_right() {
    let (facts, found) = policy_of(&answered(POLICY));
    assert_eq!(found, []);
    assert_eq!((facts.present, facts.valid, facts.fetched), (Some(true), Some(true), Some(true)));
    assert_eq!(facts.id.as_deref(), Some("20160831085700Z"));
    assert_eq!(facts.mode, Some(StsMode::Enforce));
    assert_eq!(facts.max_age, Some(Duration::from_secs(604_800)));
    assert_eq!(facts.patterns, ["mail.example.com", "*.example.net", "backupmx.example.com"]);
    assert_eq!(facts.record.as_deref(), Some("v=STSv1; id=20160831085700Z;"));
}

#[test]
fn records_are_one_with_an_id() {
    for text in ["v=STSv1;id=a", "v=STSv1 ; id=A1 ; x-y.z=1;", "v=STSv1; id=a; id=b"] {
        let (facts, found) = record_of(&["v=spf1 -all", text]);
        assert!(facts.id.is_some(), "{text}");
        assert_eq!((facts.present, facts.valid, found), (Some(true), None, vec![]), "{text}");
    }
    for (text, detail) in [
        ("v=STSv1;", "`id` is missing"),
        ("v=STSv1; id=", "`id=`: must be 1 to 32 letters and digits"),
        ("v=STSv1; id=2026-01-01", "`id=2026-01-01`: must be 1 to 32 letters and digits"),
        (
            "v=STSv1; id=123456789012345678901234567890123",
            "`id=123456789012345678901234567890123`: must be 1 to 32 letters and digits",
        ),
        ("v=STSv1; id = 1", "`id ` is no tag's name"),
        ("v=STSv1; id", "`id` has no `=`"),
        ("v=stsv1; id=1", "does not begin with `v=STSv1;`: v=stsv1; id=1"),
    ] {
        let (facts, found) = record_of(&[text]);
        assert_eq!((facts.present, facts.valid, facts.id), (Some(true), Some(false), None));
        assert_eq!(found, [(Problem::MtaStsRecordInvalid, detail.to_owned())], "{text}");
    }
    let (facts, found) = record_of(&["v=STSv1; id=1", "v=STSv1; id=1"]);
    assert_eq!((facts.valid, facts.id), (Some(false), None));
    assert_eq!(found, [(Problem::MtaStsMultipleRecords, "2 records at _mta-sts".to_owned())]);
    let (facts, found) = record_of(&["v=spf1 -all"]);
    assert_eq!((facts.present, facts.valid, found), (Some(false), None, vec![]));
    for trouble in Trouble::ALL {
        let mut findings = Vec::new();
        let facts = judge_record(&Answer::new(Outcome::Failed(*trouble)), &mut findings);
        assert_eq!(facts, MtaStsFacts::default());
        let ours = *trouble == Trouble::Ours;
        let detail = format!("TXT _mta-sts: {trouble}");
        assert_eq!(
            told(findings),
            if ours { vec![] } else { vec![(Problem::MtaStsDnsFailure, detail)] }
        );
    }
}

#[test]
fn senders_are_lenient_where_the_standard_says_so() {
    for body in [
        // LF alone, no end of the last line, white space at ends, another order, an unknown key.
        "mode: testing\nmx:a.example\nmax_age:\t86400 \nversion: STSv1\nx-new.key: anything: at all",
        // The first of two counts.
        "version: STSv1\nversion: STSv2\nmode: testing\nmode: off\nmx: a.example\nmax_age: 86400\n\
         max_age: no\n\n",
    ] {
        let (facts, found) = policy_of(&answered(body));
        let testing = (Problem::MtaStsTesting, "`mode: testing`".to_owned());
        assert_eq!(found, [testing], "{body}");
        assert_eq!((facts.valid, facts.patterns), (Some(true), vec!["a.example".to_owned()]));
    }
    let (facts, found) = policy_of(&answered("version: STSv1\nmode: none\nmax_age: 0\n"));
    assert_eq!(found, []);
    assert_eq!((facts.valid, facts.mode), (Some(true), Some(StsMode::None)));
    let longest = POLICY.replace("604800", "31557600");
    assert_eq!(policy_of(&answered(&longest)).1, []);
}

#[test]
fn what_is_wrong_with_a_policy_is_named() {
    for (from, to, detail) in [
        ("version: STSv1\r\n", "", "`version` is missing"),
        ("STSv1", "STSv2", "`version: STSv2` must be `version: STSv1`"),
        ("mode: enforce\r\n", "", "`mode` is missing"),
        ("mode:", "Mode:", "`mode` is missing"),
        ("enforce", "Enforce", "`mode: Enforce` must be enforce, testing or none"),
        ("max_age: 604800\r\n", "", "`max_age` is missing"),
        ("604800", "31557601", "`max_age: 31557601` must be 0 to 31557600 seconds"),
        ("604800", "1d", "`max_age: 1d` must be 0 to 31557600 seconds"),
        ("604800", "+1", "`max_age: +1` must be 0 to 31557600 seconds"),
        ("*.example.net", "*.*.net", "`mx: *.*.net` is neither a host nor `*.` and a domain"),
        ("*.example.net", "m*.net", "`mx: m*.net` is neither a host nor `*.` and a domain"),
        ("*.example.net", "", "`mx: ` is neither a host nor `*.` and a domain"),
        ("mode: enforce", "mode: enforce\r\n<html>", "`<html>` has no `:`"),
        ("mode: enforce", "mode: enforce\r\na b: c", "`a b` is no key"),
    ] {
        let (facts, found) = policy_of(&answered(&POLICY.replacen(from, to, 1)));
        assert_eq!(found, [(Problem::MtaStsPolicyInvalid, detail.to_owned())], "{from} -> {to}");
        assert_eq!((facts.fetched, facts.valid), (Some(true), Some(false)), "{detail}");
    }
    let (_, found) = policy_of(&answered("version: STSv1\nmode: enforce\nmax_age: 86400"));
    let detail = "`mode: enforce` without an `mx`".to_owned();
    assert_eq!(found, [(Problem::MtaStsPolicyInvalid, detail)]);
    let (_, found) = policy_of(&answered(&"junk\n".repeat(1000)));
    assert_eq!(found.len(), 8);
    let (facts, found) = policy_of(&answered(&POLICY.replace("604800", "86399")));
    assert_eq!(facts.valid, Some(true));
    assert_eq!(found, [(Problem::MtaStsShortMaxAge, "`max_age: 86399`".to_owned())]);
}

#[test]
fn what_does_not_come_is_told_apart() {
    let answer = |status, content_type: Option<&str>, body: Vec<u8>| Fetched::Answered {
        status,
        content_type: content_type.map(str::to_owned),
        body,
    };
    let plain = Some("text/plain");
    for (fetched, problem, detail, came) in [
        (
            Fetched::Certificate("expired".to_owned()),
            Problem::MtaStsPolicyCertificate,
            "expired".to_owned(),
            false,
        ),
        (
            Fetched::Unreachable("no address".to_owned()),
            Problem::MtaStsPolicyUnreachable,
            "no address".to_owned(),
            false,
        ),
        (
            answer(404, plain, POLICY.into()),
            Problem::MtaStsPolicyStatus,
            "status 404".to_owned(),
            false,
        ),
        (
            answer(301, plain, POLICY.into()),
            Problem::MtaStsPolicyStatus,
            "status 301, a redirect".to_owned(),
            false,
        ),
        (
            answer(200, plain, vec![b'x'; MAX_POLICY + 1]),
            Problem::MtaStsPolicyTooLarge,
            "more than 65536 bytes".to_owned(),
            true,
        ),
    ] {
        let (facts, found) = policy_of(&fetched);
        assert_eq!(found, [(problem, detail)]);
        assert_eq!((facts.fetched, facts.valid, facts.mode), (Some(came), Some(false), None));
    }
    for (content_type, detail) in [
        (Some("text/html; charset=utf-8"), "`text/html; charset=utf-8`"),
        (None, "no Content-Type"),
    ] {
        let (facts, found) = policy_of(&answer(200, content_type, POLICY.into()));
        assert_eq!(found, [(Problem::MtaStsPolicyContentType, detail.to_owned())]);
        assert_eq!((facts.fetched, facts.valid), (Some(true), Some(true)));
    }
    assert_eq!(policy_of(&answer(200, Some(" TEXT/Plain "), POLICY.into())).1, []);
}

#[test]
fn patterns_match_one_label_at_the_left() {
    let patterns = ["mail.example.com", "*.example.net"].map(str::to_owned);
    for (host, covered) in [
        ("mail.example.com", true),
        ("MAIL.example.com.", true),
        ("a.mail.example.com", false),
        ("example.com", false),
        ("mx1.example.net", true),
        ("MX1.Example.NET.", true),
        ("example.net", false),
        (".example.net", false),
        ("a.mx1.example.net", false),
        ("mx1example.net", false),
        ("", false),
    ] {
        assert_eq!(covers(&patterns, host), covered, "{host}");
    }
    assert!(!covers(&[], "mail.example.com"));
    assert!(!covers(&[String::new()], ""));
}

#[test]
fn exchangers_are_named_and_have_certificates_or_are_told() {
    let host = |host: &str, pkix| MxHost { host: host.into(), pkix, ..MxHost::default() };
    let hosts = vec![
        host("mail.example.com", Some(true)),
        host("backupmx.example.com", None),
        host("mx1.example.net", Some(false)),
        host("mx.example.org", Some(false)),
    ];
    let before = MxFacts { hosts, ..MxFacts::default() };
    for (mode, covered, problems) in [
        (
            "enforce",
            [Some(true), Some(true), Some(true), Some(false)],
            vec![Problem::MtaStsMxCertificate, Problem::MtaStsMxNotCovered],
        ),
        (
            "testing",
            [Some(true), Some(true), Some(true), Some(false)],
            vec![Problem::MtaStsMxCertificate, Problem::MtaStsMxNotCovered],
        ),
        ("none", [None; 4], vec![]),
        ("x", [None; 4], vec![]),
    ] {
        let (facts, _) = policy_of(&answered(&POLICY.replace("enforce", mode)));
        let (mut exchangers, mut findings) = (before.clone(), Vec::new());
        cover(&facts, &mut exchangers, &mut findings);
        let named: Vec<_> = exchangers.hosts.iter().map(|host| host.sts_covered).collect();
        assert_eq!(named, covered, "{mode}");
        assert_eq!(told(findings).iter().map(|f| f.0).collect::<Vec<_>>(), problems, "{mode}");
    }
}

#[test]
fn a_policy_and_its_id_change_together() {
    let other = POLICY.replace("604800", "1209600");
    let look = |id: &str, fetched: &Fetched, before: Option<&MtaStsFacts>| {
        let (mut facts, _) = record_of(&[&format!("v=STSv1; id={id}")]);
        let mut findings = Vec::new();
        judge_policy(&mut facts, fetched, before, &mut findings);
        let problems: Vec<_> = findings.into_iter().map(|f| f.problem).collect();
        (facts, problems)
    };
    let down = Fetched::Unreachable("x".to_owned());
    let (first, found) = look("1", &answered(POLICY), None);
    assert_eq!(found, []);
    let (_, found) = look("1", &answered(POLICY), Some(&first));
    assert_eq!(found, []);
    let (_, found) = look("2", &answered(&other), Some(&first));
    assert_eq!(found, [], "both changed");
    let (_, found) = look("2", &answered(POLICY), Some(&first));
    assert_eq!(found, [Problem::MtaStsIdChangedAlone]);
    let (second, found) = look("1", &answered(&other), Some(&first));
    assert_eq!(found, [Problem::MtaStsIdNotChanged]);
    // It stays wrong, also over a look at which the policy did not come, until the id changes.
    let (third, found) = look("1", &answered(&other), Some(&second));
    assert_eq!(found, [Problem::MtaStsIdNotChanged]);
    let (fourth, found) = look("1", &down, Some(&third));
    assert_eq!(found, [Problem::MtaStsPolicyUnreachable]);
    let (fifth, found) = look("1", &answered(&other), Some(&fourth));
    assert_eq!(found, [Problem::MtaStsIdNotChanged]);
    // Putting the old one back mends it too.
    assert_eq!(look("1", &answered(POLICY), Some(&fifth)).1, []);
    // The id changes after all: it is the one that was owed.
    let (sixth, found) = look("2", &answered(&other), Some(&fifth));
    assert_eq!(found, []);
    assert_eq!(look("2", &answered(&other), Some(&sixth)).1, []);
    // A policy that never came before is not a change.
    let (none, _) = look("1", &down, None);
    assert_eq!(look("1", &answered(POLICY), Some(&none)).1, []);
}

proptest! {
    #[test]
    fn any_policy_is_judged(
        lines in prop::collection::vec("(version|mode|mx|max_age|x)?[: ]{0,2}[ -~]{0,20}", 0..10),
        tail in prop::collection::vec(any::<u8>(), 0..50),
        status in 100_u16..600,
    ) {
        let body = [lines.join("\n").into_bytes(), tail].concat();
        let fetched = Fetched::Answered { status, content_type: None, body };
        let (facts, found) = policy_of(&fetched);
        let errors = found.iter().any(|(problem, _)| problem.severity() == Severity::Error);
        prop_assert_eq!(facts.valid, Some(!errors));
        prop_assert!(found.iter().all(|(_, detail)| detail.len() <= 512));
        for host in ["mx.example.net", "", "."] {
            covers(&facts.patterns, host);
        }
    }

    #[test]
    fn any_record_is_judged(text in prop::collection::vec(any::<u8>(), 0..100)) {
        let data = vec![Data::Text([b"v=STSv1; id=", text.as_slice()].concat())];
        let mut findings = Vec::new();
        let facts = judge_record(&Answer::new(Outcome::Found(data)), &mut findings);
        prop_assert_eq!(facts.id.is_none(), !findings.is_empty());
    }
}
