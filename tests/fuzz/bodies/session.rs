//! A whole dialogue: a hostile server's bytes, split by hand into what arrives when, against the
//! session as the prober drives it.

use std::time::Duration;

use smtp_exporter::smtp::{
    Action, Credentials, Dialogue, End, Envelope, Fault, Phase, Plan, ReplyReader, Session, TlsMode,
};

/// The first two bytes choose the plan. Behind them, 0x01 parts what arrives; a part that begins
/// with 0x02 is something else than bytes, by the letter behind it.
pub fn run(data: &[u8]) {
    let (chosen, script) = super::choices::<2>(data);
    let plan = plan(chosen);
    let mut talk = Talk {
        session: Session::new(plan.clone()),
        reader: ReplyReader::default(),
        parts: script.split(|byte| *byte == 1).collect(),
        now: Duration::ZERO,
        greeted: false,
        trusted: false,
        handshakes: 0,
        established: false,
        told_to_go: false,
        orderly: true,
        said: Vec::new(),
        login: false,
    };
    talk.parts.reverse();
    talk.run(&plan);
    let now = talk.now;
    let said = std::mem::take(&mut talk.said);
    let orderly = talk.orderly;
    // Opportunistic TLS that fails is a fact and no fault; the driver connects again.
    let gone = plan.tls == TlsMode::Opportunistic && talk.handshakes > 0 && !talk.established;
    let dialogue = talk.session.finish();
    assert!(!gone || dialogue.ready.is_none(), "ready on a broken connection");
    check(&plan, &dialogue, &said, orderly.then_some(now), gone);
}

const SECRET: &str = "correct horse";
/// PLAIN's and LOGIN's forms of it.
const ENCODED: [&str; 2] = ["AGFsaWNlAGNvcnJlY3QgaG9yc2U=", "Y29ycmVjdCBob3JzZQ=="];
/// The most actions that a session takes, QUIT and `Close` included.
const MOST_ACTIONS: usize = 24;

fn plan([first, second]: [u8; 2]) -> Plan {
    let tls = TlsMode::ALL.get(usize::from(first & 3)).copied().unwrap_or(TlsMode::None);
    let on = |bit: u8| second & bit != 0;
    Plan {
        helo: "probe.example.test".to_owned(),
        tls,
        auth: on(1).then(|| Credentials {
            username: "alice".to_owned(),
            secret: SECRET.into(),
            token: on(2),
        }),
        auth_unverified: on(4),
        mail: on(8).then(|| Envelope {
            from: if on(16) { String::new() } else { "probe@example.test".to_owned() },
            to: "postmaster@example.test".to_owned(),
        }),
    }
}

struct Talk<'a> {
    session: Session,
    reader: ReplyReader,
    /// What is still to arrive, the next one last.
    parts: Vec<&'a [u8]>,
    now: Duration,
    greeted: bool,
    trusted: bool,
    handshakes: usize,
    /// One of them went well.
    established: bool,
    /// A 221 or a 421 was heard.
    told_to_go: bool,
    /// Nothing was called out of its order.
    orderly: bool,
    said: Vec<String>,
    /// AUTH was said, so the server knows secrets that it could repeat.
    login: bool,
}

