//! What `/metrics` keeps of each target between scrapes is never out of date: whatever happens, the
//! text is that of a writer that keeps nothing.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use smtp_exporter::cause::Cause;
use smtp_exporter::metrics::catalogue::{CATALOGUE, Scope};
use smtp_exporter::metrics::record::{endpoints, record_endpoint, record_target};
use smtp_exporter::metrics::write::Writer;
use smtp_exporter::metrics::{Exporter, Exposition, Format};
use smtp_exporter::observation::{DnsReason, Observation, Skip, SkipReason};
use smtp_exporter::smtp::Phase;
use smtp_exporter::store::Store;
use smtp_exporter::target::{Check, Endpoint, Target};

use crate::support::scrape::text_at;
use crate::support::seen::{
    at, blank, check, endpoint, failed, healthy, refused, reply, round, unresolved,
};

/// The targets' part of the text, straight from the views.
fn fresh(store: &Store, format: Format, now: SystemTime) -> String {
    let mut writer = Writer::new(format);
    let mut text = Vec::new();
    let views = store.views();
    for def in CATALOGUE {
        if !matches!(def.scope, Scope::Target | Scope::Endpoint) {
            continue;
        }
        writer.begin(def);
        for view in &views {
            if def.scope == Scope::Target {
                record_target(def.family, view, now, &mut writer);
            } else {
                for (subject, endpoint) in endpoints(view) {
                    record_endpoint(def.family, subject, endpoint, &mut writer);
                }
            }
        }
        text.extend(writer.chunk().into_iter().flatten());
    }
    let last = writer.finish();
    text.extend_from_slice(last.strip_suffix(b"# EOF\n").unwrap_or(&last));
    String::from_utf8(text).unwrap()
}

/// The families of targets and endpoints.
fn ours(text: &str) -> Vec<&str> {
    let ours = |family: &&str| {
        let name = family.split(' ').next().unwrap_or_default();
        let mut targets =
            CATALOGUE.iter().filter(|def| matches!(def.scope, Scope::Target | Scope::Endpoint));
        targets.any(|def| name == def.name || Some(name) == def.name.strip_suffix("_total"))
    };
    text.split("# HELP ").filter(ours).collect()
}

/// Fails when a scrape says anything else.
fn compare(store: &Store, now: SystemTime) {
    for format in [Format::Text, Format::OpenMetrics] {
        let (kept, fresh) = (text_at(store, format, now), fresh(store, format, now));
        let kept = ours(&kept).concat();
        let fresh = fresh.replace("# HELP ", "");
        let differs = kept.lines().zip(fresh.lines()).find(|(kept, fresh)| kept != fresh);
        assert!(kept == fresh, "{differs:?}");
    }
}

/// What can happen to a target.
#[derive(Debug, Clone)]
enum Step {
    /// One observation, of the target and address with these numbers.
    Put(usize, Kind, u8),
    /// A round of that many addresses, with what was skipped and paused.
    Round(usize, Kind, u8, Pause),
    Skip(usize, bool),
    Next(usize),
    /// A reload with a label of this value and another interval.
    Reload(String, u64),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Healthy,
    Refused,
    Failed,
    Blank,
    Unresolved,
}

#[derive(Debug, Clone, Copy)]
enum Pause {
    No,
    Waiting,
    Probed,
    Both,
}

fn step() -> impl Strategy<Value = Step> {
    use Kind::{Blank, Failed, Healthy, Refused, Unresolved};
    let kind = || prop::sample::select(vec![Healthy, Refused, Failed, Blank, Unresolved]);
    let pause = prop::sample::select(vec![Pause::No, Pause::Waiting, Pause::Probed, Pause::Both]);
    prop_oneof![
        (0..3usize, kind(), 0..3u8).prop_map(|(of, kind, n)| Step::Put(of, kind, n)),
        (0..3usize, kind(), 1..4u8, pause)
            .prop_map(|(of, k, n, pause)| Step::Round(of, k, n, pause)),
        (0..3usize, any::<bool>()).prop_map(|(of, until)| Step::Skip(of, until)),
        (0..3usize).prop_map(Step::Next),
        ("[a-z\"\\\\]{0,3}", 1..4u64).prop_map(|(label, interval)| Step::Reload(label, interval)),
    ]
}

struct Lab {
    store: Store,
    checks: Vec<Check>,
    generation: u64,
    /// Seconds.
    clock: u64,
}

impl Lab {
    fn new() -> Self {
        let store = Store::new(1500);
        let checks: Vec<Check> = ["mx1", "mx2", "mx3"].map(check).into();
        let generation = store.replace_checks(&checks, 3);
        Self { store, checks, generation, clock: 0 }
    }

