//! `check_host` (RFC 7208, 4 to 6), as far as the answers that there are reach.

use std::collections::HashMap;
use std::net::IpAddr;

use super::super::{Finding, Kind, Problem, Question};
use super::evaluate::{Known, Outcome, Policy, Request};
use super::lint::{self, Way, about, finding};
use super::macros::{DomainSpec, MacroString};
use super::record::{Directive, Mechanism, Modifier, Place, Record};
use super::values::Values;
use super::{SpfAll, SpfResult, text};

/// One evaluation from its beginning.
pub(super) struct Run<'a> {
    request: &'a Request,
    pub(super) known: &'a HashMap<Question, Known>,
    /// No further question may be asked.
    pub(super) full: bool,
    /// Every answer is there, so that what is wrong is told. It changes nothing else.
    pub(super) telling: bool,
    /// The client; none on a walk. An IPv4 address written as one of IPv6 is the former (5).
    pub(super) client: Option<IpAddr>,
    sender: String,
    pub(super) lookups: u32,
    pub(super) voids: u32,
    pub(super) findings: Vec<Finding>,
    /// The domains whose records are being evaluated, the outermost first.
    chain: Vec<String>,
    /// What a walk met and went on after.
    pub(super) wrong: bool,
    pub(super) unanswered: bool,
}

/// Why an evaluation cannot go on.
pub(super) enum Stop {
    /// A question has no answer yet.
    Ask(Question),
    /// The record is wrong.
    Permerror,
    /// The DNS did not answer.
    Temperror,
    /// A walk asked for as much as it may.
    Enough,
}

/// What a record says.
struct Checked<'a> {
    result: SpfResult,
    matched: Option<String>,
    /// The explanation that goes with it, and the domain whose record names it.
    exp: Option<(&'a DomainSpec, String)>,
}

