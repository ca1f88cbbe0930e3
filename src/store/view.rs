//! What is known of one check, and how observations and rounds change it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::endpoints::{Endpoints, leads_nowhere, same_series};
use super::history::{Change, HistoryEntry};
use super::ledger::Ticket;
use crate::cause::Cause;
use crate::observation::{
    Baseline, EndpointState, Observation, Round, Skip, SkipReason, Standing, Tally, Transcript,
    Verdict, verdict,
};
use crate::smtp::Phase;
use crate::target::{Check, Endpoint};

/// What is known of one check.
#[derive(Debug, Clone)]
pub struct View {
    /// What is probed.
    pub check: Check,
    /// The latest of each endpoint that was probed.
    pub endpoints: Endpoints,
    /// Endpoints that the name stands for and that were never probed, and why.
    pub waiting: BTreeMap<Endpoint, Skip>,
    /// The failed resolve, until one succeeds. Its endpoint has no address.
    pub resolve_failure: Option<Arc<EndpointView>>,
    /// When resolving last succeeded.
    pub resolved: Option<SystemTime>,
    /// Counters and the histogram.
    pub tally: Tally,
    /// The verdict on the latest observations.
    pub verdict: Verdict,
    /// Since when the verdict's `up` (or `expectation_met`) is what it is.
    pub since: Option<SystemTime>,
    /// Rounds failed in a row, as far as they were trustworthy.
    pub consecutive_failures: u64,
    /// MX records found, for a domain.
    pub mx_records: Option<u32>,
    /// Addresses counted and not probed.
    pub left_out: u32,
    /// What is odd about where the name leads, for a person.
    pub notes: Vec<String>,
    /// Until when every remote of the check is paused; none while one can be probed.
    pub paused_until: Option<SystemTime>,
    /// When the last round ended.
    pub last_round: Option<SystemTime>,
    /// When the next round starts.
    pub next_round: Option<SystemTime>,
    /// The latest rounds, oldest first. Rounds in which nothing was probed are left out.
    pub history: VecDeque<HistoryEntry>,
    /// A place where the writer of metrics keeps the text of the target's labels.
    pub label_text: OnceLock<Arc<str>>,
    /// A place where the writer of metrics keeps what it made of the view; empty after each change.
    pub tails: OnceLock<Arc<[u8]>>,
}

/// What is known of one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointView {
    /// The last probe.
    pub last: Arc<Observation>,
    /// When a probe last succeeded.
    pub last_success: Option<SystemTime>,
    /// The transcript of the last probe that succeeded, and when.
    pub success_transcript: Option<(SystemTime, Arc<Transcript>)>,
    /// The transcript of the last probe that failed, and when.
    pub failure_transcript: Option<(SystemTime, Arc<Transcript>)>,
    /// Until when the remote is paused, and the cause.
    pub paused: Option<(SystemTime, Cause)>,
    /// What it was last seen to offer.
    pub standing: Standing,
    /// What is worse than it was.
    pub baseline: Baseline,
    /// A place where the writer of metrics keeps the text of the endpoint's labels.
    pub label_text: OnceLock<Arc<str>>,
    success_ticket: Option<Ticket>,
    failure_ticket: Option<Ticket>,
}

impl View {
    /// A check of which nothing is known.
    pub fn new(check: Check) -> Self {
        Self {
            check,
            endpoints: Endpoints::default(),
            waiting: BTreeMap::new(),
            resolve_failure: None,
            resolved: None,
            tally: Tally::default(),
            verdict: Verdict::default(),
            since: None,
            consecutive_failures: 0,
            mx_records: None,
            left_out: 0,
            notes: Vec::new(),
            paused_until: None,
            last_round: None,
            next_round: None,
            history: VecDeque::new(),
            label_text: OnceLock::new(),
            tails: OnceLock::new(),
        }
    }

    /// What one round by itself shows, with no past.
    pub fn of_round(check: Check, round: &Round) -> Self {
        let mut view = Self::new(check);
        for observation in &round.observations {
            view.observe(observation.clone(), None);
        }
        view.finish(round, 1);
        view
    }

