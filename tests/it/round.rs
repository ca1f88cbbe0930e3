//! Whole rounds of the prober against the demo's servers and DNS: where a name leads, what is seen
//! there, and how polite it is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::cause::{Blame, Cause};
use smtp_exporter::demo::{self, Behaviour, Dns, Fault, Server, Zone};
use smtp_exporter::observation::{DnsReason, EndpointState, Observation, Round, TlsVersion};
use smtp_exporter::probe::{Job, Prober};
use smtp_exporter::smtp::{Phase, TlsMode};
use smtp_exporter::store::{Store, View};
use smtp_exporter::target::{
    Auth, Check, Expect, HostBudget, Module, Own, Place, Policy, Secret, Target, Timeouts,
};
use tokio_util::sync::CancellationToken;

const GAP: Duration = Duration::from_millis(300);

/// A DNS that knows `zone`, and a prober that asks it.
fn world(zone: &Zone, policy: Policy) -> (Dns, Prober) {
    let dns = Dns::start("127.0.0.1:0".parse().unwrap(), zone).unwrap();
    // The servers are on loopback, where only domains of ours may lead.
    let own = Own { domains: vec!["test".into()], ..Own::default() };
    let policy = Policy {
        own,
        helo: Some("probe.demo.test".into()),
        dns_servers: vec![dns.address()],
        dns_timeout: Duration::from_millis(500),
        host_budget: HostBudget { max_concurrent: 1, min_gap: GAP },
        ..policy
    };
    (dns, Prober::new(policy).unwrap())
}

fn check(place: Place, module: Module) -> Check {
    let module = Arc::new(module);
    let target = Target {
        name: "target".into(),
        place,
        modules: vec![module.clone()],
        interval: None,
        labels: BTreeMap::new(),
    };
    Check { target: Arc::new(target), module }
}

async fn run(prober: &Prober, check: &Check) -> Round {
    let job = Job {
        check: check.clone(),
        patience: Duration::from_secs(10),
        deadline: None,
        admit: None,
        stop: CancellationToken::new(),
    };
    prober.run(&job, &|_| {}).await
}

/// A server at an address of its own, probed as `module` says: the only observation.
async fn probe(server: &Server, module: Module) -> Arc<Observation> {
    let (_dns, prober) = world(&Zone::new(), Policy::default());
    let round = run(&prober, &check(place_of(server.address()), module)).await;
    assert_eq!(round.observations.len(), 1, "{round:?}");
    round.observations[0].clone()
}

fn place_of(address: SocketAddr) -> Place {
    Place::parse(&address.to_string()).unwrap()
}

fn start(behaviour: Behaviour) -> Server {
    Server::start("127.0.0.1:0".parse().unwrap(), behaviour).unwrap()
}

/// A domain with a good host, and with hosts and records of every bad kind.
fn odd_domain() -> Zone {
    Zone::new()
        .mx("odd.test", 10, "good.odd.test")
        .mx("odd.test", 20, "alias.odd.test")
        .mx("odd.test", 30, "missing.odd.test")
        .mx("odd.test", 40, "broken.odd.test")
        .mx("odd.test", 50, "192.0.2.1")
        .address("good.odd.test", [127, 0, 0, 1])
        .cname("alias.odd.test", "good.odd.test")
        .fault("broken.odd.test", Fault::ServFail)
}

fn domain(name: &str, port: u16) -> Check {
    check(Place::Domain(name.into()), Module { port, ..Module::new("smtp") })
}

fn hosts(round: &Round) -> Vec<(String, bool)> {
    let mut hosts: Vec<(String, bool)> = round
        .endpoints
        .iter()
        .map(|endpoint| (endpoint.host.to_string(), endpoint.address.is_some()))
        .collect();
    hosts.sort();
    hosts
}

#[tokio::test]
async fn mail_exchangers_that_lead_nowhere_are_endpoints_and_oddities_are_told() {
    let server = start(Behaviour::healthy());
    let (_dns, prober) = world(&odd_domain(), Policy::default());
    let check = domain("odd.test", server.address().port());
    let round = run(&prober, &check).await;
    let expected = [
        ("alias.odd.test", true),
        ("broken.odd.test", false),
        ("good.odd.test", true),
        ("missing.odd.test", false),
    ];
    assert_eq!(hosts(&round), expected.map(|(host, there)| (host.to_owned(), there)));
    assert_eq!(round.mx_records, Some(5));
    let failures: BTreeMap<&str, DnsReason> = round
        .observations
        .iter()
        .filter_map(|seen| Some((&*seen.endpoint.host, seen.failure.as_ref()?.dns?)))
        .collect();
    assert_eq!(
        failures,
        [("broken.odd.test", DnsReason::Servfail), ("missing.odd.test", DnsReason::Nxdomain)]
            .into()
    );
    let notes = round.notes.join("\n");
    assert!(notes.contains("192.0.2.1") && notes.contains("alias.odd.test"), "{notes}");
    let view = View::of_round(check, &round);
    assert_eq!(view.verdict.up, Some(true));
    assert_eq!(view.notes, round.notes);
    assert_eq!(
        view.endpoint_states(std::time::SystemTime::now())[EndpointState::Unavailable as usize],
        2
    );
    assert!(view.resolve_failure.is_none());
}

