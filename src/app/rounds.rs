//! What runs by itself: the schedule of probes, the look-ups on DNS block lists, and the looks at
//! domains' records and keys.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::probe::Prober;
use crate::probe::dnsbl::{KeptPause, Lookups, Manners};
use crate::schedule::Schedule;
use crate::schedule::dnsbl::Watch;
use crate::schedule::posture::Surveys;
use crate::store::Store;

/// All of them, which are planned and stopped together.
pub(super) struct Rounds {
    store: Arc<Store>,
    probes: Schedule,
    lookups: Arc<Lookups>,
    lists: Watch,
    surveys: Surveys,
}

impl Rounds {
    /// Nothing is planned yet. `lag` is told how late each round of probes started.
    pub(super) fn new(
        prober: Arc<Prober>,
        store: Arc<Store>,
        lag: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        let policy = prober.policy();
        let lookups = Lookups::new(&policy.dns_servers, policy.dns_timeout, Manners::default());
        let lookups = Arc::new(lookups);
        Self {
            surveys: Surveys::new(prober.clone(), store.clone()),
            probes: Schedule::new(prober, store.clone(), lag),
            lists: Watch::new(lookups.clone(), store.clone()),
            lookups,
            store,
        }
    }

    /// What looks subjects up, for as long as the process.
    pub(super) fn lookups(&self) -> Arc<Lookups> {
        self.lookups.clone()
    }

    /// Takes over the pauses of block lists' operators. Before the first plan, or its look-ups would
    /// not know of them.
    pub(super) fn adopt_list_pauses(&self, kept: &[KeptPause], config: &Config) {
        if let Some(plan) = &config.dnsbl {
            let servers = plan.servers_or(&config.policy.dns_servers);
            self.lookups.reconfigure(servers, plan.timeout, &plan.lists);
            self.lookups.restore(kept, &plan.lists);
        }
    }

    /// Makes exactly what `config` says run. Tells how many checks there are, and the store's
    /// generation for them.
    pub(super) fn replan(&mut self, config: &Config, history_limit: usize) -> (usize, u64) {
        let checks = config.checks();
        let generation = self.store.replace_checks(&checks, history_limit);
        self.store.replace_ladders(&config.ladders, generation);
        self.probes.replan(&checks, generation);
        self.probes.replan_ladders(&config.ladders, generation);
        self.lists.replan(config.dnsbl.clone(), Arc::new(config.policy.clone()));
        self.store.postures().replace(&config.posture, generation);
        self.surveys.replan(&config.posture, generation);
        (checks.len(), generation)
    }

    /// Starts nothing more, says QUIT in what is open, and waits for it.
    pub(super) async fn stop(self) {
        tokio::join!(self.probes.stop(), self.lists.stop(), self.surveys.stop());
    }
}
