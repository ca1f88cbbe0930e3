//! The catalogue as Markdown, for the README and for `reference`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::catalogue::{
    CATALOGUE, Def, Family, MAX_PROBLEMS, Scope, def, scope_series, worst_case_listing_series,
    worst_case_series,
};
use super::label::{
    ADDRESS, DKIM_SELECTOR, DOMAIN, ENDPOINT, KIND, LIST, LISTED_SUBJECT, LabelDoc, MODULE, MX,
    SENDING_ADDRESS, SOURCE, TARGET,
};

/// All metrics, all labels with their values, and the most series of a target.
pub fn markdown() -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text);
    text
}

fn write(text: &mut String) -> std::fmt::Result {
    for scope in Scope::ALL {
        let defs = || CATALOGUE.iter().filter(|def| def.scope == *scope);
        writeln!(text, "**{}**\n", title(*scope))?;
        writeln!(text, "| metric | kind | labels | meaning |\n|---|---|---|---|")?;
        for def in defs() {
            let Def { name, kind, help, .. } = def;
            writeln!(text, "| `{name}` | {kind} | {} | {help} |", label_list(def))?;
        }
        if *scope == Scope::Exporter {
            writeln!(
                text,
                "| `process_*` | | | Processor time, memory, descriptors, threads and start of the process. |"
            )?;
        }
        writeln!(text)?;
    }
    let (one, two) = (worst_case_series(1), worst_case_series(2));
    writeln!(
        text,
        "A target has at most {one} series per module with one endpoint, and at most {} more for each \
         further endpoint, and at most {} as a whole. A subject on a DNS list has 3 when it is clean, 2 when it cannot be told and \
         at most {} while it is listed; each list has at most {} more.\n",
        two - one,
        scope_series(Scope::Whole),
        worst_case_listing_series(),
        scope_series(Scope::List)
    )?;
    let problems = CATALOGUE.iter().filter(|def| def.max_series == MAX_PROBLEMS).count();
    writeln!(
        text,
        "A domain of `posture` has at most {} series and one for each problem, at most {MAX_PROBLEMS} in \
         each of {problems} areas; at most {} more for each DKIM selector, {} for each sending address, \
         and for each mail exchanger {} and one for each kind of TLSA record, of which there are {}.\n",
        scope_series(Scope::Domain) - problems * MAX_PROBLEMS,
        scope_series(Scope::Selector),
        scope_series(Scope::Sender),
        scope_series(Scope::Exchanger) - def(Family::DaneRecords).max_series,
        def(Family::DaneRecords).max_series,
    )?;
    writeln!(text, "| label | meaning | values |\n|---|---|---|")?;
    let every = [TARGET, MODULE, ENDPOINT, ADDRESS, SOURCE, LIST, KIND, LISTED_SUBJECT, DOMAIN]
        .into_iter()
        .chain([SENDING_ADDRESS, DKIM_SELECTOR, MX])
        .chain(CATALOGUE.iter().flat_map(|def| def.labels).copied());
    let mut told = BTreeMap::new();
    for label in every {
        // One name may have two meanings (`reason`); each is told once.
        if told.insert((label.name, label.help), ()).is_none() {
            writeln!(text, "| `{}` | {} | {} |", label.name, label.help, value_list(&label))?;
        }
    }
    Ok(())
}

fn title(scope: Scope) -> &'static str {
    match scope {
        Scope::Target => "Target series: labels `target`, `module` and the target's own",
        Scope::Endpoint => {
            "Endpoint series: also `endpoint`, `address`, and `source` when several are configured"
        }
        Scope::Whole => {
            "Series of a target with all its modules: label `target` and the target's own"
        }
        Scope::List => "DNS list series: label `list`",
        Scope::Listing => {
            "DNS listing series: labels `list`, `kind`, `subject` and the subject's own"
        }
        Scope::Domain => "Posture series: labels `domain` and the domain's own",
        Scope::Selector => "Posture series of a DKIM selector: also `selector`",
        Scope::Sender => "Posture series of a sending address: also `address`",
        Scope::Exchanger => "Posture series of a mail exchanger: also `mx`",
        Scope::Exporter => "The exporter itself",
    }
}

fn label_list(def: &Def) -> String {
    def.labels.iter().map(|label| format!("`{}`", label.name)).collect::<Vec<_>>().join(", ")
}

fn value_list(label: &LabelDoc) -> String {
    let values = label.values.map(|values| values()).unwrap_or_default();
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" ")
}
