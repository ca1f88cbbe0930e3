//! Texts that many lines of `/metrics` have in common, each kept once.

use std::collections::HashMap;

/// A table of texts by number. It only grows, up to [`MOST`] texts of [`LONGEST`] bytes each: what
/// has no place here is kept where it is used.
#[derive(Debug)]
pub struct Phrases {
    numbers: HashMap<Box<[u8]>, u16>,
    /// All texts, one after the other.
    bytes: Vec<u8>,
    /// Where each ends; the first is empty.
    ends: Vec<u32>,
    /// The one that came after each when it was last asked for: targets are alike, and comparing
    /// with one text is cheaper than a look into the map.
    next: Vec<u16>,
    last: u16,
}

impl Phrases {
    /// The number of a text, which may get one now.
    pub fn number(&mut self, text: &[u8]) -> Option<u16> {
        let guess = self.next.get(usize::from(self.last)).copied().unwrap_or_default();
        let number = if self.text(guess) == text { guess } else { self.find(text)? };
        if let Some(next) = self.next.get_mut(usize::from(self.last)) {
            *next = number;
        }
        self.last = number;
        Some(number)
    }

    /// The text of a number; nothing when there is no such number.
    pub fn text(&self, number: u16) -> &[u8] {
        let place = usize::from(number);
        let begin = place.checked_sub(1).and_then(|before| self.ends.get(before)).unwrap_or(&0);
        let end = self.ends.get(place).unwrap_or(begin);
        self.bytes.get(*begin as usize..*end as usize).unwrap_or_default()
    }

    fn find(&mut self, text: &[u8]) -> Option<u16> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        if text.len() > LONGEST || self.ends.len() >= MOST {
            return None;
        }
        let number = u16::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.bytes.len() + text.len()).ok()?;
        self.bytes.extend_from_slice(text);
        self.ends.push(end);
        self.next.push(0);
        self.numbers.insert(text.into(), number);
        Some(number)
    }
}

impl Default for Phrases {
    fn default() -> Self {
        let (numbers, bytes) = ([(Box::default(), 0)].into(), Vec::new());
        Self { numbers, bytes, ends: vec![0], next: vec![0], last: 0 }
    }
}

/// The most texts: some hundred are the rule. All of them take less than 1 MiB.
pub const MOST: usize = 4096;

/// The most bytes of one: a certificate's names are not shared.
pub const LONGEST: usize = 112;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number() {
        let mut phrases = Phrases::default();
        let texts = [&b"one"[..], b"two", b"", b"one", b"three", b"two", b"two", b"one", b"two"];
        let numbers = texts.map(|text| phrases.number(text).unwrap());
        assert_eq!(numbers, [1, 2, 0, 1, 3, 2, 2, 1, 2]);
        for (text, number) in texts.iter().zip(numbers) {
            assert_eq!(phrases.text(number), *text);
        }
        assert_eq!(phrases.text(4), b"");
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let mut phrases = Phrases::default();
        assert_eq!(phrases.number(&[b'x'; LONGEST + 1]), None);
        for n in 0..2 * MOST {
            let text = n.to_string();
            let number = phrases.number(text.as_bytes());
            assert_eq!(number.is_some(), n < MOST - 1, "{n}");
            assert!(number.is_none_or(|number| phrases.text(number) == text.as_bytes()));
        }
        assert_eq!(phrases.number(b"7"), Some(8));
        assert_eq!(phrases.ends.len(), MOST);
    }
}
