//! Peers that do as a script says, byte by byte, to everybody who connects.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::records::{self, Forgery, Version};

/// One thing that a peer does.
#[derive(Clone)]
pub(super) enum Act {
    /// Writes.
    Say(Vec<u8>),
    /// Writes the same again and again, so many times.
    Repeat(Vec<u8>, u64),
    /// Reads until a line has come.
    Hear,
    Wait(Duration),
    /// Says nothing any more and reads nothing: what we write stays in the system's buffers.
    Deaf,
    /// Says nothing any more, until the client goes.
    Silence,
    /// Does a TLS handshake and goes on inside.
    Inside(Version, Vec<Self>),
    /// Does a TLS handshake, answers EHLO with nothing, and sends these records for ever.
    Forge(Forgery),
}

/// What both ends of a script can be played on.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A listener. It ends with the test's runtime.
pub(super) async fn start(address: [u8; 4], script: Vec<Act>) -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::from((address, 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = script.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true).unwrap();
                // The client hangs up where it has had enough: that is no error here.
                let _ = play(stream, script).await;
            });
        }
    });
    address
}

async fn play(mut stream: TcpStream, script: Vec<Act>) -> std::io::Result<()> {
    for act in script {
        match act {
            Act::Inside(version, inner) => {
                let mut stream = records::accept(stream, version).await?;
                return play_on(&mut stream, inner).await;
            }
            Act::Forge(forgery) => return records::forge(stream, forgery).await,
            act => plain(&mut stream, act).await?,
        }
    }
    // In order, and then until the client goes too: dropping it now might be a reset.
    stream.shutdown().await?;
    plain(&mut stream, Act::Silence).await
}

fn play_on<'a>(
    stream: &'a mut dyn Wire,
    script: Vec<Act>,
) -> Pin<Box<dyn Future<Output = std::io::Result<()>> + Send + 'a>> {
    Box::pin(async move {
        for act in script {
            plain(&mut *stream, act).await?;
        }
        stream.shutdown().await
    })
}

async fn plain<W: Wire + ?Sized>(stream: &mut W, act: Act) -> std::io::Result<()> {
    match act {
        Act::Say(bytes) => stream.write_all(&bytes).await?,
        Act::Repeat(bytes, times) => {
            for _ in 0..times {
                stream.write_all(&bytes).await?;
            }
        }
        Act::Hear => {
            let mut byte = [0];
            while byte != *b"\n" {
                if stream.read(&mut byte).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        Act::Wait(time) => sleep(time).await,
        Act::Deaf => sleep(Duration::from_secs(600)).await,
        Act::Silence => {
            let mut sink = [0; 4096];
            while stream.read(&mut sink).await? > 0 {}
        }
        Act::Inside(..) | Act::Forge(..) => unreachable!("TLS inside TLS"),
    }
    stream.flush().await
}
