//! Reading files without trusting them: only regular ones, only so many bytes.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::text::printable;
use super::walk::{Findings, Spot};

/// What can't be read would block or never end, so it is refused before it is opened.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    let about = fs::metadata(path).map_err(|error| reason(&error))?;
    if about.is_dir() {
        return Err("is a directory".to_owned());
    }
    // `/dev/null` stands for an empty file by custom.
    if !about.is_file() && path != Path::new("/dev/null") {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| reason(&error))?;
    if bytes.len() > most {
        let size = if most >= 1 << 20 {
            format!("{} MiB", most >> 20)
        } else {
            format!("{} KiB", most >> 10)
        };
        return Err(format!("is larger than {size}"));
    }
    Ok(bytes)
}

/// True when everybody on the machine may read it. False where that can't be told.
pub(super) fn world_readable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o004 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Speaks up when everybody on the machine may read a file that holds a secret.
pub(super) fn warn_if_open(path: &Path, spot: &Spot, findings: &mut Findings) {
    if world_readable(path) {
        let shown = printable(&path.display().to_string());
        findings
            .warn(spot, format!("everybody on this machine can read {shown}; chmod 0640 or less"));
    }
}

/// The same for a secret that stands in the configuration file itself.
pub(super) fn warn_if_stated_open(spot: &Spot, findings: &mut Findings) {
    if spot.place.is_some() && world_readable(Path::new(&*spot.file)) {
        findings.warn(
            spot,
            "is a secret in a file that everybody on this machine can read; chmod 0640 or less, or \
             put the secret into a file of its own",
        );
    }
}

/// The files that a pattern of `target_files` stands for now, in order of name; none where that
/// can't be told.
pub fn matching(pattern: &Path) -> Vec<PathBuf> {
    let Some(pattern) = pattern.to_str() else { return Vec::new() };
    matches(Path::new(""), pattern).map_or_else(|_| Vec::new(), |(_, files)| files)
}

/// The files that a pattern stands for, in order of name, and the pattern with its directory.
/// Wildcards stand in the last part of the path alone, so the search is one directory's listing.
pub(super) fn matches(base: &Path, pattern: &str) -> Result<(PathBuf, Vec<PathBuf>), String> {
    let (folder, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    if last.is_empty() {
        return Err("names a directory; write the files, such as targets/*.yml".to_owned());
    }
    if folder.contains(['*', '?', '[']) {
        return Err("has a wildcard in a directory's name; only the last part may have one".into());
    }
    let folder = match folder {
        "" if pattern.starts_with('/') => PathBuf::from("/"),
        "" if base.as_os_str().is_empty() => PathBuf::from("."),
        _ => base.join(folder),
    };
    let glob =
        glob::Pattern::new(last).map_err(|error| format!("is not a pattern: {}", error.msg))?;
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let mut files = Vec::new();
    match fs::read_dir(&folder) {
        Ok(listing) => {
            for entry in listing {
                let entry = entry.map_err(|error| reason(&error))?;
                let name = entry.file_name();
                let fits = name.to_str().is_some_and(|name| glob.matches_with(name, options));
                if fits && !entry.path().is_dir() {
                    files.push(folder.join(name));
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{}: {}", folder.display(), reason(&error))),
    }
    if files.len() > MAX_FILES {
        return Err(format!("matches {} files; at most {MAX_FILES}", files.len()));
    }
    files.sort();
    Ok((folder.join(last), files))
}

/// An error in words that are the same on every system.
pub(super) fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "does not exist".to_owned(),
        ErrorKind::PermissionDenied => "can't be read: permission denied".to_owned(),
        ErrorKind::NotADirectory => "does not exist: a part of its path is no directory".to_owned(),
        _ => format!("can't be read: {error}"),
    }
}

/// The most files that one pattern may match.
const MAX_FILES: usize = 10_000;
