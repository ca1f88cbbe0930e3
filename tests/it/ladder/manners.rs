//! What a run does to others: nothing.

use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::cause::Cause;
use smtp_exporter::demo::{Behaviour, Dns, Server, Zone};
use smtp_exporter::observation::{AbortKind, Round, SkipReason};
use smtp_exporter::probe::ceiling::{Climb, Climbed};
use smtp_exporter::probe::{Job, Prober};
use smtp_exporter::smtp::TlsMode;
use smtp_exporter::target::{Check, Place, Policy};
use tokio_util::sync::CancellationToken;

use super::{at, check, climb, ladder, prober, run, seen, settled, start};

/// An ordinary round.
pub(super) async fn probe(prober: &Prober, check: &Check, patience: Duration) -> Round {
    let job = Job {
        check: check.clone(),
        patience,
        deadline: None,
        admit: None,
        stop: CancellationToken::new(),
    };
    prober.run(&job, &|_| {}).await
}

/// A run under way, up to the moment at which `open` sessions are held.
async fn under_way(
    prober: &Arc<Prober>,
    job: &Climb,
    server: &Server,
    open: u64,
) -> tokio::task::JoinHandle<Vec<Climbed>> {
    let (prober, job) = (prober.clone(), job.clone());
    let task = tokio::spawn(async move { run(&prober, &job).await });
    while server.stats().open < open {
        assert!(!task.is_finished(), "it ended early");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    task
}

fn aborted(all: &[Climbed]) -> (AbortKind, String) {
    let [Climbed::Seen(seen)] = all else { panic!("{all:?}") };
    let abort = seen.aborted.clone().unwrap();
    (abort.kind, abort.detail)
}

#[tokio::test]
async fn ordinary_probes_wait_and_are_skipped_as_ladder() {
    let server = start(Behaviour::connection_limit(20));
    let prober = prober(Policy::default());
    let job = climb(ladder(at(server.address()), TlsMode::None, 30));
    let ordinary = job.ladder.check.clone();
    let task = under_way(&prober, &job, &server, 3).await;
    let round = probe(&prober, &ordinary, Duration::from_millis(300)).await;
    let [(_, skip)] = &round.skipped[..] else { panic!("{round:?}") };
    assert_eq!(skip.reason, SkipReason::Ladder);
    assert!(round.observations.is_empty() && !task.is_finished());
    // With patience it comes after the run, and is served.
    let round = probe(&prober, &ordinary, Duration::from_secs(20)).await;
    assert!(round.observations[0].success(), "{round:?}");
    assert!(task.is_finished());
    let all = task.await.unwrap();
    let [Climbed::Seen(seen)] = &all[..] else { panic!("{all:?}") };
    assert_eq!((seen.accepted, seen.recovered()), (20, Some(true)));
    assert_eq!(prober.pause_of(server.address().ip()), None);
    // Another remote was not held back: 21 of the run's, one that asked again, one ordinary.
    settled(&server).await;
    assert_eq!(server.stats().sessions, 23);
}

#[tokio::test]
async fn a_run_waits_for_an_open_session() {
    let server = start(Behaviour::slow_greeting(Duration::from_millis(800)));
    let prober = prober(Policy::default());
    let job = climb(ladder(at(server.address()), TlsMode::None, 2));
    let ordinary = tokio::spawn({
        let (prober, check) = (prober.clone(), job.ladder.check.clone());
        async move { probe(&prober, &check, Duration::from_secs(1)).await }
    });
    while server.stats().open == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.behave(Behaviour::plain()).unwrap();
    let seen = seen(&prober, &job).await;
    assert!(ordinary.await.unwrap().observations[0].success());
    assert_eq!(seen.accepted, 2);
    assert_eq!(server.stats().open_max, 2, "the ordinary session was not one of them");
}

#[tokio::test]
async fn it_breaks_off_when_sessions_elsewhere_begin_to_fail() {
    let server = start(Behaviour::plain());
    let other = Server::start("127.0.0.2:0".parse().unwrap(), Behaviour::plain()).unwrap();
    let prober = prober(Policy::default());
    let elsewhere = check(at(other.address()), TlsMode::None);
    let round = probe(&prober, &elsewhere, Duration::from_secs(5)).await;
    assert!(round.observations[0].success());
    let job = climb(ladder(at(server.address()), TlsMode::None, 100));
    let task = under_way(&prober, &job, &server, 5).await;
    // Still good: the run goes on.
    probe(&prober, &elsewhere, Duration::from_secs(5)).await;
    other.behave(Behaviour::too_many_connections()).unwrap();
    probe(&prober, &elsewhere, Duration::from_secs(5)).await;
    let (kind, detail) = aborted(&task.await.unwrap());
    assert_eq!(kind, AbortKind::Elsewhere, "{detail}");
    assert!(detail.contains("mx1 smtp at 127.0.0.2: too_many_connections"), "{detail}");
    settled(&server).await;
    let stats = server.stats();
    assert!(stats.sessions < 60, "{stats:?}");
    assert_eq!((stats.quit, stats.dropped), (stats.sessions, 0), "{stats:?}");
}

#[tokio::test]
async fn told_to_stop_it_ends_all_by_quit() {
    let server = start(Behaviour::healthy());
    let prober = prober(Policy::default());
    let job = climb(ladder(at(server.address()), TlsMode::Required, 200));
    let task = under_way(&prober, &job, &server, 10).await;
    job.stop.cancel();
    let begun = tokio::time::Instant::now();
    assert_eq!(aborted(&task.await.unwrap()).0, AbortKind::Stopped);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    settled(&server).await;
    let stats = server.stats();
    // The one that was being opened may not have been greeted: then nothing is said.
    assert!(stats.sessions >= 10 && stats.quit >= stats.sessions - 1, "{stats:?}");
}

#[tokio::test]
async fn quits_that_nobody_answers_do_not_hold_the_end_up() {
    let server = start(Behaviour { ..Behaviour::no_quit_answer() });
    let prober = prober(Policy::default());
    let job = climb(ladder(at(server.address()), TlsMode::None, 200));
    let task = under_way(&prober, &job, &server, 40).await;
    job.stop.cancel();
    let begun = tokio::time::Instant::now();
    assert_eq!(aborted(&task.await.unwrap()).0, AbortKind::Stopped);
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    assert!(server.stats().said("QUIT") >= 40);
}

#[tokio::test]
async fn only_addresses_of_ours_are_connected_to() {
    // The name is ours by its domain; where it leads is what counts.
    let zone = Zone::new().address("mx.example.test", [192, 0, 2, 9]);
    let dns = Dns::start("127.0.0.1:0".parse().unwrap(), &zone).unwrap();
    let mut policy = Policy { dns_servers: vec![dns.address()], ..Policy::default() };
    policy.own.domains.push("example.test".into());
    let place = Place::parse("mx.example.test").unwrap();
    let prober = prober(policy);
    let (kind, detail) = aborted(&run(&prober, &climb(ladder(place, TlsMode::None, 5))).await);
    assert_eq!(kind, AbortKind::NotOurs);
    assert!(detail.contains("192.0.2.9 is not in exporter.own"), "{detail}");
}

#[tokio::test]
async fn settings_are_asked_anew_before_each_session() {
    let server = start(Behaviour::plain());
    let prober = prober(Policy::default());
    let job = climb(ladder(at(server.address()), TlsMode::None, 60));
    let task = under_way(&prober, &job, &server, 3).await;
    let policy = Policy { helo: Some("other.demo.test".into()), ..(*prober.policy()).clone() };
    prober.reconfigure(policy).unwrap();
    let before = server.stats().sessions;
    while server.stats().sessions < before + 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    job.stop.cancel();
    task.await.unwrap();
    let log = server.log();
    assert!(log.iter().any(|said| said.line == "EHLO ladder.other.demo.test"), "{log:?}");
}

#[tokio::test]
async fn one_run_at_a_time_in_the_whole_exporter() {
    let first = start(Behaviour::plain());
    let second = Server::start("127.0.0.2:0".parse().unwrap(), Behaviour::plain()).unwrap();
    let prober = prober(Policy::default());
    let job = climb(ladder(at(first.address()), TlsMode::None, 15));
    let other = climb(ladder(at(second.address()), TlsMode::None, 3));
    let task = under_way(&prober, &job, &first, 3).await;
    let seen = seen(&prober, &other).await;
    assert!(task.is_finished());
    assert_eq!(seen.accepted, 3);
    let mut hasty = climb(ladder(at(second.address()), TlsMode::None, 15));
    let task = under_way(&prober, &hasty, &second, 3).await;
    hasty.patience = Duration::from_millis(200);
    let all = run(&prober, &hasty).await;
    assert!(matches!(&all[..], [Climbed::Denied(..)]), "{all:?}");
    task.await.unwrap();
}

#[tokio::test]
async fn a_paused_remote_is_left_alone() {
    let server = start(Behaviour::too_many_connections());
    let prober = prober(Policy::default());
    let job = climb(ladder(at(server.address()), TlsMode::None, 5));
    probe(&prober, &job.ladder.check, Duration::from_secs(5)).await;
    assert_eq!(prober.pause_of(server.address().ip()).unwrap().1, Cause::TooManyConnections);
    let all = run(&prober, &job).await;
    assert!(matches!(&all[..], [Climbed::Denied(..)]), "{all:?}");
    settled(&server).await;
    assert_eq!(server.stats().sessions, 1);
}
