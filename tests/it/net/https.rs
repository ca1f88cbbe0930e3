//! Policies from servers of every kind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use smtp_exporter::net::https::{Place, fetch};
use smtp_exporter::net::tls::TlsClient;
use smtp_exporter::posture::mta_sts::{Fetched, MAX_POLICY, PATH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::fake_tls::{Ca, Identity, NOW, PAST};

const HOST: &str = "mta-sts.example.test";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.test\r\nmax_age: 86400\r\n";

/// A server that does `talk` with each client after the handshake and the request's header, which it
/// hands over; `asked` counts the requests.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn start<F>(
        identity: &Identity,
        talk: impl Fn(String, TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (talk, count) = (Arc::new(talk), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, talk, count) = (acceptor.clone(), talk.clone(), count.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut header = Vec::new();
                    while !header.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => header.push(byte),
                            Err(_) => return,
                        }
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                    talk(String::from_utf8(header).unwrap(), stream).await;
                });
            }
        });
        Self { address, asked }
    }

    /// Says the same bytes to everybody, and then closes.
    async fn saying(identity: &Identity, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into().into();
        Self::start(identity, move |_, mut stream| {
            let bytes = bytes.clone();
            async move {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    async fn fetch(&self, tls: &TlsClient) -> Fetched {
        fetch_at(tls, self.address.port(), &[HERE]).await
    }
}

async fn fetch_at(tls: &TlsClient, port: u16, addresses: &[IpAddr]) -> Fetched {
    fetch(tls, Place { host: HOST, port, path: PATH }, addresses, |_| None).await
}

fn good(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn answered(status: u16, content_type: Option<&str>, body: &[u8]) -> Fetched {
    let content_type = content_type.map(str::to_owned);
    Fetched::Answered { status, content_type, body: body.to_vec() }
}

fn unreachable(fetched: Fetched) -> String {
    match fetched {
        Fetched::Unreachable(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_policy_comes_from_the_server_of_that_name() {
    let ca = Ca::new("root");
    let identity = ca.leaf(&[HOST], NOW);
    let server = Server::start(&identity, |header, mut stream| async move {
        let (_, session) = stream.get_ref();
        let named = session.server_name() == Some(HOST);
        let body = if named { header } else { "another name".to_owned() };
        let _ = stream.write_all(good(&body).as_bytes()).await;
    })
    .await;
    let fetched = server.fetch(&ca.client()).await;
    let Fetched::Answered { status: 200, content_type, body } = fetched else {
        panic!("{fetched:?}")
    };
    assert_eq!(content_type.as_deref(), Some("text/plain"));
    let header = String::from_utf8(body).unwrap().to_ascii_lowercase();
    let lines: Vec<&str> = header.lines().collect();
    assert_eq!(lines[0], format!("get {PATH} http/1.1"));
    let host = format!("host: {HOST}:{}", server.address.port());
    assert!(lines.contains(&host.as_str()), "{lines:?}");
    assert!(!header.contains("accept-encoding"), "{header}");
}

#[tokio::test]
async fn every_answer_is_told_as_it_is() {
    let ca = Ca::new("root");
    let identity = ca.leaf(&[HOST], NOW);
    let client = ca.client();
    let moved = "HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    // A compressed body is what it is: nobody unpacks it.
    let packed = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x08ab";
    let until_closed = format!("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n{POLICY}");
    for (said, expected) in [
        (good(POLICY), answered(200, Some("text/plain"), POLICY.as_bytes())),
        (moved.to_owned(), answered(301, None, b"")),
        ("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno".to_owned(), answered(404, None, b"no")),
        (chunked.to_owned(), answered(200, None, b"abc")),
        (packed.to_owned(), answered(200, None, b"\x1f\x08ab")),
        (until_closed, answered(200, Some("text/html"), POLICY.as_bytes())),
    ] {
        let server = Server::saying(&identity, said).await;
        assert_eq!(server.fetch(&client).await, expected);
        assert_eq!(server.asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_long_policy_is_cut_one_byte_above_the_bound() {
    let ca = Ca::new("root");
    let identity = ca.leaf(&[HOST], NOW);
    for (length, kept) in
        [(MAX_POLICY, MAX_POLICY), (MAX_POLICY + 1, MAX_POLICY + 1), (900_000, MAX_POLICY + 1)]
    {
        let server = Server::saying(&identity, good(&"x".repeat(length))).await;
        let Fetched::Answered { body, .. } = server.fetch(&ca.client()).await else {
            panic!("{length}")
        };
        assert_eq!(body.len(), kept);
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_ends_it_before_anything_is_asked() {
    let ca = Ca::new("root");
    for (identity, reason) in [
        (ca.leaf(&["other.test"], NOW), "name_mismatch"),
        (ca.leaf(&[HOST], PAST), "expired"),
        (Ca::new("stranger").leaf(&[HOST], NOW), "unknown_issuer"),
        (Identity::self_signed(&[HOST], NOW, false), "self_signed"),
    ] {
        let server = Server::saying(&identity, good(POLICY)).await;
        match server.fetch(&ca.client()).await {
            Fetched::Certificate(why) => assert!(why.contains(reason), "{why}"),
            other => panic!("{reason}: {other:?}"),
        }
        assert_eq!(server.asked.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn what_is_no_http_is_told() {
    let ca = Ca::new("root");
    let identity = ca.leaf(&[HOST], NOW);
    let fields = "X: y\r\n".repeat(100);
    for said in [
        String::new(),
        POLICY.to_owned(),
        "HTTP/2.0 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 abc\r\n\r\n".to_owned(),
        // It breaks off.
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nversion".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{fields}\r\n"),
        // A header without an end.
        format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(900_000)),
        // Interim answers without an end.
        "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n".repeat(30_000),
    ] {
        let server = Server::saying(&identity, said.clone()).await;
        let why = unreachable(server.fetch(&ca.client()).await);
        assert!(!why.is_empty() && why.len() < 500, "{why}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let ca = Ca::new("root");
    let client = ca.client();
    assert_eq!(unreachable(fetch_at(&client, 443, &[]).await), "it has no address");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let why = unreachable(fetch_at(&client, port, &[HERE]).await);
    assert!(why.contains("refused"), "{why}");
    // The next address is tried.
    let server = Server::saying(&ca.leaf(&[HOST], NOW), good(POLICY)).await;
    let port = server.address.port();
    let dead: IpAddr = "127.0.0.2".parse().unwrap();
    let fetched = fetch_at(&client, port, &[dead, HERE]).await;
    assert_eq!(fetched, answered(200, Some("text/plain"), POLICY.as_bytes()));
    // Somebody who speaks first, and no TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"220 mail.test ESMTP\r\n").await;
            let _ = stream.read(&mut [0; 1024]).await;
        }
    });
    let why = unreachable(fetch_at(&client, port, &[HERE]).await);
    assert!(why.contains("TLS"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn slow_servers_have_their_time_and_no_more() {
    let ca = Ca::new("root");
    let identity = ca.leaf(&[HOST], NOW);
    // Silent before the handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let began = tokio::time::Instant::now();
    let why = unreachable(fetch_at(&ca.client(), port, &[HERE]).await);
    assert!(why.contains("20s") && began.elapsed().as_secs() == 20, "{why}");
    drop(listener);
    // A byte now and then.
    let server = Server::start(&identity, |_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() && stream.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let began = tokio::time::Instant::now();
    let why = unreachable(server.fetch(&ca.client()).await);
    assert!(why.contains("no whole answer"), "{why}");
    assert!((20..=21).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}
