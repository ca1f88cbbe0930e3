//! From a refusal to the right person: exporter, Prometheus and Alertmanager, each with the files that
//! are deployed, and receivers that write down what they hear. Only waiting is shortened.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::prometheus::Prometheus;
use crate::support::{
    Alertmanager, Exporter, Fake, Told, Webhook, address, amtool, fresh_directory, head, keep,
    wait_for,
};

fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

/// A Prometheus with the deployed rules, whose `for` is made short, and nothing else of them.
fn prometheus(test: &str, exporter: &Exporter, alertmanager: &Alertmanager) -> Prometheus {
    let directory = fresh_directory(&format!("{test}.prometheus"));
    std::fs::create_dir_all(directory.join("rules")).unwrap();
    let mut shortened = 0;
    for entry in std::fs::read_dir(deployed("prometheus/rules")).unwrap() {
        let path = entry.unwrap().path();
        let text: String = std::fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|line| {
                let (key, _) = line.trim_start().split_once(": ").unwrap_or_default();
                let seconds = match key {
                    "for" => "2s",
                    "keep_firing_for" => "3s",
                    _ => return format!("{line}\n"),
                };
                shortened += 1;
                format!("        {key}: {seconds}\n")
            })
            .collect();
        std::fs::write(directory.join("rules").join(path.file_name().unwrap()), text).unwrap();
    }
    assert!(shortened > 30, "{shortened}");
    let mut config = std::fs::read_to_string(deployed("prometheus/prometheus.yml")).unwrap();
    for (from, to) in [
        ("localhost:10057", exporter.address.to_string()),
        ("localhost:9093", alertmanager.address.to_string()),
        ("scrape_interval: 30s", "scrape_interval: 1s\n  evaluation_interval: 1s".to_owned()),
    ] {
        assert!(config.contains(from), "{from}");
        config = config.replace(from, &to);
    }
    std::fs::write(directory.join("prometheus.yml"), config).unwrap();
    Prometheus::run(&directory)
}

fn exporter(test: &str, targets: &str) -> Exporter {
    Exporter::start_with(
        test,
        &format!(
            "{}modules:\n  plain: {{port: 25, tls: none}}\ntargets:\n{targets}",
            head("  backoff: {initial: 1s, factor: 1, max: 1s}\n")
        ),
    )
}

/// The path of a link to the exporter.
fn path(link: &str) -> &str {
    link.strip_prefix("http://localhost:10057").unwrap_or_else(|| panic!("{link}"))
}

#[test]
fn a_refusal_reaches_the_right_person_and_so_does_its_end() {
    let refuse = Arc::new(AtomicBool::new(false));
    let server = Fake::refusing_when(Arc::clone(&refuse));
    let exporter = exporter(
        "alerting",
        &format!("  - {{name: moody, host: {}, module: plain, interval: 1s}}\n", server.address),
    );
    let webhook = Webhook::start();
    let alertmanager = Alertmanager::start("alerting", &webhook);
    let first = prometheus("alerting", &exporter, &alertmanager);
    // Two of them, as where one may fail: their alerts are one.
    let second = prometheus("alerting.second", &exporter, &alertmanager);
    for prometheus in [&first, &second] {
        wait_for(
            Duration::from_secs(30),
            || prometheus.query("smtp_target_up == 1").pop(),
            || exporter.page("/metrics"),
        );
    }
    // Until it has scraped once, a Prometheus misses the exporter, and its `for` is short here. What
    // began before both had seen the target is not judged, even if it is told late; but it ends.
    let seen = SystemTime::now();
    let heard = || -> Vec<Told> {
        webhook.heard().into_iter().filter(|told| told.since() > seen).collect()
    };
    std::thread::sleep(Duration::from_secs(4));
    assert!(heard().is_empty(), "{:#?}", heard());
    for prometheus in [&first, &second] {
        let firing = || prometheus.query("ALERTS{alertstate=\"firing\"}");
        wait_for(
            Duration::from_secs(10),
            || firing().is_empty().then_some(()),
            || format!("{:?}", firing()),
        );
    }

    refuse.store(true, Ordering::Relaxed);
    let name = "SmtpTargetLimitsConnections";
    let told = webhook.wait(name, |told| told.is(name, "firing"));
    keep("alert.json", &serde_json::to_string_pretty(&told.alert).unwrap());
    assert_eq!((told.receiver.as_str(), told.label("target")), ("tickets", "moody"));
    assert_eq!((told.note("cause"), told.note("side")), ("too_many_connections", "sender"));
    let description = told.note("description");
    assert!(description.contains("too_many_connections, seen in phase greeting"), "{description}");
    // Each link leads to what it says.
    let transcript = exporter.page(path(told.note("transcript_url")));
    assert!(transcript.contains("421 4.7.0 moody.bed.test"), "{transcript}");
    for link in ["runbook_url", "cause_url"] {
        let page = exporter.page(path(told.note(link)));
        let title = told.note(link).rsplit('/').next().unwrap();
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
    }

    for prometheus in [&first, &second] {
        let query = format!("ALERTS{{alertname=\"{name}\",alertstate=\"firing\"}}");
        wait_for(Duration::from_secs(30), || prometheus.query(&query).pop(), || query.clone());
    }
    std::thread::sleep(Duration::from_secs(3));
    let tellings = webhook.heard().iter().filter(|told| told.is(name, "firing")).count();
    assert_eq!(tellings, 1, "{:#?}", webhook.heard());

    refuse.store(false, Ordering::Relaxed);
    let over = webhook.wait("the end of it", |told| told.is(name, "resolved"));
    assert_eq!(over.receiver, "tickets");
    // A refusal is no outage: it wakes nobody.
    assert!(heard().iter().all(|told| told.receiver != "pager"), "{:#?}", heard());
    exporter.stop();
}

