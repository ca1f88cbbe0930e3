//! The configuration as `/config` shows it: defaults filled in, secrets as `<secret>`. It is in
//! the form of the file and can be read back, secrets apart.

mod dnsbl;
mod posture;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::Config;
use super::rules;
use super::secret;
use super::value::show;
use crate::cause::UserRule;
use crate::target::{Allow, Auth, Ladder, LadderMode, Module, Place, Secret, Target};

/// The YAML. Target files' targets stand among the others; of a shard, only its own.
pub(super) fn yaml(config: &Config) -> String {
    let policy = &config.policy;
    let own = policy.own.networks.iter().map(text).chain(policy.own.domains.iter().map(text));
    let mut root = vec![
        (
            "exporter".to_owned(),
            map([
                ("helo", policy.helo.as_ref().map_or(Shown::Null, text)),
                ("own", Shown::List(own.collect())),
                ("source_addresses", list(&policy.source_addresses)),
                ("families", text(policy.families)),
                ("max_concurrent_probes", number(policy.max_concurrent_probes)),
                (
                    "host_budget",
                    map([
                        ("max_concurrent", number(policy.host_budget.max_concurrent)),
                        ("min_gap", text(show(policy.host_budget.min_gap))),
                    ]),
                ),
                (
                    "backoff",
                    map([
                        ("initial", text(show(policy.backoff.initial))),
                        ("factor", Shown::Fraction(policy.backoff.factor)),
                        ("max", text(show(policy.backoff.max))),
                    ]),
                ),
                ("max_endpoints", number(policy.max_endpoints)),
            ]),
        ),
        (
            "dns".to_owned(),
            map([
                ("servers", list(&policy.dns_servers)),
                ("timeout", text(show(policy.dns_timeout))),
                ("trust_anchor", file(policy.dns_trust_anchor.as_deref())),
            ]),
        ),
        ("tls".to_owned(), map([("ca_file", file(policy.ca_file.as_deref()))])),
        (
            "modules".to_owned(),
            Shown::Map(config.modules.iter().map(|(n, m)| (n.to_string(), module(m))).collect()),
        ),
        ("targets".to_owned(), Shown::List(config.targets.values().map(|t| target(t)).collect())),
        ("target_files".to_owned(), list(&config.target_files)),
        (
            "connection_limits".to_owned(),
            Shown::List(config.ladders.iter().map(|l| ladder(l)).collect()),
        ),
        ("cause_rules".to_owned(), Shown::List(policy.rules.user().iter().map(rule).collect())),
    ];
    if let Some(plan) = &config.dnsbl {
        root.push(("dnsbl".to_owned(), dnsbl::plan(plan, &config.zone_files)));
    }
    if !config.posture.is_empty() {
        root.push(("posture".to_owned(), posture::subjects(&config.posture)));
    }
    root.push((
        "probe".to_owned(),
        map([
            ("allow", Shown::List(policy.probe_allow.iter().map(allow).collect())),
            ("min_interval", text(show(policy.probe_min_interval))),
        ]),
    ));
    let share = config.share.map(|share| format!("# {}\n", share.text(config.targets.len())));
    // The serializer fails on what this tree can't hold.
    share.unwrap_or_default() + &serde_saphyr::to_string(&Shown::Map(root)).unwrap_or_default()
}

fn module(module: &Module) -> Shown {
    let mut keys = vec![
        ("port", number(module.port)),
        ("tls", text(module.tls)),
        ("tls_verify", Shown::Truth(module.tls_verify)),
        (
            "timeouts",
            map([
                ("connect", text(show(module.timeouts.connect))),
                ("greeting", text(show(module.timeouts.greeting))),
                ("reply", text(show(module.timeouts.reply))),
                ("total", text(show(module.timeouts.total))),
            ]),
        ),
    ];
    if let Some(name) = &module.tls_server_name {
        keys.push(("tls_server_name", text(name)));
    }
    if let Some(found) = &module.auth {
        keys.push(("auth", auth(found)));
    }
    if let Some(mail) = &module.mail {
        keys.push(("mail", map([("from", text(&mail.from)), ("to", text(&mail.to))])));
    }
    if let Some(expect) = &module.expect {
        let codes = expect.codes.iter().map(|code| number(*code)).collect();
        keys.push(("expect", map([("phase", text(expect.phase)), ("codes", Shown::List(codes))])));
    }
    if let Some(interval) = module.interval {
        keys.push(("interval", text(show(interval))));
    }
    map(keys)
}

