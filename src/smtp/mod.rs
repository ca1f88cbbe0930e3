//! The client's side of an SMTP dialogue (RFC 5321) as values: what we say, what we hear, and which
//! comes next. Pure: no sockets, no clock, no logging. [`session::Session`] is told what happened
//! and when, and answers what to do; `probe/dialog.rs` does it.

mod auth;
pub mod capability;
pub mod command;
pub mod dialogue;
pub mod reader;
pub mod reply;
pub mod session;

pub use auth::REDACTED;
pub use capability::{Capabilities, Keyword, Mechanism};
pub use command::{Credentials, Envelope, Unsayable};
pub use dialogue::{Action, Dialogue, End, Fault};
pub use reader::{BadReply, ReplyReader};
pub use reply::{EnhancedCode, Reply};
pub use session::Session;

closed_enum! {
    /// A step of a probe, in the order in which the steps happen.
    pub enum Phase {
        /// Names to addresses: MX, A and AAAA together.
        Resolve => "resolve",
        /// The TCP handshake.
        Connect => "connect",
        /// TLS before the greeting (RFC 8314, port 465).
        TlsImplicit => "tls_implicit",
        /// From the connection to the end of the greeting (RFC 5321, 4.3.1).
        Greeting => "greeting",
        /// EHLO on the channel as it was connected, HELO fallback included.
        Ehlo => "ehlo",
        /// The STARTTLS command and its reply (RFC 3207).
        Starttls => "starttls",
        /// The TLS handshake after STARTTLS.
        Tls => "tls",
        /// EHLO again, inside TLS.
        EhloTls => "ehlo_tls",
        /// AUTH and its challenges (RFC 4954).
        Auth => "auth",
        /// MAIL FROM of a dry run.
        Mail => "mail",
        /// RCPT TO of a dry run.
        Rcpt => "rcpt",
        /// RSET, which ends a dry run without a message.
        Rset => "rset",
        /// QUIT. What it is answered never changes a verdict.
        Quit => "quit",
    }
}

closed_enum! {
    /// What a module asks of TLS.
    pub enum TlsMode {
        /// Never start TLS.
        None => "none",
        /// Start TLS when it is offered; failing to is a fact and not a failure.
        Opportunistic => "opportunistic",
        /// STARTTLS or failure.
        Required => "required",
        /// TLS from the first byte.
        Implicit => "implicit",
    }
}

/// What a session shall do, settled before it starts.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The name for EHLO and HELO: an FQDN or an address literal (RFC 5321, 4.1.4).
    pub helo: String,
    /// How TLS is used.
    pub tls: TlsMode,
    /// Log in, and with what.
    pub auth: Option<Credentials>,
    /// AUTH may be sent without TLS, or over TLS whose certificate did not verify. Only where the
    /// module says so in so many words.
    pub auth_unverified: bool,
    /// MAIL, RCPT and RSET, never DATA.
    pub mail: Option<Envelope>,
}
