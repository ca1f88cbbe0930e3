//! One endpoint: phases, replies, the failure, and what was said.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{CapabilitiesRow, Depth, Facts, RegressionRow, TlsRow, instant, seconds, time};
use crate::cause::{Blame, Cause, Family, Permanence, Rules, advice, explain};
use crate::observation::{EndpointState, Failure, ReplySeen, Side, Skip, SkipReason, Transcript};
use crate::smtp::Phase;
use crate::store::EndpointView;
use crate::target::{CheckKey, Endpoint};

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct EndpointRow {
    /// What `/logs?id=` takes.
    pub(in crate::web) id: String,
    pub(in crate::web) host: Arc<str>,
    pub(in crate::web) port: u16,
    pub(in crate::web) address: Option<IpAddr>,
    pub(in crate::web) source: Option<IpAddr>,
    pub(in crate::web) mx_preference: Option<u16>,
    pub(in crate::web) state: EndpointState,
    pub(in crate::web) success: bool,
    #[serde(serialize_with = "time")]
    pub(in crate::web) ended: Option<SystemTime>,
    #[serde(rename = "duration_seconds", serialize_with = "seconds")]
    pub(in crate::web) duration: Duration,
    #[serde(serialize_with = "time")]
    pub(in crate::web) last_success: Option<SystemTime>,
    pub(in crate::web) phases: Vec<PhaseRow>,
    pub(in crate::web) replies: Vec<ReplyRow>,
    pub(in crate::web) starttls_offered: Option<bool>,
    pub(in crate::web) tls: Option<TlsRow>,
    /// What EHLO offered in clear.
    pub(in crate::web) capabilities: Option<CapabilitiesRow>,
    /// What EHLO offered inside TLS.
    pub(in crate::web) capabilities_in_tls: Option<CapabilitiesRow>,
    /// What is worse than it was.
    pub(in crate::web) regressions: RegressionRow,
    pub(in crate::web) failure: Option<FailureRow>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) paused_until: Option<SystemTime>,
    pub(in crate::web) paused_cause: Option<Cause>,
    /// In a whole row only, and not where `/logs` is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) transcripts: Option<TranscriptsRow>,
}

/// What was said when a probe last failed, and when one last succeeded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct TranscriptsRow {
    pub(in crate::web) last_failure: Option<TranscriptRow>,
    pub(in crate::web) last_success: Option<TranscriptRow>,
}

/// A transcript; secrets were taken out when it was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct TranscriptRow {
    /// When the probe ended.
    #[serde(serialize_with = "instant")]
    pub(in crate::web) ended: SystemTime,
    /// The byte cap cut lines off.
    pub(in crate::web) truncated: bool,
    pub(in crate::web) lines: Vec<LineRow>,
}

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct LineRow {
    /// Since the probe of the endpoint started.
    #[serde(rename = "at_seconds", serialize_with = "seconds")]
    pub(in crate::web) at: Duration,
    pub(in crate::web) side: Side,
    pub(in crate::web) text: String,
}

/// An endpoint that was never probed, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct WaitingRow {
    pub(in crate::web) host: Arc<str>,
    pub(in crate::web) port: u16,
    pub(in crate::web) address: Option<IpAddr>,
    pub(in crate::web) reason: SkipReason,
    #[serde(serialize_with = "time")]
    pub(in crate::web) until: Option<SystemTime>,
    pub(in crate::web) cause: Option<Cause>,
}

