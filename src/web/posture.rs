//! `/api/v1/posture`: every domain whose records and keys are looked at, as JSON.

use std::sync::Arc;
use std::time::SystemTime;

use hyper::Response;
use serde::Serialize;

use super::api::{Answer, JSON, write};
use super::body::Payload;
use super::report::utc;
use super::scrape::rendered;
use super::status::DomainRow;
use super::{Asked, Page, Refusal, State};

pub(super) async fn domains(
    state: &Arc<State>,
    asked: &Asked,
) -> Result<Response<Payload>, Refusal> {
    rendered(state, asked, JSON, false, |state, sink| {
        let transcripts = !state.closed.contains(&Page::Logs);
        let domains = DomainRow::all(&state.store, transcripts);
        let data = Data { at: utc(SystemTime::now()), domains };
        write(&Answer { status: "success", data }, sink)
    })
    .await
}

#[derive(Serialize)]
struct Data {
    /// When it was put together.
    at: String,
    /// The worst first.
    domains: Vec<DomainRow>,
}
