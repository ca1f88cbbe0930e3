//! Questions of posture: every outcome told apart, and what DNSSEC proves.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use hickory_resolver::proto::rr::rdata::{A, CNAME, MX, PTR, TLSA, TXT};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use smtp_exporter::net::records::{MAX_EXCHANGES, Records, Session};
use smtp_exporter::posture::{Answer, Data, Kind, Outcome, Proof, Question, Trouble};

use super::fake_dns::{FakeDns, Say, a, aaaa, cname, mx, name};
use super::signed::Signed;

const TIMEOUT: Duration = Duration::from_millis(400);

fn session(servers: &[SocketAddr]) -> Session {
    Records::new(servers, TIMEOUT, None).unwrap().session()
}

fn question(name: &str, kind: Kind) -> Question {
    Question::new(name, kind)
}

fn record(owner: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(owner), ttl, data)
}

fn txt(owner: &str, parts: &[&[u8]]) -> Record {
    record(owner, 60, RData::TXT(TXT::from_bytes(parts.to_vec())))
}

async fn odd_server() -> FakeDns {
    FakeDns::start(|name, kind| match (&*name.to_ascii_lowercase(), kind) {
        ("good.test", RecordType::TXT) => Say::Records(vec![
            txt("good.test", &[b"v=spf1 ", b"-all"]),
            txt("good.test", &[b"other \xff"]),
            txt("elsewhere.test", &[b"nobody asked"]),
        ]),
        ("good.test", RecordType::A) => {
            let short = record("good.test", 7, RData::A(A(Ipv4Addr::new(192, 0, 2, 1))));
            Say::Records(vec![a("good.test", "192.0.2.2"), short])
        }
        ("good.test", RecordType::AAAA) => Say::Records(vec![aaaa("good.test", "2001:db8::1")]),
        ("good.test", RecordType::MX) => {
            Say::Records(vec![mx("good.test", 10, "MX1.good.test"), mx("good.test", 0, ".")])
        }
        ("25.2.0.192.in-addr.arpa", RecordType::PTR) => {
            let named = RData::PTR(PTR(name_of("mx.good.test")));
            Say::Records(vec![record("25.2.0.192.in-addr.arpa", 60, named)])
        }
        ("alias.test", _) => {
            Say::Records(vec![cname("alias.test", "Next.test"), a("next.test", "192.0.2.66")])
        }
        ("next.test", RecordType::A) => Say::Records(vec![a("next.test", "192.0.2.3")]),
        ("dead.test", _) => Say::Records(vec![cname("dead.test", "nobody.test")]),
        ("one.test", _) => Say::Records(vec![cname("one.test", "two.test")]),
        ("two.test", _) => Say::Records(vec![cname("two.test", "one.test")]),
        ("long.test", _) => Say::OverTcp(vec![txt("long.test", &[&[b'x'; 255][..]; 8])]),
        ("servfail.test", _) => Say::Code(ResponseCode::ServFail),
        ("refused.test", _) => Say::Code(ResponseCode::Refused),
        ("notimp.test", _) => Say::Code(ResponseCode::NotImp),
        ("formerr.test", _) => Say::Code(ResponseCode::FormErr),
        ("referral.test", _) => Say::Referral,
        ("silent.test", _) => Say::Nothing,
        ("garbage.test", _) => Say::Garbage,
        ("good.test" | "next.test", _) => Say::Nodata,
        _ => Say::Code(ResponseCode::NXDomain),
    })
    .await
}

fn name_of(text: &str) -> hickory_resolver::proto::rr::Name {
    name(text)
}

