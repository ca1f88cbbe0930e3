//! What `/metrics` and `/probe` write: golden texts, the formats' rules, and the bounds.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect_file;
use smtp_exporter::cause::Cause;
use smtp_exporter::metrics::catalogue::CATALOGUE;
use smtp_exporter::metrics::{Exporter, Format, render};
use smtp_exporter::observation::{
    Abort, AbortKind, DnsReason, Failure, LadderSeen, Observation, ProbeCounts, RefusedHow, Skip,
    SkipReason, VerifyFailure,
};
use smtp_exporter::smtp::{Keyword, Mechanism, Phase};
use smtp_exporter::store::{Store, View};
use smtp_exporter::target::{Check, Endpoint, Family, LadderMode, Target};

use crate::support::exposition::Exposition;
use crate::support::scrape::{read, store_of, text_at, text_of, view_text};
use crate::support::seen::{
    at, blank, certificate, check, endpoint, healthy, ladder, refused, refused_run, reply, round,
    unresolved,
};

/// Compares the target's part of the text, without HELP lines, with what is kept beside the tests.
fn golden(store: &Store, expected: &expect_test::ExpectFile) {
    read(store);
    let text = text_of(store, Format::Text);
    let ours = |line: &&str| !line.starts_with("# HELP") && line.contains("target=");
    let kept: Vec<&str> = text.lines().filter(ours).collect();
    expected.assert_eq(&(kept.join("\n") + "\n"));
}

fn a() -> Endpoint {
    endpoint("mx1", "192.0.2.1")
}

#[test]
fn a_healthy_target() {
    let store = store_of(&[(check("mx1"), vec![vec![healthy(a(), at(1))]])]);
    golden(&store, &expect_file!["../metrics/healthy.txt"]);
}

#[test]
fn a_421_refusal() {
    let store = store_of(&[(check("mx1"), vec![vec![refused(a(), at(1))]])]);
    let read = read(&store);
    // Nothing was seen of STARTTLS or TLS, so nothing is said of them.
    for name in ["smtp_starttls_offered", "smtp_tls_established", "smtp_capability"] {
        assert!(read.values(name, &[]).is_empty(), "{name}");
    }
    golden(&store, &expect_file!["../metrics/refused.txt"]);
}

#[test]
fn an_expired_certificate() {
    let mut seen = healthy(a(), at(1));
    let tls = seen.tls.as_mut().unwrap();
    tls.verified = Some(false);
    tls.failures = vec![VerifyFailure::Expired, VerifyFailure::NameMismatch];
    tls.chain = [certificate("CN=old.example.net", 1_699_000_000)].into();
    seen.failure = Some(Failure::new(Phase::Tls, Cause::CertificateInvalid, "expired"));
    let store = store_of(&[(check("mx1"), vec![vec![seen]])]);
    golden(&store, &expect_file!["../metrics/expired.txt"]);
}

#[test]
fn a_failed_resolve() {
    let rounds = vec![vec![unresolved(DnsReason::Nxdomain, at(1))]];
    let store = store_of(&[(check("mx1"), rounds)]);
    golden(&store, &expect_file!["../metrics/unresolved.txt"]);
}

#[test]
fn each_mail_exchanger_that_leads_nowhere_says_why() {
    let dead = |host: &str, reason| {
        let nowhere = Endpoint { host: host.into(), port: 25, ..Endpoint::unresolved() };
        Observation { failure: Some(Failure::dns(reason, "no address")), ..blank(nowhere, at(1)) }
    };
    let seen = vec![
        healthy(endpoint("mx1", "192.0.2.1"), at(1)),
        dead("mx2", DnsReason::Nxdomain),
        dead("mx3", DnsReason::Servfail),
    ];
    let check = check("example.net");
    let mut all = round(seen);
    all.endpoints = all.observations.iter().map(|seen| seen.endpoint.clone()).collect();
    let view = View::of_round(check, &all);
    let read = Exposition::read(&view_text(&view, Format::Text), Format::Text).unwrap();
    for (host, reason) in [("mx2:25", "nxdomain"), ("mx3:25", "servfail")] {
        let labels = [("endpoint", host), ("address", ""), ("reason", reason)];
        assert_eq!(read.values("smtp_resolve_failure", &labels), [1.0], "{host}");
    }
    assert_eq!(read.values("smtp_resolve_failure", &[]).len(), 2);
}

