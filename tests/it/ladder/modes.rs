//! Sessions within a minute, and how long a silent one stays open.

use std::time::Duration;

use smtp_exporter::cause::Cause;
use smtp_exporter::demo::{Behaviour, Point, Step};
use smtp_exporter::observation::{AbortKind, RefusedHow};
use smtp_exporter::smtp::TlsMode;
use smtp_exporter::target::{Ladder, LadderMode, Policy};
use tokio::time::Instant;

use super::{at, climb, ladder, prober, run, seen, settled, start};

#[tokio::test]
async fn the_rate_found_is_the_limit() {
    let server = start(Behaviour::rate_limit(6));
    let ladder =
        Ladder { mode: LadderMode::Rate, ..ladder(at(server.address()), TlsMode::None, 200) };
    let mut job = climb(ladder);
    job.recovery = Duration::from_millis(1200);
    let begun = Instant::now();
    let prober = prober(Policy::default());
    let seen = seen(&prober, &job).await;
    let refusal = seen.refusal.as_ref().unwrap();
    assert_eq!((seen.accepted, seen.tried, refusal.code), (6, 200, 421), "{seen:?}");
    assert_eq!(refusal.how, RefusedHow::Reply);
    // Spaced over the minute: the seventh comes 6 × 300 ms after the first.
    assert!(begun.elapsed() >= Duration::from_millis(1800), "{:?}", begun.elapsed());
    settled(&server).await;
    let stats = server.stats();
    // One after another, never two at once; the refused one and the one that asked again apart.
    assert_eq!((stats.quit, stats.open_max), (6, 1), "{stats:?}");
    assert_eq!(prober.pause_of(server.address().ip()).unwrap().1, refusal.cause);
}

#[tokio::test]
async fn the_idle_timeout_is_the_servers() {
    let patience = Duration::from_millis(800);
    let server = start(Behaviour { idle: patience, ..Behaviour::healthy() });
    let prober = prober(Policy::default());
    let idle = |max_idle| Ladder {
        mode: LadderMode::Idle,
        max_idle,
        ..ladder(at(server.address()), TlsMode::Required, 1)
    };
    let ended = seen(&prober, &climb(idle(Duration::from_secs(10)))).await;
    let took = ended.idle.unwrap();
    assert!(took >= patience && took < patience * 2, "{took:?}");
    let refusal = ended.refusal.as_ref().unwrap();
    assert_eq!(
        (refusal.code, refusal.cause, refusal.how),
        (421, Cause::Timeout, RefusedHow::Reply)
    );
    assert!(ended.reached());
    // Capped: still open, and ended by QUIT.
    let capped = seen(&prober, &climb(idle(Duration::from_millis(200)))).await;
    assert_eq!((capped.idle, capped.reached()), (Some(Duration::from_millis(200)), false));
    settled(&server).await;
    let stats = server.stats();
    assert_eq!((stats.quit, stats.ended_by_server, stats.said("NOOP")), (1, 1, 0), "{stats:?}");
    assert_eq!(prober.pause_of(server.address().ip()), None);
}

#[tokio::test]
async fn a_close_without_a_word_ends_an_idle_session_too() {
    let closing = |steps| start(Behaviour::plain().on(Point::Ehlo, steps));
    let greeted = Step::Text("250 {name}".to_owned());
    let wait = Step::Wait(Duration::from_millis(300));
    for (last, how) in [(Step::Close, RefusedHow::Close), (Step::Reset, RefusedHow::Reset)] {
        let server = closing([greeted.clone(), wait.clone(), last]);
        let ladder =
            Ladder { mode: LadderMode::Idle, ..ladder(at(server.address()), TlsMode::None, 1) };
        let seen = seen(&prober(Policy::default()), &climb(ladder)).await;
        let end = seen.refusal.as_ref().unwrap();
        assert_eq!((end.code, end.cause, end.how), (0, Cause::ConnectionDropped, how));
        assert!(seen.idle.unwrap() >= Duration::from_millis(290), "{seen:?}");
    }
}

#[tokio::test]
async fn an_idle_session_lets_ordinary_probes_in() {
    let server = start(Behaviour::plain());
    let prober = prober(Policy::default());
    let idle = Ladder {
        mode: LadderMode::Idle,
        max_idle: Duration::from_secs(3),
        ..ladder(at(server.address()), TlsMode::None, 1)
    };
    let job = climb(idle);
    let check = job.ladder.check.clone();
    let stop = job.stop.clone();
    let watching = tokio::spawn({
        let prober = prober.clone();
        async move { run(&prober, &job).await }
    });
    while server.stats().open == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let round = super::manners::probe(&prober, &check, Duration::from_secs(2)).await;
    assert!(round.observations[0].success(), "{round:?}");
    assert!(!watching.is_finished());
    stop.cancel();
    let all = watching.await.unwrap();
    let [smtp_exporter::probe::ceiling::Climbed::Seen(seen)] = &all[..] else { panic!("{all:?}") };
    assert_eq!(seen.aborted.as_ref().unwrap().kind, AbortKind::Stopped);
    settled(&server).await;
    assert_eq!(server.stats().quit, 2);
}
