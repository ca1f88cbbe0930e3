//! Postfix's certificate and TLSA records for it, right and wrong; and what Postfix's own client says.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest as _, Sha256, Sha512};
use smtp_exporter::posture::mx::Strict;
use smtp_exporter::posture::tlsa::{DaneStatus, Shown};
use smtp_exporter::posture::{Area, Problem, Report, Subject};
use smtp_exporter::probe::Prober;
use smtp_exporter::target::{Own, Policy};
use tokio_util::sync::CancellationToken;

use super::{anchor, run};
use crate::support::{Bed, Plan, address, root_file};

/// One domain: its records, and what they come to.
struct Case {
    domain: &'static str,
    records: Vec<String>,
    matched: Option<bool>,
    strict: Option<Strict>,
    problems: Vec<Problem>,
}

#[test]
fn tlsa_records_are_compared_as_postfix_compares_them() {
    // Postfix asks the validating resolver, which needs the key of the zone, which has the digests of
    // Postfix's certificate; so the resolver's address is chosen first.
    let resolver = address();
    let postfix = Bed::of("postfix")
        .with("RESOLVER", resolver.to_string())
        .with("WHOLE_CHAIN", "yes")
        .start("dane", &[25]);
    let cases = cases(&postfix);
    let zone = zone(&postfix, &cases);
    let bind = zone.start("dane", &[53]);
    let key = std::fs::read_to_string(anchor(&bind)).unwrap();
    let unbound = Bed::of("unbound")
        .at(resolver)
        .line("module-config: \"validator iterator\"")
        .line(format!("trust-anchor: \"{}\"", key.trim()))
        .line(format!("bed.test {}", bind.address))
        .start("dane", &[53]);
    let policy = Policy {
        helo: Some("probe.example.net".into()),
        own: Own { domains: vec!["test".into()], ..Own::default() },
        dns_servers: vec![(unbound.address, 53).into()],
        dns_trust_anchor: Some(anchor(&bind)),
        ca_file: Some(root_file()),
        ..Policy::default()
    };
    let mut wrong = Vec::new();
    run(async {
        let prober = Prober::new(policy).unwrap();
        for case in &cases {
            let subject = Arc::new(Subject::new(&format!("for-{}.bed.test", case.domain)));
            let report = prober.survey(&subject, None, &CancellationToken::new()).await.unwrap();
            if let Err(why) = case.agrees(&report) {
                wrong.push(format!("{}: {why}\n{:#?}", case.domain, report.transcript));
            }
        }
    });
    for case in &cases {
        let domain = format!("for-{}.bed.test", case.domain);
        let said = postfix.run("posttls-finger", &["-c", "-l", "dane", "-Lsummary", &domain]);
        let verified = said.contains("Verified TLS connection established");
        if verified != (case.strict == Some(Strict::Dane)) {
            wrong.push(format!("{domain}: Postfix says otherwise:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Case {
    fn agrees(&self, report: &Report) -> Result<(), String> {
        let host = &report.mx.hosts[0];
        let problems: Vec<Problem> = report
            .findings
            .iter()
            .map(|finding| finding.problem)
            .filter(|problem| problem.area() == Area::Dane)
            .collect();
        let status = host.dane.status == Some(DaneStatus::Secure);
        let fine = host.dane.matched == self.matched
            && host.strict == self.strict
            && problems == self.problems
            && status
            && host.pkix.is_some();
        if fine { Ok(()) } else { Err(format!("{host:?}, {:?}", report.findings)) }
    }
}

fn cases(postfix: &Bed) -> Vec<Case> {
    let certificate = |name: &str| {
        CertificateDer::from_pem_file(postfix.file("pki").join(name)).unwrap().to_vec()
    };
    let (leaf, root) = (certificate("chain.pem"), certificate("ca.pem"));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let spki = |der: &[u8]| Shown::read(der).unwrap().spki.to_vec();
    let record = |usage: u8, selector: u8, matching: u8, der: &[u8]| {
        let whole = if selector == 0 { der.to_vec() } else { spki(der) };
        let data = match matching {
            0 => whole,
            1 => Sha256::digest(whole).to_vec(),
            _ => Sha512::digest(whole).to_vec(),
        };
        format!("{usage} {selector} {matching} {}", hex(&data))
    };
    let next = format!("3 1 1 {}", "07".repeat(32));
    let good = |domain, records, problems| Case {
        domain,
        records,
        matched: Some(true),
        strict: Some(Strict::Dane),
        problems,
    };
    let bad = |domain, records, problems| Case {
        domain,
        records,
        matched: Some(false),
        strict: Some(Strict::RefusedDane),
        problems,
    };
    vec![
        good("ee", vec![record(3, 1, 1, &leaf)], vec![Problem::DaneNoSpare]),
        good("rollover", vec![next.clone(), record(3, 1, 1, &leaf)], vec![]),
        good("mail", vec![record(2, 1, 1, &root), next.clone()], vec![]),
        // The alias's end has the records of the one before.
        good("alias", vec![], vec![]),
        good("long", vec![record(3, 0, 2, &leaf), next.clone()], vec![]),
        good("whole", vec![record(3, 0, 0, &leaf), next.clone()], vec![]),
        bad("old", vec![next.clone()], vec![Problem::DaneMismatch]),
        // The authority's, and the certificate is for another name.
        bad("name", vec![record(2, 0, 1, &root)], vec![Problem::DaneMismatch]),
        bad("usage", vec![record(2, 1, 1, &leaf)], vec![Problem::DaneMismatch]),
        good(
            "odd",
            vec![record(1, 1, 1, &leaf), record(3, 1, 1, &leaf), next],
            vec![Problem::DaneUnusableUsage],
        ),
    ]
}

/// Every domain has an exchanger of its own name, and all of them are Postfix.
fn zone(postfix: &Bed, cases: &[Case]) -> Plan {
    let here: Ipv4Addr = postfix.address;
    let mut plan = Bed::of("signed").line("@ bed.test nsec");
    for case in cases {
        let name = case.domain;
        // The certificate is for `mail.bed.test`.
        let host = if name == "mail" { "mail".to_owned() } else { format!("mx-{name}") };
        plan = match name {
            "alias" => plan.line(format!("{host} CNAME mail")),
            _ => plan.line(format!("{host} A {here}")),
        };
        plan = plan.line(format!("for-{name} MX 10 {host}"));
        for record in &case.records {
            plan = plan.line(format!("_25._tcp.{host} TLSA {record}"));
        }
    }
    plan
}
