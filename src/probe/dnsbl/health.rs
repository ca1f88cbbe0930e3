//! Whether a list is one: its test points (RFC 5782, 5).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::time::Instant;

use super::{Lookups, lock, unknown};
use crate::dnsbl::{List, Reason, Subject, SubjectKind, Verdict, query};
use crate::observation::{Health, Lookup};

/// A look at a list's test points.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthLook {
    /// What came out.
    pub health: Health,
    /// Whether it is healthy is another than what was told before; an unhealthy list of which nothing
    /// was told before has changed too.
    pub changed: bool,
    /// The questions that were asked for it, each a look-up of a test point.
    pub questions: Vec<Lookup>,
}

/// What was last told of each list's health.
#[derive(Debug, Default)]
pub(super) struct Healths(Mutex<HashMap<Arc<str>, Told>>);

#[derive(Debug)]
struct Told {
    list: Arc<List>,
    at: Instant,
    /// What is wrong; none when it is healthy.
    trouble: Option<String>,
}

impl Healths {
    /// What is wrong with an unhealthy list.
    pub(super) fn trouble_of(&self, list: &List) -> Option<String> {
        lock(&self.0).get(&list.name).and_then(|told| told.trouble.clone())
    }

    /// Forgets lists that `known` does not find, or finds changed.
    pub(super) fn retain<'a>(&self, known: impl Fn(&str) -> Option<&'a Arc<List>>) {
        lock(&self.0).retain(|name, told| known(name).is_some_and(|now| *now == told.list));
    }

    /// Keeps what was told; true when it is another than before.
    fn tell(&self, list: &Arc<List>, trouble: Option<String>) -> bool {
        let told = Told { list: list.clone(), at: Instant::now(), trouble };
        let healthy = told.trouble.is_none();
        let before = lock(&self.0).insert(list.name.clone(), told);
        before.is_none_or(|before| before.trouble.is_none()) != healthy
    }
}

impl Lookups {
    /// Asks for a list's test points: one that must be listed and one that must not be, for each kind
    /// of subject that it takes. None for a list without test points: it is not judged.
    ///
    /// From an unhealthy list nothing is believed, so when the health changes, the answers kept from
    /// it are forgotten. A refusal, silence and the like tell nothing of the list's content: then
    /// what was told before holds.
    pub async fn look_at_health(&self, list: &Arc<List>) -> Option<HealthLook> {
        if !list.has_test_points {
            return None;
        }
        let mut questions = Vec::new();
        let mut wrong = Vec::new();
        let mut untold = None;
        for (point, must_be_listed) in list.subjects.iter().flat_map(|kind| test_points(*kind)) {
            let lookup = self.look_at_point(list, &point).await;
            match &lookup.verdict {
                Verdict::Listed(_) if !must_be_listed => {
                    wrong.push(format!("it lists {point}, which no list may"));
                }
                Verdict::Clean if must_be_listed => {
                    wrong.push(format!("it does not list {point}, which every list must"));
                }
                Verdict::Listed(_) | Verdict::Clean => {}
                Verdict::Unknown(reason, detail) => {
                    untold.get_or_insert_with(|| format!("{point}: {reason}: {detail}"));
                }
            }
            questions.extend(Some(lookup).filter(|lookup| lookup.duration.is_some()));
            if untold.is_some() {
                // Nobody answers, or nobody should be asked: the other points will fare no better.
                break;
            }
        }
        let trouble = (!wrong.is_empty()).then(|| wrong.join("; "));
        let healthy = match (&trouble, &untold) {
            (Some(_), _) => Some(false),
            (None, Some(_)) => None,
            (None, None) => Some(true),
        };
        let changed = healthy.is_some() && self.healths.tell(list, trouble.clone());
        if changed {
            lock(&self.kept).forget(&list.name);
        }
        let detail = trouble.or(untold).unwrap_or_default();
        let health = Health { ended: SystemTime::now(), healthy, detail };
        Some(HealthLook { health, changed, questions })
    }

    /// When the list's test points last told something.
    pub fn health_told(&self, list: &List) -> Option<Instant> {
        lock(&self.healths.0).get(&list.name).map(|told| told.at)
    }

    /// One test point: always asked, never kept, unless its operator is left alone.
    async fn look_at_point(&self, list: &Arc<List>, point: &Subject) -> Lookup {
        let mut turn = self.operators.turn(list).await;
        if let Some(pause) = self.operators.pause_of(list) {
            return unknown(list, point, Reason::Refused, &pause.to_string());
        }
        let Some(name) = query::name(point, &list.zone) else {
            return unknown(list, point, Reason::Other, "the zone's name is too long to be asked");
        };
        let asked = self.ask(list, &name, &mut turn).await;
        let ended = SystemTime::now();
        Lookup {
            list: list.clone(),
            subject: point.clone(),
            ended,
            duration: Some(asked.took),
            verdict: asked.verdict,
            reasons: Vec::new(),
            good_until: ended,
        }
    }
}

/// The points of one kind (RFC 5782, 5): first the one that must be listed, then the one that must
/// not be.
fn test_points(kind: SubjectKind) -> [(Subject, bool); 2] {
    let v6 = |last: u16| Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, last);
    let (listed, clean) = match kind {
        SubjectKind::Ip4 => (
            Subject::Address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))),
            Subject::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ),
        SubjectKind::Ip6 => {
            (Subject::Address(IpAddr::V6(v6(2))), Subject::Address(IpAddr::V6(v6(1))))
        }
        SubjectKind::Domain => (Subject::Domain("test".into()), Subject::Domain("invalid".into())),
    };
    [(listed, true), (clean, false)]
}
