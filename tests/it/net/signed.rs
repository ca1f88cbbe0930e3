//! A zone that signs as it answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hickory_resolver::proto::dnssec::crypto::Ed25519SigningKey;
use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, NSEC, RRSIG};
use hickory_resolver::proto::dnssec::{DnssecSigner, SigningKey};
use hickory_resolver::proto::rr::rdata::{NS, SOA};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordSet, RecordType};
use time::OffsetDateTime;

use super::fake_dns::{Say, name};

/// A zone with one key. What is not in it is denied by an NSEC record of the name itself, as
/// servers do that sign as they answer (RFC 9824).
pub(crate) struct Signed {
    apex: Name,
    signer: DnssecSigner,
    key: DNSKEY,
    records: BTreeMap<(Name, RecordType), Vec<Record>>,
    /// Names below which nothing is signed.
    plain: Vec<Name>,
    /// Names of which the data was changed after it was signed.
    pub(crate) forged: Vec<String>,
}

impl Signed {
    pub(crate) fn new(apex: &str) -> Self {
        let key = Ed25519SigningKey::generate_pkcs8().unwrap();
        let key = Ed25519SigningKey::from_pkcs8(&key).unwrap();
        let public = DNSKEY::from_key(&key.to_public_key().unwrap());
        let day = Duration::from_secs(86_400);
        let signer = DnssecSigner::new(public.clone(), Box::new(key), name(apex), day);
        let mut zone = Self {
            apex: name(apex),
            signer,
            key: public.clone(),
            records: BTreeMap::new(),
            plain: Vec::new(),
            forged: Vec::new(),
        };
        let soa = SOA::new(name("ns.test"), name("hostmaster.test"), 1, 60, 60, 60, 60);
        zone.add(apex, RData::SOA(soa));
        zone.add(apex, RData::NS(NS(name("ns.test"))));
        zone.add(apex, RData::DNSSEC(DNSSECRData::DNSKEY(public)));
        zone
    }

    pub(crate) fn add(&mut self, owner: &str, data: RData) {
        let record = Record::from_rdata(name(owner), 300, data);
        self.records.entry((name(owner), record.record_type())).or_default().push(record);
    }

    /// Delegates a name without DS; its records are served here all the same.
    pub(crate) fn delegate(&mut self, owner: &str) {
        self.add(owner, RData::NS(NS(name("ns.test"))));
        self.plain.push(name(owner));
    }

    /// A file with the key.
    pub(crate) fn anchor(&self, directory: &std::path::Path) -> PathBuf {
        use base64::Engine as _;
        use hickory_resolver::proto::dnssec::PublicKey as _;
        let key = self.key.public_key();
        let text = base64::engine::general_purpose::STANDARD.encode(key.public_bytes());
        let path = directory.join("anchor.key");
        let line = format!("{} IN DNSKEY 257 3 {} {text}\n", self.apex, u8::from(key.algorithm()));
        std::fs::write(&path, line).unwrap();
        path
    }

    /// What it answers.
    pub(crate) fn say(&self, asked: &str, kind: RecordType) -> Say {
        let asked = name(asked);
        if !self.apex.zone_of(&asked) {
            return Say::Code(hickory_resolver::proto::op::ResponseCode::Refused);
        }
        let plain = self.plain.iter().any(|plain| plain.zone_of(&asked));
        let parents = plain && kind == RecordType::DS;
        let found = self.records.get(&(asked.clone(), kind));
        let alias = self.records.get(&(asked.clone(), RecordType::CNAME));
        match found.or(alias) {
            Some(records) if plain && !parents => Say::Records(records.clone()),
            Some(records) => Say::Records(self.signed(records)),
            None if plain && !parents => Say::Nodata,
            None => Say::Denied(self.denial(&asked)),
        }
    }

    fn denial(&self, asked: &Name) -> Vec<Record> {
        let kinds = self.records.keys().filter(|(owner, _)| owner == asked).map(|(_, kind)| *kind);
        let next = Name::from_labels([&b"\0"[..]]).unwrap().append_name(asked).unwrap();
        let denial = NSEC::new_cover_self(next, kinds.collect::<Vec<_>>());
        let denial = RData::DNSSEC(DNSSECRData::NSEC(denial));
        let soa = &self.records[&(self.apex.clone(), RecordType::SOA)];
        let mut records = self.signed(soa);
        records.extend(self.signed(&[Record::from_rdata(asked.clone(), 60, denial)]));
        records
    }

    fn signed(&self, records: &[Record]) -> Vec<Record> {
        let first = &records[0];
        let mut set = RecordSet::new(first.name.clone(), first.record_type(), 0);
        set.set_records(records.to_vec());
        let since = OffsetDateTime::now_utc() - Duration::from_secs(3600);
        let signature = RRSIG::from_rrset(&set, DNSClass::IN, since, &self.signer).unwrap();
        let mut all = records.to_vec();
        let owner = first.name.to_ascii();
        if self.forged.iter().any(|forged| *forged == owner.trim_end_matches('.')) {
            for record in &mut all {
                if let RData::A(address) = &mut record.data {
                    address.0 = [192, 0, 2, 99].into();
                }
            }
        }
        let signature = RData::DNSSEC(DNSSECRData::RRSIG(signature));
        all.push(Record::from_rdata(first.name.clone(), first.ttl, signature));
        all
    }
}
