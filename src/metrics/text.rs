//! How labels and values look, the same in both formats.

use std::io::Write;
use std::time::Duration;

use super::catalogue::Def;
use super::label::LabelDoc;
use super::record::Value;

/// The bounds of a family's buckets as text.
pub(super) fn bounds_of(def: &Def) -> Vec<String> {
    def.buckets.iter().map(|bound| bound_text(*bound)).collect()
}

/// Writes a family's own labels, and a bucket's bound. `comma`: there are labels before them.
pub(super) fn put_labels(
    text: &mut Vec<u8>,
    names: &[LabelDoc],
    values: &[&str],
    le: Option<&str>,
    mut comma: bool,
) {
    for (label, value) in names.iter().zip(values) {
        let opening = label.opening.as_bytes();
        text.extend_from_slice(opening.get(usize::from(!comma)..).unwrap_or_default());
        escape(text, value, true);
        text.push(b'"');
        comma = true;
    }
    if let Some(bound) = le {
        text.extend_from_slice(if comma { b",le=\"" } else { b"le=\"" });
        text.extend_from_slice(bound.as_bytes());
        text.push(b'"');
    }
}

/// A bound in the form that OpenMetrics asks for and that is right in both: `1.0`, `0.25`.
pub(super) fn bound_text(bound: f64) -> String {
    if bound.fract() == 0.0 { format!("{bound:.1}") } else { bound.to_string() }
}

/// Writes a label's value or a help text. The text format leaves quotes in help texts alone.
pub(super) fn escape(out: &mut Vec<u8>, text: &str, quotes: bool) {
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

/// Writes a value.
pub(super) fn put_value(out: &mut Vec<u8>, value: Value) {
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
}
