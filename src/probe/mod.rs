//! To be written.
pub mod blame;
pub mod budget;
pub mod dialog;
pub mod mail;
