//! What an answer means.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::{Codes, List};

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
    let unknown = |reason, text: &str| Verdict::Unknown(reason, text.to_owned());
    let addresses = match reply {
        Reply::Addresses(addresses, _) => addresses,
        Reply::Nothing(_) => return Verdict::Clean,
        Reply::Refused => return unknown(Reason::Refused, "the server answered REFUSED"),
        Reply::Servfail => return unknown(Reason::Servfail, "the server answered SERVFAIL"),
        Reply::Timeout => return unknown(Reason::Timeout, "no answer in time"),
        Reply::Other(text) => return unknown(Reason::Other, text),
    };
    if let Some(address) = addresses.iter().find(|address| !address.is_loopback()) {
        let text = format!("{address} is no return code: somebody rewrites answers");
        return Verdict::Unknown(Reason::Rewritten, text);
    }
    for address in addresses {
        let own = list.refusals.iter().find(|one| (one.first..=one.last).contains(address));
        if let Some(refusal) = own {
            return Verdict::Unknown(Reason::Refused, format!("{address}: {}", refusal.why));
        }
        if matches!(address.octets(), [127, 255, 255, _]) {
            return Verdict::Unknown(Reason::Refused, format!("{address} is a refusal"));
        }
    }
    let mut codes: Vec<Code> =
        addresses.iter().flat_map(|address| codes(&list.codes, *address)).collect();
    codes.sort();
    codes.dedup();
    if codes.is_empty() { Verdict::Clean } else { Verdict::Listed(codes) }
}

fn codes(table: &Codes, address: Ipv4Addr) -> Vec<Code> {
    let code = |meaning: &Arc<str>| Code { address, meaning: meaning.clone() };
    match table {
        Codes::Any => vec![code(&"unknown".into())],
        Codes::Ranges(ranges) => {
            let known = ranges.iter().find(|(first, last, _)| (first..=last).contains(&&address));
            vec![known.map_or_else(|| code(&"unknown".into()), |(_, _, meaning)| code(meaning))]
        }
        Codes::Bits(bits) => {
            let [.., last] = address.octets();
            bits.iter().filter(|(bit, _)| last & bit != 0).map(|(_, why)| code(why)).collect()
        }
    }
}
