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
mod phrases_amount;
mod phrases_first;
mod phrases_last;
mod phrases_mail;
mod postfix;
mod protocol;
mod registry;
mod sendmail;
mod services;
mod topics;
mod user;
mod webmail;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

pub use user::{RuleFault, RuleProblem, UserRule};

use super::matcher::{Builder, Matcher};
use super::words::Words;
use super::{Blame, Cause, Context, Judgement, Permanence};
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
    /// The patterns of [`LASTING`], which belong to no rule.
    lasting: Range<usize>,
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
        let lasting = self.lasting.clone().any(|pattern| self.matcher.holds(pattern, &hits));
        match winner {
            Some(rule) => Judgement {
                cause: rule.cause,
                rule: rule.id.clone(),
                permanence: permanence(reply.code, rule.cause, rule.permanence, lasting),
                blame: rule.blame.unwrap_or_else(|| rule.cause.blame()),
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

    fn find(&self, id: &str) -> Option<&Compiled> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    fn holds(&self, rule: u32, facts: &Facts) -> bool {
        self.rules.get(rule as usize).is_some_and(|rule| rule.holds(facts))
    }

    fn compile(user: Vec<UserRule>) -> Self {
        let mut rules = Vec::new();
        let mut owners = Vec::new();
        let mut patterns = Builder::default();
        let mut wordless = Vec::new();
        let mut add = |rule: Compiled, text: &mut dyn Iterator<Item = &str>| {
            let number = u32::try_from(rules.len()).unwrap_or(u32::MAX);
            let before = patterns.added();
            patterns.read(text);
            if patterns.added() == before {
                wordless.push(number);
            }
            owners.resize(patterns.added(), number);
            rules.push(rule);
        };
        for rule in &user {
            add(Compiled::of_user(rule), &mut rule.text.iter().map(String::as_str));
        }
        for (family, rule) in groups() {
            add(Compiled::of(family, rule), &mut rule.text.iter().copied());
        }
        let ruled = patterns.added();
        patterns.read(LASTING.iter().copied());
        let lasting = ruled..patterns.added();
        Self { user, rules, owners, matcher: patterns.finish(), wordless, lasting }
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
        None if code >= 500 && (lasting || !passes) => Permanence::Permanent,
        None => Permanence::Transient,
    }
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
    (Family::Phrase, registry::RULES),
    (Family::Phrase, phrases_first::RULES),
    (Family::Phrase, phrases::RULES),
    (Family::Phrase, phrases_amount::RULES),
    (Family::Phrase, phrases_mail::RULES),
    (Family::Phrase, phrases_last::RULES),
    (Family::Enhanced, enhanced::RULES),
    (Family::Phrase, topics::RULES),
    (Family::Code, codes::RULES),
];

static BUILTIN: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::compile(Vec::new())));

/// Words by which a temporary code admits that it will not pass.
const LASTING: &[&str] = &[
    "permanent* (deferred|rejected|blocked|refused|disabled|failure|error)",
    "(retrying|retry|retries) will not (succeed|help)",
    "do not (retry|try again|attempt)",
    "will not be (retried|accepted|delivered)",
];

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;
    use std::collections::HashSet;

    use super::*;
    use crate::cause::unwrap;

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
        let (mut seen, mut faults) = (HashSet::new(), Vec::new());
        for (_, rule) in groups() {
            assert!(seen.insert(rule.id), "two rules are called {}", rule.id);
            assert!(rule.id != NO_RULE && rule.id.contains('.'), "{}", rule.id);
            assert!(rule.cause.is_stated(), "{}", rule.id);
            assert!(rule.doc.is_none_or(|doc| doc.starts_with("https://")), "{}", rule.id);
            assert!(rule.source.len() > 8, "{} does not say where it was seen", rule.id);
            let when = &rule.when;
            assert!(
                !(rule.text.is_empty() && when.codes.is_empty() && when.enhanced.is_empty()),
                "{} takes everything",
                rule.id
            );
            for pattern in rule.text {
                if let Err(fault) = Pattern::parse(pattern) {
                    faults.push(format!("{}: {pattern:?}: {fault}", rule.id));
                }
            }
        }
        assert!(faults.is_empty(), "patterns that cannot be read: {faults:#?}");
    }
}
