//! Block lists of addresses that many receivers and look-up pages ask.

use super::{ALL, Entry, House, IP, IP4_DOMAIN, IP6, Terms, Test, is, to};

static DRONEBL: House = House::new(
    "dronebl",
    500,
    Terms::Free,
    "no conditions; large users mirror it",
    "https://dronebl.org/docs/howtouse",
)
.delisting("https://dronebl.org/lookup");

static BLOCKLIST_DE: House = House::new(
    "blocklist.de",
    500,
    Terms::Free,
    "no conditions",
    "https://www.blocklist.de/en/rbldns.html",
)
.delisting("https://www.blocklist.de/en/search.html");

static S5H: House = House::new(
    "s5h",
    1000,
    Terms::Free,
    "no conditions",
    "https://www.usenix.org.uk/content/rbl.html",
)
.delisting("https://www.usenix.org.uk/content/rblremove");

static GBUDB: House = House::new(
    "gbudb",
    500,
    Terms::Free,
    "no conditions; entries expire by themselves",
    "https://www.gbudb.com/truncate/index.jsp",
);

static ZERO_SPAM: House =
    House::new("0spam", 1000, Terms::Free, "no conditions", "https://www.0spam.org/usage")
        .delisting("https://www.0spam.org/request");

static SPFBL: House = House::new(
    "spfbl",
    1000,
    Terms::Free,
    "at most ten questions a second; for scores alone",
    "https://spfbl.net/en/dnsbl/",
)
.delisting("https://spfbl.net/en/delist/");

static NORDSPAM: House = House::new(
    "nordspam",
    500,
    Terms::Free,
    "up to 10,000 questions a day",
    "https://nordspam.com/usage",
)
.delisting("https://nordspam.com/delist");

static SUOMISPAM: House =
    House::new("suomispam", 1000, Terms::Free, "no conditions", "https://suomispam.net/")
        .delisting("https://suomispam.net/");

static SCIENTIFIC: House = House::new(
    "scientificspam",
    1000,
    Terms::Free,
    "no conditions",
    "https://www.scientificspam.net/",
)
.delisting("https://www.scientificspam.net/");

static SEM: House = House::new(
    "spameatingmonkey",
    500,
    Terms::Free,
    "up to 100,000 questions a day and 5 a second",
    "https://spameatingmonkey.com/services",
)
.delisting("https://spameatingmonkey.com/lookup");

static HOSTKARMA: House = House::new(
    "junkemailfilter",
    500,
    Terms::Free,
    "fair use; large users mirror it",
    "https://wiki.junkemailfilter.com/index.php/Spam_DNS_Lists",
)
.delisting("https://ipadmin.junkemailfilter.com/remove.php");

static ZAPBL: House =
    House::new("zapbl", 1000, Terms::Free, "no conditions", "https://zapbl.net/using")
        .delisting("https://zapbl.net/lookup");

static INTERSERVER: House = House::new(
    "interserver",
    1000,
    Terms::Free,
    "no conditions",
    "https://rbl.interserver.net/usage.php",
)
.delisting("https://rbl.interserver.net/");

static EFNET: House =
    House::new("efnetrbl", 1000, Terms::Free, "no conditions", "https://rbl.efnetrbl.org/")
        .delisting("https://rbl.efnetrbl.org/");

static ABUSE_RO: House =
    House::new("abuse.ro", 1000, Terms::Free, "no conditions", "https://abuse.ro/")
        .delisting("https://abuse.ro/");

