//! Handshakes that tell everything, whatever the certificate is worth.

use std::sync::Arc;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use smtp_exporter::cause::{Blame, Cause};
use smtp_exporter::net::tls::TlsClient;
use smtp_exporter::observation::{Failure, TlsFacts, TlsVersion, VerifyFailure};
use smtp_exporter::smtp::Phase;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::fake_tls::{Ca, FUTURE, Identity, NOW, PAST, client, pem};

const TIMEOUT: Duration = Duration::from_secs(20);
const NAME: &str = "mx.example.test";

/// The facts of a handshake that must finish.
async fn finished(client: &TlsClient, identity: &Identity, name: &str) -> TlsFacts {
    let stream = identity.serve(&[&TLS13, &TLS12]);
    let (facts, outcome) = client.handshake(stream, name, Phase::Tls, TIMEOUT).await;
    let mut stream = outcome.unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"220 inside\r\n");
    assert!(facts.established);
    assert_eq!(facts.verified, Some(facts.failures.is_empty()));
    facts
}

/// What a client makes of a server that says `bytes` after our hello, and then closes.
async fn failed(bytes: &[u8], phase: Phase) -> Failure {
    let ca = Ca::new("root");
    let (ours, mut theirs) = duplex(16 * 1024);
    let bytes = bytes.to_vec();
    tokio::spawn(async move {
        let _ = theirs.read(&mut [0; 16 * 1024]).await;
        let _ = theirs.write_all(&bytes).await;
    });
    let (facts, outcome) = ca.client().handshake(ours, NAME, phase, TIMEOUT).await;
    assert_eq!(facts, TlsFacts::default());
    let failure = outcome.map(drop).unwrap_err();
    assert_eq!(failure.phase, phase);
    assert_eq!(failure.blame, Blame::Target);
    failure
}

#[tokio::test]
async fn a_good_server_is_told_whole() {
    let root = Ca::new("root");
    let middle = root.below("middle", (2020, 2070));
    let identity = middle.leaf(&[NAME, "192.0.2.1"], (2021, 2080)).with([middle.der()]);
    let client = root.client();
    assert!(client.root_count() >= 1);
    for name in [NAME, "MX.example.test.", "192.0.2.1"] {
        let facts = finished(&client, &identity, name).await;
        assert_eq!(facts.verified, Some(true), "{name}");
        assert_eq!(facts.version, Some(TlsVersion::Tls13));
        assert_eq!(facts.cipher, Some("TLS_AES_256_GCM_SHA384"));
        assert_eq!(facts.group, Some("X25519MLKEM768"));
        let subjects: Vec<_> = facts.chain.iter().map(|c| (&*c.subject, &*c.issuer)).collect();
        assert_eq!(subjects, [("CN=server", "CN=middle"), ("CN=middle", "CN=root")]);
        assert_eq!(facts.chain[0].names, [NAME, "192.0.2.1"]);
        // 2080 at the leaf, 2070 above it.
        assert_eq!(facts.chain[0].not_after, 3_471_292_800);
        assert_eq!(facts.chain_not_after(), Some(3_155_760_000));
    }
}

