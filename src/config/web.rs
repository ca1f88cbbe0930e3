//! The web configuration file: TLS, headers and users of the HTTP side, in the form that Prometheus
//! and its exporters share, so that one file serves them all.
//!
//! # Why stricter
//!
//! The others find some mistakes at the first handshake, and drop what they do not know. Here a door
//! that was meant to be locked and is not would be found out by the wrong person, so all is checked
//! when the file is read: keys, certificates, hashes, and that they fit together.

mod client;
mod tls;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::ConfigError;
use super::Problem;
use super::disk;
use super::file;
use super::text::printable;
use super::tree;
use super::value;
use super::walk::{At, Fields, Findings, Spot};

/// A web configuration that was checked whole.
#[derive(Debug, Clone, Default)]
pub struct WebConfig {
    /// TLS of every connection; none: HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Headers of every answer: allowed names, printable values.
    pub headers: Vec<(&'static str, String)>,
    /// Users with their bcrypt hashes; empty: everybody may come in.
    pub users: BTreeMap<String, SecretString>,
    /// A bound on requests.
    pub rate_limit: Option<RateLimit>,
    /// What is odd but let through.
    pub warnings: Vec<Problem>,
}

/// A bound on requests, of all clients together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Time between two requests, above 0.
    pub interval: Duration,
    /// Requests that may come at once, at least 1.
    pub burst: u32,
}

/// Reads and checks a web configuration file. The first part of what is returned names the files
/// that were looked at, also when something is wrong: a change in one of them asks for another load.
///
/// # Errors
///
/// The second part holds every problem at once, in order of place.
pub fn load_web(path: &Path) -> (Vec<PathBuf>, Result<WebConfig, ConfigError>) {
    let mut findings = Findings::default();
    let mut watched = vec![path.to_owned()];
    let name: Arc<str> = Arc::from(path.display().to_string());
    let top = Spot { file: name.clone(), place: None, path: String::new() };
    let bytes = findings.take(&top, disk::read(path, tree::MAX_BYTES).map(Zeroizing::new));
    let root = bytes.and_then(|bytes| tree::parse(&bytes, &name, &mut findings.problems));
    let mut config = WebConfig::default();
    if let Some(root) = root {
        let base = path.parent().unwrap_or_else(|| Path::new(""));
        let root = At { node: Rc::new(root), path: String::new() };
        config = read(root, base, &mut findings, &mut watched);
        if !config.users.is_empty() && disk::world_readable(path) {
            findings
                .warn(&top, "everybody on this machine can read the hashes; chmod 0640 or less");
        }
    }
    if !findings.problems.is_empty() {
        return (watched, Err(super::refused(findings.problems, &top)));
    }
    super::in_order(&mut findings.warnings, &name);
    config.warnings = findings.warnings;
    (watched, Ok(config))
}

fn read(root: At, base: &Path, findings: &mut Findings, watched: &mut Vec<PathBuf>) -> WebConfig {
    let root = root.fields_of(&file::known_to_web(""), findings);
    let mut config = WebConfig::default();
    if let Some(fields) = map(&root, "tls_server_config", findings) {
        config.tls = tls::read(&fields, base, findings, watched);
    }
    if let Some(fields) = map(&root, "http_server_config", findings) {
        if fields.value("http2", findings, value::boolean) == Some(true)
            && let Some(at) = fields.at("http2")
        {
            findings.warn(&at.spot(), "HTTP/2 is not spoken here; clients will use HTTP/1.1");
        }
        if let Some(at) = fields.at("headers") {
            config.headers = read_headers(&at.fields_of(&HEADERS, findings), findings);
        }
    }
    if let Some(at) = root.at("basic_auth_users") {
        config.users = read_users(&at, findings);
        // A map that was emptied by mistake would open the door without a word.
        if at.entries(findings).is_empty() {
            findings.problem(
                &at.spot(),
                "names no user, and so would let everybody in; name one, or remove the key",
            );
        }
    }
    if let Some(fields) = map(&root, "rate_limit", findings) {
        let hour = Duration::from_secs(3600);
        let interval = fields
            .value("interval", findings, |text| value::duration_in(text, Duration::ZERO, hour));
        let burst = fields.value("burst", findings, |text| value::number(text, 1, 1_000_000));
        let burst = burst.map_or(1, |n| u32::try_from(n).unwrap_or(u32::MAX));
        config.rate_limit = interval
            .filter(|interval| !interval.is_zero())
            .map(|interval| RateLimit { interval, burst });
    }
    config
}

/// The keys of a map of this file.
fn map(fields: &Fields, key: &str, findings: &mut Findings) -> Option<Fields> {
    let at = fields.at(key)?;
    Some(at.fields_of(&file::known_to_web(key), findings))
}

/// An empty value takes nothing away and adds nothing.
fn read_headers(fields: &Fields, findings: &mut Findings) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    for name in HEADERS {
        let Some(at) = fields.at(name) else { continue };
        let allowed: &[&str] = match name {
            "X-Content-Type-Options" => &["nosniff"],
            "X-Frame-Options" => &["deny", "sameorigin"],
            _ => &[],
        };
        let value = at.parse(findings, |text| {
            let sound = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if !sound {
                Err("holds what no header can: write printable ASCII in one line".to_owned())
            } else if !allowed.is_empty() && !allowed.contains(&text.to_lowercase().as_str()) {
                Err(format!("`{}` is not one of: {}", printable(text), allowed.join(", ")))
            } else {
                Ok(text.to_owned())
            }
        });
        headers.extend(value.filter(|value| !value.is_empty()).map(|value| (name, value)));
    }
    headers
}

fn read_users(at: &At, findings: &mut Findings) -> BTreeMap<String, SecretString> {
    let mut users = BTreeMap::new();
    for (name, spot, at) in at.entries(findings) {
        if name.is_empty() || name.contains(':') || name.len() > LONGEST_NAME {
            findings.problem(
                &spot,
                format!(
                    "a user's name has 1 to {LONGEST_NAME} bytes and no colon, which ends it in \
                     basic authentication (RFC 7617)"
                ),
            );
        }
        if let Some(hash) = at.parse(findings, hash) {
            users.insert(name.to_string(), hash);
        }
    }
    users
}

/// The text may be the password itself by mistake, so no message shows it.
fn hash(text: &str) -> value::Parsed<SecretString> {
    let Ok(parts) = text.parse::<bcrypt::HashParts>() else {
        return Err("is not a bcrypt hash, which has 60 characters and begins with $2y$, $2b$ or \
                    $2a$; make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'"
            .to_owned());
    };
    let cost = parts.get_cost();
    if !(4..=MOST_COST).contains(&cost) {
        return Err(format!(
            "has cost {cost}; from 4 to {MOST_COST}, because each wrong password takes that much \
             work (10 is some 70 ms)"
        ));
    }
    Ok(SecretString::from(text))
}

/// Headers that may be set, as the shared format has them.
const HEADERS: [&str; 5] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
];
const LONGEST_NAME: usize = 255;
/// Some two seconds of a core.
const MOST_COST: u32 = 15;
