//! The grammar of a policy (RFC 8461, 3.2): lines of `key: value`.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{MAX_POLICY, MtaStsFacts, StsMode, add};
use crate::posture::text::word;
use crate::posture::{Finding, Problem};

/// Reads a policy. Of a key that stands twice the first counts, and keys that are not known are left
/// out, as senders must do; `mx` may be repeated. Empty lines are let through.
pub(super) fn judge(body: &[u8], facts: &mut MtaStsFacts, findings: &mut Vec<Finding>) {
    if body.len() > MAX_POLICY {
        let detail = format!("more than {MAX_POLICY} bytes");
        add(findings, Problem::MtaStsPolicyTooLarge, &detail);
        return;
    }
    facts.policy_sha256 = Some(Sha256::digest(body).into());
    let mut policy = Policy::default();
    let mut wrong = Vec::new();
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Err(error) = policy.read(line) {
            wrong.push(error);
        }
    }
    if policy.version.is_none() {
        wrong.push("`version` is missing".to_owned());
    }
    match policy.mode {
        None => wrong.push("`mode` is missing".to_owned()),
        Some(Some(mode)) if mode != StsMode::None && policy.mx == 0 => {
            wrong.push(format!("`mode: {mode}` without an `mx`"));
        }
        _ => {}
    }
    if policy.max_age.is_none() {
        wrong.push("`max_age` is missing".to_owned());
    }
    facts.mode = policy.mode.flatten();
    facts.max_age = policy.max_age.flatten();
    facts.patterns = policy.patterns;
    for error in wrong.iter().take(MAX_ERRORS) {
        add(findings, Problem::MtaStsPolicyInvalid, error);
    }
    if facts.mode == Some(StsMode::Testing) {
        add(findings, Problem::MtaStsTesting, "`mode: testing`");
    }
    if let Some(age) = facts.max_age
        && facts.mode != Some(StsMode::None)
        && age < SHORT
    {
        let detail = format!("`max_age: {}`", age.as_secs());
        add(findings, Problem::MtaStsShortMaxAge, &detail);
    }
}

/// What was read so far: `Some(None)` is a value that cannot be read.
#[derive(Debug, Default)]
struct Policy {
    version: Option<()>,
    mode: Option<Option<StsMode>>,
    max_age: Option<Option<Duration>>,
    mx: usize,
    patterns: Vec<String>,
}

impl Policy {
    fn read(&mut self, line: &[u8]) -> Result<(), String> {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return Ok(());
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(format!("`{}` has no `:`", word(line)));
        };
        let (key, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii_start();
        let shown = word(value);
        let Ok(value) = std::str::from_utf8(value) else {
            return Err(format!("the value of `{}` is not UTF-8", word(key)));
        };
        match key {
            b"version" if self.version.is_none() => {
                self.version = Some(());
                if value != "STSv1" {
                    return Err(format!("`version: {shown}` must be `version: STSv1`"));
                }
            }
            b"mode" if self.mode.is_none() => {
                let mode = StsMode::from_name(value);
                self.mode = Some(mode);
                if mode.is_none() {
                    return Err(format!("`mode: {shown}` must be enforce, testing or none"));
                }
            }
            b"max_age" if self.max_age.is_none() => {
                let age = max_age(value);
                self.max_age = Some(age);
                if age.is_none() {
                    return Err(format!("`max_age: {shown}` must be 0 to {MAX_AGE} seconds"));
                }
            }
            b"mx" => {
                self.mx += 1;
                if !is_pattern(value) {
                    return Err(format!("`mx: {shown}` is neither a host nor `*.` and a domain"));
                }
                if self.patterns.len() < MAX_PATTERNS {
                    self.patterns.push(value.to_ascii_lowercase());
                }
            }
            _ if !is_key(key) => return Err(format!("`{}` is no key", word(key))),
            _ => {}
        }
        Ok(())
    }
}

fn max_age(value: &str) -> Option<Duration> {
    let digits = (1..=10).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    let seconds = value.parse::<u64>().ok().filter(|_| digits)?;
    (seconds <= MAX_AGE).then(|| Duration::from_secs(seconds))
}

/// A host's name, or `*.` and a domain.
fn is_pattern(value: &str) -> bool {
    let name = value.strip_prefix("*.").unwrap_or(value);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// `(ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")`.
fn is_key(key: &[u8]) -> bool {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=32).contains(&key.len())
        && key.first().is_some_and(u8::is_ascii_alphanumeric)
        && key.iter().all(inner)
}

/// The longest `max_age`: a year.
const MAX_AGE: u64 = 31_557_600;
/// A policy that is kept for less is no protection from whoever can hold its retrieval up.
const SHORT: Duration = Duration::from_secs(86_400);
/// Patterns that are kept.
const MAX_PATTERNS: usize = 100;
/// Errors of one policy that are told.
const MAX_ERRORS: usize = 8;
