//! What we say. Everything that goes into a line is checked when the session starts, so no
//! configured name can smuggle a second command.
//!
//! The words are lettre's where it has them. Its commands keep an embedded CRLF and know no HELO,
//! hence the checks and the few lines of our own; AUTH is in `auth.rs`.

use std::net::{Ipv4Addr, Ipv6Addr};

use lettre::Address;
use lettre::transport::smtp::commands::{Ehlo, Mail, Noop, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};

use super::{Phase, Plan};

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

/// Why a word cannot be said to a server. The text says what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    /// Neither a host name nor an address literal.
    #[error(
        "not a host name (letters, digits and hyphens between dots) or an address literal such as [192.0.2.1] or [IPv6:2001:db8::1]"
    )]
    HeloSyntax,
    /// `localhost` or a name under it: it says nothing about us, and servers refuse it.
    #[error("localhost names nobody: use the host's full name or an address literal")]
    HeloLocalhost,
    /// Not an address of the form RFC 5321 (4.1.2) allows, in ASCII.
    #[error("not a mail address of the form local-part@domain, in ASCII and without <>")]
    Address,
    /// A user name or a password with a character that no mechanism can carry.
    #[error("empty, or holds a NUL or a control character")]
    Credentials,
}

/// Checks a name for EHLO: a host name or an address literal (RFC 5321, 4.1.3 and 4.1.4). One
/// label is allowed here; see [`is_public_helo`].
///
/// # Errors
///
/// What is wrong with it.
pub fn check_helo(name: &str) -> Result<(), Unsayable> {
    client_id(name).map(|_| ())
}

/// True for a name that servers which are not ours can be told: an FQDN of at least two labels
/// outside the domains that are nobody's (RFC 6762, RFC 6761, RFC 8375, and the private names of
/// practice), or a literal of a public-looking address.
pub fn is_public_helo(name: &str) -> bool {
    match client_id(name) {
        Ok(ClientId::Ipv4(v4)) => {
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified())
        }
        Ok(ClientId::Ipv6(v6)) => {
            !(v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_unspecified())
        }
        Ok(ClientId::Domain(domain)) => {
            let domain = domain.trim_end_matches('.').to_ascii_lowercase();
            domain.contains('.') && !PRIVATE_SUFFIXES.iter().any(|suffix| domain.ends_with(suffix))
        }
        _ => false,
    }
}

/// Checks a reverse-path: empty for the null one, else a mailbox.
///
/// # Errors
///
/// It is neither.
pub fn check_reverse_path(path: &str) -> Result<(), Unsayable> {
    reverse_path(path).map(|_| ())
}

/// Checks a forward-path: a mailbox, or `postmaster` without a domain (RFC 5321, 4.1.1.3).
///
/// # Errors
///
/// It is neither.
pub fn check_forward_path(path: &str) -> Result<(), Unsayable> {
    if is_postmaster(path) { Ok(()) } else { mailbox(path).map(|_| ()) }
}

/// Checks a user name and its secret: neither is empty, and neither has a control character, which
/// PLAIN and XOAUTH2 use to set the two apart.
///
/// # Errors
///
/// One of them is not so.
pub fn check_credentials(credentials: &Credentials) -> Result<(), Unsayable> {
    let secret = credentials.secret.expose_secret();
    let good = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    (good(&credentials.username) && good(secret)).then_some(()).ok_or(Unsayable::Credentials)
}

/// Checks every word of a plan; the phase is the first in which one would be said.
pub(super) fn check_plan(plan: &Plan) -> Result<(), (Phase, Unsayable)> {
    check_helo(&plan.helo).map_err(|error| (Phase::Ehlo, error))?;
    if let Some(credentials) = &plan.auth {
        check_credentials(credentials).map_err(|error| (Phase::Auth, error))?;
    }
    if let Some(envelope) = &plan.mail {
        check_reverse_path(&envelope.from).map_err(|error| (Phase::Mail, error))?;
        check_forward_path(&envelope.to).map_err(|error| (Phase::Rcpt, error))?;
    }
    Ok(())
}

