//! From names to addresses: mail exchangers, both families, what DNS says instead of an address,
//! and where we connect from.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use smtp_exporter::cause::{Blame, Cause};
use smtp_exporter::config::{self, Config};
use smtp_exporter::demo::{Behaviour, Dns, Fault, Server, Zone};
use smtp_exporter::metrics::Format;
use smtp_exporter::observation::{Round, SkipReason};
use smtp_exporter::probe::{Job, Prober};
use smtp_exporter::store::View;
use smtp_exporter::target::Check;
use tokio_util::sync::CancellationToken;

use super::house::dns;
use crate::support::exposition::Exposition;
use crate::support::scrape::view_text;

/// A prober whose settings come from a file, and the file's targets.
struct House {
    prober: Prober,
    config: Config,
}

impl House {
    /// `port` is the module's; `more` are lines under `exporter`.
    fn new(dns: &Dns, port: u16, more: &str, targets: &[&str]) -> Self {
        let list: String = targets.iter().map(|target| format!("  - {target}\n")).collect();
        let text = format!(
            "exporter:\n  helo: probe.demo.test\n  own: [demo.test]\n{more}dns: {{servers: [\"{}\"], \
             timeout: 400ms}}\nmodules:\n  clear: {{port: {port}, tls: none, timeouts: {{connect: 1s, \
             greeting: 1s, reply: 1s, total: 2s}}}}\ntargets:\n{list}",
            dns.address()
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.yml");
        std::fs::write(&file, text).unwrap();
        let config = config::load(Some(&file), &BTreeMap::new()).unwrap();
        Self { prober: Prober::new(config.policy.clone()).unwrap(), config }
    }

    fn check(&self, target: &str) -> Check {
        let mut checks = self.config.checks().into_iter();
        let found = checks.find(|check| &*check.target.name == target);
        found.unwrap_or_else(|| panic!("no target {target}"))
    }

    async fn round(&self, target: &str) -> Round {
        let job = Job {
            check: self.check(target),
            patience: Duration::from_secs(5),
            deadline: None,
            admit: None,
            stop: CancellationToken::new(),
        };
        self.prober.run(&job, &|_| ()).await
    }

    async fn scrape(&self, target: &str) -> Exposition {
        let view = View::of_round(self.check(target), &self.round(target).await);
        Exposition::read(&view_text(&view, Format::Text), Format::Text).unwrap()
    }
}

fn v4(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 9, last)
}

#[tokio::test]
async fn every_exchanger_and_family_is_an_endpoint_and_a_dead_backup_is_no_outage() {
    let ipv6 = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let first = Server::start(SocketAddr::from((v4(1), 0)), Behaviour::plain()).unwrap();
    let port = first.address().port();
    let sixth = ipv6.then(|| {
        Server::start(SocketAddr::from((Ipv6Addr::LOCALHOST, port)), Behaviour::plain()).unwrap()
    });
    let mut zone = Zone::new()
        .mx("demo.test", 20, "mx2.demo.test")
        .mx("demo.test", 10, "mx1.demo.test")
        .mx("demo.test", 30, "gone.demo.test")
        .address("mx1.demo.test", v4(1))
        .address("mx2.demo.test", v4(2));
    if ipv6 {
        zone = zone.address("mx1.demo.test", Ipv6Addr::LOCALHOST);
    }
    let dns = dns(&zone);
    let families = if ipv6 { "both" } else { "ipv4" };
    let house = House::new(
        &dns,
        port,
        &format!("  families: {families}\n"),
        &["{name: pool, domain: demo.test, module: clear}"],
    );
    let read = house.scrape("pool").await;
    assert_eq!(read.value("smtp_target_up", &[]), 1.0);
    assert_eq!(read.value("smtp_target_mx_records", &[]), 3.0);
    let info = |host: &str, preference: &str, family: &str| {
        let endpoint = format!("{host}:{port}");
        let labels = [("endpoint", &*endpoint), ("mx_preference", preference), ("family", family)];
        read.values("smtp_endpoint_info", &labels).len()
    };
    assert_eq!(info("mx1.demo.test", "10", "ipv4"), 1);
    assert_eq!(info("mx1.demo.test", "10", "ipv6"), usize::from(ipv6));
    assert_eq!(info("mx2.demo.test", "20", "ipv4"), 1);
    let dead = [("address", "127.0.9.2"), ("cause", "connect_refused")];
    assert_eq!(read.values("smtp_probe_failure", &dead), [1.0]);
    let gone = format!("gone.demo.test:{port}");
    let gone =
        [("endpoint", &*gone), ("address", ""), ("cause", "dns_failure"), ("blame", "target")];
    assert_eq!(read.values("smtp_probe_failure", &gone), [1.0]);
    let available = read.value("smtp_target_endpoints", &[("state", "available")]);
    assert_eq!(available, if ipv6 { 2.0 } else { 1.0 });
    assert_eq!(read.value("smtp_target_endpoints", &[("state", "unavailable")]), 2.0);
    drop(sixth);
}

