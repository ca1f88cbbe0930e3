//! Whatever the DNS answers, an evaluation ends, and soon; and the limits are where they are said to
//! be.

use std::net::IpAddr;

use proptest::prelude::*;
use smtp_exporter::posture::spf::evaluate::{MAX_FINDINGS, MAX_QUESTIONS, MAX_WALKED};
use smtp_exporter::posture::spf::{Evaluation, Outcome, Step};
use smtp_exporter::posture::{Answer, Data, Kind, Outcome as Ended, Problem, Question, Trouble};

use super::Zone;
use super::zone::request;

/// Evaluates with answers that a function makes up, and gives what was asked too.
fn evaluate(client: Option<IpAddr>, answer: impl Fn(&Question) -> Ended) -> (Outcome, usize) {
    let (mut evaluation, mut step) = Evaluation::start(request("example.net", client));
    for asked in 0..=MAX_QUESTIONS {
        match step {
            Step::Done(outcome) => return (*outcome, asked),
            Step::Ask(question) => {
                let ascii = question.name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                assert!(ascii && question.name.len() <= 253 && !question.name.ends_with('.'));
                step = evaluation.on_answer(&Answer::new(answer(&question)));
            }
        }
    }
    panic!("more than {MAX_QUESTIONS} questions");
}

fn check(outcome: &Outcome) {
    let shown = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    assert!(outcome.findings.len() <= MAX_FINDINGS);
    for found in &outcome.findings {
        assert!(shown(&found.detail) && found.detail.len() <= 512, "{found:?}");
    }
    for text in [&outcome.record, &outcome.matched, &outcome.explanation].into_iter().flatten() {
        assert!(shown(text) && text.len() <= 2048, "{text}");
    }
    assert!(outcome.lookups <= MAX_WALKED);
}

/// Terms that make records ask, among them such as name other names of a small zone.
fn term() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("a.example.net"),
        Just("b.example.net"),
        Just("example.net"),
        Just("%{i}.example.net"),
        Just("%{p}.example.net"),
        Just("%{l1r-}.%{D2}"),
        Just("%{h}"),
        Just("x..y.net"),
    ];
    let shape = prop_oneof![
        Just("include:"),
        Just("-include:"),
        Just("a:"),
        Just("mx:"),
        Just("ptr:"),
        Just("exists:"),
        Just("redirect="),
        Just("exp="),
        Just("~all "),
        Just("ip4:192.0.2.7/29 "),
    ];
    (shape, name).prop_map(|(shape, name)| format!("{shape}{name}"))
}

fn record() -> impl Strategy<Value = Data> {
    let terms = prop::collection::vec(term(), 0..14);
    let text = prop_oneof![
        4 => terms.prop_map(|terms| format!("v=spf1 {}", terms.join(" ")).into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..60)
            .prop_map(|bytes| [b"v=spf1 ".as_slice(), &bytes].concat()),
        1 => "[ -~]{0,40}".prop_map(String::into_bytes),
    ];
    let address = any::<u32>().prop_map(|bits| Data::Address(IpAddr::V4(bits.into())));
    prop_oneof![
        6 => text.prop_map(Data::Text),
        1 => address,
        1 => Just(Data::Address("192.0.2.1".parse().unwrap())),
        1 => "\\PC{0,20}".prop_map(|name| Data::Mx(0, name)),
        1 => "(m[0-9]|a|b)\\.example\\.net".prop_map(|name| Data::Mx(0, name)),
        1 => "(m[0-9]|a|b)\\.example\\.net".prop_map(Data::Name),
    ]
}

fn ended() -> impl Strategy<Value = Ended> {
    prop_oneof![
        12 => prop::collection::vec(record(), 0..3).prop_map(Ended::Found),
        1 => Just(Ended::NoName),
        1 => Just(Ended::NoData),
        1 => Just(Ended::Failed(Trouble::Timeout)),
    ]
}

proptest! {
    #[test]
    fn every_evaluation_ends_within_its_bounds(
        answers in prop::collection::vec(ended(), 1..12),
        client in any::<Option<u32>>(),
    ) {
        let client = client.map(|bits| IpAddr::V4(bits.into()));
        // The same question has the same answer, and another one another.
        let answer = |question: &Question| {
            let sum: usize = question.name.bytes().map(usize::from).sum();
            answers[(sum + question.kind as usize) % answers.len()].clone()
        };
        check(&evaluate(client, answer).0);
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let record = [b"v=spf1 ".as_slice(), &bytes].concat();
        let answer = |_: &Question| Ended::Found(vec![Data::Text(record.clone())]);
        check(&evaluate(None, answer).0);
        check(&evaluate(Some("2001:db8::1".parse().unwrap()), answer).0);
    }
}

