//! Where trust begins: keys of zones.

use std::path::Path;
use std::sync::Arc;

use hickory_resolver::proto::dnssec::{TrustAnchors, Verifier as _};
use hickory_resolver::proto::rr::Name;
use hickory_resolver::proto::serialize::txt::trust_anchor::{Entry, Parser};

/// Keys that are trusted, and the zones that they belong to.
pub(super) struct Anchors {
    pub(super) keys: Arc<TrustAnchors>,
    pub(super) zones: Vec<Name>,
}

impl Anchors {
    /// The root's keys of 2017 and 2024 (<https://data.iana.org/root-anchors/>).
    pub(super) fn root() -> Self {
        Self { keys: Arc::new(TrustAnchors::default()), zones: vec![Name::root()] }
    }

    /// The keys of a file of DNSKEY records, written as in a zone file, each on a line of its own.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{place}: {error}"))?;
        Self::parse(&text).map_err(|problem| format!("{place}: {problem}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let not = |error: &dyn std::fmt::Display| {
            format!("not DNSKEY records as a zone file has them, and nothing else: {error}")
        };
        let entries = Parser::new(text).parse().map_err(|error| not(&error))?;
        let mut keys = TrustAnchors::empty();
        let mut zones: Vec<Name> = Vec::new();
        for entry in entries {
            let Entry::DNSKEY(record) = entry else { continue };
            let mut zone = record.name().to_lowercase();
            zone.set_fqdn(true);
            // The library asserts this before it reads the key.
            if !record.data().algorithm().is_supported() {
                return Err(format!("a key of {zone} has an algorithm that is not supported"));
            }
            let key = record.data().key().map_err(|error| not(&error))?;
            keys.insert_with_name(&*key, (&zone).into());
            if !zones.contains(&zone) {
                zones.push(zone);
            }
        }
        if zones.is_empty() {
            return Err("no DNSKEY record in it".to_owned());
        }
        Ok(Self { keys: Arc::new(keys), zones })
    }
}

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
        let text = format!("example.test IN DNSKEY {KEY}\n");
        assert_eq!(Anchors::parse(&text).unwrap().zones[0].to_ascii(), "example.test.");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "; nothing\n",
            "example.test. IN DS 1 13 2 00\n",
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
