//! From a file and the environment to a [`Config`] in which every value is right.
//!
//! The file becomes a tree that knows where each value was written (`tree`), the environment is
//! laid over it (`env`), and every key is parsed into the type that carries its bounds (`check`,
//! `module`, `targets`, `rules`; single values in `value`). [`reference()`] lists the keys. A load is all or
//! nothing: one problem anywhere, in a target file or a secret too, refuses the whole. The file of the
//! web side (`web`) goes the same way.

mod check;
mod disk;
mod dnsbl;
mod env;
mod file;
mod gentle;
mod label;
mod limits;
mod module;
mod posture;
mod rules;
mod secret;
mod shown;
mod summary;
mod targets;
mod text;
mod tree;
mod value;
mod walk;
mod web;

pub use disk::matching;
pub(crate) use dnsbl::{list_of, subjects_of};
pub use file::{KeyDoc, markdown, reference, web_markdown};
pub(crate) use posture::{domain, helo, selector};
pub use web::{RateLimit, WebConfig, load_web};

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::zeroize::Zeroizing;

use crate::dnsbl::Plan;
use crate::posture::Subject;
use crate::target::{Check, Ladder, Module, Policy, Shard, Target};

/// A configuration that was checked whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Settings of all probes.
    pub policy: Policy,
    /// Built-in and configured modules by name.
    pub modules: BTreeMap<Arc<str>, Arc<Module>>,
    /// Targets of the file and of `target_files`, by name.
    pub targets: BTreeMap<Arc<str>, Arc<Target>>,
    /// What is looked up on DNS block lists; none when nothing is configured.
    pub dnsbl: Option<Arc<Plan>>,
    /// Domains whose records and keys are looked at, in order of name.
    pub posture: Vec<Arc<Subject>>,
    /// The patterns of `target_files`, each with its directory, for [`matching`]: a file of theirs
    /// that comes, goes or changes asks for a reload.
    pub watched: Vec<PathBuf>,
    /// Connection limits that are measured, in the order of the file.
    pub ladders: Vec<Arc<Ladder>>,
    /// What is odd but let through: a secret that everybody can read, a server probed twice.
    pub warnings: Vec<Problem>,
    /// The configuration as `/config` shows it: YAML, secrets as `<secret>`, defaults filled in.
    pub shown: String,
    /// The part that this exporter takes; none: all of it.
    pub share: Option<Share>,
    /// `target_files` as written, for `shown`.
    target_files: Vec<String>,
    /// The files of keyed zones by the list's name, for `shown`.
    zone_files: BTreeMap<Arc<str>, PathBuf>,
}

/// What is left of a configuration in one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The shard.
    pub shard: Shard,
    /// Targets before it was cut; those left are in [`Config::targets`].
    pub of_targets: usize,
}

impl Config {
    /// Keeps what belongs to `shard`, by name: a target goes with all its modules and with the
    /// measurements of its limits, a subject of DNS lists by its text, a domain of `posture` by its
    /// name. The shards of one count
    /// together have everything once. Settings stay.
    #[must_use]
    pub fn in_shard(mut self, shard: Shard) -> Self {
        let of_targets = self.targets.len();
        self.targets.retain(|name, _| shard.owns(name));
        self.ladders.retain(|ladder| shard.owns(&ladder.check.target.name));
        if let Some(plan) = &mut self.dnsbl {
            Arc::make_mut(plan).subjects.retain(|wanted| shard.owns(&wanted.subject.to_string()));
        }
        self.posture.retain(|subject| shard.owns(&subject.domain));
        self.share = Some(Share { shard, of_targets });
        self.shown = shown::yaml(&self);
        self
    }

    /// Every target with each of its modules, in order of name.
    pub fn checks(&self) -> Vec<Check> {
        self.targets
            .values()
            .flat_map(|target| {
                target
                    .modules
                    .iter()
                    .map(|module| Check { target: target.clone(), module: module.clone() })
            })
            .collect()
    }

    /// What this configuration will do, for a person: how many targets, how many connections each
    /// remote gets per day, most first, and the warnings. Lines, each ended.
    pub fn summary(&self) -> String {
        summary::text(self)
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    /// One problem a line, without a line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// One thing that is wrong, with its place and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named, or the environment variable.
    pub file: String,
    /// Line and column, from 1; none for an environment variable or an unreadable file.
    pub place: Option<(u32, u32)>,
    /// The key's path, such as `modules.smtp.timeouts.connect`; empty for a syntax error.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    /// `file:line:column: key.path: message`, without the parts that there are none of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Reads and checks the configuration. `path` none: built-in modules and no targets. `environment`
/// holds the variables whose names begin with `SMTP_EXPORTER__`, and those that secrets name; the
/// others are not looked at, so it may be the whole environment. File names in the configuration
/// are relative to the file. Blocks on files, never on the network.
///
/// # Errors
///
/// Every problem at once, those of one file in order of place.
pub fn load(
    path: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<Config, ConfigError> {
    let mut findings = walk::Findings::default();
    let (file, base) = match path {
        Some(path) => (path.display().to_string(), path.parent().unwrap_or_else(|| Path::new(""))),
        None => ("defaults".to_owned(), Path::new("")),
    };
    let file: Arc<str> = Arc::from(file);
    let bytes = path.map_or(Ok(Vec::new()), |path| disk::read(path, tree::MAX_BYTES));
    // It may hold passwords, so it is wiped after it was read; so are the tree's values.
    let bytes = bytes.map(Zeroizing::new);
    let top = walk::Spot { file: file.clone(), place: None, path: String::new() };
    let root = findings
        .take(&top, bytes)
        .and_then(|bytes| tree::parse(&bytes, &file, &mut findings.problems));
    let Some(mut root) = root else {
        return Err(refused(findings.problems, &top));
    };
    env::apply(&mut root, environment, &mut findings.problems);
    let mut config = check::check(root, base, environment, &mut findings);
    if !findings.problems.is_empty() {
        return Err(refused(findings.problems, &top));
    }
    in_order(&mut findings.warnings, &file);
    config.warnings = findings.warnings;
    Ok(config)
}

/// The problems as they are told: in order, and not more than somebody reads.
fn refused(mut problems: Vec<Problem>, top: &walk::Spot) -> ConfigError {
    in_order(&mut problems, &top.file);
    if problems.len() > walk::MAX_PROBLEMS {
        problems.truncate(walk::MAX_PROBLEMS);
        problems.push(top.problem("there is more; mend these first"));
    }
    ConfigError(problems)
}

/// The main file first, then the others and the variables, each from top to bottom.
fn in_order(problems: &mut Vec<Problem>, main: &str) {
    problems.sort_by(|a, b| {
        (a.file != main, &a.file, a.place).cmp(&(b.file != main, &b.file, b.place))
    });
    problems.dedup();
}
