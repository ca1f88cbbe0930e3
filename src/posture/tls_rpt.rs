//! TLS reports (RFC 8460).

use super::{Answer, Finding};

/// What was seen of TLS-RPT.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsRptFacts {
    /// There is a record; none when the DNS did not answer.
    pub present: Option<bool>,
    /// One record with an address for reports. None without a record.
    pub valid: Option<bool>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// The name to ask for TXT records.
pub fn name(domain: &str) -> String {
    format!("_smtp._tls.{domain}")
}

/// What the answer means. `wanted`: MTA-STS or DANE is there, so failures should be heard of.
pub fn judge(_answer: &Answer, _wanted: bool, _findings: &mut Vec<Finding>) -> TlsRptFacts {
    TlsRptFacts::default()
}
