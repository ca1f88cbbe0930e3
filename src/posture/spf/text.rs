//! Text of others made fit to be shown, and names made fit to be asked for.

/// Bytes as one printable line of ASCII, at most `most` bytes: what is not printable ASCII is written
/// as `\xNN`, and an ellipsis says that there is more.
pub(super) fn printable(bytes: &[u8], most: usize) -> String {
    let mut shown = String::new();
    // Where the ellipsis would stand.
    let mut cut = 0;
    for byte in bytes {
        if matches!(byte, b' '..=b'~') {
            shown.push(char::from(*byte));
        } else {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
        if shown.len() > most {
            shown.truncate(cut);
            shown.push_str(MORE);
            break;
        }
        if shown.len() + MORE.len() <= most {
            cut = shown.len();
        }
    }
    shown
}

/// The name that a question is asked for: lower case, without the trailing dot, and when it is longer
/// than 253 bytes without as many labels on the left as it takes (RFC 7208, 7.3). None when no
/// question can be asked for it: an empty label, one of more than 63 bytes, a single one, or bytes
/// that are not ASCII. Such a name is treated as one that does not exist (4.3, 4.8).
pub(super) fn name(text: &str) -> Option<String> {
    let mut rest = text.strip_suffix('.').unwrap_or(text);
    while rest.len() > MAX_NAME {
        rest = rest.split_once('.')?.1;
    }
    let fits = |label: &str| (1..=MAX_LABEL).contains(&label.len());
    let printable = rest.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let whole = printable && rest.contains('.') && rest.split('.').all(fits);
    whole.then(|| rest.to_ascii_lowercase())
}

/// Whether `name` is `parent` or stands below it. Both are lower case and without a trailing dot.
pub(super) fn is_within(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The most bytes of a name without its trailing dot.
pub(super) const MAX_NAME: usize = 253;

/// The most bytes of a label (RFC 1035, 2.3.4).
const MAX_LABEL: usize = 63;

/// Stands for what is left out; ASCII, so that bytes are characters.
const MORE: &str = "...";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_without_the_dot() {
        assert_eq!(name("Mail.Example.NET."), Some("mail.example.net".to_owned()));
        assert_eq!(name("a b%20.example.net"), Some("a b%20.example.net".to_owned()));
    }

    #[test]
    fn names_that_cannot_be_asked_for_are_none() {
        let long = format!("{}.example.net", "a".repeat(64));
        for text in
            ["", ".", "net", "net.", "a..net", ".example.net", "m\u{fc}.net", "a\n.net", &long]
        {
            assert_eq!(name(text), None, "{text}");
        }
        assert!(name(&long[1..]).is_some());
    }

    #[test]
    fn long_names_lose_labels_on_the_left_until_they_fit() {
        let fits = vec!["a"; 127].join(".");
        assert_eq!(fits.len(), 253);
        assert_eq!(name(&fits), Some(fits.clone()));
        assert_eq!(name(&format!("{fits}.")), Some(fits.clone()));
        assert_eq!(name(&format!("b.{fits}")), Some(fits.clone()));
        // The label that crosses the bound goes as a whole, and so does an ill one before it.
        assert_eq!(name(&format!("..x{fits}")), Some(fits[2..].to_owned()));
        assert_eq!(name(&"a".repeat(300)), None);
    }

    #[test]
    fn a_name_is_within_its_parents_and_itself() {
        assert!(is_within("mail.example.net", "example.net"));
        assert!(is_within("example.net", "example.net"));
        assert!(!is_within("badexample.net", "example.net"));
        assert!(!is_within("net", "example.net"));
    }

    #[test]
    fn shown_text_is_one_bounded_line() {
        assert_eq!(printable(b"a:b \\ \"c\"", 100), "a:b \\ \"c\"");
        assert_eq!(printable("\u{202e}\n".as_bytes(), 100), "\\xe2\\x80\\xae\\x0a");
        assert_eq!(printable(&[b'x'; 20], 20), "x".repeat(20));
        assert_eq!(printable(&[b'x'; 21], 20), format!("{}...", "x".repeat(17)));
        assert_eq!(printable(&[0; 5], 20), "\\x00".repeat(5));
        assert_eq!(printable(&[0; 6], 20), "\\x00\\x00\\x00\\x00...");
    }
}
