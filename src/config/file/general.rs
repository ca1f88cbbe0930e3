//! Keys of `exporter`, `dns` and `tls`.

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
    key("exporter", "map", "", "How we behave as a client, whatever is probed."),
    key(
        "exporter.helo",
        "host name or address literal",
        "the host's own FQDN, else the address literal of each connection",
        "The name that we say in EHLO. It must be stated, and be a full public name, once any target is not ours.",
    ),
    key(
        "exporter.own",
        "list of networks and domains",
        "[]",
        "What we run ourselves and may probe often. Names below a domain count; loopback and private addresses always do.",
    ),
    key(
        "exporter.source_addresses",
        "list of addresses",
        "[]",
        "Addresses to connect from, each for remotes of its family. Several of one family each give series of their own, with the label `source`. Empty: the system chooses.",
    ),
    key(
        "exporter.families",
        "auto, ipv4, ipv6 or both",
        "auto",
        "Which address families are probed. `auto`: those to which the host has a route.",
    ),
    key(
        "exporter.max_concurrent_probes",
        "number, 1 to 65536",
        "1024",
        "Connections under way at once, all targets together.",
    ),
    key("exporter.host_budget", "map", "", "Politeness per remote address, all targets together."),
    key(
        "exporter.host_budget.max_concurrent",
        "number, 1 to 1024",
        "1",
        "Connections open to one remote address at once.",
    ),
    key(
        "exporter.host_budget.min_gap",
        "duration, 0 to 1h",
        "1s",
        "Time from closing one connection to a remote address to opening the next.",
    ),
    key(
        "exporter.backoff",
        "map",
        "",
        "How long a remote address is left alone after it asked for that.",
    ),
    key("exporter.backoff.initial", "duration, 1s to 168h", "5m", "The first pause."),
    key(
        "exporter.backoff.factor",
        "number, 1 to 100",
        "2",
        "Each further pause is so many times longer.",
    ),
    key(
        "exporter.backoff.max",
        "duration, 1s to 168h",
        "2h",
        "The longest pause; not shorter than `initial`.",
    ),
    key(
        "exporter.max_endpoints",
        "number, 1 to 1024",
        "32",
        "Addresses probed per target. More are counted and not probed.",
    ),
    key("dns", "map", "", "How names are looked up."),
    key(
        "dns.servers",
        "list of addresses, with a port if it is not 53",
        "[]",
        "DNS servers to ask. Empty: the system's.",
    ),
    key(
        "dns.timeout",
        "duration, 1ms to 10m",
        "5s",
        "How long one question may take, retries included.",
    ),
    key(
        "dns.trust_anchor",
        "file name",
        "the keys of the root that are built in",
        "DNSKEY or DS records, as in a zone file, from which DNSSEC is proven for DANE. Relative to this file.",
    ),
    key("tls", "map", "", "TLS of all modules."),
    key(
        "tls.ca_file",
        "file name",
        "null",
        "Root certificates (PEM) besides the system's. Relative to this file.",
    ),
];
