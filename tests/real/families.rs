//! One name with an address of each family: each is an endpoint of its own.

use std::time::Duration;

use crate::servers::assert_clean_postfix;
use crate::support::{Bed, Exporter, MAIL_NAME, address, head};

#[test]
fn both_families_of_a_name_are_probed() {
    let postfix = Bed::of("postfix").with("IPV6", "yes").start("families", &[25]);
    let second = address();
    let mut exim = Bed::of("exim")
        .with("ALSO", format!("; [::1]:2525 ; [{second}]:2525"))
        .start("families", &[25]);
    let dnsmasq = Bed::of("dnsmasq")
        .line(format!("host-record={MAIL_NAME},{},::1", postfix.address))
        .line(format!("host-record=second.bed.test,{second},::1"))
        .start("families", &[53]);
    let exporter = Exporter::start_with(
        "families",
        &format!(
            "{}dns: {{servers: [\"{}:53\"], timeout: 2s}}
modules:
  smtp: {{port: 25, tls: required, tls_server_name: {MAIL_NAME}}}
targets:
  - {{name: postfix, host: {MAIL_NAME}, module: smtp, interval: 3s}}
  - {{name: exim, host: \"second.bed.test:2525\", module: smtp, interval: 3s}}
  - {{name: half, host: second.bed.test, module: smtp, interval: 3s}}
",
            head("  own: [bed.test]\n  families: both\n"),
            dnsmasq.address
        ),
    );
    let available = |target, count| {
        let labels = [("target", target), ("state", "available")];
        exporter.until(target, Duration::from_secs(30), |scrape| {
            scrape.value("smtp_target_endpoints", &labels) == Some(count)
        })
    };
    let first = postfix.address.to_string();
    for (target, endpoint, ipv4) in [
        ("postfix", format!("{MAIL_NAME}:25"), first),
        ("exim", "second.bed.test:2525".to_owned(), second.to_string()),
    ] {
        let scrape = available(target, 2.0);
        let about = scrape.about(target);
        for (ip, family) in [(ipv4.as_str(), "ipv4"), ("::1", "ipv6")] {
            let labels = [("target", target), ("endpoint", endpoint.as_str()), ("address", ip)];
            for name in ["smtp_probe_success", "smtp_starttls_offered", "smtp_tls_verified"] {
                assert_eq!(scrape.value(name, &labels), Some(1.0), "{name} {ip}\n{about}");
            }
            let info = scrape.all("smtp_endpoint_info", &labels);
            assert_eq!(info.len(), 1, "{ip}\n{about}");
            assert_eq!(info[0].labels["family"], family, "{about}");
        }
        assert_eq!(scrape.all("smtp_probe_success", &[("target", target)]).len(), 2, "{about}");
    }

    // One family refuses: the target is up, and what is wrong lies on the way to that address.
    let scrape = available("half", 1.0);
    let about = scrape.about("half");
    assert_eq!(scrape.value("smtp_target_up", &[("target", "half")]), Some(1.0), "{about}");
    let ipv4 = second.to_string();
    let refused = [
        ("target", "half"),
        ("address", ipv4.as_str()),
        ("phase", "connect"),
        ("cause", "connect_refused"),
        ("blame", "path"),
    ];
    assert_eq!(scrape.value("smtp_probe_failure", &refused), Some(1.0), "{about}");

    // Both refuse: that is the server.
    exim.kill();
    let target = ("target", "exim");
    let scrape = exporter.until("exim", Duration::from_secs(20), |scrape| {
        scrape.value("smtp_target_up", &[target]) == Some(0.0)
    });
    let about = scrape.about("exim");
    let why = [target, ("phase", "connect"), ("cause", "connect_refused"), ("blame", "target")];
    assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{about}");
    exporter.stop();

    assert_clean_postfix(&postfix.log());
    let sessions = postfix.wait_log("disconnect from unknown[::1]", 1);
    let whole = " ehlo=2 starttls=1 quit=1 commands=4";
    assert!(sessions.iter().any(|line| line.ends_with(whole)), "{sessions:#?}");
}
