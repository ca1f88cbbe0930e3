//! Connections, and what this host can reach at all.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use crate::cause::Cause;
use crate::observation::Failure;
use crate::smtp::Phase;
use crate::target::Family;

/// A connected socket that acknowledges at once.
///
/// # Why
///
/// A server that has Nagle's algorithm on and sends two small segments in a row (TLS 1.3 tickets,
/// then a reply) holds the second until the first is acknowledged, and Linux may take 40 ms for
/// that. This time would be ours and not the server's, so when we wait for the peer with something
/// read and nothing written since, the acknowledgement that is due goes out. What we write carries it
/// by itself, and TLS often finds nothing more to read just before it writes: so only whoever finds
/// nothing for the second time waits.
///
/// # Bound
///
/// A peer may send [`WIRE_BYTES`] on one connection; reading on fails with
/// [`io::ErrorKind::QuotaExceeded`]. Replies have bounds of their own, but inside TLS a peer can send
/// records that hold no reply (session tickets, key updates, empty ones) for as long as it likes. And
/// after 4 KiB in a row, others have their turn: TLS reads on for as long as there is
/// something, and each of a thousand tickets in a record takes a derivation of keys.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    local: SocketAddr,
    due: Due,
    /// Bytes read, never more than one read over [`WIRE_BYTES`].
    read: usize,
    /// Bytes read since others had their turn.
    run: usize,
}

/// Whether an acknowledgement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Nothing was read since something was sent that acknowledged it.
    Nothing,
    /// Something was read, and perhaps there is more.
    Read,
    /// There was no more, a moment ago.
    Waiting,
}

impl Stream {
    fn new(socket: TcpStream, local: SocketAddr) -> Self {
        Self { socket, local, due: Due::Nothing, read: 0, run: 0 }
    }

    /// The address that we connect from.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// There is nothing to read.
    fn wait(&mut self, cx: &Context<'_>) {
        self.due = match self.due {
            Due::Nothing => return,
            Due::Read => {
                cx.waker().wake_by_ref();
                Due::Waiting
            }
            Due::Waiting => {
                // Only the timing suffers when this fails, so it may.
                let _ = self.socket.set_quickack(true);
                Due::Nothing
            }
        };
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read > WIRE_BYTES {
            let text = format!("the server sent more than {WIRE_BYTES} bytes");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::QuotaExceeded, text)));
        }
        if self.run >= RUN_BYTES {
            self.run = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        if read.is_ready() {
            let count = buf.filled().len() - before;
            self.read = self.read.saturating_add(count);
            self.run = self.run.saturating_add(count);
            self.due = Due::Read;
        } else {
            self.run = 0;
            self.wait(cx);
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.due = Due::Nothing;
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.due = Due::Nothing;
        Pin::new(&mut self.socket).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    /// Whoever shuts a connection down drops it next, and that closes it: to say so to the system
    /// before would say it twice.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// Connects within `timeout`, from `source` if one is given, with `TCP_NODELAY` set.
///
/// # Errors
///
/// A [`Failure`] of the connect phase. The remote and the path answer for `connect_refused`,
/// `connect_timeout`, `network_unreachable` and `connection_dropped`; we answer for
/// `exporter_limit` (descriptors, ports, memory) and `exporter_error` (a local firewall, a source
/// address that this host does not have or that is of the other family).
pub async fn connect(
    remote: SocketAddr,
    source: Option<IpAddr>,
    timeout: Duration,
) -> Result<Stream, Failure> {
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    let socket = match remote {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }
    .map_err(|error| connect_failure(&error, remote))?;
    if let Some(source) = source {
        bind(&socket, source, remote)?;
    }
    // The options come first, so that nothing goes out without them.
    socket.set_nodelay(true).map_err(|error| connect_failure(&error, remote))?;
    let stream = match tokio::time::timeout(timeout, socket.connect(remote)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(connect_failure(&error, remote)),
        Err(_) => {
            let text = format!("{remote} did not answer within {timeout:?}");
            return Err(Failure::new(Phase::Connect, Cause::ConnectTimeout, text));
        }
    };
    // The system knows the address of a socket that is connected.
    let local = stream.local_addr().map_err(|error| connect_failure(&error, remote))?;
    if local.port() == remote.port() && talks_to_itself(&stream) {
        let text = format!("{remote} refused the connection");
        return Err(Failure::new(Phase::Connect, Cause::ConnectRefused, text));
    }
    Ok(Stream::new(stream, local))
}

/// True when the host has a route to `address`. Asks the routing table and sends nothing.
pub fn has_route(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let unspecified = match Family::of(address) {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    UdpSocket::bind((unspecified, 0))
        .and_then(|socket| socket.connect((address, DISCARD_PORT)))
        .is_ok()
}

/// True when the host has a route into the Internet of this family. An address on a local network
/// or on loopback may be reachable all the same: [`has_route`] tells.
pub fn family_available(family: Family) -> bool {
    has_route(match family {
        Family::Ipv4 => IpAddr::V4(FAR_IPV4),
        Family::Ipv6 => IpAddr::V6(FAR_IPV6),
    })
}

/// The address that connections into the Internet of this family go out from, as the routing table
/// says; nothing is sent. None without a route.
pub fn outgoing_address(family: Family) -> Option<IpAddr> {
    let (unspecified, far) = match family {
        Family::Ipv4 => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(FAR_IPV4)),
        Family::Ipv6 => (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(FAR_IPV6)),
    };
    let socket = UdpSocket::bind((unspecified, 0)).ok()?;
    socket.connect((far, DISCARD_PORT)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

fn bind(socket: &TcpSocket, source: IpAddr, remote: SocketAddr) -> Result<(), Failure> {
    let ours = |cause, text: String| Failure::new(Phase::Connect, cause, text);
    if Family::of(source) != Family::of(remote.ip()) {
        let text = format!(
            "{source} in exporter.source_addresses is of another family than the remote {remote}"
        );
        return Err(ours(Cause::ExporterError, text));
    }
    socket.bind(SocketAddr::new(source, 0)).map_err(|error| {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::ADDRNOTAVAIL) => ours(
                Cause::ExporterError,
                format!("this host does not have {source}, which exporter.source_addresses names"),
            ),
            Some(Errno::ADDRINUSE) => {
                ours(Cause::ExporterLimit, format!("no free local port at {source}"))
            }
            _ => connect_failure(&error, remote),
        }
    })
}

/// On loopback the kernel may choose the very port that is connected to as our own, and then both
/// ends are one socket: nobody listens there.
fn talks_to_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(local), Ok(peer)) if local == peer)
}

