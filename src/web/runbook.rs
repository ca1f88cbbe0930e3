//! `/runbooks` and `/runbooks/NAME`: a page for every alert of the deployed rules, for every cause,
//! and for every problem of a domain's records and keys, so that the links in alerts lead somewhere
//! without a network.
//!
//! # Why a renderer of our own
//!
//! The pages are ours and keep to headings, paragraphs, lists, code and links; a test keeps them to
//! it. That is a hundred lines, and a parser of the whole of Markdown is a crate more.

use std::fmt::{self, Display, Write};

use hyper::Response;
use maud::Escaper;

use super::body::Payload;
use super::{Refusal, State, page};
use crate::posture::Problem;

/// Each page's name and its Markdown, in the order of the names.
pub const RUNBOOKS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

/// One page, or the index when the name is empty.
pub(super) fn runbook(state: &State, name: &str) -> Result<Response<Payload>, Refusal> {
    let base = Html(state.link_base()).to_string();
    let mut body = String::new();
    let title = if name.is_empty() {
        index(&mut body, &base);
        "runbooks"
    } else if let Some(problem) = Problem::from_name(name) {
        advice(&mut body, problem, &base);
        name
    } else {
        let known = RUNBOOKS.binary_search_by_key(&name, |(known, _)| known).ok();
        let Some((name, text)) = known.and_then(|place| RUNBOOKS.get(place)) else {
            return Err(Refusal::not_found(format!(
                "there is no such runbook; all are listed at {}/runbooks",
                state.route_prefix
            )));
        };
        render(&mut body, text, &base);
        name
    };
    Ok(page::text(state, title, &body))
}

/// Alerts are written in CamelCase and causes in snake_case, as in the rules and the labels.
fn index(out: &mut String, base: &str) {
    let alert = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
    // Writing to a string does not fail.
    let _ = writeln!(out, "<h1>Runbooks</h1>");
    for (heading, wanted) in [("Alerts", true), ("Causes", false)] {
        let _ = writeln!(out, "<h2>{heading}</h2>\n<ul class=\"index\">");
        for (name, _) in RUNBOOKS.iter().filter(|(name, _)| alert(name) == wanted) {
            let _ = writeln!(out, "<li><a href=\"{base}/runbooks/{name}\">{name}</a></li>");
        }
        let _ = writeln!(out, "</ul>");
    }
    let _ = writeln!(out, "<h2>Problems of domains</h2>\n<ul class=\"index\">");
    for problem in Problem::ALL {
        let _ = writeln!(out, "<li><a href=\"{base}/runbooks/{problem}\">{problem}</a></li>");
    }
    let _ = writeln!(out, "</ul>");
}

/// A problem's page: what `smtp_exporter explain` tells of it.
fn advice(out: &mut String, problem: Problem, base: &str) {
    let advice = problem.advice();
    let wait = advice.wait.unwrap_or("Not at all: time alone mends nothing here.");
    let text = format!(
        "# {problem}\n\nSeverity: {}. Seen in: `{}`.\n\n## What it means\n\n{}\n\n\
         ## What to do\n\n{}\n\n## When to wait\n\n{wait}\n",
        problem.severity(),
        problem.area(),
        advice.meaning,
        advice.action,
    );
    render(out, &text, base);
    let doc = Html(advice.doc);
    // Writing to a string does not fail.
    let _ = writeln!(out, "<p>See also <a href=\"{doc}\">{doc}</a>.</p>");
}

/// What the lines so far have opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    Paragraph,
    List,
    Code,
}

impl Block {
    const fn end(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Paragraph => "</p>\n",
            Self::List => "</li>\n</ul>\n",
            Self::Code => "</code></pre>\n",
        }
    }
}

/// Markdown to HTML: ATX headings, paragraphs, one level of lists, fenced code, code spans, links.
/// Anything else stays the text that it is.
fn render(out: &mut String, markdown: &str, base: &str) {
    let mut open = Block::None;
    // Spans may begin on one line and end on the next, so a text is looked at as a whole.
    let mut text = String::new();
    for line in markdown.lines() {
        let next = match (open, line) {
            (Block::Code, "```") => Block::None,
            (Block::Code, _) => Block::Code,
            (_, "") => Block::None,
            (_, "```") => Block::Code,
            (_, text) if text.starts_with('#') => Block::None,
            (_, text) if text.starts_with("- ") => Block::List,
            (Block::List, text) if text.starts_with("  ") => Block::List,
            _ => Block::Paragraph,
        };
        let fresh = next != open;
        let item = line.strip_prefix("- ").filter(|_| next == Block::List);
        if fresh || item.is_some() {
            flush(out, &mut text, base);
        }
        if fresh {
            out.push_str(open.end());
        }
        open = next;
        match (next, item) {
            (Block::Code, _) => {
                if fresh {
                    out.push_str("<pre><code>");
                } else {
                    // Writing to a string does not fail.
                    let _ = writeln!(out, "{}", Html(line));
                }
            }
            (Block::None, _) => {
                // As above.
                let _ = heading(out, line, base);
            }
            (Block::List, Some(item)) => {
                out.push_str(if fresh { "<ul>\n<li>" } else { "</li>\n<li>" });
                text.push_str(item);
            }
            (Block::List | Block::Paragraph, _) => {
                out.push_str(if fresh { "<p>" } else { "" });
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(line.trim_start());
            }
        }
    }
    flush(out, &mut text, base);
    out.push_str(open.end());
}

