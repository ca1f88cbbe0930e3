//! Keys of `dnsbl`.

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
    key(
        "dnsbl",
        "map",
        "",
        "DNS block lists and allow lists. No list is asked by default: each has terms of use, which `--config.check` tells.",
    ),
    key(
        "dnsbl.interval",
        "duration, 5m to 168h",
        "1h",
        "Time between two look-ups of one subject on one list. Where every list is ours (its zone below `.test` or a domain of `exporter.own`) these three may be 1s.",
    ),
    key(
        "dnsbl.listed_interval",
        "duration, 5m to 168h",
        "15m, or `interval` if that is shorter",
        "The same while the subject is listed; not longer than `interval`.",
    ),
    key(
        "dnsbl.health_interval",
        "duration, 5m to 168h",
        "1h",
        "Time between two looks at a list's test points (RFC 5782, 5).",
    ),
    key(
        "dnsbl.timeout",
        "duration, 1ms to 10m",
        "that of `dns`",
        "How long one question may take, all servers together.",
    ),
    key(
        "dnsbl.servers",
        "list of addresses, with a port if it is not 53",
        "those of `dns`",
        "DNS servers to ask, one at a time. Many lists refuse public resolvers; a resolver of one's own is best.",
    ),
    key(
        "dnsbl.subjects",
        "list of addresses, networks, domains, `own` and `from_targets`, or maps",
        "[]",
        "What is looked up. A network of at most 256 addresses stands for each of them.",
    ),
    key("dnsbl.subjects[].subject", "address, network or domain", "", "What is looked up."),
    key(
        "dnsbl.subjects[].from_targets",
        "true or false",
        "false",
        "Look up the addresses that the targets resolve to.",
    ),
    key(
        "dnsbl.subjects[].own",
        "true or false",
        "false",
        "Look up the addresses that this host sends from: `exporter.source_addresses`, else those that the system would use.",
    ),
    key(
        "dnsbl.subjects[].labels",
        "map of name to text",
        "{}",
        "Labels of the subject's series. Names of our own labels, `instance`, `job`, `le` and names that begin with `__` can't be used.",
    ),
    key(
        "dnsbl.lists",
        "list of zones, or maps",
        "[]",
        "The lists. A zone of the catalogue brings all that is known of it; the keys below override that, or describe a list of one's own.",
    ),
    key("dnsbl.lists[].zone", "domain", "", "The list's zone."),
    key(
        "dnsbl.lists[].zone_file",
        "file name",
        "",
        "A file that holds the zone, for zones with a key in them. The key is shown nowhere. Relative to this file.",
    ),
    key(
        "dnsbl.lists[].name",
        "text, 1 to 64 bytes",
        "the zone",
        "The value of the label `list`. Must be stated for a zone with a key.",
    ),
    key(
        "dnsbl.lists[].kind",
        "block or allow",
        "the catalogue's, else block",
        "What being on it means. Not being on an allow list is no alarm.",
    ),
    key(
        "dnsbl.lists[].subjects",
        "list of ip4, ip6 and domain",
        "the catalogue's, else [ip4, ip6]",
        "What it can be asked for.",
    ),
    key(
        "dnsbl.lists[].codes",
        "map of code or range to meaning",
        "the catalogue's, else any address in 127/8",
        "What return codes mean, such as `127.0.0.2: spam source` or `127.0.0.4-127.0.0.7: exploited`. Any other address in 127/8 is a listing of unknown meaning.",
    ),
    key(
        "dnsbl.lists[].bits",
        "map of 1, 2, 4 to 128 to meaning",
        "the catalogue's",
        "Instead of `codes`, where the last octet is a sum of bits. No bit set is no listing.",
    ),
    key(
        "dnsbl.lists[].others",
        "map of code or range to meaning",
        "the catalogue's",
        "Return codes that are no listing, such as a good reputation on a block list.",
    ),
    key(
        "dnsbl.lists[].refusals",
        "map of code or range to reason",
        "the catalogue's",
        "Return codes that say that the list does not answer us, besides those that every list uses.",
    ),
    key(
        "dnsbl.lists[].operator",
        "text, 1 to 64 bytes",
        "the catalogue's, else the zone's last two labels; the name for a zone with a key",
        "Who runs it. Lists of one operator share a rate, and a pause after a refusal.",
    ),
    key(
        "dnsbl.lists[].min_gap",
        "duration, 0 to 1h",
        "the catalogue's, else 200ms",
        "The least time between two questions to the operator. The longest of its lists counts.",
    ),
    key(
        "dnsbl.lists[].servers",
        "list of addresses, with a port if it is not 53",
        "those of `dnsbl`",
        "DNS servers for this list alone.",
    ),
    key(
        "dnsbl.lists[].delisting",
        "URL",
        "the catalogue's",
        "Where a listing is looked up and removed, for a person.",
    ),
    key(
        "dnsbl.lists[].test_points",
        "true or false",
        "the catalogue's, else true",
        "Whether the test points are asked. A list whose test points do not answer as they must can't be trusted, and its results become `list_unhealthy`.",
    ),
];
