//! Whole sessions: dry runs, logins, limits, and what a server counts of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use smtp_exporter::demo::{Behaviour, Server};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::client::{Client, counted, greeted, offers, start, with};

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
