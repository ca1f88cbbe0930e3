//! `modules`: how targets are probed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::secret;
use super::text::printable;
use super::value::{self, Parsed};
use super::walk::{At, Fields, Findings, Spot};
use crate::smtp::{Envelope, Phase, TlsMode};
use crate::target::near;
use crate::target::{Auth, Expect, Module, Secret, Timeouts};

/// The modules, and what messages about targets need to know of them.
pub(super) struct Modules {
    /// By name.
    pub(super) by_name: BTreeMap<Arc<str>, Arc<Module>>,
    /// Where a module states its interval.
    pub(super) intervals: BTreeMap<Arc<str>, Spot>,
}

/// The modules that are there without being configured.
pub(super) fn built_in() -> BTreeMap<Arc<str>, Module> {
    [
        ("smtp", 25, TlsMode::Opportunistic),
        ("submission", 587, TlsMode::Required),
        ("smtps", 465, TlsMode::Implicit),
        ("smtp2525", 2525, TlsMode::Opportunistic),
    ]
    .into_iter()
    .map(|(name, port, tls)| (Arc::from(name), Module { port, tls, ..Module::new(name) }))
    .collect()
}

/// Reads `modules`. A module with problems is still there, so that targets which name it are not
/// reported as well.
pub(super) fn read(
    section: Option<At>,
    base: &Path,
    environment: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Modules {
    let mut found = built_in();
    let mut intervals = BTreeMap::new();
    for (name, spot, at) in section.map(|at| at.entries(findings)).unwrap_or_default() {
        if let Err(message) = name_of(&name) {
            findings.problem(&spot, message);
        }
        let start = found.get(&*name).cloned().unwrap_or_else(|| Module::new(&name));
        let fields = at.fields("modules.<name>", findings);
        if let Some(at) = fields.at("interval") {
            intervals.insert(Arc::from(&*name), at.spot());
        }
        let module = one(start, &fields, base, environment, findings);
        found.insert(module.name.clone(), module);
    }
    let by_name = found.into_iter().map(|(name, module)| (name, Arc::new(module))).collect();
    Modules { by_name, intervals }
}

fn name_of(name: &str) -> Parsed<()> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if (1..=64).contains(&name.len()) && name.chars().all(fine) {
        Ok(())
    } else {
        Err("a module's name has 1 to 64 of the characters A-Z a-z 0-9 _ - .".to_owned())
    }
}

