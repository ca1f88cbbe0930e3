//! Allow lists: being on them helps, not being on them is no alarm.

use super::domains::{URIBL, URIBL_REFUSED};
use super::keyed::abusix;
use super::large::{MAILSPIKE, VALIDITY};
use super::{ALL, DOMAIN, Entry, House, IP, Span, Terms, Test, is, to};

static DNSWL: House = House::new(
    "dnswl",
    500,
    Terms::NonCommercial,
    "up to 100,000 questions a day, and not through public resolvers",
    "https://www.dnswl.org/?page_id=15",
)
.delisting("https://www.dnswl.org/s/");

static SPFBL_ALLOW: House = House::new(
    "spfbl",
    1000,
    Terms::Free,
    "at most ten questions a second; for scores alone",
    "https://spfbl.net/en/dnswl/",
)
.delisting("https://spfbl.net/en/delist/");

static IADB: House = House::new(
    "isipp",
    1000,
    Terms::Free,
    "no conditions",
    "https://www.suretymail.com/codelist.php",
);

static WHITELISTED: House = House::new(
    "uceprotect",
    500,
    Terms::Free,
    "fair use; being listed is paid for",
    "https://www.whitelisted.org/",
);

static NETHER_TRUSTED: House = House::new(
    "nether",
    2000,
    Terms::Free,
    "no conditions known; ask little",
    "https://multirbl.valli.org/detail/trusted.nether.net.html",
);

/// Each category of senders with its four degrees of trust: 127.0.category.trust.
macro_rules! trust {
    ($($category:literal $text:literal,)+) => {
        &[$(
            is([0, $category, 0], concat!($text, ", trust none")),
            is([0, $category, 1], concat!($text, ", trust low")),
            is([0, $category, 2], concat!($text, ", trust medium")),
            is([0, $category, 3], concat!($text, ", trust high")),
        )+]
    };
}

const OF_DNSWL: &[Span] = trust! {
    2 "financial service",
    3 "email service provider",
    4 "organisation",
    5 "network provider",
    6 "personal server",
    7 "travel and leisure",
    8 "public sector",
    9 "media and technology",
    10 "special case",
    11 "education",
    12 "health care",
    13 "industry",
    14 "retail and services",
    15 "email marketing provider",
    20 "added by its owner",
};

const OF_IADB: &[Span] = &[
    to([0, 0, 1], [0, 0, 2], "in the database"),
    to([0, 1, 0], [0, 1, 255], "vouched for"),
    to([0, 2, 0], [0, 2, 255], "member"),
    to([0, 3, 0], [0, 3, 255], "bonded"),
    to([0, 4, 0], [0, 4, 255], "contractual pledge"),
    to([1, 0, 0], [1, 255, 255], "observed characteristic"),
    to([2, 0, 0], [2, 255, 255], "discovered characteristic"),
    to([3, 0, 0], [3, 255, 255], "stated characteristic"),
];

pub(super) static LISTS: &[Entry] = &[
    Entry::new("list.dnswl.org", &DNSWL)
        .allow()
        .subjects(IP)
        .codes(OF_DNSWL)
        .refusals(&[is([0, 0, 255], "too many questions, or a public resolver; register with it")]),
    Entry::new("wl.mailspike.net", &MAILSPIKE).allow().codes(&[
        is([0, 0, 17], "possibly legitimate sender"),
        is([0, 0, 18], "good reputation"),
        is([0, 0, 19], "very good reputation"),
        is([0, 0, 20], "excellent reputation"),
    ]),
    Entry::new("dnswl.spfbl.net", &SPFBL_ALLOW).allow().subjects(ALL).codes(&[
        is([0, 0, 2], "excellent reputation"),
        is([0, 0, 3], "essential service"),
        is([0, 0, 4], "corporate service"),
        is([0, 0, 5], "shared service, little spam"),
    ]),
    abusix("white.mail.abusix.zone", &[is([0, 2, 1], "shared or trusted sender")])
        .allow()
        .subjects(ALL),
    Entry::new("iadb.isipp.com", &IADB).allow().codes(OF_IADB).test(Test::None),
    Entry::new("iadb2.isipp.com", &IADB).allow().codes(OF_IADB).test(Test::None),
    Entry::new("iddb.isipp.com", &IADB).allow().subjects(DOMAIN).codes(OF_IADB).test(Test::None),
    Entry::new("sa-trusted.bondedsender.org", &VALIDITY).allow().test(Test::None),
    Entry::new("sa-accredit.habeas.com", &VALIDITY).allow().test(Test::None),
    Entry::new("ips.whitelisted.org", &WHITELISTED).allow(),
    Entry::new("trusted.nether.net", &NETHER_TRUSTED).allow(),
    Entry::new("white.uribl.com", &URIBL)
        .allow()
        .subjects(DOMAIN)
        .refusals(URIBL_REFUSED)
        .test(Test::None),
];
