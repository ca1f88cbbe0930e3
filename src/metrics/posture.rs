//! The one place where what was seen of a domain's records and keys becomes samples.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::catalogue::{Def, Family, MAX_PROBLEMS, Scope};
use super::label::posture::{self as label, DeliveryPolicy, ReportKind};
use super::record::{Sink, Value, moment};
use crate::posture::dkim::DkimFacts;
use crate::posture::dmarc::{Alignment, DmarcFacts};
use crate::posture::mx::{MAX_HOSTS, MxHost};
use crate::posture::sender::SenderFacts;
use crate::posture::spf::SpfSender;
use crate::posture::tlsa::DaneStatus;
use crate::posture::{Area, On, Report, Severity};

/// The last look at each domain, with the text of its labels: a scrape passes over them family by
/// family.
#[derive(Debug)]
pub struct Text {
    domains: Vec<Domain>,
}

/// One domain. Each selector, address and host once: two samples with the same labels would make
/// Prometheus refuse everything.
#[derive(Debug)]
struct Domain {
    text: String,
    selectors: BTreeMap<Arc<str>, (String, usize)>,
    addresses: BTreeMap<IpAddr, Address>,
    hosts: BTreeMap<Arc<str>, (String, usize)>,
    report: Arc<Report>,
}

/// One sending address, and where its facts stand.
#[derive(Debug, Default)]
struct Address {
    text: String,
    spf: Option<usize>,
    reverse: Option<usize>,
}

impl Text {
    /// These reports.
    pub fn new(reports: impl IntoIterator<Item = Arc<Report>>) -> Self {
        Self { domains: reports.into_iter().map(Domain::new).collect() }
    }

    /// Hands the samples of a family of one domain to `sink`: none when there is no such domain, and
    /// no sample when the family is of another room's scope.
    pub fn record(&self, def: &Def, item: usize, sink: &mut impl Sink) -> Option<()> {
        let domain = self.domains.get(item)?;
        match def.scope {
            Scope::Domain => domain.record(def.family, sink),
            Scope::Selector => {
                for (text, place) in domain.selectors.values() {
                    if let Some(key) = domain.report.dkim.get(*place) {
                        record_key(def.family, text, key, sink);
                    }
                }
            }
            Scope::Sender => {
                for address in domain.addresses.values() {
                    let spf = address.spf.and_then(|at| domain.report.spf.senders.get(at));
                    let reverse = address.reverse.and_then(|at| domain.report.senders.get(at));
                    record_sender(def.family, &address.text, spf, reverse, sink);
                }
            }
            Scope::Exchanger => {
                for (text, place) in domain.hosts.values() {
                    if let Some(host) = domain.report.mx.hosts.get(*place) {
                        record_host(def.family, text, host, sink);
                    }
                }
            }
            Scope::Target
            | Scope::Whole
            | Scope::Endpoint
            | Scope::List
            | Scope::Listing
            | Scope::Exporter => {}
        }
        Some(())
    }
}

impl Domain {
    fn new(report: Arc<Report>) -> Self {
        let subject = &report.subject;
        let mut selectors = BTreeMap::new();
        for (place, key) in report.dkim.iter().enumerate() {
            let text = || (label::selector_text(subject, &key.selector), place);
            selectors.entry(key.selector.clone()).or_insert_with(text);
        }
        let mut addresses: BTreeMap<IpAddr, Address> = BTreeMap::new();
        let new = |address| {
            move || Address { text: label::sender_text(subject, address), ..Address::default() }
        };
        for (place, sender) in report.spf.senders.iter().enumerate() {
            let known = addresses.entry(sender.address).or_insert_with(new(sender.address));
            known.spf.get_or_insert(place);
        }
        for (place, sender) in report.senders.iter().enumerate() {
            let known = addresses.entry(sender.address).or_insert_with(new(sender.address));
            known.reverse.get_or_insert(place);
        }
        let mut hosts = BTreeMap::new();
        for (place, host) in report.mx.hosts.iter().enumerate().take(MAX_HOSTS) {
            let text = || (label::exchanger_text(subject, &host.host), place);
            hosts.entry(host.host.clone()).or_insert_with(text);
        }
        Self { text: label::domain_text(subject), selectors, addresses, hosts, report }
    }

