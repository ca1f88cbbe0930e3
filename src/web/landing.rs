//! `/`: the page for a person who has nothing but a browser. Rendered here as a whole, without
//! scripts and without anything from elsewhere.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Response;
use hyper::header::{self, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::body::Payload;
use super::report::{is_harmless, utc};
use super::scrape::rendered;
use super::status::{self, Condition, Row};
use super::{Asked, Refusal, State};

pub(super) async fn page(state: &Arc<State>, asked: &Asked) -> Result<Response<Payload>, Refusal> {
    let content_type = "text/html; charset=utf-8";
    let mut response = rendered(state, asked, content_type, false, |state, sink| {
        let now = SystemTime::now();
        let running = state.control.running();
        let mut rows = status::rows(&state.store, &running.policy.rules, now);
        // What needs somebody comes first. The sort is stable, so names stay in order.
        rows.sort_by_key(|row| urgency(row.state));
        let base = Html(state.link_base()).to_string();
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = head(&mut out, &base, &rows);
        sink(Bytes::from(std::mem::take(&mut out)));
        for row in &rows {
            let _ = table_row(&mut out, &base, row, now);
            sink(Bytes::from(std::mem::take(&mut out)));
        }
        let _ = foot(&mut out, &rows);
        sink(Bytes::from(out));
        Ok(())
    })
    .await?;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

fn head(out: &mut String, base: &str, rows: &[Row]) -> std::fmt::Result {
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>smtp_exporter</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>smtp_exporter</h1> <span>version {}</span></header>\n",
        env!("CARGO_PKG_VERSION")
    )?;
    write!(out, "<p class=\"counts\">")?;
    for condition in Condition::ALL {
        let count = rows.iter().filter(|row| row.state == *condition).count();
        write!(out, "<span class=\"{condition}\"><b>{count}</b> {condition}</span> ")?;
    }
    writeln!(out, "<span><b>{}</b> in all</span></p>", rows.len())?;
    write!(out, "<nav>")?;
    for (path, text) in [
        ("/metrics", "metrics"),
        ("/api/v1/targets", "targets as JSON"),
        ("/config", "configuration"),
        ("/runbooks", "runbooks"),
        ("/-/healthy", "healthy"),
        ("/-/ready", "ready"),
    ] {
        write!(out, "<a href=\"{base}{path}\">{text}</a> ")?;
    }
    writeln!(out, "</nav>")?;
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<table>\n<thead><tr><th>target</th><th>module</th><th>state</th><th>since</th>\
         <th>why</th><th>blame</th><th>code</th><th>next probe</th><th>more</th></tr></thead>\n<tbody>"
    )
}

fn table_row(out: &mut String, base: &str, row: &Row, now: SystemTime) -> std::fmt::Result {
    let state = row.state;
    write!(out, "<tr><th scope=\"row\">{}", Html(&row.target))?;
    if *row.place != *row.target {
        write!(out, "<small>{}</small>", Html(&row.place))?;
    }
    write!(out, "</th><td data-name=\"module\">{}</td>", Html(&row.module))?;
    let word = match (state, row.negative) {
        (Condition::Up, true) => "as expected",
        (Condition::Down, true) => "not as expected",
        _ => state.as_str(),
    };
    write!(out, "<td data-name=\"state\"><span class=\"{state}\">{word}</span>")?;
    if let Some(until) = row.paused_until {
        write!(out, "<small>for {}</small>", distance(now, until))?;
    }
    write!(out, "</td><td data-name=\"since\">")?;
    if let Some(since) = row.since {
        write!(out, "<time datetime=\"{}\">{} ago</time>", utc(since), distance(since, now))?;
    }
    match &row.failure {
        Some(failure) => {
            write!(
                out,
                "</td><td data-name=\"why\"><a rel=\"noreferrer\" href=\"{}\" title=\"{} (rule {}, {})\">{}</a> in {}",
                Html(&failure.doc),
                Html(failure.meaning),
                Html(&failure.rule),
                failure.permanence,
                failure.cause,
                failure.phase
            )?;
            if !failure.detail.is_empty() {
                let detail: String = failure.detail.chars().take(DETAIL).collect();
                write!(out, "<small>{}</small>", Html(&detail))?;
            }
            // No tooltip: a finger cannot hover. In a negative test the refusal is wanted, so what
            // mends it is no help.
            if !row.negative {
                write!(out, "<small class=\"advice\">{}", Html(failure.action))?;
                if let Some(wait) = failure.wait {
                    write!(out, " Wait {}.", Html(wait))?;
                }
                write!(out, "</small>")?;
            }
            write!(out, "</td><td data-name=\"blame\">{}", failure.blame)?;
        }
        None => write!(out, "</td><td data-name=\"why\"></td><td data-name=\"blame\">")?,
    }
    write!(out, "</td><td data-name=\"code\">")?;
    if let Some(code) = row.reply_code {
        write!(out, "{code}")?;
    }
    write!(out, "</td><td data-name=\"next probe\">")?;
    match row.next_round {
        // Less than a second would read as `in 0 s`.
        Some(next) if next >= now + SECOND => write!(out, "in {}", distance(now, next))?,
        Some(_) => write!(out, "now")?,
        None => {}
    }
    let (target, module) = (encoded(&row.target), encoded(&row.module));
    let query = format!("target={target}&amp;module={module}");
    writeln!(
        out,
        "</td><td data-name=\"more\"><a href=\"{base}/logs?{query}\">log</a> \
         <a rel=\"nofollow\" href=\"{base}/probe?{query}&amp;debug=true\">probe</a></td></tr>"
    )
}

