//! Real servers, provoked into each kind of refusal: the cause in `/metrics` is the one that was
//! provoked, by a rule that knows the server's words.
//!
//! One server has many faces: each case is an address of its own with its own settings, so that a
//! budget, a pause or a limit of one case is not met by another.

mod delivery;
mod exim;
mod opensmtpd;
mod postfix;
mod sendmail;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

use crate::support::{Bed, Exporter, MAIL_NAME, Scrape, address, binary, head, keep};

/// Where probes come from: an address that is no server's, so that nobody trusts it as its own.
const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 61, 1);
/// [`SOURCE`] as block lists are asked about it.
const SOURCE_LISTED: &str = "1.61.0.127.bl.bed.test";

/// A refusal.
struct Case {
    /// The target's name.
    name: &'static str,
    /// What makes the server refuse, in words that its test puts into the configuration.
    by: &'static str,
    /// One of [`modules`].
    module: &'static str,
    /// Phase, code, cause, blame.
    told: [&'static str; 4],
    /// Beginnings of the ids of rules that may say so.
    rules: &'static [&'static str],
}

const fn case(
    name: &'static str,
    by: &'static str,
    module: &'static str,
    told: [&'static str; 4],
    rules: &'static [&'static str],
) -> Case {
    Case { name, by, module, told, rules }
}

/// A case at the address where the test has put it.
struct Placed {
    case: Case,
    address: Ipv4Addr,
}

/// Gives each case an address.
fn place(cases: Vec<Case>) -> Vec<Placed> {
    cases.into_iter().map(|case| Placed { case, address: address() }).collect()
}

/// Another server's case.
fn placed(address: Ipv4Addr, case: Case) -> Placed {
    Placed { case, address }
}

fn address_of(cases: &[Placed], name: &str) -> Ipv4Addr {
    cases.iter().find(|placed| placed.case.name == name).unwrap().address
}

/// What the cases probe with. The password is wrong.
fn modules() -> String {
    let mail = |to| format!("mail: {{from: probe@example.net, to: {to}}}");
    let tls = format!("tls: required, tls_server_name: {MAIL_NAME}");
    format!(
        "modules:
  plain: {{port: 25, tls: none}}
  starttls: {{port: 25, {tls}}}
  login: {{port: 25, {tls}, auth: {{username: alice, password: wrong}}}}
  known: {{port: 25, tls: none, {}}}
  unknown: {{port: 25, tls: none, {}}}
  relay: {{port: 25, tls: none, {}}}
",
        mail("alice@bed.test"),
        mail("nosuch@bed.test"),
        mail("nobody@example.org")
    )
}

/// One exporter with a target for each case, named after it.
fn exporter(test: &str, cases: &[Placed]) -> Exporter {
    let mut config = head(&format!("  source_addresses: [{SOURCE}]\n")) + &modules() + "targets:\n";
    for Placed { case, address } in cases {
        let Case { name, module, .. } = case;
        writeln!(config, "  - {{name: {name}, host: {address}, module: {module}, interval: 3s}}")
            .unwrap();
    }
    Exporter::start_with(&format!("causes-{test}"), &config)
}

/// Waits until each case's target is down, and looks at what is said about it.
fn assert_told(test: &str, exporter: &Exporter, cases: &[Placed]) {
    let refused = |scrape: &Scrape| {
        let down = |name| !scrape.all("smtp_target_failure", &[("target", name)]).is_empty();
        cases.iter().all(|placed| down(placed.case.name))
    };
    // Whatever was not refused by then is told below, with the rest.
    let end = Instant::now() + Duration::from_secs(25);
    let mut scrape = exporter.scrape();
    while !refused(&scrape) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
        scrape = exporter.scrape();
    }
    let page: serde_json::Value = serde_json::from_str(&exporter.page("/api/v1/targets")).unwrap();
    let rows = page["data"]["targets"].as_array().unwrap();
    let mut faults = Vec::new();
    let mut report = String::new();
    for Placed { case, .. } in cases {
        let [phase, code, cause, blame] = case.told;
        let target = ("target", case.name);
        let why = [target, ("phase", phase), ("cause", cause), ("blame", blame)];
        let mut holds = true;
        for name in ["smtp_target_failure", "smtp_probe_failure"] {
            holds &= scrape.value(name, &why) == Some(1.0);
            holds &= scrape.all(name, &[target]).len() == 1;
        }
        holds &= scrape.value("smtp_probe_failures_total", &why) >= Some(1.0);
        holds &= scrape.value("smtp_target_up", &[target]) == Some(0.0);
        if !code.is_empty() {
            let reply = [target, ("phase", phase), ("code", code), ("cause", cause)];
            holds &= scrape.value("smtp_replies_total", &reply) >= Some(1.0);
        }
        let row = rows.iter().find(|row| row["target"] == case.name).unwrap();
        let rule = row["failure"]["rule"].as_str().unwrap_or_default();
        holds &= case.rules.iter().any(|family| rule.starts_with(family));
        let detail = row["failure"]["detail"].as_str().unwrap_or("not refused");
        writeln!(report, "{}\t{phase}\t{cause}\t{blame}\t{rule}\t{detail}", case.name).unwrap();
        if !holds {
            let about = scrape.about(case.name);
            let telling = |line: &&str| line.contains("failure") || line.contains("smtp_replies");
            let lines: Vec<&str> = about.lines().filter(telling).collect();
            faults.push(format!("{}: {rule}: {detail}\n{}\n", case.name, lines.join("\n")));
        }
    }
    keep(&format!("causes-{test}.tsv"), &report);
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// What `explain` says is the cause of each line, in order.
fn explained(lines: &[String]) -> Vec<String> {
    let mut child = Command::new(binary())
        .args(["explain", "--format", "tsv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let rows = String::from_utf8(output.stdout).unwrap();
    let causes: Vec<String> =
        rows.lines().map(|row| row.split('\t').next().unwrap().to_owned()).collect();
    assert_eq!(causes.len(), lines.len(), "{rows}");
    causes
}

/// Every line in which a server tells its own log of a refusal has a cause that was provoked.
fn assert_explained(test: &str, lines: &[String], cases: &[Placed]) {
    let provoked: Vec<&str> = cases.iter().map(|placed| placed.case.told[2]).collect();
    let causes = explained(lines);
    let wrong: Vec<_> = std::iter::zip(&causes, lines)
        .filter(|(cause, _)| !provoked.contains(&cause.as_str()))
        .collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), lines.len());
    let named: BTreeSet<&String> = causes.iter().collect();
    assert!(named.len() >= 5, "{test}: only {named:?}");
}

/// Keeps a session open from where the probes come from, until it is dropped.
fn occupy(address: Ipv4Addr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((SOURCE, 0)).into()).unwrap();
    socket.connect(&SocketAddr::from((address, 25)).into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let mut start = [0; 4];
    std::io::Read::read_exact(&mut &stream, &mut start).unwrap();
    assert_eq!(&start, b"220 ");
    stream
}

/// A resolver that knows a block list with [`SOURCE`] on it, and no name of any client.
fn resolver(test: &str) -> Bed {
    Bed::of("dnsmasq")
        .line(format!("address=/{SOURCE_LISTED}/127.0.0.2"))
        .line(format!("txt-record={SOURCE_LISTED},Seen sending to traps"))
        .line("local=/in-addr.arpa/")
        .line("local=/example.net/")
        .start(&format!("causes-{test}"), &[53])
}
