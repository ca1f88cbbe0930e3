//! `/api/v1/targets` and `/api/v1/targets/NAME`: what the pages show, as JSON. The README lists the
//! names; they stay.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::body::{self, Payload};
use super::page::{knows, near_names};
use super::report::utc;
use super::scrape::rendered;
use super::status::{Group, LimitRow, Row};
use super::{Asked, Refusal, State};

/// All targets.
pub(super) async fn targets(
    state: &Arc<State>,
    asked: &Asked,
) -> Result<Response<Payload>, Refusal> {
    rendered(state, asked, JSON, false, |state, sink| {
        let now = SystemTime::now();
        let (rows, limits) =
            state.facts(now, |facts| (facts.rows(&state.store), facts.limits(&state.store, None)));
        write_rows(now, rows, limits, sink)
    })
    .await
}

/// One target, with transcripts and history.
pub(super) async fn target(
    state: &Arc<State>,
    asked: &Asked,
    name: &str,
) -> Result<Response<Payload>, Refusal> {
    if !knows(state, name) {
        let error = Missing {
            status: "error",
            error_type: "not_found",
            error: "there is no such target",
            near: near_names(state, name),
        };
        let text = serde_json::to_vec(&error).unwrap_or_default();
        return Ok(body::answer(StatusCode::NOT_FOUND, JSON, Bytes::from(text)));
    }
    let name = name.to_owned();
    rendered(state, asked, JSON, false, move |state, sink| {
        let now = SystemTime::now();
        let (rows, limits) = state.facts(now, |facts| {
            (facts.rows_of(&state.store, &name), facts.limits(&state.store, Some(&name)))
        });
        write_rows(now, rows, limits, sink)
    })
    .await
}

fn write_rows(
    now: SystemTime,
    targets: Vec<Row>,
    limits: Vec<LimitRow>,
    sink: &mut dyn FnMut(Bytes),
) -> Result<(), Refusal> {
    let mut counts: BTreeMap<&'static str, usize> =
        Group::ALL.iter().map(|group| (group.as_str(), 0)).collect();
    for row in &targets {
        *counts.entry(row.group.as_str()).or_default() += 1;
    }
    let data = Data { at: utc(now), version: env!("CARGO_PKG_VERSION"), counts, targets, limits };
    write(&Answer { status: "success", data }, sink)
}

/// Writes an answer as JSON.
pub(super) fn write(answer: &impl Serialize, sink: &mut dyn FnMut(Bytes)) -> Result<(), Refusal> {
    let mut writer = BufWriter::with_capacity(32 * 1024, Sink(sink));
    serde_json::to_writer(&mut writer, answer)
        .map_err(std::io::Error::from)
        .and_then(|()| writer.write_all(b"\n"))
        .and_then(|()| writer.flush())
        .map_err(|error| Refusal::internal(format!("cannot write JSON: {error}")))
}

/// The envelope of Prometheus' own API.
#[derive(Serialize)]
pub(super) struct Answer<T> {
    pub(super) status: &'static str,
    pub(super) data: T,
}

#[derive(Serialize)]
struct Data {
    /// When it was put together.
    at: String,
    version: &'static str,
    /// Checks in each group.
    counts: BTreeMap<&'static str, usize>,
    /// Checks, in order of target and module.
    targets: Vec<Row>,
    /// Connection limits that are measured, in order of target, module and mode.
    limits: Vec<LimitRow>,
}

/// Prometheus' form of an error, and the names that may have been meant.
#[derive(Serialize)]
struct Missing {
    status: &'static str,
    #[serde(rename = "errorType")]
    error_type: &'static str,
    error: &'static str,
    near: Vec<String>,
}

struct Sink<'a>(&'a mut dyn FnMut(Bytes));

impl Write for Sink<'_> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        (self.0)(Bytes::copy_from_slice(buffer));
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) const JSON: &str = "application/json; charset=utf-8";
