//! What people paste: a reply as such, or wrapped into a log line, a bounce or a report.
//!
//! What begins with a code is taken as it stands, so that a paste is judged like the live reply.
//! Every wrapping ends in the same thing, a three-digit code and what follows, so the search is for
//! the *last* wrapping that introduces a reply: forwarders and log lines nest, and the innermost
//! reply is the one that a server gave. Only the first [`CAP`] bytes are looked at.

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

/// The refusal in a pasted text, if there is one:
///
/// - a bare reply, also with its quotes, a transcript's `S:`, or over several lines;
/// - Postfix's `host mx[192.0.2.1] said: 550 … (in reply to RCPT TO command)`;
/// - Exim's `SMTP error from remote mail server after RCPT TO:<…>: 550 …`;
/// - Exim's own `rejected RCPT <…>: relay not permitted`;
/// - Sendmail's `dsn=5.1.1, stat=User unknown` and its `reject=550 …`;
/// - OpenSMTPD's `failed-command command="RCPT TO:<…>" result="550 …"`;
/// - a report's `Diagnostic-Code: smtp; 550 …`, with folded lines;
/// - anything else with a code and an enhanced code side by side, or quoted as `"550 …"`.
pub fn unwrap(text: &str) -> Option<Pasted> {
    let text = unfold(clip(text));
    let phase = phase_hint(&text);
    let found = reply(&text)
        .or_else(|| innermost(&text))
        .or_else(|| sendmail(&text))
        .or_else(|| exim(&text))?;
    Some(Pasted { reply: found, phase })
}

