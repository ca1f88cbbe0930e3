//! Against real servers, with the release binary as a subprocess. `tests/run real` gives them what
//! they need: root, Debian's packages unpacked, and a network of their own.
//!
//! A server is a [`support::Bed`]: it has an address of its own on loopback, so that tests run side
//! by side and the budget per remote does not make them wait for each other. A further server is a
//! recipe in `bed/`, a line of packages in `tests/run`, and a test here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where what it needs is not there"
)]

mod alerting;
mod causes;
mod cli;
mod dnsbl;
mod domains;
mod doors;
mod families;
mod faults;
mod ladder;
mod limits;
mod page;
mod posture;
mod prometheus;
mod recipes;
mod refusals;
mod servers;
mod support;
