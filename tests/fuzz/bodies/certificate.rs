//! Certificates: DER from a peer, whether it comes through rustls or in the hand-read hello of an
//! old server. What is kept is bounded and fit to be shown.

use std::sync::LazyLock;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use smtp_exporter::net::hello::read_server_hello;
use smtp_exporter::net::tls::TlsClient;
use smtp_exporter::observation::{Certificate, TlsFacts, VerifyFailure};
use tokio::runtime::Runtime;

/// A chain, each certificate behind its length in two bytes; garbage at the end is a certificate as
/// well.
pub fn run(data: &[u8]) {
    let mut chain = Vec::new();
    let mut rest = data;
    while !rest.is_empty() && chain.len() < 30 {
        let length = rest.first_chunk().map_or(usize::MAX, |two| u16::from_be_bytes(*two).into());
        let body = rest.get(2..).unwrap_or_default();
        let (der, after) = body.split_at_checked(length).unwrap_or((body, &[]));
        chain.push(CertificateDer::from(der));
        rest = after;
    }
    for (name, seconds) in
        [("mx.example.test", NOW), ("192.0.2.1", 0), ("2001:db8::1", u64::MAX / 2)]
    {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let facts = CLIENT.judge(&chain, name, now);
        match facts {
            Ok(facts) => check_chain(&facts, chain.len()),
            Err(text) => {
                super::assert_one_line(&text);
                assert!(chain.is_empty(), "{text}");
            }
        }
    }
}

/// The bytes of a server that answers the hello for old servers.
pub fn hello(data: &[u8]) {
    let mut stream = tokio::io::join(data, tokio::io::sink());
    let wait = Duration::from_secs(10);
    let facts = RUNTIME.block_on(read_server_hello(&mut stream, "mx.example.test", wait));
    let Some(facts) = facts else { return };
    assert!(!facts.established && facts.verified.is_none() && facts.failures.is_empty());
    assert!(facts.chain.len() <= 20);
    facts.chain.iter().for_each(check);
}

/// In 2030, when the root of the corpora is valid.
const NOW: u64 = 1_900_000_000;
static CLIENT: LazyLock<TlsClient> = LazyLock::new(|| {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/root.pem");
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/root.pem");
    let path = [here, root].into_iter().find(|path| std::path::Path::new(path).exists());
    TlsClient::new(path.map(std::path::Path::new)).expect("the root is read")
});
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
});

fn check_chain(facts: &TlsFacts, sent: usize) {
    assert!(!facts.established && facts.verified != Some(true), "trust without a signature");
    assert!(facts.chain.len() <= sent.min(20));
    assert!(facts.failures.is_sorted_by(|a, b| a < b));
    let both = [VerifyFailure::Expired, VerifyFailure::NotYetValid];
    let dates = facts.failures.iter().filter(|failure| both.contains(failure)).count();
    // A leaf that ends before it begins is both.
    let sound = facts.chain.iter().all(|read| read.not_before <= read.not_after);
    assert!(dates < 2 || !sound || facts.chain.len() > 1, "{:?}", facts.failures);
    facts.chain.iter().for_each(check);
}

fn check(read: &Certificate) {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    assert!(read.fingerprint_sha256.len() == 64 && hex(&read.fingerprint_sha256));
    assert!((2..=64).contains(&read.serial.len()) && hex(&read.serial), "{}", read.serial);
    assert!(read.subject.len() <= 128 && read.issuer.len() <= 128);
    assert!(!read.key.is_empty() && read.key.len() <= 32, "{}", read.key);
    assert!(read.names.len() <= 100 && read.names.iter().all(|name| name.len() <= 255));
    for text in [&read.subject, &read.issuer, &read.key].into_iter().chain(&read.names) {
        super::assert_one_line(text);
    }
}
