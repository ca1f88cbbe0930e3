//! Labels: which there are, what their values can be, and their text. The values themselves stand
//! beside the enums that they come from.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::cause::{Blame, Cause};
use crate::dnsbl::{Kind, List, Reason};
use crate::observation::tally::{ProbeResult, REGISTERED_CODES};
use crate::observation::{
    Across, DnsReason, EndpointState, RefusedHow, SkipReason, TlsVersion, VerifyFailure,
};
use crate::smtp::{EnhancedCode, Keyword, Mechanism, Phase};
use crate::store::{ListingView, QueryResult};
use crate::target::{Check, Endpoint, Family, Target};

/// A label of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct LabelDoc {
    /// Its name.
    pub name: &'static str,
    /// What stands before a value that is not the first: `,name="`.
    pub opening: &'static str,
    /// What it says.
    pub help: &'static str,
    /// All values, when they are few enough to be listed.
    pub values: Option<fn() -> Vec<&'static str>>,
}

closed_enum! {
    /// Whether something was offered in clear or inside TLS.
    pub enum Channel {
        /// In clear.
        Plain => "plain",
        /// Inside TLS.
        Tls => "tls",
    }
}

/// The value for what is not registered.
pub const OTHER: &str = "other";

/// The value of `cause` for a reply that is no refusal.
pub const NONE: &str = "none";

