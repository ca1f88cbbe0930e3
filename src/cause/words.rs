//! A reply's text as words: what is left when case, line breaks, punctuation, repeated codes,
//! addresses and accents are taken away. Servers wrap, quote and decorate the same sentence in many
//! ways; rules are written against the words alone.

use crate::smtp::{EnhancedCode, Reply};

/// The words of one reply, lower case, in order, and the enhanced code that came with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    text: String,
    ends: Vec<u16>,
    /// The reply's own enhanced code, else the first in the text that looks like one: many servers
    /// put it in brackets, behind a host name or at the end.
    pub enhanced: Option<EnhancedCode>,
}

impl Words {
    /// The words of the first [`CAP`] bytes of the reply's lines.
    ///
    /// Left out: the reply's own code wherever it is repeated, anything like an enhanced code,
    /// addresses (`user@host`, IPv4, IPv6), and what stands in angle brackets unless it is a URL or
    /// a bare domain. An apostrophe joins (`doesn't` is `doesnt`), `e-mail` is `email`, accents of
    /// Latin letters are dropped, and every other character parts two words.
    pub fn of(reply: &Reply) -> Self {
        let mut folded = String::with_capacity(256);
        let mut left = CAP;
        for line in &reply.lines {
            fold(line, &mut folded, &mut left);
            if left == 0 {
                break;
            }
            folded.push(' ');
        }
        let mut words = Self {
            text: String::with_capacity(folded.len()),
            ends: Vec::with_capacity(32),
            enhanced: reply.enhanced,
        };
        words.read(&folded, reply.code);
        words
    }

    /// The words of a plain text.
    #[cfg(test)]
    fn of_text(code: u16, text: &str) -> Self {
        Self::of(&Reply { code, enhanced: None, lines: vec![text.to_owned()] })
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when the reply has no words.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The words in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let word = self.text.get(start..usize::from(end)).unwrap_or_default();
            start = usize::from(end);
            word
        })
    }

    fn read(&mut self, folded: &str, code: u16) {
        let mut rest = folded;
        let mut hyphen_e = false;
        while let Some(c) = rest.bytes().next() {
            if c == b'<'
                && let Some(inner) = bracketed(rest)
                && !worth_reading(inner)
            {
                rest = rest.get(inner.len() + 2..).unwrap_or_default();
                hyphen_e = false;
                continue;
            }
            let run = run_length(rest, is_address_byte);
            if run == 0 {
                rest = rest.get(1..).unwrap_or_default();
                hyphen_e = false;
                continue;
            }
            let (chunk, after) = rest.split_at(run);
            rest = after;
            if is_ipv6(chunk) {
                hyphen_e = false;
                continue;
            }
            for part in chunk.split([':', '=']).filter(|part| !part.contains('@')) {
                for piece in part.split(['-', '+', '%']) {
                    hyphen_e = self.dotted(piece.trim_matches('.'), code, hyphen_e);
                }
            }
        }
    }

    /// Takes a run of letters, digits and dots in; true when it was a lone `e`, so that a `mail`
    /// behind the hyphen can be joined to it.
    fn dotted(&mut self, piece: &str, code: u16, hyphen_e: bool) -> bool {
        if piece.is_empty() {
            return false;
        }
        if piece.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            if let Some(enhanced) = enhanced_code(piece) {
                self.enhanced = self.enhanced.or(Some(enhanced));
                return false;
            }
            if is_ipv4(piece) || piece.parse() == Ok(code) {
                return false;
            }
        }
        // Documents and redacted logs write an address so.
        if piece.starts_with('x')
            && piece.contains('.')
            && piece.bytes().all(|b| matches!(b, b'x' | b'.'))
        {
            return false;
        }
        if hyphen_e && (piece == "mail" || piece == "mails") {
            self.text.truncate(self.text.len().saturating_sub(1));
            self.ends.pop();
            self.push_joined("e", piece);
            return false;
        }
        for word in piece.split('.').filter(|w| !w.is_empty()) {
            self.push_joined("", word);
        }
        piece == "e"
    }

    fn push_joined(&mut self, head: &str, tail: &str) {
        self.text.push_str(head);
        self.text.push_str(tail);
        if let Ok(end) = u16::try_from(self.text.len()) {
            self.ends.push(end);
        }
    }
}

/// How many bytes of text are considered. RFC 5321 allows 512 per line, and the cause is stated
/// early; what follows is at best a disclaimer and at worst an attack.
pub const CAP: usize = 4096;

