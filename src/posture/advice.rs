//! What each problem means and what to do about it, for the person who reads it.

use super::Problem;
use crate::cause::advice::Advice;

impl Problem {
    /// What it means, what to do, and where it is written down.
    pub const fn advice(self) -> &'static Advice {
        &Advice { meaning: "", action: "", wait: None, doc: "" }
    }
}
