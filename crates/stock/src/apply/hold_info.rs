//! `STOCK.HOLDINFO`: one hold, with its history.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Slot, Splits, Stop, Tx};

use super::{hold_of, place_of, reads_of_hold, sku_of};
use crate::Refusal;
use crate::archive::HOLDS_ARCHIVE;
use crate::command::HoldInfo;
use crate::refusal::{BUYER_REQUIRED, HOLD_DROPPED, HOLD_NOT_FOUND, UNKNOWN_SKU};
use crate::reply::{HoldDetails, HoldStep};
use crate::shard::{Whose, slot_of};
use crate::table::{Held, Kind, Step};

impl Apply for HoldInfo {
    type Reply = HoldDetails;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] =
        &[BUYER_REQUIRED, UNKNOWN_SKU, HOLD_NOT_FOUND, HOLD_DROPPED];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.sku, self.whose())
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of_hold(reads, &self.sku, &self.id, self.buyer.as_ref());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<HoldDetails, Stop<Refusal>> {
        let name = &*place_of(tx, &self.sku, self.whose())?;
        sku_of(tx, name)?;
        let mut hold = hold_of(tx, (name, &self.id), self.buyer.as_ref())?;
        if let Some(slice) = hold.archived {
            let key = (slice, name, hold.position);
            let archived = tx.get(&HOLDS_ARCHIVE, key)?;
            hold = archived.ok_or(Refusal::dropped(&hold))?.hold;
        }
        Ok(HoldDetails {
            sku: self.sku.compact(),
            id: self.id.compact(),
            state: hold.state_at(tx.now_ms()).word(),
            quantity: hold.quantity,
            returned: hold.returned,
            buyer: hold.buyer.clone(),
            created_at_ms: hold.created_at_ms,
            expires_at_ms: hold.expires_at_ms,
            history: history_of(&hold),
        })
    }
}

impl HoldInfo {
    fn whose(&self) -> Whose<'_> {
        Whose::of(self.buyer.as_ref(), &self.id)
    }
}

fn history_of(hold: &Held) -> Vec<HoldStep> {
    let first = Step {
        kind: Kind::Hold,
        quantity: hold.quantity,
        at_ms: hold.created_at_ms,
    };
    let steps = std::iter::once(&first).chain(&hold.steps);
    let entry = |step: &Step| HoldStep {
        kind: step.kind.word(),
        quantity: step.quantity,
        at_ms: step.at_ms,
    };
    steps.map(entry).collect()
}
