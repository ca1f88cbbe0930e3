//! `targets` and `target_files`: what is probed, and the gentle limits for what is not ours.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::disk;
use super::gentle::Gentle;
use super::label::{label_name, label_value, target_name};
use super::module::{self, Modules};
use super::text::printable;
use super::tree::{self, MAX_BYTES, Value};
use super::value::{self, Parsed};
use super::walk::{At, Fields, Findings, Spot};
use crate::target::near;
use crate::target::{Module, Own, Place, Target};

/// All targets of the file and of its target files.
pub(super) struct Gathered<'a> {
    modules: &'a Modules,
    gentle: Gentle<'a>,
    targets: BTreeMap<Arc<str>, Arc<Target>>,
    places: HashMap<Arc<str>, Spot>,
    probed: HashMap<(Place, u16, Arc<str>), Arc<str>>,
    watched: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
}

/// What was gathered.
pub(super) struct Targets {
    pub(super) by_name: BTreeMap<Arc<str>, Arc<Target>>,
    /// The first target that is not ours, and its place.
    pub(super) first_foreign: Option<(String, Spot)>,
    /// The patterns of `target_files`, each with its directory.
    pub(super) watched: Vec<PathBuf>,
}

/// One target as read, before its name and its place among the others are checked.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) name_spot: Spot,
    pub(super) place: Option<Place>,
    pub(super) modules: Vec<Arc<Module>>,
    pub(super) interval: Option<(Duration, Spot)>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) spot: Spot,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(modules: &'a Modules, own: Option<&'a Own>) -> Self {
        Self {
            modules,
            gentle: Gentle::new(modules, own),
            targets: BTreeMap::new(),
            places: HashMap::new(),
            probed: HashMap::new(),
            watched: Vec::new(),
            seen: HashSet::new(),
        }
    }

    pub(super) fn finish(self) -> Targets {
        Targets {
            by_name: self.targets,
            first_foreign: self.gentle.first_foreign,
            watched: self.watched,
        }
    }

    /// Reads `targets`.
    pub(super) fn list(&mut self, items: Vec<At>, findings: &mut Findings) {
        for at in items {
            self.own_form(at, findings);
        }
    }

    /// Reads `target_files`: every file that matches, each a list in either form.
    pub(super) fn files(&mut self, patterns: &[At], base: &Path, findings: &mut Findings) {
        for at in patterns {
            let Some(pattern) = at.text(findings) else { continue };
            let found = match disk::matches(base, &pattern) {
                Ok(found) => found,
                Err(message) => {
                    findings.problem(&at.spot(), format!("`{}` {message}", printable(&pattern)));
                    continue;
                }
            };
            let (watched, files) = found;
            if files.is_empty() {
                findings.warn(&at.spot(), format!("`{}` matches no file yet", printable(&pattern)));
            }
            self.watched.push(watched);
            for path in files {
                if self.seen.insert(path.clone()) {
                    self.file(&path, findings);
                }
            }
        }
    }

    fn file(&mut self, path: &Path, findings: &mut Findings) {
        let name: Arc<str> = Arc::from(path.display().to_string());
        let spot = Spot { file: name.clone(), place: None, path: String::new() };
        let read = disk::read(path, MAX_BYTES);
        let Some(bytes) = findings.take(&spot, read) else { return };
        let Some(root) = tree::parse(&bytes, &name, &mut findings.problems) else { return };
        let root = At { node: Rc::new(root), path: String::new() };
        if let Value::Map(_) = root.node.value {
            findings.problem(
                &root.spot(),
                "a target file is a list of targets, without `targets:` above it",
            );
            return;
        }
        for at in root.items(findings) {
            if at.node.entry("targets").is_some() {
                self.prometheus_form(at, findings);
            } else {
                self.own_form(at, findings);
            }
        }
    }

    fn own_form(&mut self, at: At, findings: &mut Findings) {
        if let Value::Scalar(_) = at.node.value {
            findings.problem(&at.spot(), "is a single value; write `host: ` before it");
            return;
        }
        let fields = at.fields("targets[]", findings);
        if !matches!(fields.at.node.value, Value::Map(_)) {
            if matches!(fields.at.node.value, Value::Null { .. }) {
                findings.problem(&fields.spot(), "is empty; write a target, or drop the dash");
            }
            return;
        }
        let (host, domain) = (fields.at("host"), fields.at("domain"));
        let written = match (&host, &domain) {
            (Some(_), Some(domain)) => {
                findings.problem(&domain.spot(), "stands beside `host`; keep one of the two");
                return;
            }
            (None, None) => {
                findings.problem(
                    &fields.spot(),
                    "says nothing to probe; state `host` (one server) or `domain` (all its MX)",
                );
                return;
            }
            (Some(at), None) | (None, Some(at)) => at.clone(),
        };
        let Some(text) = written.text(findings) else { return };
        let place = if host.is_some() { host_of(&text) } else { domain_of(&text) };
        let place = findings.take(&written.spot(), place);
        let (name, name_spot) = match fields.at("name") {
            Some(at) => {
                let Some(name) = at.text(findings) else { return };
                (name, at.spot())
            }
            // The text that is no place is no name either, and has its message.
            None if place.is_none() => return,
            None => (text, written.spot()),
        };
        let modules = self.modules_of(&fields, findings);
        let interval = fields.at("interval").and_then(|at| {
            at.parse(findings, module::interval).map(|interval| (interval, at.spot()))
        });
        let mut labels = BTreeMap::new();
        for (key, spot, at) in
            fields.at("labels").map(|at| at.entries(findings)).unwrap_or_default()
        {
            if let Err(message) = label_name(&key) {
                findings.problem(&spot, message);
            } else if let Some(text) = at.parse(findings, label_value) {
                labels.insert(key.to_string(), text);
            }
        }
        let spot = fields.spot();
        self.add(Said { name, name_spot, place, modules, interval, labels, spot }, findings);
    }

    fn modules_of(&self, fields: &Fields, findings: &mut Findings) -> Vec<Arc<Module>> {
        match (fields.at("module"), fields.at("modules")) {
            (Some(_), Some(list)) => {
                findings.problem(&list.spot(), "stands beside `module`; keep one of the two");
                Vec::new()
            }
            (Some(one), None) => {
                one.parse(findings, |text| self.module(text)).into_iter().collect()
            }
            (None, Some(list)) => {
                let items = list.items(findings);
                if items.is_empty()
                    && matches!(list.node.value, Value::List(_) | Value::Null { .. })
                {
                    findings.problem(&list.spot(), "is empty; name a module, or drop the key");
                }
                let mut found: Vec<Arc<Module>> = Vec::new();
                for at in items {
                    let Some(module) = at.parse(findings, |text| self.module(text)) else {
                        continue;
                    };
                    if found.iter().any(|other| other.name == module.name) {
                        findings.problem(&at.spot(), format!("`{}` stands twice", module.name));
                    } else {
                        found.push(module);
                    }
                }
                found
            }
            (None, None) => self.module("smtp").into_iter().collect(),
        }
    }

    fn module(&self, name: &str) -> Parsed<Arc<Module>> {
        let names = || self.modules.by_name.keys().map(|name| &**name);
        self.modules.by_name.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = names().take(50).collect();
            let known = known.join(", ");
            let name_shown = printable(name);
            match near::nearest(name, names()) {
                Some(near) => {
                    format!("no module `{name_shown}`, did you mean `{near}`? There are {known}")
                }
                None => format!("no module `{name_shown}`; there are {known}"),
            }
        })
    }

    /// `- targets: [...]`, `labels: {...}`, as Prometheus' file discovery reads it.
    fn prometheus_form(&mut self, at: At, findings: &mut Findings) {
        let fields = at.fields_of(FILE_SD_KEYS, findings);
        let mut modules = Vec::new();
        let mut interval = None;
        let mut labels = BTreeMap::new();
        let entries = fields.at("labels").map(|at| at.entries(findings)).unwrap_or_default();
        let mut module_stated = false;
        for (key, spot, at) in entries {
            match &*key {
                "__module" => {
                    module_stated = true;
                    modules.extend(at.parse(findings, |text| self.module(text)));
                }
                "__interval" => {
                    interval = at.parse(findings, module::interval).map(|value| (value, at.spot()));
                }
                // What service discovery adds is dropped by Prometheus as well.
                meta if meta.starts_with("__meta_") => {}
                _ => {
                    if let Err(message) = label_name(&key) {
                        findings.problem(&spot, message);
                    } else if let Some(text) = at.parse(findings, label_value) {
                        labels.insert(key.to_string(), text);
                    }
                }
            }
        }
        if !module_stated {
            modules.extend(self.module("smtp").ok());
        }
        for at in fields.list("targets", findings).unwrap_or_default() {
            let Some(name) = at.text(findings) else { continue };
            let place = findings.take(&at.spot(), Place::parse(&name));
            let said = Said {
                name,
                name_spot: at.spot(),
                place,
                modules: modules.clone(),
                interval: interval.clone(),
                labels: labels.clone(),
                spot: at.spot(),
            };
            self.add(said, findings);
        }
    }

    fn add(&mut self, said: Said, findings: &mut Findings) {
        if let Err(message) = target_name(&said.name) {
            findings.problem(&said.name_spot, message);
            return;
        }
        let name: Arc<str> = Arc::from(said.name.as_str());
        if let Some(first) = self.places.get(&name) {
            findings.problem(
                &said.name_spot,
                format!(
                    "the name `{}` is taken ({}); give each target a `name` of its own",
                    printable(&name),
                    first.line()
                ),
            );
            return;
        }
        self.places.insert(name.clone(), said.name_spot.clone());
        let Some(place) = said.place.clone() else { return };
        let modules = self.gentle.limits(&place, &said, findings);
        for module in &modules {
            let port = match &place {
                Place::Host { port, .. } => port.unwrap_or(module.port),
                Place::Domain(_) => module.port,
            };
            let bare = match &place {
                Place::Host { host, .. } => Place::Host { host: host.clone(), port: None },
                Place::Domain(_) => place.clone(),
            };
            let key = (bare, port, module.name.clone());
            if let Some(other) = self.probed.get(&key) {
                findings.warn(
                    &said.spot,
                    format!(
                        "`{}` and `{}` probe the same server and port with module `{}`",
                        printable(&name),
                        printable(other),
                        module.name
                    ),
                );
            } else {
                self.probed.insert(key, name.clone());
            }
        }
        let target = Target {
            name: name.clone(),
            place,
            modules,
            interval: said.interval.map(|(interval, _)| interval),
            labels: said.labels,
        };
        self.targets.insert(name, Arc::new(target));
    }
}

fn host_of(text: &str) -> Parsed<Place> {
    if let Some(name) = text.strip_prefix("domain:") {
        return Err(format!("for all servers of a domain write domain: {}", printable(name)));
    }
    value::host(text).map(|(host, port)| Place::Host { host, port })
}

fn domain_of(text: &str) -> Parsed<Place> {
    let bare = text.strip_prefix('[').map_or(text, |rest| rest.trim_end_matches(']'));
    if bare.parse::<IpAddr>().is_ok() {
        return Err(format!("`{0}` is an address; write host: \"{0}\"", printable(bare)));
    }
    if let Some((name, _)) = text.split_once(':') {
        return Err(format!(
            "`{}` has a port, which MX records can't have; write {}, and the port in a module",
            printable(text),
            printable(name)
        ));
    }
    match text.rsplit_once('@') {
        Some((_, domain)) => Err(format!(
            "`{}` is a mail address; write the part behind the @: {}",
            printable(text),
            printable(domain)
        )),
        None => value::domain(text).map(Place::Domain),
    }
}

/// The keys of one entry in Prometheus' form.
const FILE_SD_KEYS: &[&str] = &["targets", "labels"];
