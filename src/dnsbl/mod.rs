//! DNS block lists and allow lists (RFC 5782): which there are, which name is asked for, and what an
//! answer means. Pure: asking is done elsewhere, and its [`Reply`] comes in as a value.
//!
//! # Why three states
//!
//! A list answers "listed" and "not listed" in band, and so do refusals, broken resolvers and
//! rewriting ones: an address record out of place is no listing, and no record at all is no proof.
//! So a question ends as listed, as clean, or as could-not-tell with its [`Reason`], and a list whose
//! own test points (RFC 5782, 5) do not answer as they must proves nothing either.

pub mod catalogue;
pub mod health;
pub mod judge;
pub mod list;
pub mod plan;
pub mod query;
pub mod subject;

pub use catalogue::{Dead, Entry, Found, Terms};
pub use health::health;
pub use judge::{Code, Reason, Reply, Verdict, judge};
pub use list::{Codes, List, Operator, Refusal, Zone};
pub use plan::{MAX_PAIRS, Plan, Wanted};
pub use query::TestPoint;
pub use subject::{Subject, SubjectKind};

closed_enum! {
    /// What being on a list means.
    pub enum Kind {
        /// Mail from there is refused or distrusted.
        Block => "block",
        /// Mail from there is trusted: absence is no alarm.
        Allow => "allow",
    }
}
