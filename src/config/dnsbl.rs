//! `dnsbl`: what is looked up on which DNS lists, and how often.

mod codes;
mod lists;
mod public;
mod subjects;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(super) use codes::shown as shown_codes;
pub(crate) use lists::list_of;
pub(crate) use subjects::subjects_of;

use super::module;
use super::value::{self, Parsed};
use super::walk::{Fields, Findings};
use crate::dnsbl::{List, MAX_PAIRS, Plan, SubjectKind};
use crate::target::{Own, Policy};

/// What was read.
#[derive(Default)]
pub(super) struct Read {
    /// None when the file has no `dnsbl`.
    pub(super) plan: Option<Arc<Plan>>,
    /// From which files keyed zones were read, by the list's name.
    pub(super) zone_files: BTreeMap<Arc<str>, PathBuf>,
}

/// Reads `dnsbl` of the whole file. File names are relative to `base`.
pub(super) fn read(root: &Fields, base: &Path, policy: &Policy, findings: &mut Findings) -> Read {
    let Some(fields) = root.map("dnsbl", "dnsbl", findings) else { return Read::default() };
    let servers = servers(&fields, findings);
    let mut zone_files = BTreeMap::new();
    let lists = lists::read(&fields, base, &mut zone_files, findings);
    // Where all is ours, nobody is bothered: that is how a list of one's own, and the demo, are tried.
    let ours = !lists.is_empty() && lists.iter().all(|found| is_ours(&policy.own, &found.list));
    let subjects = subjects::read(&fields, ours, findings);
    let mut plan = Plan {
        interval: Duration::from_secs(HOUR),
        listed_interval: Duration::from_secs(HOUR / 4),
        health_interval: Duration::from_secs(HOUR),
        timeout: policy.dns_timeout,
        subjects: subjects.wanted,
        from_targets: subjects.from_targets,
        own: subjects.own,
        lists: lists.iter().map(|found| found.list.clone()).collect(),
        servers,
    };
    times(&mut plan, &fields, ours, findings);
    look_over(&plan, &fields, findings);
    let spots: Vec<_> = lists.into_iter().map(|found| (found.list, found.spot)).collect();
    takers(&plan, &spots, findings);
    if !ours {
        public::warn(&plan, policy, &fields, root, findings);
    }
    Read { plan: Some(Arc::new(plan)), zone_files }
}

fn times(plan: &mut Plan, fields: &Fields, ours: bool, findings: &mut Findings) {
    let least = Duration::from_secs(if ours { 1 } else { 5 * 60 });
    let parse = |text: &str| -> Parsed<Duration> {
        let value = value::duration(text)?;
        if value < least && !ours && value >= Duration::from_secs(1) {
            return Err(format!(
                "{} is too often for lists of others; at least {} (1s where every zone is below \
                 .test or a domain of exporter.own)",
                value::show(value),
                value::show(least)
            ));
        }
        value::duration_in(text, least, Duration::from_secs(168 * HOUR))
    };
    fields.set("interval", &mut plan.interval, findings, parse);
    plan.listed_interval = plan.listed_interval.min(plan.interval);
    fields.set("listed_interval", &mut plan.listed_interval, findings, parse);
    fields.set("health_interval", &mut plan.health_interval, findings, parse);
    fields.set("timeout", &mut plan.timeout, findings, module::timeout);
    if plan.listed_interval > plan.interval
        && let Some(at) = fields.at("listed_interval")
    {
        findings.problem(
            &at.spot(),
            format!(
                "is longer than interval ({}); what is listed is looked up at least as often",
                value::show(plan.interval)
            ),
        );
    }
}

/// DNS servers at `servers`, each once.
fn servers(fields: &Fields, findings: &mut Findings) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for at in fields.list("servers", findings).unwrap_or_default() {
        let Some(server) = at.parse(findings, value::server) else { continue };
        if found.contains(&server) {
            findings.problem(&at.spot(), format!("{server} stands twice"));
        } else {
            found.push(server);
        }
    }
    found
}

/// What is missing, and what is too much.
fn look_over(plan: &Plan, fields: &Fields, findings: &mut Findings) {
    let no_subject = plan.subjects.is_empty() && plan.from_targets.is_none() && plan.own.is_none();
    // What is stated and wrong has its message.
    if plan.lists.is_empty() && !no_subject && fields.at("lists").is_none() {
        findings.warn(
            &fields.missing("lists"),
            "is missing, and no list is asked by default, because each has terms of use; nothing is \
             looked up",
        );
    } else if no_subject && !plan.lists.is_empty() && fields.at("subjects").is_none() {
        findings.warn(
            &fields.missing("subjects"),
            "is missing: nothing is looked up; write addresses, domains, own or from_targets",
        );
    }
    let pairs = plan.pairs();
    if pairs > MAX_PAIRS {
        findings.problem(
            &fields.spot(),
            format!(
                "{pairs} subjects on lists are more than {MAX_PAIRS}; look up fewer subjects, or \
                 on fewer lists"
            ),
        );
    }
}

/// Lists without a subject, and subjects without a list: each is odd, and said so.
fn takers(plan: &Plan, lists: &[(Arc<List>, super::walk::Spot)], findings: &mut Findings) {
    let addresses = plan.from_targets.is_some() || plan.own.is_some();
    let mut kinds: Vec<SubjectKind> = Vec::new();
    for kind in SubjectKind::ALL {
        let stated = plan.subjects.iter().any(|wanted| wanted.subject.kind() == *kind);
        if stated || addresses && *kind != SubjectKind::Domain {
            kinds.push(*kind);
        }
    }
    if kinds.is_empty() {
        return;
    }
    for (list, spot) in lists {
        if !list.subjects.iter().any(|kind| kinds.contains(kind)) {
            let takes: Vec<&str> = list.subjects.iter().map(|kind| kind.as_str()).collect();
            findings.warn(
                spot,
                format!("takes {} alone, and there is no such subject", takes.join(" and ")),
            );
        }
    }
}

/// A list that nobody else runs: one below `.test` (RFC 6761, 6.2), which nobody can have, or below a
/// domain of ours.
pub(super) fn is_ours(own: &Own, list: &List) -> bool {
    let zone = list.zone.expose();
    zone == "test" || zone.ends_with(".test") || own.has_name(zone)
}

const HOUR: u64 = 3600;
