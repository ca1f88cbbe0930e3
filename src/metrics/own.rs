//! The exporter's own metrics, and the process's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::catalogue::{Def, Family, def};
use crate::target;

/// The exporter's own metrics. Cloning gives another handle on the same ones.
#[derive(Debug, Clone)]
pub struct Exporter {
    registry: Registry,
    reload_successful: IntGauge,
    reload_success_timestamp: Gauge,
    family_available: IntGaugeVec,
    in_flight: IntGauge,
    counter: Arc<AtomicUsize>,
    lag: Histogram,
}

impl Exporter {
    /// Registers all of them; `in_flight` is where the prober counts what is under way. Gauges that nobody has set yet read 0, except the families', which
    /// are absent.
    ///
    /// # Errors
    ///
    /// When the catalogue has two metrics of one name, or a name that is none.
    pub fn new(in_flight: Arc<AtomicUsize>) -> prometheus::Result<Self> {
        let build = GaugeVec::new(opts(Family::BuildInfo), &label_names(Family::BuildInfo))?;
        build.with_label_values(&[VERSION, REVISION, RUST_VERSION]).set(1.0);
        let lag = def(Family::ScheduleLag);
        let lag = Histogram::with_opts(
            HistogramOpts::new(lag.name, lag.help).buckets(lag.buckets.to_vec()),
        )?;
        let own = Self {
            registry: Registry::new(),
            reload_successful: IntGauge::with_opts(opts(Family::ConfigReloadSuccessful))?,
            reload_success_timestamp: Gauge::with_opts(opts(Family::ConfigReloadTimestamp))?,
            family_available: IntGaugeVec::new(
                opts(Family::FamilyAvailable),
                &label_names(Family::FamilyAvailable),
            )?,
            in_flight: IntGauge::with_opts(opts(Family::ProbesInFlight))?,
            counter: in_flight,
            lag,
        };
        let collectors: [Box<dyn Collector>; 7] = [
            Box::new(build),
            Box::new(own.reload_successful.clone()),
            Box::new(own.reload_success_timestamp.clone()),
            Box::new(own.family_available.clone()),
            Box::new(own.in_flight.clone()),
            Box::new(own.lag.clone()),
            Box::new(ProcessCollector::for_self()),
        ];
        for collector in collectors {
            own.registry.register(collector)?;
        }
        Ok(own)
    }

    /// The configuration was read at `at`.
    pub fn reloaded(&self, at: SystemTime) {
        self.reload_successful.set(1);
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.reload_success_timestamp.set(at.as_secs_f64());
    }

    /// The configuration could not be read; the one before stays.
    pub fn reload_failed(&self) {
        self.reload_successful.set(0);
    }

    /// Whether this host has a route for the family.
    pub fn set_family_available(&self, family: target::Family, available: bool) {
        self.family_available.with_label_values(&[family.as_str()]).set(available.into());
    }

    /// A round started so long after it was due.
    pub fn round_started(&self, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
    }

    /// All of them as they are now, in order of name.
    pub fn gather(&self) -> Vec<MetricFamily> {
        let probes = self.counter.load(Ordering::Relaxed);
        self.in_flight.set(i64::try_from(probes).unwrap_or(i64::MAX));
        self.registry.gather()
    }
}

fn opts(family: Family) -> Opts {
    let Def { name, help, .. } = def(family);
    Opts::new(*name, *help)
}

fn label_names(family: Family) -> Vec<&'static str> {
    def(family).labels.iter().map(|label| label.name).collect()
}

/// The exporter's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The source revision; `unknown` when it was not built from a repository.
pub const REVISION: &str = match option_env!("SMTP_EXPORTER_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// The compiler's version; `unknown` when the build script could not ask it.
pub const RUST_VERSION: &str = match option_env!("SMTP_EXPORTER_RUST_VERSION") {
    Some(version) => version,
    None => "unknown",
};
