//! The course of an order: the states that it comes into, who is told, and what time does to it.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::claims::release;
use super::take::take_on;
use crate::HISTORY_MAX;
use crate::mail::{Changed, Entry};
use crate::purchase::Ended;
use crate::table::{DOMAIN, Listed, ORDERS, Order, State, Step, StepCause};

/// Set with an order's id, due when time ends its state.
pub(crate) const DUE: Timer = Timer::new(DOMAIN, 1, due, due_reads);

/// Stores an order that has changed, and tells those who wait for it.
pub(super) fn file(tx: &mut Tx<'_>, id: &str, order: Order) {
    tx.put(&ORDERS, id, order);
    tx.tell(id);
}

/// When time ends its state, in place of when it would have.
pub(super) fn last_until(tx: &mut Tx<'_>, id: &str, order: &mut Order, until_ms: Option<u64>) {
    if let Some(until_ms) = order.until_ms {
        tx.cancel(&DUE, until_ms, id);
    }
    if let Some(until_ms) = until_ms {
        tx.wake_at(&DUE, until_ms, id);
    }
    order.until_ms = until_ms;
}

/// Comes into a state; what time would have done to the last one it does no more.
pub(super) fn enter(
    tx: &mut Tx<'_>,
    id: &str,
    order: &mut Order,
    state: State,
    until_ms: Option<u64>,
) {
    enter_for(tx, id, order, (state, None), until_ms);
}

/// The same, for a reason.
pub(super) fn enter_for(
    tx: &mut Tx<'_>,
    id: &str,
    order: &mut Order,
    (state, why): (State, Option<StepCause>),
    until_ms: Option<u64>,
) {
    let at_ms = tx.now_ms();
    last_until(tx, id, order, until_ms);
    come(tx, order, Step { state, at_ms, why });
    if let Some(seller) = order.seller.clone().filter(|_| order.is_nothing()) {
        let ended = Ended {
            order: id.into(),
            buyer: order.buyer.clone(),
            quantity: order.units(),
        };
        tx.send_to(&seller, &ended);
    }
}

/// An order begins with units that were taken for it at this time.
pub(crate) fn begin_bought(tx: &mut Tx<'_>, id: &str, mut order: Order, at_ms: u64) {
    let (state, why) = (State::Reserved, None);
    let until_ms = at_ms.saturating_add(order.ttl_ms);
    order.expires_ms = Some(until_ms);
    last_until(tx, id, &mut order, Some(until_ms));
    come(tx, &mut order, Step { state, at_ms, why });
    tell_list(tx, id, &order);
    file(tx, id, order);
}

pub(super) fn come(tx: &mut Tx<'_>, order: &mut Order, step: Step) {
    tx.count(&step.state.count());
    order.state = step.state;
    order.version += 1;
    if order.steps.len() == HISTORY_MAX {
        order.steps.remove(1); // When it was placed is kept.
    }
    order.steps.push(step);
}

pub(super) fn entry_of(
    id: &str,
    order: &Order,
    (state, version): (State, u64),
    until_ms: Option<u64>,
) -> Entry {
    Entry {
        number: order.number,
        row: Listed {
            id: id.into(),
            state,
            version,
            total: order.total,
            currency: order.currency.clone(),
            placed_at_ms: order.steps.first().map_or(0, |step| step.at_ms),
            until_ms,
        },
    }
}

/// How its buyer's list has an order. It waits for payment once the list says so: that was written while it
/// was being placed, and whatever else the list is told of it comes with a higher version.
pub(crate) fn listed_as(id: &str, order: &Order) -> Entry {
    let version = order.version - u64::from(order.waits_since_placed());
    let until_ms = order.until_ms.filter(|_| order.state == order.waiting());
    entry_of(id, order, (order.state, version), until_ms)
}

/// Has the buyer's list told of an order's state.
pub(super) fn tell_list(tx: &mut Tx<'_>, id: &str, order: &Order) {
    let entry = listed_as(id, order);
    tx.send(&order.buyer, &Changed { entry });
}

/// The buyer's list has an order of an attempt that nobody waits for, and of no other: it goes.
pub(super) fn unlist(tx: &mut Tx<'_>, id: &str, order: &Order) {
    let entry = entry_of(id, order, (State::Placing, order.version), None);
    tx.send(&order.buyer, &Changed { entry });
}

/// Ends an order that is not paid: everything that it has, or is about to have, goes back.
pub(super) fn end(
    tx: &mut Tx<'_>,
    id: &str,
    order: &mut Order,
    (state, why): (State, Option<StepCause>),
) {
    if order.state != State::Busy {
        release(tx, id, order);
    }
    close(tx, id, order, (state, why));
}

/// The same, once that has been seen to.
pub(super) fn close(
    tx: &mut Tx<'_>,
    id: &str,
    order: &mut Order,
    (state, why): (State, Option<StepCause>),
) {
    enter_for(tx, id, order, (state, why), None);
    if order.is_listed() {
        tell_list(tx, id, order);
    }
}

fn id_of<'a>(owner: &mut KeyReader<'a>) -> &'a str {
    let id = owner.text();
    id.expect("because the timer is set with an order's id")
}

fn due_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&ORDERS, id_of(&mut owner));
}

fn due(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let id = id_of(&mut owner);
    let Some(mut order) = tx.get(&ORDERS, id)? else {
        return Ok(());
    };
    if order.until_ms.is_none_or(|until_ms| tx.now_ms() < until_ms) {
        return Ok(());
    }
    match order.state {
        State::Placing => end(tx, id, &mut order, (State::Busy, None)),
        State::Reserved | State::Open => end(tx, id, &mut order, (State::Expired, None)),
        State::Paying => {
            let why = Some(StepCause::NoAnswer);
            end(tx, id, &mut order, (State::Expired, why));
        }
        State::Taking => order = take_on(tx, id, order)?,
        State::Refused
        | State::Busy
        | State::Paid
        | State::Fulfilled
        | State::Cancelled
        | State::Expired
        | State::Refunding
        | State::Refunded => {}
    }
    file(tx, id, order);
    Ok(())
}
