//! Where a check stands on the page: what needs somebody, and who.

use std::time::SystemTime;

use super::{Condition, Counts, EndpointRow, RegressionRow, SkewRow};
use crate::cause::Blame;
use crate::observation::{Compared, EndpointState, Verdict, VerifyFailure};
use crate::store::View;

closed_enum! {
    /// The part of the page in which a check is shown, in the page's order.
    pub enum Group {
        /// Nobody answers.
        Down => "down",
        /// A negative test that is not met, such as an open relay.
        Unexpected => "unexpected",
        /// A server answers, and takes no session.
        Refused => "refused",
        /// The measurement itself is in trouble.
        OwnTrouble => "own_trouble",
        /// Mail can be handed over, and something is not as it should be.
        Degraded => "degraded",
        /// Every remote asked us to stay away.
        Paused => "paused",
        /// No round yet, or none that could tell.
        Unknown => "unknown",
        /// All is well.
        Up => "up",
    }
}

impl Group {
    /// The heading, for a person.
    pub(in crate::web) const fn title(self) -> &'static str {
        match self {
            Self::Down => "Down",
            Self::Unexpected => "Not as expected",
            Self::Refused => "Refusing or failing",
            Self::OwnTrouble => "Trouble of our own",
            Self::Degraded => "Degraded",
            Self::Paused => "Paused",
            Self::Unknown => "Not known yet",
            Self::Up => "Up",
        }
    }

    /// What it means, in one sentence.
    pub(in crate::web) const fn meaning(self) -> &'static str {
        match self {
            Self::Down => "No endpoint gives an SMTP greeting.",
            Self::Unexpected => {
                "A negative test is not met: a server does what it should refuse to do."
            }
            Self::Refused => "A server answers, and no session is accepted.",
            Self::OwnTrouble => "The probe itself failed: this says nothing about the servers.",
            Self::Degraded => "Mail can be handed over, and something needs a look.",
            Self::Paused => "The servers asked us to stay away, so nothing connects there.",
            Self::Unknown => "The first round is pending, or none could tell.",
            Self::Up => "All is as it should be.",
        }
    }
}

closed_enum! {
    /// What is not as it should be with a check that is up.
    pub enum Warning {
        /// An endpoint's last probe failed.
        EndpointUnavailable => "endpoint_unavailable",
        /// An endpoint asked us to stay away.
        EndpointPaused => "endpoint_paused",
        /// A certificate served, or one above it, ends within 14 days or has ended, and is good but
        /// for that.
        CertificateEnds => "certificate_ends",
        /// An endpoint no longer offers STARTTLS.
        StarttlsDisappeared => "starttls_disappeared",
        /// An endpoint no longer offers a mechanism for logins.
        MechanismDisappeared => "mechanism_disappeared",
        /// An endpoint newly offers a login in clear.
        PlaintextAuth => "plaintext_auth",
        /// Certificates differ that should be one.
        CertificatesDiffer => "certificates_differ",
        /// Servers that stand for one another do not offer the same.
        CapabilitiesDiffer => "capabilities_differ",
        /// An address or a domain of the target is on a block list.
        Listed => "listed",
    }
}

impl Warning {
    /// For a person.
    pub(in crate::web) const fn text(self) -> &'static str {
        match self {
            Self::EndpointUnavailable => "an endpoint is not available",
            Self::EndpointPaused => "an endpoint is paused",
            Self::CertificateEnds => "a certificate ends soon",
            Self::StarttlsDisappeared => "STARTTLS is offered no longer",
            Self::MechanismDisappeared => "a login mechanism is offered no longer",
            Self::PlaintextAuth => "logins are newly offered in clear",
            Self::CertificatesDiffer => "certificates differ",
            Self::CapabilitiesDiffer => "capabilities differ",
            Self::Listed => "on a block list",
        }
    }
}

/// The state in a word.
pub(super) fn condition(view: &View, now: SystemTime) -> Condition {
    match (view.paused_until.filter(|until| *until > now), view.verdict.good()) {
        (Some(_), _) => Condition::Paused,
        (None, Some(true)) => Condition::Up,
        (None, Some(false)) => Condition::Down,
        (None, None) => Condition::Unknown,
    }
}

/// What is not as it should be though the check is up, each once.
pub(super) fn warnings(
    state: Condition,
    module: &str,
    endpoints: &[EndpointRow],
    skews: &[SkewRow],
    listings: Counts,
) -> Vec<Warning> {
    if state != Condition::Up {
        return Vec::new();
    }
    let any = |state| endpoints.iter().any(|endpoint| endpoint.state == state);
    let ends = endpoints.iter().filter_map(|endpoint| endpoint.tls.as_ref()).any(|tls| {
        let good_so_far =
            tls.verify_failures.iter().all(|failure| *failure == VerifyFailure::Expired);
        good_so_far && tls.days_left.is_some_and(|days| days < SOON_DAYS)
    });
    let worse = |test: fn(&RegressionRow) -> bool| {
        endpoints.iter().any(|endpoint| test(&endpoint.regressions))
    };
    let differ = |what| skews.iter().any(|skew| skew.what == what && skew.concerns(module));
    [
        (any(EndpointState::Unavailable), Warning::EndpointUnavailable),
        (any(EndpointState::Paused), Warning::EndpointPaused),
        (ends, Warning::CertificateEnds),
        (worse(|row| row.starttls_disappeared == Some(true)), Warning::StarttlsDisappeared),
        (worse(|row| !row.mechanisms_disappeared.is_empty()), Warning::MechanismDisappeared),
        (worse(|row| !row.mechanisms_in_clear.is_empty()), Warning::PlaintextAuth),
        (differ(Compared::Certificate), Warning::CertificatesDiffer),
        (differ(Compared::Capability), Warning::CapabilitiesDiffer),
        (listings.listed > 0, Warning::Listed),
    ]
    .into_iter()
    .filter_map(|(holds, warning)| holds.then_some(warning))
    .collect()
}

/// The part of the page.
pub(super) fn group(
    state: Condition,
    negative: bool,
    verdict: &Verdict,
    warnings: &[Warning],
) -> Group {
    match state {
        Condition::Paused => Group::Paused,
        Condition::Up if warnings.is_empty() => Group::Up,
        Condition::Up => Group::Degraded,
        Condition::Down if negative => Group::Unexpected,
        Condition::Down if verdict.responding == Some(true) => Group::Refused,
        Condition::Down => Group::Down,
        Condition::Unknown => match &verdict.failure {
            Some(failure) if failure.blame == Blame::Exporter => Group::OwnTrouble,
            _ => Group::Unknown,
        },
    }
}

/// A certificate that ends within so many days is a warning.
pub(in crate::web) const SOON_DAYS: i64 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_list_is_a_warning_and_an_allow_list_is_none() {
        let of = |state, counts| warnings(state, "smtp", &[], &[], counts);
        let none = Counts::default();
        let bad = Counts { listed: 1, ..none };
        assert_eq!(of(Condition::Up, bad), [Warning::Listed]);
        assert_eq!(of(Condition::Down, bad), [], "there is worse to say of what is down");
        assert_eq!(of(Condition::Up, Counts { allowed: 1, ..none }), []);
        assert_eq!(of(Condition::Up, Counts { clean: 1, ..none }), []);
        assert_eq!(of(Condition::Up, Counts { unknown: 1, waiting: 1, ..none }), []);
    }
}
