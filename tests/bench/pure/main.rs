//! The parts that compute and do nothing else: what they take, by criterion, and the ratio of the
//! metrics writer to the least that its text can cost.
//!
//!     cargo bench --bench pure                everything
//!     cargo bench --bench pure -- cause       what has the word in its name

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark ends by panicking and prints its result"
)]

mod cause;
mod dnsbl;
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../../it/support/seen.rs"]
mod seen;
mod session;
mod writer;

criterion::criterion_group!(
    benches,
    session::reader,
    session::dialogue,
    cause::ordinary,
    cause::hostile,
    dnsbl::names,
    dnsbl::judging,
    writer::written,
);

fn main() {
    benches();
    criterion::Criterion::default().configure_from_args().final_summary();
    writer::ratio();
}
