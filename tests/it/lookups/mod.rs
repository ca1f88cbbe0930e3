//! Look-ups on DNS block lists, against name servers in this process.

mod health;
mod listings;
mod log;
mod manners;
mod states;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::demo::{Dns, Zone as Records};
use smtp_exporter::dnsbl::{
    Codes, Kind, List, Operator, Reason, Refusal, Subject, SubjectKind, Verdict, Zone,
};
use smtp_exporter::observation::Lookup;
use smtp_exporter::probe::dnsbl::{Lookups, Manners};

/// A list of an operator of its own, without test points.
fn list(name: &str) -> List {
    List {
        name: name.into(),
        zone: Zone::Public(name.into()),
        kind: Kind::Block,
        subjects: SubjectKind::ALL.to_vec(),
        codes: Codes::Ranges(vec![([127, 0, 0, 2].into(), [127, 0, 0, 9].into(), "spam".into())]),
        refusals: vec![Refusal {
            first: [127, 0, 0, 255].into(),
            last: [127, 0, 0, 255].into(),
            why: "too many questions".into(),
        }],
        operator: operator(name),
        delisting: None,
        servers: Vec::new(),
        has_test_points: false,
    }
}

fn operator(name: &str) -> Arc<Operator> {
    Arc::new(Operator { name: name.into(), min_gap: Duration::ZERO })
}

fn subject(text: &str) -> Subject {
    text.parse().map_or_else(|_| Subject::Domain(text.into()), Subject::Address)
}

fn dns(records: &Records) -> Dns {
    Dns::start(SocketAddr::from(([127, 0, 0, 1], 0)), records).unwrap()
}

/// Look-ups that ask `dns` and nobody else, and give up after 600 ms.
fn lookups(dns: &Dns, manners: Manners) -> Lookups {
    Lookups::new(&[dns.address()], TIMEOUT, manners)
}

/// How often a name was asked for, for one type.
fn asked(dns: &Dns, name: &str, kind: &str) -> u64 {
    dns.questions().get(&(name.to_owned(), kind.to_owned())).copied().unwrap_or(0)
}

/// All questions of one type.
fn all(dns: &Dns, kind: &str) -> u64 {
    dns.questions().iter().filter(|((_, of), _)| of == kind).map(|(_, count)| count).sum()
}

/// The verdict in a word.
fn word(lookup: &Lookup) -> &'static str {
    match &lookup.verdict {
        Verdict::Listed(_) => "listed",
        Verdict::Clean => "clean",
        Verdict::Unknown(reason, _) => reason.as_str(),
    }
}

fn detail(lookup: &Lookup) -> &str {
    match &lookup.verdict {
        Verdict::Unknown(_, detail) => detail,
        told => panic!("{told:?}"),
    }
}

fn is_unknown(lookup: &Lookup, expected: Reason) -> bool {
    matches!(&lookup.verdict, Verdict::Unknown(reason, _) if *reason == expected)
}

const TIMEOUT: Duration = Duration::from_millis(600);
