//! A strict reader of expositions, stricter than Prometheus: it refuses what a scrape would refuse
//! and what a linter would name. For tests that ask which series are there.

use std::collections::{BTreeMap, BTreeSet};

use smtp_exporter::metrics::Format;

/// An exposition that was read.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    /// The families in the order in which they came.
    pub(crate) families: Vec<Family>,
}

/// One family.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Exposition {
    /// Reads an exposition, or says in which line it is wrong.
    pub(crate) fn read(text: &str, format: Format) -> Result<Self, String> {
        let mut read = Self::default();
        let mut seen = BTreeSet::new();
        let mut names = BTreeSet::new();
        let mut pending_help = None;
        let mut ended = false;
        if !text.is_empty() && !text.ends_with('\n') {
            return Err("the last line does not end".to_owned());
        }
        for line in text.lines() {
            let wrong = |what: &str| Err(format!("{what}: {line}"));
            if ended {
                return wrong("a line behind # EOF");
            }
            if line == "# EOF" && format == Format::OpenMetrics {
                ended = true;
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                let Some((name, help)) = rest.split_once(' ') else { return wrong("no help") };
                if help.is_empty() || pending_help.is_some() {
                    return wrong("help is empty or twice");
                }
                if !names.insert(name.to_owned()) {
                    return wrong("the family comes twice");
                }
                let quotes = format == Format::OpenMetrics;
                let help = unescape(help, quotes).ok_or_else(|| format!("bad escape: {line}"))?;
                pending_help = Some((name.to_owned(), help));
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let Some((name, kind)) = rest.split_once(' ') else { return wrong("no type") };
                let Some((helped, help)) = pending_help.take() else { return wrong("no help") };
                if helped != name || !["gauge", "counter", "histogram"].contains(&kind) {
                    return wrong("another name, or no kind");
                }
                if read.families.last().is_some_and(|family| family.samples.is_empty()) {
                    return wrong("the family before is empty");
                }
                let (name, kind) = (name.to_owned(), kind.to_owned());
                read.families.push(Family { name, kind, help, samples: Vec::new() });
            } else {
                let sample = sample(line).ok_or_else(|| format!("no sample: {line}"))?;
                let Some(family) = read.families.last_mut() else { return wrong("no family") };
                if pending_help.is_some() || !family.owns(&sample, format) {
                    return wrong("not under its family");
                }
                if !seen.insert((sample.name.clone(), sample.labels.clone())) {
                    return wrong("twice");
                }
                family.samples.push(sample);
            }
        }
        if pending_help.is_some() || ended != (format == Format::OpenMetrics) {
            return Err("it ends too early".to_owned());
        }
        for family in &read.families {
            family.check_histogram()?;
        }
        Ok(read)
    }

    /// What a linter says to the names, kinds and help texts.
    pub(crate) fn lint(&self) -> Vec<String> {
        self.families.iter().flat_map(Family::lint).collect()
    }

    /// All samples.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    /// The values of the samples with this name whose labels contain all of `labels`.
    pub(crate) fn values(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        self.samples()
            .filter(|sample| sample.name == name)
            .filter(|sample| {
                labels
                    .iter()
                    .all(|(name, value)| sample.labels.get(*name).is_some_and(|v| v == value))
            })
            .map(|sample| sample.value)
            .collect()
    }

    /// The one value, or a panic that tells how many there are.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let values = self.values(name, labels);
        assert_eq!(values.len(), 1, "{name} {labels:?}: {values:?}");
        values[0]
    }
}

impl Family {
    fn owns(&self, sample: &Sample, format: Format) -> bool {
        let suffixes: &[&str] = match (self.kind.as_str(), format) {
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            ("counter", Format::OpenMetrics) => &["_total"],
            _ => &[""],
        };
        let le = sample.labels.contains_key("le");
        sample
            .name
            .strip_prefix(&self.name)
            .is_some_and(|suffix| suffixes.contains(&suffix) && le == (suffix == "_bucket"))
    }

    /// Buckets are together, ascending, cumulated, ended by `+Inf`, and followed by sum and count.
    fn check_histogram(&self) -> Result<(), String> {
        if self.kind != "histogram" {
            return Ok(());
        }
        let mut samples = self.samples.iter().peekable();
        while samples.peek().is_some() {
            let (mut bound, mut total) = (f64::NEG_INFINITY, 0.0);
            while let Some(bucket) = samples.next_if(|sample| sample.name.ends_with("_bucket")) {
                let le = bucket.labels["le"].parse::<f64>().map_err(|error| error.to_string())?;
                if le <= bound || bucket.value < total {
                    return Err(format!("buckets out of order: {bucket:?}"));
                }
                (bound, total) = (le, bucket.value);
            }
            let sum = samples.next().filter(|sample| sample.name.ends_with("_sum"));
            let count = samples.next().filter(|sample| sample.name.ends_with("_count"));
            let counted = count.is_some_and(|count| count.value == total);
            if bound != f64::INFINITY || sum.is_none() || !counted {
                return Err(format!("an incomplete histogram in {}", self.name));
            }
        }
        Ok(())
    }