fn one(
    mut module: Module,
    fields: &Fields,
    base: &Path,
    environment: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Module {
    fields.set("port", &mut module.port, findings, value::port);
    fields.set("tls", &mut module.tls, findings, |text| {
        choice(text, TlsMode::ALL.iter().map(|mode| mode.as_str()), TlsMode::from_name)
    });
    fields.set("tls_verify", &mut module.tls_verify, findings, value::boolean);
    if let Some(name) = fields.value("tls_server_name", findings, server_name) {
        module.tls_server_name = Some(name);
    }
    if let Some(interval) = fields.value("interval", findings, interval) {
        module.interval = Some(interval);
    }
    if let Some(timeouts) = fields.map("timeouts", "modules.<name>.timeouts", findings) {
        read_timeouts(&mut module.timeouts, &timeouts, findings);
    }
    if let Some(auth) = fields.map("auth", "modules.<name>.auth", findings) {
        module.auth = Some(read_auth(&auth, module.tls, base, environment, findings));
    }
    if let Some(mail) = fields.map("mail", "modules.<name>.mail", findings) {
        module.mail = read_mail(&mail, findings);
    }
    if let Some(expect) = fields.map("expect", "modules.<name>.expect", findings) {
        // What was stated counts, right or not: one mistake is one message.
        let reach = Reach {
            tls: module.tls,
            auth: fields.at("auth").is_some(),
            mail: fields.at("mail").is_some(),
        };
        module.expect = read_expect(&expect, &reach, findings);
    }
    module
}

/// An interval of a module or a target.
pub(super) fn interval(text: &str) -> Parsed<Duration> {
    value::duration_in(text, Duration::from_secs(1), Duration::from_secs(8760 * 3600))
}

/// A bound on waiting.
pub(super) fn timeout(text: &str) -> Parsed<Duration> {
    value::duration_in(text, Duration::from_millis(1), Duration::from_secs(600))
}

/// One of a closed list of words.
pub(super) fn choice<T>(
    text: &str,
    words: impl Iterator<Item = &'static str>,
    parse: impl Fn(&str) -> Option<T>,
) -> Parsed<T> {
    parse(text).ok_or_else(|| {
        let words: Vec<&str> = words.collect();
        let (said, known) = (printable(text), words.join(", "));
        match near::nearest(text, words.iter().copied()) {
            Some(near) => format!("`{said}` is unknown, did you mean {near}? There are {known}"),
            None => format!("`{said}` is unknown; write one of {known}"),
        }
    })
}

fn server_name(text: &str) -> Parsed<Arc<str>> {
    match value::host(text)? {
        (_, Some(_)) => Err(format!("`{}` has a port; a certificate has none", printable(text))),
        (host, None) => Ok(Arc::from(host.to_string())),
    }
}

fn read_timeouts(timeouts: &mut Timeouts, fields: &Fields, findings: &mut Findings) {
    fields.set("connect", &mut timeouts.connect, findings, timeout);
    fields.set("greeting", &mut timeouts.greeting, findings, timeout);
    fields.set("reply", &mut timeouts.reply, findings, timeout);
    fields.set("total", &mut timeouts.total, findings, timeout);
    let total = timeouts.total;
    let parts =
        [("connect", timeouts.connect), ("greeting", timeouts.greeting), ("reply", timeouts.reply)];
    let at = fields.at("total");
    for (name, part) in parts.into_iter().filter(|(_, part)| *part > total) {
        let part_at = fields.at(name);
        let whose = if part_at.is_none() { ", the default" } else { "" };
        match (&at, part_at) {
            (Some(at), _) => findings.problem(
                &at.spot(),
                format!(
                    "{} is shorter than {name} ({}{whose}); raise total or lower {name}",
                    value::show(total),
                    value::show(part),
                ),
            ),
            (None, Some(part_at)) => findings.problem(
                &part_at.spot(),
                format!(
                    "{} is longer than total ({}, the default); raise total too",
                    value::show(part),
                    value::show(total)
                ),
            ),
            // Both come from the defaults, which fit.
            (None, None) => {}
        }
    }
}

fn read_auth(
    fields: &Fields,
    tls: TlsMode,
    base: &Path,
    environment: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Auth {
    let mut allow_plaintext = false;
    fields.set("allow_plaintext", &mut allow_plaintext, findings, value::boolean);
    if matches!(tls, TlsMode::None | TlsMode::Opportunistic) && !allow_plaintext {
        findings.problem(
            &fields.spot(),
            format!(
                "under `tls: {tls}` the secret could go over the wire in clear; write `tls: \
                 required` or `implicit`, or say `allow_plaintext: true`"
            ),
        );
    }
    if fields.at("username").is_none() {
        findings.problem(&fields.missing("username"), "is missing");
    }
    let username = fields.value("username", findings, |text| {
        if text.is_empty() || text.len() > 512 || text.chars().any(char::is_control) {
            Err("has 1 to 512 bytes without control characters".to_owned())
        } else {
            Ok(text.to_owned())
        }
    });
    let secret = secret::read(fields, base, environment, findings);
    // A login that was stated wrongly is still a login: checks further on that depend on whether
    // there is one would else report the same mistake again.
    Auth {
        username: username.unwrap_or_default(),
        secret: secret.unwrap_or_else(|| Secret::Password(SecretString::from(""))),
        allow_plaintext,
    }
}

fn read_mail(fields: &Fields, findings: &mut Findings) -> Option<Envelope> {
    for key in ["from", "to"] {
        if fields.at(key).is_none() {
            let hint = if key == "from" { "; the null sender is \"\"" } else { "" };
            findings.problem(&fields.missing(key), format!("is missing{hint}"));
        }
    }
    let from = fields.value("from", findings, |text| {
        if text.is_empty() { Ok(String::new()) } else { value::mail_address(text) }
    });
    let to = fields.value("to", findings, value::mail_address);
    Some(Envelope { from: from?, to: to? })
}

/// What decides which phases a module gets to.
struct Reach {
    tls: TlsMode,
    auth: bool,
    mail: bool,
}

impl Reach {
    /// Why no reply of this phase can be looked at; none when it can.
    fn obstacle(&self, phase: Phase) -> Option<&'static str> {
        let starttls = matches!(self.tls, TlsMode::Opportunistic | TlsMode::Required);
        match phase {
            Phase::Greeting | Phase::Ehlo => None,
            Phase::Starttls | Phase::EhloTls => {
                (!starttls).then_some("needs `tls: opportunistic` or `required`")
            }
            Phase::Auth => (!self.auth).then_some("needs `auth`"),
            Phase::Mail | Phase::Rcpt => (!self.mail).then_some("needs `mail`"),
            Phase::Resolve | Phase::Connect | Phase::TlsImplicit | Phase::Tls => {
                Some("has no reply")
            }
            Phase::Rset | Phase::Quit => Some("comes after all that is judged"),
        }
    }
}

fn read_expect(fields: &Fields, reach: &Reach, findings: &mut Findings) -> Option<Expect> {
    for key in ["phase", "codes"] {
        if fields.at(key).is_none() {
            findings.problem(&fields.missing(key), "is missing");
        }
    }
    let phase = fields.value("phase", findings, |text| {
        let open = || {
            Phase::ALL.iter().filter(|phase| reach.obstacle(**phase).is_none()).map(|p| p.as_str())
        };
        let phase = choice(text, open(), Phase::from_name)?;
        match reach.obstacle(phase) {
            None => Ok(phase),
            Some(why) => {
                let open: Vec<&str> = open().collect();
                Err(format!("`{phase}` {why}; this module reaches {}", open.join(", ")))
            }
        }
    });
    let list = fields.list("codes", findings)?;
    let wanted = ["a list", "nothing"];
    if list.is_empty() && fields.at("codes").is_some_and(|at| wanted.contains(&at.node.kind())) {
        findings.problem(&fields.missing("codes"), "is empty; write the codes, such as [550, 554]");
    }
    let mut codes = Vec::new();
    for at in &list {
        if let Some(code) = at.parse(findings, |text| value::number(text, 200, 599)) {
            let code = u16::try_from(code).unwrap_or_default();
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
    }
    (!codes.is_empty()).then_some(Expect { phase: phase?, codes })
}
