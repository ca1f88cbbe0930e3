//! AUTH (RFC 4954): which mechanism, what is said, and how to keep it out of everything that is
//! shown.
//!
//! The lines are ours because lettre's `Auth` shows the password in its `Debug` and knows no
//! CRAM-MD5.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use secrecy::{ExposeSecret, SecretString};

use super::{Credentials, Mechanism};

/// One exchange under way.
pub(super) struct Exchange {
    mechanism: Mechanism,
    credentials: Credentials,
    /// Challenges answered so far.
    answered: u8,
    /// The response that the AUTH line held or a challenge was answered with is out.
    responded: bool,
    said: Secrets,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("mechanism", &self.mechanism)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

/// What to do about a challenge.
pub(super) enum Answer {
    /// Say this line; the exchange goes on.
    Say(Vec<u8>),
    /// The challenge has no place here: say this line, which cancels (RFC 4954, section 4).
    Cancel(Vec<u8>),
}

impl Exchange {
    /// Chooses a mechanism and makes the first line. None when none is offered that we speak.
    ///
    /// Inside TLS the plainest comes first, because it works with every password store; in clear
    /// CRAM-MD5 does, because it does not show the password. A token goes with XOAUTH2 alone.
    pub(super) fn start(
        credentials: &Credentials,
        offered: &[Mechanism],
        tls: bool,
    ) -> Option<(Self, Vec<u8>)> {
        let preferred: &[Mechanism] = match (credentials.token, tls) {
            (true, _) => &[Mechanism::Xoauth2],
            (false, true) => &[Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5],
            (false, false) => &[Mechanism::CramMd5, Mechanism::Plain, Mechanism::Login],
        };
        let mechanism = *preferred.iter().find(|mechanism| offered.contains(mechanism))?;
        let mut exchange = Self {
            mechanism,
            credentials: credentials.clone(),
            answered: 0,
            responded: false,
            said: Secrets::default(),
        };
        exchange.said.add(credentials.secret.expose_secret());
        let mut line = format!("AUTH {mechanism}");
        if let Some(initial) = exchange.initial_response() {
            // A long token must wait for an empty challenge, since a command line has 512 bytes
            // (RFC 4954, section 4, and RFC 5321, 4.5.3.1.4).
            if line.len() + 1 + initial.len() + 2 <= 512 {
                line.push(' ');
                line.push_str(&initial);
                exchange.responded = true;
            }
        }
        line.push_str("\r\n");
        Some((exchange, line.into_bytes()))
    }

    /// Answers a 334. `text` is what stands behind the code.
    pub(super) fn answer(&mut self, text: &str) -> Answer {
        let response = match (self.mechanism, self.answered) {
            (Mechanism::Plain | Mechanism::Xoauth2, 0) if !self.responded => {
                self.initial_response()
            }
            // Google's protocol: the reason of a failure comes as a challenge, and only an empty
            // line brings the 535 out.
            (Mechanism::Xoauth2, 0 | 1) => Some(String::new()),
            // The prompts of LOGIN differ from server to server; their order does not.
            (Mechanism::Login, 0) => Some(self.encode(self.credentials.username.as_bytes())),
            (Mechanism::Login, 1) => {
                Some(self.encode(self.credentials.secret.expose_secret().as_bytes()))
            }
            (Mechanism::CramMd5, 0) => self.cram_md5(text),
            _ => None,
        };
        self.answered = self.answered.saturating_add(1);
        match response {
            Some(response) => {
                self.responded = true;
                self.said.add(&response);
                Answer::Say(format!("{response}\r\n").into_bytes())
            }
            None => Answer::Cancel(b"*\r\n".to_vec()),
        }
    }

    /// See [`Secrets::scrub`].
    pub(super) fn scrub(&self, text: &str) -> String {
        self.said.scrub(text)
    }

