//! Where reports go, and who must have agreed to get them (RFC 7489, 6.2, 7.1).

use super::{DmarcFacts, ReportAddress, add, organizational};
use crate::posture::tags::{Dialect, Tags, find, parts};
use crate::posture::text::{shown, word};
use crate::posture::{Answer, Finding, Kind, Problem, Question};

/// Reads `rua` and `ruf`: at most [`MAX_REPORTS`] addresses.
pub(super) fn read(tags: &Tags<'_>, facts: &mut DmarcFacts, findings: &mut Vec<Finding>) {
    for (tag, aggregate) in [("rua", true), ("ruf", false)] {
        let Some(value) = tags.value(tag) else { continue };
        for part in parts(value, ',').take(MAX_REPORTS) {
            match address(part) {
                Ok(domain) if facts.reports.len() < MAX_REPORTS => {
                    let uri = shown(part.as_bytes(), MAX_URI);
                    facts.reports.push(ReportAddress { aggregate, uri, domain, authorized: None });
                }
                Ok(_) => {}
                Err(wrong) => {
                    let detail = format!("`{tag}`: `{}` {wrong}", word(part.as_bytes()));
                    add(findings, Problem::DmarcReportUriInvalid, &detail);
                }
            }
        }
    }
    if !facts.reports.iter().any(|report| report.aggregate) {
        let detail = if tags.value("rua").is_some() {
            "no address of `rua` can be used"
        } else {
            "`rua` is missing"
        };
        add(findings, Problem::DmarcNoReports, detail);
    }
}

/// Who must have agreed to get reports: the index in `facts.reports` and what to ask. Nobody is asked
/// within the organisational domain of the record. A wildcard at the receiver answers as any record.
pub fn authorizations(domain: &str, facts: &DmarcFacts) -> Vec<(usize, Question)> {
    let at = facts.at.as_deref().unwrap_or(domain);
    let own = organizational(at);
    let foreign = |report: &ReportAddress| organizational(&report.domain) != own;
    let asked = |report: &ReportAddress| {
        let name = authorization(at, &report.domain);
        (name.len() <= MAX_NAME).then(|| Question::new(name, Kind::Txt))
    };
    let reports = facts.reports.iter().enumerate().filter(|(_, report)| foreign(report));
    reports.filter_map(|(index, report)| Some((index, asked(report)?))).collect()
}

/// Notes whether a receiver of reports has agreed.
pub fn authorize(
    facts: &mut DmarcFacts,
    index: usize,
    answer: &Answer,
    findings: &mut Vec<Finding>,
) {
    let at = facts.at.clone().unwrap_or_default();
    let Some(report) = facts.reports.get_mut(index) else { return };
    let name = authorization(&at, &report.domain);
    if answer.trouble().is_some() {
        if let Some(trouble) = answer.their_trouble() {
            add(findings, Problem::DmarcDnsFailure, &format!("TXT {name}: {trouble}"));
        }
        return;
    }
    let agreed = !find(answer.texts(), "DMARC1", Dialect::Dmarc).records.is_empty();
    report.authorized = Some(agreed);
    if !agreed {
        let tag = if report.aggregate { "rua" } else { "ruf" };
        let uri = word(report.uri.as_bytes());
        let detail = format!("`{tag}`: {uri}: no record `v=DMARC1` at {name}");
        add(findings, Problem::DmarcReportUnauthorized, &detail);
    }
}

fn authorization(at: &str, receiver: &str) -> String {
    format!("{at}._report._dmarc.{receiver}")
}

/// The domain of a report address, or what is wrong with it. A size limit may stand at its end
/// (`!10m`); receivers take `mailto:` alone.
fn address(part: &str) -> Result<String, &'static str> {
    let uri = match part.rsplit_once('!') {
        Some((uri, size)) if is_size(size) => uri,
        Some(_) => return Err("has a size limit that is none, such as `!10m`"),
        None => part,
    };
    let Some((scheme, rest)) = uri.split_once(':') else {
        return Err(if uri.is_empty() { "is empty" } else { "does not begin with `mailto:`" });
    };
    if !scheme.eq_ignore_ascii_case("mailto") {
        return Err("is no `mailto:`, which is all that receivers take");
    }
    let mailbox = rest.split('?').next().unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(mailbox).decode_utf8();
    let decoded = decoded.map_err(|_| "is not UTF-8")?;
    let Some((local, domain)) = decoded.rsplit_once('@') else { return Err("has no `@`") };
    if local.is_empty() || local.chars().any(|c| c.is_control() || c == ' ') {
        return Err("has no mailbox before the `@`");
    }
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if domain.len() > MAX_NAME || !domain.contains('.') || !domain.split('.').all(label) {
        return Err("has no domain after the `@`");
    }
    Ok(domain)
}

/// `1*DIGIT [ "k" / "m" / "g" / "t" ]`.
fn is_size(text: &str) -> bool {
    let digits = text.strip_suffix(['k', 'm', 'g', 't', 'K', 'M', 'G', 'T']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Addresses that are looked at. Receivers must send to two at least (RFC 7489, 6.2).
pub const MAX_REPORTS: usize = 16;
/// Bytes of an address that are shown.
const MAX_URI: usize = 256;
/// The longest name that can be asked for, without the trailing dot.
const MAX_NAME: usize = 253;