/// A refusal from a text that begins with its code: `550 5.1.1 no`, `550-no`, `550`. Line breaks
/// part its lines, and each line's repeated code is taken off.
pub fn reply(text: &str) -> Option<Reply> {
    let mut lines: Vec<String> = Vec::new();
    let mut code = None;
    for line in clip(text).lines().map(plain).filter(|line| !line.is_empty()) {
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

/// How much of a paste is looked at. Replies are short, and bounces quote whole messages behind.
pub const CAP: usize = 16 * 1024;

/// How far behind an introduction the reply may begin: Exim names the command and its address
/// first.
const REACH: usize = 512;

/// Phrases behind which a server's own reply follows.
const INTRODUCTIONS: &[&str] = &[
    " said: ",
    "diagnostic-code: smtp; ",
    "diagnostic-code: smtp;",
    "reject: ",
    "reject=",
    "smtp error from remote mail server after ",
    "smtp error from remote mailer after ",
    "smtp;",
    "=> ",
    "remote server returned ",
    "remote host said: ",
    "server response: ",
    "server replied: ",
    "server responded: ",
    "the response was: ",
    "responded with: ",
    "response was: ",
    "error was: ",
    "stat=",
    "result=\"",
    "status: ",
    "s: ",
    "<< ",
    "<- ",
    "<<< ",
];

/// The commands that wrappings name, and their phases.
const HINTS: &[(&str, Phase)] = &[
    ("in reply to rcpt to", Phase::Rcpt),
    ("after rcpt to", Phase::Rcpt),
    ("in reply to mail from", Phase::Mail),
    ("after mail from", Phase::Mail),
    ("in reply to ehlo", Phase::Ehlo),
    ("in reply to helo", Phase::Ehlo),
    ("after ehlo", Phase::Ehlo),
    ("after helo", Phase::Ehlo),
    ("in reply to starttls", Phase::Starttls),
    ("after starttls", Phase::Starttls),
    ("in reply to auth", Phase::Auth),
    ("after auth", Phase::Auth),
    ("after initial connection", Phase::Greeting),
    ("while performing the initial", Phase::Greeting),
    ("refused to talk to me", Phase::Greeting),
    (" rejected rcpt", Phase::Rcpt),
    (" rejected mail", Phase::Mail),
    (" rejected ehlo", Phase::Ehlo),
    ("noqueue: reject: rcpt", Phase::Rcpt),
    ("noqueue: reject: mail", Phase::Mail),
    ("noqueue: reject: connect", Phase::Greeting),
    ("command=\"\"", Phase::Greeting),
    ("command=\"ehlo", Phase::Ehlo),
    ("command=\"helo", Phase::Ehlo),
    ("command=\"auth", Phase::Auth),
    ("command=\"mail from", Phase::Mail),
    ("command=\"rcpt to", Phase::Rcpt),
];

/// The reply behind the last introduction that is followed by one.
fn innermost(text: &str) -> Option<Reply> {
    let lower = text.to_ascii_lowercase();
    let codes = codes(&lower);
    let mut best: Option<usize> = None;
    for intro in INTRODUCTIONS {
        for (at, _) in lower.match_indices(intro) {
            let boundary = at == 0
                || intro.starts_with([' ', '<'])
                || lower.as_bytes().get(at - 1).is_some_and(|b| !b.is_ascii_alphanumeric());
            if !boundary {
                continue;
            }
            let from = at + intro.len();
            let next = codes.partition_point(|&code| code < from);
            if let Some(&code) = codes.get(next)
                && code - from <= REACH
                && lower.get(from..code).is_some_and(|between| !between.contains('\n'))
            {
                best = best.max(Some(code));
            }
        }
    }
    let place = match best {
        Some(place) => place,
        None => quoted_or_enhanced(&lower)?,
    };
    let tail = text.get(place..)?;
    reply(without_trailer(tail))
}

/// Where the stand-alone refusal codes of a text are.
fn codes(text: &str) -> Vec<usize> {
    let mut out = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive([' ', ':', '"', ';', '(', '<', ',', '=', '\n']) {
        let bare = word.trim_end_matches([' ', ':', '"', ';', '(', '<', ',', '=', '\n']);
        let code = bare.get(..3).and_then(|c| c.parse::<u16>().ok());
        let shaped = bare.len() == 3 || bare.as_bytes().get(3) == Some(&b'-');
        if code.is_some_and(|c| (400..600).contains(&c)) && shaped {
            out.push(at);
        }
        at += word.len();
    }
    out
}

/// The place of `"550 …`, or of `550 5.1.1` and the like.
fn quoted_or_enhanced(lower: &str) -> Option<usize> {
    let mut place = 0;
    let mut before = "";
    for word in lower.split_inclusive(char::is_whitespace) {
        let word_text = word.trim();
        let bare = word_text.trim_start_matches(['"', '\'', '(', '[', '#']);
        let here = place + (word_text.len() - bare.len());
        let code = bare.get(..3).and_then(|c| c.parse::<u16>().ok());
        let shaped = bare.len() == 3 || bare.as_bytes().get(3).is_some_and(|b| *b == b'-');
        let is_code = code.is_some_and(|c| (400..600).contains(&c)) && shaped;
        let opened = bare.len() < word_text.len() || before.ends_with(':');
        if is_code && (opened || next_is_enhanced(lower.get(here + 3..))) {
            return Some(here);
        }
        before = word_text;
        place += word.len();
    }
    None
}

fn next_is_enhanced(rest: Option<&str>) -> bool {
    let word = rest.unwrap_or_default().trim_start_matches([' ', '-', '#']);
    let word = word.split_ascii_whitespace().next().unwrap_or_default();
    let mut parts = word.split('.').map(|part| part.trim_end_matches(':').parse::<u16>());
    matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some(Ok(4 | 5)), Some(Ok(_)), Some(Ok(_)), None)
    )
}

/// Sendmail's log states the enhanced code and the reply's text apart: `dsn=5.1.1, stat=User
/// unknown`. The class of the code gives the reply's.
fn sendmail(text: &str) -> Option<Reply> {
    let dsn = text.split("dsn=").nth(1)?;
    let enhanced = dsn.split([',', ' ']).next()?;
    let stat = text.split("stat=").nth(1)?;
    let code = match enhanced.bytes().next()? {
        b'4' => 450,
        b'5' => 550,
        _ => return None,
    };
    let line = format!("{enhanced} {}", stat.trim());
    Some(Reply { code, enhanced: leading_enhanced(&line, code), lines: vec![line] })
}

