//! Metrics: the catalogue says which there are, [`record`] turns a view into samples, [`mod@write`]
//! turns samples into text. Probe series come straight from the store; the exporter's own and the
//! process's come from a registry, through the same writer.

pub mod catalogue;
pub mod label;
pub mod listing;
pub mod own;
pub mod posture;
pub mod record;
pub mod reference;
pub mod write;

use std::time::SystemTime;

use bytes::Bytes;

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
    let views = store.views();
    let endpoints: Vec<_> = views.iter().flat_map(|view| record::endpoints(view)).collect();
    let listings = listing::Text::of(store.listings());
    let skews = store.skews();
    let looks = store.postures().views().into_iter().filter_map(|view| view.report.clone());
    let domains = posture::Text::new(looks);
    let ladders = store.ladders();
    let ladders: Vec<_> = ladders.iter().map(|view| record::ladder::endpoint(view)).collect();
    let mut gathered = own.gather();
    let mut writer = Writer::new(format, out);
    for def in CATALOGUE {
        writer.begin(def);
        match def.scope {
            Scope::Target => {
                for view in &views {
                    record::record_target(def.family, view, now, &mut writer);
                }
            }
            Scope::Endpoint => {
                for (text, endpoint) in &endpoints {
                    record::record_endpoint(def.family, text, endpoint, &mut writer);
                }
                for (text, ladder) in &ladders {
                    record::ladder::record(def.family, text, ladder, &mut writer);
                }
            }
            Scope::Whole => {
                for view in &skews {
                    record::skew::record(def.family, view, now, &mut writer);
                }
            }
            Scope::List => listings.record_lists(def.family, now, &mut writer),
            Scope::Listing => listings.record_listings(def.family, &mut writer),
            Scope::Domain | Scope::Selector | Scope::Sender | Scope::Exchanger => {
                domains.record(def, &mut writer);
            }
            Scope::Exporter => {
                if let Some(place) = gathered.iter().position(|family| family.name() == def.name) {
                    writer.gathered(&gathered.remove(place));
                }
            }
        }
    }
    gathered.iter().for_each(|family| writer.gathered(family));
    writer.finish();
}

/// Writes what one view shows, for `/probe`: gauges of the last results, nothing that counts, and
/// nothing of the exporter.
pub fn render_view(view: &View, format: Format, now: SystemTime, out: &mut impl FnMut(Bytes)) {
    let mut writer = Writer::with_room(VIEW_BYTES, format, out);
    for def in CATALOGUE.iter().filter(|def| def.in_probe) {
        writer.begin(def);
        if def.scope == Scope::Target {
            record::record_target(def.family, view, now, &mut writer);
        } else {
            for (text, endpoint) in record::endpoints(view) {
                record::record_endpoint(def.family, text, endpoint, &mut writer);
            }
        }
    }
    writer.finish();
}

/// What a host with STARTTLS comes to, with a certificate and two lists of capabilities.
const VIEW_BYTES: usize = 12 << 10;
