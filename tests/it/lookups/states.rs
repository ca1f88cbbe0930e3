//! Every kind of answer has its state.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hickory_resolver::proto::rr::RecordType;
use smtp_exporter::demo::{Data, Fault, Zone as Records};
use smtp_exporter::dnsbl::{List, Reason, Verdict, Zone};
use smtp_exporter::probe::dnsbl::{Lookups, Manners};

use super::{TIMEOUT, all, asked, dns, is_unknown, list, lookups, subject, word};

const CODE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[tokio::test]
async fn every_answer_has_its_state() {
    let at = |list: &str| format!("1.2.0.192.{list}");
    let dns = dns(&Records::new()
        .address(&at("listed.test"), CODE)
        .address(&at("listed.test"), Ipv4Addr::new(127, 0, 0, 40))
        .txt(&at("listed.test"), "see https://listed.test/192.0.2.1\nnow")
        .cname(&at("alias.test"), "end.alias.test")
        .address("end.alias.test", CODE)
        .txt("end.alias.test", "through an alias")
        .cname(&at("nowhere.test"), "gone.nowhere.test")
        .fault(&at("nodata.test"), Fault::NoData)
        .fault(&at("refuses.test"), Fault::Refused)
        .address(&at("code.test"), Ipv4Addr::new(127, 255, 255, 254))
        .address(&at("own.test"), Ipv4Addr::new(127, 0, 0, 255))
        .fault(&at("broken.test"), Fault::ServFail)
        .fault(&at("silent.test"), Fault::Silent)
        .fault(&at("notimp.test"), Fault::NotImp)
        .fault(&at("garbage.test"), Fault::Garbage)
        .address(&at("rewritten.test"), Ipv4Addr::new(203, 0, 113, 1))
        .address(&at("long.test"), CODE)
        .truncate(&at("long.test"))
        .txt(&at("long.test"), &"x".repeat(3000))
        .address(&at("mute.test"), CODE)
        .fault_of(&at("mute.test"), RecordType::TXT, Fault::ServFail));
    let lookups = lookups(&dns, Manners::default());
    let expected = [
        ("listed.test", "listed"),
        ("alias.test", "listed"),
        ("nowhere.test", "clean"),
        ("absent.test", "clean"),
        ("nodata.test", "clean"),
        ("refuses.test", "refused"),
        ("code.test", "refused"),
        ("own.test", "refused"),
        ("broken.test", "servfail"),
        ("silent.test", "timeout"),
        ("notimp.test", "other"),
        ("garbage.test", "timeout"),
        ("rewritten.test", "rewritten"),
        ("long.test", "listed"),
        ("mute.test", "listed"),
        ("bl.invalid", "other"),
    ];
    for (name, state) in expected {
        let lookup = lookups.look_up(&Arc::new(list(name)), &subject("192.0.2.1")).await;
        assert_eq!(word(&lookup), state, "{name}: {lookup:?}");
        assert!(lookup.duration.is_some(), "{name} was asked");
        let kept = matches!(state, "listed" | "clean");
        assert_eq!(lookup.good_until > SystemTime::now(), kept, "{name}");
        let reasons: &[&str] = match name {
            "listed.test" => &["see https://listed.test/192.0.2.1?now"],
            "alias.test" => &["through an alias"],
            "long.test" => &[&"x".repeat(512)],
            _ => &[],
        };
        assert_eq!(lookup.reasons, reasons, "{name}");
        if let ("listed.test", Verdict::Listed(codes)) = (name, &lookup.verdict) {
            let codes: Vec<String> =
                codes.iter().map(|code| format!("{} {}", code.address, code.meaning)).collect();
            assert_eq!(codes, ["127.0.0.2 spam", "127.0.0.40 unknown"]);
        }
    }
    // Reasons are asked for what is listed, at the same name, and for nothing else.
    for (name, state) in expected {
        let texts = if state == "listed" { 1 } else { 0 };
        // Over TCP it is asked again.
        let texts = if name == "long.test" { 2 } else { texts };
        assert_eq!(asked(&dns, &at(name), "TXT"), texts, "{name}");
    }
    assert_eq!(all(&dns, "TXT"), 5);
    // A refusal and a SERVFAIL are answers: asked once, over one transport.
    for name in ["refuses.test", "broken.test", "notimp.test", "code.test"] {
        assert_eq!(asked(&dns, &at(name), "A"), 1, "{name}");
    }
    assert_eq!(asked(&dns, "1.2.0.192.bl.invalid", "A"), 0);
}

