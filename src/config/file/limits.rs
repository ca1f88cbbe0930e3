//! Keys of `connection_limits`.

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
    key(
        "connection_limits",
        "list of maps",
        "[]",
        "Runs that measure how much a server of ours takes before it says 421. Only addresses in `exporter.own`, loopback and private ones are connected to.",
    ),
    key(
        "connection_limits[].target",
        "name of a target",
        "",
        "What is measured: a target with `host`, each of its addresses by itself. Required.",
    ),
    key(
        "connection_limits[].module",
        "name of a module",
        "the target's first",
        "Says port, TLS and timeouts. Of the module only greeting, EHLO and STARTTLS are done: no login, no MAIL, and what it expects is not looked at.",
    ),
    key(
        "connection_limits[].mode",
        "simultaneous, rate or idle",
        "simultaneous",
        "`simultaneous`: sessions open at once. `rate`: sessions within a minute, after a minute without any. `idle`: how long a silent session stays open.",
    ),
    key(
        "connection_limits[].max_connections",
        "number, 1 to 200",
        "20",
        "Where a run ends, refused or not. Not for `idle`, which opens one. Not more than `exporter.max_concurrent_probes`.",
    ),
    key(
        "connection_limits[].max_idle",
        "duration, 1s to 1h",
        "10m",
        "How long a silent session is watched. For `idle` only.",
    ),
    key(
        "connection_limits[].interval",
        "duration, 10m to 8760h",
        "1h",
        "From one run to the next.",
    ),
    key(
        "connection_limits[].helo",
        "host name or address literal",
        "`ladder.` in front of exporter.helo",
        "The name in EHLO, by which a postmaster can tell these sessions from others.",
    ),
    key(
        "connection_limits[].hold",
        "duration, 1s to 5m",
        "8s",
        "How often a session that is held open says NOOP: within the server's patience with silent clients. For `simultaneous` only.",
    ),
];
