//! `tls_server_config`: from names and files to a configuration of rustls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CipherSuite, ServerConfig, SupportedProtocolVersion, version};
use secrecy::zeroize::Zeroizing;

use super::super::disk;
use super::super::text::printable;
use super::super::value::{self, Parsed};
use super::super::walk::{At, Fields, Findings};
use super::client;

/// The configuration of the server's side; none when no certificate is stated, or something is
/// wrong.
pub(super) fn read(
    fields: &Fields,
    base: &Path,
    findings: &mut Findings,
    watched: &mut Vec<PathBuf>,
) -> Option<Arc<ServerConfig>> {
    let before = findings.problems.len();
    let mut provider = aws_lc_rs::default_provider();
    let versions = versions(fields, findings);
    let newest_only = versions == [&version::TLS13];
    restrict_suites(&mut provider, fields, newest_only, findings);
    restrict_groups(&mut provider, fields, findings);
    let provider = Arc::new(provider);
    let prefer = fields.value("prefer_server_cipher_suites", findings, value::boolean);

    let mut files = Files { fields, base, findings, watched };
    let chain = files.pem("cert").and_then(|(at, pem)| {
        let parsed = certificates(&pem);
        files.findings.take(&at.spot(), parsed).map(|chain| (at, chain))
    });
    let key = files.pem("key").and_then(|(at, pem)| {
        match files.path("key") {
            Some(path) => disk::warn_if_open(&path, &at.spot(), files.findings),
            None => disk::warn_if_stated_open(&at.spot(), files.findings),
        }
        let parsed = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
            "holds no private key; PEM begins with -----BEGIN PRIVATE KEY-----, and encrypted keys \
             are not taken"
                .to_owned()
        });
        files.findings.take(&at.spot(), parsed).map(|key| (at, key))
    });
    let authorities = files.pem("client_ca").and_then(|(at, pem)| {
        let parsed = certificates(&pem);
        files.findings.take(&at.spot(), parsed).map(|list| (at, list))
    });
    let verifier = client::read(fields, authorities, &provider, findings);
    let (Some((_, chain)), Some((key_at, key))) = (chain, key) else {
        return None;
    };
    let certified = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            "is not the key of the certificate; were both files replaced?".to_owned()
        }
        error => format!("does not go with the certificate: {error}"),
    });
    let certified = findings.take(&key_at.spot(), certified)?;
    if findings.problems.len() > before {
        return None;
    }
    let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(certified));
    let built = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| format!("is not a choice of TLS settings that can work: {error}"));
    let builder = findings.take(&fields.spot(), built)?;
    let mut config = builder.with_client_cert_verifier(verifier?).with_cert_resolver(resolver);
    config.ignore_client_order = prefer.unwrap_or(true);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session would skip the look at the client's certificate, and scrapes keep their
    // connection anyway.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Some(Arc::new(config))
}

/// Values that are stated inline or in a file.
struct Files<'a> {
    fields: &'a Fields,
    base: &'a Path,
    findings: &'a mut Findings,
    watched: &'a mut Vec<PathBuf>,
}

impl Files<'_> {
    fn path(&mut self, key: &str) -> Option<PathBuf> {
        let at = self.fields.at(&format!("{key}_file"))?;
        Some(self.base.join(at.text(self.findings)?))
    }

    /// The bytes at `key` or in the file at `key_file`. A certificate and its key must be there.
    fn pem(&mut self, key: &str) -> Option<(At, Zeroizing<Vec<u8>>)> {
        let file = format!("{key}_file");
        match (self.fields.at(key), self.fields.at(&file)) {
            (None, None) => {
                if key != "client_ca" {
                    let message = format!("is missing; name the file, or state `{key}`");
                    self.findings.problem(&self.fields.missing(&file), message);
                }
                None
            }
            (Some(_), Some(at)) => {
                self.findings.problem(&at.spot(), format!("`{key}` is stated too; keep one"));
                None
            }
            (Some(at), None) => {
                let text = at.text(self.findings)?;
                Some((at, Zeroizing::new(text.into_bytes())))
            }
            (None, Some(at)) => {
                let path = self.path(key)?;
                self.watched.push(path.clone());
                let shown = printable(&path.display().to_string());
                let found = disk::read(&path, MAX_BYTES)
                    .map_err(|message| format!("the file {shown} {message}"));
                let bytes = self.findings.take(&at.spot(), found)?;
                Some((at, Zeroizing::new(bytes)))
            }
        }
    }
}

fn certificates(pem: &[u8]) -> Parsed<Vec<CertificateDer<'static>>> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(list) if list.is_empty() => {
            Err("holds no certificate; PEM begins with -----BEGIN CERTIFICATE-----".to_owned())
        }
        Ok(list) => Ok(list),
        Err(error) => Err(format!("is not sound PEM: {error}")),
    }
}

