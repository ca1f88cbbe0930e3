//! What the resolver makes of every kind of answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Record, RecordType};
use smtp_exporter::cause::{Blame, Cause};
use smtp_exporter::net::dns::{MAX_MAIL_EXCHANGERS, Resolver};
use smtp_exporter::observation::{DnsReason, Failure};
use smtp_exporter::smtp::Phase;
use smtp_exporter::target::Family;
use tokio::time::Instant;

use super::fake_dns::{FakeDns, Say, a, aaaa, cname, mx};

const BOTH: &[Family] = &[Family::Ipv4, Family::Ipv6];
const TIMEOUT: Duration = Duration::from_millis(1500);

fn resolver(servers: &[SocketAddr]) -> Resolver {
    Resolver::new(servers, TIMEOUT).unwrap()
}

/// A zone with one name of every kind.
fn zone(name: &str, kind: RecordType) -> Say {
    let address = |v4: Vec<Record>, v6: Vec<Record>| match kind {
        RecordType::A if !v4.is_empty() => Say::Records(v4),
        RecordType::AAAA if !v6.is_empty() => Say::Records(v6),
        _ => Say::Nodata,
    };
    match name {
        "both.test" => address(
            vec![a(name, "192.0.2.9"), a(name, "192.0.2.1"), a(name, "192.0.2.9")],
            vec![
                aaaa(name, "2001:db8::2"),
                aaaa(name, "::ffff:192.0.2.1"),
                aaaa(name, "2001:db8::1"),
            ],
        ),
        "six.test" => address(vec![], vec![aaaa(name, "2001:db8::6")]),
        "half.test" if kind == RecordType::AAAA => Say::Code(ResponseCode::ServFail),
        "half.test" => address(vec![a(name, "192.0.2.5")], vec![]),
        "doubt.test" if kind == RecordType::AAAA => Say::Code(ResponseCode::ServFail),
        "none.test" | "doubt.test" => Say::Nodata,
        "broken.test" => Say::Code(ResponseCode::ServFail),
        "refused.test" => Say::Code(ResponseCode::Refused),
        "notimp.test" => Say::Code(ResponseCode::NotImp),
        "garbage.test" => Say::Garbage,
        "silent.test" => Say::Nothing,
        "referral.test" => Say::Referral,
        "large.test" if kind == RecordType::A => {
            Say::OverTcp((0..250).map(|n| a(name, &format!("198.51.100.{n}"))).collect())
        }
        "mixed.test" => address(vec![a("other.test", "192.0.2.66"), a(name, "192.0.2.4")], vec![]),
        "stranger.test" => address(vec![a("other.test", "192.0.2.66")], vec![]),
        "alias.test" => address(
            vec![
                cname(name, "middle.test"),
                cname("middle.test", "end.test"),
                a("end.test", "192.0.2.7"),
            ],
            vec![cname(name, "middle.test")],
        ),
        "middle.test" | "end.test" if kind == RecordType::AAAA => {
            Say::Records(vec![aaaa(name, "2001:db8::7")])
        }
        "lost.test" => Say::Records(vec![cname(name, "missing.test")]),
        "circle.test" => Say::Records(vec![cname(name, "back.test")]),
        "back.test" => Say::Records(vec![cname(name, "circle.test")]),
        "mail.test" => Say::Records(vec![
            mx(name, 20, "mx2.test"),
            mx(name, 10, "MX1.test"),
            mx(name, 20, "mx2.test"),
        ]),
        "nullmx.test" => Say::Records(vec![mx(name, 0, ".")]),
        "badmx.test" => Say::Records(vec![mx(name, 0, "."), mx(name, 5, "192.0.2.1")]),
        "many.test" => {
            Say::OverTcp((0..1200).map(|n| mx(name, n, &format!("m{n}.test"))).collect())
        }
        _ => Say::Code(ResponseCode::NXDomain),
    }
}

