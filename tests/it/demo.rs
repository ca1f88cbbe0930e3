//! The demo's servers do what they say. The client here is made by hand and shares nothing with the
//! product's: every other hermetic test trusts these servers.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::demo::{
    Authority, Behaviour, Certificate, LegacyVersion, Point, Server, Stats, Step, Tls,
};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// A client that says what it is told and reads replies line by line.
struct Client<S> {
    stream: BufReader<S>,
}

impl Client<TcpStream> {
    async fn connect(address: SocketAddr) -> Self {
        Self { stream: BufReader::new(TcpStream::connect(address).await.unwrap()) }
    }

    /// STARTTLS and a handshake that trusts the demo's authority.
    async fn starttls(
        mut self,
    ) -> Result<Client<tokio_rustls::client::TlsStream<TcpStream>>, String> {
        assert_eq!(self.ask("STARTTLS").await, ["220 2.0.0 Ready to start TLS"]);
        handshake(self.stream.into_inner()).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// One reply, all lines of it. Empty at the end of the stream.
    async fn reply(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match within(self.stream.read_line(&mut line)).await {
                Ok(0) | Err(_) => return lines,
                Ok(_) => lines.push(line.trim_end().to_owned()),
            }
            if lines.last().is_some_and(|line| line.as_bytes().get(3) != Some(&b'-')) {
                return lines;
            }
        }
    }

    async fn say(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    async fn ask(&mut self, line: &str) -> Vec<String> {
        self.say(line).await;
        self.reply().await
    }

    async fn code(&mut self, line: &str) -> String {
        let reply = self.ask(line).await;
        reply.last().map_or_else(|| "end".to_owned(), |line| line[..3].to_owned())
    }

    /// Everything up to the end of the stream, or the error that ended it.
    async fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        within(self.stream.read_to_end(&mut bytes)).await.map(|_| bytes)
    }

    async fn quit(mut self) {
        assert_eq!(self.code("QUIT").await, "221");
        assert_eq!(self.rest().await.unwrap(), b"");
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future).await.expect("within ten seconds")
}

