//! SPF: whatever the DNS answers, evaluations end within their bounds, and say what is wrong.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smtp_exporter::posture::spf::evaluate::{MAX_FINDINGS, MAX_QUESTIONS, MAX_WALKED};
use smtp_exporter::posture::spf::{Evaluation, Outcome, Request, SpfResult, Step, facts};
use smtp_exporter::posture::{Answer, Data, Kind, Outcome as Ended, Question, Trouble};

/// Each line is an answer, in the order of the questions: `!` no answer, `-` no such name, nothing
/// no record; else records with tabs between them, read as the question's type wants them. The first
/// line is the sender's local part and the EHLO name. The same question has the same answer always.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut zone = Zone { lines, known: HashMap::new() };
    let walk = zone.evaluate(&first, None);
    let clients = [
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    ];
    let senders: Vec<(IpAddr, Outcome)> =
        clients.iter().map(|client| (*client, zone.evaluate(&first, Some(*client)))).collect();
    assert_eq!(zone.evaluate(&first, None), walk, "a second walk ends otherwise");
    for (_, sender) in &senders {
        assert_eq!(
            (&sender.record, sender.present, sender.all),
            (&walk.record, walk.present, walk.all)
        );
        assert!(sender.lookups <= 11 && sender.void_lookups <= 3, "{sender:?}");
    }
    let mut findings = Vec::new();
    let facts = facts(&walk, &senders, &mut findings);
    assert_eq!(facts.senders.len(), 2);
    assert!(facts.valid != Some(true) || facts.lookups.is_some_and(|lookups| lookups <= 10));
    for (index, found) in findings.iter().enumerate() {
        assert!(!findings[..index].contains(found), "told twice: {found:?}");
    }
}

struct Zone<'a, L: Iterator<Item = &'a [u8]>> {
    lines: L,
    known: HashMap<Question, Answer>,
}

impl<'a, L: Iterator<Item = &'a [u8]>> Zone<'a, L> {
    fn evaluate(&mut self, first: &str, client: Option<IpAddr>) -> Outcome {
        let (local, helo) = first.split_once(' ').unwrap_or((first, "mx.example.net"));
        let request = Request {
            domain: "example.net".to_owned(),
            client,
            sender: format!("{local}@example.net"),
            helo: helo.to_owned(),
        };
        let (mut evaluation, mut step) = Evaluation::start(request);
        for _ in 0..=MAX_QUESTIONS {
            match step {
                Step::Done(outcome) => {
                    check(&outcome);
                    return *outcome;
                }
                Step::Ask(question) => step = evaluation.on_answer(&self.answer(question)),
            }
        }
        panic!("too many questions")
    }

    fn answer(&mut self, question: Question) -> Answer {
        let Question { name, .. } = &question;
        assert!(name.len() <= 253 && name.is_ascii() && !name.ends_with('.'), "{name}");
        assert!(name.split('.').all(|label| (1..=63).contains(&label.len())), "{name}");
        let lines = &mut self.lines;
        let kind = question.kind;
        let new = || Answer::new(ended(lines.next().unwrap_or(b"-"), kind));
        self.known.entry(question).or_insert_with(new).clone()
    }
}

fn ended(line: &[u8], kind: Kind) -> Ended {
    match line {
        b"!" => return Ended::Failed(Trouble::Timeout),
        b"-" => return Ended::NoName,
        b"" => return Ended::NoData,
        _ => {}
    }
    let record = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        match kind {
            Kind::Txt => Data::Text(bytes.to_vec()),
            Kind::Mx => Data::Mx(10, text),
            Kind::Ptr => Data::Name(text),
            Kind::A => Data::Address(text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))),
            _ => Data::Address(text.parse().unwrap_or(IpAddr::V6(Ipv6Addr::LOCALHOST))),
        }
    };
    Ended::Found(line.split(|byte| *byte == b'\t').map(record).collect())
}

fn check(outcome: &Outcome) {
    assert!(outcome.findings.len() <= MAX_FINDINGS && outcome.lookups <= MAX_WALKED);
    for found in &outcome.findings {
        super::assert_one_line(&found.detail);
        assert!(found.detail.len() <= 512, "{}", found.detail);
    }
    let texts = [(&outcome.record, 2048), (&outcome.matched, 512), (&outcome.explanation, 512)];
    for (text, most) in texts {
        let Some(text) = text else { continue };
        super::assert_one_line(text);
        assert!(text.len() <= most, "{text}");
    }
    let wrong = matches!(outcome.result, SpfResult::Permerror | SpfResult::Temperror);
    assert!(!wrong || !outcome.findings.is_empty(), "nothing is told of {outcome:?}");
    assert_eq!(outcome.result == SpfResult::None, outcome.present == Some(false), "{outcome:?}");
}
