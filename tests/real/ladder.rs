//! Connection limits: the number found is the number configured, the refusal has its cause, the
//! server saw every session end by QUIT, and an ordinary client is served after.

mod front;
mod idle;
mod sendmail;

use std::time::Duration;

use crate::support::{Bed, Exporter, Scrape, head, http_get, wait_for};

/// What a run is expected to find.
struct Expected {
    accepted: f64,
    code: &'static str,
    cause: &'static str,
    phase: &'static str,
    how: &'static str,
}

/// Too many, and it is said in the greeting.
fn too_many(accepted: u32, code: &'static str) -> Expected {
    let cause = "too_many_connections";
    Expected { accepted: accepted.into(), code, cause, phase: "greeting", how: "reply" }
}

/// Runs one ladder against a server until it has given a number. Gives what it found as well, and
/// what to say where that is not what was expected.
fn climbed(test: &str, bed: &Bed, mode: Mode, more: &str) -> (Exporter, Scrape, String) {
    let Mode { name, measure, target, module, .. } = mode;
    let exporter = Exporter::start_with(
        test,
        &format!(
            "{}modules:
  plain: {{port: 25, tls: none, timeouts: {{greeting: 10s}}}}
  starttls: {{port: 25, tls: required, tls_verify: false}}
targets:
  - {{name: {target}, host: {}, module: {module}, interval: 5m}}
connection_limits:
  - {{target: {target}, mode: {name}{more}}}
probe: {{min_interval: 0s}}
",
            head("  backoff: {initial: 2s, factor: 1, max: 2s}\n"),
            bed.address
        ),
    );
    let of = [("target", target), ("module", module)];
    let scrape = exporter
        .until(target, Duration::from_secs(240), |scrape| scrape.value(measure, &of).is_some());
    let about = format!("{}\n{}", exporter.page(&format!("/logs?target={target}")), bed.log());
    (exporter, scrape, about)
}

/// Runs one ladder against a server and holds what it found; ordinary probes of the same server go on
/// after it, none has failed, and no pause follows.
fn measured(test: &str, bed: &Bed, mode: Mode, more: &str, expected: &Expected) -> Exporter {
    let Mode { prefix, measure, target, module, .. } = mode;
    let (exporter, scrape, about) = climbed(test, bed, mode, more);
    let of = [("target", target), ("module", module)];
    assert_eq!(scrape.value(measure, &of), Some(expected.accepted), "{about}");
    assert_eq!(scrape.value(&format!("{prefix}_reached"), &of), Some(1.0), "{about}");
    assert_eq!(scrape.value(&format!("{prefix}_recovered"), &of), Some(1.0), "{about}");
    let refusal = [
        of[0],
        ("code", expected.code),
        ("cause", expected.cause),
        ("phase", expected.phase),
        ("how", expected.how),
    ];
    let seen = scrape.all(&format!("{prefix}_refusal"), &[]);
    assert_eq!(
        scrape.value(&format!("{prefix}_refusal"), &refusal),
        Some(1.0),
        "{seen:?}\n{about}"
    );
    served_after(&exporter, mode, &about);
    exporter
}

/// No pause followed, no ordinary probe has failed, and one more is served.
fn served_after(exporter: &Exporter, mode: Mode, about: &str) {
    let Mode { target, module, .. } = mode;
    let of = [("target", target), ("module", module)];
    let scrape = exporter.scrape();
    assert!(scrape.all("smtp_target_paused_until_timestamp_seconds", &[]).is_empty(), "{about}");
    assert_eq!(scrape.sum("smtp_probe_failures_total", &[]), 0.0, "{about}");
    // One that comes at once may still be over a rate.
    wait_for(
        Duration::from_secs(60),
        || {
            let path = format!("/probe?target={target}&module={module}");
            let (_, page) =
                http_get(exporter.address, &path).ok().filter(|(code, _)| *code == 200)?;
            Scrape::read(page).value("smtp_target_up", &of).filter(|up| *up == 1.0)
        },
        || about.to_owned(),
    );
}

