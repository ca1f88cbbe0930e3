//! Where trust begins: keys of zones.

use std::path::Path;

use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, RRSIG};
use hickory_resolver::proto::dnssec::{Algorithm, DigestType, TrustAnchors, Verifier as _};
use hickory_resolver::proto::rr::SerialNumber;
use hickory_resolver::proto::rr::{DNSClass, LowerName, Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::txt::trust_anchor::{Entry, Parser};

/// Keys that are trusted, or their digests, and the zones that they belong to.
pub(super) struct Anchors {
    keys: TrustAnchors,
    digests: Vec<(Name, DS)>,
    pub(super) zones: Vec<Name>,
}

impl Anchors {
    /// The root's keys of 2017 and 2024 (<https://data.iana.org/root-anchors/>).
    pub(super) fn root() -> Self {
        Self { keys: TrustAnchors::default(), digests: Vec::new(), zones: vec![Name::root()] }
    }

    /// The keys of a file of DNSKEY and DS records, written as in a zone file, each on one line.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{place}: {error}"))?;
        Self::parse(&text).map_err(|problem| format!("{place}: {problem}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let not = |error: &dyn std::fmt::Display| {
            format!("not DNSKEY and DS records as a zone file has them, and nothing else: {error}")
        };
        let mut anchors =
            Self { keys: TrustAnchors::empty(), digests: Vec::new(), zones: Vec::new() };
        let mut keys = String::new();
        for line in text.lines() {
            match digest(line) {
                Some(Ok((zone, digest))) => {
                    anchors.know(&zone);
                    anchors.digests.push((zone, digest));
                }
                Some(Err(why)) => return Err(not(&why)),
                None => {
                    keys.push_str(line);
                    keys.push('\n');
                }
            }
        }
        for entry in Parser::new(keys).parse().map_err(|error| not(&error))? {
            let Entry::DNSKEY(record) = entry else { continue };
            let mut zone = record.name().to_lowercase();
            zone.set_fqdn(true);
            // The library asserts this before it reads the key.
            if !record.data().algorithm().is_supported() {
                return Err(format!("a key of {zone} has an algorithm that is not supported"));
            }
            let key = record.data().key().map_err(|error| not(&error))?;
            anchors.keys.insert_with_name(&*key, (&zone).into());
            anchors.know(&zone);
        }
        if anchors.zones.is_empty() {
            return Err("no DNSKEY or DS record in it".to_owned());
        }
        Ok(anchors)
    }

    fn know(&mut self, zone: &Name) {
        if !self.zones.contains(zone) {
            self.zones.push(zone.clone());
        }
    }

    /// The keys to begin with, all of a zone's keys among them when one that is trusted signed them
    /// (RFC 4035, 5): `answers` has what each zone answered for its keys, in the order of `zones`.
    /// None when that holds for no zone.
    ///
    /// # Why all
    ///
    /// The library looks for a DS record of each key that is not an anchor itself, above the
    /// anchor, where nothing need be signed.
    pub(super) fn grounded(&self, answers: &[Vec<Record>], now: u64) -> Option<TrustAnchors> {
        let mut trusted = self.keys.clone();
        let mut good = false;
        for (zone, records) in self.zones.iter().zip(answers) {
            let of_zone = |record: &&Record| record.name == *zone;
            let set: Vec<Record> = records
                .iter()
                .filter(of_zone)
                .filter(|record| record.record_type() == RecordType::DNSKEY)
                .take(KEYS)
                .cloned()
                .collect();
            let keys: Vec<&DNSKEY> = set.iter().filter_map(key_of).collect();
            let signatures = records.iter().filter(of_zone).filter_map(signature_of).take(KEYS);
            let begins = signatures.into_iter().any(|signature| {
                let signed = |key: &&&DNSKEY| {
                    self.trusts(zone, key) && holds(zone, key, signature, &set, now)
                };
                keys.iter().any(|key| signed(&key))
            });
            if begins {
                good = true;
                for key in keys.iter().filter(|key| key.zone_key() && !key.revoke()) {
                    trusted.insert_with_name(key.public_key(), LowerName::from(zone));
                }
            }
        }
        good.then_some(trusted)
    }

    fn trusts(&self, zone: &Name, key: &DNSKEY) -> bool {
        if !key.algorithm().is_supported() || !key.zone_key() || key.revoke() {
            return false;
        }
        let named = self.digests.iter().filter(|(at, _)| at == zone).any(|(_, digest)| {
            digest.algorithm() == key.algorithm() && digest.covers(zone, key).unwrap_or(false)
        });
        named || self.keys.contains_with_name(key.public_key(), &LowerName::from(zone))
    }
}

/// A signature over a zone's keys by one of them.
fn holds(zone: &Name, key: &DNSKEY, signature: &RRSIG, set: &[Record], now: u64) -> bool {
    let input = signature.input();
    // Times are serial numbers of 32 bits (RFC 4034, 3.1.5).
    let now = SerialNumber::new(u32::try_from(now & u64::from(u32::MAX)).unwrap_or_default());
    input.type_covered == RecordType::DNSKEY
        && input.signer_name == *zone
        && input.algorithm == key.algorithm()
        && key.calculate_key_tag().is_ok_and(|tag| tag == input.key_tag)
        && now <= input.sig_expiration
        && now >= input.sig_inception
        && key.verify_rrsig(zone, DNSClass::IN, signature, set.iter()).is_ok()
}

fn key_of(record: &Record) -> Option<&DNSKEY> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some(key),
        _ => None,
    }
}