fn auth(auth: &Auth) -> Shown {
    let secret = match &auth.secret {
        Secret::Password(_) => ("password", text(secret::SHOWN)),
        Secret::TokenFile(path) => ("token_file", text(path.display())),
    };
    map([
        ("username", text(&auth.username)),
        secret,
        ("allow_plaintext", Shown::Truth(auth.allow_plaintext)),
    ])
}

fn target(target: &Target) -> Shown {
    let mut keys = vec![("name", text(&target.name))];
    keys.push(match &target.place {
        Place::Host { host, port: None } => ("host", text(host)),
        Place::Host { host, port: Some(port) } => {
            let host = host.to_string();
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            ("host", text(format!("{host}:{port}")))
        }
        Place::Domain(domain) => ("domain", text(domain)),
    });
    keys.push(("modules", Shown::List(target.modules.iter().map(|m| text(&m.name)).collect())));
    // The interval in force, as long as it is one for all modules.
    let mut intervals = target.modules.iter().map(|module| target.interval_of(module));
    if let Some(first) = intervals.next()
        && intervals.all(|other| other == first)
    {
        keys.push(("interval", text(show(first))));
    }
    keys.extend(labels(&target.labels));
    map(keys)
}

fn ladder(ladder: &Ladder) -> Shown {
    let mut keys = vec![
        ("target", text(&ladder.check.target.name)),
        ("module", text(&ladder.check.module.name)),
        ("mode", text(ladder.mode)),
    ];
    match ladder.mode {
        LadderMode::Simultaneous => {
            keys.push(("max_connections", number(ladder.cap)));
            keys.push(("hold", text(show(ladder.hold))));
        }
        LadderMode::Rate => keys.push(("max_connections", number(ladder.cap))),
        LadderMode::Idle => keys.push(("max_idle", text(show(ladder.max_idle)))),
    }
    keys.push(("interval", text(show(ladder.interval))));
    if let Some(helo) = &ladder.helo {
        keys.push(("helo", text(helo)));
    }
    map(keys)
}

/// A rule as it was written: what it leaves open stays open.
fn rule(rule: &UserRule) -> Shown {
    let mut keys = vec![("id", text(&rule.id)), ("cause", text(rule.cause))];
    if !rule.text.is_empty() {
        keys.push(("text", list(&rule.text)));
    }
    if !rule.codes.is_empty() {
        keys.push(("codes", Shown::List(rule.codes.iter().map(|code| number(*code)).collect())));
    }
    if !rule.enhanced.is_empty() {
        let enhanced = rule.enhanced.iter().map(|range| text(rules::show_enhanced(*range)));
        keys.push(("enhanced", Shown::List(enhanced.collect())));
    }
    if !rule.phases.is_empty() {
        keys.push(("phases", list(&rule.phases)));
    }
    if let Some(permanence) = rule.permanence {
        keys.push(("permanence", text(permanence)));
    }
    if let Some(blame) = rule.blame {
        keys.push(("blame", text(blame)));
    }
    if let Some(doc) = &rule.doc {
        keys.push(("doc", text(doc)));
    }
    keys.push(("example", text(&rule.example)));
    map(keys)
}

fn allow(allow: &Allow) -> Shown {
    match allow {
        Allow::Configured => text("configured"),
        Allow::Any => text("any"),
        Allow::Network(network) => text(network),
        Allow::Domain(domain) => text(domain),
    }
}

/// Labels, if there are any.
fn labels(labels: &BTreeMap<String, String>) -> Option<(&'static str, Shown)> {
    let shown = || labels.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    (!labels.is_empty()).then(|| ("labels", Shown::Map(shown())))
}

/// A tree with the order of its keys kept.
enum Shown {
    Null,
    Truth(bool),
    Number(u64),
    Fraction(f64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_none(),
            Self::Truth(value) => to.serialize_bool(*value),
            Self::Number(value) => to.serialize_u64(*value),
            Self::Fraction(value) => to.serialize_f64(*value),
            Self::Text(value) => to.serialize_str(value),
            Self::List(items) => {
                let mut seq = to.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = to.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

fn text(value: impl std::fmt::Display) -> Shown {
    Shown::Text(value.to_string())
}

fn file(path: Option<&Path>) -> Shown {
    path.map_or(Shown::Null, |path| text(path.display()))
}

fn number(value: impl TryInto<u64>) -> Shown {
    Shown::Number(value.try_into().unwrap_or(u64::MAX))
}

fn list<T: std::fmt::Display>(values: &[T]) -> Shown {
    Shown::List(values.iter().map(text).collect())
}

fn map<'k>(entries: impl IntoIterator<Item = (&'k str, Shown)>) -> Shown {
    Shown::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
