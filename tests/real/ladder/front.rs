//! Postfix with postscreen in front. What postscreen counts are sessions that it has in its own hands:
//! a client that passed its tests is handed on to smtpd and counts no more. So its limit is met by
//! clients that it keeps, and a run that opens one session after another meets what comes behind it.
//!
//! Its `postscreen_post_queue_limit` is 10 at least, and counts sessions that passed and wait for an
//! smtpd. A run waits for each greeting, so the first that has to wait ends it: what is found is the
//! number of smtpd processes.

use super::{AT_ONCE, Expected, climbed, measured, served_after, too_many};
use crate::support::{Bed, Plan};

fn postscreen() -> Plan {
    Bed::of("postfix")
        .with("FRONT", "postscreen")
        .line("postscreen_greet_action = enforce")
        .line("postscreen_cache_map = btree:/var/lib/postfix/postscreen_cache")
}

/// Postscreen saw a QUIT in each session that it kept, and smtpd in each that it got.
fn nobody_hung_up(bed: &Bed) {
    assert!(!bed.log().contains("HANGUP"), "{}", bed.log());
    assert!(!bed.log().contains("lost connection"), "{}", bed.log());
    assert!(!bed.log().contains("PREGREET"), "{}", bed.log());
}

#[test]
fn postscreen_counts_the_sessions_that_it_keeps() {
    // Tests after the greeting keep the client in postscreen's hands for the whole session.
    let bed = postscreen()
        .line("postscreen_greet_wait = 1s")
        .line("postscreen_pipelining_enable = yes")
        .line("postscreen_pipelining_action = enforce")
        .line("postscreen_client_connection_count_limit = 5")
        .start("ladder-postscreen", &[25]);
    measured("ladder-postscreen", &bed, AT_ONCE, "", &too_many(5, "421")).stop();
    // Five of the run, one that asked again, and the ordinary ones.
    assert!(bed.wait_log(" DISCONNECT ", 7).len() >= 7);
    assert!(bed.log().contains("too many connections"), "{}", bed.log());
    nobody_hung_up(&bed);
}

#[test]
fn postscreen_counts_what_it_keeps_of_all_clients() {
    // 10 is the least that Postfix allows here, and the tenth is refused: it counts itself.
    let bed = postscreen()
        .line("postscreen_greet_wait = 1s")
        .line("postscreen_pipelining_enable = yes")
        .line("postscreen_pipelining_action = enforce")
        .line("postscreen_pre_queue_limit = 10")
        .start("ladder-pre-queue", &[25]);
    measured("ladder-pre-queue", &bed, AT_ONCE, "", &too_many(9, "421")).stop();
    assert!(bed.log().contains("all screening ports busy"), "{}", bed.log());
    nobody_hung_up(&bed);
}

#[test]
fn postscreen_does_not_count_those_that_it_handed_on() {
    let bed = postscreen()
        .line("postscreen_greet_wait = 1s")
        .line("postscreen_client_connection_count_limit = 2")
        .start("ladder-handed-on", &[25]);
    let (exporter, scrape, about) =
        climbed("ladder-handed-on", &bed, AT_ONCE, ", max_connections: 8");
    let of = [("target", AT_ONCE.target)];
    assert_eq!(scrape.value(AT_ONCE.measure, &of), Some(8.0), "{about}");
    assert_eq!(scrape.value("smtp_connection_limit_reached", &of), Some(0.0), "{about}");
    assert!(scrape.all("smtp_connection_limit_refusal", &of).is_empty(), "{about}");
    // The wait before the first greeting is told: it is what a client of this server meets.
    let delay = scrape.value("smtp_connection_limit_greet_delay_seconds", &of).unwrap();
    assert!(delay < 8.0, "{delay} s\n{about}");
    served_after(&exporter, AT_ONCE, &about);
    exporter.stop();
    assert!(!bed.log().contains("too many connections"), "{}", bed.log());
    nobody_hung_up(&bed);
}

#[test]
fn smtpd_counts_a_client_of_postscreen_by_its_own_address() {
    let bed = postscreen()
        .line("postscreen_greet_wait = 1s")
        .line("smtpd_client_connection_count_limit = 4")
        .line("postscreen_client_connection_count_limit = 50")
        .start("ladder-behind", &[25]);
    measured("ladder-behind", &bed, AT_ONCE, "", &too_many(4, "421")).stop();
    assert!(bed.log().contains("Connection concurrency limit exceeded: 5"), "{}", bed.log());
    nobody_hung_up(&bed);
}

#[test]
fn without_a_process_for_it_a_session_waits_behind_postscreen_and_is_not_greeted() {
    // Three sessions have the three processes; the fourth is queued and hears nothing.
    let bed = postscreen()
        .line("postscreen_greet_wait = 1s")
        .with("PROCESSES", "3")
        .start("ladder-queued", &[25]);
    let expected = Expected {
        accepted: 3.0,
        code: "0",
        cause: "reply_timeout",
        phase: "greeting",
        how: "timeout",
    };
    measured("ladder-queued", &bed, AT_ONCE, "", &expected).stop();
}