    /// How many endpoints are in each state, by the index in [`EndpointState::ALL`].
    pub fn endpoint_states(&self, now: SystemTime) -> [u32; EndpointState::ALL.len()] {
        let probed = self.endpoints.values().map(|view| view.state(now));
        let waiting = self.waiting.values().map(|skip| match skip.reason {
            SkipReason::Backoff if skip.until.is_none_or(|until| until > now) => {
                EndpointState::Paused
            }
            _ => EndpointState::Skipped,
        });
        let mut counts = [0; EndpointState::ALL.len()];
        for state in probed.chain(waiting) {
            if let Some(count) = counts.get_mut(state as usize) {
                *count += 1;
            }
        }
        if let Some(skipped) = counts.get_mut(EndpointState::Skipped as usize) {
            *skipped += self.left_out;
        }
        counts
    }

    /// Takes an observation in. Returns the tickets of transcripts that made room.
    pub(super) fn observe(
        &mut self,
        observation: Arc<Observation>,
        ticket: Option<Ticket>,
    ) -> Vec<Ticket> {
        self.tally.add(&observation);
        let endpoint = observation.endpoint.clone();
        if endpoint.host.is_empty() {
            let mut freed = self.resolve_failure.take().map_or_else(Vec::new, |old| old.tickets());
            let mut view = EndpointView::new(observation.clone());
            freed.extend(view.keep_transcript(&observation, ticket));
            self.resolve_failure = Some(Arc::new(view));
            return freed;
        }
        // An address whose MX preference changed is still the same series.
        let old = self.endpoints.remove(|known| same_series(known, &endpoint));
        let mut view = match old.map(Arc::unwrap_or_clone) {
            Some(old) => EndpointView { last: observation.clone(), paused: None, ..old },
            None => EndpointView::new(observation.clone()),
        };
        if observation.success() {
            view.last_success = Some(observation.ended);
        }
        view.standing.see(&observation);
        view.baseline.see(&observation);
        let freed = view.keep_transcript(&observation, ticket);
        self.waiting.retain(|waiting, _| !same_series(waiting, &endpoint));
        self.endpoints.insert(view);
        self.paused_until = None;
        freed.into_iter().collect()
    }

    /// Ends a round. Returns the tickets of transcripts that went, and the change of the verdict.
    pub(super) fn finish(
        &mut self,
        round: &Round,
        history_limit: usize,
    ) -> (Vec<Ticket>, Option<Change>) {
        let freed = self.settle_endpoints(round);
        self.settle_pauses(round);
        self.last_round = Some(round.ended);

        let probed = round.observations.iter().any(|seen| !seen.endpoint.host.is_empty());
        let verdict = match &self.resolve_failure {
            // Nothing was seen of the endpoints since: what they last said is not today's answer.
            Some(failure) if !probed => verdict::judge(std::iter::once(&*failure.last)),
            _ => {
                // What a host's addresses last said is not its answer while its name leads nowhere.
                let today = self
                    .endpoints
                    .values()
                    .filter(|view| !leads_nowhere(view.endpoint(), self.endpoints.keys()));
                verdict::judge(today.map(|view| &*view.last))
            }
        };
        if round.observations.iter().any(|seen| seen.trustworthy()) {
            match verdict.good() {
                Some(true) => self.consecutive_failures = 0,
                Some(false) => self.consecutive_failures += 1,
                None => {}
            }
        }
        let (from, to) = (self.verdict.good(), verdict.good());
        let change = (from != to).then(|| Change { from, to, failure: verdict.failure.clone() });
        if change.is_some() {
            self.since = Some(round.ended);
        }
        self.verdict = verdict;
        self.history.extend(self.history_entry(round));
        self.cut_history(history_limit);
        (freed, change)
    }