#[tokio::test]
async fn every_outcome_is_told_apart() {
    let dns = odd_server().await;
    let session = session(&[dns.address]);
    let failed = Outcome::Failed;
    let address = |text: &str| Data::Address(text.parse().unwrap());
    for (name, kind, outcome) in [
        (
            "good.test",
            Kind::Txt,
            Outcome::Found(vec![
                Data::Text(b"v=spf1 -all".to_vec()),
                Data::Text(b"other \xff".to_vec()),
            ]),
        ),
        ("GOOD.test", Kind::A, Outcome::Found(vec![address("192.0.2.2"), address("192.0.2.1")])),
        ("good.test.", Kind::Aaaa, Outcome::Found(vec![address("2001:db8::1")])),
        (
            "good.test",
            Kind::Mx,
            Outcome::Found(vec![
                Data::Mx(10, "MX1.good.test".to_owned()),
                Data::Mx(0, String::new()),
            ]),
        ),
        ("192.0.2.25", Kind::Ptr, Outcome::Found(vec![Data::Name("mx.good.test".to_owned())])),
        (
            "25.2.0.192.in-addr.arpa",
            Kind::Ptr,
            Outcome::Found(vec![Data::Name("mx.good.test".to_owned())]),
        ),
        ("long.test", Kind::Txt, Outcome::Found(vec![Data::Text(vec![b'x'; 255 * 8])])),
        ("good.test", Kind::Tlsa, Outcome::NoData),
        ("nobody.test", Kind::Txt, Outcome::NoName),
        ("dead.test", Kind::A, Outcome::NoName),
        ("alias.test", Kind::Mx, Outcome::NoData),
        ("one.test", Kind::A, failed(Trouble::Servfail)),
        ("servfail.test", Kind::Txt, failed(Trouble::Servfail)),
        ("refused.test", Kind::Txt, failed(Trouble::Refused)),
        ("notimp.test", Kind::Txt, failed(Trouble::Refused)),
        ("referral.test", Kind::Txt, failed(Trouble::Refused)),
        ("formerr.test", Kind::Txt, failed(Trouble::Malformed)),
        ("silent.test", Kind::Txt, failed(Trouble::Timeout)),
        ("", Kind::Txt, Outcome::NoName),
        ("a..b.test", Kind::Txt, Outcome::NoName),
    ] {
        let answer = session.ask(&question(name, kind)).await;
        assert_eq!((&answer.outcome, answer.proof), (&outcome, Proof::Indeterminate), "{name}");
    }
    let long = format!("{}.test", "x".repeat(64));
    assert_eq!(session.ask(&question(&long, Kind::Txt)).await.outcome, Outcome::NoName);
    let garbage = session.ask(&question("garbage.test", Kind::Txt)).await.trouble();
    assert!(matches!(garbage, Some(Trouble::Malformed | Trouble::Timeout)), "{garbage:?}");
}

