//! Where the limit is, and in which form it is told.

use std::time::Duration;

use smtp_exporter::cause::Cause;
use smtp_exporter::demo::{Behaviour, Point, Server, Step};
use smtp_exporter::observation::{AbortKind, LadderSeen, Refusal, RefusedHow};
use smtp_exporter::smtp::{Phase, TlsMode};
use smtp_exporter::target::Policy;

use super::{at, climb, ladder, measure, prober, seen, settled, start};

/// The refusal without its text.
fn brief(seen: &LadderSeen) -> (u32, Option<(u16, Cause, Phase, RefusedHow)>) {
    let brief = |r: &Refusal| (r.code, r.cause, r.phase, r.how);
    (seen.accepted, seen.refusal.as_ref().map(brief))
}

/// Every session was ended by QUIT, those apart that the server refused.
async fn all_quit(server: &Server, quit: u64) {
    settled(server).await;
    let stats = server.stats();
    assert_eq!((stats.quit, stats.dropped), (quit, 0), "{stats:?}");
}

#[tokio::test]
async fn the_number_found_is_the_limit() {
    for (limit, tls) in [(1, TlsMode::None), (7, TlsMode::None), (7, TlsMode::Required)] {
        let server = start(Behaviour::connection_limit(limit));
        let seen = measure(&server, tls, 20).await;
        let refusal = (421, Cause::TooManyConnections, Phase::Greeting, RefusedHow::Reply);
        assert_eq!(brief(&seen), (limit as u32, Some(refusal)), "{seen:?}");
        assert_eq!((seen.tried, seen.reached(), seen.aborted.as_ref()), (20, true, None));
        assert_eq!(seen.recovered(), Some(true));
        assert!(seen.greet_delay.unwrap() < Duration::from_secs(1), "{seen:?}");
        // The sessions of the climb, and the one that was accepted after.
        all_quit(&server, limit as u64 + 1).await;
        assert_eq!(server.stats().open_max, limit as u64 + 1);
        // No MAIL, no AUTH, and nothing said early or ahead.
        let stats = server.stats();
        assert_eq!((stats.said("MAIL"), stats.said("AUTH"), stats.early), (0, 0, 0));
        assert_eq!(stats.handshakes > 0, tls == TlsMode::Required);
    }
}

#[tokio::test]
async fn a_limit_of_none_is_found_at_the_first_session() {
    let server = start(Behaviour::connection_limit(0));
    let mut job = climb(ladder(at(server.address()), TlsMode::None, 20));
    job.recovery = Duration::from_secs(1);
    let prober = prober(Policy::default());
    let seen = seen(&prober, &job).await;
    let refusal = (421, Cause::TooManyConnections, Phase::Greeting, RefusedHow::Reply);
    assert_eq!(brief(&seen), (0, Some(refusal)));
    assert_eq!((seen.recovered(), seen.recovery), (Some(false), None));
    // It never recovered, so it is left alone.
    let pause = prober.pause_of(server.address().ip()).unwrap();
    assert_eq!(pause.1, Cause::TooManyConnections);
}

