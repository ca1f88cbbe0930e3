use super::*;
use crate::posture::{Outcome, Trouble};
use proptest::prelude::*;

type Found = Vec<(Problem, String)>;

const ADDRESS: &str = "192.0.2.25";

fn names_of(names: &[&str]) -> Answer {
    let data = names.iter().map(|name| Data::Name((*name).to_owned())).collect::<Vec<_>>();
    Answer::new(if data.is_empty() { Outcome::NoName } else { Outcome::Found(data) })
}

fn leads_to(addresses: &[&str]) -> Answer {
    let data = addresses.iter().map(|a| Data::Address(a.parse().unwrap())).collect::<Vec<_>>();
    Answer::new(if data.is_empty() { Outcome::NoData } else { Outcome::Found(data) })
}

fn failed(trouble: Trouble) -> Answer {
    Answer::new(Outcome::Failed(trouble))
}

fn look(
    address: &str,
    reverse: &Answer,
    forward: &[(&str, Answer)],
    helo: Option<(&str, &Answer)>,
) -> (SenderFacts, Found) {
    let address = address.parse().unwrap();
    let forward: Vec<_> = forward.iter().map(|(n, a)| ((*n).to_owned(), a.clone())).collect();
    let mut findings = Vec::new();
    let facts = judge(address, reverse, &forward, helo, &mut findings);
    assert!(findings.iter().all(|finding| finding.on == On::Address(address)));
    (facts, findings.into_iter().map(|f| (f.problem, f.detail)).collect())
}

#[test]
fn asks_for_the_address_turned_around() {
    for (address, name) in [
        ("192.0.2.25", "25.2.0.192.in-addr.arpa"),
        ("::ffff:192.0.2.25", "25.2.0.192.in-addr.arpa"),
        (
            // RFC 3596, 2.5.
            "4321:0:1:2:3:4:567:89ab",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
        ),
    ] {
        assert_eq!(question(address.parse().unwrap()), Question::new(name, Kind::Ptr));
    }
}

#[test]
fn a_name_that_leads_back_and_is_said_in_ehlo_is_right() {
    let back = leads_to(&["192.0.2.1", ADDRESS]);
    for name in ["mx1.example.net", "MX1.example.net."] {
        let forward = [("mx1.example.net", back.clone())];
        let helo = Some(("Mx1.Example.Net", &back));
        let (facts, found) = look(ADDRESS, &names_of(&[name, name]), &forward, helo);
        assert_eq!(found, []);
        assert_eq!((facts.present, facts.confirmed), (Some(true), Some(true)));
        assert_eq!((facts.helo_matches, facts.helo_confirmed), (Some(true), Some(true)));
        assert_eq!(facts.generic, Some(false));
        assert_eq!(facts.names, ["mx1.example.net"]);
    }
    // One of several is enough, and an IPv4-mapped address is the address.
    let forward = [("a.example.net", failed(Trouble::Servfail)), ("b.example.net", back)];
    let reverse = names_of(&["a.example.net", "b.example.net"]);
    let (facts, found) = look("::ffff:192.0.2.25", &reverse, &forward, None);
    assert_eq!((facts.confirmed, found), (Some(true), vec![]));
    assert_eq!((facts.helo_matches, facts.helo_confirmed), (None, None));
}

#[test]
fn a_missing_name_is_one_problem() {
    let (facts, found) =
        look(ADDRESS, &names_of(&[]), &[], Some(("mx1.example.net", &leads_to(&[ADDRESS]))));
    assert_eq!((facts.present, facts.confirmed, facts.generic), (Some(false), Some(false), None));
    assert_eq!((facts.helo_matches, facts.helo_confirmed), (Some(false), Some(true)));
    let detail = "no name at 25.2.0.192.in-addr.arpa".to_owned();
    assert_eq!(found, [(Problem::PtrMissing, detail)]);
}

#[test]
fn a_name_that_leads_elsewhere_confirms_nothing() {
    let forward = [("a.example.net", leads_to(&["192.0.2.1"])), ("b.example.net", leads_to(&[]))];
    let (facts, found) =
        look(ADDRESS, &names_of(&["a.example.net", "b.example.net"]), &forward, None);
    assert_eq!(facts.confirmed, Some(false));
    let detail = "a.example.net leads to 192.0.2.1; b.example.net leads to no address of the kind";
    assert_eq!(found, [(Problem::PtrNotConfirmed, detail.to_owned())]);
}

