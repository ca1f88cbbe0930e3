//! The little language that rules are written in, made for a postmaster to read:
//!
//! ```text
//! too many [concurrent|smtp] (connection*|sessions)    words in this order
//! too many .. connections                              up to six words may stand between
//! throttl* + !greylist*                                both terms, anywhere; `!` must not occur
//! ^ please try again later $                           the first word, the last word
//! ```
//!
//! `(a|b c)` is one of these, `[a|b]` one of these or nothing, `word*` any word that begins so.

use std::fmt;

/// A whole pattern: every term must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// At least one of them is not negated.
    pub terms: Vec<Term>,
}

/// Its segments must occur in order, at most [`GAP`] words apart, or, negated, must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The term began with `!`.
    pub negated: bool,
    /// What stands between the outermost `..`: of each, one of the choices, written out.
    pub segments: Vec<Vec<Sequence>>,
}

/// Groups of adjacent words, in order, at most [`GAP`] words apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sequence {
    /// The first group must begin the text.
    pub at_start: bool,
    /// The last group must end the text.
    pub at_end: bool,
    /// No group is empty, and there is one at least.
    pub groups: Vec<Vec<Word>>,
}

/// A word, or the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Word {
    /// Lower-case ASCII letters, digits and underscores.
    pub text: String,
    /// Written with a `*`.
    pub prefix: bool,
}

/// How many words `..` may skip.
pub const GAP: usize = 6;

/// A pattern's choices, written out, may be so many at most.
pub const MAX_SEQUENCES: usize = 1000;

/// Why a pattern cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Nothing to look for.
    #[error("the pattern is empty, or has nothing on one side of `..`, `+` or `|`")]
    Empty,
    /// Only `!` terms.
    #[error("every term is negated: one at least must say what occurs")]
    OnlyNegated,
    /// A character that no word has.
    #[error(
        "{0:?} cannot occur: write words of a-z, 0-9 and _, with two letters at least before a * \
         (addresses, codes and punctuation are not matched)"
    )]
    BadWord(String),
    /// A bracket without its partner.
    #[error("a bracket is not closed or not opened")]
    Bracket,
    /// `^` or `$` in the middle, or `..` at an edge.
    #[error("{0} is only allowed {1}")]
    Place(&'static str, &'static str),
    /// Too many combinations.
    #[error("the choices make more than {MAX_SEQUENCES} combinations: split the pattern")]
    TooMany,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`BadPattern`] says what is wrong with it.
    pub fn parse(source: &str) -> Result<Self, BadPattern> {
        let terms = source.split(" + ").map(Term::parse).collect::<Result<Vec<_>, _>>()?;
        if terms.iter().all(|term| term.negated) {
            return Err(BadPattern::OnlyNegated);
        }
        Ok(Self { terms })
    }
}

impl Term {
    fn parse(source: &str) -> Result<Self, BadPattern> {
        let source = source.trim();
        let (negated, source) = match source.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, source),
        };
        let tokens = tokens(source);
        let mut segments = Vec::new();
        for segment in segments_of(&tokens) {
            let mut rest = segment;
            let expanded = expand(&mut rest)?;
            if !rest.is_empty() {
                return Err(BadPattern::Bracket);
            }
            segments.push(expanded.into_iter().map(Sequence::of).collect::<Result<Vec<_>, _>>()?);
        }
        let last = segments.len().saturating_sub(1);
        for (place, segment) in segments.iter().enumerate() {
            if place > 0 && segment.iter().any(|sequence| sequence.at_start) {
                return Err(BadPattern::Place("^", "at the beginning"));
            }
            if place < last && segment.iter().any(|sequence| sequence.at_end) {
                return Err(BadPattern::Place("$", "at the end"));
            }
        }
        Ok(Self { negated, segments })
    }
}

impl Sequence {
    fn of(pieces: Vec<Piece>) -> Result<Self, BadPattern> {
        let mut sequence = Self::default();
        let mut group = Vec::new();
        let last = pieces.len().saturating_sub(1);
        for (place, piece) in pieces.into_iter().enumerate() {
            match piece {
                Piece::Word(word) => group.push(word),
                Piece::Start if place == 0 => sequence.at_start = true,
                Piece::Start => return Err(BadPattern::Place("^", "at the beginning")),
                Piece::End if place == last => sequence.at_end = true,
                Piece::End => return Err(BadPattern::Place("$", "at the end")),
                Piece::Gap if group.is_empty() || place == last => {
                    return Err(BadPattern::Place("..", "between words"));
                }
                Piece::Gap => sequence.groups.push(std::mem::take(&mut group)),
            }
        }
        if group.is_empty() {
            return Err(BadPattern::Empty);
        }
        sequence.groups.push(group);
        Ok(sequence)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if self.prefix { f.write_str("*") } else { Ok(()) }
    }
}

#[derive(Debug, Clone)]
enum Piece {
    Word(Word),
    Gap,
    Start,
    End,
}

