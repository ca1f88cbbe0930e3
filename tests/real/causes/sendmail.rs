//! Sendmail: its limits hold for the whole daemon, so each is a daemon of its own.
//!
//! A daemon that is told to end lets its sessions finish and closes its listener: there is no reply
//! to look at. The TLS that it may demand is in its access map, and the reply to it is a "454 4.7.0
//! encryption too weak" that the unit tests know.

use super::{assert_told, case, exporter, placed, resolver};
use crate::support::Bed;

#[test]
fn sendmail_says_why() {
    let resolver = resolver("sendmail");
    let server = |name: &str, access: &str, lines: &[&str]| {
        let mut plan = Bed::of("sendmail")
            .with("RESOLVER", resolver.address.to_string())
            .with("ACCESS", access)
            .line("FEATURE(`accept_unresolvable_domains')dnl");
        for line in lines {
            plan = plan.line(*line);
        }
        plan.start(&format!("causes-{name}"), &[25])
    };
    let map = "FEATURE(`access_db', `hash -T<TMPF> -o /etc/mail/access.db')dnl";
    let plain = server("plain", "", &[]);
    let rate = server(
        "rate",
        "ClientRate:127.0.61.1 1",
        &[map, "FEATURE(`ratecontrol', `nodelay', `terminate')dnl"],
    );
    let full = server("full", "", &["define(`confMIN_FREE_BLOCKS', `2000000000')dnl"]);
    let listed = server("listed", "", &["FEATURE(`enhdnsbl', `bl.bed.test')dnl"]);
    let denied = server("denied", "Connect:127.0.61.1 REJECT", &[map]);
    let cases = [
        placed(
            plain.address,
            case(
                "unknown",
                "",
                "unknown",
                ["rcpt", "550", "mailbox_unavailable", "target"],
                &["sendmail.recipient.unknown"],
            ),
        ),
        placed(
            plain.address,
            case("relay", "", "relay", ["rcpt", "550", "relay_denied", "sender"], &["sendmail."]),
        ),
        placed(
            rate.address,
            case(
                "connection-rate",
                "",
                "plain",
                ["greeting", "421", "too_many_connections", "sender"],
                &["sendmail.ratecontrol"],
            ),
        ),
        placed(
            full.address,
            case(
                "disk-full",
                "",
                "known",
                ["mail", "452", "storage_full", "target"],
                &["sendmail.disk"],
            ),
        ),
        placed(
            listed.address,
            case(
                "listed",
                "",
                "known",
                ["mail", "550", "blocklisted", "sender"],
                &["sendmail.dnsbl"],
            ),
        ),
        placed(
            denied.address,
            case(
                "denied",
                "",
                "known",
                ["mail", "550", "policy_rejected", "sender"],
                &["sendmail.", "phrase."],
            ),
        ),
    ];
    let exporter = exporter("sendmail", &cases);
    assert_told("sendmail", &exporter, &cases);
    exporter.stop();
}
