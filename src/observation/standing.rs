//! What an endpoint was last seen to offer, kept over probes that did not come so far, and since when
//! it has been so: what is compared with other endpoints, reduced to a few numbers.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::SystemTime;

use super::{Certificate, Observation};
use crate::smtp::{Capabilities, Keyword, Mechanism};

/// What an endpoint was last seen to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The server's own certificate.
    pub leaf: Option<Lasting<Leaf>>,
    /// What EHLO offered in clear.
    pub plain: Option<Lasting<Offer>>,
    /// What EHLO offered inside TLS.
    pub inside_tls: Option<Lasting<Offer>>,
}

/// A fact, and the probes that saw it as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting<T> {
    /// What was seen.
    pub value: T,
    /// When the first of these probes ended.
    pub first: SystemTime,
    /// When the last of them did.
    pub last: SystemTime,
}

/// A server's certificate, as far as it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The first half of the SHA-256 fingerprint.
    pub fingerprint: u128,
    /// A digest of all names that it is made out to; none when there are none.
    pub names: Option<u64>,
    /// What its key is. A server may hold one certificate of each.
    pub key: KeyKind,
    /// Seconds since the epoch.
    pub not_after: i64,
}

closed_enum! {
    /// The type of a key.
    pub enum KeyKind {
        /// RSA, RSA-PSS included.
        Rsa => "rsa",
        /// A curve with ECDSA.
        Ec => "ec",
        /// Another.
        Other => "other",
    }
}

/// What EHLO offered: words alone, without what stands beside them. SIZE's number is a setting that
/// servers may differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offer {
    /// The keywords.
    pub keywords: Words<Keyword>,
    /// The mechanisms of AUTH.
    pub mechanisms: Words<Mechanism>,
}

/// A set of a closed enum's values.
#[derive(Debug)]
pub struct Words<T> {
    bits: u64,
    of: std::marker::PhantomData<T>,
}

impl Standing {
    /// Takes in what a probe saw. What it did not come to stays as it was seen last.
    pub fn see(&mut self, seen: &Observation) {
        let leaf = seen.tls.as_ref().and_then(|tls| tls.chain.first());
        Lasting::see(&mut self.leaf, leaf.map(Leaf::of), seen.ended);
        Lasting::see(&mut self.plain, seen.plain.as_ref().map(Offer::of), seen.ended);
        Lasting::see(&mut self.inside_tls, seen.inside_tls.as_ref().map(Offer::of), seen.ended);
    }
}

impl<T: PartialEq> Lasting<T> {
    fn see(slot: &mut Option<Self>, value: Option<T>, at: SystemTime) {
        let Some(value) = value else { return };
        match slot {
            Some(known) if known.value == value => known.last = at,
            _ => *slot = Some(Self { value, first: at, last: at }),
        }
    }

    /// Both were so at one moment at least. A difference between probes that do not overlap may be
    /// a change that the later one saw and the earlier one came too early for.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl Leaf {
    /// Of a certificate.
    pub fn of(certificate: &Certificate) -> Self {
        let digits = certificate.fingerprint_sha256.chars().filter_map(|digit| digit.to_digit(16));
        let fingerprint = digits.take(32).fold(0, |number, digit| number << 4 | u128::from(digit));
        let mut names: Vec<String> =
            certificate.names.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        let names = (!names.is_empty()).then(|| {
            let mut hasher = DefaultHasher::new();
            names.hash(&mut hasher);
            hasher.finish()
        });
        let key = if certificate.key.starts_with("RSA") {
            KeyKind::Rsa
        } else if certificate.key.starts_with("EC ") {
            KeyKind::Ec
        } else {
            KeyKind::Other
        };
        Self { fingerprint, names, key, not_after: certificate.not_after }
    }

    /// The fingerprint's first 16 hex digits, enough for a person.
    pub fn short(&self) -> String {
        format!("{:016x}", self.fingerprint >> 64)
    }
}

impl Offer {
    /// Of an EHLO response.
    pub fn of(capabilities: &Capabilities) -> Self {
        Self {
            keywords: Words::of(&capabilities.keywords),
            mechanisms: Words::of(&capabilities.mechanisms),
        }
    }

    /// Nothing is offered.
    pub fn is_empty(&self) -> bool {
        self.keywords.is_empty() && self.mechanisms.is_empty()
    }

    /// What is offered here and not there.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self {
            keywords: self.keywords.without(other.keywords),
            mechanisms: self.mechanisms.without(other.mechanisms),
        }
    }
}