#[tokio::test]
async fn tls_12_is_told_as_well() {
    let root = Ca::new("root");
    let stream = root.leaf(&[NAME], NOW).serve(&[&TLS12]);
    let (facts, outcome) = root.client().handshake(stream, NAME, Phase::Tls, TIMEOUT).await;
    outcome.unwrap();
    assert_eq!((facts.established, facts.verified), (true, Some(true)));
    assert_eq!(facts.version, Some(TlsVersion::Tls12));
    assert_eq!(facts.cipher, Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
    assert_eq!(facts.group, Some("x25519"));
}

#[tokio::test]
async fn every_reason_is_told_at_once() {
    use VerifyFailure::{Expired, NameMismatch, NotYetValid, SelfSigned, UnknownIssuer};
    let root = Ca::new("root");
    let stranger = Ca::new("stranger");
    let old_middle = root.below("middle", PAST);
    let other = "other.example.test";
    let expected: [(&str, Identity, &[VerifyFailure]); 11] = [
        ("expired", root.leaf(&[NAME], PAST), &[Expired]),
        ("early", root.leaf(&[NAME], FUTURE), &[NotYetValid]),
        ("name", root.leaf(&[other], NOW), &[NameMismatch]),
        ("no name", root.leaf(&[], NOW), &[NameMismatch]),
        ("issuer", stranger.leaf(&[NAME], NOW), &[UnknownIssuer]),
        ("private root", stranger.leaf(&[NAME], NOW).with([stranger.der()]), &[UnknownIssuer]),
        ("itself", Identity::self_signed(&[NAME], NOW, false), &[SelfSigned]),
        ("itself as authority", Identity::self_signed(&[NAME], NOW, true), &[SelfSigned]),
        ("middle", old_middle.leaf(&[NAME], NOW).with([old_middle.der()]), &[Expired]),
        ("all", stranger.leaf(&[other], PAST), &[Expired, UnknownIssuer, NameMismatch]),
        (
            "all itself",
            Identity::self_signed(&[other], PAST, true),
            &[Expired, SelfSigned, NameMismatch],
        ),
    ];
    let client = root.client();
    for (what, identity, failures) in expected {
        let facts = finished(&client, &identity, NAME).await;
        assert_eq!(facts.failures, failures, "{what}");
        assert_eq!(facts.verified, Some(false), "{what}");
        assert_eq!(facts.chain.len(), identity.chain.len(), "{what}");
    }
}

#[tokio::test]
async fn a_signature_by_another_key_is_bad() {
    let root = Ca::new("root");
    for version in [&TLS12, &TLS13] {
        let mut identity = root.leaf(&[NAME], NOW);
        identity.key = rcgen::KeyPair::generate().unwrap();
        let stream = identity.serve(&[version]);
        let (facts, outcome) = root.client().handshake(stream, NAME, Phase::Tls, TIMEOUT).await;
        outcome.unwrap();
        assert_eq!(facts.failures, [VerifyFailure::BadSignature]);
        assert_eq!(facts.verified, Some(false));
    }
}

/// That the chain was found good before helps nobody who has not its key.
#[tokio::test]
async fn a_chain_that_is_known_proves_no_key() {
    let root = Ca::new("root");
    let client = root.client();
    let middle = root.below("middle", NOW);
    let identity = middle.leaf(&[NAME], NOW).with([middle.der()]);
    let thief =
        Identity { chain: identity.chain.clone(), key: rcgen::KeyPair::generate().unwrap() };
    let first = finished(&client, &identity, NAME).await;
    for version in [&TLS12, &TLS13] {
        let stream = thief.serve(&[version]);
        let (facts, outcome) = client.handshake(stream, NAME, Phase::Tls, TIMEOUT).await;
        outcome.unwrap();
        assert_eq!(facts.failures, [VerifyFailure::BadSignature]);
        assert_eq!(facts.verified, Some(false));
        assert_eq!(facts.chain, first.chain);
        let again = finished(&client, &identity, NAME).await;
        assert_eq!(again.verified, Some(true));
        assert!(Arc::ptr_eq(&again.chain, &first.chain), "it was read again");
        let other = finished(&client, &identity, "other.example.test").await;
        assert_eq!(other.failures, [VerifyFailure::NameMismatch]);
    }
    // Nor does it help where other roots are trusted.
    let facts = finished(&Ca::new("another root").client(), &identity, NAME).await;
    assert_eq!(facts.failures, [VerifyFailure::UnknownIssuer]);
}

#[tokio::test]
async fn a_self_signed_certificate_in_ca_file_is_trusted_while_it_lasts() {
    for authority in [false, true] {
        let identity = Identity::self_signed(&[NAME], NOW, authority);
        let client = client(&pem(&identity.chain[0]));
        assert_eq!(finished(&client, &identity, NAME).await.failures, []);
        let other = finished(&client, &identity, "other.test").await;
        assert_eq!(other.failures, [VerifyFailure::NameMismatch]);
        let old = Identity::self_signed(&[NAME], PAST, authority);
        let client = super::fake_tls::client(&pem(&old.chain[0]));
        assert_eq!(finished(&client, &old, NAME).await.failures, [VerifyFailure::Expired]);
    }
}

#[tokio::test]
async fn a_long_chain_is_bounded() {
    let root = Ca::new("root");
    let identity = root.leaf(&[NAME], NOW).with((0..40).map(|_| root.der()));
    let facts = finished(&root.client(), &identity, NAME).await;
    assert_eq!((facts.verified, facts.chain.len()), (Some(true), 20));
    // More than 64 KiB of it is no chain but an attack.
    let identity = root.leaf(&[NAME], NOW).with((0..400).map(|_| root.der()));
    let stream = identity.serve(&[&TLS13]);
    let (facts, outcome) = root.client().handshake(stream, NAME, Phase::Tls, TIMEOUT).await;
    assert_eq!(outcome.map(drop).unwrap_err().cause, Cause::TlsFailed);
    assert_eq!((facts.established, facts.verified), (false, None));
}

#[tokio::test]
async fn nothing_in_common_is_incompatible() {
    for (alert, name) in
        [(70, "ProtocolVersion"), (40, "HandshakeFailure"), (71, "InsufficientSecurity")]
    {
        let failure = failed(&[21, 3, 1, 0, 2, 2, alert], Phase::Tls).await;
        assert_eq!(failure.cause, Cause::TlsIncompatible);
        assert!(failure.detail.contains(name), "{}", failure.detail);
    }
    let failure = failed(&[21, 3, 1, 0, 2, 2, 80], Phase::Tls).await;
    assert_eq!(failure.cause, Cause::TlsFailed);
    assert!(failure.detail.contains("InternalError"), "{}", failure.detail);
    // A ServerHello of TLS 1.0 in answer to a hello that offers 1.2 at least.
    let hello =
        [[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1].as_slice(), &[7; 32], &[0, 0, 10, 0]].concat();
    assert_eq!(failed(&hello, Phase::Tls).await.cause, Cause::TlsIncompatible);
}

#[tokio::test]
async fn a_peer_without_tls_is_told() {
    for text in
        ["220 mx.example.test ESMTP\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n"]
    {
        let failure = failed(text.as_bytes(), Phase::TlsImplicit).await;
        assert_eq!(failure.cause, Cause::TlsFailed);
        let said = "the server does not speak TLS on this port";
        assert!(failure.detail.contains(said), "{text}: {}", failure.detail);
        let failure = failed(text.as_bytes(), Phase::Tls).await;
        assert!(failure.detail.contains("is not TLS"), "{text}: {}", failure.detail);
    }
    let failure = failed(b"", Phase::TlsImplicit).await;
    assert_eq!(failure.cause, Cause::TlsFailed);
    assert!(failure.detail.contains("closed the connection"), "{}", failure.detail);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_ends_at_the_timeout() {
    let client = Ca::new("root").client();
    let (ours, _theirs) = duplex(16 * 1024);
    let start = tokio::time::Instant::now();
    let (facts, outcome) = client.handshake(ours, NAME, Phase::Tls, TIMEOUT).await;
    assert_eq!(facts, TlsFacts::default());
    let failure = outcome.map(drop).unwrap_err();
    assert_eq!((failure.cause, failure.blame), (Cause::TlsFailed, Blame::Target));
    assert!(failure.detail.contains("20s"), "{}", failure.detail);
    assert!(start.elapsed() < TIMEOUT + Duration::from_secs(1));
}

#[tokio::test]
async fn a_handshake_cut_after_the_certificate_keeps_what_was_seen() {
    let root = Ca::new("root");
    let mut server = root.leaf(&["other.test"], PAST).serve(&[&TLS12]);
    let (ours, mut theirs) = duplex(16 * 1024);
    // Our hello goes through and the server's flight comes back, and then the path is cut.
    tokio::spawn(async move {
        let mut buffer = vec![0; 16 * 1024];
        let length = theirs.read(&mut buffer).await.unwrap();
        server.write_all(&buffer[..length]).await.unwrap();
        let length = server.read(&mut buffer).await.unwrap();
        theirs.write_all(&buffer[..length]).await.unwrap();
    });
    let (facts, outcome) = root.client().handshake(ours, NAME, Phase::Tls, TIMEOUT).await;
    assert_eq!(outcome.map(drop).unwrap_err().cause, Cause::TlsFailed);
    assert_eq!((facts.established, facts.verified), (false, Some(false)));
    assert_eq!(facts.failures, [VerifyFailure::Expired, VerifyFailure::NameMismatch]);
    assert_eq!(facts.chain.len(), 1);
    assert_eq!(facts.version, Some(TlsVersion::Tls12));
}

#[tokio::test]
async fn a_name_that_no_certificate_has_is_our_trouble() {
    let (ours, _theirs) = duplex(64);
    let client = Ca::new("root").client();
    let (_, outcome) = client.handshake(ours, "not a name", Phase::Tls, TIMEOUT).await;
    let failure = outcome.map(drop).unwrap_err();
    assert_eq!((failure.cause, failure.blame), (Cause::ExporterError, Blame::Exporter));
}

#[test]
fn a_bad_ca_file_is_an_error_that_names_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for text in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(file.path(), text).unwrap();
        let error = TlsClient::new(Some(file.path())).unwrap_err();
        assert!(error.starts_with(&file.path().display().to_string()), "{error}");
    }
    assert!(TlsClient::new(Some(std::path::Path::new("/nowhere/ca.pem"))).is_err());
}
