//! An exposition on its way: rendered as the reader takes it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::AbortOnDropHandle;

use crate::metrics::Exposition;
use crate::metrics::write::CHUNK;

/// The pieces of an exposition, each rendered when it is asked for, and compressed if that was asked
/// for.
///
/// A piece is at most some tenths of a millisecond of work, so it is done where it is sent. As often
/// as that other tasks have their turn: a probe that is under way is not held up for a whole scrape.
#[derive(Debug)]
pub(super) struct Stream {
    source: Arc<Mutex<Option<Source>>>,
    /// The next poll lets others run.
    rest: bool,
    /// Bytes given since others ran.
    since: usize,
    /// Bounds how many are on their way.
    _permit: OwnedSemaphorePermit,
    _deadline: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Source {
    first: Option<Bytes>,
    exposition: Exposition,
    gzip: Option<Box<GzEncoder<Vec<u8>>>>,
}

impl Stream {
    /// What comes after `first`, with it. A reader that is not through with it after [`PATIENCE`] gets
    /// no more: what it holds is how things were then, and all that changed since is in memory twice.
    pub(super) fn new(
        first: Bytes,
        exposition: Exposition,
        gzip: bool,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        // Level 1: a scrape is small either way, and the exporter's CPU is its users'.
        let encoder = || Box::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let source = Source { first: Some(first), exposition, gzip: gzip.then(encoder) };
        let source = Arc::new(Mutex::new(Some(source)));
        // What is sent, or was given up, is gone at once and not when the timer is.
        let held = Arc::downgrade(&source);
        let deadline = tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            if let Some(held) = held.upgrade() {
                lock(&held).take();
            }
        });
        let deadline = AbortOnDropHandle::new(deadline);
        Self { source, rest: false, since: 0, _permit: permit, _deadline: deadline }
    }

    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if std::mem::take(&mut self.rest) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut source = lock(&self.source);
        let Some(source) = source.as_mut() else {
            let late = format!("not taken within {} s", PATIENCE.as_secs());
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, late))));
        };
        let next = source.next();
        if let Ok(Some(piece)) = &next
            && piece.is_empty()
        {
            self.since = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let bytes = next.as_ref().ok().and_then(Option::as_ref).map_or(0, Bytes::len);
        self.since += bytes;
        // A short one took as long as many others.
        self.rest = source.gzip.is_some() || bytes < CHUNK || self.since >= TURN;
        if self.rest {
            self.since = 0;
        }
        Poll::Ready(next.transpose())
    }
}

impl Source {
    /// The next piece; an empty one while the compressor has taken it in and given nothing yet.
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let piece = self.first.take().or_else(|| self.exposition.next());
        let Some(encoder) = &mut self.gzip else { return Ok(piece) };
        let Some(piece) = piece else {
            let last = self.gzip.take().map(|encoder| encoder.finish()).transpose()?;
            return Ok(last.map(Bytes::from));
        };
        encoder.write_all(&piece)?;
        let ready = encoder.get_mut();
        let full = ready.len() >= PIECE;
        Ok(Some(if full { Bytes::from(std::mem::take(ready)) } else { Bytes::new() }))
    }
}

/// A panic while rendering ends that answer, and its lock with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Longer than any scrape's timeout: Prometheus bounds that by the interval, which is a minute by
/// default.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of text after which others have their turn.
const TURN: usize = 4 * CHUNK;
/// Compressed bytes that are sent at once.
const PIECE: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Read as _;
    use std::time::SystemTime;

    use tokio::sync::Semaphore;

    use super::*;
    use crate::metrics::{Exporter, Format, render};
    use crate::store::Store;
    use crate::target::{Check, HostName, Module, Place, Target};

    /// So many checks, of which nothing is known but that they are there: 2 KB of text each.
    fn store_of(checks: usize) -> (Store, Vec<Check>) {
        let module = Arc::new(Module::new("smtp"));
        let check = |n: usize| {
            let target = Target {
                name: format!("mx{n}").into(),
                place: Place::Host { host: HostName::Name("mx.example.net".into()), port: None },
                modules: vec![module.clone()],
                interval: None,
                labels: Default::default(),
            };
            Check { target: Arc::new(target), module: module.clone() }
        };
        let checks: Vec<Check> = (0..checks).map(check).collect();
        let store = Store::default();
        store.replace_checks(&checks, 10);
        (store, checks)
    }

    fn stream(store: &Store, own: &Exporter, format: Format, gzip: bool) -> Stream {
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let mut exposition = Exposition::new(store, own, format, SystemTime::UNIX_EPOCH);
        let first = exposition.next().unwrap();
        assert!(!exposition.is_over());
        Stream::new(first, exposition, gzip, permit)
    }

    async fn next(stream: &mut Stream) -> Option<io::Result<Bytes>> {
        poll_fn(|cx| stream.poll(cx)).await
    }

    /// Without the process's own metrics, which are others at each look.
    fn targets(text: &str) -> Vec<&str> {
        text.lines().filter(|line| line.contains("target=")).collect()
    }

    #[tokio::test]
    async fn pieces_are_bounded_and_make_the_whole() {
        let (store, _) = store_of(400);
        let own = Exporter::new(Default::default()).unwrap();
        for (format, gzip) in
            [(Format::Text, false), (Format::OpenMetrics, false), (Format::OpenMetrics, true)]
        {
            let mut expected = Vec::new();
            render(&store, &own, format, SystemTime::UNIX_EPOCH, &mut |chunk: Bytes| {
                expected.extend_from_slice(&chunk);
            });
            // Two at once, in turns.
            let mut streams = [(); 2].map(|()| stream(&store, &own, format, gzip));
            let mut bodies = [const { Vec::new() }; 2];
            loop {
                let mut over = true;
                for (stream, body) in streams.iter_mut().zip(&mut bodies) {
                    if let Some(piece) = next(stream).await.transpose().unwrap() {
                        assert!(piece.len() < 2 * CHUNK, "{}", piece.len());
                        body.extend_from_slice(&piece);
                        over = false;
                    }
                }
                if over {
                    break;
                }
            }
            for body in bodies {
                let mut text = String::new();
                if gzip {
                    flate2::read::GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
                } else {
                    text = String::from_utf8(body).unwrap();
                }
                assert!(text.len() > 4 * CHUNK, "{}", text.len());
                assert_eq!(targets(&text), targets(std::str::from_utf8(&expected).unwrap()));
                assert_eq!(text.ends_with("# EOF\n"), format == Format::OpenMetrics);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stopped_holds_nothing_for_long() {
        let (store, checks) = store_of(400);
        let own = Exporter::new(Default::default()).unwrap();
        // The last one: a scrape lets go of each view that it came to.
        let last = checks.iter().map(Check::key).max().unwrap();
        let held = || Arc::strong_count(&store.view(&last).unwrap()) - 1;
        let mut late = stream(&store, &own, Format::Text, false);
        assert_eq!(held(), 2);
        drop(stream(&store, &own, Format::Text, false));
        assert_eq!(held(), 2);
        assert!(next(&mut late).await.unwrap().is_ok());
        tokio::time::sleep(PATIENCE + Duration::from_secs(1)).await;
        assert_eq!(held(), 1, "nobody polled it");
        let error = next(&mut late).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
