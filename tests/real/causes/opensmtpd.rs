//! OpenSMTPD: what it refuses itself, and what its filters make it say.
//!
//! It has no greylist, no block list and no limit on clients of its own. At its last descriptor it
//! stops accepting, which the client sees as silence, and at its end it closes without a word. All of
//! that is what filters are for, and their words are the operator's. A relay that it does not want
//! and a mailbox that it does not know have one reply, so both are `mailbox_unavailable`; a full
//! spool is a "Temporary Error" among others, so it is `system_problem`.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Case, assert_explained, assert_told, case, exporter, place, placed};
use crate::support::{Bed, Fake};

/// `by` is a listener's words, or a filter's rule.
fn cases() -> Vec<Case> {
    vec![
        case(
            "tls-required",
            "listen tls-require pki bed",
            "known",
            ["mail", "530", "tls_required", "sender"],
            &["opensmtpd.tls"],
        ),
        case(
            "auth-required",
            "listen tls pki bed auth",
            "known",
            ["mail", "530", "auth_required", "sender"],
            &["opensmtpd.auth"],
        ),
        case(
            "unknown",
            "listen",
            "unknown",
            ["rcpt", "550", "mailbox_unavailable", "target"],
            &["opensmtpd.recipient"],
        ),
        case(
            "relay",
            "listen",
            "relay",
            ["rcpt", "550", "mailbox_unavailable", "target"],
            &["opensmtpd.recipient"],
        ),
        case(
            "connections",
            "phase connect match src <probes> disconnect \"421 4.7.0 Too many connections from \
             your address\"",
            "plain",
            ["greeting", "421", "too_many_connections", "sender"],
            &["opensmtpd.", "phrase."],
        ),
        case(
            "rate",
            "phase mail-from match src <probes> reject \"450 4.7.1 Too many messages in an hour\"",
            "known",
            ["mail", "450", "rate_limited", "sender"],
            &["opensmtpd.", "phrase."],
        ),
        case(
            "greylisted",
            "phase rcpt-to match src <probes> reject \"451 4.7.1 Greylisted, try again later\"",
            "known",
            ["rcpt", "451", "greylisted", "target"],
            &["opensmtpd.", "phrase."],
        ),
        case(
            "listed",
            "phase connect match src <probes> disconnect \"554 5.7.1 Your address is listed in \
             bl.bed.test\"",
            "plain",
            ["greeting", "554", "blocklisted", "sender"],
            &["opensmtpd.", "phrase."],
        ),
        case(
            "maintenance",
            "phase connect match src <probes> disconnect \"421 4.3.2 Shutting down, try later\"",
            "plain",
            ["greeting", "421", "system_problem", "target"],
            &["opensmtpd.", "phrase."],
        ),
        case(
            "no-ptr",
            "phase connect match !rdns disconnect \"550 No reverse DNS for your address\"",
            "plain",
            ["greeting", "550", "rdns_helo", "sender"],
            &["opensmtpd.", "phrase."],
        ),
        case(
            "helo",
            "phase ehlo match helo <names> reject \"550 5.7.1 Bad HELO name\"",
            "plain",
            ["ehlo", "550", "rdns_helo", "sender"],
            &["opensmtpd.", "phrase."],
        ),
    ]
}

#[test]
fn opensmtpd_says_why() {
    let mut cases = place(cases());
    let mut plan = Bed::of("opensmtpd")
        .line(format!("table probes {{ {} }}", super::SOURCE))
        .line("table names { \"probe.example.net\" }");
    let mut listeners = String::new();
    for super::Placed { case, address } in &cases {
        let words = match case.by.strip_prefix("listen") {
            Some(words) => words.to_owned(),
            None => {
                plan = plan.line(format!("filter \"{}\" {}", case.name, case.by));
                format!(" filter \"{}\"", case.name)
            }
        };
        writeln!(listeners, "listen on {address} port 25 hostname mail.bed.test{words}").unwrap();
    }
    let server = plan.line(listeners).start("causes", &[25]);
    for placed in &cases {
        server.wait_listening(placed.address, 25);
    }
    let throttle =
        Bed::of("opensmtpd").line("smtp limit max-rcpt 0").start("causes-throttle", &[25]);
    let recipients = case(
        "recipients",
        "",
        "known",
        ["rcpt", "451", "rate_limited", "sender"],
        &["opensmtpd.", "phrase.", "enhanced."],
    );
    cases.push(placed(throttle.address, recipients));
    let full = Bed::of("opensmtpd").with("FULL", "yes").start("causes-full", &[25]);
    let disk = case(
        "disk-full",
        "",
        "known",
        ["mail", "421", "system_problem", "target"],
        &["opensmtpd.temporary"],
    );
    cases.push(placed(full.address, disk));
    let ending = Arc::new(Bed::of("opensmtpd").start("causes-stopped", &[25]));
    let ended = Arc::clone(&ending);
    let line = Fake::held_line(ending.address, move || ended.end());
    let stopped = case(
        "stopped",
        "",
        "plain",
        ["ehlo", "", "connection_dropped", "target"],
        &["connection_dropped"],
    );
    cases.push(placed(line.address, stopped));

    let exporter = exporter("opensmtpd", &cases);
    assert_told("opensmtpd", &exporter, &cases);
    exporter.stop();
    assert_explained("opensmtpd", &server.wait_log("smtp failed-command", 8), &cases);
}
