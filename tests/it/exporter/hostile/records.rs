//! TLS that no library sends: a server's handshake by rustls, and then records sealed by hand with
//! its keys. Also a handshake in clear by hand, up to the certificates.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider};
use rustls::crypto::cipher::{MessageEncrypter, OutboundPlainMessage};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConfig, SupportedCipherSuite,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::pki::Authority;

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Tls12,
    Tls13,
}

/// What comes without end once TLS stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Forgery {
    /// Session tickets of TLS 1.3, as many as go into a record.
    Tickets,
    /// Application data of no byte.
    Empty(Version),
    /// Warnings that mean nothing.
    Warnings(Version),
    /// TLS 1.2's request to begin anew.
    HelloRequests,
    /// Key updates of TLS 1.3, each of which wants one back.
    KeyUpdates,
    /// The same with a byte of a reply between them, so that they do not come in a row.
    KeyUpdatesApart,
    /// One byte of a reply in each record.
    Crumbs,
}

/// The server's side of a handshake.
pub(super) async fn accept(
    stream: TcpStream,
    version: Version,
) -> io::Result<TlsStream<TcpStream>> {
    TlsAcceptor::from(config(version)).accept(stream).await
}

/// Does a handshake, and then sends what is asked for until the client goes.
pub(super) async fn forge(stream: TcpStream, forgery: Forgery) -> io::Result<()> {
    let version = match forgery {
        Forgery::Warnings(version) | Forgery::Empty(version) => version,
        Forgery::HelloRequests => Version::Tls12,
        _ => Version::Tls13,
    };
    let mut stream = accept(stream, version).await?;
    if matches!(forgery, Forgery::KeyUpdates | Forgery::KeyUpdatesApart) {
        stream.write_all(b"250-").await?;
        loop {
            for _ in 0..20 {
                stream.get_mut().1.refresh_traffic_keys().map_err(io::Error::other)?;
            }
            if matches!(forgery, Forgery::KeyUpdatesApart) {
                stream.write_all(b"x").await?;
            }
            stream.flush().await?;
        }
    }
    let (mut stream, connection) = stream.into_inner();
    let secrets = connection.dangerous_extract_secrets().map_err(io::Error::other)?;
    let mut sealer = Sealer::new(version, secrets.tx);
    loop {
        // In large pieces, so that the client always has something to read.
        let mut piece = Vec::new();
        while piece.len() < 64 * 1024 {
            piece.extend(match forgery {
                Forgery::Tickets => {
                    sealer.seal(ContentType::Handshake, &TICKET.repeat(15_000 / TICKET.len()))
                }
                Forgery::Empty(_) => sealer.seal(ContentType::ApplicationData, &[]),
                // Level warning, user_canceled (RFC 8446, 6.1).
                Forgery::Warnings(_) => sealer.seal(ContentType::Alert, &[1, 90]),
                Forgery::HelloRequests => sealer.seal(ContentType::Handshake, &[0, 0, 0, 0]),
                _ => sealer.seal(ContentType::ApplicationData, b"2"),
            });
        }
        stream.write_all(&piece).await?;
    }
}

/// Records in clear, as far as the header of a certificate message of 16 MiB: what follows is its
/// body. TLS 1.2 shows its certificates in clear.
pub(super) fn up_to_the_chain() -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    // No session, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no compression.
    hello.extend([0, 0xc0, 0x2b, 0]);
    let mut message = vec![2, 0, 0, u8::try_from(hello.len()).unwrap()];
    message.extend(hello);
    let mut bytes = record(22, &message);
    bytes.extend(record(22, &[11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff, 0xf9]));
    bytes
}

/// A record in clear.
pub(super) fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], &length[..], payload].concat()
}

struct Sealer {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Sealer {
    fn new(version: Version, (sequence, secrets): (u64, ConnectionTrafficSecrets)) -> Self {
        let ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } = secrets else {
            panic!("another cipher than the one that was configured")
        };
        let encrypter = match suite(version) {
            SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
            SupportedCipherSuite::Tls12(suite) => suite.aead_alg.encrypter(key, iv.as_ref(), &[]),
        };
        Self { encrypter, sequence }
    }

    fn seal(&mut self, typ: ContentType, payload: &[u8]) -> Vec<u8> {
        let version = ProtocolVersion::TLSv1_2;
        let plain = OutboundPlainMessage { typ, version, payload: payload.into() };
        let sealed = self.encrypter.encrypt(plain, self.sequence).unwrap().encode();
        self.sequence += 1;
        sealed
    }
}

fn suite(version: Version) -> SupportedCipherSuite {
    match version {
        Version::Tls13 => cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        Version::Tls12 => cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}

/// One suite, so that it is known how to seal, and keys that can be had.
fn config(version: Version) -> Arc<ServerConfig> {
    static BOTH: OnceLock<[Arc<ServerConfig>; 2]> = OnceLock::new();
    let both = BOTH.get_or_init(|| {
        let issued = Authority::new("hostile").server();
        let chain = vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
        [(Version::Tls12, &rustls::version::TLS12), (Version::Tls13, &rustls::version::TLS13)].map(
            |(version, protocol)| {
                let mut provider = default_provider();
                provider.cipher_suites = vec![suite(version)];
                let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
                    .with_protocol_versions(&[protocol])
                    .unwrap()
                    .with_no_client_auth()
                    .with_single_cert(chain.clone(), key.clone_key())
                    .unwrap();
                config.enable_secret_extraction = true;
                config.send_tls13_tickets = 0;
                Arc::new(config)
            },
        )
    });
    both[usize::from(version == Version::Tls13)].clone()
}

/// The smallest NewSessionTicket (RFC 8446, 4.6.1): lifetime, age, a nonce and a ticket of one byte
/// each, no extension.
const TICKET: &[u8] = &[4, 0, 0, 15, 0, 0, 1, 0, 0, 0, 0, 0, 1, 7, 0, 1, 7, 0, 0];
