//! Answers: what they are made of, how they are compressed, and the headers that all of them carry.

use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::sync::OwnedSemaphorePermit;

use super::Refusal;
use super::stream::Stream;

/// A body: there as a whole, in pieces, or an exposition that is rendered as it is sent.
///
/// # Why both
///
/// Pages and JSON are made of values that borrow from one another, so they are rendered in one go on
/// a thread that may block, and a slow reader must not hold that thread. An exposition can be larger
/// than everything else in memory, and is never there as a whole.
#[derive(Debug)]
pub struct Payload(Form);

#[derive(Debug)]
enum Form {
    Whole(Whole),
    Stream(Stream),
}

#[derive(Debug, Default)]
struct Whole {
    pieces: VecDeque<Bytes>,
    left: u64,
    /// Held until the last piece is on its way: it bounds how many large answers wait in memory.
    permit: Option<OwnedSemaphorePermit>,
}

impl Payload {
    pub(super) fn of(pieces: VecDeque<Bytes>, permit: Option<OwnedSemaphorePermit>) -> Self {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self(Form::Whole(Whole { pieces, left, permit }))
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self(Form::Whole(Whole::default()))
    }
}

impl From<Stream> for Payload {
    fn from(stream: Stream) -> Self {
        Self(Form::Stream(stream))
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::of(VecDeque::from([bytes]), None)
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.0 {
            Form::Whole(whole) => Poll::Ready(whole.next().map(|piece| Ok(Frame::data(piece)))),
            Form::Stream(stream) => {
                stream.poll(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Form::Whole(whole) if whole.left == 0)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Form::Whole(whole) => SizeHint::with_exact(whole.left),
            Form::Stream(_) => SizeHint::default(),
        }
    }
}

impl Whole {
    fn next(&mut self) -> Option<Bytes> {
        let Some(piece) = self.pieces.pop_front() else {
            self.permit = None;
            return None;
        };
        self.left = self.left.saturating_sub(piece.len() as u64);
        Some(piece)
    }
}

/// Takes text as it is rendered, and compresses it if that was asked for.
pub(super) enum Collector {
    Identity(Pieces),
    Gzip(Box<GzEncoder<Pieces>>),
}

impl Collector {
    pub(super) fn new(gzip: bool) -> Self {
        if gzip {
            // Level 1: a scrape is small either way, and the exporter's CPU is its users'.
            Self::Gzip(Box::new(GzEncoder::new(Pieces::default(), Compression::fast())))
        } else {
            Self::Identity(Pieces::default())
        }
    }

    pub(super) fn push(&mut self, bytes: Bytes) -> std::io::Result<()> {
        match self {
            // Large pieces are passed on as they are, without a copy.
            Self::Identity(pieces) if bytes.len() >= PIECE / 4 => {
                pieces.flush()?;
                pieces.done.push_back(bytes);
                Ok(())
            }
            Self::Identity(pieces) => pieces.write_all(&bytes),
            Self::Gzip(encoder) => encoder.write_all(&bytes),
        }
    }

    pub(super) fn finish(self) -> std::io::Result<VecDeque<Bytes>> {
        let mut pieces = match self {
            Self::Identity(pieces) => pieces,
            Self::Gzip(encoder) => encoder.finish()?,
        };
        pieces.flush()?;
        Ok(pieces.done)
    }
}

/// Bytes cut into pieces of at most [`PIECE`].
#[derive(Default)]
pub(super) struct Pieces {
    current: Vec<u8>,
    done: VecDeque<Bytes>,
}

impl Write for Pieces {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let room = PIECE - self.current.len();
        let taken = buffer.get(..room).unwrap_or(buffer);
        self.current.extend_from_slice(taken);
        if self.current.len() == PIECE {
            self.flush()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if !self.current.is_empty() {
            self.done.push_back(std::mem::take(&mut self.current).into());
        }
        Ok(())
    }
}

/// Does this `Accept-Encoding` ask for gzip? `q=0` is a no, and a preference for the text as it is
/// is respected (RFC 9110, 12.5.3).
pub(super) fn wants_gzip(accept_encoding: &str) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for item in accept_encoding.split(',').take(32) {
        let mut parts = item.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        match coding.as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => any = Some(weight),
            "identity" => identity = Some(weight),
            _ => {}
        }
    }
    gzip.or(any).is_some_and(|weight| weight > 0.0 && weight >= identity.unwrap_or(0.0))
}

/// An answer of a type, with the headers that all answers carry.
pub(super) fn answer(
    status: StatusCode,
    content_type: &str,
    payload: impl Into<Payload>,
) -> Response<Payload> {
    let mut response = Response::new(payload.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_str(content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Plain text.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Response<Payload> {
    answer(status, TEXT, Bytes::from(text.into()))
}

impl From<Refusal> for Response<Payload> {
    fn from(refusal: Refusal) -> Self {
        let mut message = refusal.message;
        if !message.ends_with('\n') {
            message.push('\n');
        }
        let mut response = text(refusal.status, message);
        let headers = response.headers_mut();
        if let Some(allow) = refusal.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(seconds) = refusal.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = refusal.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
const PIECE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn gzip_only_when_asked_for() {
        for (header, expected) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000, *", false),
            ("*;q=0", false),
            ("identity", false),
            ("identity;q=1, gzip;q=0.5", false),
            ("identity;q=0.5, gzip", true),
            ("br", false),
            ("gzip;q=nonsense", false),
            ("", false),
            (";;,,;q=1", false),
        ] {
            assert_eq!(wants_gzip(header), expected, "{header}");
        }
    }

    #[test]
    fn pieces_are_bounded_and_whole() {
        let text: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        for gzip in [false, true] {
            let mut collector = Collector::new(gzip);
            let mut sizes = [1usize, 7, 1000, 20_000, 100_000].iter().cycle();
            let mut rest = text.as_slice();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                collector.push(Bytes::copy_from_slice(piece)).unwrap();
                rest = after;
            }
            let pieces = collector.finish().unwrap();
            assert!(pieces.len() > 5, "{}", pieces.len());
            let whole: Vec<u8> = pieces.iter().flatten().copied().collect();
            let mut read = Vec::new();
            if gzip {
                flate2::read::GzDecoder::new(whole.as_slice()).read_to_end(&mut read).unwrap();
            } else {
                read = whole;
            }
            assert!(read == text, "gzip: {gzip}");
        }
    }
}
