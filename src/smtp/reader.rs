//! Replies read from bytes as they come, within bounds, and tolerant where servers in the field are
//! sloppy.

use super::reply::{EnhancedCode, Reply};

/// Why bytes are not an SMTP reply. Whatever the variant, the peer is not speaking SMTP to us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// The line does not begin with a code from 200 to 599; holds the start of what came, printable.
    #[error("no reply code at the start of \"{0}\"")]
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

/// Reads replies from bytes in whatever pieces they come: any split gives the same replies.
///
/// Tolerant where the field is sloppy: bare LF, a bare code with or without the space, text that is
/// not UTF-8 (each bad sequence becomes U+FFFD), any code from 200 to 599. What cannot become a
/// reply is refused at the first byte that shows it, without waiting for the line's end.
///
/// One exception to RFC 5321's "same code on each line" (4.2.1): a greeting that began with `220-`
/// may end in a 4xx or 5xx. Postfix's postscreen says a teaser, tests the client, and then refuses
/// it with `521`; that is an answer of an SMTP server, and its lines alone make the reply.
///
/// Bounds: [`LINE_BYTES`], [`REPLY_BYTES`], [`DIALOGUE_BYTES`]; nothing beyond them is kept. Each
/// byte is looked at a constant number of times.
#[derive(Debug, Default)]
pub struct ReplyReader {
    /// Bytes that no reply has taken yet; those before `start` are spent.
    buffer: Vec<u8>,
    /// Where the current line begins in `buffer`.
    start: usize,
    /// Up to where the current line was searched for its end, counted from `start`.
    searched: usize,
    /// The reply being put together.
    partial: Option<Partial>,
    /// Bytes of the lines in `partial`.
    reply_bytes: usize,
    /// All bytes pushed, those refused by the bound left out.
    received: usize,
    /// Bytes came after [`DIALOGUE_BYTES`] were full.
    overflow: bool,
    /// No reply was taken yet: the next one is the greeting.
    later: bool,
    /// What ended the reading. It stays.
    failed: Option<BadReply>,
}

/// A reply whose last line has not come.
#[derive(Debug)]
struct Partial {
    code: u16,
    enhanced: Option<EnhancedCode>,
    lines: Vec<String>,
}

