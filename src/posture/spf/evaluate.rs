//! The evaluation of a record as a value: it asks, it is answered, it ends.
//!
//! # Why it starts anew with each answer
//!
//! Answers are kept, and with each new one the record is evaluated from its beginning, up to the next
//! question that has no answer yet. So the evaluation reads like the standard, as functions that call
//! each other (`run.rs`), though somebody else does the asking; no question is asked twice; and there
//! are so few questions ([`MAX_QUESTIONS`]) that doing it again costs nothing beside one of them.

use std::collections::HashMap;
use std::net::IpAddr;

use super::super::{Answer, Finding, Kind, Question};
use super::record::{self, Record};
use super::run::Run;
use super::{SpfAll, SpfResult};

/// What is evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The domain whose record it is.
    pub domain: String,
    /// The client; none: no term matches, so that the whole record is walked and counted.
    pub client: Option<IpAddr>,
    /// The sender's address (`postmaster@` the domain where none is known).
    pub sender: String,
    /// What the client says in EHLO.
    pub helo: String,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask this, then [`Evaluation::on_answer`].
    Ask(Question),
    /// It ended.
    Done(Box<Outcome>),
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What is said of the client; of a walk without a client: permerror when the record is wrong,
    /// temperror when the DNS did not answer, none without a record, else what its end says.
    pub result: SpfResult,
    /// Terms that asked the DNS: one above the limit means that it was passed, and a walk goes on
    /// to at most [`MAX_WALKED`] to say by how much.
    pub lookups: u32,
    /// Terms among them whose question had no answer.
    pub void_lookups: u32,
    /// The term that decided, with the domain it stands at; behind an `include` the term there.
    pub matched: Option<String>,
    /// The explanation that `exp` gives with a fail, printable (RFC 7208, 6.2), at most 512 bytes.
    pub explanation: Option<String>,
    /// There is a record at the domain itself; none when the DNS did not answer.
    pub present: Option<bool>,
    /// The domain's own record, printable, at most 2 KiB; none when there are several.
    pub record: Option<String>,
    /// How it ends.
    pub all: Option<SpfAll>,
    /// What is wrong, each with its term and the domain it stands at; at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
}

/// An evaluation under way.
#[derive(Debug, Clone)]
pub struct Evaluation {
    request: Request,
    known: HashMap<Question, Known>,
    asked: Option<Question>,
}

impl Evaluation {
    /// Begins; the first step asks for the domain's TXT records. It ends at once, with none, when
    /// the domain is no name that can be asked for (RFC 7208, 4.3).
    ///
    /// There are at most [`MAX_QUESTIONS`] questions, whatever the answers are.
    pub fn start(request: Request) -> (Self, Step) {
        let mut evaluation = Self { request, known: HashMap::new(), asked: None };
        let step = evaluation.step();
        (evaluation, step)
    }

    /// Goes on with the answer to what was asked last. After the end it gives the end again.
    pub fn on_answer(&mut self, answer: &Answer) -> Step {
        if let Some(question) = self.asked.take() {
            let known = Known::new(&question, answer);
            self.known.insert(question, known);
        }
        self.step()
    }

    fn step(&mut self) -> Step {
        let full = self.known.len() >= MAX_QUESTIONS;
        let run = |telling| Run::new(&self.request, &self.known, full, telling).evaluate();
        // What is wrong is put together only when no question is left: it costs the most.
        match run(false).and_then(|_| run(true)) {
            Ok(outcome) => Step::Done(Box::new(outcome)),
            Err(question) => {
                self.asked = Some(question.clone());
                Step::Ask(question)
            }
        }
    }
}

/// An answer, and what it says of SPF, read once.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) answer: Answer,
    /// The SPF record among the texts.
    pub(super) policy: Policy,
    /// About how many bytes the answer has on the wire, EDNS and DNSSEC left out.
    pub(super) size: usize,
}

/// The SPF records of a domain.
#[derive(Debug, Clone)]
pub(super) enum Policy {
    None,
    One(Box<Record>, Vec<u8>),
    Many(usize),
}

impl Known {
    fn new(question: &Question, answer: &Answer) -> Self {
        let policy = match question.kind {
            Kind::Txt => Policy::new(answer),
            _ => Policy::None,
        };
        // A header, the question, and for each record a pointer to the name, ten bytes and its
        // strings, each with its length.
        let strings = |text: &[u8]| text.len() + text.len().div_ceil(255).max(1);
        let records: usize = answer.texts().map(|text| 12 + strings(text)).sum();
        let size = 12 + question.name.len() + 6 + records;
        Self { answer: answer.clone(), policy, size }
    }
}

impl Policy {
    fn new(answer: &Answer) -> Self {
        let mut records = answer.texts().filter(|text| record::is_spf(text));
        match (records.next(), records.count()) {
            (None, _) => Self::None,
            (Some(text), 0) => Self::One(Box::new(Record::parse(text)), text.to_vec()),
            (Some(_), more) => Self::Many(more + 1),
        }
    }
}

/// The most questions of one evaluation: ten `mx` with ten hosts each need 110, the client's names
/// 11, the record and its explanation 2.
pub const MAX_QUESTIONS: usize = 128;

/// The most terms that a walk asks the DNS for.
pub const MAX_WALKED: u32 = 40;

/// The most findings of one evaluation.
pub const MAX_FINDINGS: usize = 100;
