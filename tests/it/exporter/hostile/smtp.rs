//! What hostile mail servers do, each with where the probe of it ends.

use std::time::Duration;

use smtp_exporter::demo::{Behaviour, Point, Step};

use super::peer::Act;
use super::records::{Forgery, Version, record, up_to_the_chain};

/// A hostile server.
pub(super) struct Case {
    pub(super) name: String,
    /// The module of the configuration that meets it.
    pub(super) module: &'static str,
    pub(super) peer: Peer,
    /// `phase cause` of the failure, either of them; a phase alone takes any cause. Empty: it takes
    /// the mail, and nothing is wrong with that.
    pub(super) ends: &'static [&'static str],
}

pub(super) enum Peer {
    /// A server of the demo that goes wrong at one point.
    Demo(Box<Behaviour>),
    Script(Vec<Act>),
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |name: &str, module, script, ends| {
        all.push(Case { name: name.to_owned(), module, peer: Peer::Script(script), ends });
    };
    greetings(&mut add);
    replies(&mut add);
    before_tls(&mut add);
    inside_tls(&mut add);
    all.extend(challenges());
    all.extend(at_every_phase());
    all
}

type Add<'a> = dyn FnMut(&str, &'static str, Vec<Act>, &'static [&'static str]) + 'a;

fn greetings(add: &mut Add<'_>) {
    let not_smtp: &[&str] = &["greeting not_smtp"];
    let slow: &[&str] = &["greeting reply_timeout"];
    let x = vec![b'x'; 64 * 1024];
    add("endless-line", "clear", vec![say("220 "), Act::Repeat(x.clone(), EVER)], not_smtp);
    add("endless-banner", "clear", vec![flood("220-wait\r\n")], not_smtp);
    add(
        "gigabyte-line",
        "clear",
        vec![say("220 "), Act::Repeat(x, 1 << 14), say("\r\n")],
        not_smtp,
    );
    add(
        "million-lines",
        "clear",
        vec![Act::Repeat(b"220-x\r\n".repeat(1000), 1000), say("220 x\r\n")],
        not_smtp,
    );
    add("nuls", "clear", vec![Act::Repeat(vec![0; 4096], EVER)], not_smtp);
    add("nuls-inside", "clear", vec![say("220-\0\0\r\n220 \0\r\n"), Act::Silence], &[EHLO_SILENT]);
    let minute = Act::Wait(Duration::from_secs(60));
    let drip = b"220 x\r\n".iter().flat_map(|byte| [Act::Say(vec![*byte]), minute.clone()]);
    add("byte-a-minute", "clear", drip.collect(), slow);
    let quick = Act::Wait(Duration::from_millis(100));
    let drip = b"220-".repeat(4096);
    let drip = drip.iter().flat_map(|byte| [Act::Say(vec![*byte]), quick.clone()]);
    add("drip", "clear", drip.collect(), slow);
    add("silence", "clear", vec![Act::Silence], slow);
    add("deaf", "clear", vec![say("220 x\r\n"), Act::Deaf], &[EHLO_SILENT]);
    add("changed-code", "clear", vec![say("220-a\r\n250 b\r\n"), Act::Silence], not_smtp);
}

fn replies(add: &mut Add<'_>) {
    let not_smtp: &[&str] = &["ehlo not_smtp"];
    let after_ehlo = |rest: Act| vec![say("220 x\r\n"), Act::Hear, rest, Act::Silence];
    add("endless-ehlo", "clear", after_ehlo(flood("250-X\r\n")), not_smtp);
    let many: String = (0..10_000).map(|n| format!("250-K{n}\r\n")).collect();
    add("ten-thousand-keywords", "clear", after_ehlo(say(&format!("{many}250 END\r\n"))), not_smtp);
    add("changed-code-ehlo", "clear", after_ehlo(say("250-a\r\n550 b\r\n")), not_smtp);
    // What is no number says nothing of a size; the server is well otherwise.
    for (name, size) in [("size-over", &*format!("1{}", "0".repeat(30))), ("size-under", "-1")] {
        let ehlo = say(&format!("250-x\r\n250 SIZE {size}\r\n"));
        let script = vec![say("220 x\r\n"), Act::Hear, ehlo, Act::Hear, say("221 bye\r\n")];
        add(name, "clear", script, &[]);
    }
    // Answers that nobody asked for yet are not taken for answers.
    let early = vec![say("220 a\r\n250 b\r\n250 c\r\n221 d\r\n"), Act::Silence];
    add("answers-early", "clear", early, &["greeting", "ehlo"]);
    add("greetings-for-ever", "clear", vec![flood("220 x\r\n")], &["greeting", "ehlo"]);
}

fn before_tls(add: &mut Add<'_>) {
    let injected: &[&str] = &["starttls unexpected_reply"];
    add("plaintext-same-packet", "starttls", starttls("220 go\r\n250 in\r\n", []), injected);
    let later = [Act::Wait(Duration::from_millis(100)), say("250 in\r\n"), Act::Silence];
    // In front of our ClientHello or behind it.
    let either = &["starttls unexpected_reply", "tls tls_failed"];
    add("plaintext-next-packet", "starttls", starttls("220 go\r\n", later), either);
    let silent = starttls("220 go\r\n", [Act::Silence]);
    add("handshake-never", "starttls", silent, &["tls reply_timeout", "tls tls_failed"]);
    let flooded = starttls("220 go\r\n", [flood("220 go\r\n")]);
    add("smtp-for-tls", "starttls", flooded, either);
    let implicit: &[&str] = &["tls_implicit"];
    for (name, kind, payload) in [
        ("empty-handshake-records", 22, &[][..]),
        ("warnings-before", 21, &[1, 90]),
        ("cipher-changes", 20, &[1]),
        ("data-before", 23, &[0; 64]),
        ("heartbeats", 24, &[1, 0, 0]),
    ] {
        add(name, "implicit", vec![Act::Repeat(record(kind, payload).repeat(500), EVER)], implicit);
    }
    let chain = up_to_the_chain();
    let body = Act::Repeat(record(22, &[0x30; 16_000]), 100 * 1024 * 1024 / 16_000);
    add("chain-of-100-mb", "implicit", vec![Act::Say(chain.clone()), body], implicit);
    add("handshake-stops", "implicit", vec![Act::Say(chain.clone()), Act::Silence], implicit);
    add("handshake-ends", "implicit", vec![Act::Say(chain)], implicit);
}

