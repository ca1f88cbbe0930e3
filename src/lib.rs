//! To be written: the architecture page.

#[macro_use]
mod closed;

pub mod app;
pub mod cause;
pub mod cli;
pub mod config;
pub mod demo;
pub mod metrics;
pub mod net;
pub mod observation;
pub mod probe;
pub mod schedule;
pub mod smtp;
pub mod store;
pub mod target;
pub mod web;
