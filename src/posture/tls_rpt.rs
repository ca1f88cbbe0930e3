//! TLS reports (RFC 8460).

use super::tags::{Dialect, Tags, find, parts};
use super::text;
use super::{Answer, Finding, On, Problem};

/// What was seen of TLS-RPT.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsRptFacts {
    /// There is a record; none when the DNS did not answer.
    pub present: Option<bool>,
    /// One record with an address for reports. None without a record.
    pub valid: Option<bool>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// The name to ask for TXT records.
pub fn name(domain: &str) -> String {
    format!("_smtp._tls.{domain}")
}

/// What the answer means. `wanted`: MTA-STS or DANE is there, so failures should be heard of. What is
/// meant as a record and is none counts as one that is wrong.
pub fn judge(answer: &Answer, wanted: bool, findings: &mut Vec<Finding>) -> TlsRptFacts {
    let mut facts = TlsRptFacts::default();
    let mut add = |problem, detail: &str| {
        findings.push(Finding::new(problem, On::Domain, detail));
    };
    if answer.trouble().is_some() {
        if let Some(trouble) = answer.their_trouble() {
            add(Problem::TlsrptDnsFailure, &format!("TXT _smtp._tls: {trouble}"));
        }
        return facts;
    }
    let found = find(answer.texts(), "TLSRPTv1", Dialect::Sts);
    let shown = found.records.first().copied().or(found.almost);
    facts.present = Some(shown.is_some());
    facts.record = shown.map(text::record);
    facts.valid = match (found.records.as_slice(), found.almost) {
        ([], None) => {
            if wanted {
                add(Problem::TlsrptMissing, "no TLS-RPT record at _smtp._tls");
            }
            None
        }
        ([], Some(almost)) => {
            let detail = format!("does not begin with `v=TLSRPTv1;`: {}", text::word(almost));
            add(Problem::TlsrptInvalid, &detail);
            Some(false)
        }
        ([record], _) => match check(record) {
            Ok(()) => Some(true),
            Err(wrong) => {
                add(Problem::TlsrptInvalid, &wrong);
                Some(false)
            }
        },
        (several, _) => {
            let detail = format!("{} records at _smtp._tls", several.len());
            add(Problem::TlsrptMultipleRecords, &detail);
            Some(false)
        }
    };
    facts
}

/// What is wrong with a record (RFC 8460, 3): every address must be one that reports can go to.
fn check(record: &[u8]) -> Result<(), String> {
    let tags = Tags::parse(record, Dialect::Sts);
    if let Some(fault) = tags.faults().first() {
        return Err(fault.to_string());
    }
    let rua = tags.value("rua").ok_or("`rua` is missing")?;
    for uri in parts(rua, ',') {
        let lower = uri.to_ascii_lowercase();
        let good = match lower.split_once(':') {
            Some(("mailto", rest)) => {
                let mailbox = rest.split('?').next().unwrap_or_default().split_once('@');
                mailbox.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
            }
            Some(("https", rest)) => rest
                .strip_prefix("//")
                .and_then(|rest| rest.split(['/', '?', '#']).next())
                .is_some_and(|host| !host.is_empty()),
            _ => false,
        };
        // The three that separate addresses, limits and tags must be escaped inside one.
        if !good || uri.contains(['!', ' ', '\t']) {
            let uri = text::word(uri.as_bytes());
            return Err(format!("`rua`: `{uri}` is neither a `mailto:` nor an `https:` address"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posture::{Data, Outcome, Trouble};
    use proptest::prelude::*;

    fn look(texts: &[&str], wanted: bool) -> (TlsRptFacts, Vec<(Problem, String)>) {
        let data = texts.iter().map(|text| Data::Text(text.as_bytes().to_vec())).collect();
        look_at(&Answer::new(Outcome::Found(data)), wanted)
    }

    fn look_at(answer: &Answer, wanted: bool) -> (TlsRptFacts, Vec<(Problem, String)>) {
        let mut findings = Vec::new();
        let facts = judge(answer, wanted, &mut findings);
        (facts, findings.into_iter().map(|f| (f.problem, f.detail)).collect())
    }

    #[test]
    fn the_standards_own_records_are_right() {
        // RFC 8460, 3.1.
        for text in [
            "v=TLSRPTv1;rua=mailto:reports@example.com",
            "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt",
            "v=TLSRPTv1; rua=mailto:a@example.com , https://b.example/?x=y; other=1;",
        ] {
            let (facts, found) = look(&["v=spf1 -all", text], true);
            assert_eq!((facts.present, facts.valid), (Some(true), Some(true)), "{text}");
            assert_eq!(found, [], "{text}");
            assert_eq!(facts.record.as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, detail) in [
            ("v=TLSRPTv1", "`rua` is missing"),
            ("v=TLSRPTv1; rua=", "`rua`: `` is neither a `mailto:` nor an `https:` address"),
            ("v=TLSRPTv1; ruamailto:a@b", "`ruamailto:a@b` has no `=`"),
            (
                "v=TLSRPTv1; rua=http://b.example/",
                "`rua`: `http://b.example/` is neither a `mailto:` nor an `https:` address",
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example,c@b.example",
                "`rua`: `c@b.example` is neither a `mailto:` nor an `https:` address",
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example!10m",
                "`rua`: `mailto:a@b.example!10m` is neither a `mailto:` nor an `https:` address",
            ),
            ("v=tlsrptv1; rua=x", "does not begin with `v=TLSRPTv1;`: v=tlsrptv1; rua=x"),
        ] {
            let (facts, found) = look(&[text], false);
            assert_eq!((facts.present, facts.valid), (Some(true), Some(false)), "{text}");
            assert_eq!(found, [(Problem::TlsrptInvalid, detail.to_owned())], "{text}");
        }
    }

    #[test]
    fn a_missing_record_matters_where_tls_is_asked_for() {
        for (outcome, wanted, count) in
            [(Outcome::NoName, true, 1), (Outcome::NoData, false, 0), (Outcome::NoName, false, 0)]
        {
            let (facts, found) = look_at(&Answer::new(outcome), wanted);
            assert_eq!((facts.present, facts.valid), (Some(false), None));
            assert_eq!(found.len(), count);
            assert!(found.iter().all(|(problem, _)| *problem == Problem::TlsrptMissing));
        }
        let (facts, found) = look(&["v=TLSRPTv1; rua=mailto:a@b.c", "v=TLSRPTv1;"], true);
        assert_eq!((facts.present, facts.valid), (Some(true), Some(false)));
        let detail = "2 records at _smtp._tls".to_owned();
        assert_eq!(found, [(Problem::TlsrptMultipleRecords, detail)]);
        let (facts, found) = look_at(&Answer::new(Outcome::Failed(Trouble::Bogus)), true);
        assert_eq!((facts.present, facts.valid), (None, None));
        assert_eq!(found, [(Problem::TlsrptDnsFailure, "TXT _smtp._tls: bogus".to_owned())]);
        assert_eq!(look_at(&Answer::new(Outcome::Failed(Trouble::Ours)), true).1, []);
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let data = [b"v=TLSRPTv1;rua=".as_slice(), &text].concat();
            let mut findings = Vec::new();
            let answer = Answer::new(Outcome::Found(vec![Data::Text(data)]));
            let facts = judge(&answer, true, &mut findings);
            prop_assert_eq!(facts.valid, Some(findings.is_empty()));
        }
    }
}
