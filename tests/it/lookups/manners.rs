//! What is kept is not asked for, and who refuses is left alone.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use smtp_exporter::demo::{Fault, Zone as Records};
use smtp_exporter::dnsbl::{List, Operator, Reason, Zone};
use smtp_exporter::probe::dnsbl::Manners;
use tokio::time::{Instant, sleep};

use super::{all, asked, detail, dns, is_unknown, list, lookups, operator, subject, word};

const CODE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[tokio::test]
async fn an_answer_is_kept_to_its_ttl() {
    let records = Records::new().ttl(1).address("1.2.0.192.bl.test", CODE);
    let dns = dns(&records.txt("1.2.0.192.bl.test", "reason"));
    let manners = Manners { keep_least: Duration::ZERO, ..Manners::default() };
    let lookups = lookups(&dns, manners);
    let list = Arc::new(list("bl.test"));
    let first = lookups.look_up(&list, &subject("192.0.2.1")).await;
    for _ in 0..5 {
        let again = lookups.look_up(&list, &subject("192.0.2.1")).await;
        assert_eq!((again.duration, again.ended), (None, first.ended));
        assert_eq!((&again.verdict, &again.reasons), (&first.verdict, &first.reasons));
    }
    let counts =
        || (asked(&dns, "1.2.0.192.bl.test", "A"), asked(&dns, "1.2.0.192.bl.test", "TXT"));
    assert_eq!(counts(), (1, 1));
    sleep(Duration::from_millis(1100)).await;
    let anew = lookups.look_up(&list, &subject("192.0.2.1")).await;
    assert!(anew.duration.is_some());
    assert_eq!(counts(), (2, 2));
    // Five seconds by the SOA record of a negative answer.
    let clean = lookups.look_up(&list, &subject("192.0.2.2")).await;
    let kept = clean.good_until.duration_since(clean.ended).unwrap();
    assert_eq!(kept, Duration::from_secs(5));
}

#[tokio::test]
async fn keeping_has_a_least_a_most_and_a_number() {
    let dns = dns(&Records::new()
        .ttl(0)
        .address("1.2.0.192.bl.test", CODE)
        .ttl(1_000_000)
        .address("2.2.0.192.bl.test", CODE));
    let manners = Manners { kept_answers: 2, ..Manners::default() };
    let lookups = lookups(&dns, manners);
    let list = Arc::new(list("bl.test"));
    let mut kept = Vec::new();
    for n in 1..=4 {
        let subject = subject(&format!("192.0.2.{n}"));
        let lookup = lookups.look_up(&list, &subject).await;
        kept.push(lookup.good_until.duration_since(lookup.ended).unwrap().as_secs());
        lookups.look_up(&list, &subject).await;
    }
    assert_eq!(kept, [30, 24 * 3600, 30, 30]);
    let counts: Vec<u64> =
        (1..=4).map(|n| asked(&dns, &format!("{n}.2.0.192.bl.test"), "A")).collect();
    assert_eq!(counts, [1, 1, 2, 2], "there is room for two");
}

#[tokio::test]
async fn failures_are_not_kept() {
    let dns = dns(&Records::new().fault("1.2.0.192.bl.test", Fault::ServFail));
    let lookups = lookups(&dns, Manners::default());
    let list = Arc::new(list("bl.test"));
    for _ in 0..3 {
        assert_eq!(word(&lookups.look_up(&list, &subject("192.0.2.1")).await), "servfail");
    }
    assert_eq!(asked(&dns, "1.2.0.192.bl.test", "A"), 3);
}

