//! That what is recalled is what would be found anew, and that it is bounded.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::{any, prop, proptest};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::RootCertStore;

use super::super::certificate;
use super::super::verify::Trust;
use super::*;

const NAME: &str = "mx.example.test";
const NAMES: [&str; 4] = [NAME, "other.example.test", "192.0.2.1", "2001:db8::1"];

type Years = (i32, i32);
type Issuer = CertifiedIssuer<'static, KeyPair>;
type Chain = Vec<CertificateDer<'static>>;

/// Chains with a text for what is special about each, and the roots to judge them by.
struct World {
    chains: Vec<(&'static str, Chain)>,
    /// Roots, and what is trusted as it is.
    trusts: [(Vec<CertificateDer<'static>>, HashSet<[u8; 32]>); 3],
    /// Seconds at which something begins or ends, in order.
    turns: Vec<i64>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let root = authority("root", (2000, 2090), None);
    let stranger = authority("stranger", (2000, 2090), None);
    let middle = authority("middle", (2015, 2040), Some(&root));
    let early = authority("middle", (2022, 2090), Some(&root));
    let foreign = authority("middle", (2015, 2030), Some(&stranger));
    let alone = |years, authority| {
        let mut params = params("itself", years);
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    };
    let pinned = alone((2012, 2033), true);
    let below = |issuer: &Issuer, years| vec![leaf(issuer, years), issuer.der().clone()];
    let mut spoilt = below(&middle, (2020, 2030));
    spoilt[0] = {
        let mut bytes = spoilt[0].to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        CertificateDer::from(bytes)
    };
    let chains = vec![
        ("directly below the root", vec![leaf(&root, (2020, 2030))]),
        ("a leaf that ends first", below(&middle, (2020, 2030))),
        ("an intermediate that ends first", below(&middle, (2020, 2060))),
        ("an intermediate that begins later", below(&early, (2018, 2095))),
        ("dates that never meet", below(&early, (2010, 2020))),
        ("no path", below(&foreign, (2020, 2045))),
        ("its issuer is missing", vec![leaf(&middle, (2020, 2030))]),
        ("signed by itself", vec![alone((2012, 2033), false)]),
        ("signed by itself, as an authority", vec![alone((2013, 2034), true)]),
        ("trusted as it is", vec![pinned.clone()]),
        (
            "one more that is not needed",
            [below(&middle, (2020, 2030)), vec![pinned.clone()]].concat(),
        ),
        (
            "not needed, and of another time",
            vec![leaf(&root, (2020, 2030)), alone((1960, 1975), true)],
        ),
        ("it ends as it begins", vec![leaf(&root, (2025, 2025))]),
        ("it ends before it begins", vec![leaf(&root, (2035, 2005))]),
        (
            "an intermediate that ends before it begins",
            below(&authority("odd", (2030, 2010), Some(&root)), (2020, 2040)),
        ),
        ("the whole of time", vec![leaf(&root, (1950, 9999))]),
        (
            "two paths",
            vec![leaf(&middle, (2020, 2060)), middle.der().clone(), foreign.der().clone()],
        ),
        ("a spoilt signature", spoilt),
    ];
    let read = |der: &CertificateDer<'_>| certificate::read(der).unwrap();
    let turns: BTreeSet<i64> = chains
        .iter()
        .flat_map(|(_, chain)| chain)
        .map(|der| read(der).certificate)
        .flat_map(|certificate| [certificate.not_before, certificate.not_after])
        .collect();
    let pins = HashSet::from([read(&pinned).fingerprint]);
    let trusts = [
        (vec![root.der().clone()], HashSet::new()),
        (vec![root.der().clone(), pinned], pins),
        (vec![stranger.der().clone()], HashSet::new()),
    ];
    World { chains, trusts, turns: turns.into_iter().collect() }
});

impl World {
    fn trust(&self, which: usize) -> Trust {
        let (roots, pinned) = &self.trusts[which];
        let mut store = RootCertStore::empty();
        roots.iter().for_each(|root| store.add(root.clone()).unwrap());
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        Trust::new(store, pinned.clone(), algorithms)
    }
}

fn params(common_name: &str, years: Years) -> CertificateParams {
    let names = [NAME, "192.0.2.1", "2001:db8::1"].map(String::from);
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

fn authority(common_name: &str, years: Years, above: Option<&Issuer>) -> Issuer {
    let mut params = params(common_name, years);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    match above {
        Some(above) => CertifiedIssuer::signed_by(params, key, above).unwrap(),
        None => CertifiedIssuer::self_signed(params, key).unwrap(),
    }
}

fn leaf(issuer: &Issuer, years: Years) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params("leaf", years).signed_by(&key, issuer).unwrap().der().clone()
}

fn moment(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn recalled(trust: &Trust, chain: &Chain, name: &str, now: UnixTime) -> Arc<Judged> {
    trust.judged(&chain[0], &chain[1..], &ServerName::try_from(name).unwrap(), now)
}

/// What somebody finds who remembers nothing.
fn anew(trust: &Trust, chain: &Chain, name: &str, now: UnixTime) -> Judged {
    let reads: Vec<Option<Read>> = chain.iter().map(|der| certificate::read(der)).collect();
    let name = ServerName::try_from(name).unwrap();
    let failures = trust.judge(&chain[0], reads[0].as_ref(), &chain[1..], &name, now);
    Judged {
        certificates: reads.into_iter().flatten().map(|read| read.certificate).collect(),
        failures: failures.into_iter().collect(),
    }
}

/// Whatever was asked first: at each second at which a certificate begins or ends, and right before
/// and after it, forwards and backwards.
#[test]
fn every_turn_is_seen_to_the_second() {
    let world = &*WORLD;
    let seconds = |turn: &i64| [turn - 1, *turn, turn + 1];
    let mut moments: Vec<i64> = world.turns.iter().flat_map(seconds).collect();
    moments.extend(world.turns.iter().rev().flat_map(seconds));
    let mut outcomes = HashSet::new();
    for which in 0..world.trusts.len() {
        let trust = world.trust(which);
        for (what, chain) in &world.chains {
            for seconds in &moments {
                let now = moment(*seconds);
                let found = recalled(&trust, chain, NAME, now);
                assert_eq!(
                    *found,
                    anew(&trust, chain, NAME, now),
                    "{what}, trust {which}, at {seconds}"
                );
                outcomes.insert(found.failures.clone());
            }
        }
    }
    // Or the world is too simple to tell anything.
    assert!(outcomes.len() >= 9, "{outcomes:?}");
}

proptest! {
    /// In any order of chains, names and moments.
    #[test]
    fn no_order_of_questions_changes_an_answer(
        which in 0..3_usize,
        questions in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..NAMES.len(), any::<prop::sample::Index>(), -1..=1_i64),
            1..20,
        ),
    ) {
        let trust = WORLD.trust(which);
        for (chain, name, turn, beside) in questions {
            let (what, chain) = chain.get(&WORLD.chains);
            let now = moment(turn.get(&WORLD.turns) + beside);
            let found = recalled(&trust, chain, NAMES[name], now);
            assert_eq!(*found, anew(&trust, chain, NAMES[name], now), "{what} {}", NAMES[name]);
        }
    }

    /// Dates as nobody should write them: who reads them for the span and who verifies by them must
    /// not see two different dates.
    #[test]
    fn spoilt_dates_turn_when_the_verifier_says(
        which in 0..2_usize,
        changes in prop::collection::vec((0..30_usize, "[0-9Z+.]"), 1..4),
        moments in prop::collection::vec(0..4_000_000_000_i64, 8),
    ) {
        let (_, chain) = &WORLD.chains[1];
        let mut chain = chain.clone();
        let mut bytes = chain[which].to_vec();
        // Two times, each with a tag and a length before its 13 characters.
        let at = bytes.windows(2).position(|two| two == [0x17, 13]).unwrap();
        for (place, character) in changes.iter().filter(|(place, _)| place % 15 > 1) {
            bytes[at + place] = character.as_bytes()[0];
        }
        let turns = certificate::read(&bytes).map(|read| read.certificate);
        let turns = turns.map_or(vec![], |read| vec![read.not_before, read.not_after]);
        chain[which] = bytes.into();
        let trust = WORLD.trust(0);
        let beside = |turn: i64| [turn, turn - 1, turn + 1, turn - 3600, turn + 3600];
        for seconds in turns.into_iter().flat_map(beside).chain(moments) {
            let now = moment(seconds);
            assert_eq!(*recalled(&trust, &chain, NAME, now), anew(&trust, &chain, NAME, now));
        }
    }

    /// Dates in both forms of writing that certificates have, on any second.
    #[test]
    fn any_dates_turn_at_their_second(from in 0..253_000_000_000_i64, lasts in 0..200_000_000_i64) {
        let date = |seconds| date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap());
        let mut params = params("itself", (2000, 2001));
        (params.not_before, params.not_after) = (date(from), date(from + lasts));
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let chain = vec![made.der().clone()];
        let trust = WORLD.trust(0);
        for turn in [from, from + lasts] {
            for beside in [0, -1, 1, 0] {
                let now = moment(turn + beside);
                assert_eq!(*recalled(&trust, &chain, NAME, now), anew(&trust, &chain, NAME, now));
            }
        }
    }
}

