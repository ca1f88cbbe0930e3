//! Limits on sessions: how many, how often, and how the one too many is told.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::behaviour::{Behaviour, Point, Step};

/// What a server does besides counting the sessions of a client.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Sessions per client and minute, the minute beginning with the first of them; the next one is
    /// refused. Refused ones count as well.
    pub per_minute: Option<usize>,
    /// What the one session too many meets, and where. None: 421 in place of the greeting.
    pub over: Option<(Point, Vec<Step>)>,
}

impl Behaviour {
    /// So many sessions a minute per client, then 421.
    pub fn rate_limit(sessions: usize) -> Self {
        let mut behaviour = Self::healthy();
        behaviour.limits.per_minute = Some(sessions);
        behaviour
    }

    /// The same server with `steps` at `point` for a session over the client's limit.
    pub fn over_limit(mut self, point: Point, steps: impl IntoIterator<Item = Step>) -> Self {
        self.limits.over = Some((point, steps.into_iter().collect()));
        self
    }

    /// What serves a session over the client's limit, where [`Limits::over`] says what.
    pub(super) fn for_one_too_many(&self) -> Option<Self> {
        let (point, steps) = self.limits.over.clone()?;
        Some(self.clone().on(point, steps))
    }
}

/// When the minute of each client began, and how many sessions it had since.
#[derive(Debug, Default)]
pub(super) struct Minutes(HashMap<IpAddr, (Instant, usize)>);

impl Minutes {
    /// Counts a session, and tells whether it is one too many.
    pub(super) fn is_over(&mut self, client: IpAddr, limit: Option<usize>) -> bool {
        let Some(limit) = limit else { return false };
        let now = Instant::now();
        self.0.retain(|_, (since, _)| now.duration_since(*since) < MINUTE);
        let (_, count) = self.0.entry(client).or_insert((now, 0));
        *count += 1;
        *count > limit
    }
}

const MINUTE: Duration = Duration::from_secs(60);
