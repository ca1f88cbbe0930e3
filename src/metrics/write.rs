//! The writer: samples to text, either Prometheus' text format 0.0.4 or OpenMetrics 1.0, in chunks.
//!
//! # Why a writer of our own
//!
//! Series are as many as targets times endpoints times facts. Written straight from the store with
//! label text that is kept per endpoint, they cost a small part of what a registry's copies do, and
//! memory stays at one chunk whatever the number of targets: whoever drives the writer takes the
//! text away when it is enough.

use std::borrow::Cow;

use bytes::Bytes;
use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::catalogue::{Def, Kind};
use super::label::LabelDoc;
use super::record::{Sink, Value};
use super::text::{bound_text, bounds_of, escape, put_labels, put_value};

/// The format of an exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The better liked of the two for an `Accept` header (RFC 9110, 12.5.1); text when the header
    /// is empty or names neither. Between equals, the one named first.
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (0.0, Self::Text);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1.0, None);
            for parameter in parts {
                match parameter.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                    Some(("q", value)) => quality = value.parse().unwrap_or(0.0),
                    Some(("version", value)) => version = Some(value.trim_matches('"')),
                    _ => {}
                }
            }
            let format = match (media.as_str(), version) {
                ("application/openmetrics-text", None | Some("1.0.0")) => Self::OpenMetrics,
                ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Self::Text,
                _ => continue,
            };
            if quality > best.0 && quality <= 1.0 {
                best = (quality, format);
            }
        }
        best.1
    }

    /// The value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes families one after the other into a buffer, from which whoever drives it takes chunks of
/// about [`CHUNK`] bytes.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    buffer: Vec<u8>,
    /// The last piece. Whoever took it is mostly through with it when the next one is full.
    given: Option<Bytes>,
    family: Current,
}

/// The family that is being written.
#[derive(Debug, Default)]
struct Current {
    name: Cow<'static, str>,
    kind: Option<Kind>,
    help: Cow<'static, str>,
    /// The family's own labels.
    labels: &'static [LabelDoc],
    /// Bounds of the buckets as text, without `+Inf`.
    bounds: Vec<String>,
    /// What lines begin with, by the place of the suffix in [`SUFFIXES`]: `name_bucket{`. Made when
    /// they are asked for.
    beginnings: Vec<Vec<u8>>,
    /// HELP and TYPE are written with the first sample: a family without one is left out.
    opened: bool,
}

impl Writer {
    /// A writer of an exposition in `format`.
    pub fn new(format: Format) -> Self {
        Self::with_room(CHUNK + SLACK, format)
    }

    /// A writer for about `room` bytes, which may become more: an exposition that is known to be
    /// small needs no buffer of a whole chunk.
    pub fn with_room(room: usize, format: Format) -> Self {
        Self { format, buffer: Vec::with_capacity(room), given: None, family: Current::default() }
    }

    /// True once the text so far is a chunk.
    pub(super) const fn is_full(&self) -> bool {
        self.buffer.len() >= CHUNK
    }

    /// The text so far, once it is a chunk.
    pub fn chunk(&mut self) -> Option<Bytes> {
        self.is_full().then(|| self.piece())
    }

    /// The text so far, however little.
    pub(super) fn piece(&mut self) -> Bytes {
        if self.buffer.is_empty() {
            return Bytes::new();
        }
        let again = self.given.take().and_then(|given| given.try_into_mut().ok());
        let next = again.map_or_else(
            || Vec::with_capacity(CHUNK + SLACK),
            |mut again| {
                again.clear();
                Vec::from(again)
            },
        );
        let full = Bytes::from(std::mem::replace(&mut self.buffer, next));
        self.given = Some(full.clone());
        full
    }

    /// Starts a family of the catalogue. Each family may be started once.
    pub fn begin(&mut self, def: &Def) {
        self.family = Current {
            name: Cow::Borrowed(def.name),
            kind: Some(def.kind),
            help: Cow::Borrowed(def.help),
            labels: def.labels,
            bounds: bounds_of(def),
            beginnings: Vec::new(),
            opened: false,
        };
    }

