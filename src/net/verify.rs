//! A verifier that lets every handshake finish and writes down all that is wrong.
//!
//! # Why
//!
//! A verifier that stops at the first fault hides the others, and with them the certificate's dates,
//! of which people want to hear most. So chain, name and signature are judged apart, and the chain a
//! second time with the clock inside validity when it had expired. This lets a man in the middle
//! through by design: nothing secret may be sent unless nothing in [`Record`] failed and the signature
//! was seen.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate::{self, Read};
use super::judged::{Judged, Key, Memory, Span};
use crate::observation::{TlsVersion, VerifyFailure};

/// What is trusted: built once, shared by all handshakes.
#[derive(Debug)]
pub(super) struct Trust {
    /// The roots.
    pub roots: RootCertStore,
    /// SHA-256 of certificates that are trusted as they are, also as a server's own. A server's
    /// self-signed certificate that says it is an authority (`openssl req -x509` makes such) can be
    /// trusted only so, because a path must not end in an authority.
    pub pinned: HashSet<[u8; 32]>,
    /// Signature algorithms that are strong enough.
    pub algorithms: WebPkiSupportedAlgorithms,
    /// What chains were worth to these roots.
    memory: Memory,
}

impl Trust {
    /// Trusts these, as the fields say.
    pub(super) fn new(
        roots: RootCertStore,
        pinned: HashSet<[u8; 32]>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { roots, pinned, algorithms, memory: Memory::new(MEMORY_BYTES) }
    }

    /// What this chain says, and every reason why it does not vouch for `name` at `now`: recalled if
    /// it is known and no certificate of it has begun or ended since.
    pub(super) fn judged(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Arc<Judged> {
        let whole = others.len() < CHAIN_CERTIFICATES;
        let key = if whole { Key::of(leaf, others, name) } else { None };
        if let Some(judged) = key.and_then(|key| self.memory.recall(&key, now)) {
            return judged;
        }
        let chain = std::iter::once(leaf).chain(others).take(CHAIN_CERTIFICATES);
        let reads: Vec<Option<Read>> = chain.map(|der| certificate::read(der)).collect();
        let failures = self.judge(leaf, reads.first().and_then(Option::as_ref), others, name, now);
        // With a certificate that cannot be read there is no telling when the outcome turns.
        let known = reads.iter().all(Option::is_some);
        let span = if known { Span::around(now, reads.iter().flatten()) } else { None };
        let judged = Judged {
            certificates: reads.into_iter().flatten().map(|read| read.certificate).collect(),
            failures: failures.into_iter().collect(),
        };
        match key.zip(span) {
            Some((key, span)) => self.memory.keep(key, judged, span),
            None => Arc::new(judged),
        }
    }

    /// Every reason why this chain does not vouch for `name` at `now`. `read` is what the leaf says.
    ///
    /// Whatever this asks of the moment must be known to [`Span`], or outcomes are kept too long.
    pub(super) fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        read: Option<&Read>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> BTreeSet<VerifyFailure> {
        let mut failures = BTreeSet::new();
        if let Some(read) = read {
            failures.extend(date_failure(read, now));
            if read.weak_key {
                failures.insert(VerifyFailure::WeakKey);
            }
        }
        let parsed = match ParsedCertificate::try_from(leaf) {
            Ok(parsed) => parsed,
            Err(error) => {
                failures.insert(meaning(&error));
                return failures;
            }
        };
        if !read.is_some_and(|read| self.pinned.contains(&read.fingerprint)) {
            self.judge_chain(&parsed, read, others, now, &mut failures);
        }
        if let Err(error) = verify_server_name(&parsed, name) {
            failures.insert(meaning(&error));
        }
        failures
    }

    fn judge_chain(
        &self,
        leaf: &ParsedCertificate<'_>,
        read: Option<&Read>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        failures: &mut BTreeSet<VerifyFailure>,
    ) {
        let run = |at| {
            verify_server_cert_signed_by_trust_anchor(
                leaf,
                &self.roots,
                others,
                at,
                self.algorithms.all,
            )
            .err()
        };
        let Some(error) = run(now) else { return };
        let first = meaning(&error);
        let failure = if matches!(first, VerifyFailure::Expired | VerifyFailure::NotYetValid) {
            failures.insert(first);
            // A certificate that is only out of date has nothing else to answer for, but one can
            // be expired and of an unknown issuer.
            match run(inside_validity(read, others, now)).as_ref().map(meaning) {
                Some(VerifyFailure::Expired | VerifyFailure::NotYetValid) | None => return,
                Some(second) => second,
            }
        } else {
            first
        };
        let self_issued = read.is_some_and(|read| read.self_issued);
        failures.insert(match failure {
            VerifyFailure::UnknownIssuer | VerifyFailure::Other if self_issued => {
                VerifyFailure::SelfSigned
            }
            // Signatures of short keys are not calculated at all, and then said to be bad.
            VerifyFailure::BadSignature if others.iter().any(|der| weak(der)) => {
                VerifyFailure::WeakKey
            }
            other => other,
        });
    }
}

/// What one handshake showed.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// What the certificates are worth, once they were seen.
    pub judged: Option<Arc<Judged>>,
    /// What is wrong with the server's signature over the handshake.
    pub signature_failure: Option<VerifyFailure>,
    /// The version, as the signature's form tells it.
    pub version: Option<TlsVersion>,
    /// The server's signature over the handshake was seen.
    pub signed: bool,
}

