//! What a good configuration will do, in numbers: the answer of `--config.check`.

mod dnsbl;
mod posture;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use super::{Config, Share, value};
use crate::target::{Families, Family, HostName, LadderMode, Place};

/// Counts, the load per remote and day (most first), and the warnings, one a line. It is worked
/// out from the file alone: how many addresses a name has is not asked.
pub(super) fn text(config: &Config) -> String {
    let checks = config.checks();
    let mut remotes: BTreeMap<String, Remote> = BTreeMap::new();
    for check in &checks {
        let (name, sources) = place_of(config, &check.target.place);
        let interval = check.interval();
        let each = DAY_MILLIS.div_ceil(interval.as_millis().max(1));
        let remote = remotes.entry(name).or_default();
        remote.connections += each * sources;
        *remote.why.entry((check.module.name.to_string(), interval)).or_default() += 1;
    }
    for ladder in &config.ladders {
        let (name, sources) = place_of(config, &ladder.check.target.place);
        let runs = DAY_MILLIS.div_ceil(ladder.interval.as_millis().max(1));
        let remote = remotes.entry(name).or_default();
        // One more asks whether a new session is accepted again.
        let each = u128::from(ladder.connections() + u32::from(ladder.mode != LadderMode::Idle));
        remote.connections += runs * each * sources;
        let what = match ladder.mode {
            LadderMode::Simultaneous => format!("up to {} at once", ladder.cap),
            LadderMode::Rate => format!("up to {} in a minute", ladder.cap),
            LadderMode::Idle => "one idle session".to_owned(),
        };
        let what = format!("{} for its limit, {what},", ladder.check.module.name);
        *remote.why.entry((what, ladder.interval)).or_default() += 1;
    }
    let mut sorted: Vec<(&String, &Remote)> = remotes.iter().collect();
    sorted.sort_by(|a, b| b.1.connections.cmp(&a.1.connections).then(a.0.cmp(b.0)));

    let mut out = format!(
        "{}, {}, {}\n",
        count(config.targets.len(), "target"),
        count(config.modules.len(), "module"),
        count(checks.len(), "check"),
    );
    // Writing to a String can't fail.
    if let Some(share) = config.share {
        let _ = writeln!(out, "{}", share.text(config.targets.len()));
    }
    if !sorted.is_empty() {
        let _ = writeln!(out, "connections per remote and day:");
    }
    for (name, remote) in sorted {
        let why: Vec<String> = remote
            .why
            .iter()
            .map(|((module, interval), times)| {
                let times = if *times > 1 { format!(", {times} targets") } else { String::new() };
                format!("{module} every {}{times}", value::show(*interval))
            })
            .collect();
        let _ = writeln!(out, "{:>9}  {name}: {}", remote.connections, why.join("; "));
    }
    if let Some(plan) = &config.dnsbl {
        out.push_str(&dnsbl::text(plan));
    }
    if !config.posture.is_empty() {
        out.push_str(&posture::text(&config.posture));
    }
    if !config.warnings.is_empty() {
        let _ = writeln!(out, "{}:", count(config.warnings.len(), "warning"));
    }
    for warning in &config.warnings {
        let _ = writeln!(out, "  {warning}");
    }
    out
}

impl Share {
    /// `shard 0/3: 12 of 40 targets`.
    pub(super) fn text(self, targets: usize) -> String {
        format!("shard {}: {targets} of {}", self.shard, count(self.of_targets, "target"))
    }
}

#[derive(Default)]
struct Remote {
    connections: u128,
    why: BTreeMap<(String, std::time::Duration), usize>,
}

/// A remote as it is told, and from how many of our addresses it is probed.
fn place_of(config: &Config, place: &Place) -> (String, u128) {
    match place {
        Place::Host { host: HostName::Address(address), .. } => {
            (address.to_string(), sources(config, Some(Family::of(*address))))
        }
        Place::Host { host: HostName::Name(name), .. } => {
            (format!("each address of {name}"), sources(config, None))
        }
        Place::Domain(domain) => (format!("each MX address of {domain}"), sources(config, None)),
    }
}

/// From how many of our addresses one remote address is probed.
fn sources(config: &Config, family: Option<Family>) -> u128 {
    let of = |family: Family| {
        let fits = |address: &&IpAddr| Family::of(**address) == family;
        config.policy.source_addresses.iter().filter(fits).count()
    };
    let most = match (family, config.policy.families) {
        (Some(family), _) => of(family),
        (None, Families::Ipv4) => of(Family::Ipv4),
        (None, Families::Ipv6) => of(Family::Ipv6),
        (None, Families::Auto | Families::Both) => of(Family::Ipv4).max(of(Family::Ipv6)),
    };
    most.max(1) as u128
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

const DAY_MILLIS: u128 = 86_400_000;