#[test]
fn a_paused_target() {
    let check = check("mx1");
    let store = store_of(&[(check.clone(), vec![vec![refused(a(), at(1))]])]);
    let mut paused = round(Vec::new());
    paused.ended = at(61);
    paused.endpoints = vec![a()];
    let cause = Some(Cause::TooManyConnections);
    let skip = Skip { reason: SkipReason::Backoff, until: Some(at(301)), cause };
    paused.skipped = vec![(a(), skip)];
    store.finish_round(1, &check.key(), &paused);
    golden(&store, &expect_file!["../metrics/paused.txt"]);
    // A pause that has passed is gone at once, and not only when the next round begins.
    let later = text_at(&store, Format::Text, at(302));
    let later = Exposition::read(&later, Format::Text).unwrap();
    assert!(later.values("smtp_target_paused_until_timestamp_seconds", &[]).is_empty());
    let state = |state| later.value("smtp_target_endpoints", &[("state", state)]);
    assert_eq!((state("paused"), state("unavailable")), (0.0, 1.0));
}

#[test]
fn limits_that_were_measured() {
    let check = check("mx1");
    let store = store_of(&[(check.clone(), Vec::new())]);
    let ladders: Vec<_> =
        LadderMode::ALL.iter().map(|mode| Arc::new(ladder(&check, *mode))).collect();
    store.replace_ladders(&ladders, 1);
    for ladder in &ladders {
        store.put_ladder(1, &ladder.key(), Arc::new(refused_run(a(), ladder.mode, 7)));
    }
    golden(&store, &expect_file!["../metrics/limits.txt"]);
    // A run that broke off gives no number, and takes none away.
    let key = ladders[0].key();
    let stopped = Abort { kind: AbortKind::Elsewhere, detail: String::new() };
    let broken = LadderSeen { aborted: Some(stopped), ..refused_run(a(), key.2, 2) };
    let before = store.put_ladder(1, &key, Arc::new(broken)).unwrap();
    assert_eq!(before.accepted, 7);
    let accepted = "smtp_connection_limit_accepted_connections";
    assert_eq!(read(&store).value(accepted, &[]), 7.0);
    // Without a refusal there is none, and no recovery; a dropped connection has code 0.
    let capped = LadderSeen { refusal: None, recovery: None, ..refused_run(a(), key.2, 20) };
    store.put_ladder(1, &key, Arc::new(capped));
    let shown = read(&store);
    assert_eq!(shown.value("smtp_connection_limit_reached", &[]), 0.0);
    for name in ["refusal", "recovered", "recovery_seconds"] {
        assert!(shown.values(&format!("smtp_connection_limit_{name}"), &[]).is_empty(), "{name}");
    }
    let mut dropped = refused_run(a(), key.2, 3);
    let refusal = dropped.refusal.as_mut().unwrap();
    (refusal.code, refusal.how) = (0, RefusedHow::Close);
    dropped.recovery = None;
    store.put_ladder(1, &key, Arc::new(dropped));
    let shown = read(&store);
    let labels = [("code", "0"), ("how", "close")];
    assert_eq!(shown.values("smtp_connection_limit_refusal", &labels), [1.0]);
    assert_eq!(shown.value("smtp_connection_limit_recovered", &[]), 0.0);
    assert!(shown.values("smtp_connection_limit_recovery_seconds", &[]).is_empty());
    // One that is gone from the configuration is gone here, and a late result of it is dropped.
    store.replace_ladders(&[], 2);
    store.put_ladder(1, &key, Arc::new(refused_run(a(), key.2, 7)));
    assert!(read(&store).values(accepted, &[]).is_empty());
}