/// Exim logs its own refusals without their code: `rejected RCPT <a@example.net>: relay not
/// permitted`, and `temporarily rejected` for a 4xx.
fn exim(text: &str) -> Option<Reply> {
    let (before, said) = text.split_once(" rejected ")?;
    let command = said.split([' ', ':']).next()?;
    if !matches!(command, "RCPT" | "MAIL" | "EHLO" | "HELO" | "connection" | "after") {
        return None;
    }
    let (_, reason) = said.split_once(": ")?;
    let code = if before.ends_with(" temporarily") { 451 } else { 550 };
    Some(Reply { code, enhanced: leading_enhanced(reason, code), lines: vec![reason.to_owned()] })
}

/// Takes off what a log puts behind the reply.
fn without_trailer(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let mut end = text.len();
    for trailer in
        ["(in reply to ", "; from=<", "\n\n", "\nreporting-mta", "\naction: ", "\nstatus: "]
    {
        end = lower.find(trailer).map_or(end, |at| end.min(at));
    }
    let text = text.get(..end).unwrap_or(text).trim_end_matches([' ', '"', '\'', '\n', '\r']);
    // A log puts the whole in brackets, of which the opening one stands before the reply.
    let count = |sign| text.matches(sign).count();
    match text.strip_suffix(')') {
        Some(inside) if count(')') > count('(') => inside,
        _ => text,
    }
}

fn phase_hint(text: &str) -> Option<Phase> {
    let lower = text.to_ascii_lowercase();
    HINTS
        .iter()
        .filter_map(|&(hint, phase)| lower.rfind(hint).map(|at| (at, phase)))
        .max_by_key(|&(at, _)| at)
        .map(|(_, phase)| phase)
}

/// Writes escaped line breaks out and joins folded header lines (RFC 5322, 2.2.3).
fn unfold(text: &str) -> String {
    let text = text.trim().replace("\\r", "").replace("\\n", "\n").replace('\r', "");
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let folded = line.starts_with([' ', '\t']) && split_code(line.trim_start()).is_none();
        if !out.is_empty() {
            out.push(if folded { ' ' } else { '\n' });
        }
        out.push_str(if folded { line.trim_start() } else { line });
    }
    out
}

/// A line without quote marks of mail (`> `), of strings, and of transcripts.
fn plain(line: &str) -> &str {
    let mut line = line.trim();
    for mark in ["> ", ">", "S: ", "<< ", "<<< ", "<- "] {
        line = line.strip_prefix(mark).unwrap_or(line).trim_start();
    }
    line.trim_start_matches(['"', '\'']).trim_end_matches(['"', '\''])
}

