//! The demo's domains, looked at: the DNS, the policy server and the mail exchangers are real ones.

use std::sync::Arc;

use smtp_exporter::config;
use smtp_exporter::demo::World;
use smtp_exporter::posture::spf::SpfResult;
use smtp_exporter::posture::{Problem, Report};
use smtp_exporter::probe::Prober;
use tokio_util::sync::CancellationToken;

/// The demo's world, and a look at each of its domains.
async fn looks() -> (World, Vec<Report>) {
    let world = World::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (authority, file) = (folder.path().join("ca.pem"), folder.path().join("demo.yml"));
    std::fs::write(&authority, world.ca_pem().unwrap()).unwrap();
    std::fs::write(&file, world.config_yaml(&authority)).unwrap();
    let config = config::load(Some(&file), &Default::default()).unwrap();
    let prober = Arc::new(Prober::new(config.policy.clone()).unwrap());
    let mut reports = Vec::new();
    for subject in &config.posture {
        let stop = CancellationToken::new();
        reports.push(prober.survey(subject, None, &stop).await.unwrap());
    }
    (world, reports)
}

fn problems(report: &Report) -> Vec<Problem> {
    let mut found: Vec<Problem> = report.findings.iter().map(|one| one.problem).collect();
    found.sort();
    found.dedup();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_as_it_should_be_and_one_has_faults() {
    let (world, reports) = looks().await;
    let [tidy, untidy] = reports.as_slice() else { panic!("{}", reports.len()) };
    assert_eq!(problems(tidy), [], "{:#?}", tidy.findings);
    assert_eq!(tidy.spf.senders[0].result, SpfResult::Pass);
    assert_eq!((tidy.dkim[0].valid, tidy.dkim[0].bits), (Some(true), Some(2048)));
    assert_eq!(tidy.mta_sts.valid, Some(true));
    let host = &tidy.mx.hosts[0];
    assert_eq!((host.reached, host.starttls, host.pkix), (Some(true), Some(true), Some(true)));
    assert_eq!(host.sts_covered, Some(true));
    // The demo's DNS signs nothing and proves nothing, so DANE cannot be told, nor what comes of it.
    assert_eq!((host.dane.status, host.strict), (None, None));
    assert_eq!(tidy.senders[0].confirmed, Some(true));

    assert_eq!(
        problems(untidy),
        [
            Problem::SpfTooManyLookups,
            Problem::SpfPassAll,
            Problem::SpfSenderNotPassing,
            Problem::DkimMissing,
            Problem::DkimRevoked,
            Problem::DmarcPolicyNone,
            Problem::DmarcNoReports,
            Problem::MtaStsMxCertificate,
            Problem::MtaStsShortMaxAge,
            Problem::MtaStsTesting,
            Problem::TlsrptMissing,
            Problem::PtrMissing,
        ],
        "{:#?}",
        untidy.findings
    );
    assert_eq!(untidy.spf.lookups, Some(11));
    assert!(!untidy.transcript.is_empty());
    world.stop().await;
}
