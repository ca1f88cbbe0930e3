//! Sockets. Errors of other crates become a [`crate::observation::Failure`] here, in the file that
//! made the call.

pub mod dns;
pub mod tcp;
pub mod tls;
