//! The look-ups that run by themselves.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use smtp_exporter::demo::{Dns, Fault, Zone as Records};
use smtp_exporter::dnsbl::{List, MAX_PAIRS, Plan, SubjectKind};
use smtp_exporter::metrics::Format;
use smtp_exporter::observation::Observation;
use smtp_exporter::probe::dnsbl::{Lookups, Manners};
use smtp_exporter::schedule::dnsbl::Watch;
use smtp_exporter::store::{ListView, ListingView, Store};
use smtp_exporter::target::{Check, Endpoint, Module, Place, Policy, Target};
use tokio::time::{Instant, sleep};

use crate::support::exposition::Exposition;

use super::{TIMEOUT, asked, dns, list, listings::plan, operator, word};

const CODE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// How long anything may take: long, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(25);

struct House {
    watch: Watch,
    store: Arc<Store>,
    policy: Policy,
}

impl House {
    /// Nothing is kept, so that every look-up is a question, unless `manners` says so.
    fn new(dns: &Dns, manners: Manners) -> Self {
        let store = Arc::new(Store::default());
        let lookups = Arc::new(Lookups::new(&[dns.address()], TIMEOUT, manners));
        let policy = Policy { dns_servers: vec![dns.address()], ..Policy::default() };
        Self { watch: Watch::new(lookups, store.clone()), store, policy }
    }

    fn replan(&self, plan: &Plan) {
        self.watch.replan(Some(Arc::new(plan.clone())), Arc::new(self.policy.clone()));
    }

    fn views(&self) -> Vec<Arc<ListingView>> {
        self.store.listings().listings()
    }

    fn of(&self, list: &str) -> Arc<ListView> {
        let lists = self.store.listings().lists();
        lists.iter().find(|view| *view.list.name == *list).unwrap().clone()
    }

