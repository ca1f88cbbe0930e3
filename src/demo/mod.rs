//! Mail servers and a DNS with faults, on loopback addresses, in this process: what the `demo`
//! command shows, and what the hermetic tests probe. Nothing is installed and nothing leaves the
//! host: peers that are not loopback are closed upon.
//!
//! - [`Behaviour`] says what a server does; it is data, so faults compose. [`Server`] does it and
//!   counts what clients did.
//! - [`Certificate`] names what is wrong with a certificate; [`Authority`] makes them all, once per
//!   process.
//! - [`Zone`] says what the DNS knows, and how it fails; [`Dns`] serves it.
//! - [`World`] is the demo's whole set, with a configuration for it.
//!
//! The servers are strangers to the rest: they share no code with the client they test, so a mistake
//! in one is not hidden by the same mistake in the other.

pub mod auth;
pub mod behaviour;
mod config;
mod conn;
pub mod dns;
mod domains;
pub mod exhibit;
mod legacy;
pub mod limit;
mod lists;
mod login;
mod script;
pub mod server;
pub mod tls;
pub mod zone;

pub use auth::{Auth, Sasl};
pub use behaviour::{Behaviour, LegacyVersion, Point, Step, Tls};
pub use dns::Dns;
pub use exhibit::{EXHIBITS, Exhibit};
pub use limit::Limits;
pub use server::{Said, Server, Stats};
pub use tls::{Authority, Certificate};
pub use zone::{Data, Fault, Zone};

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use exhibit::Place;

/// All exhibits, running: a server each on an address of 127.0.50.0/24, one port for all, and a DNS
/// that knows their names below `demo.test`. Dropping it stops everything.
#[derive(Debug)]
pub struct World {
    port: u16,
    ipv6: bool,
    dns: Dns,
    servers: Vec<(&'static str, Server)>,
    policies: domains::Policies,
}

impl World {
    /// Starts everything. Must be called inside a tokio runtime; making the certificates takes some
    /// tens of milliseconds the first time.
    ///
    /// # Errors
    ///
    /// An address can't be bound (the message says which), certificates could not be made, or there
    /// is no runtime.
    pub fn start() -> io::Result<Self> {
        let mut tries = 20;
        loop {
            match Self::try_start() {
                // Somebody has the port on one of the other addresses: another port, then.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => tries -= 1,
                result => return result,
            }
        }
    }

    /// The port of every server, and of the DNS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether this host has an IPv6 loopback, so that one exhibit is reached over both families.
    pub fn has_ipv6(&self) -> bool {
        self.ipv6
    }

    /// The DNS.
    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    /// The server of an exhibit; none for those that have none, and for unknown names.
    pub fn server(&self, name: &str) -> Option<&Server> {
        self.servers.iter().find(|(of, _)| *of == name).map(|(_, server)| server)
    }

    /// The authority's certificate in PEM: write it where [`World::config_yaml`] says it is.
    ///
    /// # Errors
    ///
    /// As [`Authority::shared`].
    pub fn ca_pem(&self) -> io::Result<&'static str> {
        Ok(Authority::shared()?.ca_pem())
    }

    /// A complete configuration that probes every exhibit, with a comment on what each one shows.
    /// `ca_file` is where the caller put [`World::ca_pem`].
    pub fn config_yaml(&self, ca_file: &Path) -> String {
        let posture = domains::yaml(self.port, self.policies.port());
        config::yaml(self.port, self.ipv6, self.dns.address(), ca_file) + &posture
    }

    /// Stops everything and waits until every port is free again.
    pub async fn stop(self) {
        for (_, server) in self.servers {
            server.stop().await;
        }
        self.policies.stop().await;
        self.dns.stop().await;
    }

    fn try_start() -> io::Result<Self> {
        let ipv6 = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        let dns_address = SocketAddr::from((DNS_ADDRESS, 0));
        let dns = Dns::start(dns_address, &zone(ipv6))?;
        let port = dns.address().port();
        let mut servers = Vec::new();
        for (exhibit, address) in exhibit::addressed() {
            let Some(behaviour) = exhibit.behaviour else { continue };
            let mut addresses = vec![SocketAddr::from((address, port))];
            if exhibit.place == Place::Pair && ipv6 {
                addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
            }
            let behaviour = behaviour().named(&exhibit.host());
            servers.push((exhibit.name, Server::start_on(&addresses, behaviour)?));
            if exhibit.place == Place::Twins {
                let other = Behaviour::with_certificate(Certificate::Outgoing);
                let other = other.named(&exhibit.host());
                servers.push((exhibit.name, Server::start((TWIN_ADDRESS, port).into(), other)?));
            }
        }
        servers.extend(domains::servers(port)?);
        let policies = domains::Policies::start()?;
        Ok(Self { port, ipv6, dns, servers, policies })
    }
}

/// What the demo's DNS knows.
fn zone(ipv6: bool) -> Zone {
    let mut zone = Zone::new();
    for (exhibit, address) in exhibit::addressed() {
        let name = exhibit.host();
        zone = match exhibit.place {
            Place::Twins => zone.address(&name, address).address(&name, TWIN_ADDRESS),
            Place::Host => zone.address(&name, address).ptr(address, &name),
            Place::Pair => {
                let domain = exhibit.domain();
                let backup = format!("mx2.{domain}");
                let zone = zone
                    .mx(&domain, 10, &name)
                    .mx(&domain, 20, &backup)
                    .address(&name, address)
                    .address(&backup, DEAD_ADDRESS);
                if ipv6 { zone.address(&name, IpAddr::V6(Ipv6Addr::LOCALHOST)) } else { zone }
            }
            Place::NullMx => zone.mx(&exhibit.domain(), 0, "."),
            Place::Missing => zone,
            Place::ServFail => zone.fault(&name, Fault::ServFail),
        };
    }
    domains::add(lists::add(zone))
}

/// The demo's DNS server.
const DNS_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 50, 53);

/// The second of two addresses.
const TWIN_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 50, 98);

/// Nobody listens here: the dead backup MX.
const DEAD_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 50, 99);
