//! Postfix: smtpd with anvil, policy service, lists and tables, and postscreen.
//!
//! Postfix has no words for its own end: `postfix stop` ends the sessions without a reply, which is
//! the case `stopped`. What operators let it say before maintenance is an access table's text.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{
    Case, address_of, assert_explained, assert_told, case, delivery, exporter, occupy, place,
    placed, resolver,
};
use crate::support::{Bed, Fake};

/// `by` are settings of the service alone, one a line. POSTGREY and SASL are addresses.
fn cases() -> Vec<Case> {
    vec![
        case(
            "connections",
            "smtpd_client_connection_count_limit = 1",
            "plain",
            ["greeting", "421", "too_many_connections", "sender"],
            &["postfix.anvil.connections"],
        ),
        case(
            "connection-rate",
            "smtpd_client_connection_rate_limit = 1",
            "plain",
            ["greeting", "421", "too_many_connections", "sender"],
            &["postfix.anvil.connections"],
        ),
        case(
            "message-rate",
            "smtpd_client_message_rate_limit = 1",
            "known",
            ["mail", "450", "rate_limited", "sender"],
            &["postfix.anvil.messages"],
        ),
        case(
            "recipient-rate",
            "smtpd_client_recipient_rate_limit = 1",
            "known",
            ["rcpt", "450", "rate_limited", "sender"],
            &["postfix.anvil.recipients"],
        ),
        case(
            "greylisted",
            "smtpd_recipient_restrictions = check_policy_service inet:POSTGREY:10023",
            "known",
            ["rcpt", "450", "greylisted", "target"],
            &["postfix.policy.greylist"],
        ),
        case(
            "listed",
            "smtpd_recipient_restrictions = reject_rbl_client bl.bed.test",
            "known",
            ["rcpt", "554", "blocklisted", "sender"],
            &["postfix.rbl.client"],
        ),
        case(
            "listed-at-once",
            "smtpd_client_restrictions = reject_rbl_client bl.bed.test\nsmtpd_delay_reject = no",
            "plain",
            ["greeting", "554", "blocklisted", "sender"],
            &["postfix.rbl.client"],
        ),
        case("relay", "", "relay", ["rcpt", "554", "relay_denied", "sender"], &["postfix.relay"]),
        case(
            "unknown",
            "",
            "unknown",
            ["rcpt", "550", "mailbox_unavailable", "target"],
            &["postfix.recipient.unknown"],
        ),
        case(
            "tls-required",
            "smtpd_tls_security_level = encrypt",
            "known",
            ["mail", "530", "tls_required", "sender"],
            &["postfix.tls.required"],
        ),
        case(
            "wrong-password",
            "smtpd_sasl_auth_enable = yes",
            "login",
            ["auth", "535", "auth_required", "sender"],
            &["postfix.auth.failed"],
        ),
        case(
            "not-logged-in",
            "smtpd_sasl_auth_enable = yes\nsmtpd_sender_login_maps = static:alice\n\
             smtpd_recipient_restrictions = reject_unauthenticated_sender_login_mismatch",
            "known",
            ["rcpt", "553", "auth_required", "sender"],
            &["postfix.sender.not_logged_in"],
        ),
        case(
            "disk-full",
            "queue_minfree = 999999999999",
            "known",
            ["mail", "452", "storage_full", "target"],
            &["postfix.queue.full"],
        ),
        case(
            "mailbox-full",
            "smtpd_recipient_restrictions = check_recipient_access \
             static:{452 4.2.2 The mailbox is over its quota}",
            "known",
            ["rcpt", "452", "storage_full", "target"],
            &["postfix.", "registry.full", "phrase."],
        ),
        case(
            "maintenance",
            "smtpd_client_restrictions = check_client_access \
             static:{421 4.3.2 The service is shutting down for maintenance}\n\
             smtpd_delay_reject = no",
            "plain",
            ["greeting", "421", "system_problem", "target"],
            &["postfix.", "phrase."],
        ),
        case(
            "milter-down",
            "smtpd_milters = inet:127.0.0.1:9",
            "known",
            ["mail", "451", "system_problem", "target"],
            &["postfix.milter.tempfail"],
        ),
        case(
            "policy-down",
            "smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:9",
            "known",
            ["rcpt", "451", "system_problem", "target"],
            &["postfix.config"],
        ),
        case(
            "table-down",
            "local_recipient_maps = texthash:/nonexistent/map",
            "known",
            ["rcpt", "451", "system_problem", "target"],
            &["postfix.lookup"],
        ),
        case(
            "no-ptr",
            "smtpd_recipient_restrictions = reject_unknown_client_hostname",
            "known",
            ["rcpt", "450", "rdns_helo", "sender"],
            &["postfix.client.rdns"],
        ),
        case(
            "helo",
            "smtpd_recipient_restrictions = reject_unknown_helo_hostname",
            "known",
            ["rcpt", "450", "rdns_helo", "sender"],
            &["postfix.helo.rejected"],
        ),
        case(
            "sender",
            "smtpd_recipient_restrictions = reject_unknown_sender_domain",
            "known",
            ["rcpt", "450", "sender_rejected", "sender"],
            &["postfix.sender.domain"],
        ),
        case(
            "denied",
            "smtpd_recipient_restrictions = reject",
            "known",
            ["rcpt", "554", "policy_rejected", "sender"],
            &["postfix."],
        ),
    ]
}

