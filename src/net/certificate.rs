//! From the bytes of a certificate to what is told of it.

use std::net::{Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::observation::Certificate;

/// A certificate as it was read, with what only verification asks for.
#[derive(Debug)]
pub(super) struct Read {
    /// What is told of it.
    pub certificate: Certificate,
    /// SHA-256 of its bytes.
    pub fingerprint: [u8; 32],
    /// Its issuer is its subject.
    pub self_issued: bool,
    /// Its key is shorter than anybody accepts today.
    pub weak_key: bool,
}

/// Reads a certificate. None when the bytes are no X.509 certificate; never panics.
pub(super) fn read(der: &[u8]) -> Option<Read> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let (key, weak_key) = key(parsed.public_key());
    let fingerprint = fingerprint(der);
    let certificate = Certificate {
        fingerprint_sha256: hex(&fingerprint),
        serial: serial(parsed.raw_serial()),
        subject: cut(&parsed.subject().to_string(), TEXT_BYTES),
        issuer: cut(&parsed.issuer().to_string(), TEXT_BYTES),
        key,
        names: names(&parsed),
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
    };
    let self_issued = parsed.subject().as_raw() == parsed.issuer().as_raw();
    Some(Read { certificate, fingerprint, self_issued, weak_key })
}

/// SHA-256 of the bytes.
pub(super) fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// Lower-case hex without the zero bytes that DER puts before a number that would look negative.
fn serial(bytes: &[u8]) -> String {
    let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
    match bytes.get(start..) {
        Some(rest) if !rest.is_empty() => hex(rest.get(..SERIAL_BYTES).unwrap_or(rest)),
        _ => String::from("00"),
    }
}

fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = parsed.subject_alternative_name() else { return Vec::new() };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(cut(name, NAME_BYTES)),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(Ipv4Addr::new(a, b, c, d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|b| Ipv6Addr::from(b).to_string()),
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(text).take(NAMES).collect()
}

/// Type and size of a key, and whether it is weak: RSA below 2048 bits, curves below 224.
fn key(info: &SubjectPublicKeyInfo<'_>) -> (String, bool) {
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => {
            let bits = bits(rsa.modulus);
            (format!("RSA {bits}"), bits < 2048)
        }
        Ok(PublicKey::EC(point)) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            match curve.map(|oid| oid.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => (String::from("EC P-256"), false),
                Some("1.3.132.0.34") => (String::from("EC P-384"), false),
                Some("1.3.132.0.35") => (String::from("EC P-521"), false),
                _ => (format!("EC {}", point.key_size()), point.key_size() < 224),
            }
        }
        Ok(PublicKey::DSA(value)) => (format!("DSA {}", bits(value)), true),
        _ => {
            let name = match info.algorithm.algorithm.to_id_string().as_str() {
                "1.3.101.112" => "Ed25519",
                "1.3.101.113" => "Ed448",
                "1.2.840.113549.1.1.10" => "RSA-PSS",
                "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
                "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
                "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
                _ => "other",
            };
            (String::from(name), false)
        }
    }
}

/// The length of a big-endian number.
fn bits(number: &[u8]) -> usize {
    let mut rest = number.iter().skip_while(|&&byte| byte == 0);
    match rest.next() {
        Some(first) => (rest.count() + 1) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

/// At most `limit` bytes of text, cut on a character's edge, without control characters and without
/// those that turn the direction of writing: this text comes from a peer and ends up in labels and on
/// terminals.
fn cut(text: &str, limit: usize) -> String {
    // Nearly every name is as it is shown.
    if text.len() <= limit && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(limit));
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    for character in text.chars() {
        let odd = character.is_control() || turns(character);
        let shown = if odd { char::REPLACEMENT_CHARACTER } else { character };
        if out.len() + shown.len_utf8() > limit {
            break;
        }
        out.push(shown);
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// Subject and issuer.
const TEXT_BYTES: usize = 128;
/// One alternative name; a domain name has at most 253 characters.
const NAME_BYTES: usize = 255;
/// Alternative names kept of one certificate.
const NAMES: usize = 100;
/// RFC 5280, 4.1.2.2 allows 20.
const SERIAL_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;

    #[test]
    fn a_certificate_is_reduced() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![
            String::from("mx.example.net"),
            String::from("192.0.2.1"),
            String::from("2001:db8::1"),
        ])
        .unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let long = format!("line\nbreak\u{202e}{}", "ä".repeat(100));
        params.distinguished_name.push(rcgen::DnType::CommonName, long);
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x00, 0xab, 0x01]));
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let made = params.self_signed(&key).unwrap();

        let read = read(made.der()).unwrap();
        let certificate = read.certificate;
        assert_eq!(certificate.names, ["mx.example.net", "192.0.2.1", "2001:db8::1"]);
        assert_eq!(certificate.serial, "ab01");
        assert_eq!(certificate.key, "EC P-256");
        assert_eq!((certificate.not_before, certificate.not_after), (1_577_836_800, 1_609_459_200));
        assert!(certificate.subject.starts_with("CN=line\u{fffd}break\u{fffd}ä"));
        assert!((127..=128).contains(&certificate.subject.len()), "{}", certificate.subject.len());
        assert_eq!(certificate.issuer, certificate.subject);
        assert_eq!(certificate.fingerprint_sha256, hex(&Sha256::digest(made.der())));
        assert_eq!(certificate.fingerprint_sha256.len(), 64);
        assert!(read.self_issued && !read.weak_key);
    }

    #[test]
    fn a_number_has_its_bits() {
        assert_eq!(bits(&[0, 0x80, 0]), 16);
        assert_eq!(bits(&[0x01, 0xff]), 9);
        assert_eq!(bits(&[0, 0]), 0);
    }

    proptest! {
        /// Whatever a peer sends, a spoilt certificate included, is read or left.
        #[test]
        fn hostile_bytes_never_panic(
            noise in prop::collection::vec(any::<u8>(), 0..300),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let _ = read(&noise);
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(vec![String::from("a.test")]).unwrap();
            let mut der = params.self_signed(&key).unwrap().der().to_vec();
            let at = at.index(der.len());
            der[at] = byte;
            let _ = read(&der);
        }
    }
}
