//! Bytes to text, and text to something that a message can show.

pub(super) use crate::target::place::printable;

/// What is wrong, with the place if there is one.
type Undecodable = (Option<(u32, u32)>, String);

/// UTF-8, with or without a byte order mark, without control characters: a NUL would end the
/// document in silence.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, Undecodable> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err((None, "is UTF-16; save it as UTF-8".to_owned()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let place = place_of(bytes, error.valid_up_to());
        (Some(place), "is not UTF-8 here; save the file as UTF-8".to_owned())
    })?;
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    match text.char_indices().find(|(_, c)| control(*c)) {
        None => Ok(text),
        Some((at, found)) => Err((
            Some(place_of(bytes, at)),
            format!("holds the control character U+{:04X}; remove it", u32::from(found)),
        )),
    }
}

/// Line and column, from 1, of a byte.
fn place_of(bytes: &[u8], at: usize) -> (u32, u32) {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count();
    (small(line), small(column + 1))
}

/// A count as it goes into a place.
pub(super) fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
