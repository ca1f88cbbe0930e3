//! The list of what the demo shows: a name, a server, and what there is to be seen.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::behaviour::Behaviour;
use super::tls::{Certificate, DOMAIN};

/// One thing that the demo shows, and one target of its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Exhibit {
    /// The target's name; its host is below `demo.test`.
    pub name: &'static str,
    /// What it is about; the value of the label `topic` in the configuration.
    pub topic: &'static str,
    /// The modules that are run against it.
    pub modules: &'static [&'static str],
    /// What there is to be seen, in one sentence.
    pub shows: &'static str,
    /// Where it is.
    pub(super) place: Place,
    /// What its server does. None: it has no server.
    pub(super) behaviour: Option<fn() -> Behaviour>,
}

/// How an exhibit is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A host with one address.
    Host,
    /// A host with two addresses, the second one with the [`Certificate::Outgoing`].
    Twins,
    /// A domain with two MX, the second one dead; the first has both families.
    Pair,
    /// A domain with a null MX.
    NullMx,
    /// A name that does not exist.
    Missing,
    /// A name whose servers are broken.
    ServFail,
}

impl Exhibit {
    /// The name of its server, or the name that should have one.
    pub fn host(&self) -> String {
        match self.place {
            Place::Pair => format!("mx1.{}", self.domain()),
            _ => self.domain(),
        }
    }

    /// Its domain: the exhibit's name below `demo.test`.
    pub fn domain(&self) -> String {
        format!("{}.{DOMAIN}", self.name)
    }

    /// True when the configuration names it as `domain` and not as `host`.
    pub fn is_domain(&self) -> bool {
        matches!(self.place, Place::Pair | Place::NullMx)
    }

    const fn host_exhibit(
        name: &'static str,
        topic: &'static str,
        module: &'static [&'static str],
        behaviour: fn() -> Behaviour,
        shows: &'static str,
    ) -> Self {
        Self { name, topic, modules: module, shows, place: Place::Host, behaviour: Some(behaviour) }
    }

    const fn elsewhere(
        name: &'static str,
        topic: &'static str,
        place: Place,
        behaviour: Option<fn() -> Behaviour>,
        shows: &'static str,
    ) -> Self {
        Self { name, topic, modules: SMTP, shows, place, behaviour }
    }
}

/// Every exhibit with its address, 127.0.50.1 and up.
pub(super) fn addressed() -> impl Iterator<Item = (&'static Exhibit, Ipv4Addr)> {
    EXHIBITS.iter().zip(1..=u8::MAX).map(|(e, last)| (e, Ipv4Addr::new(127, 0, 50, last)))
}

/// Everything on show.
pub const EXHIBITS: &[Exhibit] = &[
    Exhibit::host_exhibit(
        "healthy",
        "healthy",
        STARTTLS,
        Behaviour::healthy,
        "as it should be: STARTTLS, a good certificate, AUTH inside TLS only",
    ),
    Exhibit::host_exhibit(
        "slow-greeting",
        "healthy",
        SMTP,
        || Behaviour::slow_greeting(Duration::from_secs(3)),
        "the greeting takes 3 s, which is slow and not down: look at the phase's time",
    ),
    Exhibit::host_exhibit(
        "too-many-connections",
        "refusal",
        SMTP,
        Behaviour::too_many_connections,
        "421 with a connection limit: the remote is paused, longer each time",
    ),
    Exhibit::host_exhibit(
        "shutting-down",
        "refusal",
        SMTP,
        Behaviour::shutting_down,
        "421 because the service goes down: a short pause",
    ),
    Exhibit::host_exhibit(
        "greylisting",
        "refusal",
        DRY_RUN,
        || Behaviour::greylisting(Duration::from_secs(300)),
        "450 to RCPT, as a dry run sees it; taken after 5 minutes, as greylisting is",
    ),
    Exhibit::host_exhibit(
        "expired",
        "tls",
        STARTTLS,
        || Behaviour::with_certificate(Certificate::Expired),
        "the certificate ended 10 days ago; its facts are read all the same",
    ),
    Exhibit {
        name: "half-renewed",
        topic: "tls",
        modules: STARTTLS,
        shows: "two addresses, of which one was left out when the certificate was renewed",
        place: Place::Twins,
        behaviour: Some(Behaviour::healthy),
    },
    Exhibit::host_exhibit(
        "wrong-name",
        "tls",
        STARTTLS,
        || Behaviour::with_certificate(Certificate::WrongName),
        "the certificate is made out to another name",
    ),
    Exhibit::host_exhibit(
        "all-wrong",
        "tls",
        STARTTLS,
        || Behaviour::with_certificate(Certificate::AllWrong),
        "expired, of the wrong name and of an unknown issuer: three reasons at once",
    ),
    Exhibit::host_exhibit(
        "starttls-missing",
        "tls",
        STARTTLS,
        Behaviour::starttls_missing,
        "STARTTLS is required here and not offered there",
    ),
    Exhibit::host_exhibit(
        "starttls-mangled",
        "tls",
        STARTTLS,
        Behaviour::starttls_mangled,
        "something on the way wrote XXXXXXXA over STARTTLS",
    ),
    Exhibit::host_exhibit(
        "tls10-only",
        "tls",
        STARTTLS,
        Behaviour::tls10_only,
        "old software, TLS 1.0 with RSA key exchange: incompatible, and its certificate is read",
    ),
    Exhibit::host_exhibit(
        "drops",
        "network",
        SMTP,
        Behaviour::drops,
        "the connection is accepted and closed without a byte",
    ),
    Exhibit::host_exhibit("garbage", "network", SMTP, Behaviour::garbage, "what comes is not SMTP"),
    Exhibit::elsewhere(
        "pair",
        "mx",
        Place::Pair,
        Some(Behaviour::healthy),
        "two MX: the first over both families, the backup dead; the target is up all the same",
    ),
    Exhibit::elsewhere(
        "null-mx",
        "mx",
        Place::NullMx,
        None,
        "a null MX (RFC 7505): the domain takes no mail and says so",
    ),
    Exhibit::elsewhere("missing", "dns", Place::Missing, None, "the name does not exist"),
    Exhibit::elsewhere(
        "servfail",
        "dns",
        Place::ServFail,
        None,
        "the name's own DNS is broken (SERVFAIL) while the resolver is well",
    ),
    Exhibit::host_exhibit(
        "submission",
        "auth",
        &["submission"],
        Behaviour::submission,
        "a login inside TLS, with whatever mechanism both sides like best",
    ),
    Exhibit::host_exhibit(
        "smtps",
        "auth",
        &["smtps"],
        Behaviour::implicit_tls,
        "TLS from the first byte",
    ),
    Exhibit::host_exhibit(
        "closed-relay",
        "relay",
        RELAY,
        Behaviour::healthy,
        "a negative test that is met: the server refuses to relay",
    ),
    Exhibit::host_exhibit(
        "open-relay",
        "relay",
        RELAY,
        Behaviour::open_relay,
        "a negative test that is not met: the server relays for anybody",
    ),
    Exhibit::host_exhibit(
        LIMITED,
        "limit",
        SMTP,
        || Behaviour::connection_limit(7),
        "seven sessions at once, then 421: connection_limits finds it without being in the way",
    ),
];

/// The exhibit whose limit is measured.
pub(super) const LIMITED: &str = "session-limit";

const SMTP: &[&str] = &["smtp"];
const STARTTLS: &[&str] = &["starttls"];
const DRY_RUN: &[&str] = &["dry_run"];
const RELAY: &[&str] = &["relay_check"];
