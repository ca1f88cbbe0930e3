//! TLSA records and what they say of a certificate (RFC 6698, RFC 7671, RFC 7672).

mod path;

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256, Sha512};
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo, X509Certificate};

use super::{Answer, Data, Finding, On, Outcome, Problem, Proof, Trouble, text};

/// A TLSA record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// Certificate usage: 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE.
    pub usage: u8,
    /// Selector: 0 the certificate, 1 its key.
    pub selector: u8,
    /// Matching type: 0 the whole, 1 SHA-256, 2 SHA-512.
    pub matching: u8,
    /// The data.
    pub data: Vec<u8>,
}

closed_enum! {
    /// What the DNS says about TLSA records of a host.
    pub enum DaneStatus {
        /// Records that DNSSEC proves.
        Secure => "secure",
        /// Records in a zone that is not signed: they count for nothing.
        Insecure => "insecure",
        /// No record: proven, or in a zone that is not signed.
        None => "none",
        /// DNSSEC says that the answer is forged or out of date.
        Bogus => "bogus",
        /// No answer: not "none".
        Failed => "failed",
    }
}

/// What was seen of DANE at one mail exchanger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaneFacts {
    /// What the DNS says; none when it was not asked.
    pub status: Option<DaneStatus>,
    /// The records.
    pub records: Vec<Record>,
    /// Records that SMTP uses (usage 2 or 3, well formed).
    pub usable: u32,
    /// A usable record matches what the server showed; none when no certificate was seen.
    pub matched: Option<bool>,
    /// A usable record that matches nothing shown stands ready for the next key.
    pub spare: Option<bool>,
    /// The records' TTL.
    pub ttl: Option<Duration>,
}

/// A certificate of the chain that the server showed, the leaf first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The certificate, DER.
    pub der: &'a [u8],
    /// Its SubjectPublicKeyInfo, DER.
    pub spki: &'a [u8],
}

impl<'a> Shown<'a> {
    /// Reads a certificate. None when the bytes are none.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        Some(Self { der, spki: parsed.tbs_certificate.subject_pki.raw })
    }
}

/// What a visit of the mail exchanger showed.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// It offered STARTTLS; none when it did not come to that.
    pub starttls: Option<bool>,
    /// The chain that it showed, the leaf first; empty when it showed none.
    pub chain: &'a [Shown<'a>],
    /// When, in seconds since the epoch.
    pub now: u64,
}

/// The name to ask for TLSA records (RFC 7672, 2.2.3).
pub fn name(port: u16, base: &str) -> String {
    format!("_{port}._tcp.{base}")
}

