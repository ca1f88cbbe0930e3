//! Text for a terminal, broken between words.

use std::fmt::Write as _;

/// Columns of a line.
pub(super) const WIDTH: usize = 100;

/// `head` and a text behind it, broken between words at [`WIDTH`] columns; what follows stands below
/// the beginning of the text, `indent` columns in. A word that is longer is not broken.
pub(super) fn wrapped(out: &mut String, head: &str, indent: usize, text: &str) {
    let mut column = indent;
    out.push_str(head);
    for (place, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if place > 0 && column + 1 + length > WIDTH {
            // Writing to a text does not fail.
            let _ = write!(out, "\n{:indent$}{word}", "");
            column = indent + length;
        } else {
            let space = if place > 0 { " " } else { "" };
            let _ = write!(out, "{space}{word}");
            column += space.len() + length;
        }
    }
    out.push('\n');
}
