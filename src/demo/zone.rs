//! What the demo's DNS knows: names with records, and names with faults. Data only; `dns.rs` serves
//! it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SOA, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

/// Names and what is answered for them. Names are written without the trailing dot and compared
/// without case. Every name that is not here does not exist, whatever its domain.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    records: Vec<(String, u32, Data)>,
    faults: Vec<(String, Option<RecordType>, Fault)>,
    delays: Vec<(String, Duration)>,
    truncated: Vec<String>,
    broken: Option<Fault>,
    ttl: Option<u32>,
}

/// How a question goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The name does not exist.
    NxDomain,
    /// The name exists, without records of this type.
    NoData,
    /// SERVFAIL.
    ServFail,
    /// REFUSED.
    Refused,
    /// NOTIMP.
    NotImp,
    /// No answer.
    Silent,
    /// Bytes that are no DNS message.
    Garbage,
}

/// The data of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Preference and host. Host `.` with preference 0 is the null MX (RFC 7505).
    Mx(u16, String),
    /// Another name.
    Cname(String),
    /// A name for an address.
    Ptr(String),
    /// One text, in strings of at most 255 bytes.
    Txt(String),
    /// A name server.
    Ns(String),
}

impl Zone {
    /// A zone with nothing in it but the root.
    pub fn new() -> Self {
        Self::default()
    }

    /// The TTL, in seconds, of the records that are added from here on; 5 at first.
    pub fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = Some(seconds);
        self
    }

    /// Adds a record.
    pub fn record(mut self, name: &str, data: Data) -> Self {
        self.records.push((key(name), self.ttl.unwrap_or(TTL), data));
        self
    }

    /// Adds an A or AAAA record.
    pub fn address(self, name: &str, address: impl Into<IpAddr>) -> Self {
        match address.into() {
            IpAddr::V4(address) => self.record(name, Data::A(address)),
            IpAddr::V6(address) => self.record(name, Data::Aaaa(address)),
        }
    }

    /// Adds an MX record.
    pub fn mx(self, name: &str, preference: u16, host: &str) -> Self {
        self.record(name, Data::Mx(preference, host.to_owned()))
    }

    /// Adds a CNAME record.
    pub fn cname(self, name: &str, to: &str) -> Self {
        self.record(name, Data::Cname(to.to_owned()))
    }

    /// Adds a TXT record.
    pub fn txt(self, name: &str, text: &str) -> Self {
        self.record(name, Data::Txt(text.to_owned()))
    }

    /// Adds the PTR record of an address.
    pub fn ptr(self, address: impl Into<IpAddr>, host: &str) -> Self {
        let name = Name::from(address.into()).to_ascii();
        self.record(&name, Data::Ptr(host.to_owned()))
    }

    /// Every question for a name goes wrong.
    pub fn fault(mut self, name: &str, fault: Fault) -> Self {
        self.faults.push((key(name), None, fault));
        self
    }

    /// Questions for one type of a name go wrong.
    pub fn fault_of(mut self, name: &str, kind: RecordType, fault: Fault) -> Self {
        self.faults.push((key(name), Some(kind), fault));
        self
    }

    /// Answers for a name come late.
    pub fn delay(mut self, name: &str, delay: Duration) -> Self {
        self.delays.push((key(name), delay));
        self
    }

    /// Answers for a name come truncated over UDP, so that it is asked again over TCP.
    pub fn truncate(mut self, name: &str) -> Self {
        self.truncated.push(key(name));
        self
    }

    /// The resolver itself is broken: every question goes wrong, the root's included.
    pub fn broken(mut self, fault: Fault) -> Self {
        self.broken = Some(fault);
        self
    }

    /// Checks every name and makes the zone ready to be asked.
    ///
    /// # Errors
    ///
    /// A name is not one; the message says which.
    pub(super) fn compile(&self) -> io::Result<Compiled> {
        let mut compiled = Compiled { broken: self.broken, ..Compiled::default() };
        for (name, ttl, data) in &self.records {
            let record = Record::from_rdata(parse(name)?, *ttl, data.compile()?);
            compiled.node(name).records.push(record);
        }
        for (name, kind, fault) in &self.faults {
            parse(name)?;
            compiled.node(name).faults.push((*kind, *fault));
        }
        for (name, delay) in &self.delays {
            compiled.node(name).delay = *delay;
        }
        for name in &self.truncated {
            compiled.node(name).truncated = true;
        }
        let root =
            Record::from_rdata(Name::root(), TTL, RData::NS(NS(parse("ns.root-servers.test")?)));
        compiled.node("").records.push(root);
        Ok(compiled)
    }
}

impl Data {
    fn compile(&self) -> io::Result<RData> {
        Ok(match self {
            Self::A(address) => RData::A(A(*address)),
            Self::Aaaa(address) => RData::AAAA(AAAA(*address)),
            Self::Mx(preference, host) => RData::MX(MX::new(*preference, parse(host)?)),
            Self::Cname(to) => RData::CNAME(CNAME(parse(to)?)),
            Self::Ptr(host) => RData::PTR(PTR(parse(host)?)),
            Self::Txt(text) => RData::TXT(TXT::from_bytes(text.as_bytes().chunks(255).collect())),
            Self::Ns(host) => RData::NS(NS(parse(host)?)),
        })
    }
}

