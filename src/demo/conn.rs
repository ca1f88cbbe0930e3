//! One connection of a demo server: lines in, bytes out, bounds on both, and the steps of a script.

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::behaviour::Step;

/// A connection, what was read ahead of it, and how long we wait for a client.
pub(super) struct Conn {
    stream: Stream,
    buffer: Vec<u8>,
    idle: Duration,
    name: String,
    client: IpAddr,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The client said QUIT.
    Quit,
    /// The client closed or reset without QUIT.
    Dropped,
    /// The server ended it.
    Server,
}

/// A line, or what came instead.
pub(super) enum Heard {
    /// Without its end.
    Line(Vec<u8>),
    /// Longer than [`MAX_LINE`].
    TooLong,
    /// Nothing for the idle time.
    Idle,
}

impl Conn {
    pub(super) fn new(stream: TcpStream, client: IpAddr, name: &str, idle: Duration) -> Self {
        Self {
            stream: Stream::Plain(stream),
            buffer: Vec::new(),
            idle,
            name: name.to_owned(),
            client,
        }
    }

    /// The next line, ended by LF with or without CR.
    pub(super) async fn line(&mut self) -> Result<Heard, Ending> {
        let deadline = Instant::now() + self.idle;
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                while matches!(line.last(), Some(b'\n' | b'\r')) {
                    line.pop();
                }
                return Ok(Heard::Line(line));
            }
            if self.buffer.len() > MAX_LINE {
                return Ok(Heard::TooLong);
            }
            tokio::select! {
                read = read_some(&mut self.stream, &mut self.buffer) => read?,
                () = sleep_until(deadline) => return Ok(Heard::Idle),
            }
        }
    }

    /// True when the client has said something that nobody asked for yet.
    pub(super) async fn spoke(&mut self) -> Result<bool, Ending> {
        if self.buffer.is_empty() {
            let mut bytes = [0; 512];
            let mut read = ReadBuf::new(&mut bytes);
            // One look, without waiting: what has not arrived yet was not sent early.
            let stream = Pin::new(&mut self.stream);
            let mut stream = Some(stream);
            poll_fn(|cx| {
                if let Some(stream) = stream.take()
                    && let Poll::Ready(Err(_)) = stream.poll_read(cx, &mut read)
                {
                    return Poll::Ready(Err(Ending::Dropped));
                }
                Poll::Ready(Ok(()))
            })
            .await?;
            self.buffer.extend_from_slice(read.filled());
        }
        Ok(!self.buffer.is_empty())
    }

    /// Does one step.
    pub(super) async fn step(&mut self, step: &Step) -> Result<(), Ending> {
        match step {
            Step::Text(text) => self.text(text).await,
            Step::Bytes(bytes) => self.write(bytes).await,
            Step::Drip(bytes, gap) => {
                for byte in bytes {
                    self.write(std::slice::from_ref(byte)).await?;
                    self.wait(*gap).await?;
                }
                Ok(())
            }
            Step::Flood(bytes) => loop {
                self.write(bytes).await?;
                // A write into a buffer that has room never yields, and the other servers share
                // this thread.
                tokio::task::yield_now().await;
            },
            Step::Wait(time) => self.wait(*time).await,
            Step::Silence => self.silence().await,
            Step::Close => Err(Ending::Server),
            Step::Reset => {
                // A zero linger makes the kernel send RST when the socket is dropped.
                let _ = self.stream.tcp().set_zero_linger();
                self.stream = Stream::Gone;
                Err(Ending::Server)
            }
        }
    }

    /// Writes a reply: names filled in, CRLF added.
    pub(super) async fn text(&mut self, text: &str) -> Result<(), Ending> {
        let client = self.client.to_string();
        let text = text.replace("{name}", &self.name).replace("{client}", &client);
        self.write(format!("{text}\r\n").as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(self.idle, write).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Ending::Dropped),
        }
    }

    /// Waits, and notices a client that goes away meanwhile.
    pub(super) async fn wait(&mut self, time: Duration) -> Result<(), Ending> {
        let until = Instant::now() + time;
        loop {
            let full = self.buffer.len() > MAX_LINE;
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                read = read_some(&mut self.stream, &mut self.buffer), if !full => read?,
            }
        }
    }

    /// Says nothing until the client goes away or the idle time is over.
    pub(super) async fn silence(&mut self) -> Result<(), Ending> {
        let until = Instant::now() + self.idle;
        loop {
            self.buffer.clear();
            tokio::select! {
                read = read_some(&mut self.stream, &mut self.buffer) => read?,
                () = sleep_until(until) => return Err(Ending::Server),
            }
        }
    }

    /// A TLS handshake. What was read ahead is forgotten: it came in clear (RFC 3207, 4.2).
    pub(super) async fn handshake(&mut self, acceptor: &TlsAcceptor) -> Result<(), Ending> {
        self.buffer.clear();
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Ending::Server);
        };
        match timeout(self.idle, acceptor.accept(tcp)).await {
            Ok(Ok(tls)) => {
                self.stream = Stream::Tls(Box::new(tls));
                Ok(())
            }
            _ => Err(Ending::Dropped),
        }
    }

    /// The stream and what was read ahead, for a handshake made by hand.
    pub(super) fn raw(&mut self) -> &mut Stream {
        self.buffer.clear();
        &mut self.stream
    }

    /// Closes in order: our FIN, then a moment for theirs. Closing with their bytes unread would
    /// send a reset, and that can overtake the last reply.
    pub(super) async fn close(mut self) {
        let _ = timeout(LINGER, self.stream.shutdown()).await;
        let drain = async {
            let mut left = 65_536_usize;
            let mut bytes = [0; 1024];
            while let Ok(read) = self.stream.read(&mut bytes).await
                && read > 0
                && left > 0
            {
                left = left.saturating_sub(read);
            }
        };
        let _ = timeout(LINGER, drain).await;
    }
}

/// Reads what there is; the end of the stream ends the session.
async fn read_some(stream: &mut Stream, buffer: &mut Vec<u8>) -> Result<(), Ending> {
    let mut bytes = [0; 2048];
    match stream.read(&mut bytes).await {
        Ok(0) | Err(_) => Err(Ending::Dropped),
        Ok(read) => {
            buffer.extend(bytes.iter().take(read));
            Ok(())
        }
    }
}

/// A connection before or after TLS, or one that was given up.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Gone,
}

impl Stream {
    fn tcp(&self) -> Tcp<'_> {
        match self {
            Self::Plain(tcp) => Tcp(Some(tcp)),
            Self::Tls(tls) => Tcp(Some(tls.get_ref().0)),
            Self::Gone => Tcp(None),
        }
    }
}

/// The socket below, if there still is one.
struct Tcp<'a>(Option<&'a TcpStream>);

impl Tcp<'_> {
    fn set_zero_linger(&self) -> io::Result<()> {
        self.0.map_or(Ok(()), TcpStream::set_zero_linger)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// The longest line taken: RFC 4954, 4.5.3 asks for 12288 bytes in AUTH, all else is shorter.
pub(super) const MAX_LINE: usize = 16_384;

/// How long an orderly close waits.
const LINGER: Duration = Duration::from_secs(1);
