//! Which of several exporters probes what, told by names alone.
//!
//! # Why rendezvous hashing
//!
//! Every exporter must come to the same answer without asking another, and one exporter more should
//! move few targets: each that moves loses its history and its tallies. So every shard draws a
//! number for a name, and the highest wins. A further shard can only win names for itself, about one
//! in N+1, and nothing moves between the others.
//!
//! The draw is part of the interface. Were it to change between two versions, targets would be
//! probed twice or by nobody while an upgrade rolls through the shards.

use std::fmt;

use sha2::{Digest, Sha256};

/// One part of what is configured, of several that together are the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// Shard `index` of `count`, counted from 0; none when there is no such shard, or there are more
    /// than [`MOST_SHARDS`].
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (index < count && count <= MOST_SHARDS).then_some(Self { index, count })
    }

    /// Reads `I/N`, or `auto/N`, where the index is the number at the end of `host`: the name that
    /// Kubernetes gives a pod of a StatefulSet, such as `smtp-exporter-2`.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn parse(text: &str, host: Option<&str>) -> Result<Self, String> {
        let form = || {
            format!("{text:?} is not I/N, such as 0/3, or auto/N with the index in the host's name")
        };
        let (index, count) = text.split_once('/').ok_or_else(form)?;
        let count = number(count).ok_or_else(form)?;
        let index = match index {
            "auto" => host.and_then(ordinal).ok_or_else(|| match host {
                Some(host) => format!(
                    "auto: the host's name {host:?} does not end with - and a number, as the pods \
                     of a StatefulSet do"
                ),
                None => "auto: the host's name is not known: set HOSTNAME".to_owned(),
            })?,
            index => number(index).ok_or_else(form)?,
        };
        if count == 0 || count > MOST_SHARDS {
            return Err(format!("the number of shards is {count}: it must be 1 to {MOST_SHARDS}"));
        }
        Self::new(index, count).ok_or_else(|| {
            format!("there is no shard {index} of {count}: they count from 0 to {}", count - 1)
        })
    }

    /// Whether this is the shard that a name belongs to: of each count, exactly one is.
    pub fn owns(self, name: &str) -> bool {
        owner(seed(name), self.count) == self.index
    }

    /// Its place, from 0.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    pub const fn count(self) -> u32 {
        self.count
    }
}

impl fmt::Display for Shard {
    /// `I/N`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The first eight bytes of the name's SHA-256.
fn seed(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// The shard of `count` with the highest draw; of equal ones the first.
fn owner(seed: u64, count: u32) -> u32 {
    let draw = |index: u32| mixed(seed ^ mixed(u64::from(index) + 1));
    (0..count).rev().max_by_key(|index| draw(*index)).unwrap_or_default()
}

/// The finisher of SplitMix64 (Steele, Lea, Flood 2014): each bit of the input changes half of the
/// output.
const fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The number after the last `-` of the first label: a pod's HOSTNAME has no domain, a host's may.
fn ordinal(host: &str) -> Option<u32> {
    let label = host.split('.').next()?;
    number(label.rsplit_once('-')?.1)
}

/// Digits alone: `+1` and the empty text are no numbers here.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The most shards that there may be. A draw is made for each of them and each name.
pub const MOST_SHARDS: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("mx{n}.example.net")).collect()
    }

    #[test]
    fn every_name_belongs_to_exactly_one_shard() {
        for count in 1..=20 {
            let shards: Vec<Shard> = (0..count).map(|i| Shard::new(i, count).unwrap()).collect();
            let mut sizes = vec![0; shards.len()];
            for name in names(500) {
                let owners: Vec<usize> =
                    (0..shards.len()).filter(|index| shards[*index].owns(&name)).collect();
                assert_eq!(owners.len(), 1, "{name} of {count}: {owners:?}");
                sizes[owners[0]] += 1;
            }
            // Fair: no shard is off the mean by more than six standard deviations.
            let mean = 500.0 / f64::from(count);
            let slack = 6.0 * mean.sqrt();
            assert!(sizes.iter().all(|n| (f64::from(*n) - mean).abs() <= slack), "{sizes:?}");
        }
    }

    #[test]
    fn a_further_shard_takes_its_part_and_moves_nothing_else() {
        let seeds: Vec<u64> = names(30_000).iter().map(|name| seed(name)).collect();
        for count in 1..=20 {
            let mut moved = 0.0;
            for seed in &seeds {
                let (before, after) = (owner(*seed, count), owner(*seed, count + 1));
                if before != after {
                    assert_eq!(after, count, "something moved between old shards");
                    moved += 1.0;
                }
            }
            let fair = 30_000.0 / f64::from(count + 1);
            assert!(moved > 0.0 && moved <= fair + 4.0 * fair.sqrt(), "{count}: {moved} of {fair}");
            assert!(moved <= 30_000.0 / f64::from(count), "{count}: {moved}, more than one in N");
        }
    }

    /// Written down once, and worked out by another program from the description above. An upgrade
    /// that draws differently would have targets probed twice, or by nobody.
    #[test]
    fn the_draw_is_the_same_for_ever() {
        let places = [2, 3, 5, 20, 1024];
        for (name, expected) in GOLDEN {
            let found = places.map(|count| owner(seed(name), count));
            assert_eq!(found, *expected, "{name}");
        }
    }

    #[test]
    fn it_is_read_from_the_command_line_or_from_a_pod_s_name() {
        let parse = |text, host| Shard::parse(text, host).map(|shard| shard.to_string());
        assert_eq!(parse("0/1", None).unwrap(), "0/1");
        assert_eq!(parse("2/3", None).unwrap(), "2/3");
        assert_eq!(parse("auto/3", Some("smtp-exporter-2")).unwrap(), "2/3");
        assert_eq!(parse("auto/12", Some("a-1-b-10.mail.svc.cluster.local")).unwrap(), "10/12");
        for (text, host, said) in [
            ("3/3", None, "there is no shard 3 of 3: they count from 0 to 2"),
            ("0/0", None, "must be 1 to 1024"),
            ("0/1025", None, "must be 1 to 1024"),
            ("", None, "is not I/N"),
            ("1", None, "is not I/N"),
            ("-1/3", None, "is not I/N"),
            ("+1/3", None, "is not I/N"),
            ("1/", None, "is not I/N"),
            ("/3", None, "is not I/N"),
            ("1/3/4", None, "is not I/N"),
            ("99999999999/3", None, "is not I/N"),
            ("auto/3", Some("smtp-exporter-3"), "there is no shard 3 of 3"),
            ("auto/3", Some("smtp-exporter-6c5b8-x2zvq"), "StatefulSet"),
            ("auto/3", Some("mail1"), "StatefulSet"),
            ("auto/3", None, "set HOSTNAME"),
        ] {
            let error = parse(text, host).unwrap_err();
            assert!(error.contains(said), "{text}, {host:?}: {error}");
        }
    }

    const GOLDEN: &[(&str, [u32; 5])] = &[
        ("", [1, 1, 4, 8, 68]),
        ("mx1", [1, 1, 1, 15, 827]),
        ("mx2", [0, 0, 4, 7, 233]),
        ("mx1.example.net", [0, 2, 2, 13, 458]),
        ("example.net", [1, 2, 3, 17, 939]),
        ("example.org", [1, 1, 1, 1, 634]),
        ("192.0.2.25", [0, 0, 0, 13, 777]),
        ("2001:db8::25", [0, 2, 3, 3, 129]),
        ("relay 2", [1, 2, 4, 14, 818]),
        ("bücher.example", [1, 1, 1, 10, 430]),
    ];
}