    fn record(&self, family: Family, sink: &mut impl Sink) {
        let (text, report) = (self.text.as_str(), &*self.report);
        let mut flag = |value: Option<bool>| fact(sink, text, value.map(Value::Flag));
        match family {
            Family::SpfPresent => flag(report.spf.present),
            Family::SpfValid => flag(report.spf.valid),
            Family::DmarcPresent => flag(report.dmarc.present),
            Family::DmarcValid => flag(report.dmarc.valid),
            Family::MtaStsPresent => flag(report.mta_sts.present),
            Family::MtaStsValid => flag(report.mta_sts.valid),
            Family::MtaStsFetched => flag(report.mta_sts.fetched),
            Family::TlsrptPresent => flag(report.tls_rpt.present),
            Family::TlsrptValid => flag(report.tls_rpt.valid),
            Family::BimiPresent => flag(report.bimi.present),
            Family::MxValid => flag(report.mx.valid),
            Family::PostureTimestamp => sink.sample(text, &[], moment(report.ended)),
            Family::PostureDuration => sink.sample(text, &[], Value::Seconds(report.duration)),
            Family::PostureInterval => {
                sink.sample(text, &[], Value::Seconds(report.subject.interval));
            }
            Family::PostureProblems => {
                for area in Area::ALL {
                    for severity in Severity::ALL {
                        let count = Value::Count(report.count(*area, *severity) as u64);
                        sink.sample(text, &[area.as_str(), severity.as_str()], count);
                    }
                }
            }
            Family::SpfLookups => fact(sink, text, report.spf.lookups.map(count)),
            Family::SpfVoidLookups => fact(sink, text, report.spf.void_lookups.map(count)),
            Family::SpfInfo => one(sink, text, report.spf.all.map(|all| all.as_str())),
            Family::DmarcInfo => record_policy(text, &report.dmarc, sink),
            Family::DmarcPercent => {
                fact(sink, text, report.dmarc.percent.map(|part| count(part.into())));
            }
            Family::DmarcAuthorized => record_receivers(text, &report.dmarc, sink),
            Family::MtaStsInfo => one(sink, text, report.mta_sts.mode.map(|mode| mode.as_str())),
            Family::MtaStsMaxAge => fact(sink, text, report.mta_sts.max_age.map(Value::Seconds)),
            Family::MxRecords => fact(sink, text, report.mx.records.map(count)),
            Family::SpfProblem => self.problems(Area::Spf, sink),
            Family::DkimProblem => self.problems(Area::Dkim, sink),
            Family::DmarcProblem => self.problems(Area::Dmarc, sink),
            Family::MtaStsProblem => self.problems(Area::MtaSts, sink),
            Family::TlsrptProblem => self.problems(Area::Tlsrpt, sink),
            Family::DaneProblem => self.problems(Area::Dane, sink),
            Family::MxProblem => self.problems(Area::Mx, sink),
            Family::PtrProblem => self.problems(Area::Ptr, sink),
            // Of another scope. That no family falls through is a test.
            _ => {}
        }
    }

    /// One sample for each problem of an area and what it is about, at most [`MAX_PROBLEMS`].
    fn problems(&self, area: Area, sink: &mut impl Sink) {
        let mut seen = BTreeSet::new();
        for finding in self.report.findings.iter().filter(|one| one.problem.area() == area) {
            let on = match (&finding.on, area) {
                (On::Selector(selector), Area::Dkim) => Some(selector.to_string()),
                (On::Address(address), Area::Spf | Area::Ptr) => Some(address.to_string()),
                (On::Mx(host), Area::MtaSts | Area::Dane | Area::Mx) => Some(host.to_string()),
                // The family has no label for it.
                _ => None,
            };
            let problem = finding.problem.as_str();
            if seen.len() == MAX_PROBLEMS || !seen.insert((problem, on.clone())) {
                continue;
            }
            match &on {
                Some(on) => sink.sample(&self.text, &[problem, on], Value::Flag(true)),
                None => sink.sample(&self.text, &[problem], Value::Flag(true)),
            }
        }
    }
}

fn record_policy(text: &str, dmarc: &DmarcFacts, sink: &mut impl Sink) {
    let Some(policy) = dmarc.policy else { return };
    // What a record does not say is what RFC 7489, 6.3 puts in its place.
    let labels = [
        policy.as_str(),
        dmarc.subdomain_policy.unwrap_or(policy).as_str(),
        dmarc.dkim_alignment.unwrap_or(Alignment::Relaxed).as_str(),
        dmarc.spf_alignment.unwrap_or(Alignment::Relaxed).as_str(),
    ];
    sink.sample(text, &labels, Value::Flag(true));
}

