//! One endpoint: connect, dialogue, TLS, and from what happened to an [`Observation`].

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::budget::{FAILED_AUTH_PAUSE, Outcome, SHUTDOWN_PAUSE};
use super::locate::Site;
use crate::cause::{Blame, Cause, Context, Permanence};
use crate::net::tls::TlsClient;
use crate::net::{hello, tcp};
use crate::observation::{Failure, Observation, ReplySeen, Side, Transcript};
use crate::smtp::{Credentials, Phase, Plan, Reply, TlsMode};
use crate::target::{Auth, Expect, Module, Policy, Secret};

/// One endpoint to visit, once its permit is there.
pub(super) struct Visit {
    pub(super) policy: Arc<Policy>,
    pub(super) tls: Arc<TlsClient>,
    pub(super) module: Arc<Module>,
    pub(super) site: Site,
    /// How long resolving took: it is part of what a client waits for.
    pub(super) resolve: Duration,
    pub(super) deadline: Option<Instant>,
    pub(super) stop: CancellationToken,
}
