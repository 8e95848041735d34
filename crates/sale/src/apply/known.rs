//! What a sale comes to know: how many units of its goods there are, and what became of its tokens.

use tidegate_engine::{Missing, Tx};
use tidegate_order::Ended;
use tidegate_stock::within::Level;

use super::steer::look_soon;
use crate::edge::show;
use crate::mail::{Spent, VoidOrNot};
use crate::order_id::serial_of;
use crate::table::{ENTRANTS, Entrant, GOODS, Good, SALES, Sale, TokenState, Units};

/// How many units of a good there are.
pub(crate) fn know_level(tx: &mut Tx<'_>, name: &str, level: &Level) -> Result<(), Missing> {
    let sku = level.sku.as_str();
    let (Some(mut sale), Some(mut good)) = (tx.get(&SALES, name)?, tx.get(&GOODS, (name, sku))?)
    else {
        return Ok(());
    };
    let Some(shop) = &mut sale.shop else {
        return Ok(());
    };
    let units = Units {
        available: level.available,
        held: level.held,
        sold: level.sold,
    };
    shop.known += u64::from(good.units.is_none());
    shop.units.change(good.units.unwrap_or_default(), units);
    good.units = Some(units);
    tx.put(&GOODS, (name, sku), good);
    look_soon(tx, name, &mut sale);
    show(tx, name, &sale);
    tx.put(&SALES, name, sale);
    Ok(())
}

impl Units {
    /// As they are once so many are set aside of those that can be had.
    fn with_held(self, quantity: u64) -> Self {
        let quantity = quantity.min(self.available);
        Self {
            available: self.available - quantity,
            held: self.held + quantity,
            ..self
        }
    }

    fn change(&mut self, before: Self, after: Self) {
        self.available = self.available - before.available + after.available;
        self.held = self.held - before.held + after.held;
        self.sold = self.sold - before.sold + after.sold;
    }
}

/// A token was spent. The units are no longer to be had: that is known before it is told how many there are, lest
/// somebody be admitted for them.
pub(crate) fn know_spent(tx: &mut Tx<'_>, name: &str, spent: &Spent) -> Result<(), Missing> {
    let (buyer, serial) = (spent.token.buyer.as_str(), spent.token.serial);
    let good = tx.get(&GOODS, (name, spent.sku.as_str()))?;
    let known = good.and_then(|good| Some((good, good.units?)));
    let known = known.map(|(good, before)| (good, before, before.with_held(spent.quantity)));
    learn(tx, (name, buyer), |sale, entrant| {
        if let Some(shop) = &mut sale.shop {
            shop.back_by_ms = shop.back_by_ms.max(spent.pay_by_ms);
            if let Some((_, before, after)) = known {
                shop.units.change(before, after);
            }
        }
        // Without it its order has come to nothing by now.
        mark_spent(sale, entrant, serial);
    })?;
    if let Some((good, _, after)) = known {
        let units = Some(after);
        tx.put(&GOODS, (name, spent.sku.as_str()), Good { units, ..good });
    }
    Ok(())
}

/// Counts a token as spent that was not yet.
fn mark_spent(sale: &mut Sale, entrant: &mut Entrant, serial: u64) {
    let mut tokens = entrant.tokens.iter_mut();
    let token = tokens.find(|token| token.serial == serial);
    if let (Some(token), Some(shop)) = (token, &mut sale.shop)
        && token.state != TokenState::Spent
    {
        token.state = TokenState::Spent;
        shop.bought += 1;
        if !entrant.is_done {
            entrant.is_done = true;
            shop.gate.done(token.position);
        }
    }
}

/// A token that was to be void is, or was spent before.
pub(crate) fn know_void(tx: &mut Tx<'_>, name: &str, void: &VoidOrNot) -> Result<(), Missing> {
    let (buyer, serial) = (void.token.buyer.as_str(), void.token.serial);
    learn(tx, (name, buyer), |sale, entrant| {
        if void.is_void {
            entrant.tokens.retain(|token| token.serial != serial);
        } else {
            mark_spent(sale, entrant, serial);
        }
    })
}

/// An order has come to nothing: it counts no more.
pub(crate) fn know_ended(tx: &mut Tx<'_>, name: &str, ended: &Ended) -> Result<(), Missing> {
    let Some(serial) = serial_of(&ended.order) else {
        return Ok(());
    };
    learn(tx, (name, &ended.buyer), |sale, entrant| {
        mark_spent(sale, entrant, serial); // The word of that may come behind this one.
        let before = entrant.tokens.len();
        entrant.tokens.retain(|token| token.serial != serial);
        if let Some(shop) = &mut sale.shop {
            shop.ended += (before - entrant.tokens.len()) as u64;
        }
    })
}

/// Notes what becomes known of a buyer's tokens, who may wait for it.
fn learn(
    tx: &mut Tx<'_>,
    (name, buyer): (&str, &str),
    note: impl FnOnce(&mut Sale, &mut Entrant),
) -> Result<(), Missing> {
    let (Some(mut sale), Some(mut entrant)) =
        (tx.get(&SALES, name)?, tx.get(&ENTRANTS, (name, buyer))?)
    else {
        return Ok(());
    };
    note(&mut sale, &mut entrant);
    tx.put(&ENTRANTS, (name, buyer), entrant);
    look_soon(tx, name, &mut sale);
    tx.put(&SALES, name, sale);
    tx.tell(buyer);
    Ok(())
}
