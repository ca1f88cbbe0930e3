//! One list as data: its zone, whom it belongs to, and how its answers are read.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Kind, SubjectKind, catalogue, subject};

/// A list that is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The value of the `list` label: the zone's name, or the name that the configuration gives to a
    /// keyed zone. Never a key.
    pub name: Arc<str>,
    /// Where questions go.
    pub zone: Zone,
    /// What a listing means.
    pub kind: Kind,
    /// What it can be asked for.
    pub subjects: Vec<SubjectKind>,
    /// How return codes are read.
    pub codes: Codes,
    /// Return codes with which it refuses to answer, besides those that every list uses.
    pub refusals: Vec<Refusal>,
    /// Who runs it. Lists of one operator share a rate and a pause.
    pub operator: Arc<Operator>,
    /// Where a listing is looked up and removed.
    pub delisting: Option<Arc<str>>,
    /// Servers for its questions, one at a time; empty: those of the plan.
    pub servers: Vec<SocketAddr>,
    /// Whether its test points are asked. Few lists have none.
    pub has_test_points: bool,
}

impl List {
    /// A list that the catalogue does not know: any code in 127/8 is a listing of unknown meaning,
    /// IPv4 and IPv6 addresses are asked for, and its operator is named after the zone's last labels.
    ///
    /// # Errors
    ///
    /// When `zone` is no name of at least two labels; for a person.
    pub fn custom(name: &str, zone: &str, kind: Kind) -> Result<Self, String> {
        let zone = subject::name(zone)?;
        let operator = operator_of(&zone, true)
            .ok_or_else(|| format!("`{zone}` is a single label; write the list's whole zone"))?;
        Ok(Self {
            name: Arc::from(name),
            zone: Zone::Public(zone),
            kind,
            subjects: vec![SubjectKind::Ip4, SubjectKind::Ip6],
            codes: Codes::Any,
            refusals: Vec::new(),
            operator: Arc::new(Operator { name: operator, min_gap: CUSTOM_GAP }),
            delisting: None,
            servers: Vec::new(),
            has_test_points: true,
        })
    }

    /// A list whose zone holds a key, such as `KEY.zen.dq.spamhaus.net`. Where the catalogue knows
    /// the rest of the zone, everything but the name and the zone is the catalogue's; otherwise it is
    /// as for [`List::custom`], as a block list. White space around the zone does not matter.
    ///
    /// # Errors
    ///
    /// When the zone is no name, or has fewer than three labels, of which one would be the key. No
    /// error holds any part of the zone.
    pub fn keyed(name: &str, zone: &SecretString) -> Result<Self, String> {
        let zone = subject::name(zone.expose_secret().trim()).map_err(|_| MALFORMED.to_owned())?;
        // The key stands in front, so the last two labels are not it.
        let operator = operator_of(&zone, false)
            .filter(|operator| zone.len() > operator.len())
            .ok_or_else(|| MALFORMED.to_owned())?;
        let secret = Zone::Keyed(SecretString::from(&*zone));
        if let Some(entry) = catalogue::template(&zone) {
            return Ok(Self { name: Arc::from(name), zone: secret, ..entry.list() });
        }
        let plain = Self::custom(name, &operator, Kind::Block).map_err(|_| MALFORMED.to_owned())?;
        Ok(Self { zone: secret, ..plain })
    }
}

/// The last two labels of a zone; three where `whole` may be shown and the last two look like a
/// registry's (`co.uk`).
fn operator_of(zone: &str, whole: bool) -> Option<Arc<str>> {
    let labels: Vec<&str> = zone.rsplitn(4, '.').collect();
    match labels.as_slice() {
        [top, second, third, ..] if whole && top.len() == 2 && second.len() <= 3 => {
            Some(Arc::from(format!("{third}.{second}.{top}")))
        }
        [top, second, ..] => Some(Arc::from(format!("{second}.{top}"))),
        _ => None,
    }
}

/// Who runs a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// A short name, such as `spamhaus`; for a list of the configuration its zone's last labels.
    pub name: Arc<str>,
    /// The least time between two questions to all of its lists.
    pub min_gap: Duration,
}

/// The zone below which a list is asked. It may hold a key (`KEY.zen.dq.spamhaus.net`), so it has
/// no text of its own: only a question's name is built from it.
#[derive(Clone)]
pub enum Zone {
    /// A zone that everybody knows.
    Public(Arc<str>),
    /// A zone that holds a key.
    Keyed(SecretString),
}

impl Zone {
    /// The zone's name in ASCII form without the trailing dot, for building questions and nothing
    /// else.
    pub fn expose(&self) -> &str {
        match self {
            Self::Public(name) => name,
            Self::Keyed(name) => name.expose_secret(),
        }
    }

    /// True when the name must not be shown.
    pub const fn is_keyed(&self) -> bool {
        matches!(self, Self::Keyed(_))
    }

