//! What we hear: replies (RFC 5321, 4.2) and their enhanced status codes (RFC 3463).

use std::fmt;

use super::reader::{BadReply, ReplyReader, printable_start};

/// One reply: its code and its text, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    /// 200 to 599.
    pub code: u16,
    /// The enhanced status code of RFC 3463, when the first line states one that fits the code.
    pub enhanced: Option<EnhancedCode>,
    /// The text of each line after the code and its separator; the enhanced code is still in it.
    pub lines: Vec<String>,
}

impl Reply {
    /// True for 2xx.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// True for 4xx and 5xx.
    pub fn is_refusal(&self) -> bool {
        self.code >= 400
    }

    /// All lines' text joined with a space.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The one reply that stands in `text`, for a person's clipboard or a file: the last line end
    /// may be missing, and what stands behind the reply is not looked at.
    ///
    /// # Errors
    ///
    /// As [`ReplyReader::take`]; text that ends inside a multi-line reply has no reply in it.
    pub fn parse(text: &str) -> Result<Self, BadReply> {
        let mut reader = ReplyReader::default();
        reader.push(text.as_bytes());
        reader.push(b"\n");
        reader.take()?.ok_or_else(|| BadReply::NoCode(printable_start(text.as_bytes())))
    }

    /// The lines as they stood on the wire, without their ends.
    pub fn wire_lines(&self) -> impl Iterator<Item = String> + '_ {
        let last = self.lines.len().saturating_sub(1);
        let code = self.code.to_string();
        self.lines.iter().enumerate().map(move |(index, line)| match (index == last, &**line) {
            (true, "") => code.clone(),
            (true, text) => [&code, " ", text].concat(),
            (false, text) => [&code, "-", text].concat(),
        })
    }
}

/// An enhanced status code, `class.subject.detail` (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// 0 to 999.
    pub subject: u16,
    /// 0 to 999.
    pub detail: u16,
}

impl EnhancedCode {
    /// The code that the text of one line states: at its start (RFC 2034, section 4), or as
    /// `(#5.1.1)` anywhere in it, which is how qmail and its children write it.
    pub fn find(text: &str) -> Option<Self> {
        Self::at_start(text.trim_start().trim_start_matches('#')).or_else(|| {
            // Few lines hold the mark, and one character is found faster than two.
            text.contains('#').then_some(())?;
            text.match_indices("(#")
                .find_map(|(at, mark)| Self::at_start(text.get(at + mark.len()..)?))
        })
    }

    /// A code that `text` begins with and that no digit, letter or further `.digit` follows, so
    /// that an address such as `4.7.0.1` is none.
    fn at_start(text: &str) -> Option<Self> {
        let (class, rest) = text.split_once('.')?;
        let class = match class {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let (subject, rest) = number(rest)?;
        let (detail, rest) = number(rest.strip_prefix('.')?)?;
        let mut after = rest.chars();
        let ends = match after.next() {
            Some('.') => !after.next().is_some_and(|c| c.is_ascii_digit()),
            Some(c) => !c.is_alphanumeric(),
            None => true,
        };
        ends.then_some(Self { class, subject, detail })
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One to three digits at the start, and what follows them.
fn number(text: &str) -> Option<(u16, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length)?;
    (length <= 3).then_some(())?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_enhanced_code_is_the_first_that_fits() {
        for (text, expected) in [
            ("250 2.1.0 ok", Some("2.1.0")),
            ("550 4.1.0 does not fit", None),
            ("550-plain\n550 5.1.1 second line", Some("5.1.1")),
            ("550-4.0.0 misfit\n550 5.1.1 fits", Some("5.1.1")),
            ("421 4.7.0", Some("4.7.0")),
            ("421 4.7.0: dotted", Some("4.7.0")),
            ("550 5.1.1. User", Some("5.1.1")),
            ("550 5.7.0.1 is an address", None),
            ("550 5.7.1234 is long", None),
            ("550 5.999.999 high", Some("5.999.999")),
            ("550 sorry (#5.1.1)", Some("5.1.1")),
            ("550 #5.1.1 x", Some("5.1.1")),
            ("334 3.1.1 x", None),
            ("550 5.1", None),
            ("550 5..1 x", None),
            ("550 5.1.1x", None),
            ("550 5.1.é", None),
        ] {
            let reply = Reply::parse(text).unwrap();
            assert_eq!(reply.enhanced.map(|code| code.to_string()).as_deref(), expected, "{text}");
            assert_eq!(reply.wire_lines().collect::<Vec<_>>().join("\n"), text);
        }
    }

    #[test]
    fn parse_needs_a_whole_reply() {
        assert_eq!(Reply::parse("421 4.7.0 x").unwrap().code, 421);
        assert!(Reply::parse("250-a").is_err());
        assert!(Reply::parse("").is_err());
        assert!(Reply::parse("hello").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_reply_survives_the_wire(reply_code in 200_u16..600, lines in prop::collection::vec("[ -~é]{0,40}", 1..10)) {
            let reply = Reply { code: reply_code, enhanced: None, lines };
            let text = reply.wire_lines().collect::<Vec<_>>().join("\r\n");
            prop_assert_eq!(Reply::parse(&text).unwrap().lines, reply.lines);
        }
    }
}
