//! Who may come in, and under which name: headers, closed pages, browsers that were talked into
//! something, a login in front of every path, and TLS in bounds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use smtp_exporter::config::load_web;
use smtp_exporter::web::{Door, Doors, Limits, Page, Rate, Users};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::House;
use crate::support::pki::Authority;

const PATHS: [&str; 9] = [
    "/",
    "/metrics",
    "/probe?target=mx1",
    "/logs?target=mx1",
    "/config",
    "/-/healthy",
    "/-/ready",
    "/api/v1/targets",
    "/nonsense",
];

#[tokio::test]
async fn every_answer_carries_the_headers_and_none_opens_to_other_sites() {
    let house = House::start(|_| ()).await;
    for path in PATHS {
        let answer = house.ask("GET", path, "Origin: https://evil.example.com\r\n").await;
        let header = |name: &str| answer.headers.get(name).map_or("", String::as_str);
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert!(header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(!answer.headers.keys().any(|name| name.starts_with("access-control")), "{path}");
    }
    let headers = vec![
        ("x-frame-options".parse().unwrap(), "SAMEORIGIN".parse().unwrap()),
        ("strict-transport-security".parse().unwrap(), "max-age=1".parse().unwrap()),
    ];
    let door = Door { headers, ..Door::default() };
    let house = House::start(|state| state.doors = Arc::new(Doors::new(door))).await;
    for path in PATHS {
        let answer = house.get(path).await;
        assert_eq!(answer.headers["x-frame-options"], "SAMEORIGIN", "{path}");
        assert_eq!(answer.headers["strict-transport-security"], "max-age=1", "{path}");
    }
}

#[tokio::test]
async fn closed_pages_are_closed_and_the_others_are_not() {
    let house = House::start(|state| state.closed = Page::ALL.to_vec()).await;
    for path in ["/", "/probe?target=mx1", "/logs?target=mx1", "/config", "/api/v1/targets"] {
        house.get(path).await.has(403, "closed by --web.closed=");
    }
    house.ask("POST", "/-/reload", "").await.has(403, "--web.closed=reload");
    assert_eq!(house.control.reloads.load(Ordering::SeqCst), 0);
    assert_eq!(house.prober.calls(), 0);
    for path in ["/metrics", "/-/healthy", "/-/ready"] {
        assert_eq!(house.get(path).await.status, 200, "{path}");
    }
    let house = House::start(|state| state.closed = vec![Page::Logs]).await;
    assert_eq!(house.get("/logs?target=mx1").await.status, 403);
    assert_eq!(house.get("/config").await.status, 200);
}

#[tokio::test]
async fn a_name_that_was_rebound_to_loopback_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "127.0.1.1 mail.example.org mail\n").unwrap();
    let house = House::start(|state| {
        state.external_url = Some("https://exporter.example.net/smtp".to_owned());
        state.route_prefix = String::new();
        state.hosts_file = hosts;
    })
    .await;
    let ask = async |path: &str, host: &str| {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        super::Answer::read(&mut stream).await
    };
    for path in PATHS {
        for host in ["evil.example.com", "evil.example.com:10057", "127.0.0.1.evil.net"] {
            ask(path, host).await.has(421, "--web.external-url");
        }
    }
    let port = house.address.port();
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "exporter",
        "a.b.svc",
        "exporter.example.net",
        // A name that this host's own table gives to it, under which Prometheus beside us scrapes.
        "Mail.example.org",
    ] {
        for host in [format!("{host}:{port}"), host.to_owned()] {
            assert_eq!(ask("/-/healthy", &host).await.status, 200, "{host}");
        }
    }
}

