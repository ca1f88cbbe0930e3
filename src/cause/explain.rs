//! What a person or a script is told about a reply that they hold in their hands. Pure: text in,
//! text out; reading and printing is the command line's.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;

use super::rules::NO_RULE;
use super::unwrap::{Pasted, unwrap};
use super::{Blame, Cause, Family, Judgement, Permanence, Rules, advice};
use crate::smtp::Phase;

/// All that can be said about one pasted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The cause; `unknown` when no refusal was found.
    pub cause: Cause,
    /// The rule that said so.
    pub rule: Cow<'static, str>,
    /// What kind of evidence the rule goes by: how far to trust it.
    pub confidence: Family,
    /// Whose move it is.
    pub blame: Blame,
    /// Whether trying again can help.
    pub permanence: Permanence,
    /// The reply code, when a refusal was found.
    pub code: Option<u16>,
    /// The enhanced code that was read, wherever it stood.
    pub enhanced: Option<String>,
    /// What was answered, when the text says so.
    pub phase: Option<Phase>,
    /// The reply that was found, in one line, cut at [`SHOWN`] characters; none when there is none.
    pub reply: Option<String>,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub action: &'static str,
    /// How long to wait, where waiting helps.
    pub wait: Option<&'static str>,
    /// The peer's own page about it, or the standard.
    pub doc: String,
    /// The text as it was given.
    pub line: String,
}

impl Explanation {
    /// Explains a pasted text by these rules.
    pub fn of(rules: &Rules, line: &str) -> Self {
        let pasted = unwrap(line);
        let judgement =
            pasted.as_ref().map_or_else(no_reply, |p| rules.judge(p.context(), &p.reply));
        let advice = advice::of(judgement.cause);
        Self {
            cause: judgement.cause,
            confidence: rules.family(&judgement.rule),
            doc: rules.doc(&judgement.rule).unwrap_or(advice.doc).to_owned(),
            rule: judgement.rule,
            blame: judgement.blame,
            permanence: judgement.permanence,
            code: pasted.as_ref().map(|p| p.reply.code),
            enhanced: pasted.as_ref().and_then(enhanced),
            phase: pasted.as_ref().and_then(|p| p.phase),
            reply: pasted.as_ref().map(|p| shown(&format!("{} {}", p.reply.code, p.reply.text()))),
            meaning: advice.meaning,
            action: advice.action,
            wait: advice.wait.filter(|_| judgement.permanence == Permanence::Transient),
            line: line.to_owned(),
        }
    }

    /// For a person who wants to know what to do: cause and meaning first, then the step, then what
    /// it was judged by. Aligned lines of at most [`WIDTH`] columns where words allow it, the last
    /// one ended.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(1024);
        let Some(reply) = &self.reply else {
            row(&mut out, "cause", "none found: there is no 4xx or 5xx reply in this text");
            row(&mut out, "text", &shown(&self.line));
            return out;
        };
        row(&mut out, "cause", self.cause.as_str());
        row(&mut out, "meaning", self.meaning);
        row(&mut out, "what to do", self.action);
        if let Some(wait) = self.wait {
            row(&mut out, "wait", wait);
        }
        row(&mut out, "whose move", side(self.blame));
        row(&mut out, "lasts", lasting(self.permanence));
        row(&mut out, "confidence", &self.confidence.to_text(&self.rule));
        row(&mut out, "reply", reply);
        if let Some(phase) = self.phase {
            row(&mut out, "phase", phase.as_str());
        }
        row(&mut out, "read more", &self.doc);
        out
    }

    /// One JSON object on one line, without a line break.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `cause<TAB>rule<TAB>line`, without a line break. Tabs and breaks inside the line become
    /// spaces, so that each input gives one row of three fields.
    pub fn to_tsv(&self) -> String {
        let line = self.line.trim_end_matches(['\r', '\n']).replace(['\t', '\r', '\n'], " ");
        format!("{}\t{}\t{line}", self.cause, self.rule)
    }
}

impl Family {
    /// How far to trust a rule of this family, and what it goes by, for a person.
    pub fn to_text(self, rule: &str) -> String {
        let trust = match self {
            Self::User => "high: a rule of your configuration",
            Self::Software => "high: a mail server program's own words",
            Self::Provider => "high: a provider's own words",
            Self::Appliance => "high: the words of a filter, gateway or block list",
            Self::Phrase => "good: words that mean this whoever writes them",
            Self::Enhanced => "low: the enhanced code alone, no words that say why",
            Self::Code => "low: the reply code alone, no words that say why",
            Self::None => return "none: no rule knows these words".to_owned(),
        };
        format!("{trust} (rule {rule})")
    }
}

