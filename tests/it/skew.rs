//! What is told of endpoints that should be alike, and of what got worse at one of them.

use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::metrics::Format;
use smtp_exporter::observation::{Observation, Round};
use smtp_exporter::smtp::{Capabilities, Keyword, Mechanism};
use smtp_exporter::store::Store;
use smtp_exporter::target::{Check, Endpoint, Module, Target};

use crate::support::exposition::Exposition;
use crate::support::scrape::{read, store_of, text_at};
use crate::support::seen::{at, check, endpoint, failed, healthy, refused, round, unresolved};
use smtp_exporter::cause::Cause;
use smtp_exporter::observation::DnsReason;
use smtp_exporter::smtp::Phase;

const CERTIFICATE: &str = "smtp_target_certificate_skew";
const SPREAD: &str = "smtp_target_certificate_not_after_spread_seconds";
const CAPABILITY: &str = "smtp_target_capability_skew";

fn a() -> Endpoint {
    endpoint("mx1", "192.0.2.1")
}

fn b() -> Endpoint {
    endpoint("mx1", "192.0.2.2")
}

fn on(port: u16, endpoint: Endpoint) -> Endpoint {
    Endpoint { port, ..endpoint }
}

/// Serves another certificate, which ends that much later.
fn renewed(mut seen: Observation, seconds: i64) -> Observation {
    let leaf = &mut Arc::make_mut(&mut seen.tls.as_mut().unwrap().chain)[0];
    leaf.fingerprint_sha256 = "cd".repeat(32);
    leaf.not_after += seconds;
    seen
}

/// Two addresses with two certificates, seen at one moment.
fn differing() -> Vec<Observation> {
    vec![healthy(a(), at(1)), renewed(healthy(b(), at(1)), 1)]
}

/// The checks of one target with these modules.
fn checks(modules: &[(&str, u16)]) -> Vec<Check> {
    let modules: Vec<Arc<Module>> = modules
        .iter()
        .map(|(name, port)| Arc::new(Module { port: *port, ..Module::new(name) }))
        .collect();
    let target = Target { modules: modules.clone(), ..(*check("mx1").target).clone() };
    let target = Arc::new(target);
    modules.into_iter().map(|module| Check { target: target.clone(), module }).collect()
}

fn play(store: &Store, check: &Check, round: &Round) {
    for seen in &round.observations {
        store.put(1, &check.key(), seen.clone());
    }
    store.finish_round(1, &check.key(), round);
}

fn scraped(store: &Store, seconds: u64) -> Exposition {
    Exposition::read(&text_at(store, Format::Text, at(seconds)), Format::Text).unwrap()
}

#[test]
fn addresses_with_two_certificates_are_told_with_how_far_they_are_apart() {
    let seen =
        |second| vec![healthy(a(), at(second)), renewed(healthy(b(), at(second + 1)), 7_776_000)];
    // One probe of each: the certificate may have been renewed in between, everywhere.
    let once = store_of(&[(check("mx1"), vec![seen(1)])]);
    assert!(read(&once).values(CERTIFICATE, &[]).is_empty());
    assert_eq!(read(&once).values(CAPABILITY, &[]), [0.0]);
    let store = store_of(&[(check("mx1"), vec![seen(1), seen(4)])]);
    let read = read(&store);
    let series: Vec<_> =
        read.samples().filter(|sample| sample.name == CERTIFICATE).cloned().collect();
    assert_eq!(series.len(), 1);
    let labels = [("across", "endpoints"), ("target", "mx1"), ("team", "mail")];
    let told = series[0].labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!((told.collect::<Vec<_>>(), series[0].value), (labels.to_vec(), 1.0));
    assert_eq!(read.values(SPREAD, &labels), [7_776_000.0]);
    assert_eq!(read.values(CAPABILITY, &labels), [0.0]);
    // As long as it is fresh: three intervals of 60 s after the older of the two.
    assert_eq!(scraped(&store, 184).values(CERTIFICATE, &[]), [1.0]);
    assert!(scraped(&store, 185).values(CERTIFICATE, &[]).is_empty());
}

#[test]
fn one_endpoint_has_nothing_to_be_compared_with() {
    let store = store_of(&[(check("mx1"), vec![vec![healthy(a(), at(1))]])]);
    let read = read(&store);
    for family in [CERTIFICATE, SPREAD, CAPABILITY] {
        assert!(read.values(family, &[]).is_empty(), "{family}");
    }
    assert!(store.skews().is_empty());
}

