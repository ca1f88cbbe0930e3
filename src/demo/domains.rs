//! The demo's domains, for their records and keys: one as it should be, one with faults. Each has a
//! mail exchanger that also sends, and an HTTPS server has the MTA-STS policies of both.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::behaviour::Behaviour;
use super::server::Server;
use super::tls::{Authority, Certificate};
use super::zone::Zone;

/// Adds what the DNS knows of both.
pub(super) fn add(zone: Zone) -> Zone {
    let zone = common(zone, GOOD, GOOD_ADDRESS)
        .ptr(GOOD_ADDRESS, &format!("mx1.{GOOD}"))
        .txt(GOOD, &format!("v=spf1 ip4:{GOOD_ADDRESS} -all"))
        .txt(&format!("s1._domainkey.{GOOD}"), &format!("v=DKIM1; k=rsa; p={KEY}"))
        .txt(&format!("_dmarc.{GOOD}"), &format!("v=DMARC1; p=reject; rua=mailto:dmarc@{GOOD}"))
        .txt(&format!("_smtp._tls.{GOOD}"), &format!("v=TLSRPTv1; rua=mailto:tls@{GOOD}"));
    let mut zone = common(zone, BAD, BAD_ADDRESS)
        .txt(&format!("s1._domainkey.{BAD}"), "v=DKIM1; k=rsa; p=")
        .txt(&format!("_dmarc.{BAD}"), "v=DMARC1; p=none");
    let mut record = "v=spf1".to_owned();
    for number in 1..=INCLUDES {
        let name = format!("_spf{number}.{BAD}");
        record.push_str(&format!(" include:{name}"));
        zone = zone.txt(&name, &format!("v=spf1 ip4:192.0.2.{number} ~all"));
    }
    zone.txt(BAD, &format!("{record} +all"))
}

/// A mail exchanger, and a record and a server for the policy.
fn common(zone: Zone, domain: &str, address: Ipv4Addr) -> Zone {
    let host = format!("mx1.{domain}");
    zone.mx(domain, 10, &host)
        .address(&host, address)
        .address(&format!("mta-sts.{domain}"), POLICY_ADDRESS)
        .txt(&format!("_mta-sts.{domain}"), "v=STSv1; id=20240101000000")
}

/// Starts both mail exchangers at this port.
pub(super) fn servers(port: u16) -> io::Result<Vec<(&'static str, Server)>> {
    let bad = Behaviour::with_certificate(Certificate::Expired);
    [(GOOD, GOOD_ADDRESS, Behaviour::healthy()), (BAD, BAD_ADDRESS, bad)]
        .into_iter()
        .map(|(domain, address, behaviour)| {
            let behaviour = behaviour.named(&format!("mx1.{domain}"));
            Ok((domain, Server::start((address, port).into(), behaviour)?))
        })
        .collect()
}

/// The part of the configuration that looks at them.
pub(super) fn yaml(mx_port: u16, policy_port: u16) -> String {
    let mut text =
        "# Domains' records and keys. In the world the ports are 25 and 443.\nposture:\n"
            .to_owned();
    for (domain, address, selectors, shows) in [
        (GOOD, GOOD_ADDRESS, "s1", "as it should be, as far as it goes without DNSSEC"),
        (
            BAD,
            BAD_ADDRESS,
            "s1, s2",
            "+all behind too many look-ups, DKIM revoked, DMARC that asks for nothing, no reverse name",
        ),
    ] {
        text.push_str(&format!(
            "  # {shows}\n  - domain: {domain}\n    dkim_selectors: [{selectors}]\n    \
             sending_addresses: [{address}]\n    helo: mx1.{domain}\n    interval: 5m\n    \
             mx_port: {mx_port}\n    policy_port: {policy_port}\n    labels: {{topic: posture}}\n"
        ));
    }
    text
}

/// The HTTPS server of the policies. Dropping it stops it.
#[derive(Debug)]
pub(super) struct Policies {
    address: SocketAddr,
    tasks: TaskTracker,
    stop: DropGuard,
}

impl Policies {
    /// Serves both policies on a port that is free. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be bound, or the certificate could not be made.
    pub(super) fn start() -> io::Result<Self> {
        let acceptor = TlsAcceptor::from(Authority::shared()?.server_config(Certificate::Good)?);
        let listener = std::net::TcpListener::bind((POLICY_ADDRESS, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let serve = serve(listener, acceptor, tasks.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(serve));
        Ok(Self { address, tasks, stop: stop.drop_guard() })
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Stops and waits until the port is free again.
    pub(super) async fn stop(self) {
        drop(self.stop);
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, tasks: TaskTracker) {
    let permits = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = permits.clone().try_acquire_owned() else { continue };
        if peer.ip().to_canonical().is_loopback() {
            let acceptor = acceptor.clone();
            tasks.spawn(async move {
                // A client that goes away, or is none, is no matter here.
                let _ = timeout(PATIENCE, answer(stream, &acceptor)).await;
                drop(permit);
            });
        }
    }
}

/// One request and its answer.
async fn answer(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < MOST {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let asked = |domain: &str| request.contains(&format!("host: mta-sts.{domain}"));
    let known = request.starts_with("get /.well-known/mta-sts.txt ");
    let (status, body) = match (asked(GOOD), asked(BAD)) {
        (true, _) if known => ("200 OK", policy(GOOD, "enforce", 604_800)),
        (_, true) if known => ("200 OK", policy(BAD, "testing", 3600)),
        _ => ("404 Not Found", String::new()),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn policy(domain: &str, mode: &str, max_age: u32) -> String {
    format!("version: STSv1\r\nmode: {mode}\r\nmx: mx1.{domain}\r\nmax_age: {max_age}\r\n")
}

/// The domain that is as it should be.
pub(super) const GOOD: &str = "tidy.demo.test";
/// The one with faults.
pub(super) const BAD: &str = "untidy.demo.test";
const GOOD_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 50, 60);
const BAD_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 50, 61);
const POLICY_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 50, 62);
/// One more than may be looked up.
const INCLUDES: u8 = 11;
/// The public part of a key with 2048 bits; the other was thrown away.
const KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjC6sR8R+YKvINseTWLqSJq3LXJsu29nm4wZuaGr8bsBfj9DBYC/jq6IoQ6ARIZovJpL9gH3frRBGiXZFuZ4FfC0wOE1Z4Jc+6joVLFMBZM1EXlQmitKcg2XBY5IwH7CulIPUraxl588TCAheI8iN/eDCabp0LB+CkGV4PbRol32sEf4kqm8g9OeWS4BsoRXcXbL8r+yvq/zzWq3txdh2oz3QgGRKDPV6eF7TKGFoQXOFEvP/g8dxi5Ic2ykweS2TK4fO9E/2/o/PTc46QuQWDp44uSOdjZ1GBnrQJvETy1RgoU/5UBj0KEvPwWfK3TqGnWo/gx4b0+MohDqGQwnHmwIDAQAB";
/// Bytes of a request.
const MOST: usize = 8192;
/// Requests at once.
const AT_ONCE: usize = 64;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(5);
