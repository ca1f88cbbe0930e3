//! `dnsbl.subjects`: what is looked up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::label::{label_name, label_value};
use super::super::text::printable;
use super::super::tree::Value;
use super::super::value::{self, Parsed};
use super::super::walk::{At, Fields, Findings, Spot};
use crate::dnsbl::{Subject, Wanted, subject};

/// What was read.
#[derive(Default)]
pub(super) struct Subjects {
    pub(super) wanted: Vec<Wanted>,
    pub(super) from_targets: Option<Labels>,
    pub(super) own: Option<Labels>,
}

type Labels = BTreeMap<String, String>;

/// Reads the list. Addresses that no list can know are told about unless all lists are `ours`.
pub(super) fn read(fields: &Fields, ours: bool, findings: &mut Findings) -> Subjects {
    let mut found = Gathered::default();
    for at in fields.list("subjects", findings).unwrap_or_default() {
        if !findings.full() {
            found.one(&at, ours, findings);
        }
    }
    found.finish()
}

#[derive(Default)]
struct Gathered {
    subjects: Subjects,
    /// Where each one was stated, and whether as a part of a network.
    places: BTreeMap<Subject, (Spot, bool)>,
}

impl Gathered {
    fn one(&mut self, at: &At, ours: bool, findings: &mut Findings) {
        if let Value::Scalar(text) = &at.node.value {
            match text.as_str() {
                "own" => self.special("own", at.spot(), Labels::new(), findings),
                "from_targets" => {
                    self.special("from_targets", at.spot(), Labels::new(), findings);
                }
                text => self.stated(text, &at.spot(), &Labels::new(), ours, findings),
            }
            return;
        }
        let fields = at.clone().fields("dnsbl.subjects[]", findings);
        if !matches!(fields.at.node.value, Value::Map(_)) {
            if matches!(fields.at.node.value, Value::Null { .. }) {
                findings.problem(&fields.spot(), "is empty; write a subject, or drop the dash");
            }
            return;
        }
        let labels = labels(&fields, findings);
        let stated: Vec<&str> = ["subject", "from_targets", "own"]
            .into_iter()
            .filter(|key| fields.at(key).is_some())
            .collect();
        match stated.as_slice() {
            ["subject"] => {
                let Some(at) = fields.at("subject") else { return };
                if let Some(text) = at.text(findings) {
                    self.stated(&text, &at.spot(), &labels, ours, findings);
                }
            }
            [key @ ("from_targets" | "own")] => {
                if fields.value(key, findings, value::boolean) == Some(true) {
                    self.special(key, fields.spot(), labels, findings);
                }
            }
            [] => findings.problem(
                &fields.spot(),
                "names nothing to look up; state subject, from_targets: true or own: true",
            ),
            many => {
                for key in many {
                    if let Some(at) = fields.at(key)
                        && *key != "subject"
                    {
                        let _ = at.parse(findings, value::boolean);
                    }
                }
                findings.problem(
                    &fields.spot(),
                    format!("says {}; write an entry for each", many.join(" and ")),
                );
            }
        }
    }

    fn special(&mut self, key: &str, spot: Spot, labels: Labels, findings: &mut Findings) {
        let slot =
            if key == "own" { &mut self.subjects.own } else { &mut self.subjects.from_targets };
        if slot.is_some() {
            findings.problem(&spot, format!("`{key}` stands twice"));
        } else {
            *slot = Some(labels);
        }
    }

    fn stated(
        &mut self,
        text: &str,
        spot: &Spot,
        labels: &Labels,
        ours: bool,
        findings: &mut Findings,
    ) {
        let network = text.contains('/');
        let Some(all) = findings.take(spot, subjects_of(text)) else { return };
        if !ours && let Some(odd) = all.iter().find_map(unknown_to_lists) {
            findings.warn(spot, odd);
        }
        for subject in all {
            let earlier = self.places.get(&subject);
            match earlier {
                // An address that is stated beside its network keeps its own labels.
                Some((_, false)) if network => continue,
                Some((_, true)) if !network => {
                    self.subjects.wanted.retain(|wanted| wanted.subject != subject);
                }
                Some((first, _)) => {
                    let line = first.line();
                    findings.problem(spot, format!("{subject} stands twice ({line})"));
                    return;
                }
                None => {}
            }
            self.places.insert(subject.clone(), (spot.clone(), network));
            self.subjects.wanted.push(Wanted { subject, labels: labels.clone() });
        }
    }

    fn finish(mut self) -> Subjects {
        self.subjects.wanted.sort_by(|a, b| a.subject.cmp(&b.subject));
        self.subjects
    }
}

fn labels(fields: &Fields, findings: &mut Findings) -> Labels {
    let mut labels = Labels::new();
    for (key, spot, at) in fields.at("labels").map(|at| at.entries(findings)).unwrap_or_default() {
        if let Err(message) = label_name(&key) {
            findings.problem(&spot, message);
        } else if let Some(text) = at.parse(findings, label_value) {
            labels.insert(key.to_string(), text);
        }
    }
    labels
}

/// One subject, or each address of a network.
pub(crate) fn subjects_of(text: &str) -> Parsed<Vec<Subject>> {
    if text.contains('/') && !text.contains("://") {
        subject::expand(value::network(text)?)
    } else {
        Subject::parse(text).map(|subject| vec![subject])
    }
}

/// Why no list can know an address; none when one could.
fn unknown_to_lists(subject: &Subject) -> Option<String> {
    let Subject::Address(address) = subject else { return None };
    let what = match address {
        IpAddr::V4(v4) if v4.is_loopback() => "a loopback address",
        IpAddr::V4(v4) if v4.is_private() => "a private address",
        IpAddr::V4(v4) if v4.is_link_local() => "a link-local address",
        IpAddr::V4(v4) if v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64 => {
            "an address behind a carrier's NAT"
        }
        IpAddr::V6(v6) if v6.is_loopback() => "a loopback address",
        IpAddr::V6(v6) if v6.is_unique_local() => "a private address",
        IpAddr::V6(v6) if v6.is_unicast_link_local() => "a link-local address",
        _ => return None,
    };
    let shown = printable(&address.to_string());
    Some(format!("{shown} is {what}, which no list knows; write the address that others see"))
}
