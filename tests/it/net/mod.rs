//! Sockets against servers in this process.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests may"
)]

mod fake_dns;
mod fake_tls;
mod resolve;
mod tcp;
mod tls;
mod tls_old;
