//! The composition root: builds the parts from a configuration, runs them, reloads, drains.

mod doors;
mod files;
mod health;
mod listen;
mod logging;
mod once;
mod rounds;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub use crate::web::Page;
pub use doors::WebFile;
pub use health::{HealthQuestion, health_url};
pub use logging::start_logging;
pub use once::{check_for, look_up, probe_once, survey_once};

use crate::config::{self, Config, ConfigError};
use crate::demo::World;
use crate::metrics;
use crate::net::{tcp, tls};
use crate::probe::Prober;
use crate::probe::dnsbl::Lookups;
use crate::store::Store;
use crate::target::{Family, Shard};
use crate::web::{self, Control, Running};
use watch::{notify, watch};

/// What the command line says about serving.
#[derive(Debug)]
pub struct Options {
    /// The configuration file, if one was named.
    pub config_file: Option<PathBuf>,
    /// Addresses to listen on; `:port` is every address.
    pub listen: Vec<String>,
    /// The URL under which users reach us; empty: unknown.
    pub external_url: String,
    /// The prefix of all paths; none: the external URL's path.
    pub route_prefix: Option<String>,
    /// Who may come in.
    pub web: Arc<WebFile>,
    /// Pages that nobody gets.
    pub closed: Vec<Page>,
    /// Take the sockets from systemd instead of `listen`.
    pub systemd_socket: bool,
    /// Results kept per check.
    pub history_limit: usize,
    /// What is taken off Prometheus' scrape timeout.
    pub timeout_offset: Duration,
    /// The part of the configuration that this exporter takes; none: all of it.
    pub shard: Option<Shard>,
}

impl Options {
    /// What this exporter takes of a configuration.
    fn share_of(&self, config: Config) -> Config {
        let Some(shard) = self.shard else { return config };
        let config = config.in_shard(shard);
        if let Some(share) = config.share {
            let (targets, of) = (config.targets.len(), share.of_targets);
            tracing::info!(%shard, targets, of, "taking one shard of the configuration");
        }
        config
    }
}

/// Loads the configuration that the command line means: the named file, else `smtp_exporter.yml` if
/// it is there, else none; and the environment.
///
/// # Errors
///
/// Every problem of the file and the environment.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let default = Path::new(DEFAULT_FILE);
    let file = file.or_else(|| default.exists().then_some(default));
    // A variable that is not UTF-8 cannot be one of ours, whose values are.
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    config::load(file, &environment)
}

/// The runtime of every subcommand that connects.
///
/// # Errors
///
/// Threads or the event queue cannot be made.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .on_thread_start(tls::warm_up)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Core dumps of this process stay empty: they would hold passwords. Its own entries in `/proc` stay
/// readable, from which the process metrics come; so it is the limit, and not `PR_SET_DUMPABLE`.
pub fn leave_no_core() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::debug!(%error, "cannot forbid core dumps");
    }
}

