//! Recomputes every law of the domain from the rows themselves.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::RowKey;
use tidegate_engine::contract::{Audit, Books};

use crate::apply::EXPIRE;
use crate::table::{
    ADDS, BUYERS, BY_STATE, Change, FLOW, HOLDS, Held, HoldId, HoldState, RETURNS, SKUS, Sku,
};

/// What the rows of one SKU add up to.
#[derive(Default)]
struct Sums {
    held: u64,
    sold: u64,
    holds: u64,
    flow: BTreeMap<u64, (u64, u64)>,
    buyers: BTreeMap<CompactString, u64>,
}

/// Checks laws 1 to 8 of this crate over the rows of one slot.
#[must_use]
pub fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let (holds, returns, flow) = (books.rows(&HOLDS), books.rows(&RETURNS), books.rows(&FLOW));
    let indexed = books.rows(&BY_STATE);
    let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut states: BTreeMap<(&str, u64), (HoldState, &str)> = BTreeMap::new();
    let mut returned: BTreeMap<(&str, &str), u64> = BTreeMap::new();

    for (key, row) in &returns {
        let (sku, hold) = two_texts(key);
        *returned.entry((sku, hold)).or_default() += row.quantity;
    }
    for (key, hold) in &holds {
        let (sku, id) = two_texts(key);
        let sum = sums.entry(sku).or_default();
        add_hold(sum, hold);
        states.insert((sku, hold.position), (hold.state, id));
        let given_back = returned.remove(&(sku, id)).unwrap_or(0);
        check_hold(&mut audit, books, (sku, id), hold, given_back);
    }
    for (sku, hold) in returned.keys() {
        audit.faults.push(format!(
            "stock {sku}: a return names the hold {hold}, which is not there"
        ));
    }
    check_index(&mut audit, &indexed, &mut states);
    for (key, change) in &flow {
        let (sku, position) = text_and_number(key);
        let Change { before, after, .. } = change;
        sums.entry(sku)
            .or_default()
            .flow
            .insert(position, (*before, *after));
    }
    check_buyers(&mut audit, books, &mut sums);
    for (key, sku) in &books.rows(&SKUS) {
        let name = key.parts().text().unwrap_or_default();
        check_sku(
            &mut audit,
            name,
            sku,
            &sums.remove(name).unwrap_or_default(),
        );
    }
    for sku in sums.keys() {
        audit
            .faults
            .push(format!("stock {sku}: rows of a SKU that is not there"));
    }
    audit.add(
        "stock.adds_applied",
        i64::try_from(books.rows(&ADDS).len()).unwrap_or(i64::MAX),
    );
    audit
}

fn two_texts(key: &RowKey) -> (&str, &str) {
    let mut parts = key.parts();
    (
        parts.text().unwrap_or_default(),
        parts.text().unwrap_or_default(),
    )
}

fn text_and_number(key: &RowKey) -> (&str, u64) {
    let mut parts = key.parts();
    (
        parts.text().unwrap_or_default(),
        parts.number().unwrap_or_default(),
    )
}

fn add_hold(sum: &mut Sums, hold: &Held) {
    sum.holds += 1;
    let has = match hold.state {
        HoldState::Held => {
            sum.held += hold.quantity;
            hold.quantity
        }
        HoldState::Confirmed | HoldState::Returned => {
            let left = hold.quantity.saturating_sub(hold.returned);
            sum.sold += left;
            left
        }
        HoldState::Released | HoldState::Expired => 0,
    };
    if let Some(buyer) = &hold.buyer
        && has > 0
    {
        *sum.buyers.entry(buyer.clone()).or_default() += has;
    }
}

