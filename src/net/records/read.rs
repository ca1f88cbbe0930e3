//! From the library's answers to ours.

use std::time::Duration;

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof as Proven;
use hickory_resolver::proto::dnssec::rdata::DNSSECRData;
use hickory_resolver::proto::op::{DnsResponse, ResponseCode};
use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::{proof_of, trouble_of, worse};
use crate::posture::tlsa;
use crate::posture::{Data, Outcome, Proof, Trouble};

/// One answer of a server.
pub(super) enum Part {
    /// Records, aliases among them.
    Records(Vec<Record>),
    /// There is nothing: no such name at all (true) or no such record, for how long, how proven.
    Nothing(bool, Option<Duration>, Proof),
    /// It cannot be told.
    Failed(Trouble),
}

/// What an answer means for the name that was asked for.
pub(super) struct Read {
    pub(super) outcome: Outcome,
    pub(super) proof: Proof,
    pub(super) ttl: Option<Duration>,
    /// The name at the end of the aliases.
    pub(super) owner: Name,
    /// The answer leads to another name and says nothing of it.
    pub(super) open: bool,
}

/// An answer that nobody checked.
pub(super) fn plain(heard: Result<DnsResponse, NetError>) -> Part {
    match heard {
        Ok(response) => {
            let missing = response.response_code == ResponseCode::NXDomain;
            let ttl = response.negative_ttl().map(seconds);
            let records = response.into_message().answers;
            if records.is_empty() {
                return Part::Nothing(missing, ttl, Proof::Indeterminate);
            }
            // Nothing was proven, whatever the library marks records with.
            let unproven = |mut record: Record| {
                record.proof = Proven::Indeterminate;
                record
            };
            Part::Records(records.into_iter().map(unproven).collect())
        }
        Err(error) => nothing(error, Proof::Indeterminate),
    }
}

/// An answer that was validated.
pub(super) fn secure(heard: Result<DnsResponse, NetError>) -> Part {
    match heard {
        Ok(response) => {
            let missing = response.response_code == ResponseCode::NXDomain;
            let ttl = response.negative_ttl().map(seconds);
            let message = response.into_message();
            if !message.answers.is_empty() {
                return Part::Records(message.answers);
            }
            let denial = |record: &&Record| {
                matches!(record.record_type(), RecordType::NSEC | RecordType::NSEC3)
            };
            // The library fails what should have a proof and has none.
            let proven = message.authorities.iter().filter(denial).any(|r| r.proof.is_secure());
            let proof = if proven { Proof::Secure } else { Proof::Insecure };
            Part::Nothing(missing, ttl, proof)
        }
        Err(NetError::Dns(DnsError::Nsec { query, response, .. }))
            if wildcard_proven(query.name(), &response) =>
        {
            Part::Records(response.into_message().answers)
        }
        Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => match proof {
            Proven::Secure | Proven::Insecure => {
                let missing = response.response_code == ResponseCode::NXDomain;
                let ttl = response.negative_ttl().map(seconds);
                let records = response.into_message().answers;
                if records.is_empty() {
                    Part::Nothing(missing, ttl, proof_of(proof))
                } else {
                    Part::Records(records)
                }
            }
            Proven::Bogus | Proven::Indeterminate => Part::Failed(Trouble::Bogus),
        },
        Err(error) => nothing(error, Proof::Insecure),
    }
}

/// The records that belong to `asked`, or to the end of its aliases. Records of other names may stand
/// in an answer, and nobody asked for them.
pub(super) fn follow(part: Part, asked: &Name, kind: RecordType) -> Read {
    let read =
        |outcome, proof, ttl| Read { outcome, proof, ttl, owner: asked.clone(), open: false };
    let records = match part {
        Part::Records(records) => records,
        Part::Nothing(true, ttl, proof) => return read(Outcome::NoName, proof, ttl),
        Part::Nothing(false, ttl, proof) => return read(Outcome::NoData, proof, ttl),
        Part::Failed(Trouble::Bogus) => {
            return read(Outcome::Failed(Trouble::Bogus), Proof::Bogus, None);
        }
        Part::Failed(trouble) => {
            return read(Outcome::Failed(trouble), Proof::Indeterminate, None);
        }
    };
    let mut owner = asked.clone();
    let mut used: Vec<&Record> = Vec::new();
    for _ in 0..super::MAX_ALIASES {
        let alias = records.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == owner => Some((record, &target.0)),
            _ => None,
        });
        let Some((record, target)) = alias else { break };
        used.push(record);
        owner = target.clone();
    }
    let before = used.len();
    used.extend(records.iter().filter(|r| r.record_type() == kind && r.name == owner));
    let data: Vec<Data> =
        used.iter().skip(before).filter_map(|record| data_of(&record.data)).collect();
    let proof = used.iter().fold(None, |proof, record| worse(proof, proof_of(record.proof)));
    let proof = proof.unwrap_or(Proof::Indeterminate);
    let ttl = used.iter().map(|record| seconds(record.ttl)).min();
    let outcome = match (proof, data.is_empty()) {
        (Proof::Bogus, _) => Outcome::Failed(Trouble::Bogus),
        (_, true) => Outcome::NoData,
        (_, false) => Outcome::Found(data),
    };
    let open = before > 0 && used.len() == before;
    Read { outcome, proof, ttl, owner, open }
}