#[tokio::test]
async fn a_refusal_pauses_the_operator_and_nobody_else() {
    for refusal in ["by code", "by REFUSED"] {
        let records = match refusal {
            "by code" => {
                Records::new().address("1.2.0.192.a.test", Ipv4Addr::new(127, 255, 255, 254))
            }
            _ => Records::new().fault("1.2.0.192.a.test", Fault::Refused),
        };
        let dns = dns(&records);
        let pause = Duration::from_millis(900);
        let lookups = lookups(&dns, Manners { pause, ..Manners::default() });
        let of_one = |name| Arc::new(List { operator: operator("one"), ..list(name) });
        let (a, b, other) = (of_one("a.test"), of_one("b.test"), Arc::new(list("c.test")));
        let before = SystemTime::now();
        let refused = lookups.look_up(&a, &subject("192.0.2.1")).await;
        assert!(is_unknown(&refused, Reason::Refused) && refused.duration.is_some());
        let until = lookups.paused_until(&b).unwrap();
        assert!(until >= before + pause && until <= SystemTime::now() + pause);
        assert_eq!(lookups.paused_until(&other), None);
        for n in 1..=20 {
            for list in [&a, &b] {
                let lookup = lookups.look_up(list, &subject(&format!("192.0.2.{n}"))).await;
                assert!(is_unknown(&lookup, Reason::Refused) && lookup.duration.is_none());
                assert!(detail(&lookup).contains("paused until 2"), "{lookup:?}");
                assert!(detail(&lookup).starts_with("a.test answered "), "{lookup:?}");
            }
        }
        assert_eq!(all(&dns, "A"), 1, "{refusal}: one question, and then none");
        assert_eq!(word(&lookups.look_up(&other, &subject("192.0.2.1")).await), "clean");
        // A reload that changes nothing of it keeps the pause.
        lookups.reconfigure(&[dns.address()], super::TIMEOUT, &[a.clone(), b.clone()]);
        assert!(lookups.paused_until(&a).is_some());
        sleep(pause).await;
        assert_eq!(lookups.paused_until(&a), None);
        assert_eq!(word(&lookups.look_up(&b, &subject("192.0.2.1")).await), "clean");
        // Refused again, and then asked with a key.
        lookups.look_up(&a, &subject("192.0.2.1")).await;
        assert!(lookups.paused_until(&b).is_some());
        let keyed = List { zone: Zone::Keyed("key.a.test".into()), ..List::clone(&a) };
        lookups.reconfigure(&[dns.address()], super::TIMEOUT, &[Arc::new(keyed), b.clone()]);
        assert_eq!(lookups.paused_until(&b), None);
    }
}

#[tokio::test]
async fn one_operator_is_asked_one_question_at_a_time_with_its_gap() {
    let dns = dns(&Records::new().address("1.2.0.192.a.test", CODE));
    let lookups = Arc::new(lookups(&dns, Manners::default()));
    let min_gap = Duration::from_millis(100);
    let one = Arc::new(Operator { name: "one".into(), min_gap });
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 1..=4 {
        for name in ["a.test", "b.test"] {
            let list = Arc::new(List { operator: one.clone(), ..list(name) });
            let lookups = lookups.clone();
            let subject = subject(&format!("192.0.2.{n}"));
            tasks.spawn(async move { lookups.look_up(&list, &subject).await });
        }
    }
    while tasks.join_next().await.is_some() {}
    // Eight addresses and the reason of the one that is listed.
    assert_eq!((all(&dns, "A"), all(&dns, "TXT")), (8, 1));
    assert!(begun.elapsed() >= min_gap * 8, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn two_who_ask_the_same_at_once_ask_once() {
    let name = "1.2.0.192.bl.test";
    let dns = dns(&Records::new().address(name, CODE).delay(name, Duration::from_millis(100)));
    let lookups = Arc::new(lookups(&dns, Manners::default()));
    let list = Arc::new(list("bl.test"));
    let of = subject("192.0.2.1");
    let (a, b, c) = tokio::join!(
        lookups.look_up(&list, &of),
        lookups.look_up(&list, &of),
        lookups.look_up(&list, &of)
    );
    assert_eq!([word(&a), word(&b), word(&c)], ["listed"; 3]);
    assert_eq!(asked(&dns, name, "A"), 1);
}

#[tokio::test]
async fn all_operators_together_are_bounded() {
    let delay = Duration::from_millis(100);
    let names: Vec<String> = (0..8).map(|n| format!("bl{n}.test")).collect();
    let records = names.iter().fold(Records::new(), |records, name| {
        records
            .delay(&format!("1.2.0.192.{name}"), delay)
            .fault(&format!("1.2.0.192.{name}"), Fault::NxDomain)
    });
    let dns = dns(&records);
    for (in_flight, least, most) in [(2, 4, 8), (8, 1, 4)] {
        let manners = Manners { in_flight, ..Manners::default() };
        let lookups = Arc::new(lookups(&dns, manners));
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for name in &names {
            let (lookups, list) = (lookups.clone(), Arc::new(list(name)));
            tasks.spawn(async move { lookups.look_up(&list, &subject("192.0.2.1")).await });
        }
        while tasks.join_next().await.is_some() {}
        let took = begun.elapsed();
        assert!(took >= delay * least && took < delay * most, "{in_flight}: {took:?}");
    }
}
