//! Files besides the configuration: pauses kept over a restart, and files of targets that change.
//!
//! # Why patterns are watched
//!
//! A new file that is wrong is refused with the whole reload, and must still be read again once it is
//! mended; and a file of somebody else's in the same directory is no reason to read ours again.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config;

/// What the files of some patterns looked like when they were last read.
#[derive(Debug, Default)]
pub(super) struct Watched {
    patterns: Vec<(PathBuf, Looks)>,
}

/// Each matching file, with what changes when it is written or replaced: its size and time.
type Looks = BTreeMap<PathBuf, Option<(u64, SystemTime)>>;

impl Watched {
    /// Looks at them now.
    pub(super) fn of(patterns: &[PathBuf]) -> Self {
        Self { patterns: patterns.iter().map(|pattern| (pattern.clone(), look(pattern))).collect() }
    }

    /// The same patterns, looked at now.
    pub(super) fn look_again(&self) -> Self {
        let patterns = self.patterns.iter();
        Self { patterns: patterns.map(|(pattern, _)| (pattern.clone(), look(pattern))).collect() }
    }

    /// These patterns: as they looked here, where they are known here, else as they look now.
    pub(super) fn and(self, patterns: &[PathBuf]) -> Self {
        let mut known: HashMap<PathBuf, Looks> = self.patterns.into_iter().collect();
        let seen = patterns.iter().map(|pattern| {
            let looks = known.remove(pattern).unwrap_or_else(|| look(pattern));
            (pattern.clone(), looks)
        });
        Self { patterns: seen.collect() }
    }

    /// Whether a file came, went or changed since it was last asked.
    pub(super) fn changed(&mut self) -> bool {
        let mut changed = false;
        for (pattern, seen) in &mut self.patterns {
            let now = look(pattern);
            changed |= *seen != now;
            *seen = now;
        }
        changed
    }
}

fn look(pattern: &Path) -> Looks {
    let one = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok();
        (path, metadata.and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?))))
    };
    config::matching(pattern).into_iter().map(one).collect()
}

/// What the run before kept under this name; nothing without a state directory or a file.
pub(super) fn read_kept<T: DeserializeOwned>(name: &str) -> io::Result<Vec<T>> {
    let Some(path) = state_file(name) else { return Ok(Vec::new()) };
    match std::fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Keeps something for the next run. The file is replaced as a whole, so a crash leaves the old one
/// or the new one.
pub(super) fn write_kept<T: Serialize>(name: &str, kept: &[T]) -> io::Result<()> {
    let Some(path) = state_file(name) else { return Ok(()) };
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, serde_json::to_vec(kept)?)?;
    std::fs::rename(&fresh, &path)
}

/// Systemd names the directory; of several, the first.
fn state_file(name: &str) -> Option<PathBuf> {
    let directories = std::env::var_os("STATE_DIRECTORY")?;
    let first = std::env::split_paths(&directories).next()?;
    (!first.as_os_str().is_empty()).then(|| first.join(name))
}

/// The pauses of remotes, and those of block lists' operators.
pub(super) const PAUSES: &str = "pauses.json";
pub(super) const LIST_PAUSES: &str = "dnsbl_pauses.json";
