//! `/probe` with `debug=true`: what one probe saw, for a person; and texts that other pages share.

use std::fmt::Write;
use std::time::SystemTime;

use time::OffsetDateTime;
use time::macros::format_description;

use crate::cause::{Permanence, advice};
use crate::observation::{Failure, Observation, Round, Transcript, Verdict};
use crate::store::View;

/// The log of one probe, up to where the metrics begin. `round` is what the view was made of, unless
/// it is the schedule's. Transcripts are left out where `/logs` is closed.
pub(super) fn text(view: &View, note: &str, round: Option<&Round>, transcripts: bool) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_report(&mut out, view, note, round, transcripts);
    out
}

fn write_report(
    out: &mut String,
    view: &View,
    note: &str,
    round: Option<&Round>,
    transcripts: bool,
) -> std::fmt::Result {
    let check = &view.check;
    writeln!(out, "target   {} ({})", check.target.name, check.target.place)?;
    writeln!(out, "module   {}", check.module.name)?;
    writeln!(out, "answer   {note}")?;
    writeln!(out, "verdict  {}", sentence(&view.verdict))?;
    for note in &view.notes {
        writeln!(out, "note     {}", one_line(note))?;
    }
    for seen in view.resolve_failure.iter().chain(view.endpoints.values()) {
        writeln!(out)?;
        endpoint(out, &seen.last)?;
        if transcripts {
            writeln!(out, "  transcript")?;
            transcript(out, &seen.last.transcript, "  ")?;
        }
    }
    if let Some(round) = round {
        for (endpoint, skip) in &round.skipped {
            write!(out, "\nnot probed: {}", endpoint.label())?;
            if let Some(address) = endpoint.address {
                write!(out, " at {address}")?;
            }
            write!(out, ", {}", skip.reason)?;
            if let Some(cause) = skip.cause {
                write!(out, " after {cause}")?;
            }
            if let Some(until) = skip.until {
                write!(out, " until {}", utc(until))?;
            }
            writeln!(out)?;
        }
        for endpoint in &round.forbidden {
            let address = endpoint.address.map(|address| address.to_string()).unwrap_or_default();
            writeln!(out, "\nnot probed: {} at {address}, not allowed", endpoint.label())?;
        }
        if round.left_out > 0 {
            writeln!(out, "\nleft out: {} more addresses", round.left_out)?;
        }
    }
    writeln!(out, "\nmetrics")
}

fn endpoint(out: &mut String, observation: &Observation) -> std::fmt::Result {
    let endpoint = &observation.endpoint;
    match endpoint.address {
        Some(address) => writeln!(out, "endpoint {} at {address}", endpoint.label())?,
        None if endpoint.host.is_empty() => {
            writeln!(out, "endpoint none: the name did not resolve")?;
        }
        None => writeln!(out, "endpoint {}: its name did not resolve", endpoint.label())?,
    }
    writeln!(out, "  ended    {}", utc(observation.ended))?;
    writeln!(out, "  success  {}", observation.success())?;
    if let Some(failure) = &observation.failure {
        writeln!(out, "  failure  {}", failure_line(failure))?;
        if !failure.detail.is_empty() {
            writeln!(out, "  detail   {}", one_line(&failure.detail))?;
        }
        if let Some(step) = next_step(observation) {
            writeln!(out, "  next     {step}")?;
        }
    }
    if let Some(tls) = &observation.tls {
        write!(out, "  tls      established={}", tls.established)?;
        if let Some(version) = tls.version {
            write!(out, " version={version}")?;
        }
        if let Some(cipher) = tls.cipher {
            write!(out, " cipher={cipher}")?;
        }
        if let Some(verified) = tls.verified {
            write!(out, " verified={verified}")?;
        }
        for reason in &tls.failures {
            write!(out, " {reason}")?;
        }
        writeln!(out)?;
    }
    writeln!(out, "  {:<12} {:>9}  reply", "phase", "seconds")?;
    for (phase, took) in &observation.phases {
        write!(out, "  {phase:<12} {:>9.6}", took.as_secs_f64())?;
        for reply in observation.replies.iter().filter(|reply| reply.phase == *phase) {
            write!(out, "  {}", reply.code)?;
            if let Some(enhanced) = reply.enhanced {
                write!(out, " {enhanced}")?;
            }
            if let Some(cause) = reply.cause {
                write!(out, " {cause}")?;
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "  {:<12} {:>9.6}", "whole", observation.duration.as_secs_f64())
}

/// A transcript, a line each: seconds since the start, side, text.
pub(super) fn transcript(
    out: &mut String,
    transcript: &Transcript,
    indent: &str,
) -> std::fmt::Result {
    for line in transcript.lines() {
        let at = line.at.as_secs_f64();
        writeln!(out, "{indent}{at:>9.3} {} {}", line.side, one_line(line.text))?;
    }
    if transcript.truncated {
        writeln!(out, "{indent}          * the rest is cut off")?;
    }
    if transcript.is_empty() && !transcript.truncated {
        writeln!(out, "{indent}          * nothing was said")?;
    }
    Ok(())
}

/// Cause, phase, whose move it is, and the rule that said so.
pub(super) fn failure_line(failure: &Failure) -> String {
    let Failure { cause, phase, blame, rule, permanence, .. } = failure;
    format!("{cause} in {phase}, blame {blame}, rule {rule}, {permanence}")
}

/// What to do about a failure, and how long to wait where waiting helps. None for a negative test:
/// there the refusal is wanted, so what mends a refusal is no help.
pub(super) fn next_step(observation: &Observation) -> Option<String> {
    let failure = observation.failure.as_ref().filter(|_| !observation.negative)?;
    let advice = advice::of(failure.cause);
    let wait = advice.wait.filter(|_| failure.permanence == Permanence::Transient);
    Some(match wait {
        Some(wait) => format!("{} Wait {wait}.", advice.action),
        None => advice.action.to_owned(),
    })
}

fn sentence(verdict: &Verdict) -> String {
    let mut text = match (verdict.up, verdict.expectation_met) {
        (Some(true), _) => "up: a session is accepted".to_owned(),
        (Some(false), _) => "down".to_owned(),
        (None, Some(true)) => "as expected".to_owned(),
        (None, Some(false)) => "not as expected".to_owned(),
        (None, None) => "unknown".to_owned(),
    };
    if let Some(failure) = &verdict.failure {
        text.push_str(": ");
        text.push_str(&failure_line(failure));
    }
    text
}

/// A peer's text without what could end the line or fool a terminal.
fn one_line(text: &str) -> String {
    let plain = |c: char| if is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER };
    text.chars().map(plain).collect()
}

/// False for control characters and for those that turn the direction of the text around.
pub(super) fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// RFC 3339 in UTC, to the second.
pub(super) fn utc(at: SystemTime) -> String {
    let seconds = match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
    };
    utc_of(seconds)
}

/// RFC 3339 in UTC, from seconds since the epoch; empty for a year that has no four digits.
pub(super) fn utc_of(seconds: i64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|at| at.format(format).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_rfc_3339_whatever_they_are() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(utc(at), "2023-11-14T22:13:20Z");
        assert_eq!(utc(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1969-12-31T23:59:59Z");
        assert_eq!(utc_of(i64::MAX), "");
        assert_eq!(utc_of(i64::MIN), "");
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(
            one_line("a\r\nb\u{1b}[31m\u{202e}c"),
            "a\u{fffd}\u{fffd}b\u{fffd}[31m\u{fffd}c"
        );
        assert_eq!(one_line("Grüße"), "Grüße");
    }
}
