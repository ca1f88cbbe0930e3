//! The hermetic tests: one binary, a file per behaviour.

mod metrics;
mod store;
mod support;
