//! Sockets. Errors of other crates become a [`crate::observation::Failure`] here, in the file that
//! made the call.

mod certificate;
pub mod dns;
pub mod hello;
pub mod https;
mod judged;
pub mod listing;
mod mx;
mod names;
mod question;
pub mod records;
pub mod tcp;
pub mod tls;
mod verify;