#[test]
fn families_come_once_with_all_targets_under_them() {
    let checks: Vec<_> = ["b", "a", "c"]
        .map(|name| (check(name), vec![vec![healthy(endpoint(name, "192.0.2.1"), at(1))]]))
        .into();
    let read = read(&store_of(&checks));
    let ups: Vec<_> = read.families.iter().filter(|f| f.name == "smtp_target_up").collect();
    assert_eq!(ups.len(), 1);
    let targets: Vec<_> = ups[0].samples.iter().map(|s| s.labels["target"].as_str()).collect();
    assert_eq!(targets, ["a", "b", "c"]);
    // In the catalogue's order, the process's at the end.
    let order = |name: &str| CATALOGUE.iter().position(|def| def.name == name);
    let places: Vec<_> = read.families.iter().map(|family| order(&family.name)).collect();
    let known = places.iter().flatten().count();
    assert!(places[..known].is_sorted() && places[known..].iter().all(Option::is_none));
    assert!(read.families[known..].iter().all(|family| family.name.starts_with("process_")));
    assert!(known < read.families.len());
}

#[test]
fn label_text_is_escaped_and_own_labels_stand_on_all_series() {
    let mut odd = (*check("odd\"\\\n").target).clone();
    odd.labels.insert("site".to_owned(), "Zürich \"west\"\n".to_owned());
    odd.labels.insert("target".to_owned(), "an impostor".to_owned());
    let check = Check { target: Arc::new(Target { ..odd }), ..check("x") };
    let mut seen = healthy(a(), at(1));
    Arc::make_mut(&mut seen.tls.as_mut().unwrap().chain)[0].subject =
        "O=\"Quoted\\, Inc.\"\n".to_owned();
    let read = read(&store_of(&[(check, vec![vec![seen]])]));
    for sample in read.samples().filter(|sample| sample.labels.contains_key("target")) {
        assert_eq!(sample.labels["target"], "odd\"\\\n");
        assert_eq!(sample.labels["site"], "Zürich \"west\"\n");
        assert_eq!(sample.labels["team"], "mail");
    }
    let subject = [("subject", "O=\"Quoted\\, Inc.\"\n")];
    assert_eq!(read.value("smtp_tls_cert_info", &subject), 1.0);
}

#[test]
fn certificate_names_are_cut_on_a_character() {
    let mut seen = healthy(a(), at(1));
    Arc::make_mut(&mut seen.tls.as_mut().unwrap().chain)[0].subject =
        format!("x{}", "ä".repeat(500));
    let read = read(&store_of(&[(check("mx1"), vec![vec![seen]])]));
    let info = read.samples().find(|sample| sample.name == "smtp_tls_cert_info").unwrap();
    assert_eq!(info.labels["subject"], format!("x{}", "ä".repeat(63)));
}

#[test]
fn source_is_a_label_only_where_there_is_one() {
    let from = |source: Option<&str>| Endpoint {
        source: source.map(|source| source.parse().unwrap()),
        ..a()
    };
    let rounds = vec![vec![
        healthy(from(Some("192.0.2.91")), at(1)),
        healthy(from(Some("192.0.2.92")), at(1)),
    ]];
    let both = read(&store_of(&[(check("mx1"), rounds)]));
    assert_eq!(both.values("smtp_probe_success", &[("source", "192.0.2.92")]), [1.0]);
    let none = read(&store_of(&[(check("mx1"), vec![vec![healthy(from(None), at(1))]])]));
    assert!(none.samples().all(|sample| !sample.labels.contains_key("source")));
}