    fn play(&mut self, step: &Step) {
        self.clock += 7;
        let clock = self.clock;
        match step {
            Step::Put(of, kind, n) => {
                let seen = seen(endpoint_of(*of, *n), *kind, clock);
                self.store.put(self.generation, &self.checks[*of].key(), Arc::new(seen));
            }
            Step::Round(of, kind, count, pause) => {
                let key = self.checks[*of].key();
                let seen = (0..*count).map(|n| seen(endpoint_of(*of, n), *kind, clock));
                let mut round = round(seen.collect());
                round.mx_records = Some(u32::from(*count));
                let until = at(clock + 20);
                if matches!(pause, Pause::Waiting | Pause::Both) {
                    let skip = Skip {
                        reason: SkipReason::Backoff,
                        until: Some(until),
                        cause: Some(Cause::TooManyConnections),
                    };
                    round.skipped = vec![(endpoint_of(*of, 9), skip)];
                    round.endpoints.push(endpoint_of(*of, 9));
                }
                if matches!(pause, Pause::Probed | Pause::Both) {
                    round.paused = vec![(endpoint_of(*of, 0), until, Cause::TooManyConnections)];
                }
                for observation in &round.observations {
                    self.store.put(self.generation, &key, observation.clone());
                }
                self.store.finish_round(self.generation, &key, &round);
            }
            Step::Skip(of, until) => {
                let reason = if *until { SkipReason::Backoff } else { SkipReason::Overrun };
                let until = until.then(|| at(clock + 20));
                self.store.skip(self.generation, &self.checks[*of].key(), reason, until);
            }
            Step::Next(of) => {
                let key = self.checks[*of].key();
                self.store.set_next(self.generation, &key, at(clock + 60));
            }
            Step::Reload(label, interval) => {
                for check in &mut self.checks {
                    let target = Target {
                        labels: [("team".to_owned(), label.clone())].into(),
                        interval: Some(Duration::from_secs(60 * interval)),
                        ..(*check.target).clone()
                    };
                    check.target = Arc::new(target);
                }
                self.generation = self.store.replace_checks(&self.checks, 3);
            }
        }
    }
}

fn endpoint_of(target: usize, n: u8) -> Endpoint {
    endpoint(&format!("mx{}", target + 1), &format!("192.0.2.{n}"))
}

fn seen(endpoint: Endpoint, kind: Kind, clock: u64) -> Observation {
    let ended = at(clock);
    match kind {
        Kind::Healthy => healthy(endpoint, ended),
        Kind::Refused => refused(endpoint, ended),
        Kind::Failed => failed(endpoint, ended, Phase::Connect, Cause::ConnectTimeout),
        Kind::Blank => blank(endpoint, ended),
        Kind::Unresolved => unresolved(DnsReason::Nxdomain, ended),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_is_kept_is_never_out_of_date(
        steps in prop::collection::vec((step(), any::<bool>(), 0..60u64), 1..40),
    ) {
        let mut lab = Lab::new();
        for (step, scraped, later) in &steps {
            lab.play(step);
            // Also a clock that was set back: a pause that was over is not over then.
            if *scraped {
                compare(&lab.store, at(lab.clock + later));
            }
        }
        compare(&lab.store, at(lab.clock));
    }
}

#[test]
fn a_scrape_shows_one_moment_and_the_next_one_the_next() {
    let mut lab = Lab::new();
    let healthy_round = Step::Round(2, Kind::Healthy, 2, Pause::No);
    lab.play(&healthy_round);
    let own = Exporter::new(Default::default()).unwrap();
    let begin = || Exposition::new(&lab.store, &own, Format::Text, at(60));
    let (before, early) = (fresh(&lab.store, Format::Text, at(60)), [begin(), begin()]);
    let before = before.replace("# HELP ", "");
    lab.play(&Step::Round(2, Kind::Refused, 3, Pause::Probed));
    for scrape in early {
        let text: Vec<u8> = scrape.flatten().collect();
        assert!(ours(str::from_utf8(&text).unwrap()).concat() == before);
    }
    compare(&lab.store, at(60));
    assert!(fresh(&lab.store, Format::Text, at(60)).replace("# HELP ", "") != before);
}

#[test]
fn more_endpoints_and_texts_than_there_are_short_numbers_for() {
    let store = Store::default();
    let check = check("mx1");
    let generation = store.replace_checks(std::slice::from_ref(&check), 3);
    let seen = (0..300u32).map(|n| {
        let mut seen = healthy(
            Endpoint {
                port: 2000 + n as u16,
                ..endpoint("mx1", &format!("10.0.{}.{}", n / 250, n % 250))
            },
            at(1),
        );
        // A certificate's names are longer than what is shared, and more than a byte can count.
        let tls = seen.tls.as_mut().unwrap();
        Arc::make_mut(&mut tls.chain)[0].subject = format!("CN={}", "ä".repeat(n as usize));
        seen.replies.push(reply(Phase::Mail, 250, Some((2, 1, n as u16 % 9)), None));
        seen
    });
    let round = round(seen.collect());
    for observation in &round.observations {
        store.put(generation, &check.key(), observation.clone());
    }
    store.finish_round(generation, &check.key(), &round);
    compare(&store, at(2));
    // And again, from what was kept.
    compare(&store, at(2));
}
