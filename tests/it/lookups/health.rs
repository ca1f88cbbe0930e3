//! A list whose test points (RFC 5782, 5) answer wrongly proves nothing.

use std::net::Ipv4Addr;
use std::sync::Arc;

use smtp_exporter::demo::{Fault, Zone as Records};
use smtp_exporter::dnsbl::{Found, List, Reason, SubjectKind, catalogue};
use smtp_exporter::probe::dnsbl::Manners;

use super::{all, detail, dns, is_unknown, list, lookups, subject, word};

const CODE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn judged(name: &str, kinds: &[SubjectKind]) -> Arc<List> {
    Arc::new(List { has_test_points: true, subjects: kinds.to_vec(), ..list(name) })
}

#[tokio::test]
async fn the_points_are_those_of_the_kinds_that_the_list_takes() {
    let mapped = |last: &str| format!("{last}.0.0.0.0.0.f.7.f.f.f.f{}.bl.test", ".0".repeat(20));
    let dns = dns(&Records::new()
        .address("2.0.0.127.bl.test", CODE)
        .address(&mapped("2"), CODE)
        .address("test.bl.test", CODE));
    let lookups = lookups(&dns, Manners::default());
    let look = lookups.look_at_health(&judged("bl.test", SubjectKind::ALL)).await.unwrap();
    assert_eq!((look.health.healthy, look.health.detail.as_str()), (Some(true), ""));
    assert!(!look.changed, "good was to be expected");
    assert_eq!(look.questions.len(), 6);
    let expected = [
        "2.0.0.127.bl.test",
        "1.0.0.127.bl.test",
        &mapped("2"),
        &mapped("1"),
        "test.bl.test",
        "invalid.bl.test",
    ];
    for name in expected {
        assert_eq!(dns.asked(name), 1, "{name}");
    }
    assert_eq!(dns.questions().len(), 6, "no reasons are asked for");
    assert_eq!(lookups.look_at_health(&Arc::new(list("bl.test"))).await, None);
    lookups.look_at_health(&judged("bl.test", &[SubjectKind::Ip4])).await.unwrap();
    assert_eq!((dns.asked("2.0.0.127.bl.test"), dns.asked("test.bl.test")), (2, 1));
}

/// Lists of domains that have a listed name of their own are asked for that, with a key or without.
#[tokio::test]
async fn a_list_with_a_test_domain_of_its_own_is_judged_by_it() {
    let Found::Live(public) = catalogue::find("dbl.spamhaus.org") else { panic!("not there") };
    let key = secrecy::SecretString::from("k3yk3yk3y.dbl.dq.spamhaus.net");
    for list in [public, List::keyed("dqs", &key).unwrap()] {
        let zone = list.zone.expose().to_owned();
        let right =
            Records::new().address(&format!("dbltest.com.{zone}"), Ipv4Addr::new(127, 0, 1, 2));
        let dns = dns(&right);
        let lookups = lookups(&dns, Manners::default());
        let mut list = List::clone(&list);
        list.operator = super::operator("quick");
        let list = Arc::new(list);
        assert_eq!(lookups.look_at_health(&list).await.unwrap().health.healthy, Some(true));
        assert_eq!(dns.asked(&format!("test.{zone}")), 0);
        let spam = subject("spam.example.test");
        assert_eq!(word(&lookups.look_up(&list, &spam).await), "clean");
        // The name that other lists have is of no use here.
        dns.set_zone(&Records::new().address(&format!("test.{zone}"), CODE)).unwrap();
        let look = lookups.look_at_health(&list).await.unwrap();
        assert_eq!(look.health.healthy, Some(false));
        assert!(look.health.detail.starts_with("DBLTEST.COM is not listed"), "{look:?}");
    }
}

