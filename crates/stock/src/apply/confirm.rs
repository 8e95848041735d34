//! `STOCK.CONFIRM`: held → sold.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::archive::archive_later;
use super::{EXPIRE, hold_of, put_sku, reads_of_hold, receipt_of, sku_of, step};
use crate::Refusal;
use crate::command::Confirm;
use crate::refusal::{HOLD_EXPIRED, HOLD_NOT_FOUND, HOLD_RELEASED, UNKNOWN_SKU};
use crate::reply::HoldReceipt;
use crate::table::{BY_STATE, HOLDS, HoldId, HoldState, Kind, Sku};

impl Apply for Confirm {
    type Reply = HoldReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] =
        &[UNKNOWN_SKU, HOLD_NOT_FOUND, HOLD_RELEASED, HOLD_EXPIRED];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of_hold(reads, &self.sku, &self.id);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<HoldReceipt, Stop<Refusal>> {
        let (name, id) = (self.sku.as_str(), self.id.as_str());
        let before = sku_of(tx, &self.sku)?;
        let mut hold = hold_of(tx, &self.sku, &self.id)?;
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
        let quantity = hold.quantity;
        tx.cancel(&EXPIRE, hold.expires_at_ms, (name, id));
        archive_later(tx, name, id);
        tx.remove(&BY_STATE, (name, hold.state.key(), hold.position));
        hold.state = HoldState::Confirmed;
        step(&mut hold, Kind::Confirm, quantity, tx.now_ms());
        let after = Sku {
            held: before.held - quantity,
            sold: before.sold + quantity,
            ..before.clone()
        };
        let receipt = receipt_of(&self.sku, self.id.compact(), &hold, &after, false);
        let state = hold.state.key();
        tx.put(
            &BY_STATE,
            (name, state, hold.position),
            HoldId {
                id: self.id.compact(),
            },
        );
        tx.put(&HOLDS, (name, id), hold);
        put_sku(
            tx,
            name,
            &before,
            after,
            (Kind::Confirm, id, quantity.cast_signed()),
        );
        Ok(receipt)
    }
}
