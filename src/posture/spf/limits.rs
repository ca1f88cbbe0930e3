//! What an evaluation counts and finds, and where it has to end.

use super::super::{Finding, Problem};
use super::SpfResult;
use super::evaluate::{MAX_FINDINGS, MAX_WALKED};
use super::lint::{about, finding};
use super::record::{Directive, Place};
use super::run::{Run, Stop};

impl Run<'_> {
    /// Counts a term that asks the DNS (4.6.4). The macro `p` is no term: what it asks for is bounded by
    /// itself, and asked for once.
    pub(super) fn count(&mut self, place: &Place, domain: &str) -> Result<(), Stop> {
        self.lookups += 1;
        if self.client.is_some() && self.lookups > MAX_LOOKUPS {
            let what = format!("the term that asks the DNS after {MAX_LOOKUPS} others");
            self.find(about(Problem::SpfTooManyLookups, place, domain, &what));
            return Err(Stop::Permerror);
        }
        if self.lookups > MAX_WALKED {
            self.lookups = MAX_WALKED;
            return Err(Stop::Enough);
        }
        Ok(())
    }

    /// Counts a term whose question has no answer (4.6.4).
    pub(super) fn void(&mut self) -> Result<(), Stop> {
        self.voids += 1;
        if self.client.is_some() && self.voids > MAX_VOIDS {
            let detail = format!("more than {MAX_VOIDS} terms ask for what there is not");
            self.find(finding(Problem::SpfTooManyVoidLookups, detail));
            return Err(Stop::Permerror);
        }
        Ok(())
    }

    /// The record is wrong: the end, but for a walk, which goes on to find everything.
    pub(super) fn fault(&mut self) -> Result<(), Stop> {
        if self.client.is_some() {
            return Err(Stop::Permerror);
        }
        self.wrong = true;
        Ok(())
    }

    pub(super) fn find(&mut self, found: Finding) {
        if self.telling && self.findings.len() < MAX_FINDINGS && !self.findings.contains(&found) {
            self.findings.push(found);
        }
    }

    /// The limits that a walk passed.
    pub(super) fn tell_limits(&mut self) {
        if self.lookups > MAX_LOOKUPS {
            let more = if self.lookups == MAX_WALKED { " at least" } else { "" };
            let detail = format!("{} terms{more} ask the DNS; {MAX_LOOKUPS} may", self.lookups);
            self.find(finding(Problem::SpfTooManyLookups, detail));
            self.wrong = true;
        }
        if self.voids > MAX_VOIDS {
            let detail = format!("{} terms ask for what there is not; {MAX_VOIDS} may", self.voids);
            self.find(finding(Problem::SpfTooManyVoidLookups, detail));
            self.wrong = true;
        }
    }

    /// An `exists` that asks the same for everybody, and is answered.
    pub(super) fn tell_open_door(&mut self, directive: &Directive, domain: &str) {
        if directive.qualifier == SpfResult::Pass {
            let what = "it exists for everybody: strangers pass";
            self.find(about(Problem::SpfPassAll, &directive.place, domain, what));
        }
    }
}

/// Terms that may ask the DNS (4.6.4).
const MAX_LOOKUPS: u32 = 10;

/// Terms among them whose question may have no answer (4.6.4).
const MAX_VOIDS: u32 = 2;
