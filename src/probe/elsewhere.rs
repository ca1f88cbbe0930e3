//! Whether ordinary sessions begin to fail: what a run that measures a limit must notice, because
//! it may be the cause.
//!
//! A check's session with an address *begins to fail* when it failed and the one before it did not.
//! One that failed all along says nothing about us.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::sync::broadcast;

use crate::observation::Observation;
use crate::target::CheckKey;

/// The latest result of each ordinary session, and who wants to know of a turn for the worse.
#[derive(Debug)]
pub(super) struct Elsewhere {
    good: Mutex<HashSet<(CheckKey, IpAddr, Option<IpAddr>)>>,
    turns: broadcast::Sender<Turn>,
}

/// An ordinary session that failed where the one before it had not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) remote: IpAddr,
    /// For a person.
    pub(super) what: String,
}

impl Default for Elsewhere {
    fn default() -> Self {
        Self { good: Mutex::default(), turns: broadcast::channel(TURNS).0 }
    }
}

impl Elsewhere {
    /// Takes note of an ordinary session.
    pub(super) fn note(&self, key: &CheckKey, seen: &Observation) {
        let endpoint = &seen.endpoint;
        // A name that leads nowhere is no session, and a negative test fails by what is allowed.
        let (Some(remote), false) = (endpoint.address, seen.negative) else { return };
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (key.clone(), remote, endpoint.source);
        let Some(failure) = &seen.failure else {
            if good.len() >= REMEMBERED {
                good.clear();
            }
            good.insert(place);
            return;
        };
        if good.remove(&place) {
            let what = format!("{} {} at {remote}: {}", key.0, key.1, failure.cause);
            // Nobody listens while no run is under way.
            let _ = self.turns.send(Turn { remote, what });
        }
    }

    /// Waits until sessions with another remote than `own` begin to fail, and tells which.
    pub(super) async fn turned(turns: &mut broadcast::Receiver<Turn>, own: IpAddr) -> String {
        loop {
            match turns.recv().await {
                Ok(turn) if turn.remote != own => return turn.what,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    return "many ordinary sessions at once".to_owned();
                }
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Turn> {
        self.turns.subscribe()
    }
}

/// Turns that a listener may be behind.
const TURNS: usize = 32;
/// Good sessions remembered; when there are more, it begins anew.
const REMEMBERED: usize = 65_536;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::cause::Cause;
    use crate::observation::Failure;
    use crate::smtp::Phase;
    use crate::target::Endpoint;

    fn seen(address: &str, cause: Option<Cause>) -> Observation {
        let endpoint = Endpoint {
            host: "mx1".into(),
            port: 25,
            address: Some(address.parse().unwrap()),
            source: None,
            mx_preference: None,
        };
        Observation {
            failure: cause.map(|cause| Failure::new(Phase::Greeting, cause, "")),
            ..Observation::of(endpoint, SystemTime::UNIX_EPOCH)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_turn_for_the_worse_of_another_remote_is_told() {
        let elsewhere = Elsewhere::default();
        let key: CheckKey = ("mx1".into(), "smtp".into());
        let own = "192.0.2.1".parse().unwrap();
        let mut turns = elsewhere.listen();
        let bad = Some(Cause::TooManyConnections);
        // Never good; good and bad at the run's own remote; good.
        elsewhere.note(&key, &seen("192.0.2.2", bad));
        elsewhere.note(&key, &seen("192.0.2.1", None));
        elsewhere.note(&key, &seen("192.0.2.1", bad));
        elsewhere.note(&key, &seen("192.0.2.2", None));
        let quiet = std::time::Duration::from_secs(1);
        let waited = tokio::time::timeout(quiet, Elsewhere::turned(&mut turns, own)).await;
        assert!(waited.is_err(), "{waited:?}");
        elsewhere.note(&key, &seen("192.0.2.2", bad));
        elsewhere.note(&key, &seen("192.0.2.2", bad));
        let what = Elsewhere::turned(&mut turns, own).await;
        assert_eq!(what, "mx1 smtp at 192.0.2.2: too_many_connections");
        let waited = tokio::time::timeout(quiet, Elsewhere::turned(&mut turns, own)).await;
        assert!(waited.is_err(), "{waited:?}");
    }
}
