//! `/probe?target=&module=[&debug=true]`: one probe now, for who asks from outside the schedule.
//! It meets the schedule's limits, and it leaves no trace in the schedule's counters.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::Response;
use tokio::time::{Instant, timeout_at};

use super::admit::AdHoc;
use super::body::{self, Payload};
use super::desk::cut_short;
use super::scrape::rendered_here;
use super::{Asked, Page, Refusal, Running, State, report};
use crate::metrics::{Format, render_view};
use crate::observation::{Round, SkipReason};
use crate::probe::{Admit, Job};
use crate::store::View;
use crate::target::place::printable;
use crate::target::{Check, Endpoint, FOREIGN_INTERVAL, Place, Target};

pub(super) async fn probe(state: &Arc<State>, asked: &Asked) -> Result<Response<Payload>, Refusal> {
    let running = state.control.running();
    let wanted = Wanted::of(&running, asked)?;
    let times = Times::of(state, asked, &wanted.check)?;
    let (source, note) = match remembered(state, &running, &wanted)? {
        Some(known) => known,
        None => {
            let round = fly(state, &wanted, &times).await?;
            judge(state, &wanted, round)?
        }
    };
    answer(state, asked, &wanted, &source, &note)
}

/// What is asked for, allowed as far as can be told before resolving.
struct Wanted {
    check: Check,
    /// Set when the target is in no configuration.
    ad_hoc: Option<Arc<AdHoc>>,
    debug: bool,
}

impl Wanted {
    fn of(running: &Running, asked: &Asked) -> Result<Self, Refusal> {
        let debug = asked.query.switch("debug")?;
        let Some(name) = asked.query.one("target")? else {
            return Err(Refusal::bad_request(
                "`target` is missing; ask for /probe?target=NAME or \
                 /probe?target=HOST:PORT&module=MODULE",
            ));
        };
        let module = asked.query.one("module")?;
        let configured = running.targets.get(name);
        let module_of = |default: &str| {
            let name = module.unwrap_or(default);
            running.modules.get(name).cloned().ok_or_else(|| {
                let known: Vec<&str> = running.modules.keys().map(|name| &**name).collect();
                Refusal::bad_request(format!(
                    "there is no module `{}`; modules are: {}",
                    printable(name),
                    known.join(", ")
                ))
            })
        };
        if let Some(target) = configured {
            // The target's own copy of the module is the one whose series exist.
            let own =
                target.modules.iter().find(|own| module.is_none_or(|name| name == &*own.name));
            let module = match own {
                Some(own) => own.clone(),
                None => module_of(DEFAULT_MODULE)?,
            };
            if own.is_none() && module.auth.is_some() {
                return Err(Refusal::forbidden(format!(
                    "module `{}` logs in, and target `{name}` does not name it; add it to the \
                     target's modules",
                    module.name
                )));
            }
            let check = Check { target: target.clone(), module };
            return Ok(Self { check, ad_hoc: None, debug });
        }
        let module = module_of(DEFAULT_MODULE)?;
        let place = Place::parse(name)
            .map_err(|problem| Refusal::bad_request(format!("target: {problem}")))?;
        let ports = running.modules.values().map(|module| module.port).collect();
        let ad_hoc = AdHoc::new(running.policy.clone(), &place, module.clone(), ports)
            .map_err(Refusal::forbidden)?;
        let target = Target {
            name: place.to_string().into(),
            place,
            modules: vec![module.clone()],
            interval: None,
            labels: std::collections::BTreeMap::new(),
        };
        let check = Check { target: Arc::new(target), module };
        Ok(Self { check, ad_hoc: Some(Arc::new(ad_hoc)), debug })
    }

    fn admits(&self, round: &Round) -> bool {
        self.ad_hoc.as_ref().is_none_or(|ad_hoc| {
            round.endpoints.iter().all(|endpoint| ad_hoc.admit(endpoint).is_ok())
        })
    }
}

/// How long the probe may take, and when an answer must be on its way.
struct Times {
    budget: Duration,
    deadline: Instant,
    answer_by: Instant,
}

impl Times {
    fn of(state: &State, asked: &Asked, check: &Check) -> Result<Self, Refusal> {
        let now = Instant::now();
        let Some(header) = &asked.timeout else {
            let budget = check.module.timeouts.total;
            let deadline = now + budget;
            return Ok(Self { budget, deadline, answer_by: deadline + QUIT_TIME });
        };
        let seconds = header.trim().parse::<f64>().ok().filter(|s| s.is_finite() && *s > 0.0);
        let Some(seconds) = seconds else {
            return Err(Refusal::bad_request(format!(
                "X-Prometheus-Scrape-Timeout-Seconds is `{}`; it must be a number of seconds above 0",
                printable(header)
            )));
        };
        let whole = Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()));
        // A timeout shorter than twice the offset would leave next to nothing to probe in.
        let budget = whole - state.timeout_offset.min(whole / 2);
        // Half of what is held back is for the probe's own end, the rest for the answer's way.
        let answer_by = now + budget + (whole - budget) / 2;
        Ok(Self { budget, deadline: now + budget, answer_by })
    }
}

