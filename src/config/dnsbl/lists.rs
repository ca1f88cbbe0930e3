//! `dnsbl.lists`: which lists are asked, and how their answers are read.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::super::disk;
use super::super::module;
use super::super::text::printable;
use super::super::tree::Value;
use super::super::value::{self, Parsed};
use super::super::walk::{At, Fields, Findings, Spot};
use super::codes;
use crate::dnsbl::catalogue::{self, Access, Found};
use crate::dnsbl::{Kind, List, Operator, SubjectKind};
use crate::target::near;

/// A list, and where it stands in the file.
pub(super) struct Stated {
    pub(super) list: Arc<List>,
    pub(super) spot: Spot,
}

/// Reads the lists. `zone_files` gets the files of keyed zones by the list's name.
pub(super) fn read(
    fields: &Fields,
    base: &Path,
    zone_files: &mut BTreeMap<Arc<str>, PathBuf>,
    findings: &mut Findings,
) -> Vec<Stated> {
    let mut found: Vec<(List, Spot)> = Vec::new();
    for at in fields.list("lists", findings).unwrap_or_default() {
        if findings.full() {
            break;
        }
        let spot = at.spot();
        let Some((list, file)) = one(at, base, findings) else { continue };
        if let Some((_, first)) = found.iter().find(|(other, _)| other.name == list.name) {
            let name = printable(&list.name);
            findings.problem(&spot, format!("the list `{name}` stands twice ({})", first.line()));
            continue;
        }
        if let Some((other, first)) =
            found.iter().find(|(other, _)| other.zone.expose() == list.zone.expose())
        {
            let name = printable(&other.name);
            findings.problem(&spot, format!("has the zone of `{name}` ({})", first.line()));
            continue;
        }
        if let Some(file) = file {
            zone_files.insert(list.name.clone(), file);
        }
        found.push((list, spot));
    }
    one_rate_per_operator(&mut found);
    found.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    found.into_iter().map(|(list, spot)| Stated { list: Arc::new(list), spot }).collect()
}

/// The longest gap that any of an operator's lists states is the operator's.
fn one_rate_per_operator(found: &mut [(List, Spot)]) {
    let mut gaps: HashMap<Arc<str>, Duration> = HashMap::new();
    for (list, _) in &*found {
        let gap = gaps.entry(list.operator.name.clone()).or_default();
        *gap = (*gap).max(list.operator.min_gap);
    }
    let operators: HashMap<Arc<str>, Arc<Operator>> = gaps
        .into_iter()
        .map(|(name, min_gap)| (name.clone(), Arc::new(Operator { name, min_gap })))
        .collect();
    for (list, _) in found {
        if let Some(operator) = operators.get(&list.operator.name) {
            list.operator = operator.clone();
        }
    }
}

fn one(at: At, base: &Path, findings: &mut Findings) -> Option<(List, Option<PathBuf>)> {
    if let Value::Scalar(text) = &at.node.value {
        let list = findings.take(&at.spot(), list_of(text, None, false))?;
        return Some((list, None));
    }
    let fields = at.fields("dnsbl.lists[]", findings);
    if !matches!(fields.at.node.value, Value::Map(_)) {
        if matches!(fields.at.node.value, Value::Null { .. }) {
            findings.problem(&fields.spot(), "is empty; write a zone, or drop the dash");
        }
        return None;
    }
    let name = fields.value("name", findings, list_name);
    let named = fields.at("name").is_some();
    let (list, file) = match (fields.at("zone"), fields.at("zone_file")) {
        (Some(_), Some(file)) => {
            findings.problem(&file.spot(), "stands beside `zone`; keep one of the two");
            return None;
        }
        (None, None) => {
            findings.problem(
                &fields.spot(),
                "names no list; state zone, or zone_file for a zone with a key",
            );
            return None;
        }
        (Some(at), None) => {
            let text = at.text(findings)?;
            if named && name.is_none() {
                return None;
            }
            let own = fields.at("kind").is_some();
            let list = findings.take(&at.spot(), list_of(&text, name.as_deref(), own))?;
            if list.zone.is_keyed() {
                disk::warn_if_stated_open(&at.spot(), findings);
            }
            (list, None)
        }
        (None, Some(at)) => {
            let file = at.text(findings)?;
            let path = base.join(&file);
            let zone = from_file(&path, &at.spot(), findings)?;
            let Some(name) = name else {
                if !named {
                    findings.problem(&fields.spot(), NAME_NEEDED);
                }
                return None;
            };
            let list = findings.take(&at.spot(), List::keyed(&name, &zone))?;
            (list, Some(std::path::absolute(&path).unwrap_or(path)))
        }
    };
    let list = overridden(list, &fields, findings);
    hide_the_key(&list, &fields, findings)?;
    Some((list, file))
}

