//! The server's side of AUTH (RFC 4954): one user, four mechanisms. Pure; the exchange of lines is
//! in `script.rs`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

/// Who gets in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The mechanisms offered, in this order.
    pub mechanisms: Vec<Sasl>,
    /// The only user.
    pub username: String,
    /// The user's password, for all but XOAUTH2.
    pub password: String,
    /// The user's bearer token, for XOAUTH2.
    pub token: String,
    /// Offered without TLS as well.
    pub in_clear: bool,
}

impl Default for Auth {
    /// User `probe`, password `demo-password`, token `demo-token`, every mechanism, TLS only.
    fn default() -> Self {
        Self {
            mechanisms: Sasl::ALL.to_vec(),
            username: "probe".to_owned(),
            password: "demo-password".to_owned(),
            token: "demo-token".to_owned(),
            in_clear: false,
        }
    }
}

closed_enum! {
    /// A mechanism that the demo's servers speak.
    pub enum Sasl {
        /// RFC 4616.
        Plain => "PLAIN",
        /// Two challenges, never standardised.
        Login => "LOGIN",
        /// RFC 2195.
        CramMd5 => "CRAM-MD5",
        /// A bearer token.
        Xoauth2 => "XOAUTH2",
    }
}

impl Auth {
    /// The EHLO line, `AUTH PLAIN LOGIN`.
    pub fn keyword(&self) -> String {
        let names: Vec<&str> = self.mechanisms.iter().map(|m| m.as_str()).collect();
        format!("AUTH {}", names.join(" "))
    }

    /// The mechanism of an AUTH command, if it is offered.
    pub(super) fn mechanism(&self, word: &str) -> Option<Sasl> {
        let mechanism = Sasl::from_name(&word.to_ascii_uppercase())?;
        self.mechanisms.contains(&mechanism).then_some(mechanism)
    }

    /// PLAIN: `authzid NUL authcid NUL password`.
    pub(super) fn plain(&self, response: &[u8]) -> bool {
        let parts: Vec<&[u8]> = response.split(|&byte| byte == 0).collect();
        match parts.as_slice() {
            [_, user, password] => self.password_of(user, password),
            _ => false,
        }
    }

    /// LOGIN: user and password apart.
    pub(super) fn password_of(&self, user: &[u8], password: &[u8]) -> bool {
        user == self.username.as_bytes() && password == self.password.as_bytes()
    }

    /// CRAM-MD5: `user SP hex(HMAC-MD5(password, challenge))`.
    pub(super) fn cram_md5(&self, challenge: &[u8], response: &[u8]) -> bool {
        let Ok(mut mac) = <Hmac<Md5> as KeyInit>::new_from_slice(self.password.as_bytes()) else {
            return false;
        };
        mac.update(challenge);
        let digest: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        response == format!("{} {digest}", self.username).as_bytes()
    }

    /// XOAUTH2: `user=USER ^A auth=Bearer TOKEN ^A ^A`.
    pub(super) fn xoauth2(&self, response: &[u8]) -> bool {
        let expected = format!("user={}\u{1}auth=Bearer {}\u{1}\u{1}", self.username, self.token);
        response == expected.as_bytes()
    }
}

/// Decodes a client's answer; `=` is the empty one (RFC 4954, 4).
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text == b"=" { Some(Vec::new()) } else { BASE64_STANDARD.decode(text).ok() }
}

/// Encodes a challenge.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cram_md5_is_that_of_the_rfc() {
        // The example of RFC 2195, section 2.
        let auth = Auth {
            username: "tim".to_owned(),
            password: "tanstaaftanstaaf".to_owned(),
            ..Auth::default()
        };
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        assert!(auth.cram_md5(challenge, b"tim b913a602c7eda7a495b4e6e7334d3890"));
        assert!(!auth.cram_md5(challenge, b"tim b913a602c7eda7a495b4e6e7334d3891"));
    }

    #[test]
    fn plain_wants_three_parts_and_the_right_ones() {
        let auth = Auth::default();
        assert!(auth.plain(b"\0probe\0demo-password"));
        assert!(auth.plain(b"someone\0probe\0demo-password"));
        assert!(!auth.plain(b"probe\0demo-password"));
        assert!(!auth.plain(b"\0probe\0wrong"));
    }

    #[test]
    fn an_equals_sign_is_the_empty_answer() {
        assert_eq!(decode(b"="), Some(Vec::new()));
        assert_eq!(decode(b"cHJvYmU="), Some(b"probe".to_vec()));
        assert_eq!(decode(b"not base64!"), None);
    }
}
