//! Sockets. Errors of other crates become a [`crate::observation::Failure`] here, in the file that
//! made the call.

mod certificate;
pub mod dns;
pub mod hello;
mod mx;
mod names;
pub mod tcp;
pub mod tls;
mod verify;
