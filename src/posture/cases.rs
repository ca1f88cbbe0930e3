//! Every problem with an input that brings it about and nothing else, so that a problem without a
//! case, or one that always comes in company, is noticed. SPF and DANE have their own.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::dkim::DkimFacts;
use super::mta_sts::{self, Fetched, MtaStsFacts};
use super::mx::{self, MxFacts};
use super::tlsa::{DaneFacts, DaneStatus};
use super::{
    Answer, Area, Data, Finding, Outcome, Problem, Proof, Trouble, dkim, dmarc, sender, tls_rpt,
};

const AREAS: [Area; 6] = [Area::Dkim, Area::Dmarc, Area::MtaSts, Area::Tlsrpt, Area::Mx, Area::Ptr];

/// The findings of the input that stands for a problem; none for one without a case.
fn case(problem: Problem) -> Option<Vec<Finding>> {
    let mut findings = Vec::new();
    let all = &mut findings;
    match problem.area() {
        Area::Dkim => dkim_case(problem, all)?,
        Area::Dmarc => dmarc_case(problem, all)?,
        Area::MtaSts => sts_case(problem, all)?,
        Area::Tlsrpt => tls_rpt_case(problem, all)?,
        Area::Mx => mx_case(problem, all)?,
        Area::Ptr => ptr_case(problem, all)?,
        Area::Spf | Area::Dane => return None,
    }
    Some(findings)
}

fn txt(texts: &[&str]) -> Answer {
    let data: Vec<Data> = texts.iter().map(|t| Data::Text(t.as_bytes().to_vec())).collect();
    Answer::new(if data.is_empty() { Outcome::NoName } else { Outcome::Found(data) })
}

fn servfail() -> Answer {
    Answer::new(Outcome::Failed(Trouble::Servfail))
}

fn leads_to(addresses: &[&str]) -> Answer {
    let data = addresses.iter().map(|a| Data::Address(a.parse().unwrap())).collect::<Vec<_>>();
    Answer::new(if data.is_empty() { Outcome::NoData } else { Outcome::Found(data) })
}

/// RFC 8463, A.2.
const ED25519: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const RSA_1024: &str = "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCpSfr7pg1o9XgwBuuP/EcjX8NCIoQO4GFGOLlNVMM2HT4W+JnsMWq0CtH1kxtVTBe/XWwJauY2sreAD3X3L8qvr3blDhavobyFFJr+izt8OaMwSJNO3KkEa3sJbSRJ5nSYtCaxJZBtx8zcVpTtyI+yFp4TcAtkWv+xakxv/v5WCQIDAQAB";
const RSA_768: &str = "p=MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAMc2QuwK9Qn2QoFe+KTw6H9CWYmNVAgDAqDAf31ym4j0sGzaHdLyl+Dqe5xzq1teM/x/dGUhEwDQhO9RdrZ/ELw/B7c2K9ViM9u1EAIAug1/hly761e5C/ThX9jZPuhcnwIDAQAB";

fn dkim_case(problem: Problem, findings: &mut Vec<Finding>) -> Option<()> {
    let with = |tag: &str| txt(&[&ED25519.replace("k=ed25519", &format!("k=ed25519; {tag}"))]);
    let answer = match problem {
        Problem::DkimMissing => txt(&[]),
        Problem::DkimMultipleRecords => txt(&[ED25519, ED25519]),
        Problem::DkimSyntax => txt(&["v=DKIM1; p=!"]),
        Problem::DkimRevoked => txt(&["v=DKIM1; p="]),
        Problem::DkimUnknownKeyType => txt(&["v=DKIM1; k=x; p=AA=="]),
        Problem::DkimWeakKey => txt(&[RSA_768]),
        Problem::DkimShortKey => txt(&[RSA_1024]),
        Problem::DkimTesting => with("t=y"),
        Problem::DkimHashObsolete => with("h=sha1"),
        Problem::DkimNotForMail => with("s=other"),
        Problem::DkimDnsFailure => servfail(),
        Problem::DkimDuplicateKey => {
            let keys: Vec<DkimFacts> = ["a", "b"]
                .map(|selector| dkim::judge(&selector.into(), &txt(&[ED25519]), findings))
                .into();
            dkim::duplicates(&keys, findings);
            return Some(());
        }
        _ => return None,
    };
    dkim::judge(&"s".into(), &answer, findings);
    Some(())
}