impl Talk<'_> {
    fn run(&mut self, plan: &Plan) {
        let mut action = self.session.start();
        for _ in 1..MOST_ACTIONS {
            if action == Action::Close {
                break;
            }
            self.now += Duration::from_millis(7);
            action = match action {
                Action::Close => unreachable!("looked at above"),
                Action::Handshake => self.handshake(plan),
                Action::Await { .. } => self.hear(),
                Action::Send { bytes, phase, secret } => {
                    self.say(plan, bytes, phase, secret);
                    self.hear()
                }
            };
        }
        assert_eq!(action, Action::Close, "it goes on and on");
    }

    fn say(&mut self, plan: &Plan, bytes: Vec<u8>, phase: Phase, secret: bool) {
        let line = String::from_utf8(bytes).expect("a line is text");
        assert!(line.ends_with("\r\n") && line.matches(['\r', '\n']).count() == 2, "{line:?}");
        if self.orderly {
            assert!(self.greeted, "spoke first: {line:?}");
            assert!(!self.told_to_go, "spoke to one that is gone: {line:?}");
            // Goodbye may be said to one that goes on talking.
            let quits = phase == Phase::Quit;
            assert!(quits || self.reader.buffered() == 0, "spoke into its words: {line:?}");
        }
        assert_eq!(secret, phase == Phase::Auth);
        assert!(!secret || self.trusted || plan.auth_unverified, "AUTH: {line:?}");
        assert!(plan.auth.is_some() || !secret);
        assert!(secret || !line.contains(SECRET) && !ENCODED.iter().any(|s| line.contains(s)));
        self.login |= secret;
        self.said.push(line);
    }

    fn handshake(&mut self, plan: &Plan) -> Action {
        self.handshakes += 1;
        assert!(plan.tls != TlsMode::None && self.handshakes == 1);
        match self.parts.pop() {
            Some([2, b'f', ..]) => self.session.on_end(End::HandshakeFailed, self.now),
            Some([2, b'w', ..]) => self.session.on_end(End::Timeout, self.now),
            Some([2, b'c', ..]) => self.session.cancel(self.now),
            Some([2, b'v', ..]) => {
                (self.trusted, self.established) = (true, true);
                self.session.on_handshake(true, self.now)
            }
            Some([2, ..]) => {
                self.established = true;
                self.session.on_handshake(false, self.now)
            }
            // Bytes where the handshake should be.
            Some(_) => self.session.on_plaintext(self.now),
            None => self.session.on_end(End::Closed, self.now),
        }
    }

    /// Bytes until there is a reply, or something else happens.
    fn hear(&mut self) -> Action {
        loop {
            match self.reader.take() {
                Ok(Some(reply)) => {
                    self.greeted = true;
                    self.told_to_go |= matches!(reply.code, 221 | 421);
                    return self.session.on_reply(reply, self.reader.buffered(), self.now);
                }
                Ok(None) => {}
                Err(bad) => return self.end(End::BadReply(bad)),
            }
            match self.parts.pop() {
                Some([2, event, ..]) => return self.happen(*event),
                Some(bytes) => self.reader.push(bytes),
                None => return self.end(End::Closed),
            }
        }
    }

    fn happen(&mut self, event: u8) -> Action {
        match event {
            b'c' => {
                // Stopped before the greeting, nothing is said; else QUIT may be said at any time.
                self.orderly = false;
                self.session.cancel(self.now)
            }
            b'r' => self.end(End::Reset),
            b't' => self.end(End::Tls("alert".to_owned())),
            b'w' => self.end(End::Timeout),
            b's' => {
                self.orderly = false;
                self.session.start()
            }
            b'h' => {
                self.orderly = false;
                self.session.on_handshake(false, self.now)
            }
            b'p' => {
                self.orderly = false;
                self.session.on_plaintext(self.now)
            }
            _ => self.end(End::Io("broken".to_owned())),
        }
    }

    /// QUIT behind a wait that ended is said to whoever is still there.
    fn end(&mut self, end: End) -> Action {
        self.orderly &= end != End::Timeout;
        self.session.on_end(end, self.now)
    }
}

fn check(plan: &Plan, dialogue: &Dialogue, said: &[String], orderly: Option<Duration>, gone: bool) {
    let count = |word: &str| said.iter().filter(|line| line.starts_with(word)).count();
    assert!(count("QUIT") <= 1 && count("DATA") == 0 && count("STARTTLS") <= 1, "{said:?}");
    assert!(count("AUTH") <= 1 && count("MAIL") <= 1 && count("RCPT") <= 1, "{said:?}");
    let last = said.last().map(String::as_str);
    assert!(count("QUIT") == 0 || last == Some("QUIT\r\n"), "words behind QUIT: {said:?}");
    assert!(dialogue.replies.len() < MOST_ACTIONS);
    let mut login = false;
    for (phase, reply) in &dialogue.replies {
        login |= *phase == Phase::Auth;
        for line in reply.lines.iter().filter(|_| login) {
            let shown = line.to_ascii_lowercase();
            assert!(!shown.contains(SECRET), "the password is repeated: {line:?}");
        }
    }
    assert!(!format!("{dialogue:?}").contains(SECRET) || !login || before_login(dialogue));
    if dialogue.fault.is_none() && orderly.is_some() && !gone {
        let strict = matches!(plan.tls, TlsMode::Required | TlsMode::Implicit);
        assert!(dialogue.ready.is_some(), "no fault, and not ready");
        assert!(!strict || dialogue.tls.is_some(), "TLS was required");
        let logged_in =
            dialogue.replies.iter().any(|(phase, r)| *phase == Phase::Auth && r.code == 235);
        assert_eq!(plan.auth.is_some(), logged_in);
    }
    if matches!(dialogue.fault, Some(Fault::StarttlsMissing | Fault::StarttlsStripped)) {
        assert_eq!(plan.tls, TlsMode::Required);
    }
    if let Some(now) = orderly {
        let total: Duration = dialogue.phases.iter().map(|(_, took)| *took).sum();
        assert_eq!(total, now, "the phases fill the session");
    }
}

/// The server may guess the password before it was told.
fn before_login(dialogue: &Dialogue) -> bool {
    let early = dialogue.replies.iter().take_while(|(phase, _)| *phase != Phase::Auth);
    early.flat_map(|(_, reply)| &reply.lines).any(|line| line.contains(SECRET))
}
