//! What the status page and the API show of a check.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::report::{utc, utc_of};
use crate::cause::{Blame, Cause, Family, Permanence, Rules, advice};
use crate::observation::{
    EndpointState, Failure, Observation, Skip, SkipReason, TlsFacts, TlsVersion, VerifyFailure,
};
use crate::smtp::Phase;
use crate::store::{EndpointView, Store, View};
use crate::target::{CheckKey, Endpoint};

closed_enum! {
    /// The state of a check in one word. For a module with `expect`, `up` means as expected.
    pub enum Condition {
        /// A session was accepted, or all was as expected.
        Up => "up",
        /// No endpoint accepts a session, or something is not as expected.
        Down => "down",
        /// Every remote asked us to stay away.
        Paused => "paused",
        /// Nothing trustworthy is known.
        Unknown => "unknown",
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) target: Arc<str>,
    pub(super) module: Arc<str>,
    pub(super) place: String,
    pub(super) labels: BTreeMap<String, String>,
    #[serde(rename = "interval_seconds", serialize_with = "seconds")]
    pub(super) interval: Duration,
    pub(super) state: Condition,
    /// The module has `expect`.
    pub(super) negative: bool,
    #[serde(serialize_with = "time")]
    pub(super) since: Option<SystemTime>,
    pub(super) responding: Option<bool>,
    pub(super) failure: Option<FailureRow>,
    /// The last reply's code where the failure happened, else at the first endpoint.
    pub(super) reply_code: Option<u16>,
    pub(super) consecutive_failures: u64,
    pub(super) mx_records: Option<u32>,
    pub(super) left_out: u32,
    #[serde(serialize_with = "time")]
    pub(super) paused_until: Option<SystemTime>,
    #[serde(serialize_with = "time")]
    pub(super) last_round: Option<SystemTime>,
    #[serde(serialize_with = "time")]
    pub(super) next_round: Option<SystemTime>,
    /// A failed resolve is one of them, without an address.
    pub(super) endpoints: Vec<EndpointRow>,
    /// Endpoints that the name stands for and that were never probed.
    pub(super) waiting: Vec<WaitingRow>,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct EndpointRow {
    /// What `/logs?id=` takes.
    pub(super) id: String,
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) address: Option<IpAddr>,
    pub(super) source: Option<IpAddr>,
    pub(super) mx_preference: Option<u16>,
    pub(super) state: EndpointState,
    pub(super) success: bool,
    #[serde(serialize_with = "time")]
    pub(super) ended: Option<SystemTime>,
    #[serde(rename = "duration_seconds", serialize_with = "seconds")]
    pub(super) duration: Duration,
    #[serde(serialize_with = "time")]
    pub(super) last_success: Option<SystemTime>,
    pub(super) phases: Vec<PhaseRow>,
    pub(super) replies: Vec<ReplyRow>,
    pub(super) starttls_offered: Option<bool>,
    pub(super) tls: Option<TlsRow>,
    pub(super) failure: Option<FailureRow>,
    #[serde(serialize_with = "time")]
    pub(super) paused_until: Option<SystemTime>,
    pub(super) paused_cause: Option<Cause>,
}

/// An endpoint that was never probed, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct WaitingRow {
    host: Arc<str>,
    port: u16,
    address: Option<IpAddr>,
    reason: SkipReason,
    #[serde(serialize_with = "time")]
    until: Option<SystemTime>,
    cause: Option<Cause>,
}

/// How long a phase took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PhaseRow {
    phase: Phase,
    seconds: f64,
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ReplyRow {
    phase: Phase,
    code: u16,
    enhanced: Option<String>,
    cause: Option<Cause>,
}

/// TLS.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct TlsRow {
    established: bool,
    verified: Option<bool>,
    version: Option<TlsVersion>,
    cipher: Option<&'static str>,
    group: Option<&'static str>,
    verify_failures: Vec<VerifyFailure>,
    subject: Option<String>,
    not_after: Option<String>,
    chain_not_after: Option<String>,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FailureRow {
    pub(super) phase: Phase,
    pub(super) cause: Cause,
    pub(super) blame: Blame,
    pub(super) permanence: Permanence,
    pub(super) rule: String,
    /// What kind of evidence the rule goes by; none when the cause was not read from a reply.
    pub(super) confidence: Option<Family>,
    pub(super) detail: String,
    pub(super) meaning: &'static str,
    pub(super) action: &'static str,
    /// How long to wait, where that mends it.
    pub(super) wait: Option<&'static str>,
    pub(super) doc: String,
}

/// Every check, in order.
pub(super) fn rows(store: &Store, rules: &Rules, now: SystemTime) -> Vec<Row> {
    store.views().iter().map(|view| Row::of(view, rules, now)).collect()
}

