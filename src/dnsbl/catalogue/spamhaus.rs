//! Spamhaus: the public mirrors, and the same zones behind a key (Data Query Service), which all are
//! one operator.

use super::{Access, DOMAIN, Entry, House, IP, IP4, Span, Terms, is, to};

static SPAMHAUS: House = House::new(
    "spamhaus",
    250,
    Terms::NonCommercial,
    "low volume and not through public resolvers; otherwise a key (Data Query Service)",
    "https://docs.spamhaus.com/datasets/docs/source/10-data-type-documentation/datasets/040-zones.html",
)
.delisting("https://check.spamhaus.org/");

const SBL: Span = is([0, 0, 2], "sbl: spam source");
const CSS: Span = is([0, 0, 3], "css: snowshoe or low reputation");
const XBL: Span = to([0, 0, 4], [0, 0, 7], "xbl: exploited host");
const DROP: Span = is([0, 0, 9], "drop: hijacked or criminal network");
const PBL_ISP: Span = is([0, 0, 10], "pbl: policy of the provider");
const PBL: Span = is([0, 0, 11], "pbl: policy found by spamhaus");
const AUTHBL: Span = is([0, 0, 20], "authbl: guesses passwords");
const BCL: Span = is([0, 0, 30], "bcl: botnet controller");

const OF_SBL: &[Span] = &[SBL, CSS, DROP, BCL];
const OF_SBL_XBL: &[Span] = &[SBL, CSS, XBL, DROP, BCL];
const OF_ZEN: &[Span] = &[SBL, CSS, XBL, DROP, PBL_ISP, PBL, AUTHBL, BCL];
const OF_XBL: &[Span] = &[XBL];
const OF_PBL: &[Span] = &[PBL_ISP, PBL];
const OF_DBL: &[Span] = &[
    is([0, 1, 2], "spam domain"),
    is([0, 1, 4], "phishing domain"),
    is([0, 1, 5], "malware domain"),
    is([0, 1, 6], "botnet domain"),
    is([0, 1, 102], "abused legitimate domain"),
    is([0, 1, 103], "abused redirector"),
    is([0, 1, 104], "abused legitimate domain: phishing"),
    is([0, 1, 105], "abused legitimate domain: malware"),
    is([0, 1, 106], "abused legitimate domain: botnet"),
];
const OF_ZRD: &[Span] = &[
    to([0, 2, 2], [0, 2, 6], "first seen less than 6 hours ago"),
    to([0, 2, 7], [0, 2, 12], "first seen 6 to 12 hours ago"),
    to([0, 2, 13], [0, 2, 24], "first seen 12 to 24 hours ago"),
];

const NO_ADDRESSES: &[Span] =
    &[is([0, 1, 255], "this list takes domains alone; addresses go to zen.spamhaus.org")];
const NO_ADDRESSES_ZRD: &[Span] =
    &[is([0, 2, 255], "this list takes domains alone; addresses go to zen.spamhaus.org")];

const fn public(zone: &'static str, codes: &'static [Span]) -> Entry {
    Entry::new(zone, &SPAMHAUS).codes(codes)
}

const fn keyed(zone: &'static str, codes: &'static [Span]) -> Entry {
    public(zone, codes).access(Access::Keyed).terms(Terms::Registration)
}

pub(super) static LISTS: &[Entry] = &[
    public("zen.spamhaus.org", OF_ZEN).subjects(IP),
    public("sbl.spamhaus.org", OF_SBL).subjects(IP),
    public("sbl-xbl.spamhaus.org", OF_SBL_XBL).subjects(IP),
    public("xbl.spamhaus.org", OF_XBL).subjects(IP),
    public("pbl.spamhaus.org", OF_PBL).subjects(IP),
    public("dbl.spamhaus.org", OF_DBL).subjects(DOMAIN).refusals(NO_ADDRESSES),
    keyed("zen.dq.spamhaus.net", OF_ZEN).subjects(IP),
    keyed("sbl.dq.spamhaus.net", OF_SBL).subjects(IP),
    keyed("sbl-xbl.dq.spamhaus.net", OF_SBL_XBL).subjects(IP),
    keyed("xbl.dq.spamhaus.net", OF_XBL).subjects(IP),
    keyed("pbl.dq.spamhaus.net", OF_PBL).subjects(IP),
    keyed("authbl.dq.spamhaus.net", &[AUTHBL]).subjects(IP4),
    keyed("dbl.dq.spamhaus.net", OF_DBL).subjects(DOMAIN).refusals(NO_ADDRESSES),
    keyed("zrd.dq.spamhaus.net", OF_ZRD).subjects(DOMAIN).refusals(NO_ADDRESSES_ZRD),
];
