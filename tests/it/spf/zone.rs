//! Zones in which evaluations ask, and the asking.

use std::collections::BTreeMap;
use std::net::IpAddr;

use smtp_exporter::posture::spf::{Evaluation, Outcome, Request, Step, evaluate};
use smtp_exporter::posture::{Answer, Data, Kind, Outcome as Ended, Question, Trouble};

/// Names and their records. A name that has none of a type, and is there, answers that.
#[derive(Debug, Default)]
pub(super) struct Zone {
    records: BTreeMap<String, Vec<Data>>,
    failing: Vec<(String, Option<Kind>)>,
    aliases: BTreeMap<String, String>,
}

impl Zone {
    /// Lines `name TYPE data`; `FAIL` as type answers nothing, or only data's type is not answered.
    pub(super) fn new(lines: &str) -> Self {
        let mut zone = Self::default();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, rest) = line.split_once(' ').unwrap();
            let (kind, data) = rest.split_once(' ').unwrap_or((rest, ""));
            match kind {
                "A" | "AAAA" => zone.add(name, Data::Address(data.parse().unwrap())),
                "MX" => zone.add(name, Data::Mx(10, data.to_owned())),
                "PTR" => zone.add(name, Data::Name(data.to_owned())),
                "TXT" => zone.add(name, Data::Text(data.as_bytes().to_vec())),
                "FAIL" => zone.fail(name, Kind::from_name(data)),
                _ => panic!("{line}"),
            }
        }
        zone
    }

    pub(super) fn add(&mut self, name: &str, data: Data) {
        self.touch(name).push(data);
    }

    /// The name is there, with what records it has.
    pub(super) fn touch(&mut self, name: &str) -> &mut Vec<Data> {
        self.records.entry(plain(name)).or_default()
    }

    pub(super) fn alias(&mut self, name: &str, of: &str) {
        self.aliases.insert(plain(name), plain(of));
    }

    /// Questions for the name, of one type or of all that it has no records of, are not answered.
    pub(super) fn fail(&mut self, name: &str, kind: Option<Kind>) {
        self.failing.push((plain(name), kind));
    }

    pub(super) fn answer(&self, question: &Question) -> Answer {
        let mut name = plain(&question.name);
        for _ in 0..8 {
            let Some(next) = self.aliases.get(&name) else {
                return Answer::new(self.ended(&name, question.kind));
            };
            name.clone_from(next);
        }
        Answer::new(Ended::Failed(Trouble::Malformed))
    }

    fn ended(&self, name: &str, kind: Kind) -> Ended {
        let of_kind = |data: &&Data| match (kind, data) {
            (Kind::A, Data::Address(address)) => address.is_ipv4(),
            (Kind::Aaaa, Data::Address(address)) => address.is_ipv6(),
            (Kind::Mx, Data::Mx(..)) | (Kind::Ptr, Data::Name(_)) | (Kind::Txt, Data::Text(_)) => {
                true
            }
            _ => false,
        };
        let records = self.records.get(name);
        let found: Vec<Data> = records.into_iter().flatten().filter(of_kind).cloned().collect();
        let fails = |(at, of): &(String, Option<Kind>)| at == name && of.is_none_or(|k| k == kind);
        if !found.is_empty() {
            Ended::Found(found)
        } else if self.failing.iter().any(fails) {
            Ended::Failed(Trouble::Servfail)
        } else if records.is_some() {
            Ended::NoData
        } else {
            Ended::NoName
        }
    }

    /// Evaluates to the end, for a client or for a walk.
    pub(super) fn ask(&self, request: Request) -> (Outcome, Vec<Question>) {
        let mut asked = Vec::new();
        let (mut evaluation, mut step) = Evaluation::start(request);
        loop {
            match step {
                Step::Done(outcome) => {
                    let again = evaluation.on_answer(&Answer::new(Ended::NoName));
                    assert_eq!(again, Step::Done(outcome.clone()), "the end is not the end");
                    return (*outcome, asked);
                }
                Step::Ask(question) => {
                    assert!(!asked.contains(&question), "{question:?} is asked again");
                    let answer = self.answer(&question);
                    asked.push(question);
                    assert!(asked.len() <= evaluate::MAX_QUESTIONS);
                    step = evaluation.on_answer(&answer);
                }
            }
        }
    }

    /// The whole record of a domain.
    pub(super) fn walk(&self, domain: &str) -> Outcome {
        self.ask(request(domain, None)).0
    }

    /// What the record of a domain says of a client.
    pub(super) fn client(&self, domain: &str, client: &str) -> Outcome {
        self.ask(request(domain, Some(client.parse().unwrap()))).0
    }
}

pub(super) fn request(domain: &str, client: Option<IpAddr>) -> Request {
    Request {
        domain: domain.to_owned(),
        client,
        sender: format!("postmaster@{domain}"),
        helo: "mx1.example.net".to_owned(),
    }
}

/// Names are compared without case and the last dot.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The result and the term for a client, as one line.
pub(super) fn check(zone: &Zone, domain: &str, client: &str) -> String {
    let outcome = zone.client(domain, client);
    format!("{} {}", outcome.result, outcome.matched.unwrap_or_default()).trim().to_owned()
}
