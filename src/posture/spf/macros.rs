//! Macro strings (RFC 7208, 7): what a record writes for the client, the sender and the domain.

use super::text;
use super::values::Values;

/// A text with macros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MacroString {
    pieces: Vec<Piece>,
}

/// A macro string that names a domain (`domain-spec`, 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DomainSpec(MacroString);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Expand(Macro),
}

/// `%{letter digits r delimiters}`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Macro {
    letter: char,
    /// Written in upper case: what it stands for is escaped as in a URL.
    escape: bool,
    /// So many parts on the right are kept.
    keep: usize,
    reverse: bool,
    delimiters: String,
}

impl MacroString {
    /// Reads a text. In one of an explanation (`explain`) spaces and the letters `c`, `r` and `t` may
    /// stand too (7.2).
    ///
    /// # Errors
    ///
    /// What is wrong with it, for a person.
    pub(super) fn parse(text: &str, explain: bool) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '%' => match rest.next() {
                    Some('%') => literal.push('%'),
                    Some('_') => literal.push(' '),
                    Some('-') => literal.push_str("%20"),
                    Some('{') => {
                        let Some((inner, after)) = rest.as_str().split_once('}') else {
                            return Err("a macro has no closing brace".to_owned());
                        };
                        if !literal.is_empty() {
                            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                        }
                        pieces.push(Piece::Expand(Macro::parse(inner, explain)?));
                        rest = after.chars();
                    }
                    _ => return Err("a `%` that begins no macro; write `%%`".to_owned()),
                },
                '!'..='~' => literal.push(c),
                ' ' if explain => literal.push(c),
                _ => return Err(UNPRINTABLE.to_owned()),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self { pieces })
    }

    /// The text with what its macros stand for, cut after about `most` bytes.
    pub(super) fn expand(&self, values: &Values<'_>, most: usize) -> String {
        let mut expanded = String::new();
        for piece in &self.pieces {
            expanded.push_str(&piece.expand(values));
            if expanded.len() > most {
                break;
            }
        }
        expanded
    }

    /// Whether it needs the client's validated name.
    pub(super) fn names_client(&self) -> bool {
        self.letters().any(|letter| letter == 'p')
    }

    fn letters(&self) -> impl Iterator<Item = char> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Expand(expand) => Some(expand.letter),
        })
    }
}

impl DomainSpec {
    /// Reads a domain: its end must be a macro, or a dot and a label that no address ends with.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for a person.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("no domain".to_owned());
        }
        let spec = MacroString::parse(text, false)?;
        let at_end = ["%%", "%_", "%-"].iter().any(|end| text.ends_with(end));
        if at_end || matches!(spec.pieces.last(), Some(Piece::Expand(_))) {
            return Ok(Self(spec));
        }
        // Only what stands behind the last macro counts.
        let tail = text.rsplit_once('}').filter(|(before, _)| before.contains("%{"));
        let tail = tail.map_or(text, |(_, tail)| tail);
        let tail = tail.strip_suffix('.').unwrap_or(tail);
        match tail.rsplit_once('.') {
            Some((_, label)) if is_top_label(label) => Ok(Self(spec)),
            Some((_, label)) if label.bytes().all(|b| b.is_ascii_digit()) && !label.is_empty() => {
                Err("a domain cannot end in a number; write an address with `ip4:`".to_owned())
            }
            Some((_, label)) if label.contains('/') => {
                Err("a prefix length that cannot stand here".to_owned())
            }
            Some(_) => Err("the domain does not end in a label of letters".to_owned()),
            None => Err("a domain needs two labels at least".to_owned()),
        }
    }

    /// The name to ask for; none when what comes out cannot be asked for, as [`text::name`] says.
    pub(super) fn expand(&self, values: &Values<'_>) -> Option<String> {
        // From the right, and no more than a name can hold: the left is cut off first (7.3).
        let mut expanded: Vec<String> = Vec::new();
        let mut length = 0;
        for piece in self.0.pieces.iter().rev() {
            let part = piece.expand(values);
            length += part.len();
            expanded.push(part);
            if length > text::MAX_NAME + 1 {
                break;
            }
        }
        expanded.reverse();
        text::name(&expanded.concat())
    }

    /// Whether it needs the client's validated name.
    pub(super) fn names_client(&self) -> bool {
        self.0.names_client()
    }

    /// Whether it names the same domain for every message of the domain: no client, EHLO name or
    /// local part in it.
    pub(super) fn is_fixed(&self) -> bool {
        self.0.letters().all(|letter| matches!(letter, 'd' | 'o'))
    }
}

