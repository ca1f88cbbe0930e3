//! Samples of what was compared across a target's endpoints and ports, and of what got worse at one.

use std::sync::Arc;
use std::time::SystemTime;

use super::super::catalogue::Family;
use super::super::label;
use super::{Sink, Value};
use crate::observation::Compared;
use crate::store::{EndpointView, SkewView};

/// Hands the samples of `family`, of a whole target, to `sink`.
pub fn record(family: Family, view: &SkewView, now: SystemTime, sink: &mut impl Sink) {
    let what = match family {
        Family::CertificateSkew | Family::CertificateSpread => Compared::Certificate,
        Family::CapabilitySkew => Compared::Capability,
        // Of another scope. That no family falls through is a test.
        _ => return,
    };
    let text = view.label_text.get_or_init(|| Arc::from(label::whole_text(&view.target)));
    for skew in view.skews.iter().filter(|skew| skew.what == what && skew.until >= now) {
        let value = match family {
            Family::CertificateSpread => Value::Seconds(skew.spread),
            _ => Value::Flag(skew.difference.is_some()),
        };
        sink.sample(text, &[skew.across.as_str()], value);
    }
}

/// Hands the samples of `family` that tell what got worse at an endpoint to `sink`.
pub(super) fn record_regression(
    family: Family,
    text: &str,
    endpoint: &EndpointView,
    sink: &mut impl Sink,
) {
    let baseline = &endpoint.baseline;
    let value = match family {
        Family::StarttlsDisappeared => baseline.starttls_disappeared(),
        Family::AuthPlaintextAppeared => baseline.auth_plaintext_appeared(),
        _ => {
            for mechanism in baseline.mechanisms_disappeared() {
                sink.sample(text, &[mechanism.as_str()], Value::Flag(true));
            }
            None
        }
    };
    if let Some(value) = value {
        sink.sample(text, &[], Value::Flag(value));
    }
}
