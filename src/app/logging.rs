//! Log lines: logfmt or JSON, to standard error.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging; a second call changes nothing. Libraries are heard from `warn` upwards, but not
/// those of the DNS: their messages hold names that were asked for, and the name of a keyed block
/// list is its key. What went wrong with a question is told by us.
pub fn start_logging(level: &str, json: bool) {
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("hickory_resolver", LevelFilter::OFF)
        .with_target("hickory_net", LevelFilter::OFF)
        .with_target("hickory_proto", LevelFilter::OFF)
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let registry = tracing_subscriber::registry().with(filter);
    // The event's own `target` is the Rust module; ours is the probed one.
    let started = if json {
        let layer = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_writer(std::io::stderr);
        registry.with(layer).try_init()
    } else {
        let layer =
            tracing_logfmt::builder().with_target(false).layer().with_writer(std::io::stderr);
        registry.with(layer).try_init()
    };
    // Another subscriber may be there already, in a test.
    let _ = started;
}