    /// A whole round was not started.
    pub(super) fn skip(&mut self, reason: SkipReason, until: Option<SystemTime>) {
        self.tally.skip(reason);
        if reason == SkipReason::Backoff && until.is_some() {
            self.paused_until = until;
        }
    }

    /// The check has other labels, or another interval.
    pub(super) fn recheck(&mut self, check: &Check, history_limit: usize) {
        if self.check.target.labels != check.target.labels {
            self.label_text = OnceLock::new();
            let resolve = self.resolve_failure.iter_mut();
            for view in self.endpoints.values_mut().chain(resolve) {
                Arc::make_mut(view).label_text = OnceLock::new();
            }
        }
        self.check = check.clone();
        self.cut_history(history_limit);
    }

    /// The tickets of all transcripts.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        let views = self.endpoints.values().chain(&self.resolve_failure);
        views.flat_map(|view| view.tickets()).collect()
    }

    /// Drops the transcript with this ticket, if it is still here.
    pub(super) fn forget_transcript(&mut self, ticket: Ticket) {
        for view in self.endpoints.values_mut().chain(&mut self.resolve_failure) {
            if view.success_ticket == Some(ticket) || view.failure_ticket == Some(ticket) {
                Arc::make_mut(view).forget_transcript(ticket);
            }
        }
    }

    /// Endpoints follow what the name stands for; a failed resolve leaves them for an hour, that of a
    /// domain's one host as that of the whole name.
    fn settle_endpoints(&mut self, round: &Round) -> Vec<Ticket> {
        let mut freed = Vec::new();
        let failed = round.observations.iter().any(|seen| seen.endpoint.host.is_empty());
        if !round.endpoints.is_empty() {
            self.endpoints.retain(|view| {
                let endpoint = view.endpoint();
                let young = round.ended.duration_since(view.last.ended);
                let young = young.is_ok_and(|age| age <= KEEP_UNRESOLVED);
                let stays = round.endpoints.iter().any(|e| same_series(e, endpoint))
                    || young && leads_nowhere(endpoint, round.endpoints.iter());
                if !stays {
                    freed.extend(view.tickets());
                }
                stays
            });
            if !failed {
                freed.extend(self.resolve_failure.take().iter().flat_map(|view| view.tickets()));
                self.resolved = Some(round.ended);
            }
            self.mx_records = round.mx_records;
            self.left_out = round.left_out;
            self.notes.clone_from(&round.notes);
            self.waiting.clear();
        }
        if failed && round.endpoints.is_empty() {
            self.mx_records = round.mx_records.or(self.mx_records);
            let stale = self.resolved.is_none_or(|resolved| {
                round.ended.duration_since(resolved).is_ok_and(|age| age > KEEP_UNRESOLVED)
            });
            if stale {
                freed.extend(self.endpoints.values().flat_map(|view| view.tickets()));
                self.endpoints.clear();
                self.waiting.clear();
                self.left_out = 0;
                self.notes.clear();
            }
        }
        freed
    }

    fn settle_pauses(&mut self, round: &Round) {
        for (endpoint, skip) in &round.skipped {
            self.tally.skip(skip.reason);
            match self.same(endpoint) {
                Some(view) if skip.reason == SkipReason::Backoff => {
                    let cause = skip.cause.unwrap_or(Cause::Unknown);
                    Arc::make_mut(view).paused = skip.until.map(|until| (until, cause));
                }
                Some(_) => {}
                None if endpoint.address.is_some() => {
                    self.waiting.insert(endpoint.clone(), skip.clone());
                }
                None => {}
            }
        }
        for (endpoint, until, cause) in &round.paused {
            if let Some(view) = self.same(endpoint) {
                Arc::make_mut(view).paused = Some((*until, *cause));
            }
        }
        for view in self.endpoints.values_mut() {
            if view.paused.is_some_and(|(until, _)| until <= round.ended) {
                Arc::make_mut(view).paused = None;
            }
        }
        let probed = self.endpoints.values().map(|view| view.paused.map(|(until, _)| until));
        let waiting = self
            .waiting
            .values()
            .map(|skip| skip.until.filter(|_| skip.reason == SkipReason::Backoff));
        // None as soon as one endpoint is not paused, else the first moment at which one is free.
        let pauses: Option<Vec<SystemTime>> = probed.chain(waiting).collect();
        self.paused_until = pauses.and_then(|pauses| pauses.into_iter().min());
    }

    /// What is known of the endpoint, whatever its preference was.
    fn same(&mut self, endpoint: &Endpoint) -> Option<&mut Arc<EndpointView>> {
        self.endpoints.values_mut().find(|known| same_series(known.endpoint(), endpoint))
    }

    fn history_entry(&self, round: &Round) -> Option<HistoryEntry> {
        let seen: Vec<&Observation> = round.observations.iter().map(|seen| &**seen).collect();
        let longest = seen.iter().map(|seen| seen.duration).max()?;
        let good = self.verdict.good() == Some(true);
        let shown = if good {
            seen.iter().copied().find(|seen| seen.success())
        } else {
            verdict::dominant(&seen)
        };
        let code = shown
            .and_then(|shown| shown.replies.iter().rev().find(|reply| reply.phase != Phase::Quit));
        Some(HistoryEntry {
            at: u32::try_from(since_epoch(round.ended).as_secs()).unwrap_or(u32::MAX),
            millis: u32::try_from(longest.as_millis()).unwrap_or(u32::MAX),
            cause: shown.and_then(Observation::trouble).map(|trouble| trouble.cause),
            code: code.map_or(0, |reply| reply.code),
        })
    }

    fn cut_history(&mut self, limit: usize) {
        let over = self.history.len().saturating_sub(limit);
        self.history.drain(..over);
    }
}

