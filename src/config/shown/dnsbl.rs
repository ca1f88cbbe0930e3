//! `dnsbl` as `/config` shows it: what the catalogue knows of each list is filled in, keys are not.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Shown, labels, list, map, text};
use crate::config::dnsbl::shown_codes;
use crate::config::secret::SHOWN;
use crate::config::value::show;
use crate::dnsbl::{Codes, List, Plan, Zone};

pub(super) fn plan(plan: &Plan, zone_files: &BTreeMap<Arc<str>, PathBuf>) -> Shown {
    let mut subjects: Vec<Shown> = plan
        .subjects
        .iter()
        .map(|wanted| {
            let mut keys = vec![("subject", text(&wanted.subject))];
            keys.extend(labels(&wanted.labels));
            map(keys)
        })
        .collect();
    for (key, found) in [("from_targets", &plan.from_targets), ("own", &plan.own)] {
        if let Some(found) = found {
            let mut keys = vec![(key, Shown::Truth(true))];
            keys.extend(labels(found));
            subjects.push(map(keys));
        }
    }
    let lists = plan.lists.iter().map(|list| one(list, zone_files.get(&list.name)));
    map([
        ("interval", text(show(plan.interval))),
        ("listed_interval", text(show(plan.listed_interval))),
        ("health_interval", text(show(plan.health_interval))),
        ("timeout", text(show(plan.timeout))),
        ("servers", list(&plan.servers)),
        ("subjects", Shown::List(subjects)),
        ("lists", Shown::List(lists.collect())),
    ])
}

fn one(found: &List, zone_file: Option<&PathBuf>) -> Shown {
    let mut keys = vec![("name", text(&found.name))];
    keys.push(match (&found.zone, zone_file) {
        (_, Some(file)) => ("zone_file", text(file.display())),
        (Zone::Public(zone), None) => ("zone", text(zone)),
        (Zone::Keyed(_), None) => ("zone", text(SHOWN)),
    });
    keys.push(("kind", text(found.kind)));
    keys.push(("subjects", list(&found.subjects)));
    match &found.codes {
        Codes::Any => {}
        Codes::Ranges(listings) => keys.push(("codes", ranges(listings))),
        Codes::Bits(bits) => {
            let bits = bits.iter().map(|(bit, meaning)| (bit.to_string(), text(meaning)));
            keys.push(("bits", Shown::Map(bits.collect())));
        }
        Codes::Mixed { listings, others } => {
            keys.push(("codes", ranges(listings)));
            keys.push(("others", ranges(others)));
        }
    }
    if !found.refusals.is_empty() {
        let refusals = found
            .refusals
            .iter()
            .map(|refusal| (shown_codes(refusal.first, refusal.last), text(&refusal.why)));
        keys.push(("refusals", Shown::Map(refusals.collect())));
    }
    keys.push(("operator", text(&found.operator.name)));
    keys.push(("min_gap", text(show(found.operator.min_gap))));
    keys.push(("servers", list(&found.servers)));
    if let Some(url) = &found.delisting {
        keys.push(("delisting", text(url)));
    }
    keys.push(("test_points", Shown::Truth(found.has_test_points)));
    map(keys)
}

fn ranges(ranges: &[(Ipv4Addr, Ipv4Addr, Arc<str>)]) -> Shown {
    let entries =
        ranges.iter().map(|(first, last, meaning)| (shown_codes(*first, *last), text(meaning)));
    Shown::Map(entries.collect())
}
