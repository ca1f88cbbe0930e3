//! Keys of `probe`.

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
    key("probe", "map", "", "Probes that are asked for through `/probe`."),
    key(
        "probe.allow",
        "list of `configured`, `any`, networks and domains",
        "[configured]",
        "What may be probed. `configured`: targets of this file. `any` lets whoever reaches the port make us connect anywhere.",
    ),
    key(
        "probe.min_interval",
        "duration, 0 to 1h",
        "30s",
        "A result younger than this is answered again.",
    ),
];