#[tokio::test]
async fn an_unhealthy_list_is_not_asked_until_it_heals() {
    let good = Records::new().address("2.0.0.127.bl.test", CODE).address("1.2.0.192.bl.test", CODE);
    let lists_all = good.clone().address("1.0.0.127.bl.test", CODE);
    let lists_none = Records::new();
    let dns = dns(&good);
    let lookups = lookups(&dns, Manners::default());
    let list = judged("bl.test", &[SubjectKind::Ip4]);
    let of = subject("192.0.2.1");
    assert_eq!(lookups.look_at_health(&list).await.unwrap().health.healthy, Some(true));
    assert_eq!(word(&lookups.look_up(&list, &of).await), "listed");
    for (bad, expected) in [
        (
            lists_all,
            "127.0.0.1 is listed (127.0.0.2), as it must never be (RFC 5782): the list names everything",
        ),
        (
            lists_none,
            "127.0.0.2 is not listed, as it must be (RFC 5782): the list is empty or dead",
        ),
    ] {
        dns.set_zone(&bad).unwrap();
        let look = lookups.look_at_health(&list).await.unwrap();
        assert_eq!((look.health.healthy, look.changed), (Some(false), true));
        assert_eq!(look.health.detail, expected);
        let before = all(&dns, "A");
        for _ in 0..3 {
            let lookup = lookups.look_up(&list, &of).await;
            assert!(is_unknown(&lookup, Reason::ListUnhealthy), "also what was kept: {lookup:?}");
            assert_eq!(detail(&lookup), expected);
        }
        assert_eq!(all(&dns, "A"), before);
        assert!(!lookups.look_at_health(&list).await.unwrap().changed, "still unhealthy");
        dns.set_zone(&good).unwrap();
        let look = lookups.look_at_health(&list).await.unwrap();
        assert_eq!((look.health.healthy, look.changed), (Some(true), true));
        let before = all(&dns, "A");
        assert_eq!(word(&lookups.look_up(&list, &of).await), "listed");
        assert_eq!(all(&dns, "A"), before + 1, "what was kept from before is not believed");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_asked_stays_as_healthy_as_it_was() {
    let good = Records::new().address("2.0.0.127.bl.test", CODE);
    let dns = dns(&good);
    let lookups = lookups(&dns, Manners { pause: super::TIMEOUT, ..Manners::default() });
    let list = judged("bl.test", &[SubjectKind::Ip4]);
    let of = subject("192.0.2.1");
    for known in [true, false] {
        let zone = if known { good.clone() } else { Records::new() };
        dns.set_zone(&zone).unwrap();
        assert_eq!(lookups.look_at_health(&list).await.unwrap().health.healthy, Some(known));
        for (fault, expected) in [
            (Fault::Silent, "127.0.0.2: timeout: "),
            (Fault::ServFail, "127.0.0.2: servfail: "),
            (Fault::Refused, "127.0.0.2: refused: "),
        ] {
            dns.set_zone(&Records::new().broken(fault)).unwrap();
            let look = lookups.look_at_health(&list).await.unwrap();
            assert_eq!((look.health.healthy, look.changed), (None, false), "{fault:?}");
            assert!(look.health.detail.starts_with(expected), "{}", look.health.detail);
            assert_eq!(look.questions.len(), 1, "the other point is not asked for");
        }
        // The last one was a refusal, and the points are left alone as well.
        let paused = lookups.look_at_health(&list).await.unwrap();
        assert_eq!((paused.health.healthy, paused.questions.len()), (None, 0));
        assert!(paused.health.detail.contains("paused until"), "{}", paused.health.detail);
        tokio::time::sleep(super::TIMEOUT).await;
        dns.set_zone(&zone).unwrap();
        let state = if known { "clean" } else { "list_unhealthy" };
        assert_eq!(word(&lookups.look_up(&list, &of).await), state);
    }
    // What is told of a list is not told of another one of its name.
    let other = List { zone: super::Zone::Public("other.test".into()), ..List::clone(&list) };
    assert_eq!(word(&lookups.look_up(&Arc::new(other), &of).await), "clean");
    // Rewriting is on the way and not in the list.
    dns.set_zone(&good.address("1.0.0.127.bl.test", Ipv4Addr::new(198, 51, 100, 7))).unwrap();
    let look = lookups.look_at_health(&list).await.unwrap();
    assert_eq!(look.health.healthy, None);
    assert!(look.health.detail.starts_with("127.0.0.1: rewritten: "), "{}", look.health.detail);
}