/// Declares the labels, and the list of them.
macro_rules! labels {
    ($(#[$meta:meta])* $all:ident: $($ident:ident $name:literal $help:literal $(of $enum:ident $(and $extra:expr)?)?;)+) => {
        $(
            #[doc = $help]
            pub const $ident: LabelDoc = LabelDoc {
                name: $name,
                opening: concat!(",", $name, "=\""),
                help: $help,
                values: labels!(@values $($enum $($extra)?)?),
            };
        )+

        $(#[$meta])*
        pub const $all: &[LabelDoc] = &[$($ident,)+];
    };
    (@values) => { None };
    (@values $enum:ident) => {
        Some(|| $enum::ALL.iter().map(|value| value.as_str()).collect())
    };
    (@values $enum:ident $extra:expr) => {
        Some(|| $enum::ALL.iter().map(|value| value.as_str()).chain([$extra]).collect())
    };
}

// Below the macro, which it uses.
pub mod posture;

pub use posture::{
    AREA, DANE_STATUS, DELIVERY_POLICY, DKIM_ALIGNMENT, DKIM_SELECTOR, DMARC_POLICY, DOMAIN,
    KEY_TYPE, MX, POSTURE_LABELS, PROBLEM, REPORT_KIND, SENDING_ADDRESS, SEVERITY, SPF_ALIGNMENT,
    SPF_ALL, SPF_RESULT, STS_MODE, SUBDOMAIN_POLICY, TLSA_MATCHING, TLSA_SELECTOR, TLSA_USAGE,
};

labels! {
    /// Every label of targets, lists and the exporter; none of them can be a target's own label.
    LABELS:
    TARGET "target" "The target's name.";
    MODULE "module" "The module's name.";
    ENDPOINT "endpoint" "Host and port. Empty when resolving failed.";
    ADDRESS "address" "The IP address. Empty when resolving failed.";
    SOURCE "source" "The address that we connect from, when several are configured.";
    PHASE "phase" "The step of the probe." of Phase;
    CAUSE "cause" "Why." of Cause;
    REPLY_CAUSE "cause" "Why; `none` for 2xx and 3xx." of Cause and NONE;
    BLAME "blame" "Who must act: their server, the network, us as a sender, or this exporter." of Blame;
    STATE "state" "The state of an endpoint." of EndpointState;
    RESULT "result" "Success, or who is to blame." of ProbeResult;
    CODE "code" "The reply code, when an RFC names it, else `other`.";
    REFUSAL_CODE "code" "The reply code, when an RFC names it, else `other`; `0` when there was none.";
    HOW "how" "In which form it came: a reply, the connection closed or reset, or nothing in time." of RefusedHow;
    REASON "reason" "Why a certificate does not verify." of VerifyFailure;
    DNS_REASON "reason" "What came of the DNS question." of DnsReason;
    SKIP_REASON "reason" "Why nothing was probed." of SkipReason;
    PORT "port" "The port.";
    FAMILY "family" "The address family." of Family;
    MX_PREFERENCE "mx_preference" "The preference of the MX record; empty for a host.";
    ENHANCED "enhanced" "The enhanced status code, when it is registered, else `other`.";
    VERSION "version" "The protocol's version." of TlsVersion;
    CIPHER "cipher" "The cipher suite by its IANA name.";
    GROUP "group" "The key exchange group by its IANA name.";
    FINGERPRINT "fingerprint_sha256" "SHA-256 of the certificate, lower-case hex.";
    SERIAL "serial" "The serial number, lower-case hex, at most 128 bytes.";
    SUBJECT "subject" "The subject, at most 128 bytes.";
    ISSUER "issuer" "The issuer, at most 128 bytes.";
    KEY "key" "Type and size of the key.";
    CAPABILITY "capability" "A registered EHLO keyword." of Keyword;
    CHANNEL "channel" "Offered in clear or inside TLS." of Channel;
    MECHANISM "mechanism" "A SASL mechanism." of Mechanism;
    ACROSS "across" "What is compared: the addresses of one module, or the ports of one address." of Across;
    LIST "list" "The zone of a DNS list, or the name that the configuration gives it.";
    KIND "kind" "What being on the list means." of Kind;
    LISTED_SUBJECT "subject" "The address or domain that is looked up on DNS lists.";
    RETURN_CODE "return_code" "The address in 127/8 that the list answered with.";
    MEANING "meaning" "What the return code means on this list; `unknown` when that is not known.";
    DNSBL_REASON "reason" "Why it could not be told." of Reason;
    QUERY_RESULT "result" "What a DNS question came to." of QueryResult;
    BUILD_VERSION "version" "The exporter's version.";
    REVISION "revision" "The source revision that it was built from.";
    RUSTVERSION "rustversion" "The compiler that built it.";
}

/// The text of the labels of target series: `target`, `module` and the target's own.
pub fn target_text(check: &Check) -> String {
    let mut text = String::new();
    pair(&mut text, TARGET.name, &check.target.name);
    pair(&mut text, MODULE.name, &check.module.name);
    own_labels(&mut text, &check.target.labels, LABELS);
    text
}

/// The text of the labels of series of a whole target: `target` and its own.
pub fn whole_text(target: &Target) -> String {
    let mut text = String::new();
    pair(&mut text, TARGET.name, &target.name);
    own_labels(&mut text, &target.labels, LABELS);
    text
}

/// The text of the labels of endpoint series.
pub fn endpoint_text(check: &Check, endpoint: &Endpoint) -> String {
    let mut text = String::new();
    pair(&mut text, TARGET.name, &check.target.name);
    pair(&mut text, MODULE.name, &check.module.name);
    pair(&mut text, ENDPOINT.name, &endpoint.label());
    let address = endpoint.address.map(|address| address.to_string()).unwrap_or_default();
    pair(&mut text, ADDRESS.name, &address);
    if let Some(source) = endpoint.source {
        pair(&mut text, SOURCE.name, &source.to_string());
    }
    own_labels(&mut text, &check.target.labels, LABELS);
    text
}

/// The text of the label of a list's series.
pub fn list_text(list: &List) -> String {
    let mut text = String::new();
    pair(&mut text, LIST.name, &list.name);
    text
}

/// The text of the labels of a listing's series: `list`, `kind`, `subject` and the subject's own.
pub fn listing_text(view: &ListingView) -> String {
    let mut text = list_text(&view.list);
    pair(&mut text, KIND.name, view.list.kind.as_str());
    pair(&mut text, LISTED_SUBJECT.name, &view.subject.to_string());
    own_labels(&mut text, &view.labels, LABELS);
    text
}

/// Appends `name="value"` with the comma before it, if one is needed.
fn pair(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(name);
    text.push_str("=\"");
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
}

fn own_labels(text: &mut String, labels: &BTreeMap<String, String>, ours: &[LabelDoc]) {
    for (name, value) in labels {
        // The configuration refuses such a name; a series that Prometheus refuses costs them all.
        if !ours.iter().any(|label| label.name == name) {
            pair(text, name, value);
        }
    }
}

/// A few characters of text without an allocation: at most 24 bytes, more are cut.
#[derive(Debug, Clone, Copy, Default)]
pub struct Short {
    bytes: [u8; 24],
    len: usize,
}

impl Short {
    /// The text of a number or another short value.
    pub fn of(value: impl fmt::Display) -> Self {
        let mut short = Self::default();
        // The only error is that the text is too long, and then it is cut.
        let _ = write!(short, "{value}");
        short
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or(OTHER)
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.bytes.get_mut(self.len).ok_or(fmt::Error)? = byte;
            self.len += 1;
        }
        Ok(())
    }
}

/// The value of `code`: 0 stands for the codes that no RFC names.
pub fn code_text(code: u16) -> Short {
    if REGISTERED_CODES.binary_search(&code).is_ok() { Short::of(code) } else { Short::of(OTHER) }
}

/// The value of `enhanced`.
pub fn enhanced_text(code: EnhancedCode) -> Short {
    if is_registered(code) { Short::of(code) } else { Short::of(OTHER) }
}

/// True for a class, subject and detail of IANA's registry of enhanced status codes (RFC 5248).
pub fn is_registered(code: EnhancedCode) -> bool {
    let highest = DETAILS.get(usize::from(code.subject));
    matches!(code.class, 2 | 4 | 5) && highest.is_some_and(|highest| code.detail <= *highest)
}

/// The highest detail registered for each subject, 0 to 7; none below is missing. With X.1.10 and
/// X.7.27 (RFC 7505), X.3.6 and X.7.15 (RFC 6710), X.5.6 (RFC 4954), X.6.6 (RFC 4468), X.6.10 (RFC
/// 6531), X.7.17 to X.7.19 (RFC 7293), X.7.20 to X.7.26 (RFC 7372), X.7.29 (RFC 8617), X.7.30 (RFC
/// 8689).
const DETAILS: [u16; 8] = [0, 10, 4, 6, 7, 6, 10, 30];

/// Phases in which a reply can come, and so the most series with one reply per phase.
pub const ANSWERED_PHASES: usize = {
    let mut answered = 0;
    let mut rest = Phase::ALL;
    while let [phase, more @ ..] = rest {
        if is_answered(*phase) {
            answered += 1;
        }
        rest = more;
    }
    answered
};

const fn is_answered(phase: Phase) -> bool {
    match phase {
        Phase::Resolve | Phase::Connect | Phase::TlsImplicit | Phase::Tls => false,
        Phase::Greeting
        | Phase::Ehlo
        | Phase::Starttls
        | Phase::EhloTls
        | Phase::Auth
        | Phase::Mail
        | Phase::Rcpt
        | Phase::Rset
        | Phase::Quit => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enhanced(class: u8, subject: u16, detail: u16) -> String {
        enhanced_text(EnhancedCode { class, subject, detail }).as_str().to_owned()
    }

    #[test]
    fn registered_enhanced_codes_keep_their_text() {
        assert_eq!(enhanced(4, 7, 0), "4.7.0");
        assert_eq!(enhanced(5, 1, 10), "5.1.10");
        assert_eq!(enhanced(2, 0, 0), "2.0.0");
        assert_eq!(enhanced(5, 7, 30), "5.7.30");
    }

    #[test]
    fn others_are_other() {
        for (class, subject, detail) in [(4, 7, 500), (4, 8, 0), (3, 1, 1), (5, 999, 999)] {
            assert_eq!(enhanced(class, subject, detail), "other");
        }
        assert_eq!(code_text(0).as_str(), "other");
        assert_eq!(code_text(299).as_str(), "other");
        assert_eq!(code_text(421).as_str(), "421");
    }

    #[test]
    fn short_text_is_cut_and_stays_text() {
        assert_eq!(Short::of("x".repeat(30)).as_str(), "x".repeat(24));
        assert_eq!(Short::of(u64::MAX).as_str(), "18446744073709551615");
        // A character cut in two is no text any more.
        assert_eq!(Short::of(format!("{}ä", "x".repeat(23))).as_str(), OTHER);
    }

    #[test]
    fn values_are_escaped() {
        let mut text = String::new();
        pair(&mut text, "a", "one\\two\"three\nfour");
        pair(&mut text, "b", "ü");
        assert_eq!(text, r#"a="one\\two\"three\nfour",b="ü""#);
    }
}
