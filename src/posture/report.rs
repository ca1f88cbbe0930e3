//! All that one look at a domain found.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::bimi::BimiFacts;
use super::dkim::DkimFacts;
use super::dmarc::DmarcFacts;
use super::mta_sts::MtaStsFacts;
use super::mx::MxFacts;
use super::problem::{Area, Finding, Severity};
use super::sender::SenderFacts;
use super::spf::SpfFacts;
use super::subject::Subject;
use super::tls_rpt::TlsRptFacts;

/// What was seen of a domain. A fact that could not be told is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was looked at.
    pub subject: Arc<Subject>,
    /// When the look ended.
    pub ended: SystemTime,
    /// How long it took, without waiting for permits.
    pub duration: Duration,
    /// SPF.
    pub spf: SpfFacts,
    /// DKIM, one for each configured selector, in order.
    pub dkim: Vec<DkimFacts>,
    /// DMARC.
    pub dmarc: DmarcFacts,
    /// MTA-STS.
    pub mta_sts: MtaStsFacts,
    /// TLS-RPT.
    pub tls_rpt: TlsRptFacts,
    /// BIMI.
    pub bimi: BimiFacts,
    /// The mail exchangers, with DANE and what a strict sender would do.
    pub mx: MxFacts,
    /// The sending addresses' reverse names, in order.
    pub senders: Vec<SenderFacts>,
    /// What a person should do something about, in order of area.
    pub findings: Vec<Finding>,
    /// What was asked and answered, for a person: records' text stands here and nowhere in labels.
    pub transcript: Vec<Exchange>,
}

/// A question and its answer as text, printable, at most 2 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Such as `TXT example.net`, or `GET https://mta-sts.example.net/...`.
    pub question: String,
    /// The records' text, or why there are none.
    pub answer: String,
}

impl Report {
    /// How many findings an area has at a severity.
    pub fn count(&self, area: Area, severity: Severity) -> usize {
        let counts = |finding: &&Finding| {
            finding.problem.area() == area && finding.problem.severity() == severity
        };
        self.findings.iter().filter(counts).count()
    }
}

/// The most exchanges that a report keeps.
pub const MAX_EXCHANGES: usize = 200;
