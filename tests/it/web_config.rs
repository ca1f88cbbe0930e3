//! The web configuration file: what is refused with which words, and what a good one does to a
//! handshake.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::SanType;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use smtp_exporter::config::{RateLimit, WebConfig, load_web};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::pki::{Authority, Issued};

const HASH: &str = "$2y$04$abcdefghijklmnopqrstuuWjv1WiSPfaNHPh9LWdOHpUkELjZC5fG";

/// A directory with a server's certificate and key, and the authority of clients.
struct Place {
    folder: tempfile::TempDir,
    servers: Authority,
    clients: Authority,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let place = Self { folder, servers, clients };
        let issued = place.servers.server();
        place.write("cert.pem", &issued.certificate, 0o644);
        place.write("key.pem", &issued.key, 0o600);
        place.write("clients.pem", &place.clients.pem(), 0o644);
        place
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Loads this text, and gives the problems or the warnings without the directory's name.
    fn load(&self, text: &str) -> (Result<WebConfig, Vec<String>>, Vec<PathBuf>) {
        let path = self.write("web.yml", text, 0o600);
        let (watched, loaded) = load_web(&path);
        let lines = |text: String| -> Vec<String> {
            let folder = format!("{}/", self.folder.path().display());
            text.replace(&folder, "").lines().map(str::to_owned).collect()
        };
        (loaded.map_err(|error| lines(error.to_string())), watched)
    }

    fn good(&self, text: &str) -> WebConfig {
        match self.load(text).0 {
            Ok(config) => config,
            Err(problems) => panic!("{}", problems.join("\n")),
        }
    }

    fn client(
        &self,
        identity: Option<&Issued>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let pem = self.servers.pem();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            None => builder.with_no_client_auth(),
            Some(issued) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap(),
                )
                .unwrap(),
        }
    }

    /// Whether the server lets a client in: version, suite and group then.
    async fn shake(&self, config: &WebConfig, client: ClientConfig) -> Result<String, String> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let server = TlsAcceptor::from(config.tls.clone().unwrap());
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(client));
        let (accepted, _connected) =
            tokio::join!(server.accept(near), connector.connect(name, far));
        let stream = accepted.map_err(|error| error.to_string())?;
        let session = stream.get_ref().1;
        Ok(format!(
            "{:?} {:?} {:?}",
            session.protocol_version().unwrap(),
            session.negotiated_cipher_suite().unwrap().suite(),
            session.negotiated_key_exchange_group().unwrap().name()
        ))
    }
}

const BOTH: [&rustls::SupportedProtocolVersion; 2] =
    [&rustls::version::TLS13, &rustls::version::TLS12];

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let place = Place::new();
    let (loaded, _) = place.load(
        "tls_server_config:
  cert_file: nowhere.pem
  key_file: clients.pem
  client_auth_type: Whatever
  min_version: TLS10
  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]
  curve_preferences: [CurveP999]
  prefer_server_cipher_suites: yes
http_server_config:
  headers:
    X-Frame-Options: never
    X-Powered-By: rust
    Content-Security-Policy: \"a\\nb\"
basic_auth_users:
  alice: hunter2
  \"a:b\": $2y$31$abcdefghijklmnopqrstuuWjv1WiSPfaNHPh9LWdOHpUkELjZC5fG
