//! Each server, in each way in which it can be talked to: up, timed, TLS seen whole, and nothing in
//! the server's log that its operator would frown at.

use crate::support::{Bed, Certificate, Exporter, GOOD_NOT_AFTER, MAIL_NAME, Scrape};

const PLAIN: &[&str] = &["connect", "greeting", "ehlo", "quit"];
const STARTTLS: &[&str] = &["connect", "greeting", "ehlo", "starttls", "tls", "ehlo_tls", "quit"];
const STARTTLS_AUTH: &[&str] =
    &["connect", "greeting", "ehlo", "starttls", "tls", "ehlo_tls", "auth", "quit"];
const IMPLICIT: &[&str] = &["connect", "tls_implicit", "greeting", "ehlo", "quit"];

/// The modules that these tests share. The password is the beds'.
fn modules() -> String {
    let auth = "auth: {username: alice, password: secret}";
    format!(
        "modules:
  plain: {{port: 25, tls: none}}
  starttls: {{port: 25, tls: opportunistic, tls_server_name: {MAIL_NAME}}}
  required: {{port: 25, tls: required, tls_server_name: {MAIL_NAME}}}
  implicit: {{port: 465, tls: implicit, tls_server_name: {MAIL_NAME}}}
  login: {{port: 25, tls: required, tls_server_name: {MAIL_NAME}, {auth}}}
  submit: {{port: 587, tls: required, tls_server_name: {MAIL_NAME}, {auth}}}
"
    )
}

/// The whole of what a good probe says: up, no failure, every phase timed, and a success stamp.
fn assert_up(scrape: &Scrape, target: &str, module: &str, phases: &[&str]) {
    let check = [("target", target), ("module", module)];
    let about = || scrape.about(target);
    for name in ["smtp_target_up", "smtp_target_responding", "smtp_probe_success"] {
        assert_eq!(scrape.value(name, &check), Some(1.0), "{name} of {module}\n{}", about());
    }
    for name in
        ["smtp_target_failure", "smtp_probe_failure", "smtp_target_paused_until_timestamp_seconds"]
    {
        assert!(scrape.all(name, &check).is_empty(), "{name} of {module}\n{}", about());
    }
    for result in ["target", "path", "sender", "exporter"] {
        let failed = [check[0], check[1], ("result", result)];
        assert_eq!(scrape.value("smtp_probes_total", &failed), Some(0.0), "{}", about());
    }
    for phase in phases {
        let labels = [check[0], check[1], ("phase", *phase)];
        let seconds = scrape.value("smtp_probe_phase_duration_seconds", &labels);
        let plausible = seconds.is_some_and(|seconds| (0.0..5.0).contains(&seconds));
        assert!(plausible, "{phase} of {module}: {seconds:?}\n{}", about());
    }
    let at = scrape.value("smtp_probe_last_success_timestamp_seconds", &check).unwrap();
    let age = crate::support::now() - at;
    assert!((-1.0..60.0).contains(&age), "success {age} s ago\n{}", about());
    let handshakes = scrape.value("smtp_handshake_duration_seconds_count", &check);
    assert!(handshakes.is_some_and(|count| count >= 1.0), "{module}\n{}", about());
}