/// How long a phase took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct PhaseRow {
    pub(in crate::web) phase: Phase,
    pub(in crate::web) seconds: f64,
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct ReplyRow {
    pub(in crate::web) phase: Phase,
    pub(in crate::web) code: u16,
    pub(in crate::web) enhanced: Option<String>,
    pub(in crate::web) cause: Option<Cause>,
    /// The first line's text.
    pub(in crate::web) text: String,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct FailureRow {
    pub(in crate::web) phase: Phase,
    pub(in crate::web) cause: Cause,
    pub(in crate::web) blame: Blame,
    /// Whose move it is, for a person.
    pub(in crate::web) side: &'static str,
    pub(in crate::web) permanence: Permanence,
    /// Whether trying again can help, for a person.
    pub(in crate::web) lasting: &'static str,
    pub(in crate::web) rule: String,
    /// What kind of evidence the rule goes by; none when the cause was not read from a reply.
    pub(in crate::web) confidence: Option<Family>,
    pub(in crate::web) detail: String,
    pub(in crate::web) meaning: &'static str,
    pub(in crate::web) action: &'static str,
    /// How long to wait, where that mends it.
    pub(in crate::web) wait: Option<&'static str>,
    pub(in crate::web) doc: String,
}

impl EndpointRow {
    pub(super) fn of(key: &CheckKey, seen: &EndpointView, facts: &Facts<'_>, depth: Depth) -> Self {
        let last = &seen.last;
        let endpoint = &last.endpoint;
        let paused = seen.paused.filter(|(until, _)| *until > facts.now);
        Self {
            id: id(key, endpoint),
            host: endpoint.host.clone(),
            port: endpoint.port,
            address: endpoint.address,
            source: endpoint.source,
            mx_preference: endpoint.mx_preference,
            state: seen.state(facts.now),
            success: last.success(),
            ended: Some(last.ended),
            duration: last.duration,
            last_success: seen.last_success,
            phases: last
                .phases
                .iter()
                .map(|(phase, took)| PhaseRow { phase: *phase, seconds: took.as_secs_f64() })
                .collect(),
            replies: last.replies.iter().map(ReplyRow::of).collect(),
            starttls_offered: last.starttls_offered,
            tls: last.tls.as_ref().map(|tls| TlsRow::of(tls, facts.now)),
            capabilities: last.plain.as_ref().map(CapabilitiesRow::of),
            capabilities_in_tls: last.inside_tls.as_ref().map(CapabilitiesRow::of),
            regressions: RegressionRow::of(&seen.baseline),
            failure: last.trouble().as_ref().map(|failure| FailureRow::of(failure, facts.rules)),
            paused_until: paused.map(|(until, _)| until),
            paused_cause: paused.map(|(_, cause)| cause),
            transcripts: (depth == Depth::Whole && facts.transcripts).then(|| TranscriptsRow {
                last_failure: seen.failure_transcript.as_ref().map(TranscriptRow::of),
                last_success: seen.success_transcript.as_ref().map(TranscriptRow::of),
            }),
        }
    }
}

impl TranscriptRow {
    fn of((ended, transcript): &(SystemTime, Arc<Transcript>)) -> Self {
        let line = |line: crate::observation::TranscriptLine<'_>| LineRow {
            at: line.at,
            side: line.side,
            text: line.text.to_owned(),
        };
        Self {
            ended: *ended,
            truncated: transcript.truncated,
            lines: transcript.lines().map(line).collect(),
        }
    }
}

impl WaitingRow {
    pub(super) fn of(endpoint: &Endpoint, skip: &Skip) -> Self {
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

impl ReplyRow {
    pub(super) fn of(reply: &ReplySeen) -> Self {
        Self {
            phase: reply.phase,
            code: reply.code,
            enhanced: reply.enhanced.map(|enhanced| enhanced.to_string()),
            cause: reply.cause,
            text: reply.text.to_string(),
        }
    }
}

impl FailureRow {
    pub(super) fn of(failure: &Failure, rules: &Rules) -> Self {
        let advice = advice::of(failure.cause);
        Self {
            phase: failure.phase,
            cause: failure.cause,
            blame: failure.blame,
            side: explain::side(failure.blame),
            permanence: failure.permanence,
            lasting: explain::lasting(failure.permanence),
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
pub(in crate::web) fn id(key: &CheckKey, endpoint: &Endpoint) -> String {
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
