//! Whose turn it is at an operator, and whether it wants to be left alone.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep_until};

use super::lock;
use crate::dnsbl::{List, Zone};

/// All operators, by name. One is never forgotten: there are no more than configured ones.
#[derive(Debug, Default)]
pub(super) struct Operators {
    gates: Mutex<HashMap<Arc<str>, Gate>>,
}

/// One operator.
#[derive(Debug, Default)]
struct Gate {
    /// When it was last asked. Whoever holds it asks.
    turn: Arc<tokio::sync::Mutex<Option<Instant>>>,
    pause: Option<Pause>,
}

/// An operator is left alone.
#[derive(Debug, Clone)]
pub(super) struct Pause {
    until: Instant,
    /// The same for a person.
    pub(super) wall: SystemTime,
    pub(super) why: String,
    /// What was refused.
    list: Arc<str>,
    zone: Zone,
    servers: Vec<SocketAddr>,
}

/// A pause as it is kept over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPause {
    /// The operator that is left alone.
    pub operator: String,
    /// The list that refused.
    pub list: String,
    /// Seconds since the epoch.
    pub until: u64,
    /// What the refusal said.
    pub why: String,
    /// What tells whether the list is still asked in the same way: a digest of its zone, in which the
    /// key cannot be read, and the servers.
    pub asked: String,
}

/// The right to ask an operator's lists, one question after the other.
pub(super) struct Turn(OwnedMutexGuard<Option<Instant>>);

impl Operators {
    /// Waits until nobody else asks the list's operator.
    pub(super) async fn turn(&self, list: &List) -> Turn {
        let turn = lock(&self.gates).entry(list.operator.name.clone()).or_default().turn.clone();
        Turn(turn.lock_owned().await)
    }

    /// Leaves the list's operator alone from now on; tells until when.
    pub(super) fn pause(&self, list: &List, length: Duration, why: &str) -> SystemTime {
        let wall = SystemTime::now() + length;
        let pause = Pause {
            until: Instant::now() + length,
            wall,
            why: why.to_owned(),
            list: list.name.clone(),
            zone: list.zone.clone(),
            servers: list.servers.clone(),
        };
        lock(&self.gates).entry(list.operator.name.clone()).or_default().pause = Some(pause);
        wall
    }

    /// The pause of the list's operator, if it is one still.
    pub(super) fn pause_of(&self, list: &List) -> Option<Pause> {
        let gates = lock(&self.gates);
        let pause = gates.get(&list.operator.name)?.pause.as_ref()?;
        (pause.until > Instant::now()).then(|| pause.clone())
    }

    /// The pauses that are pauses still, in order of operator. `servers` are those of lists without
    /// servers of their own.
    pub(super) fn pauses(&self, servers: &[SocketAddr]) -> Vec<KeptPause> {
        let now = Instant::now();
        let gates = lock(&self.gates);
        let mut kept: Vec<KeptPause> = gates
            .iter()
            .filter_map(|(operator, gate)| Some((operator, gate.pause.as_ref()?)))
            .filter(|(_, pause)| pause.until > now)
            .map(|(operator, pause)| KeptPause {
                operator: operator.to_string(),
                list: pause.list.to_string(),
                until: pause
                    .wall
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default()
                    .as_secs(),
                why: pause.why.clone(),
                asked: asked_as(&pause.zone, &pause.servers, servers),
            })
            .collect();
        kept.sort_by(|a, b| a.operator.cmp(&b.operator));
        kept
    }

    /// Takes a pause over from the run before, unless it is over, or the list is now asked in another
    /// way. `longest` bounds what a clock that was set wrong may have written.
    pub(super) fn restore(
        &self,
        kept: &KeptPause,
        lists: &[Arc<List>],
        servers: &[SocketAddr],
        longest: Duration,
    ) {
        let wall = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(kept.until));
        let left = wall.and_then(|wall| wall.duration_since(SystemTime::now()).ok());
        let Some(left) = left else { return };
        let Some(list) = lists.iter().find(|list| *list.name == *kept.list) else { return };
        let same = *list.operator.name == *kept.operator
            && asked_as(&list.zone, &list.servers, servers) == kept.asked;
        if same {
            self.pause(list, left.min(longest), &kept.why);
        }
    }

    /// Ends the pause that this very list brought when it is now asked as somebody else (a key, an
    /// own zone) or through other servers (`moved`: those of all lists are others): the refusal was
    /// not meant for that.
    pub(super) fn reconsider(&self, list: &List, moved: bool) {
        if let Some(gate) = lock(&self.gates).get_mut(&list.operator.name)
            && let Some(pause) = &gate.pause
            && pause.list == list.name
            && (moved || pause.zone != list.zone || pause.servers != list.servers)
        {
            gate.pause = None;
        }
    }
}