fn dmarc_case(problem: Problem, findings: &mut Vec<Finding>) -> Option<()> {
    const GOOD: &str = "v=DMARC1; p=reject; rua=mailto:a@example.net";
    let with = |tag: &str| txt(&[&format!("{GOOD}; {tag}")]);
    let answer = match problem {
        Problem::DmarcMissing => txt(&[]),
        Problem::DmarcMultipleRecords => txt(&[GOOD, GOOD]),
        Problem::DmarcSyntax => with("pct=all"),
        Problem::DmarcPolicyNone => txt(&[&GOOD.replace("reject", "none")]),
        Problem::DmarcSubdomainPolicyWeaker => with("sp=none"),
        Problem::DmarcPartial => with("pct=50"),
        Problem::DmarcNoReports => txt(&["v=DMARC1; p=reject"]),
        Problem::DmarcReportUriInvalid => with("ruf=ftp://a.example/"),
        Problem::DmarcDnsFailure => servfail(),
        Problem::DmarcReportUnauthorized => {
            let elsewhere = txt(&[&GOOD.replace("@example.net", "@example.org")]);
            let mut facts = dmarc::judge("example.net", &[elsewhere], findings);
            for (index, _) in dmarc::authorizations("example.net", &facts) {
                dmarc::authorize(&mut facts, index, &txt(&[]), findings);
            }
            return Some(());
        }
        _ => return None,
    };
    dmarc::judge("example.net", &[answer], findings);
    Some(())
}

const POLICY: &str = "version: STSv1\nmode: enforce\nmx: *.example.net\nmax_age: 604800\n";

fn policy(body: &str) -> Fetched {
    let content_type = Some("text/plain".to_owned());
    Fetched::Answered { status: 200, content_type, body: body.into() }
}

fn sts(
    id: &str,
    fetched: &Fetched,
    before: Option<&MtaStsFacts>,
    findings: &mut Vec<Finding>,
) -> MtaStsFacts {
    let mut facts = mta_sts::judge_record(&txt(&[&format!("v=STSv1; id={id}")]), findings);
    mta_sts::judge_policy(&mut facts, fetched, before, findings);
    facts
}

fn sts_case(problem: Problem, findings: &mut Vec<Finding>) -> Option<()> {
    let answered = |status: u16, kind: &str, body: &[u8]| Fetched::Answered {
        status,
        content_type: Some(kind.to_owned()),
        body: body.to_vec(),
    };
    let fetched = match problem {
        Problem::MtaStsRecordInvalid
        | Problem::MtaStsMultipleRecords
        | Problem::MtaStsDnsFailure => {
            let answer = match problem {
                Problem::MtaStsRecordInvalid => txt(&["v=STSv1; id=-"]),
                Problem::MtaStsMultipleRecords => txt(&["v=STSv1; id=1", "v=STSv1; id=2"]),
                _ => servfail(),
            };
            mta_sts::judge_record(&answer, findings);
            return Some(());
        }
        Problem::MtaStsPolicyUnreachable => Fetched::Unreachable("no address".to_owned()),
        Problem::MtaStsPolicyCertificate => Fetched::Certificate("expired".to_owned()),
        Problem::MtaStsPolicyStatus => answered(404, "text/plain", b""),
        Problem::MtaStsPolicyContentType => answered(200, "text/html", POLICY.as_bytes()),
        Problem::MtaStsPolicyTooLarge => answered(200, "text/plain", &[b'\n'; 70_000]),
        Problem::MtaStsPolicyInvalid => policy(&POLICY.replace("max_age", "max-age")),
        Problem::MtaStsShortMaxAge => policy(&POLICY.replace("604800", "3600")),
        Problem::MtaStsTesting => policy(&POLICY.replace("enforce", "testing")),
        Problem::MtaStsIdNotChanged | Problem::MtaStsIdChangedAlone => {
            let before = sts("1", &policy(POLICY), None, findings);
            if problem == Problem::MtaStsIdNotChanged {
                sts("1", &policy(&POLICY.replace("604800", "604801")), Some(&before), findings);
            } else {
                sts("2", &policy(POLICY), Some(&before), findings);
            }
            return Some(());
        }
        Problem::MtaStsMxNotCovered | Problem::MtaStsMxCertificate => {
            let facts = sts("1", &policy(POLICY), None, findings);
            let covered = problem == Problem::MtaStsMxCertificate;
            let name = if covered { "mx1.example.net" } else { "mx1.example.org" };
            let mut exchangers = exchangers(&[(10, name)], findings);
            exchangers.hosts[0].pkix = Some(!covered);
            mta_sts::cover(&facts, &mut exchangers, findings);
            return Some(());
        }
        _ => return None,
    };
    sts("1", &fetched, None, findings);
    Some(())
}

