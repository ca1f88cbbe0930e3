//! Posture: the records and keys of a domain that decide whether its mail is taken and whether mail
//! to it arrives: SPF, DKIM, DMARC, MTA-STS, TLS-RPT, DANE, BIMI, the mail exchangers and the reverse
//! names of the addresses that send. Pure: asking is done elsewhere; answers come in as values, and
//! what they mean goes out as a [`Report`]: facts, and [`Finding`]s of a closed list.
//!
//! # Why facts beside findings
//!
//! A fact is what the records say and is absent when nobody answered: a server's failure is no "not
//! there". A finding is what a person should do something about, each with its advice
//! ([`Problem::advice`]).

mod advice;
pub mod answer;
pub mod bimi;
pub mod dkim;
pub mod dmarc;
pub mod json;
pub mod mta_sts;
pub mod mx;
pub mod problem;
pub mod report;
pub mod sender;
pub mod spf;
pub mod subject;
pub mod tags;
pub mod text;
pub mod tls_rpt;
pub mod tlsa;
pub mod told;

pub use answer::{Answer, Data, Kind, Outcome, Proof, Question, Trouble};
pub use problem::{Area, Finding, On, Problem, Severity};
pub use report::{Exchange, Report};
pub use subject::Subject;

#[cfg(test)]
mod cases;
