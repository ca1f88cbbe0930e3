//! Block lists: the names that are asked for, and what answers mean.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use smtp_exporter::dnsbl::query::name;
use smtp_exporter::dnsbl::{
    Codes, Kind, List, Operator, Reply, Subject, SubjectKind, Verdict, Zone, judge,
};

/// Names for the subjects of a mail server.
pub(super) fn names(criterion: &mut Criterion) {
    let subjects = [
        Subject::Address(IpAddr::from([192, 0, 2, 25])),
        Subject::Address("2001:db8::25".parse().unwrap()),
        Subject::Domain("mail.example.net".into()),
    ];
    let zone = Zone::Public("blocked.lists.test".into());
    let mut group = criterion.benchmark_group("dnsbl names");
    group.throughput(Throughput::Elements(subjects.len() as u64));
    group.bench_function("an address of each family and a domain", |bencher| {
        bencher.iter(|| {
            for subject in &subjects {
                black_box(name(black_box(subject), &zone));
            }
        });
    });
    group.finish();
}

/// Answers: clean, listed with one code and with many, refused, and rewritten.
pub(super) fn judging(criterion: &mut Criterion) {
    let list = list();
    let hour = Duration::from_secs(3600);
    let many: Vec<Ipv4Addr> = (2..=255).map(|last| Ipv4Addr::new(127, 0, 0, last)).collect();
    let answered = |addresses: &[Ipv4Addr]| Reply::Addresses(addresses.to_vec(), hour);
    let mut group = criterion.benchmark_group("dnsbl judge");
    for (name, reply, listed) in [
        ("clean", Reply::Nothing(hour), false),
        ("one code", answered(&[Ipv4Addr::new(127, 0, 0, 2)]), true),
        ("254 codes", answered(&many), true),
        ("rewritten", answered(&[Ipv4Addr::new(192, 0, 2, 1)]), false),
        ("refused", Reply::Refused, false),
    ] {
        assert_eq!(matches!(judge(&list, &reply), Verdict::Listed(..)), listed, "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(judge(&list, black_box(&reply))));
        });
    }
    group.finish();
}

fn list() -> List {
    let name: Arc<str> = "blocked.lists.test".into();
    List {
        zone: Zone::Public(name.clone()),
        kind: Kind::Block,
        subjects: SubjectKind::ALL.to_vec(),
        codes: Codes::Any,
        refusals: Vec::new(),
        operator: Arc::new(Operator { name: name.clone(), min_gap: Duration::ZERO }),
        delisting: None,
        servers: Vec::new(),
        has_test_points: false,
        name,
    }
}
