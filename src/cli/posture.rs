//! `posture DOMAIN`: one look at a domain's records and keys now, told to a person or a program.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::paint::Paint;
use super::report::utc;
use super::wrap::wrapped;
use super::{Common, DOWN, INTERRUPTED, complain, refuse, say};
use crate::app;
use crate::cause::explain;
use crate::config::{self, Config};
use crate::posture::told::{self, Section};
use crate::posture::{Finding, Problem, Report, Severity, Subject, json as as_json, text as shown};
use crate::target::place;

#[derive(Args)]
pub(super) struct PostureArgs {
    /// The domain after the @. One that the configuration's `posture` names brings what stands there.
    domain: String,
    /// A DKIM selector: what stands after `s=` in DKIM-Signature. May be given several times.
    #[arg(long = "selector", value_name = "S")]
    selectors: Vec<String>,
    /// An address that sends the domain's mail. May be given several times.
    #[arg(long = "address", value_name = "IP")]
    addresses: Vec<String>,
    /// What those addresses say in EHLO.
    #[arg(long, value_name = "NAME")]
    helo: Option<String>,
    /// Form of the answer.
    #[arg(long, default_value = "text")]
    format: Format,
    /// Show what was asked and answered too.
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Looks at the domain.
pub(super) fn run(common: &Common, args: &PostureArgs) -> anyhow::Result<ExitCode> {
    let config = match app::load(common.config_file.as_deref()) {
        Ok(config) => config,
        Err(error) => return Ok(refuse(&error)),
    };
    let subject = match subject(&config, args) {
        Ok(subject) => Arc::new(subject),
        Err(problem) => return Ok(complain(&format!("smtp_exporter: {problem}"))),
    };
    let survey = app::survey_once(config.policy, &subject);
    let Some(report) = app::runtime()?.block_on(survey)? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    say(&match args.format {
        Format::Text => text(&report, args.verbose, Paint { on: colour }),
        Format::Json => format!("{:#}\n", json_of(&report)),
    })?;
    let (errors, _) = as_json::counts(&report);
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(DOWN) })
}

/// What is looked at: the configured domain of that name, what the flags say in its place.
fn subject(config: &Config, args: &PostureArgs) -> Result<Subject, String> {
    let domain = config::domain(&args.domain).map_err(|why| format!("DOMAIN: {why}"))?;
    let configured = config.posture.iter().find(|subject| subject.domain == domain);
    let mut subject = configured.map_or_else(|| Subject::new(&domain), |known| (**known).clone());
    if !args.selectors.is_empty() {
        subject.dkim_selectors =
            each(&args.selectors, config::selector).map_err(|why| format!("--selector: {why}"))?;
    }
    if !args.addresses.is_empty() {
        subject.sending_addresses =
            each(&args.addresses, place::address).map_err(|why| format!("--address: {why}"))?;
    }
    if let Some(name) = &args.helo {
        subject.helo = Some(config::helo(name).map_err(|why| format!("--helo: {why}"))?);
    }
    Ok(subject)
}

/// Each value once.
fn each<T: PartialEq>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    if texts.len() > MOST {
        return Err(format!("{} are more than {MOST}", texts.len()));
    }
    let mut found = Vec::new();
    for text in texts {
        let value = parse(text)?;
        if !found.contains(&value) {
            found.push(value);
        }
    }
    Ok(found)
}

fn text(report: &Report, verbose: bool, paint: Paint) -> String {
    let (errors, warnings) = as_json::counts(report);
    let mut out = String::new();
    // Writing to a String can't fail.
    let _ = writeln!(
        out,
        "{}: {}, looked at in {:.1} s\n",
        paint.bold(&report.subject.domain),
        paint.verdict(errors == 0, &told::count(errors, warnings)),
        report.duration.as_secs_f64(),
    );
    for one in told::sections(report) {
        section(&mut out, &one, paint);
    }
    let mut left_out = Vec::new();
    if report.subject.dkim_selectors.is_empty() {
        left_out.push("no selector is known (--selector), so no DKIM key was looked at");
    }
    if report.subject.sending_addresses.is_empty() {
        left_out.push("no sending address is known (--address), so SPF was evaluated for none");
    }
    for note in left_out {
        let _ = writeln!(out, "note: {note}");
    }
    if verbose {
        let _ = writeln!(out, "\n{}", paint.bold("What was asked and answered"));
        for exchange in &report.transcript {
            let _ = writeln!(out, "  {}", line(&exchange.question));
            for answer in exchange.answer.lines() {
                let _ = writeln!(out, "    {}", paint.dim(&line(answer)));
            }
        }
    }
    out
}

