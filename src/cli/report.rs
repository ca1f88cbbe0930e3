//! What `probe` prints: a table that a person reads in one look, the same as JSON, or the lines that
//! a provider's support asks for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::paint::Paint;
use crate::cause::{Blame, Permanence, Rules, advice, explain};
use crate::observation::{Observation, Round, SkipReason, TlsFacts};
use crate::smtp::Phase;
use crate::target::Check;

/// Whether the target is as it should be: mail can be handed over if one of its servers takes it, and
/// a negative test must be met by all. None when the round was stopped before anything was seen.
pub(super) fn succeeded(round: &Round) -> Option<bool> {
    let stopped = round.skipped.iter().all(|(_, skip)| skip.reason == SkipReason::Shutdown);
    if round.observations.is_empty() && stopped {
        return None;
    }
    let any = round.observations.iter().any(|seen| seen.success());
    let all = round.observations.iter().all(|seen| seen.success());
    let negative = round.observations.iter().any(|seen| seen.negative);
    Some(if negative { all && any } else { any })
}

/// The table for a person.
pub(super) fn text(
    check: &Check,
    round: &Round,
    rules: &Rules,
    verbose: bool,
    colour: bool,
) -> String {
    let paint = Paint { on: colour };
    let mut out = String::new();
    for seen in &round.observations {
        endpoint(&mut out, check, seen, rules, verbose, paint);
        out.push('\n');
    }
    for (endpoint, skip) in &round.skipped {
        let _ = write!(out, "{}  not probed: {}", endpoint.label(), skip.reason);
        if let (Some(until), Some(cause)) = (skip.until, skip.cause) {
            let _ = write!(out, ", {cause} until {}", utc(until));
        }
        out.push('\n');
    }
    for note in &round.notes {
        let _ = writeln!(out, "note: {note}");
    }
    if round.left_out > 0 {
        let _ = writeln!(out, "{} more addresses were counted and not probed", round.left_out);
    }
    if round.observations.len() > 1 {
        let up = round.observations.iter().filter(|seen| seen.success()).count();
        let _ = writeln!(
            out,
            "{} of {} endpoints are as they should be",
            paint.verdict(up == round.observations.len(), &up.to_string()),
            round.observations.len()
        );
    }
    out
}

fn endpoint(
    out: &mut String,
    check: &Check,
    seen: &Observation,
    rules: &Rules,
    verbose: bool,
    paint: Paint,
) {
    let place = match (seen.endpoint.host.is_empty(), seen.endpoint.address) {
        (true, _) => check.target.name.to_string(),
        (false, Some(address)) if address.to_string() != *seen.endpoint.host => {
            format!("{}  {address}", seen.endpoint.label())
        }
        (false, _) => seen.endpoint.label(),
    };
    let _ = write!(out, "{}  module {}", paint.bold(&place), check.module.name);
    if let Some(preference) = seen.endpoint.mx_preference {
        let _ = write!(out, "  MX {preference}");
    }
    if let Some(source) = seen.endpoint.source {
        let _ = write!(out, "  from {source}");
    }
    let _ = writeln!(out, "\n\n  {}", paint.dim("phase            time  code  reply"));
    for (phase, duration) in &seen.phases {
        let reply = seen.replies.iter().rev().find(|reply| reply.phase == *phase);
        let code = reply.map(|reply| reply.code.to_string()).unwrap_or_default();
        let text = match phase {
            Phase::Tls | Phase::TlsImplicit => {
                seen.tls.as_ref().map(negotiated).unwrap_or_default()
            }
            Phase::Ehlo | Phase::EhloTls => greeting(seen, *phase),
            _ => reply.map(|reply| reply.text.to_string()).unwrap_or_default(),
        };
        let failed = seen.failure.as_ref().is_some_and(|failure| failure.phase == *phase);
        let line = format!("{:<11} {:>9}  {code:>4}  {text}", phase.as_str(), span(*duration));
        let line = line.trim_end();
        let shown = if failed { paint.red(line) } else { line.to_owned() };
        let _ = writeln!(out, "  {shown}");
    }
    if let Some(tls) = &seen.tls {
        out.push('\n');
        certificate(out, tls, seen.ended);
    }
    out.push('\n');
    verdict(out, seen, rules, paint);
    if verbose {
        out.push('\n');
        for line in seen.transcript.lines() {
            let at = format!("{:>10}", span(line.at));
            let _ = writeln!(out, "  {} {} {}", paint.dim(&at), line.side, line.text);
        }
        if seen.transcript.truncated {
            out.push_str("  (cut here)\n");
        }
    }
}

