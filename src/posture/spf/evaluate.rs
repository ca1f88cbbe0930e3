//! The evaluation of a record as a value: it asks, it is answered, it ends.

use std::net::IpAddr;

use super::super::{Answer, Finding, Question};
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
    /// Terms that asked the DNS.
    pub lookups: u32,
    /// Questions without an answer.
    pub void_lookups: u32,
    /// The term that decided, with the domain it stands at.
    pub matched: Option<String>,
    /// The explanation that `exp` gives with a fail, printable (RFC 7208, 6.2).
    pub explanation: Option<String>,
    /// There is a record at the domain itself; none when the DNS did not answer.
    pub present: Option<bool>,
    /// The domain's own record, printable, at most 2 KiB.
    pub record: Option<String>,
    /// How it ends.
    pub all: Option<SpfAll>,
    /// What is wrong, each with its term and the domain it stands at.
    pub findings: Vec<Finding>,
}

/// An evaluation under way.
#[derive(Debug, Clone)]
pub struct Evaluation {
    request: Request,
}

impl Evaluation {
    /// Begins; the first step asks for the domain's TXT records.
    pub fn start(request: Request) -> (Self, Step) {
        let step = Step::Ask(Question::new(request.domain.clone(), super::super::Kind::Txt));
        (Self { request }, step)
    }

    /// Goes on with the answer to what was asked last.
    pub fn on_answer(&mut self, _answer: &Answer) -> Step {
        Step::Ask(Question::new(self.request.domain.clone(), super::super::Kind::Txt))
    }
}
