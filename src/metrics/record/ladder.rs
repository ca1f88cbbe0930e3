//! Samples of runs that measure limits.

use std::sync::Arc;

use super::super::catalogue::Family;
use super::super::label::{self, Short};
use super::{Sink, Value, moment};
use crate::observation::{LadderSeen, Refusal};
use crate::store::LadderView;
use crate::target::LadderMode;

/// A view with the text of its endpoint's labels.
pub fn endpoint(view: &LadderView) -> (&str, &LadderView) {
    let text = || Arc::from(label::endpoint_text(&view.ladder.check, &view.last.endpoint));
    (&**view.label_text.get_or_init(text), view)
}

/// Whether it is a family of runs that measure limits.
pub const fn has(family: Family) -> bool {
    matches!(
        family,
        Family::LimitAccepted
            | Family::LimitTried
            | Family::LimitReached
            | Family::LimitRefusal
            | Family::LimitRecovered
            | Family::LimitRecovery
            | Family::LimitGreetDelay
            | Family::LimitTimestamp
            | Family::RateAccepted
            | Family::RateTried
            | Family::RateReached
            | Family::RateRefusal
            | Family::RateRecovered
            | Family::RateRecovery
            | Family::RateTimestamp
            | Family::IdleTimeout
            | Family::IdleReached
            | Family::IdleEnd
            | Family::IdleTimestamp
    )
}

/// Hands the samples of `family` of one ladder at one endpoint to `sink`.
pub fn record(family: Family, text: &str, view: &LadderView, sink: &mut impl Sink) {
    let Some(seen) = view.measured.as_deref() else { return };
    match seen.mode {
        LadderMode::Simultaneous => simultaneous(family, text, seen, sink),
        LadderMode::Rate => rate(family, text, seen, sink),
        LadderMode::Idle => idle(family, text, seen, sink),
    }
}

fn simultaneous(family: Family, text: &str, seen: &LadderSeen, sink: &mut impl Sink) {
    let value = match family {
        Family::LimitAccepted => Some(Value::Count(seen.accepted.into())),
        Family::LimitTried => Some(Value::Count(seen.tried.into())),
        Family::LimitReached => Some(Value::Flag(seen.reached())),
        Family::LimitRefusal => return refusal(text, seen.refusal.as_ref(), sink),
        Family::LimitRecovered => seen.recovered().map(Value::Flag),
        Family::LimitRecovery => seen.recovery.map(Value::Seconds),
        Family::LimitGreetDelay => seen.greet_delay.map(Value::Seconds),
        Family::LimitTimestamp => Some(moment(seen.ended)),
        _ => None,
    };
    one(text, value, sink);
}

fn rate(family: Family, text: &str, seen: &LadderSeen, sink: &mut impl Sink) {
    let value = match family {
        Family::RateAccepted => Some(Value::Count(seen.accepted.into())),
        Family::RateTried => Some(Value::Count(seen.tried.into())),
        Family::RateReached => Some(Value::Flag(seen.reached())),
        Family::RateRefusal => return refusal(text, seen.refusal.as_ref(), sink),
        Family::RateRecovered => seen.recovered().map(Value::Flag),
        Family::RateRecovery => seen.recovery.map(Value::Seconds),
        Family::RateTimestamp => Some(moment(seen.ended)),
        _ => None,
    };
    one(text, value, sink);
}

fn idle(family: Family, text: &str, seen: &LadderSeen, sink: &mut impl Sink) {
    let value = match family {
        Family::IdleTimeout => seen.idle.map(Value::Seconds),
        Family::IdleReached => Some(Value::Flag(seen.reached())),
        Family::IdleEnd => {
            if let Some(end) = &seen.refusal {
                let code = code(end.code);
                let labels = [code.as_str(), end.cause.as_str(), end.how.as_str()];
                sink.sample(text, &labels, Value::Flag(true));
            }
            None
        }
        Family::IdleTimestamp => Some(moment(seen.ended)),
        _ => None,
    };
    one(text, value, sink);
}

fn refusal(text: &str, refusal: Option<&Refusal>, sink: &mut impl Sink) {
    if let Some(refusal) = refusal {
        let code = code(refusal.code);
        let labels =
            [code.as_str(), refusal.cause.as_str(), refusal.phase.as_str(), refusal.how.as_str()];
        sink.sample(text, &labels, Value::Flag(true));
    }
}

/// 0 says that there was no reply.
fn code(code: u16) -> Short {
    if code == 0 { Short::of(code) } else { label::code_text(code) }
}

fn one(text: &str, value: Option<Value>, sink: &mut impl Sink) {
    if let Some(value) = value {
        sink.sample(text, &[], value);
    }
}
