//! The hermetic tests: one binary, a file per behaviour.

mod demo;
mod demo_dns;
mod demo_world;
mod net;
mod config;
