//! What chains were found to be worth, so that a chain that was seen before is neither read nor its
//! path calculated again.
//!
//! # Why this is exact
//!
//! Whether a path leads from a chain to a root is a pure function of the certificates' bytes, the name
//! that was asked for, what is trusted, and the moment. The [`Key`] holds bytes and name; the memory
//! belongs to one [`super::verify::Trust`], and what is trusted after a reload is another. The moment
//! is looked at in two ways only: "is it before this certificate's beginning?" and "is it after this
//! certificate's end?", for certificates that were served, because roots have no dates to the verifier;
//! and the moment at which an expired chain is judged again is made of the same dates. The answers turn
//! at those seconds and nowhere else, so an outcome holds in the whole [`Span`] between the nearest two
//! of them, on whichever side the clock comes from.
//!
//! That a server holds the key is no part of it: its signature is verified at every handshake.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use super::certificate::Read;
use crate::observation::{Certificate, VerifyFailure};

/// A chain, judged for a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// What the certificates say, the leaf first; those that cannot be read are left out. All
    /// observations of this chain share it.
    pub certificates: Arc<[Certificate]>,
    /// All that is wrong with it, in order, each once.
    pub failures: Box<[VerifyFailure]>,
}

/// Which chain, and for which name: SHA-256 over both, each part behind its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// None for a kind of name that is not known here.
    pub(super) fn of(
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> Option<Self> {
        let kind = match name {
            ServerName::DnsName(_) => 0,
            ServerName::IpAddress(_) => 1,
            _ => return None,
        };
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| {
            digest.update(bytes.len().to_be_bytes());
            digest.update(bytes);
        };
        part(&[kind]);
        part(name.to_str().as_bytes());
        for der in std::iter::once(leaf).chain(others) {
            part(der);
        }
        Some(Self(digest.finalize().into()))
    }
}

/// Moments, both ends included, between which no certificate of a chain begins or ends: in seconds
/// since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    from: i64,
    to: i64,
}

impl Span {
    /// The one around `now`. None when there is no telling.
    pub(super) fn around<'a>(
        now: UnixTime,
        certificates: impl IntoIterator<Item = &'a Read>,
    ) -> Option<Self> {
        let now = seconds(now)?;
        let mut span = Self { from: i64::MIN, to: i64::MAX };
        for Read { certificate, .. } in certificates {
            // The first second at which it has begun, and the first at which it has ended.
            for turn in [Some(certificate.not_before), certificate.not_after.checked_add(1)] {
                match turn {
                    Some(turn) if turn <= now => span.from = span.from.max(turn),
                    Some(turn) => span.to = span.to.min(turn.saturating_sub(1)),
                    None => {}
                }
            }
        }
        Some(span)
    }

    fn holds(self, now: UnixTime) -> bool {
        seconds(now).is_some_and(|now| (self.from..=self.to).contains(&now))
    }
}

/// The outcomes last asked for, in a bounded number of bytes.
///
/// There are two generations, each with half of the bytes. What is new, or was asked for again, is in
/// the young one; when that is full it becomes the old one, and what nobody asked for since is
/// dropped. So each operation is a look-up or two, and whatever fits into half of the bytes stays.
/// Nothing is calculated while it is locked.
#[derive(Debug)]
pub(super) struct Memory {
    generations: Mutex<Generations>,
    /// Bytes of one generation.
    half: usize,
}

impl Memory {
    /// An empty one that holds at most so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { generations: Mutex::default(), half: bytes / 2 }
    }

    /// What was found under this key, if that holds at `now`.
    pub(super) fn recall(&self, key: &Key, now: UnixTime) -> Option<Arc<Judged>> {
        let mut dropped = None;
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let held = match generations.young.entries.get(key) {
            Some(held) => held.clone(),
            None => {
                let held = generations.old.remove(key)?;
                dropped = generations.insert(*key, held.clone(), self.half);
                held
            }
        };
        drop(generations);
        // Thousands of entries may go, which others need not wait for.
        drop(dropped);
        held.span.holds(now).then_some(held.judged)
    }

    /// Keeps what was found, and gives what is now held: of two that judged the same chain at once,
    /// the first is kept.
    pub(super) fn keep(&self, key: Key, judged: Judged, span: Span) -> Arc<Judged> {
        let held = Held { judged: Arc::new(judged), span };
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = generations.young.entries.get(&key)
            && first.span == span
        {
            return first.judged.clone();
        }
        let dropped = generations.insert(key, held.clone(), self.half);
        drop(generations);
        drop(dropped);
        held.judged
    }
}

#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

impl Generations {
    /// Gives the generation that is dropped, if one is.
    fn insert(&mut self, key: Key, held: Held, half: usize) -> Option<Generation> {
        self.young.remove(&key);
        let bytes = held.bytes();
        if bytes > half {
            return None;
        }
        let full = self.young.bytes + bytes > half;
        let dropped =
            full.then(|| std::mem::replace(&mut self.old, std::mem::take(&mut self.young)));
        self.young.bytes += bytes;
        self.young.entries.insert(key, held);
        dropped
    }
}

#[derive(Debug, Default)]
struct Generation {
    entries: HashMap<Key, Held>,
    /// Of all entries.
    bytes: usize,
}

impl Generation {
    fn remove(&mut self, key: &Key) -> Option<Held> {
        let held = self.entries.remove(key)?;
        self.bytes = self.bytes.saturating_sub(held.bytes());
        Some(held)
    }
}

#[derive(Debug, Clone)]
struct Held {
    judged: Arc<Judged>,
    span: Span,
}

impl Held {
    /// What it takes in memory, at most.
    fn bytes(&self) -> usize {
        let Judged { certificates, failures } = &*self.judged;
        let texts = |certificate: &Certificate| {
            let Certificate { fingerprint_sha256, serial, subject, issuer, key, names, .. } =
                certificate;
            let texts = [fingerprint_sha256, serial, subject, issuer, key].into_iter().chain(names);
            texts.map(|text| text.capacity() + ALLOCATION).sum::<usize>()
                + names.capacity() * size_of::<String>()
                + ALLOCATION
        };
        // A table is at least 7/16 full, or it would be smaller.
        (size_of::<Key>() + size_of::<Self>() + 1) * 16 / 7
            + size_of::<Judged>()
            + size_of_val(&**failures)
            + size_of_val(&**certificates)
            + 3 * ALLOCATION
            + certificates.iter().map(texts).sum::<usize>()
    }
}

fn seconds(now: UnixTime) -> Option<i64> {
    i64::try_from(now.as_secs()).ok()
}

/// What an allocation takes beside what was asked for: the allocator's own words, rounding, and the
/// counts of an [`Arc`].
const ALLOCATION: usize = 32;

#[cfg(test)]
mod tests;
