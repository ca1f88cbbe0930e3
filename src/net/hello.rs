//! What a server too old to talk to still says in clear.
//!
//! Up to TLS 1.2 the server's choice of version and suite and its certificates are not encrypted. So
//! when a handshake found nothing in common, one more connection with a hand-made ClientHello that
//! offers what the nineties had tells the operator how old the server is, and when its certificate
//! ends. The handshake is never finished.

use std::net::IpAddr;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{certificate, names};
use crate::observation::{TlsFacts, TlsVersion};

/// Sends a ClientHello that offers SSL 3.0 to TLS 1.2 with old cipher suites, and reads the server's
/// answer until its key exchange, within `timeout` and 64 KiB. None when no ServerHello came.
///
/// In the facts `established` is false and `verified` none: nothing here is proof of identity.
pub async fn read_server_hello<S>(
    stream: &mut S,
    server_name: &str,
    timeout: Duration,
) -> Option<TlsFacts>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut seen = Seen::default();
    // Whatever the end is (silence, an alert, the last message), what was read until then counts.
    let _ = tokio::time::timeout(timeout, exchange(stream, server_name, &mut seen)).await;
    seen.facts()
}

async fn exchange<S>(stream: &mut S, server_name: &str, seen: &mut Seen) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(&client_hello(server_name)).await?;
    stream.flush().await?;
    let mut messages = Vec::new();
    for _ in 0..MAX_RECORDS {
        let mut header = [0; 5];
        stream.read_exact(&mut header).await?;
        let [kind, major, minor, high, low] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE || major != 3 || messages.len() + length > MAX_BYTES {
            break;
        }
        let start = messages.len();
        messages.resize(start + length, 0);
        if let Some(room) = messages.get_mut(start..) {
            stream.read_exact(room).await?;
        }
        *seen = Seen::parse(&messages);
        if seen.done {
            // A warning that we close, so that the server logs an end and not a broken peer.
            stream.write_all(&[ALERT, 3, minor, 0, 2, 1, 0]).await?;
            stream.flush().await?;
            break;
        }
    }
    Ok(())
}

/// What the server's messages say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    version: Option<u16>,
    suite: Option<u16>,
    group: Option<u16>,
    chain: Vec<Vec<u8>>,
    done: bool,
}

impl Seen {
    /// Reads whole messages from the front; a cut one at the end is left for later.
    fn parse(bytes: &[u8]) -> Self {
        let mut seen = Self::default();
        let mut input = Input(bytes);
        while let Some((kind, body)) = input.message() {
            match kind {
                SERVER_HELLO => {
                    let Some((version, suite)) = server_hello(body) else { break };
                    seen.version = Some(version);
                    seen.suite = Some(suite);
                }
                CERTIFICATE => seen.chain = certificates(body),
                SERVER_KEY_EXCHANGE => {
                    seen.group = seen.suite.and_then(|suite| curve(suite, body));
                    seen.done = true;
                    break;
                }
                SERVER_HELLO_DONE => {
                    seen.done = true;
                    break;
                }
                _ => {}
            }
        }
        seen
    }

    fn facts(self) -> Option<TlsFacts> {
        let version: Option<TlsVersion> = names::version(self.version?);
        Some(TlsFacts {
            version,
            cipher: self.suite.and_then(names::cipher),
            group: self.group.and_then(names::group),
            chain: self
                .chain
                .iter()
                .filter_map(|der| certificate::read(der))
                .map(|read| read.certificate)
                .collect(),
            ..TlsFacts::default()
        })
    }
}

/// RFC 5246, 7.4.1.3: version, random, session id, suite.
fn server_hello(body: &[u8]) -> Option<(u16, u16)> {
    let mut input = Input(body);
    let version = input.number16()?;
    input.take(RANDOM_BYTES)?;
    let session = usize::from(input.number8()?);
    input.take(session)?;
    Some((version, input.number16()?))
}