fn record_receivers(text: &str, dmarc: &DmarcFacts, sink: &mut impl Sink) {
    for aggregate in [true, false] {
        let told = dmarc.reports.iter().filter(|report| report.aggregate == aggregate);
        let told: Vec<bool> = told.filter_map(|report| report.authorized).collect();
        if !told.is_empty() {
            let agreed = Value::Flag(told.iter().all(|agreed| *agreed));
            sink.sample(text, &[ReportKind::of(aggregate).as_str()], agreed);
        }
    }
}

fn record_key(family: Family, text: &str, key: &DkimFacts, sink: &mut impl Sink) {
    // Without a record nothing was said of revoking or testing.
    let said = |flag: bool| (key.present == Some(true)).then_some(Value::Flag(flag));
    match family {
        Family::DkimPresent => fact(sink, text, key.present.map(Value::Flag)),
        Family::DkimValid => fact(sink, text, key.valid.map(Value::Flag)),
        Family::DkimBits => fact(sink, text, key.bits.map(count)),
        Family::DkimInfo => one(sink, text, key.key.map(|kind| kind.as_str())),
        Family::DkimRevoked => fact(sink, text, said(key.revoked)),
        Family::DkimTesting => fact(sink, text, said(key.testing)),
        _ => {}
    }
}

fn record_sender(
    family: Family,
    text: &str,
    spf: Option<&SpfSender>,
    reverse: Option<&SenderFacts>,
    sink: &mut impl Sink,
) {
    let name = |told: fn(&SenderFacts) -> Option<bool>| reverse.and_then(told).map(Value::Flag);
    match family {
        Family::SpfSenderResult => one(sink, text, spf.map(|spf| spf.result.as_str())),
        Family::SpfSenderLookups => fact(sink, text, spf.map(|spf| count(spf.lookups))),
        Family::SpfSenderVoidLookups => fact(sink, text, spf.map(|spf| count(spf.void_lookups))),
        Family::PtrPresent => fact(sink, text, name(|facts| facts.present)),
        Family::PtrConfirmed => fact(sink, text, name(|facts| facts.confirmed)),
        Family::PtrHeloMatches => fact(sink, text, name(|facts| facts.helo_matches)),
        Family::PtrHeloConfirmed => fact(sink, text, name(|facts| facts.helo_confirmed)),
        Family::PtrGeneric => fact(sink, text, name(|facts| facts.generic)),
        _ => {}
    }
}

fn record_host(family: Family, text: &str, host: &MxHost, sink: &mut impl Sink) {
    let dane = &host.dane;
    let mut flag = |value: Option<bool>| fact(sink, text, value.map(Value::Flag));
    match family {
        Family::MtaStsCovered => flag(host.sts_covered),
        Family::MxStarttls => flag(host.starttls),
        Family::MxVerified => flag(host.pkix),
        Family::DaneMatched => flag(dane.matched),
        Family::DaneSpare => flag(dane.spare),
        Family::MxAddresses => {
            let number = host.addresses.as_ref().map(|addresses| addresses.len() as u64);
            fact(sink, text, number.map(Value::Count));
        }
        Family::MxStrict => {
            if let Some(strict) = host.strict {
                let policy = DeliveryPolicy::of(strict);
                sink.sample(text, &[policy.as_str()], Value::Flag(strict.delivers()));
            }
        }
        Family::DaneInfo => one(sink, text, dane.status.map(|status| status.as_str())),
        Family::DaneUsable => {
            // Whether there are records is not known of an answer that failed or is forged.
            let told = !matches!(dane.status, None | Some(DaneStatus::Bogus | DaneStatus::Failed));
            fact(sink, text, told.then(|| count(dane.usable)));
        }
        Family::DaneRecords => {
            let mut numbers = BTreeMap::new();
            for record in &dane.records {
                *numbers.entry(label::tlsa(record)).or_insert(0) += 1;
            }
            for ((usage, selector, matching), number) in numbers {
                let labels = [usage.as_str(), selector.as_str(), matching.as_str()];
                sink.sample(text, &labels, Value::Count(number));
            }
        }
        _ => {}
    }
}

/// A sample when it was observed.
fn fact(sink: &mut impl Sink, text: &str, value: Option<Value>) {
    if let Some(value) = value {
        sink.sample(text, &[], value);
    }
}

/// 1 for the value of the one label.
fn one(sink: &mut impl Sink, text: &str, label: Option<&str>) {
    if let Some(label) = label {
        sink.sample(text, &[label], Value::Flag(true));
    }
}

const fn count(number: u32) -> Value {
    Value::Count(number as u64)
}
