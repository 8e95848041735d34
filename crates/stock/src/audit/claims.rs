//! Holds that belong to owners: the list of those in doubt, the line, and that there is an owner.

use tidegate_engine::contract::{Audit, Books};

use super::Fault;
use super::rows::Rows;
use crate::apply::{ClaimUnits, SettleUnits};
use crate::table::{HoldState, NEVER, Sku};

pub(super) fn check(sku: &Sku, rows: &Rows, fault: Fault<'_>) {
    let claims = sku.claims.unwrap_or_default();
    let mut parts = rows.parts.clone();
    let mut in_doubt = 0u64;
    for (id, hold) in &rows.holds {
        let is_held = hold.state == HoldState::Held;
        let number = hold.claimed.as_ref().map_or(0, |claimed| claimed.number);
        if hold.archived.is_none() && hold.claimed.is_some() != (hold.expires_at_ms == NEVER) {
            fault(format!(" hold {id}: expires at {}", hold.expires_at_ms));
        }
        if number == 0 {
            continue;
        }
        if !is_held || parts.remove(&number).as_ref() != Some(id) {
            fault(format!(
                " hold {id}: part {number} of a claim in doubt is not it"
            ));
        }
        in_doubt = in_doubt.saturating_add(hold.quantity);
    }
    for (number, id) in parts {
        fault(format!(
            ": part {number} of a claim in doubt is {id}, which is not"
        ));
    }
    if in_doubt != claims.units {
        let says = claims.units;
        fault(format!(
            ": {says} units in doubt, its parts have {in_doubt}"
        ));
    }
    let waiting = rows.line.len() as u64;
    let places = rows.line.keys();
    let is_between = |place: &u64| (claims.line_from..=claims.line_to).contains(place);
    if waiting != claims.waiting || !places.clone().all(is_between) {
        let places: Vec<_> = places.collect();
        fault(format!(": in line stand {places:?}, it says {claims:?}"));
    }
    let is_served = rows.serves > 0 || rows.set_aside.serves;
    if let Some(first) = rows.line.values().next()
        && first.units() <= sku.available()
        && !is_served
    {
        fault(": who stands first has what it waits for, and is not served".to_owned());
    }
}

/// Who holds needs its owner.
pub(super) fn add_owners(audit: &mut Audit, name: &str, rows: &Rows) {
    let held = rows.holds.values();
    let held = held.filter(|hold| hold.state == HoldState::Held);
    for claimed in held.filter_map(|hold| hold.claimed.as_ref()) {
        let label = claimed.owner.label();
        audit.needs(label, || {
            format!("stock {name} hold {}", claimed.owner.shown())
        });
    }
}

/// Letters on their way to other SKUs, which tell owners or are told by them.
pub(super) fn add_letters(audit: &mut Audit, books: &Books<'_>) {
    for claim in books.letters::<ClaimUnits>() {
        audit.has(claim.owner().label());
    }
    for settle in books.letters::<SettleUnits>() {
        audit.has(settle.owner().label());
    }
}
