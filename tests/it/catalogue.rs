//! The catalogue: its names, its reference, and the most series that it promises.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::cause::{Blame, Cause};
use smtp_exporter::metrics::catalogue::{CATALOGUE, Kind, Scope, worst_case_series};
use smtp_exporter::metrics::label::{LABELS, POSTURE_LABELS};
use smtp_exporter::metrics::reference;
use smtp_exporter::observation::tally::{MAX_FAILURE_KINDS, MAX_REPLY_KINDS};
use smtp_exporter::observation::{
    DnsReason, Failure, Observation, Skip, SkipReason, TlsFacts, VerifyFailure,
};
use smtp_exporter::smtp::{Keyword, Mechanism, Phase};
use smtp_exporter::target::{Endpoint, LadderMode};

use crate::support::exposition::Sample;
use crate::support::scrape::{read, store_of};
use crate::support::seen::{
    at, check, endpoint, healthy, ladder, refused_run, reply, round, unresolved,
};

/// Everything that can be seen at once, and more than can come together.
fn everything(endpoint: Endpoint) -> Observation {
    let answered = [
        Phase::Greeting,
        Phase::Ehlo,
        Phase::Starttls,
        Phase::EhloTls,
        Phase::Auth,
        Phase::Mail,
        Phase::Rcpt,
        Phase::Rset,
        Phase::Quit,
    ];
    let mut seen = healthy(endpoint, at(2));
    seen.phases = Phase::ALL.iter().map(|phase| (*phase, Duration::from_millis(1))).collect();
    // More kinds of replies than are kept apart, then the coarse ones of each phase.
    let mut replies = Vec::new();
    for phase in answered {
        for cause in &Cause::ALL[..10] {
            replies.push(reply(phase, 421, Some((4, 7, 0)), Some(*cause)));
        }
    }
    assert!(replies.len() >= MAX_REPLY_KINDS);
    for phase in answered {
        replies.push(reply(phase, 599, None, Some(Cause::Unknown)));
        replies.push(reply(phase, 299, Some((2, 0, 0)), None));
    }
    seen.replies = replies;
    for offered in [&mut seen.plain, &mut seen.inside_tls] {
        let offered = offered.as_mut().unwrap();
        offered.keywords = Keyword::ALL.to_vec();
        offered.mechanisms = Mechanism::ALL.to_vec();
    }
    seen.tls = Some(TlsFacts {
        failures: VerifyFailure::ALL.to_vec(),
        verified: Some(false),
        ..seen.tls.clone().unwrap()
    });
    seen
}

