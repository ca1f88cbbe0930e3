//! The one place where what is known of DNS lists becomes samples.

use std::sync::Arc;
use std::time::SystemTime;

use super::catalogue::{Family, MAX_RETURN_CODES};
use super::label::{self, Short};
use super::record::{Sink, Value, moment};
use crate::dnsbl::{Code, Verdict};
use crate::store::{ListView, ListingView, Listings, QueryResult};

/// Lists and listings as they were when this was made, each with the text of its labels: a scrape
/// passes over them family by family.
#[derive(Debug)]
pub struct Text {
    lists: Vec<(String, Arc<ListView>)>,
    listings: Vec<(String, Arc<ListingView>)>,
}

impl Text {
    /// Everything that is known now.
    pub fn of(known: &Listings) -> Self {
        Self::new(known.lists(), known.listings())
    }

    /// These views.
    pub fn new(lists: Vec<Arc<ListView>>, listings: Vec<Arc<ListingView>>) -> Self {
        let (lists, listings) = (lists.into_iter(), listings.into_iter());
        Self {
            lists: lists.map(|view| (label::list_text(&view.list), view)).collect(),
            listings: listings.map(|view| (label::listing_text(&view), view)).collect(),
        }
    }

    /// Hands the samples of `family`, of list scope, of one list to `sink`. None when there is no
    /// such list.
    pub fn record_list(
        &self,
        family: Family,
        item: usize,
        now: SystemTime,
        sink: &mut impl Sink,
    ) -> Option<()> {
        let (text, view) = self.lists.get(item)?;
        match family {
            Family::DnsblListHealthy => {
                let healthy = view.health.as_ref().and_then(|health| health.healthy);
                if let Some(healthy) = healthy {
                    sink.sample(text, &[], Value::Flag(healthy));
                }
            }
            Family::DnsblListPausedUntil => {
                if let Some(until) = view.paused_until.filter(|until| *until > now) {
                    sink.sample(text, &[], moment(until));
                }
            }
            Family::DnsblQueries => {
                for (result, number) in QueryResult::ALL.iter().zip(view.queries) {
                    sink.sample(text, &[result.as_str()], Value::Count(number));
                }
            }
            Family::DnsblQueryDuration => sink.histogram(text, &view.buckets, view.seconds),
            // Of another scope. That no family falls through is a test.
            _ => {}
        }
        Some(())
    }

    /// Hands the samples of `family`, of listing scope, of one listing to `sink`; none when there is
    /// no such listing. Only the last look-up speaks: what an earlier one could tell is not shown as
    /// if it were so now.
    pub fn record_listing(&self, family: Family, item: usize, sink: &mut impl Sink) -> Option<()> {
        let (text, view) = self.listings.get(item)?;
        if let Some(last) = &view.last {
            record(family, text, view, &last.verdict, sink);
        }
        Some(())
    }
}

fn record(family: Family, text: &str, view: &ListingView, verdict: &Verdict, sink: &mut impl Sink) {
    let told = !matches!(verdict, Verdict::Unknown(..));
    match (family, verdict) {
        (Family::DnsblQuerySuccess, _) => sink.sample(text, &[], Value::Flag(told)),
        (Family::DnsblListed, Verdict::Listed(_)) => sink.sample(text, &[], Value::Flag(true)),
        (Family::DnsblListed, Verdict::Clean) => sink.sample(text, &[], Value::Flag(false)),
        (Family::DnsblSince, _) => {
            if let Some(since) = view.since.filter(|_| told) {
                sink.sample(text, &[], moment(since));
            }
        }
        (Family::DnsblListingInfo, Verdict::Listed(codes)) => {
            let mut seen: Vec<&Code> = Vec::new();
            for code in codes {
                // Two samples with the same labels would make Prometheus refuse everything.
                if seen.len() < MAX_RETURN_CODES && !seen.contains(&code) {
                    let address = Short::of(code.address);
                    sink.sample(text, &[address.as_str(), &code.meaning], Value::Flag(true));
                    seen.push(code);
                }
            }
        }
        (Family::DnsblQueryFailure, Verdict::Unknown(reason, _)) => {
            sink.sample(text, &[reason.as_str()], Value::Flag(true));
        }
        // Not observed, or of another scope.
        _ => {}
    }
}
