//! The cheapest mail servers that a full probe needs: one thread, fixed replies, TLS 1.3 without
//! tickets, so that every handshake is a full one. They listen on all loopback addresses, so each of
//! thousands of targets can have an address of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Runs until standard input ends. Four servers: an ordinary one at `port`; one with a long chain;
/// one that is silent once TLS stands; one that takes 20 ms for each reply.
pub(super) fn run(port: u16, directory: &Path) {
    let short = Chain::short();
    let long = Chain::long();
    let authorities = directory.join("authorities.pem");
    // The roots that this machine trusts as well: who verifies has them to search.
    let public = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    std::fs::write(&authorities, format!("{public}{}{}", short.root, long.root)).unwrap();
    let counts = Arc::new(Counts::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (short, long) = (short.acceptor(), long.acceptor());
    let servers = [
        ("mail", &short, Manner::Ordinary),
        ("chain", &long, Manner::Ordinary),
        ("silent", &short, Manner::Silent),
        ("slow", &short, Manner::Slow),
    ];
    let mut ports = serde_json::Map::new();
    for (port, (name, acceptor, manner)) in (port..).zip(servers) {
        ports.insert(name.to_owned(), port.into());
        let server = Server { acceptor: acceptor.clone(), manner, counts: counts.clone() };
        runtime.block_on(async { server.start(port) });
    }
    println!("{}", json!({"ports": ports, "authorities": authorities, "name": NAME}));
    let counted = counts;
    std::thread::spawn(move || {
        super::answer(|| {
            let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
            let Counts { sessions, handshakes, open } = &*counted;
            json!({"sessions": read(sessions), "handshakes": read(handshakes), "open": read(open)})
        });
        std::process::exit(0);
    });
    runtime.block_on(std::future::pending::<()>());
}

/// What a server sends, and the root that a client needs for it.
struct Chain {
    root: String,
    sent: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Chain {
    /// P-256 below P-256.
    fn short() -> Self {
        let root = authority("bench root", KeyPair::generate().unwrap(), None);
        Self::below(&root, &[], &root)
    }

    /// P-256 below P-384 below RSA-4096, as Let's Encrypt's chains are.
    fn long() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096).unwrap();
        let root = authority("bench long root", key, None);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let middle = authority("bench intermediate", key, Some(&root));
        Self::below(&middle, &[middle.der().clone()], &root)
    }

    fn below(issuer: &Issuer, further: &[CertificateDer<'static>], root: &Issuer) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        let leaf = params.signed_by(&key, issuer).unwrap().der().clone();
        let sent = std::iter::once(leaf).chain(further.iter().cloned()).collect();
        Self { root: root.pem(), sent, key }
    }

    fn acceptor(self) -> TlsAcceptor {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.sent, key)
            .unwrap();
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        TlsAcceptor::from(Arc::new(config))
    }
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str, key: KeyPair, parent: Option<&Issuer>) -> Issuer {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    match parent {
        Some(parent) => CertifiedIssuer::signed_by(params, key, parent).unwrap(),
        None => CertifiedIssuer::self_signed(params, key).unwrap(),
    }
}

#[derive(Default)]
struct Counts {
    sessions: AtomicU64,
    handshakes: AtomicU64,
    open: AtomicU64,
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Ordinary,
    Silent,
    Slow,
}

#[derive(Clone)]
struct Server {
    acceptor: TlsAcceptor,
    manner: Manner,
    counts: Arc<Counts>,
}

impl Server {
    fn start(self, port: u16) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).unwrap();
        let listener = socket.listen(4096).unwrap();
        tokio::spawn(async move {
            loop {
                let Ok((stream, peer)) = listener.accept().await else {
                    // No descriptors left, mostly.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                };
                if peer.ip().is_loopback() {
                    let server = self.clone();
                    tokio::spawn(async move {
                        server.counts.sessions.fetch_add(1, Ordering::Relaxed);
                        server.counts.open.fetch_add(1, Ordering::Relaxed);
                        let _ = server.session(stream).await;
                        server.counts.open.fetch_sub(1, Ordering::Relaxed);
                    });
                }
            }
        });
    }

    async fn session(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        self.wait().await;
        stream.write_all(b"220 mx.bench.test ESMTP ready\r\n").await?;
        if !self.converse(&mut stream, false).await? {
            return stream.shutdown().await;
        }
        let mut stream = self.acceptor.accept(stream).await?;
        self.counts.handshakes.fetch_add(1, Ordering::Relaxed);
        self.converse(&mut stream, true).await?;
        stream.shutdown().await
    }

    /// Answers commands. True when TLS shall start; false at the end.
    async fn converse<S>(&self, stream: &mut S, inside: bool) -> io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut line = [0; 512];
        loop {
            let mut length = 0;
            while !line[..length].ends_with(b"\n") {
                let read = stream.read(&mut line[length..]).await?;
                if read == 0 {
                    return Ok(false);
                }
                length += read;
            }
            if inside && self.manner == Manner::Silent {
                continue;
            }
            self.wait().await;
            let verb = line[..4].to_ascii_uppercase();
            let reply: &[u8] = match verb.as_slice() {
                b"EHLO" if inside => INSIDE,
                b"EHLO" => CLEAR,
                b"STAR" if !inside => b"220 2.0.0 Ready to start TLS\r\n",
                b"QUIT" => b"221 2.0.0 Bye\r\n",
                _ => b"502 5.5.2 Error: command not recognized\r\n",
            };
            stream.write_all(reply).await?;
            match verb.as_slice() {
                b"STAR" if !inside => return Ok(true),
                b"QUIT" => return Ok(false),
                _ => {}
            }
        }
    }

    async fn wait(&self) {
        if self.manner == Manner::Slow {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The name on the certificates.
const NAME: &str = "mx.bench.test";

const CLEAR: &[u8] = b"250-mx.bench.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-ETRN\r\n\
    250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n";
const INSIDE: &[u8] = b"250-mx.bench.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-ETRN\r\n\
    250-AUTH PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n";

/// X25519 and P-256, as mail servers of today have.
pub(super) fn provider() -> rustls::crypto::CryptoProvider {
    let kx_groups = vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::SECP256R1];
    rustls::crypto::CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() }
}
