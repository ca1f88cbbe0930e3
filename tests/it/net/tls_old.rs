//! Servers too old for today's TLS.

use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use smtp_exporter::cause::Cause;
use smtp_exporter::net::hello::read_server_hello;
use smtp_exporter::observation::TlsVersion;
use smtp_exporter::smtp::Phase;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::fake_tls::{Ca, NOW, PAST};

const TIMEOUT: Duration = Duration::from_secs(20);
const NAME: &str = "old.example.test";

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 3, 1], &length[..], body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

/// ServerHello of TLS 1.0 with RSA and 3DES, Certificate, ServerHelloDone.
fn flight(certificate: &[u8]) -> Vec<u8> {
    let length = |n: usize| u32::try_from(n).unwrap().to_be_bytes()[1..].to_vec();
    let entry = [length(certificate.len()), certificate.to_vec()].concat();
    let list = [length(entry.len()), entry].concat();
    let hello = [[3, 1].as_slice(), &[7; 32], &[0, 0, 10, 0]].concat();
    [message(2, &hello), message(11, &list), message(14, &[])].concat()
}

/// A server that knows TLS 1.0 and nothing else: a hello that speaks of versions in an extension is
/// refused, another is answered, in records of `size` bytes. Gives back what the client said last.
fn old_server(certificate: Vec<u8>, size: usize) -> (DuplexStream, JoinHandle<Vec<u8>>) {
    let (ours, mut theirs) = duplex(64 * 1024);
    let last = tokio::spawn(async move {
        let mut header = [0; 5];
        theirs.read_exact(&mut header).await.unwrap();
        let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        theirs.read_exact(&mut hello).await.unwrap();
        assert_eq!((header[0], hello[0]), (22, 1));
        if has_supported_versions(&hello) {
            theirs.write_all(&record(21, &[2, 70])).await.unwrap();
        } else {
            for part in flight(&certificate).chunks(size) {
                theirs.write_all(&record(22, part)).await.unwrap();
            }
        }
        let mut rest = Vec::new();
        let _ = theirs.read_to_end(&mut rest).await;
        rest
    });
    (ours, last)
}

fn has_supported_versions(hello: &[u8]) -> bool {
    let mut rest = &hello[4 + 2 + 32..];
    rest = &rest[1 + usize::from(rest[0])..];
    rest = &rest[2 + usize::from(u16::from_be_bytes([rest[0], rest[1]]))..];
    rest = &rest[1 + usize::from(rest[0])..];
    rest = &rest[2..];
    while let [a, b, c, d, ..] = *rest {
        if [a, b] == [0, 43] {
            return true;
        }
        rest = &rest[4 + usize::from(u16::from_be_bytes([c, d]))..];
    }
    false
}

#[tokio::test]
async fn an_old_server_is_incompatible_and_its_hello_is_read() {
    let root = Ca::new("root");
    let identity = root.leaf(&[NAME], PAST);
    let der = identity.chain[0].to_vec();

    let (stream, _) = old_server(der.clone(), 4096);
    let (facts, outcome) = root.client().handshake(stream, NAME, Phase::Tls, TIMEOUT).await;
    assert_eq!(outcome.map(drop).unwrap_err().cause, Cause::TlsIncompatible);
    assert!(facts.chain.is_empty());

    for size in [4096, 100, 37] {
        let (mut stream, last) = old_server(der.clone(), size);
        let facts = read_server_hello(&mut stream, NAME, TIMEOUT).await.unwrap();
        drop(stream);
        assert_eq!((facts.established, facts.verified), (false, None));
        assert_eq!(facts.version, Some(TlsVersion::Tls10));
        assert_eq!(facts.cipher, Some("TLS_RSA_WITH_3DES_EDE_CBC_SHA"));
        assert_eq!(facts.group, None);
        assert_eq!(facts.chain.len(), 1);
        assert_eq!(facts.chain[0].names, [NAME]);
        assert_eq!(facts.chain_not_after(), Some(1_577_836_800));
        assert_eq!(last.await.unwrap(), record(21, &[1, 0]), "a close_notify");
    }
}

#[tokio::test]
async fn a_server_of_another_make_understands_the_hello() {
    let identity = Ca::new("root").leaf(&[NAME], NOW);
    let mut stream = identity.serve(&[&TLS12]);
    let facts = read_server_hello(&mut stream, NAME, TIMEOUT).await.unwrap();
    assert_eq!(facts.version, Some(TlsVersion::Tls12));
    assert_eq!(facts.cipher, Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
    assert_eq!(facts.group, Some("x25519"));
    assert_eq!(facts.chain[0].names, [NAME]);
    // One that knows TLS 1.3 alone has no hello for this.
    let mut stream = identity.serve(&[&TLS13]);
    assert_eq!(read_server_hello(&mut stream, NAME, TIMEOUT).await, None);
}

#[tokio::test]
async fn what_is_no_hello_is_none() {
    let endless = record(22, &message(11, &[0; 60_000])[..60_000]).repeat(3);
    let answers = [
        b"220 mx.example.test ESMTP\r\n".to_vec(),
        record(21, &[2, 40]),
        record(23, &[0; 100]),
        record(22, &message(2, &[3, 1, 0])),
        endless,
        Vec::new(),
    ];
    for answer in answers {
        let (mut ours, mut theirs) = duplex(1024);
        tokio::spawn(async move {
            let _ = theirs.read(&mut [0; 1024]).await;
            let _ = theirs.write_all(&answer).await;
        });
        assert_eq!(read_server_hello(&mut ours, NAME, TIMEOUT).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_timeout_with_what_was_read() {
    let hello = [[3, 1].as_slice(), &[7; 32], &[0, 0, 5, 0]].concat();
    for (answer, version) in
        [(record(22, &message(2, &hello)), Some(TlsVersion::Tls10)), (Vec::new(), None)]
    {
        let (mut ours, mut theirs) = duplex(1024);
        theirs.write_all(&answer).await.unwrap();
        let start = tokio::time::Instant::now();
        let facts = read_server_hello(&mut ours, NAME, TIMEOUT).await;
        assert_eq!(facts.and_then(|facts| facts.version), version);
        assert!((TIMEOUT..TIMEOUT * 2).contains(&start.elapsed()));
    }
}
