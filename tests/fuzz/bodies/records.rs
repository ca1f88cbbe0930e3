//! DKIM keys, DMARC records and MTA-STS policies: whatever stands in the DNS or on a web server, facts
//! within their bounds, and something told of all that is not right.

use std::collections::HashSet;

use smtp_exporter::posture::dkim::{self, DkimKey};
use smtp_exporter::posture::mta_sts::{self, Fetched, MtaStsFacts};
use smtp_exporter::posture::tags::{Dialect, MAX_FAULTS, Tags};
use smtp_exporter::posture::{
    Answer, Data, Finding, Outcome, Problem, Severity, bimi, dmarc, tls_rpt,
};

/// Each line is a text at a selector.
pub fn dkim(data: &[u8]) {
    let answer = texts(data);
    let mut findings = Vec::new();
    let facts = dkim::judge(&"s1".into(), &answer, &mut findings);
    check(&findings, facts.record.as_deref());
    assert!(facts.present.is_some());
    assert_eq!(facts.valid, Some(!wrong(&findings)), "{facts:?}: {findings:?}");
    assert_eq!(facts.bits.is_some(), facts.key_sha256.is_some());
    assert!(!facts.revoked || facts.bits.is_none());
    match facts.key {
        Some(DkimKey::Ed25519) => assert!(facts.bits.is_none_or(|bits| bits == 256)),
        // A modulus is not longer than the text that it stands in.
        Some(DkimKey::Rsa) => {
            assert!(facts.bits.is_none_or(|bits| bits > 0 && bits as usize <= data.len() * 6));
        }
        Some(DkimKey::Other) => assert!(facts.bits.is_none() && facts.valid == Some(false)),
        None => assert!(facts.bits.is_none() && !facts.testing && !facts.revoked),
    }
    let mut twice = Vec::new();
    let other = dkim::DkimFacts { selector: "s2".into(), ..facts.clone() };
    dkim::duplicates(&[facts.clone(), other], &mut twice);
    assert_eq!(twice.len(), usize::from(facts.key_sha256.is_some()));
    lists(data);
}

/// Each line is a text at `_dmarc`; an empty line begins the texts of the organisational domain.
pub fn dmarc(data: &[u8]) {
    const DOMAIN: &str = "a.example.net";
    let split = data.windows(2).position(|two| two == b"\n\n").unwrap_or(data.len());
    let answers = [texts(&data[..split]), texts(data.get(split + 2..).unwrap_or_default())];
    let mut findings = Vec::new();
    let mut facts = dmarc::judge(DOMAIN, &answers, &mut findings);
    check(&findings, facts.record.as_deref());
    assert!(facts.present.is_some() && facts.valid.is_some());
    assert!(facts.valid == Some(true) || wrong(&findings), "{facts:?}");
    assert!(facts.valid != Some(true) || facts.policy.is_some(), "{facts:?}");
    assert_eq!(facts.at.is_some(), facts.present == Some(true));
    assert!(facts.percent.is_none_or(|percent| percent <= 100));
    assert!(facts.reports.len() <= dmarc::MAX_REPORTS);
    let before = facts.clone();
    for (index, question) in dmarc::authorizations(DOMAIN, &before) {
        assert!(question.name.len() <= 253 && question.name.is_ascii(), "{}", question.name);
        assert!(question.name.contains("._report._dmarc."));
        dmarc::authorize(&mut facts, index, &answers[0], &mut findings);
        assert!(facts.reports[index].authorized.is_some());
    }
    for report in &facts.reports {
        super::assert_one_line(&report.uri);
        assert!(report.uri.len() <= 256 && report.domain.contains('.'), "{report:?}");
    }
    check(&findings, None);

    let mut findings = Vec::new();
    let reports = tls_rpt::judge(&answers[0], true, &mut findings);
    check(&findings, reports.record.as_deref());
    assert_eq!(reports.valid == Some(true), findings.is_empty(), "{reports:?}");
    let logo = bimi::judge(&answers[0]);
    assert_eq!(logo.present, Some(logo.record.is_some()));
    lists(data);
}

