//! What a transcript says, in words.

use std::borrow::Cow;
use std::time::Duration;

use crate::observation::TlsFacts;

/// Text as a transcript shows it: control characters and what could reorder a terminal's line are
/// escaped, and a long line is cut.
pub fn escape<'text>(text: impl Into<Cow<'text, str>>) -> String {
    let text = text.into();
    // Nearly every line is as it is shown.
    if text.len() <= SHOWN_BYTES && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.into_owned();
    }
    let mut shown = String::with_capacity(text.len().min(SHOWN_BYTES));
    for character in text.chars() {
        if shown.len() >= SHOWN_BYTES {
            shown.push('…');
            break;
        }
        let hidden = character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if hidden {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

pub(super) fn established(facts: &TlsFacts) -> String {
    let mut text = "TLS established".to_owned();
    let version = facts.version.map(|version| version.as_str());
    for part in [version, facts.cipher, facts.group].into_iter().flatten() {
        text.push(' ');
        text.push_str(part);
    }
    if facts.verified == Some(false) {
        text.push_str(", certificate does not verify");
        for (index, reason) in facts.failures.iter().enumerate() {
            text.push_str(if index == 0 { ": " } else { ", " });
            text.push_str(reason.as_str());
        }
    }
    text
}

pub(super) fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// The longest line that a transcript shows.
const SHOWN_BYTES: usize = 512;
