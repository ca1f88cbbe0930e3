//! The hermetic tests: one binary, a file per behaviour.

mod config;
mod config;
mod demo;
mod demo_dns;
mod demo_world;
mod net;
