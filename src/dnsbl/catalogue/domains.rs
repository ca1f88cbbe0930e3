//! Block lists of domains, as found in mails' bodies and envelopes.

use super::{DOMAIN, DOMAIN_IP4, Entry, House, Span, Terms, Test, is};

static SURBL: House = House::new(
    "surbl",
    250,
    Terms::NonCommercial,
    "up to 1,000 users or 250,000 questions a day, and not through public resolvers",
    "https://www.surbl.org/lists",
)
.delisting("https://www.surbl.org/surbl-analysis");

pub(super) static URIBL: House = House::new(
    "uribl",
    250,
    Terms::NonCommercial,
    "low volume and not through public resolvers; otherwise a subscription",
    "https://uribl.com/about.shtml",
)
.delisting("https://admin.uribl.com/");

static FMB: House = House::new(
    "fmb.la",
    2000,
    Terms::Free,
    "no conditions known; ask little",
    "https://multirbl.valli.org/detail/bl.fmb.la.html",
);

static ZERO_SPAM_URL: House =
    House::new("0spam", 1000, Terms::Free, "no conditions", "https://www.0spam.org/usage")
        .delisting("https://www.0spam.org/request");

const SURBL_BLOCKED: &[Span] = &[is(
    [0, 0, 1],
    "too many questions, or a public resolver; ask through a resolver of your own",
)];

pub(super) const URIBL_REFUSED: &[Span] = &[is(
    [0, 0, 1],
    "too many questions, or a public resolver; ask through a resolver of your own",
)];

const fn uribl(zone: &'static str) -> Entry {
    Entry::new(zone, &URIBL)
        .subjects(DOMAIN)
        .refusals(URIBL_REFUSED)
        .test(Test::Domain("test.uribl.com"))
}

pub(super) static LISTS: &[Entry] = &[
    Entry::new("multi.surbl.org", &SURBL)
        .subjects(DOMAIN_IP4)
        .bits(&[
            (4, "disposable mail"),
            (8, "phishing"),
            (16, "malware"),
            (32, "click tracker"),
            (64, "spam and abuse"),
            (128, "cracked site"),
        ])
        .refusals(SURBL_BLOCKED)
        .test(Test::Domain("surbl-org-permanent-test-point.com")),
    uribl("multi.uribl.com").subjects(DOMAIN_IP4).bits(&[(2, "black"), (4, "grey"), (8, "red")]),
    uribl("black.uribl.com").codes(&[is([0, 0, 2], "black")]),
    uribl("grey.uribl.com").codes(&[is([0, 0, 2], "grey"), is([0, 0, 4], "grey")]),
    uribl("red.uribl.com").codes(&[is([0, 0, 2], "red"), is([0, 0, 8], "red")]),
    Entry::new("bl.fmb.la", &FMB).subjects(DOMAIN),
    Entry::new("url.0spam.org", &ZERO_SPAM_URL).subjects(DOMAIN),
];
