//! What each cause means and what to do about it, in words for the person who is on call.

use super::Cause;

/// Two sentences, how long to wait if waiting helps, and where it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What it means: one sentence.
    pub meaning: &'static str,
    /// What to do: one sentence.
    pub action: &'static str,
    /// How long to wait before trying again, where time alone mends it.
    pub wait: Option<&'static str>,
    /// The standard or page behind it.
    pub doc: &'static str,
}

/// The advice for a cause.
pub const fn of(cause: Cause) -> &'static Advice {
    match cause {
        Cause::TooManyConnections => &Advice {
            meaning: "The server counts sessions or connections per client, and the count is over \
             its limit.",
            action: "Open fewer sessions at once and keep each open for several messages; if \
             probes alone reach the limit, lengthen the interval.",
            wait: Some("5 to 15 minutes"),
            doc: "https://www.postfix.org/TUNING_README.html#conn_limit",
        },
        Cause::RateLimited => &Advice {
            meaning: "More messages or recipients came in a time than the server takes from one \
             sender.",
            action: "Send slower and spread the recipients; ask for a higher quota if the volume \
             is right.",
            wait: Some("an hour; for daily quotas a day"),
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.8",
        },
        Cause::Greylisted => &Advice {
            meaning: "The server puts off clients it does not know, to see whether they come back.",
            action: "Try again later from the same address; ask for an allow-list entry if it \
             hurts.",
            wait: Some("5 to 15 minutes, up to an hour"),
            doc: "https://www.rfc-editor.org/rfc/rfc6647",
        },
        Cause::SystemProblem => &Advice {
            meaning: "The server is overloaded, shutting down, or misses a part it depends on.",
            action: "Wait and look at the provider's status page; on a server of yours, read its \
             log at this minute.",
            wait: Some("15 to 30 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc3463#section-3.4",
        },
        Cause::Timeout => &Advice {
            meaning: "The server ended the session because nothing came from us in time.",
            action: "Look at latency and packet loss on the path, and at what held the client up.",
            wait: Some("a minute"),
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2",
        },
        Cause::Blocklisted => &Advice {
            meaning: "Our address, host name or domain stands on a block list, public or the \
             server's own.",
            action: "Find the list in the reply, mend what put us there, then ask for removal.",
            wait: None,
            doc: "https://check.spamhaus.org",
        },
        Cause::BadReputation => &Advice {
            meaning: "The receiver thinks little of mail from our address or domain: complaints, \
             spam traps, or too little history.",
            action: "Stop the unwanted mail, look into the receiver's postmaster tools, and come \
             back slowly.",
            wait: Some("4 hours at least, often days"),
            doc: "https://www.rfc-editor.org/rfc/rfc7070",
        },
        Cause::PolicyRejected => &Advice {
            meaning: "A rule of the receiver refuses us, and the reply does not say which.",
            action: "Send the transcript to the receiver's postmaster and ask for the rule.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc3463#section-3.8",
        },
        Cause::AuthRequired => &Advice {
            meaning: "The server wants a login, or did not accept the one it got.",
            action: "Check user name, password or token, the mechanism, and that port 587 or 465 \
             is used; do not retry with a wrong password.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc4954#section-6",
        },
        Cause::TlsRequired => &Advice {
            meaning: "The server takes nothing without TLS, or not with TLS this weak.",
            action: "Turn on STARTTLS, or implicit TLS on port 465, with TLS 1.2 or newer.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc3207#section-4",
        },
        Cause::RelayDenied => &Advice {
            meaning: "The server does not carry mail for this recipient's domain on our behalf.",
            action: "Check that this is the right server for the domain, and that the login or \
             network it asks for is there; from outside this refusal is as it should be.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-7.9",
        },
        Cause::RdnsHelo => &Advice {
            meaning: "Our reverse DNS name or our EHLO name is missing, generic, or does not lead \
             back to our address.",
            action: "Set a PTR record whose name resolves to the sending address, and say that \
             name in EHLO.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc8601#section-3",
        },
        Cause::SenderAuthFailed => &Advice {
            meaning: "SPF, DKIM, DMARC or ARC did not pass for the sender's domain.",
            action: "Mend the record or the signature that the reply names, and check it from \
             outside.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc7489",
        },
        Cause::SenderRejected => &Advice {
            meaning: "The envelope sender is not accepted: its domain does not resolve, it is not \
             ours to use, or it is blocked.",
            action: "Use a sender whose domain has MX or address records and which this login may \
             use.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc3463#section-3.2",
        },
        Cause::MailboxUnavailable => &Advice {
            meaning: "The recipient is unknown, disabled, or could not be verified.",
            action: "Correct the address or take it off the list; for a 4xx look at the receiver's \
             back end.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc3463#section-3.2",
        },
        Cause::StorageFull => &Advice {
            meaning: "The recipient's mailbox or the server's disk is full.",
            action: "Tell the recipient by another way; on a server of yours, make room on the \
             queue's disk.",
            wait: Some("a day for a mailbox, an hour for a disk"),
            doc: "https://www.rfc-editor.org/rfc/rfc3463#section-3.3",
        },
        Cause::Routing => &Advice {
            meaning: "The domain is not served there, takes no mail at all, or the message runs in \
             a circle.",
            action: "Check the domain's MX records and the transport tables on the way.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc7505",
        },
        Cause::ContentRejected => &Advice {
            meaning: "The message itself is refused: taken for spam, infected, malformed or too \
             large.",
            action: "Look at the message's headers, links, attachments and size.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc3463#section-3.7",
        },
        Cause::ProtocolError => &Advice {
            meaning: "The server did not understand a command, or not at this point.",
            action: "Read the transcript up to the command before the refusal; look for a \
             middlebox that changes it.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-4.3.2",
        },
        Cause::Unknown => &Advice {
            meaning: "The reply states no cause.",
            action: "Read the transcript around it; if it comes again, send it to the receiver's \
             postmaster and ask.",
            wait: Some("15 to 30 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-4.2",
        },
        Cause::DnsFailure => &Advice {
            meaning: "The name did not lead to an address.",
            action: "Ask for the name by hand: NXDOMAIN and empty answers are the domain's matter, \
             silence and REFUSED are the resolver's.",
            wait: Some("5 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
        },
        Cause::ConnectTimeout => &Advice {
            meaning: "Nobody answered the TCP connection.",
            action: "Check the address, the server's power, and the firewalls on the way; many \
             networks block port 25 outwards.",
            wait: Some("5 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc9293#section-3.8.3",
        },
        Cause::ConnectRefused => &Advice {
            meaning: "The host is up and nothing listens on the port, or a firewall resets it.",
            action: "Check that the mail server runs and listens on this address and port.",
            wait: Some("5 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc9293#section-3.5.2",
        },
        Cause::NetworkUnreachable => &Advice {
            meaning: "There is no route to the address.",
            action: "Check our own route for this address family, then the path by traceroute.",
            wait: Some("5 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc1812#section-5.2.7.1",
        },
        Cause::ConnectionDropped => &Advice {
            meaning: "The connection was closed or reset without a reply.",
            action: "Look for a connection limit, a crash in the server's log, or a firewall that \
             cuts sessions.",
            wait: Some("5 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-3.8",
        },
        Cause::ReplyTimeout => &Advice {
            meaning: "The server took the connection and did not reply in time.",
            action: "Look at its load, its process limit and its DNS; a slow greeting may be a \
             tarpit, so lengthen that timeout first.",
            wait: Some("5 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2",
        },
        Cause::NotSmtp => &Advice {
            meaning: "Something answers on the port that is not an SMTP server.",
            action: "Check host and port, whether TLS is expected from the first byte, and what a \
             middlebox or captive portal says.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-4.2",
        },
        Cause::TlsIncompatible => &Advice {
            meaning: "Server and client have no TLS version or cipher suite in common.",
            action: "Bring the server to TLS 1.2 or newer with forward secrecy.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc8996",
        },
        Cause::TlsFailed => &Advice {
            meaning: "The TLS handshake broke off.",
            action: "Read the alert in the detail, and the server's TLS settings and log.",
            wait: Some("5 minutes"),
            doc: "https://www.rfc-editor.org/rfc/rfc8446#section-6",
        },
        Cause::CertificateInvalid => &Advice {
            meaning: "The certificate does not verify: expired, for another name, or from an \
             unknown issuer.",
            action: "Renew it, serve the whole chain, and reload the server; or name the host it \
             is made for.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc9525",
        },
        Cause::StarttlsMissing => &Advice {
            meaning: "TLS is required and the server does not offer STARTTLS.",
            action: "Turn it on at the server; if it is on, see whether the server hides it from \
             clients that it rejects.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc3207#section-4.1",
        },
        Cause::StarttlsStripped => &Advice {
            meaning: "STARTTLS was taken out or spoilt on the way to us.",
            action: "Turn off SMTP inspection in the firewalls of the path; until then nothing \
             sent here is private.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc8461#section-10",
        },
        Cause::UnexpectedReply => &Advice {
            meaning: "The server answered with a code that has no place at this point.",
            action: "Read the transcript: either the server is broken, or replies and commands got \
             out of step.",
            wait: None,
            doc: "https://www.rfc-editor.org/rfc/rfc5321#section-4.3.2",
        },
        Cause::DeadlineExceeded => &Advice {
            meaning: "Our own deadline ended the probe before the server was done.",
            action: "Lengthen the module's timeout or the scrape timeout; the server may well be \
             fine.",
            wait: None,
            doc: "https://prometheus.io/docs/guides/multi-target-exporter/",
        },
        Cause::ExporterLimit => &Advice {
            meaning: "The exporter ran out of descriptors, ports, memory or permits.",
            action: "Raise the limit that the log names, or probe less at once.",
            wait: Some("a minute"),
            doc: "https://man7.org/linux/man-pages/man2/getrlimit.2.html",
        },
        Cause::ExporterError => &Advice {
            meaning: "The probe failed through a fault of the exporter or of its settings.",
            action: "Read the exporter's log at this time, check the module's settings, and report \
             it if they are right.",
            wait: None,
            doc: "https://prometheus.io/docs/instrumenting/writing_exporters/",
        },
    }
}

/// Every cause with its usual blame and its meaning, as a Markdown table.
pub fn markdown() -> String {
    let mut out = String::from(
        "| cause | usual blame | meaning | what to do | wait |\n|---|---|---|---|---|\n",
    );
    for cause in Cause::ALL {
        let (blame, Advice { meaning, action, wait, .. }) = (cause.blame(), of(*cause));
        let wait = wait.unwrap_or("–");
        out.push_str(&format!("| `{cause}` | `{blame}` | {meaning} | {action} | {wait} |\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_advice_of_its_own_in_whole_sentences() {
        let mut seen = std::collections::HashSet::new();
        for &cause in Cause::ALL {
            let advice = of(cause);
            assert!(seen.insert(advice.meaning), "{cause} says what another says");
            for sentence in [advice.meaning, advice.action] {
                assert!(sentence.ends_with('.') && sentence.len() > 20, "{cause}: {sentence}");
                assert!(sentence.starts_with(char::is_uppercase), "{cause}: {sentence}");
            }
            assert!(advice.doc.starts_with("https://"), "{cause}");
        }
    }
}