impl ReplyReader {
    /// Adds bytes as they came from the peer. Those over [`DIALOGUE_BYTES`] are dropped, and
    /// [`Self::take`] says so when it gets there.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        let room = DIALOGUE_BYTES - self.received;
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.overflow |= kept.len() < bytes.len();
        self.received += kept.len();
        // The spent part is given back before the buffer grows: each byte moves at most once per
        // time that as many bytes were spent.
        if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(kept);
    }

    /// The next whole reply; none when more bytes are needed.
    ///
    /// # Errors
    ///
    /// What came cannot be a reply, or is over a bound. The reader is of no use then and repeats
    /// the error.
    pub fn take(&mut self) -> Result<Option<Reply>, BadReply> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let taken = self.advance();
        if let Err(error) = &taken {
            self.failed = Some(error.clone());
            self.buffer = Vec::new();
            self.start = 0;
            self.searched = 0;
            self.partial = None;
        }
        taken
    }

    /// Bytes that stand behind the reply just taken (or, between replies, wait for the rest of
    /// their line).
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// All bytes that ever came, up to [`DIALOGUE_BYTES`].
    pub fn received(&self) -> usize {
        self.received
    }

    /// True while a reply has begun and not ended.
    pub fn inside_reply(&self) -> bool {
        self.partial.is_some() || self.buffered() > 0
    }

    fn advance(&mut self) -> Result<Option<Reply>, BadReply> {
        loop {
            let line = self.buffer.get(self.start..).unwrap_or_default();
            let code = self.check_head(line)?;
            let allowed = LINE_BYTES.min(REPLY_BYTES - self.reply_bytes);
            let window = line.get(..allowed).unwrap_or(line);
            let end = window
                .get(self.searched..)
                .and_then(|rest| rest.iter().position(|&byte| byte == b'\n'))
                .map(|at| at + self.searched);
            let Some(end) = end else {
                self.searched = window.len();
                return if line.len() > allowed && allowed == LINE_BYTES {
                    Err(BadReply::LineTooLong(LINE_BYTES))
                } else if line.len() > allowed {
                    Err(BadReply::ReplyTooLong(REPLY_BYTES))
                } else if self.overflow {
                    Err(BadReply::DialogueTooLong(DIALOGUE_BYTES))
                } else {
                    Ok(None)
                };
            };
            // A line end within the first four bytes was refused by the check of the head, unless
            // all of the code stood before it.
            let Some(code) = code else {
                return Err(BadReply::NoCode(printable_start(line)));
            };
            let content = line.get(3..end).unwrap_or_default();
            let last = content.first() != Some(&b'-');
            let text = content.get(1..).unwrap_or_default();
            let text = String::from_utf8_lossy(trim_cr(text)).into_owned();
            let bytes = (end + 1).max(text.len());
            let partial = match &mut self.partial {
                Some(partial) if partial.code == code => partial,
                // The head was checked: a new code is a refusal behind a teaser.
                other => other.insert(Partial { code, enhanced: None, lines: Vec::new() }),
            };
            if partial.enhanced.is_none() {
                partial.enhanced = EnhancedCode::find(&text)
                    .filter(|found| u16::from(found.class) == partial.code / 100);
            }
            partial.lines.push(text);
            self.start += end + 1;
            self.searched = 0;
            self.reply_bytes = (self.reply_bytes + bytes).min(REPLY_BYTES);
            if !last {
                continue;
            }
            self.later = true;
            self.reply_bytes = 0;
            if self.start == self.buffer.len() {
                self.buffer.clear();
                self.start = 0;
            }
            return Ok(self.partial.take().map(|partial| Reply {
                code: partial.code,
                enhanced: partial.enhanced,
                lines: partial.lines,
            }));
        }
    }

    /// Looks at the first bytes of a line, as far as they are there: three digits of a code that
    /// may stand here, then a space, a hyphen or the line's end. Gives the code once it is whole.
    fn check_head(&self, line: &[u8]) -> Result<Option<u16>, BadReply> {
        let no_code = || BadReply::NoCode(printable_start(line));
        let mut code = 0;
        for (index, byte) in line.iter().take(3).enumerate() {
            let fits =
                if index == 0 { (b'2'..=b'5').contains(byte) } else { byte.is_ascii_digit() };
            if !fits {
                return Err(no_code());
            }
            code = code * 10 + u16::from(byte - b'0');
        }
        if line.len() < 3 {
            return Ok(None);
        }
        if let Some(partial) = &self.partial
            && partial.code != code
        {
            let teaser = !self.later && partial.code == 220 && code >= 400;
            if !teaser {
                return Err(BadReply::CodeChanged { first: partial.code, then: code });
            }
        }
        match (line.get(3), line.get(4)) {
            (None | Some(b' ' | b'-' | b'\n'), _) | (Some(b'\r'), None | Some(b'\n' | b'\r')) => {
                Ok(Some(code))
            }
            _ => Err(no_code()),
        }
    }
}

/// The longest line, its end included. RFC 5321 (4.5.3.1.5) grants 512 bytes; the field is longer.
pub const LINE_BYTES: usize = 8 * 1024;
/// The longest reply, all of its lines together.
pub const REPLY_BYTES: usize = 64 * 1024;
/// The most that a peer may say in one session.
pub const DIALOGUE_BYTES: usize = 256 * 1024;

/// Bytes of a non-reply that an error shows.
const SHOWN_BYTES: usize = 48;

/// The text without the carriage returns before its line feed.
fn trim_cr(mut text: &[u8]) -> &[u8] {
    while let Some(shorter) = text.strip_suffix(b"\r") {
        text = shorter;
    }
    text
}

