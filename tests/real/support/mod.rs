//! What the tests stand on.

mod alertmanager;
mod bed;
mod browser;
mod exporter;
mod fake;
mod metrics;
mod pki;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use alertmanager::{Alertmanager, Told, Webhook, amtool};
pub(crate) use bed::{Bed, Plan};
pub(crate) use browser::Browser;
pub(crate) use exporter::{Exporter, binary, head, http_get};
pub(crate) use fake::Fake;
pub(crate) use metrics::Scrape;
pub(crate) use pki::{Certificate, GOOD_NOT_AFTER, MAIL_NAME, root_file};

/// The directory that `tests/run` keeps downloads, servers' state and what is left for a person in.
///
/// # Panics
///
/// When the tests were not started by `tests/run`: on the machine's own network port 25 may be
/// taken, and a probe could leave the machine.
pub(crate) fn store() -> PathBuf {
    let store = std::env::var_os("SMTP_EXPORTER_REAL")
        .expect("these tests need real servers: start them with `tests/run real`, as root");
    PathBuf::from(store)
}

/// A fresh directory below the store.
pub(crate) fn fresh_directory(name: &str) -> PathBuf {
    let path = store().join("state").join(name);
    match std::fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            panic!("{}: {error}", path.display())
        }
        _ => std::fs::create_dir_all(&path).unwrap(),
    }
    path
}

/// Keeps a text for a person to read after the run.
pub(crate) fn keep(name: &str, text: &str) {
    let directory = store().join("report");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(name), text).unwrap();
}

/// A loopback address that nothing else in this run uses.
pub(crate) fn address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    Ipv4Addr::new(127, 0, 60, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// After `limit`, with what `explain` has to say.
pub(crate) fn wait_for<T>(
    limit: Duration,
    mut ask: impl FnMut() -> Option<T>,
    explain: impl FnOnce() -> String,
) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {}", explain());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}
