//! How many bytes of transcripts are kept, and which are the oldest.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use super::Entry;
use crate::observation::Transcript;

/// A number per transcript kept, in the order in which they came.
pub(super) type Ticket = u64;

/// The books of transcripts.
#[derive(Debug)]
pub(super) struct Ledger {
    cap: usize,
    bytes: usize,
    next: Ticket,
    held: BTreeMap<Ticket, (Weak<Entry>, usize)>,
}

impl Ledger {
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, bytes: 0, next: 0, held: BTreeMap::new() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a transcript of `entry` into the books. An empty one is none.
    pub(super) fn hold(&mut self, entry: &Arc<Entry>, transcript: &Transcript) -> Option<Ticket> {
        if transcript.is_empty() {
            return None;
        }
        let bytes = transcript.size();
        let ticket = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.held.insert(ticket, (Arc::downgrade(entry), bytes));
        Some(ticket)
    }

    /// Takes transcripts that were let go out of the books.
    pub(super) fn release(&mut self, tickets: &[Ticket]) {
        for ticket in tickets {
            if let Some((_, bytes)) = self.held.remove(ticket) {
                self.bytes -= bytes;
            }
        }
    }

    /// The oldest transcripts over the cap, already out of the books. The caller drops them.
    pub(super) fn evict(&mut self) -> Vec<(Ticket, Arc<Entry>)> {
        let mut evicted = Vec::new();
        while self.bytes > self.cap
            && let Some((ticket, (entry, bytes))) = self.held.pop_first()
        {
            self.bytes -= bytes;
            evicted.extend(entry.upgrade().map(|entry| (ticket, entry)));
        }
        evicted
    }
}
