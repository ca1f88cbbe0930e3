//! TLSA records and what they say of a certificate (RFC 6698, RFC 7671, RFC 7672).

use std::time::Duration;

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
