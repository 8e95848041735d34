//! The course of an order: what it claims, and what answers and time do to it.
//!
//! Every letter about a claim names the attempt that it is of. One that comes too late, for an order that
//! has ended or has begun anew, has what it may hold released: releasing nothing is a success.

use tidegate_claim::{BUSY, Claim, Owner, Settle, THINGS_MAX, Thing, Verdict, Why};
use tidegate_engine::contract::Timer;
use tidegate_engine::{Address, KeyReader, Missing, Reads, Tx};

use crate::mail::{Changed, Entry, Note, SEGMENT, WHOLE};
use crate::table::{Cause, DOMAIN, Listed, ORDERS, Order, State, Step};
use crate::{HISTORY_MAX, LINES_MAX, PLACING_MS};

/// Set with an order's id, due when time ends its state.
pub(crate) const DUE: Timer = Timer::new(DOMAIN, 1, due, due_reads);

/// Most letters of one step: a word to all that an order has, and one to its buyer's list.
pub(crate) const LETTERS_MAX: usize = LINES_MAX.div_ceil(THINGS_MAX) + 1;

/// Stores an order that has changed, and tells those who wait for it.
pub(super) fn file(tx: &mut Tx<'_>, id: &str, order: Order) {
    tx.put(&ORDERS, id, order);
    tx.tell(id);
}

/// When time ends its state, in place of when it would have.
fn last_until(tx: &mut Tx<'_>, id: &str, order: &mut Order, until_ms: Option<u64>) {
    if let Some(until_ms) = order.until_ms {
        tx.cancel(&DUE, until_ms, id);
    }
    if let Some(until_ms) = until_ms {
        tx.wake_at(&DUE, until_ms, id);
    }
    order.until_ms = until_ms;
}

/// Comes into a state; what time would have done to the last one it does no more.
fn enter(tx: &mut Tx<'_>, id: &str, order: &mut Order, state: State, until_ms: Option<u64>) {
    let at_ms = tx.now_ms();
    last_until(tx, id, order, until_ms);
    come(order, Step { state, at_ms });
}

fn come(order: &mut Order, step: Step) {
    order.state = step.state;
    order.version += 1;
    if order.steps.len() == HISTORY_MAX {
        order.steps.remove(1); // When it was placed is kept.
    }
    order.steps.push(step);
}

/// Claims all that an order wants, for the first time or once more.
pub(super) fn begin(tx: &mut Tx<'_>, id: &str, order: &mut Order) {
    let until_ms = tx.now_ms() + PLACING_MS;
    enter(tx, id, order, State::Placing, Some(until_ms));
    order.attempt += 1;
    order.claimed = 0;
    order.cause = None;
    order.asked.clear();
    claim(tx, id, order);
}

/// Claims what comes behind that which is claimed.
fn claim(tx: &mut Tx<'_>, id: &str, order: &Order) {
    let mut things = order.things();
    let claimed = usize::try_from(order.claimed).unwrap_or(usize::MAX);
    let mut things = things.split_off(claimed.min(things.len()));
    let is_last = things.len() <= THINGS_MAX;
    things.truncate(THINGS_MAX);
    let (whole, note) = if is_last {
        let (ttl_ms, reserved) = (order.ttl_ms, (State::Reserved, order.version));
        // Until when, the list knows first.
        let entry = entry_of(id, order, reserved, None);
        let note = minicbor::to_vec(Note { entry, ttl_ms })
            .expect("because writing to memory does not fail");
        (Address::new(DOMAIN, WHOLE, &order.buyer), note)
    } else {
        (Address::new(DOMAIN, SEGMENT, id), Vec::new())
    };
    let claim = Claim {
        owner: order.owner(id),
        things: things.into(),
        is_last,
        whole,
        note: note.into(),
    };
    claim.send(tx);
}

