//! `/probe`: what it takes, whom it lets probe what, and what it answers from memory.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use smtp_exporter::cause::Cause;
use smtp_exporter::observation::{DnsReason, Failure, Round, Skip, SkipReason};
use smtp_exporter::smtp::Phase;
use smtp_exporter::target::{Auth, Endpoint, Module, Secret};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::{House, endpoint, module, observation, refusal, resolved, round, seen};

#[tokio::test]
async fn a_configured_target_is_probed_and_leaves_no_trace_in_the_store() {
    let house = House::start(|_| ()).await;
    let answer = house.get("/probe?target=mx1").await;
    answer.has(200, "smtp_probe_success{target=\"mx1\",module=\"smtp\",");
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(!answer.text().contains("_total"), "counters in:\n{}", answer.text());
    assert!(!answer.text().contains("smtp_exporter_build_info"));
    let key = (Arc::from("mx1"), Arc::from("smtp"));
    assert!(house.store.view(&key).unwrap().endpoints.is_empty());
    let job = house.prober.jobs.lock().unwrap()[0].clone();
    assert!(job.admit.is_none());
    assert_eq!(job.patience, Duration::from_secs(60));
}

#[tokio::test]
async fn debug_shows_the_log_before_the_metrics() {
    let house = House::start(|_| ()).await;
    house.prober.behave(|job| {
        let sees = resolved(&job, &[]).iter().map(|e| observation(e, Some(refusal()))).collect();
        Box::pin(async move { round(sees) })
    });
    let answer = house.get("/probe?target=mx1&debug=true").await;
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    for part in [
        "target   mx1 (192.0.2.25)\n",
        "verdict  down: blocklisted in greeting, blame sender, rule ",
        "endpoint 192.0.2.25:25 at 192.0.2.25\n",
        "  greeting      0.003000  554 blocklisted\n",
        "      0.003 S 220 mx <script>",
        "\nmetrics\n# HELP ",
    ] {
        answer.has(200, part);
    }
}

#[tokio::test]
async fn wrong_questions_are_told_the_mend() {
    let house = House::start(|_| ()).await;
    for (query, part) in [
        ("", "`target` is missing"),
        ("?target=", "`target` is missing"),
        ("?target=mx1&target=mx1", "`target` is given twice"),
        ("?target=mx1&module=a&module=b", "`module` is given twice"),
        (
            "?target=mx1&module=nothing",
            "there is no module `nothing`; modules are: relay_check, smtp",
        ),
        ("?target=mx1&debug=maybe", "`debug` takes"),
        ("?target=0x7f.1", "four decimal numbers"),
        ("?target=%00", "no host name can"),
        ("?target=%ff", "not UTF-8"),
    ] {
        house.get(&format!("/probe{query}")).await.has(400, part);
    }
    for header in ["0", "-1", "soon", "NaN", "inf", ""] {
        let header = format!("X-Prometheus-Scrape-Timeout-Seconds: {header}\r\n");
        let answer = house.ask("GET", "/probe?target=mx1", &header).await;
        answer.has(400, "must be a number of seconds above 0");
    }
    assert_eq!(house.prober.calls(), 0);
}

#[tokio::test]
async fn targets_that_are_not_allowed_get_403_with_the_setting() {
    let house = House::start(|_| ()).await;
    house.get("/probe?target=mx.example.org").await.has(403, "probe.allow");
    house.get("/probe?target=127.0.0.1").await.has(403, "probe.allow");
    house.get("/probe?target=domain:example.org").await.has(403, "probe.allow");
    assert_eq!(house.prober.calls(), 0, "nothing is resolved in vain");

    house.allow(&["example.org", "198.51.100.0/24"]);
    house.get("/probe?target=mx.example.org").await.has(200, "smtp_probe_success");
    house.get("/probe?target=domain:example.org").await.has(200, "smtp_probe_success");
    house.get("/probe?target=198.51.100.7:587").await.has(200, "smtp_probe_success");
    house.get("/probe?target=198.51.100.7:22").await.has(403, "465, 587, 2525");
    house.get("/probe?target=203.0.113.1").await.has(403, "no network of probe.allow");
    house.get("/probe?target=elsewhere.test").await.has(403, "192.0.2.25 is in no network");
}

