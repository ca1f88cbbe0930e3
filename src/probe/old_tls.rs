//! A server too old for us still says in clear how old it is: see [`hello`]. That takes a second
//! connection, so it is made once an hour and server, within the remote's permit and with the gap that
//! the remote is owed; in between, what was seen stands.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::dialog::{self, BoxedIo, Waits};
use super::mail::Visit;
use crate::cause::Cause;
use crate::net::{hello, tcp};
use crate::observation::{Failure, Observation, Side, TlsFacts, Transcript};
use crate::smtp::{Phase, Session, TlsMode};

/// What was seen of old servers, and when.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<HashMap<SocketAddr, (Instant, TlsFacts)>>);

impl Looks {
    fn recent(&self, remote: SocketAddr) -> Option<(Instant, TlsFacts)> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(&remote).filter(|(at, _)| at.elapsed() < KEPT).cloned()
    }

    fn keep(&self, remote: SocketAddr, facts: TlsFacts) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.len() >= MOST {
            looks.retain(|_, (at, _)| at.elapsed() < KEPT);
        }
        if looks.len() < MOST {
            looks.insert(remote, (Instant::now(), facts));
        }
    }
}

/// Puts into `seen` what an old ClientHello is answered, now or within the last hour. Left out when
/// there is no time for it before `end`. `clock` is when the visit began.
pub(super) async fn look(
    visit: &Visit,
    end: Instant,
    clock: Instant,
    seen: &mut Observation,
    transcript: &mut Transcript,
) {
    let remote = visit.remote();
    if let Some((at, facts)) = visit.old_tls.recent(remote) {
        let minutes = at.elapsed().as_secs() / 60;
        let text = format!("{}, {minutes} minutes ago", answered(&facts));
        transcript.push(clock.elapsed(), Side::Note, text);
        seen.tls = Some(facts);
        return;
    }
    let gap = visit.policy.host_budget.min_gap;
    if Instant::now() + gap >= end {
        return;
    }
    let look = async {
        tokio::time::sleep(gap).await;
        let timeouts = visit.module.timeouts;
        let stream = tcp::connect(remote, visit.site.bind, timeouts.connect).await.ok()?;
        let local = stream.local_addr().ip();
        read_hello(visit, stream, local, end).await
    };
    let looked = tokio::select! {
        biased;
        () = visit.stop.cancelled() => None,
        () = tokio::time::sleep_until(end) => None,
        facts = look => facts,
    };
    let Some(facts) = looked else { return };
    transcript.push(clock.elapsed(), Side::Note, answered(&facts));
    visit.old_tls.keep(remote, facts.clone());
    seen.tls = Some(facts);
}

fn answered(facts: &TlsFacts) -> String {
    let version = facts.version.map_or("an unknown version", |version| version.as_str());
    format!("a second connection with an old ClientHello was answered with {version}")
}

async fn read_hello(
    visit: &Visit,
    stream: tcp::Stream,
    local: IpAddr,
    end: Instant,
) -> Option<TlsFacts> {
    let timeouts = visit.module.timeouts;
    let mut plan = visit.plan(local, None);
    if plan.tls != TlsMode::Implicit {
        plan.tls = TlsMode::Required;
    }
    plan.mail = None;
    let waits = Waits { greeting: timeouts.greeting, reply: timeouts.reply, deadline: end };
    let upgrade = async |mut stream: BoxedIo| {
        let facts =
            hello::read_server_hello(&mut stream, visit.server_name(), timeouts.reply).await;
        let over = Failure::new(Phase::Tls, Cause::TlsIncompatible, "only looked at");
        (facts.unwrap_or_default(), Err(over))
    };
    let stream: BoxedIo = Box::new(stream);
    let session = Session::new(plan);
    let outcome = dialog::run(stream, session, waits, Instant::now(), &visit.stop, upgrade).await;
    outcome.tls.filter(|facts| facts.version.is_some())
}

/// How long a look stands.
const KEPT: Duration = Duration::from_secs(3600);
/// The most servers whose look is kept; beyond it they are looked at each time.
const MOST: usize = 1024;
