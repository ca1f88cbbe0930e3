//! The hermetic tests: one binary, a file per behaviour.

mod config;
mod demo;