#[tokio::test]
async fn ipv6_and_domains_are_asked_for_by_their_names() {
    let nibbles = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test";
    let dns = dns(&Records::new().address(nibbles, CODE).address("bad.example.bl.test", CODE));
    let lookups = lookups(&dns, Manners::default());
    let list = Arc::new(list("bl.test"));
    for text in ["2001:db8::25", "bad.example"] {
        assert_eq!(word(&lookups.look_up(&list, &subject(text)).await), "listed", "{text}");
    }
    assert_eq!(word(&lookups.look_up(&list, &subject("2001:db8::26")).await), "clean");
    assert_eq!((asked(&dns, nibbles, "A"), asked(&dns, "bad.example.bl.test", "A")), (1, 1));
    // A list that does not take domains is not asked for one.
    let addresses = Arc::new(List { subjects: vec![], ..List::clone(&list) });
    let lookup = lookups.look_up(&addresses, &subject("good.example")).await;
    assert!(is_unknown(&lookup, Reason::Other) && lookup.duration.is_none());
    assert_eq!(dns.asked("good.example.bl.test"), 0);
}

#[tokio::test]
async fn the_next_server_is_asked_after_silence_alone() {
    let silent = dns(&Records::new().broken(Fault::Silent));
    let refusing = dns(&Records::new().broken(Fault::Refused));
    let broken = dns(&Records::new().broken(Fault::ServFail));
    let good = dns(&Records::new().address("1.2.0.192.bl.test", CODE));
    let dead = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let good_ones = |before: u64| good.asked("1.2.0.192.bl.test") - before;
    for (first, state, reached) in [
        (silent.address(), "listed", true),
        (dead, "listed", true),
        (refusing.address(), "refused", false),
        (broken.address(), "servfail", false),
    ] {
        let before = good.asked("1.2.0.192.bl.test");
        let lookups = Lookups::new(&[first, good.address()], TIMEOUT, Manners::default());
        let lookup = lookups.look_up(&Arc::new(list("bl.test")), &subject("192.0.2.1")).await;
        assert_eq!(word(&lookup), state, "{lookup:?}");
        assert_eq!(good_ones(before) > 0, reached, "{state}");
        assert!(lookup.duration.unwrap() < TIMEOUT + Duration::from_millis(300));
    }
    // A list's own server goes before those of all.
    let own = List { servers: vec![good.address()], ..list("bl.test") };
    let lookups = Lookups::new(&[refusing.address()], TIMEOUT, Manners::default());
    assert_eq!(word(&lookups.look_up(&Arc::new(own), &subject("192.0.2.1")).await), "listed");
}

/// What is told of a keyed list, whatever happens to it, does not hold the key.
#[tokio::test]
async fn a_key_is_told_nowhere() {
    let key = "k3yk3yk3y";
    let zone = format!("{key}.dq.test");
    for fault in [
        None,
        Some(Fault::Refused),
        Some(Fault::ServFail),
        Some(Fault::Silent),
        Some(Fault::NotImp),
        Some(Fault::Garbage),
    ] {
        let dns = dns(&fault
            .into_iter()
            .fold(Records::new(), |records, fault| {
                records.fault(&format!("1.2.0.192.{zone}"), fault)
            })
            .record(&format!("2.2.0.192.{zone}"), Data::A(CODE))
            .txt(&format!("2.2.0.192.{zone}"), &format!("see 2.2.0.192.{zone}, K3YK3YK3Y")));
        let keyed = Arc::new(List {
            zone: Zone::Keyed(zone.clone().into()),
            has_test_points: true,
            ..list("dqs")
        });
        let lookups = lookups(&dns, Manners::default());
        let mut told = String::new();
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
            told += &format!("{:?}\n", lookups.look_up(&keyed, &subject(address)).await);
        }
        told += &format!("{:?} {lookups:?}", lookups.look_at_health(&keyed).await);
        assert!(dns.asked(&format!("1.2.0.192.{zone}")) > 0, "it was asked with its key");
        assert!(!told.to_lowercase().contains(key), "{told}");
        if !matches!(fault, Some(Fault::Refused)) {
            assert!(told.contains("see 2.2.0.192.<secret>, <secret>"), "{fault:?}: {told}");
        }
    }
    // A subject that makes the name too long.
    let dns = dns(&Records::new());
    let keyed = Arc::new(List { zone: Zone::Keyed(zone.into()), ..list("dqs") });
    let long = format!("{}.test", ["x".repeat(60).as_str(); 4].join("."));
    let lookup = lookups(&dns, Manners::default()).look_up(&keyed, &subject(&long)).await;
    assert_eq!((word(&lookup), lookup.duration), ("clean", None), "no list can hold it");
    assert!(!format!("{lookup:?}").contains(key), "{lookup:?}");
}
