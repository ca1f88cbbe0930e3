//! The end: no new probes, QUIT in what is open, answers that are being written are finished, and
//! exit code 0.

use std::time::Duration;

use rustix::process::Signal;
use smtp_exporter::demo::behaviour::Point;
use smtp_exporter::demo::{Behaviour, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::house::{Exporter, ask, config, eventually, server, without_dns};

async fn drained_by(signal: Signal, last: u8) {
    // One has greeted and takes its time over EHLO, one has not greeted yet.
    let late = [Step::Wait(Duration::from_millis(1200)), Step::Text("250 {name}".to_owned())];
    let greeted = server([127, 0, 2, last], Behaviour::plain().on(Point::Ehlo, late));
    let mute = server([127, 0, 2, last + 1], Behaviour::silent());
    let targets = [&greeted, &mute]
        .map(|server| format!("{{host: \"{}\", module: patient}}", server.address()));
    let mut exporter = Exporter::start(&config(&without_dns(), &targets)).await;
    eventually("both are in session", || {
        greeted.stats().said("EHLO") == 1 && mute.stats().open == 1
    })
    .await;
    // A scrape whose request is half there is finished too.
    let mut scrape = TcpStream::connect(exporter.address).await.unwrap();
    scrape.write_all(b"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n").await.unwrap();
    let started = Instant::now();
    exporter.signal(signal);
    let mut answer = String::new();
    scrape.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200") && answer.contains("smtp_exporter_build_info"));
    let status = exporter.ended(Duration::from_secs(15)).await;
    assert_eq!(status.code(), Some(0), "{}", exporter.log());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    eventually("the servers saw the end", || greeted.stats().open + mute.stats().open == 0).await;
    assert_eq!(greeted.stats().quit, 1, "{:?}", greeted.log());
    assert_eq!((mute.stats().quit, mute.stats().early), (0, 0), "QUIT before the greeting");
    assert_eq!(greeted.stats().sessions, 1);
    assert!(exporter.log().contains("stopping"));
    assert!(!exporter.log().contains("not everything ended in time"), "{}", exporter.log());
}

#[tokio::test]
async fn sigterm_says_quit_and_exits_0() {
    drained_by(Signal::TERM, 1).await;
}

#[tokio::test]
async fn sigint_says_quit_and_exits_0() {
    drained_by(Signal::INT, 3).await;
}

#[tokio::test]
async fn a_probe_that_somebody_waits_for_is_answered() {
    let late = [Step::Wait(Duration::from_secs(1)), Step::Text("250 {name}".to_owned())];
    let slow = server([127, 0, 2, 5], Behaviour::plain().on(Point::Ehlo, late));
    let target =
        format!("{{name: slow, host: \"{}\", module: patient, interval: 1h}}", slow.address());
    let mut exporter = Exporter::start(&config(&without_dns(), &[target])).await;
    let address = exporter.address;
    let asked = tokio::spawn(async move { ask(address, "GET", "/probe?target=slow", "").await });
    eventually("it is in session", || slow.stats().said("EHLO") == 1).await;
    exporter.signal(Signal::TERM);
    let answer = asked.await.unwrap();
    assert!([200, 503].contains(&answer.status), "{}", answer.text);
    assert!(!answer.text.contains("smtp_target_up{target=\"slow\",module=\"patient\"} 0"));
    assert_eq!(exporter.ended(Duration::from_secs(15)).await.code(), Some(0));
    eventually("the server saw the end", || slow.stats().open == 0).await;
    assert_eq!((slow.stats().quit, slow.stats().dropped), (1, 0), "{:?}", slow.log());
}