/// TLS came about, verified against our authority, and every fact of it is there.
fn assert_good_tls(scrape: &Scrape, target: &str, module: &str) {
    let check = [("target", target), ("module", module)];
    let about = || scrape.about(target);
    assert_eq!(scrape.value("smtp_tls_established", &check), Some(1.0), "{}", about());
    assert_eq!(scrape.value("smtp_tls_verified", &check), Some(1.0), "{}", about());
    assert!(scrape.all("smtp_tls_verify_failure", &check).is_empty(), "{}", about());
    let info = scrape.all("smtp_tls_info", &check);
    assert_eq!(info.len(), 1, "{}", about());
    assert_eq!(info[0].labels["version"], "TLS1.3");
    for label in ["cipher", "group"] {
        assert!(!info[0].labels[label].is_empty(), "{label}: {}", about());
    }
    for name in
        ["smtp_tls_cert_not_after_timestamp_seconds", "smtp_tls_chain_not_after_timestamp_seconds"]
    {
        assert_eq!(scrape.value(name, &check), Some(GOOD_NOT_AFTER), "{name}\n{}", about());
    }
    let certificate = scrape.all("smtp_tls_cert_info", &check);
    assert_eq!(certificate.len(), 1, "{}", about());
    assert!(certificate[0].labels["subject"].contains(MAIL_NAME), "{}", about());
    assert!(certificate[0].labels["issuer"].contains("Bed Root"), "{}", about());
    assert_eq!(certificate[0].labels["fingerprint_sha256"].len(), 64, "{}", about());
}

/// Every session in a Postfix log ended with QUIT, and nothing else stands there.
pub(crate) fn assert_clean_postfix(log: &str) {
    for line in log.lines() {
        for bad in
            ["lost connection", "improper command", "timeout after", "SSL_accept error", "warning:"]
        {
            assert!(!line.contains(bad), "{line}");
        }
        if line.contains("disconnect from") {
            assert!(line.contains(" quit=1 "), "no QUIT: {line}");
        }
    }
}

#[test]
fn postfix_in_every_way() {
    let dovecot = Bed::of("dovecot").start("postfix-sasl", &[12345]);
    let postfix = Bed::of("postfix")
        .line("smtpd_sasl_auth_enable = yes")
        .line("smtpd_sasl_type = dovecot")
        .line(format!("smtpd_sasl_path = inet:{}:12345", dovecot.address))
        .line("smtpd_tls_auth_only = yes")
        .start("postfix", &[25, 465, 587]);
    let exporter = Exporter::start(
        "postfix",
        &format!(
            "{}targets:\n  - {{name: postfix, host: {}, modules: [plain, starttls, implicit, submit], interval: 3s}}\n",
            modules(),
            postfix.address
        ),
    );
    for module in ["plain", "starttls", "implicit", "submit"] {
        exporter.until_successes("postfix", module, 2);
    }
    let scrape = exporter.scrape();
    assert_up(&scrape, "postfix", "plain", PLAIN);
    assert_up(&scrape, "postfix", "starttls", STARTTLS);
    assert_up(&scrape, "postfix", "implicit", IMPLICIT);
    assert_up(&scrape, "postfix", "submit", STARTTLS_AUTH);
    for module in ["starttls", "implicit", "submit"] {
        assert_good_tls(&scrape, "postfix", module);
    }
    let plain = [("target", "postfix"), ("module", "plain")];
    assert_eq!(scrape.value("smtp_starttls_offered", &plain), Some(1.0));
    assert_eq!(scrape.value("smtp_tls_established", &plain), None, "nothing was tried");
    assert_eq!(scrape.value("smtp_max_message_size_bytes", &plain), Some(10_240_000.0));
    let pipelining = [plain[0], plain[1], ("capability", "PIPELINING"), ("channel", "plain")];
    assert_eq!(scrape.value("smtp_capability", &pipelining), Some(1.0));
    // `smtpd_tls_auth_only`: AUTH appears inside TLS alone.
    let mechanism = |channel| {
        let submit = [("target", "postfix"), ("module", "submit")];
        let labels = [submit[0], submit[1], ("mechanism", "PLAIN"), ("channel", channel)];
        scrape.value("smtp_auth_mechanism", &labels)
    };
    assert_eq!((mechanism("plain"), mechanism("tls")), (None, Some(1.0)));
    exporter.stop();

    let sessions = postfix.wait_log("disconnect from", 8);
    for counts in [
        "ehlo=1 quit=1 commands=2",
        "ehlo=2 starttls=1 quit=1 commands=4",
        "ehlo=2 starttls=1 auth=1 quit=1 commands=5",
    ] {
        assert!(sessions.iter().any(|line| line.ends_with(counts)), "{counts}: {sessions:#?}");
    }
    assert_clean_postfix(&postfix.log());
}