#[test]
fn when_the_exporter_dies_one_alert_is_told() {
    // Nobody listens there.
    let dead = address();
    let exporter = exporter(
        "blind",
        &format!("  - {{name: dead, host: {dead}, module: plain, interval: 1s}}\n"),
    );
    let webhook = Webhook::start();
    let alertmanager = Alertmanager::start("blind", &webhook);
    let _prometheus = prometheus("blind", &exporter, &alertmanager);
    let down = webhook.wait("the page", |told| told.is("SmtpTargetDown", "firing"));
    assert_eq!((down.receiver.as_str(), down.note("cause")), ("pager", "connect_refused"));
    assert_eq!(down.note("side"), "target");

    let before = webhook.heard().len();
    drop(exporter);
    let blind = webhook.wait("the exporter", |told| told.is("SmtpExporterDown", "firing"));
    assert_eq!((blind.receiver.as_str(), blind.note("side")), ("pager", "exporter"));
    // What was down stays so, unseen and unsaid.
    wait_for(
        Duration::from_secs(10),
        || Some(alertmanager.inhibited()).filter(|names| names.contains(&"SmtpTargetDown".into())),
        || format!("{:?}", alertmanager.inhibited()),
    );
    std::thread::sleep(Duration::from_secs(8));
    let after: Vec<String> = webhook.heard()[before..]
        .iter()
        .filter(|told| told.status == "firing")
        .map(|told| told.label("alertname").to_owned())
        .collect();
    assert_eq!(after, ["SmtpExporterDown"]);
}

/// An alert of a target as Prometheus sends it.
fn alert(name: &str, severity: &str, scope: &str, target: &str) -> Value {
    json!({
        "alertname": name, "severity": severity, "scope": scope, "job": "smtp",
        "instance": "exporter:10057", "target": target, "module": "smtp",
    })
}

#[test]
fn alerts_that_say_no_more_are_kept_quiet() {
    let webhook = Webhook::start();
    let alertmanager = Alertmanager::start("quiet", &webhook);
    let mut other = alert("SmtpTargetDown", "critical", "target", "elsewhere");
    other["instance"] = json!("other:10057");
    let mut blind = alert("SmtpExporterDown", "critical", "exporter", "");
    blind["instance"] = json!("dead:10057");
    let mut unseen = alert("SmtpTargetFailing", "warning", "target", "unseen");
    unseen["instance"] = json!("dead:10057");
    alertmanager.post(&[
        // A target that is down, over its endpoints and its burn rate; its certificate is news.
        alert("SmtpTargetDown", "critical", "target", "a"),
        alert("SmtpEndpointDown", "warning", "endpoint", "a"),
        alert("SmtpAvailabilityFastBurn", "critical", "slo", "a"),
        alert("SmtpCertificateInvalid", "warning", "endpoint", "a"),
        // What refuses all the time, over the ticket of its burn rate and not over the page.
        alert("SmtpTargetFailing", "warning", "target", "e"),
        alert("SmtpAvailabilityFastBurn", "warning", "slo", "e"),
        alert("SmtpAvailabilitySlowBurn", "warning", "slo", "e"),
        // Of another target.
        alert("SmtpMxBackupDown", "warning", "endpoint", "b"),
        // Critical over warning.
        alert("SmtpCertificateExpiring", "critical", "endpoint", "c"),
        alert("SmtpCertificateExpiring", "warning", "endpoint", "c"),
        alert("SmtpCertificateExpiring", "warning", "endpoint", "d"),
        // An exporter that is down, over its targets and not over those of others.
        blind,
        unseen,
        other,
    ]);
    let expected = [
        "SmtpAvailabilityFastBurn",
        "SmtpAvailabilityFastBurn",
        "SmtpAvailabilitySlowBurn",
        "SmtpCertificateExpiring",
        "SmtpEndpointDown",
        "SmtpTargetFailing",
    ];
    wait_for(
        Duration::from_secs(10),
        || (alertmanager.inhibited() == expected).then_some(()),
        || format!("{:?}", alertmanager.inhibited()),
    );
    webhook.wait("the last", |told| told.label("target") == "d");
    std::thread::sleep(Duration::from_secs(3));
    let mut told: Vec<(String, String, String)> = webhook
        .heard()
        .iter()
        .map(|told| {
            (
                told.receiver.clone(),
                told.label("alertname").to_owned(),
                told.label("target").to_owned(),
            )
        })
        .collect();
    told.sort();
    let expected: Vec<(String, String, String)> = [
        ("pager", "SmtpCertificateExpiring", "c"),
        ("pager", "SmtpExporterDown", ""),
        ("pager", "SmtpTargetDown", "a"),
        ("pager", "SmtpTargetDown", "elsewhere"),
        ("tickets", "SmtpCertificateExpiring", "d"),
        ("tickets", "SmtpCertificateInvalid", "a"),
        ("tickets", "SmtpMxBackupDown", "b"),
        ("tickets", "SmtpTargetFailing", "e"),
    ]
    .map(|(receiver, name, target)| (receiver.into(), name.into(), target.into()))
    .to_vec();
    assert_eq!(told, expected);
}

