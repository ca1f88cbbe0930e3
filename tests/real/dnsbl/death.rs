//! A list dies while it is asked, and comes back.

use std::time::Duration;

use super::{asked, state};
use crate::support::{Bed, Exporter, Scrape, head, wait_for};

#[test]
fn a_list_that_dies_is_neither_clean_nor_anybody_elses_matter() {
    let list = |zones: &str| {
        Bed::of("rbldnsd")
            .with("TTL", "1")
            .line(format!("@ ip4set {zones}"))
            .line(":127.0.0.2:Listed: $")
            .line("127.0.0.2")
            .line("192.0.2.25")
    };
    let mut victim = list("direct.test through.test").start("dnsbl-dies", &[53]);
    let other = list("other.test").start("dnsbl-lives", &[53]);
    let unbound = Bed::of("unbound")
        .line(format!("through.test {}", victim.address))
        .start("dnsbl-dies", &[53]);
    let exporter = Exporter::start_with(
        "dnsbl-dies",
        &format!(
            "{}dnsbl:
  interval: 1s
  listed_interval: 1s
  health_interval: 1s
  timeout: 3s
  servers: [{}]
  subjects: [192.0.2.25, 192.0.2.26]
  lists:
    - {{zone: direct.test, subjects: [ip4], servers: [{}]}}
    - {{zone: through.test, subjects: [ip4]}}
    - {{zone: other.test, subjects: [ip4], servers: [{}]}}
",
            head(""),
            unbound.address,
            victim.address,
            other.address
        ),
    );
    let lists = ["direct.test", "through.test", "other.test"];
    let states = |scrape: &Scrape| -> Vec<[String; 2]> {
        let of = |list| ["192.0.2.25", "192.0.2.26"].map(|subject| state(scrape, list, subject));
        lists.map(of).to_vec()
    };
    let health = |scrape: &Scrape| {
        lists.map(|list| scrape.value("smtp_dnsbl_list_healthy", &[("list", list)]))
    };
    // Until all is as it should be; meanwhile nothing may be told that is wrong.
    let until = |lives: bool| {
        wait_for(
            Duration::from_secs(60),
            || {
                let scrape = exporter.scrape();
                let [direct, through, other] = states(&scrape).try_into().unwrap();
                for [listed, clean] in [&direct, &through, &other] {
                    assert!(listed != "clean" && clean != "listed", "{}", exporter.log());
                }
                let well = ["listed", "clean"];
                let healthy = if lives { Some(1.0) } else { None };
                // A resolver that has not given up yet is silent.
                let gone = |state: &String| ["timeout", "servfail"].contains(&state.as_str());
                let as_it_should_be = match lives {
                    true => direct == well && through == well,
                    false => direct == ["timeout"; 2] && through.iter().all(gone),
                };
                (as_it_should_be
                    && other == well
                    && health(&scrape) == [healthy, healthy, Some(1.0)])
                .then_some(scrape)
            },
            || {
                let scrape = exporter.scrape();
                format!("{:?} {:?}\n{}", states(&scrape), health(&scrape), exporter.log())
            },
        )
    };
    until(true);

    victim.kill();
    let scrape = until(false);
    let asked_of_other = [("list", "other.test")];
    let so_far = scrape.sum("smtp_dnsbl_queries_total", &asked_of_other);

    let victim = list("direct.test through.test").at(victim.address).start("dnsbl-heals", &[53]);
    let scrape = until(true);
    let after = scrape.sum("smtp_dnsbl_queries_total", &asked_of_other);
    assert!(after > so_far, "the list that lives was asked on: {so_far}, then {after}");
    assert!(!asked(&victim).is_empty());
    // That it could not be told is neither a delisting nor, afterwards, a new listing.
    let log = exporter.log();
    assert_eq!(log.matches("\"subject is listed\"").count(), 3, "{log}");
    assert_eq!(log.matches("no longer listed").count(), 0, "{log}");
    exporter.stop();
}
