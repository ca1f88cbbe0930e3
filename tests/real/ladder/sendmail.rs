//! Sendmail: limits of a client by its access map, and a daemon that stops to listen.

use super::{A_MINUTE, AT_ONCE, Expected, IN_TLS, measured, too_many};
use crate::support::{Bed, Plan};

fn sendmail(kind: &str, limit: u32) -> Plan {
    Bed::of("sendmail")
        .with("ACCESS", format!("{kind}:\t{limit}"))
        .line("FEATURE(`access_db', `hash -T<TMPF> /etc/mail/access')dnl")
        .line("FEATURE(`delay_checks')dnl")
        .line("define(`confLOG_LEVEL', `14')dnl")
}

#[test]
fn sendmail_counts_sessions_of_a_client() {
    let bed = sendmail("ClientConn", 4)
        .line("FEATURE(`conncontrol', `nodelay', `terminate')dnl")
        .start("ladder-conncontrol", &[25]);
    measured("ladder-conncontrol", &bed, IN_TLS, "", &too_many(4, "421")).stop();
    assert!(!bed.log().contains("lost input channel"), "{}", bed.log());
}

#[test]
fn sendmail_counts_sessions_in_a_minute() {
    let bed = sendmail("ClientRate", 5)
        .line("FEATURE(`ratecontrol', `nodelay', `terminate')dnl")
        .line("define(`confCONNECTION_RATE_WINDOW_SIZE', `20s')dnl")
        .start("ladder-ratecontrol", &[25]);
    measured("ladder-ratecontrol", &bed, A_MINUTE, ", max_connections: 200", &too_many(5, "421"))
        .stop();
    assert!(!bed.log().contains("lost input channel"), "{}", bed.log());
}

#[test]
fn sendmail_without_a_child_left_does_not_listen() {
    let bed = Bed::of("sendmail")
        .line("define(`confMAX_DAEMON_CHILDREN', `3')dnl")
        .line("define(`confLOG_LEVEL', `14')dnl")
        .start("ladder-children", &[25]);
    let expected = Expected {
        accepted: 3.0,
        code: "0",
        cause: "connect_refused",
        phase: "connect",
        how: "reset",
    };
    measured("ladder-children", &bed, AT_ONCE, "", &expected).stop();
    assert!(!bed.log().contains("lost input channel"), "{}", bed.log());
}
