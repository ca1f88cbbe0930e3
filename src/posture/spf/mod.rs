//! SPF (RFC 7208): who may send for a domain.
//!
//! A record is read (`record.rs`, `macros.rs`) with every error in it, and evaluated as a value that
//! asks and is answered ([`Evaluation`]): for a sending address as a receiver would, and without a
//! client as a walk of everything that it names, so that what it costs, and every error, is known
//! before a receiver meets it. [`facts`] joins what came of both.
//!
//! # What the RFC leaves open
//!
//! - A name that cannot be asked for (an empty or long label, a single label, not ASCII) does not
//!   exist: a mechanism does not match, an `include` or `redirect` is an error (4.3, 4.8).
//! - More than ten exchangers behind an `mx` are an error before any is looked at: their order is by
//!   chance, and so would the result be (4.6.4).
//! - What counts as void is said in `ask.rs`; the macro `p` is no term that asks (4.6.4).
//! - A record that leads back to itself is an error at once: it is evaluated for the same client
//!   again and again, until the limit is passed.

mod ask;
pub mod evaluate;
mod facts;
mod limits;
mod lint;
mod macros;
mod record;
mod run;
mod text;
mod values;

pub use facts::facts;

pub use evaluate::{Evaluation, Outcome, Request, Step};

use std::net::IpAddr;

closed_enum! {
    /// What SPF says of a client (RFC 7208, 2.6).
    pub enum SpfResult {
        /// No record.
        None => "none",
        /// Nothing is said about the client.
        Neutral => "neutral",
        /// The client may send.
        Pass => "pass",
        /// The client may not send.
        Fail => "fail",
        /// The client may probably not send.
        Softfail => "softfail",
        /// It cannot be told now.
        Temperror => "temperror",
        /// The record is wrong.
        Permerror => "permerror",
    }
}

closed_enum! {
    /// How a record ends: what is said about everybody else.
    pub enum SpfAll {
        /// `+all`.
        Pass => "pass",
        /// `-all`.
        Fail => "fail",
        /// `~all`.
        Softfail => "softfail",
        /// `?all`.
        Neutral => "neutral",
        /// Another domain's record says it.
        Redirect => "redirect",
        /// Nothing says it.
        None => "none",
    }
}

/// What was seen of a domain's SPF record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpfFacts {
    /// There is a record; none when the DNS did not answer.
    pub present: Option<bool>,
    /// One record without an error, in itself or in those that it names, within the limits.
    pub valid: Option<bool>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
    /// How it ends, a `redirect` not followed.
    pub all: Option<SpfAll>,
    /// Terms that ask the DNS, when no term matches before the end (limit: 10).
    pub lookups: Option<u32>,
    /// Questions of those without an answer (limit: 2).
    pub void_lookups: Option<u32>,
    /// What it says of each sending address, in order.
    pub senders: Vec<SpfSender>,
}

/// What SPF says of one sending address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfSender {
    /// The address.
    pub address: IpAddr,
    /// What is said of it.
    pub result: SpfResult,
    /// Terms that asked the DNS until then.
    pub lookups: u32,
    /// Questions without an answer until then.
    pub void_lookups: u32,
    /// The term that decided, with the domain it stands at; none when none did.
    pub matched: Option<String>,
}
