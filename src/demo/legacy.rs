//! A server whose TLS is too old for current clients, made by hand because no library here speaks
//! it. It refuses a modern ClientHello with the alert that such software sends, and answers one that
//! still takes the old version with ServerHello, Certificate and ServerHelloDone, in clear as they
//! always were before TLS 1.3. It holds no key and finishes no handshake.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::behaviour::LegacyVersion;
use super::conn::Stream;

impl LegacyVersion {
    /// The second byte of the version on the wire; the first is 3.
    const fn minor(self) -> u8 {
        match self {
            Self::Tls10 => 1,
            Self::Tls11 => 2,
            Self::Tls12 => 3,
        }
    }
}

/// Answers one ClientHello, then waits for the client to go. Returns true when the hello was one
/// that the old version could be spoken with.
pub(super) async fn answer(
    stream: &mut Stream,
    version: LegacyVersion,
    certificate: &[u8],
    patience: Duration,
) -> bool {
    let exchange = async {
        let hello = read_hello(stream).await?;
        let (reply, taken) = match judge(&hello, version.minor()) {
            Ok(suite) => (server_flight(version.minor(), suite, certificate), true),
            Err(alert) => (record(ALERT, version.minor(), &[2, alert]), false),
        };
        stream.write_all(&reply).await.ok()?;
        stream.flush().await.ok()?;
        if taken {
            // Whatever comes next would need the private key: an alert ends it.
            let mut bytes = [0; 1024];
            if stream.read(&mut bytes).await.ok()? > 0 {
                let alert = record(ALERT, version.minor(), &[2, HANDSHAKE_FAILURE]);
                stream.write_all(&alert).await.ok()?;
            }
        }
        Some(taken)
    };
    timeout(patience, exchange).await.ok().flatten().unwrap_or(false)
}

/// The body of a ClientHello, which may come in several records.
async fn read_hello(stream: &mut Stream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head).await.ok()?;
        let [kind, _, _, high, low] = head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE || length == 0 || length > MAX_RECORD {
            return None;
        }
        let start = message.len();
        message.resize(start + length, 0);
        stream.read_exact(message.get_mut(start..)?).await.ok()?;
        let (header, body) = message.split_at_checked(4)?;
        let &[kind, a, b, c] = header else { return None };
        let expected = u32::from_be_bytes([0, a, b, c]) as usize;
        if kind != CLIENT_HELLO || expected > MAX_RECORD {
            return None;
        }
        if body.len() >= expected {
            return body.get(..expected).map(<[u8]>::to_vec);
        }
    }
}

/// The suite that old software would choose, or the alert that it would send.
fn judge(hello: &[u8], minor: u8) -> Result<u16, u8> {
    let mut input = Input(hello);
    let version = input.u16().ok_or(DECODE_ERROR)?;
    input.take(32).ok_or(DECODE_ERROR)?;
    input.vector8().ok_or(DECODE_ERROR)?;
    let suites = input.vector16().ok_or(DECODE_ERROR)?;
    input.vector8().ok_or(DECODE_ERROR)?;
    let ours = 0x0300 | u16::from(minor);
    // RFC 8446, 4.2.1: where the extension stands, it alone says which versions are spoken.
    let spoken = match supported_versions(&mut input) {
        Some(versions) => versions.contains(&ours),
        None => version >= ours,
    };
    if !spoken {
        return Err(PROTOCOL_VERSION);
    }
    let offered: Vec<u16> = pairs(suites);
    SUITES.iter().copied().find(|suite| offered.contains(suite)).ok_or(HANDSHAKE_FAILURE)
}

fn supported_versions(input: &mut Input<'_>) -> Option<Vec<u16>> {
    let mut extensions = Input(input.vector16()?);
    loop {
        let kind = extensions.u16()?;
        let body = extensions.vector16()?;
        if kind == 43 {
            return Some(pairs(Input(body).vector8()?));
        }
    }
}

fn pairs(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect()
}

/// ServerHello, Certificate and ServerHelloDone, a record each.
fn server_flight(minor: u8, suite: u16, certificate: &[u8]) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([0x5a; 32]);
    hello.push(0);
    hello.extend(suite.to_be_bytes());
    hello.push(0);
    let mut chain = length24(certificate.len() + 3);
    chain.extend(length24(certificate.len()));
    chain.extend(certificate);
    let messages = [(SERVER_HELLO, hello), (CERTIFICATE, chain), (SERVER_HELLO_DONE, Vec::new())];
    messages
        .into_iter()
        .flat_map(|(kind, body)| {
            let mut message = vec![kind];
            message.extend(length24(body.len()));
            message.extend(body);
            record(HANDSHAKE, minor, &message)
        })
        .collect()
}

fn record(kind: u8, minor: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut record = vec![kind, 3, minor];
    record.extend(length);
    record.extend(body);
    record
}

fn length24(length: usize) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    vec![a, b, c]
}

/// Reads from the front of a slice, as far as it goes.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

/// RSA key exchange with AES-128, AES-256 and 3DES in CBC (RFC 5246, A.5).
const SUITES: [u16; 3] = [0x002f, 0x0035, 0x000a];
const MAX_RECORD: usize = 18_432;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
const HANDSHAKE_FAILURE: u8 = 40;
const DECODE_ERROR: u8 = 50;
const PROTOCOL_VERSION: u8 = 70;

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(version: u16, suites: &[u16], versions: Option<&[u16]>) -> Vec<u8> {
        let mut hello = version.to_be_bytes().to_vec();
        hello.extend([0; 32]);
        hello.push(0);
        hello.extend((suites.len() as u16 * 2).to_be_bytes());
        hello.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
        hello.extend([1, 0]);
        if let Some(versions) = versions {
            let bytes = versions.len() as u8 * 2;
            hello.extend([0, bytes + 5, 0, 43, 0, bytes + 1, bytes]);
            hello.extend(versions.iter().flat_map(|version| version.to_be_bytes()));
        }
        hello
    }

    #[test]
    fn a_modern_hello_gets_protocol_version() {
        let modern = hello(0x0303, &[0x1301, 0x002f], Some(&[0x0304, 0x0303]));
        assert_eq!(judge(&modern, 1), Err(PROTOCOL_VERSION));
    }

    #[test]
    fn a_hello_that_takes_the_old_version_gets_a_suite() {
        assert_eq!(judge(&hello(0x0301, &[0xc013, 0x0035], None), 1), Ok(0x0035));
        assert_eq!(judge(&hello(0x0303, &[0x002f], Some(&[0x0303, 0x0301])), 1), Ok(0x002f));
        assert_eq!(judge(&hello(0x0301, &[0x002f], None), 2), Err(PROTOCOL_VERSION));
    }

    #[test]
    fn without_an_rsa_suite_it_is_a_handshake_failure() {
        assert_eq!(judge(&hello(0x0301, &[0xc013], None), 1), Err(HANDSHAKE_FAILURE));
    }

    #[test]
    fn a_cut_hello_is_a_decode_error_at_every_length() {
        let whole = hello(0x0301, &[0x002f], None);
        for length in 0..whole.len() {
            assert_eq!(judge(&whole[..length], 1), Err(DECODE_ERROR), "{length} bytes");
        }
    }
}
