//! Posture, from what was seen of a domain to what is shown of it.

mod cli;
mod demo;
mod metrics;
mod store;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::posture::bimi::BimiFacts;
use smtp_exporter::posture::dkim::{DkimFacts, DkimKey};
use smtp_exporter::posture::dmarc::{Alignment, DmarcFacts, DmarcPolicy, ReportAddress};
use smtp_exporter::posture::mta_sts::{MtaStsFacts, StsMode};
use smtp_exporter::posture::mx::{MxFacts, MxHost, Strict};
use smtp_exporter::posture::sender::SenderFacts;
use smtp_exporter::posture::spf::{SpfAll, SpfFacts, SpfResult, SpfSender};
use smtp_exporter::posture::tls_rpt::TlsRptFacts;
use smtp_exporter::posture::tlsa::{DaneFacts, DaneStatus, Record};
use smtp_exporter::posture::{Exchange, Finding, On, Problem, Report, Subject};

use crate::support::seen::at;

/// A domain with a selector, an address and a label of its own.
pub(crate) fn subject(domain: &str) -> Arc<Subject> {
    Arc::new(Subject {
        dkim_selectors: vec!["s1".into()],
        sending_addresses: vec!["192.0.2.25".parse().unwrap()],
        helo: Some("mx1.example.net".into()),
        labels: BTreeMap::from([("team".to_owned(), "mail".to_owned())]),
        ..Subject::new(domain)
    })
}

/// A look that could not tell anything.
pub(crate) fn empty(subject: &Arc<Subject>) -> Report {
    Report {
        subject: subject.clone(),
        ended: at(60),
        duration: Duration::from_millis(1500),
        spf: SpfFacts::default(),
        dkim: subject
            .dkim_selectors
            .iter()
            .map(|selector| DkimFacts { selector: selector.clone(), ..DkimFacts::default() })
            .collect(),
        dmarc: DmarcFacts::default(),
        mta_sts: MtaStsFacts::default(),
        tls_rpt: TlsRptFacts::default(),
        bimi: BimiFacts::default(),
        mx: MxFacts {
            hosts: vec![MxHost { host: "mx1.example.net".into(), ..MxHost::default() }],
            ..MxFacts::default()
        },
        senders: subject.sending_addresses.iter().map(|address| nothing(*address)).collect(),
        findings: Vec::new(),
        transcript: Vec::new(),
    }
}

fn nothing(address: std::net::IpAddr) -> SenderFacts {
    SenderFacts {
        address,
        present: None,
        names: Vec::new(),
        confirmed: None,
        helo_matches: None,
        helo_confirmed: None,
        generic: None,
    }
}