/// Writes the text of a paragraph or of an item.
fn flush(out: &mut String, text: &mut String, base: &str) {
    // Writing to a string does not fail.
    let _ = inline(out, text, base);
    text.clear();
}

fn heading(out: &mut String, line: &str, base: &str) -> fmt::Result {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    if level == 0 {
        return Ok(());
    }
    let level = level.min(6);
    write!(out, "<h{level}>")?;
    inline(out, text.trim(), base)?;
    writeln!(out, "</h{level}>")
}

/// Code spans and links of a text. Links to other pages lose their `.md`.
fn inline(out: &mut String, text: &str, base: &str) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['`', '[']) {
        let (before, from) = rest.split_at(at);
        write!(out, "{}", Html(before))?;
        rest = if let Some((code, after)) =
            from.strip_prefix('`').and_then(|inside| inside.split_once('`'))
        {
            write!(out, "<code>{}</code>", Html(code))?;
            after
        } else if let Some((label, page, after)) = link(from) {
            write!(out, "<a href=\"{base}/runbooks/{}\">{}</a>", Html(page), Html(label))?;
            after
        } else {
            let mut letters = from.chars();
            write!(out, "{}", letters.next().map(String::from).unwrap_or_default())?;
            letters.as_str()
        };
    }
    write!(out, "{}", Html(rest))
}

/// `[label](page.md)` at the beginning: the label, the page and the rest.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (label, after) = text.strip_prefix('[')?.split_once("](")?;
    let (page, rest) = after.split_once(')')?;
    Some((label, page.strip_suffix(".md")?, rest))
}

/// Text as HTML shows it.
struct Html<'a>(&'a str);

impl Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.0.len());
        Escaper::new(&mut text).write_str(self.0)?;
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(markdown: &str) -> String {
        let mut out = String::new();
        render(&mut out, markdown, "/x");
        out
    }

    #[test]
    fn the_subset_is_rendered() {
        let text = "# A `b`\n\nOne\ntwo [c](c.md).\n\n- d\n  e\n- f\n\n```\n<g> - h\n\n# i\n```\n";
        let expected = "<h1>A <code>b</code></h1>\n<p>One\ntwo <a href=\"/x/runbooks/c\">c</a>.</p>\n\
                        <ul>\n<li>d\ne</li>\n<li>f</li>\n</ul>\n\
                        <pre><code>&lt;g&gt; - h\n\n# i\n</code></pre>\n";
        assert_eq!(html(text), expected);
    }

    #[test]
    fn spans_may_break_at_the_end_of_a_line() {
        assert_eq!(
            html("- a `b\n  c`, `d`\n- e [f\n  g](h.md)\n"),
            "<ul>\n<li>a <code>b\nc</code>, <code>d</code></li>\n\
             <li>e <a href=\"/x/runbooks/h\">f\ng</a></li>\n</ul>\n"
        );
        assert_eq!(html("a `b\nc` d\n\n`e"), "<p>a <code>b\nc</code> d</p>\n<p>`e</p>\n");
    }

    #[test]
    fn what_is_not_closed_or_not_ours_stays_text() {
        assert_eq!(
            html("a ` b [c] [d](javascript:e) <f>"),
            "<p>a ` b [c] [d](javascript:e) &lt;f&gt;</p>\n"
        );
        assert_eq!(
            html("[\"](\"><b>.md)"),
            "<p><a href=\"/x/runbooks/&quot;&gt;&lt;b&gt;\">&quot;</a></p>\n"
        );
        assert_eq!(html("```\nopen"), "<pre><code>open\n</code></pre>\n");
    }

    #[test]
    fn every_problem_of_a_domain_has_a_page_that_is_listed() {
        let mut list = String::new();
        index(&mut list, "/x");
        for problem in Problem::ALL {
            let mut page = String::new();
            advice(&mut page, *problem, "/x");
            assert!(page.starts_with(&format!("<h1>{problem}</h1>")), "{page}");
            assert_eq!(page.matches("<h2>").count(), 3, "{page}");
            assert!(page.contains(&format!("<a href=\"{}\">", problem.advice().doc)), "{page}");
            assert!(list.contains(&format!("\"/x/runbooks/{problem}\"")), "{problem}");
            let known = RUNBOOKS.iter().any(|(name, _)| *name == problem.as_str());
            assert!(!known, "{problem} is the name of another page");
        }
    }

    #[test]
    fn names_are_in_order_so_that_they_are_found() {
        assert!(RUNBOOKS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(RUNBOOKS.len() > 60, "{}", RUNBOOKS.len());
    }
}