#[test]
fn the_worst_case_is_reached_and_not_passed() {
    let check = check("mx1");
    let store = store_of(&[(check.clone(), Vec::new())]);
    let (one, two) = (endpoint("mx1", "192.0.2.1"), endpoint("mx1", "192.0.2.2"));
    // Success once, so that its time is known; then every failure that is counted apart.
    let mut failures = Vec::new();
    for phase in Phase::ALL {
        for cause in Cause::ALL.iter().filter(|cause| **cause != Cause::Unknown).take(4) {
            failures.push(Failure::new(*phase, *cause, "").blamed(Blame::Target));
        }
    }
    assert!(failures.len() >= MAX_FAILURE_KINDS);
    for phase in Phase::ALL {
        for blame in Blame::ALL {
            failures.push(Failure::new(*phase, Cause::Unknown, "").blamed(*blame));
        }
    }
    // The last one is what the gauges show.
    let reason = Some(DnsReason::Other);
    failures.push(Failure { dns: reason, ..Failure::new(Phase::Rcpt, Cause::Greylisted, "") });
    for endpoint in [&one, &two] {
        store.put(1, &check.key(), Arc::new(everything(endpoint.clone())));
        for failure in &failures {
            let seen =
                Observation { failure: Some(failure.clone()), ..everything(endpoint.clone()) };
            store.put(1, &check.key(), Arc::new(seen));
        }
    }
    let failed = unresolved(DnsReason::Servfail, at(3));
    store.put(1, &check.key(), Arc::new(failed.clone()));
    let mut last = round(vec![failed, everything(one.clone())]);
    last.endpoints = vec![one.clone(), two.clone()];
    last.observations.truncate(1);
    last.mx_records = Some(2);
    let until = Skip { reason: SkipReason::Backoff, until: Some(at(600)), cause: None };
    last.skipped = vec![(one, until.clone()), (two, until)];
    store.finish_round(1, &check.key(), &last);

    let ladders: Vec<_> =
        LadderMode::ALL.iter().map(|mode| Arc::new(ladder(&check, *mode))).collect();
    store.replace_ladders(&ladders, 1);
    for ladder in &ladders {
        for endpoint in ["192.0.2.1", "192.0.2.2"] {
            let seen = refused_run(crate::support::seen::endpoint("mx1", endpoint), ladder.mode, 7);
            store.put_ladder(1, &ladder.key(), Arc::new(seen));
        }
    }
    let read = read(&store);
    let mut missing = Vec::new();
    let of_checks = |scope| matches!(scope, Scope::Target | Scope::Endpoint);
    for def in CATALOGUE.iter().filter(|def| of_checks(def.scope)) {
        let samples = || {
            read.samples().filter(|sample| {
                sample.name.strip_prefix(def.name).is_some_and(|rest| {
                    rest.is_empty() || def.kind == Kind::Histogram && rest.starts_with('_')
                })
            })
        };
        let nowhere = |sample: &&_| {
            let sample: &Sample = sample;
            sample.labels.get("endpoint").is_some_and(String::is_empty)
        };
        let number = samples().filter(|sample| !nowhere(sample)).count();
        let most = def.max_series * if def.scope == Scope::Endpoint { 2 } else { 1 };
        if number != most {
            missing.push((def.name, number, most));
        }
    }
    // An `expect` module has no `up`, and what is offered has not disappeared: these never come
    // together.
    let apart = ("smtp_auth_mechanism_disappeared", 0, 2 * Mechanism::ALL.len());
    assert_eq!(missing, [("smtp_target_expectation_met", 0, 1), apart]);
    let all = read.samples().filter(|sample| sample.labels.contains_key("module")).count();
    assert_eq!(all + 1, worst_case_series(2));
}

#[test]
fn the_catalogue_keeps_the_rules_of_names() {
    let mut names = BTreeSet::new();
    for def in CATALOGUE {
        assert!(names.insert(def.name), "{} twice", def.name);
        assert!(def.help.ends_with('.') && !def.help.contains(['\\', '"', '\n']), "{}", def.name);
        assert_eq!(def.name.ends_with("_total"), def.kind == Kind::Counter, "{}", def.name);
        assert_eq!(!def.buckets.is_empty(), def.kind == Kind::Histogram, "{}", def.name);
        assert!(def.max_series > 0);
        let own: BTreeSet<_> = def.labels.iter().map(|label| label.name).collect();
        assert_eq!(own.len(), def.labels.len(), "{}: a label twice", def.name);
        for label in def.labels {
            let mut known = LABELS.iter().chain(POSTURE_LABELS);
            assert!(known.any(|known| known.name == label.name));
        }
    }
}

#[test]
fn the_reference_names_everything() {
    let text = reference::markdown();
    for def in CATALOGUE {
        assert_eq!(text.matches(&format!("| `{}` |", def.name)).count(), 1, "{}", def.name);
    }
    for label in LABELS.iter().chain(POSTURE_LABELS) {
        assert!(text.contains(&format!("| `{}` | {} |", label.name, label.help)), "{}", label.name);
    }
    assert!(text.contains("too_many_connections"));
    assert!(text.contains(&worst_case_series(1).to_string()));
    let columns = |line: &str| line.matches('|').count();
    assert!(text.lines().filter(|l| l.starts_with("| `smtp_")).all(|l| columns(l) == 5));
}
