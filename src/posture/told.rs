//! A report as a person reads it: one section for each area, its facts in words, and its findings.

use std::time::Duration;

use super::dkim::DkimFacts;
use super::mx::{MxFacts, MxHost, Strict};
use super::sender::SenderFacts;
use super::spf::SpfAll;
use super::tlsa::DaneStatus;
use super::{Area, Finding, On, Report};

/// What is told of an area.
#[derive(Debug, Clone, PartialEq)]
pub struct Section<'a> {
    /// Its heading.
    pub title: &'static str,
    /// The area; none for BIMI, of which nothing can be wrong.
    pub area: Option<Area>,
    /// What was seen, in order.
    pub facts: Vec<Fact>,
    /// What is wrong.
    pub findings: Vec<&'a Finding>,
}

/// A fact in words. The value may hold a record's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Such as `record`, or a host.
    pub name: String,
    /// What was seen of it.
    pub value: String,
}

impl Area {
    /// The heading of what is told of it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dmarc => "DMARC",
            Self::MtaSts => "MTA-STS",
            Self::Tlsrpt => "TLS-RPT",
            Self::Dane => "DANE",
            Self::Mx => "Mail exchangers",
            Self::Ptr => "Sending addresses",
        }
    }
}

impl On {
    /// What it is about in words; none for the domain as a whole.
    pub fn said(&self) -> Option<String> {
        match self {
            Self::Domain => None,
            Self::Selector(name) | Self::Mx(name) => Some(name.to_string()),
            Self::Address(address) => Some(address.to_string()),
        }
    }
}

/// The whole report, in order of [`Area::ALL`], BIMI last.
pub fn sections(report: &Report) -> Vec<Section<'_>> {
    let mut all: Vec<Section<'_>> = Area::ALL
        .iter()
        .map(|area| Section {
            title: area.title(),
            area: Some(*area),
            facts: facts(report, *area),
            findings: report.findings.iter().filter(|one| one.problem.area() == *area).collect(),
        })
        .collect();
    let mut bimi = Facts::default();
    bimi.record(report.bimi.present, report.bimi.record.as_deref());
    all.push(Section { title: "BIMI", area: None, facts: bimi.0, findings: Vec::new() });
    all
}

/// How many errors and warnings, in words.
pub fn count(errors: usize, warnings: usize) -> String {
    let number = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    };
    let parts: Vec<String> =
        [number(errors, "error"), number(warnings, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "nothing wrong".to_owned() } else { parts.join(", ") }
}

fn facts(report: &Report, area: Area) -> Vec<Fact> {
    let mut told = Facts::default();
    match area {
        Area::Spf => spf(report, &mut told),
        Area::Dkim => report.dkim.iter().for_each(|key| told.add(&*key.selector, dkim(key))),
        Area::Dmarc => dmarc(report, &mut told),
        Area::MtaSts => mta_sts(report, &mut told),
        Area::Tlsrpt => told.record(report.tls_rpt.present, report.tls_rpt.record.as_deref()),
        Area::Dane => report.mx.hosts.iter().for_each(|host| told.add(&*host.host, dane(host))),
        Area::Mx => exchangers(&report.mx, &mut told),
        Area::Ptr => {
            report.senders.iter().for_each(|one| told.add(one.address.to_string(), sender(one)));
        }
    }
    told.0
}

/// Facts as they are put together.
#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push(Fact { name: name.into(), value: value.into() });
    }

    fn record(&mut self, present: Option<bool>, record: Option<&str>) {
        let value = match (present, record) {
            (_, Some(record)) => record,
            (Some(true), None) => "there is one",
            (Some(false), None) => "none",
            (None, None) => UNTOLD,
        };
        self.add("record", value);
    }
}

