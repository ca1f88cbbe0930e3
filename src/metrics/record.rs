//! The one place where a [`View`] becomes samples.

pub mod ladder;
pub mod skew;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::catalogue::Family;
use super::label::{self, Channel, NONE, Short};
use crate::observation::tally::ProbeResult;
use crate::observation::{EndpointState, Failure, Observation, ReplySeen, SkipReason, TlsFacts};
use crate::smtp::{Capabilities, Phase};
use crate::store::{EndpointView, View};
use crate::target;

/// Takes the samples of one family.
pub trait Sink {
    /// One sample. `subject` is the text of the labels of the target or endpoint, already escaped;
    /// `labels` are the values of the family's own labels, in the catalogue's order.
    fn sample(&mut self, subject: &str, labels: &[&str], value: Value);

    /// A histogram: observations per bucket of the catalogue, not cumulated, the last one being
    /// `+Inf`; and their sum.
    fn histogram(&mut self, subject: &str, buckets: &[u64], sum: f64);
}

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// 0 or 1.
    Flag(bool),
    /// A whole number.
    Count(u64),
    /// Whole seconds since the epoch.
    Epoch(i64),
    /// Seconds, to the microsecond.
    Seconds(Duration),
    /// Any number. One that is not finite is left out.
    Number(f64),
}

impl Value {
    /// Whether there is a line for it.
    pub(super) const fn is_shown(self) -> bool {
        !matches!(self, Self::Number(number) if !number.is_finite())
    }
}

/// The endpoints of a view, each with the text of its labels. A scrape asks for them once and then
/// passes over them family by family.
pub fn endpoints(view: &View) -> impl Iterator<Item = (&str, &Arc<EndpointView>)> {
    view.endpoints.values().chain(&view.resolve_failure).map(|endpoint| {
        let text = || Arc::from(label::endpoint_text(&view.check, &endpoint.last.endpoint));
        (&**endpoint.label_text.get_or_init(text), endpoint)
    })
}

/// Hands the samples of `family`, of target scope, in `view` to `sink`.
pub fn record_target(family: Family, view: &View, now: SystemTime, sink: &mut impl Sink) {
    match family {
        Family::TargetUp => flag(view, sink, view.verdict.up),
        Family::TargetExpectationMet => flag(view, sink, view.verdict.expectation_met),
        Family::TargetResponding => flag(view, sink, view.verdict.responding),
        Family::TargetFailure => {
            let mut seen = view.endpoints.values().map(|endpoint| &endpoint.last);
            let unsure = view.verdict.expectation_met.is_none()
                && view.resolve_failure.is_none()
                && seen.all(|seen| seen.inconclusive());
            if let Some(failure) = view.verdict.failure.as_ref().filter(|_| !unsure) {
                sink.sample(target_text(view), &reasons(failure), Value::Flag(true));
            }
        }
        Family::TargetConsecutiveFailures if view.last_round.is_some() => {
            count(view, sink, &[], view.consecutive_failures);
        }
        Family::TargetInterval => {
            sink.sample(target_text(view), &[], Value::Seconds(view.check.interval()));
        }
        Family::TargetPausedUntil => {
            if let Some(until) = view.paused_until.filter(|until| *until > now) {
                sink.sample(target_text(view), &[], moment(until));
            }
        }
        Family::TargetEndpoints if view.last_round.is_some() => {
            for (state, number) in EndpointState::ALL.iter().zip(view.endpoint_states(now)) {
                count(view, sink, &[state.as_str()], number.into());
            }
        }
        Family::TargetMxRecords => {
            if let Some(records) = view.mx_records {
                count(view, sink, &[], records.into());
            }
        }
        Family::Probes => {
            for (result, number) in ProbeResult::ALL.iter().zip(view.tally.probes) {
                count(view, sink, &[result.as_str()], number);
            }
        }
        Family::ProbeFailures => {
            for ((phase, cause, blame), number) in &view.tally.failures {
                count(view, sink, &[phase.as_str(), cause.as_str(), blame.as_str()], *number);
            }
        }
        Family::Replies => {
            for ((phase, code, cause), number) in &view.tally.replies {
                let code = label::code_text(*code);
                let cause = cause.map_or(NONE, |cause| cause.as_str());
                count(view, sink, &[phase.as_str(), code.as_str(), cause], *number);
            }
        }
        Family::HandshakeDuration => {
            let tally = &view.tally;
            sink.histogram(target_text(view), &tally.handshake_buckets, tally.handshake_sum);
        }
        Family::ProbesSkipped => {
            for (reason, number) in SkipReason::ALL.iter().zip(view.tally.skipped) {
                count(view, sink, &[reason.as_str()], number);
            }
        }
        // Not observed, or of another scope. That no family falls through is a test: each one
        // reaches its most series.
        _ => {}
    }
}

