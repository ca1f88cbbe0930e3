//! Replies judged per second, and what a hostile one costs.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use smtp_exporter::cause::{Context, judge, rules, unwrap};
use smtp_exporter::smtp::Reply;

pub(super) fn ordinary(criterion: &mut Criterion) {
    let context = CONTEXT;
    let replies: Vec<Reply> =
        rules::groups().filter_map(|(_, rule)| unwrap::reply(rule.example)).collect();
    let mut group = criterion.benchmark_group("cause");
    group.throughput(Throughput::Elements(replies.len() as u64));
    group.bench_function("every rule's example", |bencher| {
        bencher.iter(|| {
            for reply in &replies {
                black_box(judge(context, black_box(reply)));
            }
        });
    });
    group.finish();
}

/// 64 KiB each. Judging one must stay under a millisecond, and the time must not grow with the
/// reply: only its beginning is read.
pub(super) fn hostile(criterion: &mut Criterion) {
    let context = CONTEXT;
    let mut group = criterion.benchmark_group("cause, hostile 64 KiB");
    for (name, unit) in [
        ("repeated phrase", "too many user connections exceeded the limit "),
        ("one word", "user "),
        ("single letters", "a "),
        ("open brackets", "<"),
        ("at signs", "@"),
        ("dots and digits", "5.7.1.1."),
        ("no space", "x"),
        ("introductions", "s: "),
        ("introductions and codes", " said: 550"),
    ] {
        let text = unit.repeat(64 * 1024 / unit.len());
        let reply = Reply { code: 550, enhanced: None, lines: vec![text] };
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(judge(context, black_box(&reply))));
        });
        let pasted = format!("x {}", reply.lines.concat());
        group.bench_function(format!("{name}, pasted"), |bencher| {
            bencher.iter(|| black_box(unwrap::unwrap(black_box(&pasted))));
        });
    }
    group.finish();
}

const CONTEXT: Context = Context { phase: None, tls: false };
