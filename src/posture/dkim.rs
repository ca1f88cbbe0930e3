//! DKIM keys (RFC 6376, 3.6).

use std::sync::Arc;

use super::{Answer, Finding};

closed_enum! {
    /// A type of key.
    pub enum DkimKey {
        /// RSA (RFC 6376).
        Rsa => "rsa",
        /// Ed25519 (RFC 8463).
        Ed25519 => "ed25519",
        /// One that verifiers do not know.
        Other => "other",
    }
}

/// What was seen of one selector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DkimFacts {
    /// The selector.
    pub selector: Arc<str>,
    /// There is a record; none when the DNS did not answer.
    pub present: Option<bool>,
    /// One record with a key that verifiers take.
    pub valid: Option<bool>,
    /// The type of key.
    pub key: Option<DkimKey>,
    /// Bits of the modulus (RSA), or 256 (Ed25519).
    pub bits: Option<u32>,
    /// The key was taken back.
    pub revoked: bool,
    /// `t=y`.
    pub testing: bool,
    /// SHA-256 of the key, to find the same one twice.
    pub key_sha256: Option<[u8; 32]>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// The name to ask for TXT records.
pub fn name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// What the answer for one selector means.
pub fn judge(_selector: &Arc<str>, _answer: &Answer, _findings: &mut Vec<Finding>) -> DkimFacts {
    DkimFacts::default()
}

/// Finds keys that stand at two selectors.
pub fn duplicates(_keys: &[DkimFacts], _findings: &mut Vec<Finding>) {}
