//! Runs that measure connection limits, against the demo's servers: the number is the server's, the
//! refusal is told as it came, and nobody else is hurt.

mod edges;
mod limits;
mod manners;
mod modes;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smtp_exporter::demo::{Behaviour, Server};
use smtp_exporter::observation::LadderSeen;
use smtp_exporter::probe::Prober;
use smtp_exporter::probe::ceiling::{Climb, Climbed};
use smtp_exporter::smtp::TlsMode;
use smtp_exporter::target::{
    Check, HostBudget, Ladder, LadderMode, Module, Place, Policy, Target, Timeouts,
};
use tokio_util::sync::CancellationToken;

fn start(behaviour: Behaviour) -> Server {
    // The number of the test's server does not matter: each has its own port.
    Server::start("127.0.0.1:0".parse().unwrap(), behaviour).unwrap()
}

fn prober(policy: Policy) -> Arc<Prober> {
    Arc::new(
        Prober::new(Policy {
            helo: Some("probe.demo.test".into()),
            dns_timeout: Duration::from_millis(500),
            dns_servers: if policy.dns_servers.is_empty() {
                vec!["127.0.0.1:1".parse().unwrap()]
            } else {
                policy.dns_servers
            },
            host_budget: HostBudget { max_concurrent: 1, min_gap: Duration::from_millis(20) },
            ..policy
        })
        .unwrap(),
    )
}

fn check(place: Place, tls: TlsMode) -> Check {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts { connect: second, greeting: second, reply: second, total: 5 * second };
    let module = Arc::new(Module { tls, timeouts, ..Module::new("smtp") });
    let target = Target {
        name: "mx1".into(),
        place,
        modules: vec![module.clone()],
        interval: None,
        labels: BTreeMap::new(),
    };
    Check { target: Arc::new(target), module }
}

fn at(address: SocketAddr) -> Place {
    Place::parse(&address.to_string()).unwrap()
}

fn ladder(place: Place, tls: TlsMode, cap: u32) -> Ladder {
    Ladder {
        check: check(place, tls),
        mode: LadderMode::Simultaneous,
        cap,
        max_idle: Duration::from_secs(600),
        interval: Duration::from_secs(600),
        helo: None,
        hold: Duration::from_secs(8),
    }
}

fn climb(ladder: Ladder) -> Climb {
    Climb {
        ladder: Arc::new(ladder),
        patience: Duration::from_secs(20),
        recovery: Duration::from_secs(10),
        stop: CancellationToken::new(),
    }
}

async fn run(prober: &Prober, job: &Climb) -> Vec<Climbed> {
    let all = Mutex::new(Vec::new());
    prober.climb(job, &|climbed| all.lock().unwrap().push(climbed)).await;
    all.into_inner().unwrap()
}

/// The one result of a run.
async fn seen(prober: &Prober, job: &Climb) -> Arc<LadderSeen> {
    let all = run(prober, job).await;
    let [Climbed::Seen(seen)] = &all[..] else { panic!("{all:?}") };
    seen.clone()
}

/// A run up to `cap` sessions against one server.
async fn measure(server: &Server, tls: TlsMode, cap: u32) -> Arc<LadderSeen> {
    seen(&prober(Policy::default()), &climb(ladder(at(server.address()), tls, cap))).await
}

/// Waits until the server has closed everything: it counts a session when it is closed.
async fn settled(server: &Server) {
    for _ in 0..500 {
        if server.stats().open == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still open: {:?}", server.stats());
}
