//! `cause_rules`: the user's own rules for what refusals mean.
//!
//! Each value is parsed here; what makes a rule a rule, and that it can be reached, is known where
//! rules are compiled. Its findings are brought back to the key that they are about.

use std::sync::Arc;

use super::module::choice;
use super::text::printable;
use super::tree::Value;
use super::value::{self, Parsed};
use super::walk::{At, Fields, Findings, Spot};
use crate::cause::pattern::{BadPattern, Pattern};
use crate::cause::rules::RuleFault;
use crate::cause::{Blame, Cause, Permanence, Rules, UserRule};
use crate::smtp::Phase;

/// Reads `cause_rules`. None when there are none, or when one is wrong.
pub(super) fn read(list: Vec<At>, findings: &mut Findings) -> Option<Arc<Rules>> {
    if list.is_empty() {
        return None;
    }
    if let Some(first_beyond) = list.get(MAX_RULES) {
        findings.problem(
            &first_beyond.spot(),
            format!("this is one rule too many; {MAX_RULES} are asked at most"),
        );
        return None;
    }
    let before = findings.problems.len();
    let mut places = Vec::new();
    let mut rules = Vec::new();
    let mut room = MAX_SEQUENCES;
    for at in list {
        let fields = at.fields("cause_rules[]", findings);
        // What is no map was reported; its keys are not missing besides.
        if !matches!(fields.at.node.value, Value::Map(_) | Value::Null { .. }) {
            continue;
        }
        let Some(rule) = one(&fields, findings) else { continue };
        let used: usize = rule.text.iter().map(|pattern| size(pattern)).sum();
        let Some(left) = room.checked_sub(used) else {
            findings.problem(
                &fields.spot(),
                format!(
                    "with this rule's patterns, choices written out, there are more than \
                     {MAX_SEQUENCES} in all; write fewer choices"
                ),
            );
            return None;
        };
        room = left;
        places.push(fields);
        rules.push(rule);
    }
    match Rules::with_user_rules(rules) {
        Ok(rules) => (findings.problems.len() == before).then(|| Arc::new(rules)),
        Err(problems) => {
            for problem in problems {
                let (before, rest) = places.split_at(problem.index.min(places.len()));
                if let Some(fields) = rest.first() {
                    let (spot, message) = told(fields, before, &problem.fault);
                    findings.problem(&spot, message);
                }
            }
            None
        }
    }
}

/// A range of enhanced codes as it is written.
pub(super) fn show_enhanced((subject, first, last): (u16, u16, u16)) -> String {
    if first == last { format!("{subject}.{first}") } else { format!("{subject}.{first}-{last}") }
}

/// None when one of its values is wrong or missing.
fn one(fields: &Fields, findings: &mut Findings) -> Option<UserRule> {
    let before = findings.problems.len();
    for key in ["id", "cause", "example"] {
        if fields.at(key).is_none() {
            findings.problem(&fields.missing(key), "is missing");
        }
    }
    let id = fields.value("id", findings, |text| Ok(text.to_owned()));
    let cause = fields.value("cause", findings, cause);
    let patterns = list(fields, "text", findings, pattern);
    let codes = list(fields, "codes", findings, |text| {
        value::number(text, 4, 599).map(|code| u16::try_from(code).unwrap_or_default())
    });
    let enhanced = list(fields, "enhanced", findings, enhanced);
    let answered = || Phase::ALL.iter().copied().filter(|phase| is_answered(*phase));
    let phases = list(fields, "phases", findings, |text| {
        let named = |text: &str| Phase::from_name(text).filter(|phase| is_answered(*phase));
        choice(text, answered().map(Phase::as_str), named)
    });
    let permanence = fields.value("permanence", findings, |text| {
        let words = Permanence::ALL.iter().map(|permanence| permanence.as_str());
        choice(text, words, Permanence::from_name)
    });
    let blame = fields.value("blame", findings, |text| {
        choice(text, Blame::ALL.iter().map(|blame| blame.as_str()), Blame::from_name)
    });
    let doc = fields.value("doc", findings, url);
    let example = fields.value("example", findings, example);
    if findings.problems.len() > before {
        return None;
    }
    Some(UserRule {
        id: id?,
        cause: cause?,
        text: patterns,
        codes,
        enhanced,
        phases,
        permanence,
        blame,
        doc,
        example: example?,
    })
}