fn spf(report: &Report, told: &mut Facts) {
    let spf = &report.spf;
    told.record(spf.present, spf.record.as_deref());
    if let Some(all) = spf.all {
        told.add(
            "everybody else",
            match all {
                SpfAll::Pass => "may send (+all)",
                SpfAll::Fail => "may not send (-all)",
                SpfAll::Softfail => "may probably not send (~all)",
                SpfAll::Neutral => "nothing is said (?all)",
                SpfAll::Redirect => "as another domain's record says (redirect)",
                SpfAll::None => "nothing is said",
            },
        );
    }
    if let Some(lookups) = spf.lookups {
        let void = spf.void_lookups.unwrap_or_default();
        told.add("look-ups", format!("{lookups} of 10, {void} of 2 without an answer"));
    }
    for sender in &spf.senders {
        let by = sender.matched.as_ref().map(|term| format!(" by {term}")).unwrap_or_default();
        let asked = format!("{} look-ups", sender.lookups);
        told.add(sender.address.to_string(), format!("{}{by}, {asked}", sender.result));
    }
}

fn dkim(key: &DkimFacts) -> String {
    match key.present {
        None => return UNTOLD.to_owned(),
        Some(false) => return "no record".to_owned(),
        Some(true) => {}
    }
    let mut words = Vec::new();
    match (key.key, key.bits) {
        (Some(kind), Some(bits)) => words.push(format!("{kind}, {bits} bits")),
        (Some(kind), None) => words.push(kind.to_string()),
        (None, _) => {}
    }
    for (is, word) in [
        (key.revoked, "revoked"),
        (key.testing, "under test"),
        (key.valid == Some(false) && !key.revoked, "not valid"),
    ] {
        if is {
            words.push(word.to_owned());
        }
    }
    words.extend(key.record.clone());
    words.join(", ")
}

fn dmarc(report: &Report, told: &mut Facts) {
    let dmarc = &report.dmarc;
    told.record(dmarc.present, dmarc.record.as_deref());
    if let Some(at) = dmarc.at.as_ref().filter(|at| **at != *report.subject.domain) {
        told.add("stands at", at);
    }
    if let Some(policy) = dmarc.policy {
        let mut value = policy.to_string();
        if let Some(below) = dmarc.subdomain_policy {
            value.push_str(&format!(", subdomains {below}"));
        }
        if let Some(percent) = dmarc.percent.filter(|percent| *percent < 100) {
            value.push_str(&format!(", for {percent} % of the mail"));
        }
        told.add("policy", value);
    }
    if let (Some(dkim), Some(spf)) = (dmarc.dkim_alignment, dmarc.spf_alignment) {
        told.add("alignment", format!("DKIM {dkim}, SPF {spf}"));
    }
    for report in &dmarc.reports {
        let name = if report.aggregate { "reports" } else { "failure reports" };
        let agreed = match report.authorized {
            Some(true) => ", which has agreed",
            Some(false) => ", which has not agreed",
            None => "",
        };
        told.add(name, format!("{}{agreed}", report.uri));
    }
}

fn mta_sts(report: &Report, told: &mut Facts) {
    let sts = &report.mta_sts;
    told.record(sts.present, sts.record.as_deref());
    if let Some(fetched) = sts.fetched {
        told.add("policy", if fetched { "fetched" } else { "could not be fetched" });
    }
    if let Some(mode) = sts.mode {
        told.add("mode", mode.as_str());
    }
    if let Some(age) = sts.max_age {
        told.add("kept for", span(age));
    }
    if !sts.patterns.is_empty() {
        told.add("names", sts.patterns.join(", "));
    }
}

