//! Why a probe did not go through: in which phase, the cause, and whose move it is.

use std::borrow::Cow;

use crate::cause::{Blame, Cause, Permanence};
use crate::smtp::Phase;

/// A failure. `PartialEq`, so that tests compare values and not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where it happened.
    pub phase: Phase,
    /// Why.
    pub cause: Cause,
    /// Who must act.
    pub blame: Blame,
    /// The rule that named the cause.
    pub rule: Cow<'static, str>,
    /// Whether trying again can help.
    pub permanence: Permanence,
    /// What happened, for a person: the reply's text, or the error. Never a label.
    pub detail: String,
    /// For `dns_failure`: what the resolver said.
    pub dns: Option<DnsReason>,
}

impl Failure {
    /// A failure with the cause's usual blame and a rule named after the cause.
    pub fn new(phase: Phase, cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            phase,
            cause,
            blame: cause.blame(),
            rule: Cow::Borrowed(cause.as_str()),
            permanence: Permanence::Transient,
            detail: detail.into(),
            dns: None,
        }
    }

    /// The same, blamed on somebody else.
    #[must_use]
    pub fn blamed(mut self, blame: Blame) -> Self {
        self.blame = blame;
        self
    }

    /// A failed resolve: the cause is `dns_failure`, and the reason says whose move it is.
    pub fn dns(reason: DnsReason, detail: impl Into<String>) -> Self {
        let mut failure =
            Self::new(Phase::Resolve, Cause::DnsFailure, detail).blamed(reason.blame());
        failure.rule = Cow::Borrowed(reason.rule());
        failure.permanence = reason.permanence();
        failure.dns = Some(reason);
        failure
    }
}

closed_enum! {
    /// What came of a DNS question instead of an address.
    pub enum DnsReason {
        /// The name does not exist (RFC 2308).
        Nxdomain => "nxdomain",
        /// The name exists and has no such record.
        Nodata => "nodata",
        /// The domain says that it takes no mail (RFC 7505).
        NullMx => "null_mx",
        /// Every MX points to something that is no usable host name: a literal, the root, loopback.
        BadMx => "bad_mx",
        /// The resolver could not get an answer for this name, though it answers for the root:
        /// their name servers, or their DNSSEC, are broken.
        Servfail => "servfail",
        /// No answer came for this name, though the resolver answers for the root: their name servers
        /// are silent.
        Unanswered => "unanswered",
        /// The resolver cannot get an answer for anything.
        ResolverServfail => "resolver_servfail",
        /// The resolver will not answer us.
        Refused => "refused",
        /// The resolver is silent.
        Timeout => "timeout",
        /// Anything else, such as an answer that cannot be read.
        Other => "other",
    }
}

impl DnsReason {
    /// Whose move it is. A resolver that is silent or refuses is our own trouble.
    pub const fn blame(self) -> Blame {
        match self {
            Self::Nxdomain
            | Self::Nodata
            | Self::NullMx
            | Self::BadMx
            | Self::Servfail
            | Self::Unanswered => Blame::Target,
            Self::ResolverServfail | Self::Refused | Self::Timeout | Self::Other => Blame::Exporter,
        }
    }

    /// What a zone says stays so until somebody edits it; servers come back by themselves.
    pub const fn permanence(self) -> Permanence {
        match self {
            Self::Nxdomain | Self::Nodata | Self::NullMx | Self::BadMx => Permanence::Permanent,
            Self::Servfail
            | Self::Unanswered
            | Self::ResolverServfail
            | Self::Refused
            | Self::Timeout
            | Self::Other => Permanence::Transient,
        }
    }

    /// The rule's id.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Nxdomain => "dns.nxdomain",
            Self::Nodata => "dns.nodata",
            Self::NullMx => "dns.null_mx",
            Self::BadMx => "dns.bad_mx",
            Self::Servfail => "dns.servfail",
            Self::Unanswered => "dns.unanswered",
            Self::ResolverServfail => "dns.resolver_servfail",
            Self::Refused => "dns.refused",
            Self::Timeout => "dns.timeout",
            Self::Other => "dns.other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_zone_says_is_permanent_and_what_servers_do_is_not() {
        for reason in DnsReason::ALL {
            let failure = Failure::dns(*reason, "");
            let said = matches!(
                reason,
                DnsReason::Nxdomain | DnsReason::Nodata | DnsReason::NullMx | DnsReason::BadMx
            );
            assert_eq!(failure.permanence == Permanence::Permanent, said, "{reason}");
            assert_eq!(failure.rule, format!("dns.{reason}"));
        }
    }
}
