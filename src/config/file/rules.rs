//! Keys of `cause_rules`.

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
    key(
        "cause_rules",
        "list of maps",
        "[]",
        "Rules of your own for what refusals mean. They are asked before the built-in ones, in this order, and the first that holds decides.",
    ),
    key(
        "cause_rules[].id",
        "text",
        "",
        "A name that stays, shown as `rule`: a-z, 0-9, `_` and `-` in parts parted by dots, such as `local.quota`. Not a built-in one. Required.",
    ),
    key(
        "cause_rules[].cause",
        "a cause that a reply can state",
        "",
        "What the refusal means: the label `cause`. Required.",
    ),
    key(
        "cause_rules[].text",
        "list of patterns",
        "[]",
        "Words of the reply; one pattern must hold. At least one of `text`, `codes` and `enhanced` is stated.",
    ),
    key(
        "cause_rules[].codes",
        "list of numbers",
        "[]",
        "Reply codes: `421` is that one, `45` is 450 to 459, `4` is 400 to 499. Empty: every refusal.",
    ),
    key(
        "cause_rules[].enhanced",
        "list of subject.detail",
        "[]",
        "Enhanced status codes without their class: `7.28`, or `7.20-29` for several. Empty: any, or none.",
    ),
    key(
        "cause_rules[].phases",
        "list of greeting, ehlo, starttls, ehlo_tls, auth, mail, rcpt, rset or quit",
        "[]",
        "What was answered. Empty: anything. With phases a rule does not hold for a pasted reply whose phase is not known.",
    ),
    key(
        "cause_rules[].permanence",
        "transient, permanent or permanent_in_disguise",
        "the code's, and the text's",
        "Whether trying again helps. `permanent_in_disguise` is a 4xx that will not pass.",
    ),
    key(
        "cause_rules[].blame",
        "target, path, sender or exporter",
        "the cause's",
        "Whose move it is. What is blamed on `exporter` never counts against a target.",
    ),
    key(
        "cause_rules[].doc",
        "URL",
        "the built-in page about the cause",
        "A page for whoever is on call.",
    ),
    key(
        "cause_rules[].example",
        "text",
        "",
        "A whole reply, such as `421 4.7.0 Quota of this pool is used up`, that the rule must win: checked at each load. Required.",
    ),
];
