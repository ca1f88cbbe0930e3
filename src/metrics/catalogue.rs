//! Every metric: name, kind, help, labels, buckets and the most series that it can have. The table
//! is in the order of the reference and of the exposition, and these are the only metric names.
//!
//! A gauge is absent when it was not observed: 0 always means that it was seen to be 0.

use super::label::posture::{Matching, Selector, Usage};
use super::label::{self, ANSWERED_PHASES, Channel, LabelDoc};
use crate::cause::Blame;
use crate::observation::tally::{
    HANDSHAKE_BUCKETS, MAX_FAILURE_KINDS, MAX_REPLY_KINDS, ProbeResult,
};
use crate::observation::{Across, EndpointState, SkipReason, VerifyFailure};
use crate::posture::{Area, Severity};
use crate::smtp::{Keyword, Mechanism, Phase};
use crate::store::QueryResult;
use crate::store::listings::QUERY_BUCKETS;
use crate::target;

closed_enum! {
    /// The kind of a metric.
    pub enum Kind {
        /// It goes up and down.
        Gauge => "gauge",
        /// It only goes up, and starts at 0 with the exporter.
        Counter => "counter",
        /// Counts per bucket, since the exporter started.
        Histogram => "histogram",
    }
}

closed_enum! {
    /// What a series describes.
    pub enum Scope {
        /// A target and a module, with the target's own labels.
        Target => "target",
        /// One address of a target's host, with the target's own labels.
        Endpoint => "endpoint",
        /// A target with all its modules, with its own labels.
        Whole => "whole",
        /// One DNS list.
        List => "list",
        /// One subject on one DNS list, with the subject's own labels.
        Listing => "listing",
        /// A domain whose posture is looked at, with its own labels.
        Domain => "domain",
        /// One DKIM selector of such a domain, with the domain's own labels.
        Selector => "selector",
        /// One sending address of such a domain, with the domain's own labels.
        Sender => "sender",
        /// One mail exchanger of such a domain, with the domain's own labels.
        Exchanger => "exchanger",
        /// The exporter itself.
        Exporter => "exporter",
    }
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Def {
    /// Which one.
    pub family: Family,
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What a series describes.
    pub scope: Scope,
    /// Labels beyond those of the scope. The last one may be left out where it does not apply.
    pub labels: &'static [LabelDoc],
    /// Upper bounds of a histogram in seconds, without `+Inf`.
    pub buckets: &'static [f64],
    /// The most series per target, endpoint, list, listing, domain, selector, sending address or mail
    /// exchanger, or of the exporter.
    pub max_series: usize,
    /// Also in the answer of `/probe`, which knows one round only.
    pub in_probe: bool,
    /// The help text: no backslash, quote or line break.
    pub help: &'static str,
}

/// The definition of a metric.
pub fn def(family: Family) -> &'static Def {
    // The table and the enum come from one list, so the place is the number.
    CATALOGUE.get(family as usize).unwrap_or(&FIRST)
}

/// The most series of one target and module with so many endpoints. A failed resolve keeps the last
/// endpoints and has a few series of its own, which are counted in.
pub fn worst_case_series(endpoints: usize) -> usize {
    // What is offered has not disappeared.
    let endpoint = scope_series(Scope::Endpoint) - def(Family::AuthDisappeared).max_series;
    scope_series(Scope::Target) + endpoints * endpoint + FAILED_RESOLVE_SERIES
}

/// The sum of the most series that each metric of a scope has.
pub fn scope_series(scope: Scope) -> usize {
    CATALOGUE.iter().filter(|def| def.scope == scope).map(|def| def.max_series).sum()
}

/// The most series of one subject on one list. Listed with many codes is the worst that can be; what
/// could not be told has two.
pub fn worst_case_listing_series() -> usize {
    // A listing that could be told has no failure.
    scope_series(Scope::Listing) - def(Family::DnsblQueryFailure).max_series
}

