//! What to probe and what to expect there: plain data, no input or output.

pub mod ladder;
pub mod near;
pub mod place;
pub mod policy;
pub mod reach;
pub mod shard;

pub use ladder::{Ladder, LadderKey, LadderMode};
pub use policy::{Allow, Backoff, Families, HostBudget, Policy};
pub use shard::Shard;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;

use crate::smtp::{Envelope, Phase, TlsMode};

/// A thing that is probed: one host, or all mail exchangers of a domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The name, unique, and the value of the `target` label.
    pub name: Arc<str>,
    /// Where it is.
    pub place: Place,
    /// The modules that are run against it, each its own series.
    pub modules: Vec<Arc<Module>>,
    /// The interval stated at the target. It wins over the module's.
    pub interval: Option<Duration>,
    /// The target's own labels.
    pub labels: BTreeMap<String, String>,
}

impl Target {
    /// How often `module` is run here: the target's word, the module's, or 60 s.
    pub fn interval_of(&self, module: &Module) -> Duration {
        self.interval.or(module.interval).unwrap_or(DEFAULT_INTERVAL)
    }
}

/// A target and one of its modules: what one task probes and one set of target series describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The target.
    pub target: Arc<Target>,
    /// One of its modules.
    pub module: Arc<Module>,
}

/// The key of a [`Check`]: target name, then module name.
pub type CheckKey = (Arc<str>, Arc<str>);

impl Check {
    /// The key.
    pub fn key(&self) -> CheckKey {
        (self.target.name.clone(), self.module.name.clone())
    }

    /// How often it runs.
    pub fn interval(&self) -> Duration {
        self.target.interval_of(&self.module)
    }
}

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A host's name or address; a port here wins over the module's.
    Host {
        /// As written, without port and brackets; a name in its ASCII form (IDNA).
        host: HostName,
        /// The port, if stated.
        port: Option<u16>,
    },
    /// A mail domain in its ASCII form: MX by preference, else the implicit MX.
    Domain(Arc<str>),
}

/// A host as configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostName {
    /// An address literal.
    Address(IpAddr),
    /// A name in its ASCII form, lower case, without the trailing dot.
    Name(Arc<str>),
}

impl std::fmt::Display for HostName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// How a target is probed: a plan and what is expected of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// The name, unique, and the value of the `module` label.
    pub name: Arc<str>,
    /// The port where the target states none.
    pub port: u16,
    /// How TLS is used.
    pub tls: TlsMode,
    /// The name that the certificate must carry; none: the host that is connected to.
    pub tls_server_name: Option<Arc<str>>,
    /// False only where the module says so: a certificate that does not verify is then a fact.
    pub tls_verify: bool,
    /// Log in.
    pub auth: Option<Auth>,
    /// MAIL, RCPT and RSET.
    pub mail: Option<Envelope>,
    /// The negative test: what must happen for the probe to succeed.
    pub expect: Option<Expect>,
    /// Bounds on waiting.
    pub timeouts: Timeouts,
    /// The interval stated at the module.
    pub interval: Option<Duration>,
}

impl Module {
    /// A module that says nothing special: port 25, TLS if it is offered.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            port: 25,
            tls: TlsMode::Opportunistic,
            tls_server_name: None,
            tls_verify: true,
            auth: None,
            mail: None,
            expect: None,
            timeouts: Timeouts::default(),
            interval: None,
        }
    }

    /// The least interval towards servers that are not ours: a login is expected there, so it may
    /// come oftener than a stranger.
    pub const fn gentle_interval(&self) -> Duration {
        if self.auth.is_some() { FOREIGN_AUTH_INTERVAL } else { FOREIGN_INTERVAL }
    }

    /// Whether it tries recipients as a stranger, which spammers do: not at servers that are not
    /// ours.
    pub const fn tries_strangers_recipients(&self) -> bool {
        self.mail.is_some() && self.auth.is_none()
    }
}

/// AUTH as configured.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The authentication identity.
    pub username: String,
    /// Where the secret is.
    pub secret: Secret,
    /// Send it without TLS, or over TLS that did not verify.
    pub allow_plaintext: bool,
}

impl PartialEq for Auth {
    fn eq(&self, other: &Self) -> bool {
        self.username == other.username
            && self.secret == other.secret
            && self.allow_plaintext == other.allow_plaintext
    }
}

/// A secret, or the file that holds the current one.
#[derive(Debug, Clone)]
pub enum Secret {
    /// Read when the configuration was.
    Password(SecretString),
    /// A bearer token's file, read again at each probe, because tokens are short-lived.
    TokenFile(PathBuf),
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        use secrecy::ExposeSecret;
        match (self, other) {
            (Self::Password(a), Self::Password(b)) => a.expose_secret() == b.expose_secret(),
            (Self::TokenFile(a), Self::TokenFile(b)) => a == b,
            _ => false,
        }
    }
}

/// What must happen: a reply in `phase` with one of `codes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The phase whose last reply is looked at.
    pub phase: Phase,
    /// The codes that meet the expectation.
    pub codes: Vec<u16>,
}

/// Bounds on waiting, per endpoint. Waiting for a permit is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connect.
    pub connect: Duration,
    /// Connect to greeting. RFC 5321, 4.5.3.2.1 grants 5 minutes; delays of 8 to 15 s are common.
    pub greeting: Duration,
    /// Each command to its reply, and a TLS handshake.
    pub reply: Duration,
    /// All of it.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            greeting: Duration::from_secs(30),
            reply: Duration::from_secs(15),
            total: Duration::from_secs(60),
        }
    }
}

/// One address of one host of a target: the unit that is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The host: a name or an address in text. Empty, with no address, when resolving failed.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
    /// The address.
    pub address: Option<IpAddr>,
    /// The address that we connect from, when several are configured.
    pub source: Option<IpAddr>,
    /// The MX preference, for a domain's hosts.
    pub mx_preference: Option<u16>,
}

impl Endpoint {
    /// What stands for a target whose name could not be resolved.
    pub fn unresolved() -> Self {
        Self { host: "".into(), port: 0, address: None, source: None, mx_preference: None }
    }

    /// `host:port`, brackets around an IPv6 literal; empty when resolving failed.
    pub fn label(&self) -> String {
        if self.host.is_empty() {
            String::new()
        } else if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Networks and domains that we run: they may be probed often, others get gentle limits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Own {
    /// Networks. Loopback and private addresses always count besides.
    pub networks: Vec<IpNet>,
    /// Domains in ASCII form, lower case; hosts below them count.
    pub domains: Vec<Arc<str>>,
}

impl Own {
    /// True for an address that we run, or that cannot be anybody else's: loopback, RFC 1918,
    /// RFC 4193, link-local.
    pub fn has_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let private = match address {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
            IpAddr::V6(v6) => {
                v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
            }
        };
        private || self.networks.iter().any(|network| network.contains(&address))
    }

    /// True for a domain that we run, or a name below one.
    pub fn has_name(&self, name: &str) -> bool {
        self.domains.iter().any(|domain| {
            name.strip_suffix(&**domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}

closed_enum! {
    /// An address family.
    pub enum Family {
        /// IPv4.
        Ipv4 => "ipv4",
        /// IPv6.
        Ipv6 => "ipv6",
    }
}

impl Family {
    /// The family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }
}

/// How often a target is probed when nobody says.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
/// The least interval for servers that are not ours.
pub const FOREIGN_INTERVAL: Duration = Duration::from_secs(15 * 60);
/// The least interval for servers that are not ours and where we log in.
pub const FOREIGN_AUTH_INTERVAL: Duration = Duration::from_secs(5 * 60);
