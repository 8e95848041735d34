//! Recomputes every law of the domain from the rows themselves.

mod claims;
mod flow;
mod holds;
mod left;
mod rows;
mod shards;

use tidegate_engine::contract::{Audit, Books};

use crate::WATCHERS_MAX;
use crate::table::{HoldState, Sku};
use rows::Rows;

/// Where a law that is broken is told, behind the name of the SKU.
type Fault<'a> = &'a mut dyn FnMut(String);

/// Checks the laws of this crate over the rows of one slot.
#[must_use]
pub fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let mut skus = rows::by_sku(books, &mut audit.faults);
    for (name, rows) in &mut skus {
        let faults = &mut audit.faults;
        let mut fault = |what: String| faults.push(format!("stock {name}{what}"));
        left::join(books, rows, &mut fault);
        match &rows.sku {
            Some(sku) => check((books, name), sku, rows, &mut fault),
            None => fault(": rows of a SKU that is not there".to_owned()),
        }
        add_figures(&mut audit, rows);
        claims::add_owners(&mut audit, name, rows);
        shards::add_words(&mut audit, books, name, rows);
    }
    claims::add_letters(&mut audit, books);
    audit
}

fn check((books, name): (&Books<'_>, &str), sku: &Sku, rows: &Rows, fault: Fault<'_>) {
    check_sums(sku, rows, fault);
    left::check(rows, fault);
    left::check_buyers(rows, fault);
    holds::check(books, rows, fault);
    flow::check(books, sku, rows, fault);
    claims::check(name, sku, rows, fault);
    check_watchers(sku, rows, fault);
    shards::check(name, sku, rows, fault);
}

/// What has changed is told those who watch, at a time that the row names.
fn check_watchers(sku: &Sku, rows: &Rows, fault: Fault<'_>) {
    let due = Some(sku.level_told_at_ms).filter(|at_ms| *at_ms > 0);
    let is_told = due.into_iter().eq(rows.levels.iter().copied());
    let is_aside = rows.set_aside.levels && rows.levels.is_empty();
    if !is_told && !is_aside || sku.watchers.len() > WATCHERS_MAX {
        fault(format!(
            ": {} who watch are told at {due:?} ms, with timers at {:?}",
            sku.watchers.len(),
            rows.levels
        ));
    }
}

/// Units that holds in state *held* have set aside, and units that were sold.
fn units_of(rows: &Rows) -> (u64, u64) {
    let holds = rows.holds.values();
    holds.fold((0u64, 0u64), |(held, sold), hold| match hold.state {
        HoldState::Held => (held.saturating_add(hold.has()), sold),
        HoldState::Confirmed | HoldState::Returned => (held, sold.saturating_add(hold.has())),
        HoldState::Released | HoldState::Expired => (held, sold),
    })
}

fn check_sums(sku: &Sku, rows: &Rows, fault: Fault<'_>) {
    let (held, sold) = units_of(rows);
    let holds = rows.holds.len() as u64;
    if sku.held.saturating_add(sku.sold) > sku.total {
        fault(format!(
            ": oversold: {} held and {} sold of {}",
            sku.held, sku.sold, sku.total
        ));
    }
    for (what, says, has) in [
        ("held", sku.held, held),
        ("sold", sku.sold, sold),
        ("holds made", sku.holds, holds),
    ] {
        if says != has {
            fault(format!(": {says} {what}, its holds add up to {has}"));
        }
    }
}

/// Units of a SKU: of one that is split the first shard says it.
fn units_in_all(sku: &Sku) -> u64 {
    if sku.is_lent() { 0 } else { sku.in_all().total }
}

fn add_figures(audit: &mut Audit, rows: &Rows) {
    let (held, sold) = units_of(rows);
    for (figure, value) in [
        (
            "stock.units_total",
            rows.sku.as_ref().map_or(0, units_in_all),
        ),
        ("stock.units_held", held),
        ("stock.units_sold", sold),
        ("stock.adds_applied", rows.adds.len() as u64),
    ] {
        audit.add(figure, i64::try_from(value).unwrap_or(i64::MAX));
    }
}