fn foot(out: &mut String, rows: &[Row]) -> std::fmt::Result {
    if rows.is_empty() {
        writeln!(
            out,
            "<p>No targets are configured: add <code>targets</code> to the configuration file.</p>"
        )?;
    } else {
        writeln!(out, "</tbody>\n</table>")?;
    }
    writeln!(out, "</body>\n</html>")
}

/// Text in HTML, in an element or in a quoted attribute.
pub(super) struct Html<'a>(pub(super) &'a str);

impl std::fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if is_harmless(c) => f.write_char(c)?,
                _ => f.write_char(char::REPLACEMENT_CHARACTER)?,
            }
        }
        Ok(())
    }
}

/// Text as a value in a query. What it gives is safe in an attribute as well.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// How long from one moment to a later one, in the two largest units.
fn distance(from: SystemTime, to: SystemTime) -> String {
    let s = to.duration_since(from).unwrap_or_default().as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86400, s % 86400 / 3600),
    }
}

/// The place of a state on the page: the smaller, the higher.
const fn urgency(state: Condition) -> u8 {
    match state {
        Condition::Down => 0,
        Condition::Unknown => 1,
        Condition::Paused => 2,
        Condition::Up => 3,
    }
}

/// All but the unreserved characters of RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Characters of a failure's detail that the table shows.
const DETAIL: usize = 200;
const SECOND: Duration = Duration::from_secs(1);

/// Nothing but our own style sheet, named by its hash.
static POLICY: LazyLock<String> = LazyLock::new(|| policy(STYLE));

/// A content security policy that allows nothing but one style sheet.
pub(super) fn policy(style: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(style));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

const STYLE: &str = "
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --dim: light-dark(#555, #aaa);
  --good: light-dark(#116329, #56d364); --bad: light-dark(#b3261e, #ff7b72);
  --wait: light-dark(#7a4d00, #e3b341) }
body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 84rem; padding: 0 1rem }
h1 { display: inline; font-size: 1.4rem }
header span, small, .unknown { color: var(--dim) }
nav a, .counts span { margin-right: 1rem; white-space: nowrap }
.counts { font-size: 1.1rem }
table { border-collapse: collapse; margin-top: 1rem; width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .9rem .35rem 0; text-align: left;
  vertical-align: top; white-space: nowrap }
tbody th, [data-name=why] { overflow-wrap: anywhere; white-space: normal }
tbody th { font-weight: 600; min-width: 10rem }
[data-name=why] { min-width: 16rem; width: 50% }
[data-name=more] a { margin-right: .5rem }
[data-name=state] span { font-weight: 600 }
thead th { color: var(--dim); font-weight: normal }
small { display: block; font-weight: normal }
.up { color: var(--good) } .down { color: var(--bad) } .paused { color: var(--wait) }
@media (max-width: 66rem) {
  thead { display: none }
  tr { display: block; padding: .6rem 0; border-bottom: 1px solid var(--line) }
  th, td { border: 0; padding: .1rem 0 }
  tbody th, [data-name=why] { display: block; min-width: 0; width: auto }
  td { display: inline-block; margin-right: 1.2rem; max-width: 100%; overflow-wrap: anywhere;
    white-space: normal }
  td small { display: inline }
  [data-name=why] small { display: block }
  td:empty { display: none }
  td:not([data-name=more])::before { content: attr(data-name) ' '; color: var(--dim) }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped() {
        let text = "<script>alert(\"x\" & 'y')</script>\u{202e}\u{7}";
        let expected = "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;\
                        \u{fffd}\u{fffd}";
        assert_eq!(Html(text).to_string(), expected);
        assert_eq!(encoded("mx-1.a b&\"<'"), "mx-1.a%20b%26%22%3C%27");
    }

    #[test]
    fn distances_read_well() {
        let zero = SystemTime::UNIX_EPOCH;
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(distance(zero, zero + Duration::from_secs(seconds)), text);
        }
        assert_eq!(distance(zero + Duration::from_secs(5), zero), "0 s");
    }
}
