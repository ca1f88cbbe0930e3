//! The key in `p=`: RSA (RFC 6376, 3.6.1; RFC 3447, A.1) and Ed25519 (RFC 8463, 4).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
use x509_parser::public_key::{PublicKey, RSAPublicKey};

use super::DkimKey;
use crate::posture::tags::is_space;

/// A key that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Bits of the modulus, or 256.
    pub(super) bits: u32,
    /// SHA-256 of the modulus, or of the key.
    pub(super) sha256: [u8; 32],
}

impl Key {
    /// Reads `p` as a key of a kind, or says what is wrong with it.
    pub(super) fn read(kind: DkimKey, p: &str) -> Result<Self, String> {
        let text: String = p.chars().filter(|c| !is_space(*c)).collect();
        let bytes = BASE64.decode(&text).map_err(|_| "is not Base64".to_owned())?;
        match kind {
            DkimKey::Ed25519 => ed25519(&bytes),
            _ => rsa(&bytes),
        }
    }
}

fn ed25519(bytes: &[u8]) -> Result<Key, String> {
    if bytes.len() == ED25519 {
        return Ok(Key { bits: 256, sha256: Sha256::digest(bytes).into() });
    }
    let wrapped = SubjectPublicKeyInfo::from_der(bytes).is_ok();
    let hint = if wrapped { ", a SubjectPublicKeyInfo instead of the key alone" } else { "" };
    Err(format!("holds {} bytes{hint}; an Ed25519 key has {ED25519}", bytes.len()))
}

/// The standard names the bare RSAPublicKey, and its example and everybody publish a
/// SubjectPublicKeyInfo: both are taken.
fn rsa(bytes: &[u8]) -> Result<Key, String> {
    let no_key = || "is no RSA key".to_owned();
    match SubjectPublicKeyInfo::from_der(bytes) {
        Ok(([], info)) => match info.parsed() {
            Ok(PublicKey::RSA(key)) => modulus(&key),
            _ if info.algorithm.algorithm.to_id_string() == OID_ED25519 => {
                Err("holds an Ed25519 key, and `k` does not say so".to_owned())
            }
            _ => Err(no_key()),
        },
        Ok((rest, _)) => Err(format!("has {} bytes after the key", rest.len())),
        Err(_) => match RSAPublicKey::from_der(bytes) {
            Ok(([], key)) => modulus(&key),
            _ if bytes.len() == ED25519 => {
                Err("holds 32 bytes, as an Ed25519 key has, and `k` does not say so".to_owned())
            }
            _ => Err(no_key()),
        },
    }
}

fn modulus(key: &RSAPublicKey<'_>) -> Result<Key, String> {
    let zeros = |number: &[u8]| number.iter().take_while(|byte| **byte == 0).count();
    let modulus = key.modulus.get(zeros(key.modulus)..).unwrap_or_default();
    let exponent = key.exponent.get(zeros(key.exponent)..).unwrap_or_default();
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // Neither an even modulus nor an even exponent is a key, nor is 1 an exponent that hides anything.
    if !odd(modulus) || !odd(exponent) || exponent == [1] {
        return Err("is no RSA key: modulus or exponent cannot be".to_owned());
    }
    let top = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = u32::try_from(modulus.len() * 8).unwrap_or(u32::MAX).saturating_sub(top);
    Ok(Key { bits, sha256: Sha256::digest(modulus).into() })
}

/// The grammar lets the `=` at the end be left out (RFC 6376, 2.10), and decoders leave the bits
/// before it alone.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Bytes of an Ed25519 key.
const ED25519: usize = 32;
/// RFC 8410, 3.
const OID_ED25519: &str = "1.3.101.112";
