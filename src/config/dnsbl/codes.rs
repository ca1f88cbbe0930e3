//! How return codes are written: one address of 127/8 or a range of them, with its meaning.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::super::text::printable;
use super::super::value::{self, Parsed};
use super::super::walk::{At, Fields, Findings};
use crate::dnsbl::{Codes, Refusal};

/// A range of codes with its meaning.
pub(super) type Range = (Ipv4Addr, Ipv4Addr, Arc<str>);

/// `codes`, `others` and `bits` of a list; none when none is stated.
pub(super) fn read(fields: &Fields, findings: &mut Findings) -> Option<Codes> {
    let (codes, bits) = (fields.at("codes"), fields.at("bits"));
    let others = fields.at("others");
    let listings = codes.as_ref().map(|at| ranges(at, findings));
    if let Some(bits) = &bits {
        if let Some(at) = codes.as_ref().or(others.as_ref()) {
            findings.problem(&at.spot(), "stands beside `bits`; keep one of the two");
        }
        return Some(Codes::Bits(read_bits(bits, findings)));
    }
    match others {
        Some(others) => {
            let others = ranges(&others, findings);
            Some(Codes::Mixed { listings: listings.unwrap_or_default(), others })
        }
        None => listings.map(Codes::Ranges),
    }
}

/// `refusals` of a list.
pub(super) fn refusals(at: &At, findings: &mut Findings) -> Vec<Refusal> {
    let ranges = ranges(at, findings).into_iter();
    ranges.map(|(first, last, why)| Refusal { first, last, why }).collect()
}

/// Every meaning that codes have.
pub(super) fn meanings(codes: &Codes) -> Vec<&str> {
    match codes {
        Codes::Any => Vec::new(),
        Codes::Ranges(ranges) => ranges.iter().map(|range| &*range.2).collect(),
        Codes::Bits(bits) => bits.iter().map(|bit| &*bit.1).collect(),
        Codes::Mixed { listings, others } => {
            listings.iter().chain(others).map(|range| &*range.2).collect()
        }
    }
}

/// A range as it is read back.
pub(crate) fn shown(first: Ipv4Addr, last: Ipv4Addr) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn ranges(at: &At, findings: &mut Findings) -> Vec<Range> {
    let mut found: Vec<Range> = Vec::new();
    for (key, spot, at) in at.entries(findings) {
        let range = findings.take(&spot, range(&key));
        let meaning = at.parse(findings, meaning);
        let (Some((first, last)), Some(meaning)) = (range, meaning) else { continue };
        if let Some(other) = found.iter().find(|other| first <= other.1 && other.0 <= last) {
            let other = shown(other.0, other.1);
            findings.problem(&spot, format!("overlaps {other}; each code has one meaning"));
        } else {
            found.push((first, last, meaning));
        }
    }
    found.sort();
    found
}

fn range(text: &str) -> Parsed<(Ipv4Addr, Ipv4Addr)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let wrong = || {
        format!(
            "`{}` is no return code; write 127.0.0.2, or 127.0.0.4-127.0.0.7 for a range",
            printable(text)
        )
    };
    let parse = |text: &str| text.trim().parse::<Ipv4Addr>().map_err(|_| wrong());
    let (first, last) = (parse(first)?, parse(last)?);
    if !first.is_loopback() || !last.is_loopback() {
        Err(format!("`{}` is outside 127.0.0.0/8, where lists answer", printable(text)))
    } else if last < first {
        Err(format!("`{}` ends before it begins", printable(text)))
    } else {
        Ok((first, last))
    }
}

fn read_bits(at: &At, findings: &mut Findings) -> Vec<(u8, Arc<str>)> {
    let mut found = Vec::new();
    for (key, spot, at) in at.entries(findings) {
        let bit = value::number(&key, 1, 128).ok().and_then(|bit| u8::try_from(bit).ok());
        let Some(bit) = bit.filter(|bit| bit.is_power_of_two()) else {
            let key = printable(&key);
            findings
                .problem(&spot, format!("`{key}` is no bit; write 1, 2, 4, 8, 16, 32, 64 or 128"));
            continue;
        };
        if let Some(meaning) = at.parse(findings, meaning) {
            found.push((bit, meaning));
        }
    }
    found.sort();
    found
}

/// A meaning becomes a label's value.
fn meaning(text: &str) -> Parsed<Arc<str>> {
    if text.trim().is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
        Err("a meaning has 1 to 128 bytes without control characters".to_owned())
    } else {
        Ok(Arc::from(text.trim()))
    }
}
