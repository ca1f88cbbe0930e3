//! Walking the tree: each key is asked for by name, and whatever is wrong on the way becomes a
//! problem with its place.

use std::rc::Rc;
use std::sync::Arc;

use super::Problem;
use super::file;
use super::text::printable;
use super::tree::{Node, Value};
use super::value::Parsed;
use crate::target::near;

/// What was found wrong, and what is odd but let through.
#[derive(Default)]
pub(super) struct Findings {
    /// They refuse the configuration.
    pub(super) problems: Vec<Problem>,
    /// They do not.
    pub(super) warnings: Vec<Problem>,
}

/// Where a value stands, for messages.
#[derive(Clone)]
pub(super) struct Spot {
    pub(super) file: Arc<str>,
    pub(super) place: Option<(u32, u32)>,
    /// The key's path.
    pub(super) path: String,
}

impl Spot {
    /// A problem at this place.
    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem {
            file: self.file.to_string(),
            place: self.place,
            path: self.path.clone(),
            message: message.into(),
        }
    }

    /// `file:line`, for a message that points here from elsewhere.
    pub(super) fn line(&self) -> String {
        match self.place {
            Some((line, _)) => format!("{}:{line}", self.file),
            None => self.file.to_string(),
        }
    }
}

impl Findings {
    /// Refuses the configuration.
    pub(super) fn problem(&mut self, spot: &Spot, message: impl Into<String>) {
        self.problems.push(spot.problem(message));
    }

    /// Speaks up without refusing.
    pub(super) fn warn(&mut self, spot: &Spot, message: impl Into<String>) {
        self.warnings.push(spot.problem(message));
    }

    /// True when so much is wrong that nobody reads on: the rest need not be looked at, because
    /// the configuration is refused anyway.
    pub(super) fn full(&self) -> bool {
        self.problems.len() > MAX_PROBLEMS
    }

    /// Keeps the value, or the complaint about it.
    pub(super) fn take<T>(&mut self, spot: &Spot, parsed: Parsed<T>) -> Option<T> {
        parsed.map_err(|message| self.problem(spot, message)).ok()
    }
}

/// A value with its path.
#[derive(Clone)]
pub(super) struct At {
    pub(super) node: Rc<Node>,
    pub(super) path: String,
}

impl At {
    /// The place of the value.
    pub(super) fn spot(&self) -> Spot {
        Spot { file: self.node.file.clone(), place: self.node.place, path: self.path.clone() }
    }

    /// The text of a single value.
    pub(super) fn text(&self, findings: &mut Findings) -> Option<String> {
        match &self.node.value {
            Value::Scalar(text) => Some(text.clone()),
            Value::Null { .. } => {
                findings.problem(&self.spot(), "is empty; write a value");
                None
            }
            _ => {
                let kind = self.node.kind();
                findings.problem(&self.spot(), format!("is {kind}; write a single value"));
                None
            }
        }
    }

    /// A single value, parsed.
    pub(super) fn parse<T>(
        &self,
        findings: &mut Findings,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        if findings.full() {
            return None;
        }
        let text = self.text(findings)?;
        findings.take(&self.spot(), parse(&text))
    }

    /// The values of a list.
    pub(super) fn items(&self, findings: &mut Findings) -> Vec<Self> {
        match &self.node.value {
            Value::List(nodes) => nodes
                .iter()
                .enumerate()
                .map(|(n, node)| Self { node: node.clone(), path: format!("{}[{n}]", self.path) })
                .collect(),
            Value::Null { .. } => Vec::new(),
            _ => {
                let kind = self.node.kind();
                findings.problem(
                    &self.spot(),
                    format!("is {kind} and not a list; put it in brackets or behind a dash"),
                );
                Vec::new()
            }
        }
    }

