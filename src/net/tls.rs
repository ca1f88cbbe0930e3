//! TLS as a client that wants to know everything: see [`TlsClient::handshake`].

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, Error, InvalidMessage, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::verify::{Record, Recorder, Trust};
use super::{certificate, names};
use crate::cause::Cause;
use crate::observation::{Failure, TlsFacts};
use crate::smtp::Phase;

/// Seeds this thread's random numbers.
///
/// The library gathers entropy for each thread at its first need, which takes some 40 ms: without
/// this, the first handshake of a thread would look slow, and the delay would be ours.
pub fn warm_up() {
    let mut bytes = [0; 32];
    // Who cannot get random numbers is told so by the handshake.
    let _ = aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
}

/// What all handshakes share: the roots, what chains were worth to them, and the settings. TLS 1.2 and
/// 1.3, no client certificate, and no resumption, because a resumed session shows no certificate and
/// flatters the timing.
#[derive(Debug)]
pub struct TlsClient {
    trust: Arc<Trust>,
    config: ClientConfig,
}

impl TlsClient {
    /// With the system's roots and those of `ca_file` (PEM). A system without roots is no error:
    /// see [`Self::root_count`].
    ///
    /// # Errors
    ///
    /// A text for a person when `ca_file` cannot be read, or holds no certificate that can be a root.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        // Some of the system's files may be odd; the others count all the same.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let mut pinned = HashSet::new();
        if let Some(path) = ca_file {
            for der in read_pem(path)? {
                pinned.insert(certificate::fingerprint(&der));
                roots
                    .add(der)
                    .map_err(|error| format!("{}: not a root: {error}", path.display()))?;
            }
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let trust = Arc::new(Trust::new(roots, pinned, algorithms));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| format!("TLS settings: {error}"))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Recorder::new(trust.clone())))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self { trust, config })
    }

    /// How many roots are trusted. With none, no certificate verifies but those in `ca_file`.
    pub fn root_count(&self) -> usize {
        self.trust.roots.len()
    }

    /// Does a handshake, in `phase` [`Phase::Tls`] or [`Phase::TlsImplicit`], with the server that
    /// the certificate must name `server_name`: a host's name in ASCII, or an address.
    ///
    /// It finishes whatever the certificate is worth: a stream is no sign of trust, and secrets
    /// may go through it only if [`TlsFacts::verified`] is `Some(true)`. The facts hold what was
    /// seen, also beside a failure. Of the chain at most 20 certificates are read, and a server that
    /// sends more than 64 KiB of them fails the handshake.
    ///
    /// # Errors
    ///
    /// `tls_incompatible` when no version or cipher suite is common, `exporter_error` when
    /// `server_name` cannot stand in a certificate, `tls_failed` for all else: silence, a closed
    /// connection, bytes that are not TLS.
    pub async fn handshake<S>(
        &self,
        stream: S,
        server_name: &str,
        phase: Phase,
        timeout: Duration,
    ) -> (TlsFacts, Result<TlsStream<S>, Failure>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bare = server_name.strip_suffix('.').unwrap_or(server_name);
        let Ok(name) = ServerName::try_from(bare.to_owned()) else {
            let text = format!("{server_name:?} is not a name that a certificate can carry");
            let failure = Failure::new(phase, Cause::ExporterError, text);
            return (TlsFacts::default(), Err(failure));
        };
        let recorder = Arc::new(Recorder::new(self.trust.clone()));
        // A copy of the settings is a handful of shared pointers; the roots are behind one.
        let mut config = self.config.clone();
        config.dangerous().set_certificate_verifier(recorder.clone());
        let connect = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let outcome = match tokio::time::timeout(timeout, connect).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(failure(phase, &error)),
            Err(_) => {
                let text = format!("the TLS handshake did not end within {timeout:?}");
                Err(Failure::new(phase, Cause::TlsFailed, text))
            }
        };
        (facts(recorder.take(), outcome.as_ref().ok()), outcome)
    }

    /// What a chain, the server's own certificate first, is worth at `now` for `server_name`, with
    /// no handshake: every reason against it, and its certificates as they were read. `verified` is
    /// never true, because nobody proved to hold the key.
    ///
    /// # Errors
    ///
    /// A text for a person when `server_name` cannot stand in a certificate, or when there is no
    /// certificate at all.
    pub fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        server_name: &str,
        now: UnixTime,
    ) -> Result<TlsFacts, String> {
        let bare = server_name.strip_suffix('.').unwrap_or(server_name);
        let name = ServerName::try_from(bare)
            .map_err(|_| format!("{server_name:?} is not a name that a certificate can carry"))?;
        let (leaf, others) = chain.split_first().ok_or("there is no certificate")?;
        let recorder = Recorder::new(self.trust.clone());
        recorder
            .verify_server_cert(leaf, others, &name, &[], now)
            .map_err(|error| error.to_string())?;
        Ok(facts::<()>(recorder.take(), None))
    }
}

