//! TLS, certificates and what EHLO offers.

use std::time::SystemTime;

use serde::Serialize;

use crate::observation::{Certificate, TlsFacts, TlsVersion, VerifyFailure};
use crate::smtp::{Capabilities, Keyword, Mechanism};
use crate::web::report::utc_of;

/// TLS.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct TlsRow {
    pub(in crate::web) established: bool,
    pub(in crate::web) verified: Option<bool>,
    pub(in crate::web) version: Option<TlsVersion>,
    pub(in crate::web) cipher: Option<&'static str>,
    pub(in crate::web) group: Option<&'static str>,
    pub(in crate::web) verify_failures: Vec<VerifyFailure>,
    pub(in crate::web) subject: Option<String>,
    pub(in crate::web) not_after: Option<String>,
    pub(in crate::web) chain_not_after: Option<String>,
    /// Whole days from now until the first certificate of the chain ends; negative once it has.
    pub(in crate::web) days_left: Option<i64>,
    /// The certificates served, the leaf first.
    pub(in crate::web) chain: Vec<CertificateRow>,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct CertificateRow {
    pub(in crate::web) subject: String,
    pub(in crate::web) issuer: String,
    pub(in crate::web) names: Vec<String>,
    pub(in crate::web) key: String,
    pub(in crate::web) serial: String,
    pub(in crate::web) fingerprint_sha256: String,
    pub(in crate::web) not_before: String,
    pub(in crate::web) not_after: String,
}

/// What EHLO offered on one channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct CapabilitiesRow {
    pub(in crate::web) keywords: Vec<Keyword>,
    pub(in crate::web) mechanisms: Vec<Mechanism>,
    pub(in crate::web) max_message_size_bytes: Option<u64>,
    /// EHLO was refused and HELO taken.
    pub(in crate::web) helo_only: bool,
}

impl TlsRow {
    pub(super) fn of(tls: &TlsFacts, now: SystemTime) -> Self {
        let leaf = tls.chain.first();
        let chain_not_after = tls.chain_not_after();
        Self {
            established: tls.established,
            verified: tls.verified,
            version: tls.version,
            cipher: tls.cipher,
            group: tls.group,
            verify_failures: tls.failures.clone(),
            subject: leaf.map(|leaf| leaf.subject.clone()),
            not_after: leaf.map(|leaf| utc_of(leaf.not_after)),
            chain_not_after: chain_not_after.map(utc_of),
            days_left: chain_not_after.map(|end| days_until(end, now)),
            chain: tls.chain.iter().map(CertificateRow::of).collect(),
        }
    }
}

impl CertificateRow {
    fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            names: certificate.names.clone(),
            key: certificate.key.clone(),
            serial: certificate.serial.clone(),
            fingerprint_sha256: certificate.fingerprint_sha256.clone(),
            not_before: utc_of(certificate.not_before),
            not_after: utc_of(certificate.not_after),
        }
    }
}

impl CapabilitiesRow {
    pub(super) fn of(capabilities: &Capabilities) -> Self {
        Self {
            keywords: capabilities.keywords.clone(),
            mechanisms: capabilities.mechanisms.clone(),
            max_message_size_bytes: capabilities.max_size,
            helo_only: capabilities.helo_only,
        }
    }
}

/// Whole days from now to a moment in seconds since the epoch, rounded down.
fn days_until(end: i64, now: SystemTime) -> i64 {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    end.saturating_sub(i64::try_from(now).unwrap_or(i64::MAX)).div_euclid(86_400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn days_are_whole_and_go_below_zero() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (end, days) in [
            (1_000_000 + 2 * 86_400, 2),
            (1_000_000 + 86_399, 0),
            (999_999, -1),
            (i64::MAX, (i64::MAX - 1_000_000) / 86_400),
        ] {
            assert_eq!(days_until(end, now), days, "{end}");
        }
    }
}
