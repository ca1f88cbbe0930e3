//! x
pub mod auth;
pub mod behaviour;
mod conn;
pub mod dns;
mod legacy;
mod script;
pub mod server;
pub mod tls;
pub mod zone;
