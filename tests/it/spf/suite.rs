//! The published cases: every one of them is run, and none is skipped.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use smtp_exporter::posture::spf::{Outcome, Request, SpfResult};
use smtp_exporter::posture::{Data, Kind};

use super::Zone;

#[derive(Deserialize)]
struct Scenario {
    description: String,
    tests: BTreeMap<String, Case>,
    zonedata: BTreeMap<String, Vec<Value>>,
}

#[derive(Deserialize)]
struct Case {
    helo: String,
    host: String,
    mailfrom: String,
    result: Value,
    explanation: Option<String>,
}

#[test]
fn every_published_case_ends_as_it_says() {
    let text = std::fs::read_to_string("tests/spf/rfc7208-tests.yml").unwrap();
    let scenarios: Vec<Scenario> = serde_saphyr::from_multiple(&text).unwrap();
    assert_eq!(scenarios.len(), 16);
    let mut wrong = Vec::new();
    let mut explained = 0;
    let mut cases = 0;
    for scenario in &scenarios {
        let zone = scenario.zone();
        for (name, case) in &scenario.tests {
            cases += 1;
            explained += usize::from(case.explanation.is_some());
            if let Err(said) = case.run(&zone) {
                wrong.push(format!("{}, {name}: {said}", scenario.description));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!((cases, explained), (203, 22), "not all that there are were run");
}

impl Case {
    fn run(&self, zone: &Zone) -> Result<(), String> {
        // Without a sender's address the EHLO name takes its place (RFC 7208, 2.4).
        let sender = match self.mailfrom.as_str() {
            "" => format!("postmaster@{}", self.helo),
            sender => sender.to_owned(),
        };
        let domain = sender.rsplit_once('@').unwrap().1.to_owned();
        let client = Some(self.host.parse().unwrap());
        let request = Request { domain, client, sender, helo: self.helo.clone() };
        let (outcome, _) = zone.ask(request.clone());
        // Where the RFC leaves a choice, the first end that is named is the preferred one.
        let stated = match &self.result {
            Value::Array(all) => all[0].as_str().unwrap(),
            one => one.as_str().unwrap(),
        };
        if outcome.result.as_str() != stated {
            let Outcome { result, findings, .. } = outcome;
            return Err(format!("{result}, not {stated}: {findings:?}"));
        }
        if let Some(stated) = &self.explanation {
            let given = outcome.explanation.as_deref().unwrap_or("DEFAULT");
            if given != stated {
                return Err(format!("{given:?}, not {stated:?}"));
            }
        }
        // What is wrong for one client, a walk for nobody finds too.
        let (walk, _) = zone.ask(Request { client: None, ..request });
        if outcome.result == SpfResult::Permerror && walk.result != SpfResult::Permerror {
            return Err(format!("permerror, and the walk says {}", walk.result));
        }
        Ok(())
    }
}

impl Scenario {
    fn zone(&self) -> Zone {
        let mut zone = Zone::default();
        for (name, records) in &self.zonedata {
            zone.touch(name);
            // Records of the type SPF stand for TXT, unless the name has some of these itself.
            let has_txt = records.iter().any(|record| record.get("TXT").is_some());
            for record in records {
                let Some(record) = record.as_object() else {
                    assert_eq!(record, "TIMEOUT");
                    zone.fail(name, None);
                    continue;
                };
                for (kind, data) in record {
                    add(&mut zone, name, kind, data, has_txt);
                }
            }
        }
        zone
    }
}

fn add(zone: &mut Zone, name: &str, kind: &str, data: &Value, has_txt: bool) {
    let text = || data.as_str().unwrap();
    match kind {
        "SPF" if has_txt => {}
        "TXT" if data == "NONE" => {}
        "SPF" | "TXT" => {
            let strings = match data {
                Value::Array(strings) => strings.iter().map(|s| s.as_str().unwrap()).collect(),
                _ => text().to_owned(),
            };
            zone.add(name, Data::Text(strings.into_bytes()));
        }
        "A" | "AAAA" => zone.add(name, Data::Address(text().parse().unwrap())),
        "MX" => {
            let preference = u16::try_from(data[0].as_u64().unwrap()).unwrap();
            zone.add(name, Data::Mx(preference, data[1].as_str().unwrap().to_owned()));
        }
        "PTR" => zone.add(name, Data::Name(text().to_owned())),
        "CNAME" => zone.alias(name, text()),
        "TIMEOUT" => zone.fail(name, Kind::from_name(text())),
        _ => panic!("{name} {kind}"),
    }
}