/// Each `mx` may cost eleven questions, and each client's names as many more once.
#[test]
fn the_most_questions_stay_below_the_bound() {
    let many = |kind: Kind, question: &Question| {
        let name = |n| format!("h{n}.{}", question.name);
        match kind {
            Kind::Mx => (0..10).map(|n| Data::Mx(0, name(n))).collect(),
            Kind::Ptr => (0..10).map(|n| Data::Name(format!("h{n}.example.org"))).collect(),
            _ => vec![Data::Address("203.0.113.1".parse().unwrap())],
        }
    };
    let terms: String = (0..10).map(|n| format!("mx:m{n}.%{{p}} ")).collect();
    let record = format!("v=spf1 {terms}-all exp=e.example.net").into_bytes();
    let answer = |question: &Question| match question.kind {
        Kind::Txt => Ended::Found(vec![Data::Text(record.clone())]),
        kind => Ended::Found(many(kind, question)),
    };
    let (outcome, asked) = evaluate(Some("192.0.2.1".parse().unwrap()), answer);
    assert_eq!(outcome.result.as_str(), "fail");
    assert_eq!(asked, 1 + 11 + 110 + 1);
}

/// Records that include two others each, without an end: walked as far as the bound.
#[test]
fn a_walk_of_a_tree_without_end_stops() {
    let answer = |question: &Question| {
        let name = &question.name;
        let text = format!("v=spf1 include:a.{name} include:b.{name} a -all");
        Ended::Found(vec![Data::Text(text.into_bytes())])
    };
    let (outcome, asked) = evaluate(None, answer);
    assert_eq!((outcome.lookups, outcome.result.as_str()), (MAX_WALKED, "permerror"));
    assert!(asked <= 1 + 2 * 40, "{asked}");
    let details: Vec<&str> = outcome.findings.iter().map(|f| f.detail.as_str()).collect();
    assert_eq!(details, ["40 terms at least ask the DNS; 10 may"]);
    let (outcome, asked) = evaluate(Some("192.0.2.1".parse().unwrap()), answer);
    assert_eq!((outcome.result.as_str(), asked), ("permerror", 11));
}

/// A record as large as an answer can be: hundreds of times what anybody publishes.
#[test]
fn large_records_are_walked_to_their_end() {
    let mut record = b"v=spf1".to_vec();
    while record.len() < 65_000 {
        record.extend_from_slice(b" ip4:10.0.0.1/9 a:%{d}.%{d}.%{d} x");
    }
    let answer = |_: &Question| Ended::Found(vec![Data::Text(record.clone())]);
    let (outcome, _) = evaluate(None, answer);
    check(&outcome);
    assert_eq!(outcome.result.as_str(), "permerror");
}

#[test]
fn ten_terms_may_ask_and_two_may_be_void() {
    let zone = |count: usize, voids: usize| {
        let terms: Vec<String> = (0..count).map(|n| format!("a:h{n}.example.net")).collect();
        let mut zone = Zone::new(&format!("example.net TXT v=spf1 {} -all", terms.join(" ")));
        for n in voids..count {
            zone.add(&format!("h{n}.example.net"), Data::Address("203.0.113.1".parse().unwrap()));
        }
        zone
    };
    for (count, voids, result, problem) in [
        (10, 2, "fail", None),
        (11, 0, "permerror", Some(Problem::SpfTooManyLookups)),
        (10, 3, "permerror", Some(Problem::SpfTooManyVoidLookups)),
    ] {
        let zone = zone(count, voids);
        for outcome in [zone.walk("example.net"), zone.client("example.net", "192.0.2.1")] {
            assert_eq!(outcome.result.as_str(), result, "{count} {voids}");
            assert_eq!(outcome.findings.first().map(|found| found.problem), problem);
        }
        let walk = zone.walk("example.net");
        assert_eq!((walk.lookups, walk.void_lookups), (count as u32, voids as u32));
    }
}

/// More than ten reverse names: the others are ignored, and the result stays.
#[test]
fn ten_reverse_names_are_looked_at() {
    let zone = |place: usize| {
        let mut zone = Zone::new(
            "example.net TXT v=spf1 ptr -all
            mail.example.net A 192.0.2.1",
        );
        for n in 0..11 {
            let name =
                if n == place { "mail.example.net".into() } else { format!("m{n}.test.net") };
            zone.add("1.2.0.192.in-addr.arpa", Data::Name(name));
        }
        let outcome = zone.client("example.net", "192.0.2.1");
        let told = outcome.findings.iter().any(|f| f.problem == Problem::SpfTooManyNames);
        (outcome.result.as_str(), told)
    };
    assert_eq!(zone(9), ("pass", true));
    assert_eq!(zone(10), ("fail", true));
}
