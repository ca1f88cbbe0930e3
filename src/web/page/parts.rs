//! Small pieces of pages.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use maud::{Escaper, Markup, Render, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cause::Cause;
use crate::smtp::Phase;
use crate::web::Page;
use crate::web::report::{is_harmless, utc};
use crate::web::status::{EndpointRow, Group, HistoryRow, PhaseRow, ReplyRow, Row, SOON_DAYS};

/// Text that somebody else may have written: a peer's words, a certificate's names, a query. It is
/// escaped as all text is, and cannot turn the direction of writing around.
pub(super) struct Said<T>(pub(super) T);

impl<T: AsRef<str>> Render for Said<T> {
    fn render_to(&self, buffer: &mut String) {
        let plain = |c: char| if is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER };
        let text: String = self.0.as_ref().chars().map(plain).collect();
        // Writing to a string does not fail.
        let _ = Escaper::new(buffer).write_str(&text);
    }
}

/// Where links begin: the path of the external URL, or the route prefix.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct Links<'a> {
    base: &'a str,
    /// Pages that nobody gets: no link leads there.
    closed: &'a [Page],
}

impl<'a> Links<'a> {
    pub(in crate::web) const fn new(base: &'a str, closed: &'a [Page]) -> Self {
        Self { base, closed }
    }

    pub(super) fn open(self, page: Page) -> bool {
        !self.closed.contains(&page)
    }

    pub(super) fn to(self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) fn target(self, name: &str) -> String {
        format!("{}/targets/{}", self.base, encoded(name))
    }

    /// The part of a target's page that shows one check.
    pub(super) fn check(self, row: &Row) -> String {
        format!("{}#{}", self.target(&row.target), anchor(row))
    }

    pub(super) fn json(self, name: &str) -> String {
        format!("{}/api/v1/targets/{}", self.base, encoded(name))
    }

    pub(super) fn logs(self, row: &Row) -> String {
        format!("{}/logs?{}", self.base, check_query(row))
    }

    pub(super) fn probe(self, row: &Row) -> String {
        format!("{}/probe?{}&debug=true", self.base, check_query(row))
    }
}

fn check_query(row: &Row) -> String {
    format!("target={}&module={}", encoded(&row.target), encoded(&row.module))
}

/// The id of a check's part of its target's page.
pub(super) fn anchor(row: &Row) -> String {
    format!("module-{}", encoded(&row.module).replace('%', "_"))
}

/// Text as one segment of a path, or as a value in a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A moment in the past, as its distance, with the moment itself for programs and on hover.
pub(super) fn ago(at: SystemTime, now: SystemTime) -> Markup {
    html! { time datetime=(utc(at)) title=(utc(at)) { (distance(at, now)) " ago" } }
}

/// How long something has lasted.
pub(super) fn lasting(since: SystemTime, now: SystemTime) -> Markup {
    html! { time datetime=(utc(since)) title=(utc(since)) { (distance(since, now)) } }
}

/// A moment to come.
pub(super) fn ahead(at: SystemTime, now: SystemTime) -> Markup {
    html! {
        time datetime=(utc(at)) title=(utc(at)) {
            // Less than a second would read as `in 0 s`.
            @if at >= now + Duration::from_secs(1) { "in " (distance(now, at)) } @else { "now" }
        }
    }
}

/// How long from one moment to a later one, in the two largest units.
pub(super) fn distance(from: SystemTime, to: SystemTime) -> String {
    let s = to.duration_since(from).unwrap_or_default().as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86400, s % 86400 / 3600),
    }
}

/// A duration, with as many digits as a person reads.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 0.01 => format!("{:.1} ms", s * 1000.0),
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 10.0 => format!("{s:.2} s"),
        s => format!("{s:.1} s"),
    }
}

/// The mark of a group: its shape says what its colour says.
pub(super) const fn mark(group: Group) -> &'static str {
    match group {
        Group::Down | Group::Unexpected => "✕",
        Group::Refused => "⊘",
        Group::OwnTrouble => "!",
        Group::Degraded => "▲",
        Group::Paused => "‖",
        Group::Unknown => "?",
        Group::Up => "✓",
    }
}