#[test]
fn exim_in_every_way() {
    let exim = Bed::of("exim").start("exim", &[25, 465]);
    let exporter = Exporter::start(
        "exim",
        &format!(
            "{}targets:\n  - {{name: exim, host: {}, modules: [plain, starttls, implicit, login], interval: 3s}}\n",
            modules(),
            exim.address
        ),
    );
    for module in ["plain", "starttls", "implicit", "login"] {
        exporter.until_successes("exim", module, 2);
    }
    let scrape = exporter.scrape();
    assert_up(&scrape, "exim", "plain", PLAIN);
    assert_up(&scrape, "exim", "starttls", STARTTLS);
    assert_up(&scrape, "exim", "implicit", IMPLICIT);
    assert_up(&scrape, "exim", "login", STARTTLS_AUTH);
    for module in ["starttls", "implicit", "login"] {
        assert_good_tls(&scrape, "exim", module);
    }
    exporter.stop();

    exim.wait_log("closed by QUIT", 8);
    let commands = exim.wait_log("no MAIL in SMTP connection", 8);
    for said in ["C=EHLO,QUIT", "C=EHLO,STARTTLS,EHLO,QUIT", "C=EHLO,STARTTLS,EHLO,AUTH,QUIT"] {
        assert!(commands.iter().any(|line| line.ends_with(said)), "{said}: {commands:#?}");
    }
    for bad in ["TLS error", "lost", "unexpected disconnection", "synchronization error"] {
        assert!(!exim.log().contains(bad), "{bad}:\n{}", exim.log());
    }
}

#[test]
fn sendmail_plain_and_starttls() {
    let sendmail = Bed::of("sendmail").start("sendmail", &[25]);
    let exporter = Exporter::start(
        "sendmail",
        &format!(
            "{}targets:\n  - {{name: sendmail, host: {}, modules: [plain, starttls], interval: 2s}}\n",
            modules(),
            sendmail.address
        ),
    );
    for module in ["plain", "starttls"] {
        exporter.until_successes("sendmail", module, 2);
    }
    let scrape = exporter.scrape();
    assert_up(&scrape, "sendmail", "plain", PLAIN);
    assert_up(&scrape, "sendmail", "starttls", STARTTLS);
    assert_good_tls(&scrape, "sendmail", "starttls");
    exporter.stop();

    // This line is Sendmail's way to log any session without mail; a lost one has another.
    sendmail.wait_log("did not issue MAIL/EXPN/VRFY/ETRN", 4);
    for bad in ["lost input channel", "TLS handshake failed", "rejecting", "unexpected close"] {
        assert!(!sendmail.log().contains(bad), "{bad}:\n{}", sendmail.log());
    }
}

#[test]
fn opensmtpd_whose_tls_is_broken() {
    let opensmtpd = Bed::of("opensmtpd").start("opensmtpd", &[25]);
    let exporter = Exporter::start(
        "opensmtpd",
        &format!(
            "{}targets:\n  - {{name: opensmtpd, host: {}, modules: [plain, starttls, required], interval: 2s}}\n",
            modules(),
            opensmtpd.address
        ),
    );
    exporter.until_successes("opensmtpd", "plain", 2);
    exporter.until_successes("opensmtpd", "starttls", 2);
    let scrape = exporter.until_failing("opensmtpd", std::time::Duration::from_secs(20));
    assert_up(&scrape, "opensmtpd", "plain", PLAIN);
    let about = scrape.about("opensmtpd");

    // Opportunistic: a handshake that fails is a fact, and mail could still go in clear.
    let opportunistic = [("target", "opensmtpd"), ("module", "starttls")];
    assert_eq!(scrape.value("smtp_target_up", &opportunistic), Some(1.0), "{about}");
    assert_eq!(scrape.value("smtp_starttls_offered", &opportunistic), Some(1.0), "{about}");
    assert_eq!(scrape.value("smtp_tls_established", &opportunistic), Some(0.0), "{about}");

    // Required: the same handshake is their failure.
    let required = [("target", "opensmtpd"), ("module", "required")];
    assert_eq!(scrape.value("smtp_target_up", &required), Some(0.0), "{about}");
    assert_eq!(scrape.value("smtp_target_responding", &required), Some(1.0), "{about}");
    let why =
        [required[0], required[1], ("phase", "tls"), ("cause", "tls_failed"), ("blame", "target")];
    assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{about}");
    exporter.stop();
    opensmtpd.wait_log("smtp disconnected reason=quit", 2);
}

