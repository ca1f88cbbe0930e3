//! What real servers refuse, and that a refusal that is wanted is a success.

use std::time::Duration;

use crate::servers::assert_clean_postfix;
use crate::support::{Bed, Exporter, MAIL_NAME, now};

#[test]
fn relaying_and_unknown_users_are_refused() {
    let postfix = Bed::of("postfix").start("refusals", &[25]);
    let exim = Bed::of("exim").start("refusals", &[25]);
    let exporter = Exporter::start(
        "refusals",
        &format!(
            "modules:
  relay_check:
    port: 25
    mail: {{from: probe@example.net, to: nobody@example.org}}
    expect: {{phase: rcpt, codes: [550, 551, 553, 554]}}
  relay: {{port: 25, mail: {{from: probe@example.net, to: nobody@example.org}}}}
  unknown: {{port: 25, mail: {{from: probe@example.net, to: nosuch@bed.test}}}}
  known: {{port: 25, mail: {{from: probe@example.net, to: postmaster@bed.test}}}}
targets:
  - {{name: postfix, host: {}, modules: [relay_check, unknown, known], interval: 3s}}
  - {{name: postfix-relay, host: {}, module: relay, interval: 3s}}
  - {{name: exim, host: {}, modules: [relay_check, unknown, known], interval: 3s}}
",
            postfix.address, postfix.address, exim.address
        ),
    );
    for target in ["postfix", "exim"] {
        exporter.until_successes(target, "known", 1);
        exporter.until_successes(target, "relay_check", 1);
        let check = [("target", target), ("module", "unknown")];
        let scrape = exporter.until(target, Duration::from_secs(20), |scrape| {
            scrape.value("smtp_target_up", &check) == Some(0.0)
        });
        let about = scrape.about(target);
        let why = [
            check[0],
            check[1],
            ("phase", "rcpt"),
            ("cause", "mailbox_unavailable"),
            ("blame", "target"),
        ];
        assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{about}");
        let code = [check[0], check[1], ("phase", "rcpt")];
        assert_eq!(scrape.value("smtp_reply_code", &code), Some(550.0), "{about}");

        let relay = [("target", target), ("module", "relay_check")];
        assert_eq!(scrape.value("smtp_target_expectation_met", &relay), Some(1.0), "{about}");
        assert_eq!(scrape.value("smtp_probe_success", &relay), Some(1.0), "{about}");
        assert_eq!(scrape.value("smtp_target_up", &relay), None, "{about}");
        assert!(scrape.all("smtp_target_failure", &relay).is_empty(), "{about}");

        let known = [("target", target), ("module", "known")];
        assert_eq!(scrape.value("smtp_target_up", &known), Some(1.0), "{about}");
        for phase in ["mail", "rcpt"] {
            let labels = [known[0], known[1], ("phase", phase)];
            assert!(
                scrape.value("smtp_probe_phase_duration_seconds", &labels).is_some(),
                "{about}"
            );
        }
    }
    // Without the expectation the same reply is a failure, and ours to mend.
    let relay = ("target", "postfix-relay");
    let scrape = exporter.until_failing("postfix-relay", Duration::from_secs(20));
    let why = [relay, ("phase", "rcpt"), ("cause", "relay_denied"), ("blame", "sender")];
    assert_eq!(scrape.value("smtp_probe_failure", &why), Some(1.0), "{}", scrape.about(relay.1));
    exporter.stop();

    // Never DATA, and what MAIL began is ended by RSET, whatever came of RCPT.
    let sessions = postfix.wait_log("disconnect from", 4);
    for counts in [" rcpt=0/1 ", " rcpt=1 "] {
        assert!(sessions.iter().any(|line| line.contains(counts)), "{counts}: {sessions:#?}");
    }
    for line in &sessions {
        assert!(!line.contains(" data="), "{line}");
        assert!(line.contains(" rset=1 ") || !line.contains(" mail=1 "), "{line}");
    }
    assert_clean_postfix(&postfix.log());
    assert!(!exim.log().contains("unexpected disconnection"), "{}", exim.log());
}

#[test]
fn a_wrong_password_is_tried_once_an_hour() {
    let dovecot = Bed::of("dovecot").start("password-sasl", &[12345]);
    let postfix = Bed::of("postfix")
        .line("smtpd_sasl_auth_enable = yes")
        .line("smtpd_sasl_type = dovecot")
        .line(format!("smtpd_sasl_path = inet:{}:12345", dovecot.address))
        .start("password", &[587]);
    let exporter = Exporter::start(
        "password",
        &format!(
            "modules:
  submit:
    port: 587
    tls: required
    tls_server_name: {MAIL_NAME}
    auth: {{username: alice, password: not-the-password}}
targets:
  - {{name: password, host: {}, module: submit, interval: 2s}}
",
            postfix.address
        ),
    );
    let target = ("target", "password");
    let scrape = exporter.until_failing("password", Duration::from_secs(30));
    let about = scrape.about("password");
    assert_eq!(scrape.value("smtp_target_up", &[target]), Some(0.0), "{about}");
    let why = [target, ("phase", "auth"), ("cause", "auth_required"), ("blame", "sender")];
    assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{about}");
    let code = [target, ("phase", "auth")];
    assert_eq!(scrape.value("smtp_reply_code", &code), Some(535.0), "{about}");
    assert_eq!(scrape.value("smtp_tls_verified", &[target]), Some(1.0), "{about}");
    let until = scrape.value("smtp_target_paused_until_timestamp_seconds", &[target]).unwrap();
    let left = until - now();
    assert!((3500.0..3700.0).contains(&left), "{left} s\n{about}");

    // A stale password locks accounts: two more intervals, and no further try.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(postfix.wait_log("authentication failed", 1).len(), 1, "{}", postfix.log());
    // Nobody reads the password in what is shown.
    for path in ["/config", "/logs?target=password", "/metrics", "/api/v1/targets"] {
        assert!(!exporter.page(path).contains("not-the-password"), "{path}");
        // AUTH PLAIN says it in Base64.
        assert!(!exporter.page(path).contains("AGFsaWNlAG5vdC10aGUtcGFzc3dvcmQ"), "{path}");
    }
    assert!(!exporter.log().contains("not-the-password"), "{}", exporter.log());
    exporter.stop();
    assert!(postfix.wait_log("disconnect from", 1)[0].contains(" quit=1 "), "{}", postfix.log());
}