/// What the answer for a host's TLSA records means, and what they say of the host as it was seen.
/// `names` are the names that a certificate under DANE-TA may carry: the TLSA base domain first, then
/// the host and the mail domain (RFC 7672, 3.2.2).
pub fn judge(
    host: &Arc<str>,
    names: &[&str],
    answer: &Answer,
    seen: Option<Seen<'_>>,
    findings: &mut Vec<Finding>,
) -> DaneFacts {
    let mut find = |problem, detail: &str| {
        findings.push(Finding { problem, on: On::Mx(host.clone()), detail: text::detail(detail) });
    };
    let mut facts = DaneFacts { status: status(answer), ..DaneFacts::default() };
    match (facts.status, answer.trouble()) {
        (Some(DaneStatus::Bogus), _) => find(
            Problem::DaneBogus,
            "the TLSA records, or the proof that there are none, do not verify",
        ),
        (Some(DaneStatus::Failed), Some(trouble)) => {
            find(Problem::DaneLookupFailed, &format!("the question for TLSA ended: {trouble}"));
        }
        (Some(DaneStatus::Insecure), _) => {
            find(Problem::DaneInsecure, "there are TLSA records and no DNSSEC that proves them");
        }
        _ => {}
    }
    facts.records = records(answer);
    facts.ttl = answer.ttl.filter(|_| !facts.records.is_empty());
    let mut usable = Vec::new();
    for record in &facts.records {
        match record.fault() {
            None => usable.push(record),
            Some(Fault::Usage) => {
                find(Problem::DaneUnusableUsage, &format!("{record}: SMTP uses 2 and 3 only"))
            }
            Some(Fault::Malformed(why)) => {
                find(Problem::DaneMalformed, &format!("{record}: {why}"));
            }
        }
    }
    facts.usable = u32::try_from(usable.len()).unwrap_or(u32::MAX);
    let Some(seen) = seen.filter(|_| !usable.is_empty()) else { return facts };
    // Records that nobody heeds are compared all the same, but what comes of it troubles nobody.
    let heeded = facts.status == Some(DaneStatus::Secure);
    if seen.starttls == Some(false) {
        if heeded {
            find(Problem::DaneNoStarttls, "TLSA records are there and STARTTLS is not offered");
        }
        return facts;
    }
    if seen.chain.is_empty() {
        return facts;
    }
    let verdicts: Vec<Match> = usable.iter().map(|record| record.compare(&seen, names)).collect();
    let matched = verdicts.iter().any(|verdict| matches!(verdict, Match::At(_)));
    let spare = verdicts.contains(&Match::Nothing);
    facts.matched = Some(matched);
    facts.spare = Some(spare);
    if !heeded {
        return facts;
    }
    if !matched {
        let why: Vec<String> = usable
            .iter()
            .zip(&verdicts)
            .take(TOLD)
            .map(|(record, verdict)| match verdict {
                Match::Unsound(why) => format!("{record}: {why}"),
                _ => format!("{record}: not shown"),
            })
            .collect();
        find(Problem::DaneMismatch, &why.join("; "));
        return facts;
    }
    let mut held: Vec<usize> = verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            Match::At(place) => Some(*place),
            _ => None,
        })
        .collect();
    held.sort_unstable();
    held.dedup();
    // A record for the authority holds when the server's own key changes, and the other way round.
    if !spare && held.len() == 1 {
        find(Problem::DaneNoSpare, "no record stands ready for another key");
    }
    if let (Some(ttl), [0]) = (facts.ttl, held.as_slice())
        && let Some(age) = seen.age()
        && age < ttl.as_secs()
    {
        let detail = format!(
            "the certificate began {age} s ago and the records may be kept for {} s",
            ttl.as_secs()
        );
        find(Problem::DaneCertificateTooYoung, &detail);
    }
    facts
}

/// What the DNS says of a host's records; none when that is our own trouble.
fn status(answer: &Answer) -> Option<DaneStatus> {
    match (&answer.outcome, answer.proof) {
        (Outcome::Failed(Trouble::Bogus), _) | (_, Proof::Bogus) => Some(DaneStatus::Bogus),
        (Outcome::Failed(Trouble::Ours), _) | (Outcome::Found(_), Proof::Indeterminate) => None,
        (Outcome::Failed(_), _) => Some(DaneStatus::Failed),
        (Outcome::Found(_), Proof::Secure) => Some(DaneStatus::Secure),
        (Outcome::Found(_), Proof::Insecure) => Some(DaneStatus::Insecure),
        (Outcome::NoName | Outcome::NoData, Proof::Indeterminate) => None,
        (Outcome::NoName | Outcome::NoData, _) => Some(DaneStatus::None),
    }
}

/// The records of an answer, each once.
fn records(answer: &Answer) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for data in answer.records() {
        if let Data::Tlsa(record) = data
            && records.len() < MAX_RECORDS
            && !records.contains(record)
        {
            records.push(record.clone());
        }
    }
    records
}

/// Why SMTP cannot use a record.
enum Fault {
    /// A usage of the Web's authorities (RFC 7672, 3.1.3).
    Usage,
    /// It can match nothing.
    Malformed(&'static str),
}

/// What came of comparing a record with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Match {
    /// It matches the certificate at this place of the chain, the leaf being 0; what stands only in
    /// the record comes after the chain's end.
    At(usize),
    /// It matches nothing that was shown.
    Nothing,
    /// It matches, and what it vouches for does not hold.
    Unsound(String),
}