rate_limit: {interval: 5, burst: 0}
tls_server: {}
",
    );
    let problems = loaded.unwrap_err();
    let all = problems.join("\n");
    for (line, part) in [
        ("web.yml:2:14: tls_server_config.cert_file: ", "nowhere.pem does not exist"),
        ("web.yml:3:13: tls_server_config.key_file: ", "holds no private key"),
        ("web.yml:4:21: tls_server_config.client_auth_type: ", "RequireAndVerifyClientCert"),
        ("web.yml:5:16: tls_server_config.min_version: ", "RFC 8996"),
        ("web.yml:6:19: tls_server_config.cipher_suites[0]: ", "forward secrecy"),
        ("web.yml:7:23: tls_server_config.curve_preferences[0]: ", "CurveP256"),
        ("web.yml:8:32: tls_server_config.prefer_server_cipher_suites: ", "write true"),
        ("web.yml:11:22: http_server_config.headers.X-Frame-Options: ", "deny, sameorigin"),
        ("web.yml:12:5: http_server_config.headers.X-Powered-By: ", "unknown key"),
        ("web.yml:13:30: http_server_config.headers.Content-Security-Policy: ", "printable"),
        ("web.yml:15:10: basic_auth_users.alice: ", "is not a bcrypt hash"),
        ("web.yml:16:3: basic_auth_users[\"a:b\"]: ", "no colon"),
        ("web.yml:16:10: basic_auth_users[\"a:b\"]: ", "has cost 31"),
        ("web.yml:17:24: rate_limit.interval: ", "has no unit"),
        ("web.yml:17:34: rate_limit.burst: ", "from 1"),
        ("web.yml:18:1: tls_server: ", "did you mean"),
    ] {
        let found = problems.iter().find(|problem| problem.starts_with(line));
        assert!(found.is_some_and(|problem| problem.contains(part)), "{line}{part} not in\n{all}");
    }
    assert_eq!(problems.len(), 16, "{all}");
    assert!(!all.contains("hunter2") && !all.contains("$2y$31"), "{all}");
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let place = Place::new();
    let pair = "cert_file: cert.pem, key_file: key.pem";
    let other = place.servers.server();
    place.write("other.pem", &other.key, 0o600);
    for (text, part) in [
        ("tls_server_config: {}".to_owned(), "tls_server_config.cert_file: is missing"),
        ("tls_server_config: {cert_file: cert.pem}".to_owned(), "key_file: is missing"),
        ("tls_server_config: {cert_file: cert.pem, key_file: other.pem}".to_owned(), "not the key"),
        (format!("tls_server_config: {{{pair}, cert: x}}"), "keep one"),
        (format!("tls_server_config: {{{pair}, min_version: TLS13, max_version: TLS12}}"), "older"),
        (
            format!("tls_server_config: {{{pair}, client_auth_type: RequireAndVerifyClientCert}}"),
            "client_ca_file: is missing",
        ),
        (format!("tls_server_config: {{{pair}, client_ca_file: clients.pem}}"), "of no use"),
        (
            format!("tls_server_config: {{{pair}, client_allowed_sans: [a]}}"),
            "clients in that show",
        ),
        (
            format!("tls_server_config: {{{pair}, cipher_suites: [TLS_AES_128_GCM_SHA256]}}"),
            "no suite of TLS 1.2",
        ),
        ("basic_auth_users: {}".to_owned(), "let everybody in"),
        ("basic_auth_users:".to_owned(), "let everybody in"),
        ("[]".to_owned(), "not a map"),
    ] {
        let problems = place.load(&text).0.unwrap_err().join("\n");
        assert!(problems.contains(part), "{text}: {part} not in\n{problems}");
    }
}

