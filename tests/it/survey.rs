//! Looks at a whole domain: a signed zone, a web server with a policy, and an exchanger, all here.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use hickory_resolver::proto::rr::rdata::{A, MX, PTR, TLSA, TXT};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use sha2::{Digest as _, Sha256};
use smtp_exporter::demo::{Authority, Behaviour, Certificate, Server};
use smtp_exporter::posture::mta_sts::StsMode;
use smtp_exporter::posture::mx::Strict;
use smtp_exporter::posture::spf::SpfResult;
use smtp_exporter::posture::tlsa::{DaneStatus, Shown};
use smtp_exporter::posture::{Area, Problem, Report, Subject};
use smtp_exporter::probe::Prober;
use smtp_exporter::target::{HostBudget, Own, Policy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::net::fake_dns::{FakeDns, Say, name};
use crate::net::signed::Signed;

const DOMAIN: &str = "demo.test";
const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: *.demo.test\r\nmax_age: 604800\r\n";

/// What is asked: name and type, in order.
type Asked = Arc<Mutex<Vec<(String, RecordType)>>>;

/// Everything that a look needs.
struct World {
    exchanger: Server,
    policy: SocketAddr,
    zone: Signed,
    directory: tempfile::TempDir,
}

impl World {
    async fn start(behaviour: Behaviour) -> Self {
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let exchanger = Server::start(anywhere, behaviour.named("mx.demo.test")).unwrap();
        let mut zone = Signed::new(DOMAIN);
        let here = RData::A(A(Ipv4Addr::LOCALHOST));
        let text = |text: &str| RData::TXT(TXT::new(vec![text.to_owned()]));
        zone.add(DOMAIN, RData::MX(MX::new(10, name("mx.demo.test"))));
        zone.add("mx.demo.test", here.clone());
        zone.add("mta-sts.demo.test", here);
        zone.add("out.demo.test", RData::A(A(Ipv4Addr::new(192, 0, 2, 25))));
        zone.add(DOMAIN, text("v=spf1 ip4:192.0.2.25 -all"));
        zone.add(
            "s1._domainkey.demo.test",
            text("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
        );
        zone.add("_dmarc.demo.test", text("v=DMARC1; p=reject; rua=mailto:dmarc@demo.test"));
        zone.add("_mta-sts.demo.test", text("v=STSv1; id=1;"));
        zone.add("_smtp._tls.demo.test", text("v=TLSRPTv1; rua=mailto:tls@demo.test"));
        zone.add("default._bimi.demo.test", text("v=BIMI1; l=https://demo.test/logo.svg"));
        let leaf = &Authority::shared().unwrap().chain(Certificate::Good)[0];
        let digest = Sha256::digest(Shown::read(leaf).unwrap().spki).to_vec();
        let at = format!("_{}._tcp.mx.demo.test", exchanger.address().port());
        for data in [digest, vec![7; 32]] {
            let tlsa = TLSA::new(CertUsage::DaneEe, Selector::Spki, Matching::Sha256, data);
            zone.add(&at, RData::TLSA(tlsa));
        }
        let directory = tempfile::tempdir().unwrap();
        Self { exchanger, policy: web_server().await, zone, directory }
    }

    fn subject(&self) -> Arc<Subject> {
        Arc::new(Subject {
            dkim_selectors: vec!["s1".into(), "s2".into()],
            sending_addresses: vec!["192.0.2.25".parse().unwrap()],
            helo: Some("out.demo.test".into()),
            mx_port: self.exchanger.address().port(),
            policy_port: self.policy.port(),
            ..Subject::new(DOMAIN)
        })
    }

    /// A prober that asks a DNS of this zone; `fault` goes before the zone.
    async fn prober(
        self,
        policy: Policy,
        fault: impl Fn(&str, RecordType) -> Option<Say> + Send + Sync + 'static,
    ) -> (Prober, Server, Asked) {
        let Self { zone, directory, exchanger, .. } = self;
        let anchor = zone.anchor(directory.path());
        let asked = Asked::default();
        let dns = FakeDns::start({
            let asked = asked.clone();
            move |asked_for, kind| {
                asked.lock().unwrap().push((asked_for.to_ascii_lowercase(), kind));
                if let Some(say) = fault(asked_for, kind) {
                    return say;
                }
                if asked_for == "25.2.0.192.in-addr.arpa" {
                    let named = RData::PTR(PTR(name("out.demo.test")));
                    return Say::Records(vec![Record::from_rdata(name(asked_for), 60, named)]);
                }
                zone.say(asked_for, kind)
            }
        })
        .await;
        let ca_file = directory.path().join("ca.pem");
        std::fs::write(&ca_file, Authority::shared().unwrap().ca_pem()).unwrap();
        let policy = Policy {
            helo: Some("probe.demo.test".into()),
            dns_servers: vec![dns.address],
            dns_timeout: Duration::from_millis(800),
            dns_trust_anchor: Some(anchor),
            ca_file: Some(ca_file),
            host_budget: HostBudget { max_concurrent: 1, min_gap: Duration::from_millis(50) },
            ..policy
        };
        (Prober::new(policy).unwrap(), exchanger, asked)
    }
}

/// The policy's server.
async fn web_server() -> SocketAddr {
    let config = Authority::shared().unwrap().server_config(Certificate::Good).unwrap();
    let acceptor = TlsAcceptor::from(config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{POLICY}",
                POLICY.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

fn ours() -> Policy {
    Policy { own: Own { domains: vec!["test".into()], ..Own::default() }, ..Policy::default() }
}

async fn look(prober: &Prober, subject: &Arc<Subject>) -> Report {
    prober.survey(subject, None, &CancellationToken::new()).await.unwrap()
}

fn problems(report: &Report) -> Vec<Problem> {
    report.findings.iter().map(|finding| finding.problem).collect()
}

#[tokio::test]
async fn a_good_domain_is_seen_whole_and_everything_is_asked_once() {
    let world = World::start(Behaviour::healthy()).await;
    let subject = world.subject();
    let (prober, exchanger, asked) = world.prober(ours(), |_, _| None).await;
    let report = look(&prober, &subject).await;
    assert_eq!(report.spf.senders[0].result, SpfResult::Pass);
    assert_eq!((report.dkim[0].valid, report.dkim[1].present), (Some(true), Some(false)));
    assert_eq!((report.dmarc.present, report.dmarc.valid), (Some(true), Some(true)));
    let sts = &report.mta_sts;
    assert_eq!(
        (sts.fetched, sts.mode, sts.valid),
        (Some(true), Some(StsMode::Enforce), Some(true))
    );
    assert_eq!((report.tls_rpt.valid, report.bimi.present), (Some(true), Some(true)));
    assert_eq!(report.senders[0].confirmed, Some(true));
    assert_eq!(report.senders[0].helo_confirmed, Some(true));
    let host = &report.mx.hosts[0];
    assert_eq!((host.reached, host.starttls, host.pkix), (Some(true), Some(true), Some(true)));
    assert_eq!(host.sts_covered, Some(true));
    assert_eq!(
        (host.dane.status, host.dane.matched, host.dane.spare, host.dane.usable),
        (Some(DaneStatus::Secure), Some(true), Some(true), 2),
        "{:?}",
        report.transcript
    );
    assert_eq!(host.strict, Some(Strict::Dane));
    // The second selector has no key, and nothing else is wrong but that this certificate was made
    // just now. That the exchanger is on loopback is no fault below `.test`.
    let expected = [Problem::DkimMissing, Problem::DaneCertificateTooYoung];
    let found = problems(&report);
    assert!(found.iter().all(|problem| expected.contains(problem)), "{:?}", report.findings);
    assert!(found.contains(&Problem::DkimMissing), "{:?}", report.findings);
    assert!(report.findings.is_sorted_by_key(|finding| finding.problem.area()));
    let mut questions = asked.lock().unwrap().clone();
    let all = questions.len();
    questions.sort();
    questions.dedup();
    assert_eq!(questions.len(), all, "{:?}", asked.lock().unwrap());
    let stats = exchanger.stats();
    assert_eq!((stats.said("EHLO"), stats.said("QUIT"), stats.said("MAIL")), (2, 1, 0));
    let told = |question: &str| {
        report.transcript.iter().find(|e| e.question.starts_with(question)).map(|e| &*e.answer)
    };
    assert!(told("TXT demo.test").unwrap().starts_with("\"v=spf1"), "{:?}", report.transcript);
    assert!(told("GET https://mta-sts.demo.test").unwrap().contains("mode: enforce"));
    assert!(told("MX demo.test").unwrap().contains("DNSSEC secure"));
    assert!(told("EHLO and STARTTLS at mx.demo.test").unwrap().contains("verifies"));
}

#[tokio::test]
async fn what_fails_in_one_area_is_told_there_and_nowhere_else() {
    let world = World::start(Behaviour::with_certificate(Certificate::Expired)).await;
    let subject = world.subject();
    let (prober, _exchanger, _) = world
        .prober(ours(), |asked, kind| match (asked, kind) {
            ("_dmarc.demo.test", _) => Some(Say::Nothing),
            ("demo.test", RecordType::TXT) => Some(Say::Code(ResponseCode::ServFail)),
            (_, RecordType::TLSA) => Some(Say::Code(ResponseCode::ServFail)),
            ("25.2.0.192.in-addr.arpa", _) => Some(Say::Code(ResponseCode::Refused)),
            _ => None,
        })
        .await;
    let report = look(&prober, &subject).await;
    assert_eq!((report.spf.present, report.dmarc.present), (None, None));
    assert_eq!(report.dkim[0].valid, Some(true));
    assert_eq!(report.senders[0].present, None);
    assert_eq!(report.mta_sts.fetched, Some(true));
    let host = &report.mx.hosts[0];
    assert_eq!((host.reached, host.pkix), (Some(true), Some(false)));
    assert_eq!(host.dane.status, Some(DaneStatus::Failed));
    let found = problems(&report);
    for problem in [
        Problem::SpfDnsFailure,
        Problem::DmarcDnsFailure,
        Problem::DaneLookupFailed,
        Problem::MtaStsMxCertificate,
        Problem::PtrDnsFailure,
    ] {
        assert!(found.contains(&problem), "{problem}: {:?}", report.findings);
    }
    assert!(!found.contains(&Problem::DaneMismatch) && !found.contains(&Problem::SpfMissing));
}

#[tokio::test]
async fn forged_addresses_are_bogus_and_nobody_goes_there() {
    let mut world = World::start(Behaviour::healthy()).await;
    world.zone.forged.push("mx.demo.test".to_owned());
    let subject = world.subject();
    let (prober, exchanger, _) = world.prober(ours(), |_, _| None).await;
    let report = look(&prober, &subject).await;
    let host = &report.mx.hosts[0];
    assert_eq!((host.dane.status, host.reached), (Some(DaneStatus::Bogus), None));
    let bogus = |f: &&smtp_exporter::posture::Finding| f.problem == Problem::DaneBogus;
    assert_eq!(report.findings.iter().filter(bogus).count(), 1, "{:?}", report.findings);
    assert_eq!(exchanger.stats().said("EHLO"), 0);
}

/// Whoever runs a domain chooses where its records lead.
#[tokio::test]
async fn a_strangers_domain_does_not_lead_into_our_network() {
    let world = World::start(Behaviour::healthy()).await;
    let subject = world.subject();
    let (prober, exchanger, _) = world.prober(Policy::default(), |_, _| None).await;
    let report = look(&prober, &subject).await;
    assert_eq!((report.mx.hosts[0].reached, report.mx.hosts[0].pkix), (None, None));
    assert_eq!(report.mta_sts.fetched, Some(false));
    assert_eq!(exchanger.stats().said("EHLO"), 0);
    let inside = report.transcript.iter().filter(|e| e.answer.contains("not a public address"));
    assert_eq!(inside.count(), 2, "{:?}", report.transcript);
}

#[tokio::test]
async fn a_pause_is_honoured_and_leaves_facts_untold() {
    let world = World::start(Behaviour::too_many_connections()).await;
    let subject = world.subject();
    let address = world.exchanger.address().ip();
    let (prober, exchanger, _) = world.prober(ours(), |_, _| None).await;
    let report = look(&prober, &subject).await;
    // It greeted, if only to send us away, and showed no certificate.
    let host = &report.mx.hosts[0];
    assert_eq!((host.reached, host.starttls, host.pkix), (Some(true), None, None));
    assert!(prober.pause_of(address).is_some());
    let report = look(&prober, &subject).await;
    let host = &report.mx.hosts[0];
    assert_eq!((host.reached, host.starttls, host.dane.matched), (None, None, None));
    assert_eq!(exchanger.stats().sessions, 1);
    assert!(report.transcript.iter().any(|e| e.answer.contains("paused")));
    assert_eq!(report.mta_sts.fetched, Some(true));
}

#[tokio::test]
async fn a_look_that_is_told_to_stop_says_nothing() {
    let world = World::start(Behaviour::healthy()).await;
    let subject = world.subject();
    let policy = Policy { dns_timeout: Duration::from_secs(60), ..ours() };
    let (prober, _exchanger, _) = world.prober(policy, |_, _| Some(Say::Nothing)).await;
    let stop = CancellationToken::new();
    let began = tokio::time::Instant::now();
    let (report, ()) = tokio::join!(prober.survey(&subject, None, &stop), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.cancel();
    });
    assert!(report.is_none() && began.elapsed() < Duration::from_secs(2));
    assert!(prober.survey(&subject, None, &stop).await.is_none());
}

/// Nobody answers: every fact is untold, and only problems of the DNS are found.
#[tokio::test]
async fn with_a_dead_resolver_nothing_is_told() {
    let world = World::start(Behaviour::healthy()).await;
    let subject = world.subject();
    let broken = |_: &str, _| Some(Say::Code(ResponseCode::ServFail));
    let (prober, exchanger, _) = world.prober(ours(), broken).await;
    let report = look(&prober, &subject).await;
    assert_eq!((report.spf.present, report.dmarc.present), (None, None));
    assert_eq!((report.mta_sts.present, report.tls_rpt.present), (None, None));
    assert_eq!((report.bimi.present, report.mx.records), (None, None));
    assert_eq!((report.dkim[0].present, report.senders[0].present), (None, None));
    for finding in &report.findings {
        assert!(finding.problem.as_str().ends_with("dns_failure"), "{finding:?}");
    }
    assert!(report.findings.iter().any(|f| f.problem.area() == Area::Mx));
    assert_eq!(exchanger.stats().said("EHLO"), 0);
}