#[tokio::test]
async fn a_name_that_turns_to_loopback_is_not_connected_to() {
    let house = House::start(|_| ()).await;
    house.allow(&["example.org"]);
    house.prober.behave(|job| Box::pin(async move { seen(&job, &["127.0.0.1"]) }));
    house.get("/probe?target=rebind.example.org").await.has(403, "not a public address");
    house.prober.behave(|job| Box::pin(async move { seen(&job, &["127.0.0.1", "192.0.2.9"]) }));
    let mixed = house.get("/probe?target=mixed.example.org&debug=1").await;
    mixed.has(200, "address=\"192.0.2.9\"");
    mixed.has(200, "not probed: mixed.example.org:25 at 127.0.0.1, not allowed");
    assert!(!mixed.text().contains("address=\"127.0.0.1\""));
}

#[tokio::test]
async fn credentials_go_to_targets_that_name_the_module_only() {
    let house = House::start(|_| ()).await;
    let secret = Secret::Password("hunter2".to_owned().into());
    let auth = Some(Auth { username: "probe".into(), secret, allow_plaintext: false });
    let login = Module { auth, ..(*module("login")).clone() };
    house.change_running(|running| {
        running.modules.insert("login".into(), Arc::new(login));
    });
    house.allow(&["any"]);
    house.get("/probe?target=mx1&module=login").await.has(403, "does not name it");
    house.get("/probe?target=evil.test&module=login").await.has(403, "configured targets only");
    house.get("/probe?target=mx1&module=relay_check").await.has(200, "module=\"relay_check\"");
    assert_eq!(house.prober.calls(), 1);
}

#[tokio::test]
async fn the_timeout_header_less_the_offset_is_the_deadline() {
    let house = House::start(|_| ()).await;
    house.set_min_interval(Duration::ZERO);
    for (header, budget) in [("10", 9.5), ("0.6", 0.3), ("1e30", 599.5)] {
        let header = format!("X-Prometheus-Scrape-Timeout-Seconds: {header}\r\n");
        let before = Instant::now();
        house.ask("GET", "/probe?target=mx1", &header).await.has(200, "smtp_probe_success");
        let job = house.prober.jobs.lock().unwrap().pop().unwrap();
        assert!((job.patience.as_secs_f64() - budget).abs() < 0.001, "{:?}", job.patience);
        let deadline = job.deadline.unwrap() - job.patience;
        assert!(deadline >= before && deadline <= Instant::now());
    }
}

#[tokio::test]
async fn a_probe_that_overstays_is_503_and_serves_the_next() {
    let house = House::start(|_| ()).await;
    house.prober.behave(|job| {
        Box::pin(async move {
            sleep(Duration::from_millis(700)).await;
            seen(&job, &["192.0.2.25"])
        })
    });
    let header = "X-Prometheus-Scrape-Timeout-Seconds: 0.4\r\n";
    let started = Instant::now();
    let late = house.ask("GET", "/probe?target=mx1", header).await;
    late.has(503, "within the scrape's timeout");
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    sleep(Duration::from_millis(600)).await;
    house.ask("GET", "/probe?target=mx1", header).await.has(200, "smtp_probe_success");
    assert_eq!(house.prober.calls(), 1);
}