#[test]
fn a_good_file_is_read_whole() {
    let place = Place::new();
    let config = place.good(&format!(
        "tls_server_config: {{cert_file: cert.pem, key_file: key.pem}}
http_server_config:
  http2: true
  headers: {{Strict-Transport-Security: max-age=3600, X-Frame-Options: SAMEORIGIN, X-XSS-Protection: \"\"}}
basic_auth_users: {{alice: {HASH}}}
rate_limit: {{interval: 1s, burst: 20}}
"
    ));
    assert!(config.tls.is_some());
    let headers = [
        ("Strict-Transport-Security", "max-age=3600".to_owned()),
        ("X-Frame-Options", "SAMEORIGIN".to_owned()),
    ];
    assert_eq!(config.headers, headers);
    assert_eq!(config.users.keys().collect::<Vec<_>>(), ["alice"]);
    assert_eq!(config.rate_limit, Some(RateLimit { interval: Duration::from_secs(1), burst: 20 }));
    let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("HTTP/2"), "{warnings:?}");
    assert!(!format!("{config:?}").contains("$2y"), "{config:?}");
    assert!(place.good("").tls.is_none());
    assert!(place.good("rate_limit: {interval: 0s}").rate_limit.is_none());
}

#[test]
fn what_everybody_can_read_is_warned_about() {
    let place = Place::new();
    let issued = place.servers.server();
    place.write("cert.pem", &issued.certificate, 0o644);
    place.write("key.pem", &issued.key, 0o644);
    let text = format!(
        "tls_server_config: {{cert_file: cert.pem, key_file: key.pem}}\nbasic_auth_users: {{a: {HASH}}}\n"
    );
    let path = place.write("web.yml", &text, 0o644);
    let (watched, loaded) = load_web(&path);
    let warnings: Vec<String> = loaded.unwrap().warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().any(|line| line.contains("key.pem; chmod 0640")), "{warnings:?}");
    assert!(warnings.iter().any(|line| line.contains("hashes; chmod 0640")), "{warnings:?}");
    let folder = place.folder.path();
    let all = ["web.yml", "cert.pem", "key.pem"].map(|name| folder.join(name));
    assert_eq!(watched, all);
    assert_eq!(load_web(Path::new("/nonexistent/web.yml")).0.len(), 1);
}

#[tokio::test]
async fn versions_suites_and_groups() {
    let place = Place::new();
    let pair = "cert_file: cert.pem, key_file: key.pem";
    let old = [&rustls::version::TLS12];
    for (more, versions, expected) in [
        ("", &BOTH[..], Ok("TLSv1_3 TLS13_AES_256_GCM_SHA384 X25519MLKEM768")),
        (", max_version: TLS12", &BOTH[..], Ok("TLSv1_2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")),
        (", min_version: TLS13", &old[..], Err("")),
        (
            ", cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305]",
            &old[..],
            Ok("TLSv1_2 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        ),
        (", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]", &old[..], Err("")),
        (", curve_preferences: [CurveP521, CurveP384]", &BOTH[..], Ok("secp384r1")),
    ] {
        let config = place.good(&format!("tls_server_config: {{{pair}{more}}}"));
        let got = place.shake(&config, place.client(None, versions)).await;
        match (&got, expected) {
            (Ok(text), Ok(part)) => assert!(text.contains(part), "{more}: {text}"),
            (Err(_), Err(_)) => {}
            _ => panic!("{more}: {got:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn certificates_of_clients() {
    let place = Place::new();
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let prometheus = place.clients.client(vec![dns("other"), dns("prometheus.test")]);
    let address = place.clients.client(vec![SanType::IpAddress("192.0.2.9".parse().unwrap())]);
    let stranger = Authority::new("strangers").client(vec![dns("prometheus.test")]);
    // Who gets in: without a certificate, with ours, with ours of an address, with a stranger's.
    for (more, expected) in [
        ("client_auth_type: NoClientCert", [true, true, true, true]),
        ("client_auth_type: RequestClientCert", [true, true, true, true]),
        ("client_auth_type: RequireAnyClientCert", [false, true, true, true]),
        ("client_auth_type: RequireClientCert", [false, true, true, true]),
        (
            "client_auth_type: VerifyClientCertIfGiven, client_ca_file: clients.pem",
            [true, true, true, false],
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: clients.pem",
            [false, true, true, false],
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: clients.pem, \
             client_allowed_sans: [prometheus.test]",
            [false, true, false, false],
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: clients.pem, \
             client_allowed_sans: [192.0.2.9]",
            [false, false, true, false],
        ),
        (
            "client_auth_type: RequireAnyClientCert, client_allowed_sans: [prometheus.test]",
            [false, true, false, true],
        ),
    ] {
        let text = format!("tls_server_config: {{cert_file: cert.pem, key_file: key.pem, {more}}}");
        let config = place.good(&text);
        for version in BOTH {
            let mut got = Vec::new();
            for identity in [None, Some(&prometheus), Some(&address), Some(&stranger)] {
                let client = place.client(identity, &[version]);
                got.push(place.shake(&config, client).await.is_ok());
            }
            assert_eq!(got, expected, "{more} {version:?}");
        }
    }
}