/// What an EHLO response says, in words that matter to a sender.
fn greeting(seen: &Observation, phase: Phase) -> String {
    let capabilities = if phase == Phase::Ehlo { &seen.plain } else { &seen.inside_tls };
    let Some(capabilities) = capabilities else {
        return seen
            .replies
            .iter()
            .rev()
            .find(|reply| reply.phase == phase)
            .map(|reply| reply.text.to_string())
            .unwrap_or_default();
    };
    if capabilities.helo_only {
        return "HELO only: no extensions".to_owned();
    }
    let mut words: Vec<String> =
        capabilities.keywords.iter().map(|keyword| keyword.as_str().to_owned()).collect();
    if !capabilities.mechanisms.is_empty() {
        let mechanisms: Vec<&str> =
            capabilities.mechanisms.iter().map(|mechanism| mechanism.as_str()).collect();
        words.retain(|word| word != "AUTH");
        words.push(format!("AUTH({})", mechanisms.join(",")));
    }
    words.join(" ")
}

fn negotiated(tls: &TlsFacts) -> String {
    let version = tls.version.map(|version| version.as_str());
    let words: Vec<&str> = [version, tls.cipher, tls.group].into_iter().flatten().collect();
    let words = words.join(" ");
    // Under opportunistic TLS this is no failure, and nothing else in the table would say it.
    match (tls.established, words.is_empty()) {
        (true, _) => words,
        (false, true) => "the handshake failed".to_owned(),
        (false, false) => format!("the handshake failed: {words}"),
    }
}

fn certificate(out: &mut String, tls: &TlsFacts, now: SystemTime) {
    if let Some(leaf) = tls.chain.first() {
        let _ = writeln!(out, "  certificate {}", leaf.subject);
        let _ = writeln!(out, "  issuer      {}", leaf.issuer);
        if !leaf.names.is_empty() {
            let more = if leaf.names.len() > NAMES { ", …" } else { "" };
            let names: Vec<&str> = leaf.names.iter().take(NAMES).map(String::as_str).collect();
            let _ = writeln!(out, "  names       {}{more}", names.join(", "));
        }
        let _ = writeln!(out, "  key         {}", leaf.key);
        let _ = writeln!(out, "  expires     {}", expiry(leaf.not_after, now));
        if let Some(earliest) = tls.chain_not_after().filter(|end| *end < leaf.not_after) {
            let _ = writeln!(out, "  chain       {} (an issuer's end)", expiry(earliest, now));
        }
    }
    let trust = match tls.verified {
        Some(true) => "yes".to_owned(),
        Some(false) => {
            let reasons: Vec<&str> = tls.failures.iter().map(|f| f.as_str()).collect();
            format!("no: {}", reasons.join(", "))
        }
        None => "no certificate was seen, or none that a client of today can ask for".to_owned(),
    };
    let _ = writeln!(out, "  verified    {trust}");
}

