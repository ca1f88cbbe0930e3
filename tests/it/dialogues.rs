//! Every transcript under `tests/dialogues` is run through the session as a value, and again
//! through the driver over a stream: in whole segments, and byte by byte.
//!
//! # The format
//!
//! `# title`, then `plan:` with any of `tls=MODE`, `auth=USER:PASSWORD`, `token=USER:TOKEN`,
//! `clear-auth` (the plan allows AUTH on any channel), `mail=FROM,TO` and `no-verify`; then what
//! happens, in order:
//!
//! - `S: text` a line from the server, ended by CRLF; `S| bytes` the bytes themselves, with `\r`,
//!   `\n`, `\xNN`. Lines that follow each other are one segment; `...` ends it.
//! - `C: text` the line that we must say then.
//! - `TLS ok`, `TLS ok unverified`, `TLS fail` how the handshake that we must ask for ends.
//! - `EOF`, `RST`, `SILENCE` (nothing more comes), `STOP` (the exporter is told to end).
//!
//! Last, what must have been seen, each line optional but `fault`, `ready` and `codes`:
//! `=> fault:`, `=> ready: yes|no`, `=> codes: phase code, ...`, `=> cause: cause blame`, `=> rule:`
//! and `=> lasts:` of the failure, `=> refusals: phase code cause, ...` of every refusal,
//! `=> starttls: offered|not offered|unseen`, `=> plain:` and `=> tls:` keywords,
//! `=> mechanisms:`, `=> size:`, `=> shows:` and `=> hides:` (a part of the driver's transcript).
//! `only whole segments` skips the run byte by byte: there what stands behind a reply is not yet
//! there when the reply is.

mod peer;
mod told;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use smtp_exporter::cause::{Cause, Rules};
use smtp_exporter::observation::{Failure, TlsFacts, Transcript, VerifyFailure};
use smtp_exporter::probe::blame::{self, Clock, Terms};
use smtp_exporter::probe::dialog::{self, BoxedIo, Outcome, Stop, Waits};
use smtp_exporter::smtp::{
    Action, Credentials, End, Envelope, Fault, Phase, Plan, ReplyReader, Session, TlsMode,
};
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use peer::{CLIENT_HELLO, Resettable, serve, server_bytes};
use told::{codes, fault_text, join, keywords, refusals};

#[test]
fn the_session_ends_each_transcript_as_it_says() {
    for script in scripts() {
        script.check(&script.run_session(), "as a value");
    }
}

#[tokio::test(start_paused = true)]
async fn the_driver_ends_each_transcript_as_it_says_in_whole_segments() {
    for script in scripts() {
        script.check(&script.run_driver(false).await, "in whole segments");
    }
}

#[tokio::test(start_paused = true)]
async fn the_driver_ends_each_transcript_as_it_says_byte_by_byte() {
    for script in scripts().iter().filter(|script| !script.whole) {
        script.check(&script.run_driver(true).await, "byte by byte");
    }
}

#[test]
fn there_are_enough_transcripts() {
    assert!(scripts().len() >= 60, "{}", scripts().len());
}

/// So that every refusal that servers gave has the cause that is documented for it.
#[test]
fn every_refusal_states_its_cause_and_the_failing_one_its_rule() {
    let mut refusals = 0;
    for script in scripts() {
        let outcome = script.run_session();
        let stated = |key: &str| script.expected.iter().any(|(stated, _)| stated == key);
        if outcome.dialogue.replies.iter().any(|(_, reply)| reply.is_refusal()) {
            refusals += 1;
            assert!(stated("refusals"), "{}: no refusals", script.name);
        }
        if matches!(outcome.dialogue.fault, Some(Fault::Refused(_))) {
            for key in ["cause", "rule", "lasts"] {
                assert!(stated(key), "{}: no {key}", script.name);
            }
        }
    }
    assert!(refusals > 40, "{refusals}");
}