fn facts<S>(record: Record, stream: Option<&TlsStream<S>>) -> TlsFacts {
    let mut facts =
        TlsFacts { established: stream.is_some(), version: record.version, ..TlsFacts::default() };
    if let Some(judged) = record.judged {
        let failures: BTreeSet<_> =
            judged.failures.iter().copied().chain(record.signature_failure).collect();
        facts.verified = match failures.is_empty() {
            false => Some(false),
            // Without the signature anybody could have sent this chain.
            true => record.signed.then_some(true),
        };
        facts.failures = failures.into_iter().collect();
        facts.chain = judged.certificates.clone();
    }
    if let Some(stream) = stream {
        let (_, session) = stream.get_ref();
        facts.version = session.protocol_version().and_then(|v| names::version(u16::from(v)));
        facts.cipher =
            session.negotiated_cipher_suite().and_then(|s| names::cipher(u16::from(s.suite())));
        facts.group =
            session.negotiated_key_exchange_group().and_then(|g| names::group(u16::from(g.name())));
    }
    facts
}

/// What an error of a handshake means.
fn failure(phase: Phase, error: &io::Error) -> Failure {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                String::from("the server closed the connection during the TLS handshake")
            }
            _ => format!("the connection broke during the TLS handshake: {error}"),
        };
        return Failure::new(phase, Cause::TlsFailed, text);
    };
    let (cause, text) = match tls {
        Error::AlertReceived(
            alert @ (AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity),
        ) => (
            Cause::TlsIncompatible,
            format!(
                "the server has no TLS version or cipher suite in common with us: alert {alert:?}"
            ),
        ),
        Error::PeerIncompatible(what) => (
            Cause::TlsIncompatible,
            format!(
                "the server's TLS does not go with TLS 1.2 and 1.3 as they are today: {what:?}"
            ),
        ),
        Error::AlertReceived(alert) => {
            (Cause::TlsFailed, format!("the server ended the TLS handshake with alert {alert:?}"))
        }
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) if phase == Phase::TlsImplicit => {
            (Cause::TlsFailed, format!("the server does not speak TLS on this port: {tls}"))
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            (Cause::TlsFailed, format!("what came after STARTTLS was accepted is not TLS: {tls}"))
        }
        _ => (Cause::TlsFailed, format!("the TLS handshake failed: {tls}")),
    };
    Failure::new(phase, cause, text)
}

fn read_pem(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let place = path.display();
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("{place}: {error}"))?;
    if read.is_empty() {
        return Err(format!("{place}: no certificate in it"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::super::judged::Judged;
    use super::*;

    #[test]
    fn a_chain_without_the_signature_proves_nothing() {
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();
        let read = certificate::read(made.der()).unwrap().certificate;
        let verified = |signed| {
            let judged = Judged { certificates: [read.clone()].into(), failures: Box::default() };
            let record = Record { judged: Some(judged.into()), signed, ..Record::default() };
            facts::<tokio::io::DuplexStream>(record, None).verified
        };
        assert_eq!((verified(false), verified(true)), (None, Some(true)));
    }
}
