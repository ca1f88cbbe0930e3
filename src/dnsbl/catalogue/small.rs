//! Smaller block lists of addresses that look-up pages still ask. Few of them explain their codes.

use super::{Entry, House, IP, IP6, Terms, Test, is};

/// A list run by few people: asked seldom, and described where lists are described.
const fn house(name: &'static str, source: &'static str) -> House {
    House::new(name, 2000, Terms::Free, "no conditions known; ask little", source)
}

static ANONMAILS: House = house("anonmails", "https://anonmails.de/dnsbl.php")
    .delisting("https://anonmails.de/dnsbl.php");
static CALIVENT: House =
    house("calivent", "https://multirbl.valli.org/detail/dnsbl.calivent.com.pe.html");
static CYMRU: House = House::new(
    "cymru",
    1000,
    Terms::Free,
    "no conditions",
    "https://www.team-cymru.com/bogon-reference-dns",
);
static DAN: House =
    House::new("dan.me.uk", 1000, Terms::Free, "no conditions", "https://www.dan.me.uk/dnsbl");
static DRMX: House = house("drmx", "https://drmx.org/").delisting("https://drmx.org/");
static FABEL: House = house("fabel", "https://www.spamsources.fabel.dk/")
    .delisting("https://www.spamsources.fabel.dk/delist");
static ICM: House = house("icm", "https://multirbl.valli.org/detail/forbidden.icm.edu.pl.html");
static IMP: House =
    house("imp", "https://antispam.imp.ch/").delisting("https://antispam.imp.ch/06-dnsbl.php");
static JIPPG: House =
    house("jippg", "https://multirbl.valli.org/detail/mail-abuse.blacklist.jippg.org.html");
static JUSTSPAM: House =
    house("justspam", "https://multirbl.valli.org/detail/dnsbl.justspam.org.html");
static KEMPT: House = house("kempt", "https://multirbl.valli.org/detail/dnsbl.kempt.net.html");
static KONSTANT: House = house("konstant", "https://multirbl.valli.org/detail/bl.konstant.no.html");
static MADAVI: House = house("madavi", "https://multirbl.valli.org/detail/dnsbl.madavi.de.html");
static NETHER: House = house("nether", "https://multirbl.valli.org/detail/relays.nether.net.html");
static NOSOLICITADO: House =
    house("nosolicitado", "https://multirbl.valli.org/detail/bl.nosolicitado.org.html");
static NSZONES: House = house("nszones", "https://multirbl.valli.org/detail/bl.nszones.com.html");
static PEDANTIC: House =
    house("pedantic", "https://multirbl.valli.org/detail/spam.pedantic.org.html");
static POLSPAM: House = house("polspam", "https://polspam.pl/");
static RBLDNS_RU: House =
    house("rbldns.ru", "https://multirbl.valli.org/detail/rbl.rbldns.ru.html");
static REALTIME: House =
    house("realtimeblacklist", "https://multirbl.valli.org/detail/rbl.realtimeblacklist.com.html");
static SCHULTE: House = house("schulte", "https://multirbl.valli.org/detail/rbl.schulte.org.html");
static SERVICESNET: House =
    house("servicesnet", "https://multirbl.valli.org/detail/korea.services.net.html");
static SERVICIOS: House =
    house("dns-servicios", "https://multirbl.valli.org/detail/rbl.dns-servicios.com.html");
static SINGULAR: House =
    house("ttk.pte.hu", "https://multirbl.valli.org/detail/singular.ttk.pte.hu.html");
static SWINOG: House = house("swinog", "https://antispam.imp.ch/")
    .delisting("https://antispam.imp.ch/spamikaze/remove.php");
static TRIUMF: House = house("triumf", "https://multirbl.valli.org/detail/rbl2.triumf.ca.html");
static WOODY: House = house("woody", "https://blacklist.woody.ch/");

pub(super) static LISTS: &[Entry] = &[
    Entry::new("spam.dnsbl.anonmails.de", &ANONMAILS).subjects(IP),
    Entry::new("dnsbl.calivent.com.pe", &CALIVENT),
    // 127.0.0.0/8 is a bogon itself, so the address that must not be listed is.
    Entry::new("bogons.cymru.com", &CYMRU)
        .codes(&[is([0, 0, 2], "unallocated or reserved network")])
        .test(Test::None),
    Entry::new("v4.fullbogons.cymru.com", &CYMRU)
        .codes(&[is([0, 0, 2], "unallocated or reserved network")])
        .test(Test::None),
    Entry::new("v6.fullbogons.cymru.com", &CYMRU)
        .subjects(IP6)
        .codes(&[is([0, 0, 2], "unallocated or reserved network")])
        .test(Test::None),
    Entry::new("tor.dan.me.uk", &DAN)
        .subjects(IP)
        .codes(&[is([0, 0, 100], "tor node")])
        .test(Test::None),
    Entry::new("torexit.dan.me.uk", &DAN)
        .subjects(IP)
        .codes(&[is([0, 0, 100], "tor exit")])
        .test(Test::None),
    Entry::new("bl.drmx.org", &DRMX),
    Entry::new("spamsources.fabel.dk", &FABEL).codes(&[is([0, 0, 2], "spam source")]),
    Entry::new("forbidden.icm.edu.pl", &ICM),
    Entry::new("spamrbl.imp.ch", &IMP),
    Entry::new("wormrbl.imp.ch", &IMP),
    Entry::new("mail-abuse.blacklist.jippg.org", &JIPPG),
    Entry::new("dnsbl.justspam.org", &JUSTSPAM),
    Entry::new("dnsbl.kempt.net", &KEMPT),
    Entry::new("bl.konstant.no", &KONSTANT),
    Entry::new("dnsbl.madavi.de", &MADAVI),
    Entry::new("relays.nether.net", &NETHER),
    Entry::new("unsure.nether.net", &NETHER),
    Entry::new("bl.nosolicitado.org", &NOSOLICITADO),
    Entry::new("bl.nszones.com", &NSZONES),
    Entry::new("dyn.nszones.com", &NSZONES),
    Entry::new("sbl.nszones.com", &NSZONES),
    Entry::new("spam.pedantic.org", &PEDANTIC),
    Entry::new("bl.rbl.polspam.pl", &POLSPAM),
    Entry::new("rbl.rbldns.ru", &RBLDNS_RU),
    Entry::new("rbl.realtimeblacklist.com", &REALTIME),
    Entry::new("rbl.schulte.org", &SCHULTE),
    Entry::new("korea.services.net", &SERVICESNET),
    Entry::new("rbl.dns-servicios.com", &SERVICIOS),
    Entry::new("singular.ttk.pte.hu", &SINGULAR),
    Entry::new("dnsrbl.swinog.ch", &SWINOG),
    Entry::new("uribl.swinog.ch", &SWINOG).subjects(super::DOMAIN),
    Entry::new("rbl2.triumf.ca", &TRIUMF),
    Entry::new("blacklist.woody.ch", &WOODY),
    Entry::new("uri.blacklist.woody.ch", &WOODY).subjects(super::DOMAIN),
];
