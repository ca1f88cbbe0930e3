//! What we hear: replies (RFC 5321, 4.2) read from bytes as they come, within bounds, and tolerant
//! where servers in the field are sloppy.

use std::fmt;

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

    /// True for 3xx, such as 334 and 354.
    pub fn is_intermediate(&self) -> bool {
        (300..400).contains(&self.code)
    }

    /// True for 4xx and 5xx.
    pub fn is_refusal(&self) -> bool {
        self.code >= 400
    }

    /// All lines' text joined with a space.
    pub fn text(&self) -> String {
        self.lines.join(" ")
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

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// Why bytes are not an SMTP reply. Whatever the variant, the peer is not speaking SMTP to us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// The line does not begin with a code from 200 to 599; holds the start of what came, printable.
    #[error("no reply code at the start of {0:?}")]
    NoCode(String),
    /// A continuation line with another code (RFC 5321, 4.2.1 forbids it).
    #[error("reply code changed from {first} to {then} inside one reply")]
    CodeChanged {
        /// The code of the first line.
        first: u16,
        /// The code that differs.
        then: u16,
    },
    /// A line over the bound.
    #[error("a reply line is longer than {0} bytes")]
    LineTooLong(usize),
    /// A reply over the bound.
    #[error("a reply is longer than {0} bytes")]
    ReplyTooLong(usize),
    /// All replies of the session together are over the bound.
    #[error("the server sent more than {0} bytes in one session")]
    DialogueTooLong(usize),
}

/// Reads replies from bytes in whatever pieces they come.
#[derive(Debug, Default)]
pub struct ReplyReader {}