fn list<T>(
    fields: &Fields,
    key: &str,
    findings: &mut Findings,
    parse: impl Fn(&str) -> Parsed<T>,
) -> Vec<T> {
    let Some(items) = fields.list(key, findings) else { return Vec::new() };
    if let Some(beyond) = items.get(MAX_ITEMS) {
        findings.problem(&beyond.spot(), format!("is one too many; at most {MAX_ITEMS}"));
        return Vec::new();
    }
    items.iter().filter_map(|at| at.parse(findings, &parse)).collect()
}

/// Where a fault belongs, and what to do about it. `before` are the rules that stand earlier.
fn told(fields: &Fields, before: &[Fields], fault: &RuleFault) -> (Spot, String) {
    let key = |name: &str| fields.at(name).map_or_else(|| fields.missing(name), |at| at.spot());
    let item = |name: &str, wanted: &dyn Fn(&str) -> bool| {
        let mut quiet = Findings::default();
        fields
            .list(name, &mut quiet)
            .unwrap_or_default()
            .into_iter()
            .find(|at| at.text(&mut quiet).is_some_and(|text| wanted(&text)))
            .map_or_else(|| key(name), |at| at.spot())
    };
    match fault {
        RuleFault::BadId => (key("id"), fault.to_string()),
        RuleFault::DuplicateId => {
            let mut quiet = Findings::default();
            let mut id = |fields: &Fields| fields.at("id").and_then(|at| at.text(&mut quiet));
            let own = id(fields);
            let message = match before.iter().find(|other| id(other) == own) {
                Some(other) => {
                    format!("stands at {} already; no two are alike", other.spot().line())
                }
                None => "is a built-in rule's; begin yours with a word of your own, such as local."
                    .to_owned(),
            };
            (key("id"), message)
        }
        RuleFault::NoCondition => (fields.spot(), fault.to_string()),
        RuleFault::BadCode(code) => {
            (item("codes", &|text| text.parse() == Ok(*code)), fault.to_string())
        }
        RuleFault::BadCause(_) => (key("cause"), fault.to_string()),
        RuleFault::BadPattern { pattern, fault } => {
            let lower = pattern.to_lowercase();
            let message = match fault {
                BadPattern::BadWord(word) if Pattern::parse(&lower).is_ok() => format!(
                    "`{}` is not in lower case, in which words are compared; write {}",
                    printable(word),
                    printable(&lower)
                ),
                fault => fault.to_string(),
            };
            (item("text", &|text| text == pattern), message)
        }
        RuleFault::BadExample | RuleFault::NotWon(_) | RuleFault::NotMet(_) => {
            (key("example"), fault.to_string())
        }
    }
}

fn cause(text: &str) -> Parsed<Cause> {
    let stated = || Cause::ALL.iter().copied().filter(|cause| cause.is_stated());
    match Cause::from_name(text) {
        Some(cause) if cause.is_stated() => Ok(cause),
        Some(cause) => {
            let words: Vec<&str> = stated().map(Cause::as_str).collect();
            Err(format!(
                "{cause} is read from silence, and a rule reads replies; there are {}",
                words.join(", ")
            ))
        }
        None => choice(text, stated().map(Cause::as_str), |_| None),
    }
}

/// Only its length: where rules are compiled it is said what is wrong with the rest.
fn pattern(text: &str) -> Parsed<String> {
    if text.len() > MAX_PATTERN {
        return Err(format!("has {} bytes; at most {MAX_PATTERN}", text.len()));
    }
    Ok(text.to_owned())
}

/// How much room a pattern takes, its choices written out.
fn size(pattern: &str) -> usize {
    let terms = Pattern::parse(pattern).map(|pattern| pattern.terms).unwrap_or_default();
    terms.iter().flat_map(|term| &term.segments).map(Vec::len).sum()
}

