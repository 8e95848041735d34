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
mod unhold;

pub(crate) use archive::{ARCHIVE, ARCHIVE_FLOW};
pub(crate) use claim::{ClaimUnits, Offer, offer, take};
pub(crate) use level::{TELL_LEVEL, tell_level_soon};
pub(crate) use line::{ASKED_AT_ONCE, SERVE, ask_owners};
pub(crate) use settle::SettleUnits;
pub(crate) use unhold::EXPIRE;

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Id, Name};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use crate::edge;
use crate::event::StockLow;
use crate::reply::{HoldReceipt, SkuInfo};
use crate::table::{
    BUYERS, BY_STATE, Change, FLOW, HOLDS, Held, HoldId, Kind, SKUS, Sku, Step, Taken,
};
use crate::{HISTORY_MAX, QUANTITY_MAX, Refusal};

/// Reads the SKU's row, or refuses.
fn sku_of(tx: &mut Tx<'_>, sku: &Name) -> Result<Sku, Stop<Refusal>> {
    Ok(tx.get(&SKUS, sku.as_str())?.ok_or(Refusal::UnknownSku)?)
}

/// Reads a hold, or refuses.
fn hold_of(tx: &mut Tx<'_>, sku: &Name, id: &Name) -> Result<Held, Stop<Refusal>> {
    let row = tx.get(&HOLDS, (sku.as_str(), id.as_str()))?;
    Ok(row.ok_or(Refusal::HoldNotFound)?)
}

/// Names the rows that every command about a hold reads.
fn reads_of_hold(reads: &mut Reads<'_>, sku: &Name, id: &Name) {
    reads.row(&SKUS, sku.as_str());
    reads.row(&HOLDS, (sku.as_str(), id.as_str()));
}

/// The quantity, if it is one.
fn quantity_of(quantity: i64) -> Result<u64, Refusal> {
    if (1..=QUANTITY_MAX).contains(&quantity) {
        Ok(quantity.unsigned_abs())
    } else {
        Err(Refusal::InvalidQuantity { min: 1 })
    }
}

/// The id that the caller chose, or a fresh one.
fn id_of(
    tx: &mut Tx<'_>,
    id: &Id,
    is_taken: impl Fn(&mut Tx<'_>, &str) -> Result<bool, Missing>,
) -> Result<CompactString, Missing> {
    if let Id::Chosen(name) = id {
        return Ok(name.compact());
    }
    loop {
        // Callers may have chosen what would have been minted.
        let minted = tx.mint().to_compact_string();
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
    if let Some(alert) = after.alert
        && change.after <= alert
        && (change.before > alert || kind == Kind::Set && before.alert != after.alert)
    {
        tx.emit(
            name,
            &StockLow {
                available: change.after,
                alert,
            },
        );
    }
    if before.changes == before.flow_left {
        archive::archive_flow_later(tx, name, after.changes, change.at_ms);
    }
    tx.put(&FLOW, (name, after.changes), change);
    if after.is_awaited() {
        line::serve_soon(tx, name);
    }
    level::tell_level_soon(tx, name, &mut after);
    tx.tell(name);
    edge::tell(tx, name, before, &after);
    tx.put(&SKUS, name, &after);
    after
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
    SkuInfo {
        sku: name.compact(),
        total: sku.total,
        available: sku.available(),
        held: sku.held,
        sold: sku.sold,
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
