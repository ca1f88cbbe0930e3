//! BIMI: whether there is a record for the selector `default`.

use super::Answer;

/// What was seen of BIMI.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BimiFacts {
    /// There is a record that begins with `v=BIMI1`; none when the DNS did not answer.
    pub present: Option<bool>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// The name to ask for TXT records.
pub fn name(domain: &str) -> String {
    format!("default._bimi.{domain}")
}

/// What the answer means.
pub fn judge(_answer: &Answer) -> BimiFacts {
    BimiFacts::default()
}
