//! Clients that are slow, many, or too much, and the end of the server.

use std::time::Duration;

use smtp_exporter::web::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::{Answer, House, seen};

const PING: &[u8] = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n";

async fn connect(house: &House) -> TcpStream {
    TcpStream::connect(house.address).await.unwrap()
}

/// Sends a request on a connection that stays open and reads the answer's head.
async fn ping(stream: &mut TcpStream) -> String {
    stream.write_all(PING).await.unwrap();
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).await.unwrap();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

/// Waits for the server to close.
async fn closed(stream: &mut TcpStream, within: Duration) -> bool {
    let mut buffer = Vec::new();
    timeout(within, stream.read_to_end(&mut buffer)).await.is_ok()
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off() {
    let header_timeout = Duration::from_millis(300);
    let house =
        House::start(|state| state.limits = Limits { header_timeout, ..Limits::default() }).await;
    let stream = connect(&house).await;
    let (mut reader, mut writer) = stream.into_split();
    let started = Instant::now();
    let dripping = tokio::spawn(async move {
        for byte in b"GET /-/healthy HTTP/1.1\r\nX: ".iter().chain([b'a'; 1000].iter()) {
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = Vec::new();
    let end = timeout(Duration::from_secs(5), reader.read_to_end(&mut answer)).await;
    assert!(end.is_ok(), "still open after {:?}", started.elapsed());
    assert!(started.elapsed() >= header_timeout);
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
    dripping.abort();
}

#[tokio::test]
async fn idle_connections_are_kept_and_then_closed() {
    let header_timeout = Duration::from_millis(400);
    let house =
        House::start(|state| state.limits = Limits { header_timeout, ..Limits::default() }).await;
    let mut stream = connect(&house).await;
    for _ in 0..3 {
        assert!(ping(&mut stream).await.contains(" 200 "));
        sleep(Duration::from_millis(200)).await;
    }
    assert!(closed(&mut stream, Duration::from_secs(3)).await);
}

#[tokio::test]
async fn large_heads_and_bodies_are_refused() {
    let house = House::start(|_| ()).await;
    let long = format!("X: {}\r\n", "a".repeat(20_000));
    assert_eq!(house.ask("GET", "/-/healthy", &long).await.status, 431);
    let many: String = (0..80).map(|i| format!("X-{i}: a\r\n")).collect();
    assert_eq!(house.ask("GET", "/-/healthy", &many).await.status, 431);
    let long = format!("/probe?target={}", "a".repeat(5000));
    house.get(&long).await.has(400, "4096 bytes");
    // The body never comes: the answer does not wait for it.
    let large = house.ask("POST", "/-/reload", "Content-Length: 65537\r\n").await;
    large.has(413, "65536 bytes");
    assert_eq!(house.control.reloads.load(std::sync::atomic::Ordering::SeqCst), 0);
    let unread = house.ask("POST", "/-/reload", "Content-Length: 65536\r\n").await;
    assert_eq!(unread.status, 200);
    assert_eq!(house.ask("GET", "bad path", "").await.status, 400);
}

#[tokio::test]
async fn connections_over_the_cap_wait() {
    let house =
        House::start(|state| state.limits = Limits { connections: 1, ..Limits::default() }).await;
    let mut first = connect(&house).await;
    assert!(ping(&mut first).await.contains(" 200 "));
    let mut second = connect(&house).await;
    let early = timeout(Duration::from_millis(300), ping(&mut second)).await;
    assert!(early.is_err(), "answered over the cap: {early:?}");
    drop(first);
    let mut buffer = [0; 1024];
    let read = timeout(Duration::from_secs(3), second.read(&mut buffer)).await.unwrap().unwrap();
    assert!(read > 0);
}

#[tokio::test]
async fn who_takes_no_answer_loses_the_connection() {
    let write_stall = Duration::from_millis(300);
    let house = House::start(|state| {
        state.limits = Limits { connections: 1, write_stall, ..Limits::default() };
    })
    .await;
    house.change_running(|running| running.shown = "a".repeat(64 << 20));
    let mut deaf = connect(&house).await;
    deaf.write_all(b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    // The only permit comes back although the first client keeps its connection.
    let mut next = connect(&house).await;
    let answer = timeout(Duration::from_secs(5), ping(&mut next)).await;
    assert!(answer.unwrap().contains(" 200 "));
    drop(deaf);
}

#[tokio::test]
async fn shutdown_finishes_what_is_in_flight() {
    let house = House::start(|_| ()).await;
    house.prober.behave(|job| {
        Box::pin(async move {
            sleep(Duration::from_millis(400)).await;
            seen(&job, &["192.0.2.25"])
        })
    });
    let mut idle = connect(&house).await;
    assert!(ping(&mut idle).await.contains(" 200 "));
    let mut silent = connect(&house).await;
    let mut busy = connect(&house).await;
    busy.write_all(b"GET /probe?target=mx1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    house.shutdown.cancel();
    let answer = Answer::read(&mut busy).await;
    assert_eq!(answer.status, 200);
    timeout(Duration::from_secs(3), house.served).await.expect("still serving").unwrap();
    assert!(started.elapsed() < Duration::from_secs(2), "idle connections held it up");
    assert!(closed(&mut idle, Duration::from_secs(1)).await);
    assert!(closed(&mut silent, Duration::from_secs(1)).await);
    assert!(TcpStream::connect(house.address).await.is_err());
}

#[tokio::test]
async fn shutdown_does_not_wait_longer_than_its_grace() {
    let house = House::with_grace(|_| (), Duration::from_millis(300)).await;
    house.prober.behave(|_| Box::pin(std::future::pending()));
    let mut busy = connect(&house).await;
    busy.write_all(b"GET /probe?target=mx1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    house.shutdown.cancel();
    timeout(Duration::from_secs(3), house.served).await.expect("still serving").unwrap();
    assert!(closed(&mut busy, Duration::from_secs(1)).await);
}
