//! Keys of `targets`, and `target_files`.

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
    key("targets", "list of maps", "[]", "What is probed."),
    key(
        "targets[].name",
        "text",
        "the host or domain as written",
        "The value of the label `target`. Unique.",
    ),
    key(
        "targets[].host",
        "host name or address, with a port if wanted",
        "",
        "One host: `mx1.example.net`, `192.0.2.1`, `2001:db8::1`, `mx1.example.net:25`, `[2001:db8::1]:25`. All its addresses are probed. Either this or `domain`.",
    ),
    key("targets[].domain", "domain", "", "A mail domain: every MX, every address."),
    key("targets[].module", "name of a module", "smtp", "How it is probed."),
    key(
        "targets[].modules",
        "list of names of modules",
        "",
        "Several modules, each with series of its own. In place of `module`.",
    ),
    key(
        "targets[].interval",
        "duration, 1s to 8760h",
        "the module's",
        "How often. For servers that are not ours at least 15m, 5m with `auth`.",
    ),
    key(
        "targets[].labels",
        "map of name to text",
        "{}",
        "Labels of the target's series. Not a label of ours, nor `instance`, `job`, `le`, nor one that begins with `__`.",
    ),
    key(
        "target_files",
        "list of file patterns",
        "[]",
        "More targets: YAML or JSON files that hold a list as under `targets`, or Prometheus' `file_sd` form, where the labels `__module` and `__interval` are settings. Relative to this file; `*` and `?` in the last part of the path. Read again when they change.",
    ),
];
