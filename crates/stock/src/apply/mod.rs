//! What each command does; one file per command.

mod add;
mod archive;
mod claim;
mod confirm;
mod get;
mod hold;
mod hold_info;
mod level;
mod line;
mod release;
mod returns;
mod set;
mod settle;
mod shards;
mod split;
mod unhold;

pub(crate) use archive::{ARCHIVE, ARCHIVE_FLOW};
pub(crate) use claim::{ClaimUnits, take};
pub(crate) use level::{TELL_LEVEL, tell_level_soon};
pub(crate) use line::{ASKED_AT_ONCE, SERVE};
pub(crate) use settle::SettleUnits;
pub(crate) use shards::{
    Back, GIVE_BACK, ToHome, ToShard, ToldLevel, Wanted, Word, home_of, units_for,
};
pub(crate) use unhold::EXPIRE;

use std::borrow::Cow;

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Id, Name};
use tidegate_engine::{Missing, Reads, Shard, Slot, Stop, Tx};

use crate::edge;
use crate::event::StockLow;
use crate::reply::{HoldReceipt, SkuInfo};
use crate::shard::{Whose, issued, key_of};
use crate::table::{
    BUYERS, BY_STATE, Change, DOMAIN, FLOW, HOLDS, Held, HoldId, Kind, SKUS, Sku, Step, Taken,
};
use crate::{HISTORY_MAX, QUANTITY_MAX, Refusal};

/// The key of the shard of a SKU about which a command is, which is of this slot: the SKU itself if it is not
/// split. A command that was on its way while it was split is to come again.
fn place_of<'a>(
    tx: &Tx<'_>,
    sku: &'a Name,
    whose: Whose<'_>,
) -> Result<Cow<'a, str>, Stop<Refusal>> {
    let name = key_of(tx.splits(), sku, whose).ok_or(Refusal::BuyerRequired)?;
    if Slot::of(name.as_bytes()) == tx.slot() {
        Ok(name)
    } else {
        Err(Stop::Busy)
    }
}

/// Reads the row of a SKU or of a shard, or refuses. A shard that was not lent anything yet is to be asked again.
fn sku_of(tx: &mut Tx<'_>, name: &str) -> Result<Sku, Stop<Refusal>> {
    let row = tx.get(&SKUS, name)?;
    let absent = || match Shard::named(name) {
        Some(_) => Stop::Busy,
        None => Refusal::UnknownSku.into(),
    };
    row.ok_or_else(absent)
}

/// Reads a hold, or refuses: also if it is of another buyer than is named. Of a split SKU it may lie in another shard
/// if none is named and its id only looks like one that was issued here.
fn hold_of(
    tx: &mut Tx<'_>,
    (name, id): (&str, &Name),
    buyer: Option<&Name>,
) -> Result<Held, Stop<Refusal>> {
    let row = tx.get(&HOLDS, (name, id.as_str()))?;
    let may_be_elsewhere =
        buyer.is_none() && tx.splits().of(DOMAIN, Shard::whole_of(name)).is_some();
    let absent = if may_be_elsewhere {
        Refusal::BuyerRequired
    } else {
        Refusal::HoldNotFound
    };
    let hold = row.ok_or(absent)?;
    let is_anothers = |buyer: &Name| hold.buyer.as_deref() != Some(buyer.as_str());
    if hold.archived.is_none() && buyer.is_some_and(is_anothers) {
        return Err(Refusal::HoldNotFound.into());
    }
    Ok(hold)
}

/// Names the rows that every command about a hold reads; gives the key of the shard.
fn reads_of_hold<'a>(
    reads: &mut Reads<'_>,
    sku: &'a Name,
    id: &'a Name,
    buyer: Option<&'a Name>,
) -> Option<Cow<'a, str>> {
    let name = key_of(reads.splits(), sku, Whose::of(buyer, id))?;
    reads.row(&SKUS, &*name);
    reads.row(&HOLDS, (&*name, id.as_str()));
    Some(name)
}

/// The quantity, if it is one.
fn quantity_of(quantity: i64) -> Result<u64, Refusal> {
    if (1..=QUANTITY_MAX).contains(&quantity) {
        Ok(quantity.unsigned_abs())
    } else {
        Err(Refusal::InvalidQuantity { min: 1 })
    }
}

