//! The other side of a measurement: mail servers on loopback addresses, and clients. A driver starts
//! it, reads its first line, and asks for what was counted by writing a line to its standard input;
//! the end of that input ends it, so that it never outlives its driver.
//!
//!     peer soak PORT DIRECTORY      servers with faults on PORT and up, and their DNS

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "it serves a measurement: it ends by panicking and prints its results"
)]

mod soak;

use std::io::BufRead as _;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["soak", port, directory] => soak::run(port.parse().unwrap(), directory.as_ref()),
        _ => {
            eprintln!("peer soak PORT DIRECTORY: started by tests/bench/soak");
            std::process::exit(64);
        }
    }
}

/// Answers each line of standard input with what `count` says, until there is no more.
fn answer(mut count: impl FnMut() -> serde_json::Value) {
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            return;
        }
        println!("{}", count());
    }
}
