//! `/metrics`, and how every other large answer is rendered: off the reactor, bounded in number,
//! compressed when asked for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::body::{self, Collector, Payload};
use super::stream::Stream;
use super::{Asked, Refusal, State};
use crate::metrics::Exposition;

/// Everything that is known, written as it is sent.
pub(super) async fn metrics(
    state: &Arc<State>,
    asked: &Asked,
) -> Result<Response<Payload>, Refusal> {
    let permit = turn(state).await?;
    let (format, now) = (asked.format, SystemTime::now());
    let mut exposition = Exposition::new(&state.store, &state.own, format, now);
    let first = exposition.next().unwrap_or_default();
    if exposition.is_over() {
        return rendered_here(state, asked, format.content_type(), true, |_, sink| {
            sink(first);
            Ok(())
        });
    }
    let stream = Stream::new(first, exposition, asked.gzip, permit);
    Ok(response(stream.into(), format.content_type(), true, asked.gzip))
}

/// Renders an answer on a thread that may block. `negotiated`: its form depends on `Accept`.
pub(super) async fn rendered(
    state: &Arc<State>,
    asked: &Asked,
    content_type: &str,
    negotiated: bool,
    fill: impl FnOnce(&State, &mut dyn FnMut(Bytes)) -> Result<(), Refusal> + Send + 'static,
) -> Result<Response<Payload>, Refusal> {
    let permit = turn(state).await?;
    let (gzip, state) = (asked.gzip, state.clone());
    let task = tokio::task::spawn_blocking(move || filled(&state, gzip, fill));
    let pieces = match task.await {
        Ok(result) => result?,
        Err(error) => {
            tracing::error!(path = asked.path, error = %error, "rendering an answer failed");
            return Err(Refusal::internal("rendering the answer failed; the log has more"));
        }
    };
    Ok(response(Payload::of(pieces, Some(permit)), content_type, negotiated, gzip))
}

/// Renders an answer that is small by its nature: where it is asked for, because handing it to
/// another thread and back costs more than the rendering.
pub(super) fn rendered_here(
    state: &State,
    asked: &Asked,
    content_type: &str,
    negotiated: bool,
    fill: impl FnOnce(&State, &mut dyn FnMut(Bytes)) -> Result<(), Refusal>,
) -> Result<Response<Payload>, Refusal> {
    let pieces = filled(state, asked.gzip, fill)?;
    Ok(response(Payload::of(pieces, None), content_type, negotiated, asked.gzip))
}

/// A place among the large answers, once there is one. Who takes nothing of an answer makes room.
async fn turn(state: &State) -> Result<OwnedSemaphorePermit, Refusal> {
    let permit = tokio::select! {
        biased;
        permit = timeout(QUEUE, state.renders.clone().acquire_owned()) => permit,
        never = state.seats.cut_stalled() => match never {},
    };
    let Ok(Ok(permit)) = permit else {
        return Err(Refusal::unavailable("too many large answers at once; ask again later"));
    };
    Ok(permit)
}

fn filled(
    state: &State,
    gzip: bool,
    fill: impl FnOnce(&State, &mut dyn FnMut(Bytes)) -> Result<(), Refusal>,
) -> Result<VecDeque<Bytes>, Refusal> {
    let mut collector = Collector::new(gzip);
    // Writing to memory does not fail; if it did, half an answer would be worse than none.
    let mut failed = None;
    fill(state, &mut |bytes| {
        if let Err(error) = collector.push(bytes) {
            failed = Some(error);
        }
    })?;
    let pieces = match failed {
        None => collector.finish(),
        Some(error) => Err(error),
    };
    pieces.map_err(|error| Refusal::internal(format!("cannot compress the answer: {error}")))
}

fn response(
    payload: Payload,
    content_type: &str,
    negotiated: bool,
    gzip: bool,
) -> Response<Payload> {
    let mut response = body::answer(StatusCode::OK, content_type, payload);
    let headers = response.headers_mut();
    let vary = if negotiated { "Accept, Accept-Encoding" } else { "Accept-Encoding" };
    headers.insert(header::VARY, HeaderValue::from_static(vary));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// How long a request waits for others to be rendered: shorter than the usual scrape timeout.
const QUEUE: Duration = Duration::from_secs(5);
