//! Exim: the daemon's own limits and what its access control lists are used for.
//!
//! Exim has no limit of its own on a client's messages or connections per hour and no greylist:
//! `ratelimit` and `seen` are conditions of its lists, and the words are the operator's. Load and
//! spool space hold for the whole daemon, so the full disk is one of its own.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{
    Case, address_of, assert_explained, assert_told, case, exporter, occupy, place, placed,
    resolver,
};
use crate::support::{Bed, Fake};

/// `by` is the list's moment, a colon, and the statement there, whose lines `|` parts.
fn cases() -> Vec<Case> {
    vec![
        case(
            "connections",
            "",
            "plain",
            ["greeting", "421", "too_many_connections", "sender"],
            &["exim.connections"],
        ),
        case(
            "connection-rate",
            "connect: defer ratelimit = 1 / 1h / strict / per_conn \
             | message = You open connections too fast: $sender_rate in $sender_rate_period",
            "plain",
            ["greeting", "451", "too_many_connections", "sender"],
            &["exim.", "phrase."],
        ),
        case(
            "recipient-rate",
            "rcpt: defer ratelimit = 1 / 1h / strict / per_rcpt \
             | message = Sender rate overlimit - $sender_rate / $sender_rate_period",
            "known",
            ["rcpt", "451", "rate_limited", "sender"],
            &["exim.", "phrase."],
        ),
        case(
            "greylisted",
            "rcpt: defer !seen = -10m / key=${sender_host_address}_$sender_address \
             | message = $sender_host_address is not yet authorized to deliver mail from \
             <$sender_address> to <$local_part@$domain>. Please try later.",
            "known",
            ["rcpt", "451", "greylisted", "target"],
            &["exim.", "phrase."],
        ),
        case(
            "listed",
            "rcpt: deny dnslists = bl.bed.test | message = rejected because \
             $sender_host_address is in a black list at $dnslist_domain\\n$dnslist_text",
            "known",
            ["rcpt", "550", "blocklisted", "sender"],
            &["exim.dnslist"],
        ),
        case(
            "listed-at-once",
            "connect: drop dnslists = bl.bed.test | message = 554 5.7.1 $sender_host_address \
             is listed at $dnslist_domain ($dnslist_value: $dnslist_text)",
            "plain",
            ["greeting", "554", "blocklisted", "sender"],
            &["exim.", "phrase."],
        ),
        case("relay", "", "relay", ["rcpt", "550", "relay_denied", "sender"], &["exim.relay"]),
        case(
            "unknown",
            "",
            "unknown",
            ["rcpt", "550", "mailbox_unavailable", "target"],
            &["exim.", "phrase."],
        ),
        case(
            "tls-required",
            "mail: deny !encrypted = * | message = 530 5.7.0 Must issue a STARTTLS command first",
            "known",
            ["mail", "530", "tls_required", "sender"],
            &["postfix.tls.required", "exim.", "phrase."],
        ),
        case(
            "wrong-password",
            "",
            "login",
            ["auth", "535", "auth_required", "sender"],
            &["exim.auth.data"],
        ),
        case(
            "auth-required",
            "mail: deny !authenticated = * | message = 530 5.7.0 Authentication required",
            "known",
            ["mail", "530", "auth_required", "sender"],
            &["postfix.starttls.auth", "exim.", "phrase."],
        ),
        case(
            "mailbox-full",
            "rcpt: defer message = 452 4.2.2 mailbox full",
            "known",
            ["rcpt", "452", "storage_full", "target"],
            &["exim.", "registry.full", "phrase."],
        ),
        case(
            "tls-broken",
            "certificate:",
            "starttls",
            ["starttls", "454", "system_problem", "target"],
            &["exim.tls.unavailable"],
        ),
        case(
            "no-ptr",
            "rcpt: deny !verify = reverse_host_lookup | message = host lookup failed for \
             $sender_host_address",
            "known",
            ["rcpt", "550", "rdns_helo", "sender"],
            &["exim.rdns"],
        ),
        case(
            "helo",
            "mail: deny !verify = helo | message = HELO name does not match",
            "known",
            ["mail", "550", "rdns_helo", "sender"],
            &["exim.", "phrase."],
        ),
        case(
            "prohibited",
            "rcpt: deny",
            "known",
            ["rcpt", "550", "policy_rejected", "sender"],
            &["exim.prohibited"],
        ),
    ]
}

#[test]
fn exim_says_why() {
    let resolver = resolver("exim");
    let mut cases = place(cases());
    let (mut connect, mut mail, mut rcpt) = (String::new(), String::new(), String::new());
    let mut certificate = "/etc/exim4/chain.pem".to_owned();
    let mut also = String::new();
    for super::Placed { case, address } in &cases {
        write!(also, "; {address} ").unwrap();
        let here = format!("eq{{$received_ip_address}}{{{address}}}");
        let (moment, statement) = case.by.split_once(':').unwrap_or_default();
        let list = match moment {
            "connect" => &mut connect,
            "mail" => &mut mail,
            "rcpt" => &mut rcpt,
            "certificate" => {
                certificate = format!("${{if {here}{{/nonexistent}}{{{certificate}}}}}");
                continue;
            }
            _ => continue,
        };
        // The verb, then the face, then what it does there.
        let statement = statement.trim();
        let (verb, rest) = statement.split_once(' ').unwrap_or((statement, ""));
        writeln!(list, "  {verb} condition = ${{if {here}}}").unwrap();
        for line in rest.split(" | ").filter(|line| !line.is_empty()) {
            writeln!(list, "    {line}").unwrap();
        }
    }
    let limited = address_of(&cases, "connections");
    let exim = Bed::of("exim")
        .with("ALSO", also)
        .with("ACL", format!("on_connect:\n{connect}  accept\non_mail:\n{mail}  accept"))
        .with("RECIPIENT", rcpt)
        .with("CERTIFICATE", certificate)
        .with("RESOLVER", resolver.address.to_string())
        .line("acl_smtp_connect = on_connect")
        .line("acl_smtp_mail = on_mail")
        .line(format!(
            "smtp_accept_max_per_host = ${{if eq{{$received_ip_address}}{{{limited}}}{{1}}{{100}}}}"
        ))
        .line("smtp_accept_max = 100")
        .start("causes", &[25]);
    for placed in &cases {
        exim.wait_listening(placed.address, 25);
    }
    let full = Bed::of("exim").line("check_spool_space = 900G").start("causes-full", &[25]);
    let disk =
        case("disk-full", "", "known", ["mail", "452", "storage_full", "target"], &["exim.space"]);
    cases.push(placed(full.address, disk));
    let ending = Arc::new(Bed::of("exim").start("causes-ending", &[25]));
    let ended = Arc::clone(&ending);
    let line = Fake::held_line(ending.address, move || ended.end_sessions());
    let shutdown = case(
        "shutting-down",
        "",
        "plain",
        ["ehlo", "421", "system_problem", "target"],
        &["exim.shutdown"],
    );
    cases.push(placed(line.address, shutdown));

    let session = occupy(address_of(&cases, "relay"));
    let exporter = exporter("exim", &cases);
    assert_told("exim", &exporter, &cases);
    exporter.stop();
    let mut refusals = exim.wait_log("rejected ", 8);
    // A statement without words leaves none behind the command.
    refusals.retain(|line| line.contains(": "));
    assert_explained("exim", &refusals, &cases);
    drop(session);
}