/// The verifier of one handshake.
#[derive(Debug)]
pub(super) struct Recorder {
    trust: Arc<Trust>,
    record: Mutex<Record>,
}

impl Recorder {
    /// For one handshake.
    pub(super) fn new(trust: Arc<Trust>) -> Self {
        Self { trust, record: Mutex::default() }
    }

    /// Takes what was recorded so far.
    pub(super) fn take(&self) -> Record {
        std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn note_signature(
        &self,
        version: TlsVersion,
        outcome: Result<HandshakeSignatureValid, Error>,
        leaf: &CertificateDer<'_>,
    ) {
        let failure = outcome.err().map(|error| match meaning(&error) {
            VerifyFailure::BadSignature if weak(leaf) => VerifyFailure::WeakKey,
            other => other,
        });
        self.note(|record| {
            record.version = Some(version);
            record.signed = true;
            record.signature_failure = failure;
        });
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.trust.judged(leaf, others, name, now);
        self.note(|record| record.judged = Some(judged));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let outcome = verify_tls12_signature(message, leaf, signed, &self.trust.algorithms);
        self.note_signature(TlsVersion::Tls12, outcome, leaf);
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let outcome = verify_tls13_signature(message, leaf, signed, &self.trust.algorithms);
        self.note_signature(TlsVersion::Tls13, outcome, leaf);
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms.supported_schemes()
    }
}

/// Certificates kept of one chain. rustls refuses a Certificate message above 64 KiB, so their bytes
/// are bounded as well.
pub(super) const CHAIN_CERTIFICATES: usize = 20;
/// Bytes of chains that are remembered: some 22,000 usual ones of two certificates, half of which are
/// sure to stay.
const MEMORY_BYTES: usize = 32 << 20;

/// What an error of rustls says about a certificate.
fn meaning(error: &Error) -> VerifyFailure {
    #[expect(deprecated, reason = "the verifier still makes the old variant")]
    match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                VerifyFailure::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                VerifyFailure::NotYetValid
            }
            CertificateError::UnknownIssuer => VerifyFailure::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                VerifyFailure::NameMismatch
            }
            CertificateError::Revoked => VerifyFailure::Revoked,
            CertificateError::BadSignature => VerifyFailure::BadSignature,
            CertificateError::UnsupportedSignatureAlgorithm
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                VerifyFailure::WeakKey
            }
            _ => VerifyFailure::Other,
        },
        // A handshake signed with an algorithm that was not offered, because it is too weak.
        Error::PeerMisbehaved(_) => VerifyFailure::WeakKey,
        _ => VerifyFailure::Other,
    }
}

fn weak(der: &[u8]) -> bool {
    certificate::read(der).is_some_and(|read| read.weak_key)
}

fn date_failure(read: &Read, now: UnixTime) -> Option<VerifyFailure> {
    let now = i64::try_from(now.as_secs()).ok()?;
    if now > read.certificate.not_after {
        Some(VerifyFailure::Expired)
    } else if now < read.certificate.not_before {
        Some(VerifyFailure::NotYetValid)
    } else {
        None
    }
}

