//! A look at a domain's records and keys: [`Prober::survey`].

mod ask;
mod exchangers;
mod parts;
mod policy;
mod visits;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::ask::Asker;
use self::exchangers::Exchangers;
pub(super) use self::visits::Visits;
use super::Prober;
use crate::posture::mta_sts::StsMode;
use crate::posture::sender::SenderFacts;
use crate::posture::tlsa::DaneStatus;
use crate::posture::{Answer, Finding, Outcome, Report, Subject, Trouble, mta_sts, mx, tls_rpt};

impl Prober {
    /// Looks at a domain once: asks the DNS, fetches the MTA-STS policy, visits the mail exchangers
    /// within the permits that all probes share. `before` is what the last look saw. None when it
    /// was told to stop.
    ///
    /// Every question is asked once. The areas are looked at side by side, and one that fails, does
    /// not end within [`LONGEST`] or panics leaves its own facts untold and no others'. An exchanger
    /// that is paused, or that is not ours and was visited within the gentle interval by a look that
    /// saw something else, is not visited; one that is not ours and was visited lately is told from
    /// that visit.
    pub async fn survey(
        &self,
        subject: &Arc<Subject>,
        before: Option<&Report>,
        stop: &CancellationToken,
    ) -> Option<Report> {
        if stop.is_cancelled() {
            return None;
        }
        let clock = Instant::now();
        let deadline = clock + LONGEST;
        let settings = self.settings();
        let asker = Asker::new(settings.records.session());
        let visitor = visits::Visitor::new(self, &settings, deadline, stop);
        let before = before.map(|report| report.mta_sts.clone());
        let with = || (asker.clone(), subject.clone());
        let part = |area| Part { subject, area, deadline };
        let (asked, at) = with();
        let spf = part("spf").run(parts::spf(asked, at));
        let (asked, at) = with();
        let dkim = part("dkim").run(parts::dkim(asked, at));
        let (asked, at) = with();
        let dmarc = part("dmarc").run(parts::dmarc(asked, at));
        let (asked, at) = with();
        let sts = part("mta_sts").run(policy::look(asked, at, settings.clone(), before));
        let (asked, at) = with();
        let reports =
            part("tlsrpt").run(async move { asked.texts(tls_rpt::name(&at.domain)).await });
        let (asked, at) = with();
        let bimi = part("bimi").run(parts::bimi(asked, at));
        let (asked, at) = with();
        let senders = part("ptr").run(parts::senders(asked, at));
        let (asked, at) = with();
        let exchangers = part("mx").run(exchangers::look(asked, at, visitor));
        let all = async { tokio::join!(spf, dkim, dmarc, sts, reports, bimi, senders, exchangers) };
        // Dropping the parts ends their tasks.
        let (spf, dkim, dmarc, sts, reports, bimi, senders, exchangers) =
            stop.run_until_cancelled(all).await?;

        let mut findings: Vec<Finding> = Vec::new();
        let mut taken = |part: Vec<Finding>| findings.extend(part);
        let spf = spf.map(|(facts, found)| (taken(found), facts).1).unwrap_or_default();
        let dkim = dkim.map(|(facts, found)| (taken(found), facts).1).unwrap_or_default();
        let dmarc = dmarc.map(|(facts, found)| (taken(found), facts).1).unwrap_or_default();
        let sts = sts.map(|(facts, found)| (taken(found), facts).1).unwrap_or_default();
        let senders = senders.map(|(facts, found)| (taken(found), facts).1);
        let senders = senders.unwrap_or_else(|| untold(subject));
        let Exchangers { facts: seen, findings: found, waited } = exchangers.unwrap_or_default();
        taken(found);

        let mut joined = (seen, Vec::new(), tls_rpt::TlsRptFacts::default());
        let join = AssertUnwindSafe(|| {
            let (exchangers, found, reporting) = &mut joined;
            let enforced = sts.mode == Some(StsMode::Enforce);
            mta_sts::cover(&sts, exchangers, found);
            for host in &mut exchangers.hosts {
                host.strict = mx::strict(host, enforced);
            }
            mx::conclude(exchangers, enforced, found);
            let secure = |host: &mx::MxHost| host.dane.status == Some(DaneStatus::Secure);
            let wanted = sts.present == Some(true) || exchangers.hosts.iter().any(secure);
            // A part that was lost is our own trouble.
            let answer = reports.unwrap_or(Answer::new(Outcome::Failed(Trouble::Ours)));
            *reporting = tls_rpt::judge(&answer, wanted, found);
        });
        if catch_unwind(join).is_err() {
            tracing::error!(domain = %subject.domain, "joining what was seen of the domain panicked");
        }
        let (mx, found, tls_rpt) = joined;
        taken(found);
        findings.sort_by_key(|finding| finding.problem.area());
        Some(Report {
            subject: subject.clone(),
            ended: SystemTime::now(),
            duration: clock.elapsed().saturating_sub(waited),
            spf,
            dkim,
            dmarc,
            mta_sts: sts,
            tls_rpt,
            bimi: bimi.unwrap_or_default(),
            mx,
            senders,
            findings,
            transcript: asker.transcript(),
        })
    }
}

/// One area of a look.
struct Part<'a> {
    subject: &'a Arc<Subject>,
    area: &'static str,
    deadline: Instant,
}

impl Part<'_> {
    /// Begins it as a task of its own, so that a panic costs this area and no other.
    fn run<T: Send + 'static>(
        self,
        look: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Option<T>> {
        let task = AbortOnDropHandle::new(tokio::spawn(look));
        async move {
            let (domain, area) = (&self.subject.domain, self.area);
            match tokio::time::timeout_at(self.deadline, task).await {
                Ok(Ok(seen)) => Some(seen),
                Ok(Err(_)) => {
                    tracing::error!(%domain, area, "looking at the domain panicked");
                    None
                }
                Err(_) => {
                    tracing::warn!(%domain, area, "looking at the domain took too long");
                    None
                }
            }
        }
    }
}

/// What stands for sending addresses of which nothing could be told.
fn untold(subject: &Subject) -> Vec<SenderFacts> {
    let untold = |address: &std::net::IpAddr| SenderFacts {
        address: *address,
        present: None,
        names: Vec::new(),
        confirmed: None,
        helo_matches: None,
        helo_confirmed: None,
        generic: None,
    };
    subject.sending_addresses.iter().map(untold).collect()
}

/// The longest that a look takes. Exchangers have their sessions, and their permits, within it.
pub const LONGEST: Duration = Duration::from_secs(240);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_area_that_panics_or_hangs_costs_itself_alone() {
        let subject = Arc::new(Subject::new("example.net"));
        let part = |area| Part { subject: &subject, area, deadline: Instant::now() + LONGEST };
        let panics = part("spf").run(async { panic!("on purpose") });
        let hangs = part("mx").run(std::future::pending::<()>());
        let ends = part("dmarc").run(async { 7 });
        let (panicked, hung, ended): (Option<()>, _, _) = tokio::join!(panics, hangs, ends);
        assert_eq!((panicked, hung, ended), (None, None, Some(7)));
    }
}