#[test]
fn ports_are_compared_over_the_modules_of_a_target() {
    let checks = checks(&[("smtp", 25), ("submission", 587)]);
    let store = Store::default();
    store.replace_checks(&checks, 10);
    let submission = on(587, a());
    let ports = [("across", "ports")];
    play(&store, &checks[0], &round(vec![healthy(a(), at(1))]));
    assert!(scraped(&store, 2).values(CERTIFICATE, &[]).is_empty());
    play(&store, &checks[1], &round(vec![renewed(healthy(submission.clone(), at(1)), 9)]));
    assert_eq!(scraped(&store, 2).values(CERTIFICATE, &ports), [1.0]);
    assert_eq!(scraped(&store, 2).values(CAPABILITY, &ports), [0.0]);

    // A session that is refused shows no certificate: what was seen last counts for a while.
    play(&store, &checks[1], &round(vec![refused(submission.clone(), at(61))]));
    assert_eq!(scraped(&store, 62).values(CERTIFICATE, &ports), [1.0]);
    // The reload of the other port is seen by its next probe.
    play(&store, &checks[0], &round(vec![renewed(healthy(a(), at(62)), 9)]));
    play(&store, &checks[1], &round(vec![renewed(healthy(submission, at(63)), 9)]));
    assert_eq!(scraped(&store, 64).values(CERTIFICATE, &ports), [0.0]);
    assert_eq!(scraped(&store, 64).values(SPREAD, &ports), [0.0]);

    // A reload that takes a module away leaves nothing to compare.
    store.replace_checks(&checks[..1], 10);
    assert!(scraped(&store, 64).values(CERTIFICATE, &[]).is_empty());
    assert!(store.skews().is_empty());
}

#[test]
fn what_is_compared_survives_a_reload_and_takes_new_labels() {
    let seen = vec![differing(), differing()];
    let store = store_of(&[(check("mx1"), seen)]);
    read(&store);
    let target = Target {
        labels: [("team".to_owned(), "other".to_owned())].into(),
        ..(*check("mx1").target).clone()
    };
    store.replace_checks(&[Check { target: Arc::new(target), ..check("mx1") }], 10);
    let told = [("across", "endpoints"), ("team", "other")];
    assert_eq!(scraped(&store, 3).values(CERTIFICATE, &told), [1.0]);
    assert_eq!(scraped(&store, 3).values(CERTIFICATE, &[]).len(), 1);
    store.replace_checks(&[], 10);
    assert!(store.skews().is_empty());
}

#[test]
fn an_address_that_the_name_no_longer_stands_for_is_not_compared() {
    let store = store_of(&[(check("mx1"), vec![differing(), vec![healthy(a(), at(61))]])]);
    assert!(scraped(&store, 62).values(CERTIFICATE, &[]).is_empty());
    // A failed resolve takes nothing back.
    let store = store_of(&[(
        check("mx1"),
        vec![differing(), vec![unresolved(DnsReason::Servfail, at(61))]],
    )]);
    assert_eq!(scraped(&store, 62).values(CERTIFICATE, &[]), [1.0]);
}

/// In clear this, inside TLS that.
fn offering(seen: Observation, clear: &[Mechanism], inside: Option<&[Mechanism]>) -> Observation {
    let offer = |mechanisms: &[Mechanism]| Capabilities {
        keywords: vec![Keyword::Auth],
        mechanisms: mechanisms.to_vec(),
        ..Capabilities::default()
    };
    Observation { plain: Some(offer(clear)), inside_tls: inside.map(offer), ..seen }
}

#[test]
fn what_got_worse_at_an_endpoint_is_told_until_it_is_as_before() {
    use Mechanism::{Login, Plain};
    let both = [Login, Plain];
    let usual = |second| offering(healthy(a(), at(second)), &[], Some(&both));
    let stripped = |second| Observation {
        starttls_offered: Some(false),
        tls: None,
        ..offering(healthy(a(), at(second)), &both, None)
    };
    let check = check("mx1");
    let store = store_of(&[(check.clone(), vec![vec![usual(1)]])]);
    let told = |seconds: u64| {
        let read = scraped(&store, seconds);
        let gone: Vec<String> = read
            .samples()
            .filter(|sample| sample.name == "smtp_auth_mechanism_disappeared")
            .map(|sample| sample.labels["mechanism"].clone())
            .collect();
        let of = |family| read.values(family, &[("endpoint", "mx1.example.net:25")]);
        (of("smtp_starttls_disappeared"), of("smtp_auth_plaintext_appeared"), gone)
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(told(2), (vec![0.0], vec![0.0], none.clone()));
    play(&store, &check, &round(vec![stripped(61)]));
    assert_eq!(told(62), (vec![1.0], vec![1.0], none.clone()));
    // Neither a session that is cut short nor a reload ends it.
    play(&store, &check, &round(vec![failed(a(), at(121), Phase::Connect, Cause::ConnectTimeout)]));
    let interval = Some(Duration::from_secs(30));
    let target = Arc::new(Target { interval, ..(*check.target).clone() });
    store.replace_checks(&[Check { target, ..check.clone() }], 10);
    assert_eq!(told(122), (vec![1.0], vec![1.0], none.clone()));
    play(&store, &check, &round(vec![offering(healthy(a(), at(181)), &[], Some(&[Login]))]));
    assert_eq!(told(182), (vec![0.0], vec![0.0], vec!["PLAIN".to_owned()]));
    play(&store, &check, &round(vec![usual(241)]));
    assert_eq!(told(242), (vec![0.0], vec![0.0], none));
}

#[test]
fn implicit_tls_says_nothing_of_starttls() {
    let seen = Observation { starttls_offered: None, plain: None, ..healthy(a(), at(1)) };
    let store = store_of(&[(check("mx1"), vec![vec![seen]])]);
    let read = read(&store);
    for family in ["smtp_starttls_disappeared", "smtp_auth_plaintext_appeared"] {
        assert!(read.values(family, &[]).is_empty(), "{family}");
    }
}