/// What an error of `socket` or `connect` means.
fn connect_failure(error: &io::Error, remote: SocketAddr) -> Failure {
    let (cause, text) = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::CONNREFUSED) => {
            (Cause::ConnectRefused, format!("{remote} refused the connection"))
        }
        Some(Errno::TIMEDOUT) => (Cause::ConnectTimeout, format!("{remote} did not answer")),
        Some(
            Errno::NETUNREACH
            | Errno::HOSTUNREACH
            | Errno::NETDOWN
            | Errno::HOSTDOWN
            | Errno::NOPROTOOPT,
        ) => (Cause::NetworkUnreachable, format!("{remote} cannot be reached: {error}")),
        Some(Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE) => {
            (Cause::ConnectionDropped, format!("{remote} dropped the connection: {error}"))
        }
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
            (Cause::ExporterLimit, format!("no socket for {remote}: {error}"))
        }
        Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE | Errno::AGAIN) => {
            (Cause::ExporterLimit, format!("no free local port towards {remote}: {error}"))
        }
        Some(Errno::ACCESS | Errno::PERM) => (
            Cause::ExporterError,
            format!("this host forbids connections to {remote}, as a local firewall does: {error}"),
        ),
        Some(Errno::AFNOSUPPORT) => {
            (Cause::ExporterError, format!("this host does not speak {remote}'s family: {error}"))
        }
        _ => (Cause::ExporterError, format!("cannot connect to {remote}: {error}")),
    };
    Failure::new(Phase::Connect, cause, text)
}

