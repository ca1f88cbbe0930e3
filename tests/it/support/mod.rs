//! What several behaviours' tests share.

pub(crate) mod exposition;
pub(crate) mod pki;
pub(crate) mod scrape;
pub(crate) mod seen;