/// The id that the caller chose, or a fresh one, which names the shard if there is one.
fn id_of(
    tx: &mut Tx<'_>,
    id: &Id,
    shard: Option<Shard>,
    is_taken: impl Fn(&mut Tx<'_>, &str) -> Result<bool, Missing>,
) -> Result<CompactString, Missing> {
    if let Id::Chosen(name) = id {
        return Ok(name.compact());
    }
    loop {
        // Callers may have chosen what would have been minted.
        let minted = issued(tx.mint().to_compact_string(), shard);
        if !is_taken(tx, &minted)? {
            return Ok(minted);
        }
    }
}

/// Stores the SKU, with the entry of its flow for what has changed since `before`; gives it as it is stored.
fn put_sku(
    tx: &mut Tx<'_>,
    name: &str,
    before: &Sku,
    mut after: Sku,
    (kind, id, quantity): (Kind, &str, i64),
) -> Sku {
    after.check_laws();
    after.changes += 1;
    let change = Change {
        kind,
        id: CompactString::new(id),
        quantity,
        before: before.available(),
        after: after.available(),
        at_ms: tx.now_ms(),
    };
    alert(tx, name, before, &after, kind == Kind::Set);
    if let Some(home) = after.home_mut() {
        home.is_dry &= change.after == 0;
    }
    if before.changes == before.flow_left {
        archive::archive_flow_later(tx, name, after.changes, change.at_ms);
    }
    tx.put(&FLOW, (name, after.changes), change);
    if after.has_line() {
        line::serve_soon(tx, name);
    }
    level::tell_level_soon(tx, name, &mut after);
    if after.available() > before.available() || after.claims != before.claims {
        tx.tell(Shard::whole_of(name)); // Who waits does so for units, or for others that wait.
    }
    edge::tell(tx, name, before, &after);
    tx.put(&SKUS, name, &after);
    after
}

/// Tells whoever wants to know that few units are left, once they are.
fn alert(tx: &mut Tx<'_>, name: &str, before: &Sku, after: &Sku, is_set: bool) {
    let Some(alert) = after.alert else { return };
    let available = after.in_all().available();
    let is_new = is_set && before.alert != after.alert;
    if available <= alert && (before.in_all().available() > alert || is_new) {
        tx.emit(name, &StockLow { available, alert });
    }
}

/// Files a hold that was made, and stores its SKU.
fn file(
    tx: &mut Tx<'_>,
    (name, id): (&str, &CompactString),
    hold: Held,
    before: &Sku,
    after: Sku,
) -> Sku {
    let change = (Kind::Hold, id.as_str(), hold.quantity.cast_signed());
    let index = HoldId { id: id.clone() };
    tx.put(&BY_STATE, (name, hold.state.key(), hold.position), index);
    tx.put(&HOLDS, (name, id.as_str()), hold);
    put_sku(tx, name, before, after, change)
}

/// Adds a step to a hold's history.
fn step(hold: &mut Held, kind: Kind, quantity: u64, at_ms: u64) {
    // The hold itself is the first step and is not stored as one.
    if hold.steps.len() < HISTORY_MAX - 1 {
        hold.steps.push(Step {
            kind,
            quantity,
            at_ms,
        });
    }
}

/// Counts units that the buyer no longer has.
fn untake(
    tx: &mut Tx<'_>,
    sku: &str,
    buyer: Option<&CompactString>,
    quantity: u64,
) -> Result<(), Missing> {
    let Some(buyer) = buyer else { return Ok(()) };
    let key = (sku, buyer.as_str());
    let taken = tx
        .get(&BUYERS, key)?
        .expect("because a hold of a buyer is counted for them");
    let units = taken.units.checked_sub(quantity);
    let units = units.expect("because a buyer is counted for all their holds");
    if units == 0 {
        tx.remove(&BUYERS, key);
    } else {
        tx.put(&BUYERS, key, Taken { units, ..taken });
    }
    Ok(())
}

fn info_of(name: &Name, sku: &Sku) -> SkuInfo {
    let units = sku.in_all();
    SkuInfo {
        sku: name.compact(),
        total: units.total,
        available: units.available(),
        held: units.held,
        sold: units.sold,
        version: sku.version,
    }
}

fn receipt_of(
    name: &Name,
    id: CompactString,
    hold: &Held,
    sku: &Sku,
    repeated: bool,
) -> HoldReceipt {
    HoldReceipt {
        sku: name.compact(),
        id,
        state: hold.state.word(),
        quantity: hold.quantity,
        expires_at_ms: hold.expires_at_ms,
        available: sku.available(),
        repeated,
    }
}