impl Record {
    fn fault(&self) -> Option<Fault> {
        let length = self.data.len();
        match (self.usage, self.selector, self.matching) {
            (4.., _, _) => Some(Fault::Malformed("there is no such usage")),
            (_, 2.., _) => Some(Fault::Malformed("there is no such selector")),
            (_, _, 3..) => Some(Fault::Malformed("there is no such matching type")),
            (_, _, 1) if length != 32 => Some(Fault::Malformed("SHA-256 has 32 bytes")),
            (_, _, 2) if length != 64 => Some(Fault::Malformed("SHA-512 has 64 bytes")),
            (_, 0, 0) if X509Certificate::from_der(&self.data).is_err() => {
                Some(Fault::Malformed("the data is no certificate"))
            }
            (_, 1, 0) if SubjectPublicKeyInfo::from_der(&self.data).is_err() => {
                Some(Fault::Malformed("the data is no public key"))
            }
            (0 | 1, _, _) => Some(Fault::Usage),
            _ => None,
        }
    }

    /// Compares a usable record with what was shown.
    fn compare(&self, seen: &Seen<'_>, names: &[&str]) -> Match {
        if self.usage == 3 {
            // Name and dates are not looked at (RFC 7672, 3.1.1).
            return match seen.chain.first() {
                Some(leaf) if self.is(leaf) => Match::At(0),
                _ => Match::Nothing,
            };
        }
        // An authority stands above the server's own certificate.
        let place = seen.chain.iter().skip(1).position(|shown| self.is(shown));
        let (place, anchor) = match (place, self.selector, self.matching) {
            (Some(index), _, _) => {
                let Some(shown) = seen.chain.get(index + 1) else { return Match::Nothing };
                (index + 1, path::Anchor::Certificate(shown.der))
            }
            // The record itself holds what a server may then leave out (RFC 7671, 5.2.2, 5.2.3).
            (None, 0, 0) => (seen.chain.len(), path::Anchor::Certificate(&self.data)),
            (None, 1, 0) => (seen.chain.len(), path::Anchor::Key(&self.data)),
            _ => return Match::Nothing,
        };
        let shown = place < seen.chain.len();
        match path::check(seen, &anchor, names) {
            Ok(()) => Match::At(place),
            // An authority that signed nothing of this is a spare.
            Err(path::Unsound::Path(_)) if !shown => Match::Nothing,
            Err(path::Unsound::Path(why) | path::Unsound::Other(why)) => Match::Unsound(why),
        }
    }

    /// Whether the record names this certificate.
    fn is(&self, shown: &Shown<'_>) -> bool {
        let whole = if self.selector == 0 { shown.der } else { shown.spki };
        match self.matching {
            0 => self.data == whole,
            1 => self.data == Sha256::digest(whole).as_slice(),
            2 => self.data == Sha512::digest(whole).as_slice(),
            _ => false,
        }
    }
}

impl std::fmt::Display for Record {
    /// The three numbers and the beginning of the data, as people compare them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        for byte in self.data.iter().take(DIGITS) {
            write!(f, "{byte:02x}")?;
        }
        if self.data.len() > DIGITS { f.write_str("…") } else { Ok(()) }
    }
}

impl Seen<'_> {
    /// Seconds since the beginning of the leaf's validity.
    fn age(&self) -> Option<u64> {
        let (_, leaf) = X509Certificate::from_der(self.chain.first()?.der).ok()?;
        let began = u64::try_from(leaf.validity().not_before.timestamp()).ok()?;
        self.now.checked_sub(began)
    }
}

/// Records that are looked at; real hosts have two to six.
const MAX_RECORDS: usize = 100;
/// Records that a finding tells of.
const TOLD: usize = 4;
/// Bytes of a record's data that are shown.
const DIGITS: usize = 8;

#[cfg(test)]
mod tests;