impl Row {
    pub(super) fn of(view: &View, rules: &Rules, now: SystemTime) -> Self {
        let key = view.check.key();
        let verdict = &view.verdict;
        let paused_until = view.paused_until.filter(|until| *until > now);
        let state = match (paused_until, verdict.good()) {
            (Some(_), _) => Condition::Paused,
            (None, Some(true)) => Condition::Up,
            (None, Some(false)) => Condition::Down,
            (None, None) => Condition::Unknown,
        };
        Self {
            place: view.check.target.place.to_string(),
            labels: view.check.target.labels.clone(),
            interval: view.check.interval(),
            state,
            negative: view.check.module.expect.is_some(),
            since: view.since,
            responding: verdict.responding,
            failure: verdict.failure.as_ref().map(|failure| FailureRow::of(failure, rules)),
            reply_code: telling_code(view),
            consecutive_failures: view.consecutive_failures,
            mx_records: view.mx_records,
            left_out: view.left_out,
            paused_until,
            last_round: view.last_round,
            next_round: view.next_round,
            endpoints: view
                .resolve_failure
                .iter()
                .chain(view.endpoints.values())
                .map(|seen| EndpointRow::of(&key, seen, rules, now))
                .collect(),
            waiting: view
                .waiting
                .iter()
                .map(|(endpoint, skip)| WaitingRow::of(endpoint, skip))
                .collect(),
            target: key.0,
            module: key.1,
        }
    }
}

impl EndpointRow {
    fn of(key: &CheckKey, seen: &EndpointView, rules: &Rules, now: SystemTime) -> Self {
        let last = &seen.last;
        let endpoint = &last.endpoint;
        let paused = seen.paused.filter(|(until, _)| *until > now);
        Self {
            id: id(key, endpoint),
            host: endpoint.host.clone(),
            port: endpoint.port,
            address: endpoint.address,
            source: endpoint.source,
            mx_preference: endpoint.mx_preference,
            state: seen.state(now),
            success: last.success(),
            ended: Some(last.ended),
            duration: last.duration,
            last_success: seen.last_success,
            phases: last
                .phases
                .iter()
                .map(|(phase, took)| PhaseRow { phase: *phase, seconds: took.as_secs_f64() })
                .collect(),
            replies: last
                .replies
                .iter()
                .map(|reply| ReplyRow {
                    phase: reply.phase,
                    code: reply.code,
                    enhanced: reply.enhanced.map(|enhanced| enhanced.to_string()),
                    cause: reply.cause,
                })
                .collect(),
            starttls_offered: last.starttls_offered,
            tls: last.tls.as_ref().map(TlsRow::of),
            failure: last.trouble().as_ref().map(|failure| FailureRow::of(failure, rules)),
            paused_until: paused.map(|(until, _)| until),
            paused_cause: paused.map(|(_, cause)| cause),
        }
    }
}

impl WaitingRow {
    fn of(endpoint: &Endpoint, skip: &Skip) -> Self {
        Self {
            host: endpoint.host.clone(),
            port: endpoint.port,
            address: endpoint.address,
            reason: skip.reason,
            until: skip.until,
            cause: skip.cause,
        }
    }
}

impl TlsRow {
    fn of(tls: &TlsFacts) -> Self {
        let leaf = tls.chain.first();
        Self {
            established: tls.established,
            verified: tls.verified,
            version: tls.version,
            cipher: tls.cipher,
            group: tls.group,
            verify_failures: tls.failures.clone(),
            subject: leaf.map(|leaf| leaf.subject.clone()),
            not_after: leaf.map(|leaf| utc_of(leaf.not_after)),
            chain_not_after: tls.chain_not_after().map(utc_of),
        }
    }
}

impl FailureRow {
    fn of(failure: &Failure, rules: &Rules) -> Self {
        let advice = advice::of(failure.cause);
        Self {
            phase: failure.phase,
            cause: failure.cause,
            blame: failure.blame,
            permanence: failure.permanence,
            rule: failure.rule.clone().into_owned(),
            confidence: rules.confidence(&failure.rule),
            detail: failure.detail.clone(),
            meaning: advice.meaning,
            action: advice.action,
            wait: advice.wait.filter(|_| failure.permanence == Permanence::Transient),
            doc: rules.doc(&failure.rule).unwrap_or(advice.doc).to_owned(),
        }
    }
}

/// A name for an endpoint of a check that stays the same over restarts, for links.
pub(super) fn id(key: &CheckKey, endpoint: &Endpoint) -> String {
    let text = format!(
        "{}\0{}\0{}\0{:?}\0{:?}",
        key.0,
        key.1,
        endpoint.label(),
        endpoint.address,
        endpoint.source
    );
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The code that explains the verdict: of the endpoint that failed as the verdict says, QUIT apart.
fn telling_code(view: &View) -> Option<u16> {
    let fits = |observation: &Observation| match (&view.verdict.failure, observation.trouble()) {
        (Some(a), Some(b)) => (a.phase, a.cause) == (b.phase, b.cause),
        (None, None) => true,
        _ => false,
    };
    let mut seen = view.endpoints.values().map(|endpoint| &*endpoint.last);
    let first = seen.clone().next();
    let observation = seen.find(|observation| fits(observation)).or(first)?;
    observation.replies.iter().rfind(|reply| reply.phase != Phase::Quit).map(|reply| reply.code)
}

fn time<S: Serializer>(at: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(utc).serialize(serializer)
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
