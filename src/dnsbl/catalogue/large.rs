//! Block lists of addresses that receivers of any size ask, besides Spamhaus'.

use super::{Access, Entry, House, IP, Span, Terms, Test, is, to};

static SPAMCOP: House = House::new(
    "spamcop",
    250,
    Terms::Free,
    "a donation is asked for from large users",
    "https://www.spamcop.net/fom-serve/cache/291.html",
)
.delisting("https://www.spamcop.net/bl.shtml");

static BARRACUDA: House = House::new(
    "barracuda",
    250,
    Terms::Registration,
    "the addresses of the resolvers are registered, free of charge",
    "https://www.barracudacentral.org/rbl/how-to-use",
)
.delisting("https://www.barracudacentral.org/lookups");

static PSBL: House =
    House::new("psbl", 250, Terms::Free, "no conditions", "https://psbl.org/howto/")
        .delisting("https://psbl.org/remove");

static UCEPROTECT: House = House::new(
    "uceprotect",
    500,
    Terms::Free,
    "fair use; large users mirror it",
    "https://www.uceprotect.net/en/index.php?m=6&s=11",
)
.delisting("https://www.uceprotect.net/en/rblcheck.php");

static BACKSCATTERER: House = House::new(
    "uceprotect",
    500,
    Terms::Free,
    "for telling bounces from backscatter, never for blocking all mail",
    "https://www.backscatterer.org/?target=usage",
)
.delisting("https://www.backscatterer.org/?target=test");

pub(super) static MAILSPIKE: House = House::new(
    "mailspike",
    250,
    Terms::Free,
    "up to 100,000 questions a day",
    "https://mailspike.org/usage.html",
)
.delisting("https://mailspike.org/iplookup.html");

pub(super) static VALIDITY: House = House::new(
    "validity",
    500,
    Terms::Registration,
    "a free account with the resolvers' addresses; 10,000 questions a month without",
    "https://knowledge.validity.com/s/articles/Accessing-Validity-reputation-data-through-DNS",
)
.delisting("https://senderscore.org/assess/get-your-score/");

static SPAMRATS: House = House::new(
    "spamrats",
    500,
    Terms::Free,
    "free for most; a free key where the resolver is shared",
    "https://www.spamrats.com/lists.php",
)
.delisting("https://www.spamrats.com/lookup.php");

const REPUTATIONS: &[Span] = &[
    is([0, 0, 2], "spam wave"),
    is([0, 0, 10], "worst reputation"),
    is([0, 0, 11], "very bad reputation"),
    is([0, 0, 12], "bad reputation"),
];

const DYNA: Span = is([0, 0, 36], "dynamic address");
const NOPTR: Span = is([0, 0, 37], "no reverse name");
const SPAM: Span = is([0, 0, 38], "spam source");
const AUTH: Span = is([0, 0, 43], "guesses passwords");

const fn rats(zone: &'static str, codes: &'static [Span]) -> Entry {
    Entry::new(zone, &SPAMRATS).codes(codes).access(Access::Either)
}

pub(super) static LISTS: &[Entry] = &[
    Entry::new("bl.spamcop.net", &SPAMCOP).codes(&[is([0, 0, 2], "spam source")]),
    Entry::new("b.barracudacentral.org", &BARRACUDA).codes(&[is([0, 0, 2], "poor reputation")]),
    Entry::new("bb.barracudacentral.org", &BARRACUDA).codes(&[is([0, 0, 2], "poor reputation")]),
    Entry::new("psbl.surriel.com", &PSBL).codes(&[is([0, 0, 2], "spam source")]),
    Entry::new("dnsbl-1.uceprotect.net", &UCEPROTECT)
        .codes(&[is([0, 0, 2], "level 1: spam source")]),
    Entry::new("dnsbl-2.uceprotect.net", &UCEPROTECT)
        .codes(&[is([0, 0, 2], "level 2: network of spam sources")]),
    Entry::new("dnsbl-3.uceprotect.net", &UCEPROTECT)
        .codes(&[is([0, 0, 2], "level 3: provider of spam sources")]),
    Entry::new("ips.backscatterer.org", &BACKSCATTERER)
        .codes(&[is([0, 0, 2], "backscatter or callouts")]),
    Entry::new("bl.mailspike.net", &MAILSPIKE).codes(REPUTATIONS),
    Entry::new("z.mailspike.net", &MAILSPIKE).codes(&[is([0, 0, 2], "spam wave")]),
    Entry::new("rep.mailspike.net", &MAILSPIKE)
        .codes(&[
            is([0, 0, 10], "worst reputation"),
            is([0, 0, 11], "very bad reputation"),
            is([0, 0, 12], "bad reputation"),
            is([0, 0, 13], "suspicious"),
        ])
        .others(&[
            to([0, 0, 14], [0, 0, 16], "neutral"),
            to([0, 0, 17], [0, 0, 20], "good reputation"),
        ]),
    Entry::new("bl.score.senderscore.com", &VALIDITY)
        .codes(&[is([0, 0, 2], "poor reputation")])
        .test(Test::None),
    rats("all.spamrats.com", &[DYNA, NOPTR, SPAM, AUTH]).subjects(IP),
    rats("dyna.spamrats.com", &[DYNA]),
    rats("noptr.spamrats.com", &[NOPTR]),
    rats("spam.spamrats.com", &[SPAM]).subjects(IP),
    rats("auth.spamrats.com", &[AUTH]).subjects(IP),
];
