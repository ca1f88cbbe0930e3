//! One probe from the command line, with the limits of all others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::dnsbl::{List, Reason, Subject, Verdict};
use crate::observation::{Lookup, Round};
use crate::posture;
use crate::probe::dnsbl::{Lookups, Manners};
use crate::probe::{Job, Prober};
use crate::target::{Check, Place, Policy, Target};

/// The check that a person means: a configured target's name first, then a place; `module` wins over
/// the target's own.
///
/// # Errors
///
/// The place cannot be read, or there is no such module.
pub fn check_for(config: &Config, target: &str, module: Option<&str>) -> Result<Check, String> {
    let named = module
        .map(|name| {
            config.modules.get(name).cloned().ok_or_else(|| {
                let known: Vec<&str> = config.modules.keys().map(|name| &**name).collect();
                format!("there is no module {name:?}; there are {}", known.join(", "))
            })
        })
        .transpose()?;
    if let Some(target) = config.targets.get(target) {
        let module = named.or_else(|| target.modules.first().cloned());
        let module = module.ok_or("the target has no module")?;
        return Ok(Check { target: target.clone(), module });
    }
    let place = Place::parse(target).map_err(|problem| format!("TARGET: {problem}"))?;
    let module =
        named.or_else(|| config.modules.get("smtp").cloned()).ok_or("there is no module smtp")?;
    let target = Target {
        name: target.into(),
        place,
        modules: vec![module.clone()],
        interval: None,
        labels: BTreeMap::new(),
    };
    Ok(Check { target: Arc::new(target), module })
}

/// The names that the addresses which we connected from have in reverse DNS.
type Origins = BTreeMap<IpAddr, Result<Vec<String>, String>>;

/// Probes once. Ctrl-C ends it with QUIT. The DNS is asked for the names of our own addresses only
/// `with_origins`.
///
/// # Errors
///
/// The resolver or the roots cannot be read.
pub async fn probe_once(
    policy: Policy,
    check: &Check,
    with_origins: bool,
) -> anyhow::Result<(Round, Origins)> {
    let prober = Prober::new(policy).map_err(anyhow::Error::msg)?;
    let stop = stop_on_interrupt();
    let job = Job {
        check: check.clone(),
        patience: check.module.timeouts.total,
        deadline: None,
        admit: None,
        stop,
    };
    let mut round = prober.run(&job, &|_| {}).await;
    // What ended first stands first, which differs from run to run; a person compares runs.
    round.observations.sort_by_key(|seen| {
        let at = &seen.endpoint;
        (at.mx_preference, at.host.clone(), at.port, at.address, at.source)
    });
    let resolver = prober.resolver();
    let mut origins = Origins::new();
    for seen in round.observations.iter().filter(|_| with_origins) {
        if let Some(local) = seen.local.map(|local| local.ip())
            && !origins.contains_key(&local)
        {
            let names = resolver.names_of(local).await.map_err(|failure| failure.detail);
            origins.insert(local, names);
        }
    }
    Ok((round, origins))
}

/// Looks at a domain once. Ctrl-C ends it with QUIT; then there is no report.
///
/// # Errors
///
/// The resolver, the roots or the trust anchors cannot be read.
pub async fn survey_once(
    policy: Policy,
    subject: &Arc<posture::Subject>,
) -> anyhow::Result<Option<posture::Report>> {
    let prober = Prober::new(policy).map_err(anyhow::Error::msg)?;
    let stop = stop_on_interrupt();
    Ok(prober.survey(subject, None, &stop).await)
}

/// What Ctrl-C cancels.
fn stop_on_interrupt() -> CancellationToken {
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        }
    });
    stop
}

/// Looks every subject up on every list that takes it: what the look-ups ended as, subject by subject
/// in the order of `lists`. Each list's test points are looked at before, so that a list that answers
/// for everything, or for nothing, proves nothing here either.
///
/// # Errors
///
/// A task of ours ended in a panic.
pub async fn look_up(
    config: &Config,
    lists: &[Arc<List>],
    subjects: &[Subject],
) -> anyhow::Result<Vec<Lookup>> {
    let plan = config.dnsbl.as_deref();
    let others = &config.policy.dns_servers;
    let servers = plan.map_or(others.as_slice(), |plan| plan.servers_or(others));
    let timeout = plan.map_or(config.policy.dns_timeout, |plan| plan.timeout);
    let lookups = Arc::new(Lookups::new(servers, timeout, Manners::default()));
    let mut tasks = tokio::task::JoinSet::new();
    for (place, list) in lists.iter().enumerate() {
        let of_kind = |subject: &&Subject| list.subjects.contains(&subject.kind());
        let wanted: Vec<Subject> = subjects.iter().filter(of_kind).cloned().collect();
        let (lookups, list) = (lookups.clone(), list.clone());
        tasks.spawn(async move {
            lookups.look_at_health(&list).await;
            let mut seen = Vec::new();
            for subject in &wanted {
                let mut lookup = lookups.look_up(&list, subject).await;
                if let Verdict::Unknown(Reason::Refused, detail) = &mut lookup.verdict
                    && let Some(refusal) = lookups.refusal_of(&list)
                {
                    // The pause ends with this run, and is nothing to a person.
                    *detail = refusal;
                }
                seen.push(lookup);
            }
            (place, seen)
        });
    }
    let mut seen: Vec<(usize, Vec<Lookup>)> = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        seen.push(ended?);
    }
    seen.sort_by_key(|(place, _)| *place);
    let mut all: Vec<Lookup> = seen.into_iter().flat_map(|(_, seen)| seen).collect();
    let order = |lookup: &Lookup| subjects.iter().position(|one| *one == lookup.subject);
    all.sort_by_key(order);
    Ok(all)
}