pub(super) static LISTS: &[Entry] = &[
    Entry::new("dnsbl.dronebl.org", &DRONEBL).subjects(IP).codes(&[
        is([0, 0, 2], "sample"),
        is([0, 0, 3], "irc drone"),
        is([0, 0, 5], "bottler"),
        is([0, 0, 6], "worm or spambot"),
        is([0, 0, 7], "ddos drone"),
        is([0, 0, 8], "socks proxy"),
        is([0, 0, 9], "http proxy"),
        is([0, 0, 10], "proxy chain"),
        is([0, 0, 11], "web page proxy"),
        is([0, 0, 12], "open dns resolver"),
        is([0, 0, 13], "brute force"),
        is([0, 0, 14], "open wingate proxy"),
        is([0, 0, 15], "compromised router"),
        is([0, 0, 16], "autorooting worm"),
        is([0, 0, 17], "botnet"),
        is([0, 0, 18], "possibly compromised"),
        is([0, 0, 19], "abused vpn"),
        is([0, 0, 255], "uncategorised threat"),
    ]),
    Entry::new("bl.blocklist.de", &BLOCKLIST_DE).subjects(IP).codes(&[
        is([0, 0, 2], "amavis"),
        is([0, 0, 3], "apache ddos"),
        is([0, 0, 4], "asterisk"),
        is([0, 0, 5], "bad bot"),
        is([0, 0, 6], "ftp"),
        is([0, 0, 7], "imap"),
        is([0, 0, 8], "irc bot"),
        is([0, 0, 9], "mail"),
        is([0, 0, 10], "pop3"),
        is([0, 0, 11], "registration bot"),
        is([0, 0, 12], "remote file inclusion"),
        is([0, 0, 13], "sasl"),
        is([0, 0, 14], "ssh"),
        is([0, 0, 15], "web scanner"),
        is([0, 0, 16], "port flood"),
        is([0, 0, 17], "sql injection"),
        is([0, 0, 18], "webmin"),
        is([0, 0, 19], "trigger spam"),
        is([0, 0, 20], "manual"),
        is([0, 0, 21], "brute force login"),
        is([0, 0, 22], "mysql"),
    ]),
    Entry::new("all.s5h.net", &S5H).subjects(IP),
    Entry::new("truncate.gbudb.net", &GBUDB).codes(&[is([0, 0, 2], "worst reputation")]),
    Entry::new("bl.0spam.org", &ZERO_SPAM),
    Entry::new("rbl.0spam.org", &ZERO_SPAM),
    Entry::new("nbl.0spam.org", &ZERO_SPAM),
    Entry::new("dnsbl.spfbl.net", &SPFBL).subjects(ALL).codes(&[
        is([0, 0, 2], "bad reputation"),
        is([0, 0, 3], "suspicious or misconfigured"),
        is([0, 0, 4], "no mail server"),
    ]),
    Entry::new("bl.nordspam.com", &NORDSPAM).subjects(IP).codes(&[is([0, 0, 2], "spam source")]),
    Entry::new("dbl.nordspam.com", &NORDSPAM)
        .subjects(super::DOMAIN)
        .codes(&[is([0, 0, 2], "spam domain")]),
    Entry::new("bl.suomispam.net", &SUOMISPAM).subjects(IP),
    Entry::new("gl.suomispam.net", &SUOMISPAM).subjects(IP),
    Entry::new("dbl.suomispam.net", &SUOMISPAM).subjects(super::DOMAIN),
    Entry::new("bl.scientificspam.net", &SCIENTIFIC),
    Entry::new("rhsbl.scientificspam.net", &SCIENTIFIC).subjects(super::DOMAIN),
    Entry::new("bl.spameatingmonkey.net", &SEM).codes(&[is([0, 0, 2], "spam source or policy")]),
    Entry::new("bl.ipv6.spameatingmonkey.net", &SEM)
        .subjects(IP6)
        .codes(&[is([0, 0, 2], "spam source")]),
    Entry::new("backscatter.spameatingmonkey.net", &SEM).codes(&[is([0, 0, 2], "backscatter")]),
    Entry::new("netbl.spameatingmonkey.net", &SEM),
    sem_domain("uribl.spameatingmonkey.net"),
    sem_domain("urired.spameatingmonkey.net"),
    sem_domain("fresh.spameatingmonkey.net"),
    sem_domain("fresh10.spameatingmonkey.net"),
    sem_domain("fresh15.spameatingmonkey.net"),
    sem_domain("fresh30.spameatingmonkey.net"),
    Entry::new("hostkarma.junkemailfilter.com", &HOSTKARMA)
        .subjects(IP4_DOMAIN)
        .codes(&[is([0, 0, 2], "black"), is([0, 0, 4], "brown")])
        .others(&[
            is([0, 0, 1], "white"),
            is([0, 0, 3], "yellow: mixed source"),
            is([0, 0, 5], "not to be blocked"),
            to([0, 1, 0], [0, 2, 255], "behaviour and age"),
        ])
        .test(Test::None),
    Entry::new("dnsbl.zapbl.net", &ZAPBL),
    Entry::new("rhsbl.zapbl.net", &ZAPBL).subjects(super::DOMAIN),
    Entry::new("rbl.interserver.net", &INTERSERVER),
    Entry::new("rbl.efnetrbl.org", &EFNET)
        .codes(&[
            is([0, 0, 1], "open proxy"),
            to([0, 0, 2], [0, 0, 3], "spam trap"),
            is([0, 0, 4], "tor exit"),
            is([0, 0, 5], "drone or flooding"),
        ])
        .test(Test::None),
    Entry::new("rbl.abuse.ro", &ABUSE_RO),
    Entry::new("uribl.abuse.ro", &ABUSE_RO).subjects(super::DOMAIN),
    Entry::new("dbl.abuse.ro", &ABUSE_RO).subjects(super::DOMAIN),
];

/// Its domain lists have a listed name of their own for testing.
const fn sem_domain(zone: &'static str) -> Entry {
    Entry::new(zone, &SEM).subjects(super::DOMAIN).test(Test::Domain("_dnsbl_.test"))
}
