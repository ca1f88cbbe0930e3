//! What DNS block lists say of a target's addresses and names.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::time;
use crate::dnsbl::{Code, Verdict};
use crate::store::ListingView;
use crate::target::{HostName, Place};

closed_enum! {
    /// What a list last said of a subject.
    pub enum ListingState {
        /// It is on the list.
        Listed => "listed",
        /// It is not.
        Clean => "clean",
        /// The list could not tell.
        Unknown => "unknown",
    }
}

/// One subject on one list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct ListingRow {
    /// The list's name.
    pub(in crate::web) list: Arc<str>,
    /// `block` or `allow`.
    pub(in crate::web) kind: &'static str,
    /// The address or domain, as the list's operator would write it.
    pub(in crate::web) subject: String,
    pub(in crate::web) state: ListingState,
    /// Return codes and their meanings, while listed.
    pub(in crate::web) meanings: Vec<String>,
    /// The list's own words (TXT) while listed, and why it could not be told.
    pub(in crate::web) reasons: Vec<String>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) since: Option<SystemTime>,
    #[serde(serialize_with = "time")]
    pub(in crate::web) next: Option<SystemTime>,
    /// Where a listing is looked up and removed.
    pub(in crate::web) delisting: Option<Arc<str>>,
}

impl ListingRow {
    /// The row of one subject on one list; none before its first look-up.
    pub(in crate::web) fn of(view: &ListingView) -> Option<Self> {
        let last = view.last.as_deref()?;
        let meaning = |code: &Code| format!("{} ({})", code.meaning, code.address);
        let (state, meanings, reasons) = match &last.verdict {
            Verdict::Listed(codes) => {
                (ListingState::Listed, codes.iter().map(meaning).collect(), last.reasons.clone())
            }
            Verdict::Clean => (ListingState::Clean, Vec::new(), Vec::new()),
            Verdict::Unknown(_, why) => (ListingState::Unknown, Vec::new(), vec![why.clone()]),
        };
        // What was told before says nothing of now.
        let since = view.since.filter(|_| state != ListingState::Unknown);
        Some(Self {
            list: view.list.name.clone(),
            kind: view.list.kind.as_str(),
            subject: view.subject.to_string(),
            state,
            meanings,
            reasons,
            since,
            next: view.next,
            delisting: view.list.delisting.clone(),
        })
    }

    /// Being on it is bad.
    pub(in crate::web) fn is_block(&self) -> bool {
        self.kind == "block"
    }
}

/// Those of all listings that speak of a target: of its name, and of an address that was probed.
pub(super) fn of_target(
    place: &Place,
    addresses: impl Iterator<Item = IpAddr>,
    all: &[ListingRow],
) -> Vec<ListingRow> {
    let name = match place {
        Place::Domain(name) | Place::Host { host: HostName::Name(name), .. } => Some(&**name),
        Place::Host { host: HostName::Address(_), .. } => None,
    };
    let mut subjects: Vec<String> =
        addresses.map(|address| address.to_canonical().to_string()).collect();
    subjects.extend(name.map(str::to_owned));
    all.iter().filter(|row| subjects.contains(&row.subject)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_the_listings_of_its_name_and_its_addresses() {
        let row = |subject: &str| ListingRow {
            list: "bl.test".into(),
            kind: "block",
            subject: subject.to_owned(),
            state: ListingState::Listed,
            meanings: Vec::new(),
            reasons: Vec::new(),
            since: None,
            next: None,
            delisting: None,
        };
        let all = ["192.0.2.1", "192.0.2.2", "example.net", "other.example"].map(row);
        let subjects = |place: &str, address: &str| -> Vec<String> {
            let place = Place::parse(place).unwrap();
            let address: IpAddr = address.parse().unwrap();
            let rows = of_target(&place, std::iter::once(address), &all);
            rows.into_iter().map(|row| row.subject).collect()
        };
        assert_eq!(
            subjects("domain:example.net", "::ffff:192.0.2.1"),
            ["192.0.2.1", "example.net"]
        );
        assert_eq!(subjects("192.0.2.2:25", "192.0.2.2"), ["192.0.2.2"]);
        assert!(subjects("mx.example.net", "192.0.2.3").is_empty());
    }
}