#[tokio::test]
async fn the_only_mail_exchanger_is_an_endpoint_too_and_a_host_is_not() {
    let zone = Zone::new().mx("one.test", 10, "missing.test");
    let (_dns, prober) = world(&zone, Policy::default());
    let round = run(&prober, &domain("one.test", 25)).await;
    assert_eq!(hosts(&round), [("missing.test".to_owned(), false)]);
    assert_eq!(round.mx_records, Some(1));
    let round =
        run(&prober, &check(Place::parse("missing.test").unwrap(), Module::new("smtp"))).await;
    assert_eq!(hosts(&round), []);
    assert!(round.observations[0].endpoint.host.is_empty());
}

#[tokio::test]
async fn dead_mail_exchangers_count_towards_the_bound_and_leave_room() {
    let server = start(Behaviour::healthy());
    let (_dns, prober) = world(&odd_domain(), Policy { max_endpoints: 2, ..Policy::default() });
    let round = run(&prober, &domain("odd.test", server.address().port())).await;
    assert_eq!(
        hosts(&round),
        [("good.odd.test".to_owned(), true), ("missing.odd.test".to_owned(), false)]
    );
    assert_eq!(round.left_out, 2);
}

/// A resolver that fails for one host of a domain takes nothing away of what was seen there, and
/// what was seen there is not today's answer either.
#[tokio::test]
async fn a_host_that_no_longer_resolves_keeps_its_endpoints_for_a_while() {
    let server = start(Behaviour::healthy());
    let check = domain("pair.test", server.address().port());
    let zone =
        Zone::new().mx("pair.test", 10, "mx1.pair.test").mx("pair.test", 20, "mx2.pair.test");
    let well = zone.clone().address("mx1.pair.test", [127, 0, 0, 1]);
    let store = Store::default();
    let generation = store.replace_checks(std::slice::from_ref(&check), 10);
    let put = |round: &Round| {
        for seen in &round.observations {
            store.put(generation, &check.key(), seen.clone());
        }
        store.finish_round(generation, &check.key(), round);
        store.view(&check.key()).unwrap()
    };
    let (_dns, prober) = world(&well, Policy::default());
    let view = put(&run(&prober, &check).await);
    assert_eq!((view.endpoints.len(), view.verdict.up), (2, Some(true)));
    let (_dns, prober) = world(&zone.fault("mx1.pair.test", Fault::Refused), Policy::default());
    let view = put(&run(&prober, &check).await);
    // mx1 by its address, mx1 that does not resolve, mx2 that does not exist.
    assert_eq!((view.endpoints.len(), view.verdict.up), (3, Some(false)));
    assert_eq!(view.verdict.failure.as_ref().map(|f| f.blame), Some(Blame::Target));
    let (_dns, prober) = world(&well, Policy::default());
    let view = put(&run(&prober, &check).await);
    assert_eq!((view.endpoints.len(), view.verdict.up), (2, Some(true)));
}

fn required() -> Module {
    Module { tls: TlsMode::Required, tls_verify: true, ..Module::new("starttls") }
}

#[tokio::test]
async fn a_server_of_the_nineties_says_how_old_it_is_on_a_second_connection() {
    let server = start(Behaviour::tls10_only());
    let seen = probe(&server, required()).await;
    let failure = seen.failure.as_ref().unwrap();
    assert_eq!((failure.phase, failure.cause), (Phase::Tls, Cause::TlsIncompatible));
    let tls = seen.tls.as_ref().unwrap();
    assert_eq!((tls.established, tls.verified), (false, None));
    assert_eq!(tls.version, Some(TlsVersion::Tls10));
    assert!(tls.cipher.is_some_and(|cipher| cipher.starts_with("TLS_RSA_")), "{:?}", tls.cipher);
    assert!(tls.chain[0].not_after > 0);
    let stats = server.stats();
    assert_eq!((stats.sessions, stats.open_max), (2, 1));
    // The gap between the two is kept, and is no part of what was measured.
    let lines: Vec<_> = seen.transcript.lines().collect();
    assert!(lines.last().unwrap().at > GAP && lines.is_sorted_by_key(|line| line.at), "{lines:?}");
    assert!(seen.duration < GAP, "{:?}", seen.duration);
}