    /// A text of a list's own as it may be shown: where it repeats the name that was asked for, as
    /// some do, the key becomes `<secret>`, in whatever case it stands, and also one that was cut off
    /// at the text's end.
    pub fn hide_in(&self, text: String) -> String {
        self.secrets().into_iter().fold(text, |text, secret| without(&text, secret))
    }

    /// True for a text that tells the key, or the whole zone with it.
    pub fn is_told_by(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.secrets().iter().any(|secret| text.contains(&secret.to_ascii_lowercase()))
    }

    /// What nobody may read: the whole name, and the key, which stands in front. Where the catalogue
    /// knows the zone, all that stands before it is the key. A word that everybody writes, such as
    /// `bl`, gives nothing away.
    fn secrets(&self) -> Vec<&str> {
        let Self::Keyed(name) = self else { return Vec::new() };
        let name = name.expose_secret();
        let known = catalogue::template(name).and_then(|entry| name.strip_suffix(entry.zone));
        let before = known.map(|key| key.trim_end_matches('.'));
        let first = name.split('.').next();
        let mut secrets: Vec<&str> = [before, first].into_iter().flatten().collect();
        secrets.retain(|key| key.len() >= SHORTEST_KEY);
        secrets.insert(0, name);
        secrets
    }
}

/// `text` with `<secret>` for what it holds of `secret`.
fn without(text: &str, secret: &str) -> String {
    // The same bytes at the same places: only ASCII changes its case.
    let (lower, secret) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for (found, _) in lower.match_indices(&secret) {
        shown.push_str(text.get(at..found).unwrap_or_default());
        shown.push_str(HIDDEN);
        at = found + secret.len();
    }
    let rest = lower.get(at..).unwrap_or_default();
    let cut = (SHORTEST_KEY..secret.len())
        .rev()
        .find(|length| secret.get(..*length).is_some_and(|beginning| rest.ends_with(beginning)));
    shown.push_str(text.get(at..text.len() - cut.unwrap_or(0)).unwrap_or_default());
    if cut.is_some() {
        shown.push_str(HIDDEN);
    }
    shown
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.is_keyed() == other.is_keyed() && self.expose() == other.expose()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public(name) => f.debug_tuple("Public").field(name).finish(),
            Self::Keyed(_) => f.write_str("Keyed(<secret>)"),
        }
    }
}

/// How the last parts of 127/8 are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codes {
    /// Any address in 127/8 is a listing whose meaning is not known.
    Any,
    /// Each code, or each range of codes, has one meaning; other codes are listings of unknown
    /// meaning.
    Ranges(Vec<(Ipv4Addr, Ipv4Addr, Arc<str>)>),
    /// The last octet is a sum of bits, each with a meaning. No bit set is no listing.
    Bits(Vec<(u8, Arc<str>)>),
    /// Like `Ranges`, and besides there are codes that are no listing, such as a good reputation on
    /// a block list.
    Mixed {
        /// Codes that are listings.
        listings: Vec<(Ipv4Addr, Ipv4Addr, Arc<str>)>,
        /// Codes that are none.
        others: Vec<(Ipv4Addr, Ipv4Addr, Arc<str>)>,
    },
}

/// How one return code reads.
pub(super) enum Read {
    /// A listing with these meanings, one at least.
    Listed(Vec<Arc<str>>),
    /// Something else that the list says.
    Other,
    /// Nothing that a list says.
    Nothing,
}

impl Codes {
    /// Reads an address of 127/8 that is no refusal.
    pub(super) fn read(&self, address: Ipv4Addr) -> Read {
        let within = |spans: &[(Ipv4Addr, Ipv4Addr, Arc<str>)]| {
            spans
                .iter()
                .find(|(first, last, _)| *first <= address && address <= *last)
                .map(|(_, _, meaning)| Arc::clone(meaning))
        };
        let meaning = match self {
            Self::Any => None,
            Self::Ranges(listings) => within(listings),
            Self::Mixed { listings, others } => {
                if within(others).is_some() {
                    return Read::Other;
                }
                within(listings)
            }
            Self::Bits(bits) => {
                let [_, _, _, last] = address.octets();
                if last == 0 {
                    return Read::Other;
                }
                let meanings: Vec<_> = bits
                    .iter()
                    .filter(|(bit, _)| last & bit != 0)
                    .map(|(_, meaning)| Arc::clone(meaning))
                    .collect();
                if !meanings.is_empty() {
                    return Read::Listed(meanings);
                }
                None
            }
        };
        match meaning {
            Some(meaning) => Read::Listed(vec![meaning]),
            // RFC 5782, 2.1: 127.0.0.1 is out of use. Those that use it say so on their pages.
            None if address == Ipv4Addr::LOCALHOST => Read::Nothing,
            None => Read::Listed(vec![Arc::from(UNKNOWN)]),
        }
    }
}

