//! The labels of what is known of a domain's records and keys. They are apart from the others, so
//! that a target may go on having a label `domain` or `policy` of its own.

use std::net::IpAddr;

use super::{LabelDoc, own_labels, pair};
use crate::posture::dkim::DkimKey;
use crate::posture::dmarc::{Alignment, DmarcPolicy};
use crate::posture::mta_sts::StsMode;
use crate::posture::mx::Strict;
use crate::posture::spf::{SpfAll, SpfResult};
use crate::posture::tlsa::{DaneStatus, Record};
use crate::posture::{Area, Problem, Severity, Subject};

closed_enum! {
    /// The kind of DMARC reports.
    pub enum ReportKind {
        /// `rua`.
        Aggregate => "aggregate",
        /// `ruf`.
        Failure => "failure",
    }
}

closed_enum! {
    /// What decides whether a sender that insists on verified TLS delivers.
    pub enum DeliveryPolicy {
        /// DANE.
        Dane => "dane",
        /// MTA-STS.
        MtaSts => "mta_sts",
        /// Nothing asks for verified TLS.
        Opportunistic => "opportunistic",
    }
}

closed_enum! {
    /// The usage of a TLSA record (RFC 6698, 2.1.1).
    pub enum Usage {
        /// PKIX-TA.
        PkixTa => "0",
        /// PKIX-EE.
        PkixEe => "1",
        /// DANE-TA.
        DaneTa => "2",
        /// DANE-EE.
        DaneEe => "3",
        /// None that is known.
        Other => "other",
    }
}

closed_enum! {
    /// The selector of a TLSA record (RFC 6698, 2.1.2).
    pub enum Selector {
        /// The certificate.
        Certificate => "0",
        /// Its key.
        Key => "1",
        /// None that is known.
        Other => "other",
    }
}

closed_enum! {
    /// The matching type of a TLSA record (RFC 6698, 2.1.3).
    pub enum Matching {
        /// The whole.
        Whole => "0",
        /// SHA-256.
        Sha256 => "1",
        /// SHA-512.
        Sha512 => "2",
        /// None that is known.
        Other => "other",
    }
}

labels! {
    /// Every label of posture series; none of them can be a domain's own label.
    POSTURE_LABELS:
    DOMAIN "domain" "The domain whose records and keys are looked at, in ASCII.";
    AREA "area" "What a problem is about." of Area;
    SEVERITY "severity" "How bad it is." of Severity;
    PROBLEM "problem" "What is wrong; `smtp_exporter explain` tells what to do." of Problem;
    DKIM_SELECTOR "selector" "A DKIM selector of the configuration.";
    SENDING_ADDRESS "address" "A sending address of the configuration.";
    MX "mx" "The name of a mail exchanger in lower case, as the domain's MX records have it.";
    SPF_ALL "all" "What the record says of everybody else." of SpfAll;
    SPF_RESULT "result" "What SPF says." of SpfResult;
    KEY_TYPE "type" "The type of a DKIM key." of DkimKey;
    DMARC_POLICY "policy" "What the domain asks receivers to do." of DmarcPolicy;
    SUBDOMAIN_POLICY "subdomain_policy" "The same for subdomains." of DmarcPolicy;
    DKIM_ALIGNMENT "dkim_alignment" "How closely the signing domain must agree." of Alignment;
    SPF_ALIGNMENT "spf_alignment" "How closely the envelope's domain must agree." of Alignment;
    REPORT_KIND "kind" "Reports of sums (`rua`) or of single failures (`ruf`)." of ReportKind;
    STS_MODE "mode" "What senders do about a failure." of StsMode;
    DANE_STATUS "status" "What the DNS says, and whether DNSSEC proves it." of DaneStatus;
    TLSA_USAGE "usage" "The usage of TLSA records." of Usage;
    TLSA_SELECTOR "selector" "The selector of TLSA records." of Selector;
    TLSA_MATCHING "matching" "The matching type of TLSA records." of Matching;
    DELIVERY_POLICY "policy" "What decides: DANE before MTA-STS." of DeliveryPolicy;
}

impl ReportKind {
    /// The kind of a report address.
    pub const fn of(aggregate: bool) -> Self {
        if aggregate { Self::Aggregate } else { Self::Failure }
    }
}

impl DeliveryPolicy {
    /// What decided.
    pub const fn of(strict: Strict) -> Self {
        match strict {
            Strict::Dane | Strict::RefusedDane => Self::Dane,
            Strict::MtaSts | Strict::RefusedMtaSts => Self::MtaSts,
            Strict::Opportunistic => Self::Opportunistic,
        }
    }
}

/// The usage, selector and matching type of a TLSA record as closed values.
pub const fn tlsa(record: &Record) -> (Usage, Selector, Matching) {
    let usage = match record.usage {
        0 => Usage::PkixTa,
        1 => Usage::PkixEe,
        2 => Usage::DaneTa,
        3 => Usage::DaneEe,
        _ => Usage::Other,
    };
    let selector = match record.selector {
        0 => Selector::Certificate,
        1 => Selector::Key,
        _ => Selector::Other,
    };
    let matching = match record.matching {
        0 => Matching::Whole,
        1 => Matching::Sha256,
        2 => Matching::Sha512,
        _ => Matching::Other,
    };
    (usage, selector, matching)
}

/// The text of the labels of a domain's series: `domain` and the domain's own.
pub fn domain_text(subject: &Subject) -> String {
    text(subject, None)
}

/// The text of the labels of a selector's series.
pub fn selector_text(subject: &Subject, selector: &str) -> String {
    text(subject, Some((DKIM_SELECTOR.name, selector)))
}

/// The text of the labels of a sending address's series.
pub fn sender_text(subject: &Subject, address: IpAddr) -> String {
    text(subject, Some((SENDING_ADDRESS.name, &address.to_string())))
}

/// The text of the labels of a mail exchanger's series.
pub fn exchanger_text(subject: &Subject, host: &str) -> String {
    text(subject, Some((MX.name, host)))
}

fn text(subject: &Subject, of: Option<(&str, &str)>) -> String {
    let mut text = String::new();
    pair(&mut text, DOMAIN.name, &subject.domain);
    if let Some((name, value)) = of {
        pair(&mut text, name, value);
    }
    own_labels(&mut text, &subject.labels, POSTURE_LABELS);
    text
}
