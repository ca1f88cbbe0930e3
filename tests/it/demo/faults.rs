//! Everything a server can do wrong in clear.

use std::time::Duration;

use smtp_exporter::demo::{Behaviour, Point, Step};
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::client::{Client, counted, greeted, with, within};

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
