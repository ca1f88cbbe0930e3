//! What a rule is, and the rules in force: the built-in ones, and in front of them the user's own.
//!
//! A rule is data: an id, a cause, where it was seen, what the reply must have, and an example that
//! it must win. The first rule that holds decides, so the families stand from the particular to the
//! general: a program's own wording before a generic phrase, a phrase before the enhanced code, and
//! that before the bare code.

mod appliances;
mod codes;
mod enhanced;
mod exim;
mod google;
mod isps;
mod lists;
mod microsoft;
mod mtas;
mod phrases;
mod postfix;
mod protocol;
mod sendmail;
mod services;
mod webmail;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use super::matcher::Matcher;
use super::pattern::{BadPattern, Pattern};
use super::words::Words;
use super::{Blame, Cause, Context, Judgement, Permanence, unwrap};
use crate::smtp::{EnhancedCode, Phase, Reply};

closed_enum! {
    /// What kind of evidence a rule goes by, from the surest to the weakest.
    pub enum Family {
        /// A rule of the configuration.
        User => "user",
        /// The wording of a known mail server program.
        Software => "software",
        /// The wording of a known mailbox or submission provider.
        Provider => "provider",
        /// The wording of a known filter, gateway or block list.
        Appliance => "appliance",
        /// Words that say the cause whoever writes them.
        Phrase => "phrase",
        /// The enhanced status code (RFC 3463) alone.
        Enhanced => "enhanced",
        /// The reply code and the phase alone (RFC 5321).
        Code => "code",
        /// No rule holds.
        None => "none",
    }
}

/// A built-in rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Stable, readable, dotted: family or program, subject, detail.
    pub id: &'static str,
    /// What the reply means when the rule holds.
    pub cause: Cause,
    /// Where it was seen: program and version, document, or RFC.
    pub source: &'static str,
    /// Any of these patterns (see [`super::pattern`]) must hold; none: the text does not matter.
    pub text: &'static [&'static str],
    /// A reply, as on the wire without line ends, that this rule must win.
    pub example: &'static str,
    /// What else must be so.
    pub when: When,
    /// Whether trying again helps, where the code misleads.
    pub permanence: Option<Permanence>,
    /// Whose move it is, where the cause's usual answer is wrong.
    pub blame: Option<Blame>,
    /// The peer's own page about it.
    pub doc: Option<&'static str>,
}

/// What must be so besides the text. An empty list is no condition.
#[derive(Debug, Clone, Copy, Default)]
pub struct When {
    /// Reply codes: 421 is that one, 45 is 450 to 459, 4 is 400 to 499.
    pub codes: &'static [u16],
    /// Enhanced codes: subject, first and last detail. The class does not matter.
    pub enhanced: &'static [(u16, u16, u16)],
    /// What was answered. A reply whose phase is not known never meets this.
    pub phases: &'static [Phase],
    /// Inside TLS, or not.
    pub tls: Option<bool>,
}

impl Rule {
    /// A rule on words.
    pub const fn new(
        id: &'static str,
        cause: Cause,
        source: &'static str,
        text: &'static [&'static str],
        example: &'static str,
    ) -> Self {
        let when = When { codes: &[], enhanced: &[], phases: &[], tls: None };
        Self { id, cause, source, text, example, when, permanence: None, blame: None, doc: None }
    }

    /// Only for these reply codes or beginnings of them.
    pub const fn codes(mut self, codes: &'static [u16]) -> Self {
        self.when.codes = codes;
        self
    }

    /// Only with one of these enhanced codes.
    pub const fn enhanced(mut self, enhanced: &'static [(u16, u16, u16)]) -> Self {
        self.when.enhanced = enhanced;
        self
    }

    /// Only in these phases.
    pub const fn phases(mut self, phases: &'static [Phase]) -> Self {
        self.when.phases = phases;
        self
    }

    /// Says `transient` or, for 4xx, `permanent_in_disguise` whatever the code says.
    pub const fn lasts(mut self, permanence: Permanence) -> Self {
        self.permanence = Some(permanence);
        self
    }

    /// Says whose move it is.
    pub const fn blame(mut self, blame: Blame) -> Self {
        self.blame = Some(blame);
        self
    }

    /// Links the peer's own page.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = Some(doc);
        self
    }
}

