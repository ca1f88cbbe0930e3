//! To be written.
pub mod budget;
pub mod dialog;
pub mod mail;
