//! Finds all groups of all patterns in one pass over a reply's words.
//!
//! # Why not a regular expression
//! A few hundred patterns with gaps make either a large automaton or a slow one. Words are few:
//! each is looked up once in a sorted vocabulary, and the groups are walked as a trie of word
//! numbers, so the cost is the number of words times the longest group, whatever a peer sends.

mod build;

use std::ops::Range;

use super::pattern::GAP;
use super::words::Words;

pub use build::Builder;

/// The compiled groups of many patterns, and which pattern each can begin.
#[derive(Debug, Default)]
pub struct Matcher {
    /// Sorted by text.
    vocabulary: Vec<Entry>,
    /// Where the entries with the same first two letters start, by [`slot`].
    starts: Vec<u32>,
    nodes: Vec<Node>,
    /// From node to node; those out of the same node stand together, sorted by symbol.
    edges: Vec<Edge>,
    /// Where the edges out of the trie's root lead, by symbol.
    roots: Vec<u32>,
    patterns: Vec<Compiled>,
    /// Those of each segment stand together.
    runs: Vec<Run>,
    /// Those of each run stand together, in order.
    groups: Vec<u32>,
    /// The patterns that a hit of a group makes candidates; those of the same group stand together.
    begins: Vec<u32>,
    /// For each group, where its part of `begins` ends; it starts where the last one's ends.
    ends: Vec<u32>,
}

/// What occurs in one text.
#[derive(Debug, Default)]
pub struct Hits {
    /// Group, first word, word behind the last; by group, then by place.
    found: Vec<(u32, u16, u16)>,
    /// By group: how often it was found.
    counts: Vec<u8>,
    words: u16,
}

/// Numbers that are not there are [`NONE`], here and below.
#[derive(Debug)]
struct Entry {
    text: Box<str>,
    exact: u32,
    prefix: u32,
    /// The longest other entry that is a prefix of this one and written with a `*`.
    shorter: u32,
}

#[derive(Debug)]
struct Node {
    group: u32,
    /// Its first edge. The next node's first is behind its last.
    edges: u32,
}

#[derive(Debug)]
struct Edge {
    symbol: u32,
    node: u32,
}

#[derive(Debug)]
struct Compiled {
    /// Negated or not, and the segments: where each one's runs stand.
    terms: Vec<(bool, Vec<Range<u32>>)>,
}

/// There are some fifteen thousand, so where its groups stand is all that it holds of them.
#[derive(Debug)]
struct Run {
    at_start: bool,
    at_end: bool,
    count: u16,
    groups: u32,
}

/// Of one group, only the first occurrences count, which bounds all later work.
const MAX_HITS_PER_GROUP: u8 = 8;

impl Matcher {
    /// Whether this pattern holds.
    pub fn holds(&self, pattern: usize, hits: &Hits) -> bool {
        self.patterns.get(pattern).is_some_and(|pattern| self.satisfied(pattern, hits))
    }

    /// All groups that occur.
    pub fn hits(&self, words: &Words) -> Hits {
        let symbols: Vec<Symbols> = words.iter().map(|word| self.symbols(word)).collect();
        let mut hits = Hits {
            found: Vec::with_capacity(32),
            counts: vec![0_u8; self.ends.len()],
            words: short(words.len()),
        };
        for start in 0..symbols.len() {
            let Some(first) = symbols.get(start) else { break };
            for symbol in first.iter() {
                if let Some(&node) = self.roots.get(symbol as usize) {
                    self.walk(node, &symbols, start, start + 1, &mut hits);
                }
            }
        }
        hits.found.sort_unstable();
        hits
    }