fn inside_tls(add: &mut Add<'_>) {
    use Version::{Tls12, Tls13};
    // STARTTLS is offered again inside, and no second handshake comes of it.
    let again = "250-x\r\n250 STARTTLS\r\n";
    for (name, version) in [("starttls-again", Tls13), ("starttls-again-1.2", Tls12)] {
        let inner = vec![Act::Hear, say(again), Act::Hear, say("221 bye\r\n")];
        add(name, "starttls", starttls("220 go\r\n", [Act::Inside(version, inner)]), &[]);
    }
    let inner = vec![Act::Hear, say("220 go again\r\n"), Act::Silence];
    let script = starttls("220 go\r\n", [Act::Inside(Tls13, inner)]);
    add("greeting-inside", "starttls", script, &["ehlo_tls unexpected_reply"]);
    let inner = vec![Act::Hear, flood("250-X\r\n")];
    let script = starttls("220 go\r\n", [Act::Inside(Tls13, inner)]);
    add("endless-ehlo-inside", "starttls", script, &["ehlo_tls not_smtp"]);
    for (name, forgery) in [
        ("tickets", Forgery::Tickets),
        ("empty-records", Forgery::Empty(Tls13)),
        ("empty-records-1.2", Forgery::Empty(Tls12)),
        ("warnings", Forgery::Warnings(Tls13)),
        ("warnings-1.2", Forgery::Warnings(Tls12)),
        ("hello-requests", Forgery::HelloRequests),
        ("key-updates", Forgery::KeyUpdates),
        ("key-updates-apart", Forgery::KeyUpdatesApart),
        ("crumbs", Forgery::Crumbs),
    ] {
        let script = starttls("220 go\r\n", [Act::Forge(forgery)]);
        // Which of the bounds is met first depends on the speed of both.
        let ends: &[&str] = &[
            "tls tls_failed",
            "ehlo_tls tls_failed",
            "ehlo_tls not_smtp",
            "ehlo_tls reply_timeout",
        ];
        add(name, "starttls", script, ends);
    }
}

/// AUTH challenges that are none.
fn challenges() -> Vec<Case> {
    let huge = format!("334 {}", "QUFB".repeat(2000));
    [
        ("challenge-no-base64", Step::Text("334 *** ~~~ \u{202e}".to_owned())),
        ("challenge-huge", Step::Text(huge)),
        ("challenge-over", Step::Text(format!("334 {}", "QUFB".repeat(4000)))),
        ("challenge-endless", Step::Flood(b"334 QUFB\r\n".to_vec())),
    ]
    .map(|(name, step)| Case {
        name: name.to_owned(),
        module: "whole",
        peer: Peer::Demo(Box::new(Behaviour::healthy().on(Point::Auth, [step, Step::Silence]))),
        ends: &["auth"],
    })
    .into()
}

/// The end of the connection at every phase, in each of three ways.
fn at_every_phase() -> Vec<Case> {
    let phases: [(Point, &'static [&'static str]); 10] = [
        // A reset may come before we know that we are connected.
        (Point::Connect, &["connect connection_dropped", "greeting"]),
        (Point::Greeting, &["connect connection_dropped", "greeting"]),
        (Point::Ehlo, &["ehlo"]),
        (Point::Starttls, &["starttls"]),
        (Point::EhloTls, &["ehlo_tls"]),
        (Point::Auth, &["auth"]),
        (Point::Mail, &["mail"]),
        (Point::Rcpt, &["rcpt"]),
        // What comes behind the answer that counts changes no verdict.
        (Point::Rset, &[]),
        (Point::Quit, &[]),
    ];
    let mut all = Vec::new();
    for (point, ends) in phases {
        for (how, steps) in [
            ("rst", vec![Step::Reset]),
            ("fin", vec![Step::Close]),
            ("421", vec![Step::Text("421 4.3.0 go away".to_owned()), Step::Close]),
        ] {
            all.push(Case {
                name: format!("{how}-at-{}", point.as_str().replace('_', "-")),
                module: "whole",
                peer: Peer::Demo(Box::new(Behaviour::healthy().on(point, steps))),
                ends,
            });
        }
    }
    all
}

/// A dialogue up to the answer to STARTTLS, and what comes then.
fn starttls(answer: &str, then: impl IntoIterator<Item = Act>) -> Vec<Act> {
    let mut script =
        vec![say("220 x\r\n"), Act::Hear, say("250-x\r\n250 STARTTLS\r\n"), Act::Hear, say(answer)];
    script.extend(then);
    script
}

fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

/// The text in pieces of some kilobytes, for ever.
fn flood(text: &str) -> Act {
    Act::Repeat(text.as_bytes().repeat(4096 / text.len()), EVER)
}

const EVER: u64 = u64::MAX;
const EHLO_SILENT: &str = "ehlo reply_timeout";
