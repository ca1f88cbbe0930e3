//! The hermetic tests: one binary, a file per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test ends by panicking, also in what tests share"
)]

mod catalogue;
mod cause;
mod cause_rules;
mod config;
mod demo;
mod deploy;
mod dialogues;
mod exporter;
mod fuzz;
mod ladder;
mod listing;
mod lookups;
mod metrics;
mod net;
mod packages;
mod posture;
mod reference;
mod round;
mod session;
mod skew;
mod spf;
mod store;
mod structure;
mod support;
mod survey;
mod tails;
mod web;
mod web_config;
