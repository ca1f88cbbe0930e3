//! What was measured of connection limits, and what is planned.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{instant, maybe_seconds, seconds, time};
use crate::cause::Cause;
use crate::observation::{Abort, AbortKind, LadderSeen, Refusal, RefusedHow};
use crate::smtp::Phase;
use crate::store::{LadderPlan, LadderView, Store};
use crate::target::LadderMode;

/// One entry of `connection_limits`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct LimitRow {
    pub(in crate::web) target: Arc<str>,
    pub(in crate::web) module: Arc<str>,
    pub(in crate::web) mode: LadderMode,
    /// The most connections of a run.
    pub(in crate::web) max_connections: u32,
    /// How long an idle session is watched at most; none in the other modes.
    #[serde(rename = "max_idle_seconds", serialize_with = "maybe_seconds")]
    pub(in crate::web) max_idle: Option<Duration>,
    #[serde(rename = "interval_seconds", serialize_with = "seconds")]
    pub(in crate::web) interval: Duration,
    /// Since when a run is under way, its wait for its turn included.
    #[serde(serialize_with = "time")]
    pub(in crate::web) running_since: Option<SystemTime>,
    /// When the next run begins.
    #[serde(serialize_with = "time")]
    pub(in crate::web) next_run: Option<SystemTime>,
    /// The last run, where it was not begun.
    pub(in crate::web) not_begun: Option<NotBegunRow>,
    /// What was measured where.
    pub(in crate::web) endpoints: Vec<LimitEndpointRow>,
}

/// A run that was not begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct NotBegunRow {
    #[serde(serialize_with = "instant")]
    pub(in crate::web) at: SystemTime,
    /// For a person.
    pub(in crate::web) detail: String,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct LimitEndpointRow {
    pub(in crate::web) host: Arc<str>,
    pub(in crate::web) port: u16,
    pub(in crate::web) address: Option<IpAddr>,
    pub(in crate::web) source: Option<IpAddr>,
    /// The last run that gave a number.
    pub(in crate::web) measured: Option<MeasuredRow>,
    /// The last run, where it broke off.
    pub(in crate::web) aborted: Option<AbortedRow>,
}

/// What a run measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct MeasuredRow {
    #[serde(serialize_with = "instant")]
    pub(in crate::web) ended: SystemTime,
    /// Sessions accepted, at once or within the minute.
    pub(in crate::web) accepted: u32,
    /// Sessions that would have been opened.
    pub(in crate::web) tried: u32,
    /// The server ended it before the cap.
    pub(in crate::web) reached: bool,
    pub(in crate::web) refusal: Option<RefusalRow>,
    /// From the last QUIT until a new session was accepted.
    #[serde(rename = "recovery_seconds", serialize_with = "maybe_seconds")]
    pub(in crate::web) recovery: Option<Duration>,
    /// Whether one was; none when nothing was refused.
    pub(in crate::web) recovered: Option<bool>,
    /// The longest wait for a greeting among the sessions accepted.
    #[serde(rename = "greet_delay_seconds", serialize_with = "maybe_seconds")]
    pub(in crate::web) greet_delay: Option<Duration>,
    /// How long the server bore with a silent client.
    #[serde(rename = "idle_seconds", serialize_with = "maybe_seconds")]
    pub(in crate::web) idle: Option<Duration>,
}

/// How a server said that it is enough.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct RefusalRow {
    /// 0 when there was no reply.
    pub(in crate::web) code: u16,
    pub(in crate::web) cause: Cause,
    pub(in crate::web) phase: Phase,
    pub(in crate::web) how: RefusedHow,
    /// The reply, or what happened instead.
    pub(in crate::web) detail: String,
}

/// A run that broke off.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::web) struct AbortedRow {
    #[serde(serialize_with = "instant")]
    pub(in crate::web) ended: SystemTime,
    pub(in crate::web) kind: AbortKind,
    /// For a person.
    pub(in crate::web) detail: String,
}

/// Every limit that is measured, in order of target, module and mode; `target` picks those of one.
pub(super) fn rows(store: &Store, target: Option<&str>, now: SystemTime) -> Vec<LimitRow> {
    let views = store.ladders();
    let plans = store.ladder_plans();
    let wanted =
        |plan: &&LadderPlan| target.is_none_or(|name| *plan.ladder.check.target.name == *name);
    plans.iter().filter(wanted).map(|plan| LimitRow::of(plan, &views, now)).collect()
}

impl LimitRow {
    fn of(plan: &LadderPlan, views: &[Arc<LadderView>], now: SystemTime) -> Self {
        let ladder = &plan.ladder;
        let key = ladder.key();
        let of_ladder = views.iter().filter(|view| view.ladder.key() == key);
        Self {
            max_connections: ladder.connections(),
            max_idle: (ladder.mode == LadderMode::Idle).then_some(ladder.max_idle),
            interval: ladder.interval,
            running_since: plan.running_since,
            // That of the run under way is past.
            next_run: plan.next.filter(|next| *next > now),
            not_begun: plan
                .not_begun
                .as_ref()
                .map(|(at, why)| NotBegunRow { at: *at, detail: why.clone() }),
            endpoints: of_ladder.map(|view| LimitEndpointRow::of(view)).collect(),
            target: key.0,
            module: key.1,
            mode: key.2,
        }
    }
}

impl LimitEndpointRow {
    fn of(view: &LadderView) -> Self {
        let endpoint = &view.last.endpoint;
        let aborted = |abort: &Abort| AbortedRow {
            ended: view.last.ended,
            kind: abort.kind,
            detail: abort.detail.clone(),
        };
        Self {
            host: endpoint.host.clone(),
            port: endpoint.port,
            address: endpoint.address,
            source: endpoint.source,
            measured: view.measured.as_deref().map(MeasuredRow::of),
            aborted: view.last.aborted.as_ref().map(aborted),
        }
    }
}

impl MeasuredRow {
    fn of(seen: &LadderSeen) -> Self {
        let refusal = |refusal: &Refusal| RefusalRow {
            code: refusal.code,
            cause: refusal.cause,
            phase: refusal.phase,
            how: refusal.how,
            detail: refusal.detail.clone(),
        };
        Self {
            ended: seen.ended,
            accepted: seen.accepted,
            tried: seen.tried,
            reached: seen.reached(),
            refusal: seen.refusal.as_ref().map(refusal),
            recovery: seen.recovery,
            recovered: seen.recovered(),
            greet_delay: seen.greet_delay,
            idle: seen.idle,
        }
    }
}