/// What a question of a list goes to and through, as a digest.
fn asked_as(zone: &Zone, own: &[SocketAddr], others: &[SocketAddr]) -> String {
    let mut digest = Sha256::new();
    digest.update(zone.expose());
    for server in if own.is_empty() { others } else { own } {
        digest.update(format!(" {server}"));
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Turn {
    /// Waits until `gap` has passed since the question before, and counts as the next one.
    pub(super) async fn wait(&mut self, gap: Duration) {
        if let Some(last) = *self.0 {
            sleep_until(last + gap).await;
        }
        *self.0 = Some(Instant::now());
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = humantime::format_rfc3339_seconds(self.wall);
        write!(f, "{}; its operator is not asked again, paused until {until}", self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnsbl::{Codes, Kind, Operator, SubjectKind};

    fn list(name: &str, gap: u64) -> List {
        List {
            name: name.into(),
            zone: Zone::Public(name.into()),
            kind: Kind::Block,
            subjects: vec![SubjectKind::Ip4],
            codes: Codes::Any,
            refusals: Vec::new(),
            operator: Arc::new(Operator {
                name: "one".into(),
                min_gap: Duration::from_millis(gap),
            }),
            delisting: None,
            servers: Vec::new(),
            has_test_points: false,
        }
    }

    /// The clock is the test's. Ten askers at once, on two lists of one operator.
    #[tokio::test(start_paused = true)]
    async fn an_operator_is_asked_once_at_a_time_and_with_a_gap() {
        let operators = Arc::new(Operators::default());
        let begun = Instant::now();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..10u64 {
            let (operators, asked) = (operators.clone(), asked.clone());
            tasks.spawn(async move {
                let list = list(if n % 2 == 0 { "a.test" } else { "b.test" }, 200);
                let mut turn = operators.turn(&list).await;
                turn.wait(list.operator.min_gap).await;
                asked.lock().unwrap().push(begun.elapsed().as_millis());
                // An answer that takes longer than the gap holds the next one up.
                let slow = if n == 3 { 500 } else { 50 };
                tokio::time::sleep(Duration::from_millis(slow)).await;
            });
        }
        while tasks.join_next().await.is_some() {}
        let asked = asked.lock().unwrap().clone();
        assert_eq!(asked, [0, 200, 400, 600, 1100, 1300, 1500, 1700, 1900, 2100]);
    }

    #[tokio::test]
    async fn a_pause_outlives_the_process_while_the_list_is_asked_alike() {
        let six_hours = Duration::from_secs(6 * 3600);
        let servers = [SocketAddr::from(([127, 0, 0, 1], 53))];
        let a = List { zone: Zone::Keyed("k3yk3y.a.test".into()), ..list("a.test", 0) };
        let operators = Operators::default();
        operators.pause(&a, six_hours, "no");
        let kept = operators.pauses(&servers);
        assert_eq!((kept.len(), &*kept[0].operator, &*kept[0].why), (1, "one", "no"));
        assert!(!serde_json::to_string(&kept).unwrap().contains("k3y"), "{kept:?}");
        let restored = |kept: &KeptPause, lists: &[List], servers: &[SocketAddr]| {
            let fresh = Operators::default();
            let lists: Vec<Arc<List>> = lists.iter().cloned().map(Arc::new).collect();
            fresh.restore(kept, &lists, servers, six_hours);
            let pause = fresh.pause_of(&a)?;
            pause.wall.duration_since(SystemTime::now()).ok()
        };
        let both = [a.clone(), list("b.test", 0)];
        let left = restored(&kept[0], &both, &servers).unwrap();
        assert!(left > six_hours - Duration::from_secs(60) && left <= six_hours, "{left:?}");
        let far = KeptPause { until: u64::MAX / 4, ..kept[0].clone() };
        assert!(restored(&far, &both, &servers).is_some_and(|left| left <= six_hours));
        let endless = KeptPause { until: u64::MAX, ..kept[0].clone() };
        assert!(restored(&endless, &both, &servers).is_none_or(|left| left <= six_hours));
        // Over, asked with another key, through others, or not at all.
        let over = KeptPause { until: 1, ..kept[0].clone() };
        assert_eq!(restored(&over, &both, &servers), None);
        let key = List { zone: Zone::Keyed("other.a.test".into()), ..a.clone() };
        assert_eq!(restored(&kept[0], &[key], &servers), None);
        assert_eq!(restored(&kept[0], &both, &[]), None);
        assert_eq!(restored(&kept[0], &both[1..], &servers), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_for_all_lists_of_the_operator_and_ends() {
        let operators = Operators::default();
        let (a, b) = (list("a.test", 0), list("b.test", 0));
        assert!(operators.pause_of(&a).is_none());
        let six_hours = Duration::from_secs(6 * 3600);
        let wall = operators.pause(&a, six_hours, "too many questions");
        let pause = operators.pause_of(&b).unwrap();
        assert_eq!(pause.wall, wall);
        let text = pause.to_string();
        let start = "too many questions; its operator is not asked again, paused until 2";
        assert!(text.starts_with(start) && text.ends_with('Z'), "{text}");
        // A reload that changes nothing of the refused list keeps it.
        operators.reconsider(&a, false);
        operators.reconsider(&List { zone: Zone::Public("c.test".into()), ..b.clone() }, false);
        tokio::time::advance(six_hours - Duration::from_secs(1)).await;
        assert!(operators.pause_of(&b).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(operators.pause_of(&b).is_none());
        // Asked with a key, or through other servers, it is another question.
        for (moved, changed) in [
            (false, List { zone: Zone::Keyed("key.a.test".into()), ..a.clone() }),
            (false, List { servers: vec![([127, 0, 0, 1], 53).into()], ..a.clone() }),
            (true, a.clone()),
        ] {
            operators.pause(&a, six_hours, "no");
            operators.reconsider(&changed, moved);
            assert!(operators.pause_of(&b).is_none());
        }
    }
}
