//! Block lists: whatever a resolver answers, one of three states, and no key in any text.

use std::net::Ipv4Addr;
use std::time::Duration;

use smtp_exporter::dnsbl::judge::MAX_CODES;
use smtp_exporter::dnsbl::query::{name, test_points};
use smtp_exporter::dnsbl::subject::{MAX_NETWORK, expand};
use smtp_exporter::dnsbl::{Kind, List, Reason, Reply, Subject, Verdict, catalogue, health, judge};

/// The first byte chooses the list; then a text up to a NUL is subject and zone, and the rest are
/// answers: a byte for the kind, and addresses of four bytes up to the next kind.
pub fn run(data: &[u8]) {
    let ([chosen], rest) = super::choices(data);
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    let text = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
    let answers = replies(rest.get(end + 1..).unwrap_or_default());
    let subject = subject(&text);
    let list = list(chosen, &text);
    if let Some(asked) = subject.as_ref().and_then(|subject| name(subject, &list.zone)) {
        assert!(asked.len() <= 253 && asked.ends_with(list.zone.expose()), "{asked}");
    }
    for reply in &answers {
        check(&list, reply);
    }
    believe(&list, &answers);
}

const KEY: &str = "k3yk3yk3yk3yk3yk3yk3yk3yk3";

fn list(chosen: u8, text: &str) -> List {
    let entries: Vec<_> = catalogue::entries().collect();
    if let Some(entry) = entries.get(usize::from(chosen)) {
        return entry.list();
    }
    let zone = format!("{KEY}.{text}");
    // Who writes the key a second time has it shown, as a name.
    let twice = text.to_ascii_lowercase().contains(KEY);
    let hides = |shown: &str| assert!(twice || !shown.contains(KEY), "the key is in {shown}");
    match (
        chosen % 2,
        List::keyed("mine", &zone.as_str().into()),
        List::custom("c", text, Kind::Block),
    ) {
        (0, Ok(list), _) => {
            hides(&format!("{list:?}"));
            list
        }
        (0, Err(error), _) => {
            super::assert_one_line(&error);
            hides(&error);
            List::custom("c", "bl.example.net", Kind::Allow).expect("a list")
        }
        (_, _, Ok(list)) => list,
        (.., Err(error)) => {
            super::assert_one_line(&error);
            List::custom("c", "bl.example.net", Kind::Block).expect("a list")
        }
    }
}

fn subject(text: &str) -> Option<Subject> {
    if let Ok(network) = text.parse() {
        match expand(network) {
            Ok(all) => {
                assert!(all.len() <= MAX_NETWORK && all.is_sorted_by(|a, b| a < b));
                all.iter()
                    .for_each(|one| assert_eq!(Subject::parse(&one.to_string()).as_ref(), Ok(one)));
            }
            Err(error) => super::assert_one_line(&error),
        }
    }
    match Subject::parse(text) {
        Ok(subject) => {
            let shown = subject.to_string();
            super::assert_one_line(&shown);
            assert_eq!(Subject::parse(&shown).as_ref(), Ok(&subject), "{shown} reads otherwise");
            Some(subject)
        }
        Err(error) => {
            super::assert_one_line(&error);
            assert!(error.len() < 2500, "{error}");
            None
        }
    }
}

fn replies(mut bytes: &[u8]) -> Vec<Reply> {
    let mut replies = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        bytes = rest;
        replies.push(match kind % 16 {
            0 => Reply::Nothing(Duration::from_secs(60)),
            1 => Reply::Refused,
            2 => Reply::Servfail,
            3 => Reply::Timeout,
            4 => Reply::Other("no connection".to_owned()),
            _ => {
                let count = usize::from(kind >> 4).min(bytes.len() / 4);
                let (addresses, rest) = bytes.split_at(count * 4);
                bytes = rest;
                let address = |four: &[u8]| match *four {
                    // Most are what lists say, so that the rest of an answer is looked at.
                    [a, b, c, d] if a >= 64 => Ipv4Addr::new(127, b & 1, c & 15, d),
                    [a, b, c, d] => Ipv4Addr::new(a, b, c, d),
                    _ => Ipv4Addr::LOCALHOST,
                };
                Reply::Addresses(addresses.chunks(4).map(address).collect(), Duration::ZERO)
            }
        });
    }
    replies
}

fn check(list: &List, reply: &Reply) {
    let verdict = judge(list, reply);
    match &verdict {
        Verdict::Listed(codes) => {
            assert!((1..=MAX_CODES).contains(&codes.len()) && codes.is_sorted_by(|a, b| a < b));
            assert!(codes.iter().all(|c| c.address.is_loopback() && !c.meaning.is_empty()));
        }
        Verdict::Clean => assert!(matches!(reply, Reply::Nothing(_) | Reply::Addresses(..))),
        Verdict::Unknown(reason, text) => {
            super::assert_one_line(text);
            assert!(!text.contains(KEY) && !text.is_empty(), "{text}");
            let silent = matches!(reply, Reply::Timeout);
            assert_eq!(silent, *reason == Reason::Timeout);
        }
    }
    if let Reply::Addresses(addresses, ttl) = reply {
        let foreign = addresses.iter().any(|address| !address.is_loopback());
        let rewritten = matches!(&verdict, Verdict::Unknown(Reason::Rewritten, _));
        assert!(rewritten || !foreign, "{addresses:?} is believed: {verdict:?}");
        // Servers rotate their records.
        let turned: Vec<Ipv4Addr> =
            addresses.iter().rev().chain(addresses.iter().rev()).copied().collect();
        let again = judge(list, &Reply::Addresses(turned, *ttl));
        match (&verdict, &again) {
            (Verdict::Unknown(reason, _), Verdict::Unknown(other, _)) => assert_eq!(reason, other),
            _ => assert_eq!(verdict, again, "the order is seen"),
        }
    }
}

fn believe(list: &List, answers: &[Reply]) {
    let points: Vec<_> = test_points(list).into_iter().zip(answers.iter().cloned()).collect();
    let (healthy, text) = health(list, &points);
    super::assert_one_line(&text);
    assert!(!text.contains(KEY), "{text}");
    assert!(healthy == Some(true) || !text.is_empty());
    let silent = answers.iter().all(|reply| matches!(reply, Reply::Timeout | Reply::Refused));
    assert!(!silent || healthy.is_none(), "nobody answered, and it is {healthy:?}");
}
