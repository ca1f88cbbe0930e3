//! What peers said, on everything that is served: pages whose tags are ours alone, JSON that is
//! JSON, and an exposition that a strict reader takes.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use smtp_exporter::cause::Cause;
use smtp_exporter::metrics::{Exporter, Format};
use smtp_exporter::observation::{
    Certificate, Failure, Observation, ReplySeen, Round, Side, TlsFacts, Transcript,
};
use smtp_exporter::probe::Job;
use smtp_exporter::smtp::Phase;
use smtp_exporter::store::Store;
use smtp_exporter::target::{Check, Endpoint, HostName, Module, Place, Target};
use smtp_exporter::web::{Control, Probe, Running, State, respond};
use tokio::runtime::Runtime;

use crate::support::exposition::Exposition;

/// The bytes as text, parted by NULs: what the server said, what its certificate says, the target's
/// name, a label's value, and a query for the overview.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.split('\0');
    let mut next = || parts.next().unwrap_or_default();
    let (said, certificate, name, label, query) = (next(), next(), next(), next(), next());
    // An empty label is none, in Prometheus' eyes.
    let label = if label.is_empty() { "mail" } else { label };
    let state = state(said, certificate, &named(name), label);
    RUNTIME.block_on(async {
        let encoded = encoded(&named(name));
        page(&get(&state, &format!("/?q={}", self::encoded(&named(query))), "").await);
        page(&get(&state, &format!("/targets/{encoded}"), "").await);
        for path in ["/api/v1/targets".to_owned(), format!("/api/v1/targets/{encoded}")] {
            let json = get(&state, &path, "").await;
            serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
        }
        let logs = get(&state, &format!("/logs?target={encoded}"), "").await;
        assert!(!logs.chars().any(|c| c.is_control() && c != '\n'), "{logs}");
        for (format, accept) in
            [(Format::Text, "*/*"), (Format::OpenMetrics, "application/openmetrics-text")]
        {
            let text = get(&state, "/metrics", accept).await;
            let read = Exposition::read(&text, format).unwrap_or_else(|wrong| panic!("{wrong}"));
            let labels = [("target", &*named(name)), ("team", label)];
            assert_eq!(read.values("smtp_target_interval_seconds", &labels), [60.0]);
        }
    });
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime")
});

/// A name that the configuration would take, and a query that no server refuses.
fn named(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if name.len() + c.len_utf8() > 256 {
            break;
        }
        name.push(c);
    }
    if name.is_empty() { "mx1".to_owned() } else { name }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn state(said: &str, certificate: &str, name: &str, label: &str) -> Arc<State> {
    let module = Arc::new(Module::new("smtp"));
    let host = HostName::Name("mx.example.net".into());
    let target = Arc::new(Target {
        name: name.into(),
        place: Place::Host { host, port: None },
        modules: vec![module.clone()],
        interval: None,
        labels: [("team".to_owned(), label.to_owned())].into(),
    });
    let check = Check { target: target.clone(), module };
    let store = Arc::new(Store::default());
    let generation = store.replace_checks(std::slice::from_ref(&check), 10);
    let seen = Arc::new(observation(said, certificate));
    let round = Round {
        endpoints: vec![seen.endpoint.clone()],
        observations: vec![seen.clone()],
        notes: vec![said.to_owned()],
        ..Round::new(SystemTime::now())
    };
    store.put(generation, &check.key(), seen);
    store.finish_round(generation, &check.key(), &round);
    let running = Running {
        targets: BTreeMap::from([(target.name.clone(), target)]),
        generation,
        ..Running::default()
    };
    let own = Exporter::new(Arc::default()).expect("metrics");
    Arc::new(State::new(Arc::new(Fixed(Arc::new(running))), store, own, Arc::new(Nobody)))
}

