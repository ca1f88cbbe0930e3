//! Sockets against servers in this process.

mod fake_dns;
mod fake_tls;
mod resolve;
mod tcp;
mod tls;
mod tls_old;