#[tokio::test]
async fn without_a_limit_the_cap_ends_it() {
    let server = start(Behaviour::healthy());
    let seen = measure(&server, TlsMode::Opportunistic, 12).await;
    assert_eq!(brief(&seen), (12, None));
    assert_eq!((seen.tried, seen.reached(), seen.recovered()), (12, false, None));
    all_quit(&server, 12).await;
    let stats = server.stats();
    assert_eq!((stats.open_max, stats.handshakes, stats.sessions), (12, 12, 12));
    // Marked, so that a postmaster knows whose they are; twice each because of STARTTLS.
    let hellos = server.log().iter().filter(|s| s.line == "EHLO ladder.probe.demo.test").count();
    assert_eq!(hellos, 24);
    // Newest first.
    let quits: Vec<u64> =
        server.log().iter().filter(|s| s.line == "QUIT").map(|s| s.session).collect();
    assert_eq!(quits, (1..=12).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_refusal_is_told_as_it_came() {
    let text = |line: &str| Step::Text(line.to_owned());
    let busy = "421 4.7.0 {name} Error: too many connections from {client}";
    let none = TlsMode::None;
    let dropped = Cause::ConnectionDropped;
    let cases = [
        (Point::Connect, vec![Step::Close], none, (0, dropped, Phase::Greeting, RefusedHow::Close)),
        (Point::Connect, vec![Step::Reset], none, (0, dropped, Phase::Greeting, RefusedHow::Reset)),
        (
            Point::Greeting,
            vec![Step::Silence],
            none,
            (0, Cause::ReplyTimeout, Phase::Greeting, RefusedHow::Timeout),
        ),
        (
            Point::Greeting,
            vec![text("554 5.7.1 Too many connections from your address")],
            none,
            (554, Cause::TooManyConnections, Phase::Greeting, RefusedHow::Reply),
        ),
        (
            Point::Ehlo,
            vec![text(busy), Step::Close],
            none,
            (421, Cause::TooManyConnections, Phase::Ehlo, RefusedHow::Reply),
        ),
        (Point::Ehlo, vec![Step::Close], none, (0, dropped, Phase::Ehlo, RefusedHow::Close)),
        (Point::Ehlo, vec![Step::Reset], none, (0, dropped, Phase::Ehlo, RefusedHow::Reset)),
        (
            Point::EhloTls,
            vec![text(busy), Step::Close],
            TlsMode::Required,
            (421, Cause::TooManyConnections, Phase::EhloTls, RefusedHow::Reply),
        ),
        (
            Point::EhloTls,
            vec![text("450 4.3.2 too many sessions, try again later")],
            TlsMode::Opportunistic,
            (450, Cause::TooManyConnections, Phase::EhloTls, RefusedHow::Reply),
        ),
    ];
    for (point, steps, tls, expected) in cases {
        let server = start(Behaviour::connection_limit(3).over_limit(point, steps.clone()));
        let seen = measure(&server, tls, 9).await;
        assert_eq!(brief(&seen), (3, Some(expected)), "{point} {steps:?}: {seen:?}");
        assert_eq!(seen.recovered(), Some(true), "{point} {steps:?}");
    }
}

#[tokio::test]
async fn a_server_that_makes_room_by_ending_old_sessions_has_that_limit() {
    // It ends whoever has been there for 700 ms, so about seven fit beside each other.
    let server = start(Behaviour { idle: Duration::from_millis(700), ..Behaviour::plain() });
    let seen = measure(&server, TlsMode::None, 40).await;
    let (accepted, refusal) = brief(&seen);
    assert!((2..=9).contains(&accepted), "{seen:?}");
    assert_eq!(refusal.unwrap(), (421, Cause::Timeout, Phase::Ehlo, RefusedHow::Reply));
}

#[tokio::test]
async fn held_sessions_outlive_the_servers_patience() {
    let server = start(Behaviour { idle: Duration::from_millis(600), ..Behaviour::plain() });
    let mut ladder = ladder(at(server.address()), TlsMode::None, 15);
    ladder.hold = Duration::from_millis(150);
    let seen = seen(&prober(Policy::default()), &climb(ladder)).await;
    assert_eq!(brief(&seen), (15, None), "{seen:?}");
    assert!(server.stats().said("NOOP") > 30, "{:?}", server.stats());
}

#[tokio::test]
async fn a_server_that_dies_on_the_way_shows_no_limit() {
    let server = start(Behaviour::plain());
    let job = climb(ladder(at(server.address()), TlsMode::None, 50));
    let prober = prober(Policy::default());
    let run = tokio::spawn({
        let prober = prober.clone();
        async move { seen(&prober, &job).await }
    });
    while server.stats().open < 5 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let address = server.address();
    server.stop().await;
    let seen = run.await.unwrap();
    let abort = seen.aborted.as_ref().unwrap();
    assert_eq!(abort.kind, AbortKind::ServerGone, "{abort:?}");
    assert_eq!(prober.pause_of(address.ip()), None);
}

#[tokio::test]
async fn what_is_no_limit_gives_no_number() {
    // Nobody listens; not SMTP; TLS that the module requires is not there.
    let gone = start(Behaviour::plain());
    let address = gone.address();
    gone.stop().await;
    let job = climb(ladder(at(address), TlsMode::None, 5));
    let closed = seen(&prober(Policy::default()), &job).await;
    let http = measure(&start(Behaviour::http()), TlsMode::None, 5).await;
    let missing = measure(&start(Behaviour::starttls_missing()), TlsMode::Required, 5).await;
    for seen in [closed, http, missing] {
        let abort = seen.aborted.as_ref().unwrap();
        assert_eq!((abort.kind, seen.accepted), (AbortKind::Unfit, 0), "{abort:?}");
    }
    // Optional TLS that cannot be had is left off.
    let server = start(Behaviour::rsa_only());
    let seen = measure(&server, TlsMode::Opportunistic, 4).await;
    assert_eq!(brief(&seen), (4, None), "{seen:?}");
}
