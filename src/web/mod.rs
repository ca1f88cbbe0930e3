//! The HTTP side: what Prometheus scrapes, what a person looks at, and what an operator's scripts
//! ask. `serve.rs` keeps connections in bounds, this file says which path is what, and each path has
//! a file of its own.
//!
//! Nothing here is changed by a request but through [`Control::reload`], no answer carries CORS
//! headers, every text of a peer is escaped where it meets HTML, and whoever asks has come through
//! the doors of `doors.rs`.

mod admit;
mod api;
mod body;
mod desk;
mod doors;
mod listings;
mod login;
mod logs;
mod page;
mod posture;
mod probe;
mod query;
mod refusal;
mod report;
mod runbook;
mod scrape;
mod seats;
mod serve;
mod status;
mod stream;

pub use admit::AD_HOC_PORTS;
pub use body::Payload;
pub use doors::{Door, Doors, Page, Rate};
pub use login::Users;
pub use query::Query;
pub use refusal::Refusal;
pub use runbook::RUNBOOKS;
pub use serve::{Limits, serve};
pub use status::{Condition, DomainState, Group, ListState, ListingState, Warning};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::Body;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::metrics::{Exporter, Format};
use crate::observation::Round;
use crate::probe::{Job, Prober};
use crate::store::Store;
use crate::target::{Module, Policy, Target};
use status::{Facts, Listings};

/// All that an answer is made from.
pub struct State {
    /// What may be asked of the exporter as a whole.
    pub control: Arc<dyn Control>,
    /// What was seen.
    pub store: Arc<Store>,
    /// The exporter's own metrics.
    pub own: Exporter,
    /// What probes.
    pub prober: Arc<dyn Probe>,
    /// The path under which everything is served: empty, or `/x` without a slash at its end. See
    /// [`normal_prefix`].
    pub route_prefix: String,
    /// The URL under which users reach `/`; links on pages begin with its path.
    pub external_url: Option<String>,
    /// How much of a scrape's timeout is left for the answer's way.
    pub timeout_offset: Duration,
    /// Who may come in.
    pub doors: Arc<Doors>,
    /// This host's table of names, hosts(5).
    pub hosts_file: PathBuf,
    /// Pages that nobody gets.
    pub closed: Vec<Page>,
    /// Bounds on connections.
    pub limits: Limits,
    /// Cancelled when the exporter stops: probes under way say QUIT.
    pub stop: CancellationToken,
    desk: Arc<desk::Desk>,
    renders: Arc<Semaphore>,
    seats: Arc<seats::Seats>,
}

impl State {
    /// A state with the default prefix, offset (0.5 s) and limits.
    pub fn new(
        control: Arc<dyn Control>,
        store: Arc<Store>,
        own: Exporter,
        prober: Arc<dyn Probe>,
    ) -> Self {
        Self {
            control,
            store,
            own,
            prober,
            route_prefix: String::new(),
            external_url: None,
            timeout_offset: Duration::from_millis(500),
            doors: Arc::default(),
            hosts_file: PathBuf::from("/etc/hosts"),
            closed: Vec::new(),
            limits: Limits::default(),
            stop: CancellationToken::new(),
            desk: Arc::default(),
            renders: Arc::new(Semaphore::new(RENDERS)),
            seats: Arc::default(),
        }
    }

    /// Gives what rows are made with.
    fn facts<T>(&self, now: SystemTime, make: impl FnOnce(&Facts<'_>) -> T) -> T {
        let running = self.control.running();
        let listings = Listings::of(&self.store);
        let transcripts = !self.closed.contains(&Page::Logs);
        make(&Facts { rules: &running.policy.rules, listings: &listings, transcripts, now })
    }

    /// The links that pages have.
    fn links(&self) -> page::Links<'_> {
        page::Links::new(self.link_base(), &self.closed)
    }

    /// What links on pages begin with: the path of the external URL, or the route prefix.
    fn link_base(&self) -> &str {
        let Some(url) = &self.external_url else { return &self.route_prefix };
        let after = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let path = after.find('/').and_then(|start| after.get(start..)).unwrap_or_default();
        path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/')
    }
}

