//! How long real servers bear with a silent client.

use super::{Mode, SILENT, SILENT_IN_TLS, climbed, served_after};
use crate::support::Bed;

/// A silent session ended after so many seconds, in the way that is named.
fn ended(test: &str, bed: &Bed, mode: Mode, after: f64, code: &str, cause: &str, how: &str) {
    let (exporter, scrape, about) = climbed(test, bed, mode, ", max_idle: 60s");
    let of = [("target", mode.target), ("module", mode.module)];
    let took = scrape.value(mode.measure, &of).unwrap();
    assert!((after - 0.1..after + 1.5).contains(&took), "{took} s\n{about}");
    assert_eq!(scrape.value("smtp_session_idle_timeout_reached", &of), Some(1.0), "{about}");
    let end = [of[0], ("code", code), ("cause", cause), ("how", how)];
    let seen = scrape.all("smtp_session_idle_timeout_end", &[]);
    let found = scrape.value("smtp_session_idle_timeout_end", &end);
    assert_eq!(found, Some(1.0), "{seen:?}\n{about}");
    served_after(&exporter, mode, &about);
    exporter.stop();
}

#[test]
fn postfix_ends_a_silent_session_with_421() {
    let bed = Bed::of("postfix").line("smtpd_timeout = 6s").start("idle-postfix", &[25]);
    ended("idle-postfix", &bed, SILENT_IN_TLS, 6.0, "421", "timeout", "reply");
    assert!(bed.log().contains("timeout after EHLO"), "{}", bed.log());
}

#[test]
fn exim_ends_a_silent_session_with_421() {
    let bed = Bed::of("exim").line("smtp_receive_timeout = 7s").start("idle-exim", &[25]);
    ended("idle-exim", &bed, SILENT, 7.0, "421", "timeout", "reply");
}

#[test]
fn sendmail_closes_a_silent_session_without_a_word() {
    let bed =
        Bed::of("sendmail").line("define(`confTO_COMMAND', `8s')dnl").start("idle-sendmail", &[25]);
    ended("idle-sendmail", &bed, SILENT, 8.0, "0", "connection_dropped", "close");
    assert!(bed.log().contains("timeout waiting for input"), "{}", bed.log());
}

#[test]
fn a_patient_server_is_left_by_quit_at_the_cap() {
    let bed = Bed::of("exim").line("smtp_receive_timeout = 5m").start("idle-capped", &[25]);
    let (exporter, scrape, about) = climbed("idle-capped", &bed, SILENT, ", max_idle: 4s");
    let of = [("target", SILENT.target)];
    assert_eq!(scrape.value(SILENT.measure, &of), Some(4.0), "{about}");
    assert_eq!(scrape.value("smtp_session_idle_timeout_reached", &of), Some(0.0), "{about}");
    assert!(scrape.all("smtp_session_idle_timeout_end", &of).is_empty(), "{about}");
    served_after(&exporter, SILENT, &about);
    exporter.stop();
    assert!(bed.wait_log("closed by QUIT", 2).len() >= 2);
    assert!(!bed.log().contains("SMTP command timeout"), "{}", bed.log());
}