/// The moment nearest to `now` at which all certificates served are valid; if there is none, at which
/// the leaf is.
fn inside_validity(leaf: Option<&Read>, others: &[CertificateDer<'_>], now: UnixTime) -> UnixTime {
    let Some(leaf) = leaf else { return now };
    let span = |read: &Read| (read.certificate.not_before, read.certificate.not_after);
    let alone = span(leaf);
    let all = others
        .iter()
        .filter_map(|der| certificate::read(der))
        .map(|read| span(&read))
        .fold(alone, |(from, to), (start, end)| (from.max(start), to.min(end)));
    let (from, to) = if all.0 <= all.1 { all } else { alone };
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let inside = now.min(to).max(from);
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(inside).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
    };

    use super::*;

    const NAME: &str = "mx.example.test";

    fn params(common_name: &str, years: (i32, i32)) -> CertificateParams {
        let mut params = CertificateParams::new(vec![String::from(NAME)]).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params
    }

    fn root() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = params("root", (2000, 2090));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    pub(super) fn judge(
        root: &CertifiedIssuer<'_, KeyPair>,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Vec<VerifyFailure> {
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        let trust = Trust::new(roots, HashSet::new(), algorithms);
        let name = ServerName::try_from(NAME).unwrap();
        // The middle of 2025.
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_750_000_000));
        trust
            .judge(leaf, certificate::read(leaf).as_ref(), others, &name, now)
            .into_iter()
            .collect()
    }

    /// The public half of an RSA key of 1024 bits; nobody needs the other half.
    struct ShortKey(Vec<u8>);

    impl ShortKey {
        fn new() -> Self {
            let mut der = vec![0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00];
            der.extend([0xc5; 128]);
            der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
            Self(der)
        }
    }

    impl rcgen::PublicKeyData for ShortKey {
        fn der_bytes(&self) -> &[u8] {
            &self.0
        }

        fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
            &rcgen::PKCS_RSA_SHA256
        }
    }

    #[test]
    fn a_short_key_is_weak() {
        let root = root();
        let leaf = params("leaf", (2020, 2030)).signed_by(&ShortKey::new(), &root).unwrap();
        assert_eq!(certificate::read(leaf.der()).unwrap().certificate.key, "RSA 1024");
        assert_eq!(judge(&root, leaf.der(), &[]), [VerifyFailure::WeakKey]);
    }

    #[test]
    fn a_spoilt_signature_is_bad() {
        let root = root();
        let key = KeyPair::generate().unwrap();
        let leaf = params("leaf", (2020, 2030)).signed_by(&key, &root).unwrap();
        assert_eq!(judge(&root, leaf.der(), &[]), []);
        let mut spoilt = leaf.der().to_vec();
        *spoilt.last_mut().unwrap() ^= 1;
        let failures = judge(&root, &CertificateDer::from(spoilt), &[]);
        assert_eq!(failures, [VerifyFailure::BadSignature]);
    }

    #[test]
    fn bytes_that_are_no_certificate_have_a_reason_too() {
        let garbage = CertificateDer::from(vec![0x30, 0x03, 1, 2, 3]);
        assert_eq!(judge(&root(), &garbage, &[]), [VerifyFailure::Other]);
    }

    #[test]
    fn dates_that_never_meet_leave_only_the_dates() {
        let root = root();
        let mut middle = params("middle", (2022, 2090));
        middle.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let middle =
            CertifiedIssuer::signed_by(middle, KeyPair::generate().unwrap(), &root).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = params("leaf", (2010, 2020)).signed_by(&key, &middle).unwrap();
        let failures = judge(&root, leaf.der(), &[middle.der().clone()]);
        assert_eq!(failures, [VerifyFailure::Expired]);
    }

    #[test]
    fn an_unneeded_certificate_of_another_time_hides_nothing() {
        let key = KeyPair::generate().unwrap();
        let leaf = params("leaf", (2010, 2020)).self_signed(&key).unwrap();
        let later = params("later", (2022, 2090)).self_signed(&key).unwrap();
        let failures = judge(&root(), leaf.der(), &[later.der().clone()]);
        assert_eq!(failures, [VerifyFailure::Expired, VerifyFailure::SelfSigned]);
    }

    #[test]
    fn an_expired_certificate_that_is_not_needed_does_no_harm() {
        let root = root();
        let mut old = params("old root", (2000, 2010));
        old.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let old = old.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = params("leaf", (2020, 2030)).signed_by(&key, &root).unwrap();
        assert_eq!(judge(&root, leaf.der(), &[old.der().clone()]), []);
    }
}
