//! Why: from a reply, or from the lack of one, to a [`Cause`] of a closed list, with the rule that
//! said so, whose move it is, and what to do. Pure.

pub mod advice;
pub mod explain;
pub mod matcher;
pub mod pattern;
pub mod rules;
pub mod unwrap;
pub mod words;

pub use rules::{Family, Rule, RuleProblem, Rules, UserRule};

use std::borrow::Cow;

use crate::smtp::{Phase, Reply};

closed_enum! {
    /// Why mail is not taken. The first twenty are read from replies, the others from silence.
    pub enum Cause {
        /// A limit on sessions, on concurrency or on connections per time.
        TooManyConnections => "too_many_connections",
        /// A throttle on messages or recipients.
        RateLimited => "rate_limited",
        /// Come back later to prove yourself.
        Greylisted => "greylisted",
        /// Overloaded, shutting down, or a broken back end.
        SystemProblem => "system_problem",
        /// The session was idle too long or expired.
        Timeout => "timeout",
        /// Our address, host or domain is on a block list.
        Blocklisted => "blocklisted",
        /// Reputation or complaints.
        BadReputation => "bad_reputation",
        /// Refused by a rule whose reason is not given.
        PolicyRejected => "policy_rejected",
        /// AUTH is missing or failed.
        AuthRequired => "auth_required",
        /// Nothing without TLS.
        TlsRequired => "tls_required",
        /// Not a relay for us.
        RelayDenied => "relay_denied",
        /// PTR, forward-confirmed reverse DNS, or the HELO name.
        RdnsHelo => "rdns_helo",
        /// SPF, DKIM, DMARC or ARC.
        SenderAuthFailed => "sender_auth_failed",
        /// The envelope sender is bad.
        SenderRejected => "sender_rejected",
        /// The recipient is unknown, disabled or cannot be verified.
        MailboxUnavailable => "mailbox_unavailable",
        /// Mailbox or server disk is full.
        StorageFull => "storage_full",
        /// The domain is not served there, null MX, or a loop.
        Routing => "routing",
        /// Spam, virus, malformed, or too large.
        ContentRejected => "content_rejected",
        /// A command was not understood or out of order.
        ProtocolError => "protocol_error",
        /// No cause stated.
        Unknown => "unknown",
        /// A name did not resolve.
        DnsFailure => "dns_failure",
        /// No answer to SYN.
        ConnectTimeout => "connect_timeout",
        /// RST in answer to SYN.
        ConnectRefused => "connect_refused",
        /// No route, or ICMP unreachable.
        NetworkUnreachable => "network_unreachable",
        /// The connection was closed or reset without a reply.
        ConnectionDropped => "connection_dropped",
        /// No reply in time.
        ReplyTimeout => "reply_timeout",
        /// What came is not SMTP.
        NotSmtp => "not_smtp",
        /// No TLS version or cipher suite in common: outdated software.
        TlsIncompatible => "tls_incompatible",
        /// The TLS handshake failed.
        TlsFailed => "tls_failed",
        /// The certificate does not verify.
        CertificateInvalid => "certificate_invalid",
        /// STARTTLS is required and not offered.
        StarttlsMissing => "starttls_missing",
        /// STARTTLS was taken out or spoilt on the way.
        StarttlsStripped => "starttls_stripped",
        /// A reply that has no place here.
        UnexpectedReply => "unexpected_reply",
        /// Our own clock ended the probe.
        DeadlineExceeded => "deadline_exceeded",
        /// Our own limits: descriptors, ports, memory, concurrency.
        ExporterLimit => "exporter_limit",
        /// A fault of the exporter or of its settings.
        ExporterError => "exporter_error",
    }
}

closed_enum! {
    /// Who must act.
    pub enum Blame {
        /// Their server.
        Target => "target",
        /// The network, or a middlebox in it.
        Path => "path",
        /// Us as a sender: address, PTR, HELO, reputation, credentials, settings.
        Sender => "sender",
        /// The measurement itself. Such a result never counts against a target.
        Exporter => "exporter",
    }
}

closed_enum! {
    /// Whether trying again can help.
    pub enum Permanence {
        /// Try again later.
        Transient => "transient",
        /// It stays so until somebody changes something.
        Permanent => "permanent",
        /// A 4xx whose text says that it will not pass.
        PermanentInDisguise => "permanent_in_disguise",
    }
}

impl Cause {
    /// True for the causes that a reply can state; the others are read from silence.
    pub fn is_stated(self) -> bool {
        self <= Self::Unknown
    }

    /// Whose move it is when nothing more is known than the cause.
    pub const fn blame(self) -> Blame {
        match self {
            Self::BadReputation
            | Self::Blocklisted
            | Self::RdnsHelo
            | Self::SenderAuthFailed
            | Self::SenderRejected
            | Self::AuthRequired
            | Self::RelayDenied
            | Self::RateLimited
            | Self::TooManyConnections
            | Self::TlsRequired
            | Self::ContentRejected
            | Self::PolicyRejected => Blame::Sender,
            Self::SystemProblem
            | Self::StorageFull
            | Self::Greylisted
            | Self::Timeout
            | Self::MailboxUnavailable
            | Self::Routing
            | Self::ProtocolError
            | Self::Unknown
            | Self::NotSmtp
            | Self::CertificateInvalid
            | Self::TlsIncompatible
            | Self::TlsFailed
            | Self::StarttlsMissing
            | Self::UnexpectedReply
            | Self::ReplyTimeout
            | Self::DnsFailure => Blame::Target,
            Self::ConnectTimeout
            | Self::ConnectRefused
            | Self::NetworkUnreachable
            | Self::StarttlsStripped
            | Self::ConnectionDropped => Blame::Path,
            Self::DeadlineExceeded | Self::ExporterLimit | Self::ExporterError => Blame::Exporter,
        }
    }
}

/// What we were doing when the reply came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The phase that was answered; none when a person only has the line.
    pub phase: Option<Phase>,
    /// Whether the channel was inside TLS.
    pub tls: bool,
}

/// What a reply means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The cause.
    pub cause: Cause,
    /// The stable, readable id of the rule that said so.
    pub rule: Cow<'static, str>,
    /// Whether trying again can help.
    pub permanence: Permanence,
    /// Whose move it is.
    pub blame: Blame,
}

/// The cause that a refusal (4xx or 5xx) states, by the built-in rules.
pub fn judge(context: Context, reply: &Reply) -> Judgement {
    Rules::builtin().judge(context, reply)
}
