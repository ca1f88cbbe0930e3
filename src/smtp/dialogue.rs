//! The words in which a session and its driver speak: what to do next, how a wait ended, and all
//! that was learned.

use std::time::Duration;

use super::auth::REDACTED;
use super::command::Unsayable;
use super::{BadReply, Capabilities, Phase, Reply};

/// What the driver shall do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Wait for a reply without saying anything.
    Await {
        /// The phase that the reply belongs to.
        phase: Phase,
    },
    /// Write these bytes, then wait for a reply.
    Send {
        /// Whole lines, each ended by CRLF.
        bytes: Vec<u8>,
        /// The phase that the reply belongs to.
        phase: Phase,
        /// The line holds a secret (or answers a challenge): transcripts show `<redacted>`, and the
        /// reply to it as well when it is a 334.
        secret: bool,
    },
    /// Do a TLS handshake, then call [`super::Session::on_handshake`], or `on_end` when it failed.
    Handshake,
    /// Close the connection; [`super::Session::finish`] has the rest.
    Close,
}

/// How a wait ended without a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The peer closed (FIN).
    Closed,
    /// The peer reset the connection.
    Reset,
    /// Nothing came within the phase's own timeout.
    Timeout,
    /// What came is not a reply.
    BadReply(BadReply),
    /// The TLS handshake failed; the driver knows why.
    HandshakeFailed,
    /// TLS broke after the handshake: an alert, or a record that cannot be read. A TLS 1.3 server
    /// that refuses the handshake says so only here.
    Tls(String),
    /// Writing or reading failed in another way.
    Io(String),
}

impl End {
    /// The same without the bytes that are no reply. They were escaped and cut, so a secret in them
    /// may not look like itself any more, and all of them go.
    pub(super) fn without_text(self) -> Self {
        match self {
            Self::BadReply(BadReply::NoCode(_)) => {
                Self::BadReply(BadReply::NoCode(REDACTED.to_owned()))
            }
            other => other,
        }
    }
}

/// Why a dialogue did not go through. The first one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A 4xx or 5xx: the last reply of `phase`.
    Refused(Phase),
    /// A code that has no place in this phase, such as 354 to EHLO.
    Unexpected(Phase),
    /// No reply.
    Ended(Phase, End),
    /// TLS is required and STARTTLS was not in the EHLO response.
    StarttlsMissing,
    /// TLS is required and STARTTLS was taken out on the way: the keyword is mangled, or the banner
    /// is starred out.
    StarttlsStripped,
    /// Bytes in clear stood behind the reply to STARTTLS (the class of CVE-2011-0411).
    PlaintextAfterStarttls,
    /// AUTH was planned and the server offers none, or none that we speak.
    AuthNotOffered,
    /// AUTH was planned and the channel is not a verified TLS one: nothing was sent.
    AuthWithheld,
    /// The probe was told to stop (deadline or shutdown) in this phase.
    Cancelled(Phase),
    /// The plan holds a word that cannot be said, due in this phase: nothing was said at all.
    Unsayable(Phase, Unsayable),
}

/// All that a session learned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dialogue {
    /// How long each phase took, in the order they began; a phase that did not end counts up to the
    /// end.
    pub phases: Vec<(Phase, Duration)>,
    /// Every reply with its phase, in order.
    pub replies: Vec<(Phase, Reply)>,
    /// What EHLO offered in clear.
    pub plain: Option<Capabilities>,
    /// What EHLO offered inside TLS.
    pub tls: Option<Capabilities>,
    /// Whether STARTTLS was offered on a channel in clear.
    pub starttls_offered: Option<bool>,
    /// From the start to the moment at which mail could be handed over.
    pub ready: Option<Duration>,
    /// The first thing that went wrong.
    pub fault: Option<Fault>,
}
