//! Holds that belong to owners: the list of those in doubt, the line, and that there is an owner.

use compact_str::CompactString;
use tidegate_claim::{Thing, owner_of, sold_label};
use tidegate_engine::contract::{Audit, Books};

use super::Fault;
use super::rows::Rows;
use crate::apply::{ClaimUnits, SettleUnits};
use crate::table::{Claims, DOMAIN, Held, HoldState, NEVER, Sku};

pub(super) fn check(name: &str, sku: &Sku, rows: &Rows, fault: Fault<'_>) {
    let claims = sku.claims.unwrap_or_default();
    check_holds(rows, fault);
    check_parts(&claims, rows, fault);
    check_line(name, &claims, rows, fault);
    check_places(rows, fault);
    check_service(sku, &claims, rows, fault);
}

/// Whose it is stands in a hold's id, and such a hold ends by no time.
fn check_holds(rows: &Rows, fault: Fault<'_>) {
    for (id, hold) in &rows.holds {
        if hold.archived.is_none() && hold.claimed.is_some() != (hold.expires_at_ms == NEVER) {
            fault(format!(" hold {id}: expires at {}", hold.expires_at_ms));
        }
        if let Some(claimed) = &hold.claimed
            && claimed.owner.hold_id() != *id
        {
            let owner = claimed.owner.shown();
            fault(format!(" hold {id}: it is of another owner, {owner}"));
        }
    }
}

/// What is in doubt is listed, once, and counted.
fn check_parts(claims: &Claims, rows: &Rows, fault: Fault<'_>) {
    let mut parts = rows.parts.clone();
    let mut in_doubt = 0u64;
    for (id, hold) in &rows.holds {
        let number = hold.claimed.as_ref().map_or(0, |claimed| claimed.number);
        if number == 0 {
            continue;
        }
        if hold.state != HoldState::Held || parts.remove(&number).as_ref() != Some(id) {
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
    let newest = rows.parts.keys().next_back().copied().unwrap_or(0);
    if newest.max(claims.asked) > claims.last {
        fault(format!(": part {newest} of a claim, and {claims:?}"));
    }
}

/// Who waits has its place, and waits here.
fn check_line(name: &str, claims: &Claims, rows: &Rows, fault: Fault<'_>) {
    let waiting = rows.line.len() as u64;
    let mut places = rows.line.keys();
    let is_between = |place: &u64| (claims.line_from..=claims.line_to).contains(place);
    if waiting != claims.waiting || !places.all(is_between) {
        let places: Vec<_> = rows.line.keys().collect();
        fault(format!(": in line stand {places:?}, it says {claims:?}"));
    }
    for (place, claim) in &rows.line {
        let waits_for = claim.things.front();
        if !waits_for.is_some_and(|thing| thing.domain == DOMAIN && thing.key == name) {
            fault(format!(": who stands at {place} waits for {waits_for:?}"));
        }
    }
}

/// Who waits is found at its place, once, and nobody else is.
fn check_places(rows: &Rows, fault: Fault<'_>) {
    let mut places = rows.places.clone();
    for (place, claim) in &rows.line {
        let says = places.remove(&claim.owner.hold_id());
        if says != Some(*place) {
            let owner = claim.owner.shown();
            fault(format!(
                ": {owner} stands at {place} in line, and its place says {says:?}"
            ));
        }
    }
    for (id, place) in places {
        let owner = tidegate_claim::shown(&id);
        fault(format!(
            ": {owner} has place {place} in line, and does not stand there"
        ));
    }
}

/// Who stands first is served soon, or waits for units of which somebody was asked whether they stay.
fn check_service(sku: &Sku, claims: &Claims, rows: &Rows, fault: Fault<'_>) {
    let Some(first) = rows.line.values().next() else {
        return;
    };
    if rows.serves > 0 || rows.set_aside.serves {
        return;
    }
    if let Some(share) = &sku.share {
        if !share.is_asking() {
            fault(": who stands first waits, and no shard was asked".to_owned());
        }
        return;
    }
    let (units, available) = (first.units(), sku.total.saturating_sub(sku.held + sku.sold));
    if units <= available {
        fault(": who stands first has what it waits for, and is not served".to_owned());
    } else if units > available.saturating_add(claims.units) {
        fault(": who stands first waits for what cannot come, and is not told".to_owned());
    } else if !rows.parts.keys().any(|number| *number <= claims.asked) {
        fault(": who stands first waits, and nobody was asked".to_owned());
    }
}

/// Who holds, or waits, needs its owner; and an owner its hold. Who was asked will answer.
pub(super) fn add_owners(audit: &mut Audit, name: &str, rows: &Rows) {
    for claim in rows.line.values() {
        audit.needs(claim.owner.label(), || {
            format!("stock {name} in line {}", claim.owner.shown())
        });
    }
    let asked = rows.sku.as_ref().and_then(|sku| sku.claims);
    let asked = asked.map_or(0, |claims| claims.asked);
    for (id, hold) in &rows.holds {
        let may_be_sold = match hold.state {
            // The word that it is may be on its way.
            HoldState::Held | HoldState::Confirmed | HoldState::Returned => true,
            HoldState::Released | HoldState::Expired => false,
        };
        if may_be_sold && owner_of(id).is_some() {
            audit.has(sold_label(id, &part_of(name, hold)));
        }
    }
    let held = rows.holds.iter();
    let held = held.filter(|(_, hold)| hold.state == HoldState::Held);
    for (id, hold) in held {
        let Some(claimed) = &hold.claimed else {
            continue;
        };
        let who = || format!("stock {name} hold {}", tidegate_claim::shown(id));
        let part = part_of(name, hold);
        audit.has(claimed.owner.part_label(&part));
        audit.needs(claimed.owner.label(), who);
        if (1..=asked).contains(&claimed.number) {
            audit.needs(claimed.owner.answer_label(&part), who);
        }
    }
}

fn part_of(name: &str, hold: &Held) -> Thing {
    Thing {
        domain: DOMAIN,
        key: CompactString::new(name),
        units: hold.quantity,
    }
}

/// Letters on their way to other SKUs, which tell owners or are told by them.
pub(super) fn add_letters(audit: &mut Audit, books: &Books<'_>) {
    for claim in books.letters::<ClaimUnits>() {
        audit.has(claim.owner().label());
    }
    for settle in books.letters::<SettleUnits>() {
        let owner = settle.owner();
        audit.has(owner.label());
        if let Some(part) = settle.part() {
            audit.has(owner.settled_label(part));
        }
        for thing in settle.things() {
            audit.has(owner.answer_label(thing));
        }
    }
}