    fn initial_response(&mut self) -> Option<String> {
        let username = &self.credentials.username;
        let secret = self.credentials.secret.expose_secret();
        let plain = match self.mechanism {
            Mechanism::Plain => format!("\0{username}\0{secret}"),
            Mechanism::Xoauth2 => format!("user={username}\u{1}auth=Bearer {secret}\u{1}\u{1}"),
            _ => return None,
        };
        let encoded = self.encode(plain.as_bytes());
        self.said.add(&encoded);
        Some(encoded)
    }

    /// The keyed digest of the challenge (RFC 2195). None when the challenge is not base64.
    fn cram_md5(&self, text: &str) -> Option<String> {
        let challenge = STANDARD.decode(text.trim()).ok()?;
        let key = self.credentials.secret.expose_secret().as_bytes();
        let mut digest = Hmac::<Md5>::new_from_slice(key).ok()?;
        digest.update(&challenge);
        let mut response = format!("{} ", self.credentials.username);
        for byte in digest.finalize().into_bytes() {
            // Writing to a String cannot fail.
            let _ = write!(response, "{byte:02x}");
        }
        Some(self.encode(response.as_bytes()))
    }

    fn encode(&self, bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }
}

/// What was said that nobody may read, so that a server which repeats it is not believed.
#[derive(Default)]
struct Secrets(Vec<SecretString>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    fn add(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push(text.into());
        }
    }

    /// `text` with every secret in it, whole or cut short, written over. Servers do repeat an
    /// unknown command, often in capitals, and some cut it.
    fn scrub(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let hidden = self.0.iter().map(|secret| repeated(rest, secret.expose_secret())).max();
            let (skip, shown) = match hidden {
                Some(length) if length > 0 => (length, None),
                _ => (first.len_utf8(), Some(first)),
            };
            match shown {
                Some(character) => clean.push(character),
                None => clean.push_str(REDACTED),
            }
            rest = rest.get(skip..).unwrap_or_default();
        }
        clean
    }
}

/// What stands in place of a secret.
pub const REDACTED: &str = "<redacted>";

