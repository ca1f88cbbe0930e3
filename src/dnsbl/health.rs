//! Whether a list can be believed: what its answers to the test points say (RFC 5782, 5).

use super::judge::{Sorted, sort};
use super::{List, Reply, SubjectKind, TestPoint, Verdict, judge, query};

/// Judges a list by the replies to its test points.
///
/// `Some(true)`: they answer as they must. `Some(false)`: one of them answers wrongly, so nothing
/// that the list says is believed. None: it cannot be told, since nobody answered, we are refused, or
/// somebody on the way rewrites answers, which says nothing of what the list holds. The text is for a
/// person; it is empty when there is nothing to say.
///
/// A list that takes several kinds of subjects is held to the test points of the first kind. Lacking
/// the listed one of another kind is common and makes the list no worse for the first; the text says
/// what is not proven.
pub fn health(list: &List, answers: &[(TestPoint, Reply)]) -> (Option<bool>, String) {
    if answers.is_empty() {
        return (None, "no test point was asked for".to_owned());
    }
    let first = list.subjects.first().copied();
    let mut wrong = Vec::new();
    let mut open = Vec::new();
    let mut lacking = Vec::new();
    for (point, reply) in answers {
        let name = shown(point);
        match check(list, point, reply) {
            Finding::Right => {}
            Finding::Lacking if Some(point.kind) != first => lacking.push(point.kind),
            Finding::Lacking => wrong.push(format!(
                "{name} is not listed, as it must be (RFC 5782): the list is empty or dead"
            )),
            Finding::Everything(said) => wrong.push(format!(
                "{name} is listed ({said}), as it must never be (RFC 5782): the list names everything"
            )),
            Finding::Open(text) => open.push(format!("{name}: {text}")),
        }
    }
    if !wrong.is_empty() {
        (Some(false), wrong.join("; "))
    } else if let Some(text) = open.into_iter().next() {
        (None, text)
    } else if lacking.is_empty() {
        (Some(true), String::new())
    } else {
        let kinds: Vec<&str> = lacking.into_iter().map(SubjectKind::as_str).collect();
        (
            Some(true),
            format!(
                "no test point for {}: that such subjects are clean is not proven",
                kinds.join(", ")
            ),
        )
    }
}

enum Finding {
    Right,
    /// Not listed, and must be.
    Lacking,
    /// Listed, and must not be; with what was answered.
    Everything(String),
    Open(String),
}

fn check(list: &List, point: &TestPoint, reply: &Reply) -> Finding {
    match judge(list, reply) {
        Verdict::Listed(_) if point.must_be_listed => Finding::Right,
        Verdict::Listed(codes) => {
            let said: Vec<String> = codes.iter().map(|code| code.address.to_string()).collect();
            Finding::Everything(said.join(", "))
        }
        Verdict::Clean if !point.must_be_listed => Finding::Right,
        // A list of reputations may hold its test point as something that is no listing.
        Verdict::Clean => match reply {
            Reply::Addresses(addresses, _)
                if matches!(sort(list, addresses), Sorted { other: true, .. }) =>
            {
                Finding::Right
            }
            _ => Finding::Lacking,
        },
        Verdict::Unknown(reason, text) => Finding::Open(format!("{reason}: {text}")),
    }
}