/// Runs the exporter until SIGTERM or SIGINT, or until `end_after` has passed.
///
/// # Errors
///
/// It could not start. Once it runs, nothing ends it but a signal.
pub async fn serve(
    options: Options,
    config: Config,
    end_after: Option<Duration>,
) -> anyhow::Result<()> {
    let config = options.share_of(config);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let listeners = listen::open(&options).await?;
    let addresses: Vec<String> = listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .map(|address| address.to_string())
        .collect();
    let prober = Prober::new(config.policy.clone()).map_err(anyhow::Error::msg)?;
    adopt_pauses(&prober);
    let app = App::new(options, prober, config)?;

    let stop = CancellationToken::new();
    let state = app.clone().web_state(&stop);
    let server = tokio::spawn(web::serve(listeners, state, stop.clone(), GRACE));
    let watcher = tokio::spawn(watch(app.clone(), stop.clone()));
    tracing::info!(address = addresses.join(","), version = VERSION, "serving");
    notify(&[sd_notify::NotifyState::Ready]);

    let end = async {
        match end_after {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = &mut end => break,
            _ = hangup.recv() => {
                // What is wrong was logged; the old configuration stays.
                let _ = app.reload().await;
            }
        }
    }
    tracing::info!("stopping: no new probes, QUIT in open sessions");
    notify(&[sd_notify::NotifyState::Stopping]);
    app.ready.store(false, Ordering::Relaxed);
    let drain = async {
        app.stop_schedule().await;
        stop.cancel();
        let _ = server.await;
        let _ = watcher.await;
    };
    tokio::select! {
        ended = tokio::time::timeout(GRACE, drain) => {
            if ended.is_err() {
                tracing::warn!(grace = GRACE.as_secs_f64(), "not everything ended in time");
            }
        }
        // Whoever asks twice does not want to wait.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    app.keep_pauses();
    Ok(())
}

/// Runs the exporter against the demo's servers.
///
/// # Errors
///
/// The servers, or the exporter, could not start.
pub async fn demo(mut options: Options, end_after: Option<Duration>) -> anyhow::Result<()> {
    let world = World::start().context("cannot start the demo's servers")?;
    let directory = tempfile::Builder::new().prefix("smtp_exporter-demo-").tempdir()?;
    let authority = directory.path().join("ca.pem");
    let file = directory.path().join(DEFAULT_FILE);
    std::fs::write(&authority, world.ca_pem()?)?;
    std::fs::write(&file, world.config_yaml(&authority))?;
    let config = config::load(Some(&file), &BTreeMap::new())
        .map_err(|error| anyhow::anyhow!("the demo's own configuration is wrong:\n{error}"))?;
    options.config_file = Some(file);
    listen::announce_demo(&options)?;
    serve(options, config, end_after).await
}

/// The parts that live as long as the process.
struct App {
    options: Options,
    store: Arc<Store>,
    prober: Arc<Prober>,
    lookups: Arc<Lookups>,
    own: metrics::Exporter,
    /// What was wrong when it was last read, and so is not in force: the web configuration file, or
    /// the configuration.
    doors_bad: AtomicBool,
    config_bad: AtomicBool,
    rounds: tokio::sync::Mutex<Option<rounds::Rounds>>,
    running: RwLock<Arc<Running>>,
    watched: RwLock<files::Watched>,
    ready: AtomicBool,
}

impl App {
    /// Builds the parts and starts the schedule.
    fn new(options: Options, prober: Prober, config: Config) -> anyhow::Result<Arc<Self>> {
        let store = Arc::new(Store::default());
        let prober = Arc::new(prober);
        let own = metrics::Exporter::new(prober.counts())
            .context("cannot register the exporter's own metrics")?;
        let lag = {
            let own = own.clone();
            move |late: Duration| own.round_started(late)
        };
        let mut rounds = rounds::Rounds::new(prober.clone(), store.clone(), lag);
        rounds.adopt_list_pauses(&kept_pauses(files::LIST_PAUSES), &config);
        let (_, generation) = rounds.replan(&config, options.history_limit);
        warn(&config);
        let app = Self {
            options,
            store,
            prober,
            lookups: rounds.lookups(),
            own,
            doors_bad: AtomicBool::new(false),
            config_bad: AtomicBool::new(false),
            rounds: tokio::sync::Mutex::new(Some(rounds)),
            watched: RwLock::new(files::Watched::of(&config.watched)),
            running: RwLock::new(running(config, generation)),
            ready: AtomicBool::new(true),
        };
        app.own.reloaded(SystemTime::now());
        app.look_for_routes();
        Ok(Arc::new(app))
    }

    /// What the web answers from.
    fn web_state(self: Arc<Self>, stop: &CancellationToken) -> Arc<web::State> {
        let mut state = web::State::new(
            self.clone(),
            self.store.clone(),
            self.own.clone(),
            self.prober.clone(),
        );
        let Options { route_prefix: stated, external_url, .. } = &self.options;
        let prefix = route_prefix(stated.as_deref(), external_url);
        state.route_prefix = web::normal_prefix(&prefix);
        state.external_url = Some(self.options.external_url.clone()).filter(|url| !url.is_empty());
        state.timeout_offset = self.options.timeout_offset;
        state.doors = self.options.web.doors();
        state.closed.clone_from(&self.options.closed);
        state.stop = stop.clone();
        Arc::new(state)
    }

    async fn reload(&self) -> Result<(), String> {
        self.reload_doors().await?;
        // One at a time: the lock of what runs is held until the new configuration is in force.
        let mut rounds = self.rounds.lock().await;
        let Some(rounds) = rounds.as_mut() else {
            return Err("the exporter is stopping".to_owned());
        };
        let file = self.options.config_file.clone();
        // Looked at before reading: what is written in between is then read again, and not missed.
        let before = read(&self.watched).look_again();
        let loaded = tokio::task::spawn_blocking(move || load(file.as_deref())).await;
        let config = match loaded {
            Ok(Ok(config)) => config,
            Ok(Err(error)) => return Err(self.refuse(&self.config_bad, error.to_string())),
            Err(error) => return Err(self.refuse(&self.config_bad, error.to_string())),
        };
        let config = self.options.share_of(config);
        self.prober
            .reconfigure(config.policy.clone())
            .map_err(|error| self.refuse(&self.config_bad, error))?;
        let (checks, generation) = rounds.replan(&config, self.options.history_limit);
        *write(&self.watched) = before.and(&config.watched);
        warn(&config);
        *write(&self.running) = running(config, generation);
        self.config_bad.store(false, Ordering::Relaxed);
        self.own.reloaded(SystemTime::now());
        tracing::info!(checks, "configuration reloaded");
        Ok(())
    }

    /// Reads the web configuration file alone.
    async fn reload_doors(&self) -> Result<(), String> {
        let web = self.options.web.clone();
        let loaded = tokio::task::spawn_blocking(move || web.reload()).await;
        let loaded = loaded.unwrap_or_else(|error| Err(error.to_string()));
        for warning in loaded.map_err(|problems| self.refuse(&self.doors_bad, problems))? {
            tracing::warn!("{warning}");
        }
        // A certificate that was caught half-written is whole now, and nobody asks for a reload.
        if self.doors_bad.swap(false, Ordering::Relaxed) && !self.config_bad.load(Ordering::Relaxed)
        {
            self.own.reloaded(SystemTime::now());
        }
        Ok(())
    }

    /// A configuration that was not taken over.
    fn refuse(&self, bad: &AtomicBool, problems: String) -> String {
        bad.store(true, Ordering::Relaxed);
        self.own.reload_failed();
        for problem in problems.lines() {
            tracing::error!(problem, "configuration not reloaded, the old one stays in force");
        }
        problems
    }

    async fn stop_schedule(&self) {
        if let Some(rounds) = self.rounds.lock().await.take() {
            rounds.stop().await;
        }
    }

    fn look_for_routes(&self) {
        for family in Family::ALL {
            self.own.set_family_available(*family, tcp::family_available(*family));
        }
    }

    fn keep_pauses(&self) {
        keep(files::PAUSES, &self.prober.permits().pauses());
        keep(files::LIST_PAUSES, &self.lookups.pauses());
    }
}

impl Control for App {
    fn ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(self.reload())
    }

    fn running(&self) -> Arc<Running> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The prefix of all paths: what was stated, else the external URL's path.
pub fn route_prefix(stated: Option<&str>, external_url: &str) -> String {
    let path = || {
        let after = external_url.split_once("://").map_or("", |(_, rest)| rest);
        after.split_once('/').map_or("", |(_, path)| path)
    };
    stated.unwrap_or_else(path).to_owned()
}

/// Takes over the pauses of the run before, where there is a state directory. Before the schedule
/// starts, or its first probes would not know of them.
fn adopt_pauses(prober: &Prober) {
    prober.permits().restore(&kept_pauses(files::PAUSES));
}

/// The pauses in a file of the state directory.
fn kept_pauses<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    files::read_kept(name).unwrap_or_else(|error| {
        tracing::warn!(%error, file = name, "cannot read the pauses of the last run");
        Vec::new()
    })
}

fn keep<T: serde::Serialize>(name: &str, pauses: &[T]) {
    if let Err(error) = files::write_kept(name, pauses) {
        tracing::warn!(%error, file = name, "cannot keep the pauses for the next run");
    }
}

fn warn(config: &Config) {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
}

fn running(config: Config, generation: u64) -> Arc<Running> {
    Arc::new(Running {
        modules: config.modules,
        targets: config.targets,
        shown: config.shown,
        generation,
        policy: Arc::new(config.policy),
    })
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// The configuration file that is read when none is named.
const DEFAULT_FILE: &str = "smtp_exporter.yml";
/// How long open sessions and scrapes have at the end.
const GRACE: Duration = Duration::from_secs(10);
/// More threads than this do not help: a probe mostly waits.
const WORKERS: usize = 4;
const VERSION: &str = env!("CARGO_PKG_VERSION");
