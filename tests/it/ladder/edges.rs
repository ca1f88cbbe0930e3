//! What is no limit, what takes long, and who else is there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smtp_exporter::cause::Cause;
use smtp_exporter::demo::{Behaviour, Dns, Zone};
use smtp_exporter::observation::AbortKind;
use smtp_exporter::probe::ceiling::Climbed;
use smtp_exporter::smtp::TlsMode;
use smtp_exporter::target::{Ladder, LadderMode, Place, Policy};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::{at, climb, ladder, measure, prober, run, seen, settled, start};

#[tokio::test]
async fn a_first_session_that_is_refused_for_another_reason_gives_no_number() {
    let barred = "554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using bl.test";
    let cases = [
        (Behaviour::refusing(barred), Cause::Blocklisted, true),
        (Behaviour::drops(), Cause::ConnectionDropped, false),
        (Behaviour::silent(), Cause::ReplyTimeout, false),
    ];
    for (behaviour, cause, paused) in cases {
        for mode in LadderMode::ALL {
            let server = start(behaviour.clone());
            let prober = prober(Policy::default());
            let job =
                climb(Ladder { mode: *mode, ..ladder(at(server.address()), TlsMode::None, 5) });
            let seen = seen(&prober, &job).await;
            let abort = seen.aborted.as_ref().unwrap_or_else(|| panic!("{seen:?}"));
            assert_eq!(abort.kind, AbortKind::Unfit, "{abort:?}");
            assert!(abort.detail.contains(cause.as_str()), "{abort:?}");
            // One who bars us is left alone, as after an ordinary probe.
            let pause = prober.pause_of(server.address().ip()).map(|(_, cause)| cause);
            assert_eq!(pause, paused.then_some(cause), "{mode} {cause}");
            assert_eq!(server.stats().sessions, 1, "{mode} {cause}");
        }
    }
    // TLS that the module requires, with nothing in common.
    let seen = measure(&start(Behaviour::rsa_only()), TlsMode::Required, 4).await;
    let abort = seen.aborted.as_ref().unwrap();
    assert_eq!((abort.kind, seen.accepted), (AbortKind::Unfit, 0), "{abort:?}");
    assert!(abort.detail.contains("tls"), "{abort:?}");
}

#[tokio::test]
async fn a_rate_recovers_in_a_time_that_is_measured() {
    let server = start(Behaviour::rate_limit(4));
    let prober = prober(Policy::default());
    let job = climb(Ladder {
        mode: LadderMode::Rate,
        ..ladder(at(server.address()), TlsMode::None, 200)
    });
    let task = tokio::spawn({
        let prober = prober.clone();
        async move { seen(&prober, &job).await }
    });
    while server.stats().sessions < 5 {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(1500)).await;
    server.behave(Behaviour::plain()).unwrap();
    let seen = task.await.unwrap();
    assert_eq!((seen.accepted, seen.recovered()), (4, Some(true)), "{seen:?}");
    // It asks after 1 s, in vain, and then after 1.5 s more.
    let took = seen.recovery.unwrap().as_secs_f64();
    assert!((2.4..4.0).contains(&took), "{took}");
    assert_eq!(prober.pause_of(server.address().ip()), None);
    settled(&server).await;
    assert_eq!((server.stats().sessions, server.stats().quit), (7, 5));
}

#[tokio::test]
async fn a_rate_that_is_stopped_says_quit_and_gives_no_number() {
    let server = start(Behaviour::plain());
    let prober = prober(Policy::default());
    let job = climb(Ladder {
        mode: LadderMode::Rate,
        ..ladder(at(server.address()), TlsMode::None, 100)
    });
    let stop = job.stop.clone();
    let task = tokio::spawn({
        let prober = prober.clone();
        async move { seen(&prober, &job).await }
    });
    while server.stats().quit < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    let begun = Instant::now();
    let seen = task.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(seen.aborted.as_ref().unwrap().kind, AbortKind::Stopped);
    assert_eq!(prober.pause_of(server.address().ip()), None);
    settled(&server).await;
    let stats = server.stats();
    assert_eq!((stats.quit, stats.dropped), (stats.sessions, 0), "{stats:?}");
}