#[test]
fn a_known_chain_is_shared_and_not_judged_again() {
    let trust = WORLD.trust(0);
    let (at, later) = (moment(1_750_000_000), moment(1_760_000_000));
    for (what, chain) in &WORLD.chains {
        let first = recalled(&trust, chain, NAME, at);
        assert!(Arc::ptr_eq(&first, &recalled(&trust, chain, NAME, later)), "{what}");
        let other = recalled(&trust, chain, NAMES[1], at);
        assert!(!Arc::ptr_eq(&first, &other), "{what}");
        assert!(other.failures.contains(&VerifyFailure::NameMismatch), "{what}");
        // What other roots say is another matter.
        let elsewhere = recalled(&WORLD.trust(0), chain, NAME, at);
        assert!(!Arc::ptr_eq(&first, &elsewhere) && first == elsewhere, "{what}");
    }
}

#[test]
fn what_is_not_read_whole_is_not_kept() {
    let trust = WORLD.trust(0);
    let (_, chain) = &WORLD.chains[0];
    let now = moment(1_750_000_000);
    let kept = |chain: &Chain, now| {
        let two = [0, 1].map(|_| recalled(&trust, chain, NAME, now));
        assert_eq!(two[0], two[1]);
        Arc::ptr_eq(&two[0], &two[1])
    };
    let with = |count: usize| [vec![chain[0].clone(); 1], vec![chain[0].clone(); count]].concat();
    assert!(kept(&with(19), now) && !kept(&with(20), now));
    let garbage = CertificateDer::from(vec![0x30, 0x03, 1, 2, 3]);
    assert!(!kept(&vec![chain[0].clone(), garbage.clone()], now));
    assert!(!kept(&vec![garbage], now));
    // Past the end of all calendars the library's comparisons are other ones.
    assert!(!kept(chain, UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX))));
}