/// The first line of what came, cut and escaped, for an error.
pub(super) fn printable_start(bytes: &[u8]) -> String {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.get(..SHOWN_BYTES).unwrap_or(line);
    line.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that a peer says, in the pieces given; `Err` last, if it came to that.
    fn read(pieces: &[&[u8]]) -> (Vec<Reply>, Option<BadReply>) {
        let mut reader = ReplyReader::default();
        let mut replies = Vec::new();
        for piece in pieces {
            reader.push(piece);
            loop {
                match reader.take() {
                    Ok(Some(reply)) => replies.push(reply),
                    Ok(None) => break,
                    Err(bad) => return (replies, Some(bad)),
                }
            }
            assert!(reader.buffer.len() <= DIALOGUE_BYTES);
        }
        (replies, None)
    }

    fn one(bytes: &[u8]) -> Reply {
        let (mut replies, bad) = read(&[bytes]);
        assert_eq!((replies.len(), bad), (1, None), "{}", bytes.escape_ascii());
        replies.remove(0)
    }

    #[test]
    fn sloppy_replies_are_read() {
        for (bytes, code, lines) in [
            (&b"250 ok\r\n"[..], 250, &["ok"][..]),
            (b"250 ok\n", 250, &["ok"]),
            (b"250\r\n", 250, &[""]),
            (b"250\n", 250, &[""]),
            (b"250 \r\n", 250, &[""]),
            (b"250 ok\r\r\n", 250, &["ok"]),
            (b"571 odd\r\n", 571, &["odd"]),
            (b"299 \xff\xfe\r\n", 299, &["\u{fffd}\u{fffd}"]),
            (b"220-a\r\n220-\r\n220 c\r\n", 220, &["a", "", "c"]),
            (b"220-a\n220\n", 220, &["a", ""]),
            (b"334 a\rb\r\n", 334, &["a\rb"]),
        ] {
            let reply = one(bytes);
            assert_eq!(
                (reply.code, reply.lines.as_slice()),
                (code, lines.iter().map(|&l| l.to_owned()).collect::<Vec<_>>().as_slice())
            );
        }
    }

    #[test]
    fn what_cannot_be_a_reply_is_refused_at_its_first_wrong_byte() {
        for (good, wrong) in [
            (&b""[..], b'H'),
            (b"", b'S'),
            (b"", 0x15),
            (b"", 0x16),
            (b"", b'\r'),
            (b"", b'\n'),
            (b"", b'1'),
            (b"", b'6'),
            (b"", b' '),
            (b"2", b'x'),
            (b"22", b'\n'),
            (b"220", b'0'),
            (b"220", b'\t'),
            (b"220\r", b'x'),
            (b"220-a\r\n", b'a'),
            (b"250 a\r\n", b'\n'),
        ] {
            let mut reader = ReplyReader::default();
            reader.push(good);
            while reader.take().unwrap().is_some() {}
            reader.push(&[wrong]);
            let bad = reader.take().unwrap_err();
            assert!(matches!(bad, BadReply::NoCode(_)), "{good:?} {wrong} {bad:?}");
            assert_eq!(reader.take().unwrap_err(), bad, "the error stays");
            assert_eq!(reader.buffered(), 0);
        }
    }

    #[test]
    fn a_changed_code_is_refused_save_behind_a_teaser() {
        let changed = |first, then| Some(BadReply::CodeChanged { first, then });
        assert_eq!(read(&[b"220-a\r\n221"]).1, changed(220, 221));
        assert_eq!(read(&[b"250-a\r\n550"]).1, changed(250, 550));
        assert_eq!(read(&[b"220 a\r\n", b"220-b\r\n521"]).1, changed(220, 521));
        let refused = one(b"220-mail.example.test\r\n521-5.7.1 no\r\n521 really\r\n");
        assert_eq!((refused.code, refused.lines.len()), (521, 2));
        assert_eq!(refused.enhanced.unwrap().to_string(), "5.7.1");
        assert_eq!(read(&[b"220-a\r\n521-b\r\n220"]).1, changed(521, 220));
        assert_eq!(read(&[b"220-a\r\n421-b\r\n554"]).1, changed(421, 554));
    }

    #[test]
    fn bytes_behind_a_reply_are_counted_and_kept() {
        let mut reader = ReplyReader::default();
        reader.push(b"220 go\r\n250-inj");
        assert_eq!(reader.take().unwrap().unwrap().code, 220);
        assert_eq!((reader.buffered(), reader.received()), (7, 15));
        assert!(reader.inside_reply());
        reader.push(b"ected\r\n250 x\r\n");
        assert_eq!(reader.take().unwrap().unwrap().lines, ["injected", "x"]);
        assert_eq!(reader.buffered(), 0);
        assert!(!reader.inside_reply());
    }

    #[test]
    fn bounds_hold_and_the_last_allowed_byte_is_read() {
        let line = |length: usize| format!("250 {}\r\n", "x".repeat(length - 6)).into_bytes();
        assert_eq!(one(&line(LINE_BYTES)).lines[0].len(), LINE_BYTES - 6);
        assert_eq!(read(&[&line(LINE_BYTES + 1)]).1, Some(BadReply::LineTooLong(LINE_BYTES)));
        let endless = vec![b'2'; 3].into_iter().chain(vec![b' '; LINE_BYTES]).collect::<Vec<_>>();
        assert_eq!(read(&[&endless]).1, Some(BadReply::LineTooLong(LINE_BYTES)));
        let lines = b"250-x\r\n".repeat(REPLY_BYTES / 7 + 1);
        assert_eq!(read(&[&lines]).1, Some(BadReply::ReplyTooLong(REPLY_BYTES)));
        // Text that grows when it is made UTF-8 counts as what it became.
        let wide = [b"250-".as_slice(), &[0xff; 8000], b"\r\n"].concat().repeat(4);
        assert_eq!(read(&[&wide]).1, Some(BadReply::ReplyTooLong(REPLY_BYTES)));
        let replies = b"250 x\r\n".repeat(DIALOGUE_BYTES / 7 + 1);
        let (read, bad) = read(&[&replies]);
        assert_eq!(read.len(), DIALOGUE_BYTES / 7);
        assert_eq!(bad, Some(BadReply::DialogueTooLong(DIALOGUE_BYTES)));
    }

    #[test]
    fn what_came_instead_of_a_reply_is_escaped_once() {
        let bad = read(&[b"\x00\x16x\\\r\n"]).1.unwrap();
        assert_eq!(bad.to_string(), r#"no reply code at the start of "\x00\x16x\\\r""#);
    }

    /// Bytes that look like replies often enough to get past the first line.
    fn talk() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            8 => (
                prop::sample::select(vec!["220", "250", "421", "550"]),
                prop::sample::select(vec![" ", "-", ""]),
                prop::collection::vec(any::<u8>().prop_filter("LF", |b| *b != b'\n'), 0..20),
                prop::sample::select(vec!["\r\n", "\n"]),
            )
                .prop_map(|(code, mark, text, end)| {
                    let text = if mark.is_empty() { Vec::new() } else { text };
                    [code.as_bytes(), mark.as_bytes(), &text, end.as_bytes()].concat()
                }),
            1 => prop::collection::vec(any::<u8>(), 0..20),
        ];
        prop::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_split_gives_the_same_replies(
            bytes in talk(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let whole = read(&[&bytes]);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let split = read(&pieces);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            let single = read(&single);
            for other in [split, single] {
                prop_assert_eq!(&other.0, &whole.0);
                // An error may quote less of what came, and is the same otherwise.
                prop_assert_eq!(
                    other.1.as_ref().map(std::mem::discriminant),
                    whole.1.as_ref().map(std::mem::discriminant)
                );
            }
        }
    }
}
