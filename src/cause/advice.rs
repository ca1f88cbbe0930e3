//! Stub until the merge.

use super::Cause;

/// Advice.
#[derive(Debug)]
pub struct Advice {
    /// Meaning.
    pub meaning: &'static str,
    /// Action.
    pub action: &'static str,
    /// Wait.
    pub wait: Option<&'static str>,
}

/// Advice on a cause.
pub fn of(_cause: Cause) -> &'static Advice {
    &Advice { meaning: "", action: "", wait: None }
}