#[tokio::test]
async fn what_dns_says_instead_of_an_address_is_told_apart() {
    let zone = Zone::new()
        .mx("no-mail.demo.test", 0, ".")
        .mx("literal.demo.test", 10, "192.0.2.1")
        .txt("nodata.demo.test", "nothing else")
        .fault("servfail.demo.test", Fault::ServFail)
        .fault("refused.demo.test", Fault::Refused)
        .fault("silent.demo.test", Fault::Silent);
    let dns = dns(&zone);
    let names = ["no-mail", "literal", "nodata", "servfail", "refused", "silent", "missing"];
    let mut targets = Vec::new();
    for name in names {
        targets.push(format!("{{name: {name}, domain: {name}.demo.test, module: clear}}"));
        targets.push(format!("{{name: host-{name}, host: {name}.demo.test, module: clear}}"));
    }
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    let house = House::new(&dns, 25, "", &targets);
    for (name, reason, blame) in [
        ("no-mail", "null_mx", "target"),
        ("literal", "bad_mx", "target"),
        ("nodata", "nodata", "target"),
        ("host-nodata", "nodata", "target"),
        ("servfail", "servfail", "target"),
        ("host-servfail", "servfail", "target"),
        ("refused", "refused", "exporter"),
        ("host-refused", "refused", "exporter"),
        ("silent", "unanswered", "target"),
        ("host-silent", "unanswered", "target"),
        ("missing", "nxdomain", "target"),
        ("host-missing", "nxdomain", "target"),
    ] {
        let read = house.scrape(name).await;
        let families = read.samples().filter(|s| s.name == "smtp_resolve_failure");
        let reasons: Vec<&str> = families.map(|s| &*s.labels["reason"]).collect();
        assert_eq!(reasons, [reason], "{name}");
        let labels = [("phase", "resolve"), ("cause", "dns_failure"), ("blame", blame)];
        assert_eq!(read.values("smtp_target_failure", &labels), [1.0], "{name}");
        let up = read.values("smtp_target_up", &[]);
        assert_eq!(up, if blame == "target" { vec![0.0] } else { Vec::new() }, "{name}");
    }
}

#[tokio::test]
async fn aliases_and_the_domain_itself_stand_for_an_exchanger() {
    let server = Server::start(SocketAddr::from((v4(3), 0)), Behaviour::plain()).unwrap();
    let zone = Zone::new()
        .address("implicit.demo.test", v4(3))
        .mx("alias.demo.test", 5, "www.demo.test")
        .cname("www.demo.test", "implicit.demo.test")
        .cname("whole.demo.test", "alias.demo.test");
    let dns = dns(&zone);
    let house = House::new(
        &dns,
        server.address().port(),
        "  families: ipv4\n  host_budget: {min_gap: 0s}\n",
        &[
            "{name: implicit, domain: implicit.demo.test, module: clear}",
            "{name: alias, domain: alias.demo.test, module: clear}",
            "{name: whole, domain: whole.demo.test, module: clear}",
        ],
    );
    for (name, host, records) in [
        ("implicit", "implicit.demo.test", 0),
        ("alias", "www.demo.test", 1),
        ("whole", "www.demo.test", 1),
    ] {
        let round = house.round(name).await;
        let [seen] = &*round.observations else { panic!("{name}: {round:?}") };
        assert_eq!(seen.failure, None, "{name}");
        assert_eq!(seen.endpoint.address, Some(IpAddr::V4(v4(3))));
        assert_eq!((&*seen.endpoint.host, round.mx_records), (host, Some(records)), "{name}");
    }
}

