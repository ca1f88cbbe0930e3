//! `/logs?target=[&module=]` or `/logs?id=`: what was said and heard when a probe of an endpoint
//! last failed and when one last succeeded.

use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::Response;

use super::body::{Payload, TEXT};
use super::report::{failure_line, next_step, transcript, utc};
use super::scrape::rendered;
use super::status::id;
use super::{Asked, Refusal, State};
use crate::observation::Transcript;
use crate::store::{EndpointView, LadderView, View};
use crate::target::Endpoint;

pub(super) async fn logs(state: &Arc<State>, asked: &Asked) -> Result<Response<Payload>, Refusal> {
    let wanted = Wanted {
        target: asked.query.one("target")?.map(str::to_owned),
        module: asked.query.one("module")?.map(str::to_owned),
        id: asked.query.one("id")?.map(str::to_owned),
    };
    if wanted.target.is_none() && wanted.id.is_none() {
        return Err(Refusal::bad_request(format!(
            "`target` or `id` is missing; ask for /logs?target=NAME; targets are: {}",
            known_targets(state)
        )));
    }
    rendered(state, asked, TEXT, false, move |state, sink| {
        let (mut found, mut modules) = (false, Vec::new());
        for view in state.store.views() {
            if wanted.target.as_deref().is_some_and(|name| name != &*view.check.target.name) {
                continue;
            }
            modules.push(view.check.module.name.clone());
            if wanted.module.as_deref().is_some_and(|name| name != &*view.check.module.name) {
                continue;
            }
            let text = wanted.write(&view);
            found |= !text.is_empty();
            sink(Bytes::from(text));
        }
        for view in state.store.ladders() {
            let text = wanted.write_ladder(&view);
            found |= !text.is_empty();
            sink(Bytes::from(text));
        }
        if found { Ok(()) } else { Err(wanted.nothing(state, &modules)) }
    })
    .await
}

struct Wanted {
    target: Option<String>,
    module: Option<String>,
    id: Option<String>,
}

impl Wanted {
    fn write(&self, view: &View) -> String {
        let key = view.check.key();
        let mut out = String::new();
        for seen in view.resolve_failure.iter().chain(view.endpoints.values()) {
            let endpoint = &seen.last.endpoint;
            let id = id(&key, endpoint);
            if self.id.as_deref().is_none_or(|wanted| wanted == id) {
                // Writing to a string does not fail.
                let _ = write_endpoint(&mut out, view, endpoint, seen, &id);
            }
        }
        if out.is_empty() && self.id.is_none() {
            let _ = writeln!(out, "{} {}\nnot probed yet\n", key.0, key.1);
        }
        out
    }

    /// The last run that measured a limit, below the probes of the same endpoint.
    fn write_ladder(&self, view: &LadderView) -> String {
        let key = view.ladder.check.key();
        let seen = &*view.last;
        let wants = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == name)
        };
        let mut out = String::new();
        if wants(&self.target, &key.0)
            && wants(&self.module, &key.1)
            && wants(&self.id, &id(&key, &seen.endpoint))
        {
            // Writing to a string does not fail.
            let _ = write_run(&mut out, view);
        }
        out
    }

    fn nothing(&self, state: &State, modules: &[Arc<str>]) -> Refusal {
        if self.id.is_some() {
            return Refusal::not_found("there is no endpoint with this id any more");
        }
        if !modules.is_empty() {
            let modules = modules.join(", ");
            return Refusal::not_found(format!("the target has other modules: {modules}"));
        }
        Refusal::not_found(format!(
            "there is no such target; targets are: {}",
            known_targets(state)
        ))
    }
}

fn write_endpoint(
    out: &mut String,
    view: &View,
    endpoint: &Endpoint,
    seen: &EndpointView,
    id: &str,
) -> std::fmt::Result {
    let (target, module) = view.check.key();
    write!(out, "{target} {module}")?;
    match endpoint.address {
        Some(address) => write!(out, " {} at {address}", endpoint.label())?,
        None if endpoint.host.is_empty() => write!(out, " resolving the name")?,
        None => write!(out, " resolving {}", endpoint.label())?,
    }
    if let Some(source) = endpoint.source {
        write!(out, " from {source}")?;
    }
    writeln!(out, " (id {id})")?;
    writeln!(out)?;
    // The reason is known of the last probe only; an older failure tells it by its transcript.
    let mut reason = seen.last.failure.as_ref().map(failure_line).unwrap_or_default();
    if let Some(step) = next_step(&seen.last) {
        write!(reason, "\nnext: {step}")?;
    }
    let last = |(at, _): &&(SystemTime, Arc<Transcript>)| *at == seen.last.ended;
    let reason = seen.failure_transcript.as_ref().filter(last).map(|_| reason).unwrap_or_default();
    section(out, "last failure", seen.failure_transcript.as_ref(), &reason)?;
    section(out, "last success", seen.success_transcript.as_ref(), "")
}

fn write_run(out: &mut String, view: &LadderView) -> std::fmt::Result {
    let (target, module, mode) = view.ladder.key();
    let seen = &*view.last;
    write!(out, "{target} {module} {}", seen.endpoint.label())?;
    if let Some(address) = seen.endpoint.address {
        write!(out, " at {address}")?;
    }
    if let Some(source) = seen.endpoint.source {
        write!(out, " from {source}")?;
    }
    writeln!(out, "\n\nconnection limit, {mode}: {}", utc(seen.ended))?;
    match (&seen.aborted, seen.idle) {
        (Some(abort), _) => writeln!(out, "broke off ({}): {}", abort.kind, abort.detail)?,
        (None, Some(idle)) => writeln!(out, "silent for {:.1}s", idle.as_secs_f64())?,
        (None, None) => writeln!(out, "{} accepted of {}", seen.accepted, seen.tried)?,
    }
    transcript(out, &seen.transcript, "")?;
    writeln!(out)
}

fn section(
    out: &mut String,
    title: &str,
    kept: Option<&(SystemTime, Arc<Transcript>)>,
    reason: &str,
) -> std::fmt::Result {
    match kept {
        None => writeln!(out, "{title}: none\n"),
        Some((at, lines)) => {
            let colon = if reason.is_empty() { "" } else { ": " };
            writeln!(out, "{title}: {}{colon}{reason}", utc(*at))?;
            transcript(out, lines, "")?;
            writeln!(out)
        }
    }
}

/// The names of targets, not more than a person reads.
fn known_targets(state: &State) -> String {
    let running = state.control.running();
    let mut names: Vec<&str> = running.targets.keys().take(100).map(|name| &**name).collect();
    if running.targets.len() > names.len() {
        names.push("…");
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