/// The most that a peer may send on one connection, TLS and all: four times what the replies of a
/// session may come to, and sixteen times the longest certificate chain.
pub const WIRE_BYTES: usize = 1 << 20;
/// What is read from one connection before others have their turn.
const RUN_BYTES: usize = 4 * 1024;
/// RFC 863. Any port does, because nothing is sent.
const DISCARD_PORT: u16 = 9;
/// A root name server: far away from any host, and never a documentation prefix that careful
/// administrators send into a black hole.
const FAR_IPV4: Ipv4Addr = Ipv4Addr::new(198, 41, 0, 4);
/// The same server's other address.
const FAR_IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Blame;

    #[test]
    fn errors_of_the_system_have_their_causes() {
        let remote = SocketAddr::from(([192, 0, 2, 1], 25));
        let expected = [
            (Errno::CONNREFUSED, Cause::ConnectRefused, Blame::Path),
            (Errno::TIMEDOUT, Cause::ConnectTimeout, Blame::Path),
            (Errno::NETUNREACH, Cause::NetworkUnreachable, Blame::Path),
            (Errno::HOSTUNREACH, Cause::NetworkUnreachable, Blame::Path),
            (Errno::CONNRESET, Cause::ConnectionDropped, Blame::Path),
            (Errno::MFILE, Cause::ExporterLimit, Blame::Exporter),
            (Errno::NFILE, Cause::ExporterLimit, Blame::Exporter),
            (Errno::NOBUFS, Cause::ExporterLimit, Blame::Exporter),
            (Errno::ADDRNOTAVAIL, Cause::ExporterLimit, Blame::Exporter),
            (Errno::ACCESS, Cause::ExporterError, Blame::Exporter),
            (Errno::PERM, Cause::ExporterError, Blame::Exporter),
            (Errno::INVAL, Cause::ExporterError, Blame::Exporter),
        ];
        for (errno, cause, blame) in expected {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            let failure = connect_failure(&error, remote);
            assert_eq!((failure.cause, failure.blame), (cause, blame), "{errno}");
            assert_eq!(failure.phase, Phase::Connect);
            assert!(failure.detail.contains("192.0.2.1:25"), "{}", failure.detail);
        }
    }
    #[tokio::test]
    async fn a_socket_that_talks_to_itself_is_no_server() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let remote = listener.local_addr().unwrap();
        assert!(!talks_to_itself(&TcpStream::connect(remote).await.unwrap()));
        drop(listener);
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let own = socket.local_addr().unwrap();
        assert!(talks_to_itself(&socket.connect(own).await.unwrap()));
    }

    /// A peer that never stops is read up to the bound, and others have their turn meanwhile.
    #[tokio::test]
    async fn what_a_peer_may_send_is_bounded_and_comes_in_turns() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let remote = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let peer = listener.into_std().unwrap();
            peer.set_nonblocking(false).unwrap();
            let (mut stream, _) = peer.accept().unwrap();
            while io::Write::write_all(&mut stream, &[7; 64 * 1024]).is_ok() {}
        });
        let mut ours = connect(remote, None, Duration::from_secs(5)).await.unwrap();
        ours.write_all(b"x").await.unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let mut piece = [0; 2048];
        // All of it is there, and still a task that reads on is stopped now and then.
        let mut most = 0;
        let mut total = 0;
        let error = loop {
            let mut run = 0;
            let stopped = std::future::poll_fn(|cx| {
                loop {
                    let mut buffer = ReadBuf::new(&mut piece);
                    match Pin::new(&mut ours).poll_read(cx, &mut buffer) {
                        Poll::Ready(Ok(())) => run += buffer.filled().len(),
                        Poll::Ready(Err(error)) => return Poll::Ready(Some(error)),
                        Poll::Pending => return Poll::Ready(None),
                    }
                }
            })
            .await;
            most = most.max(run);
            total += run;
            match stopped {
                Some(error) => break error,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
        assert!((WIRE_BYTES..WIRE_BYTES + 4096).contains(&total), "{total}");
        assert!(most < RUN_BYTES + piece.len(), "{most} bytes in one turn");
        let again = ours.read(&mut piece).await.unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::QuotaExceeded);
    }

    /// A dialogue of short turns is what makes the kernel delay acknowledgements, for 40 ms each: a
    /// reply in two small pieces then comes so late, unless the first is acknowledged.
    #[tokio::test]
    async fn a_reply_in_pieces_is_not_held_up() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let remote = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                // Nagle's algorithm is on.
                let (mut peer, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    while peer.read_exact(&mut [0; 4]).await.is_ok() {
                        peer.write_all(b"250-").await.unwrap();
                        peer.write_all(b"ok").await.unwrap();
                    }
                });
            }
        });
        async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Duration {
            let begun = tokio::time::Instant::now();
            for _ in 0..20 {
                stream.write_all(b"NOOP").await.unwrap();
                stream.read_exact(&mut [0; 6]).await.unwrap();
            }
            begun.elapsed()
        }
        let bare = talk(TcpStream::connect(remote).await.unwrap()).await;
        let ours = talk(connect(remote, None, Duration::from_secs(5)).await.unwrap()).await;
        assert!(ours < bare / 4, "{ours:?}, and {bare:?} without a thought of it");
    }
}