/// The state as a mark and a word.
pub(super) fn badge(row: &Row) -> Markup {
    html! {
        span.badge.(row.group) { span aria-hidden="true" { (mark(row.group)) } " " (row.word()) }
    }
}

/// A reply as the server wrote it.
pub(super) fn reply(reply: &ReplyRow) -> Markup {
    html! {
        b { (reply.code) }
        // Usually the text begins with it.
        @if let Some(enhanced) = reply.enhanced.as_ref().filter(|e| !reply.text.starts_with(*e)) {
            " " (enhanced)
        }
        @if !reply.text.is_empty() { " " span.said { (Said(&reply.text)) } }
    }
}

/// Days until a certificate ends.
pub(super) fn days(left: i64) -> Markup {
    let class = if left < SOON_DAYS { "bad" } else { "" };
    html! {
        span class=[Some(class).filter(|class| !class.is_empty())] {
            @match left {
                ..=-2 => { "ended " (-left) " days ago" }
                -1 => "ended today",
                0 => "ends today",
                1 => "1 day",
                _ => { (left) " days" }
            }
        }
    }
}

/// Where an endpoint is: host and port, and its address where that is another text.
pub(super) fn place(host: &str, port: u16, address: Option<std::net::IpAddr>) -> Markup {
    let host_port =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    html! {
        @if host.is_empty() { "resolving the name" }
        @else {
            (Said(host_port))
            @match address {
                Some(address) if address.to_string() != host => { " at " (address) }
                Some(_) => {}
                None => " (its name did not resolve)",
            }
        }
    }
}

/// How the time of a probe went, as a bar. Its label says the same in words.
pub(super) fn phases(endpoint: &EndpointRow) -> Markup {
    let total: f64 = endpoint.phases.iter().map(|phase| phase.seconds).sum();
    let mut words = String::new();
    for PhaseRow { phase, seconds } in &endpoint.phases {
        let comma = if words.is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(words, "{comma}{phase} {}", span(*seconds));
    }
    let mut end = 0.0;
    let parts = endpoint.phases.iter().map(|PhaseRow { phase, seconds }| {
        let start = pixels(end / total);
        end += seconds;
        (kind(*phase), start, pixels(end / total) - start)
    });
    html! {
        @if total > 0.0 {
            svg.phases viewBox="0 0 200 8" preserveAspectRatio="none" role="img" aria-label=(words) {
                title { (words) }
                @for (class, start, width) in parts.filter(|(_, _, width)| *width > 0) {
                    rect class=(class) x=(start) width=(width) height="8" {}
                }
            }
        }
    }
}

/// A share of the bar in its units. The share is from 0 to 1, and a cast saturates.
fn pixels(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 200.0).round() as u32
}

/// Phases that are alike to a reader have one colour.
pub(super) const fn kind(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve | Phase::Connect => "p1",
        Phase::Greeting => "p2",
        Phase::TlsImplicit | Phase::Starttls | Phase::Tls => "p3",
        Phase::Ehlo | Phase::EhloTls => "p4",
        Phase::Auth | Phase::Mail | Phase::Rcpt | Phase::Rset => "p5",
        Phase::Quit => "p6",
    }
}

/// What the colours of the bar mean.
pub(super) fn legend() -> Markup {
    html! {
        p.legend {
            "Where the time of a probe went: "
            @for (class, words) in [
                ("p1", "resolve, connect"),
                ("p2", "greeting"),
                ("p3", "TLS"),
                ("p4", "EHLO"),
                ("p5", "AUTH, MAIL, RCPT, RSET"),
                ("p6", "QUIT"),
            ] {
                span.key { svg.swatch viewBox="0 0 8 8" aria-hidden="true" { rect class=(class) width="8" height="8" {} } " " (words) } " "
            }
        }
    }
}

