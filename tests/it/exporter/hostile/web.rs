//! Clients of our own web side that mean harm, while scrapes and probes go on.

use std::time::Duration;

use smtp_exporter::demo::Behaviour;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::{bounded, config, probes};
use crate::exporter::house::{Exporter, server, without_dns};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_hold_up_neither_scrapes_nor_probes() {
    let well = server([127, 0, 63, 1], Behaviour::plain());
    let target = format!("{{name: healthy, host: \"{}\", module: plain}}", well.address());
    let text = config(&without_dns(), &[target])
        .replace("  often:", "  plain: {tls: none, interval: 1s}\n  often:");
    let mut exporter = Exporter::start(&text).await;
    let mut held = Vec::new();
    // More than there are places for connections.
    for number in 0..600 {
        let mut stream = TcpStream::connect(exporter.address).await.unwrap();
        let start: &[u8] = match number % 4 {
            // Nothing, half a head, a head that never ends, and an answer that is not taken.
            0 => b"",
            1 => b"GET /met",
            2 => b"GET /metrics HTTP/1.1\r\nX: ",
            _ => b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        stream.write_all(start).await.unwrap();
        held.push((number, stream));
    }
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    while started.elapsed() < Duration::from_secs(5) {
        for (number, stream) in &mut held {
            let drip: &[u8] = match *number % 4 {
                2 => b"x",
                // As many requests ahead as the buffers take.
                3 => b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
                _ => b"",
            };
            // What was cut off already is no matter.
            let _ = stream.try_write(drip);
        }
        let asked = Instant::now();
        exporter.metrics().await;
        slowest = slowest.max(asked.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    println!("slowest scrape {slowest:?}");
    assert!(slowest < Duration::from_secs(3), "a scrape took {slowest:?}");
    let read = exporter.metrics().await;
    assert!(probes(&read, "healthy") >= 3.0, "{}", probes(&read, "healthy"));
    drop(held);
    bounded(&mut exporter, &read).await;
}