/// `7.28`, `7.20-29`.
fn enhanced(text: &str) -> Parsed<(u16, u16, u16)> {
    let shown = printable(text);
    let parts: Vec<&str> = text.split('.').collect();
    let (subject, details) = match parts.as_slice() {
        [subject, details] => (*subject, *details),
        [class, subject, details] => {
            let codes = match *class {
                "4" | "5" => format!(", and the class as `codes: [{class}]`"),
                _ => String::new(),
            };
            return Err(format!(
                "`{shown}` has a class; write {}.{}{codes}",
                printable(subject),
                printable(details)
            ));
        }
        _ => {
            return Err(format!(
                "`{shown}` is not a subject and a detail; write it like 7.28 or 7.20-29"
            ));
        }
    };
    let part = |text: &str| value::number(text, 0, 999).map(|n| u16::try_from(n).unwrap_or(999));
    let (first, last) = details.split_once('-').unwrap_or((details, details));
    let (subject, first, last) = (part(subject)?, part(first)?, part(last)?);
    if last < first {
        return Err(format!("`{shown}` ends before it begins; write it like 7.20-29"));
    }
    Ok((subject, first, last))
}

/// Pages only: it becomes a link.
fn url(text: &str) -> Parsed<String> {
    let web = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let sound = web.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text.len() <= 2048
        && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '`'));
    if sound {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` is not a page; write https://host/path", printable(text)))
    }
}

fn example(text: &str) -> Parsed<String> {
    if text.len() > MAX_EXAMPLE {
        return Err(format!("has {} bytes; at most {MAX_EXAMPLE}", text.len()));
    }
    Ok(text.to_owned())
}

/// Phases that a server answers with a code.
const fn is_answered(phase: Phase) -> bool {
    !matches!(phase, Phase::Resolve | Phase::Connect | Phase::TlsImplicit | Phase::Tls)
}

/// How rules are written, for the reference.
pub(super) const REFERENCE: &str = r#"
### Rules of your own

A refusal that the built-in rules take for something else, or for `unknown`, gets its cause from a
rule in the configuration:

```yaml
cause_rules:
  - id: local.quota
    cause: rate_limited
    text: ["(quota|allowance) .. (used up|exhausted)", "no tokens left + !login"]
    codes: [4]
    example: 421 4.7.0 The quota of this pool is used up
  - id: local.maintenance
    cause: system_problem
    text: ["^ maintenance"]
    codes: [421, 45]
    phases: [greeting, ehlo]
    permanence: transient
    blame: target
    doc: https://wiki.example.net/mail/maintenance
    example: 421 Maintenance until 04:00
  - id: local.opaque
    cause: blocklisted
    enhanced: [7.512, 7.700-710]
    example: 554 5.7.512 E1701
```

A pattern is made of words in lower case: letters, digits and `_`. Everything else in a reply parts
words, an apostrophe apart (`can't` is `cant`). Case and line breaks don't matter, and mail addresses,
IP addresses and status codes are left out.

| written | holds for |
|---|---|
| `too many connections` | these words, one behind the other |
| `too many .. connections` | up to six words between |
| `throttl*` | any word that begins so |
| `(mailbox\|quota) full` | one of these |
| `too many [open] connections` | this, or nothing |
| `quota + !mailbox` | both terms, anywhere; what stands behind `!` must not occur |
| `^ service unavailable $` | at the beginning; at the end |

In YAML, put a pattern in quotes, and an example with a colon in it too. Each rule must win its own example, so one that
an earlier rule makes unreachable is refused at load. `smtp_exporter explain 'REPLY'` says which rule
takes a reply, with the rules of the configuration file.
"#;

/// More rules than this are a mistake, or data.
const MAX_RULES: usize = 1000;
/// Items of one list of a rule.
const MAX_ITEMS: usize = 100;
/// Bytes of a pattern.
const MAX_PATTERN: usize = 500;
/// Bytes of an example.
const MAX_EXAMPLE: usize = 2000;
/// What all patterns together may make, choices written out: it bounds memory and the time to load.
const MAX_SEQUENCES: usize = 50_000;
