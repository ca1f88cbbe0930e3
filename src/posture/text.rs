//! Records' text as a person may see it: one printable line of bounded length.

/// A record as it stands, one printable line of at most [`MAX_RECORD`] bytes.
pub fn record(bytes: &[u8]) -> String {
    // A printable character takes four bytes at most, so that no more needs to be looked at.
    shown(bytes.get(..MAX_RECORD * 4).unwrap_or(bytes), MAX_RECORD)
}

/// The particulars of a finding, one printable line of at most [`MAX_DETAIL`] bytes.
pub fn detail(text: &str) -> String {
    shown(text.as_bytes(), MAX_DETAIL)
}

/// A tag, a value or a name inside a sentence, one printable line of at most [`MAX_WORD`] bytes.
pub fn word(bytes: &[u8]) -> String {
    shown(bytes.get(..MAX_WORD * 4).unwrap_or(bytes), MAX_WORD)
}

/// At most `limit` bytes, cut on a character's edge and marked with `…` where it was cut. What could
/// move a terminal's cursor, or turn the direction of writing, becomes a question mark, and what is
/// not UTF-8 the replacement character.
pub fn shown(bytes: &[u8], limit: usize) -> String {
    const CUT: char = '…';
    let mut out = String::with_capacity(bytes.len().min(limit));
    for c in String::from_utf8_lossy(bytes).chars() {
        let c = match c {
            '\t' => ' ',
            c if c.is_control() => '?',
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
            c => c,
        };
        if out.len() + c.len_utf8() > limit {
            while out.len() + CUT.len_utf8() > limit && out.pop().is_some() {}
            if limit >= CUT.len_utf8() {
                out.push(CUT);
            }
            break;
        }
        out.push(c);
    }
    out
}

/// Bytes of a record that are shown.
pub const MAX_RECORD: usize = 2048;
/// Bytes of a finding's particulars.
pub const MAX_DETAIL: usize = 512;
/// Bytes of a tag, a value or a name in a sentence.
pub const MAX_WORD: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_moves_a_cursor_or_turns_the_writing_is_not_shown() {
        assert_eq!(record(b"v=spf1\r\n\x1b[2J\ta:b"), "v=spf1???[2J a:b");
        assert_eq!(record("a\u{202e}b\u{2066}c\u{200b}".as_bytes()), "a?b?c?");
        assert_eq!(record(b"v=\xff\xfe;"), "v=\u{fffd}\u{fffd};");
        assert_eq!(detail("p=none, bücher"), "p=none, bücher");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(shown(b"abcdef", 6), "abcdef");
        assert_eq!(shown(b"abcdefg", 6), "abc…");
        assert_eq!(shown("aböööö".as_bytes(), 7), "abö…");
        assert_eq!(shown(b"abc", 2), "");
        assert_eq!(record(&[b'x'; 2048]).len(), 2048);
        assert!(record(&[b'x'; 2049]).ends_with("x…"));
        assert_eq!(word(&[b'x'; 4096]).len(), MAX_WORD);
    }

    proptest! {
        #[test]
        fn any_bytes_become_one_line_within_the_bound(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            limit in 0_usize..300,
        ) {
            let line = shown(&bytes, limit);
            prop_assert!(line.len() <= limit);
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
