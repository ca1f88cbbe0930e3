//! The latest look at each domain's records and keys, and since when each problem is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::posture::mta_sts::MtaStsFacts;
use crate::posture::{Area, Exchange, Finding, On, Problem, Report, Subject};

/// What is known of all domains.
#[derive(Debug, Default)]
pub struct Postures(Mutex<BTreeMap<Arc<str>, Entry>>);

/// One domain.
#[derive(Debug)]
struct Entry {
    /// The generation in which the subject came to be as it is.
    born: u64,
    view: Arc<PostureView>,
    /// The last MTA-STS facts with an `id` and a policy: a look at which nobody answered must not hide
    /// that one of them changed without the other.
    policy: Option<MtaStsFacts>,
}

/// What is known of a domain.
#[derive(Debug, Clone, PartialEq)]
pub struct PostureView {
    /// What is looked at.
    pub subject: Arc<Subject>,
    /// The last look.
    pub report: Option<Arc<Report>>,
    /// Since when each problem is there, as far as this exporter has seen. One that the last look
    /// could not tell of, because the DNS did not answer, is kept.
    pub since: BTreeMap<(Problem, On), SystemTime>,
    /// When it is looked at next.
    pub next: Option<SystemTime>,
}

/// Problems that came and went with a look.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PostureChange {
    /// Those that were not there before.
    pub came: Vec<Finding>,
    /// Those that are gone, each with what it is about.
    pub went: Vec<(Problem, On)>,
}

impl PostureView {
    /// Since when a problem is there.
    pub fn since(&self, finding: &Finding) -> Option<SystemTime> {
        self.since.get(&(finding.problem, finding.on.clone())).copied()
    }
}

impl Postures {
    /// Makes it hold exactly these domains. One at which the same is looked at keeps what is known,
    /// also under new labels or another interval; the others start anew.
    pub fn replace(&self, subjects: &[Arc<Subject>], generation: u64) {
        let mut entries = self.lock();
        let mut old = std::mem::take(&mut *entries);
        for subject in subjects {
            let kept = old
                .remove(&subject.domain)
                .filter(|entry| entry.view.subject.is_same_look(subject))
                .map(|mut entry| {
                    entry.adopt(subject);
                    entry
                });
            let entry = kept.unwrap_or_else(|| Entry::new(subject.clone(), generation));
            entries.insert(subject.domain.clone(), entry);
        }
    }

    /// Puts a look in, and tells which problems came and went. Dropped when the domain is gone, or
    /// is looked at otherwise since `generation`.
    pub fn put(&self, generation: u64, report: Report) -> PostureChange {
        let mut entries = self.lock();
        let found = entries.get_mut(&report.subject.domain);
        let Some(entry) = found.filter(|entry| entry.born <= generation) else {
            return PostureChange::default();
        };
        entry.take(report)
    }

    /// When a domain is looked at next.
    pub fn set_next(&self, generation: u64, domain: &str, at: SystemTime) {
        if let Some(entry) = self.lock().get_mut(domain).filter(|entry| entry.born <= generation) {
            Arc::make_mut(&mut entry.view).next = Some(at);
        }
    }

    /// The last look at a domain, for the next one to compare with: its MTA-STS facts are the last that
    /// could be told.
    pub fn before(&self, domain: &str) -> Option<Arc<Report>> {
        let entries = self.lock();
        let entry = entries.get(domain)?;
        let mut report = entry.view.report.clone()?;
        if let Some(policy) = entry.policy.as_ref().filter(|policy| **policy != report.mta_sts) {
            Arc::make_mut(&mut report).mta_sts = policy.clone();
        }
        Some(report)
    }

    /// What is known of one domain.
    pub fn view(&self, domain: &str) -> Option<Arc<PostureView>> {
        self.lock().get(domain).map(|entry| entry.view.clone())
    }

    /// Every domain, in order of name.
    pub fn views(&self) -> Vec<Arc<PostureView>> {
        self.lock().values().map(|entry| entry.view.clone()).collect()
    }

    /// A panic elsewhere must not lose what is known: every change leaves views that can be read.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new(subject: Arc<Subject>, generation: u64) -> Self {
        let view = PostureView { subject, report: None, since: BTreeMap::new(), next: None };
        Self { born: generation, view: Arc::new(view), policy: None }
    }

    /// Takes over labels and interval.
    fn adopt(&mut self, subject: &Arc<Subject>) {
        if self.view.subject == *subject {
            return;
        }
        let view = Arc::make_mut(&mut self.view);
        view.subject = subject.clone();
        if let Some(report) = &mut view.report {
            Arc::make_mut(report).subject = subject.clone();
        }
    }

    fn take(&mut self, mut report: Report) -> PostureChange {
        // The labels may have changed while the look was under way.
        report.subject = self.view.subject.clone();
        report.findings.truncate(MAX_FINDINGS);
        cut(&mut report.transcript);
        let policy = &report.mta_sts;
        let told = policy.id.is_some() && policy.policy_sha256.is_some();
        if told {
            self.policy = Some(policy.clone());
        }
        let silent: BTreeSet<Area> = report
            .findings
            .iter()
            .filter(|finding| is_silence(finding.problem))
            .map(|finding| finding.problem.area())
            .collect();
        let view = Arc::make_mut(&mut self.view);
        let mut old = std::mem::take(&mut view.since);
        let mut change = PostureChange::default();
        for finding in &report.findings {
            let key = (finding.problem, finding.on.clone());
            if view.since.contains_key(&key) {
                continue;
            }
            let since = old.remove(&key).unwrap_or_else(|| {
                change.came.push(finding.clone());
                report.ended
            });
            view.since.insert(key, since);
        }
        for (key, since) in old {
            if silent.contains(&key.0.area()) && !is_silence(key.0) {
                // Nobody answered, which does not mean that it is mended.
                view.since.insert(key, since);
            } else {
                change.went.push(key);
            }
        }
        view.report = Some(Arc::new(report));
        change
    }
}

/// The problem is that nothing could be told of the others of its area.
const fn is_silence(problem: Problem) -> bool {
    matches!(
        problem,
        Problem::SpfDnsFailure
            | Problem::DkimDnsFailure
            | Problem::DmarcDnsFailure
            | Problem::MtaStsDnsFailure
            | Problem::TlsrptDnsFailure
            | Problem::DaneLookupFailed
            | Problem::MxDnsFailure
            | Problem::PtrDnsFailure
    )
}

/// Cuts a transcript to [`TRANSCRIPT_BYTES`], and says so.
fn cut(transcript: &mut Vec<Exchange>) {
    let mut bytes = 0;
    let fits = |exchange: &Exchange| {
        bytes += exchange.question.len() + exchange.answer.len();
        bytes <= TRANSCRIPT_BYTES
    };
    let kept = transcript.iter().map(fits).take_while(|fits| *fits).count();
    let more = transcript.len() - kept;
    if more > 0 {
        transcript.truncate(kept);
        transcript.push(Exchange {
            question: format!("{more} more"),
            answer: "not kept: the transcript of a domain has at most 64 KiB".to_owned(),
        });
    }
}

/// Bytes of a domain's transcript that are kept.
pub const TRANSCRIPT_BYTES: usize = 64 << 10;

/// The most findings that are kept of one look.
pub const MAX_FINDINGS: usize = 500;
