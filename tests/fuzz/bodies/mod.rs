//! What each fuzz target does with its bytes, and what must hold whatever they are. Each body ends
//! in a panic when something does not.
//!
//! The ordinary tests run the same bodies over the corpora, so a finding stays found.

pub mod cause;
pub mod certificate;
pub mod config;
pub mod dns;
pub mod dnsbl;
pub mod ehlo;
pub mod page;
pub mod query;
pub mod records;
pub mod reply;
pub mod session;
pub mod spf;

/// A body: bytes in, a panic when something does not hold.
pub type Body = fn(&[u8]);

/// Every target: its name, which is its corpus' too, and its body.
pub const TARGETS: &[(&str, Body)] = &[
    ("cause", cause::run),
    ("certificate", certificate::run),
    ("config", config::run),
    ("dkim", records::dkim),
    ("dmarc", records::dmarc),
    ("dns", dns::run),
    ("dnsbl", dnsbl::run),
    ("ehlo", ehlo::run),
    ("hello", certificate::hello),
    ("mta_sts", records::mta_sts),
    ("page", page::run),
    ("query", query::run),
    ("reply", reply::run),
    ("session", session::run),
    ("spf", spf::run),
    ("web_config", config::web),
];

/// The bytes as text, and what was in front of them: so many bytes that choose.
fn choices<const N: usize>(data: &[u8]) -> ([u8; N], &[u8]) {
    match data.split_first_chunk::<N>() {
        Some((chosen, rest)) => (*chosen, rest),
        None => ([0; N], data),
    }
}

/// Panics when text for a person holds what could end its line, move a cursor, or turn the direction
/// of writing around.
fn assert_one_line(text: &str) {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.chars().any(|c| c.is_control() || turns(c)), "not fit to be shown: {text:?}");
}
