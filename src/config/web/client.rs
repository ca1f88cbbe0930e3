//! Clients' certificates: who must show one, who signs it, and what it must say.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore};
use rustls::{Error, SignatureScheme};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::super::text::printable;
use super::super::walk::{At, Fields, Findings};

type Verifier = Arc<dyn ClientCertVerifier>;

/// What `client_auth_type` and its companions come to; none when something is wrong.
pub(super) fn read(
    fields: &Fields,
    authorities: Option<(At, Vec<CertificateDer<'static>>)>,
    provider: &Arc<CryptoProvider>,
    findings: &mut Findings,
) -> Option<Verifier> {
    let kind = match fields.at("client_auth_type") {
        None => Kind::None,
        Some(at) => at.parse(findings, Kind::parse)?,
    };
    let mut sans = Vec::new();
    for at in fields.list("client_allowed_sans", findings).unwrap_or_default() {
        sans.extend(at.text(findings));
    }
    let stated = fields.at("client_ca").or_else(|| fields.at("client_ca_file"));
    match (&stated, kind.verifies()) {
        (None, true) => {
            let message = format!("is missing, and client_auth_type {} needs it", kind.name());
            findings.problem(&fields.missing("client_ca_file"), message);
            return None;
        }
        (Some(at), false) if kind == Kind::None => {
            findings.problem(
                &at.spot(),
                "is of no use without client_auth_type; to let in only certificates that it \
                 signed, write RequireAndVerifyClientCert",
            );
        }
        _ => {}
    }
    if !sans.is_empty()
        && !kind.mandatory()
        && let Some(at) = fields.at("client_allowed_sans")
    {
        findings.problem(
            &at.spot(),
            "needs client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert: others let \
             clients in that show no certificate",
        );
    }
    if matches!(kind, Kind::Request | Kind::RequireAny)
        && let Some(at) = fields.at("client_auth_type")
    {
        findings.warn(
            &at.spot(),
            "anybody can make a certificate that this lets in; only RequireAndVerifyClientCert \
             keeps strangers out",
        );
    }
    let verifier: Verifier = match kind {
        Kind::None => return Some(Arc::new(NoClientAuth)),
        Kind::Request | Kind::RequireAny => Arc::new(Anybody {
            mandatory: kind.mandatory(),
            algorithms: provider.signature_verification_algorithms,
        }),
        Kind::VerifyIfGiven | Kind::RequireAndVerify => {
            let (at, certificates) = authorities?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                let added = roots
                    .add(certificate)
                    .map_err(|error| format!("holds a certificate that is no authority: {error}"));
                findings.take(&at.spot(), added)?;
            }
            let builder =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
            let builder = if kind.mandatory() { builder } else { builder.allow_unauthenticated() };
            let built = builder.build().map_err(|error| format!("cannot be used: {error}"));
            findings.take(&at.spot(), built)?
        }
    };
    Some(if sans.is_empty() { verifier } else { Arc::new(Named { verifier, sans }) })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

impl Kind {
    fn parse(text: &str) -> Result<Self, String> {
        // The old name of RequireAnyClientCert is still taken.
        let text = if text == "RequireClientCert" { "RequireAnyClientCert" } else { text };
        NAMES.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("`{}` is not one of: {}", printable(text), names.join(", "))
        })
    }

    fn name(self) -> &'static str {
        NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    fn mandatory(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }
}

/// Takes any certificate whose key the client has.
#[derive(Debug)]
struct Anybody {
    mandatory: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Asks besides that the certificate carries one of these names.
#[derive(Debug)]
struct Named {
    verifier: Verifier,
    sans: Vec<String>,
}

impl Named {
    /// A whole name, compared as it is written: `*.example.net` stands for itself.
    fn fits(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
        let Ok(Some(extension)) = parsed.subject_alternative_name() else { return false };
        extension.value.general_names.iter().any(|name| {
            let text = match name {
                GeneralName::DNSName(text)
                | GeneralName::RFC822Name(text)
                | GeneralName::URI(text) => (*text).to_owned(),
                GeneralName::IPAddress(bytes) => {
                    match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
                        (Ok(v4), _) => std::net::IpAddr::from(v4).to_string(),
                        (_, Ok(v6)) => std::net::IpAddr::from(v6).to_string(),
                        _ => return false,
                    }
                }
                _ => return false,
            };
            self.sans.contains(&text)
        })
    }
}

impl ClientCertVerifier for Named {
    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.verifier.verify_client_cert(certificate, chain, now)?;
        if self.fits(certificate) {
            return Ok(verified);
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

const NAMES: [(&str, Kind); 5] = [
    ("NoClientCert", Kind::None),
    ("RequestClientCert", Kind::Request),
    ("RequireAnyClientCert", Kind::RequireAny),
    ("VerifyClientCertIfGiven", Kind::VerifyIfGiven),
    ("RequireAndVerifyClientCert", Kind::RequireAndVerify),
];
