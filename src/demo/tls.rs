//! Certificates for the demo: an authority made in memory when it is first asked for, and leaves
//! that are right, or wrong in one way each, or in all ways at once.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

closed_enum! {
    /// A server's certificate, by what is wrong with it.
    pub enum Certificate {
        /// Nothing: `*.demo.test`, `demo.test`, `localhost` and the demo's addresses.
        Good => "good",
        /// Nothing either: the one for the same names that `Good` takes the place of. It ends in 30
        /// days.
        Outgoing => "outgoing",
        /// Ended 10 days ago.
        Expired => "expired",
        /// Begins in 10 days.
        NotYetValid => "not_yet_valid",
        /// Made out to `elsewhere.example`.
        WrongName => "wrong_name",
        /// Its own issuer.
        SelfSigned => "self_signed",
        /// Issued by an authority that nobody was told of, which is not sent either.
        UnknownIssuer => "unknown_issuer",
        /// Expired, of the wrong name and of an unknown issuer.
        AllWrong => "all_wrong",
    }
}

/// The demo's authority and what it issued.
#[derive(Debug)]
pub struct Authority {
    ca_pem: String,
    root: CertificateDer<'static>,
    leaves: Vec<Leaf>,
}

/// One certificate with its chain, and the server that shows it.
#[derive(Debug)]
struct Leaf {
    kind: Certificate,
    chain: Vec<CertificateDer<'static>>,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// The authority of this process, made at the first call.
    ///
    /// # Errors
    ///
    /// The making of keys or certificates failed; it is not tried again.
    pub fn shared() -> io::Result<&'static Self> {
        static SHARED: OnceLock<Result<Authority, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::make().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|error| io::Error::other(format!("demo certificates: {error}")))
    }

    /// The root certificate in PEM, for `tls.ca_file`.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The root certificate.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// What a server with this certificate runs: TLS 1.2 and 1.3, no client certificates, and the
    /// session tickets that servers send without being asked.
    ///
    /// # Errors
    ///
    /// Never for a value of [`Certificate::ALL`].
    pub fn server_config(&self, certificate: Certificate) -> io::Result<Arc<ServerConfig>> {
        self.leaf(certificate)
            .map(|leaf| leaf.config.clone())
            .ok_or_else(|| io::Error::other(format!("no {certificate} certificate was made")))
    }

    /// What such a server sends, leaf first: the facts that a test expects are read from it.
    pub fn chain(&self, certificate: Certificate) -> &[CertificateDer<'static>] {
        self.leaf(certificate).map_or(&[], |leaf| &leaf.chain)
    }

    fn leaf(&self, certificate: Certificate) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| leaf.kind == certificate)
    }

    fn make() -> Result<Self, Box<dyn std::error::Error>> {
        let root = authority("Demo Root", None)?;
        let intermediate = authority("Demo Intermediate", Some(&root))?;
        let stranger = authority("Demo Stranger", None)?;
        let mut leaves = Vec::new();
        for &kind in Certificate::ALL {
            let key = KeyPair::generate()?;
            let params = leaf(kind)?;
            let chain = match kind {
                Certificate::SelfSigned => vec![params.self_signed(&key)?.der().clone()],
                Certificate::UnknownIssuer | Certificate::AllWrong => {
                    vec![params.signed_by(&key, &stranger)?.der().clone()]
                }
                _ => vec![
                    params.signed_by(&key, &intermediate)?.der().clone(),
                    intermediate.der().clone(),
                ],
            };
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(chain.clone(), key)?;
            leaves.push(Leaf { kind, chain, config: Arc::new(config) });
        }
        Ok(Self { ca_pem: root.pem(), root: root.der().clone(), leaves })
    }
}

/// The certificate of software that knows no newer TLS than 1.1: RSA with 2048 bits, DER, made at
/// the first call. It is valid and self-signed, as such appliances' mostly are; it ends in 400 days.
///
/// # Errors
///
/// The making failed; it is not tried again.
pub(super) fn legacy_certificate() -> io::Result<&'static CertificateDer<'static>> {
    static MADE: OnceLock<Result<CertificateDer<'static>, String>> = OnceLock::new();
    MADE.get_or_init(|| {
        let make = || -> Result<CertificateDer<'static>, rcgen::Error> {
            let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
            let mut params = CertificateParams::new(names(DOMAIN))?;
            params.distinguished_name.push(DnType::CommonName, "old appliance");
            params.not_after = OffsetDateTime::now_utc() + Duration::days(400);
            Ok(params.self_signed(&key)?.der().clone())
        };
        make().map_err(|error| error.to_string())
    })
    .as_ref()
    .map_err(|error| io::Error::other(format!("demo certificate: {error}")))
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// An authority, self-signed or below `parent`.
fn authority(name: &str, parent: Option<&Issuer>) -> Result<Issuer, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = OffsetDateTime::now_utc() - Duration::days(30);
    // The intermediate ends before the root and after the leaves, so that a chain's earliest end
    // is a question with an answer.
    let days = if parent.is_some() { 1825 } else { 3650 };
    params.not_after = OffsetDateTime::now_utc() + Duration::days(days);
    let key = KeyPair::generate()?;
    match parent {
        Some(parent) => CertifiedIssuer::signed_by(params, key, parent),
        None => CertifiedIssuer::self_signed(params, key),
    }
}

/// The parameters of a leaf, with what is wrong in its dates and names.
fn leaf(kind: Certificate) -> Result<CertificateParams, rcgen::Error> {
    let elsewhere = matches!(kind, Certificate::WrongName | Certificate::AllWrong);
    let domain = if elsewhere { "elsewhere.example" } else { DOMAIN };
    let mut params = CertificateParams::new(names(domain))?;
    if !elsewhere {
        params.subject_alt_names.extend(addresses().map(SanType::IpAddress));
    }
    params.distinguished_name.push(DnType::CommonName, domain);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = OffsetDateTime::now_utc();
    let (from, until) = match kind {
        Certificate::Expired | Certificate::AllWrong => (-100, -10),
        Certificate::NotYetValid => (10, 100),
        Certificate::Outgoing => (-60, 30),
        _ => (-10, 80),
    };
    params.not_before = now + Duration::days(from);
    params.not_after = now + Duration::days(until);
    Ok(params)
}

fn names(domain: &str) -> Vec<String> {
    let mut names = vec![domain.to_owned(), format!("*.{domain}")];
    if domain == DOMAIN {
        names.extend(["pair", "tidy", "untidy"].map(|below| format!("*.{below}.{domain}")));
        names.push("localhost".to_owned());
    }
    names
}

/// The addresses on the good certificate: the loopback ones, and the block that the demo uses.
fn addresses() -> impl Iterator<Item = IpAddr> {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
        .into_iter()
        .chain((1..=40).map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 50, last))))
}

/// The domain of everything in the demo. `.test` is reserved (RFC 6761).
pub(super) const DOMAIN: &str = "demo.test";
