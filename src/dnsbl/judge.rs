//! What an answer means.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::List;

/// What came back for a question of type A, before anybody judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Address records and their TTL.
    Addresses(Vec<Ipv4Addr>, Duration),
    /// NXDOMAIN or NODATA, and how long that holds (RFC 2308).
    Nothing(Duration),
    /// REFUSED.
    Refused,
    /// SERVFAIL.
    Servfail,
    /// No answer in time.
    Timeout,
    /// Anything else, told for a person.
    Other(String),
}

/// What a question ends as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// On the list, with every return code, sorted, each once.
    Listed(Vec<Code>),
    /// Not on the list.
    Clean,
    /// It could not be told; the text is for a person.
    Unknown(Reason, String),
}

/// One return code of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// The address that the list answered with.
    pub address: Ipv4Addr,
    /// What it means on this list; `unknown` when the list's page does not say. From the catalogue
    /// or the configuration, never from the answer.
    pub meaning: Arc<str>,
}

closed_enum! {
    /// Why it could not be told.
    pub enum Reason {
        /// The list does not answer us: a public resolver, no registration, too many questions.
        Refused => "refused",
        /// The resolver, or the list's servers, failed.
        Servfail => "servfail",
        /// Nobody answered in time.
        Timeout => "timeout",
        /// An address outside 127/8: somebody on the way rewrites answers, or the zone's domain was
        /// sold.
        Rewritten => "rewritten",
        /// The list's own test points do not answer as they must.
        ListUnhealthy => "list_unhealthy",
        /// Anything else, such as a socket that could not be had.
        Other => "other",
    }
}

/// What `reply` says about a subject on `list`.
pub fn judge(list: &List, reply: &Reply) -> Verdict {
    let _ = (list, reply);
    Verdict::Clean
}
