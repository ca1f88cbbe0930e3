//! A user's own rules: what they look like, and what can be wrong with them.

use std::collections::HashSet;
use std::fmt;

use super::{Compiled, Facts, NO_RULE, Rules, groups};
use crate::cause::matcher::Builder;
use crate::cause::pattern::{BadPattern, Pattern};
use crate::cause::words::Words;
use crate::cause::{Blame, Cause, Context, Permanence, unwrap};
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
    /// As in [`super::When::enhanced`].
    pub enhanced: Vec<(u16, u16, u16)>,
    /// As in [`super::When::phases`].
    pub phases: Vec<Phase>,
    /// Overrides what the code says.
    pub permanence: Option<Permanence>,
    /// Overrides what the cause says.
    pub blame: Option<Blame>,
    /// A page about it, shown in place of the usual one.
    pub doc: Option<String>,
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
    #[error(
        "the id must be of a-z, 0-9, _ and - in parts parted by dots, 80 characters at most, such as local.quota"
    )]
    BadId,
    /// Another rule has this id.
    #[error(
        "another rule has this id, perhaps a built-in one; begin yours with a word of your own"
    )]
    DuplicateId,
    /// Neither words nor codes.
    #[error("without text, codes or enhanced the rule would take every reply; state one of them")]
    NoCondition,
    /// A code that no refusal has.
    #[error("{0} is no refusal: write 4, 45 or 450 for a class, a group or one code")]
    BadCode(u16),
    /// A cause that is not read from replies.
    #[error("{0} is read from silence: no reply can state it")]
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
    #[error("the example is no refusal; write a whole reply, such as \"550 5.7.1 go away\"")]
    BadExample,
    /// The example is taken by another rule.
    #[error(
        "the example is won by {0}, which stands earlier; put this rule in front of it, or narrow that one"
    )]
    NotWon(String),
    /// The rule does not hold for its own example.
    #[error(
        "the rule does not hold for its own example, which {0} takes instead; mend the example or the rule's conditions"
    )]
    NotMet(String),
}

impl Rules {
    /// The built-in rules behind the user's own.
    ///
    /// # Errors
    /// Every problem of every rule, in order.
    pub fn with_user_rules(user: Vec<UserRule>) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        let mut seen: HashSet<String> = groups().map(|(_, rule)| rule.id.to_owned()).collect();
        let mut sound = Vec::new();
        for (index, rule) in user.into_iter().enumerate() {
            let faults = check(&rule, &mut seen);
            if faults.is_empty() {
                sound.push((index, rule));
            } else {
                problems.extend(faults.into_iter().map(|fault| RuleProblem {
                    index,
                    id: rule.id.clone(),
                    fault,
                }));
            }
        }
        // Without the unsound rules more examples are won and none is lost, so that what is reported
        // now is wrong whatever becomes of those.
        let (places, sound): (Vec<usize>, Vec<UserRule>) = sound.into_iter().unzip();
        let rules = Self::compile(sound);
        for (rule, index) in rules.user.iter().zip(places) {
            if let Some(fault) = rules.lost(rule) {
                problems.push(RuleProblem { index, id: rule.id.clone(), fault });
            }
        }
        problems.sort_by_key(|problem| problem.index);
        if problems.is_empty() { Ok(rules) } else { Err(problems) }
    }

    /// The user's own rules, as written.
    pub fn user(&self) -> &[UserRule] {
        &self.user
    }

    /// Why a user's rule does not win its example; none when it does.
    fn lost(&self, rule: &UserRule) -> Option<RuleFault> {
        let context = Context { phase: rule.phases.first().copied(), tls: false };
        let Some(reply) = unwrap::reply(&rule.example) else { return Some(RuleFault::BadExample) };
        let winner = self.judge(context, &reply).rule;
        if winner == *rule.id {
            return None;
        }
        let words = Words::of(&reply);
        let facts = Facts { context, code: reply.code, enhanced: words.enhanced };
        let mut own = Builder::default();
        own.read(rule.text.iter().map(String::as_str));
        let wordless = own.added() == 0;
        let own = own.finish();
        let worded = wordless || own.holding(&own.hits(&words)).next().is_some();
        let met = worded && Compiled::of_user(rule).holds(&facts);
        let winner = winner.into_owned();
        Some(if met { RuleFault::NotWon(winner) } else { RuleFault::NotMet(winner) })
    }
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
    if rule.text.is_empty() && rule.codes.is_empty() && rule.enhanced.is_empty() {
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
