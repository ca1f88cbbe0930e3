//! The floor: the least that a client of tokio and rustls can spend on a probe. Connect, greeting,
//! EHLO, STARTTLS, a full handshake with chain and name verified, EHLO, QUIT, and an orderly end; a
//! reply is read to its last line and its code looked at, and nothing is kept.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::{Words, target};

/// Says that it is ready, probes `count` times once a line comes, says how long that took, and waits
/// for another line, so that the driver can look at it while it is alive.
pub(super) fn run(words: &Words) {
    let tls = words.text("mode") != "ehlo";
    let port = words.number("port");
    let (count, concurrency) = (words.number("count"), words.number("concurrency"));
    let targets = words.number("targets");
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(words.text("authorities")).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    // As the exporter does, which offers a post-quantum share as well.
    let offers = words.number("post_quantum") == 1;
    let provider = if offers { aws_lc_rs::default_provider() } else { super::serve::provider() };
    let provider = Arc::new(provider);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let probe = Arc::new(Probe {
        connector: tls.then(|| TlsConnector::from(Arc::new(config))),
        name: ServerName::try_from(words.text("name").to_owned()).unwrap(),
        port: u16::try_from(port).unwrap(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { probe.once(0).await.unwrap() });
    println!("{}", json!({"ready": true}));
    super::wait();
    let next = Arc::new(AtomicU64::new(0));
    let (begun, took) = runtime.block_on(async {
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..concurrency {
            let (probe, next) = (probe.clone(), next.clone());
            tasks.spawn(async move {
                let mut took = Vec::new();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= count {
                        return took;
                    }
                    let begun = Instant::now();
                    probe.once(i % targets).await.unwrap();
                    took.push(begun.elapsed());
                }
            });
        }
        (begun, tasks.join_all().await.concat())
    });
    println!("{}", super::summary(begun.elapsed(), took, json!({"good": count, "bad": 0})));
    super::wait();
}

struct Probe {
    connector: Option<TlsConnector>,
    name: ServerName<'static>,
    port: u16,
}

impl Probe {
    async fn once(&self, i: u64) -> io::Result<()> {
        let bounded = tokio::time::timeout(Duration::from_secs(20), self.dialogue(i));
        bounded.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn dialogue(&self, i: u64) -> io::Result<()> {
        let mut stream = TcpStream::connect(SocketAddr::from((target(i), self.port))).await?;
        stream.set_nodelay(true)?;
        reply(&mut stream, b"220").await?;
        say(&mut stream, b"EHLO probe.bench.test\r\n", b"250").await?;
        let Some(connector) = &self.connector else {
            return say(&mut stream, b"QUIT\r\n", b"221").await;
        };
        say(&mut stream, b"STARTTLS\r\n", b"220").await?;
        let mut stream = connector.connect(self.name.clone(), stream).await?;
        say(&mut stream, b"EHLO probe.bench.test\r\n", b"250").await?;
        say(&mut stream, b"QUIT\r\n", b"221").await?;
        let _ = stream.shutdown().await;
        Ok(())
    }
}

async fn say<S>(stream: &mut S, command: &[u8], code: &[u8]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(command).await?;
    reply(stream, code).await
}

/// Reads to the end of a line that is a reply's last.
async fn reply<S: AsyncRead + Unpin>(stream: &mut S, code: &[u8]) -> io::Result<()> {
    let mut buffer = [0; 2048];
    let mut length = 0;
    loop {
        let read = stream.read(&mut buffer[length..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += read;
        let Some(text) = buffer[..length].strip_suffix(b"\r\n") else { continue };
        let last = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        if last.get(3) == Some(&b' ') {
            let good = last.starts_with(code);
            return if good { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) };
        }
    }
}
