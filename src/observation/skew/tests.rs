//! What is a skew, and what only looks like one.

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

/// An endpoint in which nothing was seen.
fn member(module: &str, host: &str, port: u16, last: u8) -> Member {
    Member {
        module: module.into(),
        asked: host.into(),
        endpoint: Endpoint {
            host: host.into(),
            port,
            address: Some([192, 0, 2, last].into()),
            source: None,
            mx_preference: None,
        },
        standing: Standing::default(),
        interval: MINUTE,
    }
}

fn lasting<T>(value: T, from: u64, to: u64) -> Option<Lasting<T>> {
    Some(Lasting { value, first: at(from), last: at(to) })
}

fn leaf(fingerprint: u128) -> Leaf {
    let not_after = i64::try_from(fingerprint * 86_400).unwrap();
    Leaf { fingerprint, names: None, key: KeyKind::Ec, not_after }
}

fn offer(keywords: &[Keyword], mechanisms: &[Mechanism]) -> Offer {
    Offer { keywords: Words::of(keywords), mechanisms: Words::of(mechanisms) }
}

impl Member {
    fn serves(mut self, leaf: Leaf) -> Self {
        self.standing.leaf = lasting(leaf, 0, 10);
        self
    }

    fn clear(mut self, offer: Offer) -> Self {
        self.standing.plain = lasting(offer, 0, 10);
        self
    }

    fn inside(mut self, offer: Offer) -> Self {
        self.standing.inside_tls = lasting(offer, 0, 10);
        self
    }

    fn preferred(mut self, preference: u16) -> Self {
        self.endpoint.mx_preference = Some(preference);
        self
    }
}

/// Each comparison that was made, and whether something differs.
fn told(members: &[Member]) -> Vec<(Compared, Across, bool)> {
    let skews = judge(members, at(10));
    skews.iter().map(|skew| (skew.what, skew.across, skew.difference.is_some())).collect()
}

const CERTIFICATES: (Compared, Across) = (Compared::Certificate, Across::Endpoints);
const CERTIFICATES_OF_PORTS: (Compared, Across) = (Compared::Certificate, Across::Ports);
const OFFERS: (Compared, Across) = (Compared::Capability, Across::Endpoints);
const OFFERS_OF_PORTS: (Compared, Across) = (Compared::Capability, Across::Ports);

fn differ(of: (Compared, Across)) -> Vec<(Compared, Across, bool)> {
    vec![(of.0, of.1, true)]
}

fn same(of: (Compared, Across)) -> Vec<(Compared, Across, bool)> {
    vec![(of.0, of.1, false)]
}

fn mx(host: &str, last: u8) -> Member {
    member("smtp", host, 25, last)
}

#[test]
fn one_endpoint_and_none_are_nothing_to_compare() {
    assert_eq!(told(&[]), []);
    assert_eq!(told(&[mx("a.test", 1).serves(leaf(1)).clear(Offer::default())]), []);
    assert_eq!(told(&[mx("a.test", 1).serves(leaf(1)), mx("a.test", 2)]), []);
}

#[test]
fn two_addresses_of_one_host_serve_one_certificate() {
    let first = mx("a.test", 1).serves(leaf(1));
    assert_eq!(told(&[first.clone(), mx("a.test", 2).serves(leaf(1))]), same(CERTIFICATES));
    let members = [first, mx("a.test", 2).serves(leaf(91))];
    assert_eq!(told(&members), differ(CERTIFICATES));
    let skew = &judge(&members, at(10))[0];
    assert_eq!(skew.spread, Duration::from_secs(90 * 86_400));
    let Difference { one, other } = skew.difference.clone().unwrap();
    assert_eq!((one.endpoint.address, other.endpoint.address), {
        (members[0].endpoint.address, members[1].endpoint.address)
    });
    assert_eq!((one.has, other.has), (Has::Certificate(leaf(1)), Has::Certificate(leaf(91))));
}