/// A test point as its RFC writes it: never the name that was asked for, which may hold a key.
fn shown(point: &TestPoint) -> String {
    match point.kind {
        SubjectKind::Domain => point.subject.to_string().to_ascii_uppercase(),
        _ => query::address_text(&point.subject),
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::test_points;
    use super::super::{Found, Kind, catalogue};
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn plain(subjects: &[SubjectKind]) -> List {
        let mut list = List::custom("bl", "bl.example.net", Kind::Block).unwrap();
        list.subjects = subjects.to_vec();
        list
    }

    fn listed() -> Reply {
        addresses("127.0.0.2")
    }

    fn addresses(text: &str) -> Reply {
        Reply::Addresses(vec![text.parse().unwrap()], Duration::from_secs(60))
    }

    fn nothing() -> Reply {
        Reply::Nothing(Duration::from_secs(60))
    }

    fn told(list: &List, replies: &[Reply]) -> (Option<bool>, String) {
        let points = test_points(list);
        assert_eq!(points.len(), replies.len());
        health(list, &points.into_iter().zip(replies.iter().cloned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_list_is_healthy_when_its_points_answer_as_they_must() {
        let all = plain(SubjectKind::ALL);
        let right = [listed(), nothing(), listed(), nothing(), listed(), nothing()];
        assert_eq!(told(&all, &right), (Some(true), String::new()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let ip4 = plain(&[SubjectKind::Ip4]);
        for (replies, healthy, part) in [
            ([nothing(), nothing()], Some(false), "127.0.0.2 is not listed"),
            ([listed(), listed()], Some(false), "127.0.0.1 is listed (127.0.0.2)"),
            ([addresses("192.0.2.80"), nothing()], None, "127.0.0.2: rewritten: "),
            ([listed(), addresses("127.0.0.1")], None, "127.0.0.1: rewritten: "),
            ([addresses("127.255.255.254"), nothing()], None, "public resolver"),
            ([Reply::Refused, Reply::Refused], None, "REFUSED"),
            ([Reply::Timeout, Reply::Timeout], None, "in time"),
            ([Reply::Servfail, nothing()], None, "SERVFAIL"),
            ([listed(), Reply::Timeout], None, "127.0.0.1: "),
            // A wrong answer outweighs a missing one.
            ([Reply::Timeout, listed()], Some(false), "127.0.0.1 is listed"),
        ] {
            let (found, text) = told(&ip4, &replies);
            assert_eq!(found, healthy, "{replies:?}");
            assert!(text.contains(part), "{replies:?}: {text}");
        }
        assert_eq!(health(&ip4, &[]).0, None);
        let domain = plain(&[SubjectKind::Domain]);
        let (found, text) = told(&domain, &[nothing(), listed()]);
        assert_eq!(found, Some(false));
        assert!(text.contains("TEST is not") && text.contains("INVALID is listed"), "{text}");
    }

    #[test]
    fn a_second_kind_without_a_point_is_not_held_against_the_first() {
        let both = plain(&[SubjectKind::Ip4, SubjectKind::Ip6]);
        let (found, text) = told(&both, &[listed(), nothing(), nothing(), nothing()]);
        assert_eq!(found, Some(true));
        assert!(text.contains("ip6"), "{text}");
        let (found, text) = told(&both, &[listed(), nothing(), listed(), listed()]);
        assert_eq!(found, Some(false));
        assert!(text.contains("::ffff:7f00:1 is listed"), "{text}");
        let ip6 = plain(&[SubjectKind::Ip6]);
        assert_eq!(told(&ip6, &[nothing(), nothing()]).0, Some(false));
    }

    #[test]
    fn a_list_of_reputations_may_hold_its_point_as_no_listing() {
        let Found::Live(list) = catalogue::find("rep.mailspike.net") else { panic!("not found") };
        assert_eq!(told(&list, &[addresses("127.0.0.14"), nothing()]).0, Some(true));
    }

    proptest! {
        #[test]
        fn a_judgement_is_always_whole(kinds in proptest::collection::vec(0..6, 6)) {
            let list = plain(SubjectKind::ALL);
            let replies: Vec<Reply> = kinds
                .into_iter()
                .map(|kind| match kind {
                    0 => listed(),
                    1 => nothing(),
                    2 => Reply::Timeout,
                    3 => Reply::Refused,
                    4 => addresses("192.0.2.80"),
                    _ => Reply::Other("x".to_owned()),
                })
                .collect();
            let (found, text) = told(&list, &replies);
            prop_assert!(found == Some(true) || !text.is_empty());
        }
    }
}
