//! Lines without their beginnings, kept with each view until it changes.
//!
//! # Why they are kept
//!
//! The format wants one family after the other, so a scrape passes over all targets some forty
//! times. Gathered from the views, each line would touch half a dozen places that lie far apart in
//! memory, and with ten thousand targets no cache holds them. So what stands behind the subject's
//! labels on each line is written in one go, while a view is at hand, and a line then costs two
//! reads: the subject's text and what is next in the view's tails. Most of these texts are the same
//! for all targets; they are [`Phrases`], and a tail only names them.
//!
//! # Form
//!
//! Families come in the catalogue's order, those without a line are left out: the family's number in
//! a byte, then its lines. A line is a head (see [`Head`]), the number of its phrase, the length of
//! what comes after the phrase, and that. Numbers take seven bits a byte, the lowest first.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::catalogue::{CATALOGUE, Def, Scope};
use super::record::{self, Sink, Value};
use super::text::{bounds_of, put_labels, put_value};
use super::write::{self, Writer};
use crate::store::{EndpointView, Phrases, Store, View};

/// All targets as they are at one moment, walked through once per family.
#[derive(Debug)]
pub(super) struct Tails {
    now: SystemTime,
    /// Those that the first family has not come to yet. From then on its tails will do.
    views: std::vec::IntoIter<Arc<View>>,
    rows: Vec<Row>,
    /// The text of the labels of each row's subjects, one after the other: first the target, then
    /// its endpoints.
    subjects: Vec<u8>,
    /// Where each of them begins; and the end of all.
    bounds: Vec<u32>,
    /// The next row of the family that is being written.
    place: usize,
    /// Targets and endpoints written out since others had their turn.
    made: usize,
    phrases: Arc<RwLock<Phrases>>,
    scribe: Scribe,
}

/// One target and module.
#[derive(Debug)]
struct Row {
    tails: Arc<[u8]>,
    /// How far they were read.
    at: u32,
    /// The place of its first subject among the bounds.
    subject: u32,
}

impl Tails {
    /// What is known now. `now` also tells which pauses are over.
    pub(super) fn new(store: &Store, now: SystemTime) -> Self {
        let views = store.views();
        Self {
            now,
            rows: Vec::with_capacity(views.len()),
            views: views.into_iter(),
            subjects: Vec::new(),
            bounds: vec![0],
            place: 0,
            made: 0,
            phrases: store.phrases().clone(),
            scribe: Scribe::default(),
        }
    }

    /// Whether the family's lines are kept.
    pub(super) fn have(def: &Def) -> bool {
        match def.scope {
            Scope::Target => true,
            Scope::Endpoint => !record::ladder::has(def.family),
            _ => false,
        }
    }

    /// Writes the lines of a family, until `writer` has enough for now. False when all were written.
    /// Families come in the catalogue's order, each until it is through.
    pub(super) fn write(&mut self, def: &Def, writer: &mut Writer) -> bool {
        if self.place == self.rows.len() {
            self.prepare();
        }
        let phrases = self.phrases.read().unwrap_or_else(PoisonError::into_inner);
        let (subjects, bounds) = (&self.subjects, &self.bounds);
        let subject = |subject: usize| {
            let begin = bounds.get(subject).map_or(0, |bound| *bound as usize);
            let end = bounds.get(subject + 1).map_or(begin, |bound| *bound as usize);
            subjects.get(begin..end).unwrap_or_default()
        };
        let rows = self.rows.get_mut(self.place..).unwrap_or_default();
        for rows in rows.chunks_mut(AHEAD) {
            // All their beginnings first: what no cache holds is then waited for once, not row by
            // row.
            let mut families = [None; AHEAD];
            for (family, row) in families.iter_mut().zip(&*rows) {
                *family = row.tails.get(row.at as usize).copied();
            }
            for (row, family) in rows.iter_mut().zip(families) {
                if writer.is_full() {
                    return true;
                }
                self.place += 1;
                if family == Some(def.family as u8) {
                    row.write(writer, &phrases, subject);
                }
            }
        }
        let more = self.place < self.rows.len() || self.views.len() > 0;
        if !more {
            self.place = 0;
        }
        more
    }

    /// True when many were written out since it last was: others should have a turn.
    pub(super) const fn tired(&mut self) -> bool {
        let tired = self.made >= BATCH;
        if tired {
            self.made = 0;
        }
        tired
    }

    /// Makes the next rows.
    fn prepare(&mut self) {
        let end = self.rows.len() + BATCH;
        while self.rows.len() < end
            && self.made < BATCH
            && let Some(view) = self.views.next()
        {
            let subject = small(self.bounds.len() - 1);
            let endpoints = record::endpoints(&view).map(|(text, _)| text);
            for text in std::iter::once(record::target_text(&view)).chain(endpoints) {
                self.subjects.extend_from_slice(text.as_bytes());
                self.bounds.push(small(self.subjects.len()));
            }
            let tails = view.tails.get().cloned().unwrap_or_else(|| {
                self.made += 1 + view.endpoints.len();
                let mut phrases = self.phrases.write().unwrap_or_else(PoisonError::into_inner);
                let tails = self.scribe.write(&view, self.now, &mut phrases);
                if passing(&view) { tails } else { view.tails.get_or_init(|| tails).clone() }
            });
            self.rows.push(Row { tails, at: 0, subject });
        }
    }
}