#[tokio::test]
async fn stopped_before_it_recovered_the_remote_is_left_alone() {
    let server = start(Behaviour::connection_limit(0));
    let prober = prober(Policy::default());
    let job = climb(ladder(at(server.address()), TlsMode::None, 5));
    let stop = job.stop.clone();
    let task = tokio::spawn({
        let prober = prober.clone();
        async move { seen(&prober, &job).await }
    });
    while server.stats().sessions < 3 {
        sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    let begun = Instant::now();
    let seen = task.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(seen.aborted.as_ref().unwrap().kind, AbortKind::Stopped);
    let pause = prober.pause_of(server.address().ip()).unwrap();
    assert_eq!(pause.1, Cause::TooManyConnections);
}

/// A server that answers EHLO and nothing else, and what it heard.
async fn deaf_to_noop() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
    let shelf = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shelf = shelf.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                write.write_all(b"220 deaf\r\n").await.unwrap();
                let mut lines = BufReader::new(read).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line.starts_with("EHLO") {
                        write.write_all(b"250 deaf\r\n").await.unwrap();
                    }
                    shelf.lock().unwrap().push(line);
                }
            });
        }
    });
    (address, heard)
}

#[tokio::test]
async fn a_server_that_takes_its_time_over_noop_still_hears_quit() {
    let (address, heard) = deaf_to_noop().await;
    let said = |line: &str| heard.lock().unwrap().iter().filter(|heard| *heard == line).count();
    let mut ladder = ladder(at(address), TlsMode::None, 200);
    ladder.hold = Duration::from_millis(50);
    let mut module = (*ladder.check.module).clone();
    module.timeouts.reply = Duration::from_secs(60);
    ladder.check.module = module.into();
    let job = climb(ladder);
    let stop = job.stop.clone();
    let prober = prober(Policy::default());
    let task = tokio::spawn(async move { seen(&prober, &job).await });
    while said("NOOP") < 8 {
        sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    let begun = Instant::now();
    let seen = task.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(seen.aborted.as_ref().unwrap().kind, AbortKind::Stopped);
    assert!(said("QUIT") >= 8, "{heard:?}");
}

#[tokio::test]
async fn the_refusal_is_told_after_a_long_climb_with_long_answers() {
    let mut talkative = Behaviour::connection_limit(60);
    talkative.keywords = (0..60).map(|i| format!("XLONGKEYWORD{i} {}", "y".repeat(40))).collect();
    let server = start(talkative);
    let seen = measure(&server, TlsMode::None, 80).await;
    assert_eq!(seen.accepted, 60, "{seen:?}");
    assert!(!seen.transcript.truncated);
    let lines: Vec<_> = seen.transcript.lines().collect();
    let told = |text: &str| lines.iter().any(|line| line.text.contains(text));
    assert!(told("session 61 refused (reply): 421"), "{lines:?}");
    assert!(told("a new session was accepted after"), "{lines:?}");
    assert!(lines.is_sorted_by_key(|line| line.at), "{lines:?}");
}

#[tokio::test]
async fn two_targets_on_one_remote_are_measured_one_after_the_other() {
    let server = start(Behaviour::connection_limit(6));
    let prober = prober(Policy::default());
    let first = climb(ladder(at(server.address()), TlsMode::None, 10));
    let mut second = ladder(at(server.address()), TlsMode::Opportunistic, 10);
    let mut target = (*second.check.target).clone();
    target.name = "twin".into();
    second.check.target = target.into();
    let second = climb(second);
    let (first, second) = tokio::join!(seen(&prober, &first), seen(&prober, &second));
    assert_eq!((first.accepted, second.accepted), (6, 6), "{first:?} {second:?}");
    assert_eq!(server.stats().open_max, 7);
}

#[tokio::test]
async fn of_two_addresses_only_the_one_that_is_ours_is_measured() {
    let server = start(Behaviour::connection_limit(3));
    let zone = Zone::new()
        .address("mx.example.test", [127, 0, 0, 1])
        .address("mx.example.test", [192, 0, 2, 9]);
    let dns = Dns::start("127.0.0.1:0".parse().unwrap(), &zone).unwrap();
    let mut policy = Policy { dns_servers: vec![dns.address()], ..Policy::default() };
    policy.own.domains.push("example.test".into());
    let prober = prober(policy);
    let place = Place::parse(&format!("mx.example.test:{}", server.address().port())).unwrap();
    let all = run(&prober, &climb(ladder(place, TlsMode::None, 5))).await;
    assert_eq!(all.len(), 2, "{all:?}");
    for climbed in all {
        let Climbed::Seen(seen) = climbed else { panic!("{climbed:?}") };
        let kind = seen.aborted.as_ref().map(|abort| abort.kind);
        if seen.endpoint.address == Some(server.address().ip()) {
            assert_eq!((seen.accepted, kind), (3, None), "{seen:?}");
        } else {
            assert_eq!((seen.accepted, kind), (0, Some(AbortKind::NotOurs)), "{seen:?}");
        }
    }
}

#[tokio::test]
async fn each_source_address_is_measured_by_itself() {
    let server = start(Behaviour::connection_limit(3));
    let sources = ["127.0.0.5", "127.0.0.6"].map(|source| source.parse().unwrap());
    let prober = prober(Policy { source_addresses: sources.to_vec(), ..Policy::default() });
    let all = run(&prober, &climb(ladder(at(server.address()), TlsMode::None, 5))).await;
    let found: Vec<_> = all
        .iter()
        .map(|climbed| match climbed {
            Climbed::Seen(seen) => (seen.endpoint.source, seen.accepted),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, sources.map(|source| (Some(source), 3)));
}

#[tokio::test]
async fn a_run_that_goes_away_gives_the_remote_back_and_says_quit() {
    let server = start(Behaviour::plain());
    let prober = prober(Policy::default());
    let job = climb(ladder(at(server.address()), TlsMode::None, 100));
    let check = job.ladder.check.clone();
    let task = tokio::spawn({
        let prober = prober.clone();
        async move { run(&prober, &job).await }
    });
    while server.stats().open < 6 {
        sleep(Duration::from_millis(5)).await;
    }
    // As a panic would.
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let round = super::manners::probe(&prober, &check, Duration::from_secs(5)).await;
    assert!(round.observations[0].success(), "{round:?}");
    settled(&server).await;
    let stats = server.stats();
    assert!(stats.dropped <= 1 && stats.quit >= 6, "{stats:?}");
    // Another run can begin.
    let again = climb(ladder(at(server.address()), TlsMode::None, 2));
    assert_eq!(seen(&prober, &again).await.accepted, 2);
}

#[tokio::test]
async fn an_address_of_ours_in_its_mapped_form_is_ours() {
    let server = start(Behaviour::plain());
    let place = format!("[::ffff:127.0.0.1]:{}", server.address().port());
    let seen = seen(
        &prober(Policy::default()),
        &climb(ladder(Place::parse(&place).unwrap(), TlsMode::None, 2)),
    )
    .await;
    assert_eq!((seen.accepted, seen.aborted.as_ref()), (2, None), "{seen:?}");
    let foreign = Place::parse("[::ffff:192.0.2.9]:25").unwrap();
    let all = run(&prober(Policy::default()), &climb(ladder(foreign, TlsMode::None, 2))).await;
    let [Climbed::Seen(seen)] = &all[..] else { panic!("{all:?}") };
    assert_eq!(seen.aborted.as_ref().unwrap().kind, AbortKind::NotOurs);
}