fn tls_rpt_case(problem: Problem, findings: &mut Vec<Finding>) -> Option<()> {
    const GOOD: &str = "v=TLSRPTv1; rua=mailto:a@example.net";
    let answer = match problem {
        Problem::TlsrptMissing => txt(&[]),
        Problem::TlsrptInvalid => txt(&["v=TLSRPTv1; rua=a@example.net"]),
        Problem::TlsrptMultipleRecords => txt(&[GOOD, GOOD]),
        Problem::TlsrptDnsFailure => servfail(),
        _ => return None,
    };
    tls_rpt::judge(&answer, true, findings);
    Some(())
}

fn exchangers(records: &[(u16, &str)], findings: &mut Vec<Finding>) -> MxFacts {
    let data = records.iter().map(|(p, host)| Data::Mx(*p, (*host).to_owned())).collect();
    mx::judge("example.net", &Answer::new(Outcome::Found(data)), findings)
}

fn mx_case(problem: Problem, findings: &mut Vec<Finding>) -> Option<()> {
    let (good, none) = (leads_to(&["11.0.0.1"]), leads_to(&[]));
    let one = [(10, "mx1.example.net")];
    let many: Vec<String> = (0..40).map(|n| format!("mx{n}.example.net")).collect();
    let many: Vec<(u16, &str)> = many.iter().map(|name| (10, name.as_str())).collect();
    // The records, and where the first host leads.
    let (mut facts, first) = match problem {
        Problem::MxMissing => {
            (mx::judge("example.net", &Answer::new(Outcome::NoData), findings), none.clone())
        }
        Problem::MxImplicit => {
            (mx::judge("example.net", &Answer::new(Outcome::NoData), findings), good)
        }
        Problem::MxAlias => {
            let canonical = Some("a.example.org".to_owned());
            (exchangers(&one, findings), Answer { canonical, ..good })
        }
        Problem::MxAddressLiteral => (exchangers(&[(10, "11.0.0.1")], findings), good),
        Problem::MxNoAddress => (exchangers(&one, findings), none.clone()),
        Problem::MxPrivateAddress => (exchangers(&one, findings), leads_to(&["10.0.0.1"])),
        Problem::MxDuplicate => (exchangers(&[one[0], one[0]], findings), good),
        Problem::MxNullWithOthers => (exchangers(&[(0, ""), one[0]], findings), good),
        Problem::MxInvalidName => (exchangers(&[(10, "mx_1.example.net")], findings), good),
        Problem::MxTooMany => (exchangers(&many, findings), good),
        Problem::MxStrictRefused | Problem::MxNoTls => (exchangers(&one, findings), good),
        Problem::MxDnsFailure => (exchangers(&one, findings), servfail()),
        _ => return None,
    };
    mx::judge_addresses(&mut facts, 0, &first, &none, findings);
    if let Some(host) = facts.hosts.first_mut() {
        let bogus = problem == Problem::MxStrictRefused;
        let status = Some(if bogus { DaneStatus::Bogus } else { DaneStatus::None });
        host.dane = DaneFacts { status, ..DaneFacts::default() };
        host.starttls = Some(problem != Problem::MxNoTls);
    }
    mx::conclude(&mut facts, false, findings);
    Some(())
}

