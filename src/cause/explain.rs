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
            meaning: advice.meaning,
            action: advice.action,
            wait: advice.wait.filter(|_| judgement.permanence == Permanence::Transient),
            line: line.to_owned(),
        }
    }

    /// For a person: a few aligned lines, ended by a line break.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(512);
        let mut row = |name: &str, value: &dyn std::fmt::Display| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{name:<12}{value}");
        };
        row("cause", &self.cause);
        match self.confidence {
            Family::None => row("confidence", &"none: no rule holds"),
            family => row("confidence", &format_args!("{family} ({})", self.rule)),
        }
        match (self.code, &self.enhanced) {
            (Some(code), Some(enhanced)) => row("code", &format_args!("{code} {enhanced}")),
            (Some(code), None) => row("code", &code),
            (None, _) => row("code", &"no 4xx or 5xx reply found in this text"),
        }
        if let Some(phase) = self.phase {
            row("phase", &phase);
        }
        row("meaning", &self.meaning);
        row("side", &side(self.blame));
        row("permanence", &lasting(self.permanence));
        row("what to do", &self.action);
        if let Some(wait) = self.wait {
            row("wait", &wait);
        }
        row("read more", &self.doc);
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

const fn side(blame: Blame) -> &'static str {
    match blame {
        Blame::Target => "theirs: their server must change",
        Blame::Path => "the network between",
        Blame::Sender => "ours: our address, name, login or sending must change",
        Blame::Exporter => "the measurement itself",
    }
}

const fn lasting(permanence: Permanence) -> &'static str {
    match permanence {
        Permanence::Transient => "transient: trying again later can help",
        Permanence::Permanent => "permanent: it stays until somebody changes something",
        Permanence::PermanentInDisguise => {
            "permanent in disguise: a temporary code, and trying again will not help"
        }
    }
}

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
        let told = text("421 4.7.0 mx.example.net Error: too many connections from 192.0.2.1");
        assert!(told.starts_with("cause       too_many_connections\n"), "{told}");
        for part in [
            "software (postfix.anvil.connections)",
            "code        421 4.7.0",
            "ours",
            "5 to 15 minutes",
        ] {
            assert!(told.contains(part), "{part:?} is missing in {told}");
        }
        assert!(text("nothing here").contains("no 4xx or 5xx reply"));
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
