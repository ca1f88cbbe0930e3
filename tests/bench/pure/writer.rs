//! The metrics writer with a thousand targets known, beside the least that the same text can cost:
//! each line's name and labels kept as text, values written anew, one buffer for all.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use smtp_exporter::metrics::{Exporter, Format, render};
use smtp_exporter::store::Store;
use tokio::time::Instant;

use super::seen::{at, check, endpoint, healthy, round};

/// Both formats, and the least.
pub(super) fn written(criterion: &mut Criterion) {
    let world = World::new();
    let mut group = criterion.benchmark_group("writer");
    group.sample_size(20);
    group.throughput(Throughput::Elements(world.lines.len() as u64));
    let mut buffer = Vec::new();
    for (name, format) in [("text", Format::Text), ("OpenMetrics", Format::OpenMetrics)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| world.render(format, &mut buffer));
        });
    }
    group.bench_function("the least", |bencher| bencher.iter(|| world.least(&mut buffer)));
    group.finish();
}

/// The ratio, from turns; criterion does not put one figure beside another.
pub(super) fn ratio() {
    let world = World::new();
    let mut buffer = Vec::new();
    let mut ratios = [Vec::new(), Vec::new()];
    for _ in 0..15 {
        let least = took(|| world.least(&mut buffer));
        for (place, format) in [Format::Text, Format::OpenMetrics].into_iter().enumerate() {
            ratios[place].push(took(|| world.render(format, &mut buffer)).div_duration_f64(least));
        }
    }
    let [text, open] = ratios.map(|mut ratios| {
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    });
    println!(
        "writer: {} targets, {} lines: text {text:.2}, OpenMetrics {open:.2} times the least (goal: \
         at most 3)",
        World::TARGETS,
        world.lines.len()
    );
}

fn took(mut work: impl FnMut()) -> Duration {
    let begun = Instant::now();
    for _ in 0..5 {
        work();
    }
    begun.elapsed()
}

struct World {
    store: Store,
    own: Exporter,
    lines: Vec<(String, Option<f64>)>,
}

impl World {
    const TARGETS: usize = 1000;

    fn new() -> Self {
        let checks: Vec<_> = (0..Self::TARGETS).map(|n| check(&format!("mx{n}"))).collect();
        let store = Store::default();
        let generation = store.replace_checks(&checks, 10);
        for (n, check) in checks.iter().enumerate() {
            let address = format!("192.0.{}.{}", 2 + n / 250, n % 250 + 1);
            let seen = healthy(endpoint(&check.target.name, &address), at(1));
            let round = round(vec![seen]);
            store.put(generation, &check.key(), round.observations[0].clone());
            store.finish_round(generation, &check.key(), &round);
        }
        let own = Exporter::new(Default::default()).unwrap();
        let mut world = Self { store, own, lines: Vec::new() };
        let mut text = Vec::new();
        world.render(Format::Text, &mut text);
        world.lines = String::from_utf8(text).unwrap().lines().map(line).collect();
        world
    }

    fn render(&self, format: Format, buffer: &mut Vec<u8>) {
        buffer.clear();
        render(&self.store, &self.own, format, at(10), &mut |chunk| {
            buffer.extend_from_slice(&chunk);
        });
        black_box(&buffer);
    }

    fn least(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        for (text, value) in &self.lines {
            buffer.extend_from_slice(text.as_bytes());
            match value {
                // Most values are whole, and cheaper to write so.
                Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                    write!(buffer, " {}", *value as i64).unwrap();
                }
                Some(value) => write!(buffer, " {value}").unwrap(),
                None => {}
            }
            buffer.push(b'\n');
        }
        black_box(&buffer);
    }
}

/// A comment, or a sample and its value.
fn line(text: &str) -> (String, Option<f64>) {
    match text.rsplit_once(' ').filter(|_| !text.starts_with('#')) {
        Some((text, value)) => (text.to_owned(), Some(value.parse().unwrap())),
        None => (text.to_owned(), None),
    }
}
