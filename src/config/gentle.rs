//! The gentle limits: what holds for servers that are not known as ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::module::Modules;
use super::targets::Said;
use super::value;
use super::walk::{Findings, Spot};
use crate::target::{HostName, Module, Own, Place};

/// Tells ours from others' and keeps what the others need.
pub(super) struct Gentle<'a> {
    modules: &'a Modules,
    /// None when `exporter.own` has a mistake: who is foreign can't be told then.
    own: Option<&'a Own>,
    /// Modules with an interval filled in, by name.
    copies: HashMap<Arc<str>, Arc<Module>>,
    /// The first target that is not ours, and its place.
    pub(super) first_foreign: Option<(String, Spot)>,
}

impl<'a> Gentle<'a> {
    pub(super) fn new(modules: &'a Modules, own: Option<&'a Own>) -> Self {
        Self { modules, own, copies: HashMap::new(), first_foreign: None }
    }

    /// What holds for servers that are not ours: seldom, and no RCPT without a login. Where no
    /// interval is stated the gentle one is filled in; gives the modules with it.
    pub(super) fn limits(
        &mut self,
        place: &Place,
        said: &Said,
        findings: &mut Findings,
    ) -> Vec<Arc<Module>> {
        let Some(own) = self.own else { return said.modules.clone() };
        if is_ours(own, place) {
            return said.modules.clone();
        }
        if self.first_foreign.is_none() {
            self.first_foreign = Some((said.name.clone(), said.spot.clone()));
        }
        let what = match place {
            Place::Host { host, .. } => host.to_string(),
            Place::Domain(domain) => domain.to_string(),
        };
        let mend = match place {
            Place::Host { host: HostName::Address(_), .. } => {
                format!("if you run it, add {what} or its network to exporter.own")
            }
            _ => format!("if you run it, add {what} or the domain above it to exporter.own"),
        };
        let mut modules = Vec::new();
        let mut told = false;
        for module in &said.modules {
            let least = module.gentle_interval();
            let stated = said.interval.as_ref().map(|(stated, _)| *stated).or(module.interval);
            match stated {
                None => modules.push(self.with_interval(module, least)),
                Some(stated) => {
                    if stated < least && !told {
                        told = said.interval.is_some();
                        self.too_often(stated, least, module, said, &what, &mend, findings);
                    }
                    modules.push(module.clone());
                }
            }
            if module.tries_strangers_recipients() {
                findings.problem(
                    &said.spot,
                    format!(
                        "{what} is not known as ours, and module `{}` says RCPT there without \
                         logging in, as spammers do; take its `mail` out, or, {mend}",
                        module.name
                    ),
                );
            }
        }
        modules
    }

    #[expect(clippy::too_many_arguments, reason = "they are the parts of one sentence")]
    fn too_often(
        &self,
        stated: Duration,
        least: Duration,
        module: &Module,
        said: &Said,
        what: &str,
        mend: &str,
        findings: &mut Findings,
    ) {
        let (spot, whose) = match &said.interval {
            Some((_, spot)) => (spot, String::new()),
            None => {
                let place = self
                    .modules
                    .intervals
                    .get(&module.name)
                    .map(|spot| format!(", {}", spot.line()))
                    .unwrap_or_default();
                (&said.spot, format!(" (of module `{}`{place})", module.name))
            }
        };
        findings.problem(
            spot,
            format!(
                "{}{whose} is too often for {what}, which is not known as ours: at least {}; \
                 {mend}",
                value::show(stated),
                value::show(least),
            ),
        );
    }

    /// A module of the same name that states an interval; one copy serves all targets.
    fn with_interval(&mut self, module: &Arc<Module>, interval: Duration) -> Arc<Module> {
        self.copies
            .entry(module.name.clone())
            .or_insert_with(|| {
                Arc::new(Module { interval: Some(interval), ..Module::clone(module) })
            })
            .clone()
    }
}

/// Ours, as far as the configuration can tell. A name that resolves to our networks is found out
/// at run time only.
fn is_ours(own: &Own, place: &Place) -> bool {
    match place {
        Place::Host { host: HostName::Address(address), .. } => own.has_address(*address),
        Place::Host { host: HostName::Name(name), .. } => {
            &**name == "localhost" || own.has_name(name)
        }
        Place::Domain(domain) => own.has_name(domain),
    }
}