/// What the composition root lets a request ask of it.
pub trait Control: Send + Sync + 'static {
    /// The configuration is loaded and the schedule runs.
    fn ready(&self) -> bool;

    /// Reads the configuration again. The error holds the problems, one a line.
    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;

    /// The configuration in force.
    fn running(&self) -> Arc<Running>;
}

/// The configuration in force, as far as requests look at it.
#[derive(Debug, Default)]
pub struct Running {
    /// Built-in and configured modules.
    pub modules: BTreeMap<Arc<str>, Arc<Module>>,
    /// Targets.
    pub targets: BTreeMap<Arc<str>, Arc<Target>>,
    /// The text of `/config`: YAML, secrets as `<secret>`.
    pub shown: String,
    /// The configuration's number.
    pub generation: u64,
    /// Settings of all probes.
    pub policy: Arc<Policy>,
}

/// What probes: [`Prober`], and in tests something that does not connect.
pub trait Probe: Send + Sync + 'static {
    /// Runs one round.
    fn run(&self, job: Job) -> Pin<Box<dyn Future<Output = Round> + Send + '_>>;
}

impl Probe for Prober {
    fn run(&self, job: Job) -> Pin<Box<dyn Future<Output = Round> + Send + '_>> {
        Box::pin(async move { Self::run(self, &job, &|_| ()).await })
    }
}

/// `--web.route-prefix` as [`State::route_prefix`] wants it: a slash before, none after.
pub fn normal_prefix(text: &str) -> String {
    let path = text.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

/// Answers one request. The request's body is never looked at: no path takes one.
pub async fn respond<B: Body>(state: &Arc<State>, request: &Request<B>) -> Response<Payload> {
    let too_large = request.body().size_hint().lower() > MAX_BODY;
    let door = state.doors.now();
    let result = match door.admit(state, request).await {
        Err(refusal) => Err(refusal),
        Ok(()) if too_large => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            Err(Refusal::new(status, format!("a body is larger than {MAX_BODY} bytes")))
        }
        Ok(()) => match Asked::of(state, request) {
            Ok(asked) => Box::pin(route(state, asked)).await,
            Err(refusal) => Err(refusal),
        },
    };
    let mut response = result.unwrap_or_else(Response::from);
    door.dress(response.headers_mut());
    if too_large {
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    tracing::debug!(
        method = %request.method(),
        path = request.uri().path(),
        status = response.status().as_u16(),
        "http request"
    );
    response
}

/// A request, reduced to what answers depend on.
#[derive(Debug)]
struct Asked {
    method: Method,
    path: String,
    query: Query,
    format: Format,
    gzip: bool,
    timeout: Option<String>,
    foreign_site: bool,
}

impl Asked {
    fn of<B>(state: &State, request: &Request<B>) -> Result<Self, Refusal> {
        let headers = request.headers();
        Ok(Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: Query::parse(request.uri().query().unwrap_or_default())?,
            format: Format::negotiate(&joined(headers, &header::ACCEPT)),
            gzip: body::wants_gzip(&joined(headers, &header::ACCEPT_ENCODING)),
            timeout: one_header(headers, &SCRAPE_TIMEOUT).map(str::to_owned),
            foreign_site: doors::is_of_another_site(state, headers, request.method()),
        })
    }
}

/// The values of a header that may be given several times.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<&str> =
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

/// The value of a header; one that is not ASCII reads as one that is wrong.
fn one_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

