use super::*;
use crate::posture::{Data, Outcome, Severity, Trouble};
use proptest::prelude::*;

type Found = Vec<(Problem, String)>;

fn texts(texts: &[&str]) -> Answer {
    let data: Vec<Data> = texts.iter().map(|t| Data::Text(t.as_bytes().to_vec())).collect();
    Answer::new(if data.is_empty() { Outcome::NoName } else { Outcome::Found(data) })
}

fn look(domain: &str, answers: &[Answer]) -> (DmarcFacts, Found) {
    let mut findings = Vec::new();
    let facts = judge(domain, answers, &mut findings);
    (facts, told(findings))
}

fn told(findings: Vec<Finding>) -> Found {
    findings.into_iter().map(|f| (f.problem, f.detail)).collect()
}

/// What a record at example.net comes to.
fn record(text: &str) -> (DmarcFacts, Found) {
    look("example.net", &[texts(&[text])])
}

#[test]
fn the_organisational_domain_is_one_label_below_the_suffix() {
    for (domain, expected) in [
        ("example.net", "example.net"),
        ("a.b.example.net", "example.net"),
        ("A.Example.NET.", "example.net"),
        ("a.example.co.uk", "example.co.uk"),
        // A suffix has none, and stands for itself.
        ("co.uk", "co.uk"),
        ("net", "net"),
        // The private part of the list counts.
        ("a.b.github.io", "b.github.io"),
        ("github.io", "github.io"),
        // A wildcard rule, and the exception to it.
        ("a.b.c.ck", "b.c.ck"),
        ("a.www.ck", "www.ck"),
        // Nobody's suffix has one label.
        ("mail.example.test", "example.test"),
        ("example.test", "example.test"),
        ("xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("", ""),
        ("..", ""),
    ] {
        assert_eq!(organizational(domain), expected, "{domain}");
    }
}

#[test]
fn asks_the_domain_and_then_its_organisational_domain() {
    let names =
        |domain| questions(domain).into_iter().map(|q| (q.name, q.kind)).collect::<Vec<_>>();
    assert_eq!(names("example.net"), [("_dmarc.example.net".to_owned(), Kind::Txt)]);
    assert_eq!(
        names("a.b.example.co.uk"),
        [
            ("_dmarc.a.b.example.co.uk".to_owned(), Kind::Txt),
            ("_dmarc.example.co.uk".to_owned(), Kind::Txt),
        ]
    );
}

#[test]
fn the_standards_own_records_are_read() {
    // RFC 7489, B.2.1 to B.2.4.
    let (facts, found) = record("v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.net");
    assert_eq!((facts.present, facts.valid, facts.percent), (Some(true), Some(true), Some(100)));
    assert_eq!(facts.policy, Some(DmarcPolicy::None));
    assert_eq!(found, [(Problem::DmarcPolicyNone, "`p=none`".to_owned())]);

    let (facts, found) = record(
        "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.net; ruf=mailto:auth-reports@example.net",
    );
    assert_eq!(found.len(), 1);
    assert_eq!(facts.reports.len(), 2);
    assert!(authorizations("example.net", &facts).is_empty());

    let (facts, found) = record(
        "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.net; \
         ruf=mailto:auth-reports@thirdparty.example.org",
    );
    assert_eq!(found.len(), 1);
    assert_eq!(
        authorizations("example.net", &facts),
        [(1, Question::new("example.net._report._dmarc.thirdparty.example.org", Kind::Txt))]
    );

    let (facts, found) = look(
        "test.example.net",
        &[texts(&["v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.net,\
                   mailto:tld-test@thirdparty.example.org!10m; pct=25"])],
    );
    assert_eq!(facts.policy, Some(DmarcPolicy::Quarantine));
    assert_eq!(found, [(Problem::DmarcPartial, "`pct=25`".to_owned())]);
    assert_eq!(facts.percent, Some(25));
    let domains: Vec<_> = facts.reports.iter().map(|report| report.domain.as_str()).collect();
    assert_eq!(domains, ["example.net", "thirdparty.example.org"]);
    assert_eq!(
        authorizations("test.example.net", &facts),
        [(1, Question::new("test.example.net._report._dmarc.thirdparty.example.org", Kind::Txt))]
    );
}

#[test]
fn a_subdomain_has_its_own_record_or_its_organisational_domains() {
    const ORG: &str = "v=DMARC1; p=reject; sp=quarantine; rua=mailto:a@example.net";
    let none = texts(&[]);
    let (facts, found) = look("mail.example.net", &[none.clone(), texts(&[ORG])]);
    assert_eq!((facts.present, facts.valid), (Some(true), Some(true)));
    assert_eq!(facts.at.as_deref(), Some("example.net"));
    assert_eq!(facts.organizational, "example.net");
    assert_eq!(facts.policy, Some(DmarcPolicy::Quarantine), "sp holds for it");
    let weaker =
        (Problem::DmarcSubdomainPolicyWeaker, "`sp=quarantine` below `p=reject`".to_owned());
    assert_eq!(found, std::slice::from_ref(&weaker));
    // At the domain itself p holds.
    let (facts, found) = record(ORG);
    assert_eq!(facts.policy, Some(DmarcPolicy::Reject));
    assert_eq!(facts.subdomain_policy, Some(DmarcPolicy::Quarantine));
    assert_eq!(found, [weaker]);
    // Without sp, p holds for subdomains too.
    let p = texts(&["v=DMARC1; p=reject; rua=mailto:a@example.net"]);
    let (facts, found) = look("mail.example.net", &[none.clone(), p]);
    assert_eq!(facts.policy, Some(DmarcPolicy::Reject));
    assert_eq!(found, []);
    // The domain's own record comes first, whatever the other says.
    let own = texts(&["v=DMARC1; p=quarantine; rua=mailto:a@example.net"]);
    let (facts, _) = look("mail.example.net", &[own, texts(&[ORG])]);
    assert_eq!(facts.at.as_deref(), Some("mail.example.net"));
    assert_eq!(facts.policy, Some(DmarcPolicy::Quarantine));
    // Nobody asked the organisational domain: nothing is known.
    let (facts, found) = look("mail.example.net", &[none]);
    assert_eq!((facts.present, facts.valid), (None, None));
    assert_eq!(found, []);
}

#[test]
fn without_a_readable_policy_a_record_with_reports_stands_for_none() {
    for (text, syntax) in [
        ("v=DMARC1; rua=mailto:a@example.net", "`p` is missing"),
        (
            "v=DMARC1; p=quarantined; rua=mailto:a@example.net",
            "`p=quarantined`: must be none, quarantine or reject",
        ),
        (
            "v=DMARC1; p=reject; sp=no; rua=mailto:a@example.net",
            "`sp=no`: must be none, quarantine or reject",
        ),
    ] {
        let (facts, found) = record(text);
        assert_eq!((facts.present, facts.valid), (Some(true), Some(false)), "{text}");
        assert_eq!(facts.policy, Some(DmarcPolicy::None), "{text}");
        assert_eq!(facts.subdomain_policy, Some(DmarcPolicy::None), "{text}");
        let detail = "what can be read of the record stands for `p=none`".to_owned();
        let policy = (Problem::DmarcPolicyNone, detail);
        assert_eq!(found, [(Problem::DmarcSyntax, syntax.to_owned()), policy], "{text}");
    }
    for text in
        ["v=DMARC1", "v=DMARC1; p=x", "v=DMARC1; rua=https://a.example/", "v=DMARC1; sp=none"]
    {
        let (facts, found) = record(text);
        assert_eq!((facts.present, facts.valid, facts.policy), (Some(true), Some(false), None));
        assert!(found.iter().any(|(problem, _)| *problem == Problem::DmarcSyntax), "{text}");
        assert!(found.iter().any(|(problem, _)| *problem == Problem::DmarcNoReports), "{text}");
    }
}

#[test]
fn what_is_wrong_beside_the_policy_is_told_and_left_out() {
    for (tag, problem, detail) in [
        ("pct=101", Problem::DmarcSyntax, "`pct=101`: must be a number from 0 to 100"),
        ("pct=+5", Problem::DmarcSyntax, "`pct=+5`: must be a number from 0 to 100"),
        ("adkim=x", Problem::DmarcSyntax, "`adkim=x`: must be r or s"),
        ("aspf=", Problem::DmarcSyntax, "`aspf=`: must be r or s"),
        ("fo=2", Problem::DmarcSyntax, "`fo=2`: must be 0, 1, d or s, with `:` between"),
        ("rf=a b", Problem::DmarcSyntax, "`rf=a b`: must be afrf"),
        ("ri=1d", Problem::DmarcSyntax, "`ri=1d`: must be a number of seconds"),
        ("np=all", Problem::DmarcSyntax, "`np=all`: must be none, quarantine or reject"),
        ("foo", Problem::DmarcSyntax, "`foo` has no `=`"),
        ("p=none", Problem::DmarcSyntax, "`p` stands twice"),
        ("np=none", Problem::DmarcSubdomainPolicyWeaker, "`np=none` below `p=reject`"),
        ("t=y", Problem::DmarcPartial, "`t=y`: the policy is being tested"),
        ("pct=0", Problem::DmarcPartial, "`pct=0`"),
        (
            "ruf=a@b.example",
            Problem::DmarcReportUriInvalid,
            "`ruf`: `a@b.example` does not begin with `mailto:`",
        ),
        ("ruf=", Problem::DmarcReportUriInvalid, "`ruf`: `` is empty"),
        (
            "ruf=https://b.example/",
            Problem::DmarcReportUriInvalid,
            "`ruf`: `https://b.example/` is no `mailto:`, which is all that receivers take",
        ),
        ("ruf=mailto:a", Problem::DmarcReportUriInvalid, "`ruf`: `mailto:a` has no `@`"),
        (
            "ruf=mailto:@b.example",
            Problem::DmarcReportUriInvalid,
            "`ruf`: `mailto:@b.example` has no mailbox before the `@`",
        ),
        (
            "ruf=mailto:a@b",
            Problem::DmarcReportUriInvalid,
            "`ruf`: `mailto:a@b` has no domain after the `@`",
        ),
        (
            "ruf=mailto:a@b.example!10q",
            Problem::DmarcReportUriInvalid,
            "`ruf`: `mailto:a@b.example!10q` has a size limit that is none, such as `!10m`",
        ),
    ] {
        let (facts, found) =
            record(&format!("v=DMARC1; p=reject; rua=mailto:a@example.net; {tag}"));
        assert_eq!(found, [(problem, detail.to_owned())], "{tag}");
        assert_eq!((facts.valid, facts.policy), (Some(true), Some(DmarcPolicy::Reject)), "{tag}");
    }
}

#[test]
fn letters_may_be_of_either_case_and_later_tags_are_known() {
    let (facts, found) = record(
        "V = DMARC1 ; P=Reject; SP=REJECT; adkim=S; aspf=r; fo=1:d:s; rf=afrf; ri=3600; pct=100; \
         RUA=MAILTO:a%2Cb@Example.NET!1G , mailto:c@mail.example.net?subject=x; psd=n; np=reject; t=n;",
    );
    assert_eq!(found, []);
    assert_eq!((facts.valid, facts.policy), (Some(true), Some(DmarcPolicy::Reject)));
    assert_eq!(facts.dkim_alignment, Some(Alignment::Strict));
    assert_eq!(facts.spf_alignment, Some(Alignment::Relaxed));
    let domains: Vec<_> = facts.reports.iter().map(|report| report.domain.as_str()).collect();
    assert_eq!(domains, ["example.net", "mail.example.net"]);
}

#[test]
fn other_texts_count_for_nothing_and_two_records_for_none() {
    const GOOD: &str = "v=DMARC1; p=reject; rua=mailto:a@example.net";
    let (facts, found) = look("example.net", &[texts(&["v=spf1 -all", GOOD, "v=DMARC2; p=none"])]);
    assert_eq!((facts.valid, found), (Some(true), vec![]));
    let (facts, found) = look("example.net", &[texts(&[GOOD, GOOD])]);
    assert_eq!((facts.present, facts.valid, facts.policy), (Some(true), Some(false), None));
    let detail = "2 records at _dmarc.example.net".to_owned();
    assert_eq!(found, [(Problem::DmarcMultipleRecords, detail)]);
    // Two at the domain are not made up for by one above it.
    let (facts, found) = look("a.example.net", &[texts(&[GOOD, GOOD]), texts(&[GOOD])]);
    assert_eq!((facts.policy, found.len()), (None, 1));
}

#[test]
fn nothing_and_no_answer_are_two_things() {
    let (facts, found) = look("a.example.net", &[texts(&[]), texts(&["v=spf1 -all"])]);
    assert_eq!((facts.present, facts.valid), (Some(false), Some(false)));
    let detail = "no DMARC record at _dmarc.a.example.net nor at _dmarc.example.net".to_owned();
    assert_eq!(found, [(Problem::DmarcMissing, detail)]);
    let (facts, found) = record("v=dmarc1; p=none");
    assert_eq!(facts.present, Some(false));
    let detail =
        "what stands at _dmarc.example.net is no DMARC record: v=dmarc1; p=none".to_owned();
    assert_eq!(found, [(Problem::DmarcMissing, detail)]);
    for trouble in Trouble::ALL {
        let failed = Answer::new(Outcome::Failed(*trouble));
        let (facts, found) = look("a.example.net", &[texts(&[]), failed]);
        assert_eq!((facts.present, facts.valid), (None, None));
        let detail = format!("TXT _dmarc.example.net: {trouble}");
        let ours = *trouble == Trouble::Ours;
        assert_eq!(found, if ours { vec![] } else { vec![(Problem::DmarcDnsFailure, detail)] });
    }
}

#[test]
fn a_receiver_of_reports_elsewhere_must_have_agreed() {
    let text = "v=DMARC1; p=reject; rua=mailto:a@example.org,mailto:b@mail.example.net; \
                ruf=mailto:c@example.org";
    let (facts, found) = look("a.example.net", &[texts(&[]), texts(&[text])]);
    assert_eq!(found, []);
    let asked = authorizations("a.example.net", &facts);
    let name = "example.net._report._dmarc.example.org";
    assert_eq!(asked, [(0, Question::new(name, Kind::Txt)), (2, Question::new(name, Kind::Txt))]);

    let outcomes: [(Answer, Option<bool>, Vec<Problem>); 5] = [
        (texts(&["v=DMARC1"]), Some(true), vec![]),
        (texts(&["x", "v=DMARC1; rua=mailto:other@example.org"]), Some(true), vec![]),
        (texts(&["v=spf1 -all"]), Some(false), vec![Problem::DmarcReportUnauthorized]),
        (texts(&[]), Some(false), vec![Problem::DmarcReportUnauthorized]),
        (Answer::new(Outcome::Failed(Trouble::Timeout)), None, vec![Problem::DmarcDnsFailure]),
    ];
    for (answer, authorized, problems) in outcomes {
        let (mut facts, mut findings) = (facts.clone(), Vec::new());
        authorize(&mut facts, 2, &answer, &mut findings);
        authorize(&mut facts, 9, &answer, &mut findings);
        let of: Vec<_> = facts.reports.iter().map(|report| report.authorized).collect();
        assert_eq!(of, [None, None, authorized]);
        let found = told(findings);
        assert_eq!(found.iter().map(|(problem, _)| *problem).collect::<Vec<_>>(), problems);
        assert!(found.iter().all(|(_, detail)| detail.contains(name)), "{found:?}");
    }
}

#[test]
fn a_name_that_cannot_be_asked_for_is_not() {
    let long = format!("{0}.{0}.{0}.example", "x".repeat(63));
    let text = format!("v=DMARC1; p=reject; rua=mailto:a@{long},mailto:b@example.net");
    let (facts, found) = look(&format!("{0}.example.net", "y".repeat(50)), &[texts(&[&text])]);
    assert_eq!(found, []);
    assert!(authorizations("example.net", &facts).iter().all(|(_, q)| q.name.len() <= 253));
    // More addresses than are looked at.
    let many = vec!["mailto:a@example.net"; 100].join(",");
    let (facts, found) = record(&format!("v=DMARC1; p=reject; rua={many}; ruf={many}"));
    assert_eq!((facts.reports.len(), found.len()), (MAX_REPORTS, 0));
}

proptest! {
    #[test]
    fn any_text_is_judged(
        text in prop::collection::vec(any::<u8>(), 0..200),
        tag in prop_oneof![Just("p="), Just("rua="), Just("rua=mailto:"), Just("pct="), Just("")],
    ) {
        let bytes = [b"v=DMARC1;", tag.as_bytes(), &text].concat();
        let answer = Answer::new(Outcome::Found(vec![Data::Text(bytes), Data::Text(text)]));
        let mut findings = Vec::new();
        let mut facts = judge("a.example.net", std::slice::from_ref(&answer), &mut findings);
        for (index, question) in authorizations("a.example.net", &facts) {
            prop_assert!(question.name.len() <= 253);
            authorize(&mut facts, index, &answer, &mut findings);
        }
        prop_assert_eq!(facts.valid.is_some(), facts.present.is_some());
        let errors = findings.iter().any(|f| f.problem.severity() == Severity::Error);
        prop_assert!(facts.valid == Some(true) || errors);
        let shown = |f: &Finding| f.detail.len() <= 512 && !f.detail.contains(char::is_control);
        prop_assert!(findings.iter().all(shown));
    }

    #[test]
    fn any_name_has_an_organisational_domain(name in "[a-z0-9.-]{0,60}") {
        let found = organizational(&name);
        prop_assert!(name.ends_with(&found) || name.trim_end_matches('.').ends_with(&found));
        prop_assert_eq!(organizational(&found), found);
    }
}