#[test]
fn dovecot_submission_with_login() {
    let postfix = Bed::of("postfix").start("dovecot-relay", &[25]);
    let dovecot =
        Bed::of("dovecot").with("RELAY", postfix.address.to_string()).start("dovecot", &[465, 587]);
    let exporter = Exporter::start(
        "dovecot",
        &format!(
            "{}targets:\n  - {{name: dovecot, host: {}, modules: [implicit, submit], interval: 3s}}\n",
            modules(),
            dovecot.address
        ),
    );
    for module in ["implicit", "submit"] {
        exporter.until_successes("dovecot", module, 2);
    }
    let scrape = exporter.scrape();
    assert_up(&scrape, "dovecot", "implicit", IMPLICIT);
    assert_up(&scrape, "dovecot", "submit", STARTTLS_AUTH);
    for module in ["implicit", "submit"] {
        assert_good_tls(&scrape, "dovecot", module);
    }
    exporter.stop();

    let logins = dovecot.wait_log("Login: user=<alice>", 2);
    assert!(logins.iter().all(|line| line.contains("TLS")), "{logins:#?}");
    assert!(!dovecot.log().contains("Error:"), "{}", dovecot.log());
    assert!(!dovecot.log().contains("auth failed"), "{}", dovecot.log());
}

#[test]
fn a_bad_certificate_is_seen_whole() {
    let postfix =
        Bed::of("postfix").certificate(Certificate::ExpiredOtherName).start("expired", &[25]);
    let exporter = Exporter::start(
        "expired",
        &format!(
            "{}targets:\n  - {{name: expired, host: {}, modules: [starttls, required], interval: 2s}}\n",
            modules(),
            postfix.address
        ),
    );
    exporter.until_successes("expired", "starttls", 1);
    let scrape = exporter.until_failing("expired", std::time::Duration::from_secs(20));
    let about = scrape.about("expired");
    for module in ["starttls", "required"] {
        let check = [("target", "expired"), ("module", module)];
        assert_eq!(scrape.value("smtp_tls_verified", &check), Some(0.0), "{about}");
        let reasons: Vec<&str> = scrape
            .all("smtp_tls_verify_failure", &check)
            .iter()
            .map(|sample| sample.labels["reason"].as_str())
            .collect();
        assert!(reasons.contains(&"expired") && reasons.contains(&"name_mismatch"), "{about}");
        assert!(!reasons.contains(&"unknown_issuer"), "{about}");
        let end = scrape.value("smtp_tls_cert_not_after_timestamp_seconds", &check);
        assert_eq!(end, Some(1_609_459_200.0), "2021-01-01\n{about}");
    }
    let required = [("target", "expired"), ("module", "required")];
    assert_eq!(scrape.value("smtp_target_up", &required), Some(0.0), "{about}");
    let why = [required[0], required[1], ("cause", "certificate_invalid"), ("blame", "target")];
    assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{about}");
    exporter.stop();
    // Also a session that is given up for its certificate ends with QUIT.
    assert_clean_postfix(&postfix.log());
}
