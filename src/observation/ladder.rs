//! What a run that measures a connection limit saw.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Transcript;
use crate::cause::Cause;
use crate::smtp::Phase;
use crate::target::{Endpoint, LadderMode};

/// One run against one address.
#[derive(Debug, Clone, PartialEq)]
pub struct LadderSeen {
    /// What was measured where.
    pub endpoint: Endpoint,
    /// What was measured.
    pub mode: LadderMode,
    /// Wall time at the end.
    pub ended: SystemTime,
    /// Sessions accepted: open at once, or within the minute.
    pub accepted: u32,
    /// Sessions that would have been opened: the cap. Fewer when a minute was too short for it.
    pub tried: u32,
    /// How it ended when the server ended it; none at the cap. A run that broke off can have one.
    pub refusal: Option<Refusal>,
    /// The longest wait for a greeting among the sessions accepted.
    pub greet_delay: Option<Duration>,
    /// From the last QUIT until a new session was accepted. None when that was not waited for, as
    /// nothing was refused, or when it did not come.
    pub recovery: Option<Duration>,
    /// How long the server bore with a silent client; the cap when it bore with it to the end.
    pub idle: Option<Duration>,
    /// Why the run broke off. Then the numbers are no limit, and nothing of them is exported.
    pub aborted: Option<Abort>,
    /// What happened, a line for each session.
    pub transcript: Arc<Transcript>,
}

impl LadderSeen {
    /// A run of which nothing is known yet.
    pub fn of(endpoint: Endpoint, mode: LadderMode, ended: SystemTime) -> Self {
        Self {
            endpoint,
            mode,
            ended,
            accepted: 0,
            tried: 0,
            refusal: None,
            greet_delay: None,
            recovery: None,
            idle: None,
            aborted: None,
            transcript: Arc::default(),
        }
    }

    /// The server refused, or ended the idle session, before the cap.
    pub const fn reached(&self) -> bool {
        self.refusal.is_some()
    }

    /// Whether a new session was accepted after a refusal; none when nothing was refused.
    pub const fn recovered(&self) -> Option<bool> {
        match &self.refusal {
            Some(_) => Some(self.recovery.is_some()),
            None => None,
        }
    }
}

/// How a server said that it is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reply's code, 0 when there was none.
    pub code: u16,
    /// Why.
    pub cause: Cause,
    /// The step that was refused; for a session that was ended while it was open, its last EHLO.
    pub phase: Phase,
    /// In which form it came.
    pub how: RefusedHow,
    /// The reply, or what happened instead, for a person.
    pub detail: String,
}

closed_enum! {
    /// In which form a refusal came.
    pub enum RefusedHow {
        /// A reply with 4xx or 5xx.
        Reply => "reply",
        /// The connection was closed without one.
        Close => "close",
        /// The connection was reset, or not taken at all.
        Reset => "reset",
        /// Nothing came in time.
        Timeout => "timeout",
    }
}

/// Why a run broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abort {
    /// Whose trouble it was.
    pub kind: AbortKind,
    /// For a person.
    pub detail: String,
}

closed_enum! {
    /// Why a run broke off.
    pub enum AbortKind {
        /// The exporter ends, or its configuration changed.
        Stopped => "stopped",
        /// Ordinary sessions with other servers began to fail.
        Elsewhere => "elsewhere",
        /// The server is not one of ours, by the address that would be connected to.
        NotOurs => "not_ours",
        /// All sessions that were open ended: the server went away.
        ServerGone => "server_gone",
        /// Nothing was accepted to begin with, for another reason than a limit: nobody answers, the
        /// server bars us, or TLS cannot be had as the module wants it.
        Unfit => "unfit",
        /// The exporter has not the descriptors or connections for it, or made a mistake.
        Exporter => "exporter",
        /// The time for the run was over.
        TooLong => "too_long",
    }
}
