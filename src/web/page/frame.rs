//! What all pages have in common: head, navigation, foot.

use std::time::SystemTime;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::parts::{Links, Said};
use crate::web::Page;
use crate::web::report::utc;

/// A page.
pub(super) struct Frame<'a> {
    pub(super) links: Links<'a>,
    /// The heading, and the first part of the title.
    pub(super) title: &'a str,
    /// Said before the title in the browser's tab, such as how many are down.
    pub(super) badge: Option<String>,
    /// When the page was made; none for one that need not be fetched again.
    pub(super) made: Option<SystemTime>,
    /// The filter's words; none for a page without a filter.
    pub(super) filter: Option<&'a str>,
}

impl Frame<'_> {
    /// The whole page around its main part.
    pub(super) fn around(&self, main: &Markup) -> Markup {
        let home = self.links.to("/");
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title {
                        @if let Some(badge) = &self.badge { (badge) " · " }
                        @if self.title != NAME { (Said(self.title)) " · " }
                        (NAME)
                    }
                    link rel="icon" href=(ICON);
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        @if self.links.open(Page::Status) { a.home href=(home) { (NAME) } } @else { span.home { (NAME) } }
                        nav aria-label="Pages" {
                            @if self.links.open(Page::Status) { a href=(home) { "status" } }
                            a href=(self.links.to("/metrics")) { "metrics" }
                            @if self.links.open(Page::Status) { a href=(self.links.to("/api/v1/targets")) { "JSON" } }
                            @if self.links.open(Page::Config) { a href=(self.links.to("/config")) { "configuration" } }
                            a href=(self.links.to("/runbooks")) { "runbooks" }
                        }
                        @if let Some(words) = self.filter {
                            form role="search" action=(home) method="get" {
                                label for="q" { "Filter" }
                                input id="q" type="search" name="q" value=(Said(words))
                                    placeholder="name, cause, address, label" maxlength="200";
                                button { "Show" }
                            }
                        }
                        @if self.made.is_some() {
                            label.refresh hidden {
                                input type="checkbox" id="refresh" checked;
                                " refresh every 30 s"
                            }
                        }
                    }
                    main id="main" tabindex="-1" { (*main) (self.foot()) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    }

    /// Inside the main part, so that a refresh brings it up to date.
    fn foot(&self) -> Markup {
        html! {
            p.foot {
                (NAME) " " (env!("CARGO_PKG_VERSION"))
                @if let Some(made) = self.made {
                    ", as of " time datetime=(utc(made)) { (utc(made)) }
                }
            }
        }
    }
}

pub(super) const NAME: &str = "smtp_exporter";
pub(super) const STYLE: &str = include_str!("style.css");
pub(super) const SCRIPT: &str = include_str!("script.js");
/// An envelope.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Crect x='1' y='3' width='14' height='10' rx='1.5' fill='%231a7f37'/%3E\
    %3Cpath d='M2 4.5l6 4.5 6-4.5' fill='none' stroke='%23fff' stroke-width='1.4'/%3E%3C/svg%3E";
