//! Negative tests, and the one line that says that a verdict changed.

use smtp_exporter::demo::Behaviour;
use smtp_exporter::demo::behaviour::Point;

use super::house::{Exporter, config, server, without_dns};

#[tokio::test]
async fn a_change_is_one_line_in_words_and_expectations_have_their_own() {
    let closed = server([127, 0, 12, 1], Behaviour::plain());
    let open = server([127, 0, 12, 2], Behaviour { domains: None, ..Behaviour::plain() });
    let unsure = Behaviour::plain().answering(Point::Rcpt, "451 4.3.0 try again later");
    let unsure = server([127, 0, 12, 3], unsure);
    let well = server([127, 0, 12, 4], Behaviour::plain());
    let mut targets: Vec<String> = [("closed", &closed), ("open", &open), ("unsure", &unsure)]
        .map(|(name, server)| {
            format!("{{name: {name}, host: \"{}\", module: relay}}", server.address())
        })
        .to_vec();
    targets.push(format!("{{name: well, host: \"{}\", module: clear}}", well.address()));
    let relay = "modules:\n  relay: {tls: none, interval: 1s, mail: {from: a@demo.test, to: \
                 b@example.org}, expect: {phase: rcpt, codes: [550, 551, 553, 554]}}\n";
    let text = config(&without_dns(), &targets).replace("modules:\n", relay);
    let exporter = Exporter::start(&text).await;
    let read = exporter
        .until("two rounds of each", |r| {
            let done = |target: &str| {
                let counts = r.values("smtp_probes_total", &[("target", target)]);
                counts.iter().sum::<f64>() >= 2.0
            };
            ["closed", "open", "unsure", "well"].iter().all(|target| done(target))
        })
        .await;
    let met = |target| read.values("smtp_target_expectation_met", &[("target", target)]);
    assert_eq!((met("closed"), met("open"), met("unsure")), (vec![1.0], vec![0.0], vec![]));
    // Put off is no failure.
    let of = |family, more: &[_]| read.values(family, &[&[("target", "unsure")], more].concat());
    for family in ["smtp_target_failure", "smtp_probe_failure", "smtp_probe_failures_total"] {
        assert_eq!(of(family, &[]), Vec::<f64>::new(), "{family}");
        assert_eq!(read.values(family, &[("target", "open")]).len(), 1, "{family}");
    }
    assert!(of("smtp_probes_total", &[("result", "exporter")])[0] >= 2.0);
    assert_eq!(of("smtp_target_endpoints", &[("state", "skipped")]), [1.0]);
    assert_eq!(of("smtp_target_endpoints", &[("state", "unavailable")]), [0.0]);
    assert_eq!(
        read.values("smtp_target_up", &[]),
        [1.0],
        "only a target without expectation is up"
    );
    well.behave(Behaviour::plain().answering(Point::Ehlo, "550 5.7.1 no")).unwrap();
    exporter.until("it is down", |r| r.values("smtp_target_up", &[]) == [0.0]).await;
    let log = exporter.log();
    let changes = |target: &str| -> Vec<&str> {
        let of = format!("target={target} ");
        log.lines().filter(|l| l.contains("target changed") && l.contains(&of)).collect()
    };
    for (target, words) in [
        ("closed", &["from=unknown to=met"][..]),
        ("open", &["from=unknown to=not_met"]),
        ("unsure", &[]),
        ("well", &["from=unknown to=up", "from=up to=down"]),
    ] {
        let lines = changes(target);
        assert_eq!(lines.len(), words.len(), "{target}: {lines:#?}");
        for (line, words) in lines.iter().zip(words) {
            assert!(line.contains(words), "{line}");
        }
    }
    assert!(changes("well")[1].contains("phase=ehlo") && changes("well")[1].contains("detail="));
    // A dry run never says DATA; a recipient that was taken is given back.
    for server in [&closed, &open, &unsure] {
        let stats = server.stats();
        assert_eq!(stats.said("DATA"), 0, "{stats:?}");
        assert_eq!((stats.dropped, stats.quit), (0, stats.sessions - stats.open), "{stats:?}");
    }
    assert!(open.stats().said("RSET") >= 1, "{:?}", open.stats());
}