#[derive(Debug, Clone, PartialEq)]
enum Event {
    Segment(Vec<u8>),
    Say(String),
    Tls(Handshake),
    Eof,
    Rst,
    Silence,
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Handshake {
    Verified,
    Unverified,
    Fails,
}

struct Script {
    name: String,
    plan: Plan,
    verify: bool,
    whole: bool,
    events: Vec<Event>,
    expected: Vec<(String, String)>,
}

fn scripts() -> Vec<Script> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "smtp"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            Script::parse(name, &std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

impl Script {
    fn parse(name: &str, text: &str) -> Self {
        let plan = Plan {
            helo: "probe.example.test".to_owned(),
            tls: TlsMode::Opportunistic,
            auth: None,
            auth_unverified: false,
            mail: None,
        };
        let mut script = Self {
            name: name.to_owned(),
            plan,
            verify: true,
            whole: false,
            events: Vec::new(),
            expected: Vec::new(),
        };
        let mut open = false;
        let mut titled = false;
        for line in text.lines() {
            let was_open = std::mem::take(&mut open);
            if let Some(title) = line.strip_prefix("# ") {
                titled = !title.is_empty();
            } else if let Some(words) = line.strip_prefix("plan:") {
                words.split_whitespace().for_each(|word| script.plan_word(word));
            } else if let Some(bytes) = server_bytes(line) {
                match script.events.last_mut() {
                    Some(Event::Segment(segment)) if was_open => segment.extend(bytes),
                    _ => script.events.push(Event::Segment(bytes)),
                }
                open = true;
            } else if let Some(said) = line.strip_prefix("C:") {
                script.events.push(Event::Say(said.trim_start().to_owned()));
            } else if let Some(fact) = line.strip_prefix("=> ") {
                let (key, value) = fact.split_once(':').unwrap_or_else(|| panic!("{name}: {line}"));
                script.expected.push((key.to_owned(), value.trim().to_owned()));
            } else {
                match line {
                    "" | "..." => {}
                    "only whole segments" => script.whole = true,
                    "TLS ok" => script.events.push(Event::Tls(Handshake::Verified)),
                    "TLS ok unverified" => script.events.push(Event::Tls(Handshake::Unverified)),
                    "TLS fail" => script.events.push(Event::Tls(Handshake::Fails)),
                    "EOF" => script.events.push(Event::Eof),
                    "RST" => script.events.push(Event::Rst),
                    "SILENCE" => script.events.push(Event::Silence),
                    "STOP" => script.events.push(Event::Stop),
                    _ => panic!("{name}: cannot read {line:?}"),
                }
            }
        }
        assert!(titled, "{name}: no title");
        for needed in ["fault", "ready", "codes"] {
            assert!(script.expected.iter().any(|(key, _)| key == needed), "{name}: no {needed}");
        }
        script
    }

    fn plan_word(&mut self, word: &str) {
        let credentials = |pair: &str, token| {
            let (username, secret) = pair.split_once(':').unwrap();
            Some(Credentials { username: username.to_owned(), secret: secret.into(), token })
        };
        match word.split_once('=') {
            Some(("tls", mode)) => self.plan.tls = TlsMode::from_name(mode).unwrap(),
            Some(("helo", name)) => self.plan.helo = name.replace("\\r\\n", "\r\n"),
            Some(("auth", pair)) => self.plan.auth = credentials(pair, false),
            Some(("token", pair)) => self.plan.auth = credentials(pair, true),
            Some(("mail", paths)) => {
                let (from, to) = paths.split_once(',').unwrap();
                self.plan.mail = Some(Envelope { from: from.to_owned(), to: to.to_owned() });
            }
            None if word == "clear-auth" => self.plan.auth_unverified = true,
            None if word == "no-verify" => self.verify = false,
            _ => panic!("{}: cannot read {word:?}", self.name),
        }
    }

    /// The session as a value: no stream, no clock.
    fn run_session(&self) -> Outcome {
        let mut session = Session::new(self.plan.clone());
        let mut reader = ReplyReader::default();
        let mut events = self.events.iter();
        let mut tls = None;
        let mut tls_failure = None;
        let mut stopped = None;
        let mut now = Duration::ZERO;
        let mut action = session.start();
        loop {
            now += Duration::from_millis(1);
            action = match action {
                Action::Close => break,
                Action::Handshake => match events.next() {
                    Some(Event::Tls(handshake)) => {
                        tls = Some(handshake.facts());
                        match handshake {
                            Handshake::Fails => {
                                tls_failure = Some(handshake.failure());
                                session.on_end(End::HandshakeFailed, now)
                            }
                            _ => session.on_handshake(*handshake == Handshake::Verified, now),
                        }
                    }
                    Some(Event::Segment(_)) => session.on_plaintext(now),
                    Some(Event::Silence) => session.on_end(End::Timeout, now),
                    Some(Event::Stop) => {
                        stopped = Some(Stop::Shutdown);
                        session.cancel(now)
                    }
                    other => panic!("{}: a handshake is due, not {other:?}", self.name),
                },
                Action::Await { .. } | Action::Send { .. } => {
                    if let Action::Send { bytes, .. } = &action {
                        let said = String::from_utf8(bytes.clone()).unwrap();
                        let said = said.strip_suffix("\r\n").expect("a whole line");
                        let due = events.next();
                        assert_eq!(due, Some(&Event::Say(said.to_owned())), "{}", self.name);
                    }
                    loop {
                        match reader.take() {
                            Ok(Some(reply)) => {
                                break session.on_reply(reply, reader.buffered(), now);
                            }
                            Err(bad) => break session.on_end(End::BadReply(bad), now),
                            Ok(None) => {}
                        }
                        match events.next() {
                            Some(Event::Segment(bytes)) => reader.push(bytes),
                            Some(Event::Eof) => break session.on_end(End::Closed, now),
                            Some(Event::Rst) => break session.on_end(End::Reset, now),
                            Some(Event::Silence) => break session.on_end(End::Timeout, now),
                            Some(Event::Stop) => {
                                stopped = Some(Stop::Shutdown);
                                break session.cancel(now);
                            }
                            other => panic!("{}: a reply is due, not {other:?}", self.name),
                        }
                    }
                }
            };
        }
        // Who has closed does not see how the other side does.
        let rest: Vec<&Event> =
            events.filter(|event| !matches!(event, Event::Eof | Event::Rst)).collect();
        assert!(rest.is_empty(), "{}: never reached {rest:?}", self.name);
        Outcome {
            dialogue: session.finish(),
            tls,
            tls_failure,
            transcript: Transcript::default(),
            stopped,
            received: reader.received(),
        }
    }

    /// The driver over a stream in memory, with a server that follows the script.
    async fn run_driver(&self, single: bool) -> Outcome {
        let (near, far) = tokio::io::duplex(1 << 20);
        let reset = Arc::new(AtomicBool::new(false));
        let near: BoxedIo = Box::new(Resettable { inner: near, reset: reset.clone() });
        let cancel = CancellationToken::new();
        let server = tokio::spawn(serve(self.events.clone(), far, reset, cancel.clone(), single));
        let handshake = self.events.iter().find_map(|event| match event {
            Event::Tls(handshake) => Some(*handshake),
            _ => None,
        });
        let upgrade = |mut io: BoxedIo| async move {
            io.write_all(CLIENT_HELLO).await.unwrap();
            match handshake {
                None => std::future::pending().await,
                Some(Handshake::Fails) => {
                    (Handshake::Fails.facts(), Err(Handshake::Fails.failure()))
                }
                Some(handshake) => (handshake.facts(), Ok(io)),
            }
        };
        let started = Instant::now();
        let waits = Waits {
            greeting: Duration::from_secs(30),
            reply: Duration::from_secs(15),
            deadline: started + Duration::from_secs(300),
        };
        let session = Session::new(self.plan.clone());
        let outcome = dialog::run(near, session, waits, started, &cancel, upgrade).await;
        let result = tokio::time::timeout(Duration::from_secs(60), server).await;
        if let Ok(Err(panic)) = result {
            panic!("{}: the server said {panic}", self.name);
        }
        outcome
    }

    fn check(&self, outcome: &Outcome, how: &str) {
        let name = format!("{}, {how}", self.name);
        let dialogue = &outcome.dialogue;
        let terms = Terms {
            tls: self.plan.tls,
            tls_verify: self.verify,
            clock: Clock::Module,
            rules: Rules::builtin(),
        };
        let failure = blame::failure(terms, outcome);
        let offers = dialogue.tls.as_ref().or(dialogue.plain.as_ref());
        let mut transcript = String::new();
        for line in outcome.transcript.lines() {
            transcript.push_str(&format!("{}: {}\n", line.side, line.text));
        }
        for (key, expected) in &self.expected {
            let seen = match key.as_str() {
                "fault" => fault_text(dialogue.fault.as_ref()),
                "ready" => if dialogue.ready.is_some() { "yes" } else { "no" }.to_owned(),
                "codes" => codes(dialogue),
                "cause" => failure.as_ref().map_or_else(
                    || "none".to_owned(),
                    |failure| format!("{} {}", failure.cause, failure.blame),
                ),
                "rule" => failure.as_ref().map_or("none", |failure| &*failure.rule).to_owned(),
                "lasts" => failure
                    .as_ref()
                    .map_or("none", |failure| failure.permanence.as_str())
                    .to_owned(),
                "refusals" => refusals(terms, outcome),
                "starttls" => match dialogue.starttls_offered {
                    Some(true) => "offered",
                    Some(false) => "not offered",
                    None => "unseen",
                }
                .to_owned(),
                "plain" => keywords(dialogue.plain.as_ref()),
                "tls" => keywords(dialogue.tls.as_ref()),
                "mechanisms" => offers.map_or_else(String::new, |offer| {
                    join(offer.mechanisms.iter().map(|mechanism| mechanism.as_str()))
                }),
                "size" => offers
                    .and_then(|offer| offer.max_size)
                    .map_or_else(|| "none".to_owned(), |size| size.to_string()),
                "shows" | "hides" if how == "as a value" => continue,
                "shows" => {
                    assert!(transcript.contains(expected), "{name}: {expected}\n{transcript}");
                    continue;
                }
                "hides" => {
                    assert!(!transcript.contains(expected), "{name}: {expected}\n{transcript}");
                    continue;
                }
                _ => panic!("{name}: cannot read {key:?}"),
            };
            assert_eq!(&seen, expected, "{name}: {key}\n{dialogue:#?}\n{transcript}");
        }
        let mut begun: Vec<Phase> = dialogue.phases.iter().map(|(phase, _)| *phase).collect();
        begun.dedup();
        assert_eq!(begun.len(), dialogue.phases.len(), "{name}: a phase twice in a row");
        assert!(begun.is_sorted(), "{name}: {begun:?}");
        // Whatever we said that is not a word of the protocol is hidden.
        if how != "as a value"
            && let Some(credentials) = &self.plan.auth
        {
            use secrecy::ExposeSecret as _;
            assert!(!transcript.contains(credentials.secret.expose_secret()), "{transcript}");
        }
    }
}

impl Handshake {
    fn facts(self) -> TlsFacts {
        let failures =
            if self == Self::Unverified { vec![VerifyFailure::Expired] } else { Vec::new() };
        TlsFacts {
            established: self != Self::Fails,
            verified: (self != Self::Fails).then_some(self == Self::Verified),
            failures,
            ..TlsFacts::default()
        }
    }

    fn failure(self) -> Failure {
        Failure::new(Phase::Tls, Cause::TlsFailed, "alert: handshake failure")
    }
}