/// Splits at spaces; brackets and bars are tokens of their own.
fn tokens(source: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for chunk in source.split_ascii_whitespace() {
        let mut rest = chunk;
        while let Some(at) = rest.find(['(', ')', '[', ']', '|']) {
            let (head, tail) = rest.split_at(at);
            let (sign, tail) = tail.split_at(1);
            if !head.is_empty() {
                out.push(head);
            }
            out.push(sign);
            rest = tail;
        }
        if !rest.is_empty() {
            out.push(rest);
        }
    }
    out
}

/// Splits at every `..` that is in no bracket.
fn segments_of<'a, 'b>(tokens: &'a [&'b str]) -> Vec<&'a [&'b str]> {
    let mut depth = 0_usize;
    tokens
        .split(|token| {
            match *token {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && *token == ".."
        })
        .collect()
}

/// Writes out a sequence of tokens up to a closing bracket or a bar, which stays in `rest`.
fn expand(rest: &mut &[&str]) -> Result<Vec<Vec<Piece>>, BadPattern> {
    let mut out: Vec<Vec<Piece>> = vec![Vec::new()];
    while let Some((&token, after)) = rest.split_first() {
        let choices = match token {
            ")" | "]" | "|" => break,
            "(" | "[" => {
                let close = if token == "(" { ")" } else { "]" };
                let mut choices = if token == "[" { vec![Vec::new()] } else { Vec::new() };
                *rest = after;
                loop {
                    choices.extend(expand(rest)?);
                    match rest.split_first() {
                        Some((&"|", after)) => *rest = after,
                        Some((&end, after)) if end == close => {
                            *rest = after;
                            break;
                        }
                        _ => return Err(BadPattern::Bracket),
                    }
                }
                choices
            }
            other => {
                *rest = after;
                vec![vec![piece(other)?]]
            }
        };
        if out.len().saturating_mul(choices.len()) > MAX_SEQUENCES {
            return Err(BadPattern::TooMany);
        }
        out = out
            .iter()
            .flat_map(|head| {
                choices.iter().map(move |tail| [head.as_slice(), tail.as_slice()].concat())
            })
            .collect();
    }
    Ok(out)
}

fn piece(token: &str) -> Result<Piece, BadPattern> {
    match token {
        ".." => Ok(Piece::Gap),
        "^" => Ok(Piece::Start),
        "$" => Ok(Piece::End),
        word => {
            let (text, prefix) = match word.strip_suffix('*') {
                Some(text) => (text, true),
                None => (word, false),
            };
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if text.is_empty() || (prefix && text.len() < 2) || !text.bytes().all(fits) {
                return Err(BadPattern::BadWord(word.to_owned()));
            }
            Ok(Piece::Word(Word { text: text.to_owned(), prefix }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written_out(source: &str) -> Vec<String> {
        let pattern = Pattern::parse(source).unwrap();
        let sequence = |s: &Sequence| {
            let group =
                |g: &Vec<Word>| g.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            s.groups.iter().map(group).collect::<Vec<_>>().join(" .. ")
        };
        let segments = pattern.terms.iter().flat_map(|term| &term.segments);
        segments.flat_map(|segment| segment.iter().map(sequence)).collect()
    }

    #[test]
    fn choices_are_written_out() {
        assert_eq!(
            written_out("too many [open|tcp] (connection*|user sessions)"),
            [
                "too many connection*",
                "too many user sessions",
                "too many open connection*",
                "too many open user sessions",
                "too many tcp connection*",
                "too many tcp user sessions",
            ]
        );
        assert_eq!(written_out("a .. b + !c"), ["a", "b", "c"]);
        assert_eq!(written_out("(a .. b|c)"), ["a .. b", "c"]);
    }

    #[test]
    fn what_cannot_match_is_refused() {
        assert_eq!(Pattern::parse("!a"), Err(BadPattern::OnlyNegated));
        assert_eq!(Pattern::parse("(a|b"), Err(BadPattern::Bracket));
        assert_eq!(Pattern::parse("a)"), Err(BadPattern::Bracket));
        assert_eq!(Pattern::parse("[a]"), Err(BadPattern::Empty));
        assert_eq!(Pattern::parse("Bad"), Err(BadPattern::BadWord("Bad".to_owned())));
        assert_eq!(Pattern::parse("5.7.1"), Err(BadPattern::BadWord("5.7.1".to_owned())));
        assert_eq!(Pattern::parse("a ^ b"), Err(BadPattern::Place("^", "at the beginning")));
        assert_eq!(Pattern::parse("a $ .. b"), Err(BadPattern::Place("$", "at the end")));
        assert_eq!(Pattern::parse("a .."), Err(BadPattern::Empty));
        let wide = "(a|b|c|d|e|f) (a|b|c|d|e|f) (a|b|c|d|e|f) (a|b|c|d|e|f)";
        assert_eq!(Pattern::parse(wide), Err(BadPattern::TooMany));
    }
}
