//! The server's side of a transcript: what it says, byte for byte, and how it goes away.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, ReadBuf,
};
use tokio_util::sync::CancellationToken;

use super::{Event, Handshake};

/// Plays the server's side; what we say is compared with the script.
pub(super) async fn serve(
    events: Vec<Event>,
    stream: tokio::io::DuplexStream,
    reset: Arc<AtomicBool>,
    cancel: CancellationToken,
    single: bool,
) {
    let mut stream = BufReader::new(stream);
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Segment(bytes) if single => {
                for byte in bytes {
                    // The client may have heard enough.
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            }
            Event::Segment(bytes) => {
                if stream.write_all(bytes).await.is_err() {
                    return;
                }
            }
            Event::Say(due) => {
                let mut line = Vec::new();
                stream.read_until(b'\n', &mut line).await.unwrap();
                assert_eq!(String::from_utf8_lossy(&line), format!("{due}\r\n"));
            }
            Event::Tls(handshake) => {
                let mut line = Vec::new();
                stream.read_until(b'\n', &mut line).await.unwrap();
                assert_eq!(line, CLIENT_HELLO);
                if *handshake == Handshake::Fails {
                    return;
                }
            }
            Event::Eof => return,
            Event::Rst => {
                reset.store(true, Ordering::SeqCst);
                return;
            }
            Event::Silence if index + 1 == events.len() => std::future::pending().await,
            Event::Silence => {}
            Event::Stop => cancel.cancel(),
        }
    }
    // Nothing more may be said than the script knows.
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&line), "");
}

pub(super) const CLIENT_HELLO: &[u8] = b"(ClientHello)\n";

/// A stream whose end is a reset once the flag is up.
pub(super) struct Resettable {
    pub(super) inner: tokio::io::DuplexStream,
    pub(super) reset: Arc<AtomicBool>,
}

impl AsyncRead for Resettable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        let ended = matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if ended && self.reset.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        read
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

pub(super) fn server_bytes(line: &str) -> Option<Vec<u8>> {
    if let Some(raw) = line.strip_prefix("S| ") {
        return Some(unescape(raw));
    }
    let text = line.strip_prefix("S:")?;
    Some(format!("{}\r\n", text.strip_prefix(' ').unwrap_or(text)).into_bytes())
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, used) = match rest {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b'x', high, low, ..] => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap(), 3)
            }
            _ => panic!("cannot read {text:?}"),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    bytes
}