fn entry_of(
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

/// How its buyer's list has an order. It is reserved once the list says so: that was written while it was
/// being placed, and whatever else the list is told of it comes with a higher version.
pub(crate) fn listed_as(id: &str, order: &Order) -> Entry {
    let is_reserved = order.state == State::Reserved;
    let version = order.version.saturating_sub(u64::from(is_reserved));
    entry_of(id, order, (order.state, version), order.until_ms)
}

/// Has the buyer's list told of an order's state.
fn tell_list(tx: &mut Tx<'_>, id: &str, order: &Order) {
    let entry = listed_as(id, order);
    tx.send(&order.buyer, &Changed { entry });
}

/// Tells things what becomes of what was claimed, as many in each letter as one names.
fn settle(tx: &mut Tx<'_>, owner: &Owner, things: Vec<Vec<Thing>>, verdict: Verdict) {
    for things in things {
        let settle = Settle {
            owner: owner.clone(),
            things: things.into(),
            verdict,
        };
        settle.send(tx);
    }
}

fn chunks(things: &[Thing]) -> Vec<Vec<Thing>> {
    let things = things.chunks(THINGS_MAX);
    things.map(<[Thing]>::to_vec).collect()
}

/// Ends an order that has, or is about to have, what it wants: everything goes back.
pub(super) fn end(tx: &mut Tx<'_>, id: &str, mut order: Order, state: State) -> Order {
    let perhaps_claimed = order.perhaps_claimed();
    settle(tx, &order.owner(id), perhaps_claimed, Verdict::Release);
    enter(tx, id, &mut order, state, None);
    if order.is_listed() {
        tell_list(tx, id, &order);
    }
    file(tx, id, order.clone());
    order
}

/// Some things are claimed: others follow.
pub(crate) fn segment_claimed(tx: &mut Tx<'_>, id: &str, owner: &Owner) -> Result<(), Missing> {
    let Some(mut order) = tx.get(&ORDERS, id)? else {
        return Ok(());
    };
    if !order.awaits(owner, tx.now_ms()) {
        came_late(tx, owner, &order);
        return Ok(());
    }
    order.claimed += THINGS_MAX as u64;
    last_until(tx, id, &mut order, Some(tx.now_ms() + PLACING_MS));
    claim(tx, id, &order);
    tx.put(&ORDERS, id, order);
    Ok(())
}

/// All things are claimed, and the buyer's list has the order since then: so long it is reserved.
pub(crate) fn reserved(
    tx: &mut Tx<'_>,
    id: &str,
    owner: &Owner,
    at_ms: u64,
) -> Result<(), Missing> {
    let Some(mut order) = tx.get(&ORDERS, id)? else {
        return Ok(());
    };
    if !order.awaits(owner, tx.now_ms()) {
        if !order.is_listed() {
            unlist(tx, id, &order);
        }
        came_late(tx, owner, &order);
        return Ok(());
    }
    let until_ms = at_ms.saturating_add(order.ttl_ms);
    last_until(tx, id, &mut order, Some(until_ms));
    let state = State::Reserved;
    come(&mut order, Step { state, at_ms });
    let asked = std::mem::take(&mut order.asked);
    settle(tx, owner, chunks(&asked), Verdict::Keep);
    file(tx, id, order);
    Ok(())
}

/// The buyer's list has an order of an attempt that nobody waits for, and of no other: it goes.
fn unlist(tx: &mut Tx<'_>, id: &str, order: &Order) {
    let entry = entry_of(id, order, (State::Placing, order.version), None);
    tx.send(&order.buyer, &Changed { entry });
}

/// A letter of a claim that nobody waits for: whatever it may have taken goes back.
fn came_late(tx: &mut Tx<'_>, owner: &Owner, order: &Order) {
    settle(tx, owner, chunks(&order.things()), Verdict::Release);
}

/// A thing has no part to give: what those before it have goes back.
pub(crate) fn refused(
    tx: &mut Tx<'_>,
    id: &str,
    owner: &Owner,
    thing: &Thing,
    why: Why,
) -> Result<(), Missing> {
    let Some(mut order) = tx.get(&ORDERS, id)? else {
        return Ok(());
    };
    let mut before = order.things();
    before.retain(|one| (one.domain, &one.key) < (thing.domain, &thing.key));
    settle(tx, owner, chunks(&before), Verdict::Release);
    if !order.awaits(owner, tx.now_ms()) {
        return Ok(());
    }
    if why.code == BUSY {
        enter(tx, id, &mut order, State::Busy, None);
    } else {
        order.cause = Some(Cause {
            code: why.code,
            sku: thing.key.clone(),
            available: why.available,
        });
        enter(tx, id, &mut order, State::Refused, None);
        tell_list(tx, id, &order);
    }
    file(tx, id, order);
    Ok(())
}

/// A thing asks whether all that the order wants is claimed: it is told, now or as soon as that is known.
pub(crate) fn keep(tx: &mut Tx<'_>, id: &str, owner: &Owner, thing: Thing) -> Result<(), Missing> {
    let verdict = match tx.get(&ORDERS, id)? {
        Some(mut order) if order.awaits(owner, tx.now_ms()) => {
            order.asked.push(thing);
            tx.put(&ORDERS, id, order);
            return Ok(());
        }
        Some(order) if order.attempt == owner.attempt && order.state == State::Reserved => {
            Verdict::Keep
        }
        Some(_) | None => Verdict::Release,
    };
    settle(tx, owner, vec![vec![thing]], verdict);
    Ok(())
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
    let Some(order) = tx.get(&ORDERS, id)? else {
        return Ok(());
    };
    match (order.state, order.state_at(tx.now_ms())) {
        (State::Placing, State::Busy) => drop(end(tx, id, order, State::Busy)),
        (State::Reserved, State::Expired) => drop(end(tx, id, order, State::Expired)),
        _ => {}
    }
    Ok(())
}