#[test]
fn exchangers_with_certificates_of_their_own_are_no_skew() {
    let named = |names| Leaf { names: Some(names), ..leaf(u128::from(names)) };
    let (mx1, mx2) = (mx("mx1.test", 1).serves(named(1)), mx("mx2.test", 2).serves(named(2)));
    assert_eq!(told(&[mx1.clone(), mx2]), []);
    // One certificate for all of them, which a node has an older version of.
    let renewed = Leaf { names: Some(1), ..leaf(5) };
    assert_eq!(told(&[mx1.clone(), mx("mx2.test", 2).serves(named(1))]), same(CERTIFICATES));
    assert_eq!(told(&[mx1, mx("mx2.test", 2).serves(renewed)]), differ(CERTIFICATES));
}

#[test]
fn an_rsa_and_an_ecdsa_certificate_are_a_pair() {
    let rsa = Leaf { key: KeyKind::Rsa, ..leaf(2) };
    let members = [mx("a.test", 1).serves(leaf(1)), mx("a.test", 2).serves(rsa)];
    assert_eq!(told(&members), []);
    let [first, second] = members;
    let third = mx("a.test", 3).serves(rsa);
    assert_eq!(told(&[first, second, third]), same(CERTIFICATES));
}

#[test]
fn ports_are_compared_at_one_address() {
    let on = |module: &str, port, last, number| {
        member(module, "a.test", port, last).serves(leaf(number))
    };
    let both = [on("smtp", 25, 1, 1), on("submission", 587, 1, 1)];
    assert_eq!(told(&both), same(CERTIFICATES_OF_PORTS));
    let left_out = [on("smtp", 25, 1, 1), on("smtps", 465, 1, 2), on("submission", 587, 1, 1)];
    assert_eq!(told(&left_out), differ(CERTIFICATES_OF_PORTS));
    // A node that differs as a whole differs across endpoints alone.
    let node = [
        on("smtp", 25, 1, 1),
        on("smtp", 25, 2, 2),
        on("submission", 587, 1, 1),
        on("submission", 587, 2, 2),
    ];
    assert_eq!(told(&node), [differ(CERTIFICATES), same(CERTIFICATES_OF_PORTS)].concat());
    // Two modules on one port see one server.
    assert_eq!(told(&[on("smtp", 25, 1, 1), on("dry_run", 25, 1, 1)]), []);
    // Another name was asked for on the other port.
    let asked = Member { asked: "mail.test".into(), ..on("submission", 587, 1, 2) };
    assert_eq!(told(&[on("smtp", 25, 1, 1), asked]), []);
}

#[test]
fn a_change_that_only_one_probe_came_after_is_no_difference_yet() {
    let mut before = mx("a.test", 1).serves(leaf(1));
    let mut after = mx("a.test", 2).serves(leaf(2));
    before.standing.leaf = lasting(leaf(1), 0, 5);
    after.standing.leaf = lasting(leaf(2), 6, 10);
    assert_eq!(told(&[before.clone(), after.clone()]), []);
    // The next probe of the first finds the old one all the same.
    before.standing.leaf = lasting(leaf(1), 0, 7);
    assert_eq!(told(&[before, after]), differ(CERTIFICATES));
}

#[test]
fn what_was_not_seen_for_three_intervals_does_not_count() {
    let members = [mx("a.test", 1).serves(leaf(1)), mx("a.test", 2).serves(leaf(2))];
    let until = at(10) + 3 * MINUTE;
    let skew = judge(&members, until);
    assert_eq!(skew.iter().map(|skew| skew.until).collect::<Vec<_>>(), [until]);
    assert_eq!(judge(&members, until + Duration::from_secs(1)), []);
    // Two that agree and are fresh outlast a third.
    let [mut first, mut second] = members;
    let third = mx("a.test", 3).serves(leaf(3));
    for fresh in [&mut first, &mut second] {
        fresh.standing.leaf = lasting(leaf(1), 0, 300);
    }
    let skews = judge(&[first, second, third], at(300));
    assert_eq!(skews.len(), 1);
    assert_eq!((&skews[0].difference, skews[0].until), (&None, at(300) + 3 * MINUTE));
}

