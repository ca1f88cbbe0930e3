//! TLS and certificates, good, bad and old.

use std::time::Duration;

use smtp_exporter::demo::{Authority, Behaviour, Certificate, LegacyVersion, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::client::{counted, greeted, handshake, offers, start, with};

#[tokio::test]
async fn certificates_are_wrong_in_their_own_way() {
    for &certificate in Certificate::ALL {
        let (server, client, _) = greeted(Behaviour::with_certificate(certificate)).await;
        let outcome = client.starttls().await.map(drop);
        let wanted = match certificate {
            Certificate::Good | Certificate::Outgoing => None,
            // The first of its three reasons, as far as rustls looks.
            Certificate::Expired | Certificate::AllWrong => Some("certificate expired"),
            Certificate::NotYetValid => Some("certificate not valid yet"),
            Certificate::WrongName => Some("certificate not valid for name"),
            Certificate::SelfSigned | Certificate::UnknownIssuer => Some("UnknownIssuer"),
        };
        match (&outcome, wanted) {
            (Ok(()), None) => {}
            (Err(error), Some(wanted)) => assert!(error.contains(wanted), "{certificate}: {error}"),
            _ => panic!("{certificate}: {outcome:?}"),
        }
        let stats = counted(&server, |stats| stats.dropped == 1).await;
        assert_eq!(stats.handshakes + stats.handshakes_failed, 1, "{certificate}");
    }
}

#[test]
fn the_facts_of_the_chains_are_as_named() {
    let authority = Authority::shared().unwrap();
    let pem = x509_parser::pem::parse_x509_pem(authority.ca_pem().as_bytes()).unwrap().1;
    assert_eq!(pem.contents, authority.root().as_ref());
    let parse = |kind: Certificate, at: usize| {
        let der = &authority.chain(kind)[at];
        x509_parser::parse_x509_certificate(der.as_ref()).unwrap().1
    };
    let leaf = parse(Certificate::AllWrong, 0);
    assert!(!leaf.validity().is_valid());
    assert_eq!(leaf.issuer().to_string(), "CN=Demo Stranger");
    assert_eq!(leaf.subject().to_string(), "CN=elsewhere.example");
    let own = parse(Certificate::SelfSigned, 0);
    assert_eq!(own.subject(), own.issuer());
    assert_eq!(authority.chain(Certificate::Good).len(), 2);
    let (good, issuer) = (parse(Certificate::Good, 0), parse(Certificate::Good, 1));
    assert_eq!(good.issuer(), issuer.subject());
    assert!(good.validity().not_after < issuer.validity().not_after);
}

#[tokio::test]
async fn implicit_tls_greets_inside() {
    let server = start(Behaviour::implicit_tls());
    let tcp = TcpStream::connect(server.address()).await.unwrap();
    let mut client = handshake(tcp).await.unwrap();
    assert_eq!(client.reply().await, ["220 mail.demo.test ESMTP"]);
    assert!(offers(&client.ask("EHLO probe.demo.test").await, "AUTH"));
    client.quit().await;
}

#[tokio::test]
async fn starttls_missing_and_spoilt() {
    for (behaviour, mangled) in
        [(Behaviour::starttls_missing(), false), (Behaviour::starttls_mangled(), true)]
    {
        let (_server, mut client, capabilities) = greeted(behaviour).await;
        assert!(!offers(&capabilities, "STARTTLS"));
        assert_eq!(offers(&capabilities, "XXXXXXXA"), mangled);
        assert_eq!(client.code("STARTTLS").await, "502");
    }
    let (_server, mut client) = with(Behaviour::starttls_starred()).await;
    assert_eq!(client.reply().await, ["220 ******************2*********"]);
}

#[tokio::test]
async fn starttls_refused_injected_and_stalled() {
    let (_server, mut client, capabilities) = greeted(Behaviour::starttls_unavailable()).await;
    assert!(offers(&capabilities, "STARTTLS"));
    assert_eq!(client.code("STARTTLS").await, "454");
    assert_eq!(client.code("NOOP").await, "250", "the session goes on");

    let (_server, mut client, _) = greeted(Behaviour::starttls_injected()).await;
    assert_eq!(client.ask("STARTTLS").await, ["220 2.0.0 go ahead"]);
    assert_eq!(client.stream.buffer(), b"250 AUTH PLAIN injected\r\n", "in the same segment");

    let (_server, mut client, _) = greeted(Behaviour::handshake_stall()).await;
    assert_eq!(client.code("STARTTLS").await, "220");
    let tcp = client.stream.into_inner();
    let stalled = timeout(Duration::from_millis(300), handshake(tcp)).await;
    assert!(stalled.is_err(), "the ClientHello is not answered");
}

/// A ClientHello of TLS 1.0 with one RSA suite and no extensions, in a record.
fn old_hello() -> Vec<u8> {
    let mut body = vec![3, 1];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let mut record = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    record.extend(body);
    record
}

#[tokio::test]
async fn tls10_only_refuses_the_modern_and_shows_its_certificate_to_the_old() {
    let (_server, client, _) = greeted(Behaviour::tls10_only()).await;
    let error = client.starttls().await.map(drop).unwrap_err();
    assert!(error.contains("ProtocolVersion"), "{error}");

    let (_server, mut client, _) = greeted(Behaviour::tls10_only()).await;
    client.ask("STARTTLS").await;
    client.stream.write_all(&old_hello()).await.unwrap();
    let mut records = Vec::new();
    for _ in 0..3 {
        let mut head = [0; 5];
        client.stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head[..3], [22, 3, 1], "a handshake record of TLS 1.0");
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        client.stream.read_exact(&mut body).await.unwrap();
        records.push(body);
    }
    assert_eq!(records[0][4..6], [3, 1]);
    assert_eq!(records[0][39..41], [0, 0x2f], "the suite");
    let (_, certificate) = x509_parser::parse_x509_certificate(&records[1][10..]).unwrap();
    assert!(certificate.subject().to_string().contains("old appliance"));
    assert!(certificate.validity().is_valid());
    assert_eq!(records[2], [14, 0, 0, 0]);
}

#[tokio::test]
async fn tls11_is_refused_to_a_client_of_tls10() {
    let old = Tls::Legacy(LegacyVersion::Tls11);
    let (_server, mut client, _) = greeted(Behaviour { tls: old, ..Behaviour::healthy() }).await;
    client.ask("STARTTLS").await;
    client.stream.write_all(&old_hello()).await.unwrap();
    let alert = client.rest().await.unwrap();
    assert_eq!(alert, [21, 3, 2, 0, 2, 2, 70]);
}

#[tokio::test]
async fn rsa_only_has_no_suite_for_a_modern_client() {
    let (_server, client, _) = greeted(Behaviour::rsa_only()).await;
    let error = client.starttls().await.map(drop).unwrap_err();
    assert!(error.contains("HandshakeFailure"), "{error}");
}

/// The session tickets have to cross the client's EHLO on the way, which is a race between two
/// threads: it is tried until it is won, mostly within five times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nagle_makes_a_client_without_quick_acknowledgements_wait() {
    for _ in 0..100 {
        let (_server, client, _) = greeted(Behaviour::nagling()).await;
        let mut client = client.starttls().await.unwrap();
        let begin = Instant::now();
        client.ask("EHLO probe.demo.test").await;
        if begin.elapsed() >= Duration::from_millis(35) {
            return;
        }
    }
    panic!("no reply was ever held back");
}