async fn route(state: &Arc<State>, asked: Asked) -> Result<Response<Payload>, Refusal> {
    let path = match asked.path.strip_prefix(state.route_prefix.as_str()) {
        Some("") => "/",
        Some(path) if path.starts_with('/') => path,
        _ => return Err(no_such_page(state)),
    };
    let reading = asked.method == Method::GET || asked.method == Method::HEAD;
    let writing = asked.method == Method::POST || asked.method == Method::PUT;
    if let Some(page) = Page::at(path).filter(|page| state.closed.contains(page)) {
        return Err(Refusal::forbidden(format!("closed by --web.closed={page}")));
    }
    if let Some(name) = path.strip_prefix("/targets/").filter(|name| !name.is_empty()) {
        return one_target(state, &asked, reading, name, false).await;
    }
    if let Some(name) = path.strip_prefix("/api/v1/targets/").filter(|name| !name.is_empty()) {
        return one_target(state, &asked, reading, name, true).await;
    }
    if let Some(name) = path.strip_prefix("/posture/").filter(|name| !name.is_empty()) {
        return one_domain(state, &asked, reading, name).await;
    }
    let page =
        path.strip_prefix("/runbooks").filter(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(rest) = page {
        let name = rest.trim_start_matches('/');
        return if reading {
            runbook::runbook(state, name)
        } else {
            Err(Refusal::method("GET, HEAD"))
        };
    }
    match path {
        "/-/reload" if writing => reload(state, &asked).await,
        "/-/reload" => Err(Refusal::method("POST, PUT")),
        "/" | "/metrics" | "/probe" | "/logs" | "/config" | "/-/healthy" | "/-/ready"
        | "/api/v1/targets" | "/api/v1/listings" | "/api/v1/posture"
            if !reading =>
        {
            Err(Refusal::method("GET, HEAD"))
        }
        "/" => page::overview(state, &asked).await,
        "/metrics" => scrape::metrics(state, &asked).await,
        "/probe" => probe::probe(state, &asked).await,
        "/logs" => logs::logs(state, &asked).await,
        "/config" => {
            let shown = state.control.running().shown.clone();
            Ok(body::answer(StatusCode::OK, "text/yaml; charset=utf-8", Bytes::from(shown)))
        }
        "/-/healthy" => Ok(body::text(StatusCode::OK, "smtp_exporter is healthy.\n")),
        "/-/ready" if state.control.ready() => {
            Ok(body::text(StatusCode::OK, "smtp_exporter is ready.\n"))
        }
        "/-/ready" => Err(Refusal::unavailable("smtp_exporter is not ready.")),
        "/api/v1/targets" => api::targets(state, &asked).await,
        "/api/v1/posture" => posture::domains(state, &asked).await,
        "/api/v1/listings" => listings::listings(state, &asked).await,
        _ => Err(no_such_page(state)),
    }
}

/// The page of a target, or the same as JSON. The name is what is left of the path.
async fn one_target(
    state: &Arc<State>,
    asked: &Asked,
    reading: bool,
    name: &str,
    json: bool,
) -> Result<Response<Payload>, Refusal> {
    if !reading {
        return Err(Refusal::method("GET, HEAD"));
    }
    let Ok(name) = percent_decode_str(name).decode_utf8() else {
        return Err(Refusal::bad_request("the name is not UTF-8 once it is percent-decoded"));
    };
    if json {
        api::target(state, asked, &name).await
    } else {
        page::target(state, asked, &name).await
    }
}

/// The page of a domain. The name is what is left of the path.
async fn one_domain(
    state: &Arc<State>,
    asked: &Asked,
    reading: bool,
    name: &str,
) -> Result<Response<Payload>, Refusal> {
    if !reading {
        return Err(Refusal::method("GET, HEAD"));
    }
    let Ok(name) = percent_decode_str(name).decode_utf8() else {
        return Err(Refusal::bad_request("the name is not UTF-8 once it is percent-decoded"));
    };
    page::domain(state, asked, &name).await
}

async fn reload(state: &State, asked: &Asked) -> Result<Response<Payload>, Refusal> {
    // A page of another site can make a browser post here without asking anybody.
    if asked.foreign_site {
        return Err(Refusal::forbidden("a page of another site may not reload the exporter"));
    }
    match state.control.reload().await {
        Ok(()) => Ok(body::text(StatusCode::OK, "")),
        Err(problems) => {
            Err(Refusal::internal(format!("failed to reload the configuration:\n{problems}")))
        }
    }
}

fn no_such_page(state: &State) -> Refusal {
    Refusal::not_found(format!("no such page; begin at {}/", state.route_prefix))
}

/// Bodies larger than this are refused unread.
const MAX_BODY: u64 = 64 * 1024;
/// Large answers that are rendered or sent at once.
const RENDERS: usize = 16;
const SCRAPE_TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
