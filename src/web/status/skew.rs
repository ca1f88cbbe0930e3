//! What was compared across a target's endpoints and ports, and what got worse at one endpoint.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::time;
use crate::observation::skew::{Has, Witness};
use crate::observation::{Across, Baseline, Compared, Skew};
use crate::smtp::{Keyword, Mechanism};
use crate::store::SkewView;
use crate::web::report::utc_of;

/// One comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct SkewRow {
    pub(in crate::web) what: Compared,
    pub(in crate::web) across: Across,
    pub(in crate::web) differs: bool,
    /// How far the ends of certificates lie apart.
    pub(in crate::web) not_after_spread_seconds: Option<u64>,
    /// Two that differ; none when all are the same.
    pub(in crate::web) example: Vec<WitnessRow>,
}

/// One of two that differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct WitnessRow {
    pub(in crate::web) module: Arc<str>,
    pub(in crate::web) host: Arc<str>,
    pub(in crate::web) port: u16,
    pub(in crate::web) address: Option<IpAddr>,
    /// The first 16 hex digits of the certificate's SHA-256.
    pub(in crate::web) fingerprint: Option<String>,
    pub(in crate::web) not_after: Option<String>,
    /// Whether capabilities are those inside TLS.
    pub(in crate::web) inside_tls: Option<bool>,
    /// What the other does not offer.
    pub(in crate::web) keywords: Vec<Keyword>,
    pub(in crate::web) mechanisms: Vec<Mechanism>,
}

/// What got worse at an endpoint since its probes last went well without it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct RegressionRow {
    pub(in crate::web) starttls_disappeared: Option<bool>,
    pub(in crate::web) mechanisms_disappeared: Vec<Mechanism>,
    /// Offered in clear and not so before.
    pub(in crate::web) mechanisms_in_clear: Vec<Mechanism>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) since: Option<SystemTime>,
}

/// The comparisons of one target that are fresh.
pub(super) fn rows(view: Option<&Arc<SkewView>>, now: SystemTime) -> Vec<SkewRow> {
    let skews = view.into_iter().flat_map(|view| &view.skews);
    skews.filter(|skew| skew.until >= now).map(SkewRow::of).collect()
}

impl SkewRow {
    fn of(skew: &Skew) -> Self {
        let pair = skew.difference.iter().flat_map(|both| [&both.one, &both.other]);
        let certificate = skew.what == Compared::Certificate;
        Self {
            what: skew.what,
            across: skew.across,
            differs: skew.difference.is_some(),
            not_after_spread_seconds: certificate.then_some(skew.spread.as_secs()),
            example: pair.map(WitnessRow::of).collect(),
        }
    }

    /// One of the two that differ is this module's.
    pub(super) fn concerns(&self, module: &str) -> bool {
        self.example.iter().any(|witness| *witness.module == *module)
    }
}

impl WitnessRow {
    fn of(witness: &Witness) -> Self {
        let endpoint = &witness.endpoint;
        let mut row = Self {
            module: witness.module.clone(),
            host: endpoint.host.clone(),
            port: endpoint.port,
            address: endpoint.address,
            fingerprint: None,
            not_after: None,
            inside_tls: None,
            keywords: Vec::new(),
            mechanisms: Vec::new(),
        };
        match &witness.has {
            Has::Certificate(leaf) => {
                row.fingerprint = Some(leaf.short());
                row.not_after = Some(utc_of(leaf.not_after));
            }
            Has::Offer { inside_tls, keywords, mechanisms } => {
                row.inside_tls = Some(*inside_tls);
                row.keywords.clone_from(keywords);
                row.mechanisms.clone_from(mechanisms);
            }
        }
        row
    }
}

impl RegressionRow {
    pub(super) fn of(baseline: &Baseline) -> Self {
        Self {
            starttls_disappeared: baseline.starttls_disappeared(),
            mechanisms_disappeared: baseline.mechanisms_disappeared().collect(),
            mechanisms_in_clear: baseline.mechanisms_in_clear().collect(),
            since: baseline.since(),
        }
    }
}
