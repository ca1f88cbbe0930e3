//! MTA-STS (RFC 8461).

use std::time::Duration;

use super::{Answer, Finding};

closed_enum! {
    /// What senders do about a failure.
    pub enum StsMode {
        /// They do not deliver.
        Enforce => "enforce",
        /// They report it.
        Testing => "testing",
        /// Nothing: the policy is being withdrawn.
        None => "none",
    }
}

/// What was seen of MTA-STS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MtaStsFacts {
    /// There is a record; none when the DNS did not answer.
    pub present: Option<bool>,
    /// The record and the policy are right, and the policy was fetched. None without a record.
    pub valid: Option<bool>,
    /// The record's `id`.
    pub id: Option<String>,
    /// The policy came, over a connection whose certificate verifies; none without a record.
    pub fetched: Option<bool>,
    /// The policy's mode.
    pub mode: Option<StsMode>,
    /// The policy's `max_age`.
    pub max_age: Option<Duration>,
    /// The policy's `mx` patterns, lower case, at most 100.
    pub patterns: Vec<String>,
    /// SHA-256 of the policy's text.
    pub policy_sha256: Option<[u8; 32]>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// What came of fetching the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// An HTTP answer.
    Answered {
        /// The status.
        status: u16,
        /// The value of Content-Type.
        content_type: Option<String>,
        /// The body, at most [`MAX_POLICY`] bytes and one.
        body: Vec<u8>,
    },
    /// The certificate does not verify for the name; why.
    Certificate(String),
    /// No connection, no address, no answer in time, or none that is HTTP; why.
    Unreachable(String),
}

/// The name to ask for TXT records.
pub fn name(domain: &str) -> String {
    format!("_mta-sts.{domain}")
}

/// The host that serves the policy.
pub fn host(domain: &str) -> String {
    format!("mta-sts.{domain}")
}

/// What the record says. The policy is fetched when `present` and the record is right (`id`).
pub fn judge_record(_answer: &Answer, _findings: &mut Vec<Finding>) -> MtaStsFacts {
    MtaStsFacts::default()
}

/// Adds what the policy says; `before` is what the last look saw, for changes.
pub fn judge_policy(
    _facts: &mut MtaStsFacts,
    _fetched: &Fetched,
    _before: Option<&MtaStsFacts>,
    _findings: &mut Vec<Finding>,
) {
}

/// Whether a mail exchanger is named by the policy's patterns (RFC 8461, 4.1).
pub fn covers(_patterns: &[String], _host: &str) -> bool {
    false
}

/// The most bytes of a policy.
pub const MAX_POLICY: usize = 65_536;
/// The path of the policy.
pub const PATH: &str = "/.well-known/mta-sts.txt";