#[test]
fn what_comes_twice_in_an_observation_is_one_series() {
    let mut seen = healthy(a(), at(1));
    seen.phases.push((Phase::Connect, Duration::from_secs(9)));
    seen.replies.push(reply(Phase::Greeting, 554, Some((5, 7, 1)), Some(Cause::Blocklisted)));
    let offered = seen.plain.as_mut().unwrap();
    offered.keywords.push(Keyword::Starttls);
    offered.mechanisms = vec![Mechanism::Plain, Mechanism::Plain];
    seen.tls.as_mut().unwrap().failures = vec![VerifyFailure::Other, VerifyFailure::Other];
    let read = read(&store_of(&[(check("mx1"), vec![vec![seen]])]));
    assert_eq!(read.value("smtp_reply_code", &[("phase", "greeting")]), 554.0);
    assert_eq!(read.value("smtp_probe_phase_duration_seconds", &[("phase", "connect")]), 0.00025);
}

#[test]
fn negative_tests_are_met_not_met_or_silent() {
    let test = |met, failure| Observation { negative: true, met, failure, ..refused(a(), at(1)) };
    let denied = || Some(Failure::new(Phase::Rcpt, Cause::RelayDenied, ""));
    let shown = |seen: Observation| {
        let read = read(&store_of(&[(check("mx1"), vec![vec![seen]])]));
        assert!(read.values("smtp_target_up", &[]).is_empty());
        (
            read.values("smtp_probe_success", &[]),
            read.values("smtp_target_expectation_met", &[]),
            read.values("smtp_target_failure", &[]).len(),
        )
    };
    assert_eq!(shown(test(Some(true), denied())), (vec![1.0], vec![1.0], 0));
    assert_eq!(shown(test(Some(false), None)), (vec![0.0], vec![0.0], 1));
    assert_eq!(shown(test(None, denied())), (vec![], vec![], 1));
}

#[test]
fn nothing_known_yet_says_nothing_but_zero_counters() {
    let read = read(&store_of(&[(check("mx1"), Vec::new())]));
    let gauges: Vec<_> = read
        .families
        .iter()
        .filter(|family| family.kind == "gauge")
        .flat_map(|family| &family.samples)
        .filter(|sample| sample.labels.contains_key("target"))
        .map(|sample| sample.name.as_str())
        .collect();
    assert_eq!(gauges, ["smtp_target_interval_seconds"]);
    assert_eq!(read.values("smtp_probes_total", &[("result", "sender")]), [0.0]);
    assert_eq!(read.values("smtp_handshake_duration_seconds_count", &[]), [0.0]);
    assert_eq!(read.values("smtp_exporter_probes_skipped_total", &[]), [0.0; 5]);
}

#[test]
fn new_labels_reach_the_text_that_is_kept() {
    let store = store_of(&[(check("mx1"), vec![vec![healthy(a(), at(1))]])]);
    read(&store);
    let mut target = (*check("mx1").target).clone();
    target.labels = [("team".to_owned(), "other".to_owned())].into();
    store.replace_checks(&[Check { target: Arc::new(target), ..check("mx1") }], 10);
    let read = read(&store);
    assert_eq!(read.value("smtp_target_up", &[("team", "other")]), 1.0);
    assert_eq!(read.value("smtp_probe_success", &[("team", "other")]), 1.0);
    assert!(read.samples().all(|sample| sample.labels.get("team").is_none_or(|t| t == "other")));
}

#[test]
fn probe_answers_gauges_of_one_round_only() {
    for format in [Format::Text, Format::OpenMetrics] {
        let view = View::of_round(check("mx1"), &round(vec![refused(a(), at(1))]));
        let text = view_text(&view, format);
        let read = Exposition::read(&text, format).unwrap();
        assert!(read.families.iter().all(|family| family.kind == "gauge"));
        assert_eq!(read.value("smtp_probe_success", &[]), 0.0);
        assert_eq!(read.value("smtp_target_up", &[]), 0.0);
        assert_eq!(read.values("smtp_target_failure", &[("cause", "too_many_connections")]), [1.0]);
        assert!(read.samples().all(|sample| sample.labels.contains_key("target")));
        for name in ["smtp_target_interval_seconds", "smtp_target_consecutive_failures"] {
            assert!(read.values(name, &[]).is_empty(), "{name}");
        }
    }
}

