//! The exposition of everything, written piece by piece as a reader takes it.
//!
//! # Why it is pulled
//!
//! Ten thousand targets make a body of a hundred megabytes. Whoever sends it asks for the next piece
//! when the one before is gone, so a scrape costs one chunk of memory, two at once cost two, and a
//! reader that stops costs no thread. What the exposition holds meanwhile is what the writer keeps of
//! each target, as it was at its moment; targets that change then get their own anew.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use prometheus::proto::MetricFamily;

use super::catalogue::{CATALOGUE, Def, Scope};
use super::own::Exporter;
use super::record::Sink;
use super::tails::Tails;
use super::write::{Format, Writer};
use super::{listing, posture, record};
use crate::store::{LadderView, SkewView, Store};

/// All targets, the exporter and the process as they are at one moment. Its pieces are about
/// [`CHUNK`](super::write::CHUNK) bytes; no lock is held between them. Less where they took as long:
/// nothing at all, even.
#[derive(Debug)]
pub struct Exposition {
    seen: Seen,
    gathered: Vec<MetricFamily>,
    place: Place,
    /// None once the last piece was given.
    writer: Option<Writer>,
}

/// Where it is.
#[derive(Debug)]
struct Place {
    /// The family that is being written; past the catalogue come families of the registry.
    family: usize,
    /// The next item of that family.
    item: usize,
}

impl Exposition {
    /// What is known now. `now` also tells which pauses are over.
    pub fn new(store: &Store, own: &Exporter, format: Format, now: SystemTime) -> Self {
        let mut writer = Writer::new(format);
        CATALOGUE.iter().take(1).for_each(|def| writer.begin(def));
        Self {
            seen: Seen::of(store, now),
            gathered: own.gather(),
            place: Place { family: 0, item: 0 },
            writer: Some(writer),
        }
    }

    /// True when all pieces were given.
    pub const fn is_over(&self) -> bool {
        self.writer.is_none()
    }

    /// Writes one item. False when there is none left.
    fn step(&mut self) -> bool {
        let Some(writer) = &mut self.writer else { return false };
        let Some(def) = CATALOGUE.get(self.place.family) else {
            // What the registry has beyond the catalogue, in its order.
            self.gathered.drain(..).for_each(|family| writer.gathered(&family));
            return false;
        };
        let more = match def.scope {
            Scope::Exporter => {
                if let Some(at) = self.gathered.iter().position(|own| own.name() == def.name) {
                    writer.gathered(&self.gathered.remove(at));
                }
                false
            }
            _ if Tails::have(def) => self.seen.checks.write(def, writer),
            _ => self.seen.record(def, self.place.item, writer),
        };
        self.place.item += 1;
        if !more {
            self.place = Place { family: self.place.family + 1, item: 0 };
            if let Some(next) = CATALOGUE.get(self.place.family) {
                writer.begin(next);
            }
        }
        true
    }
}

impl Iterator for Exposition {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.writer.as_mut()?.chunk() {
                return Some(chunk);
            }
            if self.seen.checks.tired() {
                return self.writer.as_mut().map(Writer::piece);
            }
            if !self.step() {
                return self.writer.take().map(Writer::finish).filter(|last| !last.is_empty());
            }
        }
    }
}

/// What was seen, flat: a walk through maps for each family would cost more than the writing.
#[derive(Debug)]
struct Seen {
    now: SystemTime,
    checks: Tails,
    ladders: Vec<Arc<LadderView>>,
    listings: listing::Text,
    skews: Vec<Arc<SkewView>>,
    domains: posture::Text,
}

impl Seen {
    fn of(store: &Store, now: SystemTime) -> Self {
        let looks = store.postures().views().into_iter().filter_map(|view| view.report.clone());
        Self {
            now,
            checks: Tails::new(store, now),
            ladders: store.ladders(),
            listings: listing::Text::of(store.listings()),
            skews: store.skews(),
            domains: posture::Text::new(looks),
        }
    }

    /// Hands the samples of the family of one item to `sink`. False when there is no such item.
    fn record(&self, def: &Def, item: usize, sink: &mut impl Sink) -> bool {
        let found = match def.scope {
            Scope::Endpoint => self.ladders.get(item).map(|view| {
                let (text, view) = record::ladder::endpoint(view);
                record::ladder::record(def.family, text, view, sink);
            }),
            Scope::Whole => self.skews.get(item).map(|view| {
                record::skew::record(def.family, view, self.now, sink);
            }),
            Scope::Domain | Scope::Selector | Scope::Sender | Scope::Exchanger => {
                self.domains.record(def, item, sink)
            }
            Scope::List => self.listings.record_list(def.family, item, self.now, sink),
            Scope::Listing => self.listings.record_listing(def.family, item, sink),
            // Targets' are kept; the exporter's own are gathered by their registry.
            Scope::Target | Scope::Exporter => None,
        };
        found.is_some()
    }
}
