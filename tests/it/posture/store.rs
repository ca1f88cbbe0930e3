//! What the store keeps of domains, what it lets go, and which problems it tells of.

use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::metrics::Format;
use smtp_exporter::posture::{Exchange, Finding, On, Problem, Report, Subject};
use smtp_exporter::store::posture::{MAX_FINDINGS, TRANSCRIPT_BYTES};
use smtp_exporter::store::{PostureChange, Store};

use super::{empty, found, full, subject};
use crate::support::exposition::Exposition;
use crate::support::scrape::text_of;
use crate::support::seen::at;

fn store_of(subject: &Arc<Subject>) -> Store {
    let store = Store::default();
    store.postures().replace(std::slice::from_ref(subject), 1);
    store
}

/// A look that ended then and found these.
fn look(subject: &Arc<Subject>, ended: u64, findings: &[Finding]) -> Report {
    Report { ended: at(ended), findings: findings.to_vec(), ..empty(subject) }
}

#[test]
fn a_look_is_in_the_exposition_until_a_reload_takes_the_domain_away() {
    let subject = subject("example.net");
    let store = store_of(&subject);
    assert!(!text_of(&store, Format::Text).contains("smtp_spf_"));
    store.postures().put(1, full(&subject));
    let text = text_of(&store, Format::Text);
    let read = Exposition::read(&text, Format::Text).unwrap();
    assert_eq!(read.value("smtp_spf_valid", &[("domain", "example.net"), ("team", "mail")]), 1.0);
    store.postures().replace(&[], 2);
    assert!(!text_of(&store, Format::Text).contains("smtp_spf_"));
    assert_eq!(store.postures().put(1, full(&subject)), PostureChange::default());
    assert!(store.postures().views().is_empty());
}

#[test]
fn labels_and_interval_may_change_and_the_rest_starts_anew() {
    let subject = subject("example.net");
    let store = store_of(&subject);
    store.postures().put(1, full(&subject));
    let relabelled = Arc::new(Subject {
        labels: [("site".to_owned(), "b".to_owned())].into(),
        interval: Duration::from_secs(600),
        ..(*subject).clone()
    });
    store.postures().replace(std::slice::from_ref(&relabelled), 2);
    let view = store.postures().view("example.net").unwrap();
    assert_eq!(view.report.as_ref().unwrap().subject, relabelled);
    // A look that began before the reload counts, under the labels of now.
    store.postures().put(1, full(&subject));
    let view = store.postures().view("example.net").unwrap();
    assert_eq!(view.report.as_ref().unwrap().subject, relabelled);

    let other = Arc::new(Subject { dkim_selectors: Vec::new(), ..(*relabelled).clone() });
    store.postures().replace(std::slice::from_ref(&other), 3);
    assert_eq!(store.postures().view("example.net").unwrap().report, None);
    assert_eq!(store.postures().put(2, full(&subject)), PostureChange::default());
    store.postures().set_next(2, "example.net", at(9));
    let view = store.postures().view("example.net").unwrap();
    assert_eq!((view.report.as_ref(), view.next), (None, None), "a look of before the reload");
    store.postures().set_next(3, "example.net", at(9));
    assert_eq!(store.postures().view("example.net").unwrap().next, Some(at(9)));
}

#[test]
fn problems_come_and_go_once() {
    let subject = subject("example.net");
    let store = store_of(&subject);
    let (missing, none) =
        (found(Problem::SpfMissing, On::Domain), found(Problem::DmarcPolicyNone, On::Domain));
    let change = store.postures().put(1, look(&subject, 10, &[missing.clone(), none.clone()]));
    assert_eq!(change.came, [missing.clone(), none.clone()]);
    let worded = Finding { detail: "in other words".to_owned(), ..missing.clone() };
    let change = store.postures().put(1, look(&subject, 20, &[worded, none.clone()]));
    assert_eq!(change, PostureChange::default(), "another wording is no change");
    let view = store.postures().view("example.net").unwrap();
    assert_eq!(view.since(&missing), Some(at(10)));
    let change = store.postures().put(1, look(&subject, 30, &[none]));
    assert_eq!((change.came, change.went), (vec![], vec![(Problem::SpfMissing, On::Domain)]));
    assert_eq!(store.postures().view("example.net").unwrap().since(&missing), None);
}

#[test]
fn silence_mends_nothing() {
    let subject = subject("example.net");
    let store = store_of(&subject);
    let (missing, none) =
        (found(Problem::SpfMissing, On::Domain), found(Problem::DmarcPolicyNone, On::Domain));
    store.postures().put(1, look(&subject, 10, &[missing.clone(), none]));
    let silence = found(Problem::SpfDnsFailure, On::Domain);
    let change = store.postures().put(1, look(&subject, 20, std::slice::from_ref(&silence)));
    assert_eq!(change.came, [silence]);
    // DMARC was told, and is mended.
    assert_eq!(change.went, [(Problem::DmarcPolicyNone, On::Domain)]);
    let change = store.postures().put(1, look(&subject, 30, std::slice::from_ref(&missing)));
    assert_eq!(change.came, []);
    assert_eq!(change.went, [(Problem::SpfDnsFailure, On::Domain)]);
    assert_eq!(store.postures().view("example.net").unwrap().since(&missing), Some(at(10)));
}

#[test]
fn a_policy_is_compared_with_the_last_that_was_told() {
    let subject = subject("example.net");
    let store = store_of(&subject);
    assert!(store.postures().before("example.net").is_none());
    let with = |id: &str, policy: Option<u8>| {
        let mut report = full(&subject);
        report.mta_sts.id = Some(id.to_owned());
        report.mta_sts.policy_sha256 = policy.map(|byte| [byte; 32]);
        report
    };
    let known = || store.postures().before("example.net").unwrap().mta_sts.clone();
    store.postures().put(1, with("1", Some(1)));
    // Later it could not be fetched, and then nobody answered at all.
    store.postures().put(1, with("1", None));
    store.postures().put(1, empty(&subject));
    assert_eq!(known().policy_sha256, Some([1; 32]));
    store.postures().put(1, with("2", Some(2)));
    assert_eq!((known().id.as_deref(), known().policy_sha256), (Some("2"), Some([2; 32])));
}

#[test]
fn a_talkative_domain_is_cut() {
    let subject = subject("example.net");
    let store = store_of(&subject);
    let long = Exchange { question: "TXT example.net".to_owned(), answer: "x".repeat(2048) };
    let number = |n: u8| found(Problem::MxAlias, On::Mx(format!("mx{n}.example.net").into()));
    let findings: Vec<Finding> =
        (0..=255).flat_map(|n| [number(n), number(n), number(n)]).collect();
    let report = Report { transcript: vec![long; 200], ..look(&subject, 10, &findings) };
    store.postures().put(1, report);
    let view = store.postures().view("example.net").unwrap();
    let report = view.report.as_ref().unwrap();
    let bytes: usize = report.transcript.iter().map(|e| e.question.len() + e.answer.len()).sum();
    assert!((TRANSCRIPT_BYTES - 4096..TRANSCRIPT_BYTES + 256).contains(&bytes), "{bytes}");
    assert_eq!(report.transcript.last().unwrap().question, "169 more");
    assert_eq!(report.findings.len(), MAX_FINDINGS);
}
