//! Questions of one look at a domain: each asked once, and written down for a person.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::net::records::Session;
use crate::posture::report::MAX_EXCHANGES;
use crate::posture::text::shown;
use crate::posture::{Answer, Data, Exchange, Kind, Outcome, Proof, Question};

/// Asks, remembers and writes down.
#[derive(Clone)]
pub(super) struct Asker {
    session: Session,
    heard: Arc<Mutex<HashMap<Asked, Arc<OnceCell<Answer>>>>>,
    log: Arc<Mutex<Vec<Exchange>>>,
}

/// A question, and whether a proof is wanted.
type Asked = (Question, bool);

impl Asker {
    pub(super) fn new(session: Session) -> Self {
        Self { session, heard: Arc::default(), log: Arc::default() }
    }

    /// The answer; nothing is proven.
    pub(super) async fn ask(&self, question: &Question) -> Answer {
        self.once(question, false).await
    }

    /// The answer, and what DNSSEC proves of it.
    pub(super) async fn ask_secure(&self, question: &Question) -> Answer {
        self.once(question, true).await
    }

    /// Texts at a name.
    pub(super) async fn texts(&self, name: String) -> Answer {
        self.ask(&Question::new(name, Kind::Txt)).await
    }

    /// Writes down an exchange that was no question to the DNS.
    pub(super) fn note(&self, question: String, answer: &str) {
        self.write(question, answer.as_bytes());
    }

    /// What was written down; at most [`MAX_EXCHANGES`].
    pub(super) fn transcript(&self) -> Vec<Exchange> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn once(&self, question: &Question, secure: bool) -> Answer {
        let cell = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.entry((question.clone(), secure)).or_default().clone()
        };
        let heard = cell.get_or_init(|| async {
            let answer = match secure {
                true => self.session.ask_secure(question).await,
                false => self.session.ask(question).await,
            };
            let asked = format!("{} {}", question.kind, question.name);
            self.write(asked, &text_of(&answer, secure));
            answer
        });
        heard.await.clone()
    }

    fn write(&self, question: String, answer: &[u8]) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() < MAX_EXCHANGES {
            let question = shown(question.as_bytes(), MAX_TEXT);
            log.push(Exchange { question, answer: shown(answer, MAX_TEXT) });
        }
    }
}

/// An answer as a person reads it.
fn text_of(answer: &Answer, secure: bool) -> Vec<u8> {
    let mut text = Vec::new();
    match &answer.outcome {
        Outcome::Found(records) => {
            for (index, data) in records.iter().enumerate() {
                if index > 0 {
                    text.extend(b"; ");
                }
                text.extend(text_of_data(data));
                if text.len() > MAX_TEXT {
                    break;
                }
            }
        }
        Outcome::NoName => text.extend(b"NXDOMAIN"),
        Outcome::NoData => text.extend(b"no such record"),
        Outcome::Failed(trouble) => text.extend(trouble.as_str().bytes()),
    }
    let mut notes = Vec::new();
    if let Some(canonical) = &answer.canonical {
        notes.push(format!("at {canonical}"));
    }
    if let (Some(ttl), Outcome::Found(_)) = (answer.ttl, &answer.outcome) {
        notes.push(format!("TTL {} s", ttl.as_secs()));
    }
    if secure && answer.proof != Proof::Bogus {
        notes.push(format!("DNSSEC {}", answer.proof));
    }
    if !notes.is_empty() {
        text.extend(format!(" ({})", notes.join(", ")).bytes());
    }
    text
}

fn text_of_data(data: &Data) -> Vec<u8> {
    match data {
        Data::Address(address) => address.to_string().into_bytes(),
        Data::Mx(preference, host) if host.is_empty() => format!("{preference} .").into_bytes(),
        Data::Mx(preference, host) => format!("{preference} {host}").into_bytes(),
        Data::Name(name) => name.clone().into_bytes(),
        Data::Text(text) => [b"\"", text.as_slice(), b"\""].concat(),
        Data::Tlsa(record) => {
            let mut text = format!("{} {} {} ", record.usage, record.selector, record.matching);
            for byte in record.data.iter().take(MAX_DATA) {
                let _ = write!(text, "{byte:02x}");
            }
            text.into_bytes()
        }
    }
}

/// Bytes of a question, and of an answer, that are kept.
const MAX_TEXT: usize = 2048;
/// Bytes of a TLSA record's data that are shown: a SHA-512 in whole.
const MAX_DATA: usize = 64;
