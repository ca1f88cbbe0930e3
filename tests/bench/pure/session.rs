//! The reply reader, and whole dialogues through it and the session, without a socket: the
//! transcripts of the tests.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use smtp_exporter::smtp::{Action, Dialogue, End, Plan, ReplyReader, Session, TlsMode};

/// Replies as they come, in one segment and byte by byte, and the longest that is read.
pub(super) fn reader(criterion: &mut Criterion) {
    let ehlo = b"250-mx.example.net\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n\
        250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";
    let long: Vec<u8> = b"250-another line of a reply that is far too long\r\n".repeat(1200);
    let mut group = criterion.benchmark_group("reader");
    for (name, bytes, step) in [
        ("an EHLO reply", &ehlo[..], ehlo.len()),
        ("an EHLO reply byte by byte", &ehlo[..], 1),
        ("60 kB without an end", &long, 1400),
    ] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut reader = ReplyReader::default();
                let mut replies = 0;
                for segment in bytes.chunks(step) {
                    reader.push(black_box(segment));
                    while let Ok(Some(reply)) = reader.take() {
                        replies += 1;
                        black_box(reply);
                    }
                }
                replies
            });
        });
    }
    group.finish();
}

/// A plain one, one with STARTTLS and one that is refused.
pub(super) fn dialogue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    for name in ["exchange", "exim-starttls", "421-greeting"] {
        let script = Script::read(name);
        let seen = script.run();
        assert!(!seen.replies.is_empty(), "{name}: nothing was heard");
        group.bench_function(name, |bencher| bencher.iter(|| black_box(script.run())));
    }
    group.finish();
}

/// What the server sends, segment by segment, and the plan that it is met with.
struct Script {
    plan: Plan,
    segments: Vec<Vec<u8>>,
}

impl Script {
    /// Reads what a transcript says of the plan and the server: `tests/it/dialogues.rs` tells the
    /// format.
    fn read(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
        let text = std::fs::read_to_string(folder.join(name).with_extension("smtp")).unwrap();
        let tls = match text.split_once("tls=").map(|(_, rest)| rest.split_whitespace().next()) {
            Some(Some("required")) => TlsMode::Required,
            Some(Some("none")) => TlsMode::None,
            _ => TlsMode::Opportunistic,
        };
        let mut segments = vec![Vec::new()];
        for line in text.lines() {
            match line.strip_prefix("S: ") {
                Some(said) => {
                    let last = segments.last_mut().unwrap();
                    last.extend_from_slice(said.as_bytes());
                    last.extend_from_slice(b"\r\n");
                }
                None if segments.last().is_some_and(|last| !last.is_empty()) => {
                    segments.push(Vec::new());
                }
                None => {}
            }
        }
        let helo = "probe.example.test".to_owned();
        let plan = Plan { helo, tls, auth: None, auth_unverified: false, mail: None };
        Self { plan, segments }
    }

    fn run(&self) -> Dialogue {
        let mut session = Session::new(self.plan.clone());
        let mut reader = ReplyReader::default();
        let mut segments = self.segments.iter();
        let mut now = Duration::ZERO;
        let mut action = session.start();
        loop {
            now += Duration::from_millis(1);
            action = match action {
                Action::Close => return session.finish(),
                Action::Handshake => session.on_handshake(true, now),
                Action::Await { .. } | Action::Send { .. } => loop {
                    match reader.take() {
                        Ok(Some(reply)) => break session.on_reply(reply, reader.buffered(), now),
                        Err(bad) => break session.on_end(End::BadReply(bad), now),
                        Ok(None) => {}
                    }
                    match segments.next() {
                        Some(bytes) => reader.push(bytes),
                        None => break session.on_end(End::Closed, now),
                    }
                },
            };
        }
    }
}
