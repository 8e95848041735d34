//! What a sale sells, and the tokens of its buyers.

use std::collections::BTreeSet;

use tidegate_engine::contract::{Audit, Books, TimerSet};
use tidegate_order::{bought_label, counted_label};

use super::rows::Rows;
use super::{Fault, Kind};
use crate::KEPT_MS;
use crate::mail::{MakeVoid, OpenShelf, OrderEnded, TokenOf, VoidOrNot, seller_of, shelf_label};
use crate::order_id::order_of;
use crate::table::{Entrant, Gate, Sale, Shop, TokenRow, TokenState, Units};

pub(super) fn check(sale: &Sale, rows: &Rows, fault: Fault<'_>) {
    let Some(shop) = &sale.shop else {
        let tokens = rows.entrants.values().map(|entrant| entrant.tokens.len());
        if !rows.goods.is_empty() || !rows.skus.is_empty() || tokens.sum::<usize>() > 0 {
            fault(": it sells nothing, and has goods or tokens".to_owned());
        }
        return;
    };
    check_goods(shop, rows, fault);
    check_tokens(sale, shop, rows, fault);
    check_gate(sale, &shop.gate, fault);
    check_timers(sale, shop, rows, fault);
}

/// Numbered from 1 on, and what is known of them adds up.
fn check_goods(shop: &Shop, rows: &Rows, fault: Fault<'_>) {
    let numbered = rows.skus.iter().all(|(number, sku)| {
        let good = rows.goods.get(sku);
        good.is_some_and(|good| good.number == *number) && (1..=shop.goods).contains(number)
    });
    let counts = [rows.skus.len() as u64, rows.goods.len() as u64];
    if !numbered || counts != [shop.goods; 2] || shop.opened > shop.goods {
        fault(format!(
            ": {} goods, {} of them on sale, and rows of {counts:?}",
            shop.goods, shop.opened
        ));
    }
    let known: Vec<_> = rows.goods.values().filter_map(|good| good.units).collect();
    let sum = known.iter().fold(Units::default(), |sum, units| Units {
        available: sum.available.saturating_add(units.available),
        held: sum.held.saturating_add(units.held),
        sold: sum.sold.saturating_add(units.sold),
    });
    if (known.len() as u64, sum) != (shop.known, shop.units) {
        fault(format!(
            ": {:?} of {} goods, which add up to {sum:?} of {}",
            shop.units,
            shop.known,
            known.len()
        ));
    }
}

/// No more than the limit for any buyer; each once; as many are spent as the sale says.
fn check_tokens(sale: &Sale, shop: &Shop, rows: &Rows, fault: Fault<'_>) {
    let mut serials = BTreeSet::new();
    let mut spent = 0;
    for (buyer, Entrant { tokens, .. }) in &rows.entrants {
        let taken = tokens.iter().map(|token| u128::from(token.quantity));
        let taken: u128 = taken.sum();
        if taken > shop.max.into() {
            fault(format!(": {taken} units for {buyer}, of {}", shop.max));
        }
        for token in tokens {
            let is_good = rows.goods.contains_key(token.sku.as_str());
            let is_admitted = (1..=sale.entrants).contains(&token.position);
            if !is_good || !is_admitted || token.quantity == 0 || !serials.insert(token.serial) {
                fault(format!(": {token:?} of {buyer}"));
            }
            spent += u64::from(token.state == TokenState::Spent);
        }
    }
    let is_counted = shop.bought.checked_sub(shop.ended) == Some(spent);
    if !is_counted || shop.bought > shop.tokens {
        fault(format!(
            ": {spent} tokens are spent, of {} bought and {} ended",
            shop.bought, shop.ended
        ));
    }
}

/// In order, and nobody is admitted who has not entered.
fn check_gate(sale: &Sale, gate: &Gate, fault: Fault<'_>) {
    let visits = &gate.visits;
    let mut before = gate.left;
    let is_led = visits.iter().all(|visit| {
        let came = visit
            .up_to
            .saturating_sub(std::mem::replace(&mut before, visit.up_to));
        came > 0 && visit.done <= came
    });
    let is_timed = visits.is_sorted_by_key(|visit| visit.since_ms);
    if !is_led || !is_timed || before > gate.up_to || gate.up_to > sale.entrants {
        fault(format!(
            ": {} entrants, and its gate is {gate:?}",
            sale.entrants
        ));
    }
}

fn check_timers(sale: &Sale, shop: &Shop, rows: &Rows, fault: Fault<'_>) {
    let due = |timers: &[TimerSet]| -> Vec<u64> { timers.iter().map(TimerSet::due_ms).collect() };
    let (opens, steers) = (due(&rows.opens), due(&rows.steers));
    let is_opening = sale.start.is_some() && shop.opened < shop.goods;
    if opens.len() != usize::from(is_opening) && !rows.set_aside.contains(&Kind::Open) {
        fault(format!(
            ": {} of {} goods are on sale, with timers at {opens:?}",
            shop.opened, shop.goods
        ));
    }
    let due_ms = Some(shop.gate.due_ms).filter(|due_ms| *due_ms > 0);
    let is_aside = rows.set_aside.contains(&Kind::Steer) && steers.is_empty();
    if !due_ms.into_iter().eq(steers.iter().copied()) && !is_aside {
        fault(format!(
            ": its gate is looked at again at {due_ms:?}, with timers at {steers:?}"
        ));
    }
}

/// What it needs elsewhere: shelves where its SKUs are, and the orders that its buyers are counted for.
pub(super) fn add(books: &Books<'_>, name: &str, sale: &Sale, rows: &Rows, audit: &mut Audit) {
    let Some(shop) = &sale.shop else {
        return;
    };
    if books.clock_up_to_ms() < sale.ends_ms.saturating_add(KEPT_MS) {
        for (_, sku) in rows.skus.range(..=shop.opened) {
            audit.needs(shelf_label(name, sku), || format!("sale {name}"));
        }
    }
    for (buyer, entrant) in &rows.entrants {
        for token in &entrant.tokens {
            let order = order_of(&sale.key, name, token.serial);
            add_token((name, buyer), (token, &order), audit);
        }
    }
}

fn add_token((name, buyer): (&str, &str), (token, order): (&TokenRow, &str), audit: &mut Audit) {
    let seller = seller_of(name);
    let purchase = (&seller, buyer, token.quantity);
    audit.has(counted_label(order, purchase));
    match token.state {
        TokenState::Out => {}
        TokenState::Voiding => {
            let of = TokenOf {
                sale: name.into(),
                buyer: buyer.into(),
                serial: token.serial,
            };
            audit.needs(of.void_label(), || format!("sale {name}, {buyer}"));
        }
        TokenState::Spent => {
            let bought = bought_label(order, purchase);
            audit.needs(bought, || format!("sale {name}, {buyer}"));
        }
    }
}

/// Letters on their way.
pub(super) fn add_letters(books: &Books<'_>, audit: &mut Audit) {
    for (sku, letter) in books.letters_to::<OpenShelf>() {
        audit.has(shelf_label(&letter.sale, &sku));
    }
    for letter in books.letters::<MakeVoid>() {
        audit.has(letter.token.void_label());
    }
    for letter in books.letters::<VoidOrNot>() {
        audit.has(letter.token.void_label());
    }
    for (sale, letter) in books.letters_to::<OrderEnded>() {
        let ended = letter.ended();
        let purchase = (&seller_of(&sale), ended.buyer.as_str(), ended.quantity);
        audit.has(bought_label(&ended.order, purchase));
    }
}
