//! Basic authentication (RFC 7617) against bcrypt hashes.
//!
//! # Why it is built like this
//!
//! A check takes a tenth of a second of a core on purpose. So what was right once is remembered, and
//! a scrape costs nothing; a wrong password is never remembered, and waits in the lane of its
//! sender's address, so that a flood of them keeps neither a core more than the others busy nor a
//! scrape from elsewhere waiting. A name that nobody has takes the same work as one that is there,
//! and so does a hash of a lower cost than the highest.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::StatusCode;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Refusal;

/// Users and their hashes.
pub struct Users {
    hashes: BTreeMap<String, Hash>,
    /// The highest cost of a hash.
    cost: u32,
    /// Keys the digests of what was right; of this process alone.
    secret: [u8; 32],
    /// For each user the digest of the password that was right: bounded by the users.
    known: Mutex<HashMap<String, Vec<u8>>>,
    lanes: Vec<Arc<Semaphore>>,
    choose: RandomState,
    checks: Arc<Semaphore>,
}

struct Hash {
    text: Arc<SecretString>,
    cost: u32,
}

impl Users {
    /// Users by name, each with a bcrypt hash.
    ///
    /// # Errors
    ///
    /// The name of a user whose hash is none, or no random numbers can be had.
    pub fn new(users: BTreeMap<String, SecretString>) -> Result<Self, String> {
        let mut hashes = BTreeMap::new();
        for (name, text) in users {
            let parts: Result<bcrypt::HashParts, _> = text.expose_secret().parse();
            let Ok(parts) = parts else { return Err(format!("user {name} has no bcrypt hash")) };
            hashes.insert(name, Hash { text: Arc::new(text), cost: parts.get_cost() });
        }
        let mut secret = [0; 32];
        rustls::crypto::aws_lc_rs::default_provider()
            .secure_random
            .fill(&mut secret)
            .map_err(|_| "the system gives no random numbers".to_owned())?;
        Ok(Self {
            cost: hashes.values().map(|hash| hash.cost).max().unwrap_or(4),
            hashes,
            secret,
            known: Mutex::default(),
            lanes: (0..LANES).map(|_| Arc::new(Semaphore::new(1))).collect(),
            choose: RandomState::new(),
            checks: Arc::new(Semaphore::new(CHECKS)),
        })
    }

    /// Lets the sender of this `Authorization` header in, or says why not.
    pub(super) async fn admit(&self, header: Option<&str>, peer: IpAddr) -> Result<(), Refusal> {
        let Some((user, password)) = header.and_then(credentials) else { return Err(refused()) };
        let digest = self.digest(&user, &password);
        if self.knows(&user, &digest) {
            return Ok(());
        }
        let permits = async {
            let lane = self.lane(peer)?.acquire_owned().await.ok()?;
            // Another request with the same words may have been checked in the meantime.
            if self.knows(&user, &digest) {
                return Some(None);
            }
            let check = self.checks.clone().acquire_owned().await.ok()?;
            Some(Some((lane, check)))
        };
        let permits = match timeout(PATIENCE, permits).await {
            Ok(Some(None)) => return Ok(()),
            Ok(Some(Some(permits))) => permits,
            Ok(None) | Err(_) => {
                let mut busy =
                    Refusal::unavailable("too many logins are being checked; ask again later");
                busy.retry_after = Some(PATIENCE.as_secs());
                return Err(busy);
            }
        };
        let hash = self.hashes.get(&user).map(|hash| (hash.text.clone(), hash.cost));
        let highest = self.cost;
        let right = tokio::task::spawn_blocking(move || {
            // The permits go when the work is done, also when nobody waits for it any more.
            let _permits = permits;
            let from = match hash {
                Some((text, cost)) => {
                    if bcrypt::verify(password.as_slice(), text.expose_secret()).unwrap_or(false) {
                        return true;
                    }
                    cost
                }
                None => {
                    work(&password, highest);
                    highest
                }
            };
            // 2^c + 2^c + 2^(c+1) + … + 2^(h-1) = 2^h: as much as the costliest hash takes.
            (from..highest).for_each(|cost| work(&password, cost));
            false
        });
        if !right.await.unwrap_or(false) {
            return Err(refused());
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(user, digest);
        Ok(())
    }

    fn knows(&self, user: &str, digest: &[u8]) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // The digests are keyed, so how far two of them agree tells nothing that could be used.
        known.get(user).is_some_and(|right| right == digest)
    }

    fn digest(&self, user: &str, password: &[u8]) -> Vec<u8> {
        let Ok(mut digest) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            return Vec::new();
        };
        digest.update(user.as_bytes());
        digest.update(b":");
        digest.update(password);
        digest.finalize().into_bytes().to_vec()
    }

    /// One check at a time for an address; of IPv6 for a network, in which anybody has them all.
    fn lane(&self, peer: IpAddr) -> Option<Arc<Semaphore>> {
        let key = match peer.to_canonical() {
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            IpAddr::V6(v6) => u64::try_from(v6.to_bits() >> 64).unwrap_or_default(),
        };
        let number = self.choose.hash_one(key) % LANES;
        self.lanes.get(usize::try_from(number).ok()?).cloned()
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("names", &self.hashes.keys()).finish_non_exhaustive()
    }
}