fn section(out: &mut String, section: &Section<'_>, paint: Paint) {
    if section.facts.is_empty() && section.findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", paint.bold(section.title));
    let width = section.facts.iter().map(|fact| fact.name.chars().count()).max().unwrap_or(0);
    for fact in &section.facts {
        let (name, value) = (line(&fact.name), line(&fact.value));
        let head = format!("  {name:<width$}  ", width = width.min(WIDEST));
        wrapped(out, &head, head.chars().count(), &value);
    }
    for found in &section.findings {
        finding(out, found, paint);
    }
    out.push('\n');
}

/// A problem with what was seen of it, what it means, and what to do.
fn finding(out: &mut String, finding: &Finding, paint: Paint) {
    let word = match finding.problem.severity() {
        Severity::Error => paint.red("ERROR  "),
        Severity::Warning => paint.bold("warning"),
    };
    let on = finding.on.said().map(|on| format!(" at {}", line(&on))).unwrap_or_default();
    let _ = writeln!(out, "  {word}  {}{on}", finding.problem);
    let advice = finding.problem.advice();
    let indent = " ".repeat(INDENT);
    for (text, head) in [
        (line(&finding.detail), indent.clone()),
        (advice.meaning.to_owned(), indent.clone()),
        (advice.action.to_owned(), format!("{indent}{} ", paint.dim("do:"))),
    ] {
        if !text.is_empty() {
            let under = if head.len() > INDENT { INDENT + 4 } else { INDENT };
            wrapped(out, &head, under, &text);
        }
    }
    if !advice.doc.is_empty() {
        let _ = writeln!(out, "{indent}{}", paint.dim(advice.doc));
    }
}

/// Others' text in one line, without what a terminal would obey.
fn line(text: &str) -> String {
    shown::shown(text.as_bytes(), shown::MAX_RECORD)
}

fn json_of(report: &Report) -> Value {
    let (errors, warnings) = as_json::counts(report);
    json!({
        "domain": &*report.subject.domain,
        "ended": utc(report.ended),
        "duration_seconds": report.duration.as_secs_f64(),
        "errors": errors,
        "warnings": warnings,
        "facts": as_json::facts(report),
        "findings": report.findings.iter().map(as_json::finding).collect::<Vec<_>>(),
        "transcript": as_json::transcript(report),
    })
}

/// What a problem means, for `explain`.
pub(super) fn problem_text(problem: Problem) -> String {
    let advice = problem.advice();
    let mut out = String::new();
    explain::row(&mut out, "problem", problem.as_str());
    explain::row(&mut out, "meaning", advice.meaning);
    explain::row(&mut out, "what to do", advice.action);
    if let Some(wait) = advice.wait {
        explain::row(&mut out, "wait", wait);
    }
    explain::row(&mut out, "about", problem.area().title());
    explain::row(&mut out, "severity", problem.severity().as_str());
    explain::row(&mut out, "read more", advice.doc);
    out
}

/// The same for a program.
pub(super) fn problem_json(problem: Problem) -> Value {
    let advice = problem.advice();
    json!({
        "problem": problem,
        "area": problem.area(),
        "severity": problem.severity(),
        "meaning": advice.meaning,
        "action": advice.action,
        "wait": advice.wait,
        "doc": advice.doc,
    })
}

/// Selectors, and addresses, that are asked for at once.
const MOST: usize = 64;
/// Columns before what is told of a finding.
const INDENT: usize = 11;
/// Columns that the name of a fact is given.
const WIDEST: usize = 40;
