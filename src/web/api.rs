//! `/api/v1/targets`: what the status page shows, and the endpoints, as JSON.

use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::Response;
use serde::Serialize;

use super::body::Payload;
use super::scrape::rendered;
use super::status::{self, Row};
use super::{Asked, Refusal, State};

pub(super) async fn targets(
    state: &Arc<State>,
    asked: &Asked,
) -> Result<Response<Payload>, Refusal> {
    let content_type = "application/json; charset=utf-8";
    rendered(state, asked, content_type, false, |state, sink| {
        let running = state.control.running();
        let targets = status::rows(&state.store, &running.policy.rules, SystemTime::now());
        write(&Answer { status: "success", data: Data { targets } }, sink)
    })
    .await
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
    targets: Vec<Row>,
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