/// `EHLO name`.
pub(super) fn ehlo(name: &str) -> Result<Vec<u8>, Unsayable> {
    Ok(Ehlo::new(client_id(name)?).to_string().into_bytes())
}

/// `HELO name`.
pub(super) fn helo(name: &str) -> Result<Vec<u8>, Unsayable> {
    Ok(format!("HELO {}\r\n", client_id(name)?).into_bytes())
}

/// `STARTTLS`.
pub(super) fn starttls() -> Vec<u8> {
    Starttls.to_string().into_bytes()
}

/// `MAIL FROM:<path>`. It never has parameters, so nothing is used that was not offered.
pub(super) fn mail(path: &str) -> Result<Vec<u8>, Unsayable> {
    Ok(Mail::new(reverse_path(path)?, Vec::new()).to_string().into_bytes())
}

/// `RCPT TO:<path>`, without parameters.
pub(super) fn rcpt(path: &str) -> Result<Vec<u8>, Unsayable> {
    if is_postmaster(path) {
        return Ok(format!("RCPT TO:<{path}>\r\n").into_bytes());
    }
    Ok(Rcpt::new(mailbox(path)?, Vec::new()).to_string().into_bytes())
}

/// `RSET`.
/// NOOP, which keeps a session open.
pub fn noop() -> Vec<u8> {
    Noop.to_string().into_bytes()
}

pub(super) fn rset() -> Vec<u8> {
    Rset.to_string().into_bytes()
}

/// `QUIT`.
pub(super) fn quit() -> Vec<u8> {
    Quit.to_string().into_bytes()
}

fn client_id(name: &str) -> Result<ClientId, Unsayable> {
    if let Some(literal) = name.strip_prefix('[') {
        let address = literal.strip_suffix(']').ok_or(Unsayable::HeloSyntax)?;
        let v6 = address.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
        return match v6.and_then(|_| address.get(5..)) {
            Some(v6) => v6.parse::<Ipv6Addr>().map(ClientId::Ipv6),
            None => address.parse::<Ipv4Addr>().map(ClientId::Ipv4),
        }
        .map_err(|_| Unsayable::HeloSyntax);
    }
    if !is_host_name(name) {
        return Err(Unsayable::HeloSyntax);
    }
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    if lower == "localhost" || lower.ends_with(".localhost") || lower.starts_with("localhost.") {
        return Err(Unsayable::HeloLocalhost);
    }
    Ok(ClientId::Domain(name.to_owned()))
}

/// Letters, digits and inner hyphens, labels of 1 to 63 bytes, 253 in all (RFC 1123, 2.1), and not
/// an address, which must stand in brackets.
fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        matches!(label.len(), 1..=63)
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label) && name.parse::<Ipv4Addr>().is_err()
}

fn reverse_path(path: &str) -> Result<Option<Address>, Unsayable> {
    if path.is_empty() { Ok(None) } else { mailbox(path).map(Some) }
}

/// ASCII alone, because a name beyond it needs SMTPUTF8 (RFC 6531), which may not be offered; 254
/// bytes by RFC 5321 (4.5.3.1.3).
fn mailbox(path: &str) -> Result<Address, Unsayable> {
    let sayable = path.len() <= 254
        && path.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'<' | b'>'));
    if !sayable {
        return Err(Unsayable::Address);
    }
    path.parse().map_err(|_| Unsayable::Address)
}

fn is_postmaster(path: &str) -> bool {
    path.eq_ignore_ascii_case("postmaster")
}

