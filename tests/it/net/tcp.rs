//! Connections over loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use smtp_exporter::cause::{Blame, Cause};
use smtp_exporter::net::tcp::{connect, has_route};
use smtp_exporter::observation::Failure;
use smtp_exporter::smtp::Phase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TIMEOUT: Duration = Duration::from_secs(5);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn failed(remote: SocketAddr, source: Option<IpAddr>) -> Failure {
    let failure = connect(remote, source, TIMEOUT).await.map(drop).unwrap_err();
    assert_eq!(failure.phase, Phase::Connect);
    failure
}

#[tokio::test]
async fn bytes_go_both_ways_from_the_source_that_was_asked_for() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let remote = listener.local_addr().unwrap();
    let echo = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, from) = listener.accept().await.unwrap();
            let mut buffer = [0; 5];
            stream.read_exact(&mut buffer).await.unwrap();
            stream.write_all(&buffer).await.unwrap();
            stream.write_all(from.to_string().as_bytes()).await.unwrap();
        }
    });
    for (source, expected) in
        [(None, HERE), (Some("127.0.0.9".parse().unwrap()), "127.0.0.9".parse().unwrap())]
    {
        let mut stream = connect(remote, source, TIMEOUT).await.unwrap();
        let local = stream.local_addr();
        assert_eq!(local.ip(), expected);
        stream.write_all(b"hello").await.unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, format!("hello{local}"));
    }
    echo.await.unwrap();
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let remote = TcpListener::bind((HERE, 0)).await.unwrap().local_addr().unwrap();
    let failure = failed(remote, None).await;
    assert_eq!((failure.cause, failure.blame), (Cause::ConnectRefused, Blame::Path));
    assert!(failure.detail.contains(&remote.to_string()), "{}", failure.detail);
}

#[tokio::test]
async fn a_listener_that_takes_nobody_times_out() {
    // A full queue of connections: the kernel lets further SYNs fall.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((HERE, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let remote = listener.local_addr().unwrap();
    let short = Duration::from_millis(300);
    let mut held = Vec::new();
    let failure = loop {
        match connect(remote, None, short).await {
            Ok(stream) => held.push(stream),
            Err(failure) => break failure,
        }
        assert!(held.len() < 10);
    };
    assert_eq!((failure.cause, failure.blame), (Cause::ConnectTimeout, Blame::Path));
}

#[tokio::test]
async fn a_source_that_cannot_be_is_our_trouble_and_names_the_setting() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let remote = listener.local_addr().unwrap();
    let strangers = [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77)), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    for source in strangers {
        let failure = failed(remote, Some(source)).await;
        assert_eq!((failure.cause, failure.blame), (Cause::ExporterError, Blame::Exporter));
        assert!(failure.detail.contains("exporter.source_addresses"), "{}", failure.detail);
        assert!(failure.detail.contains(&source.to_string()), "{}", failure.detail);
    }
}

#[tokio::test]
async fn a_mapped_address_is_the_address_that_it_is() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mapped = SocketAddr::new("::ffff:127.0.0.1".parse().unwrap(), port);
    let stream = connect(mapped, Some(HERE), TIMEOUT).await.unwrap();
    assert_eq!(stream.local_addr().ip(), HERE);
}

#[test]
fn loopback_has_a_route_and_a_blocked_class_has_none() {
    assert!(has_route(HERE));
    assert!(has_route("::ffff:127.0.0.1".parse().unwrap()));
    // 240.0.0.0/4 is reserved; the kernel refuses the limited broadcast without being asked for it.
    assert!(!has_route(IpAddr::V4(Ipv4Addr::BROADCAST)));
}
