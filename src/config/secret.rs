//! Secrets: stated inline, in a file or in the environment. None is ever part of a message, of
//! `Debug`, or of what `/config` shows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::disk;
use super::env;
use super::text::printable;
use super::walk::{At, Fields, Findings};
use crate::target::Secret;

/// What stands where a secret would be shown.
pub(super) const SHOWN: &str = "<secret>";

/// The one secret of an `auth` map. Names in it are relative to `base`.
pub(super) fn read(
    auth: &Fields,
    base: &Path,
    environment: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Option<Secret> {
    let stated: Vec<(&str, At)> =
        SOURCES.iter().filter_map(|key| Some((*key, auth.at(key)?))).collect();
    let (key, at) = match stated.as_slice() {
        [] => {
            findings.problem(
                &auth.spot(),
                format!("lacks the secret; state one of {}", SOURCES.join(", ")),
            );
            return None;
        }
        [one] => one,
        [_, second, ..] => {
            let names: Vec<&str> = stated.iter().map(|(key, _)| *key).collect();
            findings.problem(
                &second.1.spot(),
                format!("the secret has more than one source ({}); keep one", names.join(", ")),
            );
            return None;
        }
    };
    let text = at.text(findings)?;
    let spot = at.spot();
    let found = match *key {
        "password" => {
            disk::warn_if_stated_open(&spot, findings);
            checked(text.into_bytes())
        }
        "password_env" => from_environment(&text, environment),
        // The other two are files.
        _ => {
            let path = base.join(&text);
            let found = from_file(&path);
            if found.is_ok() {
                disk::warn_if_open(&path, &spot, findings);
            }
            match *key {
                "token_file" => found.map(|_| Secret::TokenFile(absolute(path))),
                _ => found,
            }
        }
    };
    findings.take(&spot, found)
}

fn from_file(path: &Path) -> Result<Secret, String> {
    disk::read(path, MAX_BYTES)
        .and_then(checked)
        .map_err(|message| format!("the file {} {message}", printable(&path.display().to_string())))
}

fn from_environment(name: &str, environment: &BTreeMap<String, String>) -> Result<Secret, String> {
    let shown = printable(name);
    if name.starts_with(env::PREFIX) {
        return Err(format!("`{shown}`: names that begin with {} are settings", env::PREFIX));
    }
    let Some(value) = environment.get(name) else {
        return Err(format!("the environment has no variable `{shown}`"));
    };
    checked(value.clone().into_bytes())
        .map_err(|message| format!("the variable `{shown}` {message}"))
}

/// Drops the line break at the end; refuses what no AUTH exchange could carry. What was read is wiped.
fn checked(bytes: Vec<u8>) -> Result<Secret, String> {
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        Err("is empty".to_owned())
    } else if text.len() > MAX_BYTES {
        Err(format!("is larger than {} KiB", MAX_BYTES >> 10))
    } else if text.contains(['\r', '\n', '\0']) {
        Err("holds a line break or a NUL inside; a secret is one line".to_owned())
    } else {
        Ok(Secret::Password(SecretString::from(text)))
    }
}

/// A token file is read again later, when the working directory may be another.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

const SOURCES: &[&str] = &["password", "password_file", "password_env", "token_file"];
/// The largest secret.
const MAX_BYTES: usize = 64 << 10;
