//! Lists that must not be asked: ended, empty, answering for everything, or in other hands.

/// A list that must not be asked any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Dead {
    /// The zone; zones below it are as dead.
    pub zone: &'static str,
    /// The year, or the year and month, since when.
    pub since: &'static str,
    /// Why it must not be asked.
    pub why: &'static str,
    /// A list of the catalogue that took its place, if one did.
    pub instead: Option<&'static str>,
}

const fn gone(zone: &'static str, since: &'static str, why: &'static str) -> Dead {
    Dead { zone, since, why, instead: None }
}

const fn moved(
    zone: &'static str,
    since: &'static str,
    why: &'static str,
    instead: &'static str,
) -> Dead {
    Dead { zone, since, why, instead: Some(instead) }
}

/// Answers every question with a listing, or did before it fell silent.
const EVERYTHING: &str = "ended, and listed every address to be rid of the questions";
/// Nobody answers, or only with nothing.
const ENDED: &str = "ended; nothing is listed any more";
/// The domain expired and belongs to somebody else.
const SOLD: &str = "the domain was sold and answers every question";

pub(super) static ALL: &[Dead] = &[
    moved("sorbs.net", "2024-06", "ended by its owner and emptied", "zen.spamhaus.org"),
    moved("abuseat.org", "2021", "the CBL went into Spamhaus' XBL", "xbl.spamhaus.org"),
    gone("ix.dnsbl.manitu.net", "2025-01", "NiX Spam ended; nothing is listed any more"),
    gone("ix.dnsbl.manitu.de", "2025-01", "a spelling of NiX Spam, which ended"),
    gone("wpbl.info", "2024", "emptied in 2023 and closed in 2024"),
    gone("rfc-clueless.org", "2023-11", "emptied in 2023 and closed in 2024"),
    gone("rfc-ignorant.org", "2012-11", "ended; its zones were delegated to nobody"),
    gone("rfc-ignorant.de", "2014", SOLD),
    gone("ahbl.org", "2015-01", EVERYTHING),
    gone("njabl.org", "2013-03", "ended; its zones were delegated to nobody"),
    gone("ordb.org", "2006-12", EVERYTHING),
    gone("dsbl.org", "2008-05", EVERYTHING),
    gone("spamcannibal.org", "2018-05", SOLD),
    gone("burnt-tech.com", "2018-09", SOLD),
    gone("emailbasura.org", "2019", SOLD),
    gone("megarbl.net", "2019-11", SOLD),
    gone("msrbl.net", "2019", "the domain expired more than once and answered every question"),
    gone("inps.de", "2020-05", ENDED),
    gone("unsubscore.com", "2024", "the LashBack list is offline"),
    gone("ubl.lashback.com", "2024", "the LashBack list is offline"),
    moved("fusionzero.com", "2020", "moved to another domain", "bl.0spam.org"),
    gone("combined.abuse.ch", "2013", ENDED),
    gone("spam.abuse.ch", "2022", ENDED),
    gone("drone.abuse.ch", "2013", ENDED),
    gone("httpbl.abuse.ch", "2013", ENDED),
    gone("uribl.zeustracker.abuse.ch", "2019-07", ENDED),
    gone("ipbl.zeustracker.abuse.ch", "2019-07", ENDED),
    gone("osirusoft.com", "2003-08", EVERYTHING),
    gone("orbs.org", "2001-06", ENDED),
    gone("orbz.org", "2002-03", ENDED),
    gone("dorkslayers.com", "2002", ENDED),
    gone("monkeys.com", "2003-09", EVERYTHING),
    gone("mail-abuse.org", "2005", "the MAPS lists went behind a subscription"),
    gone("mail-abuse.com", "2023", "the MAPS lists are no longer offered on their own"),
    gone("opm.blitzed.org", "2006-05", ENDED),
    gone("blackholes.us", "2006-06", EVERYTHING),
    gone("blackholes.easynet.nl", "2003-12", ENDED),
    gone("dynablock.easynet.nl", "2003-12", ENDED),
    gone("wirehub.net", "2003", ENDED),
    gone("relays.visi.com", "2005", ENDED),
    gone("lbl.lagengymnastik.dk", "2007-01", EVERYTHING),
    gone("five-ten-sg.com", "2011", ENDED),
    gone("csma.biz", "2008", ENDED),
    gone("tqmcube.com", "2011", ENDED),
    gone("tqmrbl.com", "2011", ENDED),
    gone("completewhois.com", "2008", ENDED),
    gone("moensted.dk", "2012", ENDED),
    gone("countries.nerd.dk", "2014", ENDED),
    gone("cluecentral.net", "2009-10", ENDED),
    gone("dnsbl.net.au", "2009", ENDED),
    gone("mailpolice.com", "2012", ENDED),
    gone("securitysage.com", "2006", ENDED),
    gone("proxybl.org", "2013", ENDED),
    gone("psky.me", "2019", "Protected Sky ended"),
    gone("protectedsky.com", "2019", "Protected Sky ended"),
    gone("webiron.net", "2019", ENDED),
    gone("aupads.org", "2020", ENDED),
    gone("cobion.com", "2020", "the IBM list is no longer offered to the public"),
    gone("anti-spam.org.cn", "2020", ENDED),
    gone("rbl.jp", "2020", ENDED),
    gone("spam-rbl.fr", "2020", ENDED),
    gone("sci.kun.nl", "2018", ENDED),
    gone("access.redhawk.org", "2020", ENDED),
    gone("snark.net", "2006", "its maintainer asks to stop asking it"),
    gone("swl.spamhaus.org", "2021", "the Spamhaus allow list ended"),
    gone("dwl.spamhaus.org", "2021", "the Spamhaus allow list ended"),
    gone("query.senderbase.org", "2018", "replaced by a look-up page"),
];
