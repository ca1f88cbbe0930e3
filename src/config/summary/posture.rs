//! What looking at domains' records and keys will cost others.

use std::fmt::Write;
use std::sync::Arc;

use super::{DAY_MILLIS, count};
use crate::config::value::show;
use crate::posture::Subject;

/// Questions to the DNS per domain and day, most first, and visits of each mail exchanger. How many
/// mail exchangers a domain has, and what its SPF record names, is not asked here, so that it is an
/// estimate.
pub(in crate::config) fn text(subjects: &[Arc<Subject>]) -> String {
    let selectors: usize = subjects.iter().map(|subject| subject.dkim_selectors.len()).sum();
    let addresses: usize = subjects.iter().map(|subject| subject.sending_addresses.len()).sum();
    let mut out = format!(
        "posture: {}, {}, {}\nDNS questions per domain and day, about:\n",
        count(subjects.len(), "domain"),
        count(selectors, "DKIM selector"),
        if addresses == 1 {
            "1 sending address".to_owned()
        } else {
            format!("{addresses} sending addresses")
        },
    );
    let mut loads: Vec<(u128, u128, &Subject)> = subjects
        .iter()
        .map(|subject| {
            let looks = DAY_MILLIS.div_ceil(subject.interval.as_millis().max(1));
            (looks * questions(subject), looks, &**subject)
        })
        .collect();
    loads.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.domain.cmp(&b.2.domain)));
    for (questions, looks, subject) in loads {
        let (domain, every) = (&subject.domain, show(subject.interval));
        // Writing to a String can't fail.
        let _ = writeln!(
            out,
            "{questions:>9}  {domain}: looked at every {every}; {looks} visits a day of each mail \
             exchanger"
        );
    }
    out
}

/// Of one look.
fn questions(subject: &Subject) -> u128 {
    let selectors = subject.dkim_selectors.len() as u128;
    let addresses = subject.sending_addresses.len() as u128;
    RECORDS + SPF + EXCHANGERS + selectors + addresses * PER_ADDRESS
}

/// SPF, DMARC with its organisational domain, MTA-STS and its host's two addresses, TLS-RPT, BIMI,
/// the EHLO name.
const RECORDS: u128 = 9;
/// As many as a record may lead to (RFC 7208, 4.6.4).
const SPF: u128 = 10;
/// MX, and for each of two hosts A, AAAA, TLSA.
const EXCHANGERS: u128 = 7;
/// PTR, and the name that it gives.
const PER_ADDRESS: u128 = 2;
