//! The file as it is written: every key, what it takes, what it is when nobody says, and what it
//! does. This table is at once the list of keys that are accepted and the text of the reference,
//! so neither can know a key that the other does not.

/// One key of the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyDoc {
    /// Where it stands: `exporter.helo`, `modules.<name>.port`, `targets[].host`.
    pub path: &'static str,
    /// What it takes.
    pub kind: &'static str,
    /// What it is when it is not stated; empty when it must be, or when there is none.
    pub default: &'static str,
    /// What it does.
    pub text: &'static str,
}

/// Every key, in the order of the reference.
pub fn reference() -> &'static [KeyDoc] {
    KEYS
}

/// The reference as Markdown: a table, and how patterns are written.
pub fn markdown() -> String {
    let mut out = String::from("| key | value | default | meaning |\n|---|---|---|---|\n");
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    for key in KEYS {
        let default = if key.default.is_empty() { "–".to_owned() } else { cell(key.default) };
        let (kind, text) = (cell(key.kind), cell(key.text));
        out.push_str(&format!("| `{}` | {kind} | {default} | {text} |\n", key.path));
    }
    out.push_str(super::rules::REFERENCE);
    out
}

/// The names of the keys right below `parent`; empty is the top of the file. Empty when any name
/// can stand there, as below `modules`.
pub(super) fn known(parent: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for key in KEYS {
        let rest = if parent.is_empty() {
            Some(key.path)
        } else {
            key.path.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.'))
        };
        if let Some(rest) = rest
            && !rest.starts_with('<')
            && !rest.contains(['.', '['])
        {
            names.push(rest);
        }
    }
    names
}

/// Where a key of this name stands, when exactly one other place has it.
pub(super) fn home_of(name: &str) -> Option<&'static str> {
    let mut homes = KEYS.iter().filter_map(|key| {
        let parent = key.path.strip_suffix(name)?.strip_suffix('.')?;
        Some(parent)
    });
    let home = homes.next()?;
    homes.next().is_none().then_some(home)
}

const fn key(
    path: &'static str,
    kind: &'static str,
    default: &'static str,
    text: &'static str,
) -> KeyDoc {
    KeyDoc { path, kind, default, text }
}

const KEYS: &[KeyDoc] = &[
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
    key("tls", "map", "", "TLS of all modules."),
    key(
        "tls.ca_file",
        "file name",
        "null",
        "Root certificates (PEM) besides the system's. Relative to this file.",
    ),
    key(
        "modules",
        "map of name to module",
        "",
        "How targets are probed. Built in are `smtp` (port 25, opportunistic), `submission` (587, required), `smtps` (465, implicit) and `smtp2525` (2525, opportunistic). A module of such a name changes the keys that it states and keeps the others.",
    ),
    key(
        "modules.<name>.port",
        "number, 1 to 65535",
        "25",
        "The port, where the target states none.",
    ),
    key(
        "modules.<name>.tls",
        "none, opportunistic, required or implicit",
        "opportunistic",
        "`none`: never start TLS. `opportunistic`: start it when it is offered; failing to is a fact and no failure. `required`: STARTTLS or failure. `implicit`: TLS from the first byte.",
    ),
    key(
        "modules.<name>.tls_server_name",
        "host name or address",
        "the host that is connected to",
        "The name that the certificate must carry, and that we ask for (SNI).",
    ),
    key(
        "modules.<name>.tls_verify",
        "true or false",
        "true",
        "With `false` a certificate that does not verify is a fact and no failure. AUTH is then sent to whoever answers.",
    ),
    key(
        "modules.<name>.timeouts",
        "map",
        "",
        "Bounds on waiting, per address. Waiting for a permit is not counted.",
    ),
    key("modules.<name>.timeouts.connect", "duration, 1ms to 10m", "10s", "The TCP connection."),
    key(
        "modules.<name>.timeouts.greeting",
        "duration, 1ms to 10m",
        "30s",
        "From the connection to the greeting. Servers delay it on purpose, 8 to 15 s often.",
    ),
    key(
        "modules.<name>.timeouts.reply",
        "duration, 1ms to 10m",
        "15s",
        "From each command to its reply, and a TLS handshake.",
    ),
    key(
        "modules.<name>.timeouts.total",
        "duration, 1ms to 10m",
        "60s",
        "All of it. Not shorter than any of the others.",
    ),
    key(
        "modules.<name>.auth",
        "map",
        "",
        "Log in. Takes `tls: required` or `implicit`, or `allow_plaintext: true`.",
    ),
    key("modules.<name>.auth.username", "text", "", "The user name. Required."),
    key(
        "modules.<name>.auth.password",
        "text",
        "",
        "The password itself. One of the four sources of the secret must be stated.",
    ),
    key(
        "modules.<name>.auth.password_file",
        "file name",
        "",
        "A file that holds the password; a line break at its end is dropped. Relative to this file.",
    ),
    key(
        "modules.<name>.auth.password_env",
        "name of an environment variable",
        "",
        "The variable that holds the password.",
    ),
    key(
        "modules.<name>.auth.token_file",
        "file name",
        "",
        "A file that holds a bearer token for XOAUTH2, read again at each probe. Relative to this file.",
    ),
    key(
        "modules.<name>.auth.allow_plaintext",
        "true or false",
        "false",
        "Send the secret without TLS, or over TLS that did not verify. For negative tests with made-up credentials.",
    ),
    key("modules.<name>.mail", "map", "", "A dry run: MAIL, RCPT and RSET, never DATA."),
    key(
        "modules.<name>.mail.from",
        "mail address, may be empty",
        "",
        "The envelope sender. Required; empty is the null sender.",
    ),
    key("modules.<name>.mail.to", "mail address", "", "The envelope recipient. Required."),
    key(
        "modules.<name>.expect",
        "map",
        "",
        "A negative test: the probe succeeds when a certain reply comes.",
    ),
    key(
        "modules.<name>.expect.phase",
        "greeting, ehlo, starttls, ehlo_tls, auth, mail or rcpt",
        "",
        "The phase whose last reply is looked at. Required, and one that the module reaches. `auth` is \
         met as well by a server that does not offer AUTH on this channel.",
    ),
    key(
        "modules.<name>.expect.codes",
        "list of numbers, 200 to 599",
        "",
        "The reply codes that are wanted. Required.",
    ),
    key(
        "modules.<name>.interval",
        "duration, 1s to 8760h",
        "60s",
        "How often a target is probed with this module, unless the target says. For servers that are not ours the default is 15m, 5m with `auth`, and it can't be less.",
    ),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_found_below_their_parent_alone() {
        assert_eq!(known("dns"), ["servers", "timeout"]);
        assert_eq!(
            known(""),
            [
                "exporter",
                "dns",
                "tls",
                "modules",
                "targets",
                "target_files",
                "cause_rules",
                "probe"
            ]
        );
        assert_eq!(known("modules"), [""; 0]);
        assert_eq!(known("exporter.host_budget"), ["max_concurrent", "min_gap"]);
    }

    #[test]
    fn a_key_at_home_elsewhere_is_told_apart() {
        assert_eq!(home_of("helo"), Some("exporter"));
        assert_eq!(home_of("interval"), None, "it has two homes");
        assert_eq!(home_of("nothing"), None);
    }
}
