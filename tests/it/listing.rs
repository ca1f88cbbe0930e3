//! What `/metrics` says of DNS lists: each state, its labels, and the most series.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use expect_test::expect_file;
use smtp_exporter::dnsbl::{
    Code, Codes, Kind, List, Operator, Reason, Subject, SubjectKind, Verdict, Zone,
};
use smtp_exporter::metrics::Format;
use smtp_exporter::metrics::catalogue::{
    CATALOGUE, MAX_RETURN_CODES, Scope, scope_series, worst_case_listing_series,
};
use smtp_exporter::metrics::listing::Text;
use smtp_exporter::metrics::write::Writer;
use smtp_exporter::observation::{Health, Lookup};
use smtp_exporter::store::{ListView, ListingView};

use crate::support::exposition::Exposition;
use crate::support::seen::at;

fn list(name: &str, kind: Kind) -> Arc<List> {
    Arc::new(List {
        name: name.into(),
        zone: Zone::Public(name.into()),
        kind,
        subjects: SubjectKind::ALL.to_vec(),
        codes: Codes::Any,
        refusals: Vec::new(),
        operator: Arc::new(Operator { name: "example".into(), min_gap: Duration::ZERO }),
        delisting: None,
        servers: Vec::new(),
        has_test_points: true,
    })
}

fn lookup(list: &Arc<List>, subject: &Subject, verdict: Verdict, ended: SystemTime) -> Lookup {
    Lookup {
        list: list.clone(),
        subject: subject.clone(),
        ended,
        duration: Some(Duration::from_millis(12)),
        verdict,
        reasons: vec!["see https://list.example/lookup\"\\".to_owned()],
        good_until: ended + Duration::from_secs(300),
    }
}

/// A view whose last look-up ended so at 60; `told` is what ended before, at 10.
fn view(list: &Arc<List>, subject: &str, told: Option<Verdict>, last: Verdict) -> Arc<ListingView> {
    let subject =
        subject.parse().map_or_else(|_| Subject::Domain(subject.into()), Subject::Address);
    let unknown = matches!(last, Verdict::Unknown(..));
    let seen = Arc::new(lookup(list, &subject, last, at(60)));
    let told = told.map(|verdict| Arc::new(lookup(list, &subject, verdict, at(10))));
    Arc::new(ListingView {
        list: list.clone(),
        subject,
        labels: Arc::new([("team".to_owned(), "mail".to_owned())].into()),
        since: told.as_ref().map(|_| at(10)),
        last: Some(seen.clone()),
        last_told: if unknown { told } else { Some(seen) },
        next: Some(at(120)),
    })
}

fn code(last: u8, meaning: &str) -> Code {
    Code { address: [127, 0, 0, last].into(), meaning: meaning.into() }
}

pub(crate) fn text(lists: Vec<Arc<ListView>>, listings: Vec<Arc<ListingView>>) -> String {
    let known = Text::new(lists, listings);
    let mut writer = Writer::new(Format::Text);
    for def in CATALOGUE {
        writer.begin(def);
        for item in 0.. {
            let found = match def.scope {
                Scope::List => known.record_list(def.family, item, at(70), &mut writer),
                Scope::Listing => known.record_listing(def.family, item, &mut writer),
                _ => None,
            };
            if found.is_none() {
                break;
            }
        }
    }
    String::from_utf8(writer.finish().to_vec()).unwrap()
}

fn list_view(list: &Arc<List>, healthy: Option<bool>, paused: Option<u64>) -> Arc<ListView> {
    let health = Health { ended: at(5), healthy, detail: "127.0.0.1 is listed".to_owned() };
    Arc::new(ListView {
        list: list.clone(),
        health: Some(health),
        paused_until: paused.map(at),
        queries: [1, 2, 3, 4, 5],
        buckets: [1; 12],
        seconds: 7.5,
    })
}

#[test]
fn every_state_is_told_apart() {
    let (block, allow) = (list("bl.example", Kind::Block), list("wl.example", Kind::Allow));
    let dead = list("dead.example", Kind::Block);
    let silent = Verdict::Unknown(Reason::Timeout, "nobody answered".to_owned());
    let listings = vec![
        view(
            &block,
            "192.0.2.1",
            Some(Verdict::Clean),
            Verdict::Listed(vec![code(2, "spam source"), code(4, "unknown")]),
        ),
        view(&block, "192.0.2.2", Some(Verdict::Clean), Verdict::Clean),
        // What was told before is not shown as if it were so now.
        view(&block, "2001:db8::1", Some(Verdict::Listed(vec![code(2, "spam source")])), silent),
        view(&allow, "example.net", None, Verdict::Unknown(Reason::Refused, "REFUSED".to_owned())),
    ];
    let lists = vec![
        list_view(&block, Some(true), None),
        list_view(&dead, Some(false), Some(69)),
        list_view(&allow, None, Some(21_670)),
    ];
    let text = text(lists, listings);
    Exposition::read(&text, Format::Text).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
    expect_file!["../metrics/listings.txt"].assert_eq(&(kept.join("\n") + "\n"));
    assert!(!text.contains("lookup"), "a peer's text is in a label:\n{text}");
}

#[test]
fn what_was_not_looked_up_yet_says_nothing() {
    let block = list("bl.example", Kind::Block);
    let fresh = view(&block, "192.0.2.1", None, Verdict::Clean);
    let fresh = ListingView { last: None, last_told: None, since: None, ..(*fresh).clone() };
    assert_eq!(text(Vec::new(), vec![Arc::new(fresh)]), "");
}

#[test]
fn the_worst_case_is_reached_and_not_passed() {
    let block = list("bl.example", Kind::Block);
    let mut codes: Vec<Code> = (2..200).map(|last| code(last, "many")).collect();
    codes.insert(1, code(2, "many"));
    assert!(codes.len() > MAX_RETURN_CODES);
    let listed = view(&block, "192.0.2.1", Some(Verdict::Clean), Verdict::Listed(codes));
    let unknown = Verdict::Unknown(Reason::Servfail, String::new());
    let unknown = view(&block, "192.0.2.2", None, unknown);
    let text = text(vec![list_view(&block, Some(false), Some(600))], vec![listed, unknown]);
    let read = Exposition::read(&text, Format::Text).unwrap();
    let of = |subject: Option<&str>| {
        let fits = |s: &&crate::support::exposition::Sample| {
            s.labels.get("subject").map(String::as_str) == subject
        };
        read.samples().filter(fits).count()
    };
    assert_eq!(of(Some("192.0.2.1")), worst_case_listing_series());
    assert_eq!(of(Some("192.0.2.2")), 2);
    assert_eq!(of(None), scope_series(Scope::List));
    let missing: Vec<_> = CATALOGUE
        .iter()
        .filter(|def| matches!(def.scope, Scope::List | Scope::Listing))
        .filter(|def| !text.contains(&format!("# TYPE {} ", def.name)))
        .map(|def| def.name)
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn a_subjects_own_label_cannot_shadow_ours() {
    let block = list("bl.example", Kind::Block);
    let seen = view(&block, "192.0.2.1", None, Verdict::Clean);
    let labels =
        [("list".to_owned(), "another".to_owned()), ("site".to_owned(), "a\"b".to_owned())];
    let seen = ListingView { labels: Arc::new(labels.into()), ..(*seen).clone() };
    let read = Exposition::read(&text(Vec::new(), vec![Arc::new(seen)]), Format::Text).unwrap();
    let labels = [("list", "bl.example"), ("site", "a\"b"), ("subject", "192.0.2.1")];
    assert_eq!(read.value("smtp_dnsbl_listed", &labels), 0.0);
}
