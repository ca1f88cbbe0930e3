//! From what evaluations came to, to what is said of a domain.

use std::net::IpAddr;

use super::super::{Finding, On, Problem};
use super::lint::finding;
use super::{Outcome, SpfFacts, SpfResult, SpfSender};

/// Joins the walk of the whole record and the evaluations for the sending addresses, in order.
///
/// Findings are added, each once however many evaluations met it. A number that a missing answer
/// makes too small is none, unless it is above its limit all the same.
pub fn facts(
    walk: &Outcome,
    senders: &[(IpAddr, Outcome)],
    findings: &mut Vec<Finding>,
) -> SpfFacts {
    for found in &walk.findings {
        add(findings, found);
    }
    for (address, outcome) in senders {
        for found in &outcome.findings {
            // The walk tells of these limits, with the number.
            let limit = matches!(
                found.problem,
                Problem::SpfTooManyLookups | Problem::SpfTooManyVoidLookups
            );
            let told = findings.iter().any(|other| other.problem == found.problem);
            if !limit || !told {
                add(findings, found);
            }
        }
        if let Some(found) = not_passing(*address, outcome) {
            add(findings, &found);
        }
    }
    let ended = |result| {
        walk.result == result || senders.iter().any(|(_, outcome)| outcome.result == result)
    };
    let valid = match walk.present {
        Some(true) if ended(SpfResult::Permerror) => Some(false),
        Some(true) if ended(SpfResult::Temperror) => None,
        present => present,
    };
    let unanswered = walk.findings.iter().any(|found| found.problem == Problem::SpfDnsFailure);
    let number = |number: u32, limit: Problem| {
        let passed = walk.findings.iter().any(|found| found.problem == limit);
        (walk.record.is_some() && (passed || !unanswered)).then_some(number)
    };
    SpfFacts {
        present: walk.present,
        valid,
        record: walk.record.clone(),
        all: walk.all,
        lookups: number(walk.lookups, Problem::SpfTooManyLookups),
        void_lookups: number(walk.void_lookups, Problem::SpfTooManyVoidLookups),
        senders: senders.iter().map(|(address, outcome)| sender(*address, outcome)).collect(),
    }
}

fn sender(address: IpAddr, outcome: &Outcome) -> SpfSender {
    SpfSender {
        address,
        result: outcome.result,
        lookups: outcome.lookups,
        void_lookups: outcome.void_lookups,
        matched: outcome.matched.clone(),
    }
}

/// A sending address that does not pass. One of which it cannot be told now is left to the next look.
fn not_passing(address: IpAddr, outcome: &Outcome) -> Option<Finding> {
    let result = outcome.result;
    let why = match (result, &outcome.matched) {
        (SpfResult::Pass | SpfResult::Temperror, _) => return None,
        (_, Some(matched)) => format!("{result} by {matched}"),
        (SpfResult::Permerror, _) => format!("{result}: the record is wrong"),
        (SpfResult::None, _) => format!("{result}: there is no record"),
        _ => format!("{result}: no term matches"),
    };
    let detail = format!("{address}: {why}");
    Some(Finding { on: On::Address(address), ..finding(Problem::SpfSenderNotPassing, detail) })
}

fn add(findings: &mut Vec<Finding>, found: &Finding) {
    if !findings.contains(found) {
        findings.push(found.clone());
    }
}