fn signature_of(record: &Record) -> Option<&RRSIG> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature),
        _ => None,
    }
}

/// A line with a DS record, such as `example.net. IN DS 20326 8 2 E06D...`; none for other lines.
fn digest(line: &str) -> Option<Result<(Name, DS), String>> {
    let line = line.split(';').next().unwrap_or_default();
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let at = words.iter().take(4).position(|word| word.eq_ignore_ascii_case("DS"))?;
    let read = || {
        let mut zone = Name::from_ascii(words.first()?).ok()?.to_lowercase();
        zone.set_fqdn(true);
        let [tag, algorithm, kind, data @ ..] = words.get(at + 1..)? else { return None };
        let algorithm = Algorithm::from_u8(algorithm.parse().ok()?);
        let kind = DigestType::from(kind.parse::<u8>().ok()?);
        let data = unhex(&data.concat())?;
        let fits = algorithm.is_supported() && kind.is_supported() && !data.is_empty();
        fits.then(|| Some((zone, DS::new(tag.parse().ok()?, algorithm, kind, data))))?
    };
    Some(read().ok_or_else(|| format!("{line:?} is no DS record of a kind that is supported")))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let pairs = digits?;
    let (pairs, []) = pairs.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Keys, and signatures over them, that are looked at; zones have two to four.
const KEYS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+\
                       KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";

    #[test]
    fn keys_of_several_zones_are_read() {
        let text = format!(
            "; a comment\nexample.test. 3600 IN DNSKEY {KEY}\nLab. IN DNSKEY {KEY} ; another\n"
        );
        let anchors = Anchors::parse(&text).unwrap();
        let zones: Vec<String> = anchors.zones.iter().map(Name::to_ascii).collect();
        assert_eq!(zones, ["example.test.", "lab."]);
        assert!(anchors.keys.is_empty(), "none of them is the root's");
        // The digest of a key is as good (RFC 8624: SHA-256).
        let text = "lab.test. 3600 IN DS 20326 13 2 00ff 11EE ; a comment\n";
        let anchors = Anchors::parse(text).unwrap();
        assert_eq!(anchors.digests[0].1.digest(), [0x00, 0xff, 0x11, 0xee]);
        let text = format!("example.test IN DNSKEY {KEY}\n");
        assert_eq!(Anchors::parse(&text).unwrap().zones[0].to_ascii(), "example.test.");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "; nothing\n",
            "example.test. IN DS 1 13 2 0\n",
            "example.test. IN DS 1 13 2\n",
            "example.test. IN DS 1 200 2 00\n",
            "example.test. IN A 192.0.2.1\n",
            "example.test. IN DNSKEY 257 3 13 !!!\n",
            "example.test. IN DNSKEY 257 3 200 AAAA\n",
            "-----BEGIN CERTIFICATE-----\n",
        ] {
            assert!(Anchors::parse(text).is_err(), "{text:?}");
        }
        let missing = Anchors::read(Path::new("/nonexistent/anchors.key")).err().unwrap();
        assert!(missing.contains("/nonexistent/anchors.key"), "{missing}");
    }

    #[test]
    fn the_root_is_trusted_by_default() {
        let root = Anchors::root();
        assert!(root.zones[0].is_root() && root.keys.len() == 2);
    }
}
