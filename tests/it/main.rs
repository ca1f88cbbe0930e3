//! The hermetic tests: one binary, a file per behaviour.

mod cause;
