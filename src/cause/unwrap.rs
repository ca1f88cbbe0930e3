//! What people paste: a reply as such, or wrapped into a log line, a bounce or a report.

use super::Context;
use crate::smtp::{EnhancedCode, Phase, Reply};

/// A reply found in pasted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasted {
    /// The reply.
    pub reply: Reply,
    /// What was answered, when the text says so.
    pub phase: Option<Phase>,
}

impl Pasted {
    /// What is known of the circumstances.
    pub fn context(&self) -> Context {
        Context { phase: self.phase, tls: false }
    }
}

/// A refusal from a line that begins with its code: `550 5.1.1 no`, `550-no`, `550`. Line breaks,
/// real or written as `\n`, part its lines, and each line's repeated code is taken off.
pub fn reply(text: &str) -> Option<Reply> {
    let text = text.trim().replace("\\r", "").replace("\\n", "\n");
    let mut lines = Vec::new();
    let mut code = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (code, split_code(line)) {
            (None, Some((own, rest))) => {
                code = Some(own);
                lines.push(rest.to_owned());
            }
            (Some(code), Some((own, rest))) if own == code => lines.push(rest.to_owned()),
            (Some(_), _) => lines.push(line.to_owned()),
            (None, None) => return None,
        }
    }
    let code = code?;
    let enhanced = lines.first().and_then(|line| leading_enhanced(line, code));
    Some(Reply { code, enhanced, lines })
}

/// The code at the start of a line and what follows its separator.
fn split_code(line: &str) -> Option<(u16, &str)> {
    let code: u16 = line.get(..3)?.parse().ok()?;
    let rest = line.get(3..)?;
    let separated = rest.is_empty() || rest.starts_with([' ', '-', '\t']);
    ((400..600).contains(&code) && separated).then(|| (code, rest.get(1..).unwrap_or_default()))
}

/// The enhanced code that a reply's text begins with, if it is of the reply's class.
fn leading_enhanced(text: &str, code: u16) -> Option<EnhancedCode> {
    let word = text.split_ascii_whitespace().next()?;
    let mut parts = word.splitn(3, '.').map(str::parse::<u16>);
    let (class, subject, detail) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    (class == code / 100 && subject < 1000 && detail < 1000)
        .then(|| Some(EnhancedCode { class: u8::try_from(class).ok()?, subject, detail }))?
}
