//! What an order claims, and what things answer.
//!
//! Every letter about a claim names the attempt that it is of. One that comes too late, for an order that
//! has ended or has begun anew, has what it may hold released: releasing nothing is a success.

use tidegate_claim::{
    BUSY, Claim, Owner, Settle, Settled, THINGS_MAX, Then, Thing, Verdict, Whole, Why,
};
use tidegate_engine::{Address, Missing, Tx};

use super::course::{come, enter, entry_of, file, last_until, tell_list, unlist};
use super::take::{take_again_later, taken, units_gone};
use crate::mail::{Note, RELEASED, SEGMENT, WHOLE};
use crate::table::{Cause, DOMAIN, Deduct, ORDERS, Order, State, Step};
use crate::{LINES_MAX, PLACING_MS};

/// Most letters of one step: a word to all that an order has, two to its buyer's list, as what costs
/// nothing is refunded at once, and one to who has sold it.
pub(crate) const LETTERS_MAX: usize = LINES_MAX.div_ceil(THINGS_MAX) + 3;

/// Claims all that an order wants, for the first time or once more.
pub(super) fn begin(tx: &mut Tx<'_>, id: &str, order: &mut Order) {
    let until_ms = tx.now_ms() + PLACING_MS;
    enter(tx, id, order, State::Placing, Some(until_ms));
    order.cause = None;
    claim_all(tx, id, order);
}

/// A further attempt to claim everything. An order whose units are taken once it is paid claims nothing
/// before: only its buyer's list is to have it.
pub(super) fn claim_all(tx: &mut Tx<'_>, id: &str, order: &mut Order) {
    order.attempt += 1;
    order.claimed = 0;
    order.asked.clear();
    if order.state == State::Placing && order.deduct == Deduct::Pay {
        let (owner, note) = (order.owner(id), note_of(id, order).into());
        let list = Address::new(DOMAIN, WHOLE, &order.buyer);
        tx.send_to(&list, &Whole { owner, note });
    } else {
        claim(tx, id, order);
    }
}

