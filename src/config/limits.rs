//! `connection_limits`: which of our own servers are measured, and how far.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::module;
use super::text::printable;
use super::tree::Value;
use super::value::{self, Parsed};
use super::walk::{At, Fields, Findings, Spot};
use crate::target::ladder::{
    DEFAULT_CONNECTIONS, DEFAULT_HOLD, DEFAULT_LADDER_INTERVAL, DEFAULT_MAX_IDLE,
    LEAST_LADDER_INTERVAL, MAX_CONNECTIONS,
};
use crate::target::near;
use crate::target::{
    Check, HostName, Ladder, LadderKey, LadderMode, Module, Own, Place, Policy, Target,
};

/// What an entry can name.
pub(super) struct Known<'a> {
    pub(super) targets: &'a BTreeMap<Arc<str>, Arc<Target>>,
    pub(super) modules: &'a BTreeMap<Arc<str>, Arc<Module>>,
    pub(super) policy: &'a Policy,
    /// False when `exporter.own` has a mistake: who is foreign can't be told then.
    pub(super) own_sound: bool,
    /// True when targets were refused: a name that is missing may be one of theirs.
    pub(super) targets_missing: bool,
}

/// Reads the list, in its order.
pub(super) fn read(list: Vec<At>, known: &Known<'_>, findings: &mut Findings) -> Vec<Arc<Ladder>> {
    let mut ladders = Vec::new();
    let mut places: HashMap<LadderKey, Spot> = HashMap::new();
    for at in list {
        let fields = at.fields("connection_limits[]", findings);
        // What is no map was reported.
        if !matches!(fields.at.node.value, Value::Map(_) | Value::Null { .. }) {
            continue;
        }
        let spot = fields.spot();
        let Some(ladder) = one(&fields, known, findings) else { continue };
        if let Some(first) = places.get(&ladder.key()) {
            findings.problem(
                &spot,
                format!("measures the same as the entry at {}; keep one of the two", first.line()),
            );
            continue;
        }
        places.insert(ladder.key(), spot);
        ladders.push(Arc::new(ladder));
    }
    ladders
}

/// None when it names no target or module that can be measured.
fn one(fields: &Fields, known: &Known<'_>, findings: &mut Findings) -> Option<Ladder> {
    let stated = fields.at("mode").map(|at| {
        at.parse(findings, |text| {
            let names = LadderMode::ALL.iter().map(|mode| mode.as_str());
            module::choice(text, names, LadderMode::from_name)
        })
    });
    let mode = stated.flatten().unwrap_or(LadderMode::Simultaneous);
    let mut cap = DEFAULT_CONNECTIONS;
    fields.set("max_connections", &mut cap, findings, |text| {
        let number = value::number(text, 1, u64::from(MAX_CONNECTIONS))?;
        Ok(u32::try_from(number).unwrap_or(MAX_CONNECTIONS))
    });
    let most = known.policy.max_concurrent_probes;
    // A run that held every permit would leave none for probes elsewhere.
    if usize::try_from(cap).unwrap_or(usize::MAX) >= most {
        let at = fields.at("max_connections");
        findings.problem(
            &at.map_or_else(|| fields.missing("max_connections"), |at| at.spot()),
            format!(
                "{cap} would leave no connection for probes elsewhere: \
                 exporter.max_concurrent_probes is {most}; lower this or raise that"
            ),
        );
    }
    let mut max_idle = DEFAULT_MAX_IDLE;
    fields.set("max_idle", &mut max_idle, findings, within(1, 3600));
    let mut hold = DEFAULT_HOLD;
    fields.set("hold", &mut hold, findings, within(1, 300));
    let mut interval = DEFAULT_LADDER_INTERVAL;
    fields.set("interval", &mut interval, findings, within(LEAST_LADDER_INTERVAL.as_secs(), YEAR));
    let pointless: &[&str] = match mode {
        LadderMode::Simultaneous => &["max_idle"],
        LadderMode::Rate => &["max_idle", "hold"],
        LadderMode::Idle => &["max_connections", "hold"],
    };
    for key in pointless {
        if let Some(at) = fields.at(key) {
            findings.problem(&at.spot(), format!("means nothing with mode {mode}; drop it"));
        }
    }
    let helo = fields.value("helo", findings, value::helo);
    let module = fields.at("module");
    let named = module.map(|at| at.parse(findings, |text| find(text, known.modules, "module")));
    let target = target(fields, known, findings)?;
    let module = match named {
        Some(found) => found?,
        None => target.modules.first()?.clone(),
    };
    // An unknown mode is not taken for another's double.
    if stated == Some(None) {
        return None;
    }
    let check = Check { target, module };
    Some(Ladder { check, mode, cap, max_idle, interval, helo, hold })
}

fn target(fields: &Fields, known: &Known<'_>, findings: &mut Findings) -> Option<Arc<Target>> {
    let Some(at) = fields.at("target") else {
        findings.problem(&fields.missing("target"), "is missing; name a target");
        return None;
    };
    let name = at.text(findings)?;
    let found = match find(&name, known.targets, "target") {
        Ok(found) => found,
        Err(_) if known.targets_missing => return None,
        Err(message) => {
            findings.problem(&at.spot(), message);
            return None;
        }
    };
    match &found.place {
        Place::Domain(domain) => {
            findings.problem(
                &at.spot(),
                format!(
                    "`{}` is the domain {domain}, whose servers its DNS names; limits are measured \
                     at servers that are named here: make a target with `host` for each",
                    printable(&name)
                ),
            );
            return None;
        }
        Place::Host { host, .. } if known.own_sound => {
            ours(host, &known.policy.own, &at, findings);
        }
        Place::Host { .. } => {}
    }
    Some(found)
}

/// An address is ours or not; where a name leads is known at run time only.
fn ours(host: &HostName, own: &Own, at: &At, findings: &mut Findings) {
    match host {
        HostName::Address(address) if !own.has_address(*address) => findings.problem(
            &at.spot(),
            format!(
                "{address} is not known as ours, and limits are measured at our own servers only; \
                 if you run it, add {address} or its network to exporter.own"
            ),
        ),
        HostName::Name(name) if &**name != "localhost" && own.networks.is_empty() => {
            findings.warn(
                &at.spot(),
                format!(
                    "is measured only where {name} leads to a loopback or private address: what \
                     counts is the address, and exporter.own holds no network"
                ),
            );
        }
        _ => {}
    }
}

/// What is called so, or which name comes near.
fn find<T>(name: &str, all: &BTreeMap<Arc<str>, Arc<T>>, what: &str) -> Parsed<Arc<T>> {
    all.get(name).cloned().ok_or_else(|| {
        let shown = printable(name);
        match near::nearest(name, all.keys().map(|name| &**name)) {
            Some(near) => format!("no {what} `{shown}`, did you mean `{}`?", printable(near)),
            None => format!("no {what} `{shown}`"),
        }
    })
}

fn within(least: u64, most: u64) -> impl Fn(&str) -> Parsed<Duration> {
    move |text| value::duration_in(text, Duration::from_secs(least), Duration::from_secs(most))
}

const YEAR: u64 = 8760 * 3600;