/// The first line is the record, the rest the policy.
pub fn mta_sts(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (record, body) = data.split_at(end);
    let mut findings = Vec::new();
    let mut facts = mta_sts::judge_record(&texts(record), &mut findings);
    check(&findings, facts.record.as_deref());
    assert_eq!(facts.id.is_some(), facts.present == Some(true) && findings.is_empty());
    if facts.id.is_none() {
        facts = mta_sts::judge_record(&texts(b"v=STSv1; id=1"), &mut Vec::new());
    }
    let body = body.get(1..).unwrap_or_default().to_vec();
    let fetched = Fetched::Answered {
        status: 200,
        content_type: Some("text/plain".to_owned()),
        body: body.clone(),
    };
    let mut findings = Vec::new();
    mta_sts::judge_policy(&mut facts, &fetched, None, &mut findings);
    check(&findings, None);
    assert_eq!(facts.fetched, Some(true));
    assert_eq!(facts.valid, Some(!wrong(&findings)), "{facts:?}: {findings:?}");
    assert!(facts.valid != Some(true) || facts.mode.is_some() && facts.max_age.is_some());
    assert!(facts.patterns.len() <= 100);
    for pattern in &facts.patterns {
        super::assert_one_line(pattern);
        let host = pattern.replacen('*', "mx", 1);
        assert!(mta_sts::covers(&facts.patterns, &host), "{pattern} does not cover {host}");
        let deeper = format!("a.b.{host}");
        assert!(!mta_sts::covers(std::slice::from_ref(pattern), &deeper), "{pattern}: {deeper}");
    }
    again(&facts, &body);
}

/// The same policy a look later is no change, and another one under the same id is.
fn again(before: &MtaStsFacts, body: &[u8]) {
    let look = |body: &[u8]| {
        let (body, content_type) = (body.to_vec(), Some("text/plain".to_owned()));
        let fetched = Fetched::Answered { status: 200, content_type, body };
        let (mut facts, mut findings) = (before.clone(), Vec::new());
        facts.policy_sha256 = None;
        mta_sts::judge_policy(&mut facts, &fetched, Some(before), &mut findings);
        findings.iter().any(|finding| finding.problem == Problem::MtaStsIdNotChanged)
    };
    assert!(!look(body), "a change where there is none");
    let other = [body, b"x: y\n"].concat();
    let known = before.policy_sha256.is_some() && other.len() <= mta_sts::MAX_POLICY;
    assert!(!known || look(&other), "no change where there is one");
}

/// Lists of tags keep what they read, whatever the dialect.
fn lists(data: &[u8]) {
    for dialect in [Dialect::Dkim, Dialect::Dmarc, Dialect::Sts] {
        let tags = Tags::parse(data, dialect);
        assert!(tags.faults().len() <= MAX_FAULTS);
        let mut names = HashSet::new();
        for tag in tags.tags() {
            assert!(names.insert(tag.name), "{} stands twice", tag.name);
            assert!(tags.value(tag.name).is_some() && tag.value.is_ascii());
        }
        for fault in tags.faults() {
            super::assert_one_line(&fault.to_string());
        }
    }
}

fn texts(data: &[u8]) -> Answer {
    let texts = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let texts: Vec<Data> = texts.map(|line| Data::Text(line.to_vec())).collect();
    Answer::new(if texts.is_empty() { Outcome::NoData } else { Outcome::Found(texts) })
}

fn wrong(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.problem.severity() == Severity::Error)
}

fn check(findings: &[Finding], record: Option<&str>) {
    for finding in findings {
        super::assert_one_line(&finding.detail);
        assert!((1..=512).contains(&finding.detail.len()), "{finding:?}");
    }
    if let Some(record) = record {
        super::assert_one_line(record);
        assert!(record.len() <= 2048);
    }
}