/// Hands the samples of `family`, of endpoint scope, of one endpoint to `sink`.
pub fn record_endpoint(family: Family, text: &str, endpoint: &EndpointView, sink: &mut impl Sink) {
    let seen = &*endpoint.last;
    let yes = Value::Flag(true);
    let mut one = |value: Option<Value>| {
        if let Some(value) = value {
            sink.sample(text, &[], value);
        }
    };
    match family {
        Family::EndpointInfo => endpoint_info(text, seen, sink),
        // A negative test that could not tell was neither met nor not met.
        Family::ProbeSuccess if seen.negative => one(seen.met.map(Value::Flag)),
        Family::ProbeSuccess => one(Some(Value::Flag(seen.success()))),
        Family::ProbeDuration => one(Some(Value::Seconds(seen.duration))),
        Family::ProbePhaseDuration => {
            for (index, (phase, duration)) in seen.phases.iter().enumerate() {
                // The first of a phase speaks for it: two samples with the same labels would make
                // Prometheus refuse everything.
                if !seen.phases.iter().take(index).any(|(earlier, _)| earlier == phase) {
                    sink.sample(text, &[phase.as_str()], Value::Seconds(*duration));
                }
            }
        }
        Family::ResolveFailure => {
            if let Some(reason) = seen.failure.as_ref().and_then(|failure| failure.dns) {
                sink.sample(text, &[reason.as_str()], yes);
            }
        }
        Family::ProbeFailure => {
            if let Some(trouble) = seen.trouble().filter(|_| !seen.inconclusive()) {
                sink.sample(text, &reasons(&trouble), yes);
            }
        }
        Family::ProbeLastTimestamp => one(Some(moment(seen.ended))),
        Family::ProbeLastSuccess => one(endpoint.last_success.map(moment)),
        Family::ReplyCode => {
            for reply in last_replies(seen) {
                sink.sample(text, &[reply.phase.as_str()], Value::Count(reply.code.into()));
            }
        }
        Family::ReplyEnhanced => {
            for reply in last_replies(seen) {
                if let Some(enhanced) = reply.enhanced {
                    let enhanced = label::enhanced_text(enhanced);
                    sink.sample(text, &[reply.phase.as_str(), enhanced.as_str()], yes);
                }
            }
        }
        Family::StarttlsOffered => one(seen.starttls_offered.map(Value::Flag)),
        Family::MaxMessageSize => {
            let mut offered = seen.inside_tls.iter().chain(&seen.plain);
            one(offered.find_map(|offer| offer.max_size).map(Value::Count));
        }
        Family::Capability | Family::AuthMechanism => {
            offer(family, text, Channel::Plain, seen.plain.as_ref(), sink);
            offer(family, text, Channel::Tls, seen.inside_tls.as_ref(), sink);
        }
        Family::StarttlsDisappeared | Family::AuthDisappeared | Family::AuthPlaintextAppeared => {
            skew::record_regression(family, text, endpoint, sink);
        }
        _ => {
            if let Some(tls) = &seen.tls {
                record_tls(family, text, tls, sink);
            }
        }
    }
}