/// A zone that is ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    nodes: HashMap<String, Node>,
    broken: Option<Fault>,
}

/// What one name has.
#[derive(Debug, Default)]
struct Node {
    records: Vec<Record>,
    faults: Vec<(Option<RecordType>, Fault)>,
    delay: Duration,
    truncated: bool,
}

/// The answer to a question.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    /// What comes.
    pub(super) outcome: Outcome,
    /// How late.
    pub(super) delay: Duration,
    /// Cut over UDP.
    pub(super) truncated: bool,
}

/// What comes, if anything.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// A message with this code and these records.
    Message(ResponseCode, Vec<Record>),
    /// No answer.
    Silent,
    /// No message.
    Garbage,
}

impl Compiled {
    /// Answers the question for `name`, which is in lower case and without the trailing dot.
    pub(super) fn ask(&self, name: &str, kind: RecordType) -> Answer {
        let node = self.nodes.get(name);
        let outcome = self.outcome(name, kind);
        Answer {
            outcome,
            delay: node.map_or(Duration::ZERO, |node| node.delay),
            truncated: node.is_some_and(|node| node.truncated),
        }
    }

    fn outcome(&self, name: &str, kind: RecordType) -> Outcome {
        if let Some(fault) = self.broken {
            return fault.outcome();
        }
        let mut name = name.to_owned();
        let mut answers: Vec<Record> = Vec::new();
        for _ in 0..MAX_CHAIN {
            let Some(node) = self.nodes.get(&name) else {
                // An empty non-terminal exists (RFC 8020, 2).
                let below = format!(".{name}");
                let exists = self.nodes.keys().any(|key| key.ends_with(&below));
                let code = if exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
                return Outcome::Message(code, answers);
            };
            if let Some((_, fault)) =
                node.faults.iter().find(|(of, _)| of.is_none_or(|of| of == kind))
            {
                return fault.outcome();
            }
            answers
                .extend(node.records.iter().filter(|record| record.record_type() == kind).cloned());
            let alias = node.records.iter().find_map(|record| match &record.data {
                RData::CNAME(to) if kind != RecordType::CNAME => Some((record, to)),
                _ => None,
            });
            let Some((record, to)) = alias else { break };
            answers.push(record.clone());
            name = key(&to.0.to_ascii());
        }
        Outcome::Message(ResponseCode::NoError, answers)
    }

    fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.entry(key(name)).or_default()
    }
}

impl Fault {
    fn outcome(self) -> Outcome {
        let code = match self {
            Self::NxDomain => ResponseCode::NXDomain,
            Self::NoData => ResponseCode::NoError,
            Self::ServFail => ResponseCode::ServFail,
            Self::Refused => ResponseCode::Refused,
            Self::NotImp => ResponseCode::NotImp,
            Self::Silent => return Outcome::Silent,
            Self::Garbage => return Outcome::Garbage,
        };
        Outcome::Message(code, Vec::new())
    }
}

/// The SOA record that goes with a negative answer (RFC 2308, 2): it says for how long the answer
/// may be kept.
pub(super) fn soa() -> Option<Record> {
    let host = parse("ns.root-servers.test").ok()?;
    let mail = parse("hostmaster.root-servers.test").ok()?;
    let seconds = i32::try_from(TTL).ok()?;
    let soa = SOA::new(host, mail, 1, seconds, seconds, seconds, TTL);
    Some(Record::from_rdata(Name::root(), TTL, RData::SOA(soa)))
}

/// How a name is written as a key: lower case, no trailing dot; the root is empty.
pub(super) fn key(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

fn parse(name: &str) -> io::Result<Name> {
    let absolute = format!("{}.", name.trim_end_matches('.'));
    Name::from_ascii(&absolute).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is no DNS name: {error}"))
    })
}

/// The TTL unless another is said, in seconds: short, because what a demo shows may change.
const TTL: u32 = 5;

/// The most aliases followed for one question.
const MAX_CHAIN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn code(zone: &Zone, name: &str, kind: RecordType) -> (ResponseCode, usize) {
        match zone.compile().unwrap().ask(name, kind).outcome {
            Outcome::Message(code, records) => (code, records.len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_types_and_empty_non_terminals_are_told_apart() {
        let zone = Zone::new().address("a.b.demo.test", Ipv4Addr::LOCALHOST);
        assert_eq!(code(&zone, "a.b.demo.test", RecordType::A), (ResponseCode::NoError, 1));
        assert_eq!(code(&zone, "a.b.demo.test", RecordType::AAAA), (ResponseCode::NoError, 0));
        assert_eq!(code(&zone, "b.demo.test", RecordType::A), (ResponseCode::NoError, 0));
        assert_eq!(code(&zone, "ab.demo.test", RecordType::A), (ResponseCode::NXDomain, 0));
        assert_eq!(code(&zone, "", RecordType::NS), (ResponseCode::NoError, 1));
    }

    #[test]
    fn a_loop_of_aliases_ends() {
        let zone = Zone::new().cname("a.test", "b.test").cname("b.test", "a.test");
        assert_eq!(code(&zone, "a.test", RecordType::A), (ResponseCode::NoError, MAX_CHAIN));
    }

    #[test]
    fn a_bad_name_is_said() {
        let error = Zone::new().mx("demo.test", 10, "a..b").compile().unwrap_err();
        assert!(error.to_string().contains("\"a..b\""), "{error}");
    }
}
