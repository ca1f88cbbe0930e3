//! Clients that are slow, many, or too much, and the end of the server.

use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::target::Check;
use smtp_exporter::web::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::{Answer, House, checks, module, seen, target};

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

/// Makes `/metrics` a text of 12 MB.
fn fill(house: &House) {
    let many: Vec<Check> = (0..6000)
        .map(|n| target(&format!("mx{n}"), "192.0.2.25", vec![module("smtp")]))
        .flat_map(|target| checks(&target))
        .collect();
    house.store.replace_checks(&many, 10);
}

/// A client that asks for everything and takes nothing.
async fn deaf_to_metrics(house: &House) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(house.address).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stream.readable().await.unwrap();
    stream
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
async fn connections_over_the_cap_wait_while_others_are_answered() {
    let house =
        House::start(|state| state.limits = Limits { connections: 1, ..Limits::default() }).await;
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    house.prober.behave(move |job| {
        let gate = gate.clone();
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            seen(&job, &["192.0.2.25"])
        })
    });
    let mut first = connect(&house).await;
    first.write_all(b"GET /probe?target=mx1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    while house.prober.calls() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    let mut second = connect(&house).await;
    let early = timeout(Duration::from_millis(300), ping(&mut second)).await;
    assert!(early.is_err(), "answered over the cap: {early:?}");
    opened.add_permits(1);
    assert_eq!(Answer::read(&mut first).await.status, 200);
    // It is kept alive, but has no use for its place any more.
    let mut buffer = [0; 1024];
    let read = timeout(Duration::from_secs(3), second.read(&mut buffer)).await.unwrap().unwrap();
    assert!(read > 0);
    assert!(closed(&mut first, Duration::from_secs(1)).await);
}

#[tokio::test]
async fn who_asked_nothing_for_longest_makes_room() {
    let house =
        House::start(|state| state.limits = Limits { connections: 3, ..Limits::default() }).await;
    let mut first = connect(&house).await;
    assert!(ping(&mut first).await.contains(" 200 "));
    let mut silent = connect(&house).await;
    sleep(Duration::from_millis(200)).await;
    let mut slow = connect(&house).await;
    slow.write_all(b"GET /-/healthy HTTP/1.1\r\nX: ").await.unwrap();
    sleep(Duration::from_millis(200)).await;
    assert!(ping(&mut first).await.contains(" 200 "));
    let second = Duration::from_secs(1);
    let mut fourth = connect(&house).await;
    assert!(timeout(second, ping(&mut fourth)).await.unwrap().contains(" 200 "));
    assert!(closed(&mut silent, second).await);
    let mut fifth = connect(&house).await;
    assert!(timeout(second, ping(&mut fifth)).await.unwrap().contains(" 200 "));
    assert!(closed(&mut slow, second).await);
    for stream in [&mut first, &mut fourth, &mut fifth] {
        assert!(ping(stream).await.contains(" 200 "));
    }
}

#[tokio::test]
async fn a_crowd_that_asks_nothing_keeps_nobody_waiting() {
    let house =
        House::start(|state| state.limits = Limits { connections: 8, ..Limits::default() }).await;
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(connect(&house).await);
        let mut asks = connect(&house).await;
        let answer = timeout(Duration::from_secs(2), ping(&mut asks)).await;
        assert!(answer.unwrap().contains(" 200 "));
    }
}

#[tokio::test]
async fn an_answer_that_is_taken_slowly_keeps_its_place() {
    let house =
        House::start(|state| state.limits = Limits { connections: 1, ..Limits::default() }).await;
    let length = 32 << 20;
    house.change_running(|running| running.shown = "a".repeat(length));
    let mut slow = connect(&house).await;
    slow.write_all(b"GET /config HTTP/1.0\r\nHost: x\r\n\r\n").await.unwrap();
    slow.readable().await.unwrap();
    let mut next = connect(&house).await;
    let early = timeout(Duration::from_millis(300), ping(&mut next)).await;
    assert!(early.is_err(), "answered over the cap: {early:?}");
    // For longer than it may take nothing.
    let mut answer = Vec::new();
    while answer.len() < length {
        let piece = (&mut slow).take(1 << 20).read_to_end(&mut answer).await.unwrap();
        assert!(piece > 0, "cut off after {} bytes", answer.len());
        sleep(Duration::from_millis(80)).await;
    }
    slow.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(&b"a".repeat(length)), "{} bytes", answer.len());
    let mut buffer = [0; 1024];
    let read = timeout(Duration::from_secs(3), next.read(&mut buffer)).await.unwrap().unwrap();
    assert!(read > 0);
}

#[tokio::test]
async fn an_answer_that_is_written_as_it_is_sent_keeps_its_place() {
    let house =
        House::start(|state| state.limits = Limits { connections: 1, ..Limits::default() }).await;
    fill(&house);
    let mut takes = connect(&house).await;
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    takes.write_all(request).await.unwrap();
    takes.readable().await.unwrap();
    let mut next = connect(&house).await;
    let (answer, after) = tokio::join!(Answer::read(&mut takes), ping(&mut next));
    answer.has(200, "target=\"mx5999\"");
    assert!(after.contains(" 200 "));
}

#[tokio::test]
async fn who_takes_no_answer_makes_room_for_a_connection() {
    let house =
        House::start(|state| state.limits = Limits { connections: 1, ..Limits::default() }).await;
    fill(&house);
    let _deaf = deaf_to_metrics(&house).await;
    let mut next = connect(&house).await;
    let early = timeout(Duration::from_secs(1), ping(&mut next)).await;
    assert!(early.is_err(), "answered over the cap: {early:?}");
    let mut buffer = [0; 1024];
    let read = timeout(Duration::from_secs(5), next.read(&mut buffer)).await.unwrap().unwrap();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_take_nothing_of_large_answers_keep_nobody_waiting() {
    let house = House::start(|_| ()).await;
    fill(&house);
    // As many as there may be large answers, one of them longer than the others.
    let mut deaf = vec![deaf_to_metrics(&house).await];
    sleep(Duration::from_secs(1)).await;
    for _ in 1..16 {
        deaf.push(deaf_to_metrics(&house).await);
    }
    sleep(Duration::from_millis(1500)).await;
    house.get("/metrics").await.has(200, "target=\"mx5999\"");
    let mut texts = Vec::new();
    for mut stream in deaf {
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text).await;
        texts.push(text);
    }
    let whole: Vec<bool> = texts.iter().map(|text| text.ends_with(b"0\r\n\r\n")).collect();
    assert_eq!(whole, [&[false], &[true; 15][..]].concat());
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