/// The return codes of one listing that become series; further ones are in the logs and pages only.
pub const MAX_RETURN_CODES: usize = 16;

/// The problems of one area of a domain that become series; further ones are counted, and stand in
/// the pages.
pub const MAX_PROBLEMS: usize = 64;

/// Success, duration, duration of the one phase, failure, its reason, and the time of the probe.
pub const FAILED_RESOLVE_SERIES: usize = 6;

/// Upper bounds of the lag histogram in seconds.
pub const LAG_BUCKETS: &[f64] = &[0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];

const fn histogram_series(buckets: &[f64]) -> usize {
    // Each bucket, `+Inf`, the sum and the count.
    buckets.len() + 3
}

macro_rules! catalogue {
    ($(
        $family:ident $name:literal $kind:ident $scope:ident
        [$($label:ident),*] $max:expr, $($flag:ident)*, $help:literal;
    )+) => {
        /// A metric family.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Family { $(#[doc = $help] $family,)+ }

        /// Every metric, in the order of the exposition.
        pub const CATALOGUE: &[Def] = &[$(Def {
            family: Family::$family,
            name: $name,
            kind: Kind::$kind,
            scope: Scope::$scope,
            labels: &[$(label::$label,)*],
            buckets: match Family::$family {
                Family::HandshakeDuration => HANDSHAKE_BUCKETS,
                Family::ScheduleLag => LAG_BUCKETS,
                Family::DnsblQueryDuration => QUERY_BUCKETS,
                _ => &[],
            },
            max_series: $max,
            in_probe: $(catalogue!(@$flag) ||)* false,
            help: $help,
        },)+];
    };
    (@probe) => { true };
}

const FIRST: Def = *match CATALOGUE.first() {
    Some(first) => first,
    None => panic!("evaluated when compiled: the catalogue is not empty"),
};