/// A look at which everything was told.
pub(crate) fn full(subject: &Arc<Subject>) -> Report {
    let address = "192.0.2.25".parse().unwrap();
    Report {
        spf: SpfFacts {
            present: Some(true),
            valid: Some(true),
            record: Some("v=spf1 ip4:192.0.2.25 -all".to_owned()),
            all: Some(SpfAll::Fail),
            lookups: Some(0),
            void_lookups: Some(0),
            senders: vec![SpfSender {
                address,
                result: SpfResult::Pass,
                lookups: 0,
                void_lookups: 0,
                matched: Some("ip4:192.0.2.25 at example.net".to_owned()),
            }],
        },
        dkim: vec![DkimFacts {
            selector: "s1".into(),
            present: Some(true),
            valid: Some(true),
            key: Some(DkimKey::Rsa),
            bits: Some(2048),
            revoked: false,
            testing: true,
            key_sha256: Some([7; 32]),
            record: Some("v=DKIM1; t=y; p=MIIB".to_owned()),
        }],
        dmarc: DmarcFacts {
            present: Some(true),
            valid: Some(true),
            organizational: "example.net".to_owned(),
            at: Some("example.net".to_owned()),
            policy: Some(DmarcPolicy::Quarantine),
            subdomain_policy: Some(DmarcPolicy::Reject),
            percent: Some(50),
            dkim_alignment: Some(Alignment::Strict),
            spf_alignment: Some(Alignment::Relaxed),
            reports: vec![
                report_to(true, "example.net", None),
                report_to(true, "reports.example", Some(true)),
                report_to(false, "reports.example", Some(true)),
                report_to(false, "silent.example", Some(false)),
            ],
            record: Some("v=DMARC1; p=quarantine".to_owned()),
        },
        mta_sts: MtaStsFacts {
            present: Some(true),
            valid: Some(true),
            id: Some("20240101".to_owned()),
            fetched: Some(true),
            mode: Some(StsMode::Enforce),
            max_age: Some(Duration::from_secs(604_800)),
            patterns: vec!["mx1.example.net".to_owned()],
            policy_sha256: Some([9; 32]),
            announced_sha256: Some([9; 32]),
            record: Some("v=STSv1; id=20240101".to_owned()),
        },
        tls_rpt: TlsRptFacts {
            present: Some(true),
            valid: Some(true),
            record: Some("v=TLSRPTv1; rua=mailto:t@example.net".to_owned()),
        },
        bimi: BimiFacts { present: Some(false), record: None },
        mx: MxFacts {
            records: Some(2),
            valid: Some(true),
            null: false,
            implicit: false,
            hosts: vec![good_host(), refused_host()],
        },
        senders: vec![SenderFacts {
            address,
            present: Some(true),
            names: vec!["mx1.example.net".to_owned()],
            confirmed: Some(true),
            helo_matches: Some(true),
            helo_confirmed: Some(false),
            generic: Some(false),
        }],
        findings: vec![
            found(Problem::SpfSenderNotPassing, On::Address(address)),
            found(Problem::SpfPassAll, On::Domain),
            found(Problem::DkimTesting, On::Selector("s1".into())),
            found(Problem::DmarcPartial, On::Domain),
            found(Problem::MtaStsMxNotCovered, On::Mx("mx2.example.net".into())),
            found(Problem::MtaStsTesting, On::Domain),
            found(Problem::TlsrptInvalid, On::Domain),
            found(Problem::DaneMismatch, On::Mx("mx2.example.net".into())),
            found(Problem::MxStrictRefused, On::Mx("mx2.example.net".into())),
            found(Problem::MxImplicit, On::Domain),
            found(Problem::PtrHeloNotConfirmed, On::Address(address)),
        ],
        transcript: vec![Exchange {
            question: "TXT example.net".to_owned(),
            answer: "v=spf1 ip4:192.0.2.25 -all".to_owned(),
        }],
        ..empty(subject)
    }
}

fn report_to(aggregate: bool, domain: &str, authorized: Option<bool>) -> ReportAddress {
    let uri = format!("mailto:dmarc@{domain}");
    ReportAddress { aggregate, uri, domain: domain.to_owned(), authorized }
}

pub(crate) fn found(problem: Problem, on: On) -> Finding {
    Finding { problem, on, detail: format!("what was seen of {problem}") }
}

fn good_host() -> MxHost {
    let record = |usage, selector, matching| Record { usage, selector, matching, data: vec![1] };
    MxHost {
        host: "mx1.example.net".into(),
        preference: 10,
        addresses: Some(vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()]),
        reached: Some(true),
        starttls: Some(true),
        pkix: Some(true),
        sts_covered: Some(true),
        dane: DaneFacts {
            status: Some(DaneStatus::Secure),
            records: vec![record(3, 1, 1), record(3, 1, 1), record(2, 0, 1), record(7, 9, 255)],
            usable: 3,
            matched: Some(true),
            spare: Some(true),
            ttl: Some(Duration::from_secs(3600)),
        },
        strict: Some(Strict::Dane),
    }
}

/// A host whose DANE answer failed: nothing is known of its records.
fn refused_host() -> MxHost {
    MxHost {
        host: "mx2.example.net".into(),
        preference: 20,
        addresses: Some(Vec::new()),
        starttls: Some(false),
        pkix: Some(false),
        sts_covered: Some(false),
        dane: DaneFacts { status: Some(DaneStatus::Failed), ..DaneFacts::default() },
        strict: Some(Strict::RefusedMtaSts),
        ..MxHost::default()
    }
}
