//! What the store keeps of look-ups.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smtp_exporter::dnsbl::{Code, Kind, List, Plan, Reason, SubjectKind, Verdict, Wanted, Zone};
use smtp_exporter::observation::{Health, Lookup};
use smtp_exporter::store::{ListingView, QueryResult, Store};

use super::{list, subject};

pub(super) fn plan(lists: &[Arc<List>], subjects: &[&str]) -> Plan {
    Plan {
        interval: Duration::from_secs(3600),
        listed_interval: Duration::from_secs(900),
        health_interval: Duration::from_secs(3600),
        timeout: super::TIMEOUT,
        subjects: subjects.iter().map(|text| wanted(text)).collect(),
        from_targets: None,
        own: None,
        lists: lists.to_vec(),
        servers: Vec::new(),
    }
}

pub(super) fn wanted(text: &str) -> Wanted {
    Wanted { subject: subject(text), labels: BTreeMap::new() }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn told(list: &Arc<List>, of: &str, seconds: u64, verdict: Verdict) -> Arc<Lookup> {
    Arc::new(Lookup {
        list: list.clone(),
        subject: subject(of),
        ended: at(seconds),
        duration: Some(Duration::from_millis(20)),
        verdict,
        reasons: vec!["because".to_owned()],
        good_until: at(seconds + 60),
    })
}

fn listed() -> Verdict {
    let address = Ipv4Addr::new(127, 0, 0, 2);
    Verdict::Listed(vec![Code { address, meaning: "spam".into() }])
}

fn silence() -> Verdict {
    Verdict::Unknown(Reason::Timeout, "no answer".to_owned())
}

fn view(store: &Store, list: &str, of: &str) -> Arc<ListingView> {
    let of = subject(of);
    let all = store.listings().listings();
    all.iter().find(|view| *view.list.name == *list && view.subject == of).unwrap().clone()
}

#[test]
fn a_change_is_told_once_and_what_cannot_be_told_changes_nothing() {
    let store = Store::default();
    let bl = Arc::new(list("bl.test"));
    let plan = plan(std::slice::from_ref(&bl), &["192.0.2.1"]);
    store.listings().replace(Some(&plan), &plan.subjects);
    let put = |seconds, verdict| {
        let lookup = told(&bl, "192.0.2.1", seconds, verdict);
        store.listings().put(lookup).map(|change| (change.listed, change.before.is_some()))
    };
    assert_eq!(put(1, silence()), None);
    assert_eq!(view(&store, "bl.test", "192.0.2.1").since, None);
    assert_eq!(put(2, Verdict::Clean), None, "clean at first is no news");
    assert_eq!(view(&store, "bl.test", "192.0.2.1").since, Some(at(2)));
    assert_eq!(put(3, listed()), Some((true, true)));
    assert_eq!(put(4, listed()), None);
    assert_eq!(put(5, silence()), None);
    let now = view(&store, "bl.test", "192.0.2.1");
    assert_eq!(now.since, Some(at(3)));
    assert_eq!(now.last.as_ref().unwrap().verdict, silence());
    assert_eq!(now.last_told.as_ref().unwrap().ended, at(4));
    assert_eq!(put(6, listed()), None, "it was listed all the time");
    assert_eq!(put(7, Verdict::Clean), Some((false, true)));
    assert_eq!(view(&store, "bl.test", "192.0.2.1").since, Some(at(7)));
    // Listed at the first look is news, of which the beginning is not known.
    let fresh = Store::default();
    fresh.listings().replace(Some(&plan), &plan.subjects);
    let change = fresh.listings().put(told(&bl, "192.0.2.1", 1, listed())).unwrap();
    assert!(change.listed && change.before.is_none());
}

#[test]
fn questions_are_counted_and_kept_answers_are_not() {
    let store = Store::default();
    let bl = Arc::new(list("bl.test"));
    let plan = plan(std::slice::from_ref(&bl), &["192.0.2.1"]);
    store.listings().replace(Some(&plan), &plan.subjects);
    let rewritten = Verdict::Unknown(Reason::Rewritten, String::new());
    let refused = Verdict::Unknown(Reason::Refused, String::new());
    for verdict in [listed(), Verdict::Clean, Verdict::Clean, silence(), rewritten, refused] {
        let lookup = told(&bl, "192.0.2.1", 1, verdict);
        store.listings().put(lookup.clone());
        store.listings().put(Arc::new(Lookup { duration: None, ..Lookup::clone(&lookup) }));
    }
    store.listings().count("bl.test", QueryResult::Timeout, Duration::from_secs(9));
    let view = &store.listings().lists()[0];
    assert_eq!(view.queries, [1, 2, 1, 1, 2]);
    assert_eq!(view.buckets, [0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert!((view.seconds - 9.12).abs() < 1e-9, "{}", view.seconds);
    // Nobody to count for.
    store.listings().count("gone.test", QueryResult::Clean, Duration::ZERO);
    assert_eq!(
        store.listings().put(told(&Arc::new(list("gone.test")), "192.0.2.1", 1, listed())),
        None
    );
    assert_eq!(store.listings().put(told(&bl, "192.0.2.9", 1, listed())), None);
}

#[test]
fn nothing_of_an_unhealthy_list_is_believed() {
    let store = Store::default();
    let bl = Arc::new(list("bl.test"));
    let plan = plan(std::slice::from_ref(&bl), &["192.0.2.1", "192.0.2.2"]);
    let listings = store.listings();
    listings.replace(Some(&plan), &plan.subjects);
    listings.put(told(&bl, "192.0.2.1", 1, listed()));
    let health =
        |healthy, detail: &str| Health { ended: at(2), healthy, detail: detail.to_owned() };
    listings.put_health(&bl, health(Some(false), "it lists 127.0.0.1"));
    let unhealthy = Verdict::Unknown(Reason::ListUnhealthy, "it lists 127.0.0.1".to_owned());
    let now = view(&store, "bl.test", "192.0.2.1");
    assert_eq!(now.last.as_ref().unwrap().verdict, unhealthy);
    assert!(now.last.as_ref().unwrap().reasons.is_empty());
    assert_eq!(now.last_told.as_ref().unwrap().verdict, listed());
    assert_eq!(view(&store, "bl.test", "192.0.2.2").last, None);
    assert_eq!(listings.put(told(&bl, "192.0.2.1", 3, Verdict::Clean)), None, "no delisting");
    assert_eq!(listings.put(told(&bl, "192.0.2.2", 3, listed())), None);
    assert_eq!(view(&store, "bl.test", "192.0.2.2").last.as_ref().unwrap().verdict, unhealthy);
    assert_eq!(view(&store, "bl.test", "192.0.2.1").since, Some(at(1)));
    // Silence says nothing of the list, and is told all the same.
    listings.put_health(&bl, health(None, "127.0.0.2: timeout"));
    let told_health = listings.lists()[0].health.clone().unwrap();
    assert_eq!(
        (told_health.healthy, told_health.detail.as_str()),
        (Some(false), "127.0.0.2: timeout")
    );
    listings.put_health(&bl, health(Some(true), ""));
    assert!(listings.put(told(&bl, "192.0.2.1", 4, Verdict::Clean)).is_some_and(|c| !c.listed));
}

#[test]
fn a_replan_keeps_what_stays() {
    let store = Store::default();
    let ip4 = |name| Arc::new(List { subjects: vec![SubjectKind::Ip4], ..list(name) });
    let (a, b) = (ip4("a.test"), ip4("b.test"));
    let two = plan(&[a.clone(), b.clone()], &["192.0.2.1", "192.0.2.2", "example.test"]);
    let listings = store.listings();
    listings.replace(Some(&two), &two.subjects);
    let names = || -> Vec<String> {
        let all = listings.listings();
        all.iter().map(|view| format!("{} {}", view.list.name, view.subject)).collect()
    };
    let all = ["a.test 192.0.2.1", "a.test 192.0.2.2", "b.test 192.0.2.1", "b.test 192.0.2.2"];
    assert_eq!(names(), all, "a domain goes to lists that take domains");
    for list in [&a, &b] {
        listings.put(told(list, "192.0.2.1", 1, listed()));
    }
    let labelled =
        Wanted { labels: BTreeMap::from([("team".into(), "mail".into())]), ..wanted("192.0.2.1") };
    // The same zone under changed codes, another zone under the same name.
    let a_now = Arc::new(List { codes: smtp_exporter::dnsbl::Codes::Any, ..List::clone(&a) });
    let b_now = Arc::new(List { zone: Zone::Public("c.test".into()), ..List::clone(&b) });
    listings.replace(Some(&plan(&[a_now.clone(), b_now], &[])), std::slice::from_ref(&labelled));
    // What was under way is of the list that has gone.
    assert_eq!(listings.put(told(&b, "192.0.2.1", 2, listed())), None);
    let wrong = Health { ended: at(2), healthy: Some(false), detail: "it was".to_owned() };
    listings.put_health(&b, wrong);
    assert_eq!(listings.lists()[1].health, None);
    assert_eq!(view(&store, "b.test", "192.0.2.1").last, None);
    assert_eq!(names(), ["a.test 192.0.2.1", "b.test 192.0.2.1"]);
    let kept = view(&store, "a.test", "192.0.2.1");
    assert_eq!((kept.since, &*kept.labels, &kept.list), (Some(at(1)), &labelled.labels, &a_now));
    assert_eq!(listings.lists()[0].queries[0], 1);
    assert_eq!(view(&store, "b.test", "192.0.2.1").since, None);
    let allow = Arc::new(List { kind: Kind::Allow, ..List::clone(&a) });
    listings.replace(Some(&plan(&[allow], &[])), &[labelled]);
    assert_eq!(view(&store, "a.test", "192.0.2.1").last, None, "it means another thing now");
    listings.replace(None, &[]);
    assert!(names().is_empty() && listings.lists().is_empty());
}

#[test]
fn a_pause_that_is_over_is_none() {
    let store = Store::default();
    let bl = Arc::new(list("bl.test"));
    let plan = plan(std::slice::from_ref(&bl), &["192.0.2.1"]);
    store.listings().replace(Some(&plan), &plan.subjects);
    let later = SystemTime::now() + Duration::from_secs(60);
    store.listings().set_paused("bl.test", Some(later));
    store.listings().set_next("bl.test", &subject("192.0.2.1"), later);
    assert_eq!(store.listings().lists()[0].paused_until, Some(later));
    assert_eq!(view(&store, "bl.test", "192.0.2.1").next, Some(later));
    store.listings().set_paused("bl.test", Some(SystemTime::now() - Duration::from_secs(1)));
    assert_eq!(store.listings().lists()[0].paused_until, None);
}