impl EndpointView {
    fn new(last: Arc<Observation>) -> Self {
        Self {
            last,
            last_success: None,
            success_transcript: None,
            failure_transcript: None,
            paused: None,
            standing: Standing::default(),
            baseline: Baseline::default(),
            label_text: OnceLock::new(),
            success_ticket: None,
            failure_ticket: None,
        }
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.last.endpoint
    }

    /// The state of the endpoint. A probe that our own trouble spoilt says nothing about it, nor does
    /// a negative test that was put off.
    pub fn state(&self, now: SystemTime) -> EndpointState {
        if self.paused.is_some_and(|(until, _)| until > now) {
            EndpointState::Paused
        } else if self.last.success() {
            EndpointState::Available
        } else if self.last.trustworthy() && !self.last.inconclusive() {
            EndpointState::Unavailable
        } else {
            EndpointState::Skipped
        }
    }

    /// Keeps the transcript in place of the last one of its kind, whose ticket is returned.
    fn keep_transcript(&mut self, seen: &Observation, ticket: Option<Ticket>) -> Option<Ticket> {
        let kept = Some((seen.ended, seen.transcript.clone()));
        if seen.success() {
            self.success_transcript = kept;
            std::mem::replace(&mut self.success_ticket, ticket)
        } else {
            self.failure_transcript = kept;
            std::mem::replace(&mut self.failure_ticket, ticket)
        }
    }

    fn tickets(&self) -> Vec<Ticket> {
        self.success_ticket.into_iter().chain(self.failure_ticket).collect()
    }

    fn forget_transcript(&mut self, ticket: Ticket) {
        let dropped = if self.success_ticket == Some(ticket) {
            self.success_ticket = None;
            self.success_transcript.take()
        } else if self.failure_ticket == Some(ticket) {
            self.failure_ticket = None;
            self.failure_transcript.take()
        } else {
            None
        };
        if dropped.is_some_and(|(_, dropped)| Arc::ptr_eq(&dropped, &self.last.transcript)) {
            Arc::make_mut(&mut self.last).transcript = Arc::default();
        }
    }
}

fn since_epoch(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How long the endpoints of a name that no longer resolves are kept.
const KEEP_UNRESOLVED: Duration = Duration::from_secs(3600);