    /// Writes a family that a registry gathered. Its text and kind are its own.
    pub fn gathered(&mut self, family: &MetricFamily) {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => Kind::Counter,
            MetricType::GAUGE => Kind::Gauge,
            MetricType::HISTOGRAM => Kind::Histogram,
            _ => return,
        };
        self.family = Current {
            name: Cow::Owned(family.name().to_owned()),
            kind: Some(kind),
            help: Cow::Owned(family.help().to_owned()),
            ..Current::default()
        };
        for metric in family.get_metric() {
            let subject = label_text(metric);
            match kind {
                Kind::Counter => {
                    self.sample(&subject, &[], Value::Number(metric.get_counter().get_value()));
                }
                Kind::Gauge => {
                    self.sample(&subject, &[], Value::Number(metric.get_gauge().get_value()));
                }
                Kind::Histogram => self.gathered_histogram(&subject, metric),
            }
        }
    }

    /// Ends the exposition and gives the last chunk, which may be empty.
    pub fn finish(mut self) -> Bytes {
        if self.format == Format::OpenMetrics {
            self.buffer.extend_from_slice(b"# EOF\n");
        }
        Bytes::from(self.buffer)
    }

    fn gathered_histogram(&mut self, subject: &str, metric: &Metric) {
        let histogram = metric.get_histogram();
        let mut buckets = Vec::new();
        let mut before = 0;
        self.family.bounds.clear();
        for bucket in histogram.get_bucket() {
            if bucket.upper_bound().is_finite() {
                self.family.bounds.push(bound_text(bucket.upper_bound()));
                buckets.push(bucket.cumulative_count().saturating_sub(before));
                before = bucket.cumulative_count();
            }
        }
        buckets.push(histogram.get_sample_count().saturating_sub(before));
        self.histogram(subject, &buckets, histogram.get_sample_sum());
    }

    fn open_family(&mut self) {
        let (name, text) = (&self.family.name, &mut self.buffer);
        let open_metrics = self.format == Format::OpenMetrics;
        let counter = self.family.kind == Some(Kind::Counter);
        // OpenMetrics names a counter's family without the suffix of its samples.
        let name = match name.strip_suffix("_total") {
            Some(stem) if open_metrics && counter => stem,
            _ => name,
        };
        text.extend_from_slice(b"# HELP ");
        text.extend_from_slice(name.as_bytes());
        text.push(b' ');
        match &self.family.help {
            // The catalogue's own text has nothing to escape.
            Cow::Borrowed(help) => text.extend_from_slice(help.as_bytes()),
            Cow::Owned(help) => escape(text, help, open_metrics),
        }
        text.extend_from_slice(b"\n# TYPE ");
        text.extend_from_slice(name.as_bytes());
        text.push(b' ');
        text.extend_from_slice(self.family.kind.map_or("untyped", Kind::as_str).as_bytes());
        text.push(b'\n');
        self.family.opened = true;
    }

    /// Writes one line. `le` is the bound of a bucket.
    fn line(
        &mut self,
        suffix: &str,
        subject: &str,
        labels: &[&str],
        le: Option<&str>,
        value: Value,
    ) {
        if !value.is_shown() {
            return;
        }
        if !self.family.opened {
            self.open_family();
        }
        let text = &mut self.buffer;
        text.extend_from_slice(self.family.name.as_bytes());
        text.extend_from_slice(suffix.as_bytes());
        if !(subject.is_empty() && labels.is_empty() && le.is_none()) {
            text.push(b'{');
            text.extend_from_slice(subject.as_bytes());
            put_labels(text, self.family.labels, labels, le, !subject.is_empty());
            text.push(b'}');
        }
        text.push(b' ');
        put_value(text, value);
        text.push(b'\n');
    }

    /// Writes one line of a family of the catalogue, whose parts are text: the place of its suffix
    /// in [`SUFFIXES`], the subject's labels, and what comes after them in two parts.
    pub(super) fn line_of(&mut self, suffix: usize, subject: &[u8], phrase: &[u8], own: &[u8]) {
        if !self.family.opened {
            self.open_family();
        }
        let family = &mut self.family;
        if family.beginnings.is_empty() {
            let beginning = |suffix| [&*family.name, suffix, "{"].concat().into_bytes();
            family.beginnings = SUFFIXES.map(beginning).into();
        }
        let text = &mut self.buffer;
        text.extend_from_slice(family.beginnings.get(suffix).map_or(&[], Vec::as_slice));
        text.extend_from_slice(subject);
        text.extend_from_slice(phrase);
        text.extend_from_slice(own);
    }
}

