//! Reading what `/metrics` says.

use std::collections::BTreeMap;

/// One line of an exposition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// An exposition in the text format 0.0.4.
#[derive(Debug, Clone)]
pub(crate) struct Scrape {
    pub(crate) text: String,
    samples: Vec<Sample>,
}

impl Scrape {
    /// Reads a text.
    ///
    /// # Panics
    ///
    /// On a line that is not of the format, and on a series that stands there twice.
    pub(crate) fn read(text: String) -> Self {
        let samples: Vec<Sample> = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}")))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        for sample in &samples {
            assert!(seen.insert((&sample.name, &sample.labels)), "twice: {sample:?}");
        }
        Self { text, samples }
    }

    /// All samples of that name that carry these labels, whatever else they carry.
    pub(crate) fn all(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        self.samples
            .iter()
            .filter(|sample| {
                sample.name == name
                    && labels
                        .iter()
                        .all(|(label, value)| sample.labels.get(*label).is_some_and(|v| v == value))
            })
            .collect()
    }

    /// The one sample with these labels.
    ///
    /// # Panics
    ///
    /// When there are several: the labels were meant to name one.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found = self.all(name, labels);
        assert!(found.len() < 2, "{name} {labels:?} is several: {found:#?}");
        found.first().map(|sample| sample.value)
    }

    /// The sum of all samples with these labels.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.all(name, labels).iter().map(|sample| sample.value).sum()
    }

    /// Every line that names a target: what to print when a test fails.
    pub(crate) fn about(&self, target: &str) -> String {
        let wanted = format!("target=\"{target}\"");
        let lines: Vec<&str> = self
            .text
            .lines()
            .filter(|line| line.contains(&wanted) && !line.contains("_bucket{"))
            .collect();
        lines.join("\n")
    }
}

/// `name{label="value",…} number`, a time stamp not expected.
fn sample(line: &str) -> Option<Sample> {
    let (name, mut rest) = line.split_at(line.find(['{', ' '])?);
    let mut labels = BTreeMap::new();
    if let Some(after) = rest.strip_prefix('{') {
        rest = after;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(label.to_owned(), value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ')?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// The text up to the closing quotation mark, unescaped, and what follows the mark.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[test]
fn an_exposition_is_read() {
    let scrape = Scrape::read(
        "# HELP a A.\na{x=\"1\",y=\"q\\\"}\\n,\"} 1.5\na{x=\"2\"} 2\nb 3\n".to_owned(),
    );
    assert_eq!(scrape.value("a", &[("y", "q\"}\n,")]), Some(1.5));
    assert_eq!(scrape.sum("a", &[]), 3.5);
    assert_eq!(scrape.value("b", &[]), Some(3.0));
    assert_eq!(scrape.value("b", &[("x", "1")]), None);
}
