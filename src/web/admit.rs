//! Who may be probed through `/probe`. Pure.
//!
//! # Why the resolved address
//!
//! A name is only a promise: its owner can let it stand for 127.0.0.1 a moment after it was looked
//! at. So a name is checked twice: as asked, to spare pointless work, and at the address and port
//! that are about to be connected to, which is what counts.

use std::net::IpAddr;
use std::sync::Arc;

use crate::target::reach::{is_inside, is_never_a_host};
use crate::target::{Allow, Endpoint, HostName, Module, Place, Policy};

/// What `/probe` may do with one target that is in no configuration.
#[derive(Debug, Clone)]
pub(super) struct AdHoc {
    policy: Arc<Policy>,
    module: Arc<Module>,
    /// The asked name is one of the allowed domains or below one.
    domain_allowed: bool,
    any: bool,
    /// The target is a domain that is not ours, so that others choose where it leads.
    foreign_domain: bool,
    /// Ports that configured modules use.
    module_ports: Vec<u16>,
}

impl AdHoc {
    /// The first check, before anything is resolved. The error says what would have to change.
    pub(super) fn new(
        policy: Arc<Policy>,
        place: &Place,
        module: Arc<Module>,
        module_ports: Vec<u16>,
    ) -> Result<Self, String> {
        let (name, address, port) = match place {
            Place::Domain(name) => (Some(&**name), None, None),
            Place::Host { host: HostName::Name(name), port } => (Some(&**name), None, *port),
            Place::Host { host: HostName::Address(address), port } => (None, Some(*address), *port),
        };
        let allow = &policy.probe_allow;
        let any = allow.contains(&Allow::Any);
        let networks = allow.iter().any(|entry| matches!(entry, Allow::Network(_)));
        let domain_allowed = name.is_some_and(|name| {
            allow
                .iter()
                .any(|entry| matches!(entry, Allow::Domain(domain) if is_at_or_below(name, domain)))
        });
        // A name may turn out to be in an allowed network, so it has to be resolved first.
        let hopeless = !any && !domain_allowed && (!networks || address.is_some());
        let foreign_domain = matches!(place, Place::Domain(domain) if !policy.own.has_name(domain));
        let this = Self { policy, module, domain_allowed, any, foreign_domain, module_ports };
        if hopeless && address.is_none() {
            return Err(format!(
                "`{place}` is no configured target, and probe.allow does not let /probe go there; \
                 add it to targets, or its domain or network to probe.allow"
            ));
        }
        if this.module.auth.is_some() {
            return Err(format!(
                "module `{}` logs in, and its credentials are for configured targets only; add the \
                 target to targets, or ask with a module without auth",
                this.module.name
            ));
        }
        let port = port.unwrap_or(this.module.port);
        match address {
            Some(address) => this.check(address, port)?,
            None => this.check_port(port)?,
        }
        Ok(this)
    }

    /// The check that counts: may this endpoint be connected to?
    pub(super) fn admit(&self, endpoint: &Endpoint) -> Result<(), String> {
        match endpoint.address {
            Some(address) => self.check(address, endpoint.port),
            // Nothing is connected to: this stands for a name that did not resolve.
            None => Ok(()),
        }
    }

    fn check(&self, address: IpAddr, port: u16) -> Result<(), String> {
        let address = address.to_canonical();
        if is_never_a_host(address) {
            return Err(format!("{address} is not the address of one host"));
        }
        let listed =
            self.policy.probe_allow.iter().any(
                |entry| matches!(entry, Allow::Network(network) if network.contains(&address)),
            );
        let own = self.policy.own.networks.iter().any(|network| network.contains(&address));
        if self.foreign_domain && is_inside(address) && !own && !listed {
            return Err(format!(
                "{address} is not a public address, and the domain is not ours; add the address's \
                 network to probe.allow or to exporter.own"
            ));
        }
        if !self.any && !listed {
            if !self.domain_allowed {
                return Err(format!(
                    "{address} is in no network of probe.allow; add its network there"
                ));
            }
            if is_inside(address) && !own {
                return Err(format!(
                    "{address} is not a public address, and a domain in probe.allow opens only \
                     those; add its network to probe.allow or to exporter.own"
                ));
            }
        }
        self.check_port(port)?;
        if self.module.mail.is_some() && !own && !self.policy.own.has_address(address) {
            return Err(format!(
                "module `{}` names a recipient, and {address} is not ours; add its network to \
                 exporter.own, or ask with a module without mail",
                self.module.name
            ));
        }
        Ok(())
    }

