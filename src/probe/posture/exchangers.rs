//! Mail exchangers: their records, their addresses, their TLSA records, and a visit of each.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::ask::Asker;
use super::visits::{Visited, Visitor};
use crate::posture::mx::{self, MxFacts};
use crate::posture::tlsa::{self, Seen, Shown};
use crate::posture::{
    Answer, Finding, Kind, On, Outcome, Problem, Proof, Question, Subject, Trouble,
};

/// What was seen of them.
#[derive(Default)]
pub(super) struct Exchangers {
    pub(super) facts: MxFacts,
    pub(super) findings: Vec<Finding>,
    /// The longest that one waited for its permit.
    pub(super) waited: Duration,
}

/// The records, then every host side by side.
pub(super) async fn look(asker: Asker, subject: Arc<Subject>, visitor: Visitor) -> Exchangers {
    let mut findings = Vec::new();
    let records = asker.ask_secure(&Question::new(&*subject.domain, Kind::Mx)).await;
    if records.trouble() == Some(Trouble::Bogus) {
        let detail = "the MX records, or the proof that there are none, do not verify".to_owned();
        findings.push(Finding { problem: Problem::DaneBogus, on: On::Domain, detail });
    }
    let mut facts = mx::judge(&subject.domain, &records, &mut findings);
    let names: Vec<Arc<str>> = facts.hosts.iter().map(|host| host.host.clone()).collect();
    let addresses = side_by_side(names.iter().cloned().map(|host| {
        let asker = asker.clone();
        async move { addresses(&asker, &host).await }
    }))
    .await;
    for (index, answers) in addresses.iter().enumerate() {
        if let Some((ipv4, ipv6)) = answers {
            mx::judge_addresses(&mut facts, index, ipv4, ipv6, &mut findings);
        }
    }
    let seen = side_by_side(facts.hosts.iter().zip(&addresses).map(|(host, answers)| {
        let (asker, visitor, subject) = (asker.clone(), visitor.clone(), subject.clone());
        let (name, found) = (host.host.clone(), host.addresses.clone());
        let (answers, proof) = (answers.clone(), records.proof);
        async move {
            let dane = match &answers {
                Some((ipv4, ipv6)) => {
                    associations(&asker, &subject, &name, proof, ipv4, ipv6).await
                }
                None => None,
            };
            let visit = visit(&asker, &visitor, &subject, &name, found).await;
            (dane, visit)
        }
    }))
    .await;
    let mut longest = Duration::ZERO;
    for (host, seen) in facts.hosts.iter_mut().zip(seen) {
        // A panic costs this host and no other.
        let Some((dane, (visited, waited))) = seen else { continue };
        longest = longest.max(waited);
        if let Some(visited) = &visited {
            host.reached = visited.reached;
            host.starttls = visited.starttls;
            host.pkix = visited.pkix;
        }
        let Some(dane) = dane else { continue };
        let chain: Vec<Shown<'_>> = visited
            .iter()
            .flat_map(|visited| &visited.chain)
            .map_while(|der| Shown::read(der))
            .collect();
        let seen = visited.as_ref().map(|visited| Seen {
            starttls: visited.starttls,
            chain: &chain,
            now: visited.at,
        });
        let base = dane.base;
        let names = [base.as_str(), &*host.host, &*subject.domain];
        let before = findings.len();
        host.dane = tlsa::judge(&host.host, &names, &dane.answer, seen, &mut findings);
        if dane.unsigned_domain {
            for finding in findings.iter_mut().skip(before) {
                if finding.problem == Problem::DaneInsecure {
                    finding.detail =
                        "the host has TLSA records, and the domain's MX records are not signed"
                            .to_owned();
                }
            }
        }
    }
    Exchangers { facts, findings, waited: longest }
}

/// A and AAAA.
async fn addresses(asker: &Asker, host: &str) -> (Answer, Answer) {
    // An address in an MX record is a name that cannot exist, and nobody need be asked.
    if host.parse::<IpAddr>().is_ok() {
        return (Answer::new(Outcome::NoName), Answer::new(Outcome::NoName));
    }
    let (ipv4, ipv6) = (Question::new(host, Kind::A), Question::new(host, Kind::Aaaa));
    tokio::join!(asker.ask_secure(&ipv4), asker.ask_secure(&ipv6))
}

