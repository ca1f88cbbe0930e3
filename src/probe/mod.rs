//! Probing: a check in, what was seen out. [`Prober::run`] never fails; a failed probe is an
//! observation. All permits live here, so the schedule, `/probe` and the command line meet the same
//! limits.

pub mod budget;
pub mod dialog;
pub mod mail;
pub mod permits;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::cause::Cause;
use crate::observation::{Observation, Round};
use crate::target::{Check, Endpoint, Policy};

/// One round to run.
#[derive(Clone)]
pub struct Job {
    /// What to probe.
    pub check: Check,
    /// How long to wait for permits before an endpoint is skipped.
    pub patience: Duration,
    /// When the asker stops listening. What this cuts is `deadline_exceeded`, never their fault.
    pub deadline: Option<Instant>,
    /// Asked for each endpoint between resolving and connecting.
    pub admit: Option<Admit>,
}

/// May this endpoint be connected to?
pub type Admit = Arc<dyn Fn(&Endpoint) -> bool + Send + Sync>;

/// Runs probes within the limits.
pub struct Prober {}

impl Prober {
    /// Runs one round; `sink` is called for each endpoint as it ends.
    pub async fn run(
        &self,
        _job: &Job,
        _sink: &(dyn Fn(&Arc<Observation>) + Send + Sync),
    ) -> Round {
        std::future::pending().await
    }

    /// The settings in force.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::new(Policy::default())
    }

    /// Until when a remote is paused, and why.
    pub fn pause_of(&self, _remote: IpAddr) -> Option<(SystemTime, Cause)> {
        None
    }
}