#[tokio::test]
async fn no_other_site_can_make_a_browser_reload_us() {
    let house = House::start(|state| {
        state.external_url = Some("https://exporter.example.net".to_owned());
    })
    .await;
    for (headers, status) in [
        ("", 200),
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        ("Sec-Fetch-Site: none\r\n", 200),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
        ("Origin: http://x\r\n", 200),
        ("Origin: http://X:80\r\n", 403),
        ("Origin: https://exporter.example.net\r\n", 200),
        ("Origin: null\r\n", 403),
        ("Origin: http://evil.example.com\r\n", 403),
        ("Origin: http://localhost:3000\r\n", 403),
    ] {
        let answer = house.ask("POST", "/-/reload", headers).await;
        assert_eq!(answer.status, status, "{headers}{}", answer.text());
    }
}

fn guarded() -> Door {
    let hash = bcrypt::hash("right", 4).unwrap();
    let users = BTreeMap::from([("prometheus".to_owned(), hash.into())]);
    Door { users: Some(Users::new(users).unwrap()), ..Door::default() }
}

fn basic(pair: &str) -> String {
    format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(pair))
}

#[tokio::test]
async fn every_path_asks_who_is_there() {
    let house = House::start(|state| state.doors = Arc::new(Doors::new(guarded()))).await;
    for path in PATHS {
        for headers in [String::new(), basic("prometheus:wrong"), basic("nobody:right")] {
            let answer = house.ask("GET", path, &headers).await;
            answer.has(401, "user and password");
            assert!(answer.headers["www-authenticate"].starts_with("Basic realm="), "{path}");
        }
        let answer = house.ask("GET", path, &basic("prometheus:right")).await;
        assert_eq!(answer.status, if path == "/nonsense" { 404 } else { 200 }, "{path}");
    }
    assert_eq!(house.ask("POST", "/-/reload", "").await.status, 401);
    assert_eq!(house.control.reloads.load(Ordering::SeqCst), 0);
    assert_eq!(house.ask("POST", "/-/reload", &basic("prometheus:right")).await.status, 200);
}

#[tokio::test]
async fn more_requests_than_are_allowed_are_refused() {
    let rate = Some(Rate::new(Duration::from_secs(3600), 2));
    let door = Door { rate, ..Door::default() };
    let house = House::start(|state| state.doors = Arc::new(Doors::new(door))).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(house.get("/-/healthy").await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
}

/// A house behind TLS.
async fn locked(limits: Limits) -> House {
    let folder = tempfile::tempdir().unwrap();
    let issued = Authority::new("servers").server();
    std::fs::write(folder.path().join("cert.pem"), issued.certificate).unwrap();
    std::fs::write(folder.path().join("key.pem"), issued.key).unwrap();
    let file = folder.path().join("web.yml");
    std::fs::write(&file, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}").unwrap();
    let tls = load_web(&file).1.unwrap().tls;
    House::start(|state| {
        state.doors = Arc::new(Doors::new(Door { tls, ..Door::default() }));
        state.limits = limits;
    })
    .await
}

#[tokio::test]
async fn handshakes_that_do_not_come_to_an_end_are_cut_and_hold_nobody_up() {
    let handshake_timeout = Duration::from_millis(400);
    let limits = Limits { handshake_timeout, handshakes: 4, ..Limits::default() };
    let house = locked(limits).await;
    let start = Instant::now();
    // Mute ones, and ones that drip a record that is announced as large.
    let mut streams = Vec::new();
    for n in 0..12 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(&[22, 3, 1, 0x40, 0, 1]).await.unwrap();
        }
        streams.push(stream);
    }
    for stream in &mut streams {
        let mut rest = Vec::new();
        let ended = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "still open after {:?}", start.elapsed());
    }
    assert!(start.elapsed() >= handshake_timeout);
    // And the exporter ends at once, whoever is in the middle of one.
    let _mute = TcpStream::connect(house.address).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    house.shutdown.cancel();
    timeout(Duration::from_secs(3), house.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_in_clear_is_told_about_tls() {
    let house = locked(Limits::default()).await;
    house.get("/metrics").await.has(400, "this port speaks TLS");
}
