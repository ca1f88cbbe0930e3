//! What a look-up costs beside the question itself: 100 subjects on 50 lists through the product,
//! and the same questions through the bare resolver library, in turns, against one name server in a
//! thread of its own. Then the same as it happens every day, by the schedule: one look-up after the
//! other over a minute, and beside it, at the same pace, the library's. Prints ratios; not a test.
//!
//!     cargo bench --bench dnsbl
//!     cargo bench --bench dnsbl -- batch        without the minute

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark ends by panicking, and prints"
)]

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RecordType};
use smtp_exporter::demo::{Dns, Zone as Records};
use smtp_exporter::dnsbl::{Codes, Kind, List, Operator, Plan, Subject, SubjectKind, Wanted, Zone};
use smtp_exporter::probe::dnsbl::{Lookups, Manners};
use smtp_exporter::schedule::dnsbl::Watch;
use smtp_exporter::store::Store;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

fn main() {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dns = Dns::start(SocketAddr::from(([127, 0, 0, 1], 0)), &Records::new()).unwrap();
            send.send(dns.address()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let server: SocketAddr = receive.recv().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // `cargo bench` adds words of its own.
    let turns = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(5);
    let mut ratios = Vec::new();
    for turn in 0..turns {
        let (ours, _) = cpu(&runtime, through_product(server));
        let (bare, _) = cpu(&runtime, through_library(server));
        let each = |took: Duration| took.as_secs_f64() * 1e6 / f64::from(SUBJECTS * LISTS);
        println!("turn {turn}: {:.1} µs a look-up, {:.1} µs a question", each(ours), each(bare));
        ratios.push(ours.as_secs_f64() / bare.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    println!("in a batch, median ratio {:.2} (goal: at most 1.3)", ratios[ratios.len() / 2]);
    if std::env::args().all(|word| word != "batch") {
        by_schedule(server);
    }
}

/// A minute of both at once, each on a thread of its own: both wake up as often and as cold.
fn by_schedule(server: SocketAddr) {
    let measured = |work: fn(SocketAddr) -> Paced| {
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            cpu(&runtime, work(server))
        })
    };
    let ours = measured(|server| Box::pin(watched(server)));
    let bare = measured(|server| Box::pin(paced(server)));
    let each = |(took, asked): (Duration, u32)| took.as_secs_f64() * 1e6 / f64::from(asked);
    let (ours, bare) = (each(ours.join().unwrap()), each(bare.join().unwrap()));
    println!("by schedule: {ours:.1} µs a look-up, {bare:.1} µs a question");
    println!("by schedule, ratio {:.2} (goal: at most 1.3)", ours / bare);
}

type Paced = std::pin::Pin<Box<dyn Future<Output = u32>>>;

/// The product's schedule for the first minute, in which every subject's turn comes once on every
/// list. Gives the look-ups made.
async fn watched(server: SocketAddr) -> u32 {
    let (plan, _) = plan(server);
    let store = Arc::new(Store::default());
    let lookups = Arc::new(Lookups::new(&[server], TIMEOUT, Manners::default()));
    let watch = Watch::new(lookups, store.clone());
    watch.replan(Some(Arc::new(plan)), Arc::default());
    tokio::time::sleep(MINUTE).await;
    watch.stop().await;
    let lists = store.listings().lists();
    let asked: u64 = lists.iter().flat_map(|list| list.queries).sum();
    assert!(asked > 4900, "{asked}");
    asked.try_into().unwrap()
}

/// Questions to the library, evenly over the minute.
async fn paced(server: SocketAddr) -> u32 {
    let resolver = library(server);
    let begun = tokio::time::Instant::now();
    let asked = SUBJECTS * LISTS;
    let mut all = JoinSet::new();
    for n in 0..asked {
        tokio::time::sleep_until(begun + MINUTE * n / asked).await;
        let resolver = resolver.clone();
        let name = format!("{}.2.0.192.bl{}.test.", n % SUBJECTS, n / SUBJECTS);
        all.spawn(async move {
            let name = Name::from_ascii(name).unwrap();
            assert!(resolver.lookup(name, RecordType::A).await.is_err(), "it does not exist");
        });
        while all.try_join_next().is_some() {}
    }
    all.join_all().await;
    asked
}

/// The CPU time of this thread that a future took.
fn cpu<T>(runtime: &tokio::runtime::Runtime, work: impl Future<Output = T>) -> (Duration, T) {
    let now = || {
        // Time on a CPU in nanoseconds (proc(5), schedstat).
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
    };
    let begun = now();
    let done = runtime.block_on(work);
    (now() - begun, done)
}

/// Every pair looked up, judged and put into the store, as many at once as there are operators.
async fn through_product(server: SocketAddr) {
    let (plan, subjects) = plan(server);
    let store = Arc::new(Store::default());
    store.listings().replace(Some(&plan), &subjects);
    let lookups = Arc::new(Lookups::new(&[server], TIMEOUT, Manners::default()));
    let mut operators = JoinSet::new();
    for list in plan.lists {
        let (lookups, store, subjects) = (lookups.clone(), store.clone(), subjects.clone());
        operators.spawn(async move {
            for wanted in &subjects {
                let lookup = lookups.look_up(&list, &wanted.subject).await;
                assert!(lookup.duration.is_some(), "it was asked");
                store.listings().put(Arc::new(lookup));
            }
        });
    }
    while let Some(ended) = operators.join_next().await {
        ended.unwrap();
    }
}

fn plan(server: SocketAddr) -> (Plan, Vec<Wanted>) {
    let lists: Vec<Arc<List>> = (0..LISTS).map(list).collect();
    let subjects: Vec<Wanted> = (0..SUBJECTS)
        .map(|n| Wanted {
            subject: Subject::Address([192, 0, 2, u8::try_from(n).unwrap()].into()),
            labels: Default::default(),
        })
        .collect();
    let plan = Plan {
        interval: Duration::from_secs(3600),
        listed_interval: Duration::from_secs(900),
        health_interval: Duration::from_secs(3600),
        timeout: TIMEOUT,
        subjects: subjects.clone(),
        from_targets: None,
        own: None,
        lists,
        servers: vec![server],
    };
    (plan, subjects)
}

/// The same questions, as many at once, to the library alone.
async fn through_library(server: SocketAddr) {
    let resolver = library(server);
    let slots = Arc::new(Semaphore::new(Manners::default().in_flight));
    let mut lists = JoinSet::new();
    for list in 0..LISTS {
        let (resolver, slots) = (resolver.clone(), slots.clone());
        lists.spawn(async move {
            for n in 0..SUBJECTS {
                let name = Name::from_ascii(format!("{n}.2.0.192.bl{list}.test.")).unwrap();
                let _slot = slots.acquire().await.unwrap();
                assert!(resolver.lookup(name, RecordType::A).await.is_err(), "it does not exist");
            }
        });
    }
    while let Some(ended) = lists.join_next().await {
        ended.unwrap();
    }
}

fn library(server: SocketAddr) -> Arc<TokioResolver> {
    let mut udp = ConnectionConfig::udp();
    udp.port = server.port();
    let config = ResolverConfig::from_name_servers(vec![NameServerConfig::new(
        server.ip(),
        true,
        vec![udp],
    )]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = TIMEOUT;
    options.attempts = 0;
    options.ndots = 0;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    Arc::new(builder.build().unwrap())
}

fn list(n: u32) -> Arc<List> {
    let name: Arc<str> = format!("bl{n}.test").into();
    Arc::new(List {
        zone: Zone::Public(name.clone()),
        kind: Kind::Block,
        subjects: vec![SubjectKind::Ip4],
        codes: Codes::Any,
        refusals: Vec::new(),
        operator: Arc::new(Operator { name: name.clone(), min_gap: Duration::ZERO }),
        delisting: None,
        servers: Vec::new(),
        has_test_points: false,
        name,
    })
}

const SUBJECTS: u32 = 100;
const LISTS: u32 = 50;
const MINUTE: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(5);
