//! Sockets against servers in this process.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests may"
)]

pub(crate) mod fake_dns;
mod fake_tls;
mod https;
mod records;
mod resolve;
pub(crate) mod signed;
mod tcp;
mod tls;
mod tls_old;
