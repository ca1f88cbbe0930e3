//! Patterns become a matcher.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Compiled, Edge, Entry, Matcher, NONE, Node, Run, SLOTS, short, slot, wide};
use crate::cause::pattern::{Pattern, Sequence, Word};

/// Compiles patterns one by one: all of them together, written out, take many times the room of what
/// they become, and that room would not come back. Nor would that of a map for each node.
#[derive(Default)]
pub struct Builder {
    patterns: Vec<Compiled>,
    runs: Vec<Run>,
    groups: Vec<u32>,
    symbols: BTreeMap<Word, u32>,
    /// By the node that an edge leaves ([`ROOT`] or another) and its symbol: where it leads.
    edges: BTreeMap<(u32, u32), u32>,
    /// By node: the group that ends there. The root has none.
    ends: Vec<u32>,
    /// Of groups, so far.
    count: usize,
}

impl Builder {
    /// Adds a pattern; its number is its place.
    pub fn add(&mut self, pattern: &Pattern) {
        let terms = pattern
            .terms
            .iter()
            .map(|term| {
                let segments = term.segments.iter().map(|segment| self.segment(segment));
                (term.negated, segments.collect())
            })
            .collect();
        self.patterns.push(Compiled { terms });
    }

    /// Adds the patterns that these texts are. One that is none is left out: a user's were checked
    /// when they were configured.
    pub fn read<'a>(&mut self, sources: impl Iterator<Item = &'a str>) {
        sources.filter_map(|source| Pattern::parse(source).ok()).for_each(|p| self.add(&p));
    }

    /// How many were added.
    pub const fn added(&self) -> usize {
        self.patterns.len()
    }

    /// Where its runs stand now.
    fn segment(&mut self, sequences: &[Sequence]) -> Range<u32> {
        let start = wide(self.runs.len());
        for Sequence { at_start, at_end, groups } in sequences {
            let first = wide(self.groups.len());
            for group in groups {
                let number = self.group(group);
                self.groups.push(number);
            }
            let (at_start, at_end, count) = (*at_start, *at_end, short(groups.len()));
            self.runs.push(Run { at_start, at_end, count, groups: first });
        }
        start..wide(self.runs.len())
    }

    /// The number of a group; the same words give the same number.
    fn group(&mut self, words: &[Word]) -> u32 {
        let mut node = ROOT;
        for word in words {
            let fresh = wide(self.symbols.len());
            let symbol = *self.symbols.entry(word.clone()).or_insert(fresh);
            let fresh = wide(self.ends.len());
            node = *self.edges.entry((node, symbol)).or_insert(fresh);
            if node == fresh {
                self.ends.push(NONE);
            }
        }
        let Some(end) = self.ends.get_mut(node as usize) else { return NONE };
        if *end == NONE {
            *end = wide(self.count);
            self.count += 1;
        }
        *end
    }

    /// What all of them became.
    pub fn finish(self) -> Matcher {
        let mut roots = vec![NONE; self.symbols.len()];
        let mut nodes = Vec::with_capacity(self.ends.len() + 1);
        let mut edges = Vec::with_capacity(self.edges.len());
        let mut sorted = self.edges.into_iter().peekable();
        for (node, group) in (0..).zip(self.ends) {
            nodes.push(Node { group, edges: wide(edges.len()) });
            while let Some(((_, symbol), node)) = sorted.next_if(|((from, _), _)| *from == node) {
                edges.push(Edge { symbol, node });
            }
        }
        nodes.push(Node { group: NONE, edges: wide(edges.len()) });
        for ((_, symbol), node) in sorted {
            if let Some(slot) = roots.get_mut(symbol as usize) {
                *slot = node;
            }
        }
        let vocabulary = vocabulary(self.symbols);
        let starts = (0..=SLOTS * SLOTS)
            .map(|at| wide(vocabulary.partition_point(|entry| slot(&entry.text) < at)))
            .collect();
        let (patterns, mut runs, mut groups) = (self.patterns, self.runs, self.groups);
        runs.shrink_to_fit();
        groups.shrink_to_fit();
        let mut begun = Vec::with_capacity(runs.len());
        for (number, pattern) in (0..).zip(&patterns) {
            let positive = pattern.terms.iter().find(|(negated, _)| !negated);
            let Some(first) = positive.and_then(|(_, segments)| segments.first()) else { continue };
            let runs = runs.get(first.start as usize..first.end as usize).unwrap_or_default();
            let firsts = runs.iter().filter_map(|run| groups.get(run.groups as usize));
            begun.extend(firsts.map(|&group| (group, number)));
        }
        begun.sort_unstable();
        let end = |group| wide(begun.partition_point(|(other, _)| *other <= group));
        let ends = (0..wide(self.count)).map(end).collect();
        let begins = begun.into_iter().map(|(_, number)| number).collect();
        Matcher { vocabulary, starts, nodes, edges, roots, patterns, runs, groups, begins, ends }
    }
}

/// Sorted entries, each linked to the longest shorter prefix, so that one search finds all.
fn vocabulary(symbols: BTreeMap<Word, u32>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::with_capacity(symbols.len());
    for (Word { text, prefix }, symbol) in symbols {
        if entries.last().is_none_or(|last| *last.text != *text) {
            let mut shorter = entries.len().checked_sub(1);
            while let Some(entry) = shorter.and_then(|at| entries.get(at)) {
                if text.starts_with(&*entry.text) && entry.prefix != NONE {
                    break;
                }
                shorter = Some(entry.shorter as usize);
            }
            let shorter = shorter.map_or(NONE, wide);
            let text = text.into_boxed_str();
            entries.push(Entry { text, exact: NONE, prefix: NONE, shorter });
        }
        if let Some(entry) = entries.last_mut() {
            *(if prefix { &mut entry.prefix } else { &mut entry.exact }) = symbol;
        }
    }
    entries
}

/// The trie's root, which is no node: its edges are the last of all, and are looked up in another way.
const ROOT: u32 = NONE - 1;
