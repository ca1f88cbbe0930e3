//! The hermetic tests: one binary, a file per behaviour.
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
