//! What can be wrong with a domain's records and keys, each with its advice.

use std::net::IpAddr;
use std::sync::Arc;

closed_enum! {
    /// What a problem is about.
    pub enum Area {
        /// SPF (RFC 7208).
        Spf => "spf",
        /// DKIM (RFC 6376).
        Dkim => "dkim",
        /// DMARC (RFC 7489).
        Dmarc => "dmarc",
        /// MTA-STS (RFC 8461).
        MtaSts => "mta_sts",
        /// TLS reports (RFC 8460).
        Tlsrpt => "tlsrpt",
        /// DANE for SMTP (RFC 7672).
        Dane => "dane",
        /// Mail exchangers.
        Mx => "mx",
        /// Reverse names and EHLO names of sending addresses.
        Ptr => "ptr",
    }
}

closed_enum! {
    /// How bad a problem is.
    pub enum Severity {
        /// Mail is refused, lost or forged because of it, at somebody's at least.
        Error => "error",
        /// It works today, and is weak, or against the standard.
        Warning => "warning",
    }
}

/// A problem that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which one.
    pub problem: Problem,
    /// With what of the domain.
    pub on: On,
    /// The particulars for a person: the term, the record, the name. Printable, at most 512 bytes;
    /// never a label.
    pub detail: String,
}

impl Finding {
    /// A finding whose particulars are made fit to be shown: printable, at most 512 bytes.
    pub fn new(problem: Problem, on: On, detail: impl AsRef<str>) -> Self {
        Self { problem, on, detail: super::text::detail(detail.as_ref()) }
    }
}

/// What of a domain a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// The domain as a whole.
    Domain,
    /// A DKIM selector.
    Selector(Arc<str>),
    /// A sending address.
    Address(IpAddr),
    /// A mail exchanger.
    Mx(Arc<str>),
}

