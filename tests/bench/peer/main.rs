//! The other side of a measurement: mail servers on loopback addresses, clients, and floors. The
//! drivers `tests/bench/soak` and `tests/bench/compare` start it. Servers say what they serve in one
//! line, answer each line of their standard input with what they counted, and end with that input,
//! so that they never outlive their driver.
//!
//!     peer soak PORT DIRECTORY       servers with faults, and their DNS
//!     peer serve PORT DIRECTORY      servers that are cheap
//!     peer bare KEY=VALUE...         the least that a probe can cost
//!     peer load KEY=VALUE...         requests to an exporter's /probe
//!     peer floor KEY=VALUE...        the least that a scrape can cost

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "it serves a measurement: it ends by panicking and prints its results"
)]

mod bare;
mod floor;
mod load;
mod serve;
mod soak;

use std::collections::HashMap;
use std::io::BufRead as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["soak", port, directory] => soak::run(port.parse().unwrap(), directory.as_ref()),
        ["serve", port, directory] => serve::run(port.parse().unwrap(), directory.as_ref()),
        ["bare", words @ ..] => bare::run(&Words::of(words)),
        ["load", words @ ..] => load::run(&Words::of(words)),
        ["floor", words @ ..] => floor::run(&Words::of(words)),
        _ => {
            eprintln!("started by tests/bench/soak and tests/bench/compare");
            std::process::exit(64);
        }
    }
}

/// What a driver says on the command line: `KEY=VALUE`.
struct Words(HashMap<String, String>);

impl Words {
    fn of(words: &[&str]) -> Self {
        let pairs = words.iter().map(|word| word.split_once('=').expect("KEY=VALUE"));
        Self(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).unwrap_or_else(|| panic!("no {key}="))
    }

    /// 0 when it was not said.
    fn number(&self, key: &str) -> u64 {
        self.0.get(key).map_or(0, |text| text.parse().expect("a number"))
    }
}

/// The address of a target: 127.1.0.1 and up.
fn target(i: u64) -> Ipv4Addr {
    Ipv4Addr::new(127, 1 + (i / 62_500) as u8, (i / 250 % 250) as u8, (i % 250 + 1) as u8)
}

/// Waits for one line, or the end, of standard input.
fn wait() {
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
}

/// Answers each line of standard input with what `count` says, until there is no more.
fn answer(mut count: impl FnMut() -> Value) {
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            return;
        }
        println!("{}", count());
    }
}

/// How long things took, in microseconds, with what else there is to say.
fn summary(whole: Duration, mut took: Vec<Duration>, also: Value) -> Value {
    took.sort_unstable();
    let at = |share: f64| {
        let place = ((took.len() as f64 - 1.0) * share).round() as usize;
        took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e6)
    };
    let per_s = took.len() as f64 / whole.as_secs_f64();
    let mut said = json!({"per_s": per_s, "p50_us": at(0.5), "p99_us": at(0.99)});
    if let (Some(said), Value::Object(also)) = (said.as_object_mut(), also) {
        said.extend(also);
    }
    said
}
