//! Connections, kept in bounds: how many, how large a head, how slow a client.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::body::Payload;
use super::doors::Arrival;
use super::seats::{Seat, Served, Stalled};
use super::{State, respond};

/// Bounds on connections, all listeners together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once. For one more, the one that asked nothing for longest is closed;
    /// while all are being answered, it waits.
    pub connections: usize,
    /// From the first chance to send a request's head to its end. It closes idle kept-alive
    /// connections as well, so it is longer than the usual scrape interval of 60 s.
    pub header_timeout: Duration,
    /// How long a client may take nothing of an answer.
    pub write_stall: Duration,
    /// TLS handshakes under way at once; further ones wait.
    pub handshakes: usize,
    /// From accepting a connection to the end of its TLS handshake.
    pub handshake_timeout: Duration,
    /// Header fields of a request.
    pub headers: usize,
    /// Bytes of a request's head; at least 8192.
    pub head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            header_timeout: Duration::from_secs(75),
            write_stall: Duration::from_secs(30),
            handshakes: 128,
            handshake_timeout: Duration::from_secs(10),
            headers: 64,
            head_bytes: 16 * 1024,
        }
    }
}

/// Serves HTTP/1.1, over TLS where the doors say so, on all listeners until `shutdown`, then finishes the requests in flight, for at
/// most `grace`.
pub async fn serve(
    listeners: Vec<TcpListener>,
    state: Arc<State>,
    shutdown: CancellationToken,
    grace: Duration,
) {
    // Connections watch it; the accepting loops share it and are gone when it is used up.
    let graceful = Arc::new(GracefulShutdown::new());
    let handshakes = Arc::new(Semaphore::new(state.limits.handshakes.max(1)));
    // Ends what is left when the grace period is over.
    let cut = CancellationToken::new();
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let (graceful, handshakes) = (graceful.clone(), handshakes.clone());
        let (state, shutdown, cut) = (state.clone(), shutdown.clone(), cut.clone());
        accepting.spawn(async move {
            tokio::select! {
                () = accept(&listener, &state, &handshakes, &graceful, &cut) => {}
                () = shutdown.cancelled() => {}
            }
        });
    }
    while accepting.join_next().await.is_some() {}
    if let Some(graceful) = Arc::into_inner(graceful)
        && timeout(grace, graceful.shutdown()).await.is_err()
    {
        tracing::warn!(grace_seconds = grace.as_secs_f64(), "http requests were cut off");
    }
    cut.cancel();
}

async fn accept(
    listener: &TcpListener,
    state: &Arc<State>,
    handshakes: &Arc<Semaphore>,
    graceful: &GracefulShutdown,
    cut: &CancellationToken,
) {
    let mut rest = SHORTEST_REST;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // The client went away between its SYN and our accept: no trouble of ours.
            Err(error) if is_clients_own(&error) => continue,
            Err(error) => {
                // Most likely no file descriptor is left, and then the next try fails at once too.
                tracing::warn!(error = %error, "cannot accept http connections");
                sleep(rest).await;
                rest = (rest * 2).min(LONGEST_REST);
                continue;
            }
        };
        rest = SHORTEST_REST;
        // The system's queue holds those behind it meanwhile.
        let seat = state.seats.take(state.limits.connections, cut).await;
        let (handshakes, watcher) = (handshakes.clone(), graceful.watcher());
        let connection = connection(state.clone(), stream, peer, seat.clone(), handshakes, watcher);
        tokio::spawn(async move {
            tokio::select! {
                () = connection => {}
                () = seat.needed() => {}
            }
        });
    }
}

async fn connection(
    state: Arc<State>,
    stream: TcpStream,
    peer: SocketAddr,
    seat: Arc<Seat>,
    handshakes: Arc<Semaphore>,
    watcher: Watcher,
) {
    // A scrape's last piece must not wait for the acknowledgement of the one before it.
    let _ = stream.set_nodelay(true);
    let Ok(local) = stream.local_addr() else { return };
    let arrival = Arrival { peer: peer.ip(), local: local.ip() };
    let stream = Patient::new(stream, seat.clone(), state.limits.write_stall);
    let ended = match state.doors.now().tls.clone() {
        None => converse(state, stream, arrival, seat, watcher).await,
        Some(config) => {
            let stream = tokio::select! {
                stream = handshake(&state, config, stream, &handshakes) => stream,
                // Nothing was asked yet, so nothing is left to finish.
                () = state.stop.cancelled() => return,
            };
            match stream {
                Ok(stream) => converse(state, stream, arrival, seat, watcher).await,
                Err(error) => Err(error.into()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %peer, error = %error, "http connection ended");
    }
}

/// The server's side of a TLS handshake, in time or not at all.
async fn handshake(
    state: &State,
    config: Arc<ServerConfig>,
    stream: Patient,
    handshakes: &Semaphore,
) -> io::Result<TlsStream<Patient>> {
    let shake = async {
        let _permit = handshakes.acquire().await.map_err(io::Error::other)?;
        let accepted = TlsAcceptor::from(config).accept(stream).into_fallible().await;
        let (error, mut stream) = match accepted {
            Ok(stream) => return Ok(stream),
            Err(failed) => failed,
        };
        let cause = error.get_ref().and_then(|error| error.downcast_ref());
        if let Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) =
            cause
        {
            // Most likely a URL that says http: whoever wrote it is told.
            stream.write_all(NOT_TLS).await?;
            stream.shutdown().await?;
        }
        Err(error)
    };
    timeout(state.limits.handshake_timeout, shake).await?
}

/// Requests and answers on one connection.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    state: Arc<State>,
    stream: S,
    arrival: Arrival,
    seat: Arc<Seat>,
    watcher: Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let limits = state.limits;
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (state, served) = (state.clone(), seat.serve());
        request.extensions_mut().insert(arrival);
        async move {
            let response = respond(&state, &request).await;
            Ok::<_, Infallible>(response.map(|payload| Answer { payload, _served: served }))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes.max(SMALLEST_BUFFER))
        .serve_connection(TokioIo::new(stream), service);
    Ok(watcher.watch(connection).await?)
}

/// A body that keeps its connection's place until it is sent.
struct Answer {
    payload: Payload,
    _served: Served,
}

impl Body for Answer {
    type Data = <Payload as Body>::Data;
    type Error = <Payload as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.payload).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}

fn is_clients_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// A stream whose writes end when the peer takes nothing for too long: hyper bounds only reading.
struct Patient {
    stream: TcpStream,
    seat: Arc<Seat>,
    patience: Duration,
    /// Runs while a write is held up. What hyper has left of an answer then is still one.
    stalled: Option<(Pin<Box<Sleep>>, Stalled)>,
}

impl Patient {
    fn new(stream: TcpStream, seat: Arc<Seat>, patience: Duration) -> Self {
        Self { stream, seat, patience, stalled: None }
    }

    fn judge<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let Self { seat, patience, stalled, .. } = self;
        let (patience, _) =
            stalled.get_or_insert_with(|| (Box::pin(sleep(*patience)), seat.stall()));
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes no answer")))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buffer);
        self.judge(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, buffers);
        self.judge(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

const SHORTEST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(2);
/// hyper refuses a smaller one.
const SMALLEST_BUFFER: usize = 8192;
/// The answer to a request in clear where TLS is spoken.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n\
    this port speaks TLS: the URL begins with https\n";
