//! What each problem means and what to do about it, for the person who reads it.

mod dkim;
mod dmarc;
mod hosts;
mod spf;
mod transport;

use super::Problem;
use crate::cause::advice::Advice;

impl Problem {
    /// What it means, what to do, and where it is written down.
    pub const fn advice(self) -> &'static Advice {
        match self {
            Self::SpfMissing => &spf::MISSING,
            Self::SpfMultipleRecords => &spf::MULTIPLE_RECORDS,
            Self::SpfSyntax => &spf::SYNTAX,
            Self::SpfTooManyLookups => &spf::TOO_MANY_LOOKUPS,
            Self::SpfTooManyVoidLookups => &spf::TOO_MANY_VOID_LOOKUPS,
            Self::SpfTooManyNames => &spf::TOO_MANY_NAMES,
            Self::SpfIncludeMissing => &spf::INCLUDE_MISSING,
            Self::SpfRedirectMissing => &spf::REDIRECT_MISSING,
            Self::SpfLoop => &spf::LOOP,
            Self::SpfPassAll => &spf::PASS_ALL,
            Self::SpfNeutralAll => &spf::NEUTRAL_ALL,
            Self::SpfNoAll => &spf::NO_ALL,
            Self::SpfUnreachableTerms => &spf::UNREACHABLE_TERMS,
            Self::SpfPtrMechanism => &spf::PTR_MECHANISM,
            Self::SpfTooLong => &spf::TOO_LONG,
            Self::SpfSenderNotPassing => &spf::SENDER_NOT_PASSING,
            Self::SpfDnsFailure => &spf::DNS_FAILURE,
            Self::DkimMissing => &dkim::MISSING,
            Self::DkimMultipleRecords => &dkim::MULTIPLE_RECORDS,
            Self::DkimSyntax => &dkim::SYNTAX,
            Self::DkimRevoked => &dkim::REVOKED,
            Self::DkimUnknownKeyType => &dkim::UNKNOWN_KEY_TYPE,
            Self::DkimWeakKey => &dkim::WEAK_KEY,
            Self::DkimShortKey => &dkim::SHORT_KEY,
            Self::DkimTesting => &dkim::TESTING,
            Self::DkimHashObsolete => &dkim::HASH_OBSOLETE,
            Self::DkimNotForMail => &dkim::NOT_FOR_MAIL,
            Self::DkimDuplicateKey => &dkim::DUPLICATE_KEY,
            Self::DkimDnsFailure => &dkim::DNS_FAILURE,
            Self::DmarcMissing => &dmarc::MISSING,
            Self::DmarcMultipleRecords => &dmarc::MULTIPLE_RECORDS,
            Self::DmarcSyntax => &dmarc::SYNTAX,
            Self::DmarcPolicyNone => &dmarc::POLICY_NONE,
            Self::DmarcSubdomainPolicyWeaker => &dmarc::SUBDOMAIN_POLICY_WEAKER,
            Self::DmarcPartial => &dmarc::PARTIAL,
            Self::DmarcNoReports => &dmarc::NO_REPORTS,
            Self::DmarcReportUriInvalid => &dmarc::REPORT_URI_INVALID,
            Self::DmarcReportUnauthorized => &dmarc::REPORT_UNAUTHORIZED,
            Self::DmarcDnsFailure => &dmarc::DNS_FAILURE,
            Self::MtaStsRecordInvalid => &transport::STS_RECORD_INVALID,
            Self::MtaStsMultipleRecords => &transport::STS_MULTIPLE_RECORDS,
            Self::MtaStsPolicyUnreachable => &transport::STS_POLICY_UNREACHABLE,
            Self::MtaStsPolicyCertificate => &transport::STS_POLICY_CERTIFICATE,
            Self::MtaStsPolicyStatus => &transport::STS_POLICY_STATUS,
            Self::MtaStsPolicyContentType => &transport::STS_POLICY_CONTENT_TYPE,
            Self::MtaStsPolicyTooLarge => &transport::STS_POLICY_TOO_LARGE,
            Self::MtaStsPolicyInvalid => &transport::STS_POLICY_INVALID,
            Self::MtaStsMxNotCovered => &transport::STS_MX_NOT_COVERED,
            Self::MtaStsMxCertificate => &transport::STS_MX_CERTIFICATE,
            Self::MtaStsShortMaxAge => &transport::STS_SHORT_MAX_AGE,
            Self::MtaStsTesting => &transport::STS_TESTING,
            Self::MtaStsIdNotChanged => &transport::STS_ID_NOT_CHANGED,
            Self::MtaStsIdChangedAlone => &transport::STS_ID_CHANGED_ALONE,
            Self::MtaStsDnsFailure => &transport::STS_DNS_FAILURE,
            Self::TlsrptMissing => &transport::TLSRPT_MISSING,
            Self::TlsrptInvalid => &transport::TLSRPT_INVALID,
            Self::TlsrptMultipleRecords => &transport::TLSRPT_MULTIPLE_RECORDS,
            Self::TlsrptDnsFailure => &transport::TLSRPT_DNS_FAILURE,
            Self::DaneBogus => &transport::DANE_BOGUS,
            Self::DaneLookupFailed => &transport::DANE_LOOKUP_FAILED,
            Self::DaneInsecure => &transport::DANE_INSECURE,
            Self::DaneMismatch => &transport::DANE_MISMATCH,
            Self::DaneNoStarttls => &transport::DANE_NO_STARTTLS,
            Self::DaneUnusableUsage => &transport::DANE_UNUSABLE_USAGE,
            Self::DaneMalformed => &transport::DANE_MALFORMED,
            Self::DaneNoSpare => &transport::DANE_NO_SPARE,
            Self::DaneCertificateTooYoung => &transport::DANE_CERTIFICATE_TOO_YOUNG,
            Self::MxMissing => &hosts::MX_MISSING,
            Self::MxImplicit => &hosts::MX_IMPLICIT,
            Self::MxAlias => &hosts::MX_ALIAS,
            Self::MxAddressLiteral => &hosts::MX_ADDRESS_LITERAL,
            Self::MxNoAddress => &hosts::MX_NO_ADDRESS,
            Self::MxPrivateAddress => &hosts::MX_PRIVATE_ADDRESS,
            Self::MxDuplicate => &hosts::MX_DUPLICATE,
            Self::MxNullWithOthers => &hosts::MX_NULL_WITH_OTHERS,
            Self::MxInvalidName => &hosts::MX_INVALID_NAME,
            Self::MxTooMany => &hosts::MX_TOO_MANY,
            Self::MxStrictRefused => &hosts::MX_STRICT_REFUSED,
            Self::MxNoTls => &hosts::MX_NO_TLS,
            Self::MxDnsFailure => &hosts::MX_DNS_FAILURE,
            Self::PtrMissing => &hosts::PTR_MISSING,
            Self::PtrNotConfirmed => &hosts::PTR_NOT_CONFIRMED,
            Self::PtrHeloMismatch => &hosts::PTR_HELO_MISMATCH,
            Self::PtrHeloNotConfirmed => &hosts::PTR_HELO_NOT_CONFIRMED,
            Self::PtrGeneric => &hosts::PTR_GENERIC,
            Self::PtrTooMany => &hosts::PTR_TOO_MANY,
            Self::PtrDnsFailure => &hosts::PTR_DNS_FAILURE,
        }
    }
}