/// How many bytes at the start of `text` repeat `secret` from its start: all of it, or at least 8
/// bytes; else 0. Case is ignored. A secret under 4 bytes is taken for a word of the language,
/// which writing over would make every reply unreadable without hiding anything.
fn repeated(text: &str, secret: &str) -> usize {
    let same = text
        .char_indices()
        .zip(secret.chars())
        .take_while(|((_, a), b)| a.eq_ignore_ascii_case(b))
        .last()
        .map_or(0, |((at, character), _)| at + character.len_utf8());
    let whole = secret.len() >= 4 && same == secret.len();
    if whole || same >= 8 { same } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(username: &str, secret: &str, token: bool) -> Credentials {
        Credentials { username: username.to_owned(), secret: secret.into(), token }
    }

    fn said(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    fn say(answer: Answer) -> String {
        match answer {
            Answer::Say(line) => said(line),
            Answer::Cancel(line) => format!("cancel {}", said(line)),
        }
    }

    #[test]
    fn plain_inside_tls_and_cram_md5_in_clear() {
        let alice = credentials("alice", "secret", false);
        let all = [Mechanism::CramMd5, Mechanism::Login, Mechanism::Plain, Mechanism::Xoauth2];
        let first = |offered: &[Mechanism], tls| {
            Exchange::start(&alice, offered, tls).map(|(_, line)| said(line))
        };
        assert_eq!(first(&all, true).unwrap(), "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
        assert_eq!(first(&all, false).unwrap(), "AUTH CRAM-MD5\r\n");
        assert_eq!(first(&[Mechanism::Login], false).unwrap(), "AUTH LOGIN\r\n");
        assert_eq!(first(&[Mechanism::Xoauth2, Mechanism::Gssapi], true), None);
        let token = credentials("alice", "secret", true);
        assert!(Exchange::start(&token, &[Mechanism::Plain], true).is_none());
    }

    #[test]
    fn plain_answers_one_empty_challenge_if_its_response_was_not_taken() {
        let long = "x".repeat(600);
        let (mut exchange, line) =
            Exchange::start(&credentials("a", &long, false), &[Mechanism::Plain], true).unwrap();
        assert_eq!(said(line), "AUTH PLAIN\r\n");
        let answer = say(exchange.answer(""));
        assert_eq!(STANDARD.decode(answer.trim()).unwrap(), format!("\0a\0{long}").into_bytes());
        assert_eq!(say(exchange.answer("")), "cancel *\r\n");
    }

    #[test]
    fn login_gives_the_name_and_then_the_password_whatever_the_prompts() {
        let (mut exchange, _) =
            Exchange::start(&credentials("alice", "secret", false), &[Mechanism::Login], true)
                .unwrap();
        assert_eq!(say(exchange.answer("VXNlcm5hbWU6")), "YWxpY2U=\r\n");
        assert_eq!(say(exchange.answer("what is it, then?")), "c2VjcmV0\r\n");
        assert_eq!(say(exchange.answer("UGFzc3dvcmQ6")), "cancel *\r\n");
    }

    #[test]
    fn cram_md5_gives_the_digest_of_the_rfc() {
        let tim = credentials("tim", "tanstaaftanstaaf", false);
        let (mut exchange, _) = Exchange::start(&tim, &[Mechanism::CramMd5], false).unwrap();
        let challenge = STANDARD.encode("<1896.697170952@postoffice.reston.mci.net>");
        assert_eq!(
            STANDARD.decode(say(exchange.answer(&challenge)).trim()).unwrap(),
            b"tim b913a602c7eda7a495b4e6e7334d3890"
        );
        let (mut exchange, _) = Exchange::start(&tim, &[Mechanism::CramMd5], false).unwrap();
        assert_eq!(say(exchange.answer("not base64!")), "cancel *\r\n");
    }

    #[test]
    fn xoauth2_answers_the_error_challenge_with_an_empty_line() {
        let token = credentials("a@example.net", "ya29.token", true);
        let (mut exchange, line) = Exchange::start(&token, &[Mechanism::Xoauth2], true).unwrap();
        let line = said(line);
        let response = line.strip_prefix("AUTH XOAUTH2 ").unwrap().trim();
        assert_eq!(
            STANDARD.decode(response).unwrap(),
            b"user=a@example.net\x01auth=Bearer ya29.token\x01\x01"
        );
        assert_eq!(say(exchange.answer("eyJzdGF0dXMiOiI0MDEifQ==")), "\r\n");
        let long = credentials("a@example.net", &"t".repeat(2000), true);
        let (mut exchange, line) = Exchange::start(&long, &[Mechanism::Xoauth2], true).unwrap();
        assert_eq!(said(line), "AUTH XOAUTH2\r\n");
        assert!(say(exchange.answer("")).len() > 2000);
        assert_eq!(say(exchange.answer("eyJzdGF0dXMiOiI0MDEifQ==")), "\r\n");
        assert_eq!(say(exchange.answer("")), "cancel *\r\n");
    }

    #[test]
    fn a_server_that_repeats_a_secret_is_written_over() {
        let (mut exchange, _) =
            Exchange::start(&credentials("alice", "hunter2", false), &[Mechanism::Plain], true)
                .unwrap();
        assert_eq!(
            exchange.scrub("unknown command AUTH PLAIN AGFsaWNlAGh1bnRlcjI= (hunter2)"),
            "unknown command AUTH PLAIN <redacted> (<redacted>)"
        );
        assert_eq!(exchange.scrub("AUTH PLAIN AGFSAWNLAGH1BN"), "AUTH PLAIN <redacted>");
        assert_eq!(exchange.scrub("nothing of yours: é hunter"), "nothing of yours: é hunter");
        let _ = exchange.answer("");
        assert!(!format!("{exchange:?}").contains("hunter2"));
    }
}
