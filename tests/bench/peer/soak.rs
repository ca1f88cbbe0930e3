//! Servers for a soak: one of each fault, each on a port of its own on all loopback addresses, so
//! that a target is an address and a port. Their DNS knows names for some of the addresses.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use smtp_exporter::demo::zone::Fault;
use smtp_exporter::demo::{Authority, Behaviour, Certificate, Dns, Point, Server, Step, Zone};

/// Runs until standard input ends. `port` is the DNS's; the servers' follow.
pub(super) fn run(port: u16, directory: &Path) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _inside = runtime.enter();
    let authority = directory.join("ca.pem");
    std::fs::write(&authority, Authority::shared().unwrap().ca_pem()).unwrap();
    let dns = Dns::start(SocketAddr::from(([127, 0, 0, 1], port)), &zone()).unwrap();
    let mut servers = BTreeMap::new();
    for (place, (name, behaviour)) in faults().into_iter().enumerate() {
        let port = port + 1 + u16::try_from(place).unwrap();
        // Far above what a soak opens: a limit that it hits would be a fault of another kind.
        let behaviour = Behaviour { max_sessions: 16_000, ..behaviour.named("healthy.demo.test") };
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        servers.insert(name, Server::start(address, behaviour).unwrap());
    }
    let ports: BTreeMap<_, _> =
        servers.iter().map(|(name, server)| (*name, server.address().port())).collect();
    let dns = dns.address().to_string();
    println!(
        "{}",
        json!({"dns": dns, "ca_file": authority, "ports": ports, "names": NAMES, "domains": DOMAINS})
    );
    super::answer(|| {
        let each = servers.iter().map(|(name, server)| {
            let stats = server.stats();
            let (handshakes, open) = (stats.handshakes, stats.open);
            let counted = json!({"sessions": stats.sessions, "open": open, "handshakes": handshakes,
                "quit": stats.quit, "early": stats.early});
            ((*name).to_owned(), counted)
        });
        serde_json::Value::Object(each.collect())
    });
}

/// Every fault by its name. `refused` has no server, and so stands in the driver alone.
fn faults() -> Vec<(&'static str, Behaviour)> {
    vec![
        ("healthy", Behaviour::healthy()),
        ("nagling", Behaviour::nagling()),
        ("implicit", Behaviour::implicit_tls()),
        ("submission", Behaviour::submission()),
        ("plain", Behaviour::plain()),
        ("too_many", Behaviour::too_many_connections()),
        ("shutting_down", Behaviour::shutting_down()),
        ("no_service", Behaviour::no_service()),
        ("greylisting", Behaviour::greylisting(Duration::from_secs(300))),
        ("tarpit", Behaviour::dripped_greeting(Duration::from_millis(250))),
        ("teaser", Behaviour::teaser(Duration::from_secs(2))),
        ("silent", Behaviour::silent()),
        ("silent_ehlo", Behaviour::silent_at(Point::Ehlo)),
        ("silent_quit", Behaviour::no_quit_answer()),
        ("drops", Behaviour::drops()),
        ("resets", Behaviour::resets()),
        ("resets_in_tls", Behaviour::resetting(Point::EhloTls)),
        ("closes", Behaviour::closing_at(Point::Ehlo)),
        ("garbage", Behaviour::garbage()),
        ("http", Behaviour::http()),
        ("endless_reply", Behaviour::endless_reply()),
        ("starttls_missing", Behaviour::starttls_missing()),
        ("starttls_unavailable", Behaviour::starttls_unavailable()),
        ("handshake_stall", Behaviour::handshake_stall()),
        ("tls_garbage", tls_garbage()),
        ("tls10", Behaviour::tls10_only()),
        ("expired", Behaviour::with_certificate(Certificate::Expired)),
        ("all_wrong", Behaviour::with_certificate(Certificate::AllWrong)),
    ]
}

/// STARTTLS is granted, and then comes what is no TLS.
fn tls_garbage() -> Behaviour {
    let noise = Step::Bytes(b"220 2.0.0 go ahead\r\n\x00\xfe\x93\x01 no record\r\n".to_vec());
    Behaviour::healthy().on(Point::Starttls, [noise, Step::Close])
}

/// `n0.soak.test` and up are 127.2.0.1 and up, as the driver counts them; one name does not exist,
/// and the servers of another are broken. `d0.soak.test` and up are domains that send mail, each
/// fourth with records as they should be, and a block list knows each tenth of 192.0.2.0/24.
fn zone() -> Zone {
    let mut zone = Zone::new().fault("servfail.soak.test", Fault::ServFail);
    for i in 0..NAMES {
        let address = Ipv4Addr::new(127, 2, (i / 250) as u8, (i % 250 + 1) as u8);
        zone = zone.address(&format!("n{i}.soak.test"), address);
    }
    for i in 0..DOMAINS {
        zone = domain(zone, i);
    }
    for i in (0..250).step_by(10) {
        let name = format!("{i}.2.0.192.list.soak.test");
        zone = zone.address(&name, Ipv4Addr::new(127, 0, 0, 2)).txt(&name, "listed");
    }
    // The two that say that a list works (RFC 5782, 5).
    zone.address("2.0.0.127.list.soak.test", Ipv4Addr::new(127, 0, 0, 2))
        .fault("list.silent.test", Fault::Silent)
}

fn domain(zone: Zone, i: u32) -> Zone {
    let name = format!("d{i}.soak.test");
    let of = |label: &str| format!("{label}.{name}");
    let zone = zone.mx(&name, 10, &format!("n{i}.soak.test"));
    match i % 4 {
        0 => zone
            .txt(&name, "v=spf1 mx ip4:192.0.2.0/24 -all")
            .txt(&of("_dmarc"), &format!("v=DMARC1; p=reject; rua=mailto:dmarc@{name}"))
            .txt(&of("_smtp._tls"), &format!("v=TLSRPTv1; rua=mailto:tls@{name}"))
            .txt(&of("_mta-sts"), "v=STSv1; id=1"),
        // It includes itself.
        1 => zone.txt(&name, &format!("v=spf1 include:{name} +all")).txt(&of("_dmarc"), "v=DMARC1"),
        2 => zone.fault(&of("_dmarc"), Fault::ServFail).fault(&of("s1._domainkey"), Fault::Silent),
        _ => zone,
    }
}

/// How many targets can be had by name.
const NAMES: u32 = 500;
/// How many domains there are; fewer than names.
const DOMAINS: u32 = 200;