/// A mode, its families, and a target whose first run comes within a second of the start: starts are
/// spread by the name.
#[derive(Clone, Copy)]
struct Mode {
    name: &'static str,
    prefix: &'static str,
    /// The number.
    measure: &'static str,
    target: &'static str,
    module: &'static str,
}

const AT_ONCE: Mode = Mode {
    name: "simultaneous",
    prefix: "smtp_connection_limit",
    measure: "smtp_connection_limit_accepted_connections",
    target: "mx12",
    module: "plain",
};
const IN_TLS: Mode = Mode { target: "mx7", module: "starttls", ..AT_ONCE };
const A_MINUTE: Mode = Mode {
    name: "rate",
    prefix: "smtp_connection_rate_limit",
    measure: "smtp_connection_rate_limit_accepted_connections",
    target: "mx33",
    module: "plain",
};
const SILENT: Mode = Mode {
    name: "idle",
    prefix: "smtp_session_idle_timeout",
    measure: "smtp_session_idle_timeout_seconds",
    target: "mx31",
    module: "plain",
};
const SILENT_IN_TLS: Mode = Mode { target: "mx36", module: "starttls", ..SILENT };

/// Postfix tells in one line what a session said: those that were taken said QUIT.
fn postfix_saw_quits(bed: &Bed, least: usize) {
    let ended = bed.wait_log(": disconnect from", least);
    let quits = ended.iter().filter(|line| line.contains(" quit=1")).count();
    assert!(quits >= least, "{quits} QUITs:\n{}", bed.log());
    assert!(!bed.log().contains("lost connection"), "{}", bed.log());
}

#[test]
fn postfix_counts_sessions_of_a_client() {
    let bed = Bed::of("postfix")
        .line("smtpd_client_connection_count_limit = 6")
        .start("ladder-count", &[25]);
    let expected = too_many(6, "421");
    measured("ladder-count", &bed, IN_TLS, "", &expected).stop();
    postfix_saw_quits(&bed, 7);
    assert!(bed.log().contains("Connection concurrency limit exceeded: 7"), "{}", bed.log());
}

#[test]
fn postfix_counts_sessions_in_a_minute() {
    let bed = Bed::of("postfix")
        .line("smtpd_client_connection_rate_limit = 4")
        .start("ladder-rate", &[25]);
    let expected = too_many(4, "421");
    measured("ladder-rate", &bed, A_MINUTE, ", max_connections: 60", &expected).stop();
    postfix_saw_quits(&bed, 4);
    assert!(bed.log().contains("Connection rate limit exceeded: 5"), "{}", bed.log());
}

#[test]
fn exim_counts_sessions_of_a_host() {
    let bed = Bed::of("exim").line("smtp_accept_max_per_host = 5").start("ladder-host", &[25]);
    let expected = too_many(5, "421");
    measured("ladder-host", &bed, IN_TLS, "", &expected).stop();
    assert!(bed.wait_log("closed by QUIT", 6).len() >= 6);
    assert!(!bed.log().contains("unexpected disconnection"), "{}", bed.log());
}

#[test]
fn exim_counts_all_sessions() {
    let bed = Bed::of("exim").line("smtp_accept_max = 4").start("ladder-all", &[25]);
    let expected = too_many(4, "421");
    measured("ladder-all", &bed, AT_ONCE, "", &expected).stop();
    assert!(bed.wait_log("closed by QUIT", 5).len() >= 5);
    assert!(!bed.log().contains("unexpected disconnection"), "{}", bed.log());
}

#[test]
fn exim_counts_sessions_by_an_acl() {
    let bed = Bed::of("exim")
        .line("acl_smtp_connect = connected")
        .with(
            "ACL",
            "connected:\n  defer ratelimit = 4 / 20s / per_conn / leaky\n        \
             message = too many connections in a minute\n  accept",
        )
        .start("ladder-acl", &[25]);
    let expected = too_many(4, "451");
    measured("ladder-acl", &bed, A_MINUTE, ", max_connections: 200", &expected).stop();
    assert!(bed.wait_log("closed by QUIT", 5).len() >= 5);
}