/// What stands where a key would be shown.
const HIDDEN: &str = "<secret>";

/// A shorter first label of a keyed zone is a word and no key, in bytes.
const SHORTEST_KEY: usize = 6;

/// The meaning of a code that the list's page does not explain.
pub const UNKNOWN: &str = "unknown";

/// What is wrong with a keyed zone, without any part of it.
const MALFORMED: &str = "holds no zone: it must be one name such as KEY.zen.dq.spamhaus.net, with the \
                         key as its first label";

/// The least time between two questions to an operator of whom nothing is known.
const CUSTOM_GAP: Duration = Duration::from_millis(200);

/// Return codes that say that the question was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last one.
    pub last: Ipv4Addr,
    /// Why, for a person.
    pub why: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "k3yk3yk3yk3yk3yk3y";

    fn keyed(zone: &str) -> List {
        let zone = SecretString::from(format!(" {KEY}.{zone}\n"));
        List::keyed("mine", &zone).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_custom_list_is_read_plainly() {
        let list = List::custom("mine", "BL.Example.net.", Kind::Allow).unwrap();
        assert_eq!(list.zone, Zone::Public(Arc::from("bl.example.net")));
        assert_eq!(&*list.operator.name, "example.net");
        assert_eq!(list.kind, Kind::Allow);
        assert_eq!(list.codes, Codes::Any);
        assert!(list.has_test_points);
        let list = List::custom("uk", "a.bl.example.co.uk", Kind::Block).unwrap();
        assert_eq!(&*list.operator.name, "example.co.uk");
        for zone in ["", "bl", "bl..example", "a b.example"] {
            assert!(List::custom("x", zone, Kind::Block).is_err(), "{zone}");
        }
    }

    #[test]
    fn a_keyed_list_is_that_of_its_template() {
        let list = keyed("zen.dq.spamhaus.net");
        assert_eq!(&*list.name, "mine");
        assert_eq!(&*list.operator.name, "spamhaus");
        assert!(matches!(&list.codes, Codes::Ranges(codes) if codes.len() > 3));
        assert_eq!(list.zone.expose(), format!("{KEY}.zen.dq.spamhaus.net"));
        let list = keyed("dblack.mail.abusix.zone");
        assert_eq!(&*list.operator.name, "abusix");
        assert!(list.subjects.contains(&SubjectKind::Domain));
        let list = keyed("bl.example.net");
        assert_eq!((&*list.operator.name, &list.codes), ("example.net", &Codes::Any));
    }

    #[test]
    fn what_a_list_says_is_shown_without_the_key() {
        let list = keyed("zen.dq.spamhaus.net");
        for (said, shown) in [
            ("https://check.test/?ip=192.0.2.1".to_owned(), "https://check.test/?ip=192.0.2.1"),
            (
                format!("é 2.0.0.127.{KEY}.zen.dq.spamhaus.net is listed"),
                "é 2.0.0.127.<secret> is listed",
            ),
            (format!("{}/{KEY}é", KEY.to_ascii_uppercase()), "<secret>/<secret>é"),
            (format!("{KEY} and {}", &KEY[..KEY.len() - 3]), "<secret> and <secret>"),
            (format!("{KEY}{KEY}"), "<secret><secret>"),
        ] {
            assert_eq!(list.zone.hide_in(said), shown);
        }
        let zone = SecretString::from("customer.k3yk3y.zen.dq.spamhaus.net");
        let list = List::keyed("two", &zone).unwrap();
        assert_eq!(list.zone.hide_in("customer.k3yk3y.org".to_owned()), "<secret>.org");
        // A word is no key.
        let list = List::keyed("word", &SecretString::from("bl.example.net")).unwrap();
        assert_eq!(list.zone.hide_in("blocked: bl.example.net".to_owned()), "blocked: <secret>");
        let public = List::custom("bl", "k3y.bl.example", Kind::Block).unwrap();
        assert_eq!(public.zone.hide_in("k3y.bl".to_owned()), "k3y.bl");
    }

    #[test]
    fn no_text_of_a_keyed_list_holds_the_key() {
        for zone in ["zen.dq.spamhaus.net", "mail.abusix.zone", "bl.example.net", "example.net"] {
            let list = keyed(zone);
            let shown = format!("{list:?} {:?} {:#?}", list.zone, Arc::new(list.clone()));
            assert!(!shown.contains(KEY) && shown.contains("<secret>"), "{zone}: {shown}");
        }
        for zone in ["", "k3y", "k3y.example", "k3y k3y.a.b", "k3y@a.b.c", "https://k3y.a.b/"] {
            let error = List::keyed("mine", &SecretString::from(zone)).unwrap_err();
            assert!(!error.contains("k3y"), "{error}");
        }
    }
}
