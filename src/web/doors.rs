//! Who may come in: TLS, the login, the bound on requests, which pages are closed, and what a
//! browser may be talked into.
//!
//! # Why Host is looked at on loopback
//!
//! A page on the Internet can let its own name stand for 127.0.0.1 after it was loaded, and then its
//! script reads whatever listens there, as one site (DNS rebinding). Nobody reaches loopback by a
//! public name but through a proxy, and a proxy's name is the external URL's, or because this host's
//! own table (`/etc/hosts`) says that the name is here, as many a host's does of its own: then no
//! answer of the DNS put it there. A scrape over the network by a public name is usual, so there Host
//! says nothing, and a login keeps browsers out.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use rustls::ServerConfig;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::login::Users;
use super::{Refusal, State, one_header};
use crate::target::place::printable;

/// The doors in force. They are replaced as a whole, while connections are open.
#[derive(Debug, Default)]
pub struct Doors(RwLock<Arc<Door>>);

impl Doors {
    /// These, until they are replaced.
    pub fn new(door: Door) -> Self {
        Self(RwLock::new(Arc::new(door)))
    }

    /// What is in force now.
    pub fn now(&self) -> Arc<Door> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// New connections get the new TLS, and all further requests the new rest.
    pub fn replace(&self, door: Door) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(door);
    }
}

/// One version of the doors. The default stands open.
#[derive(Debug, Default)]
pub struct Door {
    /// TLS of every connection; none: HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Headers of every answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Who may come in; none: everybody.
    pub users: Option<Users>,
    /// A bound on requests.
    pub rate: Option<Rate>,
}

impl Door {
    /// Lets a request in, or says why not.
    pub(super) async fn admit<B>(
        &self,
        state: &State,
        request: &Request<B>,
    ) -> Result<(), Refusal> {
        if self.rate.as_ref().is_some_and(|rate| !rate.take(Instant::now())) {
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too many requests"));
        }
        let arrival = request.extensions().get::<Arrival>().copied();
        if arrival.is_some_and(|arrival| arrival.local.to_canonical().is_loopback()) {
            check_host(state, request).await?;
        }
        let Some(users) = &self.users else { return Ok(()) };
        let peer = arrival.map_or(NOWHERE, |arrival| arrival.peer);
        users.admit(one_header(request.headers(), &header::AUTHORIZATION), peer).await
    }

    /// Puts on the headers that every answer carries. What a page said for itself stays, and what
    /// the operator says goes over both.
    pub(super) fn dress(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, NOTHING),
        ] {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }
}

/// Where a connection came from, and at which address of ours it arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) peer: IpAddr,
    pub(super) local: IpAddr,
}

/// A bound on requests, of all clients together: a bucket of tokens that fills evenly.
#[derive(Debug)]
pub struct Rate {
    interval: Duration,
    burst: u32,
    /// Tokens left when it was last asked, with their parts.
    bucket: Mutex<Option<(f64, Instant)>>,
}

impl Rate {
    /// One request each `interval` (above 0), and `burst` at once.
    pub fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, bucket: Mutex::default() }
    }

    fn take(&self, now: Instant) -> bool {
        let most = f64::from(self.burst.max(1));
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = bucket.unwrap_or((most, now));
        let passed = now.saturating_duration_since(since);
        let left = (left + passed.as_secs_f64() / self.interval.as_secs_f64()).min(most);
        let may = left >= 1.0;
        *bucket = Some((if may { left - 1.0 } else { left }, now));
        may
    }
}

closed_enum! {
    /// Pages that can be closed (`--web.closed`).
    pub enum Page {
        /// `POST /-/reload`. SIGHUP still reloads.
        Reload => "reload",
        /// `/probe`.
        Probe => "probe",
        /// `/logs`, and transcripts wherever else they stand.
        Logs => "logs",
        /// `/config`.
        Config => "config",
        /// The pages for a person, and the API that shows the same.
        Status => "status",
    }
}

impl Page {
    /// The page at a path, where it is one that can be closed.
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/-/reload" => Some(Self::Reload),
            "/probe" => Some(Self::Probe),
            "/logs" => Some(Self::Logs),
            "/config" => Some(Self::Config),
            "/" => Some(Self::Status),
            _ if ["/api/", "/targets", "/posture"].iter().any(|page| path.starts_with(page)) => {
                Some(Self::Status)
            }
            _ => None,
        }
    }
}

/// True for a request that a page of another site made a browser send. Browsers say so in
/// `Sec-Fetch-Site` where the connection is safe, and in `Origin` always when they write.
pub(super) fn is_of_another_site(state: &State, headers: &HeaderMap, method: &Method) -> bool {
    let site = one_header(headers, &SEC_FETCH_SITE);
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    if method == Method::GET || method == Method::HEAD {
        return false;
    }
    let Some(origin) = one_header(headers, &header::ORIGIN) else { return false };
    let Some((_, authority)) = origin.split_once("://") else { return true };
    // Behind a proxy Host may be another than the one in the browser's address line.
    let host = one_header(headers, &header::HOST);
    let outside = external_host(state);
    let same = host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        || outside.is_some_and(|outside| outside.eq_ignore_ascii_case(name_of(authority)));
    // A name that was rebound to us is its own origin.
    !same || !(is_near(name_of(authority)) || is_ours(state, name_of(authority)))
}

