//! SPF against the published cases for RFC 7208 (`tests/spf`, under its authors' licence), the
//! examples of the RFC, and one record for each problem that a record can have.

mod examples;
mod hostile;
mod problems;
mod suite;
mod zone;

use zone::{Zone, check};
