//! The targets' bodies as a library, so that each target is one line.

pub mod bodies;

/// The bodies find it here in the hermetic tests too.
mod support {
    pub(crate) use crate::exposition;
}

#[path = "../it/support/exposition.rs"]
#[allow(dead_code, reason = "the hermetic tests use the rest")]
mod exposition;