/// What an answer is made from.
struct Source {
    view: Arc<View>,
    /// The round that the view was made of; none when it is the schedule's.
    round: Option<Arc<Round>>,
}

impl Source {
    fn of_round(wanted: &Wanted, round: Arc<Round>) -> Self {
        let view = Arc::new(View::of_round(wanted.check.clone(), &round));
        Self { view, round: Some(round) }
    }
}

/// The last result. Mostly only its age is asked for, so no view is made of a round before it is an
/// answer.
enum Last {
    /// The schedule's.
    Scheduled(Arc<View>),
    /// Of `/probe` itself.
    Kept(Arc<Round>),
}

impl Last {
    fn ended(&self) -> Option<SystemTime> {
        match self {
            Self::Scheduled(view) => view.last_round,
            Self::Kept(round) => Some(round.ended),
        }
    }

    /// How old it is; one whose time is not known, or lies ahead, is as old as can be.
    fn age(&self, now: SystemTime) -> Duration {
        self.ended().and_then(|ended| now.duration_since(ended).ok()).unwrap_or(Duration::MAX)
    }

    fn source(self, wanted: &Wanted) -> Source {
        match self {
            Self::Scheduled(view) => Source { view, round: None },
            Self::Kept(round) => Source::of_round(wanted, round),
        }
    }
}

/// The result that answers without a probe: one that is fresh, or the last one of a remote that
/// asked us to stay away.
fn remembered(
    state: &State,
    running: &Running,
    wanted: &Wanted,
) -> Result<Option<(Source, String)>, Refusal> {
    let now = SystemTime::now();
    let last = last_known(state, wanted);
    if last.as_ref().is_some_and(|last| last.age(now) < running.policy.probe_min_interval) {
        return Ok(last.map(|last| (last.source(wanted), FRESH.to_owned())));
    }
    let paused = stored(state, wanted).and_then(|view| view.paused_until);
    match (paused.filter(|until| *until > now), last) {
        (Some(until), Some(last)) => Ok(Some((last.source(wanted), paused_note(until)))),
        (Some(until), None) => Err(nothing_known(&paused_note(until)).until(Some(until), now)),
        (None, _) => Ok(None),
    }
}

/// The last result, of the schedule or of `/probe` itself.
fn last_known(state: &State, wanted: &Wanted) -> Option<Last> {
    let scheduled = stored(state, wanted).filter(|view| has_seen(view)).map(Last::Scheduled);
    // probe.allow may have changed since.
    let kept = state.desk.last(&wanted.check).filter(|round| wanted.admits(round)).map(Last::Kept);
    [scheduled, kept].into_iter().flatten().max_by_key(Last::ended)
}

/// The schedule's view of a configured check.
fn stored(state: &State, wanted: &Wanted) -> Option<Arc<View>> {
    let configured = wanted.ad_hoc.is_none();
    let view = configured.then(|| state.store.view(&wanted.check.key())).flatten()?;
    // A reload may have changed the check a moment ago.
    (view.check == wanted.check).then_some(view)
}

/// Something was seen of the check, if only that its name does not resolve.
fn has_seen(view: &View) -> bool {
    !view.endpoints.is_empty() || view.resolve_failure.is_some()
}

/// Probes, or waits for the same probe that somebody else asked for.
async fn fly(state: &Arc<State>, wanted: &Wanted, times: &Times) -> Result<Arc<Round>, Refusal> {
    loop {
        let job = || {
            let prober = state.prober.clone();
            let job = Job {
                check: wanted.check.clone(),
                patience: times.budget,
                deadline: Some(times.deadline),
                admit: wanted.ad_hoc.clone().map(|ad_hoc| -> Admit {
                    Arc::new(move |endpoint: &Endpoint| ad_hoc.admit(endpoint).is_ok())
                }),
                stop: state.stop.clone(),
            };
            let probe: std::pin::Pin<Box<dyn Future<Output = Round> + Send>> =
                Box::pin(async move { prober.run(job).await });
            probe
        };
        let Some(mut joined) = state.desk.join(&wanted.check, job) else {
            return Err(Refusal::unavailable("too many probes are under way; ask again later"));
        };
        let waited = timeout_at(times.answer_by, joined.awaited.wait_for(Option::is_some)).await;
        let round = match waited {
            Ok(Ok(value)) => value.clone(),
            Ok(Err(_)) => {
                tracing::error!(target_name = %wanted.check.target.name, "a probe ended without a result");
                return Err(Refusal::internal(
                    "the probe ended without a result; the log has more",
                ));
            }
            Err(_) => None,
        };
        match round {
            // Somebody with less time than we have cut it short: there is time to try ourselves.
            Some(round)
                if !joined.first && cut_short(&round) && Instant::now() < times.deadline => {}
            Some(round) => return Ok(round),
            None => {
                return Err(Refusal::unavailable(
                    "the probe did not end within the scrape's timeout; it goes on, and its result \
                     answers the next request",
                ));
            }
        }
    }
}

