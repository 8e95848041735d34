//! `STOCK.RELEASE`: held → available.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Slot, Splits, Stop, Tx};

use super::unhold::unhold;
use super::{EXPIRE, hold_of, place_of, reads_of_hold, receipt_of, sku_of};
use crate::Refusal;
use crate::command::Release;
use crate::refusal::{
    ALREADY_CONFIRMED, BUYER_REQUIRED, HOLD_EXPIRED, HOLD_NOT_FOUND, UNKNOWN_SKU,
};
use crate::reply::HoldReceipt;
use crate::shard::{Whose, slot_of};
use crate::table::{HoldState, Kind};

impl Apply for Release {
    type Reply = HoldReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        BUYER_REQUIRED,
        UNKNOWN_SKU,
        HOLD_NOT_FOUND,
        ALREADY_CONFIRMED,
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
        let row = hold_of(tx, (name, &self.id), self.buyer.as_ref())?;
        match row.state_at(tx.now_ms()) {
            HoldState::Held => {}
            HoldState::Released => {
                return Ok(receipt_of(
                    &self.sku,
                    self.id.compact(),
                    &row,
                    &before,
                    true,
                ));
            }
            HoldState::Confirmed | HoldState::Returned => {
                return Err(Refusal::AlreadyConfirmed.into());
            }
            HoldState::Expired => return Err(Refusal::HoldExpired.into()),
        }
        tx.cancel(&EXPIRE, row.expires_at_ms, (name, id));
        let (hold, after) = unhold(tx, (name, id), row, &before, Kind::Release)?;
        Ok(receipt_of(
            &self.sku,
            self.id.compact(),
            &hold,
            &after,
            false,
        ))
    }
}

impl Release {
    fn whose(&self) -> Whose<'_> {
        Whose::of(self.buyer.as_ref(), &self.id)
    }
}
