//! The `demo` command: everything on show is seen as what it is, and it ends by itself.

use std::time::Duration;

use smtp_exporter::demo::EXHIBITS;

use super::house::Exporter;

/// What each exhibit must read as: whether it is good, and else phase, cause and blame.
const EXPECTED: [(&str, &str); 23] = [
    ("healthy", ""),
    ("slow-greeting", ""),
    ("too-many-connections", "greeting too_many_connections sender"),
    ("shutting-down", "greeting system_problem target"),
    ("greylisting", "rcpt greylisted target"),
    ("expired", "tls certificate_invalid target"),
    ("half-renewed", ""),
    ("wrong-name", "tls certificate_invalid target"),
    ("all-wrong", "tls certificate_invalid target"),
    ("starttls-missing", "starttls starttls_missing target"),
    ("starttls-mangled", "starttls starttls_stripped path"),
    ("tls10-only", "tls tls_incompatible target"),
    ("drops", "greeting connection_dropped path"),
    ("garbage", "greeting not_smtp target"),
    ("pair", ""),
    ("null-mx", "resolve dns_failure target"),
    ("missing", "resolve dns_failure target"),
    ("servfail", "resolve dns_failure target"),
    ("submission", ""),
    ("smtps", ""),
    ("closed-relay", ""),
    ("open-relay", "rcpt unexpected_reply target"),
    ("session-limit", ""),
];

#[tokio::test]
async fn every_exhibit_is_seen_as_what_it_is_and_the_demo_ends_by_itself() {
    let mut demo = Exporter::subcommand(&["demo", "--for", "15s"]).await;
    let good = |name: &str| match name {
        "closed-relay" | "open-relay" => "smtp_target_expectation_met",
        _ => "smtp_target_up",
    };
    let read = demo
        .until("every exhibit has a verdict", |read| {
            EXPECTED.iter().all(|(name, _)| read.values(good(name), &[("target", name)]).len() == 1)
        })
        .await;
    assert_eq!(
        EXPECTED.map(|(name, _)| name),
        *EXHIBITS.iter().map(|e| e.name).collect::<Vec<_>>()
    );
    for (name, expected) in EXPECTED {
        let target = [("target", name)];
        assert_eq!(read.value(good(name), &target), f64::from(expected.is_empty()), "{name}");
        let failure = |s: &&crate::support::exposition::Sample| {
            s.name == "smtp_target_failure" && s.labels["target"] == name
        };
        let seen = read.samples().find(failure).map_or_else(String::new, |sample| {
            ["phase", "cause", "blame"].map(|label| &*sample.labels[label]).join(" ")
        });
        assert_eq!(seen, expected, "{name}");
    }
    let read = demo
        .until("every subject was looked up on every list", |read| {
            read.values("smtp_dnsbl_query_success", &[]).len() == 11
                && read.values("smtp_dnsbl_list_healthy", &[("list", "dead")]).len() == 1
        })
        .await;
    for (list, subject, state) in [
        ("blocked", "192.0.2.25", Ok(1.0)),
        ("blocked", "192.0.2.26", Ok(0.0)),
        ("blocked", "spam.test", Ok(1.0)),
        ("trusted", "192.0.2.26", Ok(1.0)),
        ("refusing", "192.0.2.26", Err("refused")),
        ("dead", "192.0.2.26", Err("list_unhealthy")),
        ("silent", "192.0.2.26", Err("timeout")),
    ] {
        let labels = [("list", list), ("subject", subject)];
        assert_eq!(read.values("smtp_dnsbl_listed", &labels), Vec::from_iter(state.ok()), "{list}");
        let reason = [("list", list), ("subject", subject), ("reason", state.err().unwrap_or(""))];
        let failures = read.values("smtp_dnsbl_query_failure", &reason).len();
        assert_eq!(failures, usize::from(state.is_err()), "{list} {subject}");
    }
    let read_posture = demo
        .until("both domains were looked at", |read| {
            read.values("smtp_posture_last_timestamp_seconds", &[]).len() == 2
        })
        .await;
    for (domain, problem) in [
        ("untidy.demo.test", "spf_too_many_lookups"),
        ("untidy.demo.test", "spf_pass_all"),
        ("untidy.demo.test", "dkim_revoked"),
        ("untidy.demo.test", "dmarc_policy_none"),
        ("untidy.demo.test", "mta_sts_testing"),
        ("untidy.demo.test", "ptr_missing"),
    ] {
        let area = ["spf", "dkim", "dmarc", "mta_sts", "ptr"];
        let area = area.iter().find(|area| problem.starts_with(**area)).unwrap();
        let labels = [("domain", domain), ("problem", problem)];
        assert_eq!(
            read_posture.values(&format!("smtp_{area}_problem"), &labels),
            [1.0],
            "{problem}"
        );
    }
    let tidy = [("domain", "tidy.demo.test")];
    assert_eq!(read_posture.values("smtp_posture_problems", &tidy), [0.0; 16]);
    assert_eq!(read_posture.values("smtp_mta_sts_valid", &tidy), [1.0]);
    let limit = demo
        .until("the limit was measured", |read| {
            !read.values("smtp_connection_limit_reached", &[]).is_empty()
        })
        .await;
    let of = [("target", "session-limit")];
    assert_eq!(limit.value("smtp_connection_limit_accepted_connections", &of), 7.0);
    let reasons = |target: &str| {
        let of = |s: &&crate::support::exposition::Sample| {
            s.name == "smtp_tls_verify_failure" && s.labels["target"] == target
        };
        read.samples().filter(of).map(|s| s.labels["reason"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(reasons("expired"), ["expired"]);
    assert_eq!(reasons("wrong-name"), ["name_mismatch"]);
    let mut all = reasons("all-wrong");
    all.sort();
    assert_eq!(all, ["expired", "name_mismatch", "unknown_issuer"]);
    let both = [("target", "half-renewed"), ("across", "endpoints")];
    let skew = demo
        .until("both addresses were seen twice", |read| {
            read.values("smtp_target_certificate_skew", &both) == [1.0]
        })
        .await;
    let spread = skew.value("smtp_target_certificate_not_after_spread_seconds", &both);
    assert!((spread - 50.0 * 86_400.0).abs() < 600.0, "{spread}");
    assert_eq!(skew.value("smtp_target_capability_skew", &both), 0.0);
    let old = [("target", "tls10-only"), ("version", "TLS1.0")];
    assert_eq!(read.values("smtp_tls_info", &old), [1.0]);
    assert_eq!(demo.ended(Duration::from_secs(25)).await.code(), Some(0), "{}", demo.log());
}
