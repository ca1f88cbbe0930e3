//! From the latest observations of all endpoints of one target and module to the answers that a
//! person asks for first: can mail be handed over, is anybody there, and what is in the way.

use super::{Failure, Observation};

closed_enum! {
    /// The state of one endpoint, for `smtp_target_endpoints`.
    pub enum EndpointState {
        /// The last probe met what the module wants.
        Available => "available",
        /// The last probe failed.
        Unavailable => "unavailable",
        /// The remote asked us to stay away.
        Paused => "paused",
        /// Known, and not probed: over the bound, or left out by the gentle limits.
        Skipped => "skipped",
    }
}

/// The verdict on one target and module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// A session was accepted somewhere. None when nothing trustworthy is known, and for `expect`.
    pub up: Option<bool>,
    /// For `expect` modules: every endpoint met it. None while inconclusive.
    pub expectation_met: Option<bool>,
    /// Some endpoint gave a greeting, whatever its code. None when nothing trustworthy is known.
    pub responding: Option<bool>,
    /// The dominant failure, while the target is not up (or the expectation is not met).
    pub failure: Option<Failure>,
}

/// Judges the latest observation of every endpoint.
pub fn judge<'a>(_latest: impl Iterator<Item = &'a Observation>) -> Verdict {
    Verdict::default()
}