catalogue! {
    TargetUp "smtp_target_up" Gauge Target [] 1, probe,
        "1 when a session was accepted at one endpoint at least, so that mail can be handed over as far as an idle client sees: a probe does not see the 421 that a busy MTA gets. Absent when unknown and for modules with expect.";
    TargetExpectationMet "smtp_target_expectation_met" Gauge Target [] 1, probe,
        "For modules with expect: 1 when every endpoint that could be told met it. Absent while inconclusive.";
    TargetResponding "smtp_target_responding" Gauge Target [] 1, probe,
        "1 when some endpoint gave an SMTP greeting, whatever its code: a server that refuses us is not down.";
    TargetFailure "smtp_target_failure" Gauge Target [PHASE, CAUSE, BLAME] 1, probe,
        "1 for the dominant failure while the target is not up: exactly one. With blame exporter when nothing trustworthy is known.";
    TargetConsecutiveFailures "smtp_target_consecutive_failures" Gauge Target [] 1, ,
        "Rounds failed in a row. Rounds that our own trouble spoilt and paused ones neither count nor reset it.";
    TargetInterval "smtp_target_interval_seconds" Gauge Target [] 1, ,
        "How often the target is probed.";
    TargetPausedUntil "smtp_target_paused_until_timestamp_seconds" Gauge Target [] 1, ,
        "Until when every remote of the target is left alone because it asked us to. Only while paused; the other gauges keep the last result.";
    TargetEndpoints "smtp_target_endpoints" Gauge Target [STATE] EndpointState::ALL.len(), probe,
        "Endpoints that the name stands for, by state.";
    TargetMxRecords "smtp_target_mx_records" Gauge Target [] 1, probe,
        "MX records of the domain.";
    Probes "smtp_probes_total" Counter Target [RESULT] ProbeResult::ALL.len(), ,
        "Probes made, each of one endpoint, by result. A failed resolve counts as one probe. What says nothing about the target counts as exporter: our own trouble, and a module with expect that could not tell.";
    ProbeFailures "smtp_probe_failures_total" Counter Target [PHASE, CAUSE, BLAME]
        MAX_FAILURE_KINDS + Phase::ALL.len() * Blame::ALL.len(), ,
        "Probes failed, each of one endpoint. A failed resolve counts as one probe. After 48 different ones further ones count with cause unknown.";
    Replies "smtp_replies_total" Counter Target [PHASE, CODE, REPLY_CAUSE]
        MAX_REPLY_KINDS + 2 * ANSWERED_PHASES, ,
        "Replies heard. An idle probe does not hear the 421 that a busy MTA gets. After 64 different ones further ones count with code other and cause unknown.";
    HandshakeDuration "smtp_handshake_duration_seconds" Histogram Target []
        histogram_series(HANDSHAKE_BUCKETS), ,
        "From connecting to the moment at which mail could be handed over; only of sessions that came so far.";
    EndpointInfo "smtp_endpoint_info" Gauge Endpoint [PORT, FAMILY, MX_PREFERENCE] 1, probe,
        "1 for each address that was probed.";
    ProbeSuccess "smtp_probe_success" Gauge Endpoint [] 1, probe,
        "1 when the last probe met what the module wants. An idle probe does not see the 421 that a busy MTA gets. Absent when a module with expect could not tell.";
    ProbeDuration "smtp_probe_duration_seconds" Gauge Endpoint [] 1, probe,
        "How long the last probe took, without waiting for permits.";
    ProbePhaseDuration "smtp_probe_phase_duration_seconds" Gauge Endpoint [PHASE] Phase::ALL.len(), probe,
        "How long each phase of the last probe took.";
    ProbeFailure "smtp_probe_failure" Gauge Endpoint [PHASE, CAUSE, BLAME] 1, probe,
        "1 while the last probe failed, and why.";
    ResolveFailure "smtp_resolve_failure" Gauge Endpoint [DNS_REASON] 1, probe,
        "1 while the last resolve failed, by what the resolver said: of the target, with endpoint empty, or of one of its mail exchangers. The addresses found before are kept for an hour.";
    ProbeLastTimestamp "smtp_probe_last_timestamp_seconds" Gauge Endpoint [] 1, probe,
        "When the last probe ended.";
    ProbeLastSuccess "smtp_probe_last_success_timestamp_seconds" Gauge Endpoint [] 1, probe,
        "When a probe last succeeded.";
    ReplyCode "smtp_reply_code" Gauge Endpoint [PHASE] ANSWERED_PHASES, probe,
        "The last reply's code of each phase of the last probe.";
    ReplyEnhanced "smtp_reply_enhanced_info" Gauge Endpoint [PHASE, ENHANCED] ANSWERED_PHASES, probe,
        "1 for the enhanced status code of the last reply of each phase, when it had one.";
    StarttlsOffered "smtp_starttls_offered" Gauge Endpoint [] 1, probe,
        "1 when EHLO offered STARTTLS. Absent when EHLO was not answered, and under implicit TLS.";
    TlsEstablished "smtp_tls_established" Gauge Endpoint [] 1, probe,
        "1 when the TLS handshake ended well. Absent when none was tried.";
    TlsVerified "smtp_tls_verified" Gauge Endpoint [] 1, probe,
        "1 when chain, name and signature of the certificate are clean. Absent when none was seen.";
    TlsInfo "smtp_tls_info" Gauge Endpoint [VERSION, CIPHER, GROUP] 1, probe,
        "1 for the version, cipher suite and key exchange group; of a server too old to talk to, what its answer told.";
    TlsVerifyFailure "smtp_tls_verify_failure" Gauge Endpoint [REASON] VerifyFailure::ALL.len(), probe,
        "1 for each reason why the certificate does not verify.";
    TlsCertNotAfter "smtp_tls_cert_not_after_timestamp_seconds" Gauge Endpoint [] 1, probe,
        "When the server's certificate ends, also when it does not verify.";
    TlsChainNotAfter "smtp_tls_chain_not_after_timestamp_seconds" Gauge Endpoint [] 1, probe,
        "When the first certificate of the chain served ends.";
    TlsCertInfo "smtp_tls_cert_info" Gauge Endpoint [FINGERPRINT, SERIAL, SUBJECT, ISSUER, KEY] 1, probe,
        "1 for the server's certificate.";
    Capability "smtp_capability" Gauge Endpoint [CAPABILITY, CHANNEL]
        Keyword::ALL.len() * Channel::ALL.len(), probe,
        "1 for each registered keyword that EHLO offered.";
    AuthMechanism "smtp_auth_mechanism" Gauge Endpoint [MECHANISM, CHANNEL]
        Mechanism::ALL.len() * Channel::ALL.len(), probe,
        "1 for each SASL mechanism that EHLO offered.";
    MaxMessageSize "smtp_max_message_size_bytes" Gauge Endpoint [] 1, probe,
        "The largest message that EHLO's SIZE allows. Absent when it states no limit.";
    StarttlsDisappeared "smtp_starttls_disappeared" Gauge Endpoint [] 1, ,
        "1 when EHLO offered STARTTLS while probes went well and does so no longer, also when the module does not ask for it. Until it is offered again, or has been missing for 7 days in which probes went well. Absent when nothing was seen of it since the exporter started.";
    AuthDisappeared "smtp_auth_mechanism_disappeared" Gauge Endpoint [MECHANISM] Mechanism::ALL.len(), ,
        "1 for each SASL mechanism that was offered while probes went well and is offered neither in clear nor inside TLS any more. Until it is back, or has been missing for 7 days in which probes went well.";
    AuthPlaintextAppeared "smtp_auth_plaintext_appeared" Gauge Endpoint [] 1, ,
        "1 when EHLO offers a SASL mechanism in clear that it did not while probes went well. Until it is gone, or has been offered for 7 days in which probes went well. 0 also when it was offered from the start.";
    CertificateSkew "smtp_target_certificate_skew" Gauge Whole [ACROSS] Across::ALL.len(), ,
        "1 when servers that should serve the same certificate do not, as after a renewal that left one out: addresses that are asked for one name, or certificates for the same names, with keys of one type. Absent when fewer than two could be compared in the last 3 intervals.";
    CertificateSpread "smtp_target_certificate_not_after_spread_seconds" Gauge Whole [ACROSS] Across::ALL.len(), ,
        "How far the ends of the certificates compared lie apart: 0 when they are the same.";
    CapabilitySkew "smtp_target_capability_skew" Gauge Whole [ACROSS] Across::ALL.len(), ,
        "1 when servers that should offer the same after EHLO do not: addresses of one host or exchangers of one preference, on one channel. Across ports only what a message may be is compared, between 587 and 465 everything but STARTTLS. Absent when fewer than two could be compared in the last 3 intervals.";
    DnsblListed "smtp_dnsbl_listed" Gauge Listing [] 1, ,
        "1 when the subject is on the list, 0 when it is not. Absent when it could not be told. On an allow list 0 is no alarm.";
    DnsblSince "smtp_dnsbl_since_timestamp_seconds" Gauge Listing [] 1, ,
        "Since when it is listed, or clean, as far as this exporter has seen. Absent when it could not be told.";
    DnsblListingInfo "smtp_dnsbl_listing_info" Gauge Listing [RETURN_CODE, MEANING] MAX_RETURN_CODES, ,
        "1 for each return code while the subject is listed.";
    DnsblQuerySuccess "smtp_dnsbl_query_success" Gauge Listing [] 1, ,
        "1 when the last look-up could be told, listed or not; 0 when it was refused, failed, was rewritten or the list is not healthy.";
    DnsblQueryFailure "smtp_dnsbl_query_failure" Gauge Listing [DNSBL_REASON] 1, ,
        "1 while it cannot be told, and why.";
    DnsblListHealthy "smtp_dnsbl_list_healthy" Gauge List [] 1, ,
        "1 when the test points of the list (RFC 5782, 5) answer as they must. Absent when that could not be told, and for lists without test points.";
    DnsblListPausedUntil "smtp_dnsbl_list_paused_until_timestamp_seconds" Gauge List [] 1, ,
        "Until when the lists of its operator are left alone because it refused us. Only while paused.";
    DnsblQueries "smtp_dnsbl_queries_total" Counter List [QUERY_RESULT] QueryResult::ALL.len(), ,
        "Questions for addresses sent to the list, those for test points included, by result. A listing costs one more, for its reason (TXT).";
    DnsblQueryDuration "smtp_dnsbl_query_duration_seconds" Histogram List []
        histogram_series(QUERY_BUCKETS), ,
        "How long the DNS questions took.";
    LimitAccepted "smtp_connection_limit_accepted_connections" Gauge Endpoint [] 1, ,
        "Simultaneous sessions that the server accepted in the last run of connection_limits. A client in Postfix's mynetworks is exempt from its limits: measure from outside.";
    LimitTried "smtp_connection_limit_tried_connections" Gauge Endpoint [] 1, ,
        "The most sessions that the run would have opened: accepted so many means that the limit is not below.";
    LimitReached "smtp_connection_limit_reached" Gauge Endpoint [] 1, ,
        "1 when the server refused a session before the cap.";
    LimitRefusal "smtp_connection_limit_refusal" Gauge Endpoint [REFUSAL_CODE, CAUSE, PHASE, HOW] 1, ,
        "1 for the refusal that the run ended with.";
    LimitRecovered "smtp_connection_limit_recovered" Gauge Endpoint [] 1, ,
        "1 when a new session was accepted within 2 minutes after a refusal. Only when the server refused.";
    LimitRecovery "smtp_connection_limit_recovery_seconds" Gauge Endpoint [] 1, ,
        "From the last QUIT until a new session was accepted. Absent while none was.";
    LimitGreetDelay "smtp_connection_limit_greet_delay_seconds" Gauge Endpoint [] 1, ,
        "The longest wait for a greeting among the sessions accepted.";
    LimitTimestamp "smtp_connection_limit_last_timestamp_seconds" Gauge Endpoint [] 1, ,
        "When the last run ended that gave a number. One that broke off gives none.";
    RateAccepted "smtp_connection_rate_limit_accepted_connections" Gauge Endpoint [] 1, ,
        "Sessions that the server accepted within a minute, one after another, in the last run with mode rate.";
    RateTried "smtp_connection_rate_limit_tried_connections" Gauge Endpoint [] 1, ,
        "The most sessions that the run would have opened within the minute.";
    RateReached "smtp_connection_rate_limit_reached" Gauge Endpoint [] 1, ,
        "1 when the server refused a session before the cap.";
    RateRefusal "smtp_connection_rate_limit_refusal" Gauge Endpoint [REFUSAL_CODE, CAUSE, PHASE, HOW] 1, ,
        "1 for the refusal that the run ended with.";
    RateRecovered "smtp_connection_rate_limit_recovered" Gauge Endpoint [] 1, ,
        "1 when a new session was accepted within 2 minutes after a refusal. Only when the server refused.";
    RateRecovery "smtp_connection_rate_limit_recovery_seconds" Gauge Endpoint [] 1, ,
        "From the refusal until a new session was accepted. Absent while none was.";
    RateTimestamp "smtp_connection_rate_limit_last_timestamp_seconds" Gauge Endpoint [] 1, ,
        "When the last run ended that gave a number.";
    IdleTimeout "smtp_session_idle_timeout_seconds" Gauge Endpoint [] 1, ,
        "How long the server bore with a silent client after EHLO, in the last run with mode idle; the cap when it bore with it to the end.";
    IdleReached "smtp_session_idle_timeout_reached" Gauge Endpoint [] 1, ,
        "1 when the server ended the silent session before the cap.";
    IdleEnd "smtp_session_idle_timeout_end" Gauge Endpoint [REFUSAL_CODE, CAUSE, HOW] 1, ,
        "1 for the way in which the server ended the silent session.";
    IdleTimestamp "smtp_session_idle_timeout_last_timestamp_seconds" Gauge Endpoint [] 1, ,
        "When the last run ended that gave a number.";
    PostureTimestamp "smtp_posture_last_timestamp_seconds" Gauge Domain [] 1, ,
        "When the last look at the domain's records and keys ended.";
    PostureDuration "smtp_posture_duration_seconds" Gauge Domain [] 1, ,
        "How long that look took, without waiting for permits.";
    PostureInterval "smtp_posture_interval_seconds" Gauge Domain [] 1, ,
        "How often the domain is looked at.";
    PostureProblems "smtp_posture_problems" Gauge Domain [AREA, SEVERITY]
        Area::ALL.len() * Severity::ALL.len(), ,
        "Problems found by the last look. An area whose records could not be asked for has its dns_failure among them.";
    SpfPresent "smtp_spf_present" Gauge Domain [] 1, ,
        "1 when the domain has an SPF record.";
    SpfValid "smtp_spf_valid" Gauge Domain [] 1, ,
        "1 when there is one SPF record without an error, in itself or in those that it names, within the limits of RFC 7208.";
    SpfLookups "smtp_spf_dns_lookups" Gauge Domain [] 1, ,
        "Terms that ask the DNS when none of them matches before the end of the record. More than 10 are an error.";
    SpfVoidLookups "smtp_spf_void_lookups" Gauge Domain [] 1, ,
        "Questions without an answer among those. More than 2 are an error.";
    SpfInfo "smtp_spf_info" Gauge Domain [SPF_ALL] 1, ,
        "1 for what the record says of everybody whom it does not name.";
    SpfSenderResult "smtp_spf_sender_result" Gauge Sender [SPF_RESULT] 1, ,
        "1 for what SPF says of the sending address.";
    SpfSenderLookups "smtp_spf_sender_dns_lookups" Gauge Sender [] 1, ,
        "Terms that asked the DNS until it was told.";
    SpfSenderVoidLookups "smtp_spf_sender_void_lookups" Gauge Sender [] 1, ,
        "Questions without an answer until it was told.";
    SpfProblem "smtp_spf_problem" Gauge Domain [PROBLEM, SENDING_ADDRESS] MAX_PROBLEMS, ,
        "1 for each problem found with SPF; the address where it is that of one sending address.";
    DkimPresent "smtp_dkim_key_present" Gauge Selector [] 1, ,
        "1 when there is a DKIM record at the selector.";
    DkimValid "smtp_dkim_key_valid" Gauge Selector [] 1, ,
        "1 when there is one record with a key that verifiers take.";
    DkimBits "smtp_dkim_key_bits" Gauge Selector [] 1, ,
        "Bits of an RSA key's modulus; 256 for Ed25519.";
    DkimInfo "smtp_dkim_key_info" Gauge Selector [KEY_TYPE] 1, ,
        "1 for the type of the key.";
    DkimRevoked "smtp_dkim_key_revoked" Gauge Selector [] 1, ,
        "1 when the record says that the key was taken back.";
    DkimTesting "smtp_dkim_key_testing" Gauge Selector [] 1, ,
        "1 when the record asks verifiers to treat the mail as unsigned.";
    DkimProblem "smtp_dkim_problem" Gauge Domain [PROBLEM, DKIM_SELECTOR] MAX_PROBLEMS, ,
        "1 for each problem found with DKIM keys.";
    DmarcPresent "smtp_dmarc_present" Gauge Domain [] 1, ,
        "1 when there is a DMARC record, at the domain or at its organisational domain.";
    DmarcValid "smtp_dmarc_valid" Gauge Domain [] 1, ,
        "1 when there is one record without an error that receivers heed.";
    DmarcInfo "smtp_dmarc_info" Gauge Domain
        [DMARC_POLICY, SUBDOMAIN_POLICY, DKIM_ALIGNMENT, SPF_ALIGNMENT] 1, ,
        "1 for the policy that holds for the domain, that for its subdomains, and how closely domains must agree.";
    DmarcPercent "smtp_dmarc_percent" Gauge Domain [] 1, ,
        "The part of failing mail, in percent, that the policy is for.";
    DmarcAuthorized "smtp_dmarc_report_authorized" Gauge Domain [REPORT_KIND] 2, ,
        "1 when every other domain that reports go to has agreed to it. Absent when they go to the domain itself, and when it could not be told.";
    DmarcProblem "smtp_dmarc_problem" Gauge Domain [PROBLEM] MAX_PROBLEMS, ,
        "1 for each problem found with DMARC.";
    MtaStsPresent "smtp_mta_sts_present" Gauge Domain [] 1, ,
        "1 when there is an MTA-STS record.";
    MtaStsValid "smtp_mta_sts_valid" Gauge Domain [] 1, ,
        "1 when the record and the policy are right and the policy could be fetched. Absent without a record.";
    MtaStsFetched "smtp_mta_sts_policy_fetched" Gauge Domain [] 1, ,
        "1 when the policy came over a connection whose certificate verifies. Absent without a record.";
    MtaStsInfo "smtp_mta_sts_info" Gauge Domain [STS_MODE] 1, ,
        "1 for the policy's mode.";
    MtaStsMaxAge "smtp_mta_sts_max_age_seconds" Gauge Domain [] 1, ,
        "How long senders keep the policy.";
    MtaStsCovered "smtp_mta_sts_mx_covered" Gauge Exchanger [] 1, ,
        "1 when the policy names the mail exchanger. Absent without a policy.";
    MtaStsProblem "smtp_mta_sts_problem" Gauge Domain [PROBLEM, MX] MAX_PROBLEMS, ,
        "1 for each problem found with MTA-STS; the mail exchanger where it is that of one.";
    TlsrptPresent "smtp_tlsrpt_present" Gauge Domain [] 1, ,
        "1 when there is a TLS-RPT record.";
    TlsrptValid "smtp_tlsrpt_valid" Gauge Domain [] 1, ,
        "1 when there is one record with an address for reports. Absent without a record.";
    TlsrptProblem "smtp_tlsrpt_problem" Gauge Domain [PROBLEM] MAX_PROBLEMS, ,
        "1 for each problem found with TLS-RPT.";
    BimiPresent "smtp_bimi_present" Gauge Domain [] 1, ,
        "1 when there is a BIMI record.";
    DaneInfo "smtp_dane_info" Gauge Exchanger [DANE_STATUS] 1, ,
        "1 for what the DNS says about TLSA records of the mail exchanger. An answer that fails is no none.";
    DaneRecords "smtp_dane_tlsa_records" Gauge Exchanger [TLSA_USAGE, TLSA_SELECTOR, TLSA_MATCHING]
        Usage::ALL.len() * Selector::ALL.len() * Matching::ALL.len(), ,
        "TLSA records by usage, selector and matching type.";
    DaneUsable "smtp_dane_usable_records" Gauge Exchanger [] 1, ,
        "TLSA records that SMTP uses: usage 2 or 3, well formed.";
    DaneMatched "smtp_dane_matched" Gauge Exchanger [] 1, ,
        "1 when a usable TLSA record matches what the server showed. Absent when no certificate was seen.";
    DaneSpare "smtp_dane_spare_present" Gauge Exchanger [] 1, ,
        "1 when a usable TLSA record that matches nothing shown stands ready for the next key.";
    DaneProblem "smtp_dane_problem" Gauge Domain [PROBLEM, MX] MAX_PROBLEMS, ,
        "1 for each problem found with DANE.";
    MxRecords "smtp_mx_records" Gauge Domain [] 1, ,
        "MX records of the domain.";
    MxValid "smtp_mx_valid" Gauge Domain [] 1, ,
        "1 when no error was found with the mail exchangers.";
    MxAddresses "smtp_mx_addresses" Gauge Exchanger [] 1, ,
        "Addresses of the mail exchanger.";
    MxStarttls "smtp_mx_starttls_offered" Gauge Exchanger [] 1, ,
        "1 when the mail exchanger offered STARTTLS. Absent when it was not reached.";
    MxVerified "smtp_mx_certificate_verified" Gauge Exchanger [] 1, ,
        "1 when its certificate verifies for its name against the roots. Absent when none was seen.";
    MxStrict "smtp_mx_strict_delivery" Gauge Exchanger [DELIVERY_POLICY] 1, ,
        "1 when a sender that heeds DANE and MTA-STS would deliver, 0 when it would not, and what decides.";
    MxProblem "smtp_mx_problem" Gauge Domain [PROBLEM, MX] MAX_PROBLEMS, ,
        "1 for each problem found with the mail exchangers; the one where it is that of one.";
    PtrPresent "smtp_ptr_present" Gauge Sender [] 1, ,
        "1 when the sending address has a reverse name.";
    PtrConfirmed "smtp_ptr_confirmed" Gauge Sender [] 1, ,
        "1 when a reverse name leads back to the address.";
    PtrHeloMatches "smtp_ptr_helo_matches" Gauge Sender [] 1, ,
        "1 when the EHLO name is one of the reverse names. Absent when no helo is configured.";
    PtrHeloConfirmed "smtp_ptr_helo_confirmed" Gauge Sender [] 1, ,
        "1 when the EHLO name leads to the address. Absent when no helo is configured.";
    PtrGeneric "smtp_ptr_generic" Gauge Sender [] 1, ,
        "1 when the reverse names look like those of a dial-up line.";
    PtrProblem "smtp_ptr_problem" Gauge Domain [PROBLEM, SENDING_ADDRESS] MAX_PROBLEMS, ,
        "1 for each problem found with the sending addresses' reverse names.";
    BuildInfo "smtp_exporter_build_info" Gauge Exporter [BUILD_VERSION, REVISION, RUSTVERSION] 1, ,
        "1 for the exporter's version.";
    ConfigReloadSuccessful "smtp_exporter_config_last_reload_successful" Gauge Exporter [] 1, ,
        "1 when the last attempt to read the configuration went well.";
    ConfigReloadTimestamp "smtp_exporter_config_last_reload_success_timestamp_seconds" Gauge Exporter [] 1, ,
        "When the configuration was last read well.";
    FamilyAvailable "smtp_exporter_family_available" Gauge Exporter [FAMILY] target::Family::ALL.len(), ,
        "1 when this host has a route for the address family.";
    ProbesInFlight "smtp_exporter_probes_in_flight" Gauge Exporter [] 1, ,
        "Probes under way, each of one endpoint.";
    ProbesStarted "smtp_exporter_probes_started_total" Counter Exporter [] 1, ,
        "Probes started, each of one endpoint, whoever asked. Each is under way, finished or cut off.";
    ProbesFinished "smtp_exporter_probes_finished_total" Counter Exporter [] 1, ,
        "Probes that came to a result, good or bad.";
    ProbesCutOff "smtp_exporter_probes_cut_off_total" Counter Exporter [] 1, ,
        "Probes that were ended on the way because their target was removed or changed, the exporter stops, or who asked for them has gone. They count nowhere else.";
    Tasks "smtp_exporter_tasks" Gauge Exporter [] 1, ,
        "Tasks of the runtime: some for each target and module, and some for each probe and scrape under way. With the same configuration it stays where it is; steady growth is a fault to report.";
    ScheduleLag "smtp_exporter_schedule_lag_seconds" Histogram Exporter []
        histogram_series(LAG_BUCKETS), ,
        "From the moment at which a round was due to its start.";
    ProbesSkipped "smtp_exporter_probes_skipped_total" Counter Target [SKIP_REASON] SkipReason::ALL.len(), ,
        "Probes not made: one for each endpoint left out of a round, and one for each round not started.";
}