impl Sink for Writer {
    fn sample(&mut self, subject: &str, labels: &[&str], value: Value) {
        // The last label may be left out where it does not apply.
        debug_assert!(labels.len() <= self.family.labels.len(), "{}", self.family.name);
        self.line("", subject, labels, None, value);
    }

    fn histogram(&mut self, subject: &str, buckets: &[u64], sum: f64) {
        let bounds = std::mem::take(&mut self.family.bounds);
        spread(&bounds, buckets, sum, |suffix, le, value| {
            self.line(SUFFIXES.get(suffix).unwrap_or(&""), subject, &[], le, value);
        });
        self.family.bounds = bounds;
    }
}

/// The lines of a histogram: the place of the suffix in [`SUFFIXES`], the bound, the value.
pub(super) fn spread(
    bounds: &[String],
    buckets: &[u64],
    sum: f64,
    mut line: impl FnMut(usize, Option<&str>, Value),
) {
    let mut total = 0;
    let every = bounds.iter().map(String::as_str).chain(["+Inf"]);
    for (bound, number) in every.zip(buckets) {
        total += number;
        line(1, Some(bound), Value::Count(total));
    }
    line(2, None, Value::Number(sum));
    line(3, None, Value::Count(total));
}

/// The labels of a gathered metric as text.
fn label_text(metric: &Metric) -> String {
    let mut text = Vec::new();
    for label in metric.get_label() {
        if !text.is_empty() {
            text.push(b',');
        }
        text.extend_from_slice(label.name().as_bytes());
        text.extend_from_slice(b"=\"");
        escape(&mut text, label.value(), true);
        text.push(b'"');
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Bytes after which a chunk is handed on.
pub const CHUNK: usize = 64 << 10;

/// What may stand behind a family's name in the names of its samples.
const SUFFIXES: [&str; 4] = ["", "_bucket", "_sum", "_count"];

/// Room for the lines that fill a chunk: those of one item.
const SLACK: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_headers_choose() {
        use Format::{OpenMetrics, Text};
        // What Prometheus sends, in two versions.
        let v2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let v3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            (v2, OpenMetrics),
            (v3, OpenMetrics),
            ("", Text),
            ("*/*", Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Text),
            ("text/plain;q=0.9, application/openmetrics-text; version=\"1.0.0\"; q=0.2", Text),
            ("application/openmetrics-text;version=0.0.1", Text),
            ("application/openmetrics-text;q=0", Text),
            ("application/openmetrics-text;q=nonsense", Text),
            ("APPLICATION/OPENMETRICS-TEXT", OpenMetrics),
            (";;;=,,q=1", Text),
        ] {
            assert_eq!(Format::negotiate(accept), format, "{accept}");
        }
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let mut writer = Writer::new(Format::Text);
        writer.begin(super::super::catalogue::def(super::super::catalogue::Family::TargetUp));
        writer.sample("", &[], Value::Number(f64::INFINITY));
        writer.sample("", &[], Value::Number(f64::NAN));
        assert!(writer.finish().is_empty());
    }
}