/// The code at the start of a line and what follows its separator.
fn split_code(line: &str) -> Option<(u16, &str)> {
    let line = line.trim_start_matches(['"', '\'']);
    let code: u16 =
        line.get(..3).filter(|c| c.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let rest = line.get(3..)?;
    let separated = rest.is_empty() || rest.starts_with([' ', '-', '\t', ':']);
    ((400..600).contains(&code) && separated).then(|| (code, rest.get(1..).unwrap_or_default()))
}

/// The enhanced code that a reply's text begins with, if it is of the reply's class.
fn leading_enhanced(text: &str, code: u16) -> Option<EnhancedCode> {
    let word = text.split_ascii_whitespace().next()?;
    let mut parts = word.splitn(3, '.').map(str::parse::<u16>);
    let (class, subject, detail) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if class != code / 100 || subject > 999 || detail > 999 {
        return None;
    }
    Some(EnhancedCode { class: u8::try_from(class).ok()?, subject, detail })
}

/// The first [`CAP`] bytes, cut between characters.
fn clip(text: &str) -> &str {
    let mut end = text.len().min(CAP);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (u16, Option<Phase>, String) {
        let pasted = unwrap(text).unwrap_or_else(|| panic!("nothing found in {text:?}"));
        (pasted.reply.code, pasted.phase, pasted.reply.text())
    }

    #[test]
    fn bare_replies() {
        assert_eq!(found("550 5.1.1 no"), (550, None, "5.1.1 no".to_owned()));
        assert_eq!(found(" \"421-a\\r\\n421 b\" "), (421, None, "a b".to_owned()));
        assert_eq!(found("554-one\n554 two"), (554, None, "one two".to_owned()));
        assert_eq!(found("S: 450 later"), (450, None, "later".to_owned()));
        assert_eq!(found("421"), (421, None, String::new()));
        for nothing in ["", "hello", "250 fine", "port 5501 open", "550x", "4500 men"] {
            assert_eq!(unwrap(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn postfix_log_lines() {
        let line = "Nov 22 10:00:00 mx postfix/smtp[99]: 4AB: to=<a@example.net>, \
                    relay=mx.example.net[192.0.2.1]:25, delay=1, dsn=5.1.1, status=bounced (host \
                    mx.example.net[192.0.2.1] said: 550 5.1.1 <a@example.net>: no (in reply to \
                    RCPT TO command))";
        assert_eq!(found(line), (550, Some(Phase::Rcpt), "5.1.1 <a@example.net>: no".to_owned()));
        let line = "status=deferred (host mx.example.net[192.0.2.1] refused to talk to me: 421 \
                    4.7.0 too many)";
        assert_eq!(found(line), (421, Some(Phase::Greeting), "4.7.0 too many".to_owned()));
        let line = "postfix/smtpd[7]: NOQUEUE: reject: RCPT from mx[192.0.2.1]: 554 5.7.1 \
                    <a@example.net>: Relay access denied; from=<b@example.org> to=<a@example.net>";
        let text = "5.7.1 <a@example.net>: Relay access denied".to_owned();
        assert_eq!(found(line), (554, Some(Phase::Rcpt), text));
    }

    #[test]
    fn exim_and_sendmail_log_lines() {
        let line = "1abc-00 ** a@example.net R=dnslookup T=remote_smtp H=mx.example.net \
                    [192.0.2.1]: SMTP error from remote mail server after MAIL \
                    FROM:<b@example.org> SIZE=2022: 553 5.7.1 no";
        assert_eq!(found(line), (553, Some(Phase::Mail), "5.7.1 no".to_owned()));
        let line = "x to=<a@example.net>, mailer=esmtp, relay=mx. [192.0.2.1], dsn=4.2.2, \
                    stat=Deferred: 452 4.2.2 Mailbox full";
        assert_eq!(found(line), (452, None, "4.2.2 Mailbox full".to_owned()));
        let line = "H=(x) [192.0.2.1] F=<b@example.org> rejected RCPT <a@example.net>: relay no";
        assert_eq!(found(line), (550, Some(Phase::Rcpt), "relay no".to_owned()));
        let line = "H=(x) [192.0.2.1] F=<b@example.org> temporarily rejected RCPT <a@b>: later";
        assert_eq!(found(line).0, 451);
        let line = "x: ruleset=check_rcpt, arg1=<a@example.net>, reject=550 5.7.1 no";
        assert_eq!(found(line), (550, None, "5.7.1 no".to_owned()));
        let line = "x to=<a@example.net>, dsn=5.1.1, stat=User unknown";
        assert_eq!(found(line), (550, None, "5.1.1 User unknown".to_owned()));
    }

    #[test]
    fn opensmtpd_log_lines() {
        let line = "1f smtp failed-command command=\"RCPT TO:<a@example.net>\" result=\"550 no\"";
        assert_eq!(found(line), (550, Some(Phase::Rcpt), "no".to_owned()));
        let line = "1f smtp failed-command command=\"\" result=\"421 too busy\"";
        assert_eq!(found(line), (421, Some(Phase::Greeting), "too busy".to_owned()));
    }

    #[test]
    fn bounces_and_nested_reports() {
        let report = "Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 the\n    \
                      mailbox is full\nRemote-MTA: dns; mx.example.net";
        assert_eq!(found(report).0, 552);
        assert!(found(report).2.starts_with("5.2.2 the mailbox is full"));
        let nested = "host a.example[192.0.2.1] said: 451 4.4.0 response was: 550 5.7.1 blocked";
        assert_eq!(found(nested), (550, None, "5.7.1 blocked".to_owned()));
        assert_eq!(found("The server told us \"554 5.7.1 go away\"").0, 554);
    }

    #[test]
    fn long_pastes_are_cut_between_characters() {
        let long = format!("550 {}", "é".repeat(CAP));
        assert_eq!(unwrap(&long).map(|p| p.reply.code), Some(550));
    }
}