async fn handshake(
    tcp: TcpStream,
) -> Result<Client<tokio_rustls::client::TlsStream<TcpStream>>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(Authority::shared().unwrap().root().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("mail.demo.test").unwrap();
    let tls = within(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await;
    tls.map(|tls| Client { stream: BufReader::new(tls) }).map_err(|error| error.to_string())
}

fn start(behaviour: Behaviour) -> Server {
    Server::start("127.0.0.1:0".parse().unwrap(), behaviour).unwrap()
}

/// A server and a client that has not read anything yet.
async fn with(behaviour: Behaviour) -> (Server, Client<TcpStream>) {
    let server = start(behaviour);
    let client = Client::connect(server.address()).await;
    (server, client)
}

/// A server, and a client that was greeted and said EHLO.
async fn greeted(behaviour: Behaviour) -> (Server, Client<TcpStream>, Vec<String>) {
    let (server, mut client) = with(behaviour).await;
    assert_eq!(client.reply().await, ["220 mail.demo.test ESMTP"]);
    let capabilities = client.ask("EHLO probe.demo.test").await;
    (server, client, capabilities)
}

/// The counts, once they are as wanted: a session ends a moment after the client has seen the end.
async fn counted(server: &Server, wanted: impl Fn(&Stats) -> bool) -> Stats {
    for _ in 0..500 {
        let stats = server.stats();
        if wanted(&stats) {
            return stats;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("never came: {:?}", server.stats());
}

fn offers(capabilities: &[String], keyword: &str) -> bool {
    capabilities.iter().any(|line| line.get(4..).is_some_and(|rest| rest.starts_with(keyword)))
}

#[tokio::test]
async fn healthy_takes_a_dry_run_inside_tls_and_counts_it() {
    let (server, client, plain) = greeted(Behaviour::healthy()).await;
    assert!(offers(&plain, "STARTTLS") && !offers(&plain, "AUTH"), "{plain:?}");
    let mut client = client.starttls().await.unwrap();
    assert_eq!(client.code("MAIL FROM:<a@b.test>").await, "503", "EHLO is to be said again");
    let inside = client.ask("EHLO probe.demo.test").await;
    assert!(!offers(&inside, "STARTTLS"), "{inside:?}");
    assert!(offers(&inside, "AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2"), "{inside:?}");
    assert_eq!(client.code("MAIL FROM:<a@b.test>").await, "250");
    assert_eq!(client.code("RCPT TO:<postmaster@demo.test>").await, "250");
    assert_eq!(client.code("RCPT TO:<postmaster>").await, "250");
    let denied = client.ask("RCPT TO:<nobody@example.org>").await;
    assert_eq!(denied, ["554 5.7.1 <nobody@example.org>: Relay access denied"]);
    assert_eq!(client.code("RSET").await, "250");
    client.quit().await;
    let stats = counted(&server, |stats| stats.quit == 1).await;
    assert_eq!((stats.sessions, stats.open, stats.open_max, stats.dropped), (1, 0, 1, 0));
    assert_eq!((stats.handshakes, stats.early, stats.pipelined), (1, 0, 0));
    assert_eq!((stats.said("EHLO"), stats.said("RCPT"), stats.said("DATA")), (2, 3, 0));
    let log = server.log();
    assert_eq!(log[0].line, "EHLO probe.demo.test");
    assert!(!log[0].tls && log.last().unwrap().tls);
}

#[tokio::test]
async fn a_client_that_goes_without_quit_is_counted_as_dropped() {
    let (server, client, _) = greeted(Behaviour::healthy()).await;
    drop(client);
    assert_eq!(counted(&server, |stats| stats.dropped == 1).await.quit, 0);
}

#[tokio::test]
async fn a_slow_greeting_is_slow() {
    let begin = Instant::now();
    let (_server, mut client) = with(Behaviour::slow_greeting(Duration::from_millis(300))).await;
    assert_eq!(client.reply().await, ["220 mail.demo.test ESMTP"]);
    assert!(begin.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_dripped_greeting_is_whole_in_the_end() {
    let begin = Instant::now();
    let (_server, mut client) = with(Behaviour::dripped_greeting(Duration::from_millis(5))).await;
    assert_eq!(client.reply().await, ["220 mail.demo.test ESMTP"]);
    assert!(begin.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_teaser_comes_first_and_the_rest_later() {
    let (_server, mut client) = with(Behaviour::teaser(Duration::from_millis(200))).await;
    let mut first = String::new();
    client.stream.read_line(&mut first).await.unwrap();
    assert_eq!(first, "220-mail.demo.test ESMTP please wait\r\n");
    let begin = Instant::now();
    assert_eq!(client.reply().await, ["220 mail.demo.test ESMTP"]);
    assert!(begin.elapsed() >= Duration::from_millis(150));
    client.quit().await;
}

#[tokio::test]
async fn the_police_refuse_and_count_early_talkers() {
    let (server, mut client) = with(Behaviour::strict()).await;
    client.say("EHLO too.early.test").await;
    let reply = client.reply().await;
    assert!(reply.last().unwrap().starts_with("554 5.5.1"), "{reply:?}");
    assert_eq!(counted(&server, |stats| stats.early == 1).await.said("EHLO"), 0);
}

#[tokio::test]
async fn the_police_refuse_and_count_pipelined_input() {
    let (server, mut client, capabilities) = greeted(Behaviour::healthy().policed()).await;
    assert!(!offers(&capabilities, "PIPELINING"));
    client.say("MAIL FROM:<a@demo.test>\r\nRCPT TO:<b@demo.test>").await;
    assert!(client.reply().await[0].starts_with("554 5.5.0"));
    assert_eq!(counted(&server, |stats| stats.pipelined == 1).await.said("RCPT"), 0);
}

#[tokio::test]
async fn pipelining_that_was_offered_is_no_offence() {
    let (server, mut client, _) = greeted(Behaviour::healthy()).await;
    client.say("MAIL FROM:<a@demo.test>\r\nRCPT TO:<b@demo.test>\r\nRSET").await;
    for code in ["250 2.1.0", "250 2.1.5", "250 2.0.0"] {
        assert!(client.reply().await[0].starts_with(code));
    }
    client.say("NOOP\r\nNOOP").await;
    client.reply().await;
    client.reply().await;
    assert_eq!(server.stats().pipelined, 1, "NOOP may not stand before more");
}

#[tokio::test]
async fn the_connection_limit_counts_sessions_per_client() {
    let server = start(Behaviour::connection_limit(2));
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(server.address()).await;
        assert_eq!(client.reply().await, ["220 mail.demo.test ESMTP"]);
        held.push(client);
    }
    let mut third = Client::connect(server.address()).await;
    let refusal = "421 4.7.0 mail.demo.test Error: too many connections from 127.0.0.1";
    assert_eq!(third.reply().await, [refusal]);
    assert_eq!(third.rest().await.unwrap(), b"");
    held.pop().unwrap().quit().await;
    counted(&server, |stats| stats.quit == 1).await;
    let mut again = Client::connect(server.address()).await;
    assert_eq!(again.reply().await, ["220 mail.demo.test ESMTP"]);
    assert_eq!(server.stats().limited, 1);
}

#[tokio::test]
async fn the_limit_on_all_sessions_is_another_reply() {
    let server = start(Behaviour { max_sessions: 1, ..Behaviour::plain() });
    let mut first = Client::connect(server.address()).await;
    first.reply().await;
    let mut second = Client::connect(server.address()).await;
    assert_eq!(second.reply().await, ["421 4.3.2 All server ports are busy"]);
}

#[tokio::test]
async fn refusals_at_the_greeting() {
    for (behaviour, start) in [
        (Behaviour::too_many_connections(), "421 4.7.0 mail.demo.test Error: too many connections"),
        (Behaviour::shutting_down(), "421 4.3.2 mail.demo.test Service shutting down"),
        (Behaviour::refusing("450 4.7.1 later"), "450 4.7.1 later"),
    ] {
        let (server, mut client) = with(behaviour).await;
        let reply = client.reply().await;
        assert!(reply[0].starts_with(start), "{reply:?}");
        assert_eq!(client.rest().await.unwrap(), b"");
        counted(&server, |stats| stats.ended_by_server == 1).await;
    }
}

#[tokio::test]
async fn after_554_only_quit_is_understood() {
    let (server, mut client) = with(Behaviour::no_service()).await;
    assert!(client.reply().await[0].starts_with("554 5.7.1"));
    assert_eq!(client.code("EHLO probe.demo.test").await, "503");
    client.quit().await;
    counted(&server, |stats| stats.quit == 1).await;
}

#[tokio::test]
async fn greylisting_takes_the_second_try_once_the_delay_is_over() {
    let (_server, mut client, _) =
        greeted(Behaviour::greylisting(Duration::from_millis(200))).await;
    client.ask("MAIL FROM:<a@demo.test>").await;
    assert!(client.ask("RCPT TO:<b@demo.test>").await[0].starts_with("450 4.7.1"));
    assert!(client.ask("RCPT TO:<b@demo.test>").await[0].starts_with("450 4.7.1"), "too soon");
    sleep(Duration::from_millis(250)).await;
    assert_eq!(client.code("RCPT TO:<b@demo.test>").await, "250");
    assert_eq!(client.code("RCPT TO:<c@demo.test>").await, "450", "another recipient");
}

#[tokio::test]
async fn certificates_are_wrong_in_their_own_way() {
    for &certificate in Certificate::ALL {
        let (server, client, _) = greeted(Behaviour::with_certificate(certificate)).await;
        let outcome = client.starttls().await.map(drop);
        let wanted = match certificate {
            Certificate::Good => None,
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
async fn submission_wants_tls_then_a_login_then_takes_mail_for_anybody() {
    let (server, mut client, _) = greeted(Behaviour::submission()).await;
    assert!(client.ask("MAIL FROM:<a@b.test>").await[0].starts_with("530 5.7.0 Must issue"));
    assert!(client.ask("AUTH PLAIN AHAAcQ==").await[0].starts_with("530"));
    let mut client = client.starttls().await.unwrap();
    client.ask("EHLO probe.demo.test").await;
    assert!(client.ask("MAIL FROM:<a@b.test>").await[0].starts_with("530 5.7.0 Auth"));
    // NUL probe NUL demo-password
    assert_eq!(client.code("AUTH PLAIN AHByb2JlAGRlbW8tcGFzc3dvcmQ=").await, "235");
    assert_eq!(client.code("MAIL FROM:<a@b.test>").await, "250");
    assert_eq!(client.code("RCPT TO:<nobody@example.org>").await, "250");
    assert_eq!(server.stats().logins, 1);
    client.quit().await;
}

#[tokio::test]
async fn every_mechanism_lets_the_one_user_in_and_nobody_else() {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    let mut behaviour = Behaviour::healthy();
    behaviour.auth.as_mut().unwrap().in_clear = true;
    let server = start(behaviour);
    let login = async |lines: &[&str]| {
        let mut client = Client::connect(server.address()).await;
        client.reply().await;
        assert!(offers(&client.ask("EHLO probe.demo.test").await, "AUTH"));
        let mut last = String::new();
        for line in lines {
            last = client.ask(line).await.pop().unwrap();
        }
        last
    };
    let good = BASE64_STANDARD.encode("user=probe\u{1}auth=Bearer demo-token\u{1}\u{1}");
    let bad = BASE64_STANDARD.encode("user=probe\u{1}auth=Bearer stale\u{1}\u{1}");
    let xoauth2 = format!("AUTH XOAUTH2 {good}");
    let stale = format!("AUTH XOAUTH2 {bad}");
    for (lines, wanted) in [
        (&["AUTH PLAIN", "AHByb2JlAGRlbW8tcGFzc3dvcmQ="][..], "235"),
        (&["AUTH PLAIN AHByb2JlAHdyb25n"][..], "535"),
        (&["auth login", "cHJvYmU=", "ZGVtby1wYXNzd29yZA=="][..], "235"),
        (&["AUTH LOGIN cHJvYmU=", "d3Jvbmc="][..], "535"),
        (&["AUTH LOGIN", "*"][..], "535"),
        (&[xoauth2.as_str()][..], "235"),
        (&[stale.as_str(), ""][..], "535"),
        (&["AUTH CRAM-MD5", "cHJvYmUgMDAwMA=="][..], "535"),
        (&["AUTH NTLM"][..], "504"),
    ] {
        let answer = login(lines).await;
        assert!(answer.starts_with(wanted), "{lines:?}: {answer}");
    }
    let challenge = login(&["AUTH CRAM-MD5"]).await;
    let challenge = BASE64_STANDARD.decode(&challenge[4..]).unwrap();
    assert!(challenge.starts_with(b"<") && challenge.ends_with(b"@mail.demo.test>"));
    assert_eq!(server.stats().logins, 3);
}

#[tokio::test]
async fn auth_refused_and_open_relay() {
    let (_server, client, _) = greeted(Behaviour::auth_refused()).await;
    let mut client = client.starttls().await.unwrap();
    client.ask("EHLO probe.demo.test").await;
    assert_eq!(client.code("AUTH PLAIN AHByb2JlAGRlbW8tcGFzc3dvcmQ=").await, "535");

    let (_server, mut client, _) = greeted(Behaviour::open_relay()).await;
    client.ask("MAIL FROM:<>").await;
    assert_eq!(client.code("RCPT TO:<nobody@example.org>").await, "250");
}

#[tokio::test]
async fn drops_close_and_resets_reset() {
    let (server, mut client) = with(Behaviour::drops()).await;
    assert_eq!(client.rest().await.unwrap(), b"");
    counted(&server, |stats| stats.ended_by_server == 1).await;

    let (_server, mut client) = with(Behaviour::resets()).await;
    let error = client.rest().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn any_point_can_reset_fall_silent_or_close_with_421() {
    let drive = async |client: &mut Client<TcpStream>, until: Point| {
        for (point, line) in [
            (Point::Greeting, ""),
            (Point::Ehlo, "EHLO probe.demo.test"),
            (Point::Mail, "MAIL FROM:<a@demo.test>"),
            (Point::Rcpt, "RCPT TO:<b@demo.test>"),
            (Point::Rset, "RSET"),
            (Point::Quit, "QUIT"),
        ] {
            if point != Point::Greeting {
                client.say(line).await;
            }
            if point == until {
                return;
            }
            assert!(client.reply().await.last().unwrap().starts_with('2'), "{point}");
        }
    };
    for point in [Point::Greeting, Point::Ehlo, Point::Mail, Point::Rcpt, Point::Rset, Point::Quit]
    {
        let (_server, mut client) = with(Behaviour::resetting(point)).await;
        drive(&mut client, point).await;
        let error = client.rest().await.expect_err(point.as_str());
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{point}");

        let (_server, mut client) = with(Behaviour::closing_at(point)).await;
        drive(&mut client, point).await;
        let reply = client.reply().await;
        assert_eq!(reply, ["421 4.3.0 mail.demo.test closing the channel"], "{point}");
        assert_eq!(client.rest().await.unwrap(), b"", "{point}");

        let (server, mut client) = with(Behaviour::silent_at(point)).await;
        drive(&mut client, point).await;
        let heard = timeout(Duration::from_millis(100), client.stream.read_u8()).await;
        assert!(heard.is_err(), "{point}: {heard:?}");
        drop(client);
        counted(&server, |stats| stats.dropped == 1).await;
    }
}

#[tokio::test]
async fn a_reply_can_be_cut_by_a_reset() {
    let steps = [Step::Bytes(b"250-mail.demo.test\r\n250-SI".to_vec()), Step::Reset];
    let (_server, mut client) = with(Behaviour::healthy().on(Point::Ehlo, steps)).await;
    client.reply().await;
    client.say("EHLO probe.demo.test").await;
    let error = client.rest().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn what_is_not_smtp() {
    for (behaviour, start) in [
        (Behaviour::garbage(), &b"\x00\xfe\x93\x01"[..]),
        (Behaviour::http(), &b"HTTP/1.1 400 "[..]),
        (Behaviour::ssh(), &b"SSH-2.0-demo\r\n"[..]),
        (Behaviour::endless_line(), &b"220 xxxxxxxxxxxxxxxx"[..]),
    ] {
        let (_server, mut client) = with(behaviour).await;
        let mut bytes = vec![0; start.len()];
        within(client.stream.read_exact(&mut bytes)).await.unwrap();
        assert_eq!(bytes, start);
    }
}

#[tokio::test]
async fn replies_without_sense_or_end() {
    let (_server, _client, reply) = greeted(Behaviour::code_changes()).await;
    assert_eq!(reply, ["250-mail.demo.test", "250-SIZE", "451 8BITMIME"]);

    let (server, mut client) = with(Behaviour::endless_reply()).await;
    client.reply().await;
    client.say("EHLO probe.demo.test").await;
    let mut bytes = vec![0; 1_000_000];
    within(client.stream.read_exact(&mut bytes)).await.unwrap();
    assert!(bytes.starts_with(b"250-and another one\r\n250-and"));
    drop(client);
    counted(&server, |stats| stats.dropped == 1).await;
}

#[tokio::test]
async fn helo_only_and_no_quit_answer() {
    let (_server, mut client, reply) = greeted(Behaviour::helo_only()).await;
    assert!(reply[0].starts_with("502"), "{reply:?}");
    assert_eq!(client.ask("HELO probe.demo.test").await, ["250 mail.demo.test"]);
    assert_eq!(client.code("MAIL FROM:<a@demo.test>").await, "250");

    let (_server, mut client, _) = greeted(Behaviour::no_quit_answer()).await;
    client.say("QUIT").await;
    assert!(timeout(Duration::from_millis(100), client.stream.read_u8()).await.is_err());
}

#[tokio::test]
async fn input_is_bounded() {
    let idle = Duration::from_millis(200);
    let (_server, mut client, _) = greeted(Behaviour { idle, ..Behaviour::plain() }).await;
    assert!(client.reply().await[0].starts_with("421 4.4.2"), "idle");

    let (_server, mut client, _) = greeted(Behaviour::plain()).await;
    client.say(&"x".repeat(20_000)).await;
    assert_eq!(client.reply().await, ["500 5.5.2 Error: line too long"]);

    let (server, mut client, _) = greeted(Behaviour::plain()).await;
    for _ in 0..999 {
        assert_eq!(client.code("NOOP").await, "250");
    }
    assert!(client.reply().await[0].starts_with("421 4.7.0"), "too many commands");
    assert_eq!(server.stats().said("NOOP"), 999);
}

#[tokio::test]
async fn one_server_listens_on_several_addresses_and_stops_when_dropped() {
    let addresses = ["127.0.50.201:0".parse().unwrap(), "127.0.50.202:0".parse().unwrap()];
    let server = Server::start_on(&addresses, Behaviour::plain()).unwrap();
    let bound = server.addresses().to_vec();
    let mut open = Vec::new();
    for &address in &bound {
        let mut client = Client::connect(address).await;
        client.reply().await;
        open.push(client);
    }
    let by_address = server.stats().by_address;
    assert_eq!(by_address.get(&bound[0].ip()), Some(&1));
    assert_eq!(by_address.get(&bound[1].ip()), Some(&1));
    drop(server);
    for mut client in open {
        assert_eq!(client.rest().await.unwrap_or_default(), b"");
    }
    sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(bound[0]).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let server = start(Behaviour::plain());
    let error = Server::start(server.address(), Behaviour::plain()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&server.address().to_string()), "{error}");
}

#[test]
fn without_a_runtime_it_is_an_error_and_no_panic() {
    assert!(Server::start("127.0.0.1:0".parse().unwrap(), Behaviour::plain()).is_err());
}

#[tokio::test]
async fn behaviour_changes_between_sessions() {
    let server = start(Behaviour::plain());
    server.behave(Behaviour::shutting_down()).unwrap();
    let mut client = Client::connect(server.address()).await;
    assert!(client.reply().await[0].starts_with("421 4.3.2"));
}

#[tokio::test]
async fn one_wildcard_listener_stands_for_thousands_of_targets() {
    let server = Server::start("0.0.0.0:0".parse().unwrap(), Behaviour::plain()).unwrap();
    let port = server.address().port();
    let mut sessions = tokio::task::JoinSet::new();
    for i in 0..500_u16 {
        let [high, low] = i.to_be_bytes();
        let address = SocketAddr::from((Ipv4Addr::new(127, 60, high, low), port));
        sessions.spawn(async move {
            let mut client = Client::connect(address).await;
            client.reply().await;
            client.quit().await;
        });
    }
    while let Some(done) = sessions.join_next().await {
        done.unwrap();
    }
    let stats = counted(&server, |stats| stats.quit == 500).await;
    assert_eq!(stats.by_address.len(), 500);
    assert!(stats.by_address.keys().all(IpAddr::is_loopback));
}