    fn lint(&self) -> Vec<String> {
        let mut said = Vec::new();
        let mut say = |wrong: bool, what: &str| {
            if wrong {
                said.push(format!("{}: {what}", self.name));
            }
        };
        let words: Vec<&str> = self.name.split('_').collect();
        let counter = self.kind == "counter";
        let samples_total = self.samples.iter().all(|sample| sample.name.ends_with("_total"));
        say(counter && !samples_total, "a counter ends in _total");
        say(!counter && self.name.ends_with("_total"), "only a counter ends in _total");
        let histogram_words = ["bucket", "sum", "count"];
        say(words.last().is_some_and(|last| histogram_words.contains(last)), "a reserved suffix");
        let kinds = ["gauge", "counter", "histogram", "summary"];
        say(words.iter().any(|word| kinds.contains(word)), "the kind is in the name");
        let units = [
            "s",
            "ms",
            "us",
            "ns",
            "sec",
            "b",
            "kb",
            "mb",
            "gb",
            "m",
            "h",
            "d",
            "milliseconds",
            "microseconds",
            "minutes",
            "hours",
            "days",
            "bits",
            "kilobytes",
            "megabytes",
            "percent",
        ];
        say(words.iter().any(|word| units.contains(word)), "not a base unit");
        say(self.name.contains(':') || self.name != self.name.to_lowercase(), "bad characters");
        say(self.help.trim().is_empty(), "no help");
        said
    }
}

fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"")?;
            let end = closing_quote(after)?;
            let value = unescape(&after[..end], true)?;
            let fresh = labels.insert(label.to_owned(), value).is_none();
            if !fresh || !is_name(label) || label.contains(':') {
                return None;
            }
            rest = &after[end + 1..];
            if let Some(after) = rest.strip_prefix("} ") {
                rest = after;
                break;
            }
            rest = rest.strip_prefix(',')?;
        }
    } else {
        rest = rest.strip_prefix(' ')?;
    }
    let value: f64 = rest.parse().ok()?;
    let plain = rest.bytes().all(|byte| byte.is_ascii_digit() || b".-e+".contains(&byte));
    (is_name(name) && plain && value.is_finite()).then(|| Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

fn is_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closing = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closing
    })
}

fn unescape(text: &str, quotes: bool) -> Option<String> {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.push(match characters.next()? {
                'n' => '\n',
                '\\' => '\\',
                '"' if quotes => '"',
                _ => return None,
            }),
            '"' if quotes => return None,
            other => out.push(other),
        }
    }
    Some(out)
}

#[test]
fn the_reader_takes_what_is_right() {
    let text = "# HELP a_total What \\\\ it is.\n# TYPE a_total counter\na_total{x=\"1\\\"\\\\\\n\"} 2\na_total 3\n";
    let read = Exposition::read(text, Format::Text).unwrap();
    assert_eq!(read.value("a_total", &[("x", "1\"\\\n")]), 2.0);
    assert_eq!(read.values("a_total", &[]), [2.0, 3.0]);
    assert_eq!(read.lint(), Vec::<String>::new());
}

#[test]
fn the_reader_refuses_what_is_wrong() {
    let head = "# HELP a What.\n# TYPE a gauge\n";
    for (text, what) in [
        (format!("{head}a 1\na 1\n"), "twice"),
        (format!("{head}a{{x=\"1\",x=\"2\"}} 1\n"), "no sample"),
        (format!("{head}a{{x=\"\\q\"}} 1\n"), "no sample"),
        (format!("{head}a NaN\n"), "no sample"),
        (format!("{head}a +Inf\n"), "no sample"),
        (format!("{head}b 1\n"), "not under its family"),
        (format!("{head}a 1\n{head}a{{x=\"1\"}} 1\n"), "the family comes twice"),
        (format!("{head}# HELP b B.\n# TYPE b gauge\nb 1\n"), "the family before is empty"),
        (format!("{head}a 1"), "does not end"),
        ("a 1\n".to_owned(), "no family"),
        ("# TYPE a gauge\na 1\n".to_owned(), "no help"),
        (
            "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_sum 1\na_count 1\n"
                .to_owned(),
            "incomplete histogram",
        ),
    ] {
        let refused = Exposition::read(&text, Format::Text).unwrap_err();
        assert!(refused.contains(what), "{refused}\n{text}");
    }
    let open = format!("{head}a 1\n");
    assert!(Exposition::read(&open, Format::OpenMetrics).is_err());
    assert!(Exposition::read(&format!("{open}# EOF\n"), Format::OpenMetrics).is_ok());
    assert!(Exposition::read(&format!("{open}# EOF\na 2\n"), Format::OpenMetrics).is_err());
}
