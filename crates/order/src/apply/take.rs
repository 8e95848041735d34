//! Units that are claimed for an order that is paid: late, or because it is to have none before.
//!
//! There may be no room or no time for it now: that is tried again, for a while. If there are no units, or
//! it could not be found out, the money goes back.

use tidegate_engine::{Missing, Tx};

use super::case::Case;
use super::claims::{claim_all, release};
use super::course::{enter_for, last_until, tell_list};
use super::money::sell;
use super::refund::give_back;
use crate::table::{Order, State, StepCause, Taking};
use crate::{PLACING_MS, TAKING_REST_MS, TAKING_TRIES_MAX};

/// A payment has paid the order, which has no units.
pub(super) fn begin_taking(tx: &mut Tx<'_>, case: &mut Case<'_>, why: Option<StepCause>) {
    let (id, payment) = (case.id, case.name.clone());
    let until_ms = tx.now_ms() + PLACING_MS;
    let order = case.order();
    order.taking = Some(Taking {
        payment,
        tries: 1,
        rests: false,
    });
    enter_for(tx, id, order, (State::Taking, why), Some(until_ms));
    tell_list(tx, id, order);
    claim_all(tx, id, order);
}

/// Everything is claimed: it is the order's for good.
pub(super) fn taken(tx: &mut Tx<'_>, id: &str, order: &mut Order) {
    order.taking = None;
    sell(tx, id, order);
}

/// There was no room or no time: it is tried again soon.
pub(super) fn take_again_later(tx: &mut Tx<'_>, id: &str, order: &mut Order) {
    if let Some(taking) = &mut order.taking {
        taking.rests = true;
    }
    let until_ms = tx.now_ms() + TAKING_REST_MS;
    last_until(tx, id, order, Some(until_ms));
}

/// Time goes on: what was not answered goes back, and is claimed once more.
pub(super) fn take_on(tx: &mut Tx<'_>, id: &str, mut order: Order) -> Result<Order, Missing> {
    let Some(taking) = order.taking.clone() else {
        return Ok(order);
    };
    if taking.tries >= TAKING_TRIES_MAX {
        let owner = order.clone();
        let order = units_gone(tx, id, order)?;
        if !taking.rests {
            release(tx, id, &owner);
        }
        return Ok(order);
    }
    if !taking.rests {
        release(tx, id, &order);
    }
    order.taking = Some(Taking {
        tries: taking.tries + 1,
        rests: false,
        ..taking
    });
    let until_ms = tx.now_ms() + PLACING_MS;
    last_until(tx, id, &mut order, Some(until_ms));
    claim_all(tx, id, &mut order);
    Ok(order)
}

/// It cannot have its units: the money goes back.
pub(super) fn units_gone(tx: &mut Tx<'_>, id: &str, order: Order) -> Result<Order, Missing> {
    let Some(taking) = order.taking.clone() else {
        return Ok(order);
    };
    let case = Case::of(tx, id, order.clone(), &taking.payment)?;
    let Some(mut case) = case else {
        // Nothing has paid it: it is damaged, and `tidegate check` names it.
        return Ok(order);
    };
    case.order().taking = None;
    give_back(tx, &mut case, (StepCause::UnitsGone, true));
    let order = case.order.clone();
    case.is_order_changed = false; // Whoever has asked stores it.
    case.file(tx);
    Ok(order)
}
