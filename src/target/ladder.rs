//! Connection limits: which of our own servers are measured, how, and how far. Plain data.

use std::sync::Arc;
use std::time::Duration;

use super::Check;

/// One entry of `connection_limits`: runs of one kind against one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// The target, and the module that says port, TLS and timeouts. Of the module only greeting,
    /// EHLO and STARTTLS are done, whatever else it plans or expects.
    pub check: Check,
    /// What is measured.
    pub mode: LadderMode,
    /// The most sessions of a run, at once or within the minute; at most [`MAX_CONNECTIONS`].
    pub cap: u32,
    /// How long an idle session is watched at most.
    pub max_idle: Duration,
    /// From one run to the next; at least [`LEAST_LADDER_INTERVAL`].
    pub interval: Duration,
    /// The name in EHLO. None: `ladder.` in front of the exporter's name, else the address literal.
    pub helo: Option<Arc<str>>,
    /// How often a session that is held open says NOOP.
    pub hold: Duration,
}

closed_enum! {
    /// What is measured.
    pub enum LadderMode {
        /// How many sessions the server takes at once.
        Simultaneous => "simultaneous",
        /// How many sessions it takes within a minute.
        Rate => "rate",
        /// How long it bears with a silent client.
        Idle => "idle",
    }
}

/// The key of a [`Ladder`]: target name, module name, what is measured.
pub type LadderKey = (Arc<str>, Arc<str>, LadderMode);

impl Ladder {
    /// The key.
    pub fn key(&self) -> LadderKey {
        (self.check.target.name.clone(), self.check.module.name.clone(), self.mode)
    }

    /// The most connections that one run makes to one address, those apart that ask whether a new
    /// session is accepted again.
    pub const fn connections(&self) -> u32 {
        match self.mode {
            LadderMode::Simultaneous | LadderMode::Rate => self.cap,
            LadderMode::Idle => 1,
        }
    }
}

/// The most connections that a run may open, whatever is configured.
pub const MAX_CONNECTIONS: u32 = 200;
/// The most connections of a run where nobody says.
pub const DEFAULT_CONNECTIONS: u32 = 20;
/// The least interval between two runs.
pub const LEAST_LADDER_INTERVAL: Duration = Duration::from_secs(600);
/// The interval where nobody says.
pub const DEFAULT_LADDER_INTERVAL: Duration = Duration::from_secs(3600);
/// How long an idle session is watched where nobody says.
pub const DEFAULT_MAX_IDLE: Duration = Duration::from_secs(600);
/// How often a held session says NOOP where nobody says: often enough for servers that shorten
/// their patience to 10 s under load.
pub const DEFAULT_HOLD: Duration = Duration::from_secs(8);
