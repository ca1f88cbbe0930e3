//! Certificates of every kind, and servers that show them.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedProtocolVersion};
use smtp_exporter::net::tls::TlsClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;

/// An authority.
pub(crate) struct Ca(CertifiedIssuer<'static, KeyPair>);

/// A server's certificates and its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
}

/// First and last year of validity.
pub(crate) type Years = (i32, i32);
pub(crate) const NOW: Years = (2020, 2090);
pub(crate) const PAST: Years = (2010, 2020);
pub(crate) const FUTURE: Years = (2080, 2090);

fn params(common_name: &str, names: &[&str], years: Years) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| String::from(*name)).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

fn authority(common_name: &str, years: Years) -> CertificateParams {
    let mut params = params(common_name, &[], years);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Ca {
    pub(crate) fn new(common_name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(authority(common_name, NOW), key).unwrap())
    }

    /// An authority below this one.
    pub(crate) fn below(&self, common_name: &str, years: Years) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(authority(common_name, years), key, &self.0).unwrap())
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A server's certificate, alone.
    pub(crate) fn leaf(&self, names: &[&str], years: Years) -> Identity {
        let key = KeyPair::generate().unwrap();
        let made = params("server", names, years).signed_by(&key, &self.0).unwrap();
        Identity { chain: vec![made.der().clone()], key }
    }

    /// A client that trusts this authority.
    pub(crate) fn client(&self) -> TlsClient {
        client(&self.0.pem())
    }
}

impl Identity {
    pub(crate) fn self_signed(names: &[&str], years: Years, authority: bool) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params("itself", names, years);
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let made = params.self_signed(&key).unwrap();
        Self { chain: vec![made.der().clone()], key }
    }

    /// The same with further certificates behind.
    pub(crate) fn with(
        mut self,
        others: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Self {
        self.chain.extend(others);
        self
    }

    /// The server's end of a connection that does a handshake, and then says one line.
    pub(crate) fn serve(&self, versions: &[&'static SupportedProtocolVersion]) -> DuplexStream {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        // Unlike the usual way, this does not look whether key and certificate belong together.
        let resolver: Arc<dyn ResolvesServerCert> =
            Arc::new(SingleCertAndKey::from(CertifiedKey::new(self.chain.clone(), key)));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        let (ours, theirs) = duplex(16 * 1024);
        tokio::spawn(async move {
            if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(theirs).await {
                let _ = stream.write_all(b"220 inside\r\n").await;
                let _ = stream.flush().await;
                let _ = stream.read(&mut [0; 16]).await;
            }
        });
        ours
    }
}

/// A client that trusts the certificates in this PEM text.
pub(crate) fn client(pem: &str) -> TlsClient {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    TlsClient::new(Some(file.path())).unwrap()
}

/// DER as PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|l| str::from_utf8(l).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
