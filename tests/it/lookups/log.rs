//! What is written about look-ups.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smtp_exporter::demo::Zone as Records;
use smtp_exporter::dnsbl::{List, Zone};
use smtp_exporter::probe::dnsbl::{Lookups, Manners};
use smtp_exporter::schedule::dnsbl::Watch;
use smtp_exporter::store::Store;
use smtp_exporter::target::Policy;
use tokio::time::{Instant, sleep};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{TIMEOUT, dns, list, listings::plan};

/// Lines as they are written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines of our own at this level or above that hold `text`.
    fn lines(&self, text: &str) -> Vec<String> {
        let all = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        all.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    async fn until(&self, text: &str, times: usize) {
        let begun = Instant::now();
        while self.lines(text).len() < times {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "never: {text}\n{:?}",
                self.lines("")
            );
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// One thread runs the test and all that it starts, so its lines and no others are caught.
#[tokio::test]
async fn a_change_is_one_line_and_a_key_is_in_none() {
    let log = Log::default();
    let writer = log.clone();
    let layer =
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    // As far as it goes for ours; the libraries have a test of their own.
    let filter = tracing_subscriber::filter::Targets::new()
        .with_target("smtp_exporter", tracing_subscriber::filter::LevelFilter::TRACE);
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(filter).with(layer));

    let at = |n: u8| format!("{n}.2.0.192.k3yk3y.dq.test");
    let code = Ipv4Addr::new(127, 0, 0, 4);
    let listed = Records::new().address(&at(1), code).txt(&at(1), "see\x1b[2J https://x.test/");
    let dns = dns(&listed);
    let keyed = Arc::new(List { zone: Zone::Keyed("k3yk3y.dq.test".into()), ..list("dqs") });
    let store = Arc::new(Store::default());
    let manners =
        Manners { keep_least: Duration::ZERO, keep_most: Duration::ZERO, ..Manners::default() };
    let lookups = Lookups::new(&[dns.address()], TIMEOUT, manners);
    let watch = Watch::new(Arc::new(lookups), store);
    let mut plan = plan(&[keyed], &["192.0.2.1", "192.0.2.2"]);
    plan.interval = Duration::from_millis(200);
    plan.listed_interval = plan.interval;
    let policy = Arc::new(Policy { dns_servers: vec![dns.address()], ..Policy::default() });
    watch.replan(Some(Arc::new(plan)), policy);

    log.until("looked up", 8).await;
    let told = log.lines(" INFO ");
    assert_eq!(told.len(), 1, "clean at first is no news, and listed is told once: {told:?}");
    for part in [
        "subject is listed",
        "list=dqs",
        "kind=block",
        "subject=192.0.2.1",
        "127.0.0.4",
        "spam",
        "see?[2J https://x.test/",
    ] {
        assert!(told[0].contains(part), "no {part}: {}", told[0]);
    }
    dns.set_zone(&Records::new()).unwrap();
    log.until("no longer listed", 1).await;
    log.until("looked up", 16).await;
    let told = log.lines(" INFO ");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("127.0.0.4") && told[1].contains("spam"), "{}", told[1]);
    // A refusal is told too.
    let refused = [127, 255, 255, 254];
    dns.set_zone(&Records::new().address(&at(2), Ipv4Addr::from(refused))).unwrap();
    log.until("block list refuses us", 1).await;
    watch.stop().await;
    assert_eq!(log.lines(" WARN ").len(), 1);
    assert_eq!(log.lines("k3yk3y"), Vec::<String>::new());
}