    /// The patterns that hold, in ascending order, tested lazily.
    pub fn holding<'a>(&'a self, hits: &'a Hits) -> impl Iterator<Item = usize> + 'a {
        let mut candidates: Vec<u32> = Vec::with_capacity(16);
        let mut last = NONE;
        for &(group, ..) in &hits.found {
            if group != last {
                candidates.extend(self.begun_by(group));
                last = group;
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter().map(|p| p as usize).filter(|&p| self.holds(p, hits))
    }

    fn begun_by(&self, group: u32) -> &[u32] {
        let at = group as usize;
        let start =
            at.checked_sub(1).and_then(|at| self.ends.get(at)).map_or(0, |&end| end as usize);
        let end = self.ends.get(at).map_or(0, |&end| end as usize);
        self.begins.get(start..end).unwrap_or_default()
    }

    fn walk(&self, node: u32, symbols: &[Symbols], start: usize, at: usize, hits: &mut Hits) {
        // Behind the last node stands one that only ends its edges.
        let (Some(here), Some(behind)) =
            (self.nodes.get(node as usize), self.nodes.get(node as usize + 1))
        else {
            return;
        };
        if let Some(count) = hits.counts.get_mut(here.group as usize)
            && *count < MAX_HITS_PER_GROUP
        {
            *count += 1;
            hits.found.push((here.group, short(start), short(at)));
        }
        let edges = self.edges.get(here.edges as usize..behind.edges as usize).unwrap_or_default();
        if edges.is_empty() {
            return;
        }
        let Some(next) = symbols.get(at) else { return };
        for symbol in next.iter() {
            if let Ok(place) = edges.binary_search_by_key(&symbol, |edge| edge.symbol)
                && let Some(edge) = edges.get(place)
            {
                self.walk(edge.node, symbols, start, at + 1, hits);
            }
        }
    }

    /// The numbers of all vocabulary entries that `word` is or begins with.
    fn symbols(&self, word: &str) -> Symbols {
        let mut out = Symbols::default();
        let slot = slot(word);
        let (Some(&low), Some(&high)) = (self.starts.get(slot), self.starts.get(slot + 1)) else {
            return out;
        };
        let Some(slice) = self.vocabulary.get(low as usize..high as usize) else { return out };
        let behind = slice.partition_point(|entry| *entry.text <= *word);
        let mut at = (low as usize + behind).checked_sub(1).filter(|&at| at >= low as usize);
        while let Some(entry) = at.and_then(|at| self.vocabulary.get(at)) {
            if *entry.text == *word {
                out.extend(entry.exact);
            }
            if word.starts_with(&*entry.text) {
                out.extend(entry.prefix);
            }
            at = Some(entry.shorter as usize);
        }
        out
    }
}

impl Matcher {
    fn satisfied(&self, pattern: &Compiled, hits: &Hits) -> bool {
        pattern.terms.iter().all(|(negated, segments)| self.occurs(segments, hits) != *negated)
    }

    fn occurs(&self, segments: &[Range<u32>], hits: &Hits) -> bool {
        let present = |segment| self.runs(segment).iter().any(|run| hits.all(self.groups(run)));
        if !segments.iter().all(present) {
            return false;
        }
        let mut ends: Option<Vec<u16>> = None;
        for segment in segments {
            let mut next = Vec::new();
            for run in self.runs(segment) {
                hits.run(run, self.groups(run), ends.as_deref(), &mut next);
            }
            if next.is_empty() {
                return false;
            }
            ends = Some(next);
        }
        ends.is_some()
    }

    fn runs(&self, segment: &Range<u32>) -> &[Run] {
        self.runs.get(segment.start as usize..segment.end as usize).unwrap_or_default()
    }

    fn groups(&self, run: &Run) -> &[u32] {
        let start = run.groups as usize;
        self.groups.get(start..start + usize::from(run.count)).unwrap_or_default()
    }
}

impl Hits {
    /// Adds where a run ends that begins shortly behind one of `after` (anywhere, if none is
    /// given).
    fn run(&self, run: &Run, groups: &[u32], after: Option<&[u16]>, out: &mut Vec<u16>) {
        let Some((&first, rest)) = groups.split_first() else { return };
        if !self.all(groups) {
            return;
        }
        let mut ends: Vec<u16> = self
            .of(first)
            .iter()
            .filter(|hit| !run.at_start || hit.1 == 0)
            .filter(|hit| after.is_none_or(|ends| follows(hit.1, ends)))
            .map(|hit| hit.2)
            .collect();
        for &group in rest {
            let next = self.of(group).iter().filter(|hit| follows(hit.1, &ends)).map(|hit| hit.2);
            ends = next.collect();
        }
        out.extend(ends.into_iter().filter(|&end| !run.at_end || end == self.words));
    }

    /// Whether all of these occur.
    fn all(&self, groups: &[u32]) -> bool {
        groups.iter().all(|&g| self.counts.get(g as usize).is_some_and(|&n| n > 0))
    }

    fn of(&self, group: u32) -> &[(u32, u16, u16)] {
        let low = self.found.partition_point(|hit| hit.0 < group);
        let tail = self.found.get(low..).unwrap_or_default();
        let count = tail.iter().take_while(|hit| hit.0 == group).count();
        tail.get(..count).unwrap_or_default()
    }
}

fn follows(start: u16, ends: &[u16]) -> bool {
    ends.iter().any(|&end| start >= end && usize::from(start - end) <= GAP)
}

/// The few symbols that one word stands for.
#[derive(Debug, Default, Clone, Copy)]
struct Symbols {
    held: [u32; 6],
    count: u8,
}

impl Symbols {
    fn extend(&mut self, symbol: u32) {
        if symbol != NONE
            && let Some(slot) = self.held.get_mut(usize::from(self.count))
        {
            *slot = symbol;
            self.count += 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.held.iter().copied().take(usize::from(self.count))
    }
}

/// A number for the first two letters that keeps the order of words. Prefix entries have two
/// letters at least, so whatever a word begins with is in its own slot.
fn slot(word: &str) -> usize {
    let mut letters = word.bytes().map(|b| match b {
        b'0'..=b'9' => usize::from(b - b'0') + 1,
        b'a'..=b'z' => usize::from(b - b'a') + 12,
        _ => 11,
    });
    letters.next().unwrap_or(0) * SLOTS + letters.next().unwrap_or(0)
}

/// Digits, the underscore, letters, and nothing.
const SLOTS: usize = 38;

const NONE: u32 = u32::MAX;

fn wide(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::Reply;

    fn holding(patterns: &[&str], text: &str) -> Vec<usize> {
        let mut builder = Builder::default();
        builder.read(patterns.iter().copied());
        let matcher = builder.finish();
        let reply = Reply { code: 550, enhanced: None, lines: vec![text.to_owned()] };
        let hits = matcher.hits(&Words::of(&reply));
        matcher.holding(&hits).collect()
    }

    #[test]
    fn words_prefixes_and_gaps() {
        let patterns = ["user unknown", "unknown .. user*", "user*", "^ user", "unknown $", "us*"];
        assert_eq!(holding(&patterns, "user unknown"), [0, 2, 3, 4, 5]);
        assert_eq!(holding(&patterns, "unknown: no such users"), [1, 2, 5]);
        assert_eq!(holding(&patterns, "usurped"), [5]);
        assert_eq!(holding(&["a .. b"], "a 1 1 1 1 1 1 b"), [0]);
        assert_eq!(holding(&["a .. b"], "a 1 1 1 1 1 1 1 b"), [0_usize; 0]);
    }

    #[test]
    fn all_terms_must_hold_and_no_negated_one() {
        assert_eq!(holding(&["b + a + !c"], "a x x x x x x x x b"), [0]);
        assert_eq!(holding(&["b + a + !c"], "a b c"), [0_usize; 0]);
    }

    #[test]
    fn a_word_has_all_its_prefixes_though_others_sort_between() {
        let patterns = ["block*", "blocked", "blockb", "blo*", "blockeda*"];
        assert_eq!(holding(&patterns, "blockedb"), [0, 3]);
        assert_eq!(holding(&patterns, "blocked"), [0, 1, 3]);
    }
}
