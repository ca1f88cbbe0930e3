//! The demo's whole set: every exhibit is there, on its own address, under its own name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use smtp_exporter::demo::{Behaviour, EXHIBITS, Server, World};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What a server says first, cut at 60 bytes.
async fn first_words(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = Vec::with_capacity(60);
    stream.read_buf(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn every_exhibit_has_its_own_address_and_name() {
    let world = World::start().unwrap();
    let addresses: BTreeSet<IpAddr> =
        EXHIBITS.iter().filter_map(|e| world.server(e.name)).map(|s| s.address().ip()).collect();
    let with_server = EXHIBITS.iter().filter(|e| world.server(e.name).is_some()).count();
    assert_eq!(addresses.len(), with_server);
    assert_eq!(with_server, EXHIBITS.len() - 3, "null MX, missing and SERVFAIL have none");
    for exhibit in EXHIBITS {
        assert_eq!(EXHIBITS.iter().filter(|other| other.name == exhibit.name).count(), 1);
        let Some(server) = world.server(exhibit.name) else { continue };
        assert_eq!(server.address().port(), world.port());
    }
    for (name, start) in [
        ("healthy", "220 healthy.demo.test ESMTP\r\n"),
        ("slow-greeting", "220 slow-greeting.demo.test"),
        ("too-many-connections", "421 4.7.0 too-many-connections.demo.test Error: too many"),
        ("shutting-down", "421 4.3.2 shutting-down.demo.test Service"),
        ("drops", ""),
        ("pair", "220 mx1.pair.demo.test ESMTP"),
    ] {
        let words = first_words(world.server(name).unwrap().address()).await;
        assert!(words.starts_with(start) && (!start.is_empty() || words.is_empty()), "{words}");
    }
    assert!(world.server("null-mx").is_none() && world.server("no such").is_none());
}

#[tokio::test]
async fn the_pair_has_both_families_and_a_dead_backup() {
    let world = World::start().unwrap();
    let families: Vec<bool> =
        world.server("pair").unwrap().addresses().iter().map(SocketAddr::is_ipv6).collect();
    assert_eq!(families, if world.has_ipv6() { vec![false, true] } else { vec![false] });
    let dead = SocketAddr::from(([127, 0, 50, 99], world.port()));
    let error = TcpStream::connect(dead).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn several_worlds_stand_side_by_side_and_stop() {
    let first = World::start().unwrap();
    let second = World::start().unwrap();
    assert_ne!(first.port(), second.port());
    let address = first.server("healthy").unwrap().address();
    first.stop().await;
    let again = Server::start(address, Behaviour::plain()).unwrap();
    assert_eq!(again.address(), address, "the port is free again");
    assert!(first_words(second.server("healthy").unwrap().address()).await.starts_with("220"));
}

#[tokio::test]
async fn the_configuration_names_every_exhibit_and_says_what_it_shows() {
    let world = World::start().unwrap();
    let ca_file = Path::new("/tmp/a \"quoted\" directory/ca.pem");
    let yaml = world.config_yaml(ca_file);
    let value: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(value["tls"]["ca_file"], ca_file.to_str().unwrap());
    assert_eq!(value["exporter"]["helo"], "probe.demo.test");
    assert_eq!(value["dns"]["servers"][0], world.dns().address().to_string());
    let modules = value["modules"].as_object().unwrap();
    assert!(modules.values().all(|module| module["port"] == world.port()));
    let targets = value["targets"].as_array().unwrap();
    assert_eq!(targets.len(), EXHIBITS.len());
    for (exhibit, target) in EXHIBITS.iter().zip(targets) {
        assert_eq!(target["name"], exhibit.name);
        assert!(yaml.contains(&format!("  # {}\n  - {{name: {}", exhibit.shows, exhibit.name)));
        for module in target["modules"].as_array().unwrap() {
            assert!(modules.contains_key(module.as_str().unwrap()), "{module}");
        }
        let place = if exhibit.is_domain() { "domain" } else { "host" };
        assert!(target[place].as_str().unwrap().ends_with(".demo.test"), "{target}");
    }
    assert!(world.ca_pem().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[tokio::test]
async fn the_configuration_loads_as_any_other() {
    let world = World::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (ca_file, file) = (folder.path().join("ca.pem"), folder.path().join("demo.yml"));
    std::fs::write(&ca_file, world.ca_pem().unwrap()).unwrap();
    std::fs::write(&file, world.config_yaml(&ca_file)).unwrap();
    let config = smtp_exporter::config::load(Some(&file), &BTreeMap::new()).unwrap();
    assert_eq!(config.policy.dns_servers, [world.dns().address()]);
    assert_eq!(config.policy.ca_file, Some(ca_file));
    let checks = config.checks();
    assert_eq!(checks.len(), EXHIBITS.iter().map(|e| e.modules.len()).sum::<usize>());
    assert!(checks.iter().all(|check| check.interval().as_secs() == 5));
}
