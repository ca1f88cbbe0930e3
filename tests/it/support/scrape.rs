//! From checks and observations to what a scrape would read.

use std::collections::BTreeSet;
use std::time::SystemTime;

use smtp_exporter::metrics::{Exporter, Format, render, render_view};
use smtp_exporter::observation::Observation;
use smtp_exporter::store::{Store, View};
use smtp_exporter::target::Check;

use super::exposition::{Exposition, Sample};
use super::seen::{at, round};

/// A store in which each of these checks had these rounds of observations.
pub(crate) fn store_of(checks: &[(Check, Vec<Vec<Observation>>)]) -> Store {
    let store = Store::default();
    let all: Vec<Check> = checks.iter().map(|(check, _)| check.clone()).collect();
    let generation = store.replace_checks(&all, 10);
    for (check, rounds) in checks {
        for observations in rounds {
            let round = round(observations.clone());
            for observation in &round.observations {
                store.put(generation, &check.key(), observation.clone());
            }
            store.finish_round(generation, &check.key(), &round);
        }
    }
    store
}

pub(crate) fn text_of(store: &Store, format: Format) -> String {
    text_at(store, format, at(70))
}

/// The text that is written at `now`.
pub(crate) fn text_at(store: &Store, format: Format, now: SystemTime) -> String {
    let own = Exporter::new(Default::default()).unwrap();
    let mut text = Vec::new();
    render(store, &own, format, now, &mut |chunk| text.extend_from_slice(&chunk));
    String::from_utf8(text).unwrap()
}

pub(crate) fn view_text(view: &View, format: Format) -> String {
    let mut text = Vec::new();
    render_view(view, format, at(70), &mut |chunk| text.extend_from_slice(&chunk));
    String::from_utf8(text).unwrap()
}

/// Reads it in both formats, which must agree, and lints it.
pub(crate) fn read(store: &Store) -> Exposition {
    let text = Exposition::read(&text_of(store, Format::Text), Format::Text).unwrap();
    let open = text_of(store, Format::OpenMetrics);
    let open = Exposition::read(&open, Format::OpenMetrics).unwrap();
    let names = |read: &Exposition| -> BTreeSet<_> {
        let ours = |sample: &&_| !process(sample);
        read.samples().filter(ours).map(|s| (s.name.clone(), s.labels.clone())).collect()
    };
    assert_eq!(names(&text), names(&open));
    assert_eq!(text.lint(), Vec::<String>::new());
    text
}

pub(crate) fn process(sample: &Sample) -> bool {
    sample.name.starts_with("process_")
}