impl Piece {
    fn expand(&self, values: &Values<'_>) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Expand(expand) => expand.expand(values),
        }
    }
}

impl Macro {
    fn parse(inner: &str, explain: bool) -> Result<Self, String> {
        let mut chars = inner.chars();
        let Some(written) = chars.next() else { return Err("an empty macro".to_owned()) };
        let letter = written.to_ascii_lowercase();
        match letter {
            's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'v' | 'h' => {}
            'c' | 'r' | 't' if explain => {}
            'c' | 'r' | 't' => {
                return Err(format!("the macro letter `{letter}` stands in explanations alone"));
            }
            _ => return Err("a macro letter that there is not".to_owned()),
        }
        let rest = chars.as_str();
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = rest.strip_suffix(after).unwrap_or_default();
        // More digits than a number can have are more parts than a name can have.
        let keep = match digits {
            "" => usize::MAX,
            digits => digits.parse().unwrap_or(usize::MAX),
        };
        if keep == 0 {
            return Err("a macro that keeps no part".to_owned());
        }
        let delimiters = after.strip_prefix(['r', 'R']);
        let reverse = delimiters.is_some();
        let delimiters = delimiters.unwrap_or(after);
        if !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
            return Err("a macro delimiter that there is not".to_owned());
        }
        let escape = written.is_ascii_uppercase();
        Ok(Self { letter, escape, keep, reverse, delimiters: delimiters.to_owned() })
    }

    fn expand(&self, values: &Values<'_>) -> String {
        let value = values.of(self.letter);
        let value = self.transform(&value);
        if self.escape { escape(&value) } else { value }
    }

    /// Splits, turns around, keeps the right, and joins with dots (7.3).
    fn transform(&self, value: &str) -> String {
        if !self.reverse && self.keep == usize::MAX && self.delimiters.is_empty() {
            return value.to_owned();
        }
        let delimiters = if self.delimiters.is_empty() { "." } else { &self.delimiters };
        let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
        if self.reverse {
            parts.reverse();
        }
        let skip = parts.len().saturating_sub(self.keep);
        parts.into_iter().skip(skip).collect::<Vec<_>>().join(".")
    }
}

