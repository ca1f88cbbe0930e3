//! What a scrape costs at size: targets with everything that a healthy server of today shows,
//! rendered by the product, and the same text by a direct writer that keeps label text per target
//! and writes into one buffer that it uses again, in turns. Prints ratios; not a test.
//!
//!     cargo bench --bench exposition -- 100 1000 10000

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    dead_code,
    missing_docs,
    reason = "a benchmark ends by panicking, and prints; it shares what it shows with the tests"
)]

#[path = "../it/support/seen.rs"]
mod seen;

use std::collections::HashMap;
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use seen::{at, check, endpoint, healthy, reply, round};
use smtp_exporter::metrics::{Exporter, Exposition, Format};
use smtp_exporter::observation::Observation;
use smtp_exporter::smtp::{Keyword, Phase};
use smtp_exporter::store::Store;
use smtp_exporter::target::Check;

fn main() {
    let mut counts: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    if counts.is_empty() {
        counts = vec![100, 1_000, 10_000];
    }
    for targets in counts {
        measure(targets);
    }
}

fn measure(targets: usize) {
    let before = status("VmRSS:");
    let store = known(targets);
    let own = Exporter::new(Default::default()).unwrap();
    let (generation, checks) = (1, checks_of(targets));
    let resident = status("VmRSS:");
    let start = |format| Exposition::new(&store, &own, format, SystemTime::now());
    // Two readers side by side, each with the pieces that it has not taken yet.
    reset_peak();
    let (mut one, mut other) = (start(Format::Text), start(Format::OpenMetrics));
    while black_box(one.next()).is_some() | black_box(other.next()).is_some() {}
    let two = status("VmHWM:") - resident;

    // What is kept between scrapes is there from the first one on.
    let kept: usize = store.views().iter().map(|view| view.tails.get().unwrap().len()).sum();
    let body: Vec<u8> = start(Format::Text).flatten().collect();
    let mut direct = Direct::new(std::str::from_utf8(&body).unwrap());
    assert!(body.len().abs_diff(direct.write()) < body.len() / 50);
    let lines = direct.samples.iter().map(|(_, samples)| samples.len()).sum::<usize>();
    let compress = || GzEncoder::new(Vec::new(), Compression::fast());
    let (turns, times) = (11, (10_000 / targets).max(1));
    let mut took: [Vec<f64>; 6] = Default::default();
    for _ in 0..turns {
        took[0].push(cpu(times, || start(Format::Text).map(|chunk| chunk.len()).sum()));
        took[1].push(cpu(times, || direct.write()));
        took[2].push(cpu(times, || start(Format::OpenMetrics).map(|chunk| chunk.len()).sum()));
        took[5].push(cpu(times, || {
            checks.iter().for_each(|check| store.set_next(generation, &check.key(), at(9)));
            start(Format::Text).map(|chunk| chunk.len()).sum()
        }));
    }
    for _ in 0..turns / 2 {
        took[3].push(cpu(times, || {
            let mut out = compress();
            start(Format::Text).for_each(|chunk| out.write_all(&chunk).unwrap());
            out.finish().unwrap().len()
        }));
        took[4].push(cpu(times, || {
            let mut out = compress();
            body.chunks(64 << 10).for_each(|chunk| out.write_all(chunk).unwrap());
            out.finish().unwrap().len()
        }));
    }
    let [ours, bare, open, zipped, zip, anew] = took.map(median);
    println!(
        "{targets} targets, {} series each, {:.1} MB, {:.1} KiB of store each and {:.1} of lines' ends from the first scrape on, two at once {:.1} MiB",
        lines / targets,
        body.len() as f64 / 1e6,
        (resident - before) / targets as f64,
        kept as f64 / 1024.0 / targets as f64,
        two / 1024.0,
    );
    let each = |took: f64| took * 1e6 / targets as f64;
    println!(
        "  text {:.2} ms, {:.2} µs a target, {:.0} ns a line; {:.2} ms when every target has changed; direct {:.2} ms: ratio {:.2} (goal: at most 3)",
        ours * 1e3,
        each(ours),
        ours * 1e9 / lines as f64,
        anew * 1e3,
        bare * 1e3,
        ours / bare,
    );
    println!(
        "  OpenMetrics {:.2} ms; gzip {:.1} ms, compression alone {:.1} ms: ratio {:.2} (goal: at most 2)",
        open * 1e3,
        zipped * 1e3,
        zip * 1e3,
        zipped / zip,
    );
}

