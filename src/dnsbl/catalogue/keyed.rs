//! Lists that are asked with a key in front of the zone, besides Spamhaus'.

use super::{Access, DOMAIN, DOMAIN_IP4, Entry, House, IP, IP4, Span, Terms, is, to};

pub(super) static ABUSIX: House = House::new(
    "abusix",
    250,
    Terms::Registration,
    "a free key up to 5,000 questions a day; otherwise a subscription",
    "https://docs.abusix.com/docs/guardian-mail/production-zones",
)
.delisting("https://lookup.abusix.com/");

static INVALUEMENT: House =
    House::new("invaluement", 250, Terms::Paid, "a subscription", "https://www.invaluement.com/")
        .delisting("https://www.invaluement.com/lookup/");

const BLACK: Span = is([0, 0, 2], "black: spam trap");
const LOW: Span = is([0, 0, 3], "black: low reputation");
const EXPLOIT: Span = is([0, 0, 4], "exploit: compromised or infected host");
const POLICY: Span = to([0, 0, 11], [0, 0, 12], "policy: no name of a mail server");
const MANUAL: Span = is([0, 0, 200], "black: manual");

pub(super) const fn abusix(zone: &'static str, codes: &'static [Span]) -> Entry {
    Entry::new(zone, &ABUSIX).access(Access::Keyed).codes(codes)
}

const fn invaluement(zone: &'static str) -> Entry {
    Entry::new(zone, &INVALUEMENT).access(Access::Keyed)
}

pub(super) static LISTS: &[Entry] = &[
    abusix("combined.mail.abusix.zone", &[BLACK, LOW, EXPLOIT, POLICY, MANUAL]).subjects(IP),
    abusix("black.mail.abusix.zone", &[BLACK, LOW, MANUAL]).subjects(IP),
    abusix("exploit.mail.abusix.zone", &[EXPLOIT]).subjects(IP),
    abusix("policy.mail.abusix.zone", &[POLICY]).subjects(IP),
    abusix("dynamic.mail.abusix.zone", &[POLICY]).subjects(IP),
    abusix("authbl.mail.abusix.zone", &[is([0, 0, 5], "guesses passwords")]).subjects(IP),
    abusix(
        "dblack.mail.abusix.zone",
        &[
            is([0, 1, 1], "spam domain"),
            is([0, 1, 2], "newly observed domain"),
            is([0, 1, 3], "url shortener"),
        ],
    )
    .subjects(DOMAIN_IP4),
    invaluement("sip.invaluement.com").subjects(IP4),
    invaluement("sip24.invaluement.com").subjects(IP4),
    invaluement("uri.invaluement.com").subjects(DOMAIN),
];
