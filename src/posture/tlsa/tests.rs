use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PublicKeyData as _, date_time_ymd,
};

use super::*;
use crate::posture::Area;

const HOST: &str = "mx.example.test";
/// The middle of 2025.
const NOW: u64 = 1_750_000_000;
const NAMES: &[&str] = &[HOST, "example.test"];

/// A server's chain: leaf, intermediate, root.
struct Chain {
    der: Vec<Vec<u8>>,
}

impl Chain {
    fn new() -> Self {
        Self::of(&[HOST], (2020, 2030))
    }

    fn of(names: &[&str], years: (i32, i32)) -> Self {
        let authority = |name: &str| {
            let mut params = params(name, &[], (2000, 2090));
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
        let middle = CertifiedIssuer::signed_by(authority("middle"), key(), &root).unwrap();
        let leaf = params("leaf", names, years).signed_by(&key(), &middle).unwrap();
        Self { der: vec![leaf.der().to_vec(), middle.der().to_vec(), root.der().to_vec()] }
    }

    fn shown(&self) -> Vec<Shown<'_>> {
        self.der.iter().map(|der| Shown::read(der).unwrap()).collect()
    }

    /// The record of the certificate at a place.
    fn record(&self, place: usize, usage: u8, selector: u8, matching: u8) -> Record {
        let shown = self.shown()[place];
        let whole = if selector == 0 { shown.der } else { shown.spki };
        let data = match matching {
            0 => whole.to_vec(),
            1 => Sha256::digest(whole).to_vec(),
            _ => Sha512::digest(whole).to_vec(),
        };
        Record { usage, selector, matching, data }
    }
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn params(common_name: &str, names: &[&str], years: (i32, i32)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| String::from(*name)).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

fn secure(records: &[&Record]) -> Answer {
    Answer {
        outcome: Outcome::Found(records.iter().map(|r| Data::Tlsa((*r).clone())).collect()),
        proof: Proof::Secure,
        ttl: Some(Duration::from_secs(3600)),
        canonical: None,
    }
}

/// The facts, and the problems in order.
fn judged(answer: &Answer, chain: &[Shown<'_>], names: &[&str]) -> (DaneFacts, Vec<Problem>) {
    let seen = Seen { starttls: Some(true), chain, now: NOW };
    let mut findings = Vec::new();
    let facts = judge(&HOST.into(), names, answer, Some(seen), &mut findings);
    for finding in &findings {
        assert_eq!((finding.problem.area(), &finding.on), (Area::Dane, &On::Mx(HOST.into())));
        assert!(!finding.detail.is_empty() && finding.detail.len() <= 512, "{finding:?}");
    }
    (facts, findings.into_iter().map(|finding| finding.problem).collect())
}

#[test]
fn every_usage_selector_and_matching_type_finds_its_certificate() {
    let chain = Chain::new();
    let other = Chain::new();
    for usage in [2, 3] {
        for selector in [0, 1] {
            for matching in [0, 1, 2] {
                for place in [0, 1, 2] {
                    let record = chain.record(place, usage, selector, matching);
                    let (facts, _) = judged(&secure(&[&record]), &chain.shown(), NAMES);
                    // An end entity stands at the chain's beginning and an authority above it.
                    let expected = if usage == 3 { place == 0 } else { place > 0 };
                    assert_eq!(facts.matched, Some(expected), "{record} at {place}");
                    assert_eq!((facts.usable, facts.status), (1, Some(DaneStatus::Secure)));
                    let strange = other.record(place, usage, selector, matching);
                    let (facts, problems) = judged(&secure(&[&strange]), &chain.shown(), NAMES);
                    assert_eq!(facts.matched, Some(false), "{strange}");
                    assert_eq!(problems, [Problem::DaneMismatch]);
                }
            }
        }
    }
}

#[test]
fn an_end_entity_may_be_out_of_date_and_for_another_name() {
    let chain = Chain::of(&["other.test"], (2001, 2002));
    let record = chain.record(0, 3, 1, 1);
    assert_eq!(judged(&secure(&[&record]), &chain.shown(), NAMES).0.matched, Some(true));
}

#[test]
fn under_an_authority_names_and_dates_and_signatures_count() {
    let late = Chain::of(&[HOST], (2001, 2002));
    let strange = Chain::of(&["other.test"], (2020, 2030));
    let domains = Chain::of(&["example.test"], (2020, 2030));
    let good = Chain::new();
    let mut forged = Chain::new();
    forged.der[0] = Chain::new().der[0].clone();
    for (chain, matched) in
        [(&late, false), (&strange, false), (&domains, true), (&good, true), (&forged, false)]
    {
        let record = chain.record(1, 2, 1, 1);
        let (facts, problems) = judged(&secure(&[&record]), &chain.shown(), NAMES);
        assert_eq!(facts.matched, Some(matched));
        assert_eq!(problems.contains(&Problem::DaneMismatch), !matched);
    }
    // A certificate without DNS names is known by its common name.
    let mut bare = params(HOST, &[], (2020, 2030));
    let mut root = params("root", &[], (2000, 2090));
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, key()).unwrap();
    bare.subject_alt_names.clear();
    let leaf = bare.signed_by(&key(), &root).unwrap();
    let chain = Chain { der: vec![leaf.der().to_vec(), root.der().to_vec()] };
    let record = chain.record(1, 2, 0, 1);
    assert_eq!(judged(&secure(&[&record]), &chain.shown(), NAMES).0.matched, Some(true));
    assert_eq!(judged(&secure(&[&record]), &chain.shown(), &["a.test"]).0.matched, Some(false));
}

#[test]
fn an_authority_in_the_record_may_be_left_out_of_the_chain() {
    let chain = Chain::new();
    let served = &chain.shown()[..2];
    for (selector, matching, matched) in [(0, 0, true), (1, 0, true), (0, 1, false), (1, 1, false)]
    {
        let record = chain.record(2, 2, selector, matching);
        let (facts, _) = judged(&secure(&[&record]), served, NAMES);
        assert_eq!(facts.matched, Some(matched), "{record}");
    }
    // One that signed nothing of it is a spare beside the one that did.
    let (used, next) = (chain.record(1, 2, 1, 0), Chain::new().record(1, 2, 1, 0));
    let (facts, problems) = judged(&secure(&[&used, &next]), served, NAMES);
    assert_eq!((facts.matched, facts.spare), (Some(true), Some(true)));
    assert_eq!(problems, []);
}

#[test]
fn any_match_is_enough_and_a_spare_is_told() {
    let chain = Chain::new();
    let now = chain.record(0, 3, 1, 1);
    let next = Chain::new().record(0, 3, 1, 1);
    let (facts, problems) = judged(&secure(&[&next, &now]), &chain.shown(), NAMES);
    assert_eq!((facts.matched, facts.spare), (Some(true), Some(true)));
    assert_eq!((problems, facts.ttl), (vec![], Some(Duration::from_secs(3600))));
    // The same key twice, by two digests, is no spare; a key and its authority help each other.
    let twice = secure(&[&now, &chain.record(0, 3, 0, 2)]);
    let (facts, problems) = judged(&twice, &chain.shown(), NAMES);
    assert_eq!((facts.spare, problems), (Some(false), vec![Problem::DaneNoSpare]));
    let both = secure(&[&now, &chain.record(1, 2, 1, 1)]);
    let (facts, problems) = judged(&both, &chain.shown(), NAMES);
    assert_eq!((facts.spare, problems), (Some(false), vec![]));
}

/// Every problem of the area, each produced by what stands beside it and by nothing else.
#[test]
fn every_problem_of_the_area_is_found_once() {
    let chain = Chain::new();
    let shown = chain.shown();
    let good = chain.record(0, 3, 1, 1);
    let spare = Chain::new().record(0, 3, 1, 1);
    let of = |outcome, proof| Answer { proof, ..Answer::new(outcome) };
    let found = |records: &[&Record], proof| Answer { proof, ..secure(records) };
    // A few hours ago, as the authority says.
    let began = 1_577_836_800;
    let mut made = Vec::new();
    for &problem in Problem::ALL.iter().filter(|problem| problem.area() == Area::Dane) {
        let mut seen = Seen { starttls: Some(true), chain: &shown, now: NOW };
        let answer = match problem {
            Problem::DaneBogus => of(Outcome::Failed(Trouble::Bogus), Proof::Bogus),
            Problem::DaneLookupFailed => {
                of(Outcome::Failed(Trouble::Servfail), Proof::Indeterminate)
            }
            Problem::DaneInsecure => found(&[&good], Proof::Insecure),
            Problem::DaneMismatch => secure(&[&spare]),
            Problem::DaneNoStarttls => {
                seen = Seen { starttls: Some(false), chain: &[], now: NOW };
                secure(&[&good, &spare])
            }
            Problem::DaneUnusableUsage => secure(&[&good, &spare, &chain.record(0, 1, 1, 1)]),
            Problem::DaneMalformed => {
                let short = Record { data: vec![1; 31], ..good.clone() };
                secure(&[&good, &spare, &short])
            }
            Problem::DaneNoSpare => secure(&[&good]),
            Problem::DaneCertificateTooYoung => {
                seen.now = began + 1800;
                secure(&[&good, &spare])
            }
            other => panic!("{other} has no example"),
        };
        let mut findings = Vec::new();
        judge(&HOST.into(), NAMES, &answer, Some(seen), &mut findings);
        let problems: Vec<Problem> = findings.iter().map(|finding| finding.problem).collect();
        assert_eq!(problems, [problem]);
        made.push(problem);
    }
    assert_eq!(made.len(), 9);
}

#[test]
fn what_no_record_can_be_is_malformed() {
    let chain = Chain::new();
    let with =
        |usage, selector, matching, data: Vec<u8>| Record { usage, selector, matching, data };
    for record in [
        with(4, 1, 1, vec![0; 32]),
        with(255, 1, 1, vec![0; 32]),
        with(3, 2, 1, vec![0; 32]),
        with(3, 1, 3, vec![0; 32]),
        with(3, 1, 1, vec![]),
        with(2, 0, 2, vec![0; 32]),
        with(3, 0, 0, b"no certificate".to_vec()),
        with(3, 1, 0, vec![0x30]),
        with(1, 1, 1, vec![0; 33]),
    ] {
        let (facts, problems) = judged(&secure(&[&record]), &chain.shown(), NAMES);
        assert_eq!(problems, [Problem::DaneMalformed], "{record}");
        assert_eq!((facts.usable, facts.matched, facts.records.len()), (0, None, 1));
    }
    for usage in [0, 1] {
        let record = chain.record(0, usage, 1, 1);
        let (facts, problems) = judged(&secure(&[&record]), &chain.shown(), NAMES);
        assert_eq!(problems, [Problem::DaneUnusableUsage]);
        assert_eq!((facts.usable, facts.matched, facts.spare), (0, None, None));
    }
}

#[test]
fn what_was_not_seen_is_not_judged() {
    let chain = Chain::new();
    let record = chain.record(0, 3, 1, 1);
    let answer = secure(&[&record]);
    let mut findings = Vec::new();
    let facts = judge(&HOST.into(), NAMES, &answer, None, &mut findings);
    assert_eq!((facts.matched, facts.spare, facts.usable), (None, None, 1));
    let broken = Seen { starttls: Some(true), chain: &[], now: NOW };
    let facts = judge(&HOST.into(), NAMES, &answer, Some(broken), &mut findings);
    assert_eq!((facts.matched, findings.len()), (None, 0));
    // Our own trouble, and a resolver without DNSSEC, say nothing.
    for (outcome, proof, status) in [
        (Outcome::Failed(Trouble::Ours), Proof::Indeterminate, None),
        (answer.outcome.clone(), Proof::Indeterminate, None),
        (Outcome::NoData, Proof::Indeterminate, None),
        (Outcome::NoData, Proof::Secure, Some(DaneStatus::None)),
        (Outcome::NoName, Proof::Insecure, Some(DaneStatus::None)),
        (Outcome::Failed(Trouble::Timeout), Proof::Indeterminate, Some(DaneStatus::Failed)),
    ] {
        let answer = Answer { proof, ..Answer::new(outcome) };
        assert_eq!(judged(&answer, &chain.shown(), NAMES).0.status, status, "{answer:?}");
    }
}

#[test]
fn a_name_is_asked_for_by_port() {
    assert_eq!(name(25, HOST), "_25._tcp.mx.example.test");
}

#[test]
fn thousands_of_records_and_odd_keys_are_bounded() {
    let chain = Chain::new();
    let many: Vec<Record> = (0..4000_u32)
        .map(|n| Record { usage: 2, selector: 1, matching: 1, data: n.to_be_bytes().repeat(8) })
        .collect();
    let (facts, problems) =
        judged(&secure(&many.iter().collect::<Vec<_>>()), &chain.shown(), NAMES);
    assert_eq!((facts.records.len(), facts.matched), (MAX_RECORDS, Some(false)));
    assert_eq!(problems, [Problem::DaneMismatch]);
    // A key that is none of an authority's: nothing holds under it, and nothing panics.
    let odd = Record { usage: 2, selector: 1, matching: 0, data: key().subject_public_key_info() };
    assert_eq!(judged(&secure(&[&odd]), &chain.shown(), NAMES).0.matched, Some(false));
}