#[tokio::test]
async fn a_fresh_result_is_answered_again() {
    let house = House::start(|_| ()).await;
    house.allow(&["192.0.2.0/24"]);
    for target in ["mx1", "192.0.2.77"] {
        let before = house.prober.calls();
        let first = house.get(&format!("/probe?target={target}")).await;
        let again = house.get(&format!("/probe?target={target}")).await;
        assert_eq!(first.text(), again.text());
        assert_eq!(house.prober.calls(), before + 1, "{target}");
        let debug = house.get(&format!("/probe?target={target}&debug=1")).await;
        debug.has(200, "younger than probe.min_interval");
    }
    house.allow(&[]);
    house.get("/probe?target=192.0.2.77").await.has(403, "probe.allow");
    house.set_min_interval(Duration::ZERO);
    let before = house.prober.calls();
    house.get("/probe?target=mx1").await.has(200, "smtp_probe_success");
    assert_eq!(house.prober.calls(), before + 1);
}

#[tokio::test]
async fn what_the_schedule_saw_lately_is_the_answer_too() {
    let house = House::start(|_| ()).await;
    let failed = observation(&endpoint("mx1", 25, "192.0.2.25"), Some(refusal()));
    house.schedule("mx1", &round(vec![failed]));
    house.get("/probe?target=mx1").await.has(200, "cause=\"blocklisted\"");
    assert_eq!(house.prober.calls(), 0);
}

#[tokio::test]
async fn concurrent_questions_share_one_probe() {
    let house = House::start(|_| ()).await;
    house.set_min_interval(Duration::ZERO);
    house.prober.behave(|job| {
        Box::pin(async move {
            sleep(Duration::from_millis(300)).await;
            seen(&job, &["192.0.2.25"])
        })
    });
    let answers = tokio::join!(
        house.get("/probe?target=mx1"),
        house.get("/probe?target=mx1"),
        house.get("/probe?target=mx1&debug=true"),
        house.get("/probe?target=relay"),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        answer.has(200, "smtp_probe_success");
    }
    assert_eq!(house.prober.calls(), 2);
}

