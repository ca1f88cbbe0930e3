//! Keys of `posture`.

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
    key(
        "posture",
        "list of domains, or maps",
        "[]",
        "Domains whose records and keys are looked at: SPF, DKIM, DMARC, MTA-STS, TLS-RPT, DANE, BIMI, the mail exchangers, and the reverse names of what sends. At most 1000.",
    ),
    key("posture[].domain", "domain", "", "The domain after the @."),
    key(
        "posture[].dkim_selectors",
        "list of selectors, at most 32",
        "[]",
        "The selectors that its mail is signed with: what stands after `s=` in DKIM-Signature. They cannot be looked up.",
    ),
    key(
        "posture[].sending_addresses",
        "list of addresses, at most 64",
        "[]",
        "The addresses that its mail is sent from. SPF is evaluated for each, and its reverse name is looked at.",
    ),
    key(
        "posture[].helo",
        "host name",
        "",
        "What those addresses say in EHLO, which is held against their reverse names.",
    ),
    key(
        "posture[].interval",
        "duration, 5m to 168h",
        "1h",
        "Time between two looks. Each visits the mail exchangers once, without mail.",
    ),
    key(
        "posture[].mx_port",
        "port",
        "25",
        "The port of the mail exchangers. Others than 25 are for laboratories.",
    ),
    key(
        "posture[].policy_port",
        "port",
        "443",
        "The port of the MTA-STS policy's server. Others than 443 are for laboratories.",
    ),
    key(
        "posture[].labels",
        "map of name to text",
        "{}",
        "Labels of the domain's series. Names of the labels that posture series have, `instance`, `job`, `le` and names that begin with `__` can't be used.",
    ),
];
