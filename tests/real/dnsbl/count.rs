//! How many questions leave us, by the servers' own logs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{asked, questions};
use crate::support::{Bed, Exporter, head, keep, wait_for};

/// When each question came, in seconds, with its name and type, in the order of rbldnsd's log.
fn timed(bed: &Bed) -> Vec<(u64, String, String)> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.first()?.parse().ok()?;
        Some((at, words.get(2)?.trim_end_matches('.').to_owned(), (*words.get(3)?).to_owned()))
    };
    bed.log().lines().filter_map(line).collect()
}

#[test]
fn each_pair_is_asked_once_an_interval_and_who_refuses_once() {
    const LISTS: usize = 10;
    const INTERVAL: u64 = 32;
    let zones: Vec<String> = (0..LISTS).map(|n| format!("list{n}.test")).collect();
    let listed = ["198.51.100.10", "198.51.100.20", "198.51.100.30", "198.51.100.40"];
    let mut rbldnsd = Bed::of("rbldnsd")
        .with("TTL", "1")
        .line(format!("@ ip4set {}", zones.join(" ")))
        .line(":127.0.0.2:Listed: $")
        .line("127.0.0.2");
    for subject in listed {
        rbldnsd = rbldnsd.line(subject);
    }
    let rbldnsd = rbldnsd.start("dnsbl-count", &[53]);
    let bind = Bed::of("bind").line("@ zone.test").start("dnsbl-count", &[53]);
    let mut config = format!(
        "{}dnsbl:
  interval: {INTERVAL}s
  health_interval: 1h
  timeout: 5s
  servers: [{}]
  # One hundred addresses.
  subjects: [198.51.100.0/26, 198.51.100.64/27, 198.51.100.96/30]
  lists:
    - {{zone: rcode.test, subjects: [ip4], servers: [{}]}}
",
        head(""),
        rbldnsd.address,
        bind.address
    );
    for zone in &zones {
        config.push_str(&format!("    - {{zone: {zone}, subjects: [ip4]}}\n"));
    }
    let exporter = Exporter::start_with("dnsbl-count", &config);

    let is_point = |name: &str| name.contains(".0.0.127.");
    let pairs = |log: &[(u64, String, String)]| -> BTreeMap<String, Vec<u64>> {
        let mut pairs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (at, name, kind) in log {
            if kind == "A" && !is_point(name) {
                pairs.entry(name.clone()).or_default().push(*at);
            }
        }
        pairs
    };
    let log = wait_for(
        Duration::from_secs(3 * INTERVAL),
        || {
            let log = timed(&rbldnsd);
            let pairs = pairs(&log);
            let twice = pairs.values().filter(|times| times.len() >= 2).count();
            (twice == 100 * LISTS).then_some(log)
        },
        || format!("{:?}\n{}", pairs(&timed(&rbldnsd)), exporter.log()),
    );
    let first = log[0].0;
    let last = log.last().unwrap().0;
    for (name, times) in pairs(&log) {
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            assert!((INTERVAL - 2..=INTERVAL + 2).contains(&gap), "{name} after {gap} s");
        }
        let begun = 1 + (last - first) / INTERVAL;
        assert!(times.len() as u64 <= begun + 1, "{name} {} times", times.len());
    }

    // The reason is asked for what is listed, once for each time it was seen to be, and only then.
    let count = |kind: &str, wanted: &dyn Fn(&str) -> bool| {
        log.iter().filter(|(_, name, of)| of == kind && wanted(name)).count()
    };
    let is_listed = |name: &str| {
        listed.iter().any(|subject| {
            let mut octets: Vec<&str> = subject.split('.').collect();
            octets.reverse();
            name.starts_with(&format!("{}.list", octets.join(".")))
        })
    };
    let (texts, of_listed) = (count("TXT", &|_| true), count("A", &is_listed));
    assert_eq!(count("TXT", &|name| !is_listed(name)), 0, "TXT of what is clean");
    // The log may end between an address and its reason.
    assert!(of_listed.abs_diff(texts) <= 1, "{of_listed} listings, {texts} reasons");
    let points = count("A", &is_point);
    assert_eq!(points, 2 * LISTS, "two test points for each list, once an hour");
    let others = log.iter().filter(|(_, _, kind)| kind != "A" && kind != "TXT").count();
    assert_eq!(others, 0, "addresses and reasons are all that is asked for");

    // Spread out: at most five a second to one operator, and no second has a crowd.
    let mut seconds: BTreeMap<(u64, &str), usize> = BTreeMap::new();
    let mut all: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, name, _) in &log {
        let zone = &name[name.find("list").unwrap()..];
        *seconds.entry((*at, zone)).or_default() += 1;
        *all.entry(*at).or_default() += 1;
    }
    let busiest = seconds.values().max().unwrap();
    assert!(*busiest <= 6, "{busiest} in a second to one operator");

    // One REFUSED, and that server is left alone: 100 subjects, two intervals, one question.
    assert_eq!(questions(&bind, "A", "rcode.test"), 1, "{}", bind.log());
    assert_eq!(asked(&bind).len(), 1, "{}", bind.log());
    let scrape = exporter.scrape();
    let refused = [("list", "rcode.test"), ("reason", "refused")];
    assert_eq!(scrape.sum("smtp_dnsbl_query_failure", &refused), 100.0);

    // What the exporter counts is what the servers count, but for those under way: one an operator.
    let at_server = || questions(&rbldnsd, "A", "") + asked(&bind).len();
    let before = at_server();
    let told = exporter.scrape().sum("smtp_dnsbl_queries_total", &[]) as usize;
    let after = at_server();
    assert!(before <= told + LISTS && told <= after, "{before}, {told} told, {after}");
    keep(
        "dnsbl-questions.txt",
        &format!(
            "100 subjects on {LISTS} lists every {INTERVAL} s, counted at rbldnsd in {} s:\n\
             {} questions for addresses, {points} of them for test points\n\
             {texts} for reasons, {of_listed} answers being listings\n\
             {} in the busiest second, {busiest} to one operator\n\
             1 to the list that refuses, which 100 subjects are looked up on\n",
            last - first,
            count("A", &|_| true),
            all.values().max().unwrap(),
        ),
    );
    exporter.stop();
}