/// Appends `line` in lower case without accents; characters that are neither ASCII nor a Latin
/// letter with an accent become spaces.
fn fold(line: &str, out: &mut String, left: &mut usize) {
    let mut chars = line.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        if *left < c.len_utf8() {
            *left = 0;
            return;
        }
        *left -= c.len_utf8();
        match c {
            '\'' | '\u{2019}' | '`' if before.is_ascii_alphabetic() => {
                if !chars.peek().is_some_and(|next| next.is_ascii_alphabetic()) {
                    out.push(' ');
                }
            }
            c if c.is_ascii_control() => out.push(' '),
            c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            c => out.push_str(without_accent(c)),
        }
        before = c;
    }
}

/// The plain letters for an accented one of western Europe, else a space.
fn without_accent(c: char) -> &'static str {
    match c {
        'à'..='å' | 'À'..='Å' => "a",
        'æ' | 'Æ' => "ae",
        'ç' | 'Ç' => "c",
        'è'..='ë' | 'È'..='Ë' => "e",
        'ì'..='ï' | 'Ì'..='Ï' => "i",
        'ñ' | 'Ñ' => "n",
        'ò'..='ö' | 'Ò'..='Ö' | 'ø' | 'Ø' => "o",
        'œ' | 'Œ' => "oe",
        'ß' => "ss",
        'ù'..='ü' | 'Ù'..='Ü' => "u",
        'ý' | 'ÿ' | 'Ý' => "y",
        _ => " ",
    }
}

/// Letters, digits and what may stand inside an address.
fn is_address_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'+' | b'=' | b'%' | b'@' | b':')
}

fn run_length(text: &str, keep: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|b| !keep(b)).unwrap_or(text.len())
}

/// The inside of the angle brackets that `text` begins with, if they close before a space.
fn bracketed(text: &str) -> Option<&str> {
    let inner = text.get(1..)?;
    let end = inner.bytes().position(|b| matches!(b, b'>' | b'<' | b' '))?;
    if inner.as_bytes().get(end) == Some(&b'>') { inner.get(..end) } else { None }
}

/// In angle brackets, a URL or a bare domain says something; an address or a client's name does
/// not.
fn worth_reading(inner: &str) -> bool {
    inner.contains("://") || (inner.contains('.') && !inner.contains(['@', '[']))
}

fn enhanced_code(piece: &str) -> Option<EnhancedCode> {
    let mut parts = piece.split('.');
    let class: u8 = parts.next()?.parse().ok()?;
    let subject: u16 = parts.next()?.parse().ok()?;
    let detail: u16 = parts.next()?.parse().ok()?;
    let fits = matches!(class, 2 | 4 | 5) && subject < 1000 && detail < 1000;
    (fits && parts.next().is_none()).then_some(EnhancedCode { class, subject, detail })
}

fn is_ipv4(piece: &str) -> bool {
    piece.parse::<std::net::Ipv4Addr>().is_ok()
}

fn is_ipv6(chunk: &str) -> bool {
    let chunk = chunk.strip_prefix("ipv6:").unwrap_or(chunk).trim_end_matches(['.', ':']);
    chunk.len() >= 3
        && chunk.len() <= 45
        && chunk.contains(':')
        && chunk.parse::<std::net::Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Words::of_text(550, text).iter().map(str::to_owned).collect()
    }

    #[test]
    fn decoration_does_not_matter() {
        let plain = words("user unknown here");
        assert_eq!(plain, ["user", "unknown", "here"]);
        assert_eq!(words("550 5.1.1 550-5.1.1 <a.b+c@example.net>: User  UNKNOWN, here!"), plain);
        assert_eq!(words("#5.1.1 User a@example.net unknown [192.0.2.1] here 2001:db8::1"), plain);
    }

    #[test]
    fn what_says_something_stays() {
        assert_eq!(
            words("see <https://list.example.org/q?ip=192.0.2.7>"),
            ["see", "https", "list", "example", "org", "q", "ip"]
        );
        assert_eq!(
            words("Didn't pass; e-mail bloquée (OFR_104)"),
            ["didnt", "pass", "email", "bloquee", "ofr_104"]
        );
    }

    #[test]
    fn an_enhanced_code_is_found_where_it_hides() {
        let found = Words::of_text(550, "mx.example.net says no (#5.7.25)").enhanced;
        assert_eq!(found, Some(EnhancedCode { class: 5, subject: 7, detail: 25 }));
        assert_eq!(Words::of_text(550, "client 192.0.2.5 version 8.14.1").enhanced, None);
    }

    #[test]
    fn no_more_than_the_cap_is_read() {
        let lines = vec!["abcdefg ".repeat(20_000); 3];
        let reply = Reply { code: 550, enhanced: None, lines };
        assert_eq!(Words::of(&reply).len(), CAP / 8);
    }
}
