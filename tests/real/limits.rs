//! Limits of real servers, and a server that is slow by design.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::servers::assert_clean_postfix;
use crate::support::{Bed, Exporter, MAIL_NAME, Scrape, head, now, wait_for};

/// Somebody else at our address who keeps a session open.
struct Blocker(TcpStream);

impl Blocker {
    /// None when the one session is taken at this moment.
    fn enter(bed: &Bed) -> Option<Self> {
        let stream = TcpStream::connect((bed.address, 25)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut greeting = String::new();
        BufReader::new(&stream).read_line(&mut greeting).unwrap();
        greeting.starts_with("220 ").then_some(Self(stream))
    }

    fn leave(mut self) {
        self.0.write_all(b"QUIT\r\n").unwrap();
        // The server's word that it counts one session less.
        let mut rest = String::new();
        BufReader::new(&self.0).read_line(&mut rest).unwrap();
        assert!(rest.starts_with("221 "), "{rest}");
    }
}

/// How often the server says that its limit was passed.
fn exceeded(bed: &Bed) -> usize {
    bed.log().matches("Connection concurrency limit exceeded").count()
}

#[test]
fn a_connection_limit_of_one_is_kept_by_us_and_told_when_others_fill_it() {
    let postfix = Bed::of("postfix")
        .line("smtpd_client_connection_count_limit = 1")
        .start("count-limit", &[25]);
    // Three checks of one remote, all due at once: only the budget keeps them apart.
    let exporter = Exporter::start_with(
        "count-limit",
        &format!(
            "{}modules:
  plain: {{port: 25, tls: none}}
  starttls: {{port: 25, tls: required, tls_server_name: {MAIL_NAME}}}
targets:
  - {{name: limited, host: {}, modules: [plain], interval: 2s}}
  - {{name: twin, host: {}, modules: [plain, starttls], interval: 2s}}
",
            head("  backoff: {initial: 8s, factor: 1, max: 8s}\n"),
            postfix.address,
            postfix.address
        ),
    );
    for (target, module) in [("limited", "plain"), ("twin", "plain"), ("twin", "starttls")] {
        let scrape = exporter.until_successes(target, module, 4);
        let check = [("target", target), ("module", module)];
        assert_eq!(
            scrape.sum("smtp_probe_failures_total", &check),
            0.0,
            "{}",
            scrape.about(target)
        );
    }
    assert_eq!(exceeded(&postfix), 0, "we tripped it:\n{}", postfix.log());
    assert_clean_postfix(&postfix.log());

    let mut in_vain = 0;
    let blocker = wait_for(
        Duration::from_secs(20),
        || Blocker::enter(&postfix).or_else(|| (in_vain += 1, None).1),
        || "no free moment".to_owned(),
    );
    // Whichever check is due first meets the limit; the pause of the remote is all checks'.
    let why = [("phase", "greeting"), ("cause", "too_many_connections"), ("blame", "sender")];
    let scrape = wait_for(
        Duration::from_secs(20),
        || {
            Some(exporter.scrape())
                .filter(|scrape| !scrape.all("smtp_target_failure", &why).is_empty())
        },
        || exporter.page("/metrics"),
    );
    let first = scrape.all("smtp_target_failure", &why)[0];
    let limited = ("target", first.labels["target"].as_str());
    let check = [limited, ("module", first.labels["module"].as_str())];
    let about = scrape.about(limited.1);
    assert_eq!(scrape.value("smtp_target_up", &check), Some(0.0), "{about}");
    assert_eq!(scrape.value("smtp_target_responding", &check), Some(1.0), "{about}");
    let greeting = [check[0], check[1], ("phase", "greeting")];
    assert_eq!(scrape.value("smtp_reply_code", &greeting), Some(421.0), "{about}");
    let reply = [check[0], check[1], ("phase", "greeting"), ("code", "421")];
    assert_eq!(scrape.value("smtp_replies_total", &reply), Some(1.0), "{about}");
    // A 421 greeting says nothing about STARTTLS.
    assert!(scrape.all("smtp_starttls_offered", &check).is_empty(), "{about}");
    let paused = "smtp_target_paused_until_timestamp_seconds";
    let scrape =
        exporter.until("twin", Duration::from_secs(5), |scrape| scrape.all(paused, &[]).len() == 3);
    for sample in scrape.all(paused, &[]) {
        let left = sample.value - now();
        assert!((0.0..9.0).contains(&left), "{left} s left\n{about}");
    }

    // Everybody stays away: one 421, not one per check.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(exceeded(&postfix) - in_vain, 1, "{}", postfix.log());
    let skips =
        exporter.scrape().sum("smtp_exporter_probes_skipped_total", &[("reason", "backoff")]);
    assert!(skips >= 1.0, "{}", exporter.scrape().about("twin"));

    blocker.leave();
    let scrape = exporter.until(limited.1, Duration::from_secs(30), |scrape| {
        scrape.value("smtp_target_up", &check) == Some(1.0)
    });
    assert!(scrape.all(paused, &check).is_empty(), "{}", scrape.about(limited.1));
    exporter.stop();
}

#[test]
fn a_pause_ends_when_it_ends_and_not_with_the_next_probe() {
    let postfix = Bed::of("postfix")
        .line("smtpd_client_restrictions = reject")
        .line("smtpd_delay_reject = no")
        .start("pause", &[25]);
    let exporter = Exporter::start_with(
        "pause",
        &format!(
            "{}modules:\n  plain: {{port: 25, tls: none}}\n\
             targets:\n  - {{name: paused, host: {}, module: plain, interval: 20s}}\n",
            head("  backoff: {initial: 3s, factor: 1, max: 3s}\n"),
            postfix.address
        ),
    );
    let target = ("target", "paused");
    let paused = "smtp_target_paused_until_timestamp_seconds";
    let scrape = exporter.until_failing("paused", Duration::from_secs(30));
    let about = scrape.about("paused");
    let why = [target, ("phase", "greeting"), ("cause", "policy_rejected"), ("blame", "sender")];
    assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{about}");
    let until = scrape.value(paused, &[target]).expect(&about);
    assert!((0.0..3.5).contains(&(until - now())), "until {until}\n{about}");
    let endpoints =
        |scrape: &Scrape, state| scrape.value("smtp_target_endpoints", &[target, ("state", state)]);
    assert_eq!(endpoints(&scrape, "paused"), Some(1.0), "{about}");

    let scrape = exporter
        .until("paused", Duration::from_secs(8), |scrape| scrape.all(paused, &[target]).is_empty());
    let about = scrape.about("paused");
    let late = now() - until;
    assert!((0.0..1.5).contains(&late), "{late} s\n{about}");
    assert_eq!(endpoints(&scrape, "paused"), Some(0.0), "{about}");
    assert_eq!(endpoints(&scrape, "unavailable"), Some(1.0), "{about}");
    // No probe made it so, and what the last one found stays.
    assert_eq!(scrape.sum("smtp_probes_total", &[target]), 1.0, "{about}");
    assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{about}");
    assert_eq!(scrape.value("smtp_target_up", &[target]), Some(0.0), "{about}");
    exporter.stop();
}

#[test]
fn postscreen_keeps_us_waiting_and_is_not_down() {
    let postfix = Bed::of("postfix")
        .with("FRONT", "postscreen")
        .line("postscreen_greet_action = enforce")
        .line("postscreen_greet_wait = 6s")
        .line("postscreen_cache_map = btree:/var/lib/postfix/postscreen_cache")
        .start("postscreen", &[25]);
    let exporter = Exporter::start(
        "postscreen",
        &format!(
            "modules:\n  starttls: {{port: 25, tls: required, tls_server_name: {MAIL_NAME}}}\n\
             targets:\n  - {{name: postscreen, host: {}, module: starttls, interval: 12s}}\n",
            postfix.address
        ),
    );
    let greeting = [("target", "postscreen"), ("phase", "greeting")];
    let scrape = exporter.until_successes("postscreen", "starttls", 1);
    let first = scrape.value("smtp_probe_phase_duration_seconds", &greeting).unwrap();
    assert!((5.5..20.0).contains(&first), "{first} s\n{}", scrape.about("postscreen"));
    assert_eq!(scrape.value("smtp_target_up", &[greeting[0]]), Some(1.0));

    // The second visit meets no test.
    let scrape = exporter.until_successes("postscreen", "starttls", 2);
    let second = scrape.value("smtp_probe_phase_duration_seconds", &greeting).unwrap();
    assert!(second < 3.0, "{second} s\n{}", scrape.about("postscreen"));
    assert_eq!(scrape.sum("smtp_probe_failures_total", &[greeting[0]]), 0.0);
    exporter.stop();

    postfix.wait_log("PASS NEW", 1);
    assert!(!postfix.log().contains("PREGREET"), "we spoke early:\n{}", postfix.log());
    assert!(!postfix.log().contains("HANGUP"), "we hung up:\n{}", postfix.log());
    assert_clean_postfix(&postfix.log());
}
