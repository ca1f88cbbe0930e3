//! Targets: how places are written, what is filled in, files of targets, and bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use smtp_exporter::config;
use smtp_exporter::target::{HostName, Place};

use super::{fixtures, load_fixture, load_text, messages};

#[test]
fn hosts_are_brought_into_one_form() {
    let cases = [
        ("MX1.Example.NET.", "mx1.example.net", None),
        ("mx1.example.net:2525", "mx1.example.net", Some(2525)),
        ("Mail.MÜNCHEN.example", "mail.xn--mnchen-3ya.example", None),
        ("192.0.2.1", "192.0.2.1", None),
        ("192.0.2.1:25", "192.0.2.1", Some(25)),
        ("::ffff:192.0.2.1", "192.0.2.1", None),
        ("2001:DB8:0::1", "2001:db8::1", None),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:587", "2001:db8::1", Some(587)),
    ];
    for (written, expected, expected_port) in cases {
        let yaml = format!("exporter: {{helo: p.example.net}}\ntargets: [{{host: \"{written}\"}}]");
        let config = load_text(yaml.as_bytes(), &[]).unwrap();
        let target = config.targets.values().next().unwrap();
        assert_eq!(&*target.name, written, "the name is the host as written");
        let Place::Host { host, port } = &target.place else { panic!("{written}") };
        assert_eq!((host.to_string().as_str(), *port), (expected, expected_port), "{written}");
        let literal = matches!(host, HostName::Address(_));
        assert_eq!(literal, expected.parse::<std::net::IpAddr>().is_ok());
    }
}