macro_rules! problems {
    ($($(#[$meta:meta])* $variant:ident => $text:literal, $area:ident, $severity:ident;)+) => {
        closed_enum! {
            /// A problem of the closed list.
            pub enum Problem {
                $($(#[$meta])* $variant => $text,)+
            }
        }

        impl Problem {
            /// What it is about.
            pub const fn area(self) -> Area {
                match self { $(Self::$variant => Area::$area,)+ }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }
        }
    };
}

problems! {
    /// No SPF record.
    SpfMissing => "spf_missing", Spf, Error;
    /// More than one SPF record (RFC 7208, 4.5).
    SpfMultipleRecords => "spf_multiple_records", Spf, Error;
    /// A term that cannot be read (4.6), in the record or in one that it includes.
    SpfSyntax => "spf_syntax", Spf, Error;
    /// More than 10 terms that ask the DNS (4.6.4).
    SpfTooManyLookups => "spf_too_many_lookups", Spf, Error;
    /// More than 2 of its questions have no answer (4.6.4).
    SpfTooManyVoidLookups => "spf_too_many_void_lookups", Spf, Error;
    /// More than 10 names behind one `mx` or `ptr` (4.6.4).
    SpfTooManyNames => "spf_too_many_names", Spf, Error;
    /// An `include` whose domain has no SPF record (5.2).
    SpfIncludeMissing => "spf_include_missing", Spf, Error;
    /// A `redirect` whose domain has no SPF record (6.1).
    SpfRedirectMissing => "spf_redirect_missing", Spf, Error;
    /// A record that comes back to itself.
    SpfLoop => "spf_loop", Spf, Error;
    /// `+all`: everybody may send for the domain.
    SpfPassAll => "spf_pass_all", Spf, Error;
    /// `?all`: nothing is said about others.
    SpfNeutralAll => "spf_neutral_all", Spf, Warning;
    /// Neither `all` nor `redirect`.
    SpfNoAll => "spf_no_all", Spf, Warning;
    /// Terms after `all`, or a `redirect` beside it, which are never looked at; or `include=` for
    /// `include:` and the like, which is ignored.
    SpfUnreachableTerms => "spf_unreachable_terms", Spf, Warning;
    /// The mechanism `ptr`, which should not be used (5.5).
    SpfPtrMechanism => "spf_ptr_mechanism", Spf, Warning;
    /// The answer to the TXT question does not fit into 512 bytes (3.4).
    SpfTooLong => "spf_too_long", Spf, Warning;
    /// One of the domain's own sending addresses does not pass.
    SpfSenderNotPassing => "spf_sender_not_passing", Spf, Error;
    /// The DNS did not answer.
    SpfDnsFailure => "spf_dns_failure", Spf, Warning;

    /// No key at a configured selector.
    DkimMissing => "dkim_missing", Dkim, Error;
    /// More than one record at a selector (RFC 6376, 3.6.2.2).
    DkimMultipleRecords => "dkim_multiple_records", Dkim, Error;
    /// A record that cannot be read.
    DkimSyntax => "dkim_syntax", Dkim, Error;
    /// `p=` without a key: revoked.
    DkimRevoked => "dkim_revoked", Dkim, Error;
    /// A key type that verifiers do not know.
    DkimUnknownKeyType => "dkim_unknown_key_type", Dkim, Error;
    /// An RSA key below 1024 bits (RFC 8301, 3.2).
    DkimWeakKey => "dkim_weak_key", Dkim, Error;
    /// An RSA key below 2048 bits (RFC 8301, 3.2).
    DkimShortKey => "dkim_short_key", Dkim, Warning;
    /// `t=y`: verifiers may treat the mail as unsigned.
    DkimTesting => "dkim_testing", Dkim, Warning;
    /// The record takes SHA-1 only (RFC 8301, 3.1).
    DkimHashObsolete => "dkim_hash_obsolete", Dkim, Error;
    /// The record is not for mail (`s=`).
    DkimNotForMail => "dkim_not_for_mail", Dkim, Error;
    /// One key at two selectors.
    DkimDuplicateKey => "dkim_duplicate_key", Dkim, Warning;
    /// The DNS did not answer.
    DkimDnsFailure => "dkim_dns_failure", Dkim, Warning;

    /// No DMARC record, neither at the domain nor at its organisational domain.
    DmarcMissing => "dmarc_missing", Dmarc, Error;
    /// More than one DMARC record, so none counts (RFC 7489, 6.6.3).
    DmarcMultipleRecords => "dmarc_multiple_records", Dmarc, Error;
    /// A record or tag that cannot be read.
    DmarcSyntax => "dmarc_syntax", Dmarc, Error;
    /// `p=none`: nothing is done about forged mail.
    DmarcPolicyNone => "dmarc_policy_none", Dmarc, Warning;
    /// Subdomains have a weaker policy than the domain.
    DmarcSubdomainPolicyWeaker => "dmarc_subdomain_policy_weaker", Dmarc, Warning;
    /// `pct` below 100.
    DmarcPartial => "dmarc_partial", Dmarc, Warning;
    /// No `rua`: nobody hears of failures.
    DmarcNoReports => "dmarc_no_reports", Dmarc, Warning;
    /// A report address that cannot be read.
    DmarcReportUriInvalid => "dmarc_report_uri_invalid", Dmarc, Error;
    /// Reports go to another domain that has not agreed to it (7.1), so none are sent.
    DmarcReportUnauthorized => "dmarc_report_unauthorized", Dmarc, Warning;
    /// The DNS did not answer.
    DmarcDnsFailure => "dmarc_dns_failure", Dmarc, Warning;

    /// A record that cannot be read, or without `id`.
    MtaStsRecordInvalid => "mta_sts_record_invalid", MtaSts, Error;
    /// More than one record, so none counts (RFC 8461, 3.1).
    MtaStsMultipleRecords => "mta_sts_multiple_records", MtaSts, Error;
    /// The policy's server cannot be reached, or its name has no address.
    MtaStsPolicyUnreachable => "mta_sts_policy_unreachable", MtaSts, Error;
    /// The policy server's certificate does not verify for its name.
    MtaStsPolicyCertificate => "mta_sts_policy_certificate", MtaSts, Error;
    /// Another answer than 200; redirects are not followed (3.3).
    MtaStsPolicyStatus => "mta_sts_policy_status", MtaSts, Error;
    /// The policy is not served as `text/plain` (3.2).
    MtaStsPolicyContentType => "mta_sts_policy_content_type", MtaSts, Warning;
    /// A policy of more than 64 KiB.
    MtaStsPolicyTooLarge => "mta_sts_policy_too_large", MtaSts, Error;
    /// A policy that cannot be read, or in which a key is missing.
    MtaStsPolicyInvalid => "mta_sts_policy_invalid", MtaSts, Error;
    /// A mail exchanger that the policy does not name.
    MtaStsMxNotCovered => "mta_sts_mx_not_covered", MtaSts, Error;
    /// A mail exchanger whose certificate does not verify for its name.
    MtaStsMxCertificate => "mta_sts_mx_certificate", MtaSts, Error;
    /// `max_age` below a day.
    MtaStsShortMaxAge => "mta_sts_short_max_age", MtaSts, Warning;
    /// Mode `testing`: nothing is enforced.
    MtaStsTesting => "mta_sts_testing", MtaSts, Warning;
    /// The policy changed and the record's `id` did not: senders keep the old one.
    MtaStsIdNotChanged => "mta_sts_id_not_changed", MtaSts, Error;
    /// The record's `id` changed and the policy did not.
    MtaStsIdChangedAlone => "mta_sts_id_changed_alone", MtaSts, Warning;
    /// The DNS did not answer.
    MtaStsDnsFailure => "mta_sts_dns_failure", MtaSts, Warning;

    /// MTA-STS or DANE without a TLS-RPT record: nobody hears of failures.
    TlsrptMissing => "tlsrpt_missing", Tlsrpt, Warning;
    /// A record that cannot be read, or without a usable `rua`.
    TlsrptInvalid => "tlsrpt_invalid", Tlsrpt, Error;
    /// More than one record, so none counts (RFC 8460, 3).
    TlsrptMultipleRecords => "tlsrpt_multiple_records", Tlsrpt, Error;
    /// The DNS did not answer.
    TlsrptDnsFailure => "tlsrpt_dns_failure", Tlsrpt, Warning;

    /// DNSSEC says that the records are forged or out of date: a DANE sender delivers nothing.
    DaneBogus => "dane_bogus", Dane, Error;
    /// The question for TLSA records fails: a DANE sender puts the mail off (RFC 7672, 2.1.1).
    DaneLookupFailed => "dane_lookup_failed", Dane, Error;
    /// TLSA records in a zone that is not signed: nobody heeds them.
    DaneInsecure => "dane_insecure", Dane, Warning;
    /// No TLSA record matches what the server shows.
    DaneMismatch => "dane_mismatch", Dane, Error;
    /// The server does not offer STARTTLS though TLSA records promise it.
    DaneNoStarttls => "dane_no_starttls", Dane, Error;
    /// A usage that SMTP does not use: 0 or 1 (RFC 7672, 3.1.3).
    DaneUnusableUsage => "dane_unusable_usage", Dane, Warning;
    /// A selector, matching type or length that is none.
    DaneMalformed => "dane_malformed", Dane, Error;
    /// Only one key is announced: a rollover will break delivery.
    DaneNoSpare => "dane_no_spare", Dane, Warning;
    /// The certificate is younger than the TLSA records' TTL: some senders still hold the old ones.
    DaneCertificateTooYoung => "dane_certificate_too_young", Dane, Warning;

    /// Neither MX records nor an address: the domain takes no mail.
    MxMissing => "mx_missing", Mx, Error;
    /// No MX record: senders go to the domain's address.
    MxImplicit => "mx_implicit", Mx, Warning;
    /// An MX that is an alias (RFC 2181, 10.3).
    MxAlias => "mx_alias", Mx, Warning;
    /// An MX that is an address instead of a name.
    MxAddressLiteral => "mx_address_literal", Mx, Error;
    /// An MX without an address.
    MxNoAddress => "mx_no_address", Mx, Error;
    /// An MX whose address is a loopback or private one.
    MxPrivateAddress => "mx_private_address", Mx, Error;
    /// The same MX twice, or two with the same address.
    MxDuplicate => "mx_duplicate", Mx, Warning;
    /// A null MX beside others (RFC 7505, 3).
    MxNullWithOthers => "mx_null_with_others", Mx, Error;
    /// A name that is none.
    MxInvalidName => "mx_invalid_name", Mx, Error;
    /// More exchangers than are looked at ([`super::mx::MAX_HOSTS`]).
    MxTooMany => "mx_too_many", Mx, Warning;
    /// An MX that a sender which insists on verified TLS (MTA-STS, DANE) would not deliver to.
    MxStrictRefused => "mx_strict_refused", Mx, Error;
    /// An MX without STARTTLS.
    MxNoTls => "mx_no_tls", Mx, Warning;
    /// The DNS did not answer.
    MxDnsFailure => "mx_dns_failure", Mx, Warning;

    /// A sending address without a reverse name.
    PtrMissing => "ptr_missing", Ptr, Error;
    /// No reverse name leads back to the address.
    PtrNotConfirmed => "ptr_not_confirmed", Ptr, Error;
    /// The EHLO name is none of the reverse names.
    PtrHeloMismatch => "ptr_helo_mismatch", Ptr, Warning;
    /// The EHLO name does not lead to the address.
    PtrHeloNotConfirmed => "ptr_helo_not_confirmed", Ptr, Error;
    /// The reverse name looks like one of a dial-up line.
    PtrGeneric => "ptr_generic", Ptr, Warning;
    /// More than 10 reverse names.
    PtrTooMany => "ptr_too_many", Ptr, Warning;
    /// The DNS did not answer.
    PtrDnsFailure => "ptr_dns_failure", Ptr, Warning;
}
