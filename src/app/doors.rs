//! The web configuration file: read at the start, and again when one of its files changes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::config::{self, ConfigError, Problem, WebConfig};
use crate::web::{Door, Doors, Rate, Users};

/// The doors, and the file that they come from. Without a file they stand open.
#[derive(Debug, Default)]
pub struct WebFile {
    path: Option<PathBuf>,
    doors: Arc<Doors>,
    seen: Mutex<Seen>,
}

/// The files that were read, and what they looked like.
#[derive(Debug, Default)]
struct Seen {
    files: Vec<PathBuf>,
    looks: Vec<Look>,
}

/// What changes when a file is written or replaced: its number, size and time.
type Look = Option<(u64, u64, SystemTime)>;

impl WebFile {
    /// Reads the file, where there is one, and gives what is odd about it besides.
    ///
    /// # Errors
    ///
    /// Every problem of the file.
    pub fn open(path: Option<&Path>) -> Result<(Self, Vec<Problem>), ConfigError> {
        let Some(path) = path else { return Ok((Self::default(), Vec::new())) };
        let (files, looks, loaded) = load(path);
        let config = loaded?;
        let warnings = config.warnings.clone();
        let this = Self {
            path: Some(path.to_owned()),
            doors: Arc::new(Doors::new(door(config).map_err(|message| problem(path, message))?)),
            seen: Mutex::new(Seen { files, looks }),
        };
        Ok((this, warnings))
    }

    /// The doors in force, now and after each load.
    pub(super) fn doors(&self) -> Arc<Doors> {
        self.doors.clone()
    }

    /// Reads the file again. What is wrong leaves the old doors in force; blocks on files.
    pub(super) fn reload(&self) -> Result<Vec<Problem>, String> {
        let Some(path) = &self.path else { return Ok(Vec::new()) };
        let (files, looks, loaded) = load(path);
        // Also of a file that is wrong: it is read again when it was mended.
        *self.lock() = Seen { files, looks };
        let config = loaded.map_err(|error| error.to_string())?;
        let warnings = config.warnings.clone();
        self.doors.replace(door(config)?);
        Ok(warnings)
    }

    /// Whether one of its files changed since it was read.
    pub(super) fn changed(&self) -> bool {
        let seen = self.lock();
        look(&seen.files) != seen.looks
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Read once for the names of the files, and once more after they were looked at: so what is written
/// while they are read is read again, and not missed.
fn load(path: &Path) -> (Vec<PathBuf>, Vec<Look>, Result<WebConfig, ConfigError>) {
    let (files, _) = config::load_web(path);
    let looks = look(&files);
    let (_, loaded) = config::load_web(path);
    (files, looks, loaded)
}

fn look(files: &[PathBuf]) -> Vec<Look> {
    let one = |path: &PathBuf| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.ino(), about.len(), about.modified().ok()?))
    };
    files.iter().map(one).collect()
}

fn door(config: WebConfig) -> Result<Door, String> {
    let mut headers = Vec::new();
    for (name, value) in config.headers {
        let name = name.parse().map_err(|_| format!("{name} is no header"))?;
        let value = value.parse().map_err(|_| format!("the value of {name} is none"))?;
        headers.push((name, value));
    }
    let users = if config.users.is_empty() { None } else { Some(Users::new(config.users)?) };
    let rate = config.rate_limit.map(|limit| Rate::new(limit.interval, limit.burst));
    Ok(Door { tls: config.tls, headers, users, rate })
}

fn problem(path: &Path, message: String) -> ConfigError {
    let file = path.display().to_string();
    ConfigError(vec![Problem { file, place: None, path: String::new(), message }])
}
