//! DNS lists: every state in `/metrics` and in the API, what `dnsbl` tells, and that a zone's key is
//! in no output.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use smtp_exporter::demo::{Dns, Fault, Zone};

use crate::support::exposition::Exposition;

use super::house::{Exporter, dns, eventually, run, without_dns};

/// A key as it stands in front of a zone.
const KEY: &str = "k3yk3yk3yk3yk3yk3yk3yk3yk3";

/// A zone of the catalogue with a key in front, as it may stand in the configuration itself.
const INLINE: &str = "k3yk3yk3yk3yk3yk3yk3yk3yk3.zen.dq.spamhaus.net";

/// Five lists: `good` (192.0.2.25 and spam.test are on it), `allow` (192.0.2.26), `refusing`, `dead`
/// (answers for everything), `silent`, `rewritten`, and `KEY.keyed`, which is as good as `good`.
fn zone() -> Zone {
    let mut zone = Zone::new();
    let keyed = format!("{KEY}.keyed");
    let inline = format!("25.2.0.192.{INLINE}");
    // It repeats what it was asked for.
    zone = zone
        .address(&format!("2.0.0.127.{INLINE}"), Ipv4Addr::new(127, 0, 0, 2))
        .address(&inline, Ipv4Addr::new(127, 0, 0, 2))
        .txt(
            &inline,
            &format!("{inline} is listed, see https://x.test/?{}", INLINE.to_uppercase()),
        );
    for (list, on) in [("good", "25"), ("allow", "26"), (&keyed, "25")] {
        for (question, text) in [
            ("2.0.0.127".to_owned(), "a test point"),
            ("test".to_owned(), "a test point"),
            (format!("{on}.2.0.192"), "spam\u{7} seen, ask https://good.test/"),
            ("spam.test".to_owned(), "in spam"),
        ] {
            let name = format!("{question}.{list}.test");
            zone = zone.address(&name, Ipv4Addr::new(127, 0, 0, 2)).txt(&name, text);
        }
    }
    for question in ["2.0.0.127", "1.0.0.127", "25.2.0.192", "26.2.0.192"] {
        zone = zone
            .address(&format!("{question}.refusing.test"), Ipv4Addr::new(127, 255, 255, 254))
            .address(&format!("{question}.dead.test"), Ipv4Addr::new(127, 0, 0, 2))
            .address(&format!("{question}.rewritten.test"), Ipv4Addr::new(203, 0, 113, 80))
            .fault(&format!("{question}.silent.test"), Fault::Silent);
    }
    zone
}

fn config(dns: &Dns, key_file: &Path) -> String {
    let list = |name: &str, more: &str| {
        format!("    - {{zone: {name}.test, name: {name}, operator: {name}, min_gap: 0{more}}}\n")
    };
    let mut lists = list(
        "good",
        ", subjects: [ip4, domain], codes: {127.0.0.2: spam source}, delisting: \"https://good.test/\"",
    );
    lists += &list("allow", ", kind: allow, subjects: [ip4]");
    for name in ["refusing", "dead", "rewritten"] {
        lists += &list(name, ", subjects: [ip4]");
    }
    lists += &list("silent", ", test_points: false, subjects: [ip4]");
    lists += &format!("    - {{zone: {INLINE}, name: inline, min_gap: 0, subjects: [ip4]}}\n");
    lists += &format!(
        "    - {{zone_file: \"{}\", name: keyed, operator: keyed, min_gap: 0, subjects: [ip4, domain]}}\n",
        key_file.display()
    );
    format!(
        "exporter: {{own: [dq.spamhaus.net]}}\ndns: {{servers: [\"127.0.0.1:1\"], timeout: 300ms}}\ndnsbl:\n  interval: 1s\n  health_interval: 1s\n  timeout: 500ms\n  servers: [\"{}\"]\n  \
         subjects:\n    - {{subject: 192.0.2.25, labels: {{team: mail}}}}\n    - 192.0.2.26\n    - spam.test\n  lists:\n{lists}",
        dns.address()
    )
}

