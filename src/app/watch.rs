//! What is looked after besides requests and probes, and what systemd is told.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{App, write};

/// What is looked after besides requests and probes: files of targets, pauses, routes.
pub(super) async fn watch(app: Arc<App>, stop: CancellationToken) {
    let mut every = tokio::time::interval(WATCH_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut kept = Default::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        notify(&[sd_notify::NotifyState::Watchdog]);
        app.look_for_routes();
        let pauses = (app.prober.permits().pauses(), app.lookups.pauses());
        if pauses != kept {
            app.keep_pauses();
            kept = pauses;
        }
        if app.options.web.changed() && app.reload_doors().await.is_ok() {
            tracing::info!("web configuration reloaded");
        }
        if write(&app.watched).changed() {
            // What is wrong was logged. It is read again when it changes again.
            let _ = app.reload().await;
        }
    }
}

/// Tells systemd, where it is there to listen.
pub(super) fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "cannot notify systemd");
    }
}

/// How often files of targets are looked at.
const WATCH_EVERY: Duration = Duration::from_secs(2);
