//! A mail domain behind a real resolver: every exchanger, one of them dead.

use std::time::Duration;

use crate::servers::assert_clean_postfix;
use crate::support::{Bed, Exporter, MAIL_NAME, address, head};

#[test]
fn a_domain_is_its_exchangers() {
    let postfix = Bed::of("postfix").start("domain", &[25]);
    let exim = Bed::of("exim").start("domain", &[25]);
    let dead = address();
    let dnsmasq = Bed::of("dnsmasq")
        .line(format!("host-record={MAIL_NAME},{}", postfix.address))
        .line(format!("host-record=second.bed.test,{}", exim.address))
        .line(format!("host-record=backup.bed.test,{dead}"))
        .line(format!("mx-host=bed.test,{MAIL_NAME},10"))
        .line("mx-host=bed.test,second.bed.test,20")
        .line("mx-host=bed.test,backup.bed.test,30")
        .start("domain", &[53]);
    let exporter = Exporter::start_with(
        "domain",
        &format!(
            "{}dns: {{servers: [\"{}:53\"], timeout: 2s}}
modules:
  smtp: {{port: 25, tls: opportunistic}}
targets:
  - {{name: bed, domain: bed.test, module: smtp, interval: 3s}}
  - {{name: typo, host: nosuch.bed.test, module: smtp, interval: 3s}}
",
            head("  own: [bed.test]\n"),
            dnsmasq.address
        ),
    );
    let target = ("target", "bed");
    let scrape = exporter.until("bed", Duration::from_secs(30), |scrape| {
        scrape.value("smtp_target_endpoints", &[target, ("state", "available")]) == Some(2.0)
            && scrape.value("smtp_target_endpoints", &[target, ("state", "unavailable")])
                == Some(1.0)
    });
    let about = scrape.about("bed");
    assert_eq!(scrape.value("smtp_target_up", &[target]), Some(1.0), "{about}");
    assert_eq!(scrape.value("smtp_target_mx_records", &[target]), Some(3.0), "{about}");
    for (host, ip, preference, success) in [
        (MAIL_NAME, postfix.address, "10", 1.0),
        ("second.bed.test", exim.address, "20", 1.0),
        ("backup.bed.test", dead, "30", 0.0),
    ] {
        let (endpoint, ip) = (format!("{host}:25"), ip.to_string());
        let labels = [target, ("endpoint", endpoint.as_str()), ("address", ip.as_str())];
        assert_eq!(scrape.value("smtp_probe_success", &labels), Some(success), "{host}\n{about}");
        let info = scrape.all("smtp_endpoint_info", &labels);
        assert_eq!(info.len(), 1, "{host}\n{about}");
        assert_eq!(info[0].labels["mx_preference"], preference, "{about}");
        assert_eq!(info[0].labels["family"], "ipv4", "{about}");
    }
    // The certificate is asked for the exchanger's own name: one carries it, the other does not.
    let verified = |host: &str| {
        let endpoint = format!("{host}:25");
        scrape.value("smtp_tls_verified", &[target, ("endpoint", endpoint.as_str())])
    };
    assert_eq!(verified(MAIL_NAME), Some(1.0), "{about}");
    assert_eq!(verified("second.bed.test"), Some(0.0), "{about}");

    // A name that does not exist is theirs, or the operator's, and not the resolver's.
    let typo = ("target", "typo");
    let scrape = exporter.until_failing("typo", Duration::from_secs(20));
    let why = [typo, ("phase", "resolve"), ("cause", "dns_failure"), ("blame", "target")];
    assert_eq!(scrape.value("smtp_target_failure", &why), Some(1.0), "{}", scrape.about("typo"));
    assert_eq!(scrape.value("smtp_target_up", &[typo]), Some(0.0), "{}", scrape.about("typo"));
    exporter.stop();
    assert_clean_postfix(&postfix.log());
}