#[test]
fn routes_lead_to_the_right_receiver() {
    let config = deployed("alertmanager/alertmanager.yml");
    let run = |arguments: &[&str]| {
        let output = Command::new(amtool()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let file = config.to_str().unwrap();
    let checked = run(&["check-config", file]);
    assert!(checked.contains("SUCCESS") && checked.contains("1 templates"), "{checked}");
    let flag = format!("--config.file={file}");
    for (labels, receiver) in [
        (["severity=critical", "scope=target", "alertname=SmtpTargetDown"], "pager"),
        (["severity=critical", "scope=exporter", "alertname=SmtpExporterDown"], "pager"),
        (["severity=warning", "scope=target", "alertname=SmtpTargetFailing"], "tickets"),
        (["severity=warning", "scope=exporter", "alertname=SmtpConfigReloadFailed"], "tickets"),
        (["severity=warning", "scope=list", "alertname=SmtpBlocklisted"], "postmaster"),
        (["severity=warning", "scope=target", "alertname=SmtpTargetDistrustsUs"], "postmaster"),
        (["severity=warning", "scope=domain", "alertname=SmtpPtrBroken"], "postmaster"),
        (["severity=critical", "scope=domain", "alertname=SmtpDaneMismatch"], "pager"),
        (["severity=none", "scope=other", "alertname=Foreign"], "tickets"),
    ] {
        let verify = format!("--verify.receivers={receiver}");
        let mut arguments = vec!["config", "routes", "test", &flag, &verify];
        arguments.extend(labels);
        assert_eq!(run(&arguments).trim(), receiver, "{labels:?}");
    }
}

#[test]
fn what_a_person_reads_has_the_cause_the_side_the_advice_and_the_links() {
    let alert = json!({
        "status": "firing",
        "labels": {"alertname": "SmtpTargetDown", "severity": "critical", "target": "mx1"},
        "annotations": {
            "summary": "Nobody answers at mx1", "description": "Why.", "action": "Do this.",
            "cause": "connect_timeout", "side": "path", "runbook_url": "http://e/runbooks/X",
            "cause_url": "http://e/runbooks/connect_timeout", "dashboard_url": "http://g/d/x",
            "transcript_url": "http://e/logs?target=mx1",
        },
        "startsAt": "2026-01-02T03:04:05Z", "endsAt": "0001-01-01T00:00:00Z",
    });
    let mut past = alert.clone();
    past["status"] = json!("resolved");
    past["annotations"]["summary"] = json!("Its certificate has ended");
    let directory = fresh_directory("template");
    let file = directory.join("data.json");
    let write = |status: &str, alerts: &[&Value]| {
        let data = json!({
            "receiver": "x", "status": status, "alerts": alerts, "groupLabels": {},
            "commonLabels": {"severity": "critical"}, "commonAnnotations": {},
            "externalURL": "http://a",
        });
        std::fs::write(&file, data.to_string()).unwrap();
    };
    let render = |name: &str| {
        let output = Command::new(amtool())
            .args(["template", "render"])
            .arg(format!("--template.glob={}/*.tmpl", deployed("alertmanager/templates").display()))
            .arg(format!("--template.data={}", file.display()))
            .arg(format!("--template.text={{{{ template \"{name}\" . }}}}"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // What goes on has the title, and says how much of it there is.
    for (status, alerts, title) in [
        ("firing", &[&past, &alert, &alert][..], "[PAGE] Nobody answers at mx1 (1 of 2)"),
        ("resolved", &[&past], "[OK] Its certificate has ended"),
        ("firing", &[&alert], "[PAGE] Nobody answers at mx1"),
    ] {
        write(status, alerts);
        assert_eq!(render("smtp.title"), title);
    }
    for name in ["smtp.text", "smtp.chat", "smtp.html"] {
        let text = render(name);
        for part in [
            "Nobody answers at mx1",
            "Why.",
            "Do this.",
            "connect_timeout",
            "the network between",
            "http://e/runbooks/X",
            "http://e/runbooks/connect_timeout",
            "http://g/d/x",
            "http://e/logs?target=mx1",
        ] {
            assert!(text.contains(part), "{name} lacks {part}:\n{text}");
        }
    }
}
