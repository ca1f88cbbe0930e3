//! Files besides the configuration: pauses kept over a restart, and files of targets that change.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::probe::permits::KeptPause;

/// What files and directories looked like when they were last read.
#[derive(Debug, Default)]
pub(super) struct Watched {
    seen: Vec<(PathBuf, Look)>,
}

/// Size and time: what changes when a file is replaced, and a directory's time when one is added.
type Look = Option<(u64, SystemTime)>;

impl Watched {
    /// Looks at them now.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        Self { seen: paths.iter().map(|path| (path.clone(), look(path))).collect() }
    }

    /// The same paths, looked at now.
    pub(super) fn look_again(&self) -> Self {
        Self { seen: self.seen.iter().map(|(path, _)| (path.clone(), look(path))).collect() }
    }

    /// These paths: as they looked here, where they are known here, else as they look now.
    pub(super) fn and(self, paths: &[PathBuf]) -> Self {
        let mut known: HashMap<PathBuf, Look> = self.seen.into_iter().collect();
        let seen = paths.iter().map(|path| {
            let looked = known.remove(path).unwrap_or_else(|| look(path));
            (path.clone(), looked)
        });
        Self { seen: seen.collect() }
    }

    /// Whether something changed since it was last asked.
    pub(super) fn changed(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.seen {
            let now = look(path);
            changed |= *seen != now;
            *seen = now;
        }
        changed
    }
}

fn look(path: &Path) -> Look {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// The pauses that the run before kept; none without a state directory or a file.
pub(super) fn read_pauses() -> io::Result<Vec<KeptPause>> {
    let Some(path) = pauses_file() else { return Ok(Vec::new()) };
    match std::fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Keeps the pauses for the next run. The file is replaced as a whole, so a crash leaves the old one
/// or the new one.
pub(super) fn write_pauses(pauses: &[KeptPause]) -> io::Result<()> {
    let Some(path) = pauses_file() else { return Ok(()) };
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, serde_json::to_vec(pauses)?)?;
    std::fs::rename(&fresh, &path)
}

/// Systemd names the directory; of several, the first.
fn pauses_file() -> Option<PathBuf> {
    let directories = std::env::var_os("STATE_DIRECTORY")?;
    let first = std::env::split_paths(&directories).next()?;
    (!first.as_os_str().is_empty()).then(|| first.join("pauses.json"))
}