/// The domain that a term names.
enum Target {
    Name(String),
    /// What cannot be asked for, so it does not exist.
    NoName,
    /// On a walk: it depends on the client or the message.
    Open,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        request: &'a Request,
        known: &'a HashMap<Question, Known>,
        full: bool,
        telling: bool,
    ) -> Self {
        // A sender without a local part is the postmaster (4.3).
        let sender = match request.sender.rsplit_once('@') {
            Some(("", domain)) => format!("postmaster@{domain}"),
            Some(_) => request.sender.clone(),
            None if request.sender.is_empty() => format!("postmaster@{}", request.domain),
            None => format!("postmaster@{}", request.sender),
        };
        Self {
            request,
            known,
            full,
            telling,
            client: request.client.map(|client| client.to_canonical()),
            sender,
            lookups: 0,
            voids: 0,
            findings: Vec::new(),
            chain: Vec::new(),
            wrong: false,
            unanswered: false,
        }
    }

    /// The end, or the next question.
    pub(super) fn evaluate(mut self) -> Result<Outcome, Question> {
        let way = Way { included: false, passes: true, own: true };
        let domain = text::name(&self.request.domain);
        let checked = match &domain {
            Some(domain) => self.enter(domain, way),
            None => Ok(Checked::of(SpfResult::None)),
        };
        let checked = match checked {
            Ok(checked) => checked,
            Err(Stop::Ask(question)) => return Err(question),
            Err(Stop::Temperror) => Checked::of(SpfResult::Temperror),
            Err(Stop::Permerror | Stop::Enough) => Checked::of(SpfResult::Permerror),
        };
        if self.client.is_none() {
            self.tell_limits();
        }
        let result = match checked.result {
            _ if self.wrong => SpfResult::Permerror,
            _ if self.unanswered => SpfResult::Temperror,
            result => result,
        };
        let explanation = match (result, self.client, &checked.exp) {
            (SpfResult::Fail, Some(_), Some((exp, at))) => self.explanation(exp, at)?,
            _ => None,
        };
        let top = domain.map(|domain| Question::new(domain, Kind::Txt));
        let top = top.as_ref().and_then(|question| self.known.get(question));
        let present = match top {
            Some(known) if known.answer.trouble().is_some() => None,
            Some(known) => Some(!matches!(known.policy, Policy::None)),
            None => Some(false),
        };
        if present == Some(false) {
            let shown = text::printable(self.request.domain.as_bytes(), text::MAX_NAME);
            self.find(finding(Problem::SpfMissing, format!("{shown} has no SPF record")));
        }
        let one = top.and_then(|known| match &known.policy {
            Policy::One(record, text) => Some((record, text)),
            _ => None,
        });
        Ok(Outcome {
            result,
            lookups: self.lookups,
            void_lookups: self.voids,
            matched: checked.matched,
            explanation,
            present,
            record: one.map(|(_, text)| text::printable(text, MAX_RECORD)),
            all: one.map(|(record, _)| ending(record)),
            findings: self.findings,
        })
    }

    /// The record of `domain`, inside of those of which it is a part.
    fn enter(&mut self, domain: &str, way: Way) -> Result<Checked<'a>, Stop> {
        self.chain.push(domain.to_owned());
        let checked = self.check(domain, way);
        self.chain.pop();
        checked
    }

    fn check(&mut self, domain: &str, way: Way) -> Result<Checked<'a>, Stop> {
        let Some(known) = self.ask(domain, Kind::Txt)? else {
            return Ok(Checked::of(SpfResult::Temperror));
        };
        let record = match &known.policy {
            Policy::One(record, _) => record,
            Policy::None => {
                if self.chain.len() > 1 && known.answer.records().is_empty() {
                    self.void()?;
                }
                return Ok(Checked::of(SpfResult::None));
            }
            Policy::Many(count) => {
                let detail = format!("{domain} has {count} SPF records");
                self.find(finding(Problem::SpfMultipleRecords, detail));
                self.fault()?;
                return Ok(Checked::of(SpfResult::Permerror));
            }
        };
        if self.telling {
            for found in lint::findings(record, domain, way, known.size) {
                self.find(found);
            }
        }
        if !record.errors.is_empty() {
            self.fault()?;
        }
        for directive in &record.directives {
            if let Some(matched) = self.matches(directive, domain, way)? {
                let exp = record.exp.as_ref().map(|exp| (&exp.domain, domain.to_owned()));
                return Ok(Checked { result: directive.qualifier, matched: Some(matched), exp });
            }
        }
        match &record.redirect {
            Some(redirect) => self.redirect(redirect, domain, way),
            None => Ok(Checked::of(SpfResult::Neutral)),
        }
    }

    /// The term as what decided, when it matches.
    fn matches(
        &mut self,
        directive: &Directive,
        domain: &str,
        way: Way,
    ) -> Result<Option<String>, Stop> {
        let place = &directive.place;
        let here = || format!("{} at {domain}", place.text);
        let matched = match &directive.mechanism {
            Mechanism::All => true,
            Mechanism::Ip4(network) => match self.client {
                Some(IpAddr::V4(client)) => network.contains(&client),
                _ => false,
            },
            Mechanism::Ip6(network) => match self.client {
                Some(IpAddr::V6(client)) => network.contains(&client),
                _ => false,
            },
            Mechanism::Include(spec) => {
                let passes = way.passes && directive.qualifier == SpfResult::Pass;
                let inner = self.include(spec, place, domain, Way { passes, ..way })?;
                return Ok(inner.map(|inner| shorten(format!("{}: {inner}", here()))));
            }
            Mechanism::A(spec, prefixes) => {
                self.count(place, domain)?;
                match self.target(spec.as_ref(), domain)? {
                    Target::Name(name) => self.has_address(&name, *prefixes)?,
                    _ => false,
                }
            }
            Mechanism::Mx(spec, prefixes) => {
                self.count(place, domain)?;
                match self.target(spec.as_ref(), domain)? {
                    Target::Name(name) => self.has_exchanger(&name, *prefixes, place, domain)?,
                    _ => false,
                }
            }
            Mechanism::Ptr(spec) => {
                self.count(place, domain)?;
                match self.target(spec.as_ref(), domain)? {
                    Target::Name(name) => self.is_named(&name)?,
                    _ => false,
                }
            }
            Mechanism::Exists(spec) => {
                self.count(place, domain)?;
                match self.target(Some(spec), domain)? {
                    Target::Name(name) => {
                        let exists = self.exists(&name)?;
                        if exists && spec.is_fixed() && way.passes {
                            self.tell_open_door(directive, domain);
                        }
                        // For a walk nothing matches.
                        exists && self.client.is_some()
                    }
                    _ => false,
                }
            }
        };
        Ok(matched.then(here))
    }

    /// What passed there, when the included record passes the client (5.2).
    fn include(
        &mut self,
        spec: &DomainSpec,
        place: &Place,
        domain: &str,
        way: Way,
    ) -> Result<Option<String>, Stop> {
        self.count(place, domain)?;
        let name = match self.target(Some(spec), domain)? {
            Target::Name(name) => name,
            Target::NoName => {
                let what = "no name that has a record";
                self.find(about(Problem::SpfIncludeMissing, place, domain, what));
                self.fault()?;
                return Ok(None);
            }
            Target::Open => return Ok(None),
        };
        if self.comes_back(&name, place, domain)? {
            return Ok(None);
        }
        let own = text::is_within(&name, &self.request.domain.to_ascii_lowercase());
        let checked = self.enter(&name, Way { included: true, own, ..way })?;
        if checked.result == SpfResult::None {
            let what = format!("{name} has no SPF record");
            self.find(about(Problem::SpfIncludeMissing, place, domain, &what));
            self.fault()?;
        }
        let passes = checked.result == SpfResult::Pass && self.client.is_some();
        Ok(if passes { Some(checked.matched.unwrap_or_default()) } else { None })
    }

    /// What another domain's record says in place of this one (6.1).
    fn redirect(
        &mut self,
        redirect: &Modifier,
        domain: &str,
        way: Way,
    ) -> Result<Checked<'a>, Stop> {
        let place = &redirect.place;
        self.count(place, domain)?;
        let (checked, what) = match self.target(Some(&redirect.domain), domain)? {
            Target::Name(name) => {
                if self.comes_back(&name, place, domain)? {
                    return Ok(Checked::of(SpfResult::Permerror));
                }
                (self.enter(&name, way)?, format!("{name} has no SPF record"))
            }
            Target::NoName => {
                (Checked::of(SpfResult::None), "no name that has a record".to_owned())
            }
            Target::Open => return Ok(Checked::of(SpfResult::Neutral)),
        };
        if checked.result != SpfResult::None {
            return Ok(checked);
        }
        self.find(about(Problem::SpfRedirectMissing, place, domain, &what));
        self.fault()?;
        Ok(Checked::of(SpfResult::Permerror))
    }

    /// Whether a record names one that it is a part of. It would be evaluated for the same client
    /// and sender as before, and so come here again until the limit is passed: that is an error
    /// already.
    fn comes_back(&mut self, name: &str, place: &Place, domain: &str) -> Result<bool, Stop> {
        if !self.chain.iter().any(|outer| outer == name) {
            return Ok(false);
        }
        let what = format!("leads back to {name}");
        self.find(about(Problem::SpfLoop, place, domain, &what));
        self.fault()?;
        Ok(true)
    }

    fn target(&self, spec: Option<&DomainSpec>, domain: &str) -> Result<Target, Stop> {
        let Some(spec) = spec else { return Ok(Target::Name(domain.to_owned())) };
        if self.client.is_none() && !spec.is_fixed() {
            return Ok(Target::Open);
        }
        let validated = if spec.names_client() { self.validated(domain)? } else { String::new() };
        let name = spec.expand(&self.values(domain, &validated));
        Ok(name.map_or(Target::NoName, Target::Name))
    }

    fn values<'v>(&'v self, domain: &'v str, validated: &'v str) -> Values<'v> {
        let (sender, helo) = (self.sender.as_str(), self.request.helo.as_str());
        Values { domain, sender, helo, client: self.client, validated }
    }

    /// What `exp` says (6.2). Whatever is wrong with it, the result stays, and there is none.
    fn explanation(&self, exp: &DomainSpec, domain: &str) -> Result<Option<String>, Question> {
        match self.explain(exp, domain) {
            Ok(explanation) => Ok(explanation),
            Err(Stop::Ask(question)) => Err(question),
            Err(_) => Ok(None),
        }
    }

    fn explain(&self, exp: &DomainSpec, domain: &str) -> Result<Option<String>, Stop> {
        let Target::Name(name) = self.target(Some(exp), domain)? else { return Ok(None) };
        let Some(known) = self.ask_quietly(&name, Kind::Txt)? else { return Ok(None) };
        let mut texts = known.answer.texts();
        let (Some(text), None) = (texts.next(), texts.next()) else { return Ok(None) };
        let Ok(text) = std::str::from_utf8(text) else { return Ok(None) };
        let Ok(text) = MacroString::parse(text, true) else { return Ok(None) };
        let validated = if text.names_client() { self.validated(domain)? } else { String::new() };
        let expanded = text.expand(&self.values(domain, &validated), MAX_EXPLANATION);
        Ok(Some(text::printable(expanded.as_bytes(), MAX_EXPLANATION)))
    }
}

impl Checked<'_> {
    const fn of(result: SpfResult) -> Self {
        Self { result, matched: None, exp: None }
    }
}

/// How a record ends.
fn ending(record: &Record) -> SpfAll {
    match record.all().map(|all| all.qualifier) {
        Some(SpfResult::Fail) => SpfAll::Fail,
        Some(SpfResult::Softfail) => SpfAll::Softfail,
        Some(SpfResult::Neutral) => SpfAll::Neutral,
        Some(_) => SpfAll::Pass,
        None if record.redirect.is_some() => SpfAll::Redirect,
        None => SpfAll::None,
    }
}

fn shorten(text: String) -> String {
    if text.len() > MAX_MATCHED { text::printable(text.as_bytes(), MAX_MATCHED) } else { text }
}

/// The most bytes that are shown of a record, an explanation and the terms that decided.
const MAX_RECORD: usize = 2048;
const MAX_EXPLANATION: usize = 512;
const MAX_MATCHED: usize = 512;