#[test]
fn postfix_says_why() {
    let resolver = resolver("postfix");
    let postgrey = Bed::of("postgrey").start("causes", &[10023]);
    let dovecot = Bed::of("dovecot").start("causes", &[12345]);
    let mut cases = place(cases());
    let mut services = String::new();
    for placed in &cases {
        write!(services, "{}:25 inet n - n - - smtpd", placed.address).unwrap();
        for setting in placed.case.by.lines() {
            let setting = setting.replace("POSTGREY", &postgrey.address.to_string());
            write!(services, " -o {{ {setting} }}").unwrap();
        }
        services.push('\n');
    }
    let postfix = Bed::of("postfix")
        .with("SERVICES", services)
        .with("RESOLVER", resolver.address.to_string())
        .line("smtpd_sasl_type = dovecot")
        .line("recipient_delimiter = +")
        .line(format!("smtpd_sasl_path = inet:{}:12345", dovecot.address))
        .start("causes", &[25]);
    for placed in &cases {
        postfix.wait_listening(placed.address, 25);
    }
    // Every client is new here and stays it: nothing that was passed is written down.
    let postscreen = Bed::of("postfix")
        .with("FRONT", "postscreen")
        .line("postscreen_cache_map =")
        .line("postscreen_greet_wait = 1s")
        .line("postscreen_non_smtp_command_enable = yes")
        .line("postscreen_non_smtp_command_action = enforce")
        .start("causes-postscreen", &[25]);
    let deep = case(
        "postscreen",
        "",
        "known",
        ["rcpt", "450", "greylisted", "target"],
        &["postfix.postscreen.deep"],
    );
    cases.push(placed(postscreen.address, deep));
    let ending = Arc::new(Bed::of("postfix").start("causes-stopped", &[25]));
    let ended = Arc::clone(&ending);
    let line = Fake::held_line(ending.address, move || ended.end_sessions());
    let stopped = case(
        "stopped",
        "",
        "plain",
        ["ehlo", "", "connection_dropped", "target"],
        &["connection_dropped"],
    );
    cases.push(placed(line.address, stopped));

    let session = occupy(address_of(&cases, "connections"));
    let exporter = exporter("postfix", &cases);
    assert_told("postfix", &exporter, &cases);
    exporter.stop();
    // What Postfix writes down of its refusals, and what another Postfix does that delivers to it.
    assert_explained("postfix", &postfix.wait_log("NOQUEUE: reject: ", 10), &cases);
    delivery::assert_logged("postfix", &cases);
    drop(session);
}
