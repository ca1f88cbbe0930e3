//! The hermetic tests: one binary, a file per behaviour.

mod config;
mod config;
mod demo;
mod demo_dns;
mod demo_world;
mod net;
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test ends by panicking, also in what tests share"
)]

mod metrics;
mod store;
mod support;
mod web;
mod demo;
