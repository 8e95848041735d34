//! `STOCK.ADD`: restocks or writes off, once per id.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Id, RefusalDef, Request};
use tidegate_engine::{Reads, Stop, Tx};

use super::set::changed;
use super::{id_of, put_sku, sku_of};
use crate::command::Add;
use crate::refusal::{ABOVE_MAXIMUM, BELOW_COMMITTED, ID_CONFLICT, INVALID_QUANTITY, UNKNOWN_SKU};
use crate::reply::AddReceipt;
use crate::table::{ADDS, Added, Kind, SKUS};
use crate::{HOLD_WAIT_MS, QUANTITY_MAX, Refusal};

impl Apply for Add {
    type Reply = AddReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_SKU,
        INVALID_QUANTITY,
        ID_CONFLICT,
        BELOW_COMMITTED,
        ABOVE_MAXIMUM,
    ];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SKUS, self.sku.as_str());
        if let Id::Chosen(id) = &self.id {
            reads.row(&ADDS, (self.sku.as_str(), id.as_str()));
        }
    }

    fn waits_ms(&self) -> u64 {
        HOLD_WAIT_MS
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<AddReceipt, Stop<Refusal>> {
        let before = sku_of(tx, self.sku.as_str())?;
        if self.delta == 0 || !(-QUANTITY_MAX..=QUANTITY_MAX).contains(&self.delta) {
            return Err(Refusal::InvalidQuantity { min: -QUANTITY_MAX }.into());
        }
        let content = self.content().0;
        let name = self.sku.as_str();
        let id = id_of(tx, &self.id, None, |tx, id| {
            Ok(tx.get(&ADDS, (name, id))?.is_some())
        })?;
        if let Some(earlier) = tx.get(&ADDS, (self.sku.as_str(), id.as_str()))? {
            if earlier.content != content {
                return Err(Refusal::IdConflict.into());
            }
            return Ok(self.receipt(id, &earlier, true));
        }
        let total = before.in_all().total.saturating_add_signed(self.delta);
        let after = changed(tx, name, &before, self.delta)?;
        if total > QUANTITY_MAX.unsigned_abs() {
            return Err(Refusal::AboveMaximum.into());
        }
        let added = Added {
            content,
            delta: self.delta,
            total,
        };
        let receipt = self.receipt(id.clone(), &added, false);
        tx.put(&ADDS, (self.sku.as_str(), id.as_str()), added);
        put_sku(
            tx,
            self.sku.as_str(),
            &before,
            after,
            (Kind::Add, &id, self.delta),
        );
        Ok(receipt)
    }
}

impl Add {
    fn receipt(&self, id: CompactString, added: &Added, repeated: bool) -> AddReceipt {
        AddReceipt {
            sku: self.sku.compact(),
            id,
            delta: added.delta,
            total: added.total,
            repeated,
        }
    }
}
