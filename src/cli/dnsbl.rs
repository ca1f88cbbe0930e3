//! `dnsbl SUBJECT...`: one look at DNS lists now, told to a person or a program.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::paint::Paint;
use super::wrap::wrapped;
use super::{Common, complain, refuse, say};
use crate::app;
use crate::config::{self, Config};
use crate::dnsbl::{Code, Kind, List, Reason, Subject, Terms, Verdict, catalogue};
use crate::observation::Lookup;

#[derive(Args)]
pub(super) struct DnsblArgs {
    /// Addresses, networks of at most 256 addresses, and domains.
    #[arg(required = true, value_name = "SUBJECT")]
    subjects: Vec<String>,
    /// The lists to ask: names of the configuration, or zones. Default: the configured ones; without
    /// any, those of the built-in catalogue that everybody may ask for nothing.
    #[arg(long = "list", value_name = "ZONE")]
    lists: Vec<String>,
    /// Form of the answer.
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What is asked where, and what was left out.
struct Asked {
    subjects: Vec<Subject>,
    lists: Vec<Arc<List>>,
    /// Lists of the catalogue that take these subjects and are not free for everybody.
    left_out: Vec<&'static catalogue::Entry>,
}

/// Looks the subjects up.
pub(super) fn run(common: &Common, args: &DnsblArgs) -> anyhow::Result<ExitCode> {
    let config = match app::load(common.config_file.as_deref()) {
        Ok(config) => config,
        Err(error) => return Ok(refuse(&error)),
    };
    let asked = match asked(&config, args) {
        Ok(asked) => asked,
        Err(problem) => return Ok(complain(&format!("smtp_exporter: {problem}"))),
    };
    let look = app::look_up(&config, &asked.lists, &asked.subjects);
    let lookups = app::runtime()?.block_on(look)?;
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = match args.format {
        Format::Text => text(&asked, &lookups, Paint { on: colour }),
        Format::Json => as_json(&asked, &lookups),
    };
    say(&text)?;
    Ok(ExitCode::from(verdict(&asked, &lookups)))
}

fn asked(config: &Config, args: &DnsblArgs) -> Result<Asked, String> {
    let mut subjects: Vec<Subject> = Vec::new();
    for text in &args.subjects {
        for subject in config::subjects_of(text).map_err(|error| format!("SUBJECT: {error}"))? {
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
    }
    if subjects.len() > MOST_SUBJECTS {
        return Err(format!("{} subjects are more than {MOST_SUBJECTS}", subjects.len()));
    }
    let takes = |list: &List| subjects.iter().any(|one| list.subjects.contains(&one.kind()));
    let configured = config.dnsbl.iter().flat_map(|plan| &plan.lists);
    let mut left_out = Vec::new();
    let mut lists: Vec<Arc<List>> = Vec::new();
    for text in &args.lists {
        let list = match configured.clone().find(|list| *list.name == **text) {
            Some(list) => list.clone(),
            None => Arc::new(config::list_of(text, None, false).map_err(|why| {
                // Nothing of the text is shown: it may hold a key.
                format!("--list: {why}")
            })?),
        };
        if !takes(&list) {
            let kinds: Vec<&str> = list.subjects.iter().map(|kind| kind.as_str()).collect();
            return Err(format!("--list: {} takes {} alone", list.name, kinds.join(" and ")));
        }
        if !lists.iter().any(|other| other.name == list.name) {
            lists.push(list);
        }
    }
    if args.lists.is_empty() {
        lists = configured.filter(|list| takes(list)).cloned().collect();
        if config.dnsbl.iter().all(|plan| plan.lists.is_empty()) {
            for entry in catalogue::entries() {
                let list = entry.list();
                if !takes(&list) {
                    continue;
                }
                if entry.terms == Terms::Free && entry.access != catalogue::Access::Keyed {
                    lists.push(Arc::new(list));
                } else {
                    left_out.push(entry);
                }
            }
        }
    }
    if lists.is_empty() {
        return Err("none of the configured lists takes such a subject".to_owned());
    }
    Ok(Asked { subjects, lists, left_out })
}

/// 1 when a subject stands on a block list, 2 when none does and for one of them no list could tell,
/// else 0.
fn verdict(asked: &Asked, lookups: &[Lookup]) -> u8 {
    let bad =
        |seen: &Lookup| seen.list.kind == Kind::Block && matches!(seen.verdict, Verdict::Listed(_));
    if lookups.iter().any(bad) {
        return 1;
    }
    let told = |subject: &Subject| {
        let of = || lookups.iter().filter(|seen| seen.subject == *subject);
        let blocks = of().any(|seen| seen.list.kind == Kind::Block);
        of().any(|seen| {
            !matches!(seen.verdict, Verdict::Unknown(..))
                && (seen.list.kind == Kind::Block || !blocks)
        })
    };
    if asked.subjects.iter().all(told) { 0 } else { 2 }
}

fn text(asked: &Asked, lookups: &[Lookup], paint: Paint) -> String {
    let mut out = String::new();
    // What each list's trouble is, is told once; with many subjects it would hide the rest.
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    // Writing to a String can't fail.
    for subject in &asked.subjects {
        let _ = writeln!(out, "{}", paint.bold(&subject.to_string()));
        let of: Vec<&Lookup> = lookups.iter().filter(|seen| seen.subject == *subject).collect();
        if of.is_empty() {
            let _ = writeln!(out, "  no list that is asked takes a subject of this kind");
        }
        for seen in &of {
            if let Verdict::Listed(codes) = &seen.verdict {
                listing(&mut out, seen, codes, paint);
            }
        }
        for seen in &of {
            if let Verdict::Unknown(reason, detail) = &seen.verdict {
                let name = &*seen.list.name;
                // Its name stands in front already.
                let detail = detail.strip_prefix(name).map_or(detail.as_str(), str::trim_start);
                let again = !told.insert((name, detail));
                let why = if again { "as above" } else { detail };
                let head = format!("  ?        {name:<28} ");
                wrapped(&mut out, &head, head.chars().count(), &format!("{reason}: {why}"));
            }
        }
        for (kind, words) in [(Kind::Block, "clean    on"), (Kind::Allow, "not      on")] {
            let clean: Vec<&str> = of
                .iter()
                .filter(|seen| seen.list.kind == kind && seen.verdict == Verdict::Clean)
                .map(|seen| &*seen.list.name)
                .collect();
            if !clean.is_empty() {
                let allow = if kind == Kind::Allow { "allow list" } else { "list" };
                let number = clean.len();
                let s = if number == 1 { "" } else { "s" };
                let head = format!("  {words} ");
                let shown = if kind == Kind::Block { paint.green(&head) } else { head.clone() };
                let names = format!("{number} {allow}{s}: {}", clean.join(", "));
                wrapped(&mut out, &shown, 11, &names);
            }
        }
        out.push('\n');
    }
    if let Some(hint) = hint(lookups) {
        wrapped(&mut out, "", 0, hint);
    }
    if !asked.left_out.is_empty() {
        let _ = writeln!(
            out,
            "not asked, because not everybody may (name one with --list if you may):"
        );
        for entry in &asked.left_out {
            let head = format!("  {:<34} ", entry.zone);
            let conditions = format!("{}: {}", entry.terms, entry.house.conditions);
            wrapped(&mut out, &head, head.chars().count(), &conditions);
        }
    }
    out
}

/// A listing: every code, the list's own words, and where to go.
fn listing(out: &mut String, seen: &Lookup, codes: &[Code], paint: Paint) {
    let good = seen.list.kind == Kind::Allow;
    let word = paint.verdict(good, if good { "ALLOWED" } else { "LISTED " });
    for (n, code) in codes.iter().enumerate() {
        let (word, name) = match n {
            0 => (word.as_str(), &*seen.list.name),
            _ => ("       ", ""),
        };
        let _ = writeln!(out, "  {word}  {name:<28} {}  {}", code.address, code.meaning);
    }
    for reason in &seen.reasons {
        let head = format!("           {} ", paint.dim("reason "));
        wrapped(out, &head, 19, reason);
    }
    if let Some(page) = seen.list.delisting.as_ref().filter(|_| !good) {
        let _ = writeln!(out, "           {} {page}", paint.dim("removal"));
    }
}

/// What a person does next when nobody answers.
fn hint(lookups: &[Lookup]) -> Option<&'static str> {
    let all = |wanted: &[Reason]| {
        !lookups.is_empty()
            && lookups.iter().all(|seen| match &seen.verdict {
                Verdict::Unknown(reason, _) => wanted.contains(reason),
                _ => false,
            })
    };
    if all(&[Reason::Refused]) {
        Some(
            "Every list refused us: the resolver is most likely a public one or a forwarder to one. \
             Name a resolver of your own in dnsbl.servers.",
        )
    } else if all(&[Reason::Rewritten, Reason::Refused, Reason::ListUnhealthy]) {
        Some(
            "No list could be believed: somebody on the way, such as the provider's resolver or an \
             ad blocker, rewrites answers. Name a resolver of your own in dnsbl.servers.",
        )
    } else if all(&[Reason::Servfail, Reason::Timeout, Reason::Other]) {
        Some("No list answered: the resolver in use does not work, or does not work for lists.")
    } else {
        None
    }
}

fn as_json(asked: &Asked, lookups: &[Lookup]) -> String {
    let subjects: Vec<Value> = asked
        .subjects
        .iter()
        .map(|subject| {
            let of = || lookups.iter().filter(|seen| seen.subject == *subject);
            let listed = of().any(|seen| {
                seen.list.kind == Kind::Block && matches!(seen.verdict, Verdict::Listed(_))
            });
            json!({
                "subject": subject.to_string(),
                "kind": subject.kind(),
                "listed": listed,
                "results": of().map(result).collect::<Vec<_>>(),
            })
        })
        .collect();
    let left_out: Vec<Value> = asked
        .left_out
        .iter()
        .map(|entry| {
            json!({
                "list": entry.zone,
                "terms": entry.terms,
                "conditions": entry.house.conditions,
                "source": entry.source,
            })
        })
        .collect();
    let all = json!({ "subjects": subjects, "left_out": left_out, "hint": hint(lookups) });
    format!("{all:#}\n")
}

fn result(seen: &Lookup) -> Value {
    let (verdict, codes, reason, detail) = match &seen.verdict {
        Verdict::Listed(codes) => ("listed", codes.as_slice(), None, None),
        Verdict::Clean => ("clean", &[][..], None, None),
        Verdict::Unknown(reason, detail) => ("unknown", &[][..], Some(*reason), Some(detail)),
    };
    let codes: Vec<Value> = codes
        .iter()
        .map(|code| json!({ "code": code.address.to_string(), "meaning": &*code.meaning }))
        .collect();
    json!({
        "list": &*seen.list.name,
        "kind": seen.list.kind,
        "operator": &*seen.list.operator.name,
        "verdict": verdict,
        "codes": codes,
        "texts": seen.reasons,
        "reason": reason,
        "detail": detail,
        "delisting": seen.list.delisting.as_deref(),
        "seconds": seen.duration.map(|duration| duration.as_secs_f64()),
    })
}

/// Each is asked for on every list.
const MOST_SUBJECTS: usize = 1024;
