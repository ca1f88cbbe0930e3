//! The endpoints of a check.

use std::sync::Arc;

use super::view::EndpointView;
use crate::target::Endpoint;

/// What is known of each endpoint of a check, in order of endpoint.
///
/// # Why a list
///
/// Most checks have one endpoint, and a map's node has room for eleven: with ten thousand targets
/// that is 20 MB of nothing. Each view is shared, so that a reader keeps the endpoints that it saw
/// while others change.
#[derive(Debug, Clone, Default)]
pub struct Endpoints(Vec<Arc<EndpointView>>);

impl Endpoints {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The endpoints.
    pub fn keys(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter().map(|view| view.endpoint())
    }

    /// What is known of them.
    pub fn values(&self) -> std::slice::Iter<'_, Arc<EndpointView>> {
        self.0.iter()
    }

    /// What is known of one.
    pub fn get(&self, endpoint: &Endpoint) -> Option<&Arc<EndpointView>> {
        let place = self.0.binary_search_by(|view| view.endpoint().cmp(endpoint)).ok()?;
        self.0.get(place)
    }

    pub(super) fn values_mut(&mut self) -> std::slice::IterMut<'_, Arc<EndpointView>> {
        self.0.iter_mut()
    }

    /// The first for which `is` holds, and it is taken out.
    pub(super) fn remove(&mut self, is: impl Fn(&Endpoint) -> bool) -> Option<Arc<EndpointView>> {
        let place = self.0.iter().position(|view| is(view.endpoint()))?;
        Some(self.0.remove(place))
    }

    pub(super) fn insert(&mut self, view: EndpointView) {
        let view = Arc::new(view);
        match self.0.binary_search_by(|known| known.endpoint().cmp(view.endpoint())) {
            Ok(place) => self.0.splice(place..=place, [view]).for_each(drop),
            Err(place) => {
                // Exactly as much room as there are: it does not grow with every round.
                self.0.reserve_exact(1);
                self.0.insert(place, view);
            }
        }
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Arc<EndpointView>) -> bool) {
        self.0.retain(keep);
    }

    pub(super) fn clear(&mut self) {
        self.0 = Vec::new();
    }
}

/// The two would give the same labels.
pub(super) fn same_series(a: &Endpoint, b: &Endpoint) -> bool {
    (a.address, a.port, a.source, &a.host) == (b.address, b.port, b.source, &b.host)
}

/// An address of a host whose name is not resolved any more.
pub(super) fn leads_nowhere<'a>(
    known: &Endpoint,
    mut now: impl Iterator<Item = &'a Endpoint>,
) -> bool {
    known.address.is_some()
        && now.any(|e| e.address.is_none() && (&e.host, e.port) == (&known.host, known.port))
}
