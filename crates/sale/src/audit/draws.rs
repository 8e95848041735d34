//! That a draw has come as far as it says, and that each entrant stands where its lot says.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::Rows;
use super::{Fault, Kind};
use crate::lots::{Lot, STEP, group_of, groups};
use crate::table::{Draw, Sale};

pub(super) fn check(name: &str, sale: &Sale, rows: &Rows, fault: Fault<'_>) {
    let listed = sale.listed().unwrap_or(0);
    check_timer(sale, rows, fault);
    check_progress(sale, fault);
    // How many lots were found, and how many groups are in order.
    let (found, in_order) = match sale.draw {
        None => (0, 0),
        Some(Draw::Scatter(step)) => (step.saturating_mul(STEP).min(listed), 0),
        Some(Draw::Gather(group, _)) => (listed, group.min(groups(listed))),
        Some(Draw::Done) if listed == 0 => (0, 0),
        Some(Draw::Done) => (listed, groups(listed)),
    };
    let mut expected = expected(name, sale, found);
    check_groups(sale, rows, (&mut expected, in_order), fault);
    check_scattered(rows, expected, fault);
}

/// While it goes on it has the timer of its next step.
fn check_timer(sale: &Sale, rows: &Rows, fault: Fault<'_>) {
    let goes_on = match sale.draw {
        Some(Draw::Scatter(_) | Draw::Gather(..)) => 1,
        Some(Draw::Done) | None => 0,
    };
    let stands_aside = rows.set_aside.contains(&Kind::Draw) && rows.draws.is_empty();
    if rows.draws.len() != goes_on && !stands_aside {
        let timers = rows.draws.len();
        fault(format!(": {timers} timers of its draw, not {goes_on}"));
    }
}

/// It has begun once all is known that it rests on, and is over once people are admitted.
fn check_progress(sale: &Sale, fault: Fault<'_>) {
    let waits = sale.beacon_name.is_some() && sale.beacon.is_none();
    let should_have_begun = sale.start.is_some() && !waits;
    if should_have_begun != sale.draw.is_some() {
        fault(format!(": its draw is at {:?}", sale.draw));
    }
    if (sale.draw == Some(Draw::Done)) != sale.pace.is_some() {
        fault(format!(
            ": its draw is at {:?}, and people are admitted by {:?}",
            sale.draw, sale.pace
        ));
    }
    if let Some((pace, start)) = sale.pace.zip(sale.start.as_ref())
        && (pace.since_ms < start.at_ms || pace.base > sale.entrants)
    {
        fault(format!(": people are admitted by {pace:?}"));
    }
}

/// By group, what of the lots found so far falls there.
fn expected(name: &str, sale: &Sale, found: u64) -> BTreeMap<u64, BTreeSet<Lot>> {
    let groups = groups(sale.listed().unwrap_or(0));
    let lots = sale.lots();
    let mut expected = BTreeMap::<u64, BTreeSet<Lot>>::new();
    for number in 1..=found {
        let lot = sale.lot(&lots, name, number);
        let group = group_of(lot.lot, groups);
        expected.entry(group).or_default().insert(lot);
    }
    expected
}

/// The first groups are in order, each behind those before it.
fn check_groups(
    sale: &Sale,
    rows: &Rows,
    (expected, in_order): (&mut BTreeMap<u64, BTreeSet<Lot>>, u64),
    fault: Fault<'_>,
) {
    let mut before = 0;
    for number in 0..in_order {
        let lots = expected.remove(&number).unwrap_or_default();
        match rows.groups.get(&number) {
            Some(group)
                if group.before == before && group.drawn.lots().eq(lots.iter().copied()) => {}
            Some(_) | None => fault(format!(
                ": group {number} of its order is not that of its lots"
            )),
        }
        before += lots.len() as u64;
    }
    if rows.groups.keys().any(|number| *number >= in_order) {
        fault(format!(": more groups in order than its draw, {in_order}"));
    }
    if let Some(Draw::Gather(_, says)) = sale.draw
        && says != before
    {
        fault(format!(": {says} stand in order, its groups have {before}"));
    }
}

/// What is not in order yet lies where its step has put it.
fn check_scattered(rows: &Rows, expected: BTreeMap<u64, BTreeSet<Lot>>, fault: Fault<'_>) {
    let mut found = BTreeMap::<u64, BTreeSet<Lot>>::new();
    for ((group, step), drawn) in &rows.scattered {
        for lot in drawn.lots() {
            let is_of_step = (lot.number.saturating_sub(1)) / STEP == *step;
            if !is_of_step || !found.entry(*group).or_default().insert(lot) {
                fault(format!(": step {step} has found {lot:?}"));
            }
        }
    }
    if found != expected {
        let groups: Vec<_> = found
            .keys()
            .filter(|group| found.get(group) != expected.get(group))
            .collect();
        fault(format!(
            ": what its steps have found, as in groups {groups:?}, is not what they should"
        ));
    }
}