fn check_hold(
    audit: &mut Audit,
    books: &Books<'_>,
    (sku, id): (&str, &str),
    hold: &Held,
    given_back: u64,
) {
    let mut fault = |what: String| audit.faults.push(format!("stock {sku} hold {id}: {what}"));
    if hold.returned != given_back {
        fault(format!(
            "{} returned, its returns add up to {given_back}",
            hold.returned
        ));
    }
    let wholly = hold.state == HoldState::Returned;
    if hold.returned > hold.quantity || wholly != (hold.returned == hold.quantity) {
        fault(format!(
            "{} of {} returned in state {:?}",
            hold.returned, hold.quantity, hold.state
        ));
    }
    let timed = books.has_timer(&EXPIRE, hold.expires_at_ms, (sku, id));
    if timed != (hold.state == HoldState::Held) {
        fault(format!("in state {:?}, expiry timer: {timed}", hold.state));
    }
}

fn check_index<'a>(
    audit: &mut Audit,
    indexed: &'a [(RowKey, HoldId)],
    states: &mut BTreeMap<(&'a str, u64), (HoldState, &'a str)>,
) {
    for (key, index) in indexed {
        let mut parts = key.parts();
        let (sku, state) = (parts.text().unwrap_or_default(), parts.byte());
        let position = parts.number().unwrap_or_default();
        let hold = states.remove(&(sku, position));
        let sound = hold.is_some_and(|(is, id)| Some(is.key()) == state && id == index.id);
        if !sound {
            let id = &index.id;
            audit.faults.push(format!(
                "stock {sku}: the index names {id} in state {state:?}"
            ));
        }
    }
    for ((sku, _), (state, id)) in states {
        audit.faults.push(format!(
            "stock {sku} hold {id}: {state:?} is not in the index"
        ));
    }
}

fn check_buyers(audit: &mut Audit, books: &Books<'_>, sums: &mut BTreeMap<&str, Sums>) {
    let buyers = books.rows(&BUYERS);
    for (key, taken) in &buyers {
        let (sku, buyer) = two_texts(key);
        let has = sums
            .get_mut(sku)
            .and_then(|sum| sum.buyers.remove(buyer))
            .unwrap_or(0);
        if has != taken.units {
            let counted = taken.units;
            audit.faults.push(format!(
                "stock {sku} buyer {buyer}: {counted} counted, {has} had"
            ));
        }
    }
    for (sku, sum) in sums {
        for (buyer, has) in &sum.buyers {
            audit.faults.push(format!(
                "stock {sku} buyer {buyer}: {has} had, none counted"
            ));
        }
    }
}

fn check_sku(audit: &mut Audit, name: &str, sku: &Sku, sums: &Sums) {
    let mut fault = |what: String| audit.faults.push(format!("stock {name}: {what}"));
    if sku.held + sku.sold > sku.total {
        fault(format!(
            "oversold: {} held and {} sold of {}",
            sku.held, sku.sold, sku.total
        ));
    }
    if sku.held != sums.held {
        fault(format!(
            "{} held, its holds add up to {}",
            sku.held, sums.held
        ));
    }
    if sku.sold != sums.sold {
        fault(format!(
            "{} sold, its holds add up to {}",
            sku.sold, sums.sold
        ));
    }
    if sku.holds != sums.holds {
        fault(format!(
            "{} holds made, {} are there",
            sku.holds, sums.holds
        ));
    }
    let mut available = 0;
    let mut next = 1;
    for (position, (before, after)) in &sums.flow {
        if *position != next || *before != available {
            fault(format!(
                "flow {position} begins at {before}; {next} at {available} was due"
            ));
            break;
        }
        (available, next) = (*after, next + 1);
    }
    if next != sku.changes + 1 || available != sku.total.saturating_sub(sku.held + sku.sold) {
        fault(format!(
            "the flow ends at entry {} with {available} available",
            next - 1
        ));
    }
    for (figure, value) in [
        ("stock.units_total", sku.total),
        ("stock.units_held", sums.held),
        ("stock.units_sold", sums.sold),
    ] {
        audit.add(figure, i64::try_from(value).unwrap_or(i64::MAX));
    }
}
