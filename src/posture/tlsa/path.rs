//! From a server's certificate up to an authority that a TLSA record names (RFC 7671, 5.2; RFC 7672,
//! 3.1.2 and 3.2).

use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, Der, ServerName, TrustAnchor, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::Seen;

/// What a record names.
pub(super) enum Anchor<'a> {
    /// A certificate, DER.
    Certificate(&'a [u8]),
    /// A SubjectPublicKeyInfo, DER, of an authority whose certificate is not known.
    Key(&'a [u8]),
}

/// Why the server's certificate does not hold under the anchor.
pub(super) enum Unsound {
    /// No path leads to it.
    Path(String),
    /// The path does; dates or names are wrong.
    Other(String),
}

/// Checks signatures, dates and the name of the chain's leaf; the anchor itself is trusted as it is.
pub(super) fn check(seen: &Seen<'_>, anchor: &Anchor<'_>, names: &[&str]) -> Result<(), Unsound> {
    let no_path = |why: &str| Unsound::Path(why.to_owned());
    let Some((leaf, above)) = seen.chain.split_first() else {
        return Err(no_path("no certificate was shown"));
    };
    let der = CertificateDer::from(leaf.der);
    let parsed = ParsedCertificate::try_from(&der)
        .map_err(|error| Unsound::Other(format!("the server's certificate: {error}")))?;
    let above: Vec<CertificateDer<'_>> =
        above.iter().map(|shown| CertificateDer::from(shown.der)).collect();
    let roots = roots(anchor, seen).ok_or_else(|| no_path("it cannot be an authority"))?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seen.now));
    let algorithms =
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &above, now, algorithms.all)
        .map_err(|error| unsound(&error))?;
    let fits = |name: &&str| {
        let name = name.strip_suffix('.').unwrap_or(name);
        ServerName::try_from(name).is_ok_and(|name| verify_server_name(&parsed, &name).is_ok())
            || common_name_is(leaf.der, name)
    };
    if names.iter().any(fits) {
        Ok(())
    } else {
        Err(Unsound::Other(format!("the certificate is for none of {}", names.join(", "))))
    }
}

/// The anchor as the library has it.
fn roots(anchor: &Anchor<'_>, seen: &Seen<'_>) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match anchor {
        Anchor::Certificate(der) => roots.add(CertificateDer::from(der.to_vec())).ok()?,
        // A bare key has no name: it is whoever issued a certificate of the chain.
        Anchor::Key(spki) => {
            for shown in seen.chain {
                let (_, certificate) = X509Certificate::from_der(shown.der).ok()?;
                roots.roots.push(TrustAnchor {
                    subject: Der::from(contents(certificate.issuer().as_raw())?.to_vec()),
                    subject_public_key_info: Der::from(contents(spki)?.to_vec()),
                    name_constraints: None,
                });
            }
        }
    }
    Some(roots)
}

/// What stands inside the outermost element: the library wants names and keys without their frame.
fn contents(der: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = der.get(1..)?.split_first()?;
    let more = if length & 0x80 == 0 { 0 } else { usize::from(length & 0x7f) };
    rest.get(more..)
}

/// The common name counts where a certificate carries no DNS name (RFC 7672, 3.2.3).
fn common_name_is(der: &[u8], name: &str) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    let dns_names = certificate.subject_alternative_name().ok().flatten().is_some_and(|names| {
        names.value.general_names.iter().any(|name| matches!(name, GeneralName::DNSName(_)))
    });
    !dns_names
        && certificate
            .subject()
            .iter_common_name()
            .any(|common| common.as_str().is_ok_and(|common| common.eq_ignore_ascii_case(name)))
}

fn unsound(error: &Error) -> Unsound {
    let text = error.to_string();
    match error {
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => Unsound::Path(text),
        _ => Unsound::Other(text),
    }
}