/// The answer for TLSA records as a DANE client has it (RFC 7672, 2.1 and 2.2).
struct Associations {
    answer: Answer,
    /// The TLSA base domain.
    base: String,
    /// There are records, and they count for nothing because the domain is not signed.
    unsigned_domain: bool,
}

/// Asks for TLSA records. None when the host has no address, so that nobody asks.
async fn associations(
    asker: &Asker,
    subject: &Subject,
    host: &str,
    records: Proof,
    ipv4: &Answer,
    ipv6: &Answer,
) -> Option<Associations> {
    let of =
        |answer, base: &str| Associations { answer, base: base.to_owned(), unsigned_domain: false };
    let both = [ipv4, ipv6];
    if both.iter().any(|answer| answer.trouble() == Some(Trouble::Bogus)) {
        return Some(of(Answer::new(Outcome::Failed(Trouble::Bogus)), host));
    }
    let found = both.into_iter().find(|answer| matches!(answer.outcome, Outcome::Found(_)))?;
    let ask = async |base: &str| {
        asker.ask_secure(&Question::new(tlsa::name(subject.mx_port, base), Kind::Tlsa)).await
    };
    let mut bases: Vec<&str> = Vec::new();
    // The name at the end of the aliases goes first, when all of them are proven.
    if found.proof == Proof::Secure {
        bases.extend(found.canonical.as_deref());
    }
    bases.push(host);
    let mut last = None;
    for base in bases {
        let answer = ask(base).await;
        let nothing = matches!(answer.outcome, Outcome::NoName | Outcome::NoData);
        last = Some(of(answer, base));
        if !nothing {
            break;
        }
    }
    let mut last = last?;
    // An alias that leads out of a signed zone still has a signed name.
    let signed = found.proof == Proof::Secure
        || found.canonical.is_some() && last.answer.proof == Proof::Secure;
    if signed && records != Proof::Insecure {
        return Some(last);
    }
    // No DANE client asks here, and so no failure troubles one (2.2.2).
    match last.answer.outcome {
        Outcome::Found(_) if last.answer.proof != Proof::Indeterminate => {
            last.unsigned_domain = signed && last.answer.proof == Proof::Secure;
            last.answer.proof = Proof::Insecure;
        }
        Outcome::Failed(_) => {
            let proof = worse(found.proof, records);
            last.answer = Answer { proof, ..Answer::new(Outcome::NoData) };
        }
        _ => {}
    }
    Some(last)
}

/// What is not told is not known to be unsigned.
fn worse(addresses: Proof, records: Proof) -> Proof {
    match (addresses, records) {
        (Proof::Insecure, _) | (_, Proof::Insecure) => Proof::Insecure,
        _ => Proof::Indeterminate,
    }
}

async fn visit(
    asker: &Asker,
    visitor: &Visitor,
    subject: &Subject,
    host: &Arc<str>,
    addresses: Option<Vec<IpAddr>>,
) -> (Option<Arc<Visited>>, Duration) {
    let Some(addresses) = addresses.filter(|addresses| !addresses.is_empty()) else {
        return (None, Duration::ZERO);
    };
    let (seen, waited, told) = visitor.visit(subject, host, addresses).await;
    asker.note(format!("EHLO and STARTTLS at {host}:{}", subject.mx_port), &told);
    (seen, waited)
}

/// Runs a look for each host, a few at a time; none for one that panicked.
async fn side_by_side<T, F>(looks: impl Iterator<Item = F>) -> Vec<Option<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut looks = looks.enumerate();
    let mut tasks = JoinSet::new();
    let mut seen: Vec<Option<T>> = Vec::new();
    loop {
        while tasks.len() < HOSTS_AT_ONCE
            && let Some((index, look)) = looks.next()
        {
            seen.push(None);
            tasks.spawn(async move { (index, look.await) });
        }
        match tasks.join_next().await {
            Some(Ok((index, told))) => {
                if let Some(place) = seen.get_mut(index) {
                    *place = Some(told);
                }
            }
            Some(Err(_)) => tracing::error!("looking at a mail exchanger panicked"),
            None => return seen,
        }
    }
}

/// Hosts looked at side by side.
const HOSTS_AT_ONCE: usize = 8;