fn verdict(out: &mut String, seen: &Observation, rules: &Rules, paint: Paint) {
    let Some(failure) = &seen.failure else {
        let word = if seen.negative { "AS EXPECTED" } else { "UP" };
        let ready = seen
            .ready
            .map(|ready| format!("  ready for mail {} after connecting", span(ready)))
            .unwrap_or_default();
        let _ = writeln!(out, "  verdict     {}{ready}", paint.green(word));
        return;
    };
    let word = if failure.blame == Blame::Exporter {
        "UNKNOWN"
    } else if seen.negative {
        if seen.met.is_none() { "INCONCLUSIVE" } else { "NOT AS EXPECTED" }
    } else {
        "DOWN"
    };
    let _ = writeln!(
        out,
        "  verdict     {}  {} in phase {}",
        paint.red(word),
        paint.bold(failure.cause.as_str()),
        failure.phase
    );
    let _ = writeln!(out, "  said        {}", failure.detail);
    let advice = advice::of(failure.cause);
    let _ = writeln!(out, "  meaning     {}", advice.meaning);
    let _ = writeln!(out, "  next step   {}", advice.action);
    // Waiting mends nothing that lasts.
    if let Some(wait) = advice.wait.filter(|_| failure.permanence == Permanence::Transient) {
        let _ = writeln!(out, "  wait        {wait}");
    }
    let _ = writeln!(out, "  whose move  {}", explain::side(failure.blame));
    let _ = writeln!(out, "  lasts       {}", explain::lasting(failure.permanence));
    let confidence = match rules.confidence(&failure.rule) {
        Some(family) => family.to_text(&failure.rule),
        None => format!("high: seen, not read from a reply (rule {})", failure.rule),
    };
    let _ = writeln!(out, "  confidence  {confidence}");
    let doc = rules.doc(&failure.rule).unwrap_or(advice.doc);
    let _ = writeln!(out, "  read more   {doc}");
}

/// The same as one JSON object.
pub(super) fn json(check: &Check, round: &Round, rules: &Rules) -> String {
    let endpoints: Vec<Value> =
        round.observations.iter().map(|seen| seen_json(seen, rules)).collect();
    let skipped: Vec<Value> = round
        .skipped
        .iter()
        .map(|(endpoint, skip)| {
            json!({
                "endpoint": endpoint.label(),
                "address": endpoint.address,
                "reason": skip.reason,
                "until": skip.until.map(utc),
                "cause": skip.cause,
            })
        })
        .collect();
    let value = json!({
        "target": &*check.target.name,
        "module": &*check.module.name,
        "success": succeeded(round),
        "started": utc(round.started),
        "ended": utc(round.ended),
        "mx_records": round.mx_records,
        "left_out": round.left_out,
        "notes": round.notes,
        "endpoints": endpoints,
        "skipped": skipped,
    });
    format!("{value:#}\n")
}

fn seen_json(seen: &Observation, rules: &Rules) -> Value {
    let phases: BTreeMap<&str, f64> =
        seen.phases.iter().map(|(phase, time)| (phase.as_str(), time.as_secs_f64())).collect();
    let replies: Vec<Value> = seen
        .replies
        .iter()
        .map(|reply| {
            json!({
                "phase": reply.phase,
                "code": reply.code,
                "enhanced": reply.enhanced.map(|code| code.to_string()),
                "cause": reply.cause,
                "text": reply.text,
            })
        })
        .collect();
    let capabilities = |capabilities: &Option<crate::smtp::Capabilities>| {
        capabilities.as_ref().map(|seen| {
            json!({
                "keywords": seen.keywords,
                "mechanisms": seen.mechanisms,
                "max_size": seen.max_size,
            })
        })
    };
    let tls = seen.tls.as_ref().map(|tls| {
        let chain: Vec<Value> = tls
            .chain
            .iter()
            .map(|certificate| {
                json!({
                    "fingerprint_sha256": certificate.fingerprint_sha256,
                    "serial": certificate.serial,
                    "subject": certificate.subject,
                    "issuer": certificate.issuer,
                    "key": certificate.key,
                    "names": certificate.names,
                    "not_before": unix(certificate.not_before),
                    "not_after": unix(certificate.not_after),
                })
            })
            .collect();
        json!({
            "established": tls.established,
            "verified": tls.verified,
            "version": tls.version,
            "cipher": tls.cipher,
            "group": tls.group,
            "verify_failures": tls.failures,
            "chain": chain,
        })
    });
    let failure = seen.failure.as_ref().map(|failure| {
        let advice = advice::of(failure.cause);
        json!({
            "phase": failure.phase,
            "cause": failure.cause,
            "blame": failure.blame,
            "rule": failure.rule,
            "permanence": failure.permanence,
            "confidence": rules.confidence(&failure.rule),
            "detail": failure.detail,
            "meaning": advice.meaning,
            "action": advice.action,
            "wait": advice.wait.filter(|_| failure.permanence == Permanence::Transient),
            "doc": rules.doc(&failure.rule).unwrap_or(advice.doc),
        })
    });
    let transcript: Vec<Value> = seen
        .transcript
        .lines()
        .map(|line| json!({"seconds": line.at.as_secs_f64(), "side": line.side, "text": line.text}))
        .collect();
    json!({
        "endpoint": seen.endpoint.label(),
        "address": seen.endpoint.address,
        "source": seen.local.map(|local| local.ip()),
        "helo": seen.helo.as_deref(),
        "mx_preference": seen.endpoint.mx_preference,
        "success": seen.success(),
        "met": seen.met,
        "ended": utc(seen.ended),
        "seconds": seen.duration.as_secs_f64(),
        "ready_seconds": seen.ready.map(|ready| ready.as_secs_f64()),
        "phases": phases,
        "replies": replies,
        "starttls_offered": seen.starttls_offered,
        "plain": capabilities(&seen.plain),
        "inside_tls": capabilities(&seen.inside_tls),
        "tls": tls,
        "failure": failure,
        "transcript": transcript,
    })
}

