//! Keys of `modules`.

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
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
];
