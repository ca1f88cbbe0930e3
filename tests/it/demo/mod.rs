//! The demo's servers and its DNS do what they say: every other hermetic test trusts them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

mod client;
mod dns;
mod faults;
mod sessions;
mod tls;
mod world;