#[test]
fn keys_tell_apart_where_one_part_ends() {
    let ders = |parts: &[&[u8]]| -> Chain { parts.iter().map(|p| p.to_vec().into()).collect() };
    let key = |parts: &[&[u8]], name: &str| {
        let chain = ders(parts);
        Key::of(&chain[0], &chain[1..], &ServerName::try_from(name).unwrap()).unwrap()
    };
    let keys = [
        key(&[b"ab", b"c"], NAME),
        key(&[b"a", b"bc"], NAME),
        key(&[b"abc"], NAME),
        key(&[b"abc", b""], NAME),
        key(&[b"c", b"ab"], NAME),
        key(&[b"ab", b"c"], "x.example.test"),
        key(&[b"ab", b"c"], "192.0.2.1"),
    ];
    let different: HashSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    assert_eq!(keys[0], key(&[b"ab", b"c"], NAME));
}

/// As large as a certificate gets, in a chain of so many.
fn hostile(count: usize) -> Judged {
    let text = |length| "x".repeat(length);
    let certificate = Certificate {
        fingerprint_sha256: text(64),
        serial: text(64),
        subject: text(128),
        issuer: text(128),
        key: text(32),
        names: (0..100).map(|_| text(255)).collect(),
        not_before: 0,
        not_after: 1,
    };
    Judged { certificates: vec![certificate; count].into(), failures: Box::default() }
}