/// A rule as a user writes it. It stands in front of the built-in ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRule {
    /// Lower-case letters, digits, `_` and `-`, in parts parted by dots; not a built-in id.
    pub id: String,
    /// What the reply means.
    pub cause: Cause,
    /// Patterns, of which one must hold. May be empty when there are codes.
    pub text: Vec<String>,
    /// As in [`When::codes`].
    pub codes: Vec<u16>,
    /// As in [`When::enhanced`].
    pub enhanced: Vec<(u16, u16, u16)>,
    /// As in [`When::phases`].
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
        "an id is made of a-z, 0-9, _ and - in parts parted by dots, 80 characters at most, such as local.quota"
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

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {:?}: {}", self.id, self.fault)
    }
}

/// Compiled rules. Two are equal when they were written alike.
pub struct Rules {
    /// The user's own, as written.
    user: Vec<UserRule>,
    rules: Vec<Compiled>,
    /// The rule of each pattern.
    owners: Vec<u32>,
    matcher: Matcher,
    /// Rules without patterns.
    wordless: Vec<u32>,
}

#[derive(Debug)]
struct Compiled {
    id: Cow<'static, str>,
    family: Family,
    cause: Cause,
    codes: Cow<'static, [u16]>,
    enhanced: Cow<'static, [(u16, u16, u16)]>,
    phases: Cow<'static, [Phase]>,
    tls: Option<bool>,
    permanence: Option<Permanence>,
    blame: Option<Blame>,
    doc: Option<Cow<'static, str>>,
}

impl Rules {
    /// The built-in rules, compiled once.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The built-in rules, to be held where configured ones could stand.
    pub fn shared() -> Arc<Self> {
        BUILTIN.clone()
    }

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

    /// The cause that a refusal (4xx or 5xx) states.
    pub fn judge(&self, context: Context, reply: &Reply) -> Judgement {
        let words = Words::of(reply);
        let hits = self.matcher.hits(&words);
        let facts = Facts { context, code: reply.code, enhanced: words.enhanced };
        let worded = self
            .matcher
            .holding(&hits)
            .filter_map(|pattern| self.owners.get(pattern).copied())
            .find(|&owner| self.holds(owner, &facts));
        let wordless = self
            .wordless
            .iter()
            .copied()
            .take_while(|&rule| worded.is_none_or(|worded| rule < worded))
            .find(|&rule| self.holds(rule, &facts));
        let winner = wordless.or(worded).and_then(|rule| self.rules.get(rule as usize));
        let lasting = LASTING.hits(&words);
        let lasting = LASTING.holding(&lasting).next().is_some();
        match winner {
            Some(rule) => Judgement {
                cause: rule.cause,
                rule: rule.id.clone(),
                permanence: permanence(reply.code, rule.cause, rule.permanence, lasting),
                blame: rule.blame.unwrap_or(rule.cause.blame()),
            },
            None => Judgement {
                cause: Cause::Unknown,
                rule: Cow::Borrowed(NO_RULE),
                permanence: permanence(reply.code, Cause::Unknown, None, lasting),
                blame: Cause::Unknown.blame(),
            },
        }
    }

    /// The family of the rule with this id: how far the judgement can be trusted.
    pub fn family(&self, id: &str) -> Family {
        self.find(id).map_or(Family::None, |rule| rule.family)
    }

    /// As [`Rules::family`], and none for what names no rule on replies: a cause that was read from
    /// silence, or a rule that a reload took away.
    pub fn confidence(&self, id: &str) -> Option<Family> {
        (id == NO_RULE || self.find(id).is_some()).then(|| self.family(id))
    }

