//! Whether a list is one: its test points (RFC 5782, 5).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::time::Instant;

use super::{Lookups, lock, unknown};
use crate::dnsbl::{List, Reason, Reply, Subject, Verdict, health, query};
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
        let told = lock(&self.0);
        told.get(&list.name).filter(|told| *told.list == *list)?.trouble.clone()
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
    /// it are forgotten. A refusal, silence, and an answer that somebody on the way rewrote tell
    /// nothing of the list's content: then what was told before holds.
    pub async fn look_at_health(&self, list: &Arc<List>) -> Option<HealthLook> {
        let points = query::test_points(list);
        if points.is_empty() {
            return None;
        }
        let mut questions = Vec::new();
        let mut answers = Vec::new();
        let mut unasked = None;
        for point in points {
            let (lookup, reply) = self.look_at_point(list, &point.subject).await;
            let unknown = match &lookup.verdict {
                Verdict::Unknown(reason, detail) => {
                    Some(format!("{}: {reason}: {detail}", point.subject))
                }
                Verdict::Listed(_) | Verdict::Clean => None,
            };
            // Where nobody answers, or nobody should be asked, the other points fare no better.
            let last = unknown.is_some();
            match reply {
                Some(reply) => {
                    questions.push(lookup);
                    answers.push((point, reply));
                }
                None => unasked = unknown,
            }
            if last {
                break;
            }
        }
        let (healthy, detail) = match (health(list, &answers), unasked) {
            ((Some(false), detail), _) => (Some(false), detail),
            (_, Some(unasked)) => (None, unasked),
            (told, None) => told,
        };
        let trouble = (healthy == Some(false)).then(|| detail.clone());
        let changed = healthy.is_some() && self.healths.tell(list, trouble);
        if changed {
            lock(&self.kept).forget(&list.name);
        }
        let seen = Health { ended: SystemTime::now(), healthy, detail };
        Some(HealthLook { health: seen, changed, questions })
    }

    /// When the list's test points last told something.
    pub fn health_told(&self, list: &List) -> Option<Instant> {
        lock(&self.healths.0).get(&list.name).filter(|told| *told.list == *list).map(|told| told.at)
    }

    /// One test point: always asked, never kept, unless its operator is left alone.
    async fn look_at_point(&self, list: &Arc<List>, point: &Subject) -> (Lookup, Option<Reply>) {
        let mut turn = self.operators.turn(list).await;
        if let Some(pause) = self.operators.pause_of(list) {
            return (unknown(list, point, Reason::Refused, &pause.to_string()), None);
        }
        let Some(name) = query::name(point, &list.zone) else {
            let text = "the zone's name is too long to be asked";
            return (unknown(list, point, Reason::Other, text), None);
        };
        let asked = self.ask(list, &name, &mut turn).await;
        let ended = SystemTime::now();
        let lookup = Lookup {
            list: list.clone(),
            subject: point.clone(),
            ended,
            duration: Some(asked.took),
            verdict: asked.verdict,
            reasons: Vec::new(),
            good_until: ended,
        };
        (lookup, Some(asked.reply))
    }
}