/// RFC 5246, 7.4.2: a list of certificates, each with its length.
fn certificates(body: &[u8]) -> Vec<Vec<u8>> {
    let mut input = Input(body);
    let Some(length) = input.number24() else { return Vec::new() };
    let mut list = Input(input.take(length).unwrap_or(&[]));
    let next = || list.number24().and_then(|length| list.take(length)).map(<[u8]>::to_vec);
    std::iter::from_fn(next).take(super::verify::CHAIN_CERTIFICATES).collect()
}

/// RFC 8422, 5.4: the curve of an ECDHE key exchange, if it is a named one.
fn curve(suite: u16, body: &[u8]) -> Option<u16> {
    const NAMED_CURVE: u8 = 3;
    let mut input = Input(body);
    let ecdhe = names::cipher(suite).is_some_and(|name| name.starts_with("TLS_ECDHE_"));
    (ecdhe && input.number8()? == NAMED_CURVE).then(|| input.number16()).flatten()
}

/// The ClientHello in one record of TLS 1.0's form (RFC 5246, appendix E.1).
fn client_hello(server_name: &str) -> Vec<u8> {
    let mut random = [0; RANDOM_BYTES];
    // This handshake protects nothing, so without randomness it works as well.
    let _ = aws_lc_rs::default_provider().secure_random.fill(&mut random);

    let mut suites: Vec<u8> = names::old_suites().flat_map(u16::to_be_bytes).collect();
    suites.extend(RENEGOTIATION_SCSV.to_be_bytes());

    let mut extensions = Vec::new();
    // An address is no name, RFC 6066, 3.
    let host = server_name.strip_suffix('.').unwrap_or(server_name);
    if host.parse::<IpAddr>().is_err() && !host.is_empty() && host.len() <= 255 {
        let entry = [vec![0], block16(host.as_bytes())].concat();
        extension(&mut extensions, 0, &block16(&entry));
    }
    let groups: Vec<u8> = CURVES.iter().flat_map(|curve| curve.to_be_bytes()).collect();
    extension(&mut extensions, 10, &block16(&groups));
    extension(&mut extensions, 11, &[1, 0]);
    let schemes: Vec<u8> = SIGNATURES.iter().flat_map(|scheme| scheme.to_be_bytes()).collect();
    extension(&mut extensions, 13, &block16(&schemes));

    let mut body = vec![3, 3];
    body.extend(random);
    body.push(0);
    body.extend(block16(&suites));
    body.extend([1, 0]);
    body.extend(block16(&extensions));

    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let mut message = vec![CLIENT_HELLO];
    message.extend(length.iter().skip(1));
    message.extend(body);
    let mut record = vec![HANDSHAKE, 3, 1];
    record.extend(block16(&message));
    record
}

fn extension(out: &mut Vec<u8>, number: u16, body: &[u8]) {
    out.extend(number.to_be_bytes());
    out.extend(block16(body));
}