/// The list that a zone in the file stands for. What it says never holds the text of a zone that may
/// have a key in it. `own` says that a zone which the catalogue does not know is meant.
pub(crate) fn list_of(text: &str, name: Option<&str>, own: bool) -> Parsed<List> {
    match catalogue::find(text) {
        // The zone alone, which everybody knows: what it lacks is the key.
        Found::Keyed(entry) if text.trim_end_matches('.').eq_ignore_ascii_case(entry.zone) => {
            Err(format!(
                "{0} is asked with a key in front of it; put KEY.{0} into a file and name it in \
                 zone_file, with a name for the list. {1}: {2}",
                entry.zone, entry.house.conditions, entry.source
            ))
        }
        Found::Keyed(_) => {
            let name = name.ok_or_else(|| NAME_NEEDED.to_owned())?;
            List::keyed(name, &SecretString::from(text))
        }
        Found::Live(list) => Ok(match name {
            Some(name) => List { name: Arc::from(name), ..list },
            None => list,
        }),
        Found::Dead(dead) => {
            let instead = dead.instead.map(|zone| format!("; use {zone}")).unwrap_or_default();
            Err(format!("is dead ({}): {}{instead}", dead.since, dead.why))
        }
        Found::Unknown => {
            // What is no name may be a key with a slip in it: it is not shown.
            let zone = value::domain(text).map_err(|_| {
                "is not the name of a zone; write it like bl.example.net".to_owned()
            })?;
            if !zone.contains('.') {
                return Err("is a single label, and no list's zone".to_owned());
            }
            if !own && let Some(entry) = catalogue::parent(&zone) {
                return Err(format!(
                    "is below `{}`, which takes no key in front; write that zone",
                    entry.zone
                ));
            }
            // What stands before a zone that takes a key is one, also where that zone has a slip: it
            // must not become a label.
            let behind = zone.split_once('.').map_or("", |(_, behind)| behind);
            if !own && let Some(near) = near::slip(behind, keyed_zones()) {
                return Err(format!(
                    "looks like a key and a slip in `{near}`; a zone with a key belongs into a file \
                     that zone_file names"
                ));
            }
            if !own && let Some(near) = near::slip(&zone, zones()) {
                return Err(format!(
                    "is not in the catalogue; did you mean `{near}`? A list of your own is written \
                     as a map with zone and kind"
                ));
            }
            List::custom(name.unwrap_or(&zone), &zone, Kind::Block)
        }
    }
}

/// The zones of the catalogue that are asked as they are.
fn zones() -> impl Iterator<Item = &'static str> {
    let public = catalogue::entries().filter(|entry| entry.access != Access::Keyed);
    public.map(|entry| entry.zone)
}

/// The zones of the catalogue in front of which a key may stand.
fn keyed_zones() -> impl Iterator<Item = &'static str> {
    let keyed = catalogue::entries().filter(|entry| entry.access != Access::Public);
    keyed.map(|entry| entry.zone)
}