#[tokio::test]
async fn the_impatient_do_not_spoil_it_for_the_patient() {
    let house = House::start(|_| ()).await;
    house.prober.behave(|job| {
        Box::pin(async move {
            let end = Instant::now() + Duration::from_millis(600);
            if job.deadline.unwrap() < end {
                tokio::time::sleep_until(job.deadline.unwrap()).await;
                let cut = Failure::new(Phase::Greeting, Cause::DeadlineExceeded, "our clock");
                return round(vec![observation(&resolved(&job, &[])[0], Some(cut))]);
            }
            tokio::time::sleep_until(end).await;
            seen(&job, &["192.0.2.25"])
        })
    });
    let impatient = "X-Prometheus-Scrape-Timeout-Seconds: 0.5\r\n";
    let (first, second) = tokio::join!(house.ask("GET", "/probe?target=mx1", impatient), async {
        sleep(Duration::from_millis(50)).await;
        house.get("/probe?target=mx1").await
    });
    first.has(200, "cause=\"deadline_exceeded\"");
    assert_eq!(second.status, 200);
    assert!(!second.text().contains("deadline_exceeded"), "{}", second.text());
    assert_eq!(house.prober.calls(), 2);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_an_answer() {
    let house = House::start(|_| ()).await;
    house.allow(&["example.org"]);
    house.prober.behave(|job| {
        Box::pin(async move {
            let nowhere =
                Endpoint { host: "".into(), address: None, ..resolved(&job, &["::1"])[0].clone() };
            let failure = Failure::dns(DnsReason::Nxdomain, "no such name");
            let unresolved = observation(&nowhere, Some(failure));
            Round { endpoints: Vec::new(), ..round(vec![unresolved]) }
        })
    });
    let answer = house.get("/probe?target=gone.example.org").await;
    answer.has(200, "endpoint=\"\",address=\"\"} 0\n");
    answer.has(200, "cause=\"dns_failure\",blame=\"target\"");
}

fn skipped(job: &smtp_exporter::probe::Job, reason: SkipReason) -> Round {
    let until = Some(SystemTime::now() + Duration::from_secs(300));
    let cause = (reason == SkipReason::Backoff).then_some(Cause::TooManyConnections);
    let endpoints = resolved(job, &["192.0.2.25"]);
    let skip = |e: &_| (Clone::clone(e), Skip { reason, until, cause });
    Round { skipped: endpoints.iter().map(skip).collect(), endpoints, ..round(Vec::new()) }
}

#[tokio::test]
async fn a_paused_remote_gives_the_last_result_or_503() {
    let house = House::start(|_| ()).await;
    house.set_min_interval(Duration::ZERO);
    house.get("/probe?target=mx1").await.has(200, "smtp_probe_success");
    house.prober.behave(|job| Box::pin(async move { skipped(&job, SkipReason::Backoff) }));
    house.get("/probe?target=mx1").await.has(200, "smtp_probe_success");
    let debug = house.get("/probe?target=mx1&debug=1").await;
    debug.has(200, "answer   the remote asked us to stay away: paused until 20");
    let none = house.get("/probe?target=relay").await;
    none.has(503, "there is no earlier result");
    let wait: u64 = none.headers["retry-after"].parse().unwrap();
    assert!((290..=300).contains(&wait), "{wait}");

    // The schedule knows of the pause: nobody is asked again.
    let job = house.prober.jobs.lock().unwrap()[0].clone();
    house.schedule("mx1", &skipped(&job, SkipReason::Backoff));
    let before = house.prober.calls();
    house.get("/probe?target=mx1").await.has(200, "smtp_probe_success");
    house.schedule("relay", &skipped(&job, SkipReason::Backoff));
    house.get("/probe?target=relay&module=smtp").await.has(503, "paused until");
    assert_eq!(house.prober.calls(), before);
}

/// A server that is not ours may be probed less often than Prometheus asks.
#[tokio::test]
async fn a_probe_that_is_not_due_gives_the_last_result() {
    let house = House::start(|_| ()).await;
    house.set_min_interval(Duration::ZERO);
    house.get("/probe?target=mx1").await.has(200, "smtp_probe_success");
    house.prober.behave(|job| Box::pin(async move { skipped(&job, SkipReason::Budget) }));
    house.get("/probe?target=mx1&debug=1").await.has(200, "answer   from memory: no probe is due");
    house.get("/probe?target=mx1").await.has(200, "smtp_probe_success");
    assert_eq!(house.prober.calls(), 3);
    house.get("/probe?target=relay").await.has(503, "not probed (budget)");
}

#[tokio::test]
async fn what_could_not_be_probed_says_why() {
    let house = House::start(|_| ()).await;
    for (reason, part) in [
        (SkipReason::Budget, "not probed (budget)"),
        (SkipReason::Ladder, "not probed (ladder)"),
        (SkipReason::Shutdown, "not probed (shutdown)"),
    ] {
        house.prober.behave(move |job| Box::pin(async move { skipped(&job, reason) }));
        house.get("/probe?target=mx1").await.has(503, part);
    }
    house.prober.behave(|_| Box::pin(async { round(Vec::new()) }));
    house.get("/probe?target=mx1").await.has(503, "no address to probe");
    house.prober.behave(|_| Box::pin(async { panic!("on purpose") }));
    house.get("/probe?target=mx1").await.has(500, "without a result");
    house.get("/-/healthy").await.has(200, "healthy");
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_probe() {
    let house = House::start(|_| ()).await;
    house.prober.behave(|job| {
        Box::pin(async move {
            sleep(Duration::from_millis(300)).await;
            seen(&job, &["192.0.2.25"])
        })
    });
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"GET /probe?target=mx1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    drop(stream);
    sleep(Duration::from_millis(400)).await;
    let answer = house.get("/probe?target=mx1&debug=1").await;
    answer.has(200, "younger than probe.min_interval");
    assert_eq!(house.prober.calls(), 1);
}