#[test]
fn the_exporters_own_metrics_follow_what_it_is_told() {
    let probes = Arc::new(ProbeCounts::default());
    let own = Exporter::new(probes.clone()).unwrap();
    let (first, second, third) = (probes.begin(), probes.begin(), probes.begin());
    first.finish();
    drop(second);
    own.reloaded(at(5));
    own.set_family_available(Family::Ipv6, false);
    own.round_started(Duration::from_millis(20));
    let mut text = Vec::new();
    render(&Store::default(), &own, Format::OpenMetrics, at(10), &mut |chunk| text.extend(chunk));
    let read = Exposition::read(&String::from_utf8(text).unwrap(), Format::OpenMetrics).unwrap();
    assert_eq!(read.value("smtp_exporter_config_last_reload_successful", &[]), 1.0);
    let stamp = "smtp_exporter_config_last_reload_success_timestamp_seconds";
    assert_eq!(read.value(stamp, &[]), 1_700_000_005.0);
    assert_eq!(read.value("smtp_exporter_family_available", &[("family", "ipv6")]), 0.0);
    for (name, value) in [
        ("smtp_exporter_probes_in_flight", 1.0),
        ("smtp_exporter_probes_started_total", 3.0),
        ("smtp_exporter_probes_finished_total", 1.0),
        ("smtp_exporter_probes_cut_off_total", 1.0),
    ] {
        assert_eq!(read.value(name, &[]), value, "{name}");
    }
    assert!(read.values("smtp_exporter_tasks", &[]).is_empty(), "there is no runtime here");
    let lag = "smtp_exporter_schedule_lag_seconds_bucket";
    assert_eq!(read.value(lag, &[("le", "0.01")]), 0.0);
    assert_eq!(read.value(lag, &[("le", "0.1")]), 1.0);
    assert_eq!(read.value(lag, &[("le", "+Inf")]), 1.0);
    assert_eq!(read.values("smtp_exporter_build_info", &[]), [1.0]);
    assert!(read.value("process_resident_memory_bytes", &[]) > 0.0);
    drop(third);
    own.reload_failed();
    let in_flight = own.gather().into_iter().find(|f| f.name().ends_with("in_flight")).unwrap();
    assert_eq!(in_flight.get_metric()[0].get_gauge().get_value(), 0.0);
}

#[test]
fn chunks_are_bounded() {
    let checks: Vec<_> = (0..300)
        .map(|n| {
            let name = format!("mx{n}");
            let seen = healthy(endpoint(&name, "192.0.2.1"), at(1));
            (check(&name), vec![vec![seen]])
        })
        .collect();
    let store = store_of(&checks);
    let own = Exporter::new(Default::default()).unwrap();
    let mut sizes = Vec::new();
    render(&store, &own, Format::Text, at(10), &mut |chunk| sizes.push(chunk.len()));
    assert!(sizes.len() > 10, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size < 70_000), "{sizes:?}");
}

proptest::proptest! {
    /// Whatever a configuration or a certificate holds, the text is read back as it was.
    #[test]
    fn any_text_is_read_back(name in "\\PC{1,20}|[\\\\\"\n{},= ]{1,9}", subject in ".{0,200}") {
        let target = Target { name: name.as_str().into(), ..(*check("x").target).clone() };
        let check = Check { target: Arc::new(target), ..check("x") };
        let mut seen = healthy(a(), at(1));
        Arc::make_mut(&mut seen.tls.as_mut().unwrap().chain)[0].subject = subject.clone();
        let view = View::of_round(check, &round(vec![seen]));
        for format in [Format::Text, Format::OpenMetrics] {
            let read = Exposition::read(&view_text(&view, format), format).unwrap();
            assert_eq!(read.value("smtp_target_up", &[("target", &name)]), 1.0);
            let info = read.samples().find(|s| s.name == "smtp_tls_cert_info").unwrap();
            assert!(subject.starts_with(&info.labels["subject"]));
            assert!(info.labels["subject"].len().abs_diff(subject.len().min(128)) < 4);
        }
    }
}
