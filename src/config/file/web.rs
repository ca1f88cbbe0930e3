//! Keys of the web configuration file, which is a file of its own (`--web.config.file`).

use super::{KeyDoc, key};

pub(super) const KEYS: &[KeyDoc] = &[
    key(
        "tls_server_config",
        "map",
        "",
        "HTTPS instead of HTTP. File names are relative to this file.",
    ),
    key("tls_server_config.cert_file", "file name", "", "The certificate and its chain, PEM."),
    key(
        "tls_server_config.key_file",
        "file name",
        "",
        "Its private key, PEM. One that everybody can read is warned about.",
    ),
    key("tls_server_config.cert", "PEM", "", "The certificate itself, in place of `cert_file`."),
    key("tls_server_config.key", "PEM", "", "The private key itself, in place of `key_file`."),
    key(
        "tls_server_config.client_auth_type",
        "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert",
        "NoClientCert",
        "Whether clients show a certificate. Only `RequireAndVerifyClientCert` keeps strangers out.",
    ),
    key(
        "tls_server_config.client_ca_file",
        "file name",
        "",
        "Authorities that sign clients' certificates, PEM.",
    ),
    key(
        "tls_server_config.client_ca",
        "PEM",
        "",
        "Those authorities, in place of `client_ca_file`.",
    ),
    key(
        "tls_server_config.client_allowed_sans",
        "list of names",
        "[]",
        "A client's certificate must carry one of these as DNS name, IP address, mail address or URI. Needs a client_auth_type that begins with `Require`.",
    ),
    key("tls_server_config.min_version", "TLS12 or TLS13", "TLS12", "The oldest TLS version."),
    key("tls_server_config.max_version", "TLS12 or TLS13", "TLS13", "The newest TLS version."),
    key(
        "tls_server_config.cipher_suites",
        "list of names, as Go and IANA have them",
        "all with forward secrecy and AEAD",
        "Suites for TLS 1.2. Those of TLS 1.3 are always on.",
    ),
    key(
        "tls_server_config.prefer_server_cipher_suites",
        "true or false",
        "true",
        "Whether the order of `cipher_suites` counts, or the client's.",
    ),
    key(
        "tls_server_config.curve_preferences",
        "list of X25519MLKEM768, X25519, CurveP256, CurveP384",
        "X25519MLKEM768, X25519, CurveP256, CurveP384",
        "Groups for the key exchange, the preferred one first.",
    ),
    key("http_server_config", "map", "", "HTTP itself."),
    key(
        "http_server_config.http2",
        "true or false",
        "false",
        "Accepted for the sake of shared files: HTTP/1.1 is what is spoken, and clients agree to it in the handshake.",
    ),
    key(
        "http_server_config.headers",
        "map of Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection",
        "",
        "Headers of every answer, in place of ours of the same name.",
    ),
    key("basic_auth_users", "map of user to bcrypt hash", "", "Who may come in, everywhere."),
    key("rate_limit", "map", "", "A bound on requests, of all clients together; beyond it is 429."),
    key("rate_limit.interval", "duration, 0 to 1h", "0", "Time between two requests. 0: no bound."),
    key("rate_limit.burst", "number, 1 to 1000000", "1", "Requests that may come at once."),
];
