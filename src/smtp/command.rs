//! What we say. Everything that goes into a line is checked for CR, LF and NUL when it is made, so
//! no configured name can smuggle a second command.

use secrecy::SecretString;

/// The name and the secret of an AUTH exchange. The secret's `Debug` is redacted.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The authentication identity.
    pub username: String,
    /// Password, or the bearer token for XOAUTH2.
    pub secret: SecretString,
    /// True when `secret` is a token: XOAUTH2 is the only mechanism then.
    pub token: bool,
}

/// The envelope of a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// MAIL FROM, without angle brackets; empty for the null reverse-path.
    pub from: String,
    /// RCPT TO, without angle brackets.
    pub to: String,
}