impl Row {
    /// Writes the lines of the family that is next.
    fn write<'a>(
        &mut self,
        writer: &mut Writer,
        phrases: &Phrases,
        subject: impl Fn(usize) -> &'a [u8],
    ) {
        let mut rest = self.tails.get(self.at as usize + 1..).unwrap_or_default();
        let first = self.subject as usize;
        let (mut shown, mut text) = (0, subject(first));
        while let Some((head, after)) = rest.split_first() {
            rest = after;
            let head = Head(*head);
            let number = head.subject().unwrap_or_else(|| take_number(&mut rest));
            if number != shown {
                (shown, text) = (number, subject(first + number));
            }
            let phrase = phrases.text(u16::try_from(take_number(&mut rest)).unwrap_or_default());
            let length = take_number(&mut rest);
            let Some((own, after)) = rest.split_at_checked(length) else { break };
            rest = after;
            writer.line_of(head.suffix(), text, phrase, own);
            if head.is_last() {
                break;
            }
        }
        self.at = small(self.tails.len() - rest.len());
    }
}

/// The first byte of a line: in the lowest two bits the number of the suffix of the metric's name,
/// then one that says that it is the family's last line, then the subject's number, whose highest
/// value says that the number follows.
#[derive(Debug, Clone, Copy)]
struct Head(u8);

impl Head {
    const LAST: u8 = 1 << 2;
    const FOLLOWS: u8 = 31;

    const fn suffix(self) -> usize {
        (self.0 & 3) as usize
    }

    const fn is_last(self) -> bool {
        self.0 & Self::LAST != 0
    }

    fn subject(self) -> Option<usize> {
        let number = self.0 >> 3;
        (number != Self::FOLLOWS).then_some(number.into())
    }
}

/// Writes views out. What it holds are buffers that are used again.
#[derive(Debug, Default)]
struct Scribe {
    out: Vec<u8>,
    line: Vec<u8>,
    /// Bounds of the histogram's buckets as text, by the place of its definition.
    bounds: Option<(usize, Vec<String>)>,
}

impl Scribe {
    fn write(&mut self, view: &View, now: SystemTime, phrases: &mut Phrases) -> Arc<[u8]> {
        self.out.clear();
        let endpoints: Vec<(&str, &Arc<EndpointView>)> = record::endpoints(view).collect();
        for def in CATALOGUE.iter().filter(|def| Tails::have(def)) {
            let begin = self.out.len();
            self.out.push(def.family as u8);
            let mut sink = Ends { def, subject: 0, last: None, scribe: self, phrases };
            if def.scope == Scope::Target {
                record::record_target(def.family, view, now, &mut sink);
            } else {
                for (index, (text, endpoint)) in endpoints.iter().enumerate() {
                    sink.subject = index + 1;
                    record::record_endpoint(def.family, text, endpoint, &mut sink);
                }
            }
            match sink.last.and_then(|last| self.out.get_mut(last)) {
                Some(head) => *head |= Head::LAST,
                None => self.out.truncate(begin),
            }
        }
        Arc::from(self.out.as_slice())
    }

    fn bounds_of(&mut self, def: &Def) -> Vec<String> {
        let place = def.family as usize;
        match self.bounds.take() {
            Some((of, bounds)) if of == place => bounds,
            _ => bounds_of(def),
        }
    }
}

/// Takes the samples of one family of one view.
struct Ends<'a> {
    def: &'a Def,
    /// 0 is the target itself.
    subject: usize,
    /// Where the head of the last line stands.
    last: Option<usize>,
    scribe: &'a mut Scribe,
    phrases: &'a mut Phrases,
}

impl Ends<'_> {
    fn line(&mut self, suffix: usize, labels: &[&str], le: Option<&str>, value: Value) {
        if !value.is_shown() {
            return;
        }
        let Scribe { out, line, .. } = &mut *self.scribe;
        self.last = Some(out.len());
        let inline = u8::try_from(self.subject).unwrap_or(u8::MAX).min(Head::FOLLOWS);
        out.push(suffix as u8 | inline << 3);
        if inline == Head::FOLLOWS {
            put_number(out, self.subject);
        }
        line.clear();
        put_labels(line, self.def.labels, labels, le, true);
        line.extend_from_slice(b"} ");
        // A number differs from target to target, a yes does not.
        let mut shared = line.len();
        put_value(line, value);
        line.push(b'\n');
        if matches!(value, Value::Flag(_)) {
            shared = line.len();
        }
        let (phrase, own) = line.split_at(shared);
        let (number, own) = match self.phrases.number(phrase) {
            Some(number) => (number, own),
            None => (0, &**line),
        };
        put_number(out, number.into());
        put_number(out, own.len());
        out.extend_from_slice(own);
    }
}

impl Sink for Ends<'_> {
    fn sample(&mut self, _: &str, labels: &[&str], value: Value) {
        self.line(0, labels, None, value);
    }

    fn histogram(&mut self, _: &str, buckets: &[u64], sum: f64) {
        let bounds = self.scribe.bounds_of(self.def);
        write::spread(&bounds, buckets, sum, |suffix, le, value| {
            self.line(suffix, &[], le, value);
        });
        self.scribe.bounds = Some((self.def.family as usize, bounds));
    }
}

/// Whether what is shown of the view depends on the time of day: such tails are good for one scrape.
fn passing(view: &View) -> bool {
    view.paused_until.is_some()
        || view.endpoints.values().any(|endpoint| endpoint.paused.is_some())
        || view.waiting.values().any(|skip| skip.until.is_some())
}

fn put_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(rest: &mut &[u8]) -> usize {
    let (mut number, mut shift) = (0, 0);
    while let Some((byte, after)) = rest.split_first() {
        *rest = after;
        number |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 || shift > 28 {
            break;
        }
    }
    number
}

/// Texts of 4 GiB are not written.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Targets and endpoints that are written out before others have a turn: some tenths of a
/// millisecond of work.
const BATCH: usize = 128;

/// Rows whose tails are looked at together.
const AHEAD: usize = 16;

// A family's number is a byte.
const _: () = assert!(CATALOGUE.len() <= u8::MAX as usize);
