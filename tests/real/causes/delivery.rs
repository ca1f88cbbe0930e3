//! A Postfix that delivers to the servers that refuse: the cause that `explain` reads from its log is
//! the one that the probe saw.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::{Placed, SOURCE, explained};
use crate::support::Bed;

/// Whom a module's mail would go to, marked with the case's name. None where mail is not what is
/// refused, or where the log of a delivery has nothing of the server to quote.
fn recipient(placed: &Placed) -> Option<String> {
    let name = placed.case.name;
    match placed.case.module {
        // A second message of the same minute may be the one that a rate allows.
        _ if name.ends_with("-rate") || name == "postscreen" || name == "stopped" => None,
        "known" | "plain" => Some(format!("alice+{name}@bed.test")),
        "unknown" => Some(format!("nosuch+{name}@bed.test")),
        "relay" => Some(format!("nobody+{name}@example.org")),
        _ => None,
    }
}

/// Sends one message through a Postfix that hands each copy to another case's server.
pub(super) fn assert_logged(test: &str, cases: &[Placed]) {
    let sent: Vec<(String, &Placed)> =
        cases.iter().filter_map(|placed| Some((recipient(placed)?, placed))).collect();
    let mut routes = String::new();
    for (recipient, placed) in &sent {
        write!(routes, "{{ {recipient} = smtp:[{}]:25 }} ", placed.address).unwrap();
    }
    let relay = Bed::of("postfix")
        // A client that is greeted with its own name takes that for a loop.
        .line("myhostname = relay.bed.test")
        .line("mydestination =")
        .line("mynetworks = 127.0.0.0/8")
        .line("smtpd_relay_restrictions = permit_mynetworks, reject")
        .line(format!("transport_maps = inline:{{ {routes} }}"))
        .line(format!("smtp_bind_address = {SOURCE}"))
        .line("smtp_helo_name = probe.example.net")
        .start(&format!("causes-{test}-relay"), &[25]);
    submit(relay.address, sent.iter().map(|(recipient, _)| recipient.as_str()));

    let lines: Vec<String> = sent
        .iter()
        .map(|(recipient, _)| relay.wait_log(&format!("to=<{recipient}>, relay="), 1).remove(0))
        .collect();
    let causes = explained(&lines);
    let mut wrong = Vec::new();
    for (((_, placed), line), cause) in sent.iter().zip(&lines).zip(&causes) {
        if placed.case.told[2] != cause {
            wrong.push(format!("{}: {cause}: {line}", placed.case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

/// Hands over one message for all of them.
fn submit<'a>(server: Ipv4Addr, recipients: impl Iterator<Item = &'a str>) {
    let mut stream = TcpStream::connect((server, 25)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut say = |command: &str, code: &str| {
        stream.write_all(command.as_bytes()).unwrap();
        let last = replies.by_ref().map(Result::unwrap).find(|line| !line[3..].starts_with('-'));
        assert!(last.as_ref().is_some_and(|line| line.starts_with(code)), "{command}: {last:?}");
    };
    say("", "220");
    say("EHLO probe.example.net\r\n", "250");
    say("MAIL FROM:<probe@example.net>\r\n", "250");
    for recipient in recipients {
        say(&format!("RCPT TO:<{recipient}>\r\n"), "250");
    }
    say("DATA\r\n", "354");
    say("Subject: a message to be refused\r\n\r\nNothing.\r\n.\r\n", "250");
    say("QUIT\r\n", "221");
}