    fn check_port(&self, port: u16) -> Result<(), String> {
        if AD_HOC_PORTS.contains(&port) || self.module_ports.contains(&port) {
            return Ok(());
        }
        Err(format!(
            "port {port} is not a mail port: targets that are not configured are probed on 25, \
             465, 587, 2525 and the ports of the modules; add a module with this port, or the \
             target to targets"
        ))
    }
}

/// True for a domain and the names below it.
fn is_at_or_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The ports on which targets that are not configured may be probed, besides those of the modules.
pub const AD_HOC_PORTS: [u16; 4] = [25, 465, 587, 2525];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::{Envelope, TlsMode};
    use crate::target::{Auth, Own, Secret};

    fn module() -> Module {
        Module { tls: TlsMode::None, ..Module::new("smtp") }
    }

    fn policy(allow: &[&str]) -> Policy {
        let probe_allow = allow
            .iter()
            .map(|entry| match *entry {
                "configured" => Allow::Configured,
                "any" => Allow::Any,
                entry => entry.parse().map_or_else(|_| Allow::Domain(entry.into()), Allow::Network),
            })
            .collect();
        Policy { probe_allow, ..Policy::default() }
    }

    /// Asks for `place`, which resolves to `address`.
    fn ask(policy: Policy, module: Module, place: &str, address: &str) -> Result<(), String> {
        let place = Place::parse(place).unwrap();
        let port = match &place {
            Place::Host { port: Some(port), .. } => *port,
            _ => module.port,
        };
        let ad_hoc = AdHoc::new(Arc::new(policy), &place, Arc::new(module), vec![1025])?;
        ad_hoc.admit(&Endpoint {
            host: "mx".into(),
            port,
            address: Some(address.parse().unwrap()),
            source: None,
            mx_preference: None,
        })
    }

    #[test]
    fn what_is_allowed_and_what_the_refusal_says() {
        for (allow, place, address, expected) in [
            ("configured", "mx.example.net", "192.0.2.1", Err("no configured target")),
            ("configured", "192.0.2.1", "192.0.2.1", Err("no network of probe.allow")),
            ("192.0.2.0/24", "192.0.2.1", "192.0.2.1", Ok(())),
            ("192.0.2.0/24", "mx.example.net", "192.0.2.1", Ok(())),
            ("192.0.2.0/24", "mx.example.net", "192.0.3.1", Err("no network of probe.allow")),
            ("192.0.2.0/24", "::ffff:192.0.2.1", "192.0.2.1", Ok(())),
            ("192.0.2.0/24", "mx.example.net", "::ffff:192.0.2.1", Ok(())),
            ("127.0.0.0/8", "localhost", "127.0.0.1", Ok(())),
            ("example.net", "mx.example.net", "192.0.2.1", Ok(())),
            ("example.net", "example.net", "192.0.2.1", Ok(())),
            ("example.net", "domain:example.net", "198.51.100.7", Ok(())),
            ("example.net", "badexample.net", "192.0.2.1", Err("no configured target")),
            ("example.net", "example.net.evil.test", "192.0.2.1", Err("no configured target")),
            ("example.net", "192.0.2.1", "192.0.2.1", Err("no network of probe.allow")),
            ("example.net", "mx.example.net", "127.0.0.1", Err("not a public address")),
            ("example.net", "mx.example.net", "10.0.0.1", Err("not a public address")),
            ("example.net", "mx.example.net", "169.254.169.254", Err("not a public address")),
            ("example.net", "mx.example.net", "100.64.0.1", Err("not a public address")),
            ("example.net", "mx.example.net", "::1", Err("not a public address")),
            ("example.net", "mx.example.net", "fd00::1", Err("not a public address")),
            ("example.net", "mx.example.net", "64:ff9b::7f00:1", Err("not a public address")),
            ("example.net", "mx.example.net", "2002:7f00:1::1", Err("not a public address")),
            ("example.net", "mx.example.net", "::7f00:1", Err("not a public address")),
            ("example.net", "mx.example.net", "::ffff:127.0.0.1", Err("not a public address")),
            ("any", "mx.example.net", "10.0.0.1", Ok(())),
            ("any", "mx.example.net:9999", "192.0.2.1", Err("not a mail port")),
            ("any", "mx.example.net:1025", "192.0.2.1", Ok(())),
            ("any", "domain:example.net", "192.0.2.1", Ok(())),
            ("any", "domain:example.net", "127.0.0.1", Err("not a public address")),
            ("any", "domain:example.net", "169.254.169.254", Err("not a public address")),
            ("127.0.0.0/8", "domain:example.net", "127.0.0.1", Ok(())),
            ("any", "mx.example.net", "0.0.0.0", Err("not the address of one host")),
            ("any", "mx.example.net", "ff02::1", Err("not the address of one host")),
            ("0.0.0.0/0", "mx.example.net", "255.255.255.255", Err("not the address of one host")),
            ("192.0.2.0/24", "192.0.2.1:22", "192.0.2.1", Err("not a mail port")),
            ("192.0.2.0/24", "mx.example.net:22", "192.0.2.1", Err("not a mail port")),
            ("192.0.2.0/24", "192.0.2.1:587", "192.0.2.1", Ok(())),
            ("192.0.2.0/24", "192.0.2.1:1025", "192.0.2.1", Ok(())),
        ] {
            let got = ask(policy(&[allow]), module(), place, address);
            match (expected, &got) {
                (Ok(()), Ok(())) => {}
                (Err(part), Err(text)) if text.contains(part) => {}
                _ => panic!("{allow} {place} {address}: {got:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn networks_of_ours_and_of_the_list_open_private_addresses_to_domains() {
        let own = Own { networks: vec!["10.0.0.0/8".parse().unwrap()], domains: Vec::new() };
        let ours = Policy { own, ..policy(&["example.net"]) };
        assert_eq!(ask(ours.clone(), module(), "mx.example.net", "10.0.0.1"), Ok(()));
        assert!(ask(ours, module(), "mx.example.net", "127.0.0.1").is_err());
        let both = policy(&["example.net", "10.0.0.0/8"]);
        assert_eq!(ask(both, module(), "mx.example.net", "10.0.0.1"), Ok(()));
    }

    #[test]
    fn credentials_and_recipients_stay_at_home() {
        let secret = Secret::Password("x".to_owned().into());
        let auth = Some(Auth { username: "probe".into(), secret, allow_plaintext: false });
        let login = Module { auth, ..module() };
        let refused = ask(policy(&["any"]), login, "mx.example.net", "192.0.2.1");
        assert!(refused.unwrap_err().contains("configured targets only"));
        let mail = Some(Envelope { from: String::new(), to: "nobody@example.org".into() });
        let dry_run = Module { mail, ..module() };
        let refused = ask(policy(&["any"]), dry_run.clone(), "mx.example.net", "192.0.2.1");
        assert!(refused.unwrap_err().contains("names a recipient"));
        assert_eq!(ask(policy(&["any"]), dry_run, "mx.example.net", "10.0.0.1"), Ok(()));
    }
}