#[tokio::test]
async fn aliases_and_lifetimes_are_told() {
    let dns = odd_server().await;
    let session = session(&[dns.address]);
    let answer = session.ask(&question("alias.test", Kind::A)).await;
    assert_eq!(answer.canonical.as_deref(), Some("next.test"));
    // What the answer says of the target beside the alias is not taken on trust.
    assert_eq!(answer.records(), [Data::Address("192.0.2.3".parse().unwrap())]);
    let answer = session.ask(&question("good.test", Kind::A)).await;
    assert_eq!((answer.ttl, answer.canonical), (Some(Duration::from_secs(7)), None));
    let answer = session.ask(&question("nobody.test", Kind::A)).await;
    assert_eq!(answer.ttl, Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_question_is_asked_once_by_all_who_want_it() {
    let dns = odd_server().await;
    let session = session(&[dns.address]);
    let asked = question("good.test", Kind::Txt);
    let (one, two) = tokio::join!(session.ask(&asked), session.ask(&asked));
    let other = question("Good.TEST.", Kind::Txt);
    assert_eq!((&one, &one), (&two, &session.ask(&other).await));
    assert_eq!((dns.questions(), session.exchanged()), (1, 1));
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_fails_and_the_most_telling_failure_is_told() {
    let good = odd_server().await;
    let silent = FakeDns::start(|_, _| Say::Nothing).await;
    let broken = FakeDns::start(|_, _| Say::Code(ResponseCode::ServFail)).await;
    let asked = question("good.test", Kind::Txt);
    for first in [&silent, &broken] {
        let session = session(&[first.address, good.address]);
        assert_eq!(session.ask(&asked).await.texts().count(), 2);
    }
    for servers in [[&silent, &broken], [&broken, &silent]] {
        let session = session(&servers.map(|server| server.address));
        assert_eq!(session.ask(&asked).await.trouble(), Some(Trouble::Servfail));
    }
}

#[tokio::test]
async fn a_session_does_not_ask_for_ever() {
    let dns = FakeDns::start(|_, _| Say::Code(ResponseCode::NXDomain)).await;
    let session = session(&[dns.address]);
    for number in 0..MAX_EXCHANGES {
        let answer = session.ask(&question(&format!("n{number}.test"), Kind::A)).await;
        assert_eq!(answer.outcome, Outcome::NoName);
    }
    let more = session.ask(&question("more.test", Kind::A)).await;
    assert_eq!(more.trouble(), Some(Trouble::Ours));
    assert_eq!(dns.questions(), MAX_EXCHANGES);
}

/// A resolver that drops signatures proves nothing, and forges nothing either.
#[tokio::test]
async fn without_signatures_nothing_is_proven() {
    let dns = odd_server().await;
    let session = session(&[dns.address]);
    let answer = session.ask_secure(&question("good.test", Kind::Aaaa)).await;
    assert!(matches!(answer.outcome, Outcome::Found(_)), "{answer:?}");
    assert_eq!(answer.proof, Proof::Indeterminate);
    let answer = session.ask_secure(&question("servfail.test", Kind::Aaaa)).await;
    assert_eq!(answer.trouble(), Some(Trouble::Servfail));
}

#[tokio::test]
async fn signatures_are_checked_up_to_the_anchor() {
    let mut zone = Signed::new("lab.test");
    zone.add("lab.test", RData::MX(MX::new(10, name("mx.lab.test"))));
    zone.add("mx.lab.test", RData::A(A(Ipv4Addr::new(192, 0, 2, 1))));
    zone.add("bad.lab.test", RData::A(A(Ipv4Addr::new(192, 0, 2, 2))));
    zone.add("alias.lab.test", RData::CNAME(CNAME(name("mx.lab.test"))));
    zone.add("out.lab.test", RData::CNAME(CNAME(name("mx.plain.lab.test"))));
    let tlsa = TLSA::new(CertUsage::DaneEe, Selector::Spki, Matching::Sha256, vec![7; 32]);
    zone.add("_25._tcp.mx.lab.test", RData::TLSA(tlsa));
    zone.delegate("plain.lab.test");
    zone.add("mx.plain.lab.test", RData::A(A(Ipv4Addr::new(192, 0, 2, 3))));
    zone.forged.push("bad.lab.test".to_owned());
    let directory = tempfile::tempdir().unwrap();
    let anchor = zone.anchor(directory.path());
    let dns = FakeDns::start({
        let zone = Arc::new(zone);
        move |name, kind| match name {
            "broken.lab.test" => Say::Code(ResponseCode::ServFail),
            _ => zone.say(name, kind),
        }
    })
    .await;
    let records = Records::new(&[dns.address], TIMEOUT, Some(&anchor)).unwrap();
    let session = records.session();
    for (name, kind, found, proof) in [
        ("lab.test", Kind::Mx, true, Proof::Secure),
        ("mx.lab.test", Kind::A, true, Proof::Secure),
        ("mx.lab.test", Kind::Aaaa, false, Proof::Secure),
        ("nobody.lab.test", Kind::Tlsa, false, Proof::Secure),
        ("_25._tcp.mx.lab.test", Kind::Tlsa, true, Proof::Secure),
        ("alias.lab.test", Kind::A, true, Proof::Secure),
        ("out.lab.test", Kind::A, true, Proof::Insecure),
        ("mx.plain.lab.test", Kind::A, true, Proof::Insecure),
        ("mx.plain.lab.test", Kind::Tlsa, false, Proof::Insecure),
        ("bad.lab.test", Kind::A, false, Proof::Bogus),
        ("broken.lab.test", Kind::A, false, Proof::Indeterminate),
    ] {
        let answer: Answer = session.ask_secure(&question(name, kind)).await;
        let seen = matches!(answer.outcome, Outcome::Found(_));
        assert_eq!((seen, answer.proof), (found, proof), "{kind} {name}: {answer:?}");
        let bogus = answer.trouble() == Some(Trouble::Bogus);
        assert_eq!(bogus, proof == Proof::Bogus, "{kind} {name}: {answer:?}");
    }
    let answer = session.ask_secure(&question("broken.lab.test", Kind::A)).await;
    assert_eq!(answer.trouble(), Some(Trouble::Servfail));
    // A key that is not the zone's: nothing is trusted, and so nothing is called forged.
    let strange = Signed::new("lab.test").anchor(directory.path());
    let session = Records::new(&[dns.address], TIMEOUT, Some(&strange)).unwrap().session();
    let answer = session.ask_secure(&question("bad.lab.test", Kind::A)).await;
    assert_eq!(answer.proof, Proof::Indeterminate);
}