/// Also where the handshake may fail, and no oftener than once an hour.
#[tokio::test]
async fn an_old_server_is_looked_at_once_and_remembered() {
    let server = start(Behaviour::tls10_only());
    let (_dns, prober) = world(&Zone::new(), Policy::default());
    let place = place_of(server.address());
    let relaxed = Module { tls: TlsMode::Opportunistic, ..Module::new("relaxed") };
    for sessions in [2, 3] {
        let round = run(&prober, &check(place.clone(), relaxed.clone())).await;
        let seen = &round.observations[0];
        assert_eq!(seen.failure, None);
        let tls = seen.tls.as_ref().unwrap();
        assert_eq!((tls.established, tls.version), (false, Some(TlsVersion::Tls10)));
        assert_eq!(server.stats().sessions, sessions);
    }
}

#[tokio::test]
async fn the_second_look_stays_within_the_total() {
    let server = start(Behaviour::tls10_only());
    let timeouts = Timeouts { total: GAP, ..Timeouts::default() };
    let seen = probe(&server, Module { timeouts, ..required() }).await;
    assert_eq!(seen.failure.as_ref().unwrap().cause, Cause::TlsIncompatible);
    assert_eq!(server.stats().sessions, 1);
}

/// At every address their server is down; at one of several, the way to that one.
#[tokio::test]
async fn a_refused_connection_is_blamed_by_what_the_other_addresses_do() {
    let server = start(Behaviour::plain());
    let two = Zone::new().address("two.test", [127, 0, 0, 1]).address("two.test", [127, 0, 0, 77]);
    let (_dns, prober) = world(&two, Policy::default());
    let place = Place::parse(&format!("two.test:{}", server.address().port())).unwrap();
    let refused = async || {
        let round = run(&prober, &check(place.clone(), Module::new("smtp"))).await;
        let failures = round.observations.iter().filter_map(|seen| seen.failure.clone());
        failures.map(|failure| (failure.cause, failure.blame)).collect::<Vec<_>>()
    };
    assert_eq!(refused().await, [(Cause::ConnectRefused, Blame::Path)]);
    server.stop().await;
    assert_eq!(refused().await, [(Cause::ConnectRefused, Blame::Target); 2]);
}

/// A negative test: AUTH without TLS must be refused.
fn clear_login() -> Module {
    Module {
        tls: TlsMode::None,
        auth: Some(Auth {
            username: "nobody".to_owned(),
            secret: Secret::Password("made-up".into()),
            allow_plaintext: true,
        }),
        expect: Some(Expect { phase: Phase::Auth, codes: vec![530, 535, 538] }),
        ..Module::new("clear_login")
    }
}

#[tokio::test]
async fn a_server_that_does_not_offer_auth_has_refused_it() {
    let seen = probe(&start(Behaviour::healthy()), clear_login()).await;
    assert_eq!((seen.met, &seen.failure), (Some(true), &None));
    let offered = demo::Auth { in_clear: true, ..demo::Auth::default() };
    let takes = Behaviour { auth: Some(offered), ..Behaviour::healthy() };
    let server = start(takes.clone());
    assert_eq!(probe(&server, clear_login()).await.met, Some(true), "535 is what was expected");
    let login = Auth {
        username: "probe".to_owned(),
        secret: Secret::Password("demo-password".into()),
        allow_plaintext: true,
    };
    let open = Module { auth: Some(login), ..clear_login() };
    assert_eq!(probe(&start(takes), open).await.met, Some(false));
    // Another phase that was not reached has shown nothing.
    let rcpt = Expect { phase: Phase::Rcpt, codes: vec![550] };
    let other = Module { expect: Some(rcpt), ..clear_login() };
    assert_eq!(probe(&start(Behaviour::healthy()), other).await.met, None);
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_our_own_trouble_and_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("token");
    std::fs::write(&large, vec![b'x'; 20_000]).unwrap();
    let server = start(Behaviour::submission());
    for (file, why) in [
        (Path::new("/dev/zero"), "regular file"),
        (large.as_path(), "longer than"),
        (Path::new("/nowhere"), "No such file"),
    ] {
        let auth = Auth {
            username: "probe".to_owned(),
            secret: Secret::TokenFile(file.to_owned()),
            allow_plaintext: false,
        };
        let seen = probe(&server, Module { auth: Some(auth), ..required() }).await;
        let failure = seen.failure.as_ref().unwrap();
        assert_eq!((failure.cause, failure.blame), (Cause::ExporterError, Blame::Exporter));
        assert!(failure.detail.contains(why), "{}", failure.detail);
    }
    assert_eq!(server.stats().sessions, 0);
}
