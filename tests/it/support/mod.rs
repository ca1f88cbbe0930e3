//! What several behaviours' tests share.

pub(crate) mod exposition;
pub(crate) mod seen;
