//! What is kept of past rounds.

use crate::cause::Cause;
use crate::observation::Failure;

/// One round in a strip of results: at most 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Seconds since the epoch.
    pub at: u32,
    /// Milliseconds that the longest probe took, saturating.
    pub millis: u32,
    /// The cause of a failure.
    pub cause: Option<Cause>,
    /// The last reply's code before QUIT, 0 if there was none.
    pub code: u16,
}

/// A verdict that is another than before.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What `up` (or `expectation_met`) was.
    pub from: Option<bool>,
    /// What it is.
    pub to: Option<bool>,
    /// What is in the way now.
    pub failure: Option<Failure>,
}