/// User and password of a header; none when it is not one of basic authentication.
fn credentials(header: &str) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let (scheme, rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(rest.trim()).ok()?);
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8_lossy(bytes.get(..colon)?).into_owned();
    Some((user, Zeroizing::new(bytes.get(colon + 1..)?.to_vec())))
}

/// The work of one check, for nothing.
fn work(password: &[u8], cost: u32) {
    let _ = std::hint::black_box(bcrypt::hash_with_salt(password, cost, [0; 16]));
}

fn refused() -> Refusal {
    let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, "user and password are needed");
    refusal.challenge = Some("Basic realm=\"smtp_exporter\", charset=\"UTF-8\"");
    refusal
}

/// Addresses are spread over so many lanes.
const LANES: u64 = 64;
/// Checks that run at once.
const CHECKS: usize = 2;
/// How long a request waits for its check.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    const SOMEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn users(list: &[(&str, &str, u32)]) -> Users {
        let hash = |password: &str, cost| bcrypt::hash(password, cost).unwrap();
        let users = list.iter().map(|(name, password, cost)| {
            ((*name).to_owned(), SecretString::from(hash(password, *cost)))
        });
        Users::new(users.collect()).unwrap()
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    async fn status(users: &Users, header: Option<&str>) -> u16 {
        users.admit(header, SOMEWHERE).await.map_or_else(|no| no.status.as_u16(), |()| 200)
    }

    #[tokio::test]
    async fn the_right_words_and_no_others() {
        let users = users(&[("prometheus", "pass:word", 4), ("other", "other", 5)]);
        for _ in 0..2 {
            assert_eq!(status(&users, Some(&basic("prometheus:pass:word"))).await, 200);
            assert_eq!(status(&users, Some(&basic("other:other"))).await, 200);
            for wrong in
                ["prometheus:pass", "prometheus:", "other:pass:word", "nobody:other", ":", ""]
            {
                assert_eq!(status(&users, Some(&basic(wrong))).await, 401, "{wrong}");
            }
        }
        let bare = BASE64_STANDARD.encode("other:other");
        assert_eq!(status(&users, Some(&format!("bAsIc {bare}"))).await, 200);
        for header in [None, Some(""), Some("Basic"), Some("Basic %%%"), Some(bare.as_str())] {
            assert_eq!(status(&users, header).await, 401, "{header:?}");
        }
        assert_eq!(status(&users, Some(&format!("Bearer {bare}"))).await, 401);
        let known = users.known.lock().unwrap();
        assert_eq!(known.len(), 2, "what was wrong is not remembered");
        assert!(!format!("{users:?}").contains("$2"), "{users:?}");
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_takes_as_long_as_one_that_is_there() {
        let users = users(&[("cheap", "a", 4), ("dear", "b", 8)]);
        let took = async |pair: &str| {
            let mut least = Duration::MAX;
            for _ in 0..3 {
                let start = Instant::now();
                assert_eq!(status(&users, Some(&basic(pair))).await, 401);
                least = least.min(start.elapsed());
            }
            least
        };
        let (cheap, dear, nobody) =
            (took("cheap:x").await, took("dear:x").await, took("no:x").await);
        let all = [cheap, dear, nobody];
        let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        // The two hashes alone are 16 times apart, and a busy machine is not that uneven.
        assert!(*most < *least * 8, "{all:?}");
    }

    #[tokio::test]
    async fn a_flood_holds_up_neither_who_is_known_nor_other_addresses() {
        let users = Arc::new(users(&[("prometheus", "right", 8)]));
        assert_eq!(status(&users, Some(&basic("prometheus:right"))).await, 200);
        let flood: Vec<_> = (0..200)
            .map(|n| {
                let users = users.clone();
                let header = basic(&format!("prometheus:{n}"));
                tokio::spawn(async move { users.admit(Some(&header), SOMEWHERE).await.is_ok() })
            })
            .collect();
        tokio::task::yield_now().await;
        let start = Instant::now();
        assert_eq!(status(&users, Some(&basic("prometheus:right"))).await, 200);
        let known = start.elapsed();
        let elsewhere = (0..=255)
            .map(|last| IpAddr::from([198, 51, 100, last]))
            .find(|peer| !Arc::ptr_eq(&users.lane(*peer).unwrap(), &users.lane(SOMEWHERE).unwrap()))
            .unwrap();
        assert!(users.admit(Some(&basic("prometheus:wrong")), elsewhere).await.is_err());
        let stranger = start.elapsed();
        let running = flood.iter().filter(|task| !task.is_finished()).count();
        assert!(running > 100, "the flood was over: {running}");
        assert!(known < Duration::from_millis(100), "{known:?}");
        assert!(stranger < Duration::from_secs(2), "{stranger:?}");
        flood.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
