//! The writer: samples to text, either Prometheus' text format 0.0.4 or OpenMetrics 1.0, in chunks.
//!
//! # Why a writer of our own
//!
//! Series are as many as targets times endpoints times facts. Written straight from the store with
//! label text that is kept per endpoint, they cost a small part of what a registry's copies do, and
//! memory stays at one chunk whatever the number of targets: whoever drives the writer takes the
//! text away when it is enough.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::catalogue::{Def, Kind};
use super::label::LabelDoc;
use super::record::{Sink, Value};

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
        Self { format, buffer: Vec::with_capacity(room), family: Current::default() }
    }

    /// The text so far, once it is a chunk.
    pub fn chunk(&mut self) -> Option<Bytes> {
        if self.buffer.len() < CHUNK {
            return None;
        }
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK + SLACK));
        Some(Bytes::from(full))
    }

    /// Starts a family of the catalogue. Each family may be started once.
    pub fn begin(&mut self, def: &Def) {
        self.family = Current {
            name: Cow::Borrowed(def.name),
            kind: Some(def.kind),
            help: Cow::Borrowed(def.help),
            labels: def.labels,
            bounds: def.buckets.iter().map(|bound| bound_text(*bound)).collect(),
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

    /// Writes one line. `extra` is the name and value of one more label.
    fn line(
        &mut self,
        suffix: &str,
        subject: &str,
        labels: &[&str],
        extra: Option<(&str, &str)>,
        value: Value,
    ) {
        if matches!(value, Value::Number(number) if !number.is_finite()) {
            return;
        }
        if !self.family.opened {
            self.open_family();
        }
        let text = &mut self.buffer;
        text.extend_from_slice(self.family.name.as_bytes());
        text.extend_from_slice(suffix.as_bytes());
        if !(subject.is_empty() && labels.is_empty() && extra.is_none()) {
            text.push(b'{');
            text.extend_from_slice(subject.as_bytes());
            let mut comma = !subject.is_empty();
            for (label, value) in self.family.labels.iter().zip(labels) {
                let opening = label.opening.as_bytes();
                text.extend_from_slice(opening.get(usize::from(!comma)..).unwrap_or_default());
                escape(text, value, true);
                text.push(b'"');
                comma = true;
            }
            if let Some((name, value)) = extra {
                if comma {
                    text.push(b',');
                }
                text.extend_from_slice(name.as_bytes());
                text.extend_from_slice(b"=\"");
                text.extend_from_slice(value.as_bytes());
                text.push(b'"');
            }
            text.push(b'}');
        }
        text.push(b' ');
        put_value(text, value);
        text.push(b'\n');
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
        let mut total = 0;
        let every = bounds.iter().map(String::as_str).chain(["+Inf"]);
        for (bound, number) in every.zip(buckets) {
            total += number;
            self.line("_bucket", subject, &[], Some(("le", bound)), Value::Count(total));
        }
        self.line("_sum", subject, &[], None, Value::Number(sum));
        self.line("_count", subject, &[], None, Value::Count(total));
        self.family.bounds = bounds;
    }
}

/// A bound in the form that OpenMetrics asks for and that is right in both: `1.0`, `0.25`.
fn bound_text(bound: f64) -> String {
    if bound.fract() == 0.0 { format!("{bound:.1}") } else { bound.to_string() }
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

/// Writes a label's value or a help text. The text format leaves quotes in help texts alone.
fn escape(out: &mut Vec<u8>, text: &str, quotes: bool) {
    let mut rest = text.as_bytes();
    let special = |byte: &u8| matches!(byte, b'\\' | b'\n') || (quotes && *byte == b'"');
    // Most text has nothing to escape and is copied in one go.
    while let Some(at) = rest.iter().position(special) {
        let (plain, from) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = from.split_first() else { break };
        out.extend_from_slice(match byte {
            b'\n' => b"\\n",
            b'"' => b"\\\"",
            _ => b"\\\\",
        });
        rest = after;
    }
    out.extend_from_slice(rest);
}

fn put_value(out: &mut Vec<u8>, value: Value) {
    match value {
        Value::Flag(flag) => out.push(if flag { b'1' } else { b'0' }),
        Value::Count(count) => put_integer(out, count),
        Value::Epoch(seconds) => {
            if seconds < 0 {
                out.push(b'-');
            }
            put_integer(out, seconds.unsigned_abs());
        }
        Value::Seconds(duration) => put_seconds(out, duration),
        // Writing to a vector cannot fail.
        Value::Number(number) => drop(write!(out, "{number}")),
    }
}

fn put_integer(out: &mut Vec<u8>, number: u64) {
    if number < 10 {
        return out.push(b'0' + number as u8);
    }
    let mut digits = [0; 20];
    let used = fill(&mut digits, number);
    out.extend_from_slice(digits.get(used..).unwrap_or_default());
}

/// Seconds with up to six digits after the point, without zeros at the end.
fn put_seconds(out: &mut Vec<u8>, duration: Duration) {
    put_integer(out, duration.as_secs());
    let fraction = duration.subsec_micros();
    if fraction == 0 {
        return;
    }
    let mut digits = *b".000000";
    fill(&mut digits, fraction.into());
    let used = digits.iter().rposition(|digit| *digit != b'0').unwrap_or_default();
    out.extend_from_slice(digits.get(..=used).unwrap_or_default());
}

/// Writes a number's digits to the end of `digits`; gives where they begin.
fn fill(digits: &mut [u8], mut number: u64) -> usize {
    let mut begin = digits.len();
    for digit in digits.iter_mut().rev() {
        if number == 0 {
            break;
        }
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        begin -= 1;
    }
    begin
}

/// Bytes after which a chunk is handed on.
pub const CHUNK: usize = 64 << 10;

/// Room for the lines that fill a chunk: those of one item.
const SLACK: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(value: Value) -> String {
        let mut out = Vec::new();
        put_value(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_exact_and_short() {
        for (value, text) in [
            (Value::Flag(true), "1"),
            (Value::Count(0), "0"),
            (Value::Count(u64::MAX), "18446744073709551615"),
            (Value::Epoch(-62_135_596_800), "-62135596800"),
            (Value::Epoch(i64::MIN), "-9223372036854775808"),
            (Value::Seconds(Duration::ZERO), "0"),
            (Value::Seconds(Duration::from_micros(1)), "0.000001"),
            (Value::Seconds(Duration::from_nanos(999)), "0"),
            (Value::Seconds(Duration::from_millis(1_700_000_000_250)), "1700000000.25"),
            (Value::Seconds(Duration::from_micros(100_020)), "0.10002"),
            (Value::Number(0.15), "0.15"),
        ] {
            assert_eq!(text_of(value), text);
        }
    }

    #[test]
    fn bounds_read_the_same_in_both_formats() {
        let bounds = [0.01, 0.5, 1.0, 30.0].map(bound_text);
        assert_eq!(bounds, ["0.01", "0.5", "1.0", "30.0"]);
    }

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
