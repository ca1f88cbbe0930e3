//! The demo's DNS lists: a good one, an allow list, one that refuses, one that died and answers for
//! everything, and one that is silent. Their zones are made up, below `.test` (RFC 6761, 6.2).

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};

use super::zone::{Fault, Zone};

/// One list of the demo.
struct Shown {
    name: &'static str,
    shows: &'static str,
    /// Further keys of the configuration.
    keys: &'static str,
    behaviour: Behaviour,
}

enum Behaviour {
    /// It answers as it should; these addresses and domains are on it, with a text.
    Lists(&'static [(&'static str, &'static str)]),
    /// The same answer to every question.
    Always(Ipv4Addr),
    /// No answer.
    Silent,
}

/// Adds what the lists answer.
pub(super) fn add(mut zone: Zone) -> Zone {
    for list in LISTS {
        let suffix = format!("{}.{PARENT}", list.name);
        let everything = SUBJECTS.iter().map(|(subject, _)| *subject).chain(["127.0.0.1"]);
        match list.behaviour {
            Behaviour::Lists(listed) => {
                for (subject, text) in listed.iter().chain(TEST_POINTS) {
                    let name = question(subject, &suffix);
                    zone = zone.address(&name, Ipv4Addr::new(127, 0, 0, 2)).txt(&name, text);
                }
            }
            Behaviour::Always(address) => {
                for subject in everything.chain(["127.0.0.2"]) {
                    zone = zone.address(&question(subject, &suffix), address);
                }
            }
            Behaviour::Silent => {
                for subject in everything.chain(["127.0.0.2"]) {
                    zone = zone.fault(&question(subject, &suffix), Fault::Silent);
                }
            }
        }
    }
    zone
}

/// The part of the configuration that looks them up.
pub(super) fn yaml(dns: SocketAddr) -> String {
    let mut text = format!(
        "\
# DNS lists, made up and below .test. None is asked unless it is named: each has terms of use.
dnsbl:
  interval: 5s                     # ours, so a short interval is allowed
  health_interval: 10s
  timeout: 1s
  servers: [\"{dns}\"]
  subjects:
"
    );
    // Writing into a String does not fail.
    for (subject, topic) in SUBJECTS {
        let _ = writeln!(text, "    - {{subject: {subject}, labels: {{topic: {topic}}}}}");
    }
    text.push_str("  lists:\n");
    for list in LISTS {
        let Shown { name, shows, keys, .. } = list;
        let _ = write!(
            text,
            "    # {shows}\n    - {{zone: {name}.{PARENT}, name: {name}, operator: {name}, \
             min_gap: 10ms{keys}}}\n"
        );
    }
    text
}

/// The name that a subject is asked for at.
fn question(subject: &str, suffix: &str) -> String {
    match subject.parse::<Ipv4Addr>() {
        Ok(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.{suffix}")
        }
        Err(_) => format!("{subject}.{suffix}"),
    }
}

/// Every list on show.
const LISTS: &[Shown] = &[
    Shown {
        name: "blocked",
        shows: "a block list as it should be: one address and one domain are on it",
        keys: ", subjects: [ip4, domain], codes: {127.0.0.2: spam source}, \
               delisting: \"https://blocked.lists.test/\"",
        behaviour: Behaviour::Lists(&[
            ("192.0.2.25", "Spam since Monday, see https://blocked.lists.test/?192.0.2.25"),
            ("spam.test", "Advertised in spam"),
        ]),
    },
    Shown {
        name: "trusted",
        shows: "an allow list: not to be on it is no alarm",
        keys: ", subjects: [ip4], kind: allow",
        behaviour: Behaviour::Lists(&[("192.0.2.26", "A good sender")]),
    },
    Shown {
        name: "refusing",
        shows: "a list that refuses us, as behind a public resolver: that is no listing",
        keys: ", subjects: [ip4]",
        behaviour: Behaviour::Always(Ipv4Addr::new(127, 255, 255, 254)),
    },
    Shown {
        name: "dead",
        shows: "a dead list that answers for everything: its test points give it away",
        keys: ", subjects: [ip4]",
        behaviour: Behaviour::Always(Ipv4Addr::new(127, 0, 0, 2)),
    },
    Shown {
        name: "silent",
        shows: "a list whose servers are gone: that is not clean",
        keys: ", subjects: [ip4]",
        behaviour: Behaviour::Silent,
    },
];

/// What is looked up, and what it shows.
const SUBJECTS: &[(&str, &str)] =
    &[("192.0.2.25", "listed"), ("192.0.2.26", "clean"), ("spam.test", "listed")];

/// What every list holds (RFC 5782, 5).
const TEST_POINTS: &[(&str, &str)] = &[("127.0.0.2", "A test point"), ("test", "A test point")];

/// Where the lists' zones are.
const PARENT: &str = "lists.test";