/// The latest rounds as a strip, oldest first: a failure is a bar of full height, a success a low one.
pub(super) fn strip(history: &[HistoryRow]) -> Markup {
    let failed = history.iter().filter(|round| round.cause.is_some()).count();
    let words = match history.len() {
        1 => format!("1 round, {failed} failed"),
        rounds => format!("{rounds} rounds, {failed} failed"),
    };
    html! {
        @if !history.is_empty() {
            svg.strip viewBox=(format!("0 0 {} 20", history.len() * 6)) role="img"
                aria-label=(words) {
                @for (place, round) in history.iter().enumerate() {
                    @let (class, top, height) = match round.cause {
                        Some(_) => ("s-bad", 0, 20),
                        None => ("s-good", 12, 8),
                    };
                    rect class=(class) x=(place * 6) y=(top) width="5" height=(height) {
                        title {
                            (utc(round.at)) " "
                            @match round.cause { Some(cause) => (cause), None => "good" }
                        }
                    }
                }
            }
            p.dim { (words) ", oldest first: tall bars failed." }
        }
    }
}

/// A cause, with its runbook behind it.
pub(super) fn cause(links: Links<'_>, cause: Cause) -> Markup {
    html! { a href=(links.to(&format!("/runbooks/{cause}"))) { (cause) } }
}

/// A page of somebody else about a failure, by the name of who wrote it; nothing where it is none.
pub(super) fn reference(doc: &str) -> Markup {
    let host = doc.split_once("://").map_or(doc, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or(host);
    html! {
        @if is_web(doc) { "More at " a rel="noreferrer" href=(doc) { (Said(host)) } "." }
    }
}

/// As much of somebody's words as a page of many takes.
pub(super) fn cut(text: &str) -> Said<String> {
    cut_at(text, WORDS)
}

/// At most so many characters.
pub(super) fn cut_at(text: &str, most: usize) -> Said<String> {
    let mut words: String = text.chars().take(most).collect();
    if words.len() < text.len() {
        words.push('…');
    }
    Said(words)
}

/// A link that leads to a page, whoever wrote it.
pub(super) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Characters of a peer's words that a page of many shows.
const WORDS: usize = 200;
/// All but the unreserved characters of RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_escaped() {
        let text = "<script>alert(\"x\" & 'y')</script>\u{202e}\u{7}";
        let expected = "&lt;script&gt;alert(&quot;x&quot; &amp; 'y')&lt;/script&gt;\
                        \u{fffd}\u{fffd}";
        assert_eq!(Said(text).render().into_string(), expected);
        // Attributes are in double quotes, always.
        let attribute = html! { a title=(Said("' onclick=\"x")) {} }.into_string();
        assert_eq!(attribute, "<a title=\"' onclick=&quot;x\"></a>");
    }

    #[test]
    fn names_are_one_segment_of_a_path() {
        assert_eq!(encoded("mx-1.a b&\"<'"), "mx-1.a%20b%26%22%3C%27");
        assert_eq!(encoded("a/b?c#d%"), "a%2Fb%3Fc%23d%25");
        let links = Links::new("/x", &[]);
        assert_eq!(links.target("é"), "/x/targets/%C3%A9");
    }

    #[test]
    fn distances_and_spans_read_well() {
        let zero = SystemTime::UNIX_EPOCH;
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(distance(zero, zero + Duration::from_secs(seconds)), text);
        }
        assert_eq!(distance(zero + Duration::from_secs(5), zero), "0 s");
        for (seconds, text) in
            [(0.0004, "0.4 ms"), (0.042, "42 ms"), (1.5, "1.50 s"), (20.04, "20.0 s")]
        {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn a_certificates_days_read_well() {
        for (left, text) in [
            (-3, "<span class=\"bad\">ended 3 days ago</span>"),
            (0, "<span class=\"bad\">ends today</span>"),
            (60, "<span>60 days</span>"),
        ] {
            assert_eq!(days(left).into_string(), text);
        }
    }

    #[test]
    fn a_reference_is_named_after_its_host() {
        let text = reference("https://check.example.org/a?b#c").into_string();
        assert_eq!(
            text,
            "More at <a rel=\"noreferrer\" href=\"https://check.example.org/a?b#c\">\
             check.example.org</a>."
        );
        assert_eq!(reference("javascript:alert(1)").into_string(), "");
    }
}