    /// The page about what this rule found: the peer's own, or the user's.
    pub fn doc(&self, id: &str) -> Option<&str> {
        self.find(id).and_then(|rule| rule.doc.as_deref())
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
        let patterns: Vec<Pattern> =
            rule.text.iter().filter_map(|source| Pattern::parse(source).ok()).collect();
        let own = Matcher::new(&patterns);
        let worded = patterns.is_empty() || own.holding(&own.hits(&words)).next().is_some();
        let met = worded && Compiled::of_user(rule).holds(&facts);
        let winner = winner.into_owned();
        Some(if met { RuleFault::NotWon(winner) } else { RuleFault::NotMet(winner) })
    }

    fn find(&self, id: &str) -> Option<&Compiled> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    fn holds(&self, rule: u32, facts: &Facts) -> bool {
        self.rules.get(rule as usize).is_some_and(|rule| rule.holds(facts))
    }

    fn compile(user: Vec<UserRule>) -> Self {
        let mut rules = Vec::new();
        let mut owners = Vec::new();
        let mut patterns = Vec::new();
        let mut wordless = Vec::new();
        let mut add = |rule: Compiled, text: &mut dyn Iterator<Item = &str>| {
            let number = u32::try_from(rules.len()).unwrap_or(u32::MAX);
            let before = patterns.len();
            patterns.extend(text.filter_map(|source| Pattern::parse(source).ok()));
            if patterns.len() == before {
                wordless.push(number);
            }
            owners.resize(patterns.len(), number);
            rules.push(rule);
        };
        for rule in &user {
            add(Compiled::of_user(rule), &mut rule.text.iter().map(String::as_str));
        }
        for (family, rule) in groups() {
            add(Compiled::of(family, rule), &mut rule.text.iter().copied());
        }
        let matcher = Matcher::new(&patterns);
        Self { user, rules, owners, matcher, wordless }
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        // The built-in ones are the same in both.
        self.user == other.user
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.rules.len();
        f.debug_struct("Rules").field("user", &self.user).field("rules", &rules).finish()
    }
}

impl Compiled {
    fn of(family: Family, rule: &'static Rule) -> Self {
        Self {
            id: Cow::Borrowed(rule.id),
            family,
            cause: rule.cause,
            codes: Cow::Borrowed(rule.when.codes),
            enhanced: Cow::Borrowed(rule.when.enhanced),
            phases: Cow::Borrowed(rule.when.phases),
            tls: rule.when.tls,
            permanence: rule.permanence,
            blame: rule.blame,
            doc: rule.doc.map(Cow::Borrowed),
        }
    }

    fn of_user(rule: &UserRule) -> Self {
        Self {
            id: Cow::Owned(rule.id.clone()),
            family: Family::User,
            cause: rule.cause,
            codes: Cow::Owned(rule.codes.clone()),
            enhanced: Cow::Owned(rule.enhanced.clone()),
            phases: Cow::Owned(rule.phases.clone()),
            tls: None,
            permanence: rule.permanence,
            blame: rule.blame,
            doc: rule.doc.clone().map(Cow::Owned),
        }
    }

    fn holds(&self, facts: &Facts) -> bool {
        let code = facts.code;
        let fits = |&c: &u16| c == code || c == code / 10 || c == code / 100;
        let within = |&(subject, first, last): &(u16, u16, u16)| {
            facts
                .enhanced
                .is_some_and(|e| e.subject == subject && (first..=last).contains(&e.detail))
        };
        (self.codes.is_empty() || self.codes.iter().any(fits))
            && (self.enhanced.is_empty() || self.enhanced.iter().any(within))
            && (self.phases.is_empty()
                || facts.context.phase.is_some_and(|phase| self.phases.contains(&phase)))
            && self.tls.is_none_or(|tls| tls == facts.context.tls)
    }
}

struct Facts {
    context: Context,
    code: u16,
    enhanced: Option<EnhancedCode>,
}