fn versions(fields: &Fields, findings: &mut Findings) -> Vec<&'static SupportedProtocolVersion> {
    let parse = |text: &str| match text {
        "TLS12" => Ok(2),
        "TLS13" => Ok(3),
        "TLS10" | "TLS11" => Err(format!(
            "{text} is not spoken here: it is broken and deprecated (RFC 8996); write TLS12 or TLS13"
        )),
        _ => Err(format!("`{}` is not a TLS version; write TLS12 or TLS13", printable(text))),
    };
    let least = fields.value("min_version", findings, parse).unwrap_or(2);
    let most = fields.value("max_version", findings, parse).unwrap_or(3);
    if most < least
        && let Some(at) = fields.at("max_version")
    {
        findings.problem(&at.spot(), "is older than min_version");
    }
    [(2, &version::TLS12), (3, &version::TLS13)]
        .into_iter()
        .filter(|(number, _)| (least..=most).contains(number))
        .map(|(_, version)| version)
        .collect()
}

/// As in Go, whose names these are, the list is about TLS 1.2 and leaves the suites of 1.3 alone.
fn restrict_suites(
    provider: &mut CryptoProvider,
    fields: &Fields,
    newest_only: bool,
    findings: &mut Findings,
) {
    let Some(list) = fields.list("cipher_suites", findings) else { return };
    let (newest, known): (Vec<_>, Vec<_>) = provider
        .cipher_suites
        .iter()
        .copied()
        .partition(|suite| suite.version() == &version::TLS13);
    let mut chosen = Vec::new();
    let mut sound = true;
    for at in &list {
        let parsed = at.parse(findings, |text| {
            if NEWEST.contains(&text) {
                return Ok(None);
            }
            let found = known.iter().find(|suite| {
                let name = suite_name(suite.suite());
                // Go kept its first names for two of them.
                name == text || name.strip_suffix("_SHA256") == Some(text)
            });
            found.copied().map(Some).ok_or_else(|| {
                let names: Vec<String> =
                    known.iter().map(|suite| suite_name(suite.suite())).collect();
                format!(
                    "`{}` is not spoken here: only suites with forward secrecy and AEAD are: {}",
                    printable(text),
                    names.join(", ")
                )
            })
        });
        match parsed {
            Some(suite) => chosen.extend(suite),
            None => sound = false,
        }
    }
    if sound && chosen.is_empty() && !newest_only && !list.is_empty() {
        let message = "names no suite of TLS 1.2; add one, or set min_version to TLS13";
        if let Some(at) = fields.at("cipher_suites") {
            findings.problem(&at.spot(), message);
        }
    }
    if !list.is_empty() {
        provider.cipher_suites = newest.into_iter().chain(chosen).collect();
    }
}

fn suite_name(suite: CipherSuite) -> String {
    suite.as_str().map_or_else(String::new, str::to_owned)
}

fn restrict_groups(provider: &mut CryptoProvider, fields: &Fields, findings: &mut Findings) {
    let Some(list) = fields.list("curve_preferences", findings) else { return };
    let before = findings.problems.len();
    let mut chosen: Vec<&'static dyn SupportedKxGroup> = Vec::new();
    for at in &list {
        if at.text(findings).as_deref() == Some("CurveP521") {
            findings.warn(&at.spot(), "CurveP521 is not spoken here, and left out");
            continue;
        }
        let group = at.parse(findings, |text| {
            let found = GROUPS.iter().find(|(name, _)| *name == text);
            found.map(|(_, group)| *group).ok_or_else(|| {
                let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
                format!("`{}` is not one of: {}", printable(text), names.join(", "))
            })
        });
        chosen.extend(group);
    }
    if chosen.is_empty() && findings.problems.len() == before && !list.is_empty() {
        if let Some(at) = fields.at("curve_preferences") {
            findings.problem(&at.spot(), "names no group that is spoken here");
        }
    } else if !chosen.is_empty() {
        provider.kx_groups = chosen;
    }
}

const NEWEST: [&str; 3] =
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
static GROUPS: [(&str, &dyn SupportedKxGroup); 4] = [
    ("X25519MLKEM768", aws_lc_rs::kx_group::X25519MLKEM768),
    ("X25519", aws_lc_rs::kx_group::X25519),
    ("CurveP256", aws_lc_rs::kx_group::SECP256R1),
    ("CurveP384", aws_lc_rs::kx_group::SECP384R1),
];
/// The largest file of certificates or of a key.
const MAX_BYTES: usize = 1 << 20;