fn key_file(folder: &Path) -> std::path::PathBuf {
    let file = folder.join("zone.key");
    std::fs::write(&file, format!("{KEY}.keyed.test\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

fn assert_clean(what: &str, text: &str) {
    assert!(!text.to_lowercase().contains(KEY), "{what} holds the key:\n{text}");
}

#[tokio::test]
async fn every_state_is_in_the_metrics_and_the_key_is_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let dns = dns(&zone());
    let exporter = Exporter::start(&config(&dns, &key_file(folder.path()))).await;
    // 8 lists take addresses, two of them domains as well.
    let read = exporter
        .until("everything was looked up", |read| {
            read.values("smtp_dnsbl_query_success", &[]).len() == 18
                && read.values("smtp_dnsbl_list_healthy", &[]).len() >= 4
                && read.values("smtp_dnsbl_query_failure", &[("reason", "list_unhealthy")]).len()
                    == 2
        })
        .await;
    let listed = |list: &str, subject: &str| {
        read.values("smtp_dnsbl_listed", &[("list", list), ("subject", subject)])
    };
    assert_eq!(listed("good", "192.0.2.25"), [1.0]);
    assert_eq!(listed("good", "192.0.2.26"), [0.0]);
    assert_eq!(listed("good", "spam.test"), [1.0]);
    assert_eq!(listed("keyed", "192.0.2.25"), [1.0]);
    assert_eq!(
        (listed("allow", "192.0.2.25"), listed("allow", "192.0.2.26")),
        (vec![0.0], vec![1.0])
    );
    for (list, reason) in [
        ("refusing", "refused"),
        ("dead", "list_unhealthy"),
        ("silent", "timeout"),
        ("rewritten", "rewritten"),
    ] {
        for subject in ["192.0.2.25", "192.0.2.26"] {
            assert_eq!(listed(list, subject), [0.0; 0], "{list}");
            let labels = [("list", list), ("subject", subject)];
            assert_eq!(read.values("smtp_dnsbl_query_success", &labels), [0.0], "{list}");
            let labels = [("list", list), ("subject", subject), ("reason", reason)];
            assert_eq!(read.values("smtp_dnsbl_query_failure", &labels), [1.0], "{list} {reason}");
        }
    }
    let info = [
        ("list", "good"),
        ("kind", "block"),
        ("subject", "192.0.2.25"),
        ("team", "mail"),
        ("return_code", "127.0.0.2"),
        ("meaning", "spam source"),
    ];
    assert_eq!(read.value("smtp_dnsbl_listing_info", &info), 1.0);
    assert_eq!(read.values("smtp_dnsbl_list_healthy", &[("list", "good")]), [1.0]);
    assert_eq!(read.values("smtp_dnsbl_list_healthy", &[("list", "dead")]), [0.0]);
    assert_eq!(read.values("smtp_dnsbl_list_healthy", &[("list", "refusing")]), [0.0; 0]);
    let paused = "smtp_dnsbl_list_paused_until_timestamp_seconds";
    assert_eq!(read.values(paused, &[("list", "refusing")]).len(), 1);
    assert_eq!(read.values(paused, &[]).len(), 1);
    assert!(
        read.value("smtp_dnsbl_queries_total", &[("list", "good"), ("result", "listed")]) > 0.0
    );

    let answer = exporter.get("/api/v1/listings").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    let rows = json["data"]["listings"].as_array().unwrap();
    let row = |list: &str, subject: &str| {
        rows.iter().find(|row| row["list"] == list && row["subject"] == subject).unwrap()
    };
    let seen = row("good", "192.0.2.25");
    assert_eq!((&seen["verdict"], &seen["labels"]["team"]), (&"listed".into(), &"mail".into()));
    assert_eq!(seen["codes"][0]["meaning"], "spam source");
    assert!(seen["texts"][0].as_str().unwrap().contains("ask https://good.test/"), "{seen}");
    assert!(seen["since"].as_str().unwrap().ends_with('Z') && seen["next"].is_string(), "{seen}");
    let texts = row("inline", "192.0.2.25")["texts"].to_string();
    assert!(
        texts.contains("25.2.0.192.<secret> is listed") && texts.contains("?<secret>"),
        "{texts}"
    );
    let seen = row("refusing", "192.0.2.26");
    assert_eq!((&seen["verdict"], &seen["reason"]), (&"unknown".into(), &"refused".into()));
    assert!(seen["paused_until"].is_string() && seen["last_told"].is_null(), "{seen}");

    for path in [
        "/",
        "/targets/x",
        "/metrics",
        "/config",
        "/api/v1/targets",
        "/api/v1/listings",
        "/logs?target=x",
        "/probe?target=x",
    ] {
        assert_clean(path, &exporter.get(path).await.text);
    }
    assert!(exporter.get("/config").await.text.contains("zone.key"));
    eventually("the listing is logged", || exporter.log().contains("192.0.2.25")).await;
    assert_clean("the debug log", &exporter.log());
    assert!(exporter.log().contains("<secret> is listed"), "the inline list's reason is logged");
    let asked = dns.questions();
    let keyed = format!("25.2.0.192.{KEY}.keyed.test");
    assert!(asked.keys().any(|(name, _)| *name == keyed), "the key was not used: {asked:?}");
    // A bad reload tells of it without the key.
    exporter.write(&format!("dnsbl: {{lists: [{KEY}.zen.dq.spamhaus.net]}}\n"));
    let refused = exporter.ask("POST", "/-/reload", "").await;
    assert_eq!(refused.status, 500);
    assert_clean("the reload", &refused.text);
    assert_clean("the log of the reload", &exporter.log());
}

/// A crash loop must not ask an operator that refused again and again.
#[tokio::test]
async fn a_pause_outlives_a_restart_unless_the_list_is_asked_in_another_way() {
    let folder = tempfile::tempdir().unwrap();
    let (dns, other) = (dns(&zone()), dns(&zone()));
    let text = |dns: &Dns| {
        let list = "{zone: refusing.test, name: refusing, test_points: false, subjects: [ip4]}";
        let keyed = format!("{{zone: {INLINE}, name: inline, operator: refuser}}");
        format!(
            "exporter: {{own: [dq.spamhaus.net]}}\ndnsbl: {{interval: 1s, servers: [\"{}\"], subjects: \
             [192.0.2.25], lists: [{list}, {keyed}]}}\n",
            dns.address()
        )
    };
    let start = |dns: &Dns| {
        let mut command = super::house::binary();
        command.env("STATE_DIRECTORY", folder.path());
        let text = text(dns);
        async move { Exporter::start_as(&text, command).await }
    };
    let paused = "smtp_dnsbl_list_paused_until_timestamp_seconds";
    let refused = |read: &Exposition| {
        read.values(paused, &[("list", "refusing")]).len() == 1
            && read.values("smtp_dnsbl_query_failure", &[("reason", "refused")]).len() == 1
    };
    let mut exporter = start(&dns).await;
    let until = exporter.until("the refusal", refused).await.value(paused, &[]);
    exporter.signal(rustix::process::Signal::TERM);
    assert!(exporter.ended(std::time::Duration::from_secs(12)).await.success());
    let kept = std::fs::read_to_string(folder.path().join("dnsbl_pauses.json")).unwrap();
    assert!(kept.contains("\"refusing\""), "{kept}");
    assert_clean("the file of pauses", &kept);
    let asked = || dns.asked("25.2.0.192.refusing.test");
    assert_eq!(asked(), 1);

    let mut exporter = start(&dns).await;
    let read = exporter.until("still paused", refused).await;
    assert!((read.value(paused, &[]) - until).abs() <= 1.0);
    assert_eq!(asked(), 1, "asked although it is paused");
    exporter.signal(rustix::process::Signal::TERM);
    assert!(exporter.ended(std::time::Duration::from_secs(12)).await.success());
    // Through another resolver it is another question.
    let exporter = start(&other).await;
    exporter.until("asked", |_| other.asked("25.2.0.192.refusing.test") == 1).await;
}

async fn look_up(directory: &Path, arguments: &[&str]) -> Output {
    let all =
        [&["--config.file=smtp_exporter.yml", "--log.level=debug", "dnsbl"], arguments].concat();
    run(directory, &all).await
}

#[tokio::test]
async fn the_command_tells_a_person_and_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let dns = dns(&zone());
    let text = config(&dns, &key_file(folder.path()));
    std::fs::write(folder.path().join("smtp_exporter.yml"), &text).unwrap();

    let listed = look_up(folder.path(), &["192.0.2.25"]).await;
    let (out, log) = texts(&listed);
    assert_eq!(listed.status.code(), Some(1), "{out}{log}");
    for part in [
        "192.0.2.25\n  LISTED   good ",
        "127.0.0.2  spam source",
        "ask https://good.test/",
        "removal https://good.test/",
        "LISTED   keyed ",
        "refusing                     refused: ",
        "dead                         list_unhealthy: ",
        "silent                       timeout: ",
        "rewritten                    rewritten: ",
        "not      on 1 allow list: allow",
    ] {
        assert!(out.contains(part), "{part} is not in\n{out}");
    }
    assert!(!out.contains(['\u{7}', '\u{1b}']), "{out:?}");
    assert_clean("the text", &(out + &log));

    let clean = look_up(folder.path(), &["192.0.2.26", "--list", "good", "--list=keyed"]).await;
    let (out, _) = texts(&clean);
    assert_eq!(clean.status.code(), Some(0), "{out}");
    assert!(out.contains("clean    on 2 lists: good, keyed"), "{out}");

    let json = look_up(folder.path(), &["192.0.2.24/30", "spam.test", "--format=json"]).await;
    let (out, log) = texts(&json);
    assert_eq!(json.status.code(), Some(1), "{out}{log}");
    assert_clean("the JSON", &(out.clone() + &log));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["subjects"].as_array().unwrap().len(), 5);
    let seen = &json["subjects"][1];
    assert_eq!((&seen["subject"], &seen["listed"]), (&"192.0.2.25".into(), &true.into()));
    let good = seen["results"].as_array().unwrap().iter().find(|r| r["list"] == "good").unwrap();
    assert_eq!(good["codes"][0]["meaning"], "spam source");
    assert_eq!(json["subjects"][2]["listed"], false);

    // Nothing could be told: neither clean nor listed, and the reason is said.
    let unknown = look_up(folder.path(), &["192.0.2.26", "--list=refusing"]).await;
    let (out, _) = texts(&unknown);
    assert_eq!(unknown.status.code(), Some(2), "{out}");
    assert!(out.contains("Every list refused us"), "{out}");
    let unknown = look_up(folder.path(), &["192.0.2.26", "--list=dead"]).await;
    assert_eq!(unknown.status.code(), Some(2), "{}", texts(&unknown).0);
    // Not to be on an allow list is no alarm.
    let allow = look_up(folder.path(), &["192.0.2.25", "--list=allow"]).await;
    assert_eq!(allow.status.code(), Some(0), "{}", texts(&allow).0);
    let check = run(folder.path(), &["--config.check"]).await;
    let (out, log) = texts(&check);
    assert!(check.status.success() && out.contains("good: good"), "{out}{log}");
    assert_clean("--config.check", &(out + &log));
}

