//! Buyers' lists beside the orders that stand in them.

use std::collections::BTreeMap;

use compact_str::{CompactString, format_compact};
use tidegate_engine::contract::{Audit, Books};

use super::not_a_key;
use crate::apply::listed_as;
use crate::mail::Changed;
use crate::table::{InPart, LISTED, Listed, Order, PLACES};

/// Once it was reserved or is finished, its buyer's list has it as it is; so do letters.
pub(super) fn add_order(id: &str, order: &Order, audit: &mut Audit) {
    let entry = listed_as(id, order);
    if order.is_listed() {
        audit.needs(in_list(entry.number, &entry.row), || format!("order {id}"));
    }
    audit.has(an_order(&order.buyer, entry.number, &entry.row));
}

/// What audits call it that a buyer's list has an order, in a state.
fn in_list(number: u64, row: &Listed) -> CompactString {
    let Listed {
        id,
        state,
        version,
        until_ms,
        ..
    } = row;
    format_compact!(
        "its place {number} in a buyer's list, as {id} {version}, {state:?} until {until_ms:?}"
    )
}

/// And that there is an order of a buyer, as the list has it.
fn an_order(buyer: &str, number: u64, row: &Listed) -> CompactString {
    let Listed {
        id,
        total,
        currency,
        placed_at_ms,
        ..
    } = row;
    format_compact!(
        "the order {id} of {buyer}, {number}, for {total} {currency} at {placed_at_ms} ms"
    )
}

pub(super) fn check(books: &Books<'_>, audit: &mut Audit) {
    let mut places = places_of(books, audit);
    for (key, row) in books.rows(&LISTED) {
        let mut parts = key.parts();
        let buyer = parts.text().map(CompactString::new);
        let place = parts.byte().zip(parts.number());
        let known = buyer.zip(place).filter(|(buyer, (part, _))| {
            parts.rest().is_empty() && books.is_home_of(buyer) && *part == row.state.part()
        });
        let Some((buyer, (part, number))) = known else {
            audit.faults.push(not_a_key(LISTED.def().name(), &key));
            continue;
        };
        audit.has(in_list(number, &row));
        let order = an_order(&buyer, number, &row);
        audit.needs(order, || format!("the list of buyer {buyer}"));
        let (id, version) = (&row.id, row.version);
        let stands = Some(InPart { version, part });
        let says = places.remove(&(buyer.clone(), number));
        if says != stands {
            audit.faults.push(format!(
                "buyer {buyer}: the order {id} stands at {number}, {stands:?}, and its place says {says:?}"
            ));
        }
    }
    for ((buyer, number), says) in places {
        audit.faults.push(format!(
            "buyer {buyer}: the place {number} says {says:?}, and nothing stands there"
        ));
    }
    for letter in books.letters::<Changed>() {
        audit.has(in_list(letter.entry.number, &letter.entry.row));
    }
}

/// By buyer and number, in which part an order stands.
fn places_of(books: &Books<'_>, audit: &mut Audit) -> BTreeMap<(CompactString, u64), InPart> {
    let mut places = BTreeMap::new();
    for (key, place) in books.rows(&PLACES) {
        let mut parts = key.parts();
        let buyer = parts.text().map(CompactString::new);
        let known = buyer.zip(parts.number());
        let known = known.filter(|(buyer, _)| parts.rest().is_empty() && books.is_home_of(buyer));
        match known {
            Some(known) => drop(places.insert(known, place)),
            None => audit.faults.push(not_a_key(PLACES.def().name(), &key)),
        }
    }
    places
}
