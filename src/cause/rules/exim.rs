//! Exim, and cPanel's settings of it, which are the most common ones.

use super::super::Cause::*;
use super::Rule;
use crate::cause::Blame;
use crate::cause::Permanence::PermanentInDisguise;

const DAEMON: &str = "Exim 4.8 to 4.98, the daemon and its SMTP input";
const VERIFY: &str = "Exim 4.8 to 4.98, verify.c and acl.c";
const DEBIAN: &str = "Debian's exim4 configuration";
const CPANEL: &str = "cPanel's exim configuration";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "exim.connections",
        TooManyConnections,
        DAEMON,
        &["too many concurrent smtp connections"],
        "421 Too many concurrent SMTP connections; please try again later.",
    ),
    Rule::new(
        "exim.connection.messages",
        TooManyConnections,
        DAEMON,
        &["too many messages in this connection"],
        "421 too many messages in this connection",
    ),
    Rule::new(
        "exim.load",
        SystemProblem,
        DAEMON,
        &["too much load .. try again later"],
        "421 mx.example.net: Too much load; please try again later",
    ),
    Rule::new(
        "exim.timeout",
        Timeout,
        DAEMON,
        &["smtp (command|incoming data) timeout"],
        "421 mx.example.net: SMTP command timeout - closing connection",
    ),
    Rule::new(
        "exim.shutdown",
        SystemProblem,
        DAEMON,
        &["service not available closing connection"],
        "421 mx.example.net: Service not available - closing connection",
    ),
    Rule::new(
        "exim.local_problem",
        SystemProblem,
        DAEMON,
        &[
            "temporary local problem + !greylist*",
            "(unexpected|log) failure please try later",
            "unable to authenticate at present",
        ],
        "451 Temporary local problem - please try later",
    ),
    Rule::new(
        "exim.space",
        StorageFull,
        DAEMON,
        &["space shortage please try later"],
        "452 Space shortage, please try later",
    ),
    Rule::new(
        "exim.host_reject",
        PolicyRejected,
        DAEMON,
        &["^ smtp service not available"],
        "554 SMTP service not available",
    )
    .codes(&[5]),
    Rule::new(
        "exim.tls.unavailable",
        SystemProblem,
        DAEMON,
        &["tls currently unavailable"],
        "454 TLS currently unavailable",
    ),
    Rule::new(
        "exim.auth.data",
        AuthRequired,
        DAEMON,
        &["incorrect authentication data"],
        "535 Incorrect authentication data",
    ),
    Rule::new(
        "exim.auth.not_advertised",
        AuthRequired,
        DAEMON,
        &["auth command used when not advertised"],
        "503 AUTH command used when not advertised",
    )
    .blame(Blame::Target),
    Rule::new(
        "exim.sync",
        ProtocolError,
        DAEMON,
        &["smtp synchronization error"],
        "554 SMTP synchronization error",
    ),
    Rule::new(
        "exim.nonsense",
        ProtocolError,
        DAEMON,
        &[
            "too many (nonmail|unrecognized|syntax or protocol) (commands|errors)",
            "starttls command used when not advertised",
            "sender not yet given",
            "valid rcpt command must precede data",
        ],
        "554 Too many nonmail commands",
    ),
    Rule::new(
        "exim.helo.syntax",
        RdnsHelo,
        DAEMON,
        &["syntactically invalid (ehlo|helo) argument*"],
        "501 Syntactically invalid EHLO argument(s)",
    ),
    Rule::new(
        "exim.address.no_domain",
        ProtocolError,
        DAEMON,
        &["recipient address must contain a domain"],
        "501 a: recipient address must contain a domain",
    ),
    Rule::new(
        "exim.size",
        ContentRejected,
        DAEMON,
        &["message size exceeds maximum permitted"],
        "552 Message size exceeds maximum permitted",
    ),
    Rule::new(
        "exim.relay",
        RelayDenied,
        DEBIAN,
        &["^ relay not permitted"],
        "550 relay not permitted",
    ),
    Rule::new(
        "exim.unrouteable",
        Routing,
        VERIFY,
        &["(unrouteable|unroutable) address"],
        "550 Unrouteable address",
    ),
    Rule::new(
        "exim.callout.sender",
        SenderRejected,
        VERIFY,
        &[
            "sender verify (failed|callout)",
            "could not complete sender verify",
            "sender verification fail*",
            "verification failed for",
        ],
        "550 Sender verify failed",
    ),
    Rule::new(
        "exim.callout.recipient",
        MailboxUnavailable,
        VERIFY,
        &["could not complete recipient verify"],
        "451 Could not complete recipient verify callout",
    ),
    Rule::new(
        "exim.dnslist",
        Blocklisted,
        DEBIAN,
        &["is in a black list at"],
        "550 192.0.2.1 is in a black list at bl.example.net",
    ),
    Rule::new(
        "exim.prohibited",
        PolicyRejected,
        VERIFY,
        &["^ administrative prohibition $"],
        "550 Administrative prohibition",
    ),
    Rule::new(
        "exim.data.headers",
        ContentRejected,
        DEBIAN,
        &["message headers fail syntax check", "no valid sender address in .. header"],
        "550 message headers fail syntax check",
    ),
    Rule::new(
        "cpanel.relay",
        RelayDenied,
        CPANEL,
        &["currently not permitted to relay through this server"],
        "550 mx.example.net [192.0.2.1] is currently not permitted to relay through this server.",
    ),
    Rule::new(
        "cpanel.rbl",
        Blocklisted,
        CPANEL,
        &["junkmail rejected .. is in an rbl", "junkmail rejected + rbl"],
        "550 \"JunkMail rejected - mx.example.net [192.0.2.1]:4465 is in an RBL: see them\"",
    ),
    Rule::new(
        "cpanel.spam",
        ContentRejected,
        CPANEL,
        &["mail server detected your message as spam"],
        "550 \"The mail server detected your message as spam and has prevented delivery.\"",
    ),
    Rule::new(
        "cpanel.hourly",
        RateLimited,
        CPANEL,
        &["exceeded the max (emails|defers|failures) .. per hour"],
        "451 Domain example.net has exceeded the max emails per hour (100/100 (100%)) allowed.",
    ),
    Rule::new(
        "cpanel.helo",
        RdnsHelo,
        CPANEL,
        &["rejected bad helo", "invalid helo name", "interface helo"],
        "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)",
    ),
    Rule::new(
        "cpanel.country",
        PolicyRejected,
        CPANEL,
        &["your country is not allowed to connect"],
        "550 \"Your country is not allowed to connect to this server.\"",
    ),
    Rule::new(
        "cpanel.auth",
        AuthRequired,
        CPANEL,
        &["please turn on smtp authentication"],
        "550 Please turn on SMTP Authentication in your mail client.",
    ),
    Rule::new(
        "exim.ratelimit",
        RateLimited,
        "Exim ratelimit ACL, the manual's example message",
        &[
            "^ rate .. over .. per",
            "your rate is .. over",
            "sender rate (over|overlimit|limit|exceed*|too high)",
        ],
        "451 Rate 5.0 over 2 per 1m",
    ),
    Rule::new(
        "exim.greylistd",
        Greylisted,
        "greylistd 0.9, the statement that it adds to Exim's ACL",
        &["not yet authorized to deliver mail from"],
        "451 192.0.2.1 is not yet authorized to deliver mail from <a@example.net> to \
             <b@example.org>. Please try later.",
    ),
    Rule::new(
        "exim.rdns",
        RdnsHelo,
        DEBIAN,
        &[
            "host lookup (failed|did not complete)",
            "inverse (host|dns) lookup",
            "reverse dns lookup fail*",
        ],
        "550 host lookup failed (failed to find host name from IP address)",
    )
    .lasts(PermanentInDisguise),
];
