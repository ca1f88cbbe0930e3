//! What a domain's records prove: signed zones served by BIND, asked directly and through Unbound; and
//! whether Postfix's certificate is what TLSA records say.

mod dane;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use smtp_exporter::net::records::{Records, Session};
use smtp_exporter::posture::{Answer, Data, Kind, Outcome, Proof, Question, Trouble};

use crate::support::{Bed, Plan, wait_for};

/// The zones of the laboratory.
fn zones() -> Plan {
    Bed::of("signed")
        .line("@ lab.test nsec")
        .line("@ MX 10 mx")
        .line("mx A 192.0.2.1")
        .line("alias CNAME mx")
        .line("out CNAME mx.plain.lab.test.")
        .line("*.wild A 192.0.2.2")
        .line("_25._tcp.mx TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000")
        .line("@ deep.lab.test nsec3")
        .line("mx A 192.0.2.3")
        .line("*.wild A 192.0.2.4")
        .line("@ plain.lab.test unsigned")
        .line("@ MX 10 mx")
        .line("mx A 192.0.2.5")
        .line("@ forged.lab.test forged")
        .line("mx A 192.0.2.66")
        .line("good A 192.0.2.67")
        .line("@ old.lab.test expired")
        .line("mx A 192.0.2.7")
        .line("@ bare.lab.test stripped")
        .line("mx A 192.0.2.8")
}

/// What each question must come to.
const EXPECTED: &[(&str, Kind, Option<&str>, Proof)] = &[
    ("lab.test", Kind::Mx, Some("found"), Proof::Secure),
    ("mx.lab.test", Kind::A, Some("192.0.2.1"), Proof::Secure),
    ("MX.lab.test", Kind::A, Some("192.0.2.1"), Proof::Secure),
    ("mx.lab.test", Kind::Aaaa, None, Proof::Secure),
    ("nobody.lab.test", Kind::A, None, Proof::Secure),
    ("_25._tcp.mx.lab.test", Kind::Tlsa, Some("found"), Proof::Secure),
    ("_25._tcp.nobody.lab.test", Kind::Tlsa, None, Proof::Secure),
    ("alias.lab.test", Kind::A, Some("192.0.2.1"), Proof::Secure),
    ("alias.lab.test", Kind::Aaaa, None, Proof::Secure),
    ("out.lab.test", Kind::A, Some("192.0.2.5"), Proof::Insecure),
    ("any.wild.lab.test", Kind::A, Some("192.0.2.2"), Proof::Secure),
    ("any.wild.lab.test", Kind::Aaaa, None, Proof::Secure),
    ("any.wild.deep.lab.test", Kind::Aaaa, None, Proof::Secure),
    ("mx.deep.lab.test", Kind::A, Some("192.0.2.3"), Proof::Secure),
    ("mx.deep.lab.test", Kind::Tlsa, None, Proof::Secure),
    ("nobody.deep.lab.test", Kind::A, None, Proof::Secure),
    ("any.wild.deep.lab.test", Kind::A, Some("192.0.2.4"), Proof::Secure),
    ("plain.lab.test", Kind::Mx, Some("found"), Proof::Insecure),
    ("mx.plain.lab.test", Kind::A, Some("192.0.2.5"), Proof::Insecure),
    ("mx.plain.lab.test", Kind::Aaaa, None, Proof::Insecure),
    ("nobody.plain.lab.test", Kind::A, None, Proof::Insecure),
    ("mx.forged.lab.test", Kind::A, None, Proof::Bogus),
    ("good.forged.lab.test", Kind::A, Some("192.0.2.67"), Proof::Secure),
    ("mx.old.lab.test", Kind::A, None, Proof::Bogus),
    ("mx.old.lab.test", Kind::Aaaa, None, Proof::Bogus),
    ("nobody.old.lab.test", Kind::A, None, Proof::Bogus),
    ("mx.bare.lab.test", Kind::A, None, Proof::Bogus),
    ("mx.bare.lab.test", Kind::Aaaa, None, Proof::Bogus),
];

#[test]
fn proofs_hold_with_an_authority() {
    let bind = zones().start("proofs", &[53]);
    holds(&session(&bind, (bind.address, 53).into()), "BIND");
}

#[test]
fn proofs_hold_with_a_resolver_that_does_not_validate() {
    let bind = zones().start("proofs-plain", &[53]);
    let unbound =
        Bed::of("unbound").line(format!("lab.test {}", bind.address)).start("proofs-plain", &[53]);
    holds(&session(&bind, (unbound.address, 53).into()), "Unbound");
}

#[test]
fn proofs_hold_with_a_resolver_that_validates() {
    let bind = zones().start("proofs-valid", &[53]);
    let key = std::fs::read_to_string(anchor(&bind)).unwrap();
    let unbound = Bed::of("unbound")
        .line("module-config: \"validator iterator\"")
        .line(format!("trust-anchor: \"{}\"", key.trim()))
        .line(format!("lab.test {}", bind.address))
        .start("proofs-valid", &[53]);
    let session = session(&bind, (unbound.address, 53).into());
    holds(&session, "Unbound with validation");
    // Without the proof asked for, the resolver keeps the forged answer from us.
    let answer = run(session.ask(&Question::new("mx.forged.lab.test", Kind::A)));
    assert_eq!(answer.outcome, Outcome::Failed(Trouble::Servfail));
    assert_eq!(answer.proof, Proof::Indeterminate);
}

/// Where the key is, once BIND has its zones: it listens before, and then answers SERVFAIL.
fn anchor(bind: &Bed) -> PathBuf {
    let log = bind.file("log");
    wait_for(
        Duration::from_secs(20),
        || std::fs::read_to_string(&log).ok()?.contains("all zones loaded").then_some(()),
        || "BIND with its zones".to_owned(),
    );
    bind.file("anchor.key")
}

fn session(bind: &Bed, server: SocketAddr) -> Session {
    let anchor = anchor(bind);
    Records::new(&[server], Duration::from_secs(5), Some(&anchor)).unwrap().session()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn holds(session: &Session, server: &str) {
    let mut wrong = Vec::new();
    run(async {
        for (name, kind, found, proof) in EXPECTED {
            let answer = session.ask_secure(&Question::new(*name, *kind)).await;
            if !agrees(&answer, *found, *proof) {
                wrong.push(format!("{kind} {name}: {answer:?}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{server}:\n{}", wrong.join("\n"));
}

fn agrees(answer: &Answer, found: Option<&str>, proof: Proof) -> bool {
    let outcome = match (&answer.outcome, found) {
        (Outcome::Found(_), Some("found")) => true,
        (Outcome::Found(records), Some(address)) => {
            let address: IpAddr = address.parse().unwrap();
            *records == [Data::Address(address)]
        }
        (Outcome::NoName | Outcome::NoData, None) => proof != Proof::Bogus,
        (Outcome::Failed(Trouble::Bogus), None) => proof == Proof::Bogus,
        _ => false,
    };
    outcome && answer.proof == proof
}