fn record_tls(family: Family, text: &str, tls: &TlsFacts, sink: &mut impl Sink) {
    let mut one = |value: Option<Value>| {
        if let Some(value) = value {
            sink.sample(text, &[], value);
        }
    };
    let leaf = tls.chain.first();
    match family {
        Family::TlsEstablished => one(Some(Value::Flag(tls.established))),
        Family::TlsVerified => one(tls.verified.map(Value::Flag)),
        Family::TlsCertNotAfter => one(leaf.map(|leaf| Value::Epoch(leaf.not_after))),
        Family::TlsChainNotAfter => one(tls.chain_not_after().map(Value::Epoch)),
        Family::TlsInfo if tls.version.is_some() || tls.cipher.is_some() => {
            let version = tls.version.map_or("", |version| version.as_str());
            let labels = [version, tls.cipher.unwrap_or(""), tls.group.unwrap_or("")];
            sink.sample(text, &labels, Value::Flag(true));
        }
        Family::TlsVerifyFailure => {
            for (index, reason) in tls.failures.iter().enumerate() {
                if !tls.failures.iter().take(index).any(|earlier| earlier == reason) {
                    sink.sample(text, &[reason.as_str()], Value::Flag(true));
                }
            }
        }
        Family::TlsCertInfo => {
            if let Some(leaf) = leaf {
                let texts = [
                    &leaf.fingerprint_sha256,
                    &leaf.serial,
                    &leaf.subject,
                    &leaf.issuer,
                    &leaf.key,
                ];
                sink.sample(text, &texts.map(|text| cut(text)), Value::Flag(true));
            }
        }
        _ => {}
    }
}

fn endpoint_info(text: &str, seen: &Observation, sink: &mut impl Sink) {
    let endpoint = &seen.endpoint;
    let Some(address) = endpoint.address else { return };
    let port = Short::of(endpoint.port);
    let preference = endpoint.mx_preference.map(Short::of).unwrap_or_default();
    let labels = [port.as_str(), target::Family::of(address).as_str(), preference.as_str()];
    sink.sample(text, &labels, Value::Flag(true));
}

fn offer(
    family: Family,
    text: &str,
    channel: Channel,
    offered: Option<&Capabilities>,
    sink: &mut impl Sink,
) {
    let Some(offered) = offered else { return };
    let yes = Value::Flag(true);
    if family == Family::Capability {
        for (index, keyword) in offered.keywords.iter().enumerate() {
            if !offered.keywords.iter().take(index).any(|earlier| earlier == keyword) {
                sink.sample(text, &[keyword.as_str(), channel.as_str()], yes);
            }
        }
    } else {
        for (index, mechanism) in offered.mechanisms.iter().enumerate() {
            if !offered.mechanisms.iter().take(index).any(|earlier| earlier == mechanism) {
                sink.sample(text, &[mechanism.as_str(), channel.as_str()], yes);
            }
        }
    }
}

pub(super) fn target_text(view: &View) -> &str {
    view.label_text.get_or_init(|| Arc::from(label::target_text(&view.check)))
}

fn flag(view: &View, sink: &mut impl Sink, value: Option<bool>) {
    if let Some(value) = value {
        sink.sample(target_text(view), &[], Value::Flag(value));
    }
}

fn count(view: &View, sink: &mut impl Sink, labels: &[&str], value: u64) {
    sink.sample(target_text(view), labels, Value::Count(value));
}

fn reasons(failure: &Failure) -> [&'static str; 3] {
    [failure.phase.as_str(), failure.cause.as_str(), failure.blame.as_str()]
}

/// The last reply of each phase.
fn last_replies(seen: &Observation) -> impl Iterator<Item = &ReplySeen> {
    let later = |index: usize, phase: Phase| {
        seen.replies.iter().skip(index + 1).any(|later| later.phase == phase)
    };
    let replies = seen.replies.iter().enumerate();
    replies.filter(move |(index, reply)| !later(*index, reply.phase)).map(|(_, reply)| reply)
}

pub(super) fn moment(at: SystemTime) -> Value {
    Value::Seconds(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// At most [`NAME_BYTES`] bytes, cut on a character's edge.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(NAME_BYTES)).unwrap_or(text)
}

/// The most bytes of a certificate's name in a label: the only text from a peer that is one.
const NAME_BYTES: usize = 128;
