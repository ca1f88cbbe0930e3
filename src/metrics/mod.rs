//! Metrics: the catalogue says which there are, [`record`] turns a view into samples, [`write`]
//! turns samples into text. Probe series come straight from the store; the exporter's own and the
//! process's come from a registry, through the same writer.

pub mod catalogue;
pub mod label;
pub mod own;
pub mod record;
pub mod reference;
pub mod write;

use bytes::Bytes;

pub use own::Exporter;
pub use write::Format;

use crate::store::{Store, View};
use catalogue::{CATALOGUE, Scope};
use write::Writer;

/// Writes the exposition of everything: all targets, the exporter, the process. `out` gets chunks
/// of about 64 KiB; no lock is held while it runs, so it may block.
pub fn render(store: &Store, own: &Exporter, format: Format, out: &mut impl FnMut(Bytes)) {
    let views = store.views();
    let mut gathered = own.gather();
    let mut writer = Writer::new(format, out);
    for def in CATALOGUE {
        if def.scope == Scope::Exporter {
            let (this, rest) = gathered.into_iter().partition(|family| family.name() == def.name);
            gathered = rest;
            let this: Vec<_> = this;
            this.iter().for_each(|family| writer.gathered(family));
        } else {
            writer.begin(def);
            for view in &views {
                record::record(def.family, view, &mut writer);
            }
        }
    }
    gathered.iter().for_each(|family| writer.gathered(family));
    writer.finish();
}

/// Writes what one view shows, for `/probe`: gauges of the last results, nothing that counts, and
/// nothing of the exporter.
pub fn render_view(view: &View, format: Format, out: &mut impl FnMut(Bytes)) {
    let mut writer = Writer::new(format, out);
    for def in CATALOGUE.iter().filter(|def| def.in_probe) {
        writer.begin(def);
        record::record(def.family, view, &mut writer);
    }
    writer.finish();
}