/// What the file states, over what the catalogue knows.
fn overridden(mut list: List, fields: &Fields, findings: &mut Findings) -> List {
    fields.set("kind", &mut list.kind, findings, |text| {
        module::choice(text, Kind::ALL.iter().map(|kind| kind.as_str()), Kind::from_name)
    });
    if let Some(items) = fields.list("subjects", findings) {
        let stated = items.len();
        let mut kinds: Vec<SubjectKind> = Vec::new();
        for at in items {
            let names = SubjectKind::ALL.iter().map(|kind| kind.as_str());
            let kind =
                at.parse(findings, |text| module::choice(text, names, SubjectKind::from_name));
            kinds.extend(kind.filter(|kind| !kinds.contains(kind)));
        }
        if let Some(at) = fields.at("subjects").filter(|_| stated == 0)
            && matches!(at.node.value, Value::List(_) | Value::Null { .. })
        {
            findings.problem(&at.spot(), "is empty; a list takes ip4, ip6 or domain");
        }
        kinds.sort();
        list.subjects = kinds;
    }
    if let Some(codes) = codes::read(fields, findings) {
        list.codes = codes;
    }
    if let Some(at) = fields.at("refusals") {
        list.refusals = codes::refusals(&at, findings);
    }
    let mut operator = Operator::clone(&list.operator);
    if let Some(name) = fields.value("operator", findings, list_name) {
        operator.name = name;
    }
    fields.set("min_gap", &mut operator.min_gap, findings, |text| {
        value::duration_in(text, Duration::ZERO, Duration::from_secs(3600))
    });
    list.operator = Arc::new(operator);
    let servers = super::servers(fields, findings);
    if !servers.is_empty() {
        list.servers = servers;
    }
    if let Some(url) = fields.value("delisting", findings, url) {
        list.delisting = Some(url);
    }
    fields.set("test_points", &mut list.has_test_points, findings, value::boolean);
    list
}

/// Nothing that is shown may hold the key.
fn hide_the_key(list: &List, fields: &Fields, findings: &mut Findings) -> Option<()> {
    if !list.zone.is_keyed() {
        return Some(());
    }
    let mut sound = true;
    let mut meanings: Vec<&str> = list.refusals.iter().map(|refusal| &*refusal.why).collect();
    meanings.extend(codes::meanings(&list.codes));
    for (key, texts) in [
        ("name", vec![&*list.name]),
        ("operator", vec![&*list.operator.name]),
        ("delisting", list.delisting.as_deref().into_iter().collect()),
        ("codes", meanings),
    ] {
        if texts.into_iter().any(|text| list.zone.is_told_by(text)) {
            let spot = fields.at(key).map_or_else(|| fields.spot(), |at| at.spot());
            findings
                .problem(&spot, "holds the zone's key, which would be shown; write another text");
            sound = false;
        }
    }
    sound.then_some(())
}

fn from_file(path: &Path, spot: &Spot, findings: &mut Findings) -> Option<SecretString> {
    let shown = printable(&path.display().to_string());
    let read = disk::read(path, MAX_BYTES).and_then(|bytes| {
        let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
        let text = SecretString::from(text.trim());
        if text.expose_secret().is_empty() {
            return Err("is empty".to_owned());
        }
        match text.expose_secret().contains(char::is_whitespace) {
            true => Err("holds more than one word; it holds the zone alone".to_owned()),
            false => Ok(text),
        }
    });
    let zone =
        findings.take(spot, read.map_err(|message| format!("the file {shown} {message}")))?;
    disk::warn_if_open(path, spot, findings);
    Some(zone)
}

/// A name for labels.
fn list_name(text: &str) -> Parsed<Arc<str>> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=64).contains(&text.len()) && text.chars().all(fine) {
        Ok(Arc::from(text))
    } else {
        Err("has 1 to 64 of the characters A-Z a-z 0-9 _ - .".to_owned())
    }
}

fn url(text: &str) -> Parsed<Arc<str>> {
    let plain = text.len() <= 512 && text.chars().all(|c| c.is_ascii_graphic());
    if plain && (text.starts_with("https://") || text.starts_with("http://")) {
        Ok(Arc::from(text))
    } else {
        Err("is no URL; write it like https://lookup.example.net/".to_owned())
    }
}

const NAME_NEEDED: &str =
    "has a key in its zone, which is shown nowhere; state a name, which becomes the label `list`";
const MAX_BYTES: usize = 4 << 10;