/// Escapes all but what RFC 3986 calls unreserved.
fn escape(value: &str) -> String {
    let mut escaped = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// `toplabel`: letters, digits and inner hyphens, and not digits alone.
fn is_top_label(label: &str) -> bool {
    let known = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let number = label.bytes().all(|b| b.is_ascii_digit());
    known && !number && !label.starts_with('-') && !label.ends_with('-')
}

/// What is said of a byte that no term may hold.
pub(super) const UNPRINTABLE: &str = "a byte that is not printable ASCII";

#[cfg(test)]
mod tests {
    use super::*;

    fn values(client: &str) -> Values<'static> {
        Values {
            domain: "email.example.com",
            sender: "strong-bad@email.example.com",
            helo: "mx.example.org",
            client: Some(client.parse().unwrap()),
            validated: "mx.example.org",
        }
    }

    /// The examples of RFC 7208, 7.4.
    #[test]
    fn the_examples_expand_as_they_say() {
        for (text, expanded) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
        ] {
            let read = MacroString::parse(text, false).unwrap();
            assert_eq!(read.expand(&values("192.0.2.3"), 1000), expanded, "{text}");
        }
        let seen = |text: &str, client: &str| {
            DomainSpec::parse(text).unwrap().expand(&values(client)).unwrap()
        };
        for (text, name) in [
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
            ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ] {
            assert_eq!(seen(text, "192.0.2.3"), name);
        }
        let digits = format!("1.0.b.c.{}8.b.d.0.1.0.0.2", "0.".repeat(20));
        let name = format!("{digits}.ip6._spf.example.com");
        assert_eq!(seen("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01"), name);
    }

    #[test]
    fn letters_digits_and_delimiters_mean_what_the_rfc_says() {
        let expanded = |text: &str| {
            let read = MacroString::parse(text, true).unwrap();
            read.expand(&values("2001:db8::1"), 1000)
        };
        let others = "2001:db8::1 mx.example.org mx.example.org unknown 0";
        assert_eq!(expanded("%{c} %{h} %{p} %{r} %{t}"), others);
        assert_eq!(expanded("%%%_%-"), "% %20");
        // Upper case escapes, and all else is as in lower case.
        assert_eq!(expanded("%{S}"), "strong-bad%40email.example.com");
        assert_eq!(expanded("%{DR}"), "com.example.email");
        // Each delimiter splits, and the parts are joined by dots.
        assert_eq!(expanded("%{s1-}"), "bad@email.example.com");
        assert_eq!(expanded("%{s2r.-}"), "bad@email.strong");
        assert_eq!(expanded("%{d99999999999999999999999}"), "email.example.com");
    }

    #[test]
    fn what_is_no_macro_is_refused() {
        for (text, wrong) in [
            ("%", "a `%` that begins no macro; write `%%`"),
            ("%(d}", "a `%` that begins no macro; write `%%`"),
            ("%{d", "a macro has no closing brace"),
            ("%{}", "an empty macro"),
            ("%{x}", "a macro letter that there is not"),
            ("%{dd}", "a macro delimiter that there is not"),
            ("%{d-r}", "a macro delimiter that there is not"),
            ("%{d0}", "a macro that keeps no part"),
            ("%{c}", "the macro letter `c` stands in explanations alone"),
            ("a b", UNPRINTABLE),
            ("\u{fc}", UNPRINTABLE),
        ] {
            assert_eq!(MacroString::parse(text, false), Err(wrong.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_domain_ends_in_a_macro_or_a_label_of_letters() {
        for text in [
            "example.net",
            "example.net.",
            "%{d}",
            "a.%{d}",
            "%{d}.net",
            "a.%%",
            "a:b/c.net",
            "a..net",
            "_x.xn--zckzah",
            "a.1-1",
        ] {
            assert!(DomainSpec::parse(text).is_ok(), "{text}");
        }
        for (text, wrong) in [
            ("", "no domain"),
            ("net", "a domain needs two labels at least"),
            ("net.", "a domain needs two labels at least"),
            ("%{d}net", "a domain needs two labels at least"),
            ("%{d}.", "a domain needs two labels at least"),
            ("a.%{d}x", "a domain needs two labels at least"),
            ("192.0.2.1", "a domain cannot end in a number; write an address with `ip4:`"),
            ("a.net/24", "a prefix length that cannot stand here"),
            ("a.-b", "the domain does not end in a label of letters"),
            ("a.b-", "the domain does not end in a label of letters"),
            ("a.b..", "the domain does not end in a label of letters"),
            ("a.b:80", "the domain does not end in a label of letters"),
        ] {
            assert_eq!(DomainSpec::parse(text), Err(wrong.to_owned()), "{text}");
        }
    }

    /// However many macros there are, no more is put together than a name can hold.
    #[test]
    fn long_domains_lose_their_left() {
        let spec = DomainSpec::parse(&format!("{}end.net", "%{d}.".repeat(10_000))).unwrap();
        let name = spec.expand(&values("192.0.2.3")).unwrap();
        assert!(name.len() <= text::MAX_NAME && name.len() > 230, "{}", name.len());
        assert!(
            name.starts_with("com.email.")
                || name.starts_with("email.")
                || name.starts_with("example.")
        );
        assert!(name.ends_with(".email.example.com.end.net"));
    }

    #[test]
    fn only_a_domain_of_the_domain_is_fixed() {
        for (text, fixed) in [
            ("a.net", true),
            ("a.%{d2}", true),
            ("%{O}", true),
            ("%{l}.net", false),
            ("%{ir}.net", false),
        ] {
            assert_eq!(DomainSpec::parse(text).unwrap().is_fixed(), fixed, "{text}");
        }
    }
}
