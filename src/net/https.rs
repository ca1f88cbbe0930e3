//! One file over HTTPS: see [`fetch`].

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::tcp;
use super::tls::TlsClient;
use crate::observation::TlsFacts;
use crate::posture::mta_sts::{Fetched, MAX_POLICY};
use crate::smtp::Phase;

/// Where a file is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The server's name: what is connected to, and what the certificate must carry.
    pub host: &'a str,
    /// 443, but in a laboratory.
    pub port: u16,
    /// With the leading slash.
    pub path: &'a str,
}

/// Gets a file of at most [`MAX_POLICY`] bytes, and one more of a longer one, from the first of
/// `addresses` that can be connected to; `source` gives the address to connect from.
///
/// The roots are those of all probes. Nothing is asked of a server whose certificate does not verify
/// for its name. HTTP/1.1 without compression; redirects are not followed (RFC 8461, 3.3): they are
/// an answer. Connecting, the handshake and the answer have 20 s each, and all of it 60 s (RFC 8461,
/// 3.3, grants a minute); a header may have 16 KiB and 64 fields.
pub async fn fetch(
    tls: &TlsClient,
    place: Place<'_>,
    addresses: &[IpAddr],
    source: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Fetched {
    let whole = get(tls, place, addresses, source);
    match tokio::time::timeout(WHOLE, whole).await {
        Ok(Ok(fetched)) => fetched,
        Ok(Err(fetched)) => fetched,
        Err(_) => Fetched::Unreachable(format!("it took longer than {WHOLE:?}")),
    }
}

async fn get(
    tls: &TlsClient,
    place: Place<'_>,
    addresses: &[IpAddr],
    source: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<Fetched, Fetched> {
    let stream = connect(place.port, addresses, source).await.map_err(Fetched::Unreachable)?;
    let phase = Phase::TlsImplicit;
    let (facts, outcome) = tls.handshake(stream, place.host, phase, STEP).await;
    let stream = outcome.map_err(|failure| Fetched::Unreachable(failure.detail))?;
    if facts.verified != Some(true) {
        return Err(Fetched::Certificate(reasons(&facts)));
    }
    let mut builder = http1::Builder::new();
    builder.max_headers(HEADERS).max_buf_size(HEADER_BYTES);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|error| no_http(&error))?;
    let exchange = async {
        let response = sender.send_request(request(place)?).await;
        read(response.map_err(|error| no_http(&error))?).await
    };
    // The connection moves the bytes for as long as the exchange lasts. When it ends first, what has
    // come is still read.
    let moved = async {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        fetched = tokio::time::timeout(STEP, exchange) => fetched.unwrap_or_else(|_| {
            Err(Fetched::Unreachable(format!("no whole answer within {STEP:?}")))
        }),
        never = moved => match never {},
    }
}

/// Connects to one address after the other; each has its share of the time.
async fn connect(
    port: u16,
    addresses: &[IpAddr],
    source: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<tcp::Stream, String> {
    let deadline = Instant::now() + STEP;
    let mut failures: Vec<String> = Vec::new();
    let tried = addresses.len().min(ADDRESSES);
    for (turn, address) in addresses.iter().take(tried).enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(tried - turn).unwrap_or(1).max(1);
        match tcp::connect(SocketAddr::new(*address, port), source(*address), share).await {
            Ok(stream) => return Ok(stream),
            Err(failure) => failures.push(failure.detail),
        }
    }
    Err(if failures.is_empty() { "it has no address".to_owned() } else { failures.join("; ") })
}

fn request(place: Place<'_>) -> Result<Request<Empty<Bytes>>, Fetched> {
    let host = match place.port {
        443 => place.host.to_owned(),
        port => format!("{}:{port}", place.host),
    };
    Request::get(place.path)
        .header(HOST, host)
        .header(USER_AGENT, concat!("smtp_exporter/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "text/plain")
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|error| Fetched::Unreachable(format!("it cannot be asked for: {error}")))
}

async fn read(response: Response<hyper::body::Incoming>) -> Result<Fetched, Fetched> {
    let (head, mut incoming) = response.into_parts();
    let content_type = head
        .headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).chars().take(TYPE_CHARS).collect());
    let status = head.status.as_u16();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| {
            Fetched::Unreachable(format!("the answer broke off: {}", chain_of(&error)))
        })?;
        let Some(data) = frame.data_ref() else { continue };
        let room = (MAX_POLICY + 1).saturating_sub(body.len());
        body.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if body.len() > MAX_POLICY {
            break;
        }
    }
    Ok(Fetched::Answered { status, content_type, body })
}

fn no_http(error: &hyper::Error) -> Fetched {
    Fetched::Unreachable(format!("no HTTP answer: {}", chain_of(error)))
}

/// An error with what it comes from.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(error) = inner {
        text = format!("{text}: {error}");
        inner = error.source();
    }
    text
}

/// Why a certificate does not verify.
fn reasons(facts: &TlsFacts) -> String {
    let mut reasons: Vec<&str> = facts.failures.iter().map(|failure| failure.as_str()).collect();
    if reasons.is_empty() {
        reasons.push("no signature was seen");
    }
    let subject = facts.chain.first().map_or("?", |leaf| leaf.subject.as_str());
    format!("{} ({subject})", reasons.join(", "))
}

/// All of it.
const WHOLE: Duration = Duration::from_secs(60);
/// Connecting; the handshake; the answer.
const STEP: Duration = Duration::from_secs(20);
/// Addresses that are tried.
const ADDRESSES: usize = 4;
/// Fields of a header.
const HEADERS: usize = 64;
/// Bytes of a header.
const HEADER_BYTES: usize = 16 * 1024;
/// Characters of a content type that are kept.
const TYPE_CHARS: usize = 128;
