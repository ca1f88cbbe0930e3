//! A user's own rules: what they look like, and what can be wrong with them.

use std::collections::HashSet;
use std::fmt;

use super::NO_RULE;
use crate::cause::pattern::{BadPattern, Pattern};
use crate::cause::{Blame, Cause, Permanence};
use crate::smtp::Phase;

/// A rule as a user writes it. It stands in front of the built-in ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRule {
    /// Lower-case letters, digits, `_` and `-`, in parts parted by dots; not a built-in id.
    pub id: String,
    /// What the reply means.
    pub cause: Cause,
    /// Patterns, of which one must hold. May be empty when there are codes.
    pub text: Vec<String>,
    /// As in [`super::When::codes`].
    pub codes: Vec<u16>,
    /// As in [`super::When::phases`].
    pub phases: Vec<Phase>,
    /// Overrides what the code says.
    pub permanence: Option<Permanence>,
    /// Overrides what the cause says.
    pub blame: Option<Blame>,
    /// A reply that the rule must win: it proves that it can be reached.
    pub example: String,
}

/// What is wrong with a user's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// Which rule, by place.
    pub index: usize,
    /// Its id as written.
    pub id: String,
    /// What is wrong.
    pub fault: RuleFault,
}

/// The ways in which a rule can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// The id is not of the allowed form.
    #[error("the id must be of a-z, 0-9, _ and - in parts parted by dots, 80 characters at most")]
    BadId,
    /// Another rule has this id.
    #[error("another rule has this id")]
    DuplicateId,
    /// Neither words nor codes.
    #[error("the rule has neither text nor codes: it would take every reply")]
    NoCondition,
    /// A code that no refusal has.
    #[error("{0} is no refusal: write 4, 45 or 450 for a class, a group or one code")]
    BadCode(u16),
    /// A cause that is not read from replies.
    #[error("{0} is not a cause that a reply can state")]
    BadCause(Cause),
    /// A pattern that cannot be read.
    #[error("pattern {pattern:?}: {fault}")]
    BadPattern {
        /// The pattern as written.
        pattern: String,
        /// What is wrong.
        fault: BadPattern,
    },
    /// The example is not a refusal.
    #[error("the example must be a whole reply, such as \"550 5.7.1 go away\"")]
    BadExample,
    /// The example is taken by another rule.
    #[error("the example is won by {0}: the rule can't be reached, or the example doesn't fit it")]
    NotWon(String),
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {:?}: {}", self.id, self.fault)
    }
}

/// Checks all of a user's rule that can be checked before it is compiled.
pub(super) fn check(rule: &UserRule, seen: &mut HashSet<String>) -> Vec<RuleFault> {
    let mut faults = Vec::new();
    let part = |p: &str| {
        !p.is_empty()
            && p.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
    };
    if rule.id.len() > 80 || !rule.id.split('.').all(part) {
        faults.push(RuleFault::BadId);
    }
    if rule.id == NO_RULE || !seen.insert(rule.id.clone()) {
        faults.push(RuleFault::DuplicateId);
    }
    if rule.text.is_empty() && rule.codes.is_empty() {
        faults.push(RuleFault::NoCondition);
    }
    let refusal = |c: u16| matches!(c, 4 | 5 | 40..=59 | 400..=599);
    faults.extend(rule.codes.iter().filter(|&&c| !refusal(c)).map(|&c| RuleFault::BadCode(c)));
    if !rule.cause.is_stated() {
        faults.push(RuleFault::BadCause(rule.cause));
    }
    for pattern in &rule.text {
        if let Err(fault) = Pattern::parse(pattern) {
            faults.push(RuleFault::BadPattern { pattern: pattern.clone(), fault });
        }
    }
    faults
}
