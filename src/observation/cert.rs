//! What TLS looked like, also when verification failed.

use std::sync::Arc;

closed_enum! {
    /// A protocol version.
    pub enum TlsVersion {
        /// SSL 3.0 (RFC 7568 forbids it).
        Ssl3 => "SSL3.0",
        /// TLS 1.0 (RFC 8996 forbids it).
        Tls10 => "TLS1.0",
        /// TLS 1.1 (RFC 8996 forbids it).
        Tls11 => "TLS1.1",
        /// TLS 1.2.
        Tls12 => "TLS1.2",
        /// TLS 1.3.
        Tls13 => "TLS1.3",
    }
}

closed_enum! {
    /// One reason why a certificate does not verify. Several can hold at once.
    pub enum VerifyFailure {
        /// Past its end, itself or a certificate above it.
        Expired => "expired",
        /// Before its beginning.
        NotYetValid => "not_yet_valid",
        /// No chain to a trusted root.
        UnknownIssuer => "unknown_issuer",
        /// Signed by itself.
        SelfSigned => "self_signed",
        /// It carries other names than the one that was asked for.
        NameMismatch => "name_mismatch",
        /// Taken back by its issuer.
        Revoked => "revoked",
        /// A signature, in the chain or over the handshake, is wrong.
        BadSignature => "bad_signature",
        /// A key or signature algorithm that is too weak, or unknown here.
        WeakKey => "weak_key",
        /// Anything else.
        Other => "other",
    }
}

/// What was seen of TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsFacts {
    /// The handshake ended well.
    pub established: bool,
    /// Chain, name and signature are clean; none when no certificate was seen.
    pub verified: Option<bool>,
    /// The negotiated version; also of a server too old to talk to, read from a ServerHello.
    pub version: Option<TlsVersion>,
    /// The cipher suite by its IANA name.
    pub cipher: Option<&'static str>,
    /// The key exchange group by its IANA name.
    pub group: Option<&'static str>,
    /// Every reason why the certificate does not verify, each once.
    pub failures: Vec<VerifyFailure>,
    /// The certificates served, the leaf first; a certificate that cannot be read is left out. Those
    /// who saw the same chain share it.
    pub chain: Arc<[Certificate]>,
}

/// A certificate, reduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the DER bytes, lower-case hex.
    pub fingerprint_sha256: String,
    /// The serial number, lower-case hex.
    pub serial: String,
    /// The subject as text, cut at 128 bytes on a character's edge.
    pub subject: String,
    /// The issuer as text, cut likewise.
    pub issuer: String,
    /// Type and size, such as `RSA 2048` or `EC P-256`.
    pub key: String,
    /// The dNSName and iPAddress entries of the subject's alternative names.
    pub names: Vec<String>,
    /// Seconds since the epoch.
    pub not_before: i64,
    /// Seconds since the epoch.
    pub not_after: i64,
}

impl TlsFacts {
    /// The earliest end in the chain, in seconds since the epoch.
    pub fn chain_not_after(&self) -> Option<i64> {
        self.chain.iter().map(|certificate| certificate.not_after).min()
    }
}
