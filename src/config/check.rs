//! From the tree to a [`Config`]: every value is parsed into the type that carries its bounds, and
//! what can't be is a problem with its place. Nothing stops at the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Config;
use super::disk;
use super::dnsbl;
use super::limits;
use super::module;
use super::posture;
use super::rules;
use super::shown;
use super::targets::{Gathered, Targets};
use super::text::printable;
use super::tree::Node;
use super::value::{self, OwnEntry};
use super::walk::{At, Fields, Findings};
use crate::target::{Allow, Families, Policy};

/// Checks the whole. What has problems is left at its default, and the caller drops the result.
/// File names in the configuration are relative to `base`.
pub(super) fn check(
    root: Node,
    base: &Path,
    environment: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Config {
    let root = At { node: Rc::new(root), path: String::new() }.fields("", findings);
    let mut policy = Policy::default();
    let mut own_sound = true;
    let exporter = root.map("exporter", "exporter", findings);
    if let Some(exporter) = &exporter {
        own_sound = read_exporter(&mut policy, exporter, findings);
    }
    if let Some(dns) = root.map("dns", "dns", findings) {
        read_dns(&mut policy, &dns, base, findings);
    }
    if let Some(tls) = root.map("tls", "tls", findings) {
        policy.ca_file = tls.at("ca_file").and_then(|at| read_ca_file(&at, base, findings));
    }
    if let Some(probe) = root.map("probe", "probe", findings) {
        read_probe(&mut policy, &probe, findings);
    }
    if let Some(list) = root.list("cause_rules", findings)
        && let Some(rules) = rules::read(list, findings)
    {
        policy.rules = rules;
    }
    let modules = module::read(root.at("modules"), base, environment, findings);
    let patterns = root.list("target_files", findings).unwrap_or_default();
    let before = findings.problems.len();
    let mut gathered = Gathered::new(&modules, own_sound.then_some(&policy.own));
    gathered.list(root.list("targets", findings).unwrap_or_default(), findings);
    gathered.files(&patterns, base, findings);
    let targets = gathered.finish();
    let targets_missing = findings.problems.len() > before;
    settle_helo(&mut policy, exporter.as_ref().unwrap_or(&root), &targets, findings);
    let known = limits::Known {
        targets: &targets.by_name,
        modules: &modules.by_name,
        policy: &policy,
        own_sound,
        targets_missing,
    };
    let list = root.list("connection_limits", findings).unwrap_or_default();
    let ladders = limits::read(list, &known, findings);

    let dnsbl = dnsbl::read(&root, base, &policy, findings);
    let target_files: Vec<String> = patterns.iter().filter_map(|at| at.text(findings)).collect();
    let mut config = Config {
        policy,
        modules: modules.by_name,
        targets: targets.by_name,
        dnsbl: dnsbl.plan,
        posture: posture::read(&root, findings),
        watched: targets.watched,
        ladders,
        warnings: Vec::new(),
        shown: String::new(),
        share: None,
        target_files,
        zone_files: dnsbl.zone_files,
    };
    config.shown = shown::yaml(&config);
    config
}

/// False when `own` has a mistake, so that who is foreign can't be told.
fn read_exporter(policy: &mut Policy, fields: &Fields, findings: &mut Findings) -> bool {
    policy.helo = fields.value("helo", findings, value::helo);
    let before = findings.problems.len();
    for at in fields.list("own", findings).unwrap_or_default() {
        match at.parse(findings, value::own) {
            Some(OwnEntry::Network(network)) => policy.own.networks.push(network),
            Some(OwnEntry::Domain(domain)) => policy.own.domains.push(domain),
            None => {}
        }
    }
    let own_sound = findings.problems.len() == before;
    for at in fields.list("source_addresses", findings).unwrap_or_default() {
        let Some(address) = at.parse(findings, value::address) else { continue };
        if policy.source_addresses.contains(&address) {
            findings.problem(&at.spot(), format!("{address} stands twice"));
        } else {
            policy.source_addresses.push(address);
        }
    }
    fields.set("families", &mut policy.families, findings, |text| {
        module::choice(text, Families::ALL.iter().map(|f| f.as_str()), Families::from_name)
    });
    let count = |least, most| move |text: &str| value::number(text, least, most).map(to_usize);
    fields.set(
        "max_concurrent_probes",
        &mut policy.max_concurrent_probes,
        findings,
        count(1, 65536),
    );
    fields.set("max_endpoints", &mut policy.max_endpoints, findings, count(1, 1024));
    if let Some(budget) = fields.map("host_budget", "exporter.host_budget", findings) {
        let slot = &mut policy.host_budget;
        budget.set("max_concurrent", &mut slot.max_concurrent, findings, count(1, 1024));
        budget.set("min_gap", &mut slot.min_gap, findings, up_to_an_hour);
    }
    if let Some(backoff) = fields.map("backoff", "exporter.backoff", findings) {
        let pause = |text: &str| {
            value::duration_in(text, Duration::from_secs(1), Duration::from_secs(168 * HOUR))
        };
        let slot = &mut policy.backoff;
        backoff.set("initial", &mut slot.initial, findings, pause);
        backoff.set("factor", &mut slot.factor, findings, |text| value::factor(text, 1.0, 100.0));
        backoff.set("max", &mut slot.max, findings, pause);
        if slot.max < slot.initial
            && let Some(at) = backoff.at("max").or_else(|| backoff.at("initial"))
        {
            findings.problem(
                &at.spot(),
                format!(
                    "the longest pause ({}) is shorter than the first ({}); raise max or lower \
                     initial",
                    value::show(slot.max),
                    value::show(slot.initial)
                ),
            );
        }
    }
    own_sound
}

fn read_dns(policy: &mut Policy, fields: &Fields, base: &Path, findings: &mut Findings) {
    for at in fields.list("servers", findings).unwrap_or_default() {
        let Some(server) = at.parse(findings, value::server) else { continue };
        if policy.dns_servers.contains(&server) {
            findings.problem(&at.spot(), format!("{server} stands twice"));
        } else {
            policy.dns_servers.push(server);
        }
    }
    fields.set("timeout", &mut policy.dns_timeout, findings, module::timeout);
    policy.dns_trust_anchor =
        fields.at("trust_anchor").and_then(|at| posture::read_trust_anchor(&at, base, findings));
}

/// The file is read now, so that a mistake is reported here and not by the first handshake.
fn read_ca_file(at: &At, base: &Path, findings: &mut Findings) -> Option<PathBuf> {
    let text = at.text(findings)?;
    let path = base.join(text);
    let shown = printable(&path.display().to_string());
    let found = disk::read(&path, MAX_CA_BYTES).and_then(|pem| {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Ok(list) if list.is_empty() => {
                Err("holds no certificate; PEM begins with -----BEGIN CERTIFICATE-----".to_owned())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(format!("is not sound PEM: {error}")),
        }
    });
    let found = found.map_err(|message| format!("the file {shown} {message}"));
    findings.take(&at.spot(), found)?;
    Some(std::path::absolute(&path).unwrap_or(path))
}

fn read_probe(policy: &mut Policy, fields: &Fields, findings: &mut Findings) {
    if let Some(list) = fields.list("allow", findings) {
        policy.probe_allow.clear();
        for at in list {
            let Some(allow) = at.parse(findings, value::allow) else { continue };
            let open = match &allow {
                Allow::Any => true,
                Allow::Network(network) => network.prefix_len() == 0,
                Allow::Configured | Allow::Domain(_) => false,
            };
            if open {
                findings.warn(
                    &at.spot(),
                    "an open door: whoever reaches the listen address can make this host connect \
                     anywhere",
                );
            }
            policy.probe_allow.push(allow);
        }
    }
    fields.set("min_interval", &mut policy.probe_min_interval, findings, up_to_an_hour);
}

/// Towards others we say who we are, by a name that they can look up. Among ourselves the host's
/// own name does, when it is a full one.
fn settle_helo(policy: &mut Policy, fields: &Fields, targets: &Targets, findings: &mut Findings) {
    let foreign = targets.first_foreign.as_ref().map(|(name, spot)| {
        format!("target `{}` ({}) is not known as ours", printable(name), spot.line())
    });
    // Below the top of the file the key has another path than below `exporter`.
    let mut spot = fields.at("helo").map_or_else(|| fields.missing("helo"), |at| at.spot());
    "exporter.helo".clone_into(&mut spot.path);
    match (&policy.helo, foreign) {
        (Some(helo), Some(foreign)) => {
            if let Some(why) = value::helo_not_public(helo) {
                findings.problem(
                    &spot,
                    format!("{why}, and {foreign}; write this host's full public name"),
                );
            }
        }
        // A name that was stated and is wrong has its message already.
        (None, Some(foreign)) if fields.at("helo").is_none() => {
            findings.problem(
                &spot,
                format!("is missing, and {foreign}; write this host's full public name"),
            );
        }
        (None, None) => policy.helo = host_name(),
        _ => {}
    }
}

/// The host's own name, when it is one that may be said in EHLO.
fn host_name() -> Option<std::sync::Arc<str>> {
    let name = hostname::get().ok()?.into_string().ok()?;
    let name = value::helo(&name).ok()?;
    value::helo_not_public(&name).is_none().then_some(name)
}

fn up_to_an_hour(text: &str) -> value::Parsed<Duration> {
    value::duration_in(text, Duration::ZERO, Duration::from_secs(HOUR))
}

fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

const HOUR: u64 = 3600;
/// The largest file of roots.
const MAX_CA_BYTES: usize = 16 << 20;