async fn failed(name: &str) -> Failure {
    let dns = FakeDns::start(zone).await;
    let failure = resolver(&[dns.address]).addresses(name, BOTH).await.unwrap_err();
    assert_eq!(failure.phase, Phase::Resolve);
    assert_eq!(failure.cause, Cause::DnsFailure);
    assert!(failure.detail.contains(name), "{}", failure.detail);
    assert!(failure.detail.contains(&dns.address.to_string()), "{}", failure.detail);
    failure
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn addresses_are_sorted_canonical_and_each_once() {
    let dns = FakeDns::start(zone).await;
    let resolver = resolver(&[dns.address]);
    let all = resolver.addresses("both.test", BOTH).await.unwrap();
    assert_eq!(all, addresses(&["192.0.2.1", "192.0.2.9", "2001:db8::1", "2001:db8::2"]));
    let four = resolver.addresses("both.test.", &[Family::Ipv4]).await.unwrap();
    assert_eq!(four, addresses(&["192.0.2.1", "192.0.2.9"]));
    // Records of other names stand in an answer unasked.
    assert_eq!(resolver.addresses("mixed.test", BOTH).await.unwrap(), addresses(&["192.0.2.4"]));
    assert_eq!(resolver.addresses("six.test", BOTH).await.unwrap(), addresses(&["2001:db8::6"]));
    let failure = resolver.addresses("six.test", &[Family::Ipv4]).await.unwrap_err();
    assert_eq!(failure.dns, Some(DnsReason::Nodata));
}

#[tokio::test]
async fn a_family_that_fails_does_not_spoil_the_other() {
    let dns = FakeDns::start(zone).await;
    let resolver = resolver(&[dns.address]);
    assert_eq!(resolver.addresses("half.test", BOTH).await.unwrap(), addresses(&["192.0.2.5"]));
    // No IPv4 address, and nothing known of IPv6: that is not "no address".
    let failure = resolver.addresses("doubt.test", BOTH).await.unwrap_err();
    assert_eq!(failure.dns, Some(DnsReason::Servfail));
}

#[tokio::test]
async fn outcomes_are_told_apart() {
    let expected = [
        ("missing.test", DnsReason::Nxdomain, Blame::Target, "NXDOMAIN"),
        ("none.test", DnsReason::Nodata, Blame::Target, "NODATA"),
        ("broken.test", DnsReason::Servfail, Blame::Target, "does answer for the root"),
        ("silent.test", DnsReason::Unanswered, Blame::Target, "does answer for the root"),
        ("refused.test", DnsReason::Refused, Blame::Exporter, "REFUSED"),
        ("notimp.test", DnsReason::Other, Blame::Exporter, "NOTIMP"),
        ("garbage.test", DnsReason::Other, Blame::Exporter, "no usable answer"),
        ("referral.test", DnsReason::Other, Blame::Exporter, "no recursion"),
        ("stranger.test", DnsReason::Nodata, Blame::Target, "NODATA"),
        ("lost.test", DnsReason::Nxdomain, Blame::Target, "NXDOMAIN"),
        ("circle.test", DnsReason::Nodata, Blame::Target, "in a circle"),
    ];
    for (name, reason, blame, text) in expected {
        let failure = failed(name).await;
        assert_eq!((failure.dns, failure.blame), (Some(reason), blame), "{name}: {failure:?}");
        assert!(failure.detail.contains(text), "{name}: {}", failure.detail);
    }
}

#[tokio::test]
async fn a_silent_resolver_ends_within_the_timeout_and_is_our_trouble() {
    let start = Instant::now();
    let silent = FakeDns::start(|_, _| Say::Nothing).await;
    let failure = resolver(&[silent.address]).addresses("both.test", BOTH).await.unwrap_err();
    assert_eq!((failure.dns, failure.blame), (Some(DnsReason::Timeout), Blame::Exporter));
    // The question's time, a second for the control question, and slack for a busy host.
    assert!(start.elapsed() < TIMEOUT + Duration::from_secs(2), "{:?}", start.elapsed());
    // Nobody listens there at all.
    let dead = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = resolver(&[dead]).addresses("both.test", BOTH).await.unwrap_err();
    assert_eq!(failure.blame, Blame::Exporter);
    assert!(failure.detail.contains(&dead.to_string()), "{}", failure.detail);
}

/// Whichever of the two is asked last: the control question goes to all that were silent.
#[tokio::test]
async fn a_silent_domain_is_theirs_when_one_of_the_resolvers_works() {
    let works = FakeDns::start(zone).await;
    let silent = FakeDns::start(|_, _| Say::Nothing).await;
    for servers in [[works.address, silent.address], [silent.address, works.address]] {
        let failure = resolver(&servers).addresses("silent.test", BOTH).await.unwrap_err();
        assert_eq!((failure.dns, failure.blame), (Some(DnsReason::Unanswered), Blame::Target));
    }
}

#[tokio::test]
async fn servfail_for_everything_is_the_resolvers_own_trouble() {
    let dns = FakeDns::start(|_, _| Say::Code(ResponseCode::ServFail)).await;
    let resolver = resolver(&[dns.address]);
    let failure = resolver.addresses("both.test", BOTH).await.unwrap_err();
    assert_eq!((failure.dns, failure.blame), (Some(DnsReason::ResolverServfail), Blame::Exporter));
    let failure = resolver.mail_exchangers("mail.test").await.unwrap_err();
    assert_eq!(failure.dns, Some(DnsReason::ResolverServfail));
}

#[tokio::test]
async fn a_resolver_that_breaks_is_seen_at_once() {
    let broken = Arc::new(AtomicBool::new(false));
    let state = broken.clone();
    let dns = FakeDns::start(move |name, _| match name {
        made_up if made_up.starts_with("smtp-exporter-") && !state.load(Ordering::Relaxed) => {
            Say::Code(ResponseCode::NXDomain)
        }
        _ => Say::Code(ResponseCode::ServFail),
    })
    .await;
    let resolver = resolver(&[dns.address]);
    let failure = resolver.addresses("x.test", BOTH).await.unwrap_err();
    assert_eq!(failure.dns, Some(DnsReason::Servfail));
    broken.store(true, Ordering::Relaxed);
    let failure = resolver.addresses("x.test", BOTH).await.unwrap_err();
    assert_eq!(failure.dns, Some(DnsReason::ResolverServfail));
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_is_of_no_use() {
    let good = FakeDns::start(zone).await;
    let useless: [fn() -> Say; 3] = [
        || Say::Nothing,
        || Say::Code(ResponseCode::Refused),
        || Say::Code(ResponseCode::ServFail),
    ];
    for first in useless {
        let bad = FakeDns::start(move |_, _| first()).await;
        let resolver = resolver(&[bad.address, good.address]);
        let found = resolver.addresses("six.test", BOTH).await.unwrap();
        assert_eq!(found, addresses(&["2001:db8::6"]));
        // The one that answered is asked first from now on.
        let before = bad.questions();
        let failure = resolver.addresses("missing.test", BOTH).await.unwrap_err();
        assert_eq!(failure.dns, Some(DnsReason::Nxdomain));
        assert_eq!(bad.questions(), before);
    }
    // All are named when none is of use.
    let refusing = FakeDns::start(|_, _| Say::Code(ResponseCode::Refused)).await;
    let silent = FakeDns::start(|_, _| Say::Nothing).await;
    let failure =
        resolver(&[silent.address, refusing.address]).addresses("x.test", BOTH).await.unwrap_err();
    assert_eq!(failure.dns, Some(DnsReason::Refused));
    for server in [&refusing, &silent] {
        assert!(failure.detail.contains(&server.address.to_string()), "{}", failure.detail);
    }
}

#[tokio::test]
async fn aliases_are_followed_and_told() {
    let dns = FakeDns::start(zone).await;
    let resolver = resolver(&[dns.address]);
    let host = resolver.host("alias.test", BOTH).await.unwrap();
    assert_eq!(host.addresses, addresses(&["192.0.2.7", "2001:db8::7"]));
    assert_eq!(host.canonical.as_deref(), Some("end.test"));
    let note = host.alias_note("alias.test").unwrap();
    assert!(note.contains("alias.test is an alias of end.test"), "{note}");
    assert_eq!(resolver.host("both.test", BOTH).await.unwrap().canonical, None);
}

#[tokio::test]
async fn answers_too_large_for_udp_come_over_tcp() {
    let dns = FakeDns::start(zone).await;
    let resolver = resolver(&[dns.address]);
    let found = resolver.addresses("large.test", &[Family::Ipv4]).await.unwrap();
    assert_eq!(found.len(), 250);
    let got = resolver.mail_exchangers("many.test").await.unwrap();
    assert_eq!((got.records, got.hosts.len()), (1200, MAX_MAIL_EXCHANGERS));
    assert_eq!(&*got.hosts[99].1, "m99.test");
}

#[tokio::test]
async fn answers_are_kept_and_failures_are_not() {
    let dns = FakeDns::start(zone).await;
    let resolver = resolver(&[dns.address]);
    for _ in 0..5 {
        resolver.addresses("both.test", BOTH).await.unwrap();
    }
    assert_eq!(dns.questions(), 2);
    for _ in 0..3 {
        resolver.addresses("refused.test", &[Family::Ipv4]).await.unwrap_err();
    }
    assert_eq!(dns.questions(), 5);
}

#[tokio::test]
async fn literals_and_names_that_cannot_be_are_never_asked_for() {
    let dns = FakeDns::start(zone).await;
    let resolver = resolver(&[dns.address]);
    let six = resolver.addresses("::ffff:192.0.2.1", BOTH).await.unwrap();
    assert_eq!(six, addresses(&["192.0.2.1"]));
    let loopback = resolver.addresses("localhost", BOTH).await.unwrap();
    assert_eq!(loopback, addresses(&["127.0.0.1", "::1"]));
    let long = format!("{}.test", "a".repeat(64));
    for bad in ["müller.test", "", "a..test", "a b.test", "a\\.b.test", &long, &"a.".repeat(130)] {
        let failure = resolver.addresses(bad, BOTH).await.unwrap_err();
        assert_eq!(failure.dns, Some(DnsReason::Other), "{bad}");
        assert!(failure.detail.contains("was not asked for"), "{}", failure.detail);
    }
    let failure = resolver.addresses("mx.invalid", BOTH).await.unwrap_err();
    assert_eq!(failure.dns, Some(DnsReason::Nxdomain));
    assert!(failure.detail.contains("reserved"), "{}", failure.detail);
    assert_eq!(dns.questions(), 0);
}

#[tokio::test]
async fn mail_exchangers_are_found() {
    let dns = FakeDns::start(zone).await;
    let resolver = resolver(&[dns.address]);
    let got = resolver.mail_exchangers("mail.test").await.unwrap();
    let hosts: Vec<_> = got.hosts.iter().map(|(p, host)| (*p, &**host)).collect();
    assert_eq!(hosts, [(10, "mx1.test"), (20, "mx2.test")]);
    assert_eq!((got.records, got.implicit), (3, false));
}

#[tokio::test]
async fn a_domain_without_mx_stands_for_itself() {
    let dns = FakeDns::start(zone).await;
    let resolver = resolver(&[dns.address]);
    let got = resolver.mail_exchangers("none.test.").await.unwrap();
    assert_eq!((got.records, got.implicit), (0, true));
    assert_eq!(got.hosts.iter().map(|(p, h)| (*p, &**h)).collect::<Vec<_>>(), [(0, "none.test")]);
    let expected = [
        ("nullmx.test", DnsReason::NullMx, Blame::Target),
        ("badmx.test", DnsReason::BadMx, Blame::Target),
        ("missing.test", DnsReason::Nxdomain, Blame::Target),
        ("broken.test", DnsReason::Servfail, Blame::Target),
        ("refused.test", DnsReason::Refused, Blame::Exporter),
    ];
    for (domain, reason, blame) in expected {
        let failure = resolver.mail_exchangers(domain).await.unwrap_err();
        assert_eq!((failure.dns, failure.blame), (Some(reason), blame), "{failure:?}");
    }
}

#[tokio::test]
async fn the_systems_resolver_can_be_built() {
    let resolver = Resolver::new(&[], TIMEOUT).unwrap();
    let found = resolver.addresses("127.0.0.1", BOTH).await.unwrap();
    assert_eq!(found, addresses(&["127.0.0.1"]));
    assert!(format!("{resolver:?}").contains(":53"));
}
