//! The schedule of looks: soon after the start, on the interval, undisturbed by a reload, and over
//! when it is told to stop.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use smtp_exporter::posture::Subject;
use smtp_exporter::probe::Prober;
use smtp_exporter::schedule::posture::Surveys;
use smtp_exporter::store::{PostureView, Store};
use smtp_exporter::target::Policy;

use super::subject;

/// A prober whose DNS server is not there, so that a look ends soon.
fn prober() -> (Arc<Prober>, UdpSocket) {
    // Held for as long as the test runs: nobody else gets the port, and nothing answers.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server: SocketAddr = silent.local_addr().unwrap();
    let policy = Policy {
        dns_servers: vec![server],
        dns_timeout: Duration::from_millis(50),
        ..Policy::default()
    };
    (Arc::new(Prober::new(policy).unwrap()), silent)
}

fn every(domain: &str, interval: Duration) -> Arc<Subject> {
    Arc::new(Subject { interval, ..(*subject(domain)).clone() })
}

struct Lab {
    store: Arc<Store>,
    surveys: Surveys,
    generation: u64,
    _silent: UdpSocket,
}

impl Lab {
    fn new() -> Self {
        let (prober, silent) = prober();
        let store = Arc::new(Store::default());
        let surveys = Surveys::new(prober, store.clone());
        Self { store, surveys, generation: 0, _silent: silent }
    }

    fn replan(&mut self, subjects: &[Arc<Subject>]) {
        self.generation += 1;
        self.store.postures().replace(subjects, self.generation);
        self.surveys.replan(subjects, self.generation);
    }

    /// Waits until what is known of a domain is so.
    async fn until(&self, domain: &str, is: impl Fn(&PostureView) -> bool) -> Arc<PostureView> {
        for _ in 0..1000 {
            if let Some(view) = self.store.postures().view(domain).filter(|view| is(view)) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never: {:?}", self.store.postures().view(domain));
    }
}

fn ended(view: &PostureView) -> Option<SystemTime> {
    view.report.as_ref().map(|report| report.ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_begin_soon_and_go_on() {
    let mut lab = Lab::new();
    let often = every("example.net", Duration::from_millis(300));
    let seldom = every("example.org", Duration::from_secs(3600));
    lab.replan(&[often, seldom]);
    let first = lab.until("example.net", |view| view.report.is_some()).await;
    lab.until("example.net", |view| ended(view) > ended(&first)).await;
    let other = lab.until("example.org", |view| view.report.is_some()).await;
    let next = other.next.unwrap();
    assert!(next > SystemTime::now() + Duration::from_secs(3500), "{next:?}");
    tokio::time::timeout(Duration::from_secs(10), lab.surveys.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_keeps_the_grid_and_starts_what_changed() {
    let mut lab = Lab::new();
    let hour = Duration::from_secs(3600);
    let (one, other) = (every("example.net", hour), every("example.org", hour));
    lab.replan(&[one.clone(), other.clone()]);
    let before = lab.until("example.net", |view| view.report.is_some()).await;
    let gone = lab.until("example.org", |view| view.report.is_some()).await;
    let relabelled = Arc::new(Subject { labels: [].into(), ..(*one).clone() });
    let changed = Arc::new(Subject { dkim_selectors: Vec::new(), ..(*other).clone() });
    lab.replan(&[relabelled.clone(), changed.clone()]);
    let anew = |view: &PostureView| view.report.is_some() && ended(view) > ended(&gone);
    let after = lab.until("example.org", anew).await;
    assert_eq!(after.subject, changed);
    let view = lab.store.postures().view("example.net").unwrap();
    assert_eq!((ended(&view), &view.subject), (ended(&before), &relabelled), "it was not due");
    let moved = view.next.unwrap().duration_since(before.next.unwrap());
    assert!(moved.is_err() || moved.is_ok_and(|by| by < Duration::from_secs(1)), "the grid moved");
    lab.replan(&[changed]);
    assert!(lab.store.postures().view("example.net").is_none());
    lab.surveys.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_interval_counts_at_once() {
    let mut lab = Lab::new();
    lab.replan(&[every("example.net", Duration::from_secs(3600))]);
    let first = lab.until("example.net", |view| view.report.is_some()).await;
    lab.replan(&[every("example.net", Duration::from_millis(300))]);
    lab.until("example.net", |view| ended(view) > ended(&first)).await;
    lab.surveys.stop().await;
}
