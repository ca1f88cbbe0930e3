//! The operators of block lists, named inside the replies of whatever server asked them.

use super::super::Cause::*;
use super::Rule;

const SPAMHAUS: &str = "Spamhaus: ZEN, SBL, XBL, PBL, CSS, DBL and their query pages";
const SORBS: &str = "SORBS (until 2024)";
const SPAMCOP: &str = "SpamCop blocking list";
const OTHERS: &str = "Public lists of the catalogues of mail administrators";
const CLOUDMARK: &str = "Cloudmark Sender Intelligence";

pub(super) const RULES: &[Rule] = &[
    // A list of what stands in messages, and not of who sends them.
    Rule::new(
        "list.uri",
        ContentRejected,
        OTHERS,
        &[
            "(url*|uri*|link*|email|message|mail) .. (surbl|uribl|ivmuri)",
            "(blacklisted|blocked|listed) (url*|uri*|link*)",
            "(surbl|uribl) .. (url*|link*)",
        ],
        "550 a URL in it is on multi.surbl.org",
    ),
    Rule::new(
        "list.spamhaus",
        Blocklisted,
        SPAMHAUS,
        &[
            "spamhaus*",
            "abuseat",
            "on the (dbl|sbl|xbl|css|pbl)",
            "(sbl|xbl|pbl|zen|dbl|sbl xbl) .. (listed|list|block*|black*)",
            "(listed|blocked|found) .. (sbl|xbl|pbl|zen|sbl xbl)",
        ],
        "550 192.0.2.1 is listed at zen.spamhaus.org",
    )
    .doc("https://check.spamhaus.org"),
    Rule::new("list.sorbs", Blocklisted, SORBS, &["sorbs"], "554 5.7.1 SORBS DNSBL Entry"),
    Rule::new(
        "list.spamcop",
        Blocklisted,
        SPAMCOP,
        &["spamcop*"],
        "554 blocked using bl.spamcop.net",
    )
    .doc("https://www.spamcop.net/bl.shtml"),
    Rule::new(
        "list.other",
        Blocklisted,
        OTHERS,
        &["(uceprotect|spamrl|mailspike|hostkarma|junkemailfilter|njabl|ahbl|psbl|surbl|\
             uribl|spameatingmonkey|spamrats|backscatterer|invaluement|manitu|nixspam|abusix|\
             dsbl|ordb|lashback|gbudb|spfbl|s5h|wpbl|fabel|mxrate|blocklist de|surriel|\
             swinog|0spam|interserver|unsubscore|madavi|nordspam)"],
        "550 192.0.2.1 is on psbl.surriel.com",
    ),
    Rule::new(
        "list.cloudmark",
        Blocklisted,
        CLOUDMARK,
        &["csi cloudmark"],
        "550 refused, see http://csi.cloudmark.com/reset-request/?ip=192.0.2.1",
    )
    .doc("https://csi.cloudmark.com/en/reset/"),
];
