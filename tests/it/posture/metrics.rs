//! What `/metrics` says of a domain: every family once, nothing that was not seen, and the bounds.

use std::collections::BTreeSet;
use std::sync::Arc;

use expect_test::expect_file;
use smtp_exporter::metrics::Format;
use smtp_exporter::metrics::catalogue::{
    CATALOGUE, Family, MAX_PROBLEMS, Scope, def, scope_series,
};
use smtp_exporter::metrics::posture::Text;
use smtp_exporter::metrics::write::Writer;
use smtp_exporter::posture::mx::MxHost;
use smtp_exporter::posture::tlsa::Record;
use smtp_exporter::posture::{Area, On, Problem, Report, Subject};

use super::{empty, found, full, subject};
use crate::support::exposition::Exposition;

const SCOPES: &[Scope] = &[Scope::Domain, Scope::Selector, Scope::Sender, Scope::Exchanger];

fn text(reports: Vec<Report>) -> String {
    let known = Text::new(reports.into_iter().map(Arc::new));
    let mut written = Vec::new();
    let mut writer = Writer::new(Format::Text);
    for def in CATALOGUE {
        writer.begin(def);
        (0..).take_while(|item| known.record(def, *item, &mut writer).is_some()).for_each(drop);
        writer.chunk().into_iter().for_each(|chunk| written.extend_from_slice(&chunk));
    }
    written.extend_from_slice(&writer.finish());
    String::from_utf8(written).unwrap()
}

fn read(reports: Vec<Report>) -> Exposition {
    Exposition::read(&text(reports), Format::Text).unwrap()
}

#[test]
fn a_look_at_which_everything_was_told() {
    let text = text(vec![full(&subject("example.net"))]);
    Exposition::read(&text, Format::Text).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
    expect_file!["../../metrics/posture.txt"].assert_eq(&(kept.join("\n") + "\n"));
    let missing: Vec<_> = CATALOGUE
        .iter()
        .filter(|def| SCOPES.contains(&def.scope))
        .filter(|def| !text.contains(&format!("# TYPE {} ", def.name)))
        .map(|def| def.name)
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
    for peer in ["v=spf1", "MIIB", "mailto", "what was seen", "20240101"] {
        assert!(!text.contains(peer), "a record's text is in a label: {peer}");
    }
}

#[test]
fn what_could_not_be_told_is_no_zero() {
    let read = read(vec![empty(&subject("example.net"))]);
    let families: BTreeSet<&str> =
        read.families.iter().map(|family| family.name.as_str()).collect();
    let told = [
        "smtp_posture_duration_seconds",
        "smtp_posture_interval_seconds",
        "smtp_posture_last_timestamp_seconds",
        "smtp_posture_problems",
    ];
    assert_eq!(families, BTreeSet::from(told));
    assert_eq!(read.values("smtp_posture_problems", &[]).len(), Area::ALL.len() * 2);
    assert_eq!(text(Vec::new()), "");
}

#[test]
fn every_problem_of_the_list_can_become_a_series() {
    let mut report = empty(&subject("example.net"));
    report.findings = Problem::ALL.iter().map(|problem| found(*problem, On::Domain)).collect();
    let read = read(vec![report]);
    for problem in Problem::ALL {
        let name = format!("smtp_{}_problem", problem.area());
        let labels = [("domain", "example.net"), ("problem", problem.as_str())];
        assert_eq!(read.value(&name, &labels), 1.0, "{problem}");
        let sample = read.samples().find(|one| one.labels.values().any(|v| v == problem.as_str()));
        let labels: Vec<&str> = sample.unwrap().labels.keys().map(String::as_str).collect();
        // A label that does not apply is left out, not empty.
        assert_eq!(labels, ["domain", "problem", "team"], "{problem}");
    }
}

#[test]
fn the_worst_case_is_reached_and_not_passed() {
    let mut report = full(&subject("example.net"));
    let mut host = report.mx.hosts[0].clone();
    host.dane.records.clear();
    for usage in 0..9 {
        for selector in 0..9 {
            for matching in 0..9 {
                host.dane.records.push(Record { usage, selector, matching, data: Vec::new() });
            }
        }
    }
    // Twice the same name is one host.
    report.mx.hosts = vec![host.clone(), MxHost { preference: 7, ..host }];
    report.findings.clear();
    for problem in Problem::ALL {
        for number in 0..100 {
            let on = match problem.area() {
                Area::Dkim => On::Selector(format!("s{number}").into()),
                Area::Spf | Area::Ptr => On::Address([192, 0, 2, number].into()),
                _ => On::Mx(format!("mx{number}.example.net").into()),
            };
            report.findings.push(found(*problem, on.clone()));
            report.findings.push(found(*problem, on));
        }
    }
    let read = read(vec![report]);
    let mut expected = 0;
    for def in CATALOGUE.iter().filter(|def| SCOPES.contains(&def.scope)) {
        let number = read.samples().filter(|sample| sample.name == def.name).count();
        // Labels of another area do not apply, so that these have one series for each problem.
        let area = def.name.strip_prefix("smtp_").and_then(|n| n.strip_suffix("_problem"));
        let alone = matches!(def.family, Family::DmarcProblem | Family::TlsrptProblem);
        let of_area = |one: &&Problem| Some(one.area().as_str()) == area;
        let most = if alone { Problem::ALL.iter().filter(of_area).count() } else { def.max_series };
        assert_eq!(number, most, "{}", def.name);
        expected += most;
    }
    assert_eq!(read.samples().count(), expected);
    assert_eq!(def(Family::SpfProblem).max_series, MAX_PROBLEMS);
    assert!(expected <= SCOPES.iter().map(|scope| scope_series(*scope)).sum());
}

#[test]
fn a_domains_own_label_cannot_shadow_ours() {
    let labels = [("policy", "mine"), ("mx", "mine"), ("site", "a\"b\\\n")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let subject = Arc::new(Subject { labels, ..(*subject("example.net")).clone() });
    let read = read(vec![full(&subject)]);
    let labels = [("domain", "example.net"), ("policy", "quarantine"), ("site", "a\"b\\\n")];
    assert_eq!(read.value("smtp_dmarc_info", &labels[..]), 1.0);
}

#[test]
fn hostile_names_stay_inside_their_label() {
    let mut report = full(&subject("example.net"));
    let hostile = "mx\"} 1\nsmtp_target_up{target=\"x\\";
    report.mx.hosts[1].host = hostile.into();
    report.findings = vec![found(Problem::MxNoTls, On::Mx(hostile.into()))];
    let read = read(vec![report]);
    assert!(read.values("smtp_target_up", &[]).is_empty());
    let labels = [("mx", hostile), ("policy", "mta_sts")];
    assert_eq!(read.value("smtp_mx_strict_delivery", &labels), 0.0);
    assert_eq!(read.value("smtp_mx_problem", &[("mx", hostile), ("problem", "mx_no_tls")]), 1.0);
}