fn key(number: u32) -> Key {
    let der = CertificateDer::from(number.to_be_bytes().to_vec());
    Key::of(&der, &[], &ServerName::try_from(NAME).unwrap()).unwrap()
}

const ALWAYS: Span = Span { from: i64::MIN, to: i64::MAX };

/// Bytes held, counted from the front.
fn held(memory: &Memory) -> usize {
    let generations = memory.generations.lock().unwrap();
    let Generations { young, old } = &*generations;
    for generation in [young, old] {
        let counted: usize = generation.entries.values().map(Held::bytes).sum();
        assert_eq!(counted, generation.bytes);
        assert!(counted <= memory.half);
    }
    young.bytes + old.bytes
}

#[test]
fn thousands_of_hostile_chains_stay_below_the_bound() {
    let memory = Memory::new(4 << 20);
    let mut most = 0;
    for number in 0..3000 {
        memory.keep(key(number), hostile(1 + number as usize % 3), ALWAYS);
        // Some are asked for again, so that they wander.
        memory.recall(&key(number.saturating_sub(number % 100)), moment(0));
        if number % 10 == 0 {
            most = most.max(held(&memory));
        }
    }
    assert!((3 << 20..=4 << 20).contains(&most), "{most}");
    // One that takes more than half is not kept, and throws nothing out.
    let before = held(&memory);
    memory.keep(key(5000), hostile(100), ALWAYS);
    assert!(memory.recall(&key(5000), moment(0)).is_none());
    assert_eq!(held(&memory), before);
}

#[test]
fn what_is_asked_for_stays_and_the_rest_goes() {
    let one = Held { judged: Arc::new(hostile(1)), span: ALWAYS }.bytes();
    // Ten in each generation.
    let memory = Memory::new(20 * one);
    memory.keep(key(0), hostile(1), ALWAYS);
    for number in 1..100 {
        memory.keep(key(number), hostile(1), ALWAYS);
        assert!(memory.recall(&key(0), moment(0)).is_some(), "after {number}");
        assert!(held(&memory) <= 20 * one);
    }
    let known = |number| memory.recall(&key(number), moment(0)).is_some();
    assert!(!known(1) && !known(79) && known(99));
    // As many as fit into one generation are never dropped, however often they are asked for.
    let memory = Memory::new(20 * one);
    (0..10).for_each(|number| drop(memory.keep(key(number), hostile(1), ALWAYS)));
    (0..1000).for_each(|turn| assert!(memory.recall(&key(turn % 10), moment(0)).is_some()));
}

#[test]
fn of_two_who_judged_at_once_the_first_is_kept() {
    let memory = Memory::new(1 << 20);
    let first = memory.keep(key(0), hostile(1), ALWAYS);
    let second = memory.keep(key(0), hostile(1), ALWAYS);
    assert!(Arc::ptr_eq(&first, &second));
    // Of another time is another outcome.
    let later = memory.keep(key(0), hostile(2), Span { from: 7, to: 9 });
    assert_eq!(later.certificates.len(), 2);
    assert!(Arc::ptr_eq(&later, &memory.recall(&key(0), moment(8)).unwrap()));
    assert!(
        memory.recall(&key(0), moment(10)).is_none() && memory.recall(&key(0), moment(6)).is_none()
    );
    assert_eq!(held(&memory), Held { judged: later, span: ALWAYS }.bytes());
}

#[test]
fn many_threads_see_the_same() {
    let trust = WORLD.trust(1);
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let trust = &trust;
            scope.spawn(move || {
                for turn in 0..60 {
                    let (what, chain) = &WORLD.chains[(thread * 5 + turn) % WORLD.chains.len()];
                    let now = moment(WORLD.turns[(thread + turn) % WORLD.turns.len()]);
                    assert_eq!(
                        *recalled(trust, chain, NAME, now),
                        anew(trust, chain, NAME, now),
                        "{what}"
                    );
                }
            });
        }
    });
}
