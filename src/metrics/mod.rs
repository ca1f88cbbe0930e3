//! To be written.
pub mod catalogue;
pub mod label;
pub mod record;
pub mod reference;
pub mod write;