/// A store in which every target was probed once and went well.
fn known(targets: usize) -> Store {
    let checks = checks_of(targets);
    let store = Store::default();
    let generation = store.replace_checks(&checks, 100);
    for (n, check) in checks.iter().enumerate() {
        let observations = round(vec![probed(n)]);
        for observation in &observations.observations {
            store.put(generation, &check.key(), observation.clone());
        }
        store.finish_round(generation, &check.key(), &observations);
    }
    store
}

fn checks_of(targets: usize) -> Vec<Check> {
    (0..targets).map(|n| check(&format!("mx{n:05}"))).collect()
}

/// A server like Postfix: nine keywords in clear, as many inside TLS.
fn probed(n: usize) -> Observation {
    let address = format!("10.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255);
    let mut seen = healthy(endpoint(&format!("mx{n:05}"), &address), at(n as u64));
    for (index, (_, duration)) in seen.phases.iter_mut().enumerate() {
        *duration += Duration::from_micros((n * 31 + index * 7) as u64 % 1000);
    }
    seen.duration += Duration::from_micros(n as u64 % 977);
    seen.replies.push(reply(Phase::Mail, 250, Some((2, 1, 0)), None));
    let words = [
        Keyword::EightBitMime,
        Keyword::Chunking,
        Keyword::Dsn,
        Keyword::EnhancedStatusCodes,
        Keyword::Etrn,
        Keyword::Pipelining,
        Keyword::Size,
        Keyword::SmtpUtf8,
        Keyword::Vrfy,
    ];
    for offer in [&mut seen.plain, &mut seen.inside_tls].into_iter().flatten() {
        offer.keywords = words.to_vec();
    }
    for line in 0..24 {
        let text = format!("250-one of the lines that a server says, number {line}");
        Arc::make_mut(&mut seen.transcript).push(
            Duration::ZERO,
            smtp_exporter::observation::Side::Server,
            text,
        );
    }
    seen
}

/// What is written directly: names, the label text of each target, own labels and numbers.
struct Direct {
    subjects: Vec<String>,
    /// Families: the lines before the samples, and these.
    samples: Vec<(String, Vec<Sample>)>,
    out: Vec<u8>,
}

/// A sample's name, the place of its subject, its own labels and its value.
type Sample = (Arc<str>, usize, Arc<str>, f64);

impl Direct {
    /// From a text that the product wrote.
    fn new(text: &str) -> Self {
        let mut places = HashMap::<String, usize>::new();
        let mut shared = HashMap::<String, Arc<str>>::new();
        let mut all = Self { subjects: Vec::new(), samples: Vec::new(), out: Vec::new() };
        let mut share = |text: &str| -> Arc<str> {
            shared.entry(text.to_owned()).or_insert_with(|| Arc::from(text)).clone()
        };
        for line in text.lines() {
            if line.starts_with("# HELP") {
                all.samples.push((format!("{line}\n"), Vec::new()));
                continue;
            }
            let (family, samples) = all.samples.last_mut().unwrap();
            if line.starts_with('#') {
                family.push_str(line);
                family.push('\n');
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.strip_suffix('}').unwrap();
            let end = labels.find("team=\"mail\"").map_or(0, |at| at + "team=\"mail\"".len());
            let (subject, own) = labels.split_at(end);
            let next = places.len();
            let place = *places.entry(subject.to_owned()).or_insert(next);
            if place == next {
                all.subjects.push(subject.to_owned());
            }
            samples.push((share(name), place, share(own), value.parse().unwrap()));
        }
        all
    }

    fn write(&mut self) -> usize {
        let out = &mut self.out;
        out.clear();
        for (family, samples) in &self.samples {
            out.extend_from_slice(family.as_bytes());
            for (name, subject, own, value) in samples {
                out.extend_from_slice(name.as_bytes());
                out.push(b'{');
                out.extend_from_slice(self.subjects[*subject].as_bytes());
                out.extend_from_slice(own.as_bytes());
                out.extend_from_slice(b"} ");
                if value.trunc() == *value && value.abs() < 1e15 {
                    write!(out, "{}", *value as i64).unwrap();
                } else {
                    write!(out, "{value}").unwrap();
                }
                out.push(b'\n');
            }
        }
        out.len()
    }
}

/// The CPU time of this thread in seconds (proc(5), schedstat). The kernel counts when it switches
/// tasks or its clock ticks, so what is short is done several times.
fn cpu(times: usize, mut work: impl FnMut() -> usize) -> f64 {
    let now = || -> f64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    let begun = now();
    for _ in 0..times {
        black_box(work());
    }
    (now() - begun) / times as f64
}

fn median(mut took: Vec<f64>) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

/// A line of this process's status (proc(5)) in KiB.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Makes `VmHWM` what is resident now (proc(5), clear_refs).
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}