/// Claims what comes behind that which is claimed.
fn claim(tx: &mut Tx<'_>, id: &str, order: &Order) {
    let mut things = order.things();
    let claimed = usize::try_from(order.claimed).unwrap_or(usize::MAX);
    let mut things = things.split_off(claimed.min(things.len()));
    let is_last = things.len() <= THINGS_MAX;
    things.truncate(THINGS_MAX);
    let (whole, note) = if is_last {
        let list = Address::new(DOMAIN, WHOLE, &order.buyer);
        (list, note_of(id, order))
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

/// What the buyer's list is told once all is claimed: of an order that is being placed that it waits for
/// payment, until when the list knows first; of one that is paid nothing new.
fn note_of(id: &str, order: &Order) -> Vec<u8> {
    let state = if order.state == State::Placing {
        order.waiting()
    } else {
        order.state
    };
    let ttl_ms = order.ttl_ms;
    let entry = entry_of(id, order, (state, order.version), None);
    minicbor::to_vec(Note { entry, ttl_ms }).expect("because writing to memory does not fail")
}

/// Tells things what becomes of what was claimed, as many in each letter as one names.
pub(crate) fn settle(tx: &mut Tx<'_>, owner: &Owner, things: Vec<Vec<Thing>>, verdict: Verdict) {
    for things in things {
        let settle = Settle {
            owner: owner.clone(),
            things: things.into(),
            verdict,
            then: None,
        };
        settle.send(tx);
    }
}

pub(super) fn chunks(things: &[Thing]) -> Vec<Vec<Thing>> {
    let things = things.chunks(THINGS_MAX);
    things.map(<[Thing]>::to_vec).collect()
}

/// Whatever it has claimed goes back.
pub(super) fn release(tx: &mut Tx<'_>, id: &str, order: &Order) {
    if order.deduct == Deduct::Place || order.taking.is_some() {
        let perhaps_claimed = order.perhaps_claimed();
        settle(tx, &order.owner(id), perhaps_claimed, Verdict::Release);
    }
}

/// The same of an order that somebody gives up, who is answered once all of it is back.
pub(super) fn release_and_hear(tx: &mut Tx<'_>, id: &str, order: &mut Order) {
    if order.deduct == Deduct::Pay {
        return; // Nothing was claimed for it before it was paid.
    }
    for (part, things) in (0..).zip(order.perhaps_claimed()) {
        let to = Address::new(DOMAIN, RELEASED, id);
        let settle = Settle {
            owner: order.owner(id),
            things: things.into(),
            verdict: Verdict::Release,
            then: Some(Then { to, part }),
        };
        settle.send(tx);
        order.releasing |= 1 << part;
    }
}

const _: () = assert!(
    LINES_MAX.div_ceil(THINGS_MAX) <= 64,
    "a bit for each letter"
);

/// All things of a letter have let go what it had.
pub(crate) fn released(tx: &mut Tx<'_>, id: &str, settled: &Settled) -> Result<(), Missing> {
    let Some(mut order) = tx.get(&ORDERS, id)? else {
        return Ok(());
    };
    if order.attempt == settled.owner.attempt {
        order.releasing &= !(1 << settled.part);
        file(tx, id, order);
    }
    Ok(())
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
    let until_ms = tx.now_ms() + PLACING_MS;
    last_until(tx, id, &mut order, Some(until_ms));
    claim(tx, id, &order);
    tx.put(&ORDERS, id, order);
    Ok(())
}

/// All things are claimed, and the buyer's list has the order since then.
pub(crate) fn all_claimed(
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
    let asked = std::mem::take(&mut order.asked);
    if order.taking.is_some() {
        taken(tx, id, &mut order);
    } else {
        let until_ms = at_ms.saturating_add(order.ttl_ms);
        last_until(tx, id, &mut order, Some(until_ms));
        order.expires_ms = Some(until_ms);
        let state = order.waiting();
        let why = None;
        come(tx, &mut order, Step { state, at_ms, why });
        settle(tx, owner, chunks(&asked), Verdict::Keep);
    }
    file(tx, id, order);
    Ok(())
}

/// A letter of a claim that nobody waits for: whatever it may have taken goes back, if the order does not
/// have it by now.
fn came_late(tx: &mut Tx<'_>, owner: &Owner, order: &Order) {
    let verdict = verdict_of(order, owner);
    settle(tx, owner, chunks(&order.things()), verdict);
}

/// What becomes of units of a claim of which all is known. Whoever is told so at once may hear it before the
/// same word that goes from thing to thing, so it must be that word.
fn verdict_of(order: &Order, owner: &Owner) -> Verdict {
    let is_of_this = order.attempt == owner.attempt;
    if is_of_this && order.holds() {
        Verdict::Keep
    } else if is_of_this && order.has_sold() {
        Verdict::Take
    } else {
        Verdict::Release
    }
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
    let awaits = order.awaits(owner, tx.now_ms());
    let is_busy = why.code == BUSY;
    // Asked for before anything is sent: a row may be missing.
    if awaits && !is_busy && order.taking.is_some() {
        order = units_gone(tx, id, order)?;
    }
    let mut before = order.things();
    before.retain(|one| (one.domain, &one.key) < (thing.domain, &thing.key));
    settle(tx, owner, chunks(&before), Verdict::Release);
    if !awaits {
        return Ok(());
    }
    match (order.taking.is_some(), is_busy) {
        (true, true) => take_again_later(tx, id, &mut order),
        (true, false) => {}
        (false, true) => enter(tx, id, &mut order, State::Busy, None),
        (false, false) if order.state == State::Placing => {
            order.cause = Some(Cause {
                code: why.code,
                sku: thing.key.clone(),
                available: why.available,
            });
            enter(tx, id, &mut order, State::Refused, None);
            tell_list(tx, id, &order);
        }
        (false, false) => {} // Its money goes back.
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
        Some(order) => verdict_of(&order, owner),
        None => Verdict::Release,
    };
    settle(tx, owner, vec![vec![thing]], verdict);
    Ok(())
}