fn observation(said: &str, certificate: &str) -> Observation {
    let mut transcript = Transcript::default();
    for line in said.lines() {
        transcript.push(Duration::ZERO, Side::Server, line);
    }
    let endpoint = Endpoint {
        host: "mx.example.net".into(),
        port: 25,
        address: Some([192, 0, 2, 1].into()),
        source: None,
        mx_preference: None,
    };
    let first: String = said.lines().next().unwrap_or_default().chars().take(200).collect();
    let cut: String = certificate.chars().take(32).collect();
    Observation {
        replies: vec![ReplySeen {
            phase: Phase::Greeting,
            code: 554,
            enhanced: None,
            cause: Some(Cause::Blocklisted),
            text: first.into(),
        }],
        failure: Some(Failure::new(Phase::Greeting, Cause::Blocklisted, said)),
        transcript: Arc::new(transcript),
        tls: Some(TlsFacts {
            established: true,
            verified: Some(false),
            chain: [Certificate {
                fingerprint_sha256: "ab".repeat(32),
                serial: "01".to_owned(),
                subject: cut.clone(),
                issuer: cut,
                key: "EC P-256".to_owned(),
                names: vec![certificate.to_owned()],
                not_before: 0,
                not_after: 1_700_000_000,
            }]
            .into(),
            ..TlsFacts::default()
        }),
        ..Observation::of(endpoint, SystemTime::now())
    }
}

async fn get(state: &Arc<State>, path: &str, accept: &str) -> String {
    let request = Request::get(path).header("accept", accept).body(Empty::<Bytes>::new());
    let request = request.expect("a request");
    let response = respond(state, &request).await;
    assert_eq!(response.status(), 200, "{path}");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

/// Every `<` begins a tag that a page of ours has, with attributes that it has there.
fn page(html: &str) {
    // The page's own script and style come as they are.
    let mut rest = html;
    let mut scripts = 0;
    while let Some(at) = rest.find('<') {
        let inside = &rest[at + 1..];
        let (tag, after) = tag(inside);
        let name = tag.first().map(String::as_str).unwrap_or_default();
        rest = after;
        if name == "script" || name == "style" {
            scripts += usize::from(name == "script");
            let end = rest.find(&format!("</{name}>")).expect("it ends");
            rest = &rest[end..];
        }
        let bare = name.trim_start_matches('/');
        assert!(TAGS.contains(&bare), "<{name}> in {html}");
        for attribute in tag.iter().skip(1) {
            let own = ATTRIBUTES.contains(&attribute.as_str()) || attribute.starts_with("aria-");
            assert!(own, "<{name} {attribute}> in {html}");
        }
    }
    assert_eq!(scripts, 1, "{html}");
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!html.contains(turns), "writing is turned around");
}

/// The name and the attributes' names of the tag that begins here, and what is behind it.
fn tag(text: &str) -> (Vec<String>, &str) {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '>' => {
                words.retain(|word| !word.is_empty());
                let names = words.iter().map(|word| word.trim_end_matches('=').to_owned());
                return (names.collect(), &text[at + 1..]);
            }
            '<' => panic!("< in a tag: {text}"),
            c if c.is_whitespace() => words.push(String::new()),
            c => words.last_mut().expect("one").push(c),
        }
    }
    panic!("a tag without an end: {text}");
}

/// What a page of ours has.
const TAGS: &[&str] = &[
    "!DOCTYPE", "a", "article", "b", "body", "button", "caption", "code", "dd", "details", "div",
    "dl", "dt", "form", "h1", "h2", "h3", "h4", "head", "header", "html", "input", "label", "li",
    "link", "main", "meta", "nav", "ol", "p", "pre", "rect", "script", "section", "small", "span",
    "strong", "style", "summary", "svg", "table", "tbody", "td", "th", "thead", "time", "title",
    "tr", "ul",
];
/// None that runs a script. Those for assistive technology come besides.
const ATTRIBUTES: &[&str] = &[
    "action",
    "charset",
    "checked",
    "class",
    "content",
    "datetime",
    "for",
    "height",
    "hidden",
    "href",
    "html",
    "id",
    "lang",
    "maxlength",
    "method",
    "name",
    "open",
    "placeholder",
    "preserveAspectRatio",
    "rel",
    "role",
    "scope",
    "tabindex",
    "title",
    "type",
    "value",
    "viewBox",
    "width",
    "x",
    "y",
];

struct Fixed(Arc<Running>);

impl Control for Fixed {
    fn ready(&self) -> bool {
        true
    }

    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async { Ok(()) })
    }

    fn running(&self) -> Arc<Running> {
        self.0.clone()
    }
}

/// Nothing is probed.
struct Nobody;

impl Probe for Nobody {
    fn run(&self, _: Job) -> Pin<Box<dyn Future<Output = Round> + Send + '_>> {
        Box::pin(async { Round::new(SystemTime::now()) })
    }
}