fn exchangers(mx: &MxFacts, told: &mut Facts) {
    match mx.records {
        None => told.add("records", UNTOLD),
        Some(_) if mx.null => told.add("records", "a null MX: the domain takes no mail"),
        Some(_) if mx.implicit => told.add("records", "none: senders go to the domain's address"),
        Some(number) => told.add("records", number.to_string()),
    }
    for host in &mx.hosts {
        let mut words = vec![format!("preference {}", host.preference)];
        words.push(match &host.addresses {
            None => format!("addresses {UNTOLD}"),
            Some(addresses) if addresses.is_empty() => "no address".to_owned(),
            Some(addresses) => {
                addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
        });
        let said = [
            (host.reached, "", "not reached"),
            (host.starttls, "STARTTLS", "no STARTTLS"),
            (host.pkix, "certificate verifies", "certificate does not verify"),
            (host.sts_covered, "named by the policy", "not named by the policy"),
        ];
        let said = said.iter().filter_map(|(is, yes, no)| Some(if (*is)? { *yes } else { *no }));
        words.extend(said.filter(|word| !word.is_empty()).map(str::to_owned));
        words.extend(host.strict.map(|strict| strictly(strict).to_owned()));
        told.add(&*host.host, words.join(", "));
    }
}

const fn strictly(strict: Strict) -> &'static str {
    match strict {
        Strict::Dane => "a strict sender delivers by DANE",
        Strict::MtaSts => "a strict sender delivers by MTA-STS",
        Strict::Opportunistic => "nothing asks for verified TLS",
        Strict::RefusedDane => "a strict sender does not deliver: DANE",
        Strict::RefusedMtaSts => "a strict sender does not deliver: MTA-STS",
    }
}

fn dane(host: &MxHost) -> String {
    let dane = &host.dane;
    let Some(status) = dane.status else { return UNTOLD.to_owned() };
    let mut words = vec![
        match status {
            DaneStatus::Secure => "proven by DNSSEC",
            DaneStatus::Insecure => "in a zone that is not signed: nobody heeds it",
            DaneStatus::None => "no TLSA record",
            DaneStatus::Bogus => "DNSSEC says forged or out of date",
            DaneStatus::Failed => UNTOLD,
        }
        .to_owned(),
    ];
    for record in dane.records.iter().take(RECORDS) {
        words.push(format!("{} {} {}", record.usage, record.selector, record.matching));
    }
    if dane.records.len() > RECORDS {
        words.push(format!("{} more", dane.records.len() - RECORDS));
    }
    let said = [
        (dane.matched, "matches", "does not match"),
        (dane.spare, "a spare for the next key", "no spare for the next key"),
    ];
    let said = said.iter().filter_map(|(is, yes, no)| Some(if (*is)? { *yes } else { *no }));
    words.extend(said.map(str::to_owned));
    words.extend(dane.ttl.map(|ttl| format!("TTL {}", span(ttl))));
    words.join(", ")
}

fn sender(sender: &SenderFacts) -> String {
    let mut words = Vec::new();
    match sender.present {
        None => return UNTOLD.to_owned(),
        Some(false) => words.push("no reverse name".to_owned()),
        Some(true) => words.push(sender.names.join(" ")),
    }
    let said = [
        (sender.confirmed, "leads back", "does not lead back"),
        (sender.helo_matches, "is the EHLO name", "is not the EHLO name"),
        (sender.helo_confirmed, "the EHLO name leads here", "the EHLO name does not lead here"),
        (sender.generic, "looks like a dial-up line's", ""),
    ];
    let said = said.iter().filter_map(|(is, yes, no)| Some(if (*is)? { *yes } else { *no }));
    words.extend(said.filter(|word| !word.is_empty()).map(str::to_owned));
    words.join(", ")
}

/// A time in its largest whole unit.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute")];
    let fits = units.iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    let (number, unit) = fits.map_or((seconds, "second"), |(unit, name)| (seconds / unit, name));
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

/// What stands where nobody answered.
const UNTOLD: &str = "could not be told";
/// TLSA records of a host that are named.
const RECORDS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "90 seconds"),
            (3600, "1 hour"),
            (604_800, "1 week"),
            (86_400 * 30, "30 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn counts_are_told_in_words() {
        assert_eq!(count(0, 0), "nothing wrong");
        assert_eq!(count(1, 2), "1 error, 2 warnings");
        assert_eq!(count(0, 1), "1 warning");
    }
}