/// A closed enum of 64 values at most.
pub trait Word: Copy + 'static {
    /// Every value, each at the place that is its number.
    const WORDS: &'static [Self];

    /// Its number.
    fn place(self) -> usize;
}

impl Word for Keyword {
    const WORDS: &'static [Self] = Self::ALL;

    fn place(self) -> usize {
        self as usize
    }
}

impl Word for Mechanism {
    const WORDS: &'static [Self] = Self::ALL;

    fn place(self) -> usize {
        self as usize
    }
}

// One more value than bits, and two words would be the same.
const _: () = assert!(Keyword::ALL.len() <= 64 && Mechanism::ALL.len() <= 64);

impl<T: Word> Words<T> {
    /// These.
    pub fn of(words: &[T]) -> Self {
        Self::from_bits(words.iter().fold(0, |bits, word| bits | 1 << word.place()))
    }

    /// They are there, in the enum's order.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::WORDS.iter().copied().filter(move |word| self.bits >> word.place() & 1 == 1)
    }
}

impl<T> Words<T> {
    const fn from_bits(bits: u64) -> Self {
        Self { bits, of: std::marker::PhantomData }
    }

    /// There are none.
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Those that are here and not there.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self::from_bits(self.bits & !other.bits)
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::from_bits(self.bits & other.bits)
    }

    /// Those that are in one of both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self::from_bits(self.bits | other.bits)
    }
}

// Derived, these would ask the same of the enum.
impl<T> Clone for Words<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Words<T> {}

impl<T> PartialEq for Words<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<T> Eq for Words<T> {}

impl<T> Default for Words<T> {
    fn default() -> Self {
        Self::from_bits(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::observation;
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn words_are_a_set_in_the_order_of_the_enum() {
        let words = Words::of(&[Keyword::Vrfy, Keyword::Auth, Keyword::Vrfy]);
        assert_eq!(words.iter().collect::<Vec<_>>(), [Keyword::Auth, Keyword::Vrfy]);
        assert_eq!(Words::of(Keyword::ALL).iter().collect::<Vec<_>>(), Keyword::ALL);
        let auth = Words::of(&[Keyword::Auth]);
        assert_eq!(words.without(auth), Words::of(&[Keyword::Vrfy]));
        assert_eq!((words.and(auth), auth.or(words)), (auth, words));
        assert!(words.without(words).is_empty() && !words.is_empty());
    }

    #[test]
    fn a_fact_lasts_over_probes_that_did_not_see_it() {
        let offers = |keywords: &[Keyword], ended| Observation {
            plain: Some(Capabilities { keywords: keywords.to_vec(), ..Capabilities::default() }),
            ended,
            ..observation()
        };
        let mut standing = Standing::default();
        standing.see(&offers(&[Keyword::Dsn], at(1)));
        standing.see(&Observation { ended: at(2), ..observation() });
        standing.see(&offers(&[Keyword::Dsn], at(3)));
        let before = standing.plain.unwrap();
        assert_eq!((before.first, before.last), (at(1), at(3)));
        standing.see(&offers(&[], at(4)));
        let after = standing.plain.unwrap();
        assert_eq!((after.first, after.last, after.value), (at(4), at(4), Offer::default()));
        assert!(!before.overlaps(&after) && !after.overlaps(&before) && after.overlaps(&after));
        assert_eq!(standing.leaf, None);
    }

    #[test]
    fn a_certificate_is_its_fingerprint_its_names_and_its_key() {
        let certificate = |names: &[&str], key: &str| Certificate {
            fingerprint_sha256: "0123456789abcdef".repeat(4),
            serial: String::new(),
            subject: String::new(),
            issuer: String::new(),
            key: key.to_owned(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
            not_before: 0,
            not_after: 7,
        };
        let leaf = Leaf::of(&certificate(&["b.test", "A.test", "b.test"], "RSA 2048"));
        let same = Leaf::of(&certificate(&["a.test", "B.test"], "RSA-PSS 3072"));
        assert_eq!(leaf, same);
        assert_eq!((leaf.short().as_str(), leaf.key), ("0123456789abcdef", KeyKind::Rsa));
        let other = Leaf::of(&certificate(&["a.test"], "EC P-256"));
        assert_ne!(leaf.names, other.names);
        assert_eq!(other.key, KeyKind::Ec);
        let none = Leaf::of(&certificate(&[], "Ed25519"));
        assert_eq!((none.names, none.key), (None, KeyKind::Other));
    }
}