/// The bytes behind their length in two bytes. All that is put in here is far shorter than 64 KiB.
fn block16(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

/// Bytes that are taken from the front, or not at all.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn number24(&mut self) -> Option<usize> {
        let high = usize::from(self.number8()?);
        Some(high << 16 | usize::from(self.number16()?))
    }

    fn message(&mut self) -> Option<(u8, &'a [u8])> {
        let kind = self.number8()?;
        let length = self.number24()?;
        Some((kind, self.take(length)?))
    }
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const RANDOM_BYTES: usize = 32;
/// RFC 5746: some servers refuse a hello without it.
const RENEGOTIATION_SCSV: u16 = 0x00ff;
/// x25519 and the NIST curves.
const CURVES: [u16; 4] = [0x001d, 0x0017, 0x0018, 0x0019];
/// RSA, ECDSA and DSA over SHA-256, -384, -512 and SHA-1.
const SIGNATURES: [u16; 12] = [
    0x0401, 0x0501, 0x0601, 0x0201, 0x0403, 0x0503, 0x0603, 0x0203, 0x0402, 0x0502, 0x0602, 0x0202,
];
/// The most bytes of messages that are read.
const MAX_BYTES: usize = 64 * 1024;
/// The most records, so that a peer that sends them by the byte is not listened to for long.
const MAX_RECORDS: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};
    use tokio::io::duplex;

    use super::*;

    /// A message of the handshake protocol.
    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &length[1..], body].concat()
    }

    fn hello_body(version: u16, suite: u16) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend([2, 9, 9]);
        body.extend(suite.to_be_bytes());
        body.push(0);
        body
    }

    #[test]
    fn messages_of_an_elliptic_server_are_read() {
        let bytes = [
            message(SERVER_HELLO, &hello_body(0x0302, 0xc013)),
            message(CERTIFICATE, &[0, 0, 8, 0, 0, 2, 1, 2, 0, 0, 0]),
            message(SERVER_KEY_EXCHANGE, &[3, 0, 0x17, 1, 4]),
        ]
        .concat();
        let seen = Seen::parse(&bytes);
        let chain = vec![vec![1, 2], vec![]];
        let whole = Seen {
            version: Some(0x0302),
            suite: Some(0xc013),
            group: Some(0x17),
            chain,
            done: true,
        };
        assert_eq!(seen, whole);
        let facts = seen.facts().unwrap();
        assert_eq!(facts.version, Some(TlsVersion::Tls11));
        assert_eq!(facts.cipher, Some("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"));
        assert_eq!(facts.group, Some("secp256r1"));
        assert_eq!((facts.established, facts.verified), (false, None));
        // Neither two bytes nor none are a certificate.
        assert!(facts.chain.is_empty());
    }

    #[test]
    fn our_hello_is_one_that_rustls_can_read() {
        let mut acceptor = rustls::server::Acceptor::default();
        let hello = client_hello("old.example.test.");
        acceptor.read_tls(&mut hello.as_slice()).unwrap();
        let accepted = acceptor.accept().unwrap().expect("a whole hello");
        let read = accepted.client_hello();
        assert_eq!(read.server_name(), Some("old.example.test"));
        let offered: Vec<u16> = read.cipher_suites().iter().map(|s| u16::from(*s)).collect();
        for suite in [0x000a, 0x0005, 0x002f, 0x0039, 0xc013] {
            assert!(offered.contains(&suite), "{suite:#06x}");
        }
        // No name, no server name: an address is not one.
        let mut acceptor = rustls::server::Acceptor::default();
        acceptor.read_tls(&mut client_hello("192.0.2.1").as_slice()).unwrap();
        assert_eq!(acceptor.accept().unwrap().unwrap().client_hello().server_name(), None);
    }

    #[tokio::test]
    async fn records_by_the_byte_end_at_the_bound() {
        let (mut client, mut server) = duplex(4096);
        let flood = tokio::spawn(async move {
            let mut sent = 0_usize;
            while server.write_all(&[HANDSHAKE, 3, 1, 0, 1, 0]).await.is_ok() {
                sent += 1;
            }
            sent
        });
        let facts = read_server_hello(&mut client, "a.test", Duration::from_secs(60)).await;
        assert_eq!(facts, None);
        drop(client);
        assert!(flood.await.unwrap() < 4096);
    }

    #[tokio::test]
    async fn large_records_end_at_the_bound() {
        let (mut client, mut server) = duplex(1024);
        let flood = tokio::spawn(async move {
            let record = [[HANDSHAKE, 3, 1, 0x40, 0].as_slice(), &[0xff; 0x4000]].concat();
            let mut sent = 0_usize;
            while let Ok(more) = server.write(&record[sent % record.len()..]).await {
                sent += more;
            }
            sent
        });
        let facts = read_server_hello(&mut client, "a.test", Duration::from_secs(60)).await;
        assert_eq!(facts, None);
        drop(client);
        assert!(flood.await.unwrap() < MAX_BYTES + 4096);
    }

    proptest! {
        #[test]
        fn hostile_messages_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = Seen::parse(&bytes).facts();
        }

        /// Spoilt lengths inside otherwise good messages.
        #[test]
        fn spoilt_messages_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = [
                message(SERVER_HELLO, &hello_body(0x0301, 0x000a)),
                message(CERTIFICATE, &[0, 0, 5, 0, 0, 2, 1, 2]),
                message(SERVER_HELLO_DONE, &[]),
            ]
            .concat();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Seen::parse(&bytes).facts();
        }
    }
}
