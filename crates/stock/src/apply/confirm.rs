//! `STOCK.CONFIRM`: held → sold.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Slot, Splits, Stop, Tx};

use super::archive::archive_later;
use super::{EXPIRE, hold_of, place_of, put_sku, reads_of_hold, receipt_of, sku_of, step};
use crate::Refusal;
use crate::command::Confirm;
use crate::refusal::{BUYER_REQUIRED, HOLD_EXPIRED, HOLD_NOT_FOUND, HOLD_RELEASED, UNKNOWN_SKU};
use crate::reply::HoldReceipt;
use crate::shard::{Whose, slot_of};
use crate::table::{BY_STATE, HOLDS, Held, HoldId, HoldState, Kind, Sku};

impl Apply for Confirm {
    type Reply = HoldReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        BUYER_REQUIRED,
        UNKNOWN_SKU,
        HOLD_NOT_FOUND,
        HOLD_RELEASED,
        HOLD_EXPIRED,
    ];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.sku, self.whose())
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of_hold(reads, &self.sku, &self.id, self.buyer.as_ref());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<HoldReceipt, Stop<Refusal>> {
        let name = &*place_of(tx, &self.sku, self.whose())?;
        let id = self.id.as_str();
        let before = sku_of(tx, name)?;
        let hold = hold_of(tx, (name, &self.id), self.buyer.as_ref())?;
        match hold.state_at(tx.now_ms()) {
            HoldState::Held => {}
            HoldState::Confirmed | HoldState::Returned => {
                return Ok(receipt_of(
                    &self.sku,
                    self.id.compact(),
                    &hold,
                    &before,
                    true,
                ));
            }
            HoldState::Released => return Err(Refusal::HoldReleased.into()),
            HoldState::Expired => return Err(Refusal::HoldExpired.into()),
        }
        tx.cancel(&EXPIRE, hold.expires_at_ms, (name, id));
        let (hold, after) = sell(tx, (name, id), hold, &before);
        Ok(receipt_of(
            &self.sku,
            self.id.compact(),
            &hold,
            &after,
            false,
        ))
    }
}

impl Confirm {
    fn whose(&self) -> Whose<'_> {
        Whose::of(self.buyer.as_ref(), &self.id)
    }
}

/// Sells what a hold in state *held* has; gives the rows as they are then.
pub(super) fn sell(
    tx: &mut Tx<'_>,
    (name, id): (&str, &str),
    mut hold: Held,
    before: &Sku,
) -> (Held, Sku) {
    assert_eq!(hold.state, HoldState::Held, "only held units are sold");
    let quantity = hold.quantity;
    archive_later(tx, name, id);
    tx.remove(&BY_STATE, (name, hold.state.key(), hold.position));
    hold.state = HoldState::Confirmed;
    step(&mut hold, Kind::Confirm, quantity, tx.now_ms());
    let after = Sku {
        held: before.held - quantity,
        sold: before.sold + quantity,
        ..before.clone()
    };
    let index = HoldId {
        id: CompactString::new(id),
    };
    tx.put(&BY_STATE, (name, hold.state.key(), hold.position), index);
    tx.put(&HOLDS, (name, id), &hold);
    let change = (Kind::Confirm, id, quantity.cast_signed());
    (hold, put_sku(tx, name, before, after, change))
}
