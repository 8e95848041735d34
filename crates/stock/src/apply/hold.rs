//! `STOCK.HOLD`: sets units aside until they are confirmed, released or expired.

use tidegate_engine::contract::{Apply, Id, RefusalDef, Request};
use tidegate_engine::{Edge, Reads, Slot, Splits, Stop, Tx};

use super::line::ASKED_AT_ONCE;
use super::shards::{Wanted, units_for};
use super::{EXPIRE, file, id_of, place_of, quantity_of, receipt_of, sku_of};
use crate::command::Hold;
use crate::edge::is_sold_out;
use crate::refusal::{
    BUYER_REQUIRED, ID_CONFLICT, INVALID_QUANTITY, OVER_LIMIT, SOLD_OUT, UNKNOWN_SKU,
};
use crate::reply::HoldReceipt;
use crate::shard::{Whose, key_of, slot_of};
use crate::table::{BUYERS, HOLDS, Held, HoldState, SKUS, Sku, Taken};
use crate::{HOLD_WAIT_MS, Refusal};

impl Apply for Hold {
    type Reply = HoldReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        BUYER_REQUIRED,
        UNKNOWN_SKU,
        INVALID_QUANTITY,
        ID_CONFLICT,
        OVER_LIMIT,
        SOLD_OUT,
    ];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.sku, self.whose())
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let Some(name) = key_of(reads.splits(), &self.sku, self.whose()) else {
            return;
        };
        reads.row(&SKUS, &*name);
        if let Id::Chosen(id) = &self.id {
            reads.row(&HOLDS, (&*name, id.as_str()));
        }
        if let Some(buyer) = &self.buyer {
            reads.row(&BUYERS, (&*name, buyer.as_str()));
        }
    }

    fn letters(&self) -> usize {
        ASKED_AT_ONCE
    }

    fn waits_ms(&self) -> u64 {
        HOLD_WAIT_MS
    }

    fn glance(&self, edge: &Edge<'_>) -> Option<Result<HoldReceipt, Refusal>> {
        let is_sold_out = is_sold_out(edge, self.sku.as_str()) && self.is_new(edge);
        is_sold_out.then_some(Err(Refusal::SoldOut { available: 0 }))
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<HoldReceipt, Stop<Refusal>> {
        let name = &*place_of(tx, &self.sku, self.whose())?;
        let before = sku_of(tx, name)?;
        let quantity = quantity_of(self.quantity)?;
        if self.max.is_some() && self.buyer.is_none() {
            return Err(Refusal::BuyerRequired.into());
        }
        let content = self.content().0;
        let shard = before.share.as_ref().map(|share| share.shard());
        let is_taken = |tx: &mut Tx<'_>, id: &str| Ok(tx.get(&HOLDS, (name, id))?.is_some());
        let id = id_of(tx, &self.id, shard, is_taken)?;
        if let Some(earlier) = tx.get(&HOLDS, (name, id.as_str()))? {
            if earlier.content != content {
                return Err(Refusal::IdConflict.into());
            }
            return Ok(receipt_of(&self.sku, id, &earlier, &before, true));
        }
        let taken = self.taken(tx, name, quantity)?;
        if let Wanted::None { available } = units_for(tx, name, &before, quantity)? {
            return Err(Refusal::SoldOut { available }.into());
        }

        let after = Sku {
            held: before.held + quantity,
            holds: before.holds + 1,
            ..before.clone()
        };
        let hold = Held {
            content,
            state: HoldState::Held,
            position: after.holds,
            quantity,
            returned: 0,
            buyer: self.buyer.as_ref().map(|buyer| buyer.compact()),
            created_at_ms: tx.now_ms(),
            expires_at_ms: tx.now_ms() + self.ttl_ms.get(),
            steps: Vec::new(),
            archived: None,
            claimed: None,
        };
        let receipt = receipt_of(&self.sku, id.clone(), &hold, &after, false);
        if let (Some(buyer), Some(taken)) = (&self.buyer, taken) {
            tx.put(&BUYERS, (name, buyer.as_str()), taken);
        }
        tx.wake_at(&EXPIRE, hold.expires_at_ms, (name, id.as_str()));
        file(tx, (name, &id), hold, &before, after);
        Ok(receipt)
    }
}

impl Hold {
    fn whose(&self) -> Whose<'_> {
        self.buyer.as_ref().map_or(Whose::Nobody, Whose::Buyer)
    }

    /// Whether the edge knows that nothing else stands against it but a lack of units: nobody has used its id,
    /// and its buyer has none yet.
    fn is_new(&self, edge: &Edge<'_>) -> bool {
        let Some(name) = key_of(edge.splits(), &self.sku, self.whose()) else {
            return false;
        };
        let name = &*name;
        let may_have_hold = match &self.id {
            Id::Mint => false,
            Id::Chosen(id) => edge.may_have(&HOLDS, name, (name, id.as_str())),
        };
        let is_within = match (quantity_of(self.quantity), self.max, &self.buyer) {
            (Ok(_), None, _) => true,
            (Ok(quantity), Some(max), Some(buyer)) => {
                quantity <= max.get() && !edge.may_have(&BUYERS, name, (name, buyer.as_str()))
            }
            (Ok(_), Some(_), None) | (Err(_), _, _) => false,
        };
        is_within && !may_have_hold
    }

    /// What the buyer will have, if the limit allows it.
    fn taken(
        &self,
        tx: &mut Tx<'_>,
        name: &str,
        quantity: u64,
    ) -> Result<Option<Taken>, Stop<Refusal>> {
        let Some(buyer) = &self.buyer else {
            return Ok(None);
        };
        let row = tx.get(&BUYERS, (name, buyer.as_str()))?;
        let mut taken = row.unwrap_or_default();
        match self.max {
            Some(max) if taken.units + quantity > max.get() => Err(Refusal::OverLimit {
                taken: taken.units,
                max: max.get(),
            }
            .into()),
            Some(_) | None => {
                taken.units += quantity;
                Ok(Some(taken))
            }
        }
    }
}
