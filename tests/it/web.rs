//! The HTTP side over real sockets, in front of a store and a prober that connects to nothing.

mod bounds;
mod doors;
mod lists;
mod names;
mod page;
mod probe;
mod routes;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use smtp_exporter::cause::Cause;
use smtp_exporter::metrics::Exporter;
use smtp_exporter::observation::{Failure, Observation, ReplySeen, Round, Side, Transcript};
use smtp_exporter::probe::Job;
use smtp_exporter::smtp::{Phase, TlsMode};
use smtp_exporter::store::Store;
use smtp_exporter::target::{Allow, Check, Endpoint, HostName, Module, Place, Policy, Target};
use smtp_exporter::web::{Control, Probe, Running, State, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A server on loopback and everything behind it.
struct House {
    address: SocketAddr,
    control: Arc<FakeControl>,
    prober: Arc<FakeProber>,
    store: Arc<Store>,
    generation: u64,
    shutdown: CancellationToken,
    served: JoinHandle<()>,
}

#[derive(Default)]
struct FakeControl {
    ready: AtomicBool,
    problems: Mutex<Option<String>>,
    reloads: AtomicUsize,
    running: Mutex<Arc<Running>>,
}

impl Control for FakeControl {
    fn ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        self.reloads.fetch_add(1, Ordering::SeqCst);
        let problems = self.problems.lock().unwrap().clone();
        Box::pin(async move { problems.map_or(Ok(()), Err) })
    }

    fn running(&self) -> Arc<Running> {
        self.running.lock().unwrap().clone()
    }
}

type Behaviour = Box<dyn Fn(Job) -> Boxed<Round> + Send + Sync>;

struct FakeProber {
    calls: AtomicUsize,
    jobs: Mutex<Vec<Job>>,
    behaviour: Mutex<Behaviour>,
}

impl FakeProber {
    fn behave(&self, behaviour: impl Fn(Job) -> Boxed<Round> + Send + Sync + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Probe for FakeProber {
    fn run(&self, job: Job) -> Pin<Box<dyn Future<Output = Round> + Send + '_>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.jobs.lock().unwrap().push(job.clone());
        (self.behaviour.lock().unwrap())(job)
    }
}

impl House {
    /// Targets `mx1` (192.0.2.25, module `smtp`) and `relay` (modules `smtp`, `relay_check`).
    async fn start(change: impl FnOnce(&mut State)) -> Self {
        Self::with_grace(change, Duration::from_secs(5)).await
    }

    async fn with_grace(change: impl FnOnce(&mut State), grace: Duration) -> Self {
        let control = Arc::new(FakeControl::default());
        control.ready.store(true, Ordering::SeqCst);
        let modules = ["smtp", "relay_check"].map(|name| (Arc::from(name), module(name)));
        let modules: BTreeMap<Arc<str>, Arc<Module>> = modules.into_iter().collect();
        let targets = [
            target("mx1", "192.0.2.25", vec![modules["smtp"].clone()]),
            target("relay", "192.0.2.26:2525", modules.values().rev().cloned().collect()),
        ];
        let targets: BTreeMap<_, _> = targets.map(|t| (t.name.clone(), t)).into_iter().collect();
        let store = Arc::new(Store::default());
        let checks: Vec<Check> = targets.values().flat_map(checks).collect();
        let generation = store.replace_checks(&checks, 10);
        *control.running.lock().unwrap() = Arc::new(Running {
            modules,
            targets,
            shown: "exporter: {}\n".to_owned(),
            generation,
            policy: Arc::new(Policy::default()),
        });
        let prober = Arc::new(FakeProber {
            calls: AtomicUsize::new(0),
            jobs: Mutex::default(),
            behaviour: Mutex::new(Box::new(|job| {
                Box::pin(async move { seen(&job, &["192.0.2.25"]) })
            })),
        });
        let own = Exporter::new(Default::default()).unwrap();
        let mut state = State::new(control.clone(), store.clone(), own, prober.clone());
        change(&mut state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve(vec![listener], Arc::new(state), shutdown.clone(), grace));
        Self { address, control, prober, store, generation, shutdown, served }
    }

    fn change_running(&self, change: impl FnOnce(&mut Running)) {
        let mut running = self.control.running.lock().unwrap();
        let old = &**running;
        let mut new = Running {
            modules: old.modules.clone(),
            targets: old.targets.clone(),
            shown: old.shown.clone(),
            generation: old.generation,
            policy: old.policy.clone(),
        };
        change(&mut new);
        *running = Arc::new(new);
    }

    fn allow(&self, entries: &[&str]) {
        let probe_allow = entries
            .iter()
            .map(|entry| match *entry {
                "any" => Allow::Any,
                entry => entry.parse().map_or_else(|_| Allow::Domain(entry.into()), Allow::Network),
            })
            .collect();
        self.change_running(|running| {
            let policy = Policy { probe_allow, ..(*running.policy).clone() };
            running.policy = Arc::new(policy);
        });
    }

