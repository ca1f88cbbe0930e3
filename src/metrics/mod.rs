//! Metrics: the catalogue says which there are, [`record`] turns a view into samples, [`mod@write`]
//! turns samples into text. Probe series come straight from the store; the exporter's own and the
//! process's come from a registry, through the same writer. An [`Exposition`] is all of it, in
//! pieces.

pub mod catalogue;
mod exposition;
pub mod label;
pub mod listing;
pub mod own;
pub mod posture;
pub mod record;
pub mod reference;
mod tails;
mod text;
pub mod write;

use std::time::SystemTime;

use bytes::Bytes;

pub use exposition::Exposition;
pub use own::Exporter;
pub use write::Format;

use crate::store::{Store, View};
use catalogue::{CATALOGUE, Scope};
use write::Writer;

/// Writes the exposition of everything: all targets, the exporter, the process. `out` gets chunks
/// of about 64 KiB; no lock is held while it runs, so it may block. `now` tells which pauses are
/// over.
pub fn render(
    store: &Store,
    own: &Exporter,
    format: Format,
    now: SystemTime,
    out: &mut impl FnMut(Bytes),
) {
    Exposition::new(store, own, format, now).for_each(out);
}

/// Writes what one view shows, for `/probe`: gauges of the last results, nothing that counts, and
/// nothing of the exporter.
pub fn render_view(view: &View, format: Format, now: SystemTime, out: &mut impl FnMut(Bytes)) {
    let mut writer = Writer::with_room(VIEW_BYTES, format);
    for def in CATALOGUE.iter().filter(|def| def.in_probe) {
        writer.begin(def);
        if def.scope == Scope::Target {
            record::record_target(def.family, view, now, &mut writer);
        } else {
            for (text, endpoint) in record::endpoints(view) {
                record::record_endpoint(def.family, text, endpoint, &mut writer);
            }
        }
        writer.chunk().into_iter().for_each(&mut *out);
    }
    let last = writer.finish();
    if !last.is_empty() {
        out(last);
    }
}

/// What a host with STARTTLS comes to, with a certificate and two lists of capabilities.
const VIEW_BYTES: usize = 12 << 10;
