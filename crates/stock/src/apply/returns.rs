//! `STOCK.RETURN`: sold → available, wholly or in part, once per id.

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Apply, Id, RefusalDef, Request};
use tidegate_engine::{Missing, Reads, Slot, Splits, Stop, Tx};

use super::archive::{bring_back, left_of};
use super::{hold_of, id_of, place_of, put_sku, quantity_of, reads_of_hold, sku_of, step, untake};
use crate::Refusal;
use crate::archive::LEFT;
use crate::command::Return;
use crate::refusal::{
    BUYER_REQUIRED, HOLD_DROPPED, HOLD_NOT_FOUND, ID_CONFLICT, INVALID_QUANTITY, NOT_CONFIRMED,
    RETURN_EXCEEDS_SOLD, UNKNOWN_SKU,
};
use crate::reply::ReturnReceipt;
use crate::shard::{Whose, slot_of};
use crate::table::{BY_STATE, HOLDS, Held, HoldId, HoldState, Kind, RETURNS, Returned, Sku};

impl Apply for Return {
    type Reply = ReturnReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        BUYER_REQUIRED,
        UNKNOWN_SKU,
        INVALID_QUANTITY,
        ID_CONFLICT,
        HOLD_NOT_FOUND,
        NOT_CONFIRMED,
        RETURN_EXCEEDS_SOLD,
        HOLD_DROPPED,
    ];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.sku, self.whose())
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = reads_of_hold(reads, &self.sku, &self.hold, self.buyer.name());
        if let (Some(name), Id::Chosen(id)) = (name, &self.id) {
            reads.row(&RETURNS, (&*name, self.hold.as_str(), id.as_str()));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<ReturnReceipt, Stop<Refusal>> {
        let name = &*place_of(tx, &self.sku, self.whose())?;
        let before = sku_of(tx, name)?;
        let asked = self.quantity.map(quantity_of).transpose()?;
        let content = self.content().0;
        let hold = self.hold.as_str();
        let id = id_of(tx, &self.id, None, |tx, id| {
            Ok(tx.get(&RETURNS, (name, hold, id))?.is_some())
        })?;
        let key = (name, hold, id.as_str());
        let earlier = tx.get(&RETURNS, key)?;
        if earlier
            .as_ref()
            .is_some_and(|earlier| earlier.content != content)
        {
            return Err(Refusal::IdConflict.into());
        }
        let row = hold_of(tx, (name, &self.hold), self.buyer.name())?;
        if let Some(earlier) = earlier {
            return Ok(self.receipt(id, earlier.quantity, &row, true));
        }
        match row.state {
            HoldState::Confirmed | HoldState::Returned => {}
            HoldState::Held | HoldState::Released | HoldState::Expired => {
                return Err(Refusal::NotConfirmed.into());
            }
        }
        let returnable = row.quantity - row.returned;
        let quantity = asked.unwrap_or(returnable);
        if quantity > returnable || returnable == 0 {
            return Err(Refusal::ReturnExceedsSold { returnable }.into());
        }

        let dropped = Refusal::dropped(&row);
        let row = bring_back(tx, name, hold, row)?.ok_or(dropped)?;
        tx.put(&RETURNS, key, Returned { content, quantity });
        let hold = take_back(tx, (name, hold), row, &before, (&id, quantity))?;
        Ok(self.receipt(id, quantity, &hold, false))
    }
}

/// Units of a hold that is sold come back, by a return of this id.
fn take_back(
    tx: &mut Tx<'_>,
    (name, hold_id): (&str, &str),
    mut hold: Held,
    before: &Sku,
    (id, quantity): (&str, u64),
) -> Result<Held, Missing> {
    hold.returned += quantity;
    step(&mut hold, Kind::Return, quantity, tx.now_ms());
    if hold.returned == hold.quantity {
        tx.remove(&BY_STATE, (name, hold.state.key(), hold.position));
        hold.state = HoldState::Returned;
        let id = CompactString::new(hold_id);
        let index = HoldId { id };
        tx.put(&BY_STATE, (name, hold.state.key(), hold.position), index);
    }
    untake(tx, name, hold.buyer.as_ref(), quantity)?;
    tx.put(&HOLDS, (name, hold_id), &hold);
    put_returned(tx, name, before, (id, quantity));
    Ok(hold)
}

/// Units of an owner come back, as it says: so many as there are of them still sold.
pub(super) fn take_back_owned(
    tx: &mut Tx<'_>,
    (name, hold_id): (&str, &str),
    hold: Held,
    before: &Sku,
    quantity: u64,
) -> Result<(), Missing> {
    let quantity = quantity.min(hold.quantity - hold.returned);
    if quantity == 0 {
        return Ok(());
    }
    let id = tx.mint().to_compact_string();
    let content = 0;
    tx.put(
        &RETURNS,
        (name, hold_id, id.as_str()),
        Returned { content, quantity },
    );
    match bring_back(tx, name, hold_id, hold.clone())? {
        Some(hold) => drop(take_back(
            tx,
            (name, hold_id),
            hold,
            before,
            (&id, quantity),
        )?),
        None => {
            return_dropped(tx, (name, hold_id), hold, quantity)?;
            put_returned(tx, name, before, (&id, quantity));
        }
    }
    Ok(())
}

/// Units of an owner's hold come back whose details are kept no more: what stands in its place says so, and it
/// stays where it is.
fn return_dropped(
    tx: &mut Tx<'_>,
    (name, hold_id): (&str, &str),
    stub: Held,
    quantity: u64,
) -> Result<(), Missing> {
    let mut left = left_of(tx, name)?;
    left.take(&stub);
    let mut after = stub;
    after.returned += quantity;
    if after.returned == after.quantity {
        after.state = HoldState::Returned;
    }
    left.add(&after);
    tx.put(&LEFT, name, left);
    tx.put(&HOLDS, (name, hold_id), after);
    Ok(())
}

/// Units that were sold are available again.
fn put_returned(tx: &mut Tx<'_>, name: &str, before: &Sku, (id, quantity): (&str, u64)) {
    let after = Sku {
        sold: before.sold - quantity,
        ..before.clone()
    };
    let change = (Kind::Return, id, quantity.cast_signed());
    put_sku(tx, name, before, after, change);
}

impl Return {
    fn whose(&self) -> Whose<'_> {
        Whose::of(self.buyer.name(), &self.hold)
    }

    fn receipt(
        &self,
        id: CompactString,
        quantity: u64,
        hold: &Held,
        repeated: bool,
    ) -> ReturnReceipt {
        ReturnReceipt {
            sku: self.sku.compact(),
            hold: self.hold.compact(),
            id,
            quantity,
            state: hold.state.word(),
            returnable: hold.quantity - hold.returned,
            repeated,
        }
    }
}
