//! MTA-STS: the record, and the policy behind it.

use std::net::IpAddr;
use std::sync::Arc;

use super::ask::Asker;
use super::parts::Part;
use super::visits::usable;
use crate::net::https::{self, Place};
use crate::posture::mta_sts::{self, Fetched, MtaStsFacts, PATH};
use crate::posture::text::record;
use crate::posture::{Data, Kind, Question, Subject};
use crate::probe::Settings;
use crate::target::Family;

/// The record, and the policy when the record is right.
pub(super) async fn look(
    asker: Asker,
    subject: Arc<Subject>,
    settings: Arc<Settings>,
    before: Option<MtaStsFacts>,
) -> Part<MtaStsFacts> {
    let mut findings = Vec::new();
    let answer = asker.texts(mta_sts::name(&subject.domain)).await;
    let mut facts = mta_sts::judge_record(&answer, &mut findings);
    if facts.present == Some(true) && facts.id.is_some() {
        let fetched = fetch(&asker, &subject, &settings).await;
        mta_sts::judge_policy(&mut facts, &fetched, before.as_ref(), &mut findings);
    }
    (facts, findings)
}

async fn fetch(asker: &Asker, subject: &Subject, settings: &Settings) -> Fetched {
    let policy = &*settings.policy;
    let host = mta_sts::host(&subject.domain);
    let mut addresses: Vec<IpAddr> = Vec::new();
    for kind in [Kind::A, Kind::Aaaa] {
        let answer = asker.ask(&Question::new(host.as_str(), kind)).await;
        addresses.extend(answer.records().iter().filter_map(|data| match data {
            Data::Address(address) => Some(address.to_canonical()),
            _ => None,
        }));
    }
    let fetched = match usable(addresses, &subject.domain, &host, policy) {
        Ok(addresses) => {
            let source = |remote| {
                let mut sources = policy.source_addresses.iter().copied();
                sources.find(|source| Family::of(*source) == Family::of(remote))
            };
            let place = Place { host: &host, port: subject.policy_port, path: PATH };
            https::fetch(&settings.tls, place, &addresses, source).await
        }
        Err(why) => Fetched::Unreachable(why),
    };
    let port = match subject.policy_port {
        443 => String::new(),
        port => format!(":{port}"),
    };
    asker.note(format!("GET https://{host}{port}{PATH}"), &text_of(&fetched));
    fetched
}

/// What came, for a person.
fn text_of(fetched: &Fetched) -> String {
    match fetched {
        Fetched::Answered { status, content_type, body } => {
            let kind = content_type.as_deref().unwrap_or("no content type");
            let lines: Vec<String> = body
                .split(|byte| *byte == b'\n')
                .take(LINES)
                .map(|l| record(l.trim_ascii()))
                .collect();
            format!("{status}, {kind}, {} bytes: {}", body.len(), lines.join(" | "))
        }
        Fetched::Certificate(why) => format!("the certificate does not verify: {why}"),
        Fetched::Unreachable(why) => why.clone(),
    }
}

/// Lines of a policy that are shown.
const LINES: usize = 110;
