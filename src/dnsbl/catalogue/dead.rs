//! Lists that must not be asked: ended, empty, answering for everything, or in other hands.

/// A list that must not be asked any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Dead {
    /// The zone; zones below it are as dead.
    pub zone: &'static str,
    /// The year, or the year and month, since when; `by` a year where only that is sure.
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
const SOLD: &str = "the domain expired, and whoever holds it answers every question";

pub(super) static ALL: &[Dead] = &[
    moved("sorbs.net", "2024-06", "ended by its owner and emptied", "zen.spamhaus.org"),
    moved("abuseat.org", "2021", "the CBL went into Spamhaus' XBL", "xbl.spamhaus.org"),
    gone("ix.dnsbl.manitu.net", "2025-01", "NiX Spam ended; nothing is listed any more"),
    gone("ix.dnsbl.manitu.de", "2025-01", "never was the zone of NiX Spam, which ended"),
    gone("wpbl.info", "2024", "emptied in 2023 and closed in 2024"),
    gone("rfc-clueless.org", "2023-11", "emptied in 2023 and closed in 2024"),
    gone("rfc-ignorant.org", "2012-11", "ended; its zones were delegated to nobody"),
    gone("rfc-ignorant.de", "2014", SOLD),
    gone("ahbl.org", "2015-01", EVERYTHING),
    gone("njabl.org", "2013-03", ENDED),
    gone("ordb.org", "2006-12", EVERYTHING),
    gone("dsbl.org", "2008-05", EVERYTHING),
    gone("spamcannibal.org", "2018-05", SOLD),
    gone("burnt-tech.com", "by 2019", SOLD),
    gone("emailbasura.org", "by 2019", SOLD),
    gone("megarbl.net", "2019-11", SOLD),
    gone("dul.ru", "2015-05", SOLD),
    gone("webiron.net", "2020-05", SOLD),
    gone("spamlookup.net", "2020-04", ENDED),
    gone("trblspam.com", "2013-04", ENDED),
    gone("dnsbl.inps.de", "2020-05", ENDED),
    gone("dnswl.inps.de", "2020-05", ENDED),
    gone("unsubscore.com", "by 2024", "the LashBack list is offline"),
    gone("ubl.lashback.com", "by 2024", "the LashBack list is offline"),
    moved("fusionzero.com", "by 2024", "0spam moved to a domain of its own", "bl.0spam.org"),
    gone("combined.abuse.ch", "by 2020", ENDED),
    gone("spam.abuse.ch", "by 2024", ENDED),
    gone("drone.abuse.ch", "by 2020", ENDED),
    gone("httpbl.abuse.ch", "by 2020", ENDED),
    gone("zeustracker.abuse.ch", "2019-07", ENDED),
    gone("osirusoft.com", "2003-08", EVERYTHING),
    gone("orbs.org", "2001-06", ENDED),
    gone("orbz.org", "2002-03", ENDED),
    gone("dorkslayers.com", "by 2001", ENDED),
    gone("monkeys.com", "2003-09", ENDED),
    gone("mail-abuse.org", "2005", "the MAPS lists went behind a subscription"),
    gone("blitzed.org", "2006-05", ENDED),
    gone("blackholes.us", "by 2009", ENDED),
    gone("easynet.nl", "2003-12", ENDED),
    gone("wirehub.net", "2003", ENDED),
    gone("relays.visi.com", "by 2008", ENDED),
    gone("lagengymnastik.dk", "2007-01", EVERYTHING),
    gone("five-ten-sg.com", "by 2014", ENDED),
    gone("csma.biz", "by 2012", ENDED),
    gone("tqmcube.com", "by 2012", ENDED),
    gone("tqmrbl.com", "by 2012", ENDED),
    gone("completewhois.com", "by 2009", ENDED),
    gone("moensted.dk", "by 2015", ENDED),
    gone("cluecentral.net", "2009-10", ENDED),
    gone("mailpolice.com", "by 2012", ENDED),
    gone("securitysage.com", "by 2010", ENDED),
    gone("proxybl.org", "by 2015", ENDED),
    gone("psky.me", "by 2020", "Protected Sky ended"),
    gone("protectedsky.com", "by 2020", "Protected Sky ended"),
    gone("snark.net", "by 2010", "its maintainer asks to stop asking it"),
];
