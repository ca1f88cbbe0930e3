//! The demo's DNS answers as its zone says, seen through the resolver that the product uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use smtp_exporter::demo::{Dns, Fault, World, Zone};
use tokio::time::Instant;

fn start(zone: &Zone) -> (Dns, TokioResolver) {
    let dns = Dns::start("127.0.0.1:0".parse().unwrap(), zone).unwrap();
    let resolver = resolver(dns.address());
    (dns, resolver)
}

fn resolver(address: SocketAddr) -> TokioResolver {
    let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
    udp.port = address.port();
    tcp.port = address.port();
    let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.attempts = 0;
    options.timeout = Duration::from_secs(1);
    options.cache_size = 0;
    builder.build().unwrap()
}

/// The answer's data in text, or what went wrong.
async fn ask(
    resolver: &TokioResolver,
    name: &str,
    kind: RecordType,
) -> Result<Vec<String>, String> {
    match resolver.lookup(name, kind).await {
        Ok(lookup) => Ok(lookup.answers().iter().map(|record| record.data.to_string()).collect()),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
            ResponseCode::NXDomain => Err("nxdomain".to_owned()),
            ResponseCode::NoError => Err("nodata".to_owned()),
            code => Err(code.to_string()),
        },
        Err(NetError::Dns(DnsError::ResponseCode(code))) => Err(format!("{code:?}")),
        Err(NetError::Timeout) => Err("timeout".to_owned()),
        Err(error) => Err(format!("other: {error}")),
    }
}