#[test]
fn the_ehlo_name_is_compared_and_followed() {
    let reverse = names_of(&["mx1.example.net"]);
    let forward = [("mx1.example.net", leads_to(&[ADDRESS]))];
    let elsewhere = leads_to(&["192.0.2.1"]);
    let (facts, found) = look(ADDRESS, &reverse, &forward, Some(("mx2.example.net", &elsewhere)));
    assert_eq!((facts.helo_matches, facts.helo_confirmed), (Some(false), Some(false)));
    let mismatch = "mx2.example.net, and the reverse name is mx1.example.net".to_owned();
    let not = "mx2.example.net leads to 192.0.2.1".to_owned();
    assert_eq!(found, [(Problem::PtrHeloMismatch, mismatch), (Problem::PtrHeloNotConfirmed, not)]);
    // An address in brackets needs no name.
    let nothing = leads_to(&[]);
    for (helo, confirmed) in [
        ("[192.0.2.25]", true),
        ("[IPv6:::ffff:192.0.2.25]", true),
        ("[192.0.2.1]", false),
        ("[IPv6:2001:db8::1]", false),
    ] {
        let (facts, found) = look(ADDRESS, &reverse, &forward, Some((helo, &nothing)));
        assert_eq!((facts.helo_matches, facts.helo_confirmed), (None, Some(confirmed)), "{helo}");
        assert_eq!(found.len(), usize::from(!confirmed), "{helo}");
    }
}

#[test]
fn no_answer_is_not_nothing() {
    for trouble in Trouble::ALL {
        let ours = *trouble == Trouble::Ours;
        let failed = failed(*trouble);
        let helo = Some(("mx1.example.net", &failed));
        let (facts, found) = look(ADDRESS, &failed, &[], helo);
        assert_eq!((facts.present, facts.confirmed, facts.generic), (None, None, None));
        assert_eq!((facts.helo_matches, facts.helo_confirmed), (None, None));
        assert_eq!(found.len(), if ours { 0 } else { 2 });

        let forward = [("mx1.example.net", failed.clone())];
        let (facts, found) = look(ADDRESS, &names_of(&["mx1.example.net"]), &forward, None);
        assert_eq!((facts.present, facts.confirmed), (Some(true), None));
        let detail = format!("A mx1.example.net: {trouble}");
        assert_eq!(found, if ours { vec![] } else { vec![(Problem::PtrDnsFailure, detail)] });
    }
    // A name that nobody asked for may lead back.
    let (facts, found) = look(ADDRESS, &names_of(&["mx1.example.net"]), &[], None);
    assert_eq!((facts.confirmed, found), (None, vec![]));
}

#[test]
fn generic_names_are_told_when_all_are() {
    let generic = "host-192-0-2-25.example.net";
    let forward = [(generic, leads_to(&[ADDRESS]))];
    let (facts, found) = look(ADDRESS, &names_of(&[generic]), &forward, None);
    assert_eq!(facts.generic, Some(true));
    let detail = format!("{generic}: the address stands in the name");
    assert_eq!(found, [(Problem::PtrGeneric, detail)]);
    let (facts, found) = look(ADDRESS, &names_of(&[generic, "mx1.example.net"]), &forward, None);
    assert_eq!((facts.generic, found), (Some(false), vec![]));
}

#[test]
fn more_names_than_are_followed_are_told() {
    let names: Vec<String> = (0..11).map(|n| format!("mx{n}.example.net")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let forward = [("mx0.example.net", leads_to(&[ADDRESS]))];
    let helo = leads_to(&[ADDRESS]);
    let (facts, found) =
        look(ADDRESS, &names_of(&names), &forward, Some(("mx10.example.net", &helo)));
    assert_eq!((facts.names.len(), facts.helo_matches), (MAX_NAMES, Some(true)));
    assert_eq!(found, [(Problem::PtrTooMany, "11 names".to_owned())]);
    assert_eq!(look(ADDRESS, &names_of(&names[..10]), &forward, None).1, []);
}

proptest! {
    #[test]
    fn any_names_are_judged(
        names in prop::collection::vec("[ -~]{0,40}|\\PC{0,20}", 0..20),
        helo in "\\PC{0,20}|\\[[0-9a-zA-Z:.]{0,20}\\]",
    ) {
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let answer = leads_to(&["192.0.2.1"]);
        let (facts, found) = look(ADDRESS, &names_of(&texts), &[], Some((&helo, &answer)));
        prop_assert!(facts.names.len() <= MAX_NAMES);
        let shown = |text: &String| text.len() <= 512 && !text.contains(char::is_control);
        prop_assert!(facts.names.iter().chain(found.iter().map(|(_, d)| d)).all(shown));
    }
}
