//! The bodies of the fuzz targets over their corpora, so that what fuzzing once found stays found.

#[path = "../fuzz/bodies/mod.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets are another crate, and use the same files")]
mod bodies;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bodies::{Body, TARGETS};

#[test]
fn every_target_has_a_small_corpus() {
    for (name, _) in TARGETS {
        let inputs = corpus(name);
        assert!((1..=FILES).contains(&inputs.len()), "{name}: {} files", inputs.len());
        let bytes: u64 = inputs.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!(bytes <= BYTES, "{name}: {bytes} bytes");
    }
}

/// A target that is not in the list would not be run here, and a corpus without a target nowhere.
#[test]
fn targets_binaries_and_corpora_are_the_same() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(Path::new("tests/fuzz").join(folder)).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        entries.map(|entry| stem(entry.unwrap().path())).collect()
    };
    assert_eq!(names("targets"), known);
    assert_eq!(names("corpus"), known);
    let manifest = fs::read_to_string("tests/fuzz/Cargo.toml").unwrap();
    let bins = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/"));
    let bins: BTreeSet<String> = bins.map(|rest| rest.trim_end_matches(".rs\"").into()).collect();
    assert_eq!(bins, known);
}

/// One test a target, so that they run beside each other and a failure names it.
macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            let here: Vec<&str> = vec![$(stringify!($name)),*];
            let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(here, known);
        }
    };
}

replays!(
    cause certificate config dkim dmarc dns dnsbl ehlo hello mta_sts page query reply session spf
    web_config
);

fn replay(name: &str) {
    let (_, body): &(&str, Body) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    // Every target must take nothing at all.
    body(&[]);
    for path in corpus(name) {
        // What a failing test prints last is the input.
        println!("{}", path.display());
        body(&fs::read(&path).unwrap());
    }
}

fn corpus(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new("tests/fuzz/corpus").join(name)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Files of one corpus.
const FILES: usize = 50;
/// Bytes of one corpus.
const BYTES: u64 = 64 << 10;