    /// What each subject's last look-up came to, in order.
    fn words(&self, list: &str) -> Vec<&'static str> {
        let views = self.views();
        let of_list = views.iter().filter(|view| *view.list.name == *list);
        of_list.map(|view| view.last.as_ref().map_or("nothing", |last| word(last))).collect()
    }

    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !condition(self) {
            assert!(started.elapsed() < PATIENCE, "never: {what}\n{:#?}", self.views());
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn nothing_kept() -> Manners {
    Manners { keep_least: Duration::ZERO, keep_most: Duration::ZERO, ..Manners::default() }
}

fn fast(lists: &[Arc<List>], subjects: &[&str], interval: u64) -> Plan {
    let interval = Duration::from_millis(interval);
    let health_interval = Duration::from_secs(3600);
    Plan { interval, listed_interval: interval, health_interval, ..plan(lists, subjects) }
}

fn judged(name: &str) -> Arc<List> {
    Arc::new(List { has_test_points: true, subjects: vec![SubjectKind::Ip4], ..list(name) })
}

fn check(name: &str, place: &str) -> Check {
    let module = Arc::new(Module::new("smtp"));
    let target = Target {
        name: name.into(),
        place: Place::parse(place).unwrap(),
        modules: vec![module.clone()],
        interval: None,
        labels: BTreeMap::new(),
    };
    Check { target: Arc::new(target), module }
}

fn addresses(count: u8) -> Vec<String> {
    (1..=count).map(|n| format!("192.0.2.{n}")).collect()
}

/// Ten subjects on five lists: what the server counted.
#[tokio::test]
async fn every_pair_is_asked_once_an_interval() {
    let lists: Vec<Arc<List>> = (0..5).map(|n| judged(&format!("bl{n}.test"))).collect();
    let records = lists.iter().fold(Records::new(), |records, list| {
        records.address(&format!("2.0.0.127.{}", list.name), CODE)
    });
    let dns = dns(&records);
    let subjects = addresses(10);
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let house = House::new(&dns, nothing_kept());
    let begun = Instant::now();
    house.replan(&fast(&lists, &subjects, 3000));
    let pairs = |dns: &Dns| -> Vec<u64> {
        let name = |list: &List, n| format!("{n}.2.0.192.{}", list.name);
        let all = lists.iter().flat_map(|list| (1..=10).map(move |n| name(list, n)));
        all.map(|name| asked(dns, &name, "A")).collect()
    };
    house.until("everybody once", |_| pairs(&dns).iter().all(|count| *count > 0)).await;
    assert_eq!(pairs(&dns), [1; 50], "in the first interval");
    assert!(begun.elapsed() > Duration::from_millis(1500), "spread over it");
    // Fifty pairs, two test points for each of five lists, and no reasons.
    assert_eq!(dns.questions().values().sum::<u64>(), 50 + 2 * 5);
    house.until("everybody a third time", |_| pairs(&dns).iter().all(|count| *count > 2)).await;
    let most = begun.elapsed().as_millis().div_ceil(3000) as u64;
    assert!(pairs(&dns).iter().all(|count| *count <= most), "{:?}", pairs(&dns));
    // What is counted here is what the server saw.
    let store = house.store.clone();
    house.watch.stop().await;
    let counted: u64 =
        store.listings().lists().iter().map(|view| view.queries.iter().sum::<u64>()).sum();
    let seen = dns.questions().values().sum::<u64>();
    assert!(counted <= seen && counted + 5 >= seen, "{counted} of {seen}");
    sleep(Duration::from_millis(500)).await;
    assert_eq!(dns.questions().values().sum::<u64>(), seen, "nothing after the end");
}

/// Answers are kept to their TTL, so looking oftener asks no more.
#[tokio::test]
async fn kept_answers_are_looked_at_and_not_asked_for() {
    let records = Records::new().address("1.2.0.192.bl.test", CODE).txt("1.2.0.192.bl.test", "why");
    let dns = dns(&records);
    let subjects = addresses(10);
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let house = House::new(&dns, Manners::default());
    house.replan(&fast(&[Arc::new(list("bl.test"))], &subjects, 200));
    house
        .until("all told", |house| {
            let words = house.words("bl.test");
            words.len() == 10 && !words.contains(&"nothing")
        })
        .await;
    let next = |house: &House| -> Vec<_> { house.views().iter().map(|view| view.next).collect() };
    let before = next(&house);
    sleep(Duration::from_secs(1)).await;
    assert!(next(&house).iter().zip(&before).all(|(now, before)| now > before), "looked again");
    assert_eq!(dns.questions().values().sum::<u64>(), 10 + 1, "each once, and one reason");
    assert_eq!(house.words("bl.test")[0], "listed");
    assert_eq!(house.words("bl.test")[1..], ["clean"; 9]);
    assert_eq!(house.of("bl.test").queries, [1, 9, 0, 0, 0]);
}

#[tokio::test]
async fn a_list_that_dies_holds_up_nobody_else() {
    let dying = dns(&Records::new());
    let good = dns(&Records::new());
    let lists = [
        Arc::new(List { servers: vec![dying.address()], ..list("dying.test") }),
        Arc::new(list("good.test")),
    ];
    let house = House::new(&good, nothing_kept());
    house.replan(&fast(&lists, &["192.0.2.1", "192.0.2.2", "192.0.2.3"], 200));
    let all = |list, expected| move |house: &House| house.words(list) == [expected; 3];
    house.until("both answer", all("dying.test", "clean")).await;
    dying.set_zone(&Records::new().broken(Fault::Silent)).unwrap();
    house.until("one is silent", all("dying.test", "timeout")).await;
    let before = house.of("good.test").queries[1];
    let begun = Instant::now();
    sleep(Duration::from_millis(1500)).await;
    let more = house.of("good.test").queries[1] - before;
    let rounds = begun.elapsed().as_millis() / 200;
    assert!(u128::from(more) >= rounds, "{more} questions in {rounds} rounds of three");
    let dead = house.views().iter().find(|view| &*view.list.name == "dying.test").unwrap().clone();
    assert_eq!(word(dead.last_told.as_ref().unwrap()), "clean", "what was told is kept");
    dying.set_zone(&Records::new()).unwrap();
    house.until("it is back", all("dying.test", "clean")).await;
    house.watch.stop().await;
}

#[tokio::test]
async fn a_reload_keeps_since_places_and_pauses() {
    let dns = dns(&Records::new()
        .address("1.2.0.192.a.test", CODE)
        .fault("1.2.0.192.b.test", Fault::Refused));
    let lists = [Arc::new(list("a.test")), Arc::new(list("b.test"))];
    let house = House::new(&dns, nothing_kept());
    let first = fast(&lists, &["192.0.2.1"], 700);
    house.replan(&first);
    house
        .until("told", |house| {
            house.words("a.test") == ["listed"] && house.words("b.test") == ["refused"]
        })
        .await;
    let view = |house: &House| house.views()[0].clone();
    let (since, paused) = (view(&house).since.unwrap(), house.of("b.test").paused_until.unwrap());
    assert!(paused > SystemTime::now() + Duration::from_secs(6 * 3600 - 60));
    assert_eq!(house.of("a.test").paused_until, None);
    // Reloads in quick succession ask nothing out of turn.
    let (asked_before, begun) = (asked(&dns, "1.2.0.192.a.test", "A"), Instant::now());
    for _ in 0..10 {
        house.replan(&first);
        sleep(Duration::from_millis(50)).await;
    }
    let more = asked(&dns, "1.2.0.192.a.test", "A") - asked_before;
    let due = begun.elapsed().as_millis() / 700 + 1;
    assert!(u128::from(more) <= due, "{more} questions where {due} were due");
    // Another subject comes; the old one stays as it is known.
    house.replan(&fast(&lists, &["192.0.2.1", "192.0.2.2"], 700));
    house.until("the new one", |house| house.words("a.test") == ["listed", "clean"]).await;
    assert_eq!(view(&house).since, Some(since));
    assert_eq!(house.of("b.test").paused_until, Some(paused));
    assert_eq!(house.words("b.test"), ["refused"; 2]);
    assert_eq!(dns.asked("1.2.0.192.b.test") + dns.asked("2.2.0.192.b.test"), 1);
    // Everything goes.
    house.watch.replan(None, Arc::new(house.policy.clone()));
    house.until("nothing is left", |house| house.views().is_empty()).await;
}

#[tokio::test]
async fn a_refusal_stops_all_lists_of_the_operator() {
    let dns = dns(&Records::new().address("7.2.0.192.a.test", Ipv4Addr::new(127, 255, 255, 254)));
    let of_one = |name| Arc::new(List { operator: operator("one"), ..list(name) });
    let lists = [of_one("a.test"), of_one("b.test"), Arc::new(list("c.test"))];
    let subjects = addresses(10);
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let house = House::new(&dns, nothing_kept());
    house.replan(&fast(&lists, &subjects, 500));
    let paused = |house: &House| {
        let lists = house.store.listings().lists();
        lists.iter().any(|view| &*view.list.name == "b.test" && view.paused_until.is_some())
    };
    house.until("paused", paused).await;
    let count = |dns: &Dns| -> u64 {
        let of_one = |name: &str| name.ends_with("a.test") || name.ends_with("b.test");
        dns.questions().iter().filter(|((name, _), _)| of_one(name)).map(|(_, count)| count).sum()
    };
    let until_then = count(&dns);
    house.until("told", |house| house.words("b.test") == ["refused"; 10]).await;
    house.until("told", |house| house.words("a.test") == ["refused"; 10]).await;
    assert_eq!(count(&dns), until_then, "no question after the refusal");
    house.until("others go on", |house| house.words("c.test") == ["clean"; 10]).await;
    assert_eq!(house.of("c.test").paused_until, None);
}

/// The list begins to list everybody between two looks at its test points. Nobody is told to be
/// listed: what it says anew is believed only when its test points are still right.
#[tokio::test]
async fn a_list_that_lists_the_world_is_found_out_before_it_is_believed() {
    let good = Records::new().address("2.0.0.127.bl.test", CODE);
    let dns = dns(&good);
    let subjects = addresses(5);
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let house = House::new(&dns, nothing_kept());
    let mut plan = fast(&[judged("bl.test")], &subjects, 500);
    plan.health_interval = Duration::from_secs(6);
    house.replan(&plan);
    house.until("clean", |house| house.words("bl.test") == ["clean"; 5]).await;
    let world = (1..=5).fold(good.clone().address("1.0.0.127.bl.test", CODE), |records, n| {
        records.address(&format!("{n}.2.0.192.bl.test"), CODE)
    });
    dns.set_zone(&world).unwrap();
    house.until("found out", |house| house.words("bl.test") == ["list_unhealthy"; 5]).await;
    let health = house.of("bl.test").health.clone().unwrap();
    assert_eq!(health.healthy, Some(false));
    assert!(health.detail.contains("names everything"), "{}", health.detail);
    assert!(house.views().iter().all(|view| word(view.last_told.as_ref().unwrap()) == "clean"));
    // What it answered is counted as what it was.
    let [listed, _, refused, error, timeout] = house.of("bl.test").queries;
    assert!(listed > 0 && [refused, error, timeout] == [0; 3], "{:?}", house.of("bl.test").queries);
    // It mends, and one of them is really listed.
    dns.set_zone(&good.address("3.2.0.192.bl.test", CODE)).unwrap();
    let expected = ["clean", "clean", "listed", "clean", "clean"];
    house.until("believed again", |house| house.words("bl.test") == expected).await;
    let since: Vec<_> = house.views().iter().map(|view| view.since.unwrap()).collect();
    assert!(since[2] > since[0], "{since:?}");
}

#[tokio::test]
async fn targets_and_this_host_are_subjects_with_labels() {
    let dns = dns(&Records::new());
    let mut house = House::new(&dns, nothing_kept());
    house.policy.source_addresses =
        vec!["198.51.100.9".parse().unwrap(), "10.0.0.1".parse().unwrap()];
    let check = check("mx", "mx.example.test");
    let generation = house.store.replace_checks(std::slice::from_ref(&check), 10);
    let seen = |address: &str| {
        let endpoint = Endpoint {
            host: "mx.example.test".into(),
            port: 25,
            address: Some(address.parse().unwrap()),
            ..Endpoint::unresolved()
        };
        let seen = Arc::new(Observation::of(endpoint, SystemTime::now()));
        house.store.put(generation, &check.key(), seen);
    };
    for address in ["203.0.113.5", "2001:db8::5", "192.168.0.5", "127.0.0.5", "192.0.2.1"] {
        seen(address);
    }
    let labels = |whose: &str| BTreeMap::from([("of".to_owned(), whose.to_owned())]);
    let mut plan = fast(&[Arc::new(list("bl.test"))], &["192.0.2.1", "10.9.9.9"], 300);
    plan.from_targets = Some(labels("targets"));
    plan.own = Some(labels("host"));
    house.replan(&plan);
    let subjects = |house: &House| -> Vec<String> {
        let of = |view: &ListingView| view.labels.get("of").cloned().unwrap_or_default();
        house.views().iter().map(|view| format!("{} {}", view.subject, of(view))).collect()
    };
    let expected = [
        // Private, and named in the configuration.
        "10.9.9.9 ",
        // A target's too, but configured by name.
        "192.0.2.1 ",
        "198.51.100.9 host",
        "203.0.113.5 targets",
        "2001:db8::5 targets",
    ];
    house.until("they are there", |house| subjects(house) == expected).await;
    house.until("looked up", |house| house.words("bl.test") == ["clean"; 5]).await;
    // A target that resolves to one more.
    seen("203.0.113.6");
    house
        .until("the new one", |house| subjects(house).contains(&"203.0.113.6 targets".to_owned()))
        .await;
    house.until("looked up", |house| house.words("bl.test") == ["clean"; 6]).await;
    // What is configured, a target's and our own at once is one series of each family.
    let own: std::net::IpAddr = "203.0.113.6".parse().unwrap();
    house.policy.source_addresses.extend([own, "::ffff:192.0.2.1".parse().unwrap()]);
    house.replan(&plan);
    let lists = house.store.listings();
    house.until("ours as well", |house| subjects(house).contains(&"203.0.113.6 host".into())).await;
    let text = crate::listing::text(lists.lists(), lists.listings());
    let read = Exposition::read(&text, Format::Text).unwrap();
    let of = |subject| read.values("smtp_dnsbl_query_success", &[("subject", subject)]).len();
    assert_eq!((of("203.0.113.6"), of("192.0.2.1")), (1, 1), "{text}");
    // A target that resolves no more.
    house.store.replace_checks(&[], 10);
    house.until("theirs are gone", |house| house.views().len() == 4).await;
}

/// Nobody else's domain makes us ask more than the configuration could.
#[tokio::test]
async fn addresses_of_targets_have_a_bound() {
    let dns = dns(&Records::new());
    let house = House::new(&dns, nothing_kept());
    let check = check("many", "domain:many.test");
    let generation = house.store.replace_checks(std::slice::from_ref(&check), 10);
    for n in 0..500_u16 {
        let [high, low] = n.to_be_bytes();
        let endpoint = Endpoint {
            host: "mx.many.test".into(),
            port: 25,
            address: Some(Ipv4Addr::new(203, 0, high, low).into()),
            ..Endpoint::unresolved()
        };
        let seen = Arc::new(Observation::of(endpoint, SystemTime::now()));
        house.store.put(generation, &check.key(), seen);
    }
    let lists: Vec<Arc<List>> = (0..50).map(|n| Arc::new(list(&format!("bl{n}.test")))).collect();
    let mut plan = fast(&lists, &["192.0.2.1", "198.51.100.1"], 3_600_000);
    plan.from_targets = Some(BTreeMap::new());
    house.replan(&plan);
    house.until("as many as may be", |house| house.views().len() >= MAX_PAIRS).await;
    let views = house.views();
    assert_eq!(views.len(), MAX_PAIRS);
    let configured = views.iter().filter(|view| view.subject.to_string() == "198.51.100.1");
    assert_eq!(configured.count(), 50, "what is configured stays");
    house.watch.stop().await;
}

/// Other servers, for all or for the lists, and another timeout: from the next question on.
#[tokio::test]
async fn a_reload_changes_through_whom_is_asked() {
    let (first, second, third) =
        (dns(&Records::new()), dns(&Records::new()), dns(&Records::new().broken(Fault::Silent)));
    let mut house = House::new(&first, nothing_kept());
    let mut plan = fast(&[Arc::new(list("bl.test"))], &["192.0.2.1"], 200);
    house.replan(&plan);
    let asked_now = |dns: &Dns| asked(dns, "1.2.0.192.bl.test", "A");
    house.until("asked", |_| asked_now(&first) > 1).await;
    house.policy.dns_servers = vec![second.address()];
    house.replan(&plan);
    house.until("asked elsewhere", |_| asked_now(&second) > 1).await;
    plan.servers = vec![third.address()];
    plan.timeout = Duration::from_millis(50);
    house.replan(&plan);
    house.until("silence", |house| house.words("bl.test") == ["timeout"]).await;
    let took = house.views()[0].last.as_ref().unwrap().duration.unwrap();
    assert!(took < TIMEOUT, "{took:?}");
    let before = (asked_now(&first), asked_now(&second));
    sleep(Duration::from_millis(600)).await;
    assert_eq!((asked_now(&first), asked_now(&second)), before);
}
