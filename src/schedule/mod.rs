//! To be written.
pub mod cadence;