/// A wildcard's answer with the proof that there is nothing closer (RFC 4035, 5.3.4): an NSEC record
/// covers the name, and neither of its ends shares more of it than the wildcard does. The library
/// wants the wildcard itself covered besides, which it cannot be where it stands.
fn wildcard_proven(name: &Name, response: &DnsResponse) -> bool {
    let sound = response.answers.iter().all(|record| match record.record_type() {
        RecordType::RRSIG => true,
        _ => record.proof.is_secure() && record.name == *name,
    });
    let labels = response.answers.iter().find_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) if record.proof.is_secure() => {
            Some((signature.input().num_labels, &signature.input().signer_name))
        }
        _ => None,
    });
    let Some((labels, zone)) = labels.filter(|(labels, _)| *labels < name.num_labels()) else {
        return false;
    };
    sound
        && response.authorities.iter().any(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::NSEC(denial)) if record.proof.is_secure() => {
                let (owner, next) = (&record.name, denial.next_domain_name());
                let last = next <= owner;
                zone.zone_of(owner)
                    && owner < name
                    && (name < next || last && next.zone_of(name))
                    && shared(name, owner) <= labels
                    && (last || shared(name, next) <= labels)
            }
            _ => false,
        })
}

/// How many labels two names have in common, from the root down.
fn shared(a: &Name, b: &Name) -> u8 {
    let equal = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a.eq_ignore_ascii_case(b));
    u8::try_from(equal.count()).unwrap_or(u8::MAX)
}

/// A name in lower case, without the trailing dot.
pub(super) fn text_of(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

/// What an error says: nothing is there, or it cannot be told.
fn nothing(error: NetError, proof: Proof) -> Part {
    match &error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            let ttl = none.negative_ttl.map(seconds);
            match none.response_code {
                ResponseCode::NXDomain => Part::Nothing(true, ttl, proof),
                // A referral: the server does not look names up for us.
                ResponseCode::NoError if none.ns.is_some() && none.soa.is_none() => {
                    Part::Failed(Trouble::Refused)
                }
                ResponseCode::NoError => Part::Nothing(false, ttl, proof),
                ResponseCode::ServFail => Part::Failed(Trouble::Servfail),
                ResponseCode::Refused | ResponseCode::NotImp => Part::Failed(Trouble::Refused),
                _ => Part::Failed(Trouble::Malformed),
            }
        }
        error => Part::Failed(trouble_of(error)),
    }
}

fn data_of(data: &RData) -> Option<Data> {
    Some(match data {
        RData::A(address) => Data::Address(address.0.into()),
        RData::AAAA(address) => Data::Address(address.0.into()),
        RData::MX(mx) => Data::Mx(mx.preference, text_as_is(&mx.exchange)),
        RData::PTR(name) => Data::Name(text_as_is(&name.0)),
        RData::TXT(text) => Data::Text(text.txt_data.iter().flatten().copied().collect()),
        RData::TLSA(tlsa) => Data::Tlsa(record_of(tlsa)),
        _ => return None,
    })
}

/// A name as it stands in the record, without the trailing dot.
fn text_as_is(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

fn record_of(tlsa: &TLSA) -> tlsa::Record {
    tlsa::Record {
        usage: tlsa.cert_usage.into(),
        selector: tlsa.selector.into(),
        matching: tlsa.matching.into(),
        data: tlsa.cert_data.clone(),
    }
}

fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(ttl.into())
}