#[tokio::test]
async fn wrong_usage_is_64_and_never_shows_a_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("smtp_exporter.yml"), without_dns()).unwrap();
    let keyed = format!("--list={KEY}.zen.dq.spamhaus.net");
    for (arguments, said) in [
        (&["999.1.1.1"][..], "SUBJECT: `999.1.1.1`"),
        (&["10.0.0.0/8"], "more than 256 addresses"),
        (&[], "SUBJECT"),
        (&["192.0.2.1", &keyed], "has a key in its zone"),
        (&["192.0.2.1", "--list=dnsbl.sorbs.net"], "is dead (2024-06)"),
        (&["192.0.2.1", "--list=zen.spamhous.org"], "did you mean `zen.spamhaus.org`"),
        (&["example.net", "--list=bl.example.test"], "takes ip4 and ip6 alone"),
    ] {
        let output = look_up(folder.path(), arguments).await;
        let (out, log) = texts(&output);
        assert_eq!((output.status.code(), out.as_str()), (Some(64), ""), "{arguments:?} {log}");
        assert!(log.contains(said), "{arguments:?}: {log}");
        assert_clean("the complaint", &log);
    }
}

#[tokio::test]
async fn without_configured_lists_only_those_that_are_free_for_all_are_asked() {
    let folder = tempfile::tempdir().unwrap();
    // No name exists here: a list with test points can't be believed, one without is clean.
    let dns = dns(&Zone::new());
    let text = format!("dns: {{servers: [\"{}\"], timeout: 1s}}\n", dns.address());
    std::fs::write(folder.path().join("smtp_exporter.yml"), text).unwrap();
    let output = look_up(folder.path(), &["192.0.2.25", "--format=json"]).await;
    let (out, log) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{log}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let asked: Vec<&str> = json["subjects"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["list"].as_str().unwrap())
        .collect();
    let left: Vec<&str> = json["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["list"].as_str().unwrap())
        .collect();
    assert!(!asked.is_empty() && left.contains(&"zen.spamhaus.org"), "{asked:?} {left:?}");
    assert!(asked.iter().all(|list| !left.contains(list)));
    let told = |verdict: &str| out.matches(&format!("\"verdict\": \"{verdict}\"")).count();
    assert!(told("unknown") > told("clean") && told("listed") == 0, "{out}");
    let questions = dns.questions();
    assert!(questions.keys().all(|(name, _)| !name.ends_with("spamhaus.org")), "{questions:?}");
}