/// What a provider's support asks for, to be pasted into a form: when in UTC, from which address
/// with which name, what was answered, and the whole exchange. `origins` holds the PTR names of our
/// addresses.
pub(super) fn ticket(
    check: &Check,
    round: &Round,
    origins: &BTreeMap<IpAddr, Result<Vec<String>, String>>,
) -> String {
    let mut out = String::new();
    for seen in &round.observations {
        let _ = writeln!(out, "Server:        {}", or_none(&seen.endpoint.label()));
        if let Some(address) = seen.endpoint.address {
            let _ = writeln!(out, "Address:       {address}");
        }
        let _ = writeln!(out, "Time (UTC):    {}", utc(seen.ended));
        if let Some(local) = seen.local.map(|local| local.ip()) {
            let _ = writeln!(out, "Our address:   {local}");
            let names = match origins.get(&local) {
                Some(Ok(names)) => names.join(", "),
                Some(Err(problem)) => problem.clone(),
                None => "not asked".to_owned(),
            };
            let _ = writeln!(out, "Our PTR:       {names}");
        }
        let _ = writeln!(out, "Our EHLO:      {}", or_none(seen.helo.as_deref().unwrap_or("")));
        let answer = match &seen.failure {
            Some(failure) => format!("{} ({})", failure.detail, failure.cause),
            None => "the session was accepted".to_owned(),
        };
        let _ = writeln!(out, "Result:        {answer}");
        let _ =
            writeln!(out, "Checked:       {} with module {}", check.target.name, check.module.name);
        out.push_str("Transcript:\n");
        for line in seen.transcript.lines() {
            let _ = writeln!(out, "  {:>10} {} {}", span(line.at), line.side, line.text);
        }
        out.push('\n');
    }
    out
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// A duration as a person says it.
fn span(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros < 1000 {
        format!("{micros} µs")
    } else if micros < 1_000_000 {
        format!("{:.1} ms", duration.as_secs_f64() * 1e3)
    } else {
        format!("{:.2} s", duration.as_secs_f64())
    }
}

pub(super) fn utc(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

fn unix(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

fn expiry(not_after: i64, now: SystemTime) -> String {
    let now = OffsetDateTime::from(now).unix_timestamp();
    let days = (not_after - now).div_euclid(86_400);
    let at = unix(not_after).unwrap_or_else(|| not_after.to_string());
    if not_after <= now {
        format!("{at} ({} days ago)", -days - 1)
    } else {
        format!("{at} (in {days} days)")
    }
}

/// Names of a certificate that are printed.
const NAMES: usize = 6;