/// On loopback, refuses names under which nobody but a rebound page reaches it.
async fn check_host<B>(state: &State, request: &Request<B>) -> Result<(), Refusal> {
    let asked = request.uri().authority().map(|authority| authority.as_str());
    let Some(host) = asked.or_else(|| one_header(request.headers(), &header::HOST)) else {
        return Ok(());
    };
    let name = name_of(host);
    if is_near(name) || is_ours(state, name) || is_in_hosts(&state.hosts_file, name).await {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::MISDIRECTED_REQUEST,
        format!(
            "`{}` is not a name of this exporter; if a proxy on this host sends it, name it in \
             --web.external-url; if it is this host's own, name it in /etc/hosts",
            printable(name)
        ),
    ))
}

/// Names that nobody on the Internet can own: addresses, single labels, and the endings that are
/// kept for private use (RFC 2606, RFC 6761, RFC 6762, RFC 8375) or by clusters.
fn is_near(name: &str) -> bool {
    if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    !name.contains('.') || NEAR.iter().any(|ending| name.ends_with(ending))
}

/// The external URL's name, or this host's own.
fn is_ours(state: &State, name: &str) -> bool {
    let own = || hostname::get().ok().and_then(|own| own.into_string().ok());
    external_host(state).is_some_and(|outside| outside.eq_ignore_ascii_case(name))
        || own().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

/// Whether this host's own table says that the name is here. It is read when it is needed, which is
/// for names that would be refused.
async fn is_in_hosts(file: &Path, name: &str) -> bool {
    let Ok(file) = tokio::fs::File::open(file).await else { return false };
    let mut text = Vec::new();
    let read = file.take(MOST_HOSTS).read_to_end(&mut text).await;
    read.is_ok() && names_loopback(&String::from_utf8_lossy(&text), name)
}

/// Whether a line of hosts(5) gives a loopback address to the name.
fn names_loopback(hosts: &str, name: &str) -> bool {
    let name = name.trim_end_matches('.');
    hosts.lines().any(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
        address.is_some_and(|address| address.to_canonical().is_loopback())
            && words.any(|word| word.eq_ignore_ascii_case(name))
    })
}

fn external_host(state: &State) -> Option<&str> {
    let (_, rest) = state.external_url.as_deref()?.split_once("://")?;
    Some(name_of(rest.split(['/', '?', '#']).next().unwrap_or_default()))
}

/// An authority without its port.
fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

/// Bytes of the table of hosts that are looked at: it may hold all the names that somebody blocks.
const MOST_HOSTS: u64 = 8 << 20;
/// What answers that are no page may load, run and be framed by: nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
const NEAR: [&str; 10] = [
    ".localhost",
    ".local",
    ".localdomain",
    ".internal",
    ".home.arpa",
    ".test",
    ".svc",
    ".lan",
    ".home",
    ".corp",
];
/// Whose requests came over no socket.
const NOWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_bucket_fills_evenly_and_not_over_its_brim() {
        let rate = Rate::new(Duration::from_secs(1), 2);
        let start = Instant::now();
        let takes = |seconds: f64| rate.take(start + Duration::from_secs_f64(seconds));
        assert_eq!([takes(0.0), takes(0.0), takes(0.0)], [true, true, false]);
        assert_eq!([takes(0.5), takes(1.0), takes(1.1)], [false, true, false]);
        assert_eq!([takes(60.0), takes(60.0), takes(60.0)], [true, true, false]);
    }

    #[test]
    fn names_that_nobody_outside_can_own() {
        for name in
            ["localhost", "127.0.0.1", "[::1]", "exporter", "a.localhost", "a.b.svc", "x.test."]
        {
            assert!(is_near(name), "{name}");
        }
        for name in [
            "evil.example.com",
            "127.0.0.1.nip.io",
            "localhost.evil.net",
            "a.local.net",
            "x.2.0.192.in-addr.arpa",
        ] {
            assert!(!is_near(name), "{name}");
        }
        assert_eq!(name_of("[::1]:80"), "[::1]");
        assert_eq!(name_of("mx:25"), "mx");
        assert_eq!(name_of("mx"), "mx");
    }

    #[test]
    fn names_of_this_host_are_those_of_its_table() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1\tmail.example.net mail # old.example.net\n\
                     ::1 six.example.net\n192.0.2.1 far.example.net\n0.0.0.0 ads.example.com\n#127.0.0.1 no.example.net\n";
        for (name, here) in [
            ("mail.example.net", true),
            ("MAIL.example.net.", true),
            ("six.example.net", true),
            ("old.example.net", false),
            ("far.example.net", false),
            ("ads.example.com", false),
            ("no.example.net", false),
            ("127.0.1.1", false),
            ("", false),
        ] {
            assert_eq!(names_loopback(hosts, name), here, "{name}");
        }
    }

    #[test]
    fn every_path_that_shows_or_does_something_can_be_closed() {
        for (path, page) in [
            ("/", Some(Page::Status)),
            ("/targets/mx1", Some(Page::Status)),
            ("/posture/example.net", Some(Page::Status)),
            ("/api/v1/targets", Some(Page::Status)),
            ("/-/reload", Some(Page::Reload)),
            ("/logs", Some(Page::Logs)),
            ("/config", Some(Page::Config)),
            ("/probe", Some(Page::Probe)),
            ("/metrics", None),
            ("/-/healthy", None),
        ] {
            assert_eq!(Page::at(path), page, "{path}");
        }
    }
}
