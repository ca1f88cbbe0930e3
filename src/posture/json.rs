//! A report as JSON, for programs. A fact that could not be told is `null`.

use serde_json::{Value, json};

use super::{Area, Finding, On, Report, Severity};

/// Everything but when it was, which the caller writes in its own form, and the transcript.
pub fn facts(report: &Report) -> Value {
    let subject = &report.subject;
    let spf = &report.spf;
    let dmarc = &report.dmarc;
    let sts = &report.mta_sts;
    json!({
        "subject": {
            "dkim_selectors": names(&subject.dkim_selectors),
            "sending_addresses": subject.sending_addresses,
            "helo": subject.helo.as_deref(),
            "interval_seconds": subject.interval.as_secs_f64(),
        },
        "spf": {
            "present": spf.present,
            "valid": spf.valid,
            "record": spf.record,
            "all": spf.all,
            "lookups": spf.lookups,
            "void_lookups": spf.void_lookups,
            "senders": spf.senders.iter().map(|sender| json!({
                "address": sender.address,
                "result": sender.result,
                "lookups": sender.lookups,
                "void_lookups": sender.void_lookups,
                "matched": sender.matched,
            })).collect::<Vec<_>>(),
        },
        "dkim": report.dkim.iter().map(|key| json!({
            "selector": &*key.selector,
            "present": key.present,
            "valid": key.valid,
            "type": key.key,
            "bits": key.bits,
            "revoked": key.revoked,
            "testing": key.testing,
            "record": key.record,
        })).collect::<Vec<_>>(),
        "dmarc": {
            "present": dmarc.present,
            "valid": dmarc.valid,
            "organizational_domain": dmarc.organizational,
            "at": dmarc.at,
            "record": dmarc.record,
            "policy": dmarc.policy,
            "subdomain_policy": dmarc.subdomain_policy,
            "percent": dmarc.percent,
            "dkim_alignment": dmarc.dkim_alignment,
            "spf_alignment": dmarc.spf_alignment,
            "reports": dmarc.reports.iter().map(|report| json!({
                "aggregate": report.aggregate,
                "uri": report.uri,
                "authorized": report.authorized,
            })).collect::<Vec<_>>(),
        },
        "mta_sts": {
            "present": sts.present,
            "valid": sts.valid,
            "record": sts.record,
            "id": sts.id,
            "policy_fetched": sts.fetched,
            "mode": sts.mode,
            "max_age_seconds": sts.max_age.map(|age| age.as_secs()),
            "mx": sts.patterns,
        },
        "tlsrpt": {
            "present": report.tls_rpt.present,
            "valid": report.tls_rpt.valid,
            "record": report.tls_rpt.record,
        },
        "bimi": { "present": report.bimi.present, "record": report.bimi.record },
        "mx": exchangers(report),
        "ptr": report.senders.iter().map(|sender| json!({
            "address": sender.address,
            "present": sender.present,
            "names": sender.names,
            "confirmed": sender.confirmed,
            "helo_matches": sender.helo_matches,
            "helo_confirmed": sender.helo_confirmed,
            "generic": sender.generic,
        })).collect::<Vec<_>>(),
    })
}

fn exchangers(report: &Report) -> Value {
    let mx = &report.mx;
    json!({
        "records": mx.records,
        "valid": mx.valid,
        "null": mx.null,
        "implicit": mx.implicit,
        "hosts": mx.hosts.iter().map(|host| json!({
            "host": &*host.host,
            "preference": host.preference,
            "addresses": host.addresses,
            "reached": host.reached,
            "starttls": host.starttls,
            "certificate_verified": host.pkix,
            "mta_sts_covered": host.sts_covered,
            "strict": host.strict,
            "strict_delivers": host.strict.map(|strict| strict.delivers()),
            "dane": {
                "status": host.dane.status,
                "records": host.dane.records.iter().map(|record| {
                    format!("{} {} {}", record.usage, record.selector, record.matching)
                }).collect::<Vec<_>>(),
                "usable": host.dane.usable,
                "matched": host.dane.matched,
                "spare": host.dane.spare,
                "ttl_seconds": host.dane.ttl.map(|ttl| ttl.as_secs()),
            },
        })).collect::<Vec<_>>(),
    })
}

/// A finding with its advice.
pub fn finding(finding: &Finding) -> Value {
    let advice = finding.problem.advice();
    json!({
        "problem": finding.problem,
        "area": finding.problem.area(),
        "severity": finding.problem.severity(),
        "on": finding.on.said(),
        "on_kind": match finding.on {
            On::Domain => "domain",
            On::Selector(_) => "selector",
            On::Address(_) => "address",
            On::Mx(_) => "mx",
        },
        "detail": finding.detail,
        "meaning": advice.meaning,
        "action": advice.action,
        "doc": advice.doc,
    })
}

/// What was asked and answered.
pub fn transcript(report: &Report) -> Value {
    let exchange = |one: &super::Exchange| json!({"question": one.question, "answer": one.answer});
    report.transcript.iter().map(exchange).collect()
}

/// How many findings there are of each severity.
pub fn counts(report: &Report) -> (usize, usize) {
    let of = |severity| Area::ALL.iter().map(|area| report.count(*area, severity)).sum();
    (of(Severity::Error), of(Severity::Warning))
}

fn names(list: &[std::sync::Arc<str>]) -> Vec<&str> {
    list.iter().map(|name| &**name).collect()
}