    /// The entries of a map whose keys are free: key, place of the key, value.
    pub(super) fn entries(&self, findings: &mut Findings) -> Vec<(Rc<str>, Spot, Self)> {
        match &self.node.value {
            Value::Map(entries) => entries
                .iter()
                .map(|entry| {
                    let path = join(&self.path, &entry.key);
                    let spot = Spot {
                        file: entry.node.file.clone(),
                        place: entry.key_place.or(entry.node.place),
                        path: path.clone(),
                    };
                    (entry.key.clone(), spot, Self { node: entry.node.clone(), path })
                })
                .collect(),
            Value::Null { .. } => Vec::new(),
            _ => {
                let kind = self.node.kind();
                findings.problem(&self.spot(), format!("is {kind} and not a map of keys"));
                Vec::new()
            }
        }
    }

    /// The keys of a map, each checked against those that are known below `parent` (a path of
    /// [`file::reference`]).
    pub(super) fn fields(self, parent: &str, findings: &mut Findings) -> Fields {
        let known = file::known(parent);
        self.fields_of(&known, findings)
    }

    /// The keys of a map, each checked against `known`.
    pub(super) fn fields_of(self, known: &[&str], findings: &mut Findings) -> Fields {
        for (key, spot, _) in self.entries(findings) {
            if !known.contains(&&*key) && !findings.full() {
                findings.problem(&spot, unknown(&key, known));
            }
        }
        Fields { at: self }
    }
}

/// What is wrong with a key that nobody knows.
fn unknown(key: &str, known: &[&str]) -> String {
    let list = known.join(", ");
    if let Some(near) = near::nearest(key, known.iter().copied()) {
        format!("unknown key, did you mean `{near}`? Known here: {list}")
    } else if let Some(home) = file::home_of(key) {
        let home = if home.is_empty() { "the top of the file" } else { home };
        format!("unknown key here; `{}` belongs under {home}. Known here: {list}", printable(key))
    } else {
        format!("unknown key. Known here: {list}")
    }
}

fn join(parent: &str, key: &str) -> String {
    let simple = !key.is_empty()
        && key.len() <= 80
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '<'));
    match (parent, simple) {
        ("", true) => key.to_owned(),
        (_, true) => format!("{parent}.{key}"),
        (_, false) => format!("{parent}[\"{}\"]", printable(key)),
    }
}

/// The most problems that are reported.
pub(super) const MAX_PROBLEMS: usize = 1000;

/// A map whose keys were checked.
pub(super) struct Fields {
    pub(super) at: At,
}

impl Fields {
    /// The place of the map.
    pub(super) fn spot(&self) -> Spot {
        self.at.spot()
    }

    /// The place that a missing key would have: the map's, with the key's path.
    pub(super) fn missing(&self, key: &str) -> Spot {
        Spot { path: join(&self.at.path, key), ..self.at.spot() }
    }

    /// The value at `key`; none when it is not stated, or is `null`.
    pub(super) fn at(&self, key: &str) -> Option<At> {
        let entry = self.at.node.entry(key)?;
        let path = join(&self.at.path, key);
        match entry.node.value {
            Value::Null { stated: true } => None,
            _ => Some(At { node: entry.node.clone(), path }),
        }
    }

    /// A map at `key`.
    pub(super) fn map(&self, key: &str, parent: &str, findings: &mut Findings) -> Option<Self> {
        let fields = self.at(key)?.fields(parent, findings);
        // What is no map was reported; its keys are not missing besides.
        let usable = matches!(fields.at.node.value, Value::Map(_) | Value::Null { .. });
        usable.then_some(fields)
    }

    /// The values of the list at `key`; none when it is not stated.
    pub(super) fn list(&self, key: &str, findings: &mut Findings) -> Option<Vec<At>> {
        Some(self.at(key)?.items(findings))
    }

    /// A single value at `key`; none when it is not stated, or is wrong.
    pub(super) fn value<T>(
        &self,
        key: &str,
        findings: &mut Findings,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        self.at(key)?.parse(findings, parse)
    }

    /// Puts a single value at `key` into `slot` when it is stated and right.
    pub(super) fn set<T>(
        &self,
        key: &str,
        slot: &mut T,
        findings: &mut Findings,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) {
        if let Some(value) = self.value(key, findings, parse) {
            *slot = value;
        }
    }
}