/// What a round that has ended is worth as an answer.
fn judge(state: &State, wanted: &Wanted, round: Arc<Round>) -> Result<(Source, String), Refusal> {
    if !round.observations.is_empty() {
        return Ok((Source::of_round(wanted, round), "probed now".to_owned()));
    }
    if let Some(endpoint) = round.forbidden.first() {
        let reason = wanted.ad_hoc.as_ref().and_then(|ad_hoc| ad_hoc.admit(endpoint).err());
        let reason =
            reason.unwrap_or_else(|| "probe.allow does not let /probe go there".to_owned());
        return Err(Refusal::forbidden(reason));
    }
    let Some((_, skip)) = round.skipped.first() else {
        return Err(Refusal::unavailable(
            "there was no address to probe; see exporter.families and exporter.max_endpoints",
        ));
    };
    let now = SystemTime::now();
    if skip.reason == SkipReason::Backoff {
        let note = skip.until.map_or_else(|| "the remote is paused".to_owned(), paused_note);
        return match last_known(state, wanted) {
            Some(last) => Ok((last.source(wanted), note)),
            None => Err(nothing_known(&note).until(skip.until, now)),
        };
    }
    let why = match skip.reason {
        SkipReason::Budget => {
            // Prometheus asks oftener than a server that is not ours may be probed. As the schedule's
            // gauges do, ours stand until the next probe is due.
            let last = last_known(state, wanted).filter(|last| last.age(now) < FOREIGN_INTERVAL);
            if let Some(last) = last {
                return Ok((last.source(wanted), NOT_DUE.to_owned()));
            }
            "other probes of this remote are under way, or it is not ours and was probed lately"
        }
        SkipReason::Ladder => "a connection-limit run holds the remote",
        SkipReason::Overrun => "the probe before this one is still running",
        SkipReason::Shutdown => "the exporter is stopping",
        SkipReason::Backoff => "the remote is paused",
    };
    Err(Refusal::unavailable(format!("not probed ({}): {why}", skip.reason)).until(skip.until, now))
}

fn answer(
    state: &State,
    asked: &Asked,
    wanted: &Wanted,
    source: &Source,
    note: &str,
) -> Result<Response<Payload>, Refusal> {
    let format = if wanted.debug { Format::Text } else { asked.format };
    let content_type = if wanted.debug { body::TEXT } else { format.content_type() };
    rendered_here(state, asked, content_type, !wanted.debug, |state, sink| {
        if wanted.debug {
            let transcripts = !state.closed.contains(&Page::Logs);
            let round = source.round.as_deref();
            sink(Bytes::from(report::text(&source.view, note, round, transcripts)));
        }
        render_view(&source.view, format, SystemTime::now(), &mut |bytes| sink(bytes));
        Ok(())
    })
}

fn paused_note(until: SystemTime) -> String {
    format!("the remote asked us to stay away: paused until {}", report::utc(until))
}

fn nothing_known(note: &str) -> Refusal {
    Refusal::unavailable(format!("{note}; there is no earlier result"))
}

const FRESH: &str = "from memory: the last result is younger than probe.min_interval";
const NOT_DUE: &str =
    "from memory: no probe is due yet, or other probes of the remote are under way";
const DEFAULT_MODULE: &str = "smtp";
/// No scrape waits longer.
const LONGEST: Duration = Duration::from_secs(600);
/// What a probe may take over its deadline to say QUIT.
const QUIT_TIME: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::TlsMode;
    use crate::target::Module;
    use crate::web::Query;
    use hyper::Method;

    fn asked(query: &str) -> Asked {
        Asked {
            method: Method::GET,
            path: "/probe".to_owned(),
            query: Query::parse(query).unwrap(),
            format: Format::Text,
            gzip: false,
            timeout: None,
            foreign_site: false,
        }
    }

    fn module(name: &str) -> Arc<Module> {
        Arc::new(Module { tls: TlsMode::None, ..Module::new(name) })
    }

    #[test]
    fn a_configured_name_wins_and_brings_its_first_module() {
        let target = Arc::new(Target {
            name: "mx1.example.net".into(),
            place: Place::parse("192.0.2.1:2525").unwrap(),
            modules: vec![module("other"), module("smtp")],
            interval: None,
            labels: std::collections::BTreeMap::new(),
        });
        let modules = ["smtp", "other", "third"].map(|name| (name.into(), module(name)));
        let running = Running {
            modules: modules.into_iter().collect(),
            targets: [(target.name.clone(), target.clone())].into_iter().collect(),
            ..Running::default()
        };
        for (query, expected) in [
            ("target=mx1.example.net", "other"),
            ("target=mx1.example.net&module=smtp", "smtp"),
            ("target=mx1.example.net&module=third", "third"),
        ] {
            let wanted = Wanted::of(&running, &asked(query)).ok().unwrap();
            assert_eq!(&*wanted.check.module.name, expected, "{query}");
            assert_eq!(wanted.check.target, target);
            assert!(wanted.ad_hoc.is_none());
        }
    }
}