/// The rule's word counts first, then what passes by nature, then the text, then the code.
fn permanence(code: u16, cause: Cause, rule: Option<Permanence>, lasting: bool) -> Permanence {
    let passes = matches!(
        cause,
        Cause::Greylisted | Cause::TooManyConnections | Cause::RateLimited | Cause::Timeout
    );
    match rule {
        Some(Permanence::PermanentInDisguise) if code >= 500 => Permanence::Permanent,
        Some(said) => said,
        None if lasting && code < 500 => Permanence::PermanentInDisguise,
        None if code >= 500 && !(passes && !lasting) => Permanence::Permanent,
        None => Permanence::Transient,
    }
}

/// Checks all of a user's rule that can be checked before it is compiled.
fn check(rule: &UserRule, seen: &mut HashSet<String>) -> Vec<RuleFault> {
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

/// Every built-in rule with its family, in the order in which they are asked.
pub fn groups() -> impl Iterator<Item = (Family, &'static Rule)> {
    GROUPS.iter().flat_map(|(family, rules)| rules.iter().map(move |rule| (*family, rule)))
}

/// The rule id of a reply that no rule holds for.
pub const NO_RULE: &str = "unknown";

const GROUPS: &[(Family, &[Rule])] = &[
    (Family::Provider, google::RULES),
    (Family::Provider, microsoft::RULES),
    (Family::Provider, webmail::RULES),
    (Family::Provider, isps::RULES),
    (Family::Provider, services::RULES),
    (Family::Appliance, appliances::RULES),
    (Family::Appliance, lists::RULES),
    (Family::Software, postfix::RULES),
    (Family::Software, exim::RULES),
    (Family::Software, sendmail::RULES),
    (Family::Software, mtas::RULES),
    (Family::Code, protocol::RULES),
    (Family::Phrase, phrases::RULES),
    (Family::Enhanced, enhanced::RULES),
    (Family::Code, codes::RULES),
];

static BUILTIN: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::compile(Vec::new())));

/// Words by which a temporary code admits that it will not pass.
static LASTING: LazyLock<Matcher> = LazyLock::new(|| {
    let patterns: Vec<_> = [
        "permanent* (deferred|rejected|blocked|refused|disabled|failure|error)",
        "(retrying|retry|retries) will not (succeed|help)",
        "do not (retry|try again|attempt)",
        "will not be (retried|accepted|delivered)",
    ]
    .iter()
    .filter_map(|source| Pattern::parse(source).ok())
    .collect();
    Matcher::new(&patterns)
});

#[cfg(test)]
mod tests {
    use super::*;

    fn won_by(rules: &Rules, rule: &Rule) -> String {
        let phase = rule.when.phases.first().copied();
        let context = Context { phase, tls: rule.when.tls.unwrap_or(false) };
        let reply = unwrap::reply(rule.example).expect(rule.example);
        rules.judge(context, &reply).rule.into_owned()
    }

    #[test]
    fn every_rule_wins_its_example() {
        let lost: Vec<_> = groups()
            .map(|(_, rule)| (rule.id, won_by(Rules::builtin(), rule), rule.example))
            .filter(|(id, winner, _)| id != winner)
            .collect();
        assert!(lost.is_empty(), "rules that cannot be reached: {lost:#?}");
    }

    #[test]
    fn every_rule_is_well_formed() {
        let mut seen = HashSet::new();
        for (_, rule) in groups() {
            assert!(seen.insert(rule.id), "two rules are called {}", rule.id);
            assert!(rule.id != NO_RULE && rule.id.contains('.'), "{}", rule.id);
            assert!(rule.cause.is_stated(), "{}", rule.id);
            assert!(rule.source.len() > 8, "{} does not say where it was seen", rule.id);
            let when = &rule.when;
            assert!(
                !(rule.text.is_empty() && when.codes.is_empty() && when.enhanced.is_empty()),
                "{} takes everything",
                rule.id
            );
            for pattern in rule.text {
                if let Err(fault) = Pattern::parse(pattern) {
                    panic!("{}: {pattern:?}: {fault}", rule.id);
                }
            }
        }
    }
}