/// Advice where waiting mends nothing.
const fn advice(meaning: &'static str, action: &'static str, doc: &'static str) -> Advice {
    Advice { meaning, action, wait: None, doc }
}

/// Advice where the problem may end by itself.
const fn passing(
    meaning: &'static str,
    action: &'static str,
    wait: &'static str,
    doc: &'static str,
) -> Advice {
    Advice { meaning, action, wait: Some(wait), doc }
}

/// What a resolver could not tell may be told the next time.
const A_LOOK: &str = "until the next look";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::Problem;

    /// One sentence: it begins with a capital, ends with the only full stop that ends anything.
    fn is_one_sentence(text: &str) -> bool {
        let inner = text.strip_suffix('.').unwrap_or_default();
        let ends = [". ", "! ", "? "].iter().any(|end| inner.contains(end));
        text.len() > 20 && text.starts_with(char::is_uppercase) && !inner.is_empty() && !ends
    }

    #[test]
    fn every_problem_has_advice_of_its_own_in_whole_sentences() {
        let (mut meanings, mut actions) = (HashSet::new(), HashSet::new());
        for &problem in Problem::ALL {
            let advice = problem.advice();
            assert!(meanings.insert(advice.meaning), "{problem} says what another says");
            assert!(actions.insert(advice.action), "{problem} says what another says to do");
            for sentence in [advice.meaning, advice.action] {
                assert!(is_one_sentence(sentence), "{problem}: {sentence}");
                assert!(sentence.len() <= 300, "{problem}: {sentence}");
            }
            assert_ne!(advice.wait, Some(""), "{problem}");
        }
    }

    #[test]
    fn every_problem_names_where_it_is_written_down() {
        for &problem in Problem::ALL {
            let doc = problem.advice().doc;
            let page = doc.strip_prefix("https://").unwrap_or_default();
            assert!(page.split('/').next().is_some_and(|host| host.contains('.')), "{problem}");
            assert!(!doc.contains(char::is_whitespace), "{problem}: {doc}");
        }
    }

    #[test]
    fn two_sentences_are_not_one() {
        assert!(is_one_sentence("Two records stand there; receivers take neither."));
        assert!(!is_one_sentence("Two records stand there. Receivers take neither."));
        assert!(!is_one_sentence("two records stand at the same name."));
        assert!(!is_one_sentence("Two records stand at the same name"));
    }
}
