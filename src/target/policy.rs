//! How we behave as a client, towards whom, and who may ask us to: the settings that the contract
//! keeps under `exporter`, `dns` and `probe`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::{Family, Own};
use crate::cause::Rules;

/// Settings of all probes.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The name for EHLO. None: the address literal of the connection's own address.
    pub helo: Option<Arc<str>>,
    /// What we run ourselves.
    pub own: Own,
    /// Addresses to connect from; empty: the system's choice. An address is used for remotes of its
    /// family only; several of one family each give a series of their own.
    pub source_addresses: Vec<IpAddr>,
    /// Which families are probed.
    pub families: Families,
    /// Probes under way at once, all targets together.
    pub max_concurrent_probes: usize,
    /// Politeness per remote address.
    pub host_budget: HostBudget,
    /// How long we stay away after a refusal that asks us to.
    pub backoff: Backoff,
    /// Addresses probed per target; more are counted, not probed.
    pub max_endpoints: usize,
    /// DNS servers; empty: the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// How long one DNS question may take, retries included.
    pub dns_timeout: Duration,
    /// Trust anchors of DNSSEC, DNSKEY and DS records as in a zone file; none: those of the root.
    pub dns_trust_anchor: Option<PathBuf>,
    /// Extra roots, PEM.
    pub ca_file: Option<PathBuf>,
    /// What replies mean: the built-in rules, the user's own in front of them.
    pub rules: Arc<Rules>,
    /// Who may be probed through `/probe`.
    pub probe_allow: Vec<Allow>,
    /// A result younger than this is answered again instead of probed anew.
    pub probe_min_interval: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            helo: None,
            own: Own::default(),
            source_addresses: Vec::new(),
            families: Families::Auto,
            max_concurrent_probes: 1024,
            host_budget: HostBudget::default(),
            backoff: Backoff::default(),
            max_endpoints: 32,
            dns_servers: Vec::new(),
            dns_timeout: Duration::from_secs(5),
            dns_trust_anchor: None,
            ca_file: None,
            rules: Rules::shared(),
            probe_allow: vec![Allow::Configured],
            probe_min_interval: Duration::from_secs(30),
        }
    }
}

closed_enum! {
    /// Which address families are probed.
    pub enum Families {
        /// Those to which the host has a route.
        Auto => "auto",
        /// IPv4 alone.
        Ipv4 => "ipv4",
        /// IPv6 alone.
        Ipv6 => "ipv6",
        /// Both, route or not.
        Both => "both",
    }
}

impl Families {
    /// Whether a family is one of them; under `auto` both are, as far as there is a route.
    pub const fn takes(self, family: Family) -> bool {
        match self {
            Self::Auto | Self::Both => true,
            Self::Ipv4 => matches!(family, Family::Ipv4),
            Self::Ipv6 => matches!(family, Family::Ipv6),
        }
    }
}

/// Politeness per remote address, all targets, `/probe` and the command line together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostBudget {
    /// Connections open at once.
    pub max_concurrent: usize,
    /// From closing one connection to opening the next.
    pub min_gap: Duration,
}

impl Default for HostBudget {
    fn default() -> Self {
        Self { max_concurrent: 1, min_gap: Duration::from_secs(1) }
    }
}

/// How a pause grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The first pause.
    pub initial: Duration,
    /// Each further one is so many times longer; at least 1.
    pub factor: f64,
    /// The longest.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: Duration::from_secs(300), factor: 2.0, max: Duration::from_secs(7200) }
    }
}

/// One entry of `probe.allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// The configured targets.
    Configured,
    /// Anybody. An open door: anyone who reaches the port can make us connect anywhere.
    Any,
    /// Addresses of a network.
    Network(IpNet),
    /// A domain and the hosts below it, ASCII form, lower case.
    Domain(Arc<str>),
}
