//! The names of the API.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use smtp_exporter::dnsbl::{Kind, Reason, Verdict};
use smtp_exporter::observation::{Abort, AbortKind, LadderSeen, Observation};
use smtp_exporter::target::LadderMode;

use super::lists::{ladder, limited, list, listed, plan, told};
use super::page::{hold, json, mx, saw, with_certificate};
use super::{House, observation, refusal};

/// The names of the API are public: this is the list that the README points to.
#[tokio::test]
async fn the_names_of_the_api_stay() {
    let house = House::start(|_| ()).await;
    hold(&house, &["mx1"]);
    let refused = observation(&mx("192.0.2.1"), Some(refusal()));
    let capabilities = Some(smtp_exporter::smtp::Capabilities::helo_only());
    let seen = Observation {
        plain: capabilities.clone(),
        inside_tls: capabilities,
        failure: refused.failure.clone(),
        ..(*with_certificate("192.0.2.1", 70)).clone()
    };
    // Another certificate at another address, seen at the same moment.
    let seen = Observation { ended: SystemTime::now(), ..seen };
    let mut other = Observation { endpoint: mx("192.0.2.2"), ..seen.clone() };
    Arc::make_mut(&mut other.tls.as_mut().unwrap().chain)[0].fingerprint_sha256 = "cd".repeat(32);
    saw(&house, "mx1", vec![Arc::new(seen), Arc::new(other)]);
    list_everything(&house);
    measure_everything(&house);
    let mut names = BTreeMap::new();
    collect("", &json(&house, "/api/v1/targets/mx1").await, &mut names);
    let text = |names: &BTreeMap<String, ()>| -> String {
        names.keys().map(|name| format!("{name}\n")).collect()
    };
    expect_test::expect_file!["../../metrics/api_names.txt"].assert_eq(&text(&names));
    names.clear();
    collect("", &json(&house, "/api/v1/listings").await, &mut names);
    expect_test::expect_file!["../../metrics/api_names_listings.txt"].assert_eq(&text(&names));
}

/// `mx1` is listed, and `bad.test` told so before; another list refuses.
fn list_everything(house: &House) {
    let lists = [list("bad.test", Kind::Block), list("refuses.test", Kind::Block)];
    plan(house, &lists, &["192.0.2.1"]);
    told(house, &lists[0], "192.0.2.1", listed("spam source"), &["why"]);
    let refused = Verdict::Unknown(Reason::Refused, "refused".to_owned());
    told(house, &lists[1], "192.0.2.1", refused, &[]);
}

/// A limit that was measured, then a run that broke off, then one that was not begun.
fn measure_everything(house: &House) {
    let ladder = ladder("mx1", LadderMode::Simultaneous);
    let (generation, key) = (house.generation + 1, ladder.key());
    house.store.replace_ladders(&[ladder], generation);
    let measured = limited("192.0.2.1");
    let abort = Abort { kind: AbortKind::TooLong, detail: "late".to_owned() };
    let broken = LadderSeen { aborted: Some(abort), ..measured.clone() };
    house.store.put_ladder(generation, &key, Arc::new(measured));
    house.store.put_ladder(generation, &key, Arc::new(broken));
    house.store.deny_ladder(generation, &key, SystemTime::now(), "stay away".to_owned());
}

/// Every path of names in a value.
fn collect(path: &str, value: &Value, names: &mut BTreeMap<String, ()>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                names.insert(path.clone(), ());
                collect(&path, value, names);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(&format!("{path}[]"), item, names);
            }
        }
        _ => {}
    }
}