fn ptr_case(problem: Problem, findings: &mut Vec<Finding>) -> Option<()> {
    let address: IpAddr = "192.0.2.25".parse().unwrap();
    let (back, away) = (leads_to(&["192.0.2.25"]), leads_to(&["192.0.2.1"]));
    let name = match problem {
        Problem::PtrGeneric => "host-192-0-2-25.example.net",
        _ => "mx1.example.net",
    };
    let names: Vec<String> = match problem {
        Problem::PtrMissing => vec![],
        Problem::PtrTooMany => (0..11).map(|n| format!("mx{n}.example.net")).collect(),
        _ => vec![name.to_owned()],
    };
    let reverse = match names.as_slice() {
        [] => Outcome::NoName,
        names => Outcome::Found(names.iter().cloned().map(Data::Name).collect()),
    };
    let reverse = Answer::new(reverse);
    let (forward, helo) = match problem {
        Problem::PtrMissing | Problem::PtrTooMany | Problem::PtrGeneric => (&back, (name, &back)),
        Problem::PtrNotConfirmed => (&away, (name, &back)),
        Problem::PtrHeloMismatch => (&back, ("mx2.example.net", &back)),
        Problem::PtrHeloNotConfirmed => (&back, (name, &away)),
        Problem::PtrDnsFailure => (&servfail(), (name, &back)),
        _ => return None,
    };
    let forward = [(name.to_owned(), forward.clone())];
    sender::judge(address, &reverse, &forward, Some(helo), findings);
    Some(())
}

#[test]
fn every_problem_comes_about_by_itself() {
    let mut seen = 0;
    for &problem in Problem::ALL {
        if !AREAS.contains(&problem.area()) {
            continue;
        }
        let Some(findings) = case(problem) else { panic!("{problem} has no case") };
        let problems: BTreeSet<Problem> = findings.iter().map(|f| f.problem).collect();
        assert_eq!(problems, BTreeSet::from([problem]), "{problem}: {findings:?}");
        for finding in &findings {
            assert!(!finding.detail.is_empty() && finding.detail.len() <= 512, "{finding:?}");
        }
        seen += 1;
    }
    assert_eq!(seen, Problem::ALL.iter().filter(|p| AREAS.contains(&p.area())).count());
    assert!(seen > 50, "only {seen} problems were looked at");
}

/// What is right brings nothing about.
#[test]
fn nothing_comes_about_by_what_is_right() {
    let mut findings = Vec::new();
    let all = &mut findings;
    dkim::judge(&"s".into(), &txt(&[ED25519]), all);
    let record = txt(&["v=DMARC1; p=reject; rua=mailto:a@example.net"]);
    dmarc::judge("example.net", &[record], all);
    let facts = sts("1", &policy(POLICY), None, all);
    tls_rpt::judge(&txt(&["v=TLSRPTv1; rua=mailto:a@example.net"]), true, all);
    let mut hosts = exchangers(&[(10, "mx1.example.net")], all);
    let proven = Answer { proof: Proof::Insecure, ..leads_to(&["11.0.0.1"]) };
    mx::judge_addresses(&mut hosts, 0, &proven, &leads_to(&["2600::1"]), all);
    hosts.hosts[0].dane.status = Some(DaneStatus::None);
    (hosts.hosts[0].starttls, hosts.hosts[0].pkix) = (Some(true), Some(true));
    mta_sts::cover(&facts, &mut hosts, all);
    mx::conclude(&mut hosts, true, all);
    assert_eq!(hosts.hosts[0].strict, Some(mx::Strict::MtaSts));
    let (address, back) = ("192.0.2.25".parse().unwrap(), leads_to(&["192.0.2.25"]));
    let reverse = Answer::new(Outcome::Found(vec![Data::Name("mx1.example.net".to_owned())]));
    let forward = [("mx1.example.net".to_owned(), back.clone())];
    sender::judge(address, &reverse, &forward, Some(("mx1.example.net", &back)), all);
    assert_eq!(findings, []);
}
