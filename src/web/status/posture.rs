//! What was seen of domains' records and keys, and since when each problem is there.

use std::sync::Arc;
use std::time::SystemTime;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::posture::{Finding, Report, Severity, json as as_json};
use crate::store::{PostureView, Store};
use crate::web::report::utc;

closed_enum! {
    /// How a domain's records and keys are, the worst first.
    pub enum DomainState {
        /// There is an error.
        Bad => "error",
        /// There are warnings alone.
        Odd => "warning",
        /// It was not looked at yet.
        Waiting => "waiting",
        /// Nothing is wrong.
        Good => "good",
    }
}

/// A domain.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web) struct DomainRow {
    pub(in crate::web) view: Arc<PostureView>,
    pub(in crate::web) state: DomainState,
    pub(in crate::web) errors: usize,
    pub(in crate::web) warnings: usize,
    /// What was asked and answered may be shown.
    pub(in crate::web) transcript: bool,
}

impl DomainRow {
    /// Every domain, the worst first, then by name.
    pub(in crate::web) fn all(store: &Store, transcript: bool) -> Vec<Self> {
        let views = store.postures().views();
        let mut rows: Vec<Self> =
            views.into_iter().map(|view| Self::of(view, transcript)).collect();
        rows.sort_by(|a, b| {
            (a.state, &a.view.subject.domain).cmp(&(b.state, &b.view.subject.domain))
        });
        rows
    }

    /// One domain.
    pub(in crate::web) fn of(view: Arc<PostureView>, transcript: bool) -> Self {
        let counts = view.report.as_ref().map(|report| as_json::counts(report));
        let state = match counts {
            None => DomainState::Waiting,
            Some((0, 0)) => DomainState::Good,
            Some((0, _)) => DomainState::Odd,
            Some(_) => DomainState::Bad,
        };
        let (errors, warnings) = counts.unwrap_or_default();
        Self { view, state, errors, warnings, transcript }
    }

    pub(in crate::web) fn domain(&self) -> &str {
        &self.view.subject.domain
    }

    /// The last look.
    pub(in crate::web) fn report(&self) -> Option<&Report> {
        self.view.report.as_deref()
    }

    /// What is wrong, errors first.
    pub(in crate::web) fn findings(&self) -> Vec<&Finding> {
        let all = self.report().map_or(&[][..], |report| &report.findings);
        let of = |wanted: Severity| all.iter().filter(move |one| one.problem.severity() == wanted);
        of(Severity::Error).chain(of(Severity::Warning)).collect()
    }

    /// True when the row holds these words, in lower case: in its name, its labels or its problems.
    pub(in crate::web) fn holds(&self, words: &str) -> bool {
        let subject = &self.view.subject;
        let label = |(name, value): (&String, &String)| {
            format!("{name}={value}").to_lowercase().contains(words)
        };
        subject.domain.contains(words)
            || subject.labels.iter().any(label)
            || self.findings().iter().any(|one| one.problem.as_str().contains(words))
    }
}

impl Serialize for DomainRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = |at: Option<SystemTime>| at.map(utc);
        let report = self.report();
        let finding = |one: &&Finding| {
            let mut told = as_json::finding(one);
            if let Value::Object(keys) = &mut told {
                keys.insert("since".to_owned(), json!(time(self.view.since(one))));
            }
            told
        };
        let shown = report.filter(|_| self.transcript);
        json!({
            "domain": self.domain(),
            "labels": self.view.subject.labels,
            "state": self.state,
            "errors": self.errors,
            "warnings": self.warnings,
            "ended": time(report.map(|report| report.ended)),
            "duration_seconds": report.map(|report| report.duration.as_secs_f64()),
            "next_look": time(self.view.next),
            "facts": report.map(as_json::facts),
            "findings": self.findings().iter().map(finding).collect::<Vec<_>>(),
            "transcript": shown.map(as_json::transcript),
        })
        .serialize(serializer)
    }
}