/// Endings that no other host can resolve.
const PRIVATE_SUFFIXES: &[&str] = &[
    ".local",
    ".internal",
    ".intranet",
    ".localdomain",
    ".lan",
    ".home",
    ".corp",
    ".private",
    ".home.arpa",
    ".invalid",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helo_takes_names_and_literals() {
        for (name, said) in [
            ("probe.example.net", "EHLO probe.example.net\r\n"),
            ("mx-1", "EHLO mx-1\r\n"),
            ("[192.0.2.1]", "EHLO [192.0.2.1]\r\n"),
            ("[IPv6:2001:db8::1]", "EHLO [IPv6:2001:db8::1]\r\n"),
            ("[ipv6:2001:DB8::1]", "EHLO [IPv6:2001:db8::1]\r\n"),
        ] {
            assert_eq!(String::from_utf8(ehlo(name).unwrap()).unwrap(), said);
            let helo = String::from_utf8(helo(name).unwrap()).unwrap();
            assert_eq!(helo.strip_prefix("HELO"), said.strip_prefix("EHLO"));
        }
    }

    #[test]
    fn helo_refuses_what_could_end_a_line_or_names_nobody() {
        for name in [
            "",
            ".",
            "a..b",
            "a b",
            "a\r\nQUIT",
            "a\nb",
            "a\0b",
            "-a.example",
            "a-.example",
            "a_b.example",
            "192.0.2.1",
            "[192.0.2.256]",
            "[2001:db8::1]",
            "[IPv6:192.0.2.1]",
            "[192.0.2.1",
            "[]",
            "[é]",
            "bücher.example",
            "probe.example.net.",
        ] {
            assert_eq!(check_helo(name), Err(Unsayable::HeloSyntax), "{name:?}");
        }
        assert_eq!(check_helo(&format!("{}.example", "a".repeat(64))), Err(Unsayable::HeloSyntax));
        assert_eq!(check_helo(&vec!["abcdefg"; 33].join(".")), Err(Unsayable::HeloSyntax));
        for name in ["localhost", "LocalHost", "a.localhost", "localhost.localdomain"] {
            assert_eq!(check_helo(name), Err(Unsayable::HeloLocalhost), "{name:?}");
        }
    }

    #[test]
    fn a_public_helo_is_one_that_others_can_look_up() {
        for name in ["probe.example.net", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert!(is_public_helo(name), "{name}");
        }
        for name in [
            "probe",
            "probe.local",
            "Probe.INTERNAL",
            "a.home.arpa",
            "[10.0.0.1]",
            "[127.0.0.1]",
            "[IPv6:fd00::1]",
            "[IPv6:::1]",
            "localhost",
            "a b",
        ] {
            assert!(!is_public_helo(name), "{name}");
        }
    }

    #[test]
    fn paths_are_mailboxes_the_null_path_or_postmaster() {
        let said = |line: Result<Vec<u8>, Unsayable>| line.map(|l| String::from_utf8(l).unwrap());
        assert_eq!(said(mail("")).unwrap(), "MAIL FROM:<>\r\n");
        assert_eq!(said(mail("a@example.net")).unwrap(), "MAIL FROM:<a@example.net>\r\n");
        assert_eq!(said(rcpt("\"a b\"@example.net")).unwrap(), "RCPT TO:<\"a b\"@example.net>\r\n");
        assert_eq!(said(rcpt("Postmaster")).unwrap(), "RCPT TO:<Postmaster>\r\n");
        assert_eq!(rcpt(""), Err(Unsayable::Address));
        assert_eq!(mail("postmaster"), Err(Unsayable::Address));
        for path in [
            "a",
            "@example.net",
            "a@",
            "<a@example.net>",
            "a@example.net>\r\nDATA",
            "a@b\r\nQUIT",
            "\"a\nb\"@example.net",
            "é@example.net",
            "a@bücher.example",
            "a@b c",
            "a@example.net> SIZE=1",
            "\"a>b\"@example.net",
        ] {
            assert_eq!(check_reverse_path(path), Err(Unsayable::Address), "{path:?}");
            assert_eq!(check_forward_path(path), Err(Unsayable::Address), "{path:?}");
        }
    }

    #[test]
    fn credentials_have_no_control_characters() {
        let of = |username: &str, secret: &str| Credentials {
            username: username.to_owned(),
            secret: secret.into(),
            token: false,
        };
        assert_eq!(check_credentials(&of("alice", "pässword 1")), Ok(()));
        for (username, secret) in
            [("", "x"), ("x", ""), ("a\0b", "x"), ("a", "x\n"), ("a", "\u{1}")]
        {
            assert_eq!(check_credentials(&of(username, secret)), Err(Unsayable::Credentials));
        }
    }
}