/// The command line and `/probe` take the same words as the file, and `domain:`.
#[test]
fn a_place_is_read_from_one_word() {
    assert_eq!(Place::parse("domain:Example.ORG."), Ok(Place::Domain("example.org".into())));
    let host = |host, port| Ok(Place::Host { host, port });
    assert_eq!(
        Place::parse("[2001:db8::1]:25"),
        host(HostName::Address("2001:db8::1".parse().unwrap()), Some(25))
    );
    assert_eq!(Place::parse("mx.example.org"), host(HostName::Name("mx.example.org".into()), None));
    for bad in ["", ":25", "domain:", "a b", "\r\n", "127.1", "mx.example.org:25:26", "[", "%", "@"]
    {
        assert!(Place::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn mapped_networks_and_addresses_are_ipv4() {
    let config = load_text(
        b"exporter: {own: ['::ffff:198.51.100.0/120']}\ntargets: [{host: '::ffff:198.51.100.7'}]\n",
        &[],
    )
    .unwrap();
    assert_eq!(config.policy.own.networks, ["198.51.100.0/24".parse().unwrap()]);
    assert_eq!(config.checks()[0].interval(), Duration::from_secs(60));
}

#[test]
fn gentle_intervals_are_filled_in_for_servers_that_are_not_ours() {
    let config = load_text(
        b"exporter: {helo: p.example.net, own: [example.net]}
modules: {login: {tls: required, auth: {username: u, password: p}}, daily: {interval: 24h}}
targets:
- {name: ours, host: mx.example.net, modules: [smtp, login, daily]}
- {name: theirs, host: mx.example.org, modules: [smtp, login, daily]}
- {name: private, host: 192.168.1.1}
- {name: look-alike, host: mx.notexample.net}
",
        &[],
    )
    .unwrap();
    let seconds: BTreeMap<(String, String), u64> = config
        .checks()
        .iter()
        .map(|c| ((c.target.name.to_string(), c.module.name.to_string()), c.interval().as_secs()))
        .collect();
    let of = |target: &str, module: &str| seconds[&(target.to_owned(), module.to_owned())];
    assert_eq!(of("ours", "smtp"), 60);
    assert_eq!(of("ours", "login"), 60);
    assert_eq!(of("ours", "daily"), 86400);
    assert_eq!(of("theirs", "smtp"), 900);
    assert_eq!(of("theirs", "login"), 300);
    assert_eq!(of("theirs", "daily"), 86400);
    assert_eq!(of("private", "smtp"), 60);
    assert_eq!(of("look-alike", "smtp"), 900);
}

#[test]
fn the_patterns_of_target_files_are_watched() {
    let path = PathBuf::from("tests/config/good/target_files.yml");
    let config = load_fixture(&path).unwrap();
    let watched: BTreeSet<String> = config
        .watched
        .iter()
        .flat_map(|pattern| config::matching(pattern))
        .map(|path| path.display().to_string())
        .collect();
    let expected = ["a.yml", "b.yml", "sd.json"].map(|n| format!("tests/config/good/files/{n}"));
    assert_eq!(watched, BTreeSet::from(expected));
    let json = &config.targets["[fd00::1]:587"];
    assert_eq!(&*json.modules[0].name, "submission");
    assert_eq!(json.labels["owner"], "aä/b");
    assert_eq!(config.targets["domain:example.net"].place, Place::Domain("example.net".into()));
}

/// Ten thousand targets are read in a moment, in a time that grows with their number alone.
#[test]
fn many_targets_and_many_values_are_bounded() {
    let mut yaml = "exporter: {helo: p.example.net}\ntargets:\n".to_owned();
    for n in 0..10_000 {
        yaml.push_str(&format!("- {{host: mx{n}.example.org, labels: {{team: t{n}}}}}\n"));
    }
    let config = load_text(yaml.as_bytes(), &[]).unwrap();
    assert_eq!(config.targets.len(), 10_000);
    // So much is wrong here that a list of all of it, with the nearest names, would never end.
    let wrong: String = (0..20_000).map(|n| format!("exporterr{n}: 1\n")).collect();
    let error = load_text(wrong.as_bytes(), &[]).unwrap_err();
    assert_eq!(error.0.len(), 1001, "1000, and that there is more");
    assert_eq!(load_text("k: 1\n".repeat(3000).as_bytes(), &[]).unwrap_err().0.len(), 1001);
    let wrong: String = (0..10_000).map(|n| format!("- {{host: h{n}, module: x}}\n")).collect();
    let error = load_text(format!("targets:\n{wrong}").as_bytes(), &[]).unwrap_err();
    assert_eq!(error.0.len(), 1001, "1000, and that there is more");
    let many = format!("x: [{}]", "1,".repeat(400_001));
    assert_eq!(
        messages(load_text(many.as_bytes(), &[])),
        ["the file holds more than 400000 values, aliases written out"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn arbitrary_bytes_end_in_a_value(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = load_text(&bytes, &[]).map(|config| config.summary());
    }

    /// Good files with a few bytes changed reach deeper than noise does.
    #[test]
    fn good_files_with_changed_bytes_end_in_a_value(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let files: Vec<PathBuf> = fixtures("good").into_iter().chain(fixtures("bad")).collect();
        let mut bytes = fs::read(which.get(&files)).unwrap();
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if let Err(error) = load_text(&bytes, &[]) {
            prop_assert!(!error.0.is_empty());
            for problem in error.0 {
                prop_assert!(!problem.to_string().contains('\n'), "{problem}");
            }
        }
    }

    #[test]
    fn arbitrary_hosts_end_in_a_value(host in "\\PC{0,40}", domain in "\\PC{0,40}") {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let yaml = format!("targets: [{{host: {}}}, {{domain: {}}}]", quoted(&host), quoted(&domain));
        if let Ok(config) = load_text(yaml.as_bytes(), &[]) {
            for target in config.targets.values() {
                let (Place::Host { host: HostName::Name(name), .. } | Place::Domain(name)) =
                    &target.place else { continue };
                prop_assert!(name.is_ascii() && !name.ends_with('.') && name.len() <= 253);
            }
        }
    }
}

/// The configuration does not see the catalogue, so its list of labels is held against it here.
#[test]
fn no_label_of_the_catalogue_can_be_a_targets_own() {
    for label in smtp_exporter::metrics::label::LABELS {
        let name = label.name;
        let yaml = format!("targets: [{{host: 10.0.0.1, labels: {{{name}: x}}}}]");
        let found = messages(load_text(yaml.as_bytes(), &[]));
        assert!(found.iter().any(|m| m.contains("one of the exporter's own")), "{name}: {found:?}");
    }
    for label in smtp_exporter::metrics::label::POSTURE_LABELS {
        let name = label.name;
        let yaml = format!("posture: [{{domain: example.net, labels: {{{name}: x}}}}]");
        let found = messages(load_text(yaml.as_bytes(), &[]));
        assert!(found.iter().any(|m| m.contains("one of the exporter's own")), "{name}: {found:?}");
    }
    // What only the others have, either may have.
    let mixed = "targets: [{host: 10.0.0.1, labels: {domain: x, severity: y}}]\nposture: [{domain: \
                 example.net, labels: {target: x, cause: y}}]";
    assert!(load_text(mixed.as_bytes(), &[]).is_ok());
}
