//! The exporter's own metrics, and the process's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntGauge, IntGaugeVec, Opts, Registry,
};

use tokio::runtime::Handle;

use super::catalogue::{Def, Family, def};
use crate::observation::ProbeCounts;
use crate::target;

/// The exporter's own metrics. Cloning gives another handle on the same ones.
#[derive(Debug, Clone)]
pub struct Exporter {
    registry: Registry,
    reload_successful: IntGauge,
    reload_success_timestamp: Gauge,
    family_available: IntGaugeVec,
    lag: Histogram,
}

impl Exporter {
    /// Registers all of them; `probes` are the prober's books. Gauges that nobody has set yet read 0,
    /// except the families', which are absent.
    ///
    /// # Errors
    ///
    /// When the catalogue has two metrics of one name, or a name that is none.
    pub fn new(probes: Arc<ProbeCounts>) -> prometheus::Result<Self> {
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
            lag,
        };
        let collectors: [Box<dyn Collector>; 7] = [
            Box::new(build),
            Box::new(own.reload_successful.clone()),
            Box::new(own.reload_success_timestamp.clone()),
            Box::new(own.family_available.clone()),
            Box::new(Live::new(probes)?),
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
        self.registry.gather()
    }
}

/// What is looked up when it is asked for, all at one moment.
struct Live {
    probes: Arc<ProbeCounts>,
    descs: Vec<Desc>,
}

impl Live {
    fn new(probes: Arc<ProbeCounts>) -> prometheus::Result<Self> {
        let mut descs = Vec::new();
        for family in [
            Family::ProbesInFlight,
            Family::ProbesStarted,
            Family::ProbesFinished,
            Family::ProbesCutOff,
            Family::Tasks,
        ] {
            let Def { name, help, .. } = def(family);
            let desc = Desc::new((*name).into(), (*help).into(), Vec::new(), HashMap::new())?;
            descs.push(desc);
        }
        Ok(Self { probes, descs })
    }
}

impl Collector for Live {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counted = self.probes.now();
        // Outside a runtime, as in some tests, there are no tasks to count.
        let tasks = Handle::try_current().map(|runtime| runtime.metrics().num_alive_tasks());
        let gauges = [
            (Family::ProbesInFlight, Some(counted.in_flight)),
            (Family::Tasks, tasks.ok().map(|tasks| tasks as u64)),
        ];
        let counters = [
            (Family::ProbesStarted, counted.started),
            (Family::ProbesFinished, counted.finished),
            (Family::ProbesCutOff, counted.cut_off),
        ];
        let mut families = Vec::new();
        for (family, value) in gauges {
            // The names were good when they were registered.
            if let (Some(value), Ok(gauge)) = (value, IntGauge::with_opts(opts(family))) {
                gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
                families.extend(gauge.collect());
            }
        }
        for (family, value) in counters {
            if let Ok(counter) = IntCounter::with_opts(opts(family)) {
                counter.inc_by(value);
                families.extend(counter.collect());
            }
        }
        families
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
