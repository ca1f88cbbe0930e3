//! Requests to an exporter's `/probe`, as Prometheus makes them: over connections that are kept, in
//! a closed loop (`count`, `concurrency`) or each target at a moment of its own (`interval`, `rounds`).

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Words, target};

/// Asks, and says what came of it in one line.
pub(super) fn run(words: &Words) {
    let asker = Arc::new(Asker {
        address: words.text("address").parse().unwrap(),
        path: words.text("path").to_owned(),
        want: words.text("want").to_owned(),
        gzip: words.number("gzip") == 1,
        kept: Mutex::default(),
        good: AtomicU64::new(0),
        bad: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (took, whole) = runtime.block_on(async {
        let begun = Instant::now();
        let took = if words.number("rounds") > 0 {
            paced(&asker, words, begun).await
        } else {
            closed(&asker, words).await
        };
        (took, begun.elapsed())
    });
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (good, bad, bytes) = (read(&asker.good), read(&asker.bad), read(&asker.bytes));
    println!("{}", super::summary(whole, took, json!({"good": good, "bad": bad, "bytes": bytes})));
}

async fn closed(asker: &Arc<Asker>, words: &Words) -> Vec<Duration> {
    let (count, targets) = (words.number("count"), words.number("targets"));
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..words.number("concurrency") {
        let (asker, next) = (asker.clone(), next.clone());
        tasks.spawn(async move {
            let mut took = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= count {
                    return took;
                }
                took.push(asker.ask(i % targets).await);
            }
        });
    }
    tasks.join_all().await.concat()
}

async fn paced(asker: &Arc<Asker>, words: &Words, begun: Instant) -> Vec<Duration> {
    let (rounds, targets) = (words.number("rounds"), words.number("targets"));
    let interval = Duration::from_millis(words.number("interval"));
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..targets {
        let asker = asker.clone();
        // A stride that shares nothing with the number spreads neighbours over the interval.
        let first = interval.mul_f64((i * 7919 % targets) as f64 / targets as f64);
        tasks.spawn(async move {
            let mut took = Vec::new();
            for round in 0..rounds {
                let due = begun + first + interval * u32::try_from(round).unwrap();
                tokio::time::sleep_until(due).await;
                took.push(asker.ask(i).await);
            }
            took
        });
    }
    tasks.join_all().await.concat()
}

struct Asker {
    address: SocketAddr,
    path: String,
    /// A good answer holds this; `{ip}` is the target's, as in the path.
    want: String,
    gzip: bool,
    kept: Mutex<Vec<TcpStream>>,
    good: AtomicU64,
    bad: AtomicU64,
    bytes: AtomicU64,
}

impl Asker {
    async fn ask(&self, i: u64) -> Duration {
        let begun = Instant::now();
        let asked = tokio::time::timeout(Duration::from_secs(60), self.try_ask(i)).await;
        let good = asked.is_ok_and(|asked| asked.unwrap_or(false));
        let count = if good { &self.good } else { &self.bad };
        count.fetch_add(1, Ordering::Relaxed);
        begun.elapsed()
    }

    async fn try_ask(&self, i: u64) -> std::io::Result<bool> {
        let kept = self.kept.lock().unwrap().pop();
        let mut stream = match kept {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await?,
        };
        stream.set_nodelay(true)?;
        let path = self.path.replace("{ip}", &target(i).to_string());
        let gzip = if self.gzip { "Accept-Encoding: gzip\r\n" } else { "" };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: text/plain;version=0.0.4\r\n{gzip}\
             X-Prometheus-Scrape-Timeout-Seconds: 30\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::with_capacity(16 * 1024);
        let body = loop {
            if stream.read_buf(&mut answer).await? == 0 {
                return Ok(false);
            }
            if let Some(body) = whole(&answer) {
                break body;
            }
        };
        self.kept.lock().unwrap().push(stream);
        self.bytes.fetch_add((answer.len() - body) as u64, Ordering::Relaxed);
        let good = answer.starts_with(b"HTTP/1.1 200 ");
        let body = &answer[body..];
        let mut text = Vec::new();
        let zipped = body.windows(3).take(16).position(|head| head == [0x1f, 0x8b, 8]);
        match zipped {
            // A chunk's length may stand before and behind it, which the reader does not mind.
            Some(at) if self.gzip => drop(GzDecoder::new(&body[at..]).read_to_end(&mut text)),
            _ => text.extend_from_slice(body),
        }
        let want = self.want.replace("{ip}", &target(i).to_string());
        let wanted = want.is_empty() || String::from_utf8_lossy(&text).contains(&want);
        Ok(good && wanted)
    }
}

/// Where the body begins, once all of it is there.
fn whole(answer: &[u8]) -> Option<usize> {
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&answer[..body]).to_ascii_lowercase();
    let done = match head.split_once("content-length: ") {
        Some((_, rest)) => {
            let length: usize = rest.lines().next()?.trim().parse().ok()?;
            answer.len() >= body + length
        }
        None => answer.ends_with(b"0\r\n\r\n"),
    };
    done.then_some(body)
}
