//! What a configuration will ask of DNS lists, and on which terms.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::{DAY_MILLIS, count};
use crate::config::value::show;
use crate::dnsbl::{List, Plan, SubjectKind, Terms, catalogue};

/// Questions per operator and day, most first, then the terms of lists that ask for something. The
/// numbers are those of a day without a listing, and of one on which everything is listed: then each
/// look-up is two questions (A and TXT) and comes more often. Answers that are kept save some.
pub(in crate::config) fn text(plan: &Plan) -> String {
    let mut out = format!(
        "dnsbl: {}, {}, {} to look up every {} ({} while listed)\n",
        count(plan.subjects.len(), "subject"),
        count(plan.lists.len(), "list"),
        count(plan.pairs(), "pair"),
        show(plan.interval),
        show(plan.listed_interval),
    );
    let mut operators: BTreeMap<&str, Vec<&Arc<List>>> = BTreeMap::new();
    for list in &plan.lists {
        operators.entry(&list.operator.name).or_default().push(list);
    }
    let mut loads: Vec<Load<'_>> =
        operators.into_iter().map(|(name, lists)| Load::of(plan, name, &lists)).collect();
    loads.sort_by(|a, b| b.clean.cmp(&a.clean).then(a.name.cmp(b.name)));
    // Writing to a String can't fail.
    if !loads.is_empty() {
        let _ = writeln!(out, "DNS list questions per operator and day, at most:");
    }
    for load in loads {
        let Load { clean, listed, points, lists, each, .. } = &load;
        let _ = write!(out, "{clean:>9}  {}: {}", load.name, lists.join(", "));
        if *points > 0 {
            let _ = write!(out, "; {points} of them for test points");
        }
        let _ = write!(out, "; {listed} while everything is listed");
        if *each > 0 {
            let _ = write!(out, "; {each} more for each address of {}", more(plan));
        }
        out.push('\n');
    }
    for list in &plan.lists {
        if let Some(entry) = catalogue::entry_of(list).filter(|entry| entry.terms != Terms::Free) {
            let (terms, conditions) = (entry.terms, entry.house.conditions);
            let _ =
                writeln!(out, "terms of {}: {terms}: {conditions} ({})", list.name, entry.source);
        }
    }
    out
}

/// What one operator is asked in a day.
struct Load<'a> {
    name: &'a str,
    clean: u128,
    listed: u128,
    points: u128,
    each: u128,
    lists: Vec<&'a str>,
}

impl<'a> Load<'a> {
    fn of(plan: &Plan, name: &'a str, lists: &[&'a Arc<List>]) -> Self {
        let a_day =
            |interval: std::time::Duration| DAY_MILLIS.div_ceil(interval.as_millis().max(1));
        let number = |n: usize| n as u128;
        let pairs: u128 = lists.iter().map(|list| number(plan.taken(list))).sum();
        let points: u128 = lists
            .iter()
            .filter(|list| list.has_test_points)
            .map(|list| number(2 * list.subjects.len()))
            .sum();
        let points = points * a_day(plan.health_interval);
        // An address of a target is of one family; a list that takes both takes it once.
        let addresses = lists
            .iter()
            .filter(|list| list.subjects.iter().any(|kind| *kind != SubjectKind::Domain));
        let each = match plan.from_targets.is_some() || plan.own.is_some() {
            true => number(addresses.count()) * a_day(plan.interval),
            false => 0,
        };
        Self {
            name,
            clean: pairs * a_day(plan.interval) + points,
            listed: pairs * 2 * a_day(plan.listed_interval) + points,
            points,
            each,
            lists: lists.iter().map(|list| &*list.name).collect(),
        }
    }
}

fn more(plan: &Plan) -> &'static str {
    match (plan.from_targets.is_some(), plan.own.is_some()) {
        (true, true) => "targets and of our own",
        (true, false) => "targets",
        (false, _) => "our own",
    }
}