#[tokio::test]
async fn records_of_every_kind() {
    let zone = Zone::new()
        .address("mx.demo.test", Ipv4Addr::new(127, 0, 50, 1))
        .address("mx.demo.test", Ipv6Addr::LOCALHOST)
        .mx("demo.test", 10, "mx.demo.test")
        .mx("demo.test", 20, "backup.demo.test")
        .mx("null.test", 0, ".")
        .cname("www.demo.test", "alias.demo.test")
        .cname("alias.demo.test", "mx.demo.test")
        .txt("demo.test", "v=spf1 -all")
        .ptr(Ipv4Addr::new(192, 0, 2, 1), "mx.demo.test");
    let (dns, resolver) = start(&zone);
    let ok = |texts: &[&str]| Ok(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    assert_eq!(ask(&resolver, "MX.demo.test.", RecordType::A).await, ok(&["127.0.50.1"]));
    assert_eq!(ask(&resolver, "mx.demo.test.", RecordType::AAAA).await, ok(&["::1"]));
    let mx = ask(&resolver, "demo.test.", RecordType::MX).await;
    assert_eq!(mx, ok(&["10 mx.demo.test.", "20 backup.demo.test."]));
    assert_eq!(ask(&resolver, "null.test.", RecordType::MX).await, ok(&["0 ."]));
    assert_eq!(ask(&resolver, "demo.test.", RecordType::TXT).await, ok(&["v=spf1 -all"]));
    let ptr = ask(&resolver, "1.2.0.192.in-addr.arpa.", RecordType::PTR).await;
    assert_eq!(ptr, ok(&["mx.demo.test."]));
    let chain = ask(&resolver, "www.demo.test.", RecordType::A).await.unwrap();
    assert!(chain.contains(&"127.0.50.1".to_owned()), "{chain:?}");
    assert_eq!(dns.asked("MX.demo.test"), 2, "A and AAAA");
    assert_eq!(dns.questions().get(&("demo.test".to_owned(), "MX".to_owned())), Some(&1));
    let ttl = resolver.lookup("mx.demo.test.", RecordType::A).await.unwrap().answers()[0].ttl;
    assert_eq!(ttl, 5);
}

#[tokio::test]
async fn faults_are_told_apart() {
    let here = Ipv4Addr::LOCALHOST;
    let zone = Zone::new()
        .address("here.test", here)
        .fault("nx.test", Fault::NxDomain)
        .fault("nodata.test", Fault::NoData)
        .fault("servfail.test", Fault::ServFail)
        .fault("refused.test", Fault::Refused)
        .fault("notimp.test", Fault::NotImp)
        .fault("silent.test", Fault::Silent)
        .address("half.test", here)
        .fault_of("half.test", RecordType::AAAA, Fault::ServFail);
    let (_dns, resolver) = start(&zone);
    for (name, kind, wanted) in [
        ("here.test.", RecordType::AAAA, "nodata"),
        ("nowhere.test.", RecordType::A, "nxdomain"),
        ("nx.test.", RecordType::A, "nxdomain"),
        ("nodata.test.", RecordType::A, "nodata"),
        ("servfail.test.", RecordType::A, "ServFail"),
        ("refused.test.", RecordType::A, "Refused"),
        ("notimp.test.", RecordType::A, "NotImp"),
        ("silent.test.", RecordType::A, "timeout"),
        ("half.test.", RecordType::AAAA, "ServFail"),
    ] {
        assert_eq!(ask(&resolver, name, kind).await, Err(wanted.to_owned()), "{name} {kind}");
    }
    assert!(ask(&resolver, "half.test.", RecordType::A).await.is_ok());
    assert!(ask(&resolver, ".", RecordType::NS).await.is_ok(), "the root answers beside them");
}

#[tokio::test]
async fn a_broken_resolver_fails_even_the_root() {
    let (dns, resolver) = start(&Zone::new().broken(Fault::ServFail));
    assert_eq!(ask(&resolver, ".", RecordType::NS).await, Err("ServFail".to_owned()));
    dns.set_zone(&Zone::new()).unwrap();
    assert!(ask(&resolver, ".", RecordType::NS).await.is_ok());
    assert_eq!(dns.asked(""), 2);
}

#[tokio::test]
async fn a_truncated_answer_is_fetched_over_tcp() {
    let mut zone = Zone::new().truncate("cut.test").address("cut.test", Ipv4Addr::LOCALHOST);
    // A real one besides: 100 addresses do not fit into a UDP answer.
    for last in 0..100 {
        zone = zone.address("big.test", Ipv4Addr::new(192, 0, 2, last));
    }
    let (dns, resolver) = start(&zone);
    assert_eq!(ask(&resolver, "cut.test.", RecordType::A).await, Ok(vec!["127.0.0.1".to_owned()]));
    assert_eq!(dns.asked("cut.test"), 2, "once over UDP, once over TCP");
    assert_eq!(ask(&resolver, "big.test.", RecordType::A).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_delay_delays_its_name_and_no_other() {
    let zone = Zone::new()
        .address("late.test", Ipv4Addr::LOCALHOST)
        .delay("late.test", Duration::from_millis(300))
        .address("prompt.test", Ipv4Addr::LOCALHOST);
    let (_dns, resolver) = start(&zone);
    let begin = Instant::now();
    let (late, prompt) = tokio::join!(
        async { ask(&resolver, "late.test.", RecordType::A).await.map(|_| begin.elapsed()) },
        async { ask(&resolver, "prompt.test.", RecordType::A).await.map(|_| begin.elapsed()) },
    );
    assert!(late.unwrap() >= Duration::from_millis(300));
    assert!(prompt.unwrap() < Duration::from_millis(250));
}

#[tokio::test]
async fn hostile_bytes_are_survived() {
    let (dns, resolver) = start(&Zone::new().address("here.test", Ipv4Addr::LOCALHOST));
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for bytes in [&b""[..], &b"\x00"[..], &[0xff; 64][..], &[0; 12][..], &[0xc0; 600][..]] {
        socket.send_to(bytes, dns.address()).await.unwrap();
    }
    let answer = resolver.lookup_ip("here.test.").await.unwrap();
    assert_eq!(answer.iter().collect::<Vec<IpAddr>>(), [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
}

#[tokio::test]
async fn a_cname_is_shown_as_such() {
    let (_dns, resolver) = start(&Zone::new().cname("a.test", "b.test"));
    let lookup = resolver.lookup("a.test.", RecordType::CNAME).await.unwrap();
    assert!(matches!(&lookup.answers()[0].data, RData::CNAME(to) if to.0.to_ascii() == "b.test."));
}

#[tokio::test]
async fn the_demo_world_is_found_by_name() {
    let world = World::start().unwrap();
    let resolver = resolver(world.dns().address());
    let healthy = world.server("healthy").unwrap().address().ip().to_string();
    let a = ask(&resolver, "healthy.demo.test.", RecordType::A).await;
    assert_eq!(a, Ok(vec![healthy]));
    let mx = ask(&resolver, "pair.demo.test.", RecordType::MX).await.unwrap();
    assert_eq!(mx, ["10 mx1.pair.demo.test.", "20 mx2.pair.demo.test."]);
    let v6 = ask(&resolver, "mx1.pair.demo.test.", RecordType::AAAA).await;
    assert_eq!(v6.is_ok(), world.has_ipv6());
    assert_eq!(
        ask(&resolver, "mx2.pair.demo.test.", RecordType::A).await,
        Ok(vec!["127.0.50.99".to_owned()])
    );
    assert_eq!(
        ask(&resolver, "null-mx.demo.test.", RecordType::MX).await,
        Ok(vec!["0 .".to_owned()])
    );
    assert_eq!(
        ask(&resolver, "missing.demo.test.", RecordType::A).await,
        Err("nxdomain".to_owned())
    );
    assert_eq!(
        ask(&resolver, "servfail.demo.test.", RecordType::A).await,
        Err("ServFail".to_owned())
    );
}
