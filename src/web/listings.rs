//! `/api/v1/listings`: every subject on every DNS list, and the lists, as JSON.

use std::sync::Arc;

use hyper::Response;

use super::api::{Answer, JSON, write};
use super::body::Payload;
use super::scrape::rendered;
use super::status::Listings;
use super::{Asked, Refusal, State};

pub(super) async fn listings(
    state: &Arc<State>,
    asked: &Asked,
) -> Result<Response<Payload>, Refusal> {
    rendered(state, asked, JSON, false, |state, sink| {
        write(&Answer { status: "success", data: Listings::of(&state.store) }, sink)
    })
    .await
}
