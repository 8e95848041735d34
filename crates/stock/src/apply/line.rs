//! The line of claims that wait for units which may come back: first come, first served.

use tidegate_claim::{Answer, Claim, Owner, Thing};
use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::claim::{Offer, offer, take, why};
use super::shards;
use crate::edge;
use crate::refusal::SOLD_OUT;
use crate::table::{Claims, DOMAIN, HOLDS, Held, InLine, LINE, PARTS, PLACES, SKUS, Sku};

/// Set with a SKU, due at once, when those in line may be served.
pub(crate) const SERVE: Timer = Timer::new(DOMAIN, 4, serve, serve_reads);

/// Who is served in one transaction: each gets a letter.
const SERVED_AT_ONCE: usize = 16;

/// And who is asked.
pub(crate) const ASKED_AT_ONCE: usize = 16;

/// Numbers of parts that are looked at for it: most of them may have ended by now, and memory knows.
const LOOKED_AT_ONCE: u64 = 1_024;

/// Those in line are looked after in the next batch.
pub(super) fn serve_soon(tx: &mut Tx<'_>, name: &str) {
    tx.wake_at(&SERVE, tx.now_ms(), name);
}

/// A claim waits, behind all others.
pub(super) fn stand_in_line(tx: &mut Tx<'_>, name: &str, before: &Sku, claim: Claim) {
    let mut sku = before.clone();
    let claims = sku.claims.get_or_insert_with(Claims::default);
    claims.line_to += 1;
    claims.waiting += 1;
    if claims.waiting == 1 {
        claims.line_from = claims.line_to;
    }
    let place = claims.line_to;
    let id = claim.owner.hold_id();
    tx.put(&PLACES, (name, id.as_str()), InLine { place });
    tx.put(&LINE, (name, place), claim);
    edge::tell(tx, name, before, &sku); // What comes back goes to it, and may be more than it wants.
    tx.put(&SKUS, name, sku);
    serve_soon(tx, name);
}

/// An owner waits no more; tells whether it did.
pub(super) fn leave_line(
    tx: &mut Tx<'_>,
    name: &str,
    mut sku: Sku,
    owner: &Owner,
) -> Result<bool, Missing> {
    if !sku.is_awaited() {
        return Ok(false);
    }
    let id = owner.hold_id();
    let Some(InLine { place }) = tx.get(&PLACES, (name, id.as_str()))? else {
        return Ok(false);
    };
    leave(tx, name, &mut sku, (place, owner));
    tx.put(&SKUS, name, sku);
    serve_soon(tx, name);
    Ok(true)
}

fn leave(tx: &mut Tx<'_>, name: &str, sku: &mut Sku, (place, owner): (u64, &Owner)) {
    tx.remove(&LINE, (name, place));
    tx.remove(&PLACES, (name, owner.hold_id().as_str()));
    if let Some(claims) = &mut sku.claims {
        claims.waiting -= 1;
    }
    if let Some(home) = sku.home_mut() {
        home.line_ask = 0; // It was asked for another one.
    }
}

fn name_of<'a>(owner: &mut KeyReader<'a>) -> &'a str {
    let name = owner.text();
    name.expect("because the timer is set with a SKU")
}

fn serve_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&SKUS, name_of(&mut owner));
}

fn serve(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = name_of(&mut owner);
    let Some(mut sku) = tx.get(&SKUS, name)? else {
        return Ok(());
    };
    shards::serve_asks(tx, name, &mut sku)?;
    for _ in 0..SERVED_AT_ONCE {
        let Some((place, claim)) = first(tx, name, &mut sku)? else {
            break;
        };
        match offer(&sku, claim.units()) {
            Offer::Units => {
                leave(tx, name, &mut sku, (place, &claim.owner));
                take(tx, (name, claim.owner.hold_id()), &mut sku, claim);
            }
            Offer::SoldOut => {
                leave(tx, name, &mut sku, (place, &claim.owner));
                claim.fail(tx, why(SOLD_OUT.code, sku.available()));
            }
            Offer::Perhaps => {
                ask_in_doubt(tx, name, &mut sku)?;
                tx.put(&SKUS, name, sku);
                return Ok(());
            }
            Offer::Elsewhere => match gather_for_line(tx, name, &mut sku, claim.units()) {
                Some(available) => {
                    leave(tx, name, &mut sku, (place, &claim.owner));
                    claim.fail(tx, why(SOLD_OUT.code, available));
                }
                None => {
                    tx.put(&SKUS, name, sku);
                    return Ok(());
                }
            },
        }
    }
    if sku.is_awaited() {
        serve_soon(tx, name); // There may be more of them than are served at once.
    } else {
        tx.tell(name); // Holds wait behind those in line.
    }
    tx.put(&SKUS, name, sku);
    Ok(())
}

/// Other shards may have units for who stands first: they are asked. Tells how many there are once it is known that
/// they are too few.
fn gather_for_line(tx: &mut Tx<'_>, name: &str, sku: &mut Sku, units: u64) -> Option<u64> {
    let share = sku.share.as_ref()?;
    let asked = share.home.as_ref()?.line_ask;
    let is_answered = asked > 0 && asked <= share.answered;
    let none = share.none.filter(|none| is_answered && units > *none);
    if none.is_none() && !share.is_asking() {
        let number = shards::ask(tx, name, sku, units);
        sku.home_mut()?.line_ask = number;
    }
    none
}

/// Who stands first, and where.
fn first(tx: &mut Tx<'_>, name: &str, sku: &mut Sku) -> Result<Option<(u64, Claim)>, Missing> {
    let Some(claims) = sku.claims.as_mut().filter(|claims| claims.waiting > 0) else {
        return Ok(None);
    };
    loop {
        let place = claims.line_from;
        if let Some(claim) = tx.get(&LINE, (name, place))? {
            return Ok(Some((place, claim)));
        }
        assert!(place < claims.line_to, "who waits stands in line");
        claims.line_from += 1;
    }
}

/// Units are wanted that may come back: the owners of those in doubt are asked, unless those who stand in line
/// have them asked already.
pub(crate) fn ask_owners(tx: &mut Tx<'_>, name: &str, mut sku: Sku) -> Result<(), Missing> {
    if !sku.is_awaited() {
        ask_in_doubt(tx, name, &mut sku)?;
        tx.put(&SKUS, name, sku);
    }
    Ok(())
}

/// Asks the owners of some more parts whether all that they claim is taken. Each answers once it knows.
pub(super) fn ask_in_doubt(tx: &mut Tx<'_>, name: &str, sku: &mut Sku) -> Result<(), Missing> {
    let Some(claims) = &mut sku.claims else {
        return Ok(());
    };
    let mut asked = 0;
    let last = claims.last.min(claims.asked + LOOKED_AT_ONCE);
    while claims.asked < last && asked < ASKED_AT_ONCE {
        claims.asked += 1;
        let Some(part) = tx.get(&PARTS, (name, claims.asked))? else {
            continue;
        };
        if let Some(Held {
            quantity,
            claimed: Some(claimed),
            ..
        }) = tx.get(&HOLDS, (name, part.id.as_str()))?
        {
            let thing = Thing {
                domain: DOMAIN,
                key: name.into(),
                units: quantity,
            };
            Answer::ask(&claimed.owner, thing, tx);
            asked += 1;
        }
    }
    if asked == 0 && claims.asked < claims.last {
        serve_soon(tx, name);
    }
    Ok(())
}
