//! The demo's configuration, written as a person would: it is meant to be read.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::auth::Auth;
use super::exhibit::{EXHIBITS, LIMITED};
use super::lists;
use super::tls::DOMAIN;

/// The whole file.
pub(super) fn yaml(port: u16, ipv6: bool, dns: SocketAddr, ca_file: &Path) -> String {
    let families = if ipv6 { "both" } else { "ipv4" };
    let ca_file = quoted(&ca_file.to_string_lossy());
    let Auth { username, password, .. } = Auth::default();
    let mut text = format!(
        "\
# The demo: every server is a loopback address of this process, on port {port}.
exporter:
  helo: probe.{DOMAIN}
  own: [{DOMAIN}]                 # ours, so a short interval is allowed
  families: {families}
  host_budget: {{max_concurrent: 1, min_gap: 100ms}}
  backoff: {{initial: 20s, factor: 2, max: 60s}}   # short, so that a pause can be watched
dns:
  servers: [\"{dns}\"]
  timeout: 2s
tls:
  ca_file: {ca_file}
modules:
  smtp: {{port: {port}, tls: opportunistic, timeouts: {TIMEOUTS}}}
  starttls: {{port: {port}, tls: required, timeouts: {TIMEOUTS}}}
  smtps: {{port: {port}, tls: implicit, timeouts: {TIMEOUTS}}}
  submission:
    port: {port}
    tls: required
    timeouts: {TIMEOUTS}
    auth: {{username: {username}, password: {password}}}
  # MAIL, RCPT and RSET: sees what servers keep for the recipient.
  dry_run:
    port: {port}
    tls: opportunistic
    timeouts: {TIMEOUTS}
    mail: {{from: probe@{DOMAIN}, to: postmaster@{DOMAIN}}}
  # A negative test: good when it is refused.
  relay_check:
    port: {port}
    tls: none
    timeouts: {TIMEOUTS}
    mail: {{from: probe@{DOMAIN}, to: nobody@example.org}}
    expect: {{phase: rcpt, codes: [550, 551, 553, 554]}}
probe: {{allow: [configured], min_interval: 1s}}
{dnsbl}targets:
",
        dnsbl = lists::yaml(dns)
    );
    for exhibit in EXHIBITS {
        let (name, topic, shows) = (exhibit.name, exhibit.topic, exhibit.shows);
        let place = if exhibit.is_domain() {
            format!("domain: {}", exhibit.domain())
        } else {
            format!("host: {}", exhibit.host())
        };
        let modules = exhibit.modules.join(", ");
        // Writing into a String does not fail.
        let _ = write!(
            text,
            "  # {shows}\n  - {{name: {name}, {place}, modules: [{modules}], interval: 5s, \
             labels: {{topic: {topic}}}}}\n"
        );
    }
    // Writing into a String does not fail.
    let _ = write!(
        text,
        "# How many sessions one of them takes at once. It is measured soon after the start.\n\
         connection_limits:\n  - {{target: {LIMITED}, module: smtp, max_connections: 20, \
         interval: 10m}}\n"
    );
    text
}

/// A text as a YAML scalar in double quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

const TIMEOUTS: &str = "{connect: 2s, greeting: 10s, reply: 5s, total: 20s}";