#[tokio::test]
async fn several_sources_are_series_of_their_own_and_one_is_just_bound() {
    let server = Server::start(SocketAddr::from((v4(4), 0)), Behaviour::plain()).unwrap();
    let dns = dns(&Zone::new());
    let target = format!("{{name: t, host: \"{}\", module: clear}}", server.address());
    let budget = "  host_budget: {min_gap: 0s}\n";
    let one = format!("{budget}  source_addresses: [127.0.9.101]\n");
    let house = House::new(&dns, 25, &one, &[&target]);
    let round = house.round("t").await;
    let [seen] = &*round.observations else { panic!("{round:?}") };
    assert_eq!(seen.local.unwrap().ip(), IpAddr::V4(v4(101)));
    let read = house.scrape("t").await;
    assert!(read.samples().all(|sample| !sample.labels.contains_key("source")));

    let two = format!("{budget}  source_addresses: [127.0.9.101, 127.0.9.102]\n");
    let house = House::new(&dns, 25, &two, &[&target]);
    let read = house.scrape("t").await;
    for source in ["127.0.9.101", "127.0.9.102"] {
        assert_eq!(read.values("smtp_probe_success", &[("source", source)]), [1.0], "{source}");
    }
    assert_eq!(server.stats().open_max, 1, "two sources are still one remote");

    // An address that this host does not have is our own trouble.
    let house = House::new(&dns, 25, "  source_addresses: [192.0.2.77]\n", &[&target]);
    let round = house.round("t").await;
    let failure = round.observations[0].failure.as_ref().unwrap();
    assert_eq!((failure.cause, failure.blame), (Cause::ExporterError, Blame::Exporter));
}

#[tokio::test]
async fn a_server_that_turns_out_to_be_foreign_is_visited_rarely() {
    // Nobody answers at 192.0.2.0/24 (RFC 5737); that it was tried is what counts.
    let zone = Zone::new()
        .address("elsewhere.test", Ipv4Addr::new(192, 0, 2, 1))
        .address("elsewhere.test", Ipv4Addr::new(192, 0, 2, 2));
    let dns = dns(&zone);
    let more = "  families: ipv4\n  source_addresses: [127.0.9.103]\n";
    let house = House::new(&dns, 25, more, &["{name: t, host: elsewhere.test, module: clear}"]);
    let first = house.round("t").await;
    assert_eq!(first.observations.len(), 1, "one address of a pool is enough: {first:?}");
    assert_eq!(first.left_out, 1);
    let second = house.round("t").await;
    assert!(second.observations.is_empty(), "{second:?}");
    assert_eq!(second.skipped[0].1.reason, SkipReason::Budget);
    assert_eq!(house.check("t").interval(), Duration::from_secs(900));
}

#[tokio::test]
async fn exchangers_that_our_resolver_cannot_find_are_one_failed_resolve() {
    let zone = Zone::new()
        .mx("demo.test", 10, "mx1.demo.test")
        .mx("demo.test", 20, "mx2.demo.test")
        .fault("mx1.demo.test", Fault::Refused)
        .fault("mx2.demo.test", Fault::Refused);
    let dns = dns(&zone);
    let house = House::new(&dns, 25, "", &["{name: t, domain: demo.test, module: clear}"]);
    let round = house.round("t").await;
    let [seen] = &*round.observations else { panic!("{round:?}") };
    assert!(seen.endpoint.host.is_empty() && round.endpoints.is_empty(), "{round:?}");
    assert_eq!(seen.failure.as_ref().unwrap().blame, Blame::Exporter);
}