/// Explains by the built-in rules, for a person.
pub fn text(line: &str) -> String {
    Explanation::of(Rules::builtin(), line).to_text()
}

/// Explains by the built-in rules, as JSON.
pub fn json(line: &str) -> String {
    Explanation::of(Rules::builtin(), line).to_json()
}

/// Explains by the built-in rules, as a row of `cause<TAB>rule<TAB>line`.
pub fn tsv(line: &str) -> String {
    Explanation::of(Rules::builtin(), line).to_tsv()
}

fn no_reply() -> Judgement {
    Judgement {
        cause: Cause::Unknown,
        rule: Cow::Borrowed(NO_RULE),
        permanence: Permanence::Transient,
        blame: Cause::Unknown.blame(),
    }
}

fn enhanced(pasted: &Pasted) -> Option<String> {
    super::words::Words::of(&pasted.reply).enhanced.map(|code| code.to_string())
}

/// One row, its value wrapped under itself. What has no spaces, such as a link, is never broken.
pub fn row(out: &mut String, name: &str, value: &str) {
    let mut column = INDENT;
    // Writing to a String cannot fail.
    let _ = write!(out, "{name:<INDENT$}");
    for (place, word) in value.split_whitespace().enumerate() {
        let length = word.chars().count();
        if place > 0 && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{:INDENT$}", "");
            column = INDENT;
        } else if place > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

/// A peer's text without what could end the line or fool a terminal, cut.
fn shown(text: &str) -> String {
    let plain = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_whitespace() {
            ' '
        } else if c.is_control() || turns {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let mut out: String = text.trim().chars().take(SHOWN).map(plain).collect();
    if text.trim().chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}

/// Whose move it is, for a person.
pub const fn side(blame: Blame) -> &'static str {
    match blame {
        Blame::Target => "theirs: their server must change",
        Blame::Path => "the network's: something between us and them must change",
        Blame::Sender => "ours: our address, name, login, settings or sending must change",
        Blame::Exporter => "the measurement's: this says nothing about the server",
    }
}

/// Whether trying again can help, for a person.
pub const fn lasting(permanence: Permanence) -> &'static str {
    match permanence {
        Permanence::Transient => "transient: trying again later can help",
        Permanence::Permanent => "permanent: it stays until somebody changes something",
        Permanence::PermanentInDisguise => {
            "permanent in disguise: the code says later, the words say never"
        }
    }
}

/// Characters of a peer's text that are shown.
pub const SHOWN: usize = 300;
/// Columns of a row.
pub const WIDTH: usize = 96;
/// Where values begin.
const INDENT: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_its_three_fields() {
        let row = tsv("550 5.1.1 User\tunknown\n");
        assert_eq!(row, "mailbox_unavailable\tsendmail.recipient.unknown\t550 5.1.1 User unknown");
        assert_eq!(tsv("good morning"), "unknown\tunknown\tgood morning");
    }

    #[test]
    fn a_person_reads_what_to_do() {
        let told = text(
            "Nov 22 03:00:00 mx postfix/smtp[9]: 4AB: host mx.example.net[192.0.2.1] refused to talk \
             to me: 421 4.7.0 mx.example.net Error: too many connections from 192.0.2.9",
        );
        expect_test::expect![[r#"
            cause       too_many_connections
            meaning     The server counts sessions or connections per client, and the count is over its
                        limit.
            what to do  Open fewer sessions at once and keep each open for several messages; if probes alone
                        reach the limit, lengthen the interval.
            wait        5 to 15 minutes
            whose move  ours: our address, name, login, settings or sending must change
            lasts       transient: trying again later can help
            confidence  high: a mail server program's own words (rule postfix.anvil.connections)
            reply       421 4.7.0 mx.example.net Error: too many connections from 192.0.2.9
            phase       greeting
            read more   https://www.postfix.org/TUNING_README.html#conn_limit
        "#]]
        .assert_eq(&told);
        let nothing = text("nothing\x1b[31m here");
        assert_eq!(
            nothing,
            "cause       none found: there is no 4xx or 5xx reply in this text\n\
             text        nothing\u{fffd}[31m here\n"
        );
        let hostile = text(&format!("550 \u{202e}{}", "x".repeat(100_000)));
        assert!(hostile.len() < 2000 && !hostile.contains('\u{202e}'), "{hostile}");
    }

    #[test]
    fn json_is_one_object() {
        let value: serde_json::Value =
            serde_json::from_str(&json("450 4.2.0 Greylisted \"for\" 5 minutes")).unwrap();
        assert_eq!(value["cause"], "greylisted");
        assert_eq!(value["code"], 450);
        assert_eq!(value["enhanced"], "4.2.0");
        assert_eq!(value["confidence"], "phrase");
    }
}
