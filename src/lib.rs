//! A Prometheus exporter for SMTP availability: it probes mail servers on an interval, and on
//! demand, and says whether mail can be handed over, and if not, at which step, why, and whose move
//! it is.
//!
//! # Bird's eye
//!
//! ```text
//! file, env → config → Check (a target and one of its modules)
//!                        │
//!             schedule ──┤── web /probe ── cli probe
//!                        ▼
//!                     Prober::run     permits per remote, one deadline
//!                        │ resolve → connect → dialogue ⇄ TLS
//!                        ▼
//!                   Observation       what was seen, and a Failure if there was one
//!                        ▼
//!                      Store          the latest of everything
//!                        ▼
//!             metrics → web → Prometheus, and a person
//! ```
//!
//! # Code map
//!
//! From the ground up; a room uses only rooms below it, which `tests/it/structure.rs` keeps.
//!
//! | room | what lives there |
//! |---|---|
//! | [`smtp`] | the client's side of a dialogue as values: commands, replies, the session; pure |
//! | [`cause`] | from a reply to a cause of a closed list, the rule that said so, and advice; pure |
//! | [`dnsbl`] | DNS block lists: which there are, what is asked, what an answer means; pure |
//! | [`target`] | what to probe and how to behave; plain data |
//! | [`posture`] | SPF, DKIM, DMARC, MTA-STS, DANE and the rest: what a domain's records mean; pure |
//! | [`observation`] | what was seen: facts, failures, verdicts, tallies; plain data |
//! | [`net`] | DNS, TCP and TLS; other crates' errors become a failure here |
//! | [`store`] | the latest observation and the tally of each check |
//! | [`probe`] | the one function that probes, and the permits that it needs |
//! | [`schedule`] | one task per check, and one for all look-ups on block lists |
//! | [`metrics`] | the catalogue, the recorder and the writer |
//! | [`config`] | from a file to values that are right, or to all that is wrong with it |
//! | [`web`] | what is served over HTTP |
//! | [`demo`] | loopback mail servers and DNS with faults, for a demonstration and for tests |
//! | [`app`] | builds the parts, runs, reloads, drains |
//! | [`cli`] | flags and subcommands |
//!
//! # Invariants
//!
//! - **A probe never fails**: [`probe::Prober::run`] gives what was seen. A panic in one probe is an
//!   observation of its own and ends nothing else.
//! - **Whose fault is a type**: [`cause::Blame`]. What is blamed on the exporter never counts against
//!   a target.
//! - **Permits live in the prober**, so a flood of `/probe` meets the limits that the schedule meets.
//! - **Facts are exported only when they were observed**: a 0 always means "seen to be 0".
//! - **Labels are closed**: only configured names, addresses and certificates' own names are open;
//!   every other label value is an enum. No text that a peer sent is a label.
//! - **Metric names stand in one file**, `metrics/catalogue.rs`.
//! - **Pure rooms are pure**: no sockets, no clock, no logging; time comes in as an argument.
//! - Deliberately absent: `unsafe`; `std::time::Instant` (tokio's can be paused); panicking shortcuts
//!   outside tests; a global registry of probe metrics (a removed target would linger in it).

#[macro_use]
mod closed;

pub mod smtp;

pub mod cause;

pub mod dnsbl;

pub mod target;

pub mod posture;

pub mod observation;

pub mod net;

pub mod store;

pub mod probe;

pub mod schedule;

pub mod metrics;

pub mod config;

pub mod web;

pub mod demo;

pub mod app;

pub mod cli;