    fn set_min_interval(&self, probe_min_interval: Duration) {
        self.change_running(|running| {
            let policy = Policy { probe_min_interval, ..(*running.policy).clone() };
            running.policy = Arc::new(policy);
        });
    }

    /// Puts a round of the schedule into the store.
    fn schedule(&self, target: &str, round: &Round) {
        let key = (Arc::from(target), Arc::from("smtp"));
        for observation in &round.observations {
            self.store.put(self.generation, &key, observation.clone());
        }
        self.store.finish_round(self.generation, &key, round);
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    async fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Answer::read(&mut stream).await
    }
}

/// An answer, read to the end of the connection.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let reading = stream.read_to_end(&mut bytes);
        let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.expect("no answer");
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("no end of the head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let headers: BTreeMap<String, String> = headers;
        let mut body = bytes[end + 4..].to_vec();
        if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            body = unchunked(&body);
        }
        Self { status, headers, body }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    fn has(&self, status: u16, part: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert!(self.text().contains(part), "no {part:?} in:\n{}", self.text());
    }
}

/// The body that a chunked one holds (RFC 9112, 7.1). It must be whole.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n").expect("no chunk size");
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            assert_eq!(&rest[end..], b"\r\n\r\n");
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

fn module(name: &str) -> Arc<Module> {
    Arc::new(Module { tls: TlsMode::None, ..Module::new(name) })
}

fn target(name: &str, place: &str, modules: Vec<Arc<Module>>) -> Arc<Target> {
    let place = Place::parse(place).unwrap();
    let labels = BTreeMap::new();
    Arc::new(Target { name: name.into(), place, modules, interval: None, labels })
}

fn checks(target: &Arc<Target>) -> Vec<Check> {
    let check = |module: &Arc<Module>| Check { target: target.clone(), module: module.clone() };
    target.modules.iter().map(check).collect()
}

fn endpoint(host: &str, port: u16, address: &str) -> Endpoint {
    let address: IpAddr = address.parse().unwrap();
    Endpoint { host: host.into(), port, address: Some(address), source: None, mx_preference: None }
}

/// A session that was accepted, or the failure.
fn observation(endpoint: &Endpoint, failure: Option<Failure>) -> Arc<Observation> {
    let mut transcript = Transcript::default();
    transcript.push(Duration::from_millis(3), Side::Server, "220 mx <script>alert(1)</script>");
    transcript.push(Duration::from_millis(4), Side::Client, "EHLO probe.example.net");
    let code = failure.as_ref().map_or(220, |_| 554);
    let cause = failure.as_ref().map(|failure| failure.cause);
    let text = "mx <script>alert(1)</script>".into();
    let reply = ReplySeen { phase: Phase::Greeting, code, enhanced: None, cause, text };
    Arc::new(Observation {
        duration: Duration::from_millis(120),
        phases: vec![(Phase::Greeting, Duration::from_millis(3))],
        replies: vec![reply],
        ready: failure.is_none().then_some(Duration::from_millis(100)),
        starttls_offered: Some(true),
        failure,
        transcript: Arc::new(transcript),
        ..Observation::of(endpoint.clone(), SystemTime::now())
    })
}

fn refusal() -> Failure {
    Failure::new(Phase::Greeting, Cause::Blocklisted, "554 <script>alert(1)</script> \"blocked\"")
}

fn round(observations: Vec<Arc<Observation>>) -> Round {
    Round {
        endpoints: observations.iter().map(|o| o.endpoint.clone()).collect(),
        observations,
        ..Round::new(SystemTime::now())
    }
}

/// The endpoints that a job means when its name stands for these addresses.
fn resolved(job: &Job, addresses: &[&str]) -> Vec<Endpoint> {
    let (host, port) = match &job.check.target.place {
        Place::Host { host: HostName::Address(address), port } => {
            return vec![endpoint(
                &address.to_string(),
                port.unwrap_or(job.check.module.port),
                &address.to_string(),
            )];
        }
        Place::Host { host, port } => (host.to_string(), *port),
        Place::Domain(name) => (format!("mx.{name}"), None),
    };
    let port = port.unwrap_or(job.check.module.port);
    addresses.iter().map(|address| endpoint(&host, port, address)).collect()
}

/// What the real prober does around a connection: resolve, ask whether it may, report.
fn seen(job: &Job, addresses: &[&str]) -> Round {
    let endpoints = resolved(job, addresses);
    let may = |endpoint: &&Endpoint| job.admit.as_ref().is_none_or(|admit| admit(endpoint));
    let observations = endpoints.iter().filter(may).map(|e| observation(e, None)).collect();
    let forbidden = endpoints.iter().filter(|e| !may(e)).cloned().collect();
    Round { endpoints, forbidden, ..round(observations) }
}