#[test]
fn nodes_of_one_preference_offer_the_same() {
    use Keyword::{Dsn, Starttls};
    let node = |host, last, keywords: &[Keyword]| mx(host, last).clear(offer(keywords, &[]));
    let (one, two) = (node("mx1.test", 1, &[Starttls, Dsn]), node("mx2.test", 2, &[Dsn]));
    assert_eq!(told(&[one.clone(), two.clone()]), [], "hosts that stand alone");
    let (one, two) = (one.preferred(10), two.preferred(10));
    assert_eq!(told(&[one.clone(), two.clone()]), differ(OFFERS));
    let difference = judge(&[one.clone(), two.clone()], at(10)).remove(0).difference.unwrap();
    let has = |keywords: &[Keyword]| Has::Offer {
        inside_tls: false,
        keywords: keywords.to_vec(),
        mechanisms: vec![],
    };
    assert_eq!((difference.one.has, difference.other.has), (has(&[Starttls]), has(&[])));
    // A backup may be other software.
    assert_eq!(told(&[one.clone(), two.preferred(20)]), []);
    assert_eq!(told(&[one, node("mx3.test", 3, &[Dsn, Starttls]).preferred(10)]), same(OFFERS));
}

#[test]
fn channels_and_source_addresses_are_compared_each_with_itself() {
    let dsn = offer(&[Keyword::Dsn], &[]);
    let auth = offer(&[Keyword::Auth], &[Mechanism::Plain]);
    let login = offer(&[Keyword::Auth], &[Mechanism::Login]);
    let members = [mx("a.test", 1).clear(dsn), mx("a.test", 2).inside(auth)];
    assert_eq!(told(&members), []);
    let members = [mx("a.test", 1).inside(auth), mx("a.test", 2).inside(login)];
    assert_eq!(told(&members), differ(OFFERS));
    let [one, mut other] = members;
    other.endpoint.source = Some([192, 0, 2, 200].into());
    assert_eq!(told(&[one, other]), []);
}

#[test]
fn what_ports_differ_in_by_design_is_no_skew() {
    use Keyword::{Auth, Chunking, Dsn, Etrn, Size, Starttls};
    let on = |module, port, keywords: &[Keyword], mechanisms: &[Mechanism]| {
        member(module, "a.test", port, 1).inside(offer(keywords, mechanisms))
    };
    let relay = on("smtp", 25, &[Size, Dsn, Etrn, Starttls], &[]);
    let submission = on("submission", 587, &[Size, Dsn, Auth, Starttls], &[Mechanism::Plain]);
    let smtps = on("smtps", 465, &[Size, Dsn, Auth], &[Mechanism::Plain]);
    assert_eq!(told(&[relay.clone(), submission.clone(), smtps]), same(OFFERS_OF_PORTS));
    let chunking = on("smtps", 465, &[Size, Dsn, Auth, Chunking], &[Mechanism::Plain]);
    assert_eq!(told(&[relay.clone(), chunking]), differ(OFFERS_OF_PORTS));
    let login = on("smtps", 465, &[Size, Dsn, Auth], &[Mechanism::Login]);
    assert_eq!(told(&[submission, login.clone()]), differ(OFFERS_OF_PORTS));
    assert_eq!(told(&[relay, login]), same(OFFERS_OF_PORTS));
}

#[test]
fn a_thousand_endpoints_are_judged_at_once() {
    let members: Vec<Member> = (0..1024_u16)
        .map(|number| {
            let mut member = mx("a.test", (number % 256) as u8).serves(leaf(1));
            member.endpoint.port = number;
            member
        })
        .collect();
    assert_eq!(told(&members)[0], same(CERTIFICATES)[0]);
    let mut members = members;
    members[1023].standing.leaf = lasting(leaf(2), 0, 10);
    assert_eq!(told(&members)[0], differ(CERTIFICATES)[0]);
}
